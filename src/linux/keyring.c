/* SPDX-License-Identifier: BSD-2-Clause */
/* keyring.c - leave the session keyring one was started with. */
#include "linux/keyring.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <unistd.h>

int
keyring_leave(struct error *err)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
	    errno != ENOSYS)
		return error_sys(err, "join a new session keyring");
	return 0;
}
