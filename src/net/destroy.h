/* SPDX-License-Identifier: BSD-2-Clause */
/* destroy.h - destroying an interface without waiting for what comes after.
 *
 * Linux takes the interface, and what hangs on it, out of every list, releases
 * its locks, and then keeps the caller for another 15 ms or more, until no
 * processor can still be looking at the remains. By then the name is free and
 * nobody can find the interface, which is all that "destroyed" means here: a
 * child process is left to wait for the rest.
 *
 * Threads: none; forks. The child lives some 20 ms longer than the call, holds
 * no descriptor of the caller's, and is reaped by whoever inherits it.
 */
#ifndef NET_DESTROY_H
#define NET_DESTROY_H
#include "net/link.h"

/* Destroy an interface of nl's namespace, which is the caller's. Errors: those
 * of link_destroy(). */
int destroy_link(struct nl_sock *nl, unsigned index, struct error *err);
#endif
