/* SPDX-License-Identifier: BSD-2-Clause */
/* machine.c - the PC put together, in the order in which bhyve reports errors:
 * fixed devices, then slots, then what firmware would have made of them.
 */
#include "dev/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/num.h"
#include "dev/acpi.h"
#include "dev/com.h"
#include "dev/debugcon.h"
#include "dev/emulations.h"
#include "dev/firmware.h"
#include "dev/hpet.h"
#include "dev/ioapic.h"
#include "dev/legacy.h"
#include "dev/lpc.h"
#include "dev/mptable.h"
#include "dev/pctestdev.h"
#include "dev/pic.h"
#include "dev/pit.h"
#include "dev/power.h"
#include "dev/refused.h"
#include "dev/rtc.h"
#include "dev/shared.h"
#include "dev/smbios.h"
#include "dev/vmgen.h"
#include "vmm/config.h"
#include "vmm/pci.h"
#include "vmm/vm.h"

struct machine {
	struct vm *vm;
	struct dev_shared shared;
	struct machine_facts facts;
	struct pci_bus *bus;
	struct power *power;
	struct rtc *rtc;
	struct firmware *firmware;
	uint64_t vmgen; /* where its id is */
	bool com[NCOMS];
};

static void
machine_fini(void *dev)
{
	free(dev);
}

static const struct device_ops device = { .name = "machine",
	                                  .fini = machine_fini };

static const struct config_node *
root_of(const struct machine *m)
{
	return config_root(m->shared.config);
}

static int
fixed_devices(struct machine *m, struct error *err)
{
	struct vm *vm = m->vm;
	struct firmware_parts parts;
	enum firmware_kind kind = FIRMWARE_NONE;
	bool testdev;

	if (firmware_kind(root_of(m), &kind, err) < 0 ||
	    pci_bus_new(vm, &m->bus, err) < 0 || pic_new(vm, err) < 0 ||
	    ioapic_new(vm, err) < 0 || pit_new(vm, err) < 0 ||
	    rtc_new(vm, m->facts.rtc_s, &m->rtc, err) < 0 ||
	    hpet_new(vm, m->bus, err) < 0 ||
	    power_new(vm, m->bus, kind == FIRMWARE_QEMU, &m->power, err) < 0 ||
	    legacy_new(vm, err) < 0)
		return err->code;
	parts = (struct firmware_parts){ vm, config_root(m->shared.config),
		                         m->bus, m->rtc };
	if (firmware_new(&parts, &m->firmware, &m->vmgen, err) < 0)
		return err->code;
	if (m->vmgen == 0)
		m->vmgen = VMGEN_GPA;
	if (vmgen_new(vm, m->power, m->vmgen, err) < 0)
		return err->code;
	/* Before the slots, or a card would have its ports. */
	if (config_get_bool(root_of(m), "lpc.pc-testdev", false, &testdev,
	                    err) < 0 ||
	    (testdev && pctestdev_new(vm, err) < 0))
		return err->code;
	pci_set_shared(m->bus, &m->shared);
	rtc_set_memory(m->rtc, vm->lowmem, vm->highmem);
	rtc_set_cell(m->rtc, 0x5f, (uint8_t)(vm->ncpus - 1));
	return 0;
}

/* A number of pci.B.S.F. */
static int
part(const struct config_node *n, long long max, unsigned *out,
     struct error *err)
{
	long long v;

	if (num_int_in(config_name(n), 0, max, &v) < 0)
		return error_set(err, -EINVAL, "pci: '%s' is no number to %lld",
		                 config_name(n), max);
	*out = (unsigned)v;
	return 0;
}

static int
add_function(struct machine *m, unsigned bus, unsigned slot,
             const struct config_node *n, struct error *err)
{
	const char *word = config_get(n, "device"), *why;
	const struct pci_device_ops *ops;
	unsigned func = 0;

	if (part(n, 7, &func, err) < 0)
		return err->code;
	if (word == NULL)
		return error_set(err, -EINVAL,
		                 "pci slot %u:%u:%u: missing device", bus, slot,
		                 func);
	why = refused_emulation(word);
	if (why != NULL)
		return error_set(err, -ENOTSUP, "pci slot %u:%u:%u: %s: %s",
		                 bus, slot, func, word, why);
	ops = emulation_find(word);
	if (ops == NULL)
		return error_set(err, -EINVAL,
		                 "pci slot %u:%u:%u: unknown device \"%s\"",
		                 bus, slot, func, word);
	return pci_add(m->bus, bus, slot, func, ops, n, err);
}

static int
add_bus(struct machine *m, const struct config_node *bus, struct error *err)
{
	unsigned nr = 0, slot = 0;

	if (part(bus, 255, &nr, err) < 0)
		return err->code;
	for (struct config_node *s = config_first(bus); s != NULL;
	     s = config_next(s)) {
		if (part(s, 31, &slot, err) < 0)
			return err->code;
		for (struct config_node *f = config_first(s); f != NULL;
		     f = config_next(f))
			if (add_function(m, nr, slot, f, err) < 0)
				return err->code;
	}
	return 0;
}

/* The interrupt line register is a note from firmware. */
static void
note_irqs(struct machine *m, unsigned bus)
{
	for (unsigned i = 0; i < 32 * 8; i++) {
		struct pci_dev *d = pci_find(m->bus, bus, i / 8, i % 8);
		int pin = d != NULL ? pci_intx_pin(d) : -1;

		if (pin >= 0)
			pci_cfg_set(
			    d, PCI_INT_LINE, 1,
			    lpc_first_irq(pci_pirq(i / 8, (unsigned)pin)));
	}
}

static int
add_slots(struct machine *m, struct error *err)
{
	struct config_node *pci =
	    config_find(config_root(m->shared.config), "pci");

	for (struct config_node *b = pci != NULL ? config_first(pci) : NULL;
	     b != NULL; b = config_next(b))
		if (add_bus(m, b, err) < 0)
			return err->code;
	if (firmware_slots(m->firmware, err) < 0)
		return err->code;
	for (unsigned bus = 0; bus < 256; bus++)
		note_irqs(m, bus);
	return pci_place(m->bus, err);
}

/* The slot of the ISA bridge: the first function of class 0601, or none. */
static struct pci_dev *
find_lpc(const struct machine *m)
{
	for (unsigned slot = 0; slot < 32; slot++)
		for (unsigned func = 0; func < 8; func++) {
			struct pci_dev *d = pci_find(m->bus, 0, slot, func);

			if (d != NULL &&
			    pci_cfg_get(d, PCI_SUBCLASS, 2) == 0x0601)
				return d;
		}
	return NULL;
}

static int
add_lines(struct machine *m, struct error *err)
{
	if (com_new(m->vm, &m->shared, m->com, err) < 0 ||
	    debugcon_new(m->vm, &m->shared, err) < 0)
		return err->code;
	for (unsigned i = 0; i < NCOMS; i++)
		if (m->com[i] && find_lpc(m) == NULL)
			return error_set(
			    err, -EINVAL,
			    "lpc.%s: wants an ISA bridge (-s 31,lpc)",
			    com_ports[i].name);
	return 0;
}

/* Tables. */

static void
find_routes(const struct machine *m, unsigned bus, struct acpi_info *info)
{
	for (unsigned slot = 0; slot < 32; slot++) {
		bool has[4] = { false };

		for (unsigned func = 0; func < 8; func++) {
			const struct pci_dev *d =
			    pci_find(m->bus, bus, slot, func);

			if (d != NULL && pci_intx_pin(d) >= 0)
				has[pci_intx_pin(d) % 4] = true;
		}
		for (unsigned pin = 0; pin < 4; pin++)
			if (has[pin] && info->nroutes < ACPI_MAX_ROUTES)
				info->route[info->nroutes++] =
				    (struct acpi_route){
					    (uint8_t)bus, (uint8_t)slot,
					    (uint8_t)pin,
					    (uint8_t)pci_pirq(slot, pin)
				    };
	}
}

static int
place(const struct machine *m, const struct buf *bytes, uint64_t gpa,
      const char *what, struct error *err)
{
	if (guest_mem_write(m->vm->mem, gpa, bytes->data, bytes->len) < 0)
		return error_set(err, -EFAULT, "%s: no memory at %#llx", what,
		                 (unsigned long long)gpa);
	return 0;
}

static int
place_acpi(struct machine *m, const struct acpi_info *info, uint64_t *out_rsdp,
           struct error *err)
{
	cleanup_buf struct buf bytes = BUF_INIT;

	if (acpi_build(info, ACPI_BASE, ACPI_END, &bytes, err) < 0 ||
	    place(m, &bytes, ACPI_BASE, "ACPI", err) < 0)
		return err->code;
	*out_rsdp = ACPI_BASE;
	return 0;
}

static int
place_mptable(struct machine *m, const struct acpi_info *info,
              struct error *err)
{
	cleanup_buf struct buf bytes = BUF_INIT;
	bool want;

	if (config_get_bool(root_of(m), "x86.mptable", true, &want, err) < 0)
		return err->code;
	if (!want)
		return 0;
	if (info->nroots > 1)
		return error_set(err, -EINVAL,
		                 "x86.mptable: the MP table knows one PCI bus "
		                 "alone; say -Y");
	if (mptable_build(info, MPTABLE_BASE, MPTABLE_END, &bytes, err) < 0)
		return err->code;
	return place(m, &bytes, MPTABLE_BASE, "MP table", err);
}

static int
place_smbios(struct machine *m, const struct smbios_info *info,
             struct error *err)
{
	cleanup_buf struct buf bytes = BUF_INIT;

	if (smbios_build(info, SMBIOS_BASE, SMBIOS_END, &bytes, err) < 0)
		return err->code;
	return place(m, &bytes, SMBIOS_BASE, "SMBIOS", err);
}

static void
describe(struct machine *m, struct acpi_info *info)
{
	const struct pci_dev *lpc = find_lpc(m);

	*info = (struct acpi_info){
		.ncpus = m->vm->ncpus,
		.nshown = vm_ncpus_shown(m->vm),
		.has_hpet = true,
		.vmgen = m->vmgen,
		.lpc_slot = lpc != NULL ? (int)pci_slot(lpc) : -1,
		.lpc_func = lpc != NULL ? (int)pci_func(lpc) : -1,
		.domains = m->facts.domains,
		.lowmem = m->vm->lowmem,
		.fwcfg = firmware_has_fwcfg(m->firmware),
		.power_offset =
		    firmware_has_fwcfg(m->firmware) ? POWER_AS_QEMU : 0,
	};
	memcpy(info->com, m->com, sizeof(info->com));
	for (; pci_root_at(m->bus, info->nroots, &info->root[info->nroots]);
	     info->nroots++)
		find_routes(m, info->root[info->nroots].bus, info);
	firmware_windows(m->firmware, info);
}

static struct smbios_info
smbios_info_of(const struct machine *m)
{
	return (struct smbios_info){
		.config = root_of(m),
		.name = m->vm->name,
		.host = m->facts.host,
		.sockets = m->facts.sockets,
		.cores = m->facts.cores,
		.threads = m->facts.threads,
		.lowmem = m->vm->lowmem,
		.highmem = m->vm->highmem,
	};
}

/* A guest that goes on from a checkpoint is told the same. */
static int
tell(struct machine *m, struct error *err)
{
	const struct smbios_info smbios = smbios_info_of(m);
	struct acpi_info info;
	bool acpi;

	if (config_get_bool(root_of(m), "acpi_tables", true, &acpi, err) < 0)
		return err->code;
	describe(m, &info);
	return firmware_tell(m->firmware, acpi ? &info : NULL, &smbios, err);
}

int
machine_tables(struct machine *m, uint64_t *out_rsdp, struct error *err)
{
	const struct smbios_info smbios = smbios_info_of(m);
	bool tells = firmware_tells(m->firmware), acpi, in_memory;
	struct acpi_info info;

	*out_rsdp = 0;
	describe(m, &info);
	if (config_get_bool(root_of(m), "acpi_tables", true, &acpi, err) < 0 ||
	    config_get_bool(root_of(m), "acpi_tables_in_memory", !tells,
	                    &in_memory, err) < 0)
		return err->code;
	if (tells)
		return in_memory ? error_set(err, -ENOTSUP,
		                             "acpi_tables_in_memory: with "
		                             "lpc.fwcfg=qemu the ROM is there")
		                 : 0;
	if (place_mptable(m, &info, err) < 0 ||
	    place_smbios(m, &smbios, err) < 0)
		return err->code;
	return acpi && in_memory ? place_acpi(m, &info, out_rsdp, err) : 0;
}

int
machine_new(struct vm *vm, struct config *c, const struct machine_facts *facts,
            struct machine **out_m, struct error *err)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return error_set(err, -ENOMEM, "machine");
	m->vm = vm;
	m->facts = *facts;
	m->shared.config = c;
	m->shared.lines.loop = vm->loop;
	if (vm_device_add(vm, &device, m, err) < 0) {
		machine_fini(m);
		return err->code;
	}
	if (config_get_bool(root_of(m), "console.remote", false,
	                    &m->shared.lines.allow_remote, err) < 0 ||
	    refused_keys(config_root(c), err) < 0 ||
	    fixed_devices(m, err) < 0 || add_slots(m, err) < 0 ||
	    add_lines(m, err) < 0 || tell(m, err) < 0)
		return err->code;
	*out_m = m;
	return 0;
}

bool
machine_has_rom(const struct machine *m)
{
	return firmware_has_rom(m->firmware);
}

bool
machine_power_button(struct machine *m)
{
	return power_button(m->power);
}

void
machine_slot_names(struct buf *out)
{
	for (size_t i = 0; emulation_at(i) != NULL; i++)
		buf_printf(out, "%s\n", emulation_at(i)->name);
}

void
machine_lpc_names(struct buf *out)
{
	buf_puts(out, "bootrom\n");
	for (size_t i = 0; i < NCOMS; i++)
		buf_printf(out, "%s\n", com_ports[i].name);
	buf_puts(out, "pc-testdev\n");
}
