/* SPDX-License-Identifier: BSD-2-Clause */
/* stats.c - what a vCPU left the guest for, for bhyvectl --get-stats: the
 * kernel's counters by FreeBSD's names where these mean the same, and the exits
 * that came as far as this process.
 *
 * Source: Linux Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD.
 */
#include <linux/kvm.h>
#include <sys/uio.h>

#include <string.h>

#include "base/buf.h"
#include "engine/kvm/kvm.h"
#include "vmm/control.h"
#include "vmm/vm.h"

/* More descriptions than that, or longer ones, no kernel has. */
enum { MAX_DESCS = 256, DESC_ROOM = 256 };

static const struct {
	const char *kvm, *name;
} rows[] = {
	{ "exits", "total number of vm exits" },
	{ "irq_exits", "vm exits due to external interrupt" },
	{ "halt_exits", "number of times hlt was intercepted" },
	{ "irq_window_exits", "vm exits due to interrupt window opening" },
	{ "nmi_window_exits", "vm exits due to nmi window opening" },
	{ "io_exits", "number of times in/out was intercepted" },
	{ "pf_taken", "vm exits due to nested page fault" },
	{ "insn_emulation", "vm exits for instruction emulation" },
	{ "irq_injections", "interrupts given to the guest" },
	{ "nmi_injections", "nmis given to the guest" },
	{ "signal_exits", "vm exits due to a signal" },
	{ "halt_wakeup", "times a halted vcpu was woken" },
};

static const struct {
	uint32_t reason;
	const char *name;
} reasons[] = {
	{ KVM_EXIT_IO, "handled in userspace: in/out" },
	{ KVM_EXIT_MMIO, "handled in userspace: memory-mapped" },
	{ KVM_EXIT_IOAPIC_EOI, "handled in userspace: end of interrupt" },
	{ KVM_EXIT_IRQ_WINDOW_OPEN, "handled in userspace: interrupt window" },
	{ KVM_EXIT_X86_RDMSR, "handled in userspace: rdmsr" },
	{ KVM_EXIT_X86_WRMSR, "handled in userspace: wrmsr" },
};

static bool
get(int fd, void *to, size_t len, uint64_t at)
{
	const struct iovec v = { to, len };

	return preadv(fd, &v, 1, (off_t)at) == (ssize_t)len;
}

static void
print_one(int fd, const struct kvm_stats_header *h,
          const struct kvm_stats_desc *d, struct buf *out)
{
	uint64_t value;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strncmp(d->name, rows[i].kvm, h->name_size) == 0 &&
		    get(fd, &value, sizeof(value), h->data_offset + d->offset))
			vm_stat(out, rows[i].name, value);
}

static void
print_kernels(int fd, struct buf *out)
{
	union {
		struct kvm_stats_desc desc;
		char room[DESC_ROOM];
	} d;
	struct kvm_stats_header h;
	size_t bytes;

	if (!get(fd, &h, sizeof(h), 0) || h.num_desc > MAX_DESCS ||
	    h.name_size > DESC_ROOM - sizeof(d.desc))
		return;
	bytes = sizeof(d.desc) + h.name_size;
	for (uint32_t i = 0; i < h.num_desc; i++)
		if (get(fd, &d, bytes, h.desc_offset + i * bytes))
			print_one(fd, &h, &d.desc, out);
}

void
kvm_stats(struct vcpu *v, struct buf *out)
{
	const struct kvm_vcpu *c = v->engine;
	uint64_t all = 0;

	if (c->stats >= 0)
		print_kernels(c->stats, out);
	for (size_t i = 0; i < KVM_KINDS; i++)
		all += c->exits[i];
	vm_stat(out, "number of vm exits handled in userspace", all);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		vm_stat(out, reasons[i].name, c->exits[reasons[i].reason]);
}
