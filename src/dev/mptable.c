/* SPDX-License-Identifier: BSD-2-Clause */
/* mptable.c - the MultiProcessor table: what ACPI's MADT and _PRT say, in the
 * words of 1997. Source: Intel MultiProcessor Specification 1.4, chapter 4.
 */
#include "dev/mptable.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "dev/acpi.h"
#include "dev/power.h"
#include "vmm/vm.h"

enum {
	POINTER_BYTES = 16,
	HEADER_BYTES = 44,
	LAPIC_VERSION = 0x10,
	IOAPIC_VERSION = 0x11,
	SIGNATURE = 6 << 8 | 10 << 4 | 5, /* family, model low, stepping */
	FEATURES = (int)0xbfebfbff,

	ENTRY_CPU = 0,
	ENTRY_BUS = 1,
	ENTRY_IOAPIC = 2,
	ENTRY_INT = 3,
	ENTRY_LOCAL = 4,
	INT = 0,
	NMI = 1,
	EXTINT = 3,
	CONFORMS = 0,
	LOW_LEVEL = 0xf,
	BUS_PCI = 0,
	BUS_ISA = 1,
	ALL_LAPICS = 0xff,
	PIRQ_PIN = 16
};

static void
put(struct buf *out, uint64_t v, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		buf_putc(out, (char)(v >> 8 * i));
}

static uint8_t
checksum(const char *p, size_t n)
{
	uint8_t sum = 0;

	while (n-- > 0)
		sum = (uint8_t)(sum + (uint8_t)*p++);
	return (uint8_t)-sum;
}

static void
processors(struct buf *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		put(out, ENTRY_CPU, 1);
		put(out, i, 1);
		put(out, LAPIC_VERSION, 1);
		put(out, i == 0 ? 3 : 1, 1); /* enabled, boot processor */
		put(out, SIGNATURE | 1 << 16, 4);
		put(out, (uint32_t)FEATURES, 4);
		put(out, 0, 8);
	}
}

static void
bus(struct buf *out, unsigned id, const char *name)
{
	put(out, ENTRY_BUS, 1);
	put(out, id, 1);
	buf_put(out, name, 6);
}

/* An interrupt's way: from IRQ irq of a bus to a pin. */
static void
interrupt(struct buf *out, unsigned entry, unsigned type, unsigned flags,
          unsigned from, unsigned irq, unsigned apic, unsigned pin)
{
	put(out, entry, 1);
	put(out, type, 1);
	put(out, flags, 2);
	put(out, from, 1);
	put(out, irq, 1);
	put(out, apic, 1);
	put(out, pin, 1);
}

static unsigned
interrupts(struct buf *out, const struct acpi_info *info)
{
	unsigned n = 0;

	interrupt(out, ENTRY_INT, EXTINT, CONFORMS, BUS_ISA, 0, 0, 0);
	n++;
	for (unsigned irq = 0; irq < 16; irq++) {
		if (irq == 2)
			continue; /* the other PIC */
		interrupt(out, ENTRY_INT, INT,
		          irq == POWER_SCI ? LOW_LEVEL : CONFORMS, BUS_ISA, irq,
		          0, irq == 0 ? 2 : irq);
		n++;
	}
	for (unsigned i = 0; i < info->nroutes; i++, n++) {
		const struct acpi_route *r = &info->route[i];

		interrupt(out, ENTRY_INT, INT, LOW_LEVEL, BUS_PCI,
		          (unsigned)r->slot << 2 | r->pin, 0,
		          PIRQ_PIN + (unsigned)r->pirq);
	}
	interrupt(out, ENTRY_LOCAL, EXTINT, CONFORMS, BUS_ISA, 0, ALL_LAPICS,
	          0);
	interrupt(out, ENTRY_LOCAL, NMI, CONFORMS, BUS_ISA, 0, ALL_LAPICS, 1);
	return n + 2;
}

/* Entries; their number. */
static unsigned
entries(struct buf *out, const struct acpi_info *info)
{
	processors(out, info->ncpus);
	bus(out, BUS_PCI, "PCI   ");
	bus(out, BUS_ISA, "ISA   ");
	put(out, ENTRY_IOAPIC, 1);
	put(out, 0, 1);
	put(out, IOAPIC_VERSION, 1);
	put(out, 1, 1);
	put(out, VM_IOAPIC_GPA, 4);
	return info->ncpus + 3 + interrupts(out, info);
}

static void
pointer(struct buf *out, uint64_t table)
{
	buf_puts(out, "_MP_");
	put(out, table, 4);
	put(out, 1, 1);
	put(out, 4, 1); /* 1.4 */
	put(out, 0, 6);
	if (!out->failed)
		out->data[10] = (char)checksum(out->data, POINTER_BYTES);
}

int
mptable_build(const struct acpi_info *info, uint64_t base, uint64_t end,
              struct buf *out, struct error *err)
{
	char *table;
	unsigned n;
	size_t len;

	pointer(out, base + POINTER_BYTES);
	buf_puts(out, "PCMP");
	put(out, 0, 2); /* length, revision, checksum */
	put(out, 4, 1);
	put(out, 0, 1);
	buf_puts(out, "BHyVe   Hypervisor  ");
	put(out, 0, 4 + 2);
	put(out, 0, 2); /* entries */
	put(out, VM_LAPIC_GPA, 4);
	put(out, 0, 4);
	n = entries(out, info);
	if (out->failed)
		return error_set(err, -ENOMEM, "MP table");
	if (out->len > end - base)
		return error_set(err, -ENOSPC, "MP table: %zu bytes", out->len);
	table = out->data + POINTER_BYTES;
	len = out->len - POINTER_BYTES;
	table[4] = (char)len;
	table[5] = (char)(len >> 8);
	table[34] = (char)n;
	table[35] = (char)(n >> 8);
	table[7] = (char)checksum(table, len);
	return 0;
}
