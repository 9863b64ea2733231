/* SPDX-License-Identifier: BSD-2-Clause */
/* loader.c - kernels into memory.
 *
 * What lies below 1 MiB while the kernel starts:
 *   0x0500  GDT             0x0600  TSS of PVH
 *   0x7000  zero page (bzImage) or start info, modules, memory map (PVH)
 *   0x9000  page tables: PML4, PDPT, four directories of 2 MiB pages
 *   0x20000 command line
 */
#include "vmm/loader.h"

#include <sys/stat.h>

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/le.h"
#include "vmm/vm.h"
#include "x86/state.h"

enum {
	GDT_GPA = 0x500,
	TSS_GPA = 0x600,
	PARAMS_GPA = 0x7000,
	TABLES_GPA = 0x9000,
	CMDLINE_GPA = 0x20000,
	EBDA_GPA = 0x9fc00,
	MIB = 0x100000
};

/* The setup header's fields, by offset in the file (boot.rst). */
enum {
	BZ_SETUP_SECTS = 0x1f1,
	BZ_SYSSIZE = 0x1f4,
	BZ_BOOT_FLAG = 0x1fe,
	BZ_JUMP = 0x200,
	BZ_MAGIC = 0x202,
	BZ_VERSION = 0x206,
	BZ_TYPE_OF_LOADER = 0x210,
	BZ_LOADFLAGS = 0x211,
	BZ_RAMDISK_IMAGE = 0x218,
	BZ_RAMDISK_SIZE = 0x21c,
	BZ_HEAP_END = 0x224,
	BZ_CMDLINE = 0x228,
	BZ_INITRD_MAX = 0x22c,
	BZ_ALIGN = 0x230,
	BZ_RELOCATABLE = 0x234,
	BZ_XLOADFLAGS = 0x236,
	BZ_CMDLINE_SIZE = 0x238,
	BZ_PREF = 0x258,
	BZ_INIT_SIZE = 0x260,
	BZ_END = 0x268
};

/* The zero page's own (zero-page.rst). */
enum { ZP_RSDP = 0x70, ZP_E820_N = 0x1e8, ZP_E820 = 0x2d0 };

static int
probe_bz(const uint8_t *h, size_t len, uint64_t file_size,
         struct loader_image *img, struct error *err)
{
	uint64_t setup, pref, align;

	if (len < BZ_END || le_get(h + BZ_VERSION, 2) < 0x206)
		return error_set(err, -ENOEXEC,
		                 "boot protocol is older than 2.06");
	if ((h[BZ_LOADFLAGS] & 1) == 0)
		return error_set(err, -ENOEXEC, "a zImage loads low");
	setup = ((h[BZ_SETUP_SECTS] != 0 ? h[BZ_SETUP_SECTS] : 4) + 1u) * 512;
	if (setup >= file_size)
		return error_set(err, -EINVAL, "file is cut off");
	img->head_from = BZ_SETUP_SECTS;
	img->head_to = BZ_MAGIC + h[BZ_JUMP + 1];
	if (img->head_to < BZ_END || img->head_to > 0x290 || img->head_to > len)
		img->head_to = BZ_END;
	img->kind = le_get(h + BZ_VERSION, 2) >= 0x20c && (h[BZ_XLOADFLAGS] & 1)
	                ? LOADER_BZ64
	                : LOADER_BZ32;
	pref =
	    le_get(h + BZ_VERSION, 2) >= 0x20a ? le_get(h + BZ_PREF, 8) : MIB;
	align = le_get(h + BZ_ALIGN, 4);
	if (!h[BZ_RELOCATABLE] && img->kind == LOADER_BZ32)
		pref = MIB;
	if (pref < MIB || pref >= VM_LOWMEM_MAX || (align & (align - 1)) != 0 ||
	    (align != 0 && pref % align != 0))
		pref = MIB;
	img->load = pref;
	img->need = le_get(h + BZ_VERSION, 2) >= 0x20a
	                ? le_get(h + BZ_INIT_SIZE, 4)
	                : 0;
	if (img->need < file_size - setup)
		img->need = file_size - setup;
	img->entry = pref + (img->kind == LOADER_BZ64 ? 0x200 : 0);
	img->initrd_max = le_get(h + BZ_INITRD_MAX, 4);
	img->cmdline_max = le_get(h + BZ_CMDLINE_SIZE, 4);
	img->part[0] = (struct loader_part){ setup, file_size - setup, pref };
	img->nparts = 1;
	return 0;
}

uint64_t
loader_pvh_entry(const uint8_t *p, size_t len)
{
	while (len >= 12) {
		uint64_t name = (le_get(p, 4) + 3) & ~3ull;
		uint64_t desc = (le_get(p + 4, 4) + 3) & ~3ull;

		if (name + desc > len - 12)
			return 0;
		if (le_get(p, 4) == 4 && le_get(p + 8, 4) == 18 &&
		    memcmp(p + 12, "Xen", 4) == 0 && le_get(p + 4, 4) >= 4)
			return le_get(p + 12 + name,
			              le_get(p + 4, 4) >= 8 ? 8 : 4);
		p += 12 + name + desc;
		len -= 12 + name + desc;
	}
	return 0;
}

static int
add_load(struct loader_image *img, const Elf64_Phdr *ph, uint64_t file_size,
         struct error *err)
{
	uint64_t end;

	if (ph->p_memsz == 0)
		return 0;
	if (ph->p_filesz > ph->p_memsz || ph->p_offset > file_size ||
	    ph->p_filesz > file_size - ph->p_offset ||
	    __builtin_add_overflow(ph->p_paddr, ph->p_memsz, &end) ||
	    end > VM_LOWMEM_MAX || ph->p_paddr < MIB)
		return error_set(err, -EINVAL,
		                 "ELF segment at %#" PRIx64 " is not sane",
		                 (uint64_t)ph->p_paddr);
	if (img->nparts == 0 || ph->p_paddr < img->load) {
		img->need += img->load - ph->p_paddr;
		if (img->nparts == 0)
			img->need = 0;
		img->load = ph->p_paddr;
	}
	if (end - img->load > img->need)
		img->need = end - img->load;
	img->part[img->nparts++] =
	    (struct loader_part){ ph->p_offset, ph->p_filesz, ph->p_paddr };
	return 0;
}

static int
probe_elf(const uint8_t *h, size_t len, uint64_t file_size,
          struct loader_image *img, struct error *err)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	memcpy(&eh, h, sizeof(eh));
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_ident[EI_DATA] != ELFDATA2LSB || eh.e_machine != EM_X86_64)
		return error_set(err, -ENOEXEC, "not an ELF file of x86-64");
	if (eh.e_phentsize != sizeof(ph) || eh.e_phnum > LOADER_MAX_PHDRS ||
	    eh.e_phoff > len || len - eh.e_phoff < eh.e_phnum * sizeof(ph))
		return error_set(err, -EINVAL, "ELF header is not sane");
	img->kind = LOADER_PVH;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, h + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_LOAD &&
		    add_load(img, &ph, file_size, err) < 0)
			return err->code;
		if (ph.p_type == PT_NOTE && ph.p_filesz <= LOADER_MAX_NOTES) {
			img->notes_off = ph.p_offset;
			img->notes_len = ph.p_filesz;
		}
	}
	if (img->notes_len == 0 || img->nparts == 0)
		return error_set(err, -ENOEXEC, "ELF file without notes");
	img->initrd_max = UINT32_MAX;
	img->cmdline_max = LOADER_MAX_CMDLINE;
	return 0;
}

int
loader_probe(const uint8_t *head, size_t len, uint64_t file_size,
             struct loader_image *out, struct error *err)
{
	struct loader_image img = { 0 };
	int rc;

	if (len >= sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0)
		rc = probe_elf(head, len, file_size, &img, err);
	else if (len > BZ_END && le_get(head + BZ_BOOT_FLAG, 2) == 0xaa55 &&
	         memcmp(head + BZ_MAGIC, "HdrS", 4) == 0)
		rc = probe_bz(head, len, file_size, &img, err);
	else
		rc = error_set(err, -ENOEXEC,
		               "neither a bzImage nor an ELF kernel");
	if (rc == 0)
		*out = img;
	return rc;
}

/* Guest memory. */

static int
load_file(struct vm *vm, int fd, uint64_t off, uint64_t len, uint64_t gpa,
          struct error *err)
{
	uint8_t *p = guest_mem_at(vm->mem, gpa, len, 1);

	if (p == NULL)
		return error_set(err, -ENOMEM,
		                 "guest memory is too small: %" PRIu64
		                 " bytes at %#" PRIx64,
		                 len, gpa);
	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, "read");
		if (n == 0)
			return error_set(err, -EINVAL, "file is cut off");
		p += n;
		off += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

struct memmap_row {
	uint64_t gpa, size;
	uint32_t type; /* 1 RAM, 2 reserved */
};

/* What a BIOS would report; rows in order of address. */
static unsigned
memmap(const struct vm *vm, struct memmap_row row[LOADER_MAX_E820])
{
	unsigned n = 0;

	row[n++] = (struct memmap_row){ 0, EBDA_GPA, 1 };
	row[n++] = (struct memmap_row){ EBDA_GPA, MIB - EBDA_GPA, 2 };
	if (vm->lowmem > MIB)
		row[n++] = (struct memmap_row){ MIB, vm->lowmem - MIB, 1 };
	row[n++] = (struct memmap_row){ 0xe0000000, 0x10000000, 2 }; /* ECAM */
	row[n++] = (struct memmap_row){ 0xfec00000, 0x1400000, 2 };
	if (vm->highmem > 0)
		row[n++] = (struct memmap_row){ 0x100000000, vm->highmem, 1 };
	return n;
}

/* As high as image and memory allow, above the kernel. */
static int
load_initrd(struct vm *vm, const struct loader_image *img, int fd,
            uint64_t *out_gpa, uint64_t *out_size, struct error *err)
{
	uint64_t top = vm->lowmem, floor = img->load + img->need;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_sys(err, "initrd");
	if (img->initrd_max < top)
		top = img->initrd_max + 1;
	*out_size = (uint64_t)st.st_size;
	if (*out_size == 0)
		return 0; /* as if there were none */
	if (top < floor || top - floor < *out_size + GUEST_PAGE)
		return error_set(err, -ENOMEM,
		                 "guest memory is too small for an initrd of "
		                 "%" PRIu64 " bytes",
		                 *out_size);
	*out_gpa = (top - *out_size) & ~(uint64_t)(GUEST_PAGE - 1);
	if (load_file(vm, fd, 0, *out_size, *out_gpa, err) < 0)
		return error_wrap(err, "initrd");
	return 0;
}

static int
load_cmdline(struct vm *vm, const struct loader_image *img, const char *text,
             struct error *err)
{
	size_t len = strlen(text);

	if (len > img->cmdline_max || len > LOADER_MAX_CMDLINE)
		return error_set(err, -E2BIG,
		                 "command line of %zu bytes: the kernel takes "
		                 "%" PRIu64,
		                 len, img->cmdline_max);
	if (guest_mem_load(vm->mem, CMDLINE_GPA, text, len + 1) < 0)
		return error_set(err, -ENOMEM, "guest memory is too small");
	return 0;
}

/* Identity map of the first 4 GiB by 2 MiB pages. */
static int
load_tables(struct vm *vm)
{
	uint64_t *t = guest_mem_at(vm->mem, TABLES_GPA, 6 * GUEST_PAGE, 1);

	if (t == NULL)
		return -EFAULT;
	memset(t, 0, 6 * GUEST_PAGE);
	t[0] = (TABLES_GPA + GUEST_PAGE) | X86_PTE_P | X86_PTE_W;
	for (uint64_t i = 0; i < 4; i++)
		t[512 + i] =
		    (TABLES_GPA + (2 + i) * GUEST_PAGE) | X86_PTE_P | X86_PTE_W;
	for (uint64_t i = 0; i < 4 * 512; i++)
		t[1024 + i] = i << 21 | X86_PTE_P | X86_PTE_W | X86_PTE_PS;
	return 0;
}

static void
flat(struct x86_segment *s, uint16_t sel, uint32_t attr)
{
	*s = (struct x86_segment){ 0, UINT32_MAX, attr, sel };
}

/* Flat segments as boot.rst wants them: code at 0x10, data at 0x18. */
static int
set_flat(struct vm *vm, struct x86_state *st, bool wide)
{
	const uint64_t gdt[4] = { 0, 0,
		                  wide ? 0x00af9b000000ffff
		                       : 0x00cf9b000000ffff,
		                  0x00cf93000000ffff };

	flat(&st->seg[X86_CS], 0x10,
	     0x9b | X86_ATTR_G | (wide ? X86_ATTR_L : X86_ATTR_DB));
	for (int i = 0; i < X86_LDTR; i++)
		if (i != X86_CS)
			flat(&st->seg[i], 0x18,
			     0x93 | X86_ATTR_G | X86_ATTR_DB);
	st->gdtr = (struct x86_table){ GDT_GPA, sizeof(gdt) - 1 };
	st->idtr = (struct x86_table){ 0, 0 };
	return guest_mem_load(vm->mem, GDT_GPA, gdt, sizeof(gdt));
}

/*
 * The local APIC as firmware leaves it on the boot processor: on, the PIC's
 * line at LINT0 and NMI at LINT1. A guest that never looks at it (acpi=off, old
 * systems) else hears nothing of the PIC. Source: MultiProcessor Specification
 * 1.4, 3.6.2.2 virtual wire mode.
 */
static void
virtual_wire(struct x86_state *st)
{
	static const struct {
		uint16_t reg, v;
	} rows[] = { { 0x0f0, 0x10f }, { 0x350, 0x700 }, { 0x360, 0x400 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t *r = &st->lapic[rows[i].reg];

		r[0] = (uint8_t)rows[i].v;
		r[1] = (uint8_t)(rows[i].v >> 8);
		r[2] = r[3] = 0;
	}
}

static int
set_state(struct vm *vm, const struct loader_image *img, struct x86_state *st)
{
	x86_state_reset(st, 0, 1);
	virtual_wire(st);
	st->rip = img->entry;
	st->cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_NE;
	if (img->kind == LOADER_PVH) {
		st->gpr[X86_RBX] = PARAMS_GPA;
		st->seg[X86_TR] =
		    (struct x86_segment){ TSS_GPA, 0x67, 0x8b, 0 };
	} else
		st->gpr[X86_RSI] = PARAMS_GPA;
	if (img->kind == LOADER_BZ64) {
		st->cr0 |= X86_CR0_PG | X86_CR0_WP;
		st->cr3 = TABLES_GPA;
		st->cr4 = X86_CR4_PAE;
		st->efer = X86_EFER_LME | X86_EFER_LMA;
		if (load_tables(vm) < 0)
			return -EFAULT;
	}
	return set_flat(vm, st, img->kind == LOADER_BZ64);
}

/* Parameters. */

struct boot {
	uint64_t initrd, initrd_size, rsdp;
};

static int
bz_params(struct vm *vm, const struct loader_image *img, const uint8_t *head,
          const struct boot *b)
{
	struct memmap_row row[LOADER_MAX_E820];
	unsigned n = memmap(vm, row);
	uint8_t zp[GUEST_PAGE] = { 0 };

	memcpy(zp + img->head_from, head + img->head_from,
	       img->head_to - img->head_from);
	le_put(zp + ZP_RSDP, b->rsdp, 8);
	zp[BZ_TYPE_OF_LOADER] = 0xff; /* none that has a number */
	le_put(zp + BZ_HEAP_END, 0xfe00, 2);
	zp[BZ_LOADFLAGS] |= 0x80; /* heap_end is right */
	le_put(zp + BZ_RAMDISK_IMAGE, b->initrd, 4);
	le_put(zp + BZ_RAMDISK_SIZE, b->initrd_size, 4);
	le_put(zp + BZ_CMDLINE, CMDLINE_GPA, 4);
	zp[ZP_E820_N] = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) {
		uint8_t *e = zp + ZP_E820 + 20 * i;

		le_put(e, row[i].gpa, 8);
		le_put(e + 8, row[i].size, 8);
		le_put(e + 16, row[i].type, 4);
	}
	return guest_mem_load(vm->mem, PARAMS_GPA, zp, sizeof(zp));
}

/* start_info, one module, the memory map, one after the other. */
static int
pvh_params(struct vm *vm, const struct boot *b)
{
	enum { MODULE = 56, MAP = 88 };
	struct memmap_row row[LOADER_MAX_E820];
	unsigned n = memmap(vm, row);
	uint8_t p[GUEST_PAGE] = { 0 };

	le_put(p, 0x336ec578, 4);
	le_put(p + 4, 1, 4);
	le_put(p + 12, b->initrd_size > 0, 4);
	le_put(p + 16, PARAMS_GPA + MODULE, 8);
	le_put(p + 24, CMDLINE_GPA, 8);
	le_put(p + 32, b->rsdp, 8);
	le_put(p + 40, PARAMS_GPA + MAP, 8);
	le_put(p + 48, n, 4);
	le_put(p + MODULE, b->initrd, 8);
	le_put(p + MODULE + 8, b->initrd_size, 8);
	for (unsigned i = 0; i < n; i++) {
		le_put(p + MAP + 24 * i, row[i].gpa, 8);
		le_put(p + MAP + 24 * i + 8, row[i].size, 8);
		le_put(p + MAP + 24 * i + 16, row[i].type, 4);
	}
	return guest_mem_load(vm->mem, PARAMS_GPA, p, sizeof(p));
}

static int
read_head(int fd, uint8_t head[LOADER_HEAD], size_t *out_len,
          uint64_t *out_size, struct error *err)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return error_sys(err, "kernel");
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "kernel is not a file");
	n = pread(fd, head, LOADER_HEAD, 0);
	if (n < 0)
		return error_sys(err, "kernel");
	*out_len = (size_t)n;
	*out_size = (uint64_t)st.st_size;
	return 0;
}

/* An ELF kernel's entry is in its notes, wherever these lie in the file. */
static int
find_entry(int fd, struct loader_image *img, struct error *err)
{
	uint8_t notes[LOADER_MAX_NOTES];
	ssize_t n;

	if (img->kind != LOADER_PVH)
		return 0;
	n = pread(fd, notes, img->notes_len, (off_t)img->notes_off);
	if (n < 0)
		return error_sys(err, "notes");
	img->entry = loader_pvh_entry(notes, (size_t)n);
	if (img->entry == 0 || img->entry > UINT32_MAX)
		return error_set(err, -ENOEXEC, "ELF file without a PVH note");
	return 0;
}

int
loader_boot(struct vm *vm, const struct loader_files *f, struct x86_state *bsp,
            struct error *err)
{
	struct boot b = { .rsdp = f->rsdp };
	struct loader_image img;
	uint8_t head[LOADER_HEAD];
	uint64_t size = 0;
	size_t len = 0;
	int rc;

	if (read_head(f->kernel, head, &len, &size, err) < 0 ||
	    loader_probe(head, len, size, &img, err) < 0 ||
	    find_entry(f->kernel, &img, err) < 0)
		return error_wrap(err, "kernel");
	if (img.load > vm->lowmem || img.need > vm->lowmem - img.load)
		return error_set(err, -ENOMEM,
		                 "kernel needs %" PRIu64 " bytes from %#" PRIx64
		                 ": guest memory is too small",
		                 img.need, img.load);
	for (unsigned i = 0; i < img.nparts; i++)
		if (load_file(vm, f->kernel, img.part[i].file_off,
		              img.part[i].file_len, img.part[i].gpa, err) < 0)
			return error_wrap(err, "kernel");
	if (f->initrd >= 0 && load_initrd(vm, &img, f->initrd, &b.initrd,
	                                  &b.initrd_size, err) < 0)
		return err->code;
	if (load_cmdline(vm, &img, f->cmdline, err) < 0)
		return err->code;
	rc = img.kind == LOADER_PVH ? pvh_params(vm, &b)
	                            : bz_params(vm, &img, head, &b);
	if (rc < 0 || set_state(vm, &img, bsp) < 0)
		return error_set(err, -ENOMEM, "guest memory is too small");
	return 0;
}
