/* SPDX-License-Identifier: BSD-2-Clause */
/* keyring.h - leave the session keyring one was started with. */
#ifndef LINUX_KEYRING_H
#define LINUX_KEYRING_H
#include "base/error.h"

/* Join a new, empty, nameless session keyring: keys of the host's session are
 * then out of reach. A kernel without keyrings has nothing to leave: 0. */
int keyring_leave(struct error *err);
#endif
