/* SPDX-License-Identifier: BSD-2-Clause */
/* acpi_dsdt.c - the devices ACPI tells of: the PCI root with its windows and
 * interrupt routing, the ISA bridge with what is behind it, and what nobody
 * else may use.
 *
 *   \_SB.PCnn          PCI root of bus nn; _PRT for PIC and APIC
 *   \_SB.PC00.ISA      PCI-ISA bridge, LNKA..LNKH, PIC, PIT, RTC, COM1..
 *   \_SB.SIO, HPET     resources
 *
 * Linux takes the ECAM for real only if a PNP0C02 device reserves it.
 */
#include "dev/acpi_dsdt.h"

#include <stdio.h>
#include <string.h>

#include "dev/acpi.h"
#include "dev/aml.h"
#include "dev/fwcfg.h"
#include "dev/lpc.h"
#include "dev/power.h"
#include "vmm/pci.h"
#include "vmm/vm.h"

enum { HPET_BYTES = 0x400, PIRQ_PIN = 16 };

static void
hid(struct aml *a, const char *id)
{
	aml_name(a, "_HID");
	aml_eisa_id(a, id);
}

static void
named_int(struct aml *a, const char *name, uint64_t v)
{
	aml_name(a, name);
	aml_int(a, v);
}

static void
begin_crs(struct aml *a)
{
	aml_name(a, "_CRS");
	aml_resources(a);
}

/* The root. */

static void
window(struct aml *a, enum aml_window kind, unsigned width,
       const struct pci_root *r, enum pci_window w)
{
	if (r->base[w] < r->end[w])
		aml_res_window(a, kind, width, r->base[w], r->end[w] - 1);
}

/* The first root has the fixed ports, too. */
static void
root_windows(struct aml *a, const struct acpi_info *info,
             const struct pci_root *r)
{
	bool is_first = r == info->root;
	struct pci_root io = *r;

	begin_crs(a);
	aml_res_window(a, AML_WINDOW_BUS, 2, r->bus, r->last_bus);
	if (is_first) {
		aml_res_io(a, 0xcf8, 8);
		aml_res_window(a, AML_WINDOW_IO, 2, 0, 0xcf7);
		io.base[PCI_WIN_IO] = 0xd00;
	}
	window(a, AML_WINDOW_IO, 2, &io, PCI_WIN_IO);
	window(a, AML_WINDOW_MEM, 4, r, PCI_WIN_MEM32);
	if (is_first && info->mem32_base < info->mem32_end)
		aml_res_window(a, AML_WINDOW_MEM, 4, info->mem32_base,
		               info->mem32_end - 1);
	window(a, AML_WINDOW_MEM, 8, r, PCI_WIN_MEM64);
	aml_end(a);
}

static void
link_name(char out[20], unsigned pirq)
{
	snprintf(out, 20, "\\_SB.PC00.ISA.LNK%c",
	         'A' + (char)(pirq % PCI_NPIRQ));
}

static void
root_name(char out[5], const struct pci_root *r)
{
	snprintf(out, 5, "PC%02X", r->bus & 0xff);
}

/* Of the PIC by the link devices, of the IOAPIC by number. */
static void
routes(struct aml *a, const struct acpi_info *info, unsigned bus, bool apic)
{
	unsigned n = 0;

	for (unsigned i = 0; i < info->nroutes; i++)
		n += info->route[i].bus == bus;
	aml_package(a, n);
	for (unsigned i = 0; i < info->nroutes; i++) {
		const struct acpi_route *r = &info->route[i];
		char name[20];

		if (r->bus != bus)
			continue;
		aml_package(a, 4);
		aml_int(a, (uint64_t)r->slot << 16 | 0xffff);
		aml_int(a, r->pin);
		if (apic) {
			aml_int(a, 0);
			aml_int(a, PIRQ_PIN + r->pirq);
		} else {
			link_name(name, r->pirq);
			aml_ref(a, name);
			aml_int(a, 0);
		}
		aml_end(a);
	}
	aml_end(a);
}

static void
root_routing(struct aml *a, const struct acpi_info *info, unsigned bus)
{
	aml_name(a, "APRT");
	routes(a, info, bus, true);
	if (info->lpc_slot >= 0) {
		aml_name(a, "PPRT");
		routes(a, info, bus, false);
	}
	aml_method(a, "_PRT", 0);
	if (info->lpc_slot >= 0) {
		aml_if(a);
		aml_ref(a, "\\PICM");
		aml_op(a, AML_RETURN);
		aml_ref(a, "APRT");
		aml_end(a);
		aml_op(a, AML_RETURN);
		aml_ref(a, "PPRT");
	} else {
		aml_op(a, AML_RETURN);
		aml_ref(a, "APRT");
	}
	aml_end(a);
}

/* The links: devices that hold one PIRQ's register. */

static void
link_status(struct aml *a, const char *reg)
{
	aml_method(a, "_STA", 0);
	aml_op(a, AML_AND);
	aml_ref(a, reg);
	aml_int(a, 0x80);
	aml_op(a, AML_LOCAL0);
	aml_if(a);
	aml_op(a, AML_LOCAL0);
	aml_op(a, AML_RETURN);
	aml_int(a, 0x09);
	aml_end(a);
	aml_op(a, AML_RETURN);
	aml_int(a, 0x0b);
	aml_end(a);
}

static void
link_current(struct aml *a, const char *reg)
{
	aml_method(a, "_CRS", 0);
	aml_name(a, "CB");
	aml_resources(a);
	aml_res_irqs_level(a, 0);
	aml_end(a);
	aml_op(a, AML_CREATE_WORD_FIELD);
	aml_ref(a, "CB");
	aml_int(a, 1);
	aml_ref(a, "CIRQ");
	aml_op(a, AML_AND);
	aml_ref(a, reg);
	aml_int(a, 0x8f);
	aml_op(a, AML_LOCAL0);
	aml_if(a);
	aml_op(a, AML_LESS);
	aml_op(a, AML_LOCAL0);
	aml_int(a, 0x80);
	aml_op(a, AML_SHIFT_LEFT);
	aml_int(a, 1);
	aml_op(a, AML_LOCAL0);
	aml_ref(a, "CIRQ");
	aml_end(a);
	aml_op(a, AML_RETURN);
	aml_ref(a, "CB");
	aml_end(a);
}

static void
link_set(struct aml *a, const char *reg)
{
	aml_method(a, "_SRS", 1);
	aml_op(a, AML_CREATE_WORD_FIELD);
	aml_op(a, AML_ARG0);
	aml_int(a, 1);
	aml_ref(a, "SIRQ");
	aml_op(a, AML_FIND_SET_RIGHT);
	aml_ref(a, "SIRQ");
	aml_op(a, AML_LOCAL0);
	aml_if(a);
	aml_op(a, AML_LOCAL0);
	aml_op(a, AML_DECREMENT);
	aml_op(a, AML_LOCAL0);
	aml_end(a);
	aml_op(a, AML_STORE);
	aml_op(a, AML_LOCAL0);
	aml_ref(a, reg);
	aml_end(a);
}

static void
link_device(struct aml *a, unsigned pirq)
{
	const char reg[] = { 'P', 'I', 'R', (char)('A' + pirq), '\0' };
	const char name[] = { 'L', 'N', 'K', (char)('A' + pirq), '\0' };

	aml_device(a, name);
	hid(a, "PNP0C0F");
	named_int(a, "_UID", pirq + 1);
	aml_name(a, "_PRS");
	aml_resources(a);
	aml_res_irqs_level(a, LPC_PIRQ_IRQS);
	aml_end(a);
	link_status(a, reg);
	link_current(a, reg);
	link_set(a, reg);
	aml_method(a, "_DIS", 0);
	aml_op(a, AML_STORE);
	aml_int(a, 0x80);
	aml_ref(a, reg);
	aml_end(a);
	aml_end(a);
}

static void
links(struct aml *a)
{
	for (unsigned i = 0; i < PCI_NPIRQ; i++)
		link_device(a, i);
}

/* In the bridge's scope, whose configuration space it is. */
static void
link_registers(struct aml *a)
{
	aml_region_pci(a, "LPCR", lpc_pirq_reg(0), 0x0c);
	aml_field(a, "LPCR");
	for (unsigned i = 0; i < PCI_NPIRQ; i++) {
		const char reg[] = { 'P', 'I', 'R', (char)('A' + i), '\0' };

		if (i == 4)
			aml_field_skip(a, 4);
		aml_field_byte(a, reg);
	}
	aml_end(a);
}

/* What is behind the bridge. */

static void
isa_devices(struct aml *a)
{
	aml_device(a, "PIC");
	hid(a, "PNP0000");
	begin_crs(a);
	aml_res_io(a, 0x20, 2);
	aml_res_io(a, 0xa0, 2);
	aml_res_irq(a, 2);
	aml_end(a);
	aml_end(a);
	aml_device(a, "TIMR");
	hid(a, "PNP0100");
	begin_crs(a);
	aml_res_io(a, 0x40, 4);
	aml_res_irq(a, 0);
	aml_end(a);
	aml_end(a);
	aml_device(a, "RTC");
	hid(a, "PNP0B00");
	begin_crs(a);
	aml_res_io(a, 0x70, 2);
	aml_res_irq(a, 8);
	aml_end(a);
	aml_end(a);
}

static void
com_device(struct aml *a, unsigned i)
{
	char name[5];

	snprintf(name, sizeof(name), "COM%u", (i + 1) % 10);
	aml_device(a, name);
	hid(a, "PNP0501");
	named_int(a, "_UID", i + 1);
	begin_crs(a);
	aml_res_io(a, com_ports[i].port, 8);
	aml_res_irq(a, com_ports[i].irq);
	aml_end(a);
	aml_end(a);
}

static void
isa_bridge(struct aml *a, const struct acpi_info *info)
{
	aml_device(a, "ISA");
	named_int(a, "_ADR",
	          (uint64_t)info->lpc_slot << 16 | (unsigned)info->lpc_func);
	link_registers(a);
	isa_devices(a);
	for (unsigned i = 0; i < NCOMS; i++)
		if (info->com[i])
			com_device(a, i);
	aml_end(a);
}

static void
root(struct aml *a, const struct acpi_info *info, const struct pci_root *r)
{
	char name[5];

	root_name(name, r);
	aml_device(a, name);
	hid(a, "PNP0A08");
	aml_name(a, "_CID");
	aml_eisa_id(a, "PNP0A03");
	named_int(a, "_UID", r->bus);
	named_int(a, "_BBN", r->bus);
	named_int(a, "_SEG", 0);
	root_windows(a, info, r);
	/* All that the system asks for it may have. */
	aml_method(a, "_OSC", 4);
	aml_op(a, AML_RETURN);
	aml_op(a, AML_ARG3);
	aml_end(a);
	if (info->lpc_slot >= 0 && r->bus == 0)
		isa_bridge(a, info);
	aml_end(a);
}

static void
reserved(struct aml *a, const struct acpi_info *info)
{
	const struct {
		uint16_t base;
		uint8_t len;
	} ports[] = {
		{ 0x4d0, 2 },
		{ 0x61, 1 },
		{ (uint16_t)(POWER_PM1_EVENT + info->power_offset), 0x10 },
		{ POWER_SMI_COMMAND, 2 },
		{ 0x92, 1 },
		{ 0x80, 1 },
	};

	aml_device(a, "SIO");
	hid(a, "PNP0C02");
	begin_crs(a);
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		aml_res_io(a, ports[i].base, ports[i].len);
	aml_res_mem32(a, PCI_ECAM_BASE, PCI_ECAM_END - PCI_ECAM_BASE);
	aml_end(a);
	aml_end(a);
}

static void
hpet(struct aml *a)
{
	aml_device(a, "HPET");
	hid(a, "PNP0103");
	named_int(a, "_UID", 0);
	begin_crs(a);
	aml_res_mem32(a, VM_HPET_GPA, HPET_BYTES);
	aml_end(a);
	aml_end(a);
}

/* Where guests that know QEMU's device look for it. */
static void
fwcfg(struct aml *a)
{
	aml_device(a, "FWCF");
	aml_name(a, "_HID");
	aml_string(a, "QEMU0002");
	named_int(a, "_STA", 0x0b);
	begin_crs(a);
	aml_res_io(a, FWCFG_PORT, FWCFG_NPORTS);
	aml_end(a);
	aml_end(a);
}

/* A machine gone on from a checkpoint says so, or two would draw the same
 * random numbers. Source: Microsoft, Virtual Machine Generation ID. */
static void
generation(struct aml *a, uint64_t gpa)
{
	aml_device(a, "VGEN");
	aml_name(a, "_HID");
	/* bhyve's Bhyve_V_Gen_Counter_V1 is no valid id; guests go by _CID. */
	aml_string(a, "GAOL0001");
	aml_name(a, "_CID");
	aml_string(a, "VM_Gen_Counter");
	aml_name(a, "_DDN");
	aml_string(a, "VM_Gen_Counter");
	aml_name(a, "ADDR");
	aml_package(a, 2);
	aml_int(a, (uint32_t)gpa);
	aml_int(a, gpa >> 32);
	aml_end(a);
	aml_end(a);
}

static void
generation_event(struct aml *a)
{
	aml_scope(a, "\\_GPE");
	aml_method(a, "_E00", 0);
	aml_op(a, AML_NOTIFY);
	aml_ref(a, "\\_SB.VGEN");
	aml_int(a, 0x80);
	aml_end(a);
	aml_end(a);
}

/* After the links, which it names. */
static void
routing_scope(struct aml *a, const struct acpi_info *info,
              const struct pci_root *r)
{
	char name[16] = "\\_SB.";

	root_name(name + strlen(name), r);
	aml_scope(a, name);
	root_routing(a, info, r->bus);
	aml_end(a);
}

void
acpi_dsdt(const struct acpi_info *info, struct buf *out)
{
	struct aml a = { .out = out };

	aml_name(&a, "\\_S5");
	aml_package(&a, 4);
	aml_int(&a, POWER_S5);
	for (unsigned i = 0; i < 3; i++)
		aml_int(&a, 0);
	aml_end(&a);
	named_int(&a, "\\PICM", 0);
	aml_method(&a, "\\_PIC", 1);
	aml_op(&a, AML_STORE);
	aml_op(&a, AML_ARG0);
	aml_ref(&a, "\\PICM");
	aml_end(&a);

	aml_scope(&a, "\\_SB");
	for (unsigned i = 0; i < info->nroots; i++)
		root(&a, info, &info->root[i]);
	reserved(&a, info);
	if (info->has_hpet)
		hpet(&a);
	if (info->fwcfg)
		fwcfg(&a);
	if (info->vmgen != 0)
		generation(&a, info->vmgen);
	aml_end(&a);
	if (info->vmgen != 0)
		generation_event(&a);
	if (info->lpc_slot >= 0) {
		aml_scope(&a, "\\_SB.PC00.ISA");
		links(&a);
		aml_end(&a);
	}
	for (unsigned i = 0; i < info->nroots; i++)
		routing_scope(&a, info, &info->root[i]);
}
