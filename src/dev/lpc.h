/* SPDX-License-Identifier: BSD-2-Clause */
/* lpc.h - what others know of the PCI-ISA bridge. */
#ifndef DEV_LPC_H
#define DEV_LPC_H

/* ISA IRQs a PIRQ may be led to: those with no other owner. */
enum { LPC_PIRQ_IRQS = 0xdce0 };

/* Where PIRQ 0..7 is led before the guest changes it, as firmware would have:
 * for guests that know neither ACPI nor the bridge. */
unsigned lpc_first_irq(unsigned pirq);
/* The configuration register of PIRQ 0..7. */
unsigned lpc_pirq_reg(unsigned pirq);
#endif
