/* SPDX-License-Identifier: BSD-2-Clause */
/* rename.h - renaming an interface that is up, on every kernel.
 *
 * Threads: none; calls block for the kernel's answers.
 */
#ifndef NET_RENAME_H
#define NET_RENAME_H
#include "net/link.h"

/*
 * Give l another name, as link_set_name(). Linux before 6.2 refuses while it is
 * up: then it goes down for the moment of the renaming and comes up again, and
 * the routes and IPv6 addresses that go with that are put back.
 */
int rename_link(struct nl_sock *nl, const struct link *l, const char *name,
                struct error *err);
#endif
