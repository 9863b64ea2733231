/* SPDX-License-Identifier: BSD-2-Clause */
/* netwall.h - shared-IP jails: the cgroup BPF that holds a jail to its
 * addresses, and the device list beside it.
 *
 * The programs are loaded once per boot by libexec/gaol/bpf-load, which pins
 * them in a bpffs of our own below the runtime directory; here they are only
 * attached and configured, by bare bpf(2), so that jail(8) links no libbpf.
 * Kernel work per jail: one attach per program and one map update.
 * Source: jail(8) ip4.addr; in_jail.c's rules as shared/reference lists them
 * are in docs/compat.md.
 */
#ifndef JAIL_NETWALL_H
#define JAIL_NETWALL_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "jail/devfs.h"

enum {
	NETWALL_MAX_ADDRS = 64,   /* per family and jail; more is refused */
	NETWALL_MAX_DEVICES = 64, /* rows of the device list */
};

enum netwall_family {
	NETWALL_DISABLE, /* socket() of the family fails */
	NETWALL_NEW,     /* only the listed addresses */
	NETWALL_INHERIT, /* everything the host has */
};

struct netwall_config {
	enum netwall_family ip4, ip6;
	struct in_addr addr4[NETWALL_MAX_ADDRS]; /* [0] is the primary */
	struct in6_addr addr6[NETWALL_MAX_ADDRS];
	unsigned n4, n6;
	bool saddrsel4, saddrsel6;
	bool raw_sockets;    /* allow.raw_sockets */
	bool reserved_ports; /* allow.reserved_ports */
	bool vnet;           /* own stack: no address rules at all */
	uint32_t uid_base;   /* host uid of the jail's root */
	uint32_t uid_owner;  /* of its user namespace */
	struct devfs_allow device[NETWALL_MAX_DEVICES];
	unsigned n_device;
	bool any_device; /* no device list (host's own /dev) */
};

struct netwall; /* the pinned programs and maps, opened */

/*
 * Open the pinned programs below run_dir, loading them first when they are not
 * there (runs libexec/gaol/bpf-load), and see that sk_lookup is attached to the
 * caller's network namespace. -EPERM/-ENOSYS: this host cannot, msg says what.
 * *out_wall is the caller's: netwall_close().
 */
int netwall_open(int run_dir, const char *libexec, struct netwall **out_wall,
                 struct error *err);
void netwall_close(struct netwall *w);

/*
 * Put a jail's cgroup (a directory fd) under the wall, before the first process
 * enters; or change its rules while it runs. The source among several addresses
 * follows the routes of the caller's network namespace as they are now.
 *
 * netwall_update: -ENOTSUP when another version of gaol made the jail and its
 * rules are laid out otherwise.
 */
int netwall_attach(struct netwall *w, int cgroup_fd,
                   const struct netwall_config *cfg, struct error *err);
int netwall_update(struct netwall *w, int cgroup_fd,
                   const struct netwall_config *cfg, struct error *err);

/* Unpin everything below run_dir and unmount the bpffs. Jails that still run
 * keep what is attached. */
int netwall_drop(int run_dir, struct error *err);
#endif
