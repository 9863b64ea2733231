/* SPDX-License-Identifier: BSD-2-Clause */
/* contents.c - what tables hold, from one load to the next. */
#include "pf/contents.h"

#include <linux/netlink.h>

#include <errno.h>
#include <string.h>

#include "pf/compile.h"
#include "pf/ruleset.h"
#include "pf/sets.h"

/* --- what packets have added --- */

struct added {
	struct pf_requests requests;
	unsigned af;
};

static int
see_added(const struct pf_set_element *e, void *arg, struct error *err)
{
	struct added *to = arg;

	if (pf_requests_add(&to->requests, to->af, &e->ip, pf_af_bits(to->af),
	                    false) == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

int
pf_contents_absorb(const struct pf_tableplace *p, struct pf_content *c,
                   int64_t now, struct pf_change *change, struct error *err)
{
	cleanup_buf struct buf set = BUF_INIT;
	struct added to = { .af = PF_AF_NONE };
	struct nl_sock nl;
	int code = 0;

	pf_table_set_name(p->path, p->name, true, &set);
	if (nl_open(&nl, NETLINK_NETFILTER, -1, err) < 0)
		return err->code;
	for (unsigned f = 0; f < PF_NFAMILIES && code == 0; f++) {
		to.af = pf_family_af(f);
		code = pf_sets_read(&nl, to.af, buf_str(&set), see_added, &to,
		                    err);
		code = code == -ENOENT ? 0 : code;
	}
	nl_close(&nl);
	if (code == 0 && pf_entries_add(&c->entries, &to.requests,
	                                (uint32_t)now, change) < 0)
		code = error_set(err, -ENOMEM, "out of memory");
	pf_requests_fini(&to.requests);
	return code;
}

/* --- filling --- */

/* Entries become those of v: what stays keeps its time. */
static int
replace(struct pf_content *c, const struct pf_table *def, int64_t now)
{
	struct pf_requests r = { NULL, 0, 0 };
	struct pf_change change = { 0 };
	int code = pf_requests_define(&r, def);

	if (code == 0)
		code =
		    pf_entries_replace(&c->entries, &r, (uint32_t)now, &change);
	if (change.added + change.deleted + change.changed > 0)
		c->unsettled = true;
	pf_change_fini(&change);
	pf_requests_fini(&r);
	return code;
}

static int
copy(struct pf_entries *to, const struct pf_entries *from)
{
	pf_entries_fini(to);
	for (unsigned f = 0; f < PF_NFAMILIES; f++) {
		size_t n = from->n[f];

		to->v[f] = calloc(n + 1, sizeof(*to->v[f]));
		if (to->v[f] == NULL)
			return -ENOMEM;
		to->n[f] = n;
		to->cap[f] = n + 1;
		if (n > 0)
			memcpy(to->v[f], from->v[f], n * sizeof(*to->v[f]));
	}
	return 0;
}

static int
by_entry(const void *a, const void *b)
{
	return pf_entry_cmp(a, b);
}

/* What entries had counted goes on; those that are new begin. */
static int
keep_counts(struct pf_content *c, const struct pf_entries *was,
            const struct pf_tableplace *old, struct error *err)
{
	struct pf_table_counts counts;
	int code =
	    pf_table_counts(old->path, old->name, was, c->hashed, &counts, err);

	for (unsigned f = 0; f < PF_NFAMILIES && code == 0; f++) {
		const struct pf_entries *t = &c->entries;

		c->counts.v[f] = calloc(t->n[f] + 1, sizeof(*c->counts.v[f]));
		if (c->counts.v[f] == NULL)
			code = error_set(err, -ENOMEM, "out of memory");
		for (size_t i = 0; code == 0 && i < t->n[f]; i++) {
			const struct pf_entry *e =
			    was->n[f] > 0
			        ? bsearch(&t->v[f][i], was->v[f], was->n[f],
			                  sizeof(*e), by_entry)
			        : NULL;

			if (e != NULL)
				c->counts.v[f][i] = counts.v[f][e - was->v[f]];
		}
	}
	pf_table_counts_fini(&counts);
	return code;
}

/* New entries, where there are any. */
static int
renew(struct pf_content *c, const struct pf_table *def,
      const struct pf_contents_new *from, bool is_new, int64_t now)
{
	if (!is_new)
		return def != NULL && def->has_init ? replace(c, def, now) : 0;
	c->since = from->since;
	c->unsettled = true;
	return copy(&c->entries, from->entries);
}

/* unsettled of a content says: not what its file has. */
static int
fill_table(struct pf_table *t, const struct pf_contents_new *from,
           const struct pf_tableplace *old, int64_t now, struct error *err)
{
	const struct pf_ruleset *rs =
	    from->came != NULL ? pf_ruleset_find(from->came, old->path) : NULL;
	const struct pf_table *def =
	    rs != NULL && rs->is_loaded ? pf_table_here(rs, t->name) : NULL;
	struct pf_change added = { 0 };
	struct pf_entries was = { 0 };
	bool counted;
	int code = -ENOENT;

	if (old->dir >= 0 && old->generation != 0)
		code = pf_tablefile_read(old, t->content, err);
	if (code < 0 && code != -ENOENT)
		return code;
	if (code == -ENOENT) {
		t->content->since = now;
		t->content->unsettled = true;
	}
	code = 0;
	if (t->content->dynamic &&
	    pf_contents_absorb(old, t->content, now, &added, err) < 0)
		code = err->code;
	t->content->unsettled |= added.added > 0;
	pf_change_fini(&added);
	if (code < 0)
		return code;
	counted = t->counters && t->content->counters;
	if (counted)
		code = copy(&was, &t->content->entries);
	if (code == 0)
		code = renew(t->content, def, from,
		             from->path != NULL &&
		                 strcmp(from->path, old->path) == 0 &&
		                 strcmp(from->name, t->name) == 0,
		             now);
	if (code < 0)
		error_set(err, code, "table <%s>: %s", t->name,
		          strerror(-code));
	else if (counted)
		code = keep_counts(t->content, &was, old, err);
	pf_entries_fini(&was);
	return code;
}

int
pf_contents_fill(struct pf_config *conf, const struct pf_contents_new *from,
                 int dir, uint64_t generation, int64_t now, struct error *err)
{
	for (struct pf_ruleset *rs = conf->main; rs != NULL;
	     rs = pf_ruleset_next(conf->main, rs))
		for (struct pf_table *t = rs->table; t != NULL; t = t->next) {
			const struct pf_tableplace old = { dir, generation,
				                           rs->path, t->name };

			t->content = calloc(1, sizeof(*t->content));
			if (t->content == NULL)
				return error_set(err, -ENOMEM, "out of memory");
			if (fill_table(t, from, &old, now, err) < 0)
				return err->code;
		}
	return 0;
}

void
pf_contents_release(struct pf_config *conf)
{
	for (struct pf_ruleset *rs = conf->main; rs != NULL;
	     rs = pf_ruleset_next(conf->main, rs))
		for (struct pf_table *t = rs->table; t != NULL; t = t->next) {
			if (t->content != NULL)
				pf_content_fini(t->content);
			free(t->content);
			t->content = NULL;
		}
}

/* --- saving --- */

static int
save_table(const struct pf_table *t, const struct pf_tableplace *old,
           uint64_t now, struct error *err)
{
	struct pf_content *c = t->content, now_empty = { 0 };
	struct pf_tableplace to = *old;
	int code = -ENOENT;

	to.generation = now;
	if (old->generation != 0 &&
	    (c == NULL || (!c->unsettled && c->constant == t->constant &&
	                   c->hashed == t->hashed && c->dynamic == t->dynamic &&
	                   c->counters == t->counters)))
		code = pf_tablefile_carry(old, now, err);
	if (code != -ENOENT)
		return code;
	if (c == NULL)
		c = &now_empty;
	c->unsettled = false;
	c->constant = t->constant;
	c->hashed = t->hashed;
	c->dynamic = t->dynamic;
	c->counters = t->counters;
	return pf_tablefile_write(&to, c, err);
}

int
pf_contents_save(const struct pf_config *conf, int dir, uint64_t was,
                 uint64_t now, struct error *err)
{
	for (const struct pf_ruleset *rs = conf->main; rs != NULL;
	     rs = pf_ruleset_next(conf->main, rs))
		for (const struct pf_table *t = rs->table; t != NULL;
		     t = t->next) {
			const struct pf_tableplace old = { dir, was, rs->path,
				                           t->name };

			if (save_table(t, &old, now, err) < 0)
				return err->code;
		}
	return 0;
}

/* --- use --- */

/* Does a table addressed so in rs's rules mean t of the ruleset at? The
 * ruleset's own goes before the main one's. */
static size_t
means(const struct pf_ruleset *rs, const struct pf_addr *a,
      const struct pf_table *t)
{
	return a->kind == PF_ADDR_TABLE && strcmp(a->name, t->name) == 0 &&
	       pf_table_find(rs, a->name) == t;
}

static size_t
pool_means(const struct pf_ruleset *rs, const struct pf_pool *pool,
           const struct pf_table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < pool->n; i++)
		n += means(rs, &pool->target[i].addr, t);
	return n;
}

static bool
rule_means(const struct pf_ruleset *rs, const struct pf_rule *r,
           const struct pf_table *t)
{
	return means(rs, &r->src.addr, t) + means(rs, &r->dst.addr, t) +
	               pool_means(rs, &r->nat, t) + pool_means(rs, &r->rdr, t) +
	               pool_means(rs, &r->route_pool, t) >
	           0 ||
	       (r->so.overload != NULL &&
	        strcmp(r->so.overload, t->name) == 0 &&
	        pf_table_find(rs, r->so.overload) == t);
}

size_t
pf_table_references(const struct pf_config *conf, const struct pf_ruleset *at,
                    const struct pf_table *t)
{
	size_t n = 0;

	/* Only the main ruleset's are seen from elsewhere. */
	for (const struct pf_ruleset *rs = conf->main; rs != NULL;
	     rs = pf_ruleset_next(conf->main, rs))
		for (unsigned k = 0;
		     (at == conf->main || rs == at) && k < PF_NKINDS; k++)
			for (const struct pf_rule *r = rs->rules[k].first;
			     r != NULL; r = r->next)
				n += rule_means(rs, r, t);
	return n;
}

void
pf_contents_prune(struct pf_config *conf)
{
	for (struct pf_ruleset *rs = conf->main; rs != NULL;
	     rs = pf_ruleset_next(conf->main, rs)) {
		struct pf_table **at = &rs->table;

		rs->last_table = NULL;
		while (*at != NULL) {
			if (!(*at)->persist &&
			    pf_table_references(conf, rs, *at) == 0) {
				*at = (*at)->next;
				continue;
			}
			rs->last_table = *at;
			at = &(*at)->next;
		}
	}
}
