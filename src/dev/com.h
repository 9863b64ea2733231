/* SPDX-License-Identifier: BSD-2-Clause */
/* com.h - COM1 to COM4, as lpc.comN.path says. */
#ifndef DEV_COM_H
#define DEV_COM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dev_shared;
struct error;
struct vm;

struct com_port {
	const char *name; /* the word of -l */
	uint16_t port;
	uint8_t irq;
};

enum { NCOMS = 4 };
extern const struct com_port com_ports[NCOMS];

/* out_there[i]: COMi+1 is there. The VM's from here on. */
int com_new(struct vm *vm, struct dev_shared *s, bool out_there[NCOMS],
            struct error *err);
#endif
