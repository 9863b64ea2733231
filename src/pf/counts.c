/* SPDX-License-Identifier: BSD-2-Clause */
/* counts.c - packets that entries of tables have matched. */
#include "pf/counts.h"

#include <linux/netlink.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pf/compile.h"
#include "pf/sets.h"

struct counting {
	const struct pf_entries *t;
	struct pf_table_counts *to;
	unsigned f;
};

/* An element is a piece of the entry that decides on it. */
static int
see_count(const struct pf_set_element *e, void *arg, struct error *err)
{
	const struct counting *c = arg;
	size_t n = c->t->n[c->f], at;

	(void)err;
	if (e->is_end)
		return 0;
	at = pf_entry_match(c->t->v[c->f], n, &e->ip,
	                    pf_af_bits(pf_family_af(c->f)));
	if (at < n) {
		c->to->v[c->f][at].packets += e->packets;
		c->to->v[c->f][at].bytes += e->bytes;
	}
	return 0;
}

int
pf_table_counts(const char *path, const char *name, const struct pf_entries *t,
                bool hashed, struct pf_table_counts *out, struct error *err)
{
	struct counting c = { t, out, 0 };
	struct nl_sock nl;
	int code = 0;

	memset(out, 0, sizeof(*out));
	if (nl_open(&nl, NETLINK_NETFILTER, -1, err) < 0)
		return err->code;
	for (c.f = 0; c.f < PF_NFAMILIES && code == 0; c.f++) {
		out->v[c.f] = calloc(t->n[c.f] + 1, sizeof(*out->v[c.f]));
		if (out->v[c.f] == NULL)
			code = error_set(err, -ENOMEM, "out of memory");
		for (int single = 0; single <= hashed && code == 0; single++) {
			cleanup_buf struct buf set = BUF_INIT;

			pf_table_set_name(path, name, single != 0, &set);
			code = pf_sets_read(&nl, pf_family_af(c.f),
			                    buf_str(&set), see_count, &c, err);
			code = code == -ENOENT ? 0 : code;
		}
	}
	nl_close(&nl);
	if (code < 0)
		pf_table_counts_fini(out);
	return code;
}

void
pf_table_counts_fini(struct pf_table_counts *c)
{
	for (unsigned f = 0; f < PF_NFAMILIES; f++)
		free(c->v[f]);
	memset(c, 0, sizeof(*c));
}
