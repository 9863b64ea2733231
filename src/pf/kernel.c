/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel.c - the compiled rules in the kernel: put there, switched, counted. */
#include "pf/kernel.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/nl.h"

int
pf_kernel_apply(const char *program, struct error *err)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	const char *said;
	int code = 0;

	if (nft == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	nft_ctx_buffer_error(nft);
	nft_ctx_buffer_output(nft);
	if (nft_run_cmd_from_buffer(nft, program) != 0) {
		said = nft_ctx_get_error_buffer(nft);
		code = strstr(said, "Operation not permitted") != NULL ? -EPERM
		                                                       : -EIO;
		error_set(err, code, "%.*s", (int)strcspn(said, "\n"), said);
	}
	nft_ctx_free(nft);
	return code;
}

/* --- which load --- */

static int
see_table(const struct nl_reply *r, void *arg, struct error *err)
{
	uint64_t *out = arg;
	struct nl_attr a;
	size_t off = sizeof(struct nfgenmsg);
	char name[NFT_NAME_MAXLEN];

	(void)err;
	while (nl_attr_next(r->data, r->len, &off, &a))
		if (a.type == NFTA_TABLE_NAME &&
		    nl_attr_str(&a, name, sizeof(name)) &&
		    strncmp(name, PF_GENERATION, strlen(PF_GENERATION)) == 0)
			*out = strtoull(name + strlen(PF_GENERATION), NULL, 16);
	return 0;
}

static int
ask(struct nl_msg *m,
    int (*each)(const struct nl_reply *, void *, struct error *), void *arg,
    struct error *err)
{
	const struct nl_sink sink = { each, arg };
	struct nl_sock s;
	int code;

	if (nl_open(&s, NETLINK_NETFILTER, -1, err) < 0)
		return err->code;
	code = nl_request(&s, m, &sink, err);
	nl_close(&s);
	return code < 0 ? code : 0;
}

int
pf_kernel_generation(uint64_t *out, struct error *err)
{
	const struct nfgenmsg head = { .nfgen_family = AF_INET };
	struct nl_msg m;

	*out = 0;
	nl_msg_init(&m, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE,
	            NLM_F_DUMP, &head, sizeof(head));
	return ask(&m, see_table, out, err);
}

void
pf_kernel_put_generation(uint64_t was, uint64_t now, struct buf *out)
{
	if (was != 0)
		buf_printf(out,
		           "delete table ip " PF_GENERATION "%016" PRIx64 "\n",
		           was);
	buf_printf(out, "add table ip " PF_GENERATION "%016" PRIx64 "\n", now);
}

void
pf_kernel_put_dormant(bool dormant, struct buf *out)
{
	static const char *const families[] = { "ip", "ip6" };

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		buf_printf(out, "add table %s pf%s\n", families[i],
		           dormant ? " { flags dormant; }" : "");
}

void
pf_kernel_put_removal(uint64_t generation, struct buf *out)
{
	static const char *const families[] = { "ip", "ip6", "netdev" };

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		buf_printf(out, "add table %s pf\ndelete table %s pf\n",
		           families[i], families[i]);
	if (generation != 0)
		buf_printf(out,
		           "delete table ip " PF_GENERATION "%016" PRIx64 "\n",
		           generation);
}

/* --- counters --- */

struct counting {
	struct pf_counter *v;
	size_t n;
	struct pf_totals *totals; /* NULL: not wanted */
	unsigned family;          /* 0 inet, 1 inet6 */
};

static void
count(struct pf_counter *c, const struct nl_attr *data)
{
	struct nl_attr a;
	size_t off = 0;

	while (nl_attr_next(data->data, data->len, &off, &a))
		if (a.type == NFTA_COUNTER_BYTES)
			c->bytes += nl_attr_be64(&a);
		else if (a.type == NFTA_COUNTER_PACKETS)
			c->packets += nl_attr_be64(&a);
}

static int
see_counter(const struct nl_reply *r, void *arg, struct error *err)
{
	const struct counting *c = arg;
	struct nl_attr a, data = { 0 };
	size_t off = sizeof(struct nfgenmsg);
	unsigned long id = 0;
	enum pf_total t = PF_NTOTALS;
	char name[NFT_NAME_MAXLEN];

	(void)err;
	while (nl_attr_next(r->data, r->len, &off, &a))
		if (a.type == NFTA_OBJ_NAME &&
		    nl_attr_str(&a, name, sizeof(name))) {
			if (name[0] == 'c')
				id = strtoul(name + 1, NULL, 10);
			t = pf_total_find(name);
		} else if (a.type == NFTA_OBJ_DATA)
			data = a;
	if (id > 0 && id < c->n)
		count(&c->v[id], &data);
	if (c->totals != NULL && t < PF_NTOTALS) {
		struct pf_counter sum = { 0 };

		count(&sum, &data);
		c->totals->packets[c->family][t] = sum.packets;
		c->totals->bytes[c->family][t] = sum.bytes;
	}
	return 0;
}

/* All named counters of both tables. */
static int
read_counters(struct counting *c, bool zero, struct error *err)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		const struct nfgenmsg head = { .nfgen_family = families[i] };
		struct nl_msg m;
		int code;

		nl_msg_init(
		    &m,
		    (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 |
		               (zero ? NFT_MSG_GETOBJ_RESET : NFT_MSG_GETOBJ)),
		    NLM_F_DUMP, &head, sizeof(head));
		nl_put_str(&m, NFTA_OBJ_TABLE, "pf");
		nl_put_u32(&m, NFTA_OBJ_TYPE, htobe32(NFT_OBJECT_COUNTER));
		c->family = (unsigned)i;
		code = ask(&m, see_counter, c, err);
		if (code < 0 && code != -ENOENT)
			return code;
	}
	return 0;
}

int
pf_kernel_counters(struct pf_counter *v, size_t n, bool zero, struct error *err)
{
	struct counting c = { .v = v, .n = n };

	memset(v, 0, n * sizeof(*v));
	return read_counters(&c, zero, err);
}

int
pf_kernel_totals(struct pf_totals *out, struct error *err)
{
	struct counting c = { .totals = out };

	memset(out, 0, sizeof(*out));
	return read_counters(&c, false, err);
}
