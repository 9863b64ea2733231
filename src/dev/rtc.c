/* SPDX-License-Identifier: BSD-2-Clause */
/* rtc.c - the MC146818 real-time clock and the NVRAM cells beside it.
 *
 * The clock is an offset to the guest's time; its cells are filled when they
 * are read. While SET is on they stand still and the guest may change them; the
 * offset follows when SET goes off. Flags of interrupts are brought up to date
 * whenever anybody looks, a timer runs only while one of them may interrupt.
 * Source: Motorola MC146818A data sheet; cells: the PC AT's.
 */
#include "dev/rtc.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dev/ticks.h"
#include "vmm/vm.h"

enum {
	PORT = 0x70,
	IRQ = 8,
	NCELLS = 128,
	UIP_NS = 244000, /* update in progress before each second */
	MAX_LATE_S = 86400,

	SECONDS = 0,
	SECONDS_ALARM = 1,
	MINUTES = 2,
	MINUTES_ALARM = 3,
	HOURS = 4,
	HOURS_ALARM = 5,
	WEEKDAY = 6,
	DAY = 7,
	MONTH = 8,
	YEAR = 9,
	REG_A = 10,
	REG_B = 11,
	REG_C = 12,
	REG_D = 13,
	CENTURY = 0x32,

	A_UIP = 1 << 7,
	A_DIVIDER = 2 << 4, /* the only one that runs: 32768 Hz */
	B_SET = 1 << 7,
	B_PIE = 1 << 6,
	B_AIE = 1 << 5,
	B_UIE = 1 << 4,
	B_BINARY = 1 << 2,
	B_24H = 1 << 1,
	C_IRQ = 1 << 7,
	C_PERIODIC = 1 << 6,
	C_ALARM = 1 << 5,
	C_UPDATE = 1 << 4,
	D_VALID = 1 << 7,
	ANY = 0xc0, /* an alarm cell from here on matches all */
	PM = 0x80   /* in HOURS of 12 */
};

struct rtc {
	struct vm *vm;
	pthread_mutex_t lock;
	struct timer timer;
	uint8_t index;
	uint8_t cell[NCELLS];
	int64_t offset_ns; /* clock - guest time */
	uint64_t seen_ns;  /* guest time up to which flags are known */
};

static const uint64_t second_ns = NS_PER_S;
/* The clock goes from 1843 to 2255: 64 bits of nanoseconds, and room. */
#define MIN_S (-4000000000ll)
#define MAX_S 9000000000ll

static int64_t
clock_ns(const struct rtc *r, uint64_t now)
{
	return (int64_t)now + r->offset_ns;
}

/* Seconds before 1970 round down, too. */
static int64_t
seconds_of(int64_t ns)
{
	return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

/* Cells and numbers. */

static uint8_t
encode(const struct rtc *r, int v)
{
	if ((r->cell[REG_B] & B_BINARY) != 0)
		return (uint8_t)v;
	return (uint8_t)(v / 10 % 10 << 4 | v % 10);
}

static int
decode(const struct rtc *r, uint8_t v)
{
	if ((r->cell[REG_B] & B_BINARY) != 0)
		return v;
	return (v >> 4) * 10 + (v & 15);
}

static uint8_t
encode_hour(const struct rtc *r, int hour)
{
	if ((r->cell[REG_B] & B_24H) != 0)
		return encode(r, hour);
	return (uint8_t)(encode(r, (hour + 11) % 12 + 1) |
	                 (hour >= 12 ? PM : 0));
}

static int
decode_hour(const struct rtc *r, uint8_t v)
{
	if ((r->cell[REG_B] & B_24H) != 0)
		return decode(r, v);
	return decode(r, v & ~PM) % 12 + ((v & PM) != 0 ? 12 : 0);
}

static void
fill_cells(struct rtc *r, uint64_t now)
{
	time_t t = (time_t)seconds_of(clock_ns(r, now));
	struct tm tm;
	int year;

	if (gmtime_r(&t, &tm) == NULL)
		return;
	r->cell[SECONDS] = encode(r, tm.tm_sec);
	r->cell[MINUTES] = encode(r, tm.tm_min);
	r->cell[HOURS] = encode_hour(r, tm.tm_hour);
	r->cell[WEEKDAY] = encode(r, tm.tm_wday + 1);
	r->cell[DAY] = encode(r, tm.tm_mday);
	r->cell[MONTH] = encode(r, tm.tm_mon + 1);
	year = tm.tm_year + 1900; /* never negative: MIN_S */
	r->cell[YEAR] = encode(r, year % 100);
	r->cell[CENTURY] = encode(r, year / 100);
}

/* Let the clock run from what the cells say; nonsense is taken as timegm(3)
 * does. */
static void
take_cells(struct rtc *r, uint64_t now)
{
	struct tm tm = {
		.tm_sec = decode(r, r->cell[SECONDS]),
		.tm_min = decode(r, r->cell[MINUTES]),
		.tm_hour = decode_hour(r, r->cell[HOURS]),
		.tm_mday = decode(r, r->cell[DAY]),
		.tm_mon = decode(r, r->cell[MONTH]) - 1,
		.tm_year = decode(r, r->cell[CENTURY]) * 100 +
		           decode(r, r->cell[YEAR]) - 1900,
	};

	int64_t s = (int64_t)timegm(&tm);

	if (s > MAX_S)
		s = MAX_S;
	else if (s < MIN_S)
		s = MIN_S;
	r->offset_ns = s * NS_PER_S - (int64_t)now;
}

/* Flags and the interrupt. */

/* The periodic interrupt's time, 0: off. */
static uint64_t
period_ticks(const struct rtc *r)
{
	unsigned rate = r->cell[REG_A] & 15;

	if (rate == 0)
		return 0;
	return 1u << ((rate <= 2 ? rate + 7 : rate) - 1);
}

static bool
alarm_cell(uint8_t alarm, uint8_t value)
{
	return alarm >= ANY || alarm == value;
}

static bool
is_alarm(struct rtc *r, int64_t s)
{
	int day = (int)(s % 86400 + (s % 86400 < 0 ? 86400 : 0));

	return alarm_cell(r->cell[SECONDS_ALARM], encode(r, day % 60)) &&
	       alarm_cell(r->cell[MINUTES_ALARM], encode(r, day / 60 % 60)) &&
	       alarm_cell(r->cell[HOURS_ALARM], encode_hour(r, day / 3600));
}

static void
raise_irq(struct rtc *r)
{
	bool on = (r->cell[REG_C] & r->cell[REG_B] &
	           (C_PERIODIC | C_ALARM | C_UPDATE)) != 0;

	r->cell[REG_C] =
	    (uint8_t)((r->cell[REG_C] & ~C_IRQ) | (on ? C_IRQ : 0));
	vm_irq_set(r->vm, IRQ, on);
}

/* Set the flags of all that happened up to now. */
static void
advance(struct rtc *r, uint64_t now)
{
	uint64_t period = period_ticks(r);
	int64_t from = seconds_of(clock_ns(r, r->seen_ns));
	int64_t to = seconds_of(clock_ns(r, now));

	if (period != 0 && ticks_of_ns(now, 32768) / period !=
	                       ticks_of_ns(r->seen_ns, 32768) / period)
		r->cell[REG_C] |= C_PERIODIC;
	r->seen_ns = now;
	if ((r->cell[REG_B] & B_SET) == 0 && to > from) {
		r->cell[REG_C] |= C_UPDATE;
		if (to - from > MAX_LATE_S)
			from = to - MAX_LATE_S;
		while (from < to && (r->cell[REG_C] & C_ALARM) == 0)
			if (is_alarm(r, ++from))
				r->cell[REG_C] |= C_ALARM;
	}
	raise_irq(r);
}

/* A timer for the next interrupt that may come. */
static void
arm(struct rtc *r)
{
	uint64_t now = loop_now(r->vm->loop), next = UINT64_MAX;
	uint64_t period = period_ticks(r);
	uint8_t b = r->cell[REG_B];

	if ((b & B_PIE) != 0 && period != 0)
		next = ns_of_ticks(
		    (ticks_of_ns(now, 32768) / period + 1) * period, 32768);
	if ((b & B_SET) == 0 && (b & (B_AIE | B_UIE)) != 0) {
		int64_t c = clock_ns(r, now);
		uint64_t left = (uint64_t)((seconds_of(c) + 1) * NS_PER_S - c);

		if (now + left < next)
			next = now + left;
	}
	if (next == UINT64_MAX)
		timer_clear(r->vm->loop, &r->timer);
	else
		(void)timer_set(r->vm->loop, &r->timer, next);
}

static void
fire(void *ctx)
{
	struct rtc *r = ctx;

	pthread_mutex_lock(&r->lock);
	advance(r, loop_now(r->vm->loop));
	arm(r);
	pthread_mutex_unlock(&r->lock);
}

/* Registers. */

static bool
is_time_cell(unsigned cell)
{
	return cell == SECONDS || cell == MINUTES || cell == HOURS ||
	       (cell >= WEEKDAY && cell <= YEAR) || cell == CENTURY;
}

static uint8_t
read_a(const struct rtc *r, uint64_t now)
{
	int64_t c = clock_ns(r, now);
	uint64_t in_second = (uint64_t)(c - seconds_of(c) * NS_PER_S);
	bool uip =
	    (r->cell[REG_B] & B_SET) == 0 && in_second >= second_ns - UIP_NS;

	return (uint8_t)((r->cell[REG_A] & ~A_UIP) | (uip ? A_UIP : 0));
}

static uint8_t
cell_read(struct rtc *r, unsigned cell, uint64_t now)
{
	uint8_t v;

	if (cell == REG_A)
		return read_a(r, now);
	if (is_time_cell(cell) && (r->cell[REG_B] & B_SET) == 0)
		fill_cells(r, now);
	v = r->cell[cell];
	if (cell == REG_C) {
		advance(r, now);
		v = r->cell[REG_C];
		r->cell[REG_C] = 0;
		raise_irq(r);
	}
	return v;
}

static void
write_b(struct rtc *r, uint8_t v, uint64_t now)
{
	uint8_t old = r->cell[REG_B];

	if ((old & B_SET) == 0)
		fill_cells(r, now);
	r->cell[REG_B] = v;
	if ((old & B_SET) != 0 && (v & B_SET) == 0)
		take_cells(r, now);
	raise_irq(r);
	arm(r);
}

static void
cell_write(struct rtc *r, unsigned cell, uint8_t v, uint64_t now)
{
	switch (cell) {
	case REG_A:
		r->cell[REG_A] = v & ~A_UIP;
		arm(r);
		break;
	case REG_B:
		write_b(r, v, now);
		break;
	case REG_C:
	case REG_D:
		break;
	default:
		if (!is_time_cell(cell)) {
			r->cell[cell] = v;
			break;
		}
		if ((r->cell[REG_B] & B_SET) == 0)
			fill_cells(r, now);
		r->cell[cell] = v;
		if ((r->cell[REG_B] & B_SET) == 0)
			take_cells(r, now);
		arm(r);
	}
}

static uint64_t
port_read(void *ctx, uint64_t off, unsigned size)
{
	struct rtc *r = ctx;
	uint8_t v = 0xff;

	(void)size;
	if (off == 0)
		return v; /* the index is write-only */
	pthread_mutex_lock(&r->lock);
	v = cell_read(r, r->index, loop_now(r->vm->loop));
	pthread_mutex_unlock(&r->lock);
	return v;
}

static void
port_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct rtc *r = ctx;
	uint64_t now = loop_now(r->vm->loop);

	(void)size;
	pthread_mutex_lock(&r->lock);
	if (off == 0) {
		r->index = v % NCELLS; /* bit 7 masks NMI: not ours */
	} else {
		advance(r, now);
		cell_write(r, r->index, (uint8_t)v, now);
	}
	pthread_mutex_unlock(&r->lock);
}

static const struct bus_ops port_ops = { "rtc", port_read, port_write };

/* It has a battery: the time and the cells survive. */
static void
rtc_reset(void *dev)
{
	struct rtc *r = dev;

	r->index = 0;
	r->cell[REG_A] = A_DIVIDER;
	r->cell[REG_B] = B_24H;
	r->cell[REG_C] = 0;
	r->cell[REG_D] = D_VALID;
	timer_clear(r->vm->loop, &r->timer);
	vm_irq_set(r->vm, IRQ, false);
}

static void
rtc_fini(void *dev)
{
	struct rtc *r = dev;

	timer_clear(r->vm->loop, &r->timer);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static const struct state_field fields[] = {
	STATE_FIELD(struct rtc, index),
	STATE_ARRAY(struct rtc, cell),
	STATE_FIELD(struct rtc, offset_ns),
	STATE_FIELD(struct rtc, seen_ns),
	{ NULL, 0, 0, 0 },
};

static int
after_load(void *obj, struct error *err)
{
	struct rtc *r = obj;

	if (r->index >= NCELLS || r->seen_ns > loop_now(r->vm->loop) ||
	    r->offset_ns > MAX_S * NS_PER_S ||
	    r->offset_ns < 2 * MIN_S * NS_PER_S)
		return error_set(err, -EINVAL, "no RTC state");
	r->cell[REG_D] = D_VALID;
	arm(r);
	return 0;
}

static const struct state_desc state = {
	.name = "rtc",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static const struct device_ops device = {
	.name = "rtc",
	.reset = rtc_reset,
	.fini = rtc_fini,
	.state = &state,
};

/* From outside. The clock's own cells are not for others to write. */

static int64_t
outside_time(void *ctx)
{
	struct rtc *r = ctx;
	int64_t s;

	pthread_mutex_lock(&r->lock);
	s = seconds_of(clock_ns(r, loop_now(r->vm->loop)));
	pthread_mutex_unlock(&r->lock);
	return s;
}

static int
outside_set_time(void *ctx, int64_t s)
{
	struct rtc *r = ctx;
	uint64_t now = loop_now(r->vm->loop);

	if (s < MIN_S || s > MAX_S)
		return -EINVAL;
	pthread_mutex_lock(&r->lock);
	advance(r, now);
	r->offset_ns = s * NS_PER_S - (int64_t)now;
	/* While SET is on the guest sees its cells, and will put them back. */
	arm(r);
	pthread_mutex_unlock(&r->lock);
	return 0;
}

/* A look changes nothing, so that a flag in C is still the guest's. */
static int
outside_cell(void *ctx, unsigned n)
{
	struct rtc *r = ctx;
	int v;

	if (n >= NCELLS)
		return -EINVAL;
	pthread_mutex_lock(&r->lock);
	v = n == REG_C ? r->cell[n] : cell_read(r, n, loop_now(r->vm->loop));
	pthread_mutex_unlock(&r->lock);
	return v;
}

static int
outside_set_cell(void *ctx, unsigned n, uint8_t v)
{
	struct rtc *r = ctx;

	if (n <= REG_D || n >= NCELLS || n == CENTURY)
		return -EINVAL;
	pthread_mutex_lock(&r->lock);
	r->cell[n] = v;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

static const struct vm_rtc_ops outside = { outside_time, outside_set_time,
	                                   outside_cell, outside_set_cell };

int
rtc_new(struct vm *vm, int64_t start_s, struct rtc **out_rtc, struct error *err)
{
	struct rtc *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return error_set(err, -ENOMEM, "rtc");
	r->vm = vm;
	r->timer = (struct timer){ .fn = fire, .ctx = r };
	pthread_mutex_init(&r->lock, NULL);
	r->seen_ns = loop_now(vm->loop);
	r->offset_ns = start_s * NS_PER_S - (int64_t)r->seen_ns;
	rtc_reset(r);
	if (bus_add(vm->pio, PORT, 2, &port_ops, r, err) < 0 ||
	    vm_device_add(vm, &device, r, err) < 0) {
		rtc_fini(r);
		return err->code;
	}
	vm_rtc_attach(vm, &outside, r);
	*out_rtc = r;
	return 0;
}

void
rtc_set_cell(struct rtc *r, unsigned cell, uint8_t v)
{
	if (cell > REG_D && cell < NCELLS)
		r->cell[cell] = v;
}

static void
set_number(struct rtc *r, unsigned cell, unsigned bytes, uint64_t v,
           uint64_t max)
{
	if (v > max)
		v = max;
	for (unsigned i = 0; i < bytes; i++)
		rtc_set_cell(r, cell + i, (uint8_t)(v >> 8 * i));
}

void
rtc_set_memory(struct rtc *r, uint64_t lowmem, uint64_t highmem)
{
	const uint64_t kib = 1024, mib = 1 << 20, unit = 64 << 10;
	uint64_t ext = lowmem > mib ? (lowmem - mib) / kib : 0;

	set_number(r, 0x15, 2, 640, 640);
	set_number(r, 0x17, 2, ext, 63 * 1024);
	set_number(r, 0x30, 2, ext, 63 * 1024);
	set_number(r, 0x34, 2,
	           lowmem > 16 * mib ? (lowmem - 16 * mib) / unit : 0, 0xffff);
	set_number(r, 0x5b, 3, highmem / unit, 0xffffff);
}
