/* SPDX-License-Identifier: BSD-2-Clause */
/* build_pool.c - the addresses and ports that translation and routing put in
 * place of a packet's.
 */
#include <ctype.h>
#include <string.h>

#include "base/md5.h"
#include "pf/build.h"

bool
pf_addr_is_many(const struct pf_addr *a)
{
	size_t len;

	if (a->kind != PF_ADDR_DYN)
		return false;
	len = strlen(a->name);
	return (a->dyn & PF_DYN_NOALIAS) == 0 ||
	       !isdigit((unsigned char)a->name[len - 1]);
}

void
pf_decide_af(const struct pf_hosts *hosts, uint8_t *af)
{
	uint8_t all = PF_AF_NONE;

	if (*af != PF_AF_NONE || hosts->first == NULL)
		return;
	for (const struct pf_hostaddr *h = hosts->first; h != NULL;
	     h = h->next) {
		if (h->addr.af == PF_AF_NONE)
			continue;
		if (all != PF_AF_NONE && all != h->addr.af)
			return;
		all = h->addr.af;
	}
	*af = all;
}

void
pf_keep_af(struct pf_hosts *hosts, unsigned af)
{
	struct pf_hostaddr **at = &hosts->first;

	hosts->last = NULL;
	while (*at != NULL) {
		struct pf_hostaddr *h = *at;

		if (af != PF_AF_NONE && h->addr.af != PF_AF_NONE &&
		    h->addr.af != af) {
			*at = h->next;
		} else {
			hosts->last = h;
			at = &h->next;
		}
	}
}

bool
pf_pool_fill(struct pf_parser *p, const struct pf_hosts *hosts, unsigned af,
             struct pf_pool *pool)
{
	size_t n = 0;

	for (const struct pf_hostaddr *h = hosts->first; h != NULL; h = h->next)
		n++;
	if (n == 0)
		return true;
	pool->target = arena_alloc(p->arena, n * sizeof(*pool->target));
	if (pool->target == NULL)
		return false;
	pool->n = 0;
	for (const struct pf_hostaddr *h = hosts->first; h != NULL;
	     h = h->next) {
		if (af != PF_AF_NONE && h->addr.af != PF_AF_NONE &&
		    h->addr.af != af)
			continue;
		pool->target[pool->n].addr = h->addr;
		pool->target[pool->n].ifname = h->ifname;
		pool->n++;
	}
	return true;
}

/* A key in hex, or made of words, or random. */
static bool
key(struct pf_parser *p, const struct pf_pool_stmt *ps, struct pf_pool *pool)
{
	const char *hex = ps->key;

	if (hex == NULL) {
		p->world->random(p->world->ctx, pool->key);
		return true;
	}
	if (strncmp(hex, "0x", 2) != 0) {
		md5(hex, strlen(hex), pool->key);
		return true;
	}
	hex += 2;
	if (strlen(hex) != 32 || strspn(hex, "0123456789abcdefABCDEF") != 32) {
		pf_complain(p, "hex key must be 128 bits (32 hex digits) long");
		return false;
	}
	for (size_t i = 0; i < 16; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		pool->key[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return true;
}

bool
pf_pool_build(struct pf_parser *p, const struct pf_pool_stmt *ps,
              struct pf_pool *pool, struct pf_hosts *hosts)
{
	pool->is_set = ps->is_set;
	if (!ps->is_set)
		return true;
	pool->type = ps->type;
	pool->sticky = ps->sticky;
	pool->static_port = ps->static_port;
	pool->endpoint_independent = ps->endpoint_independent;
	if (ps->has_mape) {
		pool->mape_offset = (uint8_t)ps->mape[0];
		pool->mape_psidlen = (uint8_t)ps->mape[1];
		pool->mape_psid = (uint16_t)ps->mape[2];
	}
	if (ps->has_key && !key(p, ps, pool))
		return false;
	for (const struct pf_item *i = ps->hosts.first; i != NULL;
	     i = i->next) {
		struct pf_hosts one = { 0 };

		if (i->kind == PF_HOST_ANY && i->ifname != NULL)
			one.first = one.last =
			    arena_alloc(p->arena, sizeof(*one.first));
		else if (!pf_host_of(p, i, &one))
			return false;
		for (struct pf_hostaddr *h = one.first; h != NULL; h = h->next)
			if (i->ifname != NULL)
				h->ifname = i->ifname;
		if (one.first == NULL)
			continue;
		if (hosts->first == NULL)
			hosts->first = one.first;
		else
			hosts->last->next = one.first;
		hosts->last = one.last;
	}
	return true;
}
