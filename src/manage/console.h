/* SPDX-License-Identifier: BSD-2-Clause */
/* console.h - this terminal joined to a VM's console, as cu(1) would. */
#ifndef MANAGE_CONSOLE_H
#define MANAGE_CONSOLE_H
#include "base/error.h"

/*
 * Join stdin and stdout to the console of the VM called name, a pty in its
 * presence (vmm/presence.h), until "~." is typed at the beginning of a line,
 * input ends or the VM does. The terminal is as it was afterwards.
 */
int console_attach(const char *name, struct error *err);
#endif
