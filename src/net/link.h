/* SPDX-License-Identifier: BSD-2-Clause */
/* link.h - the network interfaces of one namespace: reading and changing them.
 *
 * Names are FreeBSD's: "lo0" is Linux's "lo", an epair is a veth pair whose
 * ends are epairNa and epairNb. Making interfaces is clone.h's, what is special
 * to bridges bridge.h's. Every call works in the namespace the socket was
 * opened in (nl_open()).
 *
 * What FreeBSD keeps in its kernel and Linux has no field for lives where it
 * dies with the interface: a description is the ifalias; a group is
 * an alternative name "group:NAME:TAG", TAG being random so that it never
 * clashes; what an interface was called before it was renamed is another,
 * "born:NAME", for its unit stays taken ("born:NAME:TAG" once it has moved to
 * another namespace). A driver's own group (epair,
 * bridge, lo, ...) is told by the kind.
 *
 * Threads: none. Calls block for the kernel's answer, 10 to 50 us each; those
 * that destroy or move an interface wait for its users, up to 20 ms.
 */
#ifndef NET_LINK_H
#define NET_LINK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linux/nl.h"

enum {
	LINK_NAME_MAX = 16,   /* with the NUL */
	LINK_DESCR_MAX = 256, /* with the NUL */
	LINK_MAX_GROUPS = 8,  /* named by hand, per interface */
	LINK_MAX_LINKS = 65536,
};

struct link_group {
	char name[LINK_NAME_MAX];
	uint32_t tag;
};

/* What a bridge is set to; times in seconds. */
struct link_bridge {
	unsigned priority, hello, forward_delay, max_age, ageing;
	uint8_t id[8], root_id[8]; /* priority, then MAC */
	unsigned root_cost, root_port;
	bool stp, vlan_filtering;
};

/* What a member of a bridge is set to. */
struct link_port {
	unsigned number, priority, cost;
	uint8_t state; /* BR_STATE_* */
	bool learning, flooding, isolated, locked;
};

/* One interface as the kernel told it. */
struct link {
	unsigned index;
	char name[LINK_NAME_MAX]; /* Linux's: "lo" */
	char kind[LINK_NAME_MAX]; /* rtnetlink's word, "" for hardware */
	char descr[LINK_DESCR_MAX];
	char born[LINK_NAME_MAX]; /* its first name, if it has another now */
	unsigned type;            /* ARPHRD_* */
	unsigned flags;           /* IFF_*, Linux's */
	unsigned mtu;             /* bytes */
	unsigned master;          /* index of the bridge it is in, or 0 */
	unsigned lower;           /* index of a vlan's parent, or 0 */
	bool carrier, has_mac, is_tun; /* is_tun: of kind tun, not a tap */
	bool has_names;                /* alternative ones, ours or not */
	uint8_t mac[6];
	unsigned n_group;
	struct link_group group[LINK_MAX_GROUPS];
	uint16_t vlan_id, vlan_proto; /* proto in host order, 0x8100 */
	struct link_bridge bridge;    /* kind "bridge" */
	bool is_port;
	struct link_port port; /* is_port */
	/* IPv6 switches of the interface. */
	bool in6_disabled, in6_accept_ra, in6_no_linklocal;
};

/*
 * Read the payload of an RTM_NEWLINK. Pure; fields the message lacks are zero.
 * -EPROTO when it is no such message. Texts too long are left out.
 */
int link_read(const struct nl_reply *r, struct link *out, struct error *err);

/* Linux's word for a name a FreeBSD user writes, and back: lo0 <-> lo. */
const char *link_name_linux(const char *name);
const char *link_name_freebsd(const char *name);
/* FreeBSD's family of an interface, also its first group: "epair", "bridge",
 * "lo", "vlan", "tap", "tun"; "" for hardware and all others. */
const char *link_family(const struct link *l);
bool link_in_group(const struct link *l, const char *group);

/* One interface by FreeBSD's or Linux's name. -ENODEV "interface X does not
 * exist". */
int link_get(struct nl_sock *nl, const char *name, struct link *out,
             struct error *err);
int link_get_index(struct nl_sock *nl, unsigned index, struct link *out,
                   struct error *err);
/* All, in the kernel's order. *out_links is the caller's: free(). */
int link_list(struct nl_sock *nl, struct link **out_links, size_t *out_n,
              struct error *err);

/* Changes of one interface by index. Texts of errors are the kernel's. */
int link_set_up(struct nl_sock *nl, unsigned index, bool up, struct error *err);
/* Set the IFF_* bits of change to those of flags. */
int link_set_flags(struct nl_sock *nl, unsigned index, unsigned flags,
                   unsigned change, struct error *err);
int link_set_mtu(struct nl_sock *nl, unsigned index, unsigned mtu,
                 struct error *err);
int link_set_mac(struct nl_sock *nl, unsigned index, const uint8_t mac[6],
                 struct error *err);
/* Remembers l's first name as long as it lives. */
int link_set_name(struct nl_sock *nl, const struct link *l, const char *name,
                  struct error *err);
/* Is an interface here that was called name first and is no more? */
bool link_is_born(struct nl_sock *nl, const char *name);
/* Before l moves: its first name must not clash there, nor be taken here. */
void link_hide_born(struct nl_sock *nl, const struct link *l);
/* Take all alternative names away: groups, the first name, and whatever else
 * somebody gave it. */
int link_strip_names(struct nl_sock *nl, const struct link *l,
                     struct error *err);
/* Remember born as the first name of an interface that came from elsewhere. */
int link_set_born(struct nl_sock *nl, unsigned index, const char *born,
                  struct error *err);
/* Up to LINK_DESCR_MAX - 1 bytes; "" takes it away. */
int link_set_descr(struct nl_sock *nl, unsigned index, const char *descr,
                   struct error *err);
/* Give no or automatic link-local address when it comes up next. */
int link_set_linklocal(struct nl_sock *nl, unsigned index, bool automatic,
                       struct error *err);
/* Turn a switch below net.ipv6.conf.NAME on or off, in the namespace of the
 * calling process. -ENOENT: no IPv6 here, or no such switch. */
int link_in6_switch(const struct link *l, const char *name, bool on,
                    struct error *err);
/* master: a bridge's index, 0 to leave. */
int link_set_master(struct nl_sock *nl, unsigned index, unsigned master,
                    struct error *err);
/* -EEXIST it is in group already; -ENOENT it is not; -EINVAL the name (FreeBSD
 * refuses a digit at the end); -ENOSPC over LINK_MAX_GROUPS. */
int link_group_add(struct nl_sock *nl, const struct link *l, const char *group,
                   struct error *err);
int link_group_del(struct nl_sock *nl, const struct link *l, const char *group,
                   struct error *err);
/* Remove it (both ends of an epair). Hardware: -EOPNOTSUPP. Waits, for longer
 * than anybody needs: see destroy.h. */
int link_destroy(struct nl_sock *nl, unsigned index, struct error *err);
/*
 * Move it to the network namespace netns_fd stands for, there under name (which
 * may hold "%d" for the next free number; NULL keeps its own). It loses
 * addresses, routes and bridge and is down; MAC and all its names stay.
 * -EEXIST the name is taken there. -EINVAL it cannot move (lo, a bridge).
 * Waits.
 */
int link_move(struct nl_sock *nl, unsigned index, int netns_fd,
              const char *name, struct error *err);
#endif
