/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_vm.h - a VM without processors, for the unit tests and fuzz targets of
 * devices: real buses, memory and loop, a clock the test moves, and a record of
 * what reached the wires and the engine. For tests alone.
 */
#ifndef VMM_FAKE_VM_H
#define VMM_FAKE_VM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/vm.h"

enum { FAKE_MAX_MSI = 64 };

struct fake_msi {
	uint64_t addr;
	uint32_t data;
};

struct fake_vm {
	struct vm *vm;
	uint64_t now_ns;
	bool gsi[VM_MAX_GSI];       /* levels, as the wires were told */
	unsigned edges[VM_MAX_GSI]; /* how often each went up */
	bool extint;                /* the PIC's line to the engine */
	struct fake_msi msi[FAKE_MAX_MSI];
	unsigned nmsi; /* counts on when msi is full */
	struct {
		struct fake_msi msg;
		bool masked;
	} route[VM_MAX_GSI]; /* what the IOAPIC mirrored */
};

/* 2 MiB of RAM, one processor; a failure aborts. */
void fake_vm_init(struct fake_vm *f);
void fake_vm_fini(struct fake_vm *f);
/* Let ns pass in steps no longer than the timers ask for. */
void fake_vm_pass(struct fake_vm *f, uint64_t ns);

uint64_t fake_in(struct fake_vm *f, uint16_t port, unsigned size);
void fake_out(struct fake_vm *f, uint16_t port, unsigned size, uint64_t v);
uint64_t fake_read(struct fake_vm *f, uint64_t gpa, unsigned size);
void fake_write(struct fake_vm *f, uint64_t gpa, unsigned size, uint64_t v);

/* Save every device, reset them, load: 0 when the state came through. The
 * stream, so that it can be compared, is appended to out when not NULL. */
struct buf;
int fake_vm_roundtrip(struct fake_vm *f, struct buf *out);

/*
 * Save every device, change the stream's fields by the bytes of data (where one
 * is 0, the field's byte stays) with right checksums, and load it: what
 * vm_devices_load() says. Who made a checkpoint may not have been a friend.
 */
int fake_vm_load_changed(struct fake_vm *f, const uint8_t *data, size_t len);

/*
 * Play a hostile guest: each few bytes of data are one access to one of the
 * ranges, or let time pass. What a fuzz target of a device runs.
 */
struct fake_range {
	bool pio;
	uint64_t base, size;
};
void fake_vm_hostile(struct fake_vm *f, const struct fake_range *ranges,
                     size_t n, const uint8_t *data, size_t len);
#endif
