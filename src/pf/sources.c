/* SPDX-License-Identifier: BSD-2-Clause */
/* sources.c - which address sources were given.
 *
 * Source: Linux include/uapi/linux/netfilter/nf_tables.h.
 */
#include "pf/sources.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/vec.h"
#include "pf/addr.h"

void
pf_sources_fini(struct pf_sources *l)
{
	free(l->v);
	*l = (struct pf_sources){ 0 };
}

/* --- reading --- */

/* The address in the nested data of a key or a value. */
static bool
read_ip(const struct nl_attr *data, uint8_t af, struct pf_ip *out)
{
	struct nl_attr a;
	size_t off = 0;

	while (nl_attr_next(data->data, data->len, &off, &a))
		if (a.type == NFTA_DATA_VALUE && a.len == pf_af_bits(af) / 8) {
			memcpy(out->b, a.data, a.len);
			return true;
		}
	return false;
}

static int
read_element(const struct nl_attr *element, struct pf_sources *l,
             struct error *err)
{
	struct pf_source s = { .af = l->af, .map = l->map }, *v;
	struct nl_attr a;
	bool has_ip = false, has_to = false;
	uint64_t ms;
	size_t off = 0;

	while (nl_attr_next(element->data, element->len, &off, &a)) {
		if (a.type == NFTA_SET_ELEM_KEY)
			has_ip = read_ip(&a, s.af, &s.ip);
		else if (a.type == NFTA_SET_ELEM_DATA)
			has_to = read_ip(&a, s.af, &s.to);
		else if (a.type == NFTA_SET_ELEM_EXPIRATION &&
		         a.len >= sizeof(ms)) {
			memcpy(&ms, a.data, sizeof(ms));
			s.expires_ms = be64toh(ms);
		}
	}
	if (!has_ip || !has_to)
		return error_set(err, -EPROTO, "a source without addresses");
	v = vec_room(l->v, l->n, &l->cap, sizeof(*v));
	if (v == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	l->v = v;
	v[l->n++] = s;
	return 0;
}

int
pf_sources_read(const struct nl_reply *r, struct pf_sources *l,
                struct error *err)
{
	size_t off = sizeof(struct nfgenmsg);
	struct nl_attr a, e;

	if (r->type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM))
		return 0;
	while (nl_attr_next(r->data, r->len, &off, &a)) {
		size_t in = 0;

		while (a.type == NFTA_SET_ELEM_LIST_ELEMENTS &&
		       nl_attr_next(a.data, a.len, &in, &e))
			if (read_element(&e, l, err) < 0)
				return err->code;
	}
	return 0;
}

static int
see(const struct nl_reply *r, void *arg, struct error *err)
{
	return pf_sources_read(r, arg, err);
}

/* The maps of one family, which are numbered without a gap. */
static int
read_maps(struct nl_sock *nl, struct pf_sources *l, struct error *err)
{
	const struct nfgenmsg head = { .nfgen_family = l->af };
	const struct nl_sink sink = { see, l };
	struct error why;
	int code = 0;

	for (l->map = 0; code >= 0; l->map++) {
		char name[16];
		struct nl_msg m;

		snprintf(name, sizeof(name), "st%u", l->map);
		nl_msg_init(
		    &m,
		    (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM),
		    NLM_F_DUMP, &head, sizeof(head));
		nl_put_str(&m, NFTA_SET_ELEM_LIST_TABLE, "pf");
		nl_put_str(&m, NFTA_SET_ELEM_LIST_SET, name);
		code = nl_request(nl, &m, &sink, &why);
	}
	if (code == -ENOENT)
		return 0;
	return error_set(err, code, "list sources: %s", why.msg);
}

int
pf_sources_get(struct pf_sources *l, struct error *err)
{
	static const uint8_t families[] = { PF_AF_INET, PF_AF_INET6 };
	struct nl_sock nl;
	int code = nl_open(&nl, NETLINK_NETFILTER, -1, err);

	if (code < 0)
		return code;
	for (size_t i = 0; i < ARRAY_LEN(families) && code >= 0; i++) {
		l->af = families[i];
		code = read_maps(&nl, l, err);
	}
	nl_close(&nl);
	return code < 0 ? code : 0;
}

/* --- printing --- */

/* Was this state given its address as s says? */
static bool
is_given(const struct pf_source *s, const struct pf_crossing *x)
{
	const struct pf_ip *to =
	    x->dir == PF_OUT ? &x->wire_src.ip : &x->stack_dst.ip;

	return x->e->tuple[CT_ORIG].af == s->af &&
	       pf_ip_cmp(&s->ip, &x->stack_src.ip) == 0 &&
	       pf_ip_cmp(&s->to, to) == 0;
}

struct given {
	unsigned states;
	uint64_t packets, bytes;
};

static struct given
count(const struct pf_source *s, const struct ct_list *states)
{
	struct given g = { 0 };

	for (size_t i = 0; i < states->n; i++) {
		const struct ct_entry *e = &states->v[i];
		struct pf_crossing x[2];
		unsigned n = pf_crossings(e, x);

		for (unsigned k = 0; k < n; k++)
			if (is_given(s, &x[k])) {
				g.states++;
				g.packets += e->packets[0] + e->packets[1];
				g.bytes += e->bytes[0] + e->bytes[1];
			}
	}
	return g;
}

void
pf_sources_print(const struct pf_sources *l, const struct ct_list *states,
                 unsigned verbose, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct pf_source *s = &l->v[i];
		struct given g = count(s, states);
		unsigned left = (unsigned)(s->expires_ms / 1000);
		char from[46], to[46];

		buf_printf(out,
		           "%s -> %s ( states %u, connections 0, rate "
		           "0.0/0s )\n",
		           pf_ip_text(s->af, &s->ip, from),
		           pf_ip_text(s->af, &s->to, to), g.states);
		if (verbose > 0)
			buf_printf(out,
			           "   expires in %02u:%02u:%02u, %" PRIu64
			           " pkts, %" PRIu64 " bytes\n",
			           left / 3600, left / 60 % 60, left % 60,
			           g.packets, g.bytes);
	}
}

/* --- removal --- */

static bool
in_net(const struct pf_addr *a, unsigned af, const struct pf_ip *ip)
{
	return a->kind == PF_ADDR_ANY ||
	       (a->af == af && pf_ip_in(ip, &a->ip, a->bits));
}

void
pf_sources_put_removal(const struct pf_sources *l, const struct pf_kill *k,
                       struct buf *out, size_t *out_n)
{
	*out_n = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct pf_source *s = &l->v[i];
		char ip[46];

		if (k->by != PF_KILL_ALL && (!in_net(&k->from, s->af, &s->ip) ||
		                             !in_net(&k->to, s->af, &s->to)))
			continue;
		buf_printf(out, "delete element %s pf st%u { %s }\n",
		           s->af == PF_AF_INET6 ? "ip6" : "ip", s->map,
		           pf_ip_text(s->af, &s->ip, ip));
		++*out_n;
	}
}
