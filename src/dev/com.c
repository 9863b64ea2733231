/* SPDX-License-Identifier: BSD-2-Clause */
/* com.c - COM1 to COM4: UARTs at the PC's ports and on two IRQs between them.
 */
#include "dev/com.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "dev/shared.h"
#include "dev/uart.h"
#include "vmm/config.h"
#include "vmm/vm.h"

const struct com_port com_ports[NCOMS] = {
	{ "com1", 0x3f8, 4 },
	{ "com2", 0x2f8, 3 },
	{ "com3", 0x3e8, 4 },
	{ "com4", 0x2e8, 3 },
};

/* An IRQ that two ports may share. */
struct isa_irq {
	struct vm *vm;
	pthread_mutex_t lock;
	unsigned irq, count;
};

static void
irq_set(void *ctx, bool level)
{
	struct isa_irq *w = ctx;

	pthread_mutex_lock(&w->lock);
	w->count += level ? 1 : -1u;
	vm_irq_set(w->vm, w->irq, w->count > 0);
	pthread_mutex_unlock(&w->lock);
}

static void
irq_fini(void *dev)
{
	struct isa_irq *w = dev;

	pthread_mutex_destroy(&w->lock);
	free(w);
}

static const struct device_ops irq_ops = { .name = "isa-irq",
	                                   .fini = irq_fini };

static int
irq_new(struct vm *vm, unsigned irq, struct isa_irq **out_w, struct error *err)
{
	struct isa_irq *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return error_set(err, -ENOMEM, "irq %u", irq);
	w->vm = vm;
	w->irq = irq;
	pthread_mutex_init(&w->lock, NULL);
	if (vm_device_add(vm, &irq_ops, w, err) < 0) {
		irq_fini(w);
		return err->code;
	}
	*out_w = w;
	return 0;
}

static int
port_new(struct vm *vm, struct dev_shared *s, const struct com_port *p,
         const char *spec, struct isa_irq *w, struct error *err)
{
	const struct uart_wire wire = { irq_set, w };
	struct chardev *c;
	struct uart *u;

	if (chardev_open(&s->lines, spec, &c, err) < 0)
		return error_wrap(err, "lpc.%s.path", p->name);
	if (uart_new(vm, c, &wire, &u, err) < 0) {
		chardev_close(c);
		return err->code;
	}
	return bus_add(vm->pio, p->port, UART_NREGS, &uart_ops, u, err);
}

int
com_new(struct vm *vm, struct dev_shared *s, bool out_there[NCOMS],
        struct error *err)
{
	struct isa_irq *irq[16] = { NULL };

	for (unsigned i = 0; i < NCOMS; i++) {
		const struct com_port *p = &com_ports[i];
		char key[32];
		const char *spec;

		snprintf(key, sizeof(key), "lpc.%s.path", p->name);
		spec = config_get(config_root(s->config), key);
		out_there[i] = spec != NULL;
		if (spec == NULL)
			continue;
		if (irq[p->irq] == NULL &&
		    irq_new(vm, p->irq, &irq[p->irq], err) < 0)
			return err->code;
		if (port_new(vm, s, p, spec, irq[p->irq], err) < 0)
			return err->code;
	}
	return 0;
}
