/* SPDX-License-Identifier: BSD-2-Clause */
/* tsc.c - the kernel's calibration read, or one of our own. */
#include "linux/tsc.h"

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

static uint64_t
from_kernel(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1,
	                      PERF_FLAG_FD_CLOEXEC);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t hz = 0;
	void *p;

	if (fd < 0)
		return 0;
	p = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return 0;
	const struct perf_event_mmap_page *clock = p;

	/* ns = (cycles * mult) >> shift */
	if (clock->cap_user_time && clock->time_mult != 0)
		hz = (uint64_t)(((__uint128_t)1000000000 << clock->time_shift) /
		                clock->time_mult);
	munmap(p, page);
	return hz;
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Counter and clock of one moment: of a few tries the one that was the least
 * interrupted. */
static void
sample(uint64_t *out_ns, uint64_t *out_ticks)
{
	uint64_t best = UINT64_MAX;

	*out_ns = *out_ticks = 0;
	for (unsigned i = 0; i < 16; i++) {
		uint64_t from = __rdtsc(), ns = now_ns(),
		         took = __rdtsc() - from;

		if (took >= best)
			continue;
		best = took;
		*out_ns = ns;
		*out_ticks = from + took / 2;
	}
}

static uint64_t
measured(void)
{
	const struct timespec wait = { 0, 2000000 };
	uint64_t t0, c0, t1, c1;

	sample(&t0, &c0);
	nanosleep(&wait, NULL);
	sample(&t1, &c1);
	return (uint64_t)((__uint128_t)(c1 - c0) * 1000000000 / (t1 - t0));
}

uint64_t
tsc_hz(void)
{
	uint64_t hz = from_kernel();

	return hz != 0 ? hz : measured();
}
