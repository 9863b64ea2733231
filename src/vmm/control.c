/* SPDX-License-Identifier: BSD-2-Clause */
/* control.c - a running VM asked and told things over its socket.
 *
 * Runs on the loop's thread. What needs the processors still holds them for the
 * time of one answer.
 */
#include "vmm/control.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/num.h"
#include "vmm/checkpoint.h"
#include "vmm/ctl.h"
#include "vmm/vm.h"
#include "x86/state.h"

struct vm_control {
	struct vm *vm;
	struct ctl *ctl;
};

static int
cpu_word(struct vm *vm, int nwords, char *const words[], unsigned *out,
         struct error *err)
{
	long long n = 0;

	if (nwords > 1 && num_int_in(words[1], 0, vm->ncpus - 1, &n) < 0)
		return error_set(err, -EINVAL, "no vCPU '%s'", words[1]);
	*out = (unsigned)n;
	return 0;
}

static int
verb_suspend(void *ctx, int nwords, char *const words[], int fd,
             struct buf *out, struct error *err)
{
	static const struct {
		const char *word;
		enum vm_suspend how;
	} rows[] = {
		{ "reset", VM_SUSPEND_RESET },
		{ "poweroff", VM_SUSPEND_POWEROFF },
		{ "halt", VM_SUSPEND_HALT },
		{ "destroy", VM_SUSPEND_DESTROY },
	};
	struct vm_control *c = ctx;

	(void)fd;
	(void)out;
	for (size_t i = 0; i < ARRAY_LEN(rows) && nwords > 1; i++)
		if (strcmp(words[1], rows[i].word) == 0) {
			vm_suspend(c->vm, rows[i].how);
			return 0;
		}
	return error_set(err, -EINVAL, "suspend how?");
}

static int
verb_nmi(void *ctx, int nwords, char *const words[], int fd, struct buf *out,
         struct error *err)
{
	struct vm_control *c = ctx;
	unsigned id = 0;

	(void)fd;
	(void)out;
	if (cpu_word(c->vm, nwords, words, &id, err) < 0)
		return err->code;
	c->vm->ops->nmi(&c->vm->vcpus[id]);
	return 0;
}

/* Names as bhyvectl's options have them. */
static void
print_registers(const struct x86_state *st, struct buf *out)
{
	static const char *const gpr[] = { "rax", "rcx", "rdx", "rbx",
		                           "rsp", "rbp", "rsi", "rdi",
		                           "r8",  "r9",  "r10", "r11",
		                           "r12", "r13", "r14", "r15" };
	static const char *const seg[] = { "es", "cs", "ss",   "ds",
		                           "fs", "gs", "ldtr", "tr" };
	const struct {
		const char *name;
		uint64_t v;
	} rows[] = {
		{ "rip", st->rip },   { "rflags", st->rflags },
		{ "cr0", st->cr0 },   { "cr2", st->cr2 },
		{ "cr3", st->cr3 },   { "cr4", st->cr4 },
		{ "dr0", st->dr[0] }, { "dr1", st->dr[1] },
		{ "dr2", st->dr[2] }, { "dr3", st->dr[3] },
		{ "dr6", st->dr6 },   { "dr7", st->dr7 },
		{ "efer", st->efer },
	};

	for (size_t i = 0; i < ARRAY_LEN(gpr); i++)
		buf_printf(out, "%s %" PRIx64 "\n", gpr[i], st->gpr[i]);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		buf_printf(out, "%s %" PRIx64 "\n", rows[i].name, rows[i].v);
	for (size_t i = 0; i < ARRAY_LEN(seg); i++)
		buf_printf(out, "%s %x %" PRIx64 " %x %x\n", seg[i],
		           st->seg[i].sel, st->seg[i].base, st->seg[i].limit,
		           st->seg[i].attr);
	buf_printf(out, "gdtr 0 %" PRIx64 " %x 0\n", st->gdtr.base,
	           st->gdtr.limit);
	buf_printf(out, "idtr 0 %" PRIx64 " %x 0\n", st->idtr.base,
	           st->idtr.limit);
}

/* The state, held for a moment, of the vCPU that the words name. */
static int
look_at_cpu(struct vm_control *c, int nwords, char *const words[],
            unsigned *out_id, struct x86_state *out_st, struct error *err)
{
	int rc;

	if (cpu_word(c->vm, nwords, words, out_id, err) < 0)
		return err->code;
	vm_pause(c->vm);
	rc = vm_vcpu_get(c->vm, *out_id, out_st);
	vm_resume(c->vm);
	if (rc < 0)
		return error_set(err, rc, "registers of vCPU %u", *out_id);
	return 0;
}

static int
verb_registers(void *ctx, int nwords, char *const words[], int fd,
               struct buf *out, struct error *err)
{
	struct x86_state st;
	unsigned id = 0;

	(void)fd;
	if (look_at_cpu(ctx, nwords, words, &id, &st, err) < 0)
		return err->code;
	print_registers(&st, out);
	return 0;
}

static int
verb_memory(void *ctx, int nwords, char *const words[], int fd, struct buf *out,
            struct error *err)
{
	const struct vm_control *c = ctx;

	(void)fd;
	(void)err;
	if (nwords < 2 || strcmp(words[1], "low") == 0)
		buf_printf(out, "lowmem\t\t0x%016" PRIx64 "/%" PRIu64 "\n",
		           (uint64_t)0, c->vm->lowmem);
	if (nwords < 2 || strcmp(words[1], "high") == 0)
		buf_printf(out, "highmem\t\t0x%016" PRIx64 "/%" PRIu64 "\n",
		           (uint64_t)1 << 32, c->vm->highmem);
	return 0;
}

void
vm_stat(struct buf *out, const char *name, uint64_t value)
{
	buf_printf(out, "%-40s\t%" PRIu64 "\n", name, value);
}

static int
verb_stats(void *ctx, int nwords, char *const words[], int fd, struct buf *out,
           struct error *err)
{
	struct vm_control *c = ctx;
	unsigned id = 0;

	(void)fd;
	if (cpu_word(c->vm, nwords, words, &id, err) < 0)
		return err->code;
	buf_printf(out, "vcpu%u stats:\n", id);
	if (c->vm->ops->stats != NULL) {
		vm_pause(c->vm);
		c->vm->ops->stats(&c->vm->vcpus[id], out);
		vm_resume(c->vm);
	}
	/* The whole VM's; managers look for the second. */
	if (id == 0) {
		vm_stat(out, "microseconds to the first instruction",
		        c->vm->start_ns / 1000);
		vm_stat(out, "Resident memory", guest_mem_resident(c->vm->mem));
	}
	return 0;
}

/* Which vCPUs wait to be started, or do not. */
static void
print_cpus(struct vm *vm, const char *banner, bool waiting, struct buf *out)
{
	struct x86_state st;
	bool any = false;

	buf_printf(out, "%s:\t", banner);
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (vm_vcpu_get(vm, i, &st) == 0 &&
		    (st.activity == X86_WAIT_SIPI) == waiting) {
			buf_printf(out, " %u", i);
			any = true;
		}
	buf_puts(out, any ? "\n" : " (none)\n");
}

static int
verb_cpus(void *ctx, int nwords, char *const words[], int fd, struct buf *out,
          struct error *err)
{
	struct vm_control *c = ctx;
	bool waiting = nwords > 1 && strcmp(words[1], "suspended") == 0;

	(void)fd;
	(void)err;
	vm_pause(c->vm);
	print_cpus(c->vm, waiting ? "suspended cpus" : "active cpus", waiting,
	           out);
	vm_resume(c->vm);
	return 0;
}

static int
verb_topology(void *ctx, int nwords, char *const words[], int fd,
              struct buf *out, struct error *err)
{
	const struct vm *vm = ((struct vm_control *)ctx)->vm;

	(void)nwords;
	(void)words;
	(void)fd;
	(void)err;
	buf_printf(out,
	           "cpu_topology:\tsockets=%u, cores=%u, threads=%u, "
	           "maxcpus=%d\n",
	           vm->sockets, vm->cores, vm->threads, VM_MAX_CPUS);
	return 0;
}

static int
verb_x2apic(void *ctx, int nwords, char *const words[], int fd, struct buf *out,
            struct error *err)
{
	struct x86_state st;
	unsigned id = 0;

	(void)fd;
	if (look_at_cpu(ctx, nwords, words, &id, &st, err) < 0)
		return err->code;
	buf_printf(out, "x2apic_state[%u]\t%d\n", id,
	           (st.apic_base & X86_APIC_BASE_X2APIC) != 0);
	return 0;
}

static int
rtc_time(struct vm *vm, const char *to, struct buf *out, struct error *err)
{
	long long s;
	time_t t;
	struct tm tm;
	char text[64];

	if (to != NULL)
		return num_int_in(to, INT64_MIN, INT64_MAX, &s) == 0 &&
		               vm->rtc->set_time(vm->rtc_ctx, s) == 0
		           ? 0
		           : error_set(err, -EINVAL, "no time '%s'", to);
	t = (time_t)vm->rtc->time(vm->rtc_ctx);
	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%a %b %d %H:%M:%S %Y", &tm) == 0)
		return error_set(err, -EOVERFLOW, "rtc time");
	buf_printf(out, "rtc time %#" PRIx64 ": %s\n", (uint64_t)t, text);
	return 0;
}

static int
rtc_cell(struct vm *vm, const char *where, const char *to, struct buf *out,
         struct error *err)
{
	long long n, v;
	int byte;

	if (num_int_in(where, 0, INT_MAX, &n) < 0)
		return error_set(err, -EINVAL, "no nvram offset '%s'", where);
	if (to != NULL)
		return num_int_in(to, 0, UINT8_MAX, &v) == 0 &&
		               vm->rtc->set_cell(vm->rtc_ctx, (unsigned)n,
		                                 (uint8_t)v) == 0
		           ? 0
		           : error_set(err, -EINVAL,
		                       "nvram offset %s cannot be '%s'", where,
		                       to);
	byte = vm->rtc->cell(vm->rtc_ctx, (unsigned)n);
	if (byte < 0)
		return error_set(err, byte, "no nvram offset '%s'", where);
	buf_printf(out, "rtc nvram[%03lld]: 0x%02x\n", n, (unsigned)byte);
	return 0;
}

/* rtc time [SECONDS], rtc nvram OFFSET [VALUE] */
static int
verb_rtc(void *ctx, int nwords, char *const words[], int fd, struct buf *out,
         struct error *err)
{
	struct vm *vm = ((struct vm_control *)ctx)->vm;

	(void)fd;
	if (vm->rtc == NULL)
		return error_set(err, -ENXIO, "there is no clock");
	if (nwords >= 2 && strcmp(words[1], "time") == 0)
		return rtc_time(vm, nwords > 2 ? words[2] : NULL, out, err);
	if (nwords >= 3 && strcmp(words[1], "nvram") == 0)
		return rtc_cell(vm, words[2], nwords > 3 ? words[3] : NULL, out,
		                err);
	return error_set(err, -EINVAL, "rtc what?");
}

/* While paused. A guest that ended as it was asked has nothing to save. */
static int
write_state(struct vm *vm, int fd, struct error *err)
{
	if (vm_suspended(vm) != VM_SUSPEND_NONE)
		return error_set(err, -ECANCELED, "it ended");
	return checkpoint_write(vm, fd, err);
}

/* Into the file that came with the request. */
static int
save(struct vm_control *c, int fd, struct error *err)
{
	int rc;

	if (fd < 0)
		return error_set(err, -EINVAL, "no file came along");
	vm_pause(c->vm);
	rc = write_state(c->vm, fd, err);
	vm_resume(c->vm);
	return rc;
}

static int
verb_checkpoint(void *ctx, int nwords, char *const words[], int fd,
                struct buf *out, struct error *err)
{
	(void)nwords;
	(void)words;
	(void)out;
	return save(ctx, fd, err);
}

/* The guest goes on from the file, so it must not go on here. */
static int
verb_hibernate(void *ctx, int nwords, char *const words[], int fd,
               struct buf *out, struct error *err)
{
	struct vm_control *c = ctx;
	int rc;

	(void)nwords;
	(void)words;
	(void)out;
	if (fd < 0)
		return error_set(err, -EINVAL, "no file came along");
	vm_pause(c->vm);
	rc = write_state(c->vm, fd, err);
	/* Said while it is held: it runs no instruction after the file. */
	if (rc == 0)
		vm_suspend(c->vm, VM_SUSPEND_DESTROY);
	vm_resume(c->vm);
	return rc;
}

static const struct ctl_verb verbs[] = {
	{ "checkpoint", verb_checkpoint },
	{ "hibernate", verb_hibernate },
	{ "suspend", verb_suspend },
	{ "nmi", verb_nmi },
	{ "registers", verb_registers },
	{ "memory", verb_memory },
	{ "stats", verb_stats },
	{ "cpus", verb_cpus },
	{ "topology", verb_topology },
	{ "x2apic", verb_x2apic },
	{ "rtc", verb_rtc },
	{ NULL, NULL },
};

int
vm_control_listen(struct vm *vm, int dir, struct vm_control **out_c,
                  struct error *err)
{
	struct vm_control *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return error_set(err, -ENOMEM, "control socket");
	c->vm = vm;
	if (ctl_listen(vm->loop, dir, verbs, c, &c->ctl, err) < 0) {
		free(c);
		return err->code;
	}
	*out_c = c;
	return 0;
}

void
vm_control_free(struct vm_control *c)
{
	if (c == NULL)
		return;
	ctl_close(c->ctl);
	free(c);
}
