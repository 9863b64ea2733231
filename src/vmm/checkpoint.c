/* SPDX-License-Identifier: BSD-2-Clause */
/* checkpoint.c - the stream of a checkpoint.
 *
 *   head       magic, ncpus, lowmem, highmem, guest time, bytes of sections
 *   sections   "cpu" 0 .. ncpus-1, then the devices in the order they were made
 *   memory     {gpa u64, bytes u64} and the bytes; ends with bytes 0
 *
 * A run of memory is whole pages, at most RUN_BYTES.
 */
#include "vmm/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/le.h"
#include "linux/file.h"
#include "vmm/vm.h"
#include "x86/state.h"

enum { HEAD_BYTES = 48, RUN_BYTES = 1 << 20, MAX_SECTIONS = 64 << 20 };
static const char magic[8] = "GAOLVM1";

#define CPU(f)       STATE_FIELD(struct x86_state, f)
#define CPU_ARRAY(f) STATE_ARRAY(struct x86_state, f)
#define CPU_SEG(name, i)                                                       \
	{ name ".base", offsetof(struct x86_state, seg[i].base), 8, 1 },       \
	    { name ".limit", offsetof(struct x86_state, seg[i].limit), 4, 1 }, \
	    { name ".attr", offsetof(struct x86_state, seg[i].attr), 4, 1 },   \
	{                                                                      \
		name ".sel", offsetof(struct x86_state, seg[i].sel), 2, 1      \
	}

static const struct state_field cpu_fields[] = {
	CPU_ARRAY(gpr),
	CPU(rip),
	CPU(rflags),
	CPU_SEG("es", X86_ES),
	CPU_SEG("cs", X86_CS),
	CPU_SEG("ss", X86_SS),
	CPU_SEG("ds", X86_DS),
	CPU_SEG("fs", X86_FS),
	CPU_SEG("gs", X86_GS),
	CPU_SEG("ldtr", X86_LDTR),
	CPU_SEG("tr", X86_TR),
	CPU(gdtr.base),
	CPU(gdtr.limit),
	CPU(idtr.base),
	CPU(idtr.limit),
	CPU(cr0),
	CPU(cr2),
	CPU(cr3),
	CPU(cr4),
	CPU(cr8),
	CPU_ARRAY(pdpte),
	CPU_ARRAY(dr),
	CPU(dr6),
	CPU(dr7),
	CPU(efer),
	CPU(star),
	CPU(lstar),
	CPU(cstar),
	CPU(fmask),
	CPU(kernel_gs_base),
	CPU(sysenter_cs),
	CPU(sysenter_esp),
	CPU(sysenter_eip),
	CPU(tsc),
	CPU(tsc_adjust),
	CPU(tsc_deadline),
	CPU(tsc_aux),
	CPU(apic_base),
	CPU(pat),
	CPU(misc_enable),
	CPU(spec_ctrl),
	CPU(xcr0),
	CPU(mtrr_def_type),
	CPU_ARRAY(mtrr_fixed),
	CPU_ARRAY(mtrr_base),
	CPU_ARRAY(mtrr_mask),
	CPU(kvm_wall_clock),
	CPU(kvm_system_time),
	CPU(kvm_async_pf),
	CPU(kvm_async_pf_int),
	CPU(kvm_steal_time),
	CPU(kvm_pv_eoi),
	CPU(kvm_poll_control),
	CPU(kvm_clock_ns),
	CPU_ARRAY(fx),
	CPU_ARRAY(xstate),
	CPU_ARRAY(lapic),
	CPU(lapic_timer_ns),
	CPU(activity),
	CPU(intr_shadow),
	CPU(nmi_blocked),
	CPU(nmi_pending),
	CPU(exc_pending),
	CPU(exc_vector),
	CPU(exc_has_error),
	CPU(exc_error),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc cpu_desc = {
	.name = "cpu",
	.version = 2,
	.fields = cpu_fields,
};

struct head {
	uint32_t ncpus;
	uint64_t lowmem, highmem, now_ns, sections;
};

static int
write_all(int fd, const void *data, size_t len, struct error *err)
{
	int rc = file_write(fd, data, len);

	if (rc == 0)
		return 0;
	errno = -rc;
	return error_sys(err, "write");
}

static int
read_all(int fd, void *data, size_t len, struct error *err)
{
	char *p = data;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, "read");
		if (n == 0)
			return error_set(err, -EINVAL, "file is cut off");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
save_sections(struct vm *vm, struct buf *out, struct error *err)
{
	struct x86_state st;

	for (unsigned i = 0; i < vm->ncpus; i++)
		if (vm_vcpu_get(vm, i, &st) < 0 ||
		    state_save(&cpu_desc, i, &st, out) < 0)
			return error_set(err, -EIO, "state of vCPU %u", i);
	if (vm_devices_save(vm, out) < 0 || out->len > MAX_SECTIONS)
		return error_set(err, -ENOMEM, "state of devices");
	return 0;
}

static int
write_head(struct vm *vm, int fd, uint64_t sections, struct error *err)
{
	uint8_t head[HEAD_BYTES];

	memcpy(head, magic, sizeof(magic));
	le_put(head + 8, vm->ncpus, 8);
	le_put(head + 16, vm->lowmem, 8);
	le_put(head + 24, vm->highmem, 8);
	le_put(head + 32, loop_now(vm->loop), 8);
	le_put(head + 40, sections, 8);
	return write_all(fd, head, sizeof(head), err);
}

static bool
is_zero(const uint8_t *page)
{
	return page[0] == 0 && memcmp(page, page + 1, GUEST_PAGE - 1) == 0;
}

static int
write_run(int fd, uint64_t gpa, const uint8_t *from, uint64_t bytes,
          struct error *err)
{
	uint8_t cell[16];

	le_put(cell, gpa, 8);
	le_put(cell + 8, bytes, 8);
	if (write_all(fd, cell, sizeof(cell), err) < 0)
		return err->code;
	return write_all(fd, from, bytes, err);
}

/* The stretches between zero pages of from..to. */
static int
write_stretch(const struct guest_segment *s, uint64_t from, uint64_t to, int fd,
              struct error *err)
{
	uint64_t end;

	for (; from < to; from = end) {
		while (from < to && is_zero(s->host + from))
			from += GUEST_PAGE;
		end = from;
		while (end < to && end - from < RUN_BYTES &&
		       !is_zero(s->host + end))
			end += GUEST_PAGE;
		if (end > from && write_run(fd, s->gpa + from, s->host + from,
		                            end - from, err) < 0)
			return err->code;
	}
	return 0;
}

/* What was never written is skipped unread. */
static int
write_segment(const struct vm *vm, const struct guest_segment *s, int fd,
              struct error *err)
{
	uint64_t at, end = 0;

	while (guest_mem_kept(vm->mem, s, end, &at, &end))
		if (write_stretch(s, at, end, fd, err) < 0)
			return err->code;
	return 0;
}

int
checkpoint_write(struct vm *vm, int fd, struct error *err)
{
	cleanup_buf struct buf sections = BUF_INIT;
	const struct guest_segment *seg;
	size_t n = guest_mem_segments(vm->mem, &seg);
	const uint8_t end[16] = { 0 };

	if (save_sections(vm, &sections, err) < 0 ||
	    write_head(vm, fd, sections.len, err) < 0 ||
	    write_all(fd, sections.data, sections.len, err) < 0)
		return error_wrap(err, "checkpoint");
	for (size_t i = 0; i < n; i++)
		if (seg[i].kind == GUEST_RAM &&
		    write_segment(vm, &seg[i], fd, err) < 0)
			return error_wrap(err, "checkpoint");
	if (write_all(fd, end, sizeof(end), err) < 0)
		return error_wrap(err, "checkpoint");
	if (fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
		return error_sys(err, "checkpoint");
	return 0;
}

static int
read_head(const struct vm *vm, int fd, struct head *h, struct error *err)
{
	uint8_t raw[HEAD_BYTES];

	if (read_all(fd, raw, sizeof(raw), err) < 0)
		return err->code;
	if (memcmp(raw, magic, sizeof(magic)) != 0)
		return error_set(err, -EINVAL, "not a checkpoint");
	*h = (struct head){
		.ncpus = (uint32_t)le_get(raw + 8, 8),
		.lowmem = le_get(raw + 16, 8),
		.highmem = le_get(raw + 24, 8),
		.now_ns = le_get(raw + 32, 8),
		.sections = le_get(raw + 40, 8),
	};
	if (le_get(raw + 8, 8) != vm->ncpus)
		return error_set(err, -EINVAL, "made with %u vCPUs, not %u",
		                 h->ncpus, vm->ncpus);
	if (h->lowmem != vm->lowmem || h->highmem != vm->highmem)
		return error_set(err, -EINVAL,
		                 "made with %" PRIu64 " bytes of memory",
		                 h->lowmem + h->highmem);
	/* Deadlines are sums of it. */
	if (h->now_ns > INT64_MAX)
		return error_set(err, -EINVAL, "time is beyond all years");
	if (h->sections > MAX_SECTIONS)
		return error_set(err, -EINVAL, "sections are too large");
	return 0;
}

static int
load_sections(struct vm *vm, const uint8_t *p, size_t len, struct error *err)
{
	for (unsigned i = 0; i < vm->ncpus; i++) {
		struct x86_state st = { 0 };
		int64_t n = state_load(&cpu_desc, i, &st, p, len, err);

		if (n < 0 || vm_vcpu_set(vm, i, &st, err) < 0)
			return err->code;
		p += n;
		len -= (size_t)n;
	}
	int64_t n = vm_devices_load(vm, p, len, err);

	if (n < 0)
		return err->code;
	if ((uint64_t)n != len)
		return error_set(err, -EINVAL, "has devices this VM has not");
	return 0;
}

static int
load_memory(struct vm *vm, int fd, struct error *err)
{
	uint8_t cell[16];

	for (;;) {
		uint64_t gpa, bytes;
		void *to;

		if (read_all(fd, cell, sizeof(cell), err) < 0)
			return err->code;
		gpa = le_get(cell, 8);
		bytes = le_get(cell + 8, 8);
		if (bytes == 0)
			return 0;
		to = bytes <= RUN_BYTES && (gpa | bytes) % GUEST_PAGE == 0
		         ? guest_mem_at(vm->mem, gpa, bytes, 1)
		         : NULL;
		if (to == NULL)
			return error_set(
			    err, -EINVAL,
			    "memory at %#" PRIx64 " is not this VM's", gpa);
		if (read_all(fd, to, bytes, err) < 0)
			return err->code;
		guest_mem_written(vm->mem, gpa, bytes);
	}
}

int
checkpoint_read(struct vm *vm, int fd, struct error *err)
{
	cleanup_free uint8_t *sections = NULL;
	struct head h = { 0 };

	if (read_head(vm, fd, &h, err) < 0)
		return error_wrap(err, "checkpoint");
	sections = malloc(h.sections + 1);
	if (sections == NULL)
		return error_set(err, -ENOMEM, "checkpoint");
	loop_clock_set(vm->loop, h.now_ns);
	/* A fresh VM's memory is zero but for what a loader put there. Memory
	 * comes first: processors and devices find in it what they look for. */
	guest_mem_clear(vm->mem);
	if (read_all(fd, sections, h.sections, err) < 0 ||
	    load_memory(vm, fd, err) < 0 ||
	    load_sections(vm, sections, h.sections, err) < 0)
		return error_wrap(err, "checkpoint");
	return 0;
}
