/* SPDX-License-Identifier: BSD-2-Clause */
/* firmware.h - the two kinds of firmware there are, and what each is told.
 *
 * lpc.fwcfg says which. bhyve's finds tables in memory and asks fwctl.h; QEMU's
 * is told everything by fwcfg.h and looks for a PC of its own.
 */
#ifndef DEV_FIRMWARE_H
#define DEV_FIRMWARE_H
#include <stdbool.h>
#include <stdint.h>

struct acpi_info;
struct config_node;
struct error;
struct firmware;
struct pci_bus;
struct rtc;
struct smbios_info;
struct vm;

enum firmware_kind { FIRMWARE_NONE, FIRMWARE_BHYVE, FIRMWARE_QEMU };

/* From lpc.fwcfg and lpc.bootrom. -EINVAL: no such kind. */
int firmware_kind(const struct config_node *root, enum firmware_kind *out,
                  struct error *err);

struct firmware_parts {
	struct vm *vm;
	struct config_node *root;
	struct pci_bus *bus;
	struct rtc *rtc;
};

/*
 * ROM, variables and the interface. *out_page: a page for the generation's id,
 * read-only to the guest; 0: there is no ROM. Freed with the VM.
 */
int firmware_new(const struct firmware_parts *p, struct firmware **out_fw,
                 uint64_t *out_page, struct error *err);
/* After the slots' functions: QEMU's firmware expects one more. */
int firmware_slots(struct firmware *fw, struct error *err);
bool firmware_has_rom(const struct firmware *fw);
bool firmware_has_fwcfg(const struct firmware *fw);
/* True: tables are told, so that none belong into memory. */
bool firmware_tells(const struct firmware *fw);
/* What QEMU's firmware expects the root's windows to be. */
void firmware_windows(const struct firmware *fw, struct acpi_info *info);
/* Tell of everything: memory, processors, tables (acpi NULL: none), the order
 * of booting, the files of fwcfg.*. Nothing for bhyve's. */
int firmware_tell(struct firmware *fw, const struct acpi_info *acpi,
                  const struct smbios_info *smbios, struct error *err);
#endif
