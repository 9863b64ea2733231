/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_soft.c - a guest that executes anything: the software engine is what
 * keeps it inside. Byte 0 says the mode it starts in and whether it runs by
 * single steps or in blocks, 1 and 2 what is set, then 16 bytes of registers
 * and code. It gets a few milliseconds; afterwards the processor must still be
 * one.
 */
#include <sys/time.h>

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "base/error.h"
#include "engine/soft/bed.h"
#include "engine/soft/soft.h"

enum { HEAD = 19, MAX_CODE = 8192, STEPS = 100, RUN_NS = 3000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct bed bed;
static timer_t timer;

static void
on_timer(int sig)
{
	(void)sig;
	engine_soft.kick(&bed.vm->vcpus[0]);
}

static void
start(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL };
	struct sigaction sa = { .sa_handler = on_timer,
		                .sa_flags = SA_RESTART };

	bed_init(&bed);
	ev.sigev_signo = SIGRTMIN;
	if (sigaction(SIGRTMIN, &sa, NULL) < 0 ||
	    timer_create(CLOCK_MONOTONIC, &ev, &timer) < 0)
		abort();
}

static void
set_timer(long ns)
{
	const struct itimerspec t = { .it_value.tv_nsec = ns };

	if (timer_settime(timer, 0, &t, NULL) < 0)
		abort();
}

/* A guest may write anything into its memory: the next one gets it clean. */
static void
wipe(void)
{
	static const uint8_t zero[65536];

	for (uint64_t at = 0; at < 0x100000; at += sizeof(zero))
		bed_write(&bed, at, zero, sizeof(zero));
}

static void
set_state(const uint8_t *data)
{
	struct x86_state *st = &bed.st;

	switch (data[0] & 3) {
	case 0:
		bed_real(&bed);
		break;
	case 1:
		bed_flat(&bed);
		break;
	default:
		bed_long(&bed);
		break;
	}
	if ((data[0] & 3) == 3) {
		st->seg[X86_CS] = (struct x86_segment){ .sel = SEL_USER64,
			                                .limit = 0xffffffff,
			                                .attr = 0xa0fb };
		st->seg[X86_SS] = (struct x86_segment){ .sel = SEL_USER_DATA,
			                                .limit = 0xffffffff,
			                                .attr = 0xc0f3 };
	}
	st->cr4 |= data[1] & 1 ? X86_CR4_SMAP | X86_CR4_SMEP : 0;
	st->cr4 |= data[1] & 2 ? X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT : 0;
	st->cr4 |= data[1] & 4 ? X86_CR4_FSGSBASE : 0;
	st->cr0 |= data[1] & 8 ? X86_CR0_TS : 0;
	st->rflags |=
	    (data[2] & 1 ? X86_FL_TF : 0) | (data[2] & 2 ? X86_FL_IF : 0) |
	    (data[2] & 4 ? X86_FL_DF : 0) | (data[2] & 8 ? X86_FL_IOPL : 0);
	if ((data[0] & 3) == 1 && (data[2] & 32)) {
		st->rflags |= X86_FL_VM;
		for (unsigned i = 0; i <= X86_GS; i++)
			st->seg[i].limit = 0xffff;
	}
	if (data[2] & 64) { /* a breakpoint, watched data */
		st->dr[0] = BED_CODE + 4;
		st->dr[1] = BED_STACK - 8;
		st->dr7 = 0x00f00405u;
	}
	/* Values that are often addresses of something. */
	for (unsigned i = 0; i < 16; i++)
		if (i != X86_RSP || (data[2] & 16))
			st->gpr[i] = data[3 + i] & 0x80
			                 ? (uint64_t)(int8_t)data[3 + i]
			                 : (uint64_t)data[3 + i] << 12;
}

static void
check(void)
{
	const struct cpu *c = bed.c;
	struct x86_state st;

	if (c->cpl > 3 || c->gpr[GPR_NONE] != 0 ||
	    vm_vcpu_get(bed.vm, 0, &st) < 0 || !(st.rflags & X86_FL_ONE) ||
	    (st.efer & X86_EFER_LMA && !(st.cr0 & X86_CR0_PG)))
		abort();
	for (unsigned i = 0; i < BED_MAX_OUT && i < bed.nout; i++)
		if (bed.out[i] >> 32 != 0)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct vcpu *v;
	struct error err;
	unsigned n = 0;

	if (len <= HEAD || len > HEAD + MAX_CODE)
		return 0;
	if (bed.vm == NULL)
		start();
	v = &bed.vm->vcpus[0];
	wipe();
	set_state(data);
	bed_write(&bed, BED_CODE, data + HEAD, len - HEAD);
	bed.nout = 0;
	bed.ended = false;
	if (vm_vcpu_set(bed.vm, 0, &bed.st, &err) < 0)
		abort();
	engine_soft.single_step(v, (data[0] & 4) != 0);
	set_timer(RUN_NS);
	while (engine_soft.run(v) == EXIT_DEBUG && n++ < STEPS)
		;
	set_timer(0);
	check();
	return 0;
}
