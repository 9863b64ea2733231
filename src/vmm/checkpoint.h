/* SPDX-License-Identifier: BSD-2-Clause */
/* checkpoint.h - a whole VM to a file and back: processors, devices, memory.
 *
 * One stream, little endian, the same whichever engine wrote it: a head, one
 * section for each vCPU and each device (state.h), then runs of memory pages
 * that are not zero. Reading trusts nothing: the file is an input from outside.
 * Both are called while no vCPU runs: paused, or not yet started.
 */
#ifndef VMM_CHECKPOINT_H
#define VMM_CHECKPOINT_H

struct error;
struct vm;

/* fd is the caller's and written from its position. */
int checkpoint_write(struct vm *vm, int fd, struct error *err);
/*
 * Into a VM made by the same command line: another number of vCPUs, another
 * size of memory or other devices are refused by name (-EINVAL).
 */
int checkpoint_read(struct vm *vm, int fd, struct error *err);
#endif
