/* SPDX-License-Identifier: BSD-2-Clause */
/* acpi.c - the ACPI tables, as bhyve's are: one after the other, the RSDP
 * first, then the XSDT, then what it lists.
 * Source: ACPI 6.4, chapter 5; HPET 1.0a, 3.2.4; PCI Firmware 3.0, 4.1.2;
 * SPCR revision 2.
 */
#include "dev/acpi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "dev/acpi_dsdt.h"
#include "dev/hpet.h"
#include "dev/power.h"
#include "vmm/domains.h"
#include "vmm/pci.h"
#include "vmm/vm.h"

#define FOUR_GIB 0x100000000ull
enum {
	HEADER_BYTES = 36,
	RSDP_BYTES = 36,
	ALIGN = 64,
	MAX_LISTED = 8,
	CHECKSUM_AT = 9,
	LENGTH_AT = 4,

	SPACE_MEMORY = 0,
	SPACE_IO = 1,

	FADT_WBINVD = 1 << 0,
	FADT_C1 = 1 << 2,
	FADT_NO_SLEEP_BUTTON = 1 << 5,
	FADT_TIMER_32BIT = 1 << 8,
	FADT_RESET_REG = 1 << 10,
	FADT_HEADLESS = 1 << 12,
	FADT_APIC_PHYSICAL = 1 << 19,
	BOOT_LEGACY = 1 << 0,
	BOOT_NO_VGA = 1 << 2,
	BOOT_NO_ASPM = 1 << 4
};

/* A table under construction: out holds it from at on. */
struct table {
	struct buf *out;
	size_t at;
};

static void
put(struct table *t, uint64_t v, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		buf_putc(t->out, (char)(v >> 8 * i));
}

static void
zeros(struct table *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_putc(t->out, 0);
}

static void
poke(struct table *t, size_t off, uint64_t v, unsigned width)
{
	if (t->out->failed)
		return;
	for (unsigned i = 0; i < width; i++)
		t->out->data[t->at + off + i] = (char)(v >> 8 * i);
}

static void
checksum(struct table *t, size_t len, size_t at)
{
	uint8_t sum = 0;

	if (t->out->failed)
		return;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + (uint8_t)t->out->data[t->at + i]);
	poke(t, at, (uint8_t)-sum, 1);
}

static void
align(struct buf *out)
{
	while (out->len % ALIGN != 0 && !out->failed)
		buf_putc(out, 0);
}

/* Signature, then length and checksum of which begin() knows nothing yet. */
static struct table
begin(struct buf *out, const char *signature, unsigned revision)
{
	struct table t = { out, 0 };
	char id[9];

	align(out);
	t.at = out->len;
	buf_put(out, signature, 4);
	put(&t, 0, 4);
	put(&t, revision, 1);
	put(&t, 0, 1);
	buf_puts(out, "BHYVE ");
	snprintf(id, sizeof(id), "BV%.4s  ", signature);
	buf_put(out, id, 8);
	put(&t, 1, 4);
	buf_puts(out, "GAOL");
	put(&t, 0x20260101, 4);
	return t;
}

static void
finish(struct table *t)
{
	size_t len = t->out->len - t->at;

	poke(t, LENGTH_AT, len, 4);
	checksum(t, len, CHECKSUM_AT);
}

/* A generic address structure. */
static void
address(struct table *t, unsigned space, unsigned bits, uint64_t addr)
{
	/* Access size: byte 1, word 2, dword 3. */
	unsigned access = bits == 8 ? 1 : bits == 16 ? 2 : 3;

	put(t, space, 1);
	put(t, bits, 1);
	put(t, 0, 1);
	put(t, addr != 0 ? access : 0, 1);
	put(t, addr, 8);
}

static void
fadt_ports(struct table *t, unsigned off)
{
	put(t, POWER_SCI, 2);
	put(t, POWER_SMI_COMMAND, 4);
	put(t, POWER_ACPI_ENABLE, 1);
	put(t, POWER_ACPI_DISABLE, 1);
	put(t, 0, 2); /* S4BIOS, P-states */
	put(t, off + POWER_PM1_EVENT, 4);
	put(t, 0, 4);
	put(t, off + POWER_PM1_CONTROL, 4);
	put(t, 0, 4);
	put(t, 0, 4); /* PM2 */
	put(t, off + POWER_TIMER, 4);
	put(t, off + POWER_GPE0, 4);
	put(t, 0, 4);
	put(t, 4, 1); /* lengths, in the same order */
	put(t, 2, 1);
	put(t, 0, 1);
	put(t, 4, 1);
	put(t, 2, 1);
	put(t, 0, 2);
	put(t, 0, 1);
	put(t, 0xffff, 2); /* latency of C2, C3: neither is there */
	put(t, 0xffff, 2);
	put(t, 0, 4); /* flush size and stride */
	put(t, 0, 4); /* duty cycle, day and month alarm */
	put(t, 0x32, 1);
	put(t, BOOT_LEGACY | BOOT_NO_VGA | BOOT_NO_ASPM, 2);
	put(t, 0, 1);
}

static void
fadt_extended(struct table *t, unsigned off, uint64_t dsdt)
{
	put(t, 0, 8); /* the FACS has its 32-bit pointer: never both */
	put(t, dsdt, 8);
	address(t, SPACE_IO, 32, off + POWER_PM1_EVENT);
	address(t, SPACE_IO, 0, 0);
	address(t, SPACE_IO, 16, off + POWER_PM1_CONTROL);
	address(t, SPACE_IO, 0, 0);
	address(t, SPACE_IO, 0, 0);
	address(t, SPACE_IO, 32, off + POWER_TIMER);
	address(t, SPACE_IO, 16, off + POWER_GPE0);
	address(t, SPACE_IO, 0, 0);
	address(t, SPACE_IO, 0, 0); /* sleep control and status */
	address(t, SPACE_IO, 0, 0);
}

static void
fadt(struct buf *out, unsigned off, uint64_t facs, uint64_t dsdt)
{
	struct table t = begin(out, "FACP", 5);

	put(&t, facs, 4);
	put(&t, dsdt, 4);
	put(&t, 0, 2); /* reserved; profile: unspecified */
	fadt_ports(&t, off);
	put(&t,
	    FADT_WBINVD | FADT_C1 | FADT_NO_SLEEP_BUTTON | FADT_TIMER_32BIT |
	        FADT_RESET_REG | FADT_HEADLESS | FADT_APIC_PHYSICAL,
	    4);
	address(&t, SPACE_IO, 8, POWER_RESET);
	put(&t, POWER_RESET_VALUE, 1);
	put(&t, 0, 2);
	put(&t, 1, 1); /* minor revision: 5.1 */
	fadt_extended(&t, off, dsdt);
	finish(&t);
}

static uint64_t
facs(struct buf *out)
{
	struct table t = { out, 0 };

	align(out);
	t.at = out->len;
	buf_puts(out, "FACS");
	put(&t, 64, 4);
	zeros(&t, 24);
	put(&t, 2, 1);
	zeros(&t, 31);
	return t.at;
}

static uint64_t
dsdt(struct buf *out, const struct acpi_info *info)
{
	struct table t = begin(out, "DSDT", 2);

	acpi_dsdt(info, out);
	finish(&t);
	return t.at;
}

static void
override(struct table *t, unsigned irq, unsigned gsi, unsigned flags)
{
	put(t, 2, 1);
	put(t, 10, 1);
	put(t, 0, 1); /* ISA */
	put(t, irq, 1);
	put(t, gsi, 4);
	put(t, flags, 2);
}

static void
madt(struct buf *out, const struct acpi_info *info)
{
	struct table t = begin(out, "APIC", 3);

	put(&t, VM_LAPIC_GPA, 4);
	put(&t, 1, 4); /* a pair of 8259 is there */
	for (unsigned i = 0; i < info->nshown; i++) {
		put(&t, 0, 1);
		put(&t, 8, 1);
		put(&t, i, 1); /* processor, APIC */
		put(&t, i, 1);
		put(&t, i < info->ncpus, 4); /* enabled */
	}
	put(&t, 1, 1);
	put(&t, 12, 1);
	put(&t, 0, 2);
	put(&t, VM_IOAPIC_GPA, 4);
	put(&t, 0, 4);
	override(&t, 0, 2, 0);
	override(&t, POWER_SCI, POWER_SCI, 0xf); /* level, low */
	put(&t, 4, 1); /* NMI: every processor's LINT1 */
	put(&t, 6, 1);
	put(&t, 0xff, 1);
	put(&t, 0, 2);
	put(&t, 1, 1);
	finish(&t);
}

static void
mcfg(struct buf *out, const struct acpi_info *info)
{
	/* Linux scans every bus that this names. */
	unsigned last =
	    info->nroots > 0 ? info->root[info->nroots - 1].last_bus : 0;

	struct table t = begin(out, "MCFG", 1);

	zeros(&t, 8);
	put(&t, PCI_ECAM_BASE, 8);
	put(&t, 0, 2); /* segment */
	put(&t, 0, 1); /* buses 0 to last */
	put(&t, last, 1);
	zeros(&t, 4);
	finish(&t);
}

static void
hpet(struct buf *out)
{
	struct table t = begin(out, "HPET", 1);

	put(&t, HPET_ID, 4);
	address(&t, SPACE_MEMORY, 0, 0);
	poke(&t, HEADER_BYTES + 4 + 4, VM_HPET_GPA, 8);
	put(&t, 0, 1); /* number */
	put(&t, 0, 2); /* periodic tick: as short as they like */
	put(&t, 1, 1); /* 4 KiB of address space are its own */
	finish(&t);
}

static void
spcr(struct buf *out)
{
	struct table t = begin(out, "SPCR", 2);

	put(&t, 0, 4); /* a 16550 */
	address(&t, SPACE_IO, 8, com_ports[0].port);
	put(&t, 3, 1); /* PIC and APIC */
	put(&t, com_ports[0].irq, 1);
	put(&t, com_ports[0].irq, 4);
	put(&t, 7, 1); /* 115200 */
	put(&t, 0, 1);
	put(&t, 1, 1);
	put(&t, 0, 1);
	put(&t, 3, 1); /* ANSI */
	put(&t, 0, 1);
	put(&t, 0xffffffff, 4); /* no PCI device */
	zeros(&t, 3);
	zeros(&t, 4 + 1 + 4);
	finish(&t);
}

static void
memory_affinity(struct table *t, unsigned domain, uint64_t base, uint64_t len)
{
	put(t, 1, 1);
	put(t, 40, 1);
	put(t, domain, 4);
	put(t, 0, 2);
	put(t, base, 8);
	put(t, len, 8);
	put(t, 0, 4);
	put(t, 1, 4); /* enabled */
	zeros(t, 8);
}

/* Domains follow one another, below the hole and above 4 GiB. */
static void
domain_memory(struct table *t, const struct acpi_info *info)
{
	const struct domains *d = info->domains;
	uint64_t at = 0;

	for (unsigned i = 0; i < d->n; i++) {
		uint64_t end = at + d->size[i], low = info->lowmem;

		if (at < low)
			memory_affinity(t, i, at, (end < low ? end : low) - at);
		if (end > low)
			memory_affinity(t, i,
			                FOUR_GIB + (at > low ? at - low : 0),
			                end - (at > low ? at : low));
		at = end;
	}
}

static void
srat(struct buf *out, const struct acpi_info *info)
{
	struct table t = begin(out, "SRAT", 3);

	put(&t, 1, 4);
	zeros(&t, 8);
	for (unsigned i = 0; i < info->ncpus; i++) {
		put(&t, 0, 1); /* a local APIC */
		put(&t, 16, 1);
		put(&t, info->domains->of_cpu[i], 1);
		put(&t, i, 1);
		put(&t, 1, 4); /* enabled */
		zeros(&t, 8);
	}
	domain_memory(&t, info);
	finish(&t);
}

/* All that is not here is equally far. */
static void
slit(struct buf *out, const struct acpi_info *info)
{
	struct table t = begin(out, "SLIT", 1);
	unsigned n = info->domains->n;

	put(&t, n, 8);
	for (unsigned i = 0; i < n * n; i++)
		put(&t, i / n == i % n ? 10 : 20, 1);
	finish(&t);
}

/* The RSDP lies before everything, its XSDT comes last. */
static void
rsdp(struct buf *out, uint64_t xsdt)
{
	struct table t = { out, 0 };

	if (out->failed)
		return;
	memcpy(out->data, "RSD PTR \0BHYVE \2\0\0\0\0\44\0\0\0", 24);
	poke(&t, 24, xsdt, 8);
	checksum(&t, 20, 8);
	checksum(&t, RSDP_BYTES, 32);
}

static uint64_t
xsdt(struct buf *out, uint64_t base, const size_t *at, unsigned n)
{
	struct table t = begin(out, "XSDT", 1);

	for (unsigned i = 0; i < n; i++)
		put(&t, base + at[i], 8);
	finish(&t);
	return base + t.at;
}

int
acpi_build(const struct acpi_info *info, uint64_t base, uint64_t end,
           struct buf *out, struct error *err)
{
	struct table t = { out, 0 };
	size_t at[MAX_LISTED];
	unsigned n = 0;
	uint64_t the_facs, the_dsdt;

	zeros(&t, RSDP_BYTES);
	the_facs = base + facs(out);
	the_dsdt = base + dsdt(out, info);
	align(out);
	at[n++] = out->len;
	fadt(out, info->power_offset, the_facs, the_dsdt);
	align(out);
	at[n++] = out->len;
	madt(out, info);
	align(out);
	at[n++] = out->len;
	mcfg(out, info);
	if (info->has_hpet) {
		align(out);
		at[n++] = out->len;
		hpet(out);
	}
	if (info->com[0]) {
		align(out);
		at[n++] = out->len;
		spcr(out);
	}
	if (info->domains != NULL && info->domains->n > 0) {
		align(out);
		at[n++] = out->len;
		srat(out, info);
		align(out);
		at[n++] = out->len;
		slit(out, info);
	}
	rsdp(out, xsdt(out, base, at, n));
	if (out->failed)
		return error_set(err, -ENOMEM, "ACPI tables");
	if (out->len > end - base)
		return error_set(err, -ENOSPC, "ACPI tables: %zu bytes",
		                 out->len);
	return 0;
}
