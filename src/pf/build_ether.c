/* SPDX-License-Identifier: BSD-2-Clause */
/* build_ether.c - rules of Ethernet frames: read, and refused. */
#include "pf/build.h"

void
pf_build_ether(struct pf_parser *p, struct pf_stmt *s)
{
	(void)s;
	pf_complain(p, "ether rules are not supported");
}

void
pf_build_ether_anchor(struct pf_parser *p, struct pf_stmt *s)
{
	pf_build_ether(p, s);
}
