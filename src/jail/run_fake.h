/* SPDX-License-Identifier: BSD-2-Clause */
/* run_fake.h - the world in which the runner is tested: a fake of jail.h, and
 * programs instead of ifconfig, mount and umount.
 *
 * Everything that happens is a line of one log: commands on the host write to
 * it (those programs, and hooks of the shape "log WORD"), the fake jail_*()
 * calls do, and what is told, after "> " or "! ".
 */
#ifndef JAIL_RUN_FAKE_H
#define JAIL_RUN_FAKE_H
#include <sys/types.h>

#include <stdbool.h>

#include "jail/run.h"

enum { MAX_JAILS = 32 };

struct world {
	char dir[64], helpers[80], root[80], log[80];
	struct {
		char name[32];
		bool persist;
	} jail[MAX_JAILS]; /* jid - 1 */
	int next_jid;
	const char *create_fails;
	int n_tidied;
	int n_busy;        /* how often another has the jail's turn */
	bool is_overtaken; /* ... and makes the jail */
	pid_t victim;      /* a process that jail_pids() shows */
	char mounts[256];  /* what jail_create() was given */
};
extern struct world w;

/* cmocka's set-up and tear-down of the group, and set-up of a test. */
int make_world(void **state);
int drop_world(void **state);
int reset_world(void **state);

/* Run a configuration: text with the jails' path before it; names NULL: all. */
int run_conf(const char *text, const struct run_options *opt,
             const char *const *names);

/* The log since the last time is want, where each @ stands for the path. */
void expect(const char *want);
#endif
