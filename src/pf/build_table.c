/* SPDX-License-Identifier: BSD-2-Clause */
/* build_table.c - table definitions, and files of addresses. */
#include <ctype.h>
#include <string.h>

#include "pf/build.h"
#include "pf/pf.h"
#include "pf/ruleset.h"

static bool
add(struct pf_parser *p, struct pf_table *t, const struct pf_hostaddr *h)
{
	if (t->n == t->cap) {
		size_t cap = t->cap != 0 ? 2 * t->cap : 16;
		struct pf_table_addr *v =
		    arena_alloc(p->arena, cap * sizeof(*v));

		if (v == NULL)
			return false;
		if (t->n > 0)
			memcpy(v, t->addr, t->n * sizeof(*v));
		t->addr = v;
		t->cap = cap;
	}
	t->addr[t->n++] = (struct pf_table_addr){ h->addr, h->not };
	return true;
}

/* What a table cannot hold. */
static bool
may_hold(struct pf_parser *p, const struct pf_item *i)
{
	static const char *const not_in_tables[] = {
		[PF_HOST_RANGE] = "address ranges are not permitted inside "
		                  "tables",
		[PF_HOST_DYN] = "dynamic addresses are not permitted inside "
		                "tables",
		[PF_HOST_TABLE] = "tables cannot contain tables",
		[PF_HOST_NOROUTE] = "\"no-route\" is not permitted inside "
		                    "tables",
		[PF_HOST_URPF] = "\"urpf-failed\" is not permitted inside "
		                 "tables",
	};

	if (i->kind < ARRAY_LEN(not_in_tables) &&
	    not_in_tables[i->kind] != NULL) {
		pf_complain(p, "%s", not_in_tables[i->kind]);
		return false;
	}
	return true;
}

static bool
add_items(struct pf_parser *p, struct pf_table *t, const struct pf_items *l)
{
	for (const struct pf_item *i = l->first; i != NULL; i = i->next) {
		struct pf_hosts hosts = { 0 };

		if (!may_hold(p, i) || !pf_host_of(p, i, &hosts))
			return false;
		for (const struct pf_hostaddr *h = hosts.first; h != NULL;
		     h = h->next)
			if (!add(p, t, h))
				return false;
	}
	return true;
}

/* --- files --- */

/* The next word of a table file; # and ; begin comments. */
static const char *
file_word(const char **at, const char *end, size_t *out_len)
{
	const char *s = *at, *word;

	while (s < end &&
	       (isspace((unsigned char)*s) || *s == '#' || *s == ';')) {
		if (*s == '#' || *s == ';')
			while (s < end && *s != '\n')
				s++;
		else
			s++;
	}
	word = s;
	while (s < end && !isspace((unsigned char)*s) && *s != '#' && *s != ';')
		s++;
	*at = s;
	*out_len = (size_t)(s - word);
	return word;
}

/* Each ! turns what the address is to mean. */
bool
pf_table_add_word(struct pf_parser *p, struct pf_table *t, const char *w,
                  size_t n, bool not )
{
	struct pf_item i = { .kind = PF_HOST_WORD, .mask = -1, .not = not };
	struct pf_hosts hosts = { 0 };

	for (; n > 0 && *w == '!'; w++, n--)
		i.not = !i.not ;
	if (memchr(w, '\0', n) != NULL)
		return false;
	i.a.word = arena_strndup(p->arena, w, n);
	if (i.a.word == NULL || !pf_host_of(p, &i, &hosts))
		return false;
	for (const struct pf_hostaddr *h = hosts.first; h != NULL; h = h->next)
		if (!add(p, t, h))
			return false;
	return true;
}

bool
pf_table_add_text(struct pf_parser *p, struct pf_table *t, const char *text,
                  size_t len)
{
	const char *at = text, *end = text + len;
	bool not = false;

	for (;;) {
		size_t n;
		const char *w = file_word(&at, end, &n);

		if (n == 0)
			return !not ;
		if (w[0] == '!') {
			not = !not ;
			w++;
			n--;
		}
		if (n == 0)
			continue;
		if (!pf_table_add_word(p, t, w, n, not ))
			return false;
		not = false;
	}
}

static bool
add_file(struct pf_parser *p, struct pf_table *t, const char *file)
{
	struct error err;
	char *text;
	size_t len;
	bool ok;

	if (p->world->read(p->world->ctx, file, &text, &len, &err) < 0) {
		const char *why = strrchr(err.msg, ':');

		pf_complain(p, "cannot load \"%s\":%s", file,
		            why != NULL ? why + 1 : err.msg);
		return false;
	}
	p->in_table_file = true;
	ok = len <= PF_MAX_FILE_BYTES && pf_table_add_text(p, t, text, len);
	p->in_table_file = false;
	free(text);
	if (!ok)
		pf_complain(p, "file \"%s\" contains bad data", file);
	return ok;
}

/* --- definitions --- */

static bool
add_part(struct pf_parser *p, struct pf_table *t,
         const struct pf_table_part_stmt *ps)
{
	struct pf_table_part *part = arena_alloc(p->arena, sizeof(*part));
	bool ok;

	if (part == NULL)
		return false;
	part->file = ps->file;
	part->first = t->n;
	ok = ps->file != NULL ? add_file(p, t, ps->file)
	                      : add_items(p, t, &ps->hosts);
	part->count = t->n - part->first;
	if (t->part == NULL)
		t->part = part;
	else
		t->last_part->next = part;
	t->last_part = part;
	return ok;
}

/* A second definition takes the place of the first. */
static struct pf_table *
table_for(struct pf_parser *p, const char *name)
{
	struct pf_ruleset *rs = p->ruleset;
	struct pf_table *t = pf_table_here(rs, name);

	if (t != NULL) {
		struct pf_table *next = t->next;

		memset(t, 0, sizeof(*t));
		t->next = next;
		t->name = name;
		return t;
	}
	t = arena_alloc(p->arena, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->name = name;
	if (rs->table == NULL)
		rs->table = t;
	else
		rs->last_table->next = t;
	rs->last_table = t;
	return t;
}

void
pf_build_table(struct pf_parser *p, struct pf_stmt *s)
{
	struct pf_table *t;

	if (strlen(s->name) >= PF_TABLE_SIZE) {
		pf_complain(p, "table name too long, max %d chars",
		            PF_TABLE_SIZE - 1);
		return;
	}
	if ((p->env->want & (PF_WANT_NAT | PF_WANT_FILTER | PF_WANT_TABLE)) ==
	    0)
		return;
	t = table_for(p, s->name);
	if (t == NULL)
		return;
	t->persist = s->table.persist;
	t->constant = s->table.constant;
	t->counters = s->table.counters;
	t->has_init = s->table.init;
	for (const struct pf_table_part_stmt *ps = s->table.first; ps != NULL;
	     ps = ps->next)
		if (!add_part(p, t, ps))
			return;
	pf_print_table(t, &p->conf->echo);
	buf_putc(&p->conf->echo, '\n');
}
