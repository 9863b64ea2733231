/* SPDX-License-Identifier: BSD-2-Clause */
/* ticks.h - nanoseconds of the guest's clock as a counter's ticks, and back,
 * without losing any on the way.
 */
#ifndef DEV_TICKS_H
#define DEV_TICKS_H
#include <stdint.h>

enum { NS_PER_S = 1000000000 };

static inline uint64_t
ticks_of_ns(uint64_t ns, uint32_t hz)
{
	return (uint64_t)((unsigned __int128)ns * hz / NS_PER_S);
}

/* The first nanosecond at which that many ticks have passed. */
static inline uint64_t
ns_of_ticks(uint64_t ticks, uint32_t hz)
{
	return (uint64_t)(((unsigned __int128)ticks * NS_PER_S + hz - 1) / hz);
}
#endif
