/* SPDX-License-Identifier: BSD-2-Clause */
/* rundir.h - the runtime directory, for helpers that share what jails have. */
#ifndef CMD_FREEBSD_RUNDIR_H
#define CMD_FREEBSD_RUNDIR_H
#include "base/error.h"

/* Open $GAOL_RUN or /run/gaol, made when absent; the caller's to close. */
int rundir_open(struct error *err);
#endif
