/* SPDX-License-Identifier: BSD-2-Clause */
/* tsc.c - a calibration by CLOCK_MONOTONIC_RAW, which NTP does not bend. */
#include "linux/tsc.h"

#include <time.h>
#include <x86intrin.h>

enum { LEAST_NS = 2000000, TRIES = 16 };

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Of a few tries the one that was the least interrupted. */
void
tsc_mark(struct tsc_mark *out)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t from = __rdtsc(), ns = now_ns(),
		         took = __rdtsc() - from;

		if (took >= best)
			continue;
		best = took;
		out->ns = ns;
		out->ticks = from + took / 2;
	}
}

uint64_t
tsc_hz(const struct tsc_mark *since)
{
	struct tsc_mark now;

	tsc_mark(&now);
	while (now.ns - since->ns < LEAST_NS) {
		const struct timespec rest = {
			0, (long)(LEAST_NS - (now.ns - since->ns))
		};

		nanosleep(&rest, NULL);
		tsc_mark(&now);
	}
	return (uint64_t)((__uint128_t)(now.ticks - since->ticks) * 1000000000 /
	                  (now.ns - since->ns));
}
