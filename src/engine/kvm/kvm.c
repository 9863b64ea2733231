/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm.c - a VM under KVM: its file descriptors, memory, interrupt routes.
 *
 * The irqchip is split: local APICs in the kernel; PIC, IOAPIC and PIT are the
 * same models that the software engine has. Source: Linux
 * Documentation/virt/kvm/api.rst.
 */
#include "engine/kvm/kvm.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "engine/baseline.h"
#include "vmm/vm.h"
#include "x86/cpuid.h"
#include "x86/regs.h"

/* Four pages that Intel's KVM needs and no guest memory may hold. */
enum { IDENTITY_MAP = 0xfeffc000, TSS = 0xfeffd000 };

#define CPUID1_HTT (1u << 28) /* ours to say: how many there are */

static struct kvm_vm *
of(const struct vm *vm)
{
	return vm->engine;
}

static int
add_slots(struct vm *vm, struct error *err)
{
	const struct guest_segment *seg;
	size_t n = guest_mem_segments(vm->mem, &seg);

	for (size_t i = 0; i < n; i++) {
		struct kvm_userspace_memory_region r = {
			.slot = (uint32_t)i,
			.flags =
			    seg[i].kind == GUEST_ROM ? KVM_MEM_READONLY : 0,
			.guest_phys_addr = seg[i].gpa,
			.memory_size = seg[i].size,
			.userspace_addr = (uintptr_t)seg[i].host,
		};

		if (ioctl(of(vm)->vm, KVM_SET_USER_MEMORY_REGION, &r) < 0)
			return error_sys(err, "guest memory");
	}
	return 0;
}

/* Capabilities that are asked for; all but the first make things better where
 * the kernel has them. */
static int
enable_caps(struct kvm_vm *k, struct error *err)
{
	static const struct {
		uint32_t cap;
		uint64_t arg;
		bool needed;
	} rows[] = {
		{ KVM_CAP_SPLIT_IRQCHIP, KVM_PINS, true },
		{ KVM_CAP_X2APIC_API,
		  KVM_X2APIC_API_USE_32BIT_IDS |
		      KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK,
		  false },
		{ KVM_CAP_X86_USER_SPACE_MSR,
		  KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL,
		  false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kvm_enable_cap c = { .cap = rows[i].cap,
			                    .args = { rows[i].arg } };

		if (ioctl(k->vm, KVM_ENABLE_CAP, &c) < 0 && rows[i].needed)
			return error_sys(err, "split irqchip");
	}
	return 0;
}

static void
on_kick(int sig)
{
	(void)sig; /* its arrival is all */
}

static int
vm_init(struct vm *vm, struct error *err)
{
	struct kvm_vm *k = calloc(1, sizeof(*k));
	struct sigaction sa = { .sa_handler = on_kick };
	uint64_t identity = IDENTITY_MAP;
	int bytes;

	if (k == NULL)
		return error_set(err, -ENOMEM, "kvm");
	vm->engine = k;
	pthread_mutex_init(&k->lock, NULL);
	k->vm = -1;
	k->dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (k->dev < 0)
		return error_sys(err, "open '/dev/kvm'");
	k->vm = ioctl(k->dev, KVM_CREATE_VM, 0);
	bytes = ioctl(k->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (k->vm < 0 || bytes < 0)
		return error_sys(err, "create a VM");
	k->run_bytes = (size_t)bytes;
	if (ioctl(k->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0 ||
	    ioctl(k->vm, KVM_SET_TSS_ADDR, (unsigned long)(unsigned)TSS) < 0)
		return error_sys(err, "pages of the kernel's");
	sigaction(SIGUSR1, &sa, NULL);
	return enable_caps(k, err) < 0 ? err->code : add_slots(vm, err);
}

static void
vm_fini(struct vm *vm)
{
	struct kvm_vm *k = of(vm);

	if (k->vm >= 0)
		close(k->vm);
	if (k->dev >= 0)
		close(k->dev);
	pthread_mutex_destroy(&k->lock);
	free(k);
	vm->engine = NULL;
}

/* Bits that depend on the vCPU or on us, in what the kernel supports. */
static void
adjust_leaf(const struct vm *vm, unsigned apic_id, struct cpuid_leaf *r)
{
	switch (r->leaf) {
	case 1:
		r->ebx = (r->ebx & 0xffff) | apic_id << 24 | vm->ncpus << 16;
		r->ecx |= 1u << 31 | 1u << 24; /* hypervisor, TSC deadline */
		r->ecx = vm->x2apic ? r->ecx | 1u << 21 : r->ecx & ~(1u << 21);
		r->ecx &= ~(1u << 3 | 1u << 5); /* MONITOR, VMX */
		break;
	case 0xa: /* performance counters */
		r->eax = r->ebx = r->ecx = r->edx = 0;
		break;
	case 0xb:
	case 0x1f:
		r->edx = apic_id;
		break;
	case 0x80000001:
		r->ecx &= ~(1u << 2); /* SVM */
		break;
	}
}

static int
host_cpuid(const struct vm *vm, unsigned apic_id, struct cpuid_table *out,
           struct error *err)
{
	KVM_ROOM(struct kvm_cpuid2, struct kvm_cpuid_entry2, 256)
	all = { .head.nent = 256 };

	if (ioctl(of(vm)->dev, KVM_GET_SUPPORTED_CPUID, &all.head) < 0)
		return error_sys(err, "CPUID");
	out->n = 0;
	for (unsigned i = 0; i < all.head.nent; i++) {
		const struct kvm_cpuid_entry2 *e = &all.head.entries[i];
		struct cpuid_leaf r = { e->function, e->index, e->eax,
			                e->ebx,      e->ecx,   e->edx };

		adjust_leaf(vm, apic_id, &r);
		if (cpuid_set(out, &r) < 0)
			return error_set(err, -ENOSPC, "CPUID");
	}
	return 0;
}

/* Feature bits of the common processor that this host lacks go. */
static int
common_cpuid(const struct vm *vm, unsigned apic_id, struct cpuid_table *out,
             struct error *err)
{
	static const struct {
		uint32_t leaf, sub;
	} features[] = { { 1, 0 }, { 7, 0 }, { 7, 2 }, { 0x80000001, 0 } };
	struct cpuid_table host;

	if (host_cpuid(vm, apic_id, &host, err) < 0)
		return err->code;
	if (baseline_cpuid(vm, apic_id, out) < 0)
		return error_set(err, -ENOSPC, "CPUID");
	for (size_t i = 0; i < ARRAY_LEN(features); i++) {
		uint32_t leaf = features[i].leaf, sub = features[i].sub;
		struct cpuid_leaf r = cpuid_get(out, leaf, sub);
		struct cpuid_leaf h = cpuid_get(&host, leaf, sub);

		r.ecx &= h.ecx;
		r.edx &= h.edx | (leaf == 1 ? CPUID1_HTT : 0);
		if (leaf == 7)
			r.ebx &= h.ebx;
		(void)cpuid_set(out, &r);
	}
	return 0;
}

static int
cpuid(struct vm *vm, unsigned apic_id, struct cpuid_table *out,
      struct error *err)
{
	if (vm->common_cpu)
		return common_cpuid(vm, apic_id, out, err);
	if (host_cpuid(vm, apic_id, out, err) < 0)
		return err->code;
	return baseline_frequency(out, vm->tsc_hz) < 0
	           ? error_set(err, -ENOSPC, "CPUID")
	           : 0;
}

static int
set_cpuid(const struct vcpu *v, int fd, struct error *err)
{
	KVM_ROOM(struct kvm_cpuid2, struct kvm_cpuid_entry2, CPUID_MAX)
	all = { .head.nent = v->cpuid->n };

	for (unsigned i = 0; i < v->cpuid->n; i++) {
		const struct cpuid_leaf *r = &v->cpuid->row[i];
		bool indexed = (i > 0 && r[-1].leaf == r->leaf) ||
		               (i + 1 < v->cpuid->n && r[1].leaf == r->leaf);

		all.head.entries[i] = (struct kvm_cpuid_entry2){
			.function = r->leaf,
			.index = r->subleaf,
			.flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
			.eax = r->eax,
			.ebx = r->ebx,
			.ecx = r->ecx,
			.edx = r->edx,
		};
	}
	if (ioctl(fd, KVM_SET_CPUID2, &all.head) < 0)
		return error_sys(err, "CPUID");
	return 0;
}

static int
vcpu_init(struct vcpu *v, struct error *err)
{
	struct kvm_vm *k = of(v->vm);
	struct kvm_vcpu *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return error_set(err, -ENOMEM, "vCPU");
	v->engine = c;
	c->extint = c->stats = -1;
	c->fd = ioctl(k->vm, KVM_CREATE_VCPU, (unsigned long)v->id);
	if (c->fd < 0)
		return error_sys(err, "create");
	c->run = mmap(NULL, k->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
	              c->fd, 0);
	if (c->run == MAP_FAILED) {
		c->run = NULL;
		return error_sys(err, "map");
	}
	c->stats = ioctl(c->fd, KVM_GET_STATS_FD, 0);
	return set_cpuid(v, c->fd, err);
}

static void
vcpu_fini(struct vcpu *v)
{
	struct kvm_vcpu *c = v->engine;

	if (c->run != NULL)
		munmap(c->run, of(v->vm)->run_bytes);
	if (c->fd >= 0)
		close(c->fd);
	if (c->stats >= 0)
		close(c->stats);
	free(c);
	v->engine = NULL;
}

static int
msi(struct vm *vm, uint64_t addr, uint32_t data)
{
	struct kvm_msi m = {
		.address_lo = (uint32_t)addr,
		.address_hi = (uint32_t)(addr >> 32),
		.data = data,
	};

	return ioctl(of(vm)->vm, KVM_SIGNAL_MSI, &m) < 0 ? -errno : 0;
}

static void
extint(struct vm *vm, bool level)
{
	/* The PIC reaches the boot processor alone. */
	if (atomic_exchange(&of(vm)->extint, level) != level && level &&
	    vm->vcpus[0].started)
		kvm_vcpu_kick(&vm->vcpus[0]);
}

static void
nmi(struct vcpu *v)
{
	(void)ioctl(((struct kvm_vcpu *)v->engine)->fd, KVM_NMI);
}

/* The whole table each time: pins change a few dozen times in a boot. */
static void
ioapic_route(struct vm *vm, unsigned pin, uint64_t addr, uint32_t data,
             bool masked)
{
	struct kvm_vm *k = of(vm);
	KVM_ROOM(struct kvm_irq_routing, struct kvm_irq_routing_entry, KVM_PINS)
	all = { .head.nr = 0 };

	if (pin >= KVM_PINS)
		return;
	pthread_mutex_lock(&k->lock);
	k->route[pin] = (struct kvm_route){ addr, data, !masked };
	for (unsigned i = 0; i < KVM_PINS; i++)
		if (k->route[i].used)
			all.head.entries[all.head.nr++] =
			    (struct kvm_irq_routing_entry){
				    .gsi = i,
				    .type = KVM_IRQ_ROUTING_MSI,
				    .u.msi.address_lo =
				        (uint32_t)k->route[i].addr,
				    .u.msi.address_hi =
				        (uint32_t)(k->route[i].addr >> 32),
				    .u.msi.data = k->route[i].data,
			    };
	(void)ioctl(k->vm, KVM_SET_GSI_ROUTING, &all.head);
	pthread_mutex_unlock(&k->lock);
}

static int
ioeventfd(struct vm *vm, bool pio, uint64_t addr, unsigned size, bool match_any,
          uint64_t match, int fd, uint32_t flags)
{
	struct kvm_ioeventfd e = {
		.datamatch = match,
		.addr = addr,
		.len = size,
		.fd = fd,
		.flags = flags | (pio ? KVM_IOEVENTFD_FLAG_PIO : 0) |
		         (match_any ? 0 : KVM_IOEVENTFD_FLAG_DATAMATCH),
	};

	return ioctl(of(vm)->vm, KVM_IOEVENTFD, &e) < 0 ? -errno : 0;
}

static int
notify_add(struct vm *vm, bool pio, uint64_t addr, unsigned size,
           bool match_any, uint64_t match, int fd)
{
	return ioeventfd(vm, pio, addr, size, match_any, match, fd, 0);
}

static void
notify_remove(struct vm *vm, bool pio, uint64_t addr, unsigned size,
              bool match_any, uint64_t match, int fd)
{
	(void)ioeventfd(vm, pio, addr, size, match_any, match, fd,
	                KVM_IOEVENTFD_FLAG_DEASSIGN);
}

static int
translate(struct vcpu *v, uint64_t la, uint64_t *out_gpa)
{
	struct kvm_translation t = { .linear_address = la };

	if (ioctl(((struct kvm_vcpu *)v->engine)->fd, KVM_TRANSLATE, &t) < 0 ||
	    !t.valid)
		return -EFAULT;
	*out_gpa = t.physical_address;
	return 0;
}

static void
single_step(struct vcpu *v, bool on)
{
	(void)kvm_vcpu_debug(v, on);
}

/* INT3 is the debugger's to write; KVM only has to report it. */
static int
breakpoint(struct vm *vm, uint64_t la, bool set)
{
	(void)la;
	(void)set;
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (kvm_vcpu_debug(&vm->vcpus[i], false) < 0)
			return -errno;
	return 0;
}

const struct engine_ops engine_kvm = {
	.name = "kvm",
	.probe = kvm_probe,
	.vm_init = vm_init,
	.vm_fini = vm_fini,
	.cpuid = cpuid,
	.vcpu_init = vcpu_init,
	.vcpu_fini = vcpu_fini,
	.run = kvm_vcpu_run,
	.kick = kvm_vcpu_kick,
	.get_state = kvm_state_get,
	.set_state = kvm_state_set,
	.msi = msi,
	.extint = extint,
	.nmi = nmi,
	.ioapic_route = ioapic_route,
	.notify_add = notify_add,
	.notify_remove = notify_remove,
	.stats = kvm_stats,
	.breakpoint = breakpoint,
	.single_step = single_step,
	.translate = translate,
};
