/* SPDX-License-Identifier: BSD-2-Clause */
/* netns.h - named network namespaces, the same ones ip-netns(8) shows.
 *
 * A name is a file in /run/netns that the namespace is bound to. Owns those
 * files and nothing in the namespaces but that lo is up.
 */
#ifndef LINUX_NETNS_H
#define LINUX_NETNS_H
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* A name that can be a file in /run/netns. */
bool netns_name_ok(const char *name);

/* Make a namespace with lo up and give it a name; the caller stays where it
 * is. -EEXIST: the name is taken. */
int netns_create(const char *name, struct error *err);

/* Move this (single-threaded) process into a named namespace. -ENOENT. */
int netns_enter(const char *name, struct error *err);

/* Take the name away; the namespace lives on while anything is in it. Also
 * unmounts an empty /run/netns that netns_create() had made. 0 when there is
 * no such name. */
int netns_delete(const char *name, struct error *err);

/* What the kernel calls the network namespace we are in, never used again:
 * socket(7), SO_NETNS_COOKIE. */
int netns_cookie(uint64_t *out_cookie, struct error *err);
#endif
