/* SPDX-License-Identifier: BSD-2-Clause */
/* slirp.h - user networking's forwarded ports, as words; what a back end and
 * its helper (src/cmd/slirp.c) agree on.
 *
 * The guest's network is 10.0.2.0/24: the host is .2, DNS .3, the guest .15 by
 * DHCP. libslirp runs in a process of its own, which a guest that broke it has
 * still to leave; frames cross a SOCK_SEQPACKET pair.
 */
#ifndef NET_SLIRP_H
#define NET_SLIRP_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	SLIRP_MAX_FORWARDS = 64,
	SLIRP_MAX_WORD = 128, /* one forward */
	SLIRP_MAX_FRAME = 65549,
	SLIRP_FD = 3 /* the helper's end */
};

struct slirp_forward {
	bool udp;
	struct in_addr host, guest; /* 0.0.0.0: any, and the guest's own */
	uint16_t host_port, guest_port;
};

/*
 * The forward that text[0..len) names: PROTO:[HADDR]:HPORT-[GADDR]:GPORT, PROTO
 * tcp or udp, addresses in dots. Pure. -EINVAL with the words.
 */
int slirp_forward_parse(const char *text, size_t len, struct slirp_forward *out,
                        struct error *err);
#endif
