/* SPDX-License-Identifier: BSD-2-Clause */
/* ifshow.h - interfaces as ifconfig(8) lists them.
 *
 * Pure: what the kernel told goes in, FreeBSD's text comes out, so that scripts
 * which look for "inet ", "ether ", "member:", "groups:", "description:" and
 * "status:" find them. Flags and options are FreeBSD's numbers and names.
 */
#ifndef NET_IFSHOW_H
#define NET_IFSHOW_H
#include "base/buf.h"
#include "net/addr.h"
#include "net/link.h"

/* How addresses are written: ifconfig -f, "inet:cidr,ether:dash". */
struct ifshow_format {
	enum {
		IFSHOW_HEX,
		IFSHOW_DOTTED,
		IFSHOW_CIDR,
	} inet;
	bool inet6_cidr;
	char ether; /* between the bytes: ':' or '-' */
};

/* Parse the text of -f. -EINVAL "..."; *out is then untouched. */
int ifshow_format_parse(const char *text, struct ifshow_format *out,
                        struct error *err);

/* Everything of one namespace. */
struct ifshow_all {
	const struct link *link;
	size_t n_link;
	const struct addr *addr;
	size_t n_addr;
};

/* Append FreeBSD's name of an interface. Control bytes show as '?', here and in
 * descriptions and groups: a jail's root may have chosen them. */
void ifshow_name(const struct link *l, struct buf *out);

/* Append what is to be said of l: all of it, or of one family (AF_INET,
 * AF_INET6, AF_PACKET; 0: all). */
void ifshow_link(const struct ifshow_all *all, const struct link *l, int family,
                 const struct ifshow_format *f, struct buf *out);

/* Does l have something of a family to list? */
bool ifshow_has_family(const struct ifshow_all *all, const struct link *l,
                       int family);
#endif
