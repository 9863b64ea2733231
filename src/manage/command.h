/* SPDX-License-Identifier: BSD-2-Clause */
/* command.h - running another program and waiting for it. */
#ifndef MANAGE_COMMAND_H
#define MANAGE_COMMAND_H
#include "base/error.h"

/* One line of a program's output, without newline; lines are cut at 4 KiB. */
typedef void command_line_fn(void *arg, const char *line);

/*
 * Run argv (argv[0] sought in PATH), with input from /dev/null, and wait. With
 * line, its output and errors go there line by line; without, they are the
 * caller's own.
 *
 * Returns the exit status, 128 + N for death by signal N, or a negative errno
 * when it could not be run.
 */
int command_run(char *const *argv, command_line_fn *line, void *arg,
                struct error *err);
#endif
