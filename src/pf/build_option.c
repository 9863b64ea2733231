/* SPDX-License-Identifier: BSD-2-Clause */
/* build_option.c - set: what each option does, and what -v prints of it. */
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "pf/build.h"
#include "pf/names.h"
#include "pf/quote.h"

/* Is the option at its place, and wanted? */
static bool
takes(struct pf_parser *p, bool ordered)
{
	if (ordered && !pf_in_phase(p, PF_PHASE_OPTION))
		return false;
	return (p->env->want & PF_WANT_OPTION) != 0;
}

static void
say(struct pf_parser *p, const char *key, const char *value)
{
	buf_printf(&p->conf->echo, "set %s %s\n", key, value);
}

void
pf_set_timeouts(struct pf_parser *p, const struct pf_items *l)
{
	struct pf_options *o = &p->conf->opts;

	if (!takes(p, true))
		return;
	for (const struct pf_item *i = l->first; i != NULL; i = i->next) {
		enum pf_timeout t = pf_timeout_find(i->a.word);

		if (t == PF_NTIMEOUTS || i->b.num < 0 ||
		    i->b.num > UINT32_MAX) {
			pf_complain(p, "unknown timeout %s", i->a.word);
			continue;
		}
		o->timeout[t] = (uint32_t)i->b.num;
		o->timeout_set |= 1U << t;
		buf_printf(&p->conf->echo, "set timeout %s %lld\n", i->a.word,
		           i->b.num);
	}
}

void
pf_set_limits(struct pf_parser *p, const struct pf_items *l)
{
	struct pf_options *o = &p->conf->opts;

	if (!takes(p, true))
		return;
	for (const struct pf_item *i = l->first; i != NULL; i = i->next) {
		enum pf_limit k = pf_limit_find(i->a.word);

		if (k == PF_NLIMITS || i->b.num < 0 || i->b.num > UINT32_MAX) {
			pf_complain(p, "unable to set limit %s %lld", i->a.word,
			            i->b.num);
			continue;
		}
		o->limit[k] = (uint32_t)i->b.num;
		o->limit_set |= 1U << k;
		buf_printf(&p->conf->echo, "set limit %s %lld\n", i->a.word,
		           i->b.num);
	}
}

/* The timeouts of a name for a kind of network; what was set by hand stays. */
void
pf_set_optimization(struct pf_parser *p, const char *word)
{
	static const enum pf_timeout tcp[] = {
		PF_TM_TCP_FIRST,   PF_TM_TCP_OPENING, PF_TM_TCP_ESTABLISHED,
		PF_TM_TCP_CLOSING, PF_TM_TCP_FINWAIT, PF_TM_TCP_CLOSED
	};
	const struct pf_optimization *opt = pf_optimization_find(word);
	struct pf_options *o = &p->conf->opts;

	if (!takes(p, true))
		return;
	if (opt == NULL) {
		pf_complain(p, "unknown optimization %s", word);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(tcp); i++)
		if ((o->timeout_set & (1U << tcp[i])) == 0)
			o->timeout[tcp[i]] = opt->tcp[i];
	if ((o->timeout_set & (1U << PF_TM_TCP_TSDIFF)) == 0)
		o->timeout[PF_TM_TCP_TSDIFF] = opt->tsdiff;
	o->optimization = word;
	say(p, "optimization", word);
}

void
pf_set_ruleset_optimization(struct pf_parser *p, const char *word)
{
	static const struct {
		const char *word;
		uint8_t how;
	} words[] = { { "none", PF_OPT_NONE },
		      { "basic", PF_OPT_BASIC },
		      { "profile", PF_OPT_PROFILE } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, word) == 0) {
			if (takes(p, false))
				p->conf->opts.optimize = words[i].how;
			return;
		}
	pf_complain(p, "unknown ruleset-optimization %s", word);
}

void
pf_set_loginterface(struct pf_parser *p, const char *ifname)
{
	if (!takes(p, true))
		return;
	if (strlen(ifname) >= PF_IFNAME_SIZE) {
		pf_complain(p, "error setting loginterface %s", ifname);
		return;
	}
	p->conf->opts.loginterface = ifname;
	buf_puts(&p->conf->echo, "set loginterface ");
	if (strcmp(ifname, "all") == 0)
		buf_puts(&p->conf->echo, ifname);
	else
		pf_put_word(&p->conf->echo, ifname);
	buf_putc(&p->conf->echo, '\n');
}

void
pf_set_block_policy(struct pf_parser *p, enum pf_return how)
{
	if (!takes(p, true))
		return;
	p->conf->opts.block_policy = (uint8_t)how;
	say(p, "block-policy", how == PF_DROP ? "drop" : "return");
}

void
pf_set_fail_policy(struct pf_parser *p, enum pf_return how)
{
	if (!takes(p, true))
		return;
	p->conf->opts.fail_policy = (uint8_t)how;
	say(p, "fail-policy", how == PF_DROP ? "drop" : "return");
}

void
pf_set_state_policy(struct pf_parser *p, long long if_bound)
{
	if (!takes(p, false))
		return;
	p->conf->opts.if_bound = if_bound != 0;
	say(p, "state-policy", if_bound != 0 ? "if-bound" : "floating");
}

void
pf_set_state_defaults(struct pf_parser *p, const struct pf_items *l)
{
	if (p->has_state_defaults) {
		pf_complain(p, "cannot redefine state-defaults");
		return;
	}
	p->state_defaults = *l;
	p->has_state_defaults = true;
}

void
pf_set_require_order(struct pf_parser *p, long long yes)
{
	if (!takes(p, false))
		return;
	p->require_order = yes != 0;
	say(p, "require-order", yes != 0 ? "yes" : "no");
}

void
pf_set_fingerprints(struct pf_parser *p, const char *file)
{
	if (!takes(p, true))
		return;
	p->conf->opts.fingerprints = file;
	buf_puts(&p->conf->echo, "set fingerprints ");
	pf_put_quoted(&p->conf->echo, file);
	buf_putc(&p->conf->echo, '\n');
}

/* Names in an array of the arena that doubles. */
static bool
skip_one(struct pf_parser *p, const char *name)
{
	struct pf_options *o = &p->conf->opts;

	if (o->n_skip == o->cap_skip) {
		size_t cap = o->cap_skip != 0 ? 2 * o->cap_skip : 8;
		const char **v = arena_alloc(p->arena, cap * sizeof(*v));

		if (v == NULL)
			return false;
		if (o->n_skip > 0)
			memcpy(v, o->skip, o->n_skip * sizeof(*v));
		o->skip = v;
		o->cap_skip = cap;
	}
	o->skip[o->n_skip++] = name;
	return true;
}

void
pf_set_skip(struct pf_parser *p, const struct pf_items *ifs)
{
	struct buf *echo = &p->conf->echo;
	const struct pf_item *i;

	for (i = ifs->first; i != NULL; i = i->next) {
		if (i->not )
			pf_complain(p, "skip on ! <interface> is not "
			               "supported");
		else if (strlen(i->a.word) >= PF_IFNAME_SIZE)
			pf_complain(p, "error setting skip interface(s)");
		else
			continue;
		return;
	}
	if (!takes(p, false))
		return;
	p->conf->opts.skip_set = true;
	if (strcmp(ifs->first->a.word, "none") == 0) {
		say(p, "skip on", "none");
		return;
	}
	buf_puts(echo, "set skip on {");
	for (i = ifs->first; i != NULL && skip_one(p, i->a.word); i = i->next) {
		buf_putc(echo, ' ');
		pf_put_word(echo, i->a.word);
	}
	buf_puts(echo, " }\n");
}

void
pf_set_debug(struct pf_parser *p, const char *word)
{
	int level = pf_debug_find(word);

	if (!takes(p, true))
		return;
	if (level < 0) {
		pf_note(p, "unknown debug level \"%s\"", word);
		pf_complain(p, "error setting debuglevel %s", word);
		return;
	}
	p->conf->opts.debug = (uint8_t)level;
	p->conf->opts.debug_set = true;
	say(p, "debug", word);
}

void
pf_set_hostid(struct pf_parser *p, long long id)
{
	if (id <= 0 || id > UINT32_MAX) {
		pf_complain(p, "hostid must be non-zero");
		return;
	}
	if (!takes(p, false))
		return;
	p->conf->opts.hostid = (uint32_t)id;
	p->conf->opts.hostid_set = true;
	buf_printf(&p->conf->echo, "set hostid 0x%08llx\n", id);
}

void
pf_set_keepcounters(struct pf_parser *p)
{
	if (takes(p, false))
		p->conf->opts.keepcounters = true;
}

void
pf_set_reassemble(struct pf_parser *p, long long yes, bool no_df)
{
	struct pf_options *o = &p->conf->opts;

	if (!takes(p, true))
		return;
	o->reassemble = yes != 0;
	o->reassemble_no_df = no_df;
	o->reassemble_set = true;
	buf_printf(&p->conf->echo, "set reassemble %s %s\n",
	           yes != 0 ? "yes" : "no", no_df ? "no-df" : "");
}

static bool
watermark(struct pf_parser *p, const char *word, const char *value)
{
	struct pf_options *o = &p->conf->opts;
	char *end;
	long v;

	if (word == NULL)
		return true;
	v = strtol(value, &end, 10);
	if (end == value || strcmp(end, "%") != 0 || v < 0 || v > 100)
		return false;
	if (strcmp(word, "start") == 0)
		o->syncookies_high = (uint8_t)v;
	else if (strcmp(word, "end") == 0)
		o->syncookies_low = (uint8_t)v;
	else
		return false;
	return true;
}

void
pf_set_syncookies(struct pf_parser *p, const char *mode, const char *a,
                  const char *a_value, const char *b, const char *b_value)
{
	static const char *const modes[] = { "never", "always", "adaptive" };
	struct pf_options *o = &p->conf->opts;
	size_t m = 0;

	while (m < ARRAY_LEN(modes) && strcmp(modes[m], mode) != 0)
		m++;
	if (!takes(p, false))
		return;
	o->syncookies_high = 25;
	o->syncookies_low = 12;
	if (m == ARRAY_LEN(modes) || (a != NULL && m != 2) ||
	    !watermark(p, a, a_value) || !watermark(p, b, b_value) ||
	    o->syncookies_low >= o->syncookies_high) {
		pf_complain(p, "illegal value for syncookies");
		return;
	}
	o->syncookies = (uint8_t)m;
	o->syncookies_set = true;
	if (m == 2)
		buf_printf(&p->conf->echo,
		           "set syncookies adaptive (start %u%%, end %u%%)\n",
		           o->syncookies_high, o->syncookies_low);
	else
		say(p, "syncookies", mode);
}
