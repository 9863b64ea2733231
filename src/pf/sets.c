/* SPDX-License-Identifier: BSD-2-Clause */
/* sets.c - the kernel's sets of addresses, changed element by element.
 *
 * A range is two elements: where it begins, and, flagged as an end, the first
 * address behind it, which is missing when there is none. Elements go many to
 * a message, messages many to a batch.
 */
#include "pf/sets.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "pf/addr.h"

static const char table[] = "pf";

enum { ELEMENT_ROOM = 64 }; /* bytes that one element may take */

static uint16_t
nft_type(unsigned msg)
{
	return (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | msg);
}

/* --- batches --- */

static void
border(struct pf_sets_batch *b, uint16_t type)
{
	const struct nfgenmsg g = { .nfgen_family = AF_UNSPEC,
		                    .version = NFNETLINK_V0,
		                    .res_id = htons(NFNL_SUBSYS_NFTABLES) };
	struct nl_msg m;

	nl_msg_init(&m, type, 0, &g, sizeof(g));
	nl_batch_add(&b->nl, &m);
}

void
pf_sets_begin(struct pf_sets_batch *b)
{
	*b = (struct pf_sets_batch){ NL_BATCH_INIT, false };
	border(b, NFNL_MSG_BATCH_BEGIN);
}

void
pf_sets_fini(struct pf_sets_batch *b)
{
	nl_batch_fini(&b->nl);
}

/* The beginning of a message about a set's elements. */
static void
message(struct nl_msg *m, unsigned msg, uint16_t flags, unsigned af,
        const char *set)
{
	const struct nfgenmsg g = { .nfgen_family = (uint8_t)af,
		                    .version = NFNETLINK_V0 };

	nl_msg_init(m, nft_type(msg), flags, &g, sizeof(g));
	nl_put_str(m, NFTA_SET_ELEM_LIST_TABLE, table);
	nl_put_str(m, NFTA_SET_ELEM_LIST_SET, set);
}

static void
put_element(struct nl_msg *m, unsigned af, const struct pf_ip *ip,
            uint32_t flags)
{
	size_t elem = nl_nest(m, NLA_F_NESTED | NFTA_LIST_ELEM, NULL, 0), key;
	const uint32_t be = htonl(flags);

	key = nl_nest(m, NLA_F_NESTED | NFTA_SET_ELEM_KEY, NULL, 0);
	nl_put(m, NFTA_DATA_VALUE, ip->b, pf_af_bits(af) / 8);
	nl_nest_end(m, key);
	if (flags != 0)
		nl_put(m, NFTA_SET_ELEM_FLAGS, &be, sizeof(be));
	nl_nest_end(m, elem);
}

static bool
is_single(const struct pf_span *s)
{
	return pf_ip_cmp(&s->first, &s->last) == 0;
}

/* A range of a set of ranges, an address of a hash. */
static void
put_span(struct nl_msg *m, unsigned af, const struct pf_span *s, bool hash)
{
	struct pf_ip behind = s->last;

	put_element(m, af, &s->first, 0);
	if (!hash && pf_ip_step(af, &behind, 1))
		put_element(m, af, &behind, NFT_SET_ELEM_INTERVAL_END);
}

/* Those of spans that belong to one set, as many messages as they need. */
struct putting {
	unsigned msg;
	uint16_t flags;
	unsigned af;
	const char *set;
	bool hash, other; /* other: there is a hash, too */
};

static void
put_spans(struct pf_sets_batch *b, const struct putting *to,
          const struct pf_spans *spans)
{
	struct nl_msg m;
	size_t i = 0, list, n;

	b->failed |= spans->failed;
	while (i < spans->n) {
		message(&m, to->msg, to->flags, to->af, to->set);
		list = nl_nest(&m, NLA_F_NESTED | NFTA_SET_ELEM_LIST_ELEMENTS,
		               NULL, 0);
		n = 0;
		for (;
		     i < spans->n && m.len + 2 * ELEMENT_ROOM < sizeof(m.data);
		     i++) {
			if ((to->hash || to->other) &&
			    is_single(&spans->v[i]) != to->hash)
				continue;
			put_span(&m, to->af, &spans->v[i], to->hash);
			n++;
		}
		nl_nest_end(&m, list);
		if (n > 0)
			nl_batch_add(&b->nl, &m);
	}
}

static void
put(struct pf_sets_batch *b, unsigned msg, uint16_t flags, unsigned af,
    const struct pf_set_names *to, const struct pf_spans *spans)
{
	struct putting how = { msg,       flags, af,
		               to->range, false, to->single != NULL };

	put_spans(b, &how, spans);
	how.set = to->single;
	how.hash = true;
	if (to->single != NULL)
		put_spans(b, &how, spans);
}

void
pf_sets_drop(struct pf_sets_batch *b, unsigned af,
             const struct pf_set_names *to, const struct pf_spans *spans)
{
	put(b, NFT_MSG_DELSETELEM, 0, af, to, spans);
}

void
pf_sets_take(struct pf_sets_batch *b, unsigned af,
             const struct pf_set_names *to, const struct pf_spans *spans)
{
	put(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE, af, to, spans);
}

void
pf_sets_flush(struct pf_sets_batch *b, unsigned af, const char *set)
{
	struct nl_msg m;

	message(&m, NFT_MSG_DELSETELEM, 0, af, set);
	nl_batch_add(&b->nl, &m);
}

int
pf_sets_commit(struct nl_sock *s, struct pf_sets_batch *b, struct error *err)
{
	if (b->failed)
		return error_set(err, -ENOMEM, "out of memory");
	if (b->nl.n <= 1)
		return 0;
	nl_batch_ack_last(&b->nl);
	border(b, NFNL_MSG_BATCH_END);
	return nl_batch_send(s, &b->nl, err);
}

/* --- reading --- */

/* The counter among an element's expressions. */
static void
read_counter(const struct nl_attr *expr, struct pf_set_element *e)
{
	struct nl_attr a, c;
	size_t off = 0, sub = 0;
	bool is_counter = false;

	while (nl_attr_next(expr->data, expr->len, &off, &a)) {
		if (a.type == NFTA_EXPR_NAME)
			is_counter = a.len == sizeof("counter") &&
			             memcmp(a.data, "counter", a.len) == 0;
		if (a.type != NFTA_EXPR_DATA || !is_counter)
			continue;
		e->has_counter = true;
		while (nl_attr_next(a.data, a.len, &sub, &c))
			if (c.type == NFTA_COUNTER_BYTES)
				e->bytes = nl_attr_be64(&c);
			else if (c.type == NFTA_COUNTER_PACKETS)
				e->packets = nl_attr_be64(&c);
	}
}

static void
read_key(const struct nl_attr *key, unsigned af, struct pf_set_element *e,
         bool *out_has)
{
	struct nl_attr a;
	size_t off = 0;

	while (nl_attr_next(key->data, key->len, &off, &a))
		if (a.type == NFTA_DATA_VALUE && a.len == pf_af_bits(af) / 8) {
			memcpy(e->ip.b, a.data, a.len);
			*out_has = true;
		}
}

static int
read_element(const struct nl_attr *elem, unsigned af, pf_set_element_fn *each,
             void *arg, struct error *err)
{
	struct pf_set_element e = { 0 };
	struct nl_attr a, x;
	size_t off = 0, sub;
	bool has_key = false;

	while (nl_attr_next(elem->data, elem->len, &off, &a))
		switch (a.type) {
		case NFTA_SET_ELEM_KEY:
			read_key(&a, af, &e, &has_key);
			break;
		case NFTA_SET_ELEM_FLAGS:
			e.is_end = (ntohl(nl_attr_u32(&a)) &
			            NFT_SET_ELEM_INTERVAL_END) != 0;
			break;
		case NFTA_SET_ELEM_EXPR:
			read_counter(&a, &e);
			break;
		case NFTA_SET_ELEM_EXPRESSIONS:
			for (sub = 0; nl_attr_next(a.data, a.len, &sub, &x);)
				read_counter(&x, &e);
			break;
		default:
			break;
		}
	return has_key ? each(&e, arg, err) : 0;
}

int
pf_sets_parse(unsigned af, const unsigned char *data, size_t len,
              pf_set_element_fn *each, void *arg, struct error *err)
{
	size_t off = sizeof(struct nfgenmsg), sub;
	struct nl_attr a, elem;

	while (nl_attr_next(data, len, &off, &a)) {
		if (a.type != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		for (sub = 0; nl_attr_next(a.data, a.len, &sub, &elem);)
			if (elem.type == NFTA_LIST_ELEM &&
			    read_element(&elem, af, each, arg, err) < 0)
				return err->code;
	}
	return 0;
}

struct reading {
	unsigned af;
	pf_set_element_fn *each;
	void *arg;
};

static int
read_reply(const struct nl_reply *r, void *arg, struct error *err)
{
	const struct reading *to = arg;

	if (r->type != nft_type(NFT_MSG_NEWSETELEM))
		return 0;
	return pf_sets_parse(to->af, r->data, r->len, to->each, to->arg, err);
}

int
pf_sets_read(struct nl_sock *s, unsigned af, const char *set,
             pf_set_element_fn *each, void *arg, struct error *err)
{
	struct reading to = { af, each, arg };
	const struct nl_sink sink = { read_reply, &to };
	struct nl_msg m;
	int code;

	message(&m, NFT_MSG_GETSETELEM, NLM_F_DUMP, af, set);
	code = nl_request(s, &m, &sink, err);
	return code < 0 ? code : 0;
}
