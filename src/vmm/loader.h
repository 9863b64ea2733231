/* SPDX-License-Identifier: BSD-2-Clause */
/* loader.h - direct boot: a kernel read from a file of the host's into guest
 * memory, and the processor state it expects.
 *
 * Knows Linux's bzImage (64-bit protocol, 32-bit where that is all it has) and
 * ELF kernels with a PVH note (Linux's vmlinux, FreeBSD). What firmware would
 * have found is told by boot parameters. Source: Linux Documentation/arch/x86/
 * boot.rst and zero-page.rst; Xen docs/misc/pvh.pandoc.
 */
#ifndef VMM_LOADER_H
#define VMM_LOADER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct vm;
struct x86_state;

enum {
	LOADER_HEAD = 4096, /* of the file, for loader_probe() */
	LOADER_MAX_CMDLINE = 65535,
	LOADER_MAX_PHDRS = 64,
	LOADER_MAX_NOTES = 16384,
	LOADER_MAX_E820 = 16
};

/* Where a kernel's parts go; all from the file's first bytes. */
struct loader_image {
	enum loader_kind { LOADER_BZ64, LOADER_BZ32, LOADER_PVH } kind;
	uint64_t entry; /* of PVH: found in the notes */
	uint64_t notes_off, notes_len;
	uint64_t load, need; /* first byte; bytes that must be RAM from there */
	uint64_t initrd_max; /* highest byte the initrd may have */
	uint64_t cmdline_max;
	struct loader_part {
		uint64_t file_off, file_len, gpa;
	} part[LOADER_MAX_PHDRS];
	unsigned nparts;
	/* bzImage: the setup header to copy, [head_from, head_to) of the file.
	 */
	unsigned head_from, head_to;
};

/*
 * Is this a kernel we can boot? Pure: looks at head[0..len), the file's start.
 * -ENOEXEC: no such kernel; -EINVAL: hurt.
 */
int loader_probe(const uint8_t *head, size_t len, uint64_t file_size,
                 struct loader_image *out, struct error *err);

/* The 32-bit entry that ELF notes of name "Xen", type 18, give; 0: none. */
uint64_t loader_pvh_entry(const uint8_t *notes, size_t len);

struct loader_files {
	int kernel, initrd; /* descriptors; initrd -1: none. Caller's */
	const char *cmdline;
	uint64_t rsdp; /* 0: no ACPI */
};

/* Load into vm's memory; *bsp becomes the boot processor's state. */
int loader_boot(struct vm *vm, const struct loader_files *f,
                struct x86_state *bsp, struct error *err);
#endif
