/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.c - arithmetic on addresses of both families. */
#include "pf/addr.h"

#include <arpa/inet.h>
#include <string.h>

/* The bits of octet n that belong to the first bits. */
static uint8_t
octet_mask(unsigned bits, unsigned n)
{
	if (bits >= 8 * (n + 1))
		return 0xff;
	return bits <= 8 * n ? 0 : (uint8_t)(0xff00 >> (bits - 8 * n));
}

void
pf_ip_mask(struct pf_ip *ip, unsigned bits)
{
	for (unsigned i = 0; i < sizeof(ip->b); i++)
		ip->b[i] &= octet_mask(bits, i);
}

bool
pf_ip_in(const struct pf_ip *ip, const struct pf_ip *net, unsigned bits)
{
	for (unsigned i = 0; i < sizeof(ip->b) && bits > 8 * i; i++)
		if (((ip->b[i] ^ net->b[i]) & octet_mask(bits, i)) != 0)
			return false;
	return true;
}

int
pf_ip_cmp(const struct pf_ip *a, const struct pf_ip *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

const char *
pf_ip_text(unsigned af, const struct pf_ip *ip, char out[46])
{
	return inet_ntop((int)af, ip->b, out, 46);
}

bool
pf_addr_same(const struct pf_addr *a, const struct pf_addr *b)
{
	if (a->kind != b->kind || a->af != b->af)
		return false;
	switch ((enum pf_addr_kind)a->kind) {
	case PF_ADDR_NET:
		return a->bits == b->bits && pf_ip_cmp(&a->ip, &b->ip) == 0;
	case PF_ADDR_RANGE:
		return pf_ip_cmp(&a->ip, &b->ip) == 0 &&
		       pf_ip_cmp(&a->last, &b->last) == 0;
	case PF_ADDR_TABLE:
		return strcmp(a->name, b->name) == 0;
	case PF_ADDR_DYN:
		return strcmp(a->name, b->name) == 0 && a->dyn == b->dyn &&
		       a->bits == b->bits;
	case PF_ADDR_ANY:
	case PF_ADDR_NOROUTE:
	case PF_ADDR_URPF:
		return true;
	}
	return false;
}
