/* SPDX-License-Identifier: BSD-2-Clause */
/* loader_test.c - kernels made by hand: what is read from them, where they
 * land, and what is refused.
 */
#include <sys/mman.h>

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/fake_vm.h"
#include "vmm/loader.h"
#include "x86/state.h"

enum { MIB = 1 << 20, SETUP = 2 * 512, BODY = 0x1800 };

static void
put(uint8_t *p, unsigned at, uint64_t v, unsigned n)
{
	for (p += at; n > 0; n--, v >>= 8)
		*p++ = (uint8_t)v;
}

static uint64_t
get(const void *p, unsigned at, unsigned n)
{
	const uint8_t *b = (const uint8_t *)p + at;
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | b[n];
	return v;
}

/* A bzImage of protocol 2.15 for the 64-bit entry, one setup sector. */
static void
make_bz(uint8_t image[SETUP + BODY])
{
	memset(image, 0, SETUP + BODY);
	put(image, 0x1f1, 1, 1);
	put(image, 0x1fe, 0xaa55, 2);
	put(image, 0x200, 0x66eb, 2);
	memcpy(image + 0x202, "HdrS", 4);
	put(image, 0x206, 0x20f, 2);
	put(image, 0x211, 1, 1);
	put(image, 0x22c, 0x7fffffff, 4);
	put(image, 0x230, 0x10000, 4);
	put(image, 0x234, 1, 1);
	put(image, 0x236, 1, 2);
	put(image, 0x238, 255, 4);
	put(image, 0x258, MIB, 8);
	put(image, 0x260, 0x8000, 4);
	memset(image + SETUP, 0x90, BODY);
}

/* An ELF kernel: one segment of memory, one note. */
static void
make_elf(uint8_t image[0x2000])
{
	Elf64_Ehdr eh = { .e_machine = EM_X86_64,
		          .e_phoff = sizeof(eh),
		          .e_phentsize = sizeof(Elf64_Phdr),
		          .e_phnum = 2 };
	const Elf64_Phdr ph[2] = {
		{ .p_type = PT_LOAD,
		  .p_offset = 0x1000,
		  .p_filesz = 0x800,
		  .p_memsz = 0x3000,
		  .p_paddr = MIB },
		{ .p_type = PT_NOTE, .p_offset = 0x400, .p_filesz = 20 },
	};

	memset(image, 0, 0x2000);
	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(image, &eh, sizeof(eh));
	memcpy(image + sizeof(eh), ph, sizeof(ph));
	put(image, 0x400, 4, 4);
	put(image, 0x404, 4, 4);
	put(image, 0x408, 18, 4);
	memcpy(image + 0x40c, "Xen", 4);
	put(image, 0x410, MIB + 0x100, 4);
	memset(image + 0x1000, 0xcc, 0x800);
}

static void
bzimages_say_how_they_load(void **state)
{
	/* One change to the header, and what comes of it. */
	static const struct {
		unsigned at, n;
		uint64_t v;
		int rc;
		enum loader_kind kind;
		uint64_t load, entry, need;
	} rows[] = {
		{ 0, 1, 0, 0, LOADER_BZ64, MIB, MIB + 0x200, 0x8000 },
		{ 0x258, 8, 16 * MIB, 0, LOADER_BZ64, 16 * MIB,
		  16 * MIB + 0x200, 0x8000 },
		/* Where no RAM or no alignment is: the old place. */
		{ 0x258, 8, 1ull << 40, 0, LOADER_BZ64, MIB, MIB + 0x200,
		  0x8000 },
		{ 0x258, 8, 0x1000, 0, LOADER_BZ64, MIB, MIB + 0x200, 0x8000 },
		{ 0x230, 4, 0x123, 0, LOADER_BZ64, MIB, MIB + 0x200, 0x8000 },
		/* No 64-bit entry. */
		{ 0x236, 2, 0, 0, LOADER_BZ32, MIB, MIB, 0x8000 },
		{ 0x206, 2, 0x20b, 0, LOADER_BZ32, MIB, MIB, 0x8000 },
		/* Before 2.10 nobody says what is needed but the file. */
		{ 0x206, 2, 0x206, 0, LOADER_BZ32, MIB, MIB, BODY },
		{ 0x260, 4, 1, 0, LOADER_BZ64, MIB, MIB + 0x200, BODY },
		{ 0x206, 2, 0x205, -ENOEXEC, 0, 0, 0, 0 },
		{ 0x211, 1, 0, -ENOEXEC, 0, 0, 0, 0 },
		{ 0x1fe, 2, 0, -ENOEXEC, 0, 0, 0, 0 },
		{ 0x202, 1, 'X', -ENOEXEC, 0, 0, 0, 0 },
		{ 0x1f1, 1, 64, -EINVAL, 0, 0, 0, 0 },
	};
	uint8_t image[SETUP + BODY];
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loader_image img = { 0 };

		make_bz(image);
		put(image, rows[i].at, rows[i].v, rows[i].n);
		assert_int_equal(
		    loader_probe(image, LOADER_HEAD, sizeof(image), &img, &err),
		    rows[i].rc);
		if (rows[i].rc < 0)
			continue;
		assert_int_equal(img.kind, rows[i].kind);
		assert_int_equal(img.load, rows[i].load);
		assert_int_equal(img.entry, rows[i].entry);
		assert_int_equal(img.need, rows[i].need);
		assert_int_equal(img.part[0].file_off, SETUP);
		assert_int_equal(img.part[0].file_len, BODY);
	}
}

static void
files_that_are_no_kernels_are_refused(void **state)
{
	uint8_t image[0x2000];
	struct loader_image img;
	struct error err;

	(void)state;
	memset(image, 0, sizeof(image));
	for (size_t len = 0; len <= 1024; len += 64)
		assert_int_equal(loader_probe(image, len, len, &img, &err),
		                 -ENOEXEC);
	make_bz(image);
	for (size_t len = 0; len <= 0x268; len++)
		assert_int_equal(loader_probe(image, len, len, &img, &err),
		                 -ENOEXEC);
}

static void
elf_kernels_are_checked(void **state)
{
	enum { PH = sizeof(Elf64_Ehdr), NOTE = PH + sizeof(Elf64_Phdr) };
	static const struct {
		unsigned at, n;
		uint64_t v;
		int rc;
	} rows[] = {
		{ 0x7ff, 1, 0, 0 },
		{ EI_CLASS, 1, ELFCLASS32, -ENOEXEC },
		{ EI_DATA, 1, ELFDATA2MSB, -ENOEXEC },
		{ offsetof(Elf64_Ehdr, e_machine), 2, EM_386, -ENOEXEC },
		{ offsetof(Elf64_Ehdr, e_phnum), 2, 0, -ENOEXEC },
		{ offsetof(Elf64_Ehdr, e_phnum), 2, 1, -ENOEXEC },
		{ offsetof(Elf64_Ehdr, e_phnum), 2, 65, -EINVAL },
		{ offsetof(Elf64_Ehdr, e_phentsize), 2, 8, -EINVAL },
		{ offsetof(Elf64_Ehdr, e_phoff), 8, 4096 - 8, -EINVAL },
		{ offsetof(Elf64_Ehdr, e_phoff), 8, UINT64_MAX, -EINVAL },
		{ PH + offsetof(Elf64_Phdr, p_paddr), 8, 0x1000, -EINVAL },
		{ PH + offsetof(Elf64_Phdr, p_paddr), 8, UINT64_MAX, -EINVAL },
		{ PH + offsetof(Elf64_Phdr, p_paddr), 8, VM_LOWMEM_MAX,
		  -EINVAL },
		{ PH + offsetof(Elf64_Phdr, p_filesz), 8, 0x4000, -EINVAL },
		{ PH + offsetof(Elf64_Phdr, p_offset), 8, 0x1900, -EINVAL },
		{ PH + offsetof(Elf64_Phdr, p_offset), 8, UINT64_MAX, -EINVAL },
		{ PH + offsetof(Elf64_Phdr, p_memsz), 8, 0, -ENOEXEC },
		{ NOTE + offsetof(Elf64_Phdr, p_filesz), 8, 0, -ENOEXEC },
		{ NOTE + offsetof(Elf64_Phdr, p_filesz), 8, 1 << 20, -ENOEXEC },
	};
	uint8_t image[0x2000];
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loader_image img = { 0 };

		make_elf(image);
		put(image, rows[i].at, rows[i].v, rows[i].n);
		assert_int_equal(
		    loader_probe(image, LOADER_HEAD, sizeof(image), &img, &err),
		    rows[i].rc);
		if (rows[i].rc < 0)
			continue;
		assert_int_equal(img.kind, LOADER_PVH);
		assert_int_equal(img.load, MIB);
		assert_int_equal(img.need, 0x3000);
	}
}

static void
entries_are_in_the_notes(void **state)
{
	uint8_t p[64] = { 0 };

	(void)state;
	assert_int_equal(loader_pvh_entry(p, 0), 0);
	assert_int_equal(loader_pvh_entry(p, sizeof(p)), 0);
	/* Another note first, of sizes that are padded. */
	put(p, 0, 3, 4);
	put(p, 4, 1, 4);
	put(p, 8, 18, 4);
	memcpy(p + 12, "GN", 3);
	put(p, 20, 4, 4);
	put(p, 24, 8, 4);
	put(p, 28, 18, 4);
	memcpy(p + 32, "Xen", 4);
	put(p, 36, 0x1000100, 8);
	assert_int_equal(loader_pvh_entry(p, 44), 0x1000100);
	assert_int_equal(loader_pvh_entry(p, 43), 0);
	put(p, 24, 4, 4);
	assert_int_equal(loader_pvh_entry(p, 40), 0x1000100);
	put(p, 24, 3, 4);
	assert_int_equal(loader_pvh_entry(p, 44), 0);
	put(p, 24, UINT32_MAX, 4);
	assert_int_equal(loader_pvh_entry(p, 44), 0);
	put(p, 0, UINT32_MAX, 4);
	assert_int_equal(loader_pvh_entry(p, 44), 0);
}

static int
file_of(const void *data, size_t len)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

static void
a_bzimage_lands_with_its_parameters(void **state)
{
	uint8_t image[SETUP + BODY];
	struct x86_state st;
	struct fake_vm f;
	struct error err;
	struct loader_files files = { .cmdline = "console=ttyS0",
		                      .rsdp = 0xf2400 };
	const uint8_t *ram, *zp;
	uint64_t initrd;

	(void)state;
	fake_vm_init(&f);
	make_bz(image);
	files.kernel = file_of(image, sizeof(image));
	files.initrd = file_of("initrd!", 7);
	assert_int_equal(loader_boot(f.vm, &files, &st, &err), 0);
	ram = guest_mem_at(f.vm->mem, 0, 2 * MIB, 0);
	assert_memory_equal(ram + MIB, image + SETUP, BODY);
	assert_int_equal(st.rip, MIB + 0x200);
	assert_int_equal(st.efer, X86_EFER_LME | X86_EFER_LMA);
	assert_true((st.cr0 & X86_CR0_PG) != 0);
	/* The map shows the first 4 GiB as they are. */
	assert_int_equal(get(ram, (unsigned)st.cr3, 8) & 3, 3);
	zp = ram + st.gpr[X86_RSI];
	assert_memory_equal(zp + 0x202, "HdrS", 4);
	assert_int_equal(get(zp, 0x210, 1), 0xff);
	assert_int_equal(get(zp, 0x70, 8), 0xf2400);
	assert_string_equal((const char *)ram + get(zp, 0x228, 4),
	                    "console=ttyS0");
	initrd = get(zp, 0x218, 4);
	assert_int_equal(get(zp, 0x21c, 4), 7);
	assert_true(initrd % GUEST_PAGE == 0 && initrd >= MIB + 0x8000);
	assert_memory_equal(ram + initrd, "initrd!", 7);
	/* RAM, hole, RAM ... in order, none beyond what there is. */
	for (unsigned i = 0; i < get(zp, 0x1e8, 1); i++) {
		uint64_t at = get(zp, 0x2d0 + 20 * i, 8);
		uint64_t len = get(zp, 0x2d0 + 20 * i + 8, 8);

		if (get(zp, 0x2d0 + 20 * i + 16, 4) == 1)
			assert_true(at + len <= 2 * MIB);
		if (i > 0)
			assert_true(at >= get(zp, 0x2d0 + 20 * i - 20, 8) +
			                      get(zp, 0x2d0 + 20 * i - 12, 8));
	}
	close(files.kernel);
	close(files.initrd);
	fake_vm_fini(&f);
}

static void
an_elf_kernel_lands_with_its_start_info(void **state)
{
	uint8_t image[0x2000];
	struct x86_state st;
	struct fake_vm f;
	struct error err;
	struct loader_files files = { .cmdline = "x", .initrd = -1 };
	const uint8_t *ram, *info;

	(void)state;
	fake_vm_init(&f);
	make_elf(image);
	files.kernel = file_of(image, sizeof(image));
	assert_int_equal(loader_boot(f.vm, &files, &st, &err), 0);
	ram = guest_mem_at(f.vm->mem, 0, 2 * MIB, 0);
	assert_memory_equal(ram + MIB, image + 0x1000, 0x800);
	assert_int_equal(st.rip, MIB + 0x100);
	assert_int_equal(st.cr0, X86_CR0_PE | X86_CR0_ET | X86_CR0_NE);
	info = ram + st.gpr[X86_RBX];
	assert_int_equal(get(info, 0, 4), 0x336ec578);
	assert_int_equal(get(info, 12, 4), 0);
	assert_string_equal((const char *)ram + get(info, 24, 8), "x");
	close(files.kernel);
	/* An entry that 32 bits cannot name is none. */
	put(image, 0x404, 8, 4);
	put(image, 0x410, 1ull << 32 | MIB, 8);
	put(image,
	    sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) +
	        offsetof(Elf64_Phdr, p_filesz),
	    24, 8);
	files.kernel = file_of(image, sizeof(image));
	assert_int_equal(loader_boot(f.vm, &files, &st, &err), -ENOEXEC);
	close(files.kernel);
	fake_vm_fini(&f);
}

static void
what_does_not_fit_is_refused(void **state)
{
	static uint8_t image[SETUP + BODY], initrd[MIB];
	char longest[257];
	struct {
		uint64_t init_size;
		size_t initrd;
		unsigned cmdline;
		const char *want;
	} rows[] = {
		{ MIB + 1, 0, 1,
		  "kernel needs 1048577 bytes from 0x100000: guest memory is "
		  "too small" },
		{ 0x8000, MIB - 0x8000, 1,
		  "guest memory is too small for an initrd of 1015808 bytes" },
		{ 0x8000, 0, 256,
		  "command line of 256 bytes: the kernel takes 255" },
	};
	struct x86_state st;
	struct fake_vm f;
	struct error err;

	(void)state;
	fake_vm_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loader_files files = { .cmdline = longest };

		memset(longest, 'a', sizeof(longest));
		longest[rows[i].cmdline] = '\0';
		make_bz(image);
		put(image, 0x260, rows[i].init_size, 4);
		files.kernel = file_of(image, sizeof(image));
		files.initrd = file_of(initrd, rows[i].initrd);
		assert_true(loader_boot(f.vm, &files, &st, &err) < 0);
		assert_string_equal(err.msg, rows[i].want);
		close(files.kernel);
		close(files.initrd);
	}
	fake_vm_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bzimages_say_how_they_load),
		cmocka_unit_test(files_that_are_no_kernels_are_refused),
		cmocka_unit_test(elf_kernels_are_checked),
		cmocka_unit_test(entries_are_in_the_notes),
		cmocka_unit_test(a_bzimage_lands_with_its_parameters),
		cmocka_unit_test(an_elf_kernel_lands_with_its_start_info),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
