/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.h - the IP addresses of interfaces: text, listing, adding, removing.
 *
 * Threads: none; calls that take a socket block for the kernel's answer.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linux/nl.h"

enum {
	ADDR_TEXT_MAX = 48, /* an IPv6 address as text, with the NUL */
	ADDR_MAX = 1 << 17, /* addresses in one list */
};

/* An IPv4 or IPv6 address. */
struct addr_ip {
	int family; /* AF_INET, AF_INET6; 0: none */
	uint8_t b[16];
};

/* Bytes of an address of that family: 4 or 16. */
size_t addr_len(int family);
/* Parse a numeric address of family (0: either). Pure. IPv4 in 1 to 4 parts as
 * inet_aton(3) has it. -EINVAL. */
int addr_parse(const char *text, int family, struct addr_ip *out);
/* A contiguous netmask, "255.255.255.0" or "0xffffff00", as a prefix length.
 * -EINVAL. */
int addr_parse_mask(const char *text, unsigned *out_prefix);
/* "0" to "32" or "128". -EINVAL, -ERANGE. */
int addr_parse_prefix(const char *text, int family, unsigned *out_prefix);
/* The class A, B or C prefix length of an IPv4 address. */
unsigned addr_class_prefix(const struct addr_ip *ip);
const char *addr_format(const struct addr_ip *ip, char out[ADDR_TEXT_MAX]);
bool addr_equal(const struct addr_ip *a, const struct addr_ip *b);
/* ip with its host bits set to ones (or to zeros). */
struct addr_ip addr_broadcast(const struct addr_ip *ip, unsigned prefix);
struct addr_ip addr_network(const struct addr_ip *ip, unsigned prefix);

/* One address of an interface. */
struct addr {
	unsigned index;                     /* the interface's */
	struct addr_ip ip, peer, broadcast; /* peer: point to point only */
	unsigned prefix;
	uint32_t flags;            /* IFA_F_*, Linux's */
	uint32_t valid, preferred; /* seconds; UINT32_MAX: for ever */
};

/* Read the payload of an RTM_NEWADDR. Pure. -EPROTO when it is none. */
int addr_read(const struct nl_reply *r, struct addr *out, struct error *err);

/* All addresses, or those of one family (else 0) or interface (else 0), in the
 * kernel's order. *out_addrs is the caller's: free(). */
int addr_list(struct nl_sock *nl, int family, unsigned index,
              struct addr **out_addrs, size_t *out_n, struct error *err);

/* Add or change a; of its flags IFA_F_NODAD is used. A broadcast of family 0 is
 * left out. Text of errors is the kernel's. */
int addr_add(struct nl_sock *nl, const struct addr *a, struct error *err);
/*
 * Remove one address. Unlike Linux by default, and like FreeBSD, the others in
 * its network stay. -EADDRNOTAVAIL the interface has no such address.
 */
int addr_del(struct nl_sock *nl, unsigned index, const struct addr_ip *ip,
             struct error *err);
#endif
