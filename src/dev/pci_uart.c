/* SPDX-License-Identifier: BSD-2-Clause */
/* pci_uart.c - "uart": a 16550A as a PCI function. */
#include <errno.h>

#include "base/error.h"
#include "dev/emulations.h"
#include "dev/shared.h"
#include "dev/uart.h"
#include "vmm/config.h"
#include "vmm/pci.h"

static void
wire_set(void *ctx, bool level)
{
	pci_intx_set(ctx, level);
}

static int
pci_uart_init(struct pci_dev *d, const struct config_node *cfg,
              struct error *err)
{
	static const struct pci_ids ids = { .vendor = 0x131f,
		                            .device = 0x2000,
		                            .class_code = 0x070002 };
	const struct uart_wire wire = { wire_set, d };
	struct dev_shared *s = pci_shared(d);
	const char *spec = config_get(cfg, "path");
	struct chardev *c;
	struct uart *u;

	if (spec == NULL)
		return error_set(err, -EINVAL, "wants path=");
	pci_set_ids(d, &ids);
	pci_intx_add(d);
	if (chardev_open(&s->lines, spec, &c, err) < 0)
		return err->code;
	if (uart_new(pci_vm(d), c, &wire, &u, err) < 0) {
		chardev_close(c);
		return err->code;
	}
	return pci_bar_add(d, 0, PCI_BAR_IO, UART_NREGS, &uart_ops, u, err);
}

const struct pci_device_ops pci_uart = { "uart", pci_uart_init };
