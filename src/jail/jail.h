/* SPDX-License-Identifier: BSD-2-Clause */
/* jail.h - the jails of this machine: what FreeBSD's kernel does for jail(2).
 *
 * A jail is a set of namespaces held by a first process of its own (init), a
 * cgroup, and one directory of small files below the runtime directory
 * (/run/gaol, or $GAOL_RUN). Parameters go in and out as canonical text
 * (param.h). What runs is read from the kernel each time: a record whose init
 * is gone is a dead jail, whoever wrote it.
 *
 * Does not own: hooks, jail.conf, mounts on the host, waiting (run.h does).
 * Threads: none; every call may block on file and namespace system calls.
 */
#ifndef JAIL_JAIL_H
#define JAIL_JAIL_H
#include <sys/types.h>

#include <stdbool.h>

#include "base/dict.h"
#include "base/error.h"
#include "base/strv.h"

struct jail_sys; /* the opened runtime directory and cgroup root */

/* Open for reading, or also for making and changing (needs privilege; makes
 * the runtime directory). *out_sys is the caller's: jail_sys_close(). */
int jail_sys_open(bool writable, struct jail_sys **out_sys, struct error *err);
void jail_sys_close(struct jail_sys *sys);

/* What other floors do for us, set by the program: jail must not know net. */
struct jail_hooks {
	/* Before a VNET jail's processes are killed: take its borrowed
	 * interfaces back. Best effort; may be NULL. */
	void (*before_kill)(void *arg, int jid);
	void *arg;
};
void jail_sys_set_hooks(struct jail_sys *sys, const struct jail_hooks *hooks);
/* The runtime directory's descriptor, -1 when there is none; sys's. */
int jail_sys_run_dir(const struct jail_sys *sys);

/*
 * Erase what dead jails left. Once no jail is there, also what gaol keeps
 * between jails: device templates, programs in the kernel, the cgroup above.
 * Returns the number of jails there are.
 */
int jail_sys_tidy(struct jail_sys *sys, struct error *err);

/* A mount made inside the jail's own mount namespace while it is created, in
 * order: devfs, fdescfs, procfs, linprocfs, linsysfs, tmpfs. */
struct jail_mount {
	const char *type;  /* FreeBSD's word */
	const char *where; /* below the jail's root, "/dev" */
	const char *opts;  /* comma list: "ruleset=4", "size=64m,mode=1777" */
};

/*
 * Make a jail. params holds canonical text of kernel parameters only; absent
 * ones take their defaults. mounts may be NULL when n is 0.
 *
 * warn is told, once each, in one line, what was chosen when this host cannot
 * do the exact thing; may be NULL.
 *
 * Returns the jid. Errors carry FreeBSD's words (jail_set(2)): -EEXIST 'jail
 * "x" already exists', -EPERM "prison limit exceeded", ... Nothing is left of
 * a jail that could not be made.
 */
int jail_create(struct jail_sys *sys, const struct dict *params,
                const struct jail_mount *mounts, size_t n,
                void (*warn)(void *arg, const char *line), void *arg,
                struct error *err);

/* Change parameters of a running jail; only those in params. -EINVAL "vnet
 * cannot be changed after creation" for create-only ones that differ. */
int jail_update(struct jail_sys *sys, int jid, const struct dict *params,
                struct error *err);

/*
 * Every parameter of one jail as canonical text, in the table's order, into
 * the empty dict out: also read-only ones (parent, dying, cpuset.id,
 * children.cur). Names and paths are relative to the caller's jail. Host names
 * are what they are now, for a caller who is root; else as they were set.
 * -ENOENT "jail N not found".
 */
int jail_get(struct jail_sys *sys, int jid, struct dict *out,
             struct error *err);

/*
 * jail_get() of all running jails, in ascending jid order, each handed to
 * each() for as long as the call lasts; only the parameters in names, in their
 * order (NULL-ended; NULL: all). One record read per jail, where jail_next()
 * and jail_get() need two. each() returns 0, or a negative errno to stop, which
 * is then the result.
 */
int jail_each(struct jail_sys *sys, const char *const *names,
              int (*each)(void *arg, const struct dict *params), void *arg,
              struct error *err);

/* The jid of a running jail by decimal jid or by name. -ENOENT 'jail "x" not
 * found'. */
int jail_find(struct jail_sys *sys, const char *id_or_name, struct error *err);

/* The lowest jid of a running jail above after; -ENOENT when there is none. */
int jail_next(struct jail_sys *sys, int after, struct error *err);

/* Kill all processes of a jail and its children, and forget it. Returns when
 * nothing of it is left. */
int jail_remove(struct jail_sys *sys, int jid, struct error *err);

/*
 * The right to make and unmake things on the host for the jail of that name,
 * which one process has at a time until jail_turn_drop(), or until it ends.
 * Returns a descriptor, the caller's. -EAGAIN: somebody else has it.
 * -EDEADLK: one of which we are a child, grandchild, ... has it.
 */
int jail_turn_take(struct jail_sys *sys, const char *name, struct error *err);
void jail_turn_drop(struct jail_sys *sys, const char *name, int fd);

/* Append the pids, as the host sees them, of the processes in a jail itself
 * (its children's jails and its init left out). Returns their number. */
int jail_pids(struct jail_sys *sys, int jid, pid_t **out_pids,
              struct error *err);

/* Send sig to each of jail_pids(). Returns how many got it. */
int jail_signal(struct jail_sys *sys, int jid, int sig, struct error *err);

/* A descriptor that polls readable once the jail is gone (a pidfd of its
 * init); the caller's to close. */
int jail_pidfd(struct jail_sys *sys, int jid, struct error *err);

/* A command to run inside a jail. */
struct jail_cmd {
	char *const *argv;         /* NULL-ended; argv[0] is sought in PATH;
	                            * NULL: "$SHELL -i" of the environment */
	char *const *envp;         /* NULL: the caller's environment */
	const char *fallback;      /* run when argv[0] is not there, or NULL */
	const char *user;          /* NULL: stay root of the jail */
	bool host_passwd;          /* look user up on the host, not inside */
	bool clean;                /* scrub the environment (exec.clean, -l) */
	bool home;                 /* chdir to the user's home when clean */
	const char *cwd;           /* inside; NULL: "/" */
	int fd_in, fd_out, fd_err; /* -1: the caller's own */
	bool new_session;          /* the trailing-& form: a session of its own,
	                            * nobody's child outside */
};

/*
 * Start a command inside a jail, as the caller's direct child, with all the
 * jail's confinement on. Returns as soon as the exec succeeded or failed.
 *
 * Returns the child's pid; with new_session it is reaped already, and only
 * says that the command runs. Errors: -ENOENT the jail, or what exec, chdir or
 * the user look-up said: "exec CMD: STRERROR", "USER: no such user".
 */
pid_t jail_spawn(struct jail_sys *sys, int jid, const struct jail_cmd *cmd,
                 struct error *err);
#endif
