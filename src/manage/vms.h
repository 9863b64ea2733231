/* SPDX-License-Identifier: BSD-2-Clause */
/* vms.h - the VMs of a site, each a bhyve_config(5) file DIR/vm/FILE.conf.
 *
 * One bhyve process each, detached, started again after a reset (bhyve -M).
 * A VM's name is its file's name= or, without one, FILE. Keys that gaol reads
 * and bhyve does not, in jail.conf(5)'s words:
 *
 *   exec.prepare   a shell's command, run before each start
 *   stop.timeout   seconds a VM has to shut down, VMS_STOP_S unless told
 */
#ifndef MANAGE_VMS_H
#define MANAGE_VMS_H
#include "base/error.h"
#include "manage/command.h"

enum { VMS_STOP_S = 60, VMS_START_S = 30 };

/* Start those of the site dir that do not run, in the caller's network
 * namespace. progress is told of each. 0, also when there are none; an error
 * leaves those that run running. */
int vms_start(const char *dir, command_line_fn *progress, void *arg,
              struct error *err);

/* Have all shut down, all at once, and wait; who takes too long is powered off.
 * Nothing is left of them but their disks. */
int vms_stop(const char *dir, command_line_fn *progress, void *arg,
             struct error *err);
#endif
