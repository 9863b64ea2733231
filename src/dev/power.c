/* SPDX-License-Identifier: BSD-2-Clause */
/* power.c - ACPI's fixed hardware (PM1a, GPE0, PM timer, SMI command) and the
 * reset registers at 0xcf9 and 0x92.
 *
 * The SCI is up while an enabled status bit is set. The PM timer is the guest's
 * clock in another unit: reading it takes no lock.
 * Source: ACPI 6.4, 4.8.3 and 4.8.4; 82371AB (PIIX4) for 0xcf9 and 0x92.
 */
#include "dev/power.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dev/ticks.h"
#include "vmm/pci.h"
#include "vmm/vm.h"

enum {
	TIMER_HZ = 3579545,
	PORT_A = 0x92,
	PORT_A_RESET = 1 << 0,
	PORT_A_A20 = 1 << 1,
	RESET_CPU = 1 << 2, /* of 0xcf9: a rising edge resets */

	EN_GLOBAL = 1 << 5,
	STS_POWER_BUTTON = 1 << 8,
	STS_WAKE = 1 << 15,
	/* Status bits that are ever set; enable bits that may be. */
	STS_MASK = 1 << 0 | 1 << 4 | EN_GLOBAL | STS_POWER_BUTTON | 1 << 9 |
	           1 << 10 | STS_WAKE,
	EN_MASK = 1 << 0 | EN_GLOBAL | STS_POWER_BUTTON | 1 << 9 | 1 << 10,

	SCI_EN = 1 << 0,
	SLP_TYP_SHIFT = 10,
	SLP_EN = 1 << 13,
	CONTROL_MASK = SCI_EN | 1 << 1 | 7 << SLP_TYP_SHIFT
};

/* Bytes from POWER_PM1_EVENT on. */
enum reg_at {
	R_STS = 0,
	R_EN = 2,
	R_CONTROL = 4,
	R_TIMER = 8,
	R_GPE_STS = 12,
	R_GPE_EN = 13,
	NREGS = 16
};

struct power {
	struct vm *vm;
	pthread_mutex_t lock;
	uint16_t sts, en, control;
	uint8_t gpe_sts, gpe_en;
	uint8_t smi_command, smi_status, port_a, reset;
	bool as_qemu;
};

/* The registers: what is behind them and how a write changes it. */
enum how { STORE, CLEAR_ONES, CONTROL };

static const struct reg {
	const char *name; /* as in the specification */
	uint8_t at, width;
	uint8_t how;
	uint16_t wmask;
	size_t offset; /* in struct power */
} regs[] = {
	{ "PM1a_STS", R_STS, 2, CLEAR_ONES, STS_MASK,
	  offsetof(struct power, sts) },
	{ "PM1a_EN", R_EN, 2, STORE, EN_MASK, offsetof(struct power, en) },
	{ "PM1a_CNT", R_CONTROL, 2, CONTROL, CONTROL_MASK,
	  offsetof(struct power, control) },
	{ "GPE0_STS", R_GPE_STS, 1, CLEAR_ONES, 0xff,
	  offsetof(struct power, gpe_sts) },
	{ "GPE0_EN", R_GPE_EN, 1, STORE, 0xff, offsetof(struct power, gpe_en) },
};

static uint8_t *
byte_of(struct power *p, const struct reg *r, unsigned i)
{
	/* Little endian, as x86 hosts are. */
	return (uint8_t *)p + r->offset + i;
}

static const struct reg *
reg_at(unsigned at)
{
	for (size_t i = 0; i < ARRAY_LEN(regs); i++)
		if (at >= regs[i].at && at < regs[i].at + regs[i].width)
			return &regs[i];
	return NULL;
}

/* lock held. */
static void
update_sci(struct power *p)
{
	vm_irq_set(p->vm, POWER_SCI,
	           (p->sts & p->en) != 0 || (p->gpe_sts & p->gpe_en) != 0);
}

static uint64_t
regs_read(void *ctx, uint64_t off, unsigned size)
{
	struct power *p = ctx;
	uint64_t v = 0;

	if (off >= R_TIMER && off < R_GPE_STS)
		return (uint32_t)ticks_of_ns(loop_now(p->vm->loop), TIMER_HZ) >>
		       (off - R_TIMER) * 8;
	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < size; i++) {
		unsigned at = (unsigned)off + i;
		const struct reg *r = reg_at(at);

		if (r != NULL)
			v |= (uint64_t)*byte_of(p, r, at - r->at) << 8 * i;
	}
	pthread_mutex_unlock(&p->lock);
	return v;
}

/* One byte of a register; true: SLP_EN was written. */
static bool
reg_write(struct power *p, const struct reg *r, unsigned i, uint8_t v)
{
	uint8_t *b = byte_of(p, r, i), m = (uint8_t)(r->wmask >> 8 * i);

	if (r->how == CLEAR_ONES)
		*b &= (uint8_t) ~(v & m);
	else
		*b = (uint8_t)((*b & ~m) | (v & m));
	return r->how == CONTROL && i == 1 && (v & SLP_EN >> 8) != 0;
}

static void
regs_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct power *p = ctx;
	bool sleep = false;
	unsigned type;

	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < size; i++) {
		unsigned at = (unsigned)off + i;
		const struct reg *r = reg_at(at);

		if (r != NULL)
			sleep |=
			    reg_write(p, r, at - r->at, (uint8_t)(v >> 8 * i));
	}
	type = p->control >> SLP_TYP_SHIFT & 7;
	update_sci(p);
	pthread_mutex_unlock(&p->lock);
	if (sleep && (type == POWER_S5 || (p->as_qemu && type == 0)))
		vm_suspend(p->vm, VM_SUSPEND_POWEROFF);
}

/* What is at POWER_PM1_CONTROL and up, for who knows no other place. */

static uint64_t
fixed_read(void *ctx, uint64_t off, unsigned size)
{
	return regs_read(ctx, off + R_CONTROL, size);
}

static void
fixed_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	regs_write(ctx, off + R_CONTROL, size, v);
}

static uint64_t
smi_read(void *ctx, uint64_t off, unsigned size)
{
	struct power *p = ctx;

	(void)size;
	return off == 0 ? p->smi_command : p->smi_status;
}

static void
smi_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct power *p = ctx;

	(void)size;
	pthread_mutex_lock(&p->lock);
	if (off != 0) {
		p->smi_status = (uint8_t)v;
	} else {
		p->smi_command = (uint8_t)v;
		if (p->smi_command == POWER_ACPI_ENABLE)
			p->control |= SCI_EN;
		else if (p->smi_command == POWER_ACPI_DISABLE)
			p->control &= (uint16_t)~SCI_EN;
	}
	pthread_mutex_unlock(&p->lock);
}

static uint64_t
port_a_read(void *ctx, uint64_t off, unsigned size)
{
	const struct power *p = ctx;

	(void)off;
	(void)size;
	return p->port_a;
}

/* A20 is always open; the bit only looks as if it could be closed. */
static void
port_a_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct power *p = ctx;
	bool reset = (v & PORT_A_RESET) != 0 && (p->port_a & PORT_A_RESET) == 0;

	(void)off;
	(void)size;
	p->port_a = (uint8_t)v;
	if (reset)
		vm_suspend(p->vm, VM_SUSPEND_RESET);
}

static uint64_t
reset_read(void *ctx, uint64_t off, unsigned size)
{
	const struct power *p = ctx;

	(void)off;
	(void)size;
	return p->reset;
}

static void
reset_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct power *p = ctx;
	bool reset = (v & RESET_CPU) != 0 && (p->reset & RESET_CPU) == 0;

	(void)off;
	(void)size;
	p->reset = (uint8_t)v & 0x0e;
	if (reset)
		vm_suspend(p->vm, VM_SUSPEND_RESET);
}

static const struct bus_ops regs_ops = { "pm1a", regs_read, regs_write };
static const struct bus_ops fixed_ops = { "pm1a-fixed", fixed_read,
	                                  fixed_write };
static const struct bus_ops smi_ops = { "smi-command", smi_read, smi_write };
static const struct bus_ops port_a_ops = { "port-92", port_a_read,
	                                   port_a_write };
static const struct bus_ops reset_ops = { "reset", reset_read, reset_write };

bool
power_button(struct power *p)
{
	bool listens;

	pthread_mutex_lock(&p->lock);
	listens = (p->control & SCI_EN) != 0;
	if (listens) {
		p->sts |= STS_POWER_BUTTON;
		update_sci(p);
	}
	pthread_mutex_unlock(&p->lock);
	return listens;
}

void
power_gpe(struct power *p, unsigned n)
{
	pthread_mutex_lock(&p->lock);
	p->gpe_sts |= (uint8_t)(1 << n % 8);
	update_sci(p);
	pthread_mutex_unlock(&p->lock);
}

static void
power_reset(void *dev)
{
	struct power *p = dev;

	p->sts = p->en = p->control = 0;
	p->gpe_sts = p->gpe_en = 0;
	p->smi_command = p->smi_status = p->reset = 0;
	p->port_a = PORT_A_A20;
	update_sci(p);
}

static void
power_fini(void *dev)
{
	struct power *p = dev;

	pthread_mutex_destroy(&p->lock);
	free(p);
}

static const struct state_field fields[] = {
	STATE_FIELD(struct power, sts),
	STATE_FIELD(struct power, en),
	STATE_FIELD(struct power, control),
	STATE_FIELD(struct power, gpe_sts),
	STATE_FIELD(struct power, gpe_en),
	STATE_FIELD(struct power, smi_command),
	STATE_FIELD(struct power, smi_status),
	STATE_FIELD(struct power, port_a),
	STATE_FIELD(struct power, reset),
	{ NULL, 0, 0, 0 },
};

static int
after_load(void *obj, struct error *err)
{
	(void)err;
	update_sci(obj);
	return 0;
}

static const struct state_desc state = {
	.name = "power",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static const struct device_ops device = {
	.name = "power",
	.reset = power_reset,
	.fini = power_fini,
	.state = &state,
};

int
power_new(struct vm *vm, struct pci_bus *b, bool as_qemu,
          struct power **out_power, struct error *err)
{
	uint64_t base = POWER_PM1_EVENT + (as_qemu ? POWER_AS_QEMU : 0);
	struct power *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return error_set(err, -ENOMEM, "power");
	p->vm = vm;
	p->as_qemu = as_qemu;
	pthread_mutex_init(&p->lock, NULL);
	power_reset(p);
	if (bus_add(vm->pio, base, NREGS, &regs_ops, p, err) < 0 ||
	    (as_qemu && bus_add(vm->pio, POWER_PM1_CONTROL, NREGS - R_CONTROL,
	                        &fixed_ops, p, err) < 0) ||
	    bus_add(vm->pio, POWER_SMI_COMMAND, 2, &smi_ops, p, err) < 0 ||
	    bus_add(vm->pio, PORT_A, 1, &port_a_ops, p, err) < 0 ||
	    vm_device_add(vm, &device, p, err) < 0) {
		power_fini(p);
		return err->code;
	}
	pci_set_reset_port(b, &reset_ops, p);
	*out_power = p;
	return 0;
}
