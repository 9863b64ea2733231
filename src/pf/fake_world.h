/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_world.h - a machine for tests of the pf language, the same everywhere:
 *
 *	lo0	127.0.0.1/8 ::1/128 fe80::1/64
 *	em0	10.0.0.1/24 2001:db8::1/64 fe80::a/64, also of the group egress
 *	em1	192.168.1.1/24 192.168.1.2/24
 *	tun0	172.16.0.1/32, peer 172.16.0.2
 *
 * Two hosts (one.example, both.example), a few services, protocols and users,
 * and the files it is given.
 */
#ifndef PF_FAKE_WORLD_H
#define PF_FAKE_WORLD_H
#include "pf/world.h"

struct pf_fake_file {
	const char *path, *text;
	size_t len;
};

/* files ends with a NULL path and is borrowed; NULL: there are none. */
void pf_fake_world(struct pf_world *w, const struct pf_fake_file *files);
#endif
