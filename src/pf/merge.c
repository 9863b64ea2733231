/* SPDX-License-Identifier: BSD-2-Clause */
/* merge.c - what is loaded and what comes new, as one text by rulesets.
 *
 * A section is a line "ruleset LEN PATH" and LEN bytes of pf.conf.
 */
#include "pf/merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pf/contents.h"
#include "pf/quote.h"
#include "pf/ruleset.h"

static const char head[] = "ruleset ";

/* --- writing --- */

static void
put_section(struct buf *out, const char *path, const struct buf *text)
{
	if (text->len == 0)
		return;
	buf_printf(out, "%s%zu %s\n", head, text->len, path);
	buf_put(out, text->data, text->len);
}

/* What it holds is not configuration: contents.h keeps it. */
static void
put_table(const struct pf_table *t, struct buf *out)
{
	struct pf_table plain = *t;

	plain.part = NULL;
	plain.has_init = false;
	pf_print_table(&plain, out);
	buf_putc(out, '\n');
}

static void
put_rules(const struct pf_ruleset *rs, const struct pf_world *world,
          enum pf_kind kind, struct buf *out)
{
	const struct pf_print_env env = { .world = world,
		                          .numeric_ports = true,
		                          .indent = true };

	if (rs != NULL && !rs->is_inline)
		pf_print_rules(rs, kind, &env, out);
}

/* --- choosing --- */

struct merging {
	struct pf_config *was;
	const struct pf_config *came;
	const struct pf_world *world;
	unsigned want;
	bool keep;
};

/* New definitions, and what was there. Those that nobody has a use for go when
 * the text is read. */
static void
merge_tables(const struct merging *m, const struct pf_ruleset *was,
             const struct pf_ruleset *came, struct buf *out)
{
	bool wanted = came != NULL && (m->want & PF_WANT_TABLE) != 0;

	for (const struct pf_table *t = wanted ? came->table : NULL; t != NULL;
	     t = t->next)
		put_table(t, out);
	for (const struct pf_table *t = was != NULL ? was->table : NULL;
	     t != NULL; t = t->next)
		if (!wanted || pf_table_here(came, t->name) == NULL)
			put_table(t, out);
}

/* Which part of a file brings each kind, in the order of a file. */
static const struct {
	enum pf_kind kind;
	unsigned want;
} kinds[] = {
	{ PF_SCRUB, PF_WANT_FILTER }, { PF_ETHER, PF_WANT_FILTER },
	{ PF_NAT, PF_WANT_NAT },      { PF_RDR, PF_WANT_NAT },
	{ PF_BINAT, PF_WANT_NAT },    { PF_FILTER, PF_WANT_FILTER },
};

static void
merge_ruleset(const struct merging *m, const char *path, struct buf *out)
{
	const struct pf_ruleset *was = pf_ruleset_find(m->was, path);
	const struct pf_ruleset *came = pf_ruleset_find(m->came, path);
	bool loaded = came != NULL && came->is_loaded;
	cleanup_buf struct buf text = BUF_INIT;

	if (path[0] == '\0') {
		if (!loaded || m->keep || (m->want & PF_WANT_OPTION) == 0)
			pf_print_options(m->was, &text);
		if (loaded)
			pf_print_options(m->came, &text);
	}
	merge_tables(m, was, loaded ? came : NULL, &text);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		put_rules(loaded && (m->want & kinds[k].want) != 0 ? came : was,
		          m->world, kinds[k].kind, &text);
	put_section(out, path, &text);
}

static bool
is_unnamed(const struct pf_ruleset *rs)
{
	return rs->name[0] == '_';
}

/* Rulesets in braces of one that is replaced are in braces no more; those
 * without a name are nowhere else: they stay or go with what is around them. */
static void
unbrace(struct pf_ruleset *rs)
{
	for (struct pf_rule *r = rs->rules[PF_FILTER].first; r != NULL;
	     r = r->next)
		if (r->is_inline && !is_unnamed(r->anchor))
			r->is_inline = false;
	for (struct pf_ruleset *c = rs->child; c != NULL; c = c->next)
		if (c->is_inline && !is_unnamed(c)) {
			unbrace(c);
			c->is_inline = false;
		}
}

/* Nor is a ruleset that is loaded from a file. */
static void
unbrace_from(struct pf_config *was, const char *path)
{
	for (struct pf_ruleset *rs = was->main; rs != NULL;
	     rs = pf_ruleset_next(was->main, rs)) {
		struct pf_rule *r = rs->rules[PF_FILTER].first;

		for (; r != NULL; r = r->next)
			if (r->is_inline && strcmp(r->anchor->path, path) == 0)
				r->is_inline = false;
		if (strcmp(rs->path, path) == 0) {
			unbrace(rs);
			rs->is_inline = false;
		}
	}
}

static bool
has_unnamed(const char *path)
{
	return path[0] == '_' || strstr(path, "/_") != NULL;
}

void
pf_merge(struct pf_config *was, const struct pf_config *came,
         const struct pf_world *world, unsigned want, bool keep,
         struct buf *out)
{
	const struct merging m = { was, came, world, want, keep };

	for (const struct pf_ruleset *rs = came->main; rs != NULL;
	     rs = pf_ruleset_next(came->main, rs))
		if ((rs->is_loaded || rs->is_inline) &&
		    (want & PF_WANT_FILTER) != 0)
			unbrace_from(was, rs->path);
	for (const struct pf_ruleset *rs = came->main; rs != NULL;
	     rs = pf_ruleset_next(came->main, rs))
		if (!rs->is_inline)
			merge_ruleset(&m, rs->path, out);
	for (const struct pf_ruleset *rs = was->main; rs != NULL;
	     rs = pf_ruleset_next(was->main, rs))
		if (pf_ruleset_find(came, rs->path) == NULL &&
		    !has_unnamed(rs->path))
			merge_ruleset(&m, rs->path, out);
}

void
pf_sections_of(const struct pf_config *conf, const struct pf_world *world,
               struct buf *out)
{
	for (const struct pf_ruleset *rs = conf->main; rs != NULL;
	     rs = pf_ruleset_next(conf->main, rs)) {
		cleanup_buf struct buf text = BUF_INIT;

		if (rs == conf->main)
			pf_print_options(conf, &text);
		for (const struct pf_table *t = rs->table; t != NULL;
		     t = t->next)
			put_table(t, &text);
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
			put_rules(rs, world, kinds[k].kind, &text);
		put_section(out, rs->path, &text);
	}
}

/* --- reading --- */

struct sections {
	const char *at;
	size_t len;
	struct error *why;
};

/* Take the next section off; false at the end, or where there is none. */
static bool
next_section(struct sections *s, const char **path, size_t *path_len,
             const char **text, size_t *len)
{
	const char *line_end = memchr(s->at, '\n', s->len);
	char *number_end;
	unsigned long long n;
	size_t line;

	if (line_end == NULL || s->len < strlen(head) ||
	    strncmp(s->at, head, strlen(head)) != 0)
		return false;
	n = strtoull(s->at + strlen(head), &number_end, 10);
	line = (size_t)(line_end + 1 - s->at);
	if (*number_end != ' ' || number_end > line_end || n > s->len - line)
		return false;
	*path = number_end + 1;
	*path_len = (size_t)(line_end - *path);
	*text = line_end + 1;
	*len = (size_t)n;
	s->at += line + n;
	s->len -= line + (size_t)n;
	return true;
}

/* The text of a path's section, as a file of its own. */
static int
read_section(void *ctx, const char *name, char **out_text, size_t *out_len,
             struct error *err)
{
	struct sections s = *(const struct sections *)ctx;
	const char *path, *text;
	size_t path_len, len;

	while (next_section(&s, &path, &path_len, &text, &len))
		if (path_len == strlen(name) &&
		    memcmp(path, name, path_len) == 0) {
			/* Bytes 0 are text, too: the lexer refuses them. */
			*out_text = malloc(len + 1);
			*out_len = len;
			if (*out_text == NULL)
				return error_set(err, -ENOMEM, "out of memory");
			memcpy(*out_text, text, len);
			(*out_text)[len] = '\0';
			return 0;
		}
	return error_set(err, -ENOENT, "%s: no such ruleset", name);
}

static void
tell(void *ctx, const char *line)
{
	struct sections *s = ctx;

	error_set(s->why, -EINVAL, "what is loaded cannot be read: %s", line);
}

int
pf_sections_parse(const struct pf_world *world, const char *sections,
                  size_t len, struct pf_config **out, struct error *err)
{
	struct error why = { 0 };
	struct sections all = { sections, len, &why }, s = all;
	const struct pf_parse_env env = { .world = world,
		                          .want = PF_WANT_ALL,
		                          .no_dns = true,
		                          .read = read_section,
		                          .read_ctx = &all,
		                          .tell = tell,
		                          .tell_ctx = &all };
	cleanup_buf struct buf main_text = BUF_INIT;
	cleanup_buf struct buf anchors = BUF_INIT;
	const char *path, *text;
	size_t path_len, n;

	while (next_section(&s, &path, &path_len, &text, &n)) {
		char name[PF_PATH_SIZE];

		if (path_len == 0) {
			buf_put(&main_text, text, n);
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)path_len, path);
		buf_puts(&anchors, "load anchor ");
		pf_put_quoted(&anchors, name);
		buf_puts(&anchors, " from ");
		pf_put_quoted(&anchors, name);
		buf_putc(&anchors, '\n');
	}
	if (s.len > 0)
		return error_set(err, -EINVAL, "bytes that are no ruleset");
	buf_puts(&main_text, buf_str(&anchors));
	if (pf_parse(&env, "pf", buf_str(&main_text), main_text.len, out,
	             err) == 0) {
		pf_contents_prune(*out);
		return 0;
	}
	pf_config_free(*out);
	*out = NULL;
	if (why.code != 0)
		*err = why;
	return err->code;
}
