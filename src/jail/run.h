/* SPDX-License-Identifier: BSD-2-Clause */
/* run.h - what jail(8) does with jails: start, change and stop them, each as a
 * table of steps with their undo, many at once, in the order they depend on
 * each other.
 *
 * Knows no command line, prints nothing: lines go to the caller. Kernel work is
 * done by jail.h; here are hooks, aliases, mounts on the host, waiting. One
 * thread; blocks until every selected jail is done.
 * Source: jail(8), jail.conf(5).
 */
#ifndef JAIL_RUN_H
#define JAIL_RUN_H
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "jail/conf.h"
#include "jail/jail.h"

/* What is wanted; any combination, as the letters of jail(8) combine. */
enum run_op {
	RUN_CREATE = 1, /* -c */
	RUN_MODIFY = 2, /* -m */
	RUN_REMOVE = 4, /* -r, -R */
};

enum run_level {
	RUN_NOTE,  /* "web: created", and all of the verbose transcript */
	RUN_ERROR, /* what went wrong; "jail: " is the caller's to put before */
};

struct run_io {
	/* One line without newline. */
	void (*print)(void *arg, enum run_level level, const char *line);
	/* All start steps of a jail are done. Optional. */
	void (*created)(void *arg, int jid, const struct conf_jail *jail);
	void *arg;
};

struct run_options {
	unsigned ops;      /* enum run_op */
	bool cleanup;      /* -C: a jail already gone gets its last steps */
	bool only_remove;  /* -R: no steps around the removal */
	bool dying;        /* -d: to be told that it has no effect */
	bool quiet;        /* -q */
	bool verbose;      /* -v */
	bool note_removed; /* tell "removed" though not verbose */
	unsigned parallel; /* -p: commands at once; 0: no limit */
	/* A directory of FreeBSD-syntax programs, first in the PATH of commands
	 * on the host; NULL: none. */
	const char *helpers;
	/* An eventfd(2): what its 32 low bits count are interrupts typed at the
	 * terminal, which a foreground command may want for itself; what is
	 * above asks to stop in any case. -1: never stops early. */
	int cancel_fd;
};

/* Which jails: those of a file, or one from the command line. */
struct run_request {
	const struct conf *conf;       /* NULL: no file */
	const struct conf_jail *words; /* command-line jail, or NULL */
	char *const *name; /* names, wildcards or jids; none: all of conf */
	size_t n;
};

/* One more than RUN_TERMINAL interrupts asks to stop in any case. */
#define RUN_TERMINAL 1ULL
#define RUN_CANCEL   (1ULL << 32)

/*
 * Do it. Returns 0 when every selected jail succeeded, 1 when one did not: all
 * is then told through io. Negative errno only when nothing was begun (memory,
 * epoll).
 */
int run_jails(struct jail_sys *sys, const struct run_request *req,
              const struct run_options *opt, const struct run_io *io,
              struct error *err);
#endif
