/* SPDX-License-Identifier: BSD-2-Clause */
/* caps.c - the capability sets of the calling thread, by raw system calls. */
#include "linux/caps.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <unistd.h>

enum { CAPS_WORDS = _LINUX_CAPABILITY_U32S_3 };

static int
clear_ambient(struct error *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_sys(err, "clear the ambient capabilities");
	return 0;
}

static int
clear_inheritable(struct error *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct set[CAPS_WORDS];

	if (syscall(SYS_capget, &head, set) < 0)
		return error_sys(err, "capget");
	for (unsigned i = 0; i < CAPS_WORDS; i++)
		set[i].inheritable = 0;
	if (syscall(SYS_capset, &head, set) < 0)
		return error_sys(err, "capset");
	return 0;
}

int
caps_bound(uint64_t keep, struct error *err)
{
	for (unsigned cap = 0; cap < 64; cap++) {
		if (keep & CAPS_BIT(cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			break; /* past the kernel's last capability */
		return error_sys(err, "drop capability %u", cap);
	}
	if (clear_ambient(err) < 0)
		return err->code;
	return clear_inheritable(err);
}

int
caps_effective(uint64_t want, uint64_t *out_old, struct error *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct set[CAPS_WORDS];

	if (syscall(SYS_capget, &head, set) < 0)
		return error_sys(err, "capget");
	*out_old = 0;
	for (unsigned i = 0; i < CAPS_WORDS; i++) {
		*out_old |= (uint64_t)set[i].effective << 32 * i;
		set[i].effective =
		    (uint32_t)(want >> 32 * i) & set[i].permitted;
	}
	if (syscall(SYS_capset, &head, set) < 0)
		return error_sys(err, "capset");
	return 0;
}

int
caps_drop(struct error *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct none[CAPS_WORDS] = { 0 };

	if (clear_ambient(err) < 0)
		return err->code;
	if (syscall(SYS_capset, &head, none) < 0)
		return error_sys(err, "capset");
	return 0;
}
