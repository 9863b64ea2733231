/* SPDX-License-Identifier: BSD-2-Clause */
/* tsc.h - the frequency of the processor's time-stamp counter. */
#ifndef LINUX_TSC_H
#define LINUX_TSC_H
#include <stdint.h>

/* Counter and clock at one moment. */
struct tsc_mark {
	uint64_t ns, ticks;
};

void tsc_mark(struct tsc_mark *out);

/*
 * Hertz, from what counter and clock did since the mark: within some millionths
 * of the kernel's own calibration, which moves that clock. Sleeps until 2 ms
 * have passed since then; a program that has something to do in between marks
 * first and asks later. Never 0: a counter that is not invariant has the
 * frequency of now.
 *
 * The kernel's number itself stands in the clock page of perf(1), at the price
 * of 20 ms (an RCU grace period) for the first event of a host, and not at all
 * on most hosts that are virtual machines themselves.
 */
uint64_t tsc_hz(const struct tsc_mark *since);
#endif
