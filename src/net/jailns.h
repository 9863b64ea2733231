/* SPDX-License-Identifier: BSD-2-Clause */
/* jailns.h - the network namespaces of jails, and the interfaces lent to them.
 *
 * Reads what the jail library wrote below the runtime directory ($GAOL_RUN or
 * /run/gaol) and writes one thing of its own:
 *
 *     name/NAME                 symlink; its last component is the jid
 *     jails/JID/record          dict: init.pid, init.start, vnet = new|inherit
 *     jails/JID/vnet.d/IF       dict, ours: an interface that was moved in
 *
 * On FreeBSD an interface returns to its home when a jail goes. Linux destroys
 * a virtual one with the namespace it is in, so each move in is recorded first
 * and net_jail_reclaim() moves back, before the jail is killed, what is still
 * there. A record may outlive its interface (destroyed inside, or its maker
 * killed half-way): what has vanished is passed over.
 *
 * Threads: none. Moves wait for the interface's users, see link.h.
 */
#ifndef NET_JAILNS_H
#define NET_JAILNS_H
#include <stdbool.h>

#include "net/link.h"

struct net_jail {
	int jid;
	int dir_fd;    /* jails/JID */
	int pidfd;     /* of its first process */
	int netns_fd;  /* its network namespace */
	bool has_vnet; /* a namespace of its own */
};

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
 * did, or why it was not called. The whole process goes: no other thread. */
int net_jail_do(const char *id_or_name, int (*fn)(void *arg, struct error *err),
                void *arg, struct error *err);

/* Move an interface of nl's namespace, which is the caller's, into the jail, or
 * back. -EEXIST it has no stack of its own, or the name is taken there. */
int net_jail_lend(struct nl_sock *nl, const struct net_jail *j,
                  const struct link *l, struct error *err);
int net_jail_return(const struct net_jail *j, const char *name,
                    struct error *err);

/*
 * Move every interface lent to a jail back to the caller's namespace under its
 * own name, or when that is taken under the next free vnetN.
 * Returns their number; the first failure is in err when it returns a negative
 * errno, after all were tried. 0 for a jail that is gone.
 */
int net_jail_reclaim(int run_dir_fd, int jid, struct error *err);
#endif
