/* SPDX-License-Identifier: BSD-2-Clause */
/* uart.h - a 16550A serial port between eight registers and a chardev.
 *
 * The same chip stands behind COM1..COM4 and behind a PCI function; who makes
 * it gives the registers an address and the interrupt a wire.
 */
#ifndef DEV_UART_H
#define DEV_UART_H
#include <stdbool.h>
#include <stdint.h>

#include "vmm/bus.h"

struct chardev;
struct error;
struct uart;
struct vm;

enum { UART_NREGS = 8 };

/* Any thread, with the UART's lock held. */
struct uart_wire {
	void (*set)(void *ctx, bool level);
	void *ctx;
};

/* Takes c on success; the VM's from here on. uart_ops work on *out_u. */
int uart_new(struct vm *vm, struct chardev *c, const struct uart_wire *wire,
             struct uart **out_u, struct error *err);

extern const struct bus_ops uart_ops;
#endif
