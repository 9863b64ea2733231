/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.h - arithmetic on addresses of both families. */
#ifndef PF_ADDR_H
#define PF_ADDR_H
#include <stdbool.h>

#include "pf/rule.h"

/* Clear the bits behind the first bits. */
void pf_ip_mask(struct pf_ip *ip, unsigned bits);
/* Are the first bits the same? */
bool pf_ip_in(const struct pf_ip *ip, const struct pf_ip *net, unsigned bits);
/* As numbers: negative, 0, positive. */
int pf_ip_cmp(const struct pf_ip *a, const struct pf_ip *b);
/* The address as text; out has room for INET6_ADDRSTRLEN. */
const char *pf_ip_text(unsigned af, const struct pf_ip *ip, char out[46]);
/* Do two say the same? */
bool pf_addr_same(const struct pf_addr *a, const struct pf_addr *b);
#endif
