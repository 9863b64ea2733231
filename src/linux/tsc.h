/* SPDX-License-Identifier: BSD-2-Clause */
/* tsc.h - the frequency of the processor's time-stamp counter. */
#ifndef LINUX_TSC_H
#define LINUX_TSC_H
#include <stdint.h>

/*
 * Hertz, as the kernel has calibrated it (the perf(1) clock page; a program
 * without the right to it measures for 2 ms). Never 0: a counter that is not
 * invariant has the frequency of now.
 * Source: linux/perf_event.h, cap_user_time.
 */
uint64_t tsc_hz(void);
#endif
