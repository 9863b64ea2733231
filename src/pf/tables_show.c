/* SPDX-License-Identifier: BSD-2-Clause */
/* tables_show.c - tables and their entries as pfctl tells them. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "pf/addr.h"
#include "pf/contents.h"
#include "pf/ruleset.h"
#include "pf/tables.h"

/* --- entries --- */

/* The name of a single address, behind it. */
static void
put_name(unsigned af, const struct pf_entry *e, struct buf *out)
{
	char name[PF_HOST_SIZE];

	if (pf_host_name(af, &e->ip, name))
		buf_printf(out, "\t(%s)", name);
}

static void
put_entry(unsigned af, const struct pf_entry *e, struct buf *out)
{
	char ip[46];

	buf_putc(out, e->not ? '!' : ' ');
	buf_puts(out, pf_ip_text(af, &e->ip, ip));
	if (e->bits < pf_af_bits(af))
		buf_printf(out, "/%u", e->bits);
}

static void
put_line(char letter, unsigned af, const struct pf_entry *e, bool reverse,
         struct buf *out)
{
	buf_printf(out, "%c ", letter);
	put_entry(af, e, out);
	if (reverse && e->bits == pf_af_bits(af))
		put_name(af, e, out);
	buf_putc(out, '\n');
}

void
pf_put_request(const struct pf_request *r, bool reverse, struct buf *out)
{
	put_line(r->feedback, r->af, &r->e, reverse, out);
}

void
pf_put_test(const struct pf_request *r, bool reverse, struct buf *out)
{
	buf_printf(out, "%c ", r->feedback);
	put_entry(r->af, &r->e, out);
	if (r->is_found) {
		buf_putc(out, '\t');
		put_entry(r->af, &r->found, out);
	} else {
		buf_puts(out, "\t nomatch");
	}
	if (reverse)
		put_name(r->af, &r->e, out);
	buf_putc(out, '\n');
}

static void
put_cleared(int64_t since, struct buf *out)
{
	time_t t = since;
	char text[32];

	buf_printf(out, "\tCleared:     %s", ctime_r(&t, text));
}

static void
put_counts(const char *what, const struct pf_entry_count *n, struct buf *out)
{
	buf_printf(out, "\t%-12s [ Packets: %-18llu Bytes: %-18llu ]\n", what,
	           (unsigned long long)n->packets,
	           (unsigned long long)n->bytes);
}

void
pf_put_entries(const struct pf_entries *t, const struct pf_table_counts *counts,
               unsigned verbose, bool reverse, struct buf *out)
{
	for (unsigned f = 0; f < PF_NFAMILIES; f++) {
		size_t i = 0, end, at;

		/* Of one address the longer network goes first. */
		for (; i < t->n[f]; i = end) {
			end = i + 1;
			while (end < t->n[f] &&
			       pf_ip_cmp(&t->v[f][end].ip, &t->v[f][i].ip) == 0)
				end++;
			for (at = end; at-- > i;) {
				put_line(' ', pf_family_af(f), &t->v[f][at],
				         reverse, out);
				if (verbose == 0)
					continue;
				put_cleared(t->v[f][at].since, out);
				if (counts != NULL)
					put_counts(
					    "Matched:", &counts->v[f][at], out);
			}
		}
	}
}

/* --- -s Tables --- */

/* Has another ruleset a table of the name? */
static bool
is_hidden(const struct pf_config *conf, const struct pf_ruleset *at,
          const char *name)
{
	const struct pf_ruleset *rs = conf->main;

	if (at != conf->main)
		return false;
	while ((rs = pf_ruleset_next(conf->main, rs)) != NULL)
		if (pf_table_here(rs, name) != NULL)
			return true;
	return false;
}

static void
put_table(const struct pf_store *s, const struct pf_ruleset *rs,
          const struct pf_table *t, unsigned verbose, struct buf *out)
{
	size_t references = pf_table_references(s->conf, rs, t);

	if (verbose > 0)
		buf_printf(out, "%c%ca-%c%c%c\t", t->constant ? 'c' : '-',
		           t->persist ? 'p' : '-', references > 0 ? 'r' : '-',
		           is_hidden(s->conf, rs, t->name) ? 'h' : '-',
		           t->counters ? 'C' : '-');
	buf_puts(out, t->name);
	if (rs->path[0] != '\0')
		buf_printf(out, "\t%s", rs->path);
	buf_putc(out, '\n');
}

/* What is known of its use. */
static int
put_stats(const struct pf_store *s, const struct pf_ruleset *rs,
          const struct pf_table *t, struct buf *out, struct error *err)
{
	const struct pf_tableplace at = { s->dir, s->generation, rs->path,
		                          t->name };
	struct pf_entry_count sum = { 0, 0 };
	struct pf_table_counts counts;
	struct pf_content c;
	struct pf_change added = { 0 };
	int code = 0;

	if (pf_tablefile_read(&at, &c, err) < 0)
		return err->code;
	if (c.dynamic)
		code = pf_contents_absorb(&at, &c, time(NULL), &added, err);
	pf_change_fini(&added);
	if (code < 0) {
		pf_content_fini(&c);
		return code;
	}
	buf_printf(out, "\tAddresses:   %zu\n",
	           c.entries.n[PF_V4] + c.entries.n[PF_V6]);
	put_cleared(c.since, out);
	buf_printf(out, "\tReferences:  [ Anchors: %-18d Rules: %-18zu ]\n",
	           is_hidden(s->conf, rs, t->name),
	           pf_table_references(s->conf, rs, t));
	if (c.counters && pf_table_counts(rs->path, t->name, &c.entries,
	                                  c.hashed, &counts, err) == 0) {
		for (unsigned f = 0; f < PF_NFAMILIES; f++)
			for (size_t i = 0; i < c.entries.n[f]; i++) {
				sum.packets += counts.v[f][i].packets;
				sum.bytes += counts.v[f][i].bytes;
			}
		put_counts("Matched:", &sum, out);
		pf_table_counts_fini(&counts);
	}
	pf_content_fini(&c);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct pf_table *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

int
pf_tables_show(const struct pf_store *s, const char *path, unsigned verbose,
               struct buf *out, struct error *err)
{
	cleanup_free const struct pf_table **v = NULL;
	const struct pf_ruleset *rs = pf_ruleset_find(s->conf, path);
	size_t n = 0;

	if (rs == NULL)
		return error_set(err, -ENOENT,
		                 "Anchor or Ruleset does not exist.");
	for (const struct pf_table *t = rs->table; t != NULL; t = t->next)
		n++;
	v = calloc(n + 1, sizeof(struct pf_table *));
	if (v == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	n = 0;
	for (const struct pf_table *t = rs->table; t != NULL; t = t->next)
		v[n++] = t;
	qsort(v, n, sizeof(struct pf_table *), by_name);
	for (size_t i = 0; i < n; i++) {
		put_table(s, rs, v[i], verbose, out);
		if (verbose > 1 && put_stats(s, rs, v[i], out, err) < 0)
			return err->code;
	}
	return 0;
}
