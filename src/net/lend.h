/* SPDX-License-Identifier: BSD-2-Clause */
/* lend.h - interfaces lent to jails, and their way home.
 *
 * On FreeBSD an interface returns to its home when a jail goes. Linux destroys
 * a virtual one with the namespace it is in, so each move in is recorded first,
 * in jails/JID/vnet.d/IF below the runtime directory (a dict: name, index
 * inside, born, home), and net_jail_reclaim() moves back, before the jail is
 * killed, what is still there. A record may outlive its interface (destroyed
 * inside, or its maker killed half-way): what has vanished is passed over.
 *
 * Groups end at the border, as on FreeBSD. Coming home an interface loses every
 * alternative name: the jail's root may have given it the host's own.
 *
 * Threads: none. A move waits for the interface's users, about 20 ms.
 */
#ifndef NET_LEND_H
#define NET_LEND_H
#include "net/clone.h"
#include "net/jailns.h"
#include "net/link.h"

/* Move an interface of nl's namespace, which is the caller's, into a jail.
 * -EEXIST the jail has no stack of its own, or the name is taken there. */
int net_jail_lend(struct nl_sock *nl, const struct net_jail *j,
                  const struct link *l, struct error *err);

/*
 * Make an epair, whose name q has, with its a end in a jail from the beginning:
 * what making it here and lending that end would end in, without the move.
 * out_name is that end's name. Errors: those of clone_create(), also for a name
 * that is taken in the jail; nothing was made then.
 */
int net_jail_clone(struct nl_sock *nl, const struct net_jail *j,
                   const struct clone_request *q, char out_name[LINK_NAME_MAX],
                   struct error *err);

/* Move the jail's interface of that name to the caller's namespace. */
int net_jail_return(const struct net_jail *j, const char *name,
                    struct error *err);

/*
 * Move every interface lent to a jail to the caller's namespace under the name
 * it had, or when that is taken under the next free vnetN.
 * Returns their number; the first failure is in err when it returns a negative
 * errno, after all were tried. 0 for a jail that is gone.
 */
int net_jail_reclaim(int run_dir_fd, int jid, struct error *err);
#endif
