/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - KVM_RUN and what it comes back for. */
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/error.h"
#include "engine/kvm/kvm.h"
#include "vmm/vm.h"

/* A handler says whether run() goes on (GO_ON) or what it returns. */
enum { GO_ON = -1 };

static struct kvm_vcpu *
of(const struct vcpu *v)
{
	return v->engine;
}

static int
exit_io(struct vcpu *v, struct kvm_run *r)
{
	uint8_t *p = (uint8_t *)r + r->io.data_offset;

	/* REP INS and OUTS come as an array. */
	for (uint32_t i = 0; i < r->io.count; i++, p += r->io.size) {
		uint64_t val = 0;

		if (r->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&val, p, r->io.size);
			vm_pio_write(v, r->io.port, r->io.size, val);
		} else {
			val = vm_pio_read(v, r->io.port, r->io.size);
			memcpy(p, &val, r->io.size);
		}
	}
	return GO_ON;
}

static int
exit_mmio(struct vcpu *v, struct kvm_run *r)
{
	uint64_t val = 0;
	unsigned len = r->mmio.len <= 8 ? r->mmio.len : 8;

	if (r->mmio.is_write) {
		memcpy(&val, r->mmio.data, len);
		vm_mmio_write(v, r->mmio.phys_addr, len, val);
	} else {
		val = vm_mmio_read(v, r->mmio.phys_addr, len);
		memcpy(r->mmio.data, &val, len);
	}
	return GO_ON;
}

static int
exit_nothing(struct vcpu *v, struct kvm_run *r)
{
	(void)v;
	(void)r;
	return GO_ON;
}

static int
exit_eoi(struct vcpu *v, struct kvm_run *r)
{
	vm_eoi(v->vm, r->eoi.vector);
	return GO_ON;
}

/* MSRs neither the kernel nor we know: #GP, or nothing where told (-w). */
static int
exit_msr(struct vcpu *v, struct kvm_run *r)
{
	r->msr.error = v->vm->strict_msr;
	if (r->exit_reason == KVM_EXIT_X86_RDMSR)
		r->msr.data = 0;
	return GO_ON;
}

static int
exit_shutdown(struct vcpu *v, struct kvm_run *r)
{
	(void)v;
	(void)r;
	return EXIT_TRIPLE_FAULT;
}

static int
exit_debug(struct vcpu *v, struct kvm_run *r)
{
	(void)v;
	(void)r;
	return EXIT_DEBUG;
}

static int
exit_fail_entry(struct vcpu *v, struct kvm_run *r)
{
	error_set(
	    &v->error, -EIO,
	    "vCPU %u: the processor refused to enter the guest: %#llx", v->id,
	    (unsigned long long)r->fail_entry.hardware_entry_failure_reason);
	return EXIT_ERROR;
}

static int
exit_internal(struct vcpu *v, struct kvm_run *r)
{
	error_set(&v->error, -EIO, "vCPU %u: KVM internal error %u", v->id,
	          r->internal.suberror);
	return EXIT_ERROR;
}

static int (*const exits[])(struct vcpu *v, struct kvm_run *r) = {
	[KVM_EXIT_UNKNOWN] = exit_nothing,
	[KVM_EXIT_IO] = exit_io,
	[KVM_EXIT_DEBUG] = exit_debug,
	[KVM_EXIT_HLT] = exit_nothing,
	[KVM_EXIT_MMIO] = exit_mmio,
	[KVM_EXIT_IRQ_WINDOW_OPEN] = exit_nothing,
	[KVM_EXIT_SHUTDOWN] = exit_shutdown,
	[KVM_EXIT_FAIL_ENTRY] = exit_fail_entry,
	[KVM_EXIT_INTR] = exit_nothing,
	[KVM_EXIT_INTERNAL_ERROR] = exit_internal,
	[KVM_EXIT_IOAPIC_EOI] = exit_eoi,
	[KVM_EXIT_X86_RDMSR] = exit_msr,
	[KVM_EXIT_X86_WRMSR] = exit_msr,
};

/* The PIC's interrupt goes in as soon as the guest can take one. */
static void
offer_extint(struct vcpu *v, struct kvm_run *r)
{
	const struct kvm_vm *k = v->vm->engine;
	struct kvm_interrupt irq;
	int vector;

	r->request_interrupt_window = 0;
	of(v)->extint = -1;
	if (v->id != 0 || !atomic_load(&k->extint))
		return;
	if (!r->ready_for_interrupt_injection) {
		r->request_interrupt_window = 1;
		return;
	}
	vector = vm_pic_ack(v->vm);
	if (vector < 0)
		return;
	irq.irq = (uint32_t)vector;
	if (ioctl(of(v)->fd, KVM_INTERRUPT, &irq) == 0)
		of(v)->extint = vector;
}

static void
open_signals(struct kvm_vcpu *c)
{
	sigset_t kick;

	if (c->signals_open)
		return;
	sigemptyset(&kick);
	sigaddset(&kick, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	c->signals_open = true;
}

static int
dispatch(struct vcpu *v, struct kvm_run *r)
{
	if (r->exit_reason < KVM_KINDS)
		of(v)->exits[r->exit_reason]++;
	if (r->exit_reason < ARRAY_LEN(exits) && exits[r->exit_reason] != NULL)
		return exits[r->exit_reason](v, r);
	error_set(&v->error, -EIO, "vCPU %u: exit %u of KVM is unknown", v->id,
	          r->exit_reason);
	return EXIT_ERROR;
}

/*
 * What was done for the guest is finished: an instruction is whole in any state
 * that is saved. One that reaches over two pages, or an array of ports, may
 * want us again for that.
 */
static int
finish(struct vcpu *v)
{
	struct kvm_vcpu *c = of(v);
	int rc = GO_ON;

	c->run->immediate_exit = 1;
	while (rc == GO_ON && ioctl(c->fd, KVM_RUN, 0) == 0)
		rc = dispatch(v, c->run);
	c->run->immediate_exit = 0;
	return rc == GO_ON ? EXIT_KICKED : rc;
}

enum vm_exit_code
kvm_vcpu_run(struct vcpu *v)
{
	struct kvm_vcpu *c = of(v);
	int rc;

	open_signals(c);
	kvm_clock_follow(v);
	for (;;) {
		if (atomic_exchange(&c->kicked, false))
			return (enum vm_exit_code)finish(v);
		offer_extint(v, c->run);
		rc = ioctl(c->fd, KVM_RUN, 0);
		if (rc < 0 && (errno == EINTR || errno == EAGAIN)) {
			c->run->immediate_exit = 0;
			atomic_store(&c->kicked, false);
			return EXIT_KICKED;
		}
		if (rc < 0) {
			error_sys(&v->error, "vCPU %u: KVM_RUN", v->id);
			return EXIT_ERROR;
		}
		c->extint = -1; /* it went in: the guest ran */
		rc = dispatch(v, c->run);
		if (rc != GO_ON)
			return (enum vm_exit_code)rc;
	}
}

/* The flag first: whoever enters KVM_RUN after the signal leaves at once. */
void
kvm_vcpu_kick(struct vcpu *v)
{
	struct kvm_vcpu *c = of(v);

	atomic_store(&c->kicked, true);
	__atomic_store_n(&c->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (v->started)
		pthread_kill(v->thread, SIGUSR1);
}

int
kvm_vcpu_debug(struct vcpu *v, bool step)
{
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP |
		           (step ? KVM_GUESTDBG_SINGLESTEP : 0),
	};

	return ioctl(of(v)->fd, KVM_SET_GUEST_DEBUG, &d) < 0 ? -errno : 0;
}
