/* SPDX-License-Identifier: BSD-2-Clause */
/* live.c - the states a network namespace has at this moment. */
#include "pf/live.h"

#include <linux/netlink.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "linux/netns.h"

/* A machine without a hostid has a random one from boot on; ours is made of
 * what the kernel calls the namespace. */
uint32_t
pf_hostid(const struct pf_store *store)
{
	const struct pf_options *o = &store->conf->opts;
	uint64_t cookie = 1;
	struct error err;

	if (o->hostid_set)
		return o->hostid;
	(void)netns_cookie(&cookie, &err);
	cookie *= 0x9e3779b97f4a7c15U;
	return (uint32_t)(cookie >> 32) | 1;
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int
pf_live_open(struct pf_live *l, const struct pf_store *store, unsigned verbose,
             struct error *err)
{
	memset(l, 0, sizeof(*l));
	l->nl.fd = l->toward.nl.fd = -1;
	if (nl_open(&l->nl, NETLINK_NETFILTER, -1, err) < 0 ||
	    pf_toward_open(&l->toward, err) < 0 ||
	    ct_dump(&l->nl, &l->list, err) < 0) {
		pf_live_close(l);
		return err->code;
	}
	l->env = (struct pf_states_env){ .conf = store->conf,
		                         .world = store->world,
		                         .now_ns = now_ns(),
		                         .hostid = pf_hostid(store),
		                         .verbose = verbose,
		                         .ifname = pf_toward_ifname,
		                         .ctx = &l->toward };
	return 0;
}

void
pf_live_close(struct pf_live *l)
{
	ct_list_fini(&l->list);
	pf_toward_close(&l->toward);
	nl_close(&l->nl);
}

unsigned
pf_rule_states(void *counts, const struct pf_rule *r)
{
	const struct pf_sid_counts *c = counts;
	unsigned sum = 0;

	for (unsigned i = 0; i < r->n_sids; i++)
		sum += c->n[r->sid[i] & PF_MAX_IDS];
	return sum;
}

static struct pf_sid_counts *
read_counts(void)
{
	struct pf_sid_counts *c = calloc(1, sizeof(*c));
	struct ct_list l = { 0 };
	struct nl_sock nl = { .fd = -1 };
	struct error err;

	if (c != NULL && nl_open(&nl, NETLINK_NETFILTER, -1, &err) == 0 &&
	    ct_dump(&nl, &l, &err) == 0)
		pf_sids_count(&l, c);
	else {
		free(c);
		c = NULL;
	}
	ct_list_fini(&l);
	nl_close(&nl);
	return c;
}

bool
pf_live_sid_used(void *sids, unsigned sid)
{
	struct pf_live_sids *s = sids;

	if (s->old == NULL || !s->old->sid[sid].gone)
		return true;
	if (!s->tried)
		s->counts = read_counts();
	s->tried = true;
	return s->counts == NULL || pf_sid_used(s->counts, sid);
}

void
pf_live_sids_fini(struct pf_live_sids *s)
{
	free(s->counts);
	s->counts = NULL;
}
