/* SPDX-License-Identifier: BSD-2-Clause */
/* firmware.c - what firmware is given: ROM, an interface, and what it is told
 * there.
 *
 * Files that a user gives take the place of ours of the same name.
 * Source: QEMU docs/specs/fw_cfg; SeaBIOS docs, Runtime_config; OVMF README.
 */
#include "dev/firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/le.h"
#include "base/num.h"
#include "dev/acpi.h"
#include "dev/acpi_loader.h"
#include "dev/bootrom.h"
#include "dev/fwcfg.h"
#include "dev/fwctl.h"
#include "dev/piix4pm.h"
#include "dev/power.h"
#include "dev/rtc.h"
#include "dev/smbios.h"
#include "linux/file.h"
#include "vmm/config.h"
#include "vmm/vm.h"

#define FOUR_GIB 0x100000000ull
enum {
	E820_RAM = 1,
	E820_BYTES = 20,
	BUILT_AT = 0x100000, /* where tables are that lie nowhere yet */
	BUILT_MAX = 0x10000,
	SMBIOS_ANCHOR = 31,
	SMBIOS_TABLES_AT = 64,
	MAX_BOOT = 64,
	/* Boot order of BIOSes without a list: disk, CD, network. */
	CELL_BOOT3 = 0x38,
	CELL_BOOT12 = 0x3d,
	PM_SLOT = 1,
	PM_FUNC = 3
};

struct firmware {
	struct firmware_parts p;
	enum firmware_kind kind;
	struct fwcfg *fwcfg; /* of FIRMWARE_QEMU */
	bool rom;
};

int
firmware_kind(const struct config_node *root, enum firmware_kind *out,
              struct error *err)
{
	const char *word = config_get(root, "lpc.fwcfg");
	bool rom = config_get(root, "lpc.bootrom") != NULL;

	if (word != NULL && strcmp(word, "qemu") == 0)
		*out = FIRMWARE_QEMU;
	else if (word == NULL || strcmp(word, "bhyve") == 0)
		*out = rom ? FIRMWARE_BHYVE : FIRMWARE_NONE;
	else
		return error_set(err, -EINVAL,
		                 "lpc.fwcfg '%s': want bhyve or qemu", word);
	return 0;
}

static void
firmware_fini(void *dev)
{
	free(dev);
}

static const struct device_ops device = { .name = "firmware",
	                                  .fini = firmware_fini };

static int
set_up(struct firmware *fw, uint64_t *out_page, struct error *err)
{
	struct vm *vm = fw->p.vm;
	uint64_t bottom = 0;

	if (firmware_kind(fw->p.root, &fw->kind, err) < 0 ||
	    bootrom_new(vm, fw->p.root, fw->kind == FIRMWARE_QEMU, &bottom,
	                err) < 0)
		return err->code;
	fw->rom = bottom != 0;
	*out_page = fw->rom ? bottom - GUEST_PAGE : 0;
	if (fw->rom &&
	    guest_mem_add(vm->mem, GUEST_ROM, *out_page, GUEST_PAGE, err) < 0)
		return err->code;
	if (fw->kind == FIRMWARE_BHYVE)
		return fwctl_new(vm, err);
	if (fw->kind == FIRMWARE_NONE)
		return 0;
	rtc_set_cell(fw->p.rtc, CELL_BOOT3, 0x40);
	rtc_set_cell(fw->p.rtc, CELL_BOOT12, 0x32);
	return fwcfg_new(vm, &fw->fwcfg, err);
}

int
firmware_new(const struct firmware_parts *p, struct firmware **out_fw,
             uint64_t *out_page, struct error *err)
{
	struct firmware *fw = calloc(1, sizeof(*fw));

	if (fw == NULL)
		return error_set(err, -ENOMEM, "firmware");
	fw->p = *p;
	if (vm_device_add(p->vm, &device, fw, err) < 0) {
		free(fw);
		return err->code;
	}
	*out_fw = fw;
	return set_up(fw, out_page, err);
}

int
firmware_slots(struct firmware *fw, struct error *err)
{
	if (!fw->rom || fw->kind != FIRMWARE_QEMU ||
	    pci_find(fw->p.bus, 0, PM_SLOT, PM_FUNC) != NULL)
		return 0;
	return pci_add(fw->p.bus, 0, PM_SLOT, PM_FUNC, &pci_piix4pm, NULL, err);
}

bool
firmware_has_rom(const struct firmware *fw)
{
	return fw->rom;
}

bool
firmware_has_fwcfg(const struct firmware *fw)
{
	return fw->fwcfg != NULL;
}

bool
firmware_tells(const struct firmware *fw)
{
	return fw->rom && fw->kind == FIRMWARE_QEMU;
}

void
firmware_windows(const struct firmware *fw, struct acpi_info *info)
{
	const uint64_t step = 32ull << 30;
	struct pci_root *r = &info->root[0];
	uint64_t low = fw->p.vm->lowmem;

	/* Several roots have what pci_place() gave each. */
	if (!firmware_tells(fw) || info->nroots != 1)
		return;
	/* Above memory, at 2 GiB at least, up to the IOAPIC but for the ECAM,
	 * which is not known there; the high window as soon as it may be. */
	r->base[PCI_WIN_MEM32] = low < 1u << 31 ? 1u << 31 : low;
	info->mem32_base = PCI_ECAM_END;
	info->mem32_end = VM_IOAPIC_GPA;
	r->base[PCI_WIN_MEM64] -= step;
}

/* Telling. */

static int
tell_number(struct firmware *fw, unsigned key, uint64_t v, unsigned bytes,
            struct error *err)
{
	uint8_t b[8];

	le_put(b, v, bytes);
	return fwcfg_item(fw->fwcfg, key, b, bytes, err);
}

/* A file of ours, which a user's of that name replaces. */
static int
tell_file(struct firmware *fw, const char *name, const void *p, size_t n,
          struct error *err)
{
	struct error e;

	if (fwcfg_file(fw->fwcfg, name, p, n, &e) == 0 || e.code == -EEXIST)
		return 0;
	*err = e;
	return err->code;
}

static int
tell_buf(struct firmware *fw, const char *name, const struct buf *b,
         struct error *err)
{
	if (b->failed)
		return error_set(err, -ENOMEM, "fw_cfg: '%s'", name);
	return tell_file(fw, name, b->data, b->len, err);
}

/* fwcfg.N.{name,string,file}, which is -f. */
static int
tell_users(struct firmware *fw, const struct config_node *n, struct error *err)
{
	const char *name = config_get(n, "name");
	const char *text = config_get(n, "string");
	const char *path = config_get(n, "file");
	cleanup_free char *bytes = NULL;
	size_t len;

	if (name == NULL || (text == NULL) == (path == NULL))
		return error_set(err, -EINVAL,
		                 "fwcfg.%s: wants name, and string or file",
		                 config_name(n));
	if (text != NULL)
		return fwcfg_file(fw->fwcfg, name, text, strlen(text) + 1, err);
	if (file_read(AT_FDCWD, path, FWCFG_MAX_BYTES, &bytes, &len, err) < 0)
		return err->code;
	return fwcfg_file(fw->fwcfg, name, bytes, len, err);
}

static int
tell_all_users(struct firmware *fw, struct error *err)
{
	const struct config_node *n = config_find(fw->p.root, "fwcfg");

	if (n == NULL)
		return 0;
	if (fw->kind != FIRMWARE_QEMU)
		return error_set(err, -EINVAL,
		                 "fwcfg: wants lpc.fwcfg=qemu, by which it is "
		                 "told");
	for (n = config_first(n); n != NULL; n = config_next(n))
		if (tell_users(fw, n, err) < 0)
			return err->code;
	return 0;
}

static int
tell_memory(struct firmware *fw, struct error *err)
{
	const struct vm *vm = fw->p.vm;
	uint8_t e820[2 * E820_BYTES] = { 0 };
	size_t n = vm->highmem > 0 ? 2 : 1;

	le_put(e820 + 8, vm->lowmem, 8);
	le_put(e820 + 16, E820_RAM, 4);
	le_put(e820 + E820_BYTES, FOUR_GIB, 8);
	le_put(e820 + E820_BYTES + 8, vm->highmem, 8);
	le_put(e820 + E820_BYTES + 16, E820_RAM, 4);
	if (tell_file(fw, "etc/e820", e820, n * E820_BYTES, err) < 0)
		return err->code;
	return tell_number(fw, FWCFG_RAM_SIZE, vm->lowmem + vm->highmem, 8,
	                   err);
}

static int
tell_numbers(struct firmware *fw, struct error *err)
{
	/* Which sleeping states there are (bit 7), and their SLP_TYP. */
	static const uint8_t states[6] = { 0x80, 0, 0, 1, 2, 0x80 | POWER_S5 };
	static const uint8_t com1[2] = { 0xf8, 0x03 };
	const struct vm *vm = fw->p.vm;
	uint8_t ncpus[4];

	if (tell_number(fw, FWCFG_NOGRAPHIC, 1, 2, err) < 0 ||
	    tell_number(fw, FWCFG_NB_CPUS, vm->ncpus, 2, err) < 0 ||
	    tell_number(fw, FWCFG_MAX_CPUS, vm->ncpus, 2, err) < 0 ||
	    tell_number(fw, FWCFG_BOOT_MENU, 0, 2, err) < 0 ||
	    tell_number(fw, FWCFG_IRQ0_OVERRIDE, 1, 4, err) < 0 ||
	    tell_file(fw, "etc/system-states", states, sizeof(states), err) < 0)
		return err->code;
	le_put(ncpus, vm->ncpus, sizeof(ncpus));
	if (tell_file(fw, "opt/bhyve/hw.ncpu", ncpus, sizeof(ncpus), err) < 0)
		return err->code;
	/* There is no screen: SeaBIOS talks to the serial line. */
	if (config_get(fw->p.root, "lpc.com1.path") == NULL)
		return 0;
	return tell_file(fw, "etc/sercon-port", com1, sizeof(com1), err);
}

/* The boot order: OpenFirmware's paths, of which BIOSes look at addresses and
 * OVMF at names, which are those of QEMU's devices. */

struct boot_row {
	uint64_t index;
	char path[64];
};

static int
by_index(const void *a, const void *b)
{
	const struct boot_row *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static int
add_boot(const struct config_node *f, unsigned slot, unsigned func,
         struct boot_row *row, unsigned *n, struct error *err)
{
	static const struct {
		const char *device, *node, *leaf;
	} rows[] = {
		{ "virtio-blk", "scsi", "disk@0,0" },
		{ "virtio-net", "ethernet", "ethernet-phy@0" },
	};
	const char *emul = config_get(f, "device");
	char at[16];

	if (config_get(f, "bootindex") == NULL)
		return 0;
	if (*n == MAX_BOOT)
		return error_set(err, -ENOSPC, "over %d boot indexes",
		                 MAX_BOOT);
	if (config_get_num(f, "bootindex", 0, 0, INT32_MAX, &row[*n].index,
	                   err) < 0)
		return err->code;
	snprintf(at, sizeof(at), func != 0 ? "%x,%x" : "%x", slot, func);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (emul == NULL || strcmp(rows[i].device, emul) != 0)
			continue;
		snprintf(row[*n].path, sizeof(row[*n].path),
		         "/pci@i0cf8/%s@%s/%s", rows[i].node, at, rows[i].leaf);
		for (unsigned k = 0; k < *n; k++)
			if (row[k].index == row[*n].index)
				return error_set(err, -EINVAL,
				                 "bootindex %u twice",
				                 (unsigned)row[k].index);
		(*n)++;
		return 0;
	}
	return error_set(err, -ENOTSUP, "pci.0.%u.%u: nothing boots from '%s'",
	                 slot, func, emul != NULL ? emul : "");
}

static int
collect(struct config_node *root, struct boot_row *row, unsigned *n,
        struct error *err)
{
	const struct config_node *bus = config_find(root, "pci.0");

	for (const struct config_node *s = bus != NULL ? config_first(bus)
	                                               : NULL;
	     s != NULL; s = config_next(s))
		for (const struct config_node *f = config_first(s); f != NULL;
		     f = config_next(f)) {
			long long slot, func;

			if (num_int_in(config_name(s), 0, 31, &slot) == 0 &&
			    num_int_in(config_name(f), 0, 7, &func) == 0 &&
			    add_boot(f, (unsigned)slot, (unsigned)func, row, n,
			             err) < 0)
				return err->code;
		}
	return 0;
}

static int
tell_boot_order(struct firmware *fw, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct boot_row row[MAX_BOOT];
	unsigned n = 0;

	if (collect(fw->p.root, row, &n, err) < 0)
		return err->code;
	if (n == 0)
		return 0;
	qsort(row, n, sizeof(row[0]), by_index);
	for (unsigned i = 0; i < n; i++)
		buf_printf(&text, "%s%s", i > 0 ? "\n" : "", row[i].path);
	buf_putc(&text, '\0');
	return tell_buf(fw, "bootorder", &text, err);
}

static int
tell_acpi(struct firmware *fw, const struct acpi_info *info, struct error *err)
{
	cleanup_buf struct buf rsdp = BUF_INIT;
	cleanup_buf struct buf tables = BUF_INIT;
	cleanup_buf struct buf script = BUF_INIT;

	if (acpi_loader_build(info, &rsdp, &tables, &script, err) < 0 ||
	    tell_buf(fw, ACPI_FILE_RSDP, &rsdp, err) < 0 ||
	    tell_buf(fw, ACPI_FILE_TABLES, &tables, err) < 0)
		return err->code;
	return tell_buf(fw, ACPI_FILE_SCRIPT, &script, err);
}

static int
tell_smbios(struct firmware *fw, const struct smbios_info *info,
            struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT;

	if (smbios_build(info, BUILT_AT, BUILT_AT + BUILT_MAX, &b, err) < 0 ||
	    tell_file(fw, "etc/smbios/smbios-anchor", b.data, SMBIOS_ANCHOR,
	              err) < 0)
		return err->code;
	return tell_file(fw, "etc/smbios/smbios-tables",
	                 b.data + SMBIOS_TABLES_AT, b.len - SMBIOS_TABLES_AT,
	                 err);
}

int
firmware_tell(struct firmware *fw, const struct acpi_info *acpi,
              const struct smbios_info *smbios, struct error *err)
{
	if (tell_all_users(fw, err) < 0)
		return err->code;
	if (fw->kind != FIRMWARE_QEMU)
		return 0;
	if (tell_memory(fw, err) < 0 || tell_numbers(fw, err) < 0 ||
	    tell_boot_order(fw, err) < 0 || tell_smbios(fw, smbios, err) < 0)
		return err->code;
	return acpi != NULL ? tell_acpi(fw, acpi, err) : 0;
}
