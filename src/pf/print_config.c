/* SPDX-License-Identifier: BSD-2-Clause */
/* print_config.c - whole rulesets and configurations as pfctl prints them. */
#include <string.h>

#include "pf/pf.h"

static void
print_ruleset(const struct pf_ruleset *rs, enum pf_kind kind, unsigned depth,
              const struct pf_print_env *env, struct buf *out)
{
	for (const struct pf_rule *r = rs->rules[kind].first; r != NULL;
	     r = r->next) {
		for (unsigned i = 0; i < depth && env->indent; i++)
			buf_puts(out, "  ");
		pf_print_rule(r, env, out);
		if (!r->is_inline || !env->indent) {
			buf_putc(out, '\n');
			continue;
		}
		buf_puts(out, " {\n");
		print_ruleset(r->anchor, kind, depth + 1, env, out);
		for (unsigned i = 0; i < depth; i++)
			buf_puts(out, "  ");
		buf_puts(out, "}\n");
	}
}

void
pf_print_rules(const struct pf_ruleset *rs, enum pf_kind kind,
               const struct pf_print_env *env, struct buf *out)
{
	print_ruleset(rs, kind, 0, env, out);
}

void
pf_print_options(const struct pf_config *conf, struct buf *out)
{
	const char *line = buf_str(&conf->echo);

	while (*line != '\0') {
		size_t len = strcspn(line, "\n") + 1;

		/* set is a keyword: no macro has its name. */
		if (strncmp(line, "set ", 4) == 0)
			buf_put(out, line, len);
		line += len;
	}
}

void
pf_print_config(const struct pf_config *conf, const struct pf_print_env *env,
                struct buf *out)
{
	static const enum pf_kind order[] = { PF_SCRUB, PF_ETHER, PF_NAT,
		                              PF_RDR,   PF_BINAT, PF_FILTER };

	for (size_t k = 0; k < ARRAY_LEN(order); k++)
		print_ruleset(conf->main, order[k], 0, env, out);
}
