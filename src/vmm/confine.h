/* SPDX-License-Identifier: BSD-2-Clause */
/* confine.h - what the process of a VM gives up before its guest runs.
 *
 * A guest is hostile from its first instruction. From confine() on the process
 * has the rights of nobody: a uid that no other VM has, no capabilities, no way
 * back to them, no file system, no new sockets and programs, and a short list
 * of system calls. What it needs is open by then.
 */
#ifndef VMM_CONFINE_H
#define VMM_CONFINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	CONFINE_MAX_CALLS = 50, /* different ones that may be allowed */
	CONFINE_MORE_FDS = 64,  /* clients of sockets that are open already */
	CONFINE_FIRST_UID = 0xf0000000u,
	CONFINE_UIDS = 0x00f00000
};

struct confine_options {
	uint32_t uid; /* and gid; 0: we are not root and stay who we are */
	bool in_core; /* a core file may be written, guest's memory and all */
};

/*
 * For good, and for threads made later. Only the main thread is there. Landlock
 * is used where the kernel has it; all else must succeed.
 */
int confine(const struct confine_options *o, struct error *err);

/*
 * A uid that no running VM of base has: the lock on it is held until *out_lock,
 * the caller's, is closed. The same name mostly gets the same uid.
 */
int confine_uid(const char *base, const char *name, uint32_t *out_uid,
                int *out_lock, struct error *err);

/* Remove what tells of uids when no VM has any. */
void confine_uids_tidy(const char *base);

/* The list, for tests and documents. */
struct confine_call {
	uint16_t nr; /* of the system call */
	const char *name, *why;
};
const struct confine_call *confine_calls(size_t *out_n);
#endif
