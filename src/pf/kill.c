/* SPDX-License-Identifier: BSD-2-Clause */
/* kill.c - which states pfctl -k means, and their end. */
#include "pf/kill.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/vec.h"
#include "pf/addr.h"
#include "pf/compile_internal.h"

/* --- which --- */

static bool
in_net(const struct pf_addr *a, unsigned af, const struct pf_ip *ip)
{
	return a->kind == PF_ADDR_ANY ||
	       (a->af == af && pf_ip_in(ip, &a->ip, a->bits));
}

static bool
end_is(const struct pf_kill *k, unsigned af, const struct pf_end *src,
       const struct pf_end *dst)
{
	return in_net(&k->from, af, &src->ip) && in_net(&k->to, af, &dst->ip);
}

static bool
has_label(const struct pf_rule *r, const char *label)
{
	for (unsigned i = 0; r != NULL && i < PF_MAX_LABELS; i++)
		if (r->label[i] != NULL && strcmp(r->label[i], label) == 0)
			return true;
	return false;
}

/* A state's gateway is one of its rule's; which of several is not kept. */
static bool
has_gateway(const struct pf_rule *r, const struct pf_addr *net)
{
	if (r == NULL || (r->route != PF_ROUTE_TO && r->route != PF_REPLY_TO))
		return false;
	for (size_t i = 0; i < r->route_pool.n; i++) {
		const struct pf_addr *a = &r->route_pool.target[i].addr;

		if (a->kind == PF_ADDR_NET && in_net(net, a->af, &a->ip))
			return true;
	}
	return false;
}

/* Both as they are on the wire and as pfctl -ss shows them first. */
static bool
has_key(const struct pf_kill *k, const struct pf_crossing *x)
{
	const struct ct_tuple *t = &x->e->tuple[CT_ORIG];
	const struct pf_end *dst[] = { &x->wire_dst, &x->stack_dst };

	if (k->proto != t->proto || k->dir != x->dir ||
	    x->wire_src.port != k->sport)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(dst); i++)
		if (dst[i]->port == k->dport &&
		    end_is(k, t->af, &x->wire_src, dst[i]))
			return true;
	return false;
}

bool
pf_kill_match(const struct pf_kill *k, const struct pf_crossing *x,
              const struct pf_states_env *env)
{
	unsigned af = x->e->tuple[CT_ORIG].af;

	if (k->ifname != NULL && !pf_crossing_on(x, env, k->ifname))
		return false;
	switch (k->by) {
	case PF_KILL_ALL:
		return true;
	case PF_KILL_HOSTS:
		return end_is(k, af, &x->wire_src, &x->wire_dst);
	case PF_KILL_NAT:
		return end_is(k, af, &x->stack_src, &x->stack_dst);
	case PF_KILL_LABEL:
		return has_label(pf_crossing_rule(x, env), k->label);
	case PF_KILL_ID:
		return k->id == pf_crossing_id(x) && k->creator == env->hostid;
	case PF_KILL_KEY:
		return has_key(k, x);
	case PF_KILL_GATEWAY:
		return has_gateway(pf_crossing_rule(x, env), &k->from);
	}
	return false;
}

/* --- their end --- */

/* The bits of a mark that are one state. */
static uint32_t
bits_of(const struct pf_crossing *x)
{
	return x->dir == PF_IN ? PF_CT_K1 | PF_CT_ID1 : PF_CT_K2 | PF_CT_ID2;
}

/* The states of one entry. Returns how many ended. */
static int
kill_entry(struct nl_sock *s, const struct ct_entry *e, const struct pf_kill *k,
           const struct pf_states_env *env, struct error *err)
{
	struct pf_crossing x[2];
	unsigned n = pf_crossings(e, x), dead = 0;
	uint32_t bits = 0;
	int rc;

	for (unsigned i = 0; i < n; i++)
		if (pf_kill_match(k, &x[i], env)) {
			bits |= bits_of(&x[i]);
			dead++;
		}
	if (dead == 0)
		return 0;
	if (dead == n || k->both) {
		dead = n;
		rc = ct_delete(s, e, err);
	} else
		rc = ct_clear_mark(s, e, bits, err);
	if (rc < 0)
		return rc;
	return rc == 0 ? (int)dead : 0; /* it had ended by itself */
}

int
pf_kill(struct nl_sock *s, const struct ct_list *l, const struct pf_kill *k,
        const struct pf_states_env *env, size_t *out_n, struct error *err)
{
	*out_n = 0;
	for (size_t i = 0; i < l->n; i++) {
		int n = kill_entry(s, &l->v[i], k, env, err);

		if (n < 0)
			return n;
		*out_n += (size_t)n;
	}
	return 0;
}

/* --- the words --- */

void
pf_kill_plan_fini(struct pf_kill_plan *p)
{
	free(p->kill);
	*p = (struct pf_kill_plan){ 0 };
}

static struct pf_kill *
plan_add(struct pf_kill_plan *p)
{
	struct pf_kill *v = vec_room(p->kill, p->n, &p->cap, sizeof(*v));

	if (v == NULL)
		return NULL;
	p->kill = v;
	v[p->n] = (struct pf_kill){ 0 };
	return &v[p->n++];
}

static bool
number_of(const char *word, struct pf_addr *out)
{
	*out = (struct pf_addr){ .kind = PF_ADDR_NET };
	if (inet_pton(AF_INET, word, out->ip.b) == 1)
		out->af = PF_AF_INET;
	else if (inet_pton(AF_INET6, word, out->ip.b) == 1)
		out->af = PF_AF_INET6;
	else
		return false;
	out->bits = (uint8_t)pf_af_bits(out->af);
	return true;
}

/* "ADDRESS/BITS" */
static int
network_of(char *word, struct pf_addr *out, struct error *err)
{
	char *slash = strchr(word, '/');
	long long bits;

	*slash = '\0';
	if (num_int(slash + 1, &bits) < 0)
		return error_set(err, -EINVAL, "prefix is not a number: '%s'",
		                 slash + 1);
	if (!number_of(word, out))
		return error_set(err, -EINVAL,
		                 "a network takes a number, not '%s'", word);
	if (bits < 0 || bits > pf_af_bits(out->af))
		return error_set(err, -EINVAL, "prefix out of range: '%s'",
		                 slash + 1);
	out->bits = (uint8_t)bits;
	return 0;
}

int
pf_kill_hosts(const char *word, const struct pf_world *world,
              struct pf_addr *out, unsigned *n, struct error *err)
{
	struct pf_found_list found = { 0 };
	char text[256];

	*n = 1;
	if (number_of(word, &out[0]))
		return 0;
	if (strchr(word, '/') != NULL) {
		if (snprintf(text, sizeof(text), "%s", word) >=
		    (int)sizeof(text))
			return error_set(err, -EINVAL, "%.40s...: too long",
			                 word);
		return network_of(text, &out[0], err);
	}
	if (world->resolve(world->ctx, word, &found) < 0 || found.n == 0) {
		pf_found_fini(&found);
		return error_set(err, -EINVAL, "no address is known for '%s'",
		                 word);
	}
	*n = 0;
	for (size_t i = 0; i < found.n && *n < PF_KILL_MAX_HOSTS; i++)
		out[(*n)++] = (struct pf_addr){
			.kind = PF_ADDR_NET,
			.af = found.v[i].af,
			.bits = (uint8_t)pf_af_bits(found.v[i].af),
			.ip = found.v[i].ip,
		};
	pf_found_fini(&found);
	return 0;
}

/* Those from a host, or from one to another: each pair of a family. */
static int
plan_hosts(const char *const *words, unsigned n, enum pf_kill_by by,
           const struct pf_world *world, struct pf_kill_plan *p,
           struct error *err)
{
	struct pf_addr src[PF_KILL_MAX_HOSTS], dst[PF_KILL_MAX_HOSTS];
	const struct pf_addr any = { .kind = PF_ADDR_ANY };
	unsigned n_src, n_dst = 0;

	p->tell_hosts = true;
	if (pf_kill_hosts(words[0], world, src, &n_src, err) < 0)
		return err->code;
	if (n == 2 && pf_kill_hosts(words[1], world, dst, &n_dst, err) < 0)
		return err->code;
	p->sources = n_src;
	for (unsigned i = 0; i < n_src; i++)
		for (unsigned j = 0; j < (n == 2 ? n_dst : 1); j++) {
			struct pf_kill *k;

			if (n == 2 && dst[j].af != src[i].af)
				continue;
			k = plan_add(p);
			if (k == NULL)
				return error_set(err, -ENOMEM, "out of memory");
			k->by = by;
			k->from = src[i];
			k->to = n == 2 ? dst[j] : any;
			p->dests += n == 2;
		}
	return 0;
}

/* "10.0.0.1:80", "2001:db8::1[80]"; the port may be left out. */
static bool
end_of_word(const char *word, struct pf_addr *addr, uint16_t *port)
{
	char text[INET6_ADDRSTRLEN + 8], *at;
	long long n = 0;

	if (snprintf(text, sizeof(text), "%s", word) >= (int)sizeof(text))
		return false;
	at = strchr(text, '[');
	if (at != NULL) {
		size_t len = strlen(at);

		if (at[len - 1] != ']')
			return false;
		at[len - 1] = '\0';
	} else if (strchr(text, ':') == strrchr(text, ':'))
		at = strchr(text, ':');
	if (at != NULL) {
		*at = '\0';
		if (num_int_in(at + 1, 0, UINT16_MAX, &n) < 0)
			return false;
	}
	*port = (uint16_t)n;
	return number_of(text, addr);
}

/* "tcp 10.0.0.1:80 <- 10.0.0.101:32123", as pfctl -ss shows it. */
static bool
key_of(const char *word, const struct pf_world *world, struct pf_kill *k)
{
	char proto[32], a[64], arrow[4], b[64], more;
	const char *src = a, *dst = b;
	int n;

	if (sscanf(word, "%31s %63s %3s %63s %c", proto, a, arrow, b, &more) !=
	    4)
		return false;
	n = world->proto(world->ctx, proto);
	if (n < 0 || n > UINT8_MAX)
		return false;
	k->proto = (uint8_t)n;
	if (strcmp(arrow, "<-") == 0) {
		k->dir = PF_IN;
		src = b;
		dst = a;
	} else if (strcmp(arrow, "->") == 0)
		k->dir = PF_OUT;
	else
		return false;
	return end_of_word(src, &k->from, &k->sport) &&
	       end_of_word(dst, &k->to, &k->dport) && k->from.af == k->to.af;
}

/* "4823e84500000003", "4823e84500000018/2": hexadecimal, without 0x. */
static bool
id_of(const char *word, uint32_t hostid, struct pf_kill *k)
{
	unsigned long creator = hostid;
	char *end;

	errno = 0;
	k->id = strtoull(word, &end, 16);
	if (end == word)
		return false;
	if (*end == '/') {
		word = end + 1;
		creator = strtoul(word, &end, 16);
		if (end == word || creator > UINT32_MAX)
			return false;
	}
	k->creator = (uint32_t)creator;
	return *end == '\0' && errno == 0;
}

/* The kinds whose second word says what: the first is their name. */
static const struct {
	const char *word;
	enum pf_kill_by by;
} kinds[] = {
	{ "label", PF_KILL_LABEL }, { "id", PF_KILL_ID },
	{ "key", PF_KILL_KEY },     { "gateway", PF_KILL_GATEWAY },
	{ "nat", PF_KILL_NAT },
};

/* All addresses that the word of a gateway has. */
static int
plan_gateways(const char *word, const struct pf_world *world,
              struct pf_kill_plan *p, struct error *err)
{
	struct pf_addr at[PF_KILL_MAX_HOSTS];
	unsigned n;

	if (pf_kill_hosts(word, world, at, &n, err) < 0)
		return err->code;
	for (unsigned i = 0; i < n; i++) {
		struct pf_kill *k = plan_add(p);

		if (k == NULL)
			return error_set(err, -ENOMEM, "out of memory");
		k->by = PF_KILL_GATEWAY;
		k->from = at[i];
	}
	return 0;
}

static int
plan_one(enum pf_kill_by by, const char *word, const struct pf_world *world,
         uint32_t hostid, struct pf_kill_plan *p, struct error *err)
{
	struct pf_kill *k = plan_add(p);

	if (k == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	k->by = by;
	k->label = word;
	if (by == PF_KILL_ID && !id_of(word, hostid, k))
		return error_set(err, -EINVAL, "wrong id format specified");
	if (by == PF_KILL_KEY && !key_of(word, world, k))
		return error_set(err, -EINVAL, "wrong key format specified");
	return 0;
}

int
pf_kill_words(const char *const *words, unsigned n,
              const struct pf_world *world, uint32_t hostid,
              struct pf_kill_plan *out, bool *usage, struct error *err)
{
	struct pf_kill_plan p = { 0 };
	size_t i = 0;
	int rc;

	*usage = false;
	while (i < ARRAY_LEN(kinds) && strcmp(kinds[i].word, words[0]) != 0)
		i++;
	if (i == ARRAY_LEN(kinds)) {
		rc = plan_hosts(words, n, PF_KILL_HOSTS, world, &p, err);
	} else if (n < 2) {
		*usage = true;
		rc = error_set(err, -EINVAL, "no %s specified", words[0]);
	} else if (kinds[i].by == PF_KILL_NAT) {
		rc = plan_hosts(words + 1, 1, PF_KILL_NAT, world, &p, err);
	} else if (kinds[i].by == PF_KILL_GATEWAY) {
		rc = plan_gateways(words[1], world, &p, err);
	} else {
		rc = plan_one(kinds[i].by, words[1], world, hostid, &p, err);
		*usage = rc == -EINVAL;
	}
	if (rc < 0)
		pf_kill_plan_fini(&p);
	else
		*out = p;
	return rc;
}
