/* SPDX-License-Identifier: BSD-2-Clause */
/* probe.c - does KVM run ordinary guests here?
 *
 * Some machines have a /dev/kvm that opens, makes VMs, and then cannot run real
 * mode or paging (nested without hardware help). So a tiny guest goes the way
 * every kernel goes: real mode, protected mode, long mode with paging, ring 3,
 * an interrupt back to ring 0, HLT; it must be through in 100 ms.
 */
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "engine/kvm/kvm.h"

enum {
	MEM = 0x10000,
	ENTRY = 0x1000,
	GDT = 0x2000,
	IDT = 0x3000,
	TABLES = 0x4000, /* PML4, PDPT, PD */
	TSS = 0x7800,
	STACK = 0x8000,
	MARK = 0x55, /* OUT of AL to port MARK: the guest got there */
	LIMIT_MS = 100
};

static const uint8_t code[] = {
	/* 16-bit */
	0xfa,                         /* cli */
	0x0f, 0x01, 0x16, 0x00, 0x28, /* lgdt [0x2800] */
	0x0f, 0x20, 0xc0,             /* mov eax, cr0 */
	0x0c, 0x01,                   /* or al, 1 */
	0x0f, 0x22, 0xc0,             /* mov cr0, eax */
	0xea, 0x13, 0x10, 0x08, 0x00, /* jmp 8:0x1013 */
	/* 32-bit, at 0x1013 */
	0x66, 0xb8, 0x10, 0x00,       /* mov ax, 0x10 */
	0x8e, 0xd8,                   /* mov ds, eax */
	0x8e, 0xd0,                   /* mov ss, eax */
	0x0f, 0x20, 0xe0,             /* mov eax, cr4 */
	0x0c, 0x20,                   /* or al, 0x20: PAE */
	0x0f, 0x22, 0xe0,             /* mov cr4, eax */
	0xb8, 0x00, 0x40, 0x00, 0x00, /* mov eax, 0x4000 */
	0x0f, 0x22, 0xd8,             /* mov cr3, eax */
	0xb9, 0x80, 0x00, 0x00, 0xc0, /* mov ecx, 0xc0000080: EFER */
	0x0f, 0x32,                   /* rdmsr */
	0x80, 0xcc, 0x01,             /* or ah, 1: LME */
	0x0f, 0x30,                   /* wrmsr */
	0x0f, 0x20, 0xc0,             /* mov eax, cr0 */
	0x0d, 0x00, 0x00, 0x00, 0x80, /* or eax, 0x80000000 */
	0x0f, 0x22, 0xc0,             /* mov cr0, eax */
	0xea, 0x49, 0x10, 0x00, 0x00, 0x18, 0x00, /* jmp 0x18:0x1049 */
	/* 64-bit, at 0x1049 */
	0xbc, 0x00, 0x80, 0x00, 0x00,                   /* mov esp, 0x8000 */
	0x0f, 0x01, 0x1c, 0x25, 0x00, 0x38, 0x00, 0x00, /* lidt [0x3800] */
	0xb0, 0x38,                                     /* mov al, 0x38 */
	0x0f, 0x00, 0xd8,                               /* ltr ax */
	0x6a, 0x2b,                                     /* push 0x2b */
	0x68, 0x00, 0x70, 0x00, 0x00,                   /* push 0x7000 */
	0x6a, 0x02,                                     /* push 2 */
	0x6a, 0x33,                                     /* push 0x33 */
	0x68, 0x6d, 0x10, 0x00, 0x00,                   /* push 0x106d */
	0x48, 0xcf,                                     /* iretq */
	/* ring 3, at 0x106d */
	0xcd, 0x20, /* int 0x20 */
	/* ring 0, at 0x106f: what the interrupt runs */
	0xb0, MARK, /* mov al, MARK */
	0xe6, MARK, /* out MARK, al */
	0xf4,       /* hlt */
};
enum { HANDLER = ENTRY + 0x6f };

struct probe {
	int dev, vm, cpu;
	uint8_t *mem;
	struct kvm_run *run;
	size_t run_bytes;
};

static void
put(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void
fill(uint8_t *mem)
{
	memcpy(mem + ENTRY, code, sizeof(code));
	put(mem + GDT + 8, 0x00cf9b000000ffff);  /* 32-bit code */
	put(mem + GDT + 16, 0x00cf93000000ffff); /* data */
	put(mem + GDT + 24, 0x00af9b000000ffff); /* 64-bit code */
	put(mem + GDT + 40, 0x00cff3000000ffff); /* data of ring 3 */
	put(mem + GDT + 48, 0x00affb000000ffff); /* 64-bit code of ring 3 */
	put(mem + GDT + 56, 0x0000890000000067 | (uint64_t)TSS << 16);
	put(mem + GDT + 0x800, 71 | (uint64_t)GDT << 16);
	put(mem + TSS + 4, STACK);
	/* Gate 0x20: present, for ring 3, interrupt, selector 0x18. */
	put(mem + IDT + 0x20 * 16, HANDLER | 0x18ull << 16 | 0xee00ull << 32);
	put(mem + IDT + 0x800, 0xfff | (uint64_t)IDT << 16);
	put(mem + TABLES, (TABLES + 0x1000) | 7);
	put(mem + TABLES + 0x1000, (TABLES + 0x2000) | 7);
	put(mem + TABLES + 0x2000, 0x87); /* one page of 2 MiB */
}

static int
open_all(struct probe *p, struct error *err)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEM };
	int bytes;

	p->dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (p->dev < 0)
		return error_sys(err, "open '/dev/kvm'");
	if (ioctl(p->dev, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return error_set(err, -ENOTSUP, "its interface is too old");
	p->vm = ioctl(p->dev, KVM_CREATE_VM, 0);
	p->mem = mmap(NULL, MEM, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->vm < 0 || p->mem == MAP_FAILED)
		return error_sys(err, "make a VM");
	fill(p->mem);
	region.userspace_addr = (uintptr_t)p->mem;
	(void)ioctl(p->vm, KVM_SET_TSS_ADDR, 0xfeffd000ul);
	if (ioctl(p->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return error_sys(err, "give it memory");
	p->cpu = ioctl(p->vm, KVM_CREATE_VCPU, 0);
	bytes = ioctl(p->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (p->cpu < 0 || bytes <= 0)
		return error_sys(err, "make a vCPU");
	p->run_bytes = (size_t)bytes;
	p->run = mmap(NULL, p->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
	              p->cpu, 0);
	return p->run == MAP_FAILED ? error_sys(err, "make a vCPU") : 0;
}

static void
close_all(struct probe *p)
{
	if (p->run != NULL && p->run != MAP_FAILED)
		munmap(p->run, p->run_bytes);
	if (p->cpu >= 0)
		close(p->cpu);
	if (p->vm >= 0)
		close(p->vm);
	if (p->mem != NULL && p->mem != MAP_FAILED)
		munmap(p->mem, MEM);
	if (p->dev >= 0)
		close(p->dev);
}

/* All leaves the kernel supports: without LM there is no long mode. */
static int
set_up(struct probe *p, struct error *err)
{
	KVM_ROOM(struct kvm_cpuid2, struct kvm_cpuid_entry2, 256)
	cpuid = { .head.nent = 256 };
	struct kvm_sregs s;
	struct kvm_regs r = { .rip = ENTRY, .rsp = STACK, .rflags = 2 };

	if (ioctl(p->dev, KVM_GET_SUPPORTED_CPUID, &cpuid.head) < 0 ||
	    ioctl(p->cpu, KVM_SET_CPUID2, &cpuid.head) < 0 ||
	    ioctl(p->cpu, KVM_GET_SREGS, &s) < 0)
		return error_sys(err, "set it up");
	s.cs.selector = 0;
	s.cs.base = 0;
	if (ioctl(p->cpu, KVM_SET_SREGS, &s) < 0 ||
	    ioctl(p->cpu, KVM_SET_REGS, &r) < 0)
		return error_sys(err, "set it up");
	return 0;
}

static void
on_alarm(int sig)
{
	(void)sig; /* KVM_RUN ends with EINTR */
}

/* Every exit but the one we wait for is a proof that it does not work. */
static int
run_it(struct probe *p, struct error *err)
{
	if (ioctl(p->cpu, KVM_RUN, 0) < 0)
		return errno == EINTR
		           ? error_set(err, -ETIME,
		                       "a small guest took over %d ms",
		                       LIMIT_MS)
		           : error_sys(err, "run a small guest");
	if (p->run->exit_reason != KVM_EXIT_IO || p->run->io.port != MARK ||
	    *((uint8_t *)p->run + p->run->io.data_offset) != MARK ||
	    ioctl(p->cpu, KVM_RUN, 0) < 0 ||
	    p->run->exit_reason != KVM_EXIT_HLT)
		return error_set(err, -EIO,
		                 "a small guest stopped with exit %u",
		                 p->run->exit_reason);
	return 0;
}

static int
run_limited(struct probe *p, struct error *err)
{
	struct sigaction alarm = { .sa_handler = on_alarm }, old;
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
		               .sigev_signo = SIGALRM };
	/* Again and again, should the first come before KVM_RUN. */
	const struct itimerspec when = { { 0, LIMIT_MS * 1000000 },
		                         { 0, LIMIT_MS * 1000000 } };
	timer_t timer;
	int rc;

	sigaction(SIGALRM, &alarm, &old);
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer) < 0)
		return error_sys(err, "timer");
	timer_settime(timer, 0, &when, NULL);
	rc = run_it(p, err);
	timer_delete(timer);
	sigaction(SIGALRM, &old, NULL);
	return rc;
}

int
kvm_probe(struct error *err)
{
	struct probe p = { .dev = -1, .vm = -1, .cpu = -1 };
	int rc = open_all(&p, err);

	if (rc == 0)
		rc = set_up(&p, err);
	if (rc == 0)
		rc = run_limited(&p, err);
	close_all(&p);
	return rc;
}
