/* SPDX-License-Identifier: BSD-2-Clause */
/* pci.h - the PCI buses of a VM: configuration space, BARs, capabilities,
 * MSI, MSI-X and INTx. What a PCI device is written against.
 *
 * Owns each function's configuration space and where its BARs lie; a device
 * owns what is behind them. A device is made by its pci_device_ops.init(),
 * which describes itself with the functions below, allocates what it is and
 * gives that to vm_device_add() (reset, pause, state, fini) as its last step;
 * the function itself has been given there before, so it is saved before and
 * freed after its device.
 *
 * Threads: what describes a device is for init(), the rest for any thread, also
 * with the device's own lock held: nothing of the device (bus_ops, hooks) is
 * called with a lock of this module held.
 * Source: PCI Local Bus 3.0, chapter 6; PCI Express 3.0, 7.2.
 */
#ifndef VMM_PCI_H
#define VMM_PCI_H
#include <stdbool.h>
#include <stdint.h>

#include "vmm/bus.h"

struct config_node;
struct error;
struct pci_bus;
struct pci_dev;
struct vm;

enum {
	PCI_MAX_BARS = 6,
	PCI_MAX_MSIX = 128, /* vectors of one function */
	PCI_MAX_MSI = 32,
	PCI_CFG_BYTES = 256, /* the rest of ECAM's 4096 reads 0 */
	PCI_MAX_ROOTS = 16,  /* buses with functions on them */
	PCI_NPIRQ = 8        /* A..H: IOAPIC pins 16..23 */
};

/* Where things may lie in the guest's address space. */
enum {
	PCI_IO_BASE = 0x2000,
	PCI_IO_END = 0x10000,
	PCI_MEM32_BASE = 0xc0000000u,
	PCI_MEM32_END = 0xe0000000u,
	PCI_ECAM_BASE = 0xe0000000u,
	PCI_ECAM_END = 0xf0000000u
};

/* Registers of the common header that devices ask about. */
enum pci_reg {
	PCI_VENDOR = 0x00,
	PCI_DEVICE = 0x02,
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_REVISION = 0x08,
	PCI_PROGIF = 0x09,
	PCI_SUBCLASS = 0x0a,
	PCI_CLASS = 0x0b,
	PCI_HEADER_TYPE = 0x0e,
	PCI_BAR0 = 0x10,
	PCI_SUBVENDOR = 0x2c,
	PCI_SUBDEVICE = 0x2e,
	PCI_CAP_PTR = 0x34,
	PCI_INT_LINE = 0x3c,
	PCI_INT_PIN = 0x3d
};

enum pci_cap_id {
	PCI_CAP_MSI = 0x05,
	PCI_CAP_VENDOR = 0x09,
	PCI_CAP_EXPRESS = 0x10,
	PCI_CAP_MSIX = 0x11
};

struct pci_ids {
	uint16_t vendor, device;
	uint32_t class_code; /* base class, subclass, interface: 0x010000 */
	uint8_t revision;
	uint16_t subvendor, subdevice;
};

enum pci_bar_kind {
	PCI_BAR_NONE,
	PCI_BAR_IO,
	PCI_BAR_MEM32,
	PCI_BAR_MEM64 /* takes two BARs; over 128 MiB above 4 GiB */
};

/* An emulation: the word after "pci.B.S.F.device=". */
struct pci_device_ops {
	const char *name;
	/*
	 * Make the device of function d. cfg is its node, pci.B.S.F; never NULL
	 * but for built-in functions. On failure nothing of it is left but d.
	 */
	int (*init)(struct pci_dev *d, const struct config_node *cfg,
	            struct error *err);
};

/*
 * A device's say in its own configuration space, on the vCPU's thread. Each
 * returns true when it did the access, false: as if there were no hook. size is
 * 1, 2 or 4 and off a multiple of it.
 */
struct pci_cfg_hooks {
	bool (*read)(void *dev, unsigned off, unsigned size, uint32_t *v);
	bool (*write)(void *dev, unsigned off, unsigned size, uint32_t v);
};

/* --- the bus: for machine.c, hostbridge.c, lpc.c ------------------------- */

/* Answers at 0xcf8, 0xcfc and the ECAM from here on; the VM's to free. */
int pci_bus_new(struct vm *vm, struct pci_bus **out_bus, struct error *err);
/* What the devices of a machine share, to be found by pci_shared(). */
void pci_set_shared(struct pci_bus *b, void *shared);
/* Make function bus:slot:func and its device. -EEXIST: occupied. */
int pci_add(struct pci_bus *b, unsigned bus, unsigned slot, unsigned func,
            const struct pci_device_ops *ops, const struct config_node *cfg,
            struct error *err);
/* Give every BAR an address and switch decoding on, as firmware would. After
 * the last pci_add(). -ENOSPC: a window is full. */
int pci_place(struct pci_bus *b, struct error *err);
/*
 * Each bus with functions is a root of its own, with the addresses between its
 * begin and the next one's; after pci_place(). Ends are exclusive.
 */
enum pci_window { PCI_WIN_IO, PCI_WIN_MEM32, PCI_WIN_MEM64, PCI_NWINDOWS };
struct pci_root {
	unsigned bus, last_bus; /* numbers that are led down it */
	uint64_t base[PCI_NWINDOWS], end[PCI_NWINDOWS];
};
/* Root i in the order of bus numbers; false: there are no more. */
bool pci_root_at(const struct pci_bus *b, unsigned i, struct pci_root *out);
/* The function, or NULL. */
struct pci_dev *pci_find(struct pci_bus *b, unsigned bus, unsigned slot,
                         unsigned func);
/* PIRQ index 0..7 of pin 0..3 (INTA#..INTD#) of a slot. */
unsigned pci_pirq(unsigned slot, unsigned pin);
/* Pin 0..3 the function claimed, or -1. */
int pci_intx_pin(const struct pci_dev *d);
/* The byte at 0xcf9 lies inside CONFIG_ADDRESS but is the reset register: who
 * answers there. */
void pci_set_reset_port(struct pci_bus *b, const struct bus_ops *ops,
                        void *ctx);
/* Raise or lower a PIRQ for one more owner than the functions' pins: each
 * true is undone by one false. Any thread. */
void pci_pirq_set(struct pci_bus *b, unsigned pirq, bool level);
/* Who hears of a PIRQ's level beside the IOAPIC: the ISA bridge, for the PIC.
 * Called with the bus's lock held: it must not call back. */
void pci_on_pirq(struct pci_bus *b,
                 void (*fn)(void *ctx, unsigned pirq, bool level), void *ctx);

/* --- describing a device, in init() ------------------------------------- */

struct vm *pci_vm(const struct pci_dev *d);
struct pci_bus *pci_bus_of(const struct pci_dev *d);
void *pci_shared(const struct pci_dev *d); /* src/dev: struct dev_shared */
/* "pci.0.3.0", for messages and for a device's instance. */
const char *pci_name(const struct pci_dev *d);
unsigned pci_bus_number(const struct pci_dev *d);
unsigned pci_slot(const struct pci_dev *d);
unsigned pci_func(const struct pci_dev *d);

void pci_set_ids(struct pci_dev *d, const struct pci_ids *ids);
/* Plain register contents; wmask: the bits a guest may change. */
void pci_cfg_init(struct pci_dev *d, unsigned off, unsigned size, uint32_t v,
                  uint32_t wmask);
void pci_set_hooks(struct pci_dev *d, const struct pci_cfg_hooks *hooks,
                   void *dev);
/*
 * A BAR of size bytes, a power of two (I/O: 4..256; memory: 16 and more).
 * ops run on vCPU threads as bus.h says, ctx with them.
 */
int pci_bar_add(struct pci_dev *d, unsigned bar, enum pci_bar_kind kind,
                uint64_t size, const struct bus_ops *ops, void *ctx,
                struct error *err);
/*
 * bus_add_notify() relative to a BAR, following it where it moves. Also later
 * than init(). The caller closes fd after removal.
 */
int pci_notify_add(struct pci_dev *d, unsigned bar, uint64_t off, unsigned size,
                   bool match_any, uint64_t match, int fd, struct error *err);
void pci_notify_remove(struct pci_dev *d, unsigned bar, uint64_t off, int fd);
/*
 * A capability: id, link, then body[0..len). Returns its offset in
 * configuration space or -ENOSPC. Not writable unless pci_cfg_init() says so.
 */
int pci_cap_add(struct pci_dev *d, uint8_t id, const void *body, unsigned len);
/* MSI-X with its table and PBA in a memory BAR of their own. */
int pci_msix_add(struct pci_dev *d, unsigned bar, unsigned nvectors,
                 struct error *err);
/* MSI, 64-bit; nvectors a power of two up to 32. */
int pci_msi_add(struct pci_dev *d, unsigned nvectors, struct error *err);
/* Claim an INTx pin; which, the bus decides. */
void pci_intx_add(struct pci_dev *d);

/* --- while the guest runs: any thread ------------------------------------ */

/* What the guest reads at off, hooks left out. */
uint32_t pci_cfg_get(struct pci_dev *d, unsigned off, unsigned size);
void pci_cfg_set(struct pci_dev *d, unsigned off, unsigned size, uint32_t v);
bool pci_msix_enabled(struct pci_dev *d);
bool pci_msi_enabled(struct pci_dev *d);
/* Send the vector's message, or keep it pending while it is masked; nothing
 * while MSI-X is off or there is no such vector. */
void pci_msix_raise(struct pci_dev *d, unsigned vector);
void pci_msi_raise(struct pci_dev *d, unsigned vector);
/* The level of the device's INTx; reaches the wire unless switched off. */
void pci_intx_set(struct pci_dev *d, bool level);
#endif
