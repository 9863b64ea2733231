/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dev_uart.c - a hostile guest at a 16550 whose other end is /dev/null.
 * Whatever it did, the state goes through a checkpoint.
 */
#include <stdint.h>
#include <stdlib.h>

#include "dev/chardev.h"
#include "dev/uart.h"
#include "vmm/fake_vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
wire(void *ctx, bool level)
{
	*(bool *)ctx = level;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct fake_range ranges[] = { { true, 0x3f8, 8 } };
	struct chardev_host host = { .loop = NULL };
	bool level = false;
	const struct uart_wire w = { wire, &level };
	struct chardev *c;
	struct fake_vm f;
	struct uart *u;
	struct error err;

	fake_vm_init(&f);
	host.loop = f.vm->loop;
	if (chardev_open(&host, "/dev/null", &c, &err) < 0 ||
	    uart_new(f.vm, c, &w, &u, &err) < 0 ||
	    bus_add(f.vm->pio, 0x3f8, UART_NREGS, &uart_ops, u, &err) < 0)
		abort();
	fake_vm_hostile(&f, ranges, ARRAY_LEN(ranges), data, len);
	if (fake_vm_roundtrip(&f, NULL) < 0)
		abort();
	fake_vm_fini(&f);
	return 0;
}
