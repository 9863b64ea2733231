/* SPDX-License-Identifier: BSD-2-Clause */
/* gdb.h - the debug server of -G: gdb's remote protocol over TCP.
 *
 * One client. While it is there and the guest is stopped, all vCPUs are held.
 * Threads are vCPUs, numbered from 1. Runs on the VM's loop. Memory is reached
 * by guest-linear addresses through the tables of the vCPU in question.
 */
#ifndef VMM_GDB_H
#define VMM_GDB_H
#include <stdbool.h>
#include <stdint.h>

struct error;
struct gdb;
struct vm;

/*
 * Listen at address ("localhost", IPv4, IPv6 or [IPv6]), port. Before
 * vm_start(). wait: no instruction runs until a client lets it.
 */
int gdb_listen(struct vm *vm, const char *address, uint16_t port, bool wait,
               struct gdb **out_g, struct error *err);
void gdb_free(struct gdb *g); /* NULL is fine; vCPUs stopped */
/* The port listened at, for tests that ask for port 0. */
uint16_t gdb_port(const struct gdb *g);
#endif
