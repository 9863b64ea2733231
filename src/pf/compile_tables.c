/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_tables.c - tables, and what interfaces have, as sets of nftables.
 *
 * A table is a set of ranges. The kernel takes time to change one that grows
 * with it, and packets cannot add to it, so that a large table, and one that
 * overload names, has its single addresses in a second set, a hash.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/compile_internal.h"
#include "pf/ruleset.h"
#include "pf/tablefile.h"

/* --- tables --- */

enum { MIN_HASH_SIZE = 65535 };

static void
put_span(struct compile *c, const struct pf_span *s, struct buf *out)
{
	char ip[46];

	buf_puts(out, out->len > 0 ? ", " : "");
	buf_puts(out, pf_ip_text(c->af, &s->first, ip));
	if (pf_ip_cmp(&s->first, &s->last) != 0)
		buf_printf(out, "-%s", pf_ip_text(c->af, &s->last, ip));
}

/* What an entry has counted before goes to the first of its ranges. */
static void
put_count(const struct compile *c, const struct pf_table *t,
          const struct pf_span *s, struct buf *out)
{
	const unsigned f = pf_family(c->af);
	struct pf_entry_count *n;
	size_t at;

	if (!t->counters || t->content == NULL ||
	    t->content->counts.v[f] == NULL)
		return;
	at = pf_entry_match(t->content->entries.v[f], t->content->entries.n[f],
	                    &s->first, pf_af_bits(c->af));
	if (at == t->content->entries.n[f])
		return;
	n = &t->content->counts.v[f][at];
	buf_printf(out, " counter packets %llu bytes %llu",
	           (unsigned long long)n->packets,
	           (unsigned long long)n->bytes);
	*n = (struct pf_entry_count){ 0, 0 };
}

/* What a table holds in the family at hand. */
static bool
spans_of(const struct compile *c, const struct pf_table *t,
         struct pf_spans *out)
{
	struct pf_entries defined = { 0 };
	const struct pf_entries *entries =
	    t->content != NULL ? &t->content->entries : &defined;
	bool ok = t->content != NULL || pf_entries_define(&defined, t, 0) == 0;

	ok = ok && pf_entries_spans(entries, pf_family(c->af), out);
	pf_entries_fini(&defined);
	return ok;
}

static const char *
type_of(const struct compile *c, const struct pf_table *t, const char *more)
{
	return arena_printf(c->t->arena, "%s; %s%s",
	                    c->af == PF_AF_INET6 ? "ipv6_addr" : "ipv4_addr",
	                    more, t->counters ? "; counter" : "");
}

static struct nf_set *
new_set(struct compile *c, const char *type, const char *name)
{
	struct nf_set *set =
	    type != NULL ? nf_set_new(c->t, type, "%s", name) : NULL;

	if (set != NULL)
		set->elements =
		    arena_alloc(c->t->arena, sizeof(*set->elements));
	return set != NULL && set->elements != NULL ? set : NULL;
}

/* The sets of a table that holds spans; single may be NULL. */
static bool
put_sets(struct compile *c, const struct pf_table *t,
         const struct pf_spans *spans, const struct pf_table_sets *names)
{
	struct nf_set *range =
	    new_set(c, type_of(c, t, "flags interval"), names->range);
	struct nf_set *single = NULL;
	size_t size =
	    2 * spans->n > MIN_HASH_SIZE ? 2 * spans->n : MIN_HASH_SIZE;

	if (names->single != NULL)
		single = new_set(
		    c,
		    type_of(c, t,
		            arena_printf(c->t->arena, "flags dynamic; size %zu",
		                         size)),
		    names->single);
	if (range == NULL || (names->single != NULL && single == NULL))
		return false;
	for (size_t i = 0; i < spans->n; i++) {
		const struct pf_span *s = &spans->v[i];
		bool one = pf_ip_cmp(&s->first, &s->last) == 0;
		struct buf *out =
		    one && single != NULL ? single->elements : range->elements;

		put_span(c, s, out);
		put_count(c, t, s, out);
	}
	return !range->elements->failed &&
	       (single == NULL || !single->elements->failed);
}

/* Names of anchors and tables as nft can say them: other bytes as _XX, so that
 * two underscores part them. */
static void
put_escaped(const char *s, struct buf *out)
{
	for (; *s != '\0'; s++)
		if (isalnum((unsigned char)*s))
			buf_putc(out, *s);
		else
			buf_printf(out, "_%02x", (unsigned char)*s);
}

void
pf_table_set_name(const char *path, const char *table, bool single,
                  struct buf *out)
{
	buf_puts(out, single ? "h_" : "t_");
	put_escaped(path, out);
	buf_puts(out, "__");
	put_escaped(table, out);
}

static const char *
set_name(struct compile *c, const char *path, const char *table, bool single)
{
	cleanup_buf struct buf name = BUF_INIT;

	pf_table_set_name(path, table, single, &name);
	return arena_strdup(c->t->arena, buf_str(&name));
}

static bool
names_of(struct compile *c, const struct pf_ruleset *rs, const char *table,
         const struct pf_table *t, struct pf_table_sets *out)
{
	out->range = set_name(c, rs->path, table, false);
	out->single =
	    t != NULL && t->hashed ? set_name(c, rs->path, table, true) : NULL;
	return out->range != NULL;
}

bool
pf_table_sets(struct compile *c, const struct pf_ruleset *rs, const char *table,
              struct pf_table_sets *out)
{
	static const struct pf_table undefined;
	const struct pf_spans none = { 0 };
	const struct pf_table *t = pf_table_here(rs, table);

	/* The ruleset's own, or else the main one's. */
	if (t == NULL) {
		rs = c->conf->main;
		t = pf_table_here(rs, table);
	}
	return names_of(c, rs, table, t, out) &&
	       (nf_set_find(c->t, out->range) != NULL ||
	        put_sets(c, &undefined, &none, out));
}

bool
pf_compile_tables(struct compile *c)
{
	const struct pf_ruleset *top = c->conf->main;

	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		for (const struct pf_table *t = rs->table; t != NULL;
		     t = t->next) {
			struct pf_spans spans = { 0 };
			struct pf_table_sets names;
			bool ok = names_of(c, rs, t->name, t, &names) &&
			          spans_of(c, t, &spans) &&
			          put_sets(c, t, &spans, &names);

			pf_spans_fini(&spans);
			if (!ok)
				return false;
		}
	return true;
}

static size_t
single_entries(const struct pf_table *t)
{
	size_t n = 0;

	if (t->content != NULL)
		return pf_entries_single(&t->content->entries);
	for (size_t i = 0; i < t->n; i++)
		n += t->addr[i].addr.bits == pf_af_bits(t->addr[i].addr.af);
	return n;
}

void
pf_hash_tables(struct pf_config *conf)
{
	const struct pf_ruleset *rs;

	for (rs = conf->main; rs != NULL; rs = pf_ruleset_next(conf->main, rs))
		for (struct pf_table *t = rs->table; t != NULL; t = t->next) {
			t->hashed = single_entries(t) >= PF_MIN_HASHED;
			t->dynamic = false;
		}
	for (rs = conf->main; rs != NULL; rs = pf_ruleset_next(conf->main, rs))
		for (const struct pf_rule *r = rs->rules[PF_FILTER].first;
		     r != NULL; r = r->next) {
			struct pf_table *t =
			    r->so.overload != NULL
			        ? pf_table_find(rs, r->so.overload)
			        : NULL;

			if (t != NULL)
				t->hashed = t->dynamic = true;
		}
}

/* --- (em0) --- */

bool
pf_is_interface_of(struct compile *c, const char *ifname, const char *name)
{
	const char *pattern = pf_if_pattern(c, name);
	size_t len = strlen(pattern);

	if (strcmp(name, "self") == 0 || strcmp(pattern, ifname) == 0)
		return true;
	return len > 1 && pattern[len - 1] == '*' &&
	       strncmp(pattern, ifname, len - 1) == 0;
}

/* Its addresses, each as an entry. */
static bool
dyn_entries(struct compile *c, const struct pf_addr *a, struct pf_entries *out)
{
	const bool network = (a->dyn & PF_DYN_NETWORK) != 0;
	struct pf_found_list l = { 0 };
	struct pf_requests r = { 0 };
	struct pf_change change = { 0 };
	bool ok = true;

	c->world->addresses(c->world->ctx, &l);
	for (size_t i = 0; ok && i < l.n; i++) {
		const struct pf_found *f = &l.v[i];
		unsigned max = pf_af_bits(f->af);
		unsigned bits = network         ? f->bits
		                : a->bits < max ? a->bits
		                                : max;

		if (f->af != c->af ||
		    !pf_is_interface_of(c, f->ifname, a->name) ||
		    ((a->dyn & PF_DYN_BROADCAST) != 0 && !f->has_broadcast) ||
		    ((a->dyn & PF_DYN_PEER) != 0 && !f->has_peer))
			continue;
		ok = pf_requests_add(&r, f->af,
		                     (a->dyn & PF_DYN_BROADCAST) != 0
		                         ? &f->broadcast
		                     : (a->dyn & PF_DYN_PEER) != 0 ? &f->peer
		                                                   : &f->ip,
		                     bits, false) != NULL;
	}
	ok = ok && pf_entries_add(out, &r, 0, &change) == 0;
	pf_change_fini(&change);
	pf_requests_fini(&r);
	pf_found_fini(&l);
	return ok;
}

const char *
pf_dyn_set(struct compile *c, const struct pf_addr *a)
{
	cleanup_buf struct buf name = BUF_INIT;
	struct pf_table_sets names = { 0 };
	struct pf_content content = { 0 };
	const struct pf_table table = { .content = &content };
	struct pf_spans spans = { 0 };
	bool ok;

	buf_puts(&name, "i_");
	put_escaped(a->name, &name);
	buf_printf(&name, "_%u_%u", a->dyn, a->bits);
	names.range = arena_strdup(c->t->arena, buf_str(&name));
	if (names.range == NULL || nf_set_find(c->t, names.range) != NULL)
		return names.range;
	ok = dyn_entries(c, a, &content.entries) &&
	     spans_of(c, &table, &spans) && put_sets(c, &table, &spans, &names);
	pf_spans_fini(&spans);
	pf_content_fini(&content);
	return ok ? names.range : NULL;
}
