/* SPDX-License-Identifier: BSD-2-Clause */
/* jailns.h - the network namespaces of jails: finding and entering them.
 *
 * Reads what the jail library wrote below the runtime directory ($GAOL_RUN or
 * /run/gaol), by itself, since net and jail are of one floor:
 *
 *     name/NAME                 symlink; its last component is the jid
 *     jails/JID/record          dict: init.pid, init.start, vnet = new|inherit
 *
 * Threads: none.
 */
#ifndef NET_JAILNS_H
#define NET_JAILNS_H
#include <stdbool.h>

#include "base/error.h"

struct net_jail {
	int jid;
	int dir_fd;    /* jails/JID */
	int pidfd;     /* of its first process */
	int netns_fd;  /* its network namespace */
	bool has_vnet; /* a namespace of its own */
};

/* The caller's network namespace, opened; the caller's to close. */
int net_own_netns(struct error *err);

/* The runtime directory, opened; the caller's to close. */
int net_run_open(struct error *err);

/*
 * Find a running jail by jid or name. *out_jail is the caller's:
 * net_jail_close(). -ENOENT 'jail "x" not found'; -EINVAL a broken record.
 */
int net_jail_open(int run_dir_fd, const char *id_or_name,
                  struct net_jail *out_jail, struct error *err);
void net_jail_close(struct net_jail *j);

/* Find it as above below the runtime directory of the environment. */
int net_jail_find(const char *id_or_name, struct net_jail *out_jail,
                  struct error *err);

/* Call fn in the network namespace of a jail and come back. Returns what fn
 * did, or why it was not called: -EPERM the jail has no stack of its own. The
 * whole process goes: no other thread. */
int net_jail_do(const char *id_or_name, int (*fn)(void *arg, struct error *err),
                void *arg, struct error *err);
#endif
