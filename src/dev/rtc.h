/* SPDX-License-Identifier: BSD-2-Clause */
/* rtc.h - the MC146818 real-time clock and the NVRAM cells beside it. */
#ifndef DEV_RTC_H
#define DEV_RTC_H
#include <stdint.h>

struct error;
struct rtc;
struct vm;

/*
 * Ports 0x70, 0x71, IRQ 8. start_s: what the clock shows now, in seconds since
 * 1970 as if its time zone were UTC. The VM's from here on.
 */
int rtc_new(struct vm *vm, int64_t start_s, struct rtc **out_rtc,
            struct error *err);
/* Contents of a cell beyond the clock's (0x0e..0x7f), kept over a reset. */
void rtc_set_cell(struct rtc *r, unsigned cell, uint8_t v);
/* The cells that tell firmware how much memory there is. */
void rtc_set_memory(struct rtc *r, uint64_t lowmem, uint64_t highmem);
#endif
