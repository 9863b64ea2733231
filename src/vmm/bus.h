/* SPDX-License-Identifier: BSD-2-Clause */
/* bus.h - who answers at an address: I/O ports and memory-mapped registers.
 *
 * A VM has two, vm->pio and vm->mmio. Ranges may come and go while the guest
 * runs (a BAR moves). Handlers run on the vCPU's thread with no lock held, so
 * a device guards itself; it must outlive the VM's vCPUs. Nobody there: reads
 * give all ones, writes vanish (PC custom).
 */
#ifndef VMM_BUS_H
#define VMM_BUS_H
#include <stdbool.h>
#include <stdint.h>

struct bus;
struct error;

/*
 * Registers of one device. off is relative to the range; size is 1, 2, 4 or 8,
 * never crosses its end, and need not be aligned: a guest chooses it.
 */
struct bus_ops {
	const char *name; /* as in the data sheet; for traces */
	uint64_t (*read)(void *ctx, uint64_t off, unsigned size);
	void (*write)(void *ctx, uint64_t off, unsigned size, uint64_t v);
};

int bus_new(uint64_t limit, struct bus **out_bus, struct error *err);
void bus_free(struct bus *b);

/* -EEXIST: overlaps what is there; -ERANGE: beyond the bus. */
int bus_add(struct bus *b, uint64_t base, uint64_t size,
            const struct bus_ops *ops, void *ctx, struct error *err);
void bus_remove(struct bus *b, uint64_t base, const struct bus_ops *ops);

/* True when somebody answered; *v is all ones (of size) when nobody did. */
bool bus_read(struct bus *b, uint64_t addr, unsigned size, uint64_t *v);
bool bus_write(struct bus *b, uint64_t addr, unsigned size, uint64_t v);

/*
 * A write that only wakes somebody (virtio notify): any value, or equal to
 * match; size 0: any. Engines that can (ioeventfd) signal fd without leaving
 * the guest; others through bus_write(), which writes the eventfd itself.
 */
int bus_add_notify(struct bus *b, uint64_t addr, unsigned size, bool match_any,
                   uint64_t match, int fd, struct error *err);
void bus_remove_notify(struct bus *b, uint64_t addr, int fd);

/* The engine's own way to signal; called for each notifier there is and for
 * each that comes, with the bus's lock held. add may fail: then bus_write()
 * goes on to do it. */
struct bus_signaller {
	int (*add)(void *ctx, uint64_t addr, unsigned size, bool match_any,
	           uint64_t match, int fd);
	void (*remove)(void *ctx, uint64_t addr, unsigned size, bool match_any,
	               uint64_t match, int fd);
	void *ctx;
};
void bus_set_signaller(struct bus *b, const struct bus_signaller *s);
#endif
