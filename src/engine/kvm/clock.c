/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.c - the guest's counters under KVM: kept together between vCPUs, and
 * still while the VM is.
 *
 * A vCPU's counter is the host's plus an offset that KVM tells and takes (since
 * Linux 5.16). Counters of different vCPUs must not drift apart by a
 * checkpoint: all that are read or set during one stop refer to the same
 * moment, tsc_ref, which the first of them notes and any run forgets. KVM's
 * counters go on while the VM stands still; that time is taken off when a vCPU
 * runs again, as the software engine does it.
 */
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <errno.h>
#include <x86intrin.h>

#include "base/error.h"
#include "engine/kvm/kvm.h"
#include "vmm/vm.h"
#include "x86/regs.h"

#define NS_PER_SEC 1000000000ull

static struct kvm_vm *
vm_of(const struct vcpu *v)
{
	return v->vm->engine;
}

static struct kvm_vcpu *
of(const struct vcpu *v)
{
	return v->engine;
}

static int
offset(const struct vcpu *v, unsigned long request, uint64_t *value)
{
	const struct kvm_device_attr a = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)value,
	};

	return ioctl(of(v)->fd, request, &a) < 0 ? -errno : 0;
}

static uint64_t
reference(struct kvm_vm *k)
{
	uint64_t none = 0;

	atomic_compare_exchange_strong(&k->tsc_ref, &none, __rdtsc());
	return atomic_load(&k->tsc_ref);
}

/* Ticks that the VM has stood still and this vCPU does not know of yet. */
static uint64_t
stood(const struct vcpu *v)
{
	unsigned __int128 ns = loop_stood_ns(v->vm->loop);

	return (uint64_t)(ns * v->vm->tsc_hz / NS_PER_SEC) - of(v)->stood;
}

/* -errno: this kernel cannot tell, MSR_TSC must do. */
int
kvm_tsc_get(struct vcpu *v, uint64_t *out_tsc)
{
	uint64_t value;
	int rc = offset(v, KVM_GET_DEVICE_ATTR, &value);

	if (rc == 0)
		*out_tsc = reference(vm_of(v)) + value - stood(v);
	return rc;
}

int
kvm_tsc_set(struct vcpu *v, uint64_t tsc)
{
	uint64_t value = tsc - reference(vm_of(v));
	int rc = offset(v, KVM_SET_DEVICE_ATTR, &value);

	if (rc == 0)
		of(v)->stood += stood(v);
	return rc;
}

/* What kvmclock shows, to the VM as a whole; 0: it cannot be told. */
uint64_t
kvm_clock_get(const struct vcpu *v)
{
	struct kvm_clock_data c;

	return ioctl(vm_of(v)->vm, KVM_GET_CLOCK, &c) < 0 ? 0 : c.clock;
}

void
kvm_clock_set(const struct vcpu *v, uint64_t ns)
{
	const struct kvm_clock_data c = { .clock = ns };

	(void)ioctl(vm_of(v)->vm, KVM_SET_CLOCK, &c);
}

/* A deadline is a value of the counter; KVM waits for it in host time. */
static void
deadline_again(const struct vcpu *v)
{
	KVM_ROOM(struct kvm_msrs, struct kvm_msr_entry, 1)
	m = { .head.nmsrs = 1 };

	m.head.entries[0].index = MSR_TSC_DEADLINE;
	if (ioctl(of(v)->fd, KVM_GET_MSRS, &m.head) == 1 &&
	    m.head.entries[0].data != 0)
		(void)ioctl(of(v)->fd, KVM_SET_MSRS, &m.head);
}

/* The vCPU is about to run. */
void
kvm_clock_follow(struct vcpu *v)
{
	uint64_t ticks = stood(v), value;

	atomic_store(&vm_of(v)->tsc_ref, 0);
	if (ticks == 0 || offset(v, KVM_GET_DEVICE_ATTR, &value) < 0)
		return;
	value -= ticks;
	if (offset(v, KVM_SET_DEVICE_ATTR, &value) < 0)
		return;
	of(v)->stood += ticks;
	deadline_again(v);
	if (v->id == 0)
		kvm_clock_set(v, kvm_clock_get(v) -
		                     (uint64_t)((unsigned __int128)ticks *
		                                NS_PER_SEC / v->vm->tsc_hz));
}
