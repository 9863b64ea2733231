/* SPDX-License-Identifier: BSD-2-Clause */
/* base.h - the few words every file uses: array length, printf checking and
 * scope cleanup.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

static inline void
cleanup_free_fn(void *p)
{
	free(*(void **)p);
}

static inline void
cleanup_close_fn(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Free or close when the variable goes out of scope. */
#define cleanup_free  __attribute__((cleanup(cleanup_free_fn)))
#define cleanup_close __attribute__((cleanup(cleanup_close_fn)))

/* Give a descriptor away: the variable's cleanup then sees -1. */
static inline int
take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Give a pointer away: the variable's cleanup then sees NULL. */
static inline void *
take_ptr_fn(void *pp)
{
	void *taken = *(void **)pp;

	*(void **)pp = NULL;
	return taken;
}
#define take_ptr(p) take_ptr_fn(&(p))
#endif
