/* SPDX-License-Identifier: BSD-2-Clause */
/* machine.h - the PC that bhyve(8) builds: its fixed devices, what the
 * configuration puts in its slots, and the tables firmware would have made.
 *
 * Everything made belongs to the VM (vm_device_add()), so there is nothing to
 * free here. For src/cmd/bhyve.c.
 */
#ifndef DEV_MACHINE_H
#define DEV_MACHINE_H
#include <stdbool.h>
#include <stdint.h>

struct buf;
struct config;
struct domains;
struct error;
struct machine;
struct vm;

/* What bhyve(8) knows of the VM and its host. */
struct machine_facts {
	unsigned sockets, cores, threads;
	int64_t rtc_s;    /* what the RTC shows at the start, in seconds since
	                     1970 as if its time zone were UTC */
	const char *host; /* its name; lives as long as the machine */
	const struct domains *domains; /* the same; NULL: none */
};

/* In bhyve's order: LPC and legacy devices, then each slot of pci.*. Unknown
 * emulations and bad values are refused by name. Firmware is told all there is
 * to tell. */
int machine_new(struct vm *vm, struct config *c,
                const struct machine_facts *facts, struct machine **out_m,
                struct error *err);

/* MP table, SMBIOS and ACPI into guest memory, unless firmware was told them.
 * *out_rsdp is 0 when there is no ACPI in memory. */
int machine_tables(struct machine *m, uint64_t *out_rsdp, struct error *err);

/* Is there firmware, so that processors start at their reset vector? */
bool machine_has_rom(const struct machine *m);

/* Press it; false: the guest does not listen (ACPI is not on yet). */
bool machine_power_button(struct machine *m);

/* What -s help and -l help print, a name a line. */
void machine_slot_names(struct buf *out);
void machine_lpc_names(struct buf *out);
#endif
