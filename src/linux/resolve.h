/* SPDX-License-Identifier: BSD-2-Clause */
/* resolve.h - the addresses of a host name.
 *
 * Asked of getent(1), which is in every Debian: what names mean is the C
 * library's modules' to say, and those do not go into a static program.
 */
#ifndef LINUX_RESOLVE_H
#define LINUX_RESOLVE_H
#include "base/error.h"
#include "base/strv.h"

/*
 * Append host's addresses as text, each once, to v4 and v6. May wait for the
 * network. -ENOENT "HOST: Name or service not known".
 */
int resolve_host(const char *host, struct strv *v4, struct strv *v6,
                 struct error *err);
#endif
