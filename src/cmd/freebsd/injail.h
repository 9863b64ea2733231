/* SPDX-License-Identifier: BSD-2-Clause */
/* injail.h - what "-j JAIL" of a helper means: the same helper inside. */
#ifndef CMD_FREEBSD_INJAIL_H
#define CMD_FREEBSD_INJAIL_H

/* Become "jexec JAIL /dev/gaol/PROG" with argv's words less -j and its
 * argument. Returns, after a message, only when that fails: the exit status. */
int in_jail(const char *prog, const char *jail, int argc, char **argv);
#endif
