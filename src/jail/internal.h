/* SPDX-License-Identifier: BSD-2-Clause */
/* internal.h - what the files behind jail.h share: the opened runtime
 * directory and a jail's record.
 *
 * Below the runtime directory:
 *   lock            held while jids, names, addresses and uids are claimed
 *   next            the jid to try next
 *   swept           how far the search for dead jails has come
 *   jails/JID/lock  held while that jail is made, changed or removed
 *   jails/JID/record  every parameter and how to find the jail (record keys)
 *   name/NAME       link to JID (a slash in NAME is a byte 1)
 *   uid/SLOT        link to JID: the jail's range of 65536 host uids
 *   addr/IP/JID     who has an address
 *   turn/NAME       held while the host is made ready for a jail, or cleared
 *
 * A claim counts only while jails/JID exists. The record is written before the
 * claims it names and before anything is made in the kernel, so whoever finds
 * a jail without a living init can undo all of it from its record.
 */
#ifndef JAIL_INTERNAL_H
#define JAIL_INTERNAL_H
#include <limits.h>
#include <stdbool.h>

#include "base/dict.h"
#include "base/error.h"
#include "jail/jail.h"
#include "linux/pidref.h"

/* Record keys that are not parameters. */
#define REC_STATE     "state" /* "starting", "up" */
#define REC_INIT_PID  "init.pid"
#define REC_INIT_TIME "init.start"
#define REC_INIT_INO  "init.ino"
#define REC_CGROUP    "cgroup"   /* below the unified root */
#define REC_PIDS      "pids"     /* its group of that version 1 controller */
#define REC_UID_BASE  "uid.base" /* host uid of the jail's root */
#define REC_UID_SLOT  "uid.slot" /* the range claimed for it */
#define REC_NS        "ns"       /* CLONE_NEW* to enter, decimal */

enum {
	JAIL_MAX_JID = 999999,
	UID_RANGE = 65536, /* ids per jail */
	PATH_JAIL = 64,    /* room for "jails/999999/record" */
};

struct jail_sys {
	int run;     /* runtime directory; -1: there is none (read-only use) */
	int cg;      /* unified cgroup root; -1 until sys_cgroup() */
	bool nested; /* we are in a jail ourselves */
	bool writable;
	char path[PATH_MAX];
	char cg_base[80]; /* group above all our jails' */
	struct netwall *wall;
	struct jail_hooks hooks;
	int *snap; /* jids at the last sys_snapshot(), ascending */
	size_t n_snap;
};

/* Open the runtime directory as it is now, made if need be: again after
 * somebody tidied it away. */
int sys_open_run(struct jail_sys *sys, struct error *err);

/* Is what we opened still the runtime directory, and furnished? Stays so while
 * the runtime lock is held. */
bool sys_run_is_current(const struct jail_sys *sys);

/*
 * Wait for the runtime lock: only who holds it may claim, and clear the dead
 * away. Tidying may have taken the directory away meanwhile: then there is a
 * new one. Returns the lock's descriptor, the caller's. Taken before any
 * jail's lock that is waited for, except the caller's own jail's.
 */
int sys_lock(struct jail_sys *sys, struct error *err);

/* Nobody uses it any more (the runtime lock is held): unmount and remove it
 * when it is ours alone. */
void sys_close_run(struct jail_sys *sys);

/* Its furniture is gone already: unmount and remove it if nobody else keeps
 * anything there. */
void sys_leave_run(struct jail_sys *sys);

/* Open the cgroup root and see that our base group and its memory cap are
 * there; sets sys->cg. */
int sys_cgroup(struct jail_sys *sys, struct error *err);

/* Remember which jids there are now, in order: sys->snap. */
int sys_snapshot(struct jail_sys *sys, struct error *err);

/* Remove the turns of the killed, with the runtime lock held. True: somebody
 * has his still. */
bool turn_sweep(struct jail_sys *sys);

enum record_life {
	RECORD_NONE, /* no such jail */
	RECORD_BUSY, /* being made or removed right now */
	RECORD_DEAD, /* init is gone, or it was never finished */
	RECORD_ALIVE,
};

struct record {
	int jid;
	struct dict d;
	struct pidref init;
	int pidfd; /* of init when alive; else -1 */
};

#define RECORD_INIT                                                            \
	{                                                                      \
		0, DICT_INIT, { 0, 0, 0 }, -1                                  \
	}
#define cleanup_record __attribute__((cleanup(record_fini)))

void record_fini(struct record *r);
/* Read a jail's record and see whether it lives. */
enum record_life record_load(struct jail_sys *sys, int jid, struct record *r);
/* The same, with -ENOENT "jail N not found" unless alive. */
int record_get(struct jail_sys *sys, int jid, struct record *r,
               struct error *err);
int record_save(struct jail_sys *sys, const struct record *r,
                struct error *err);
/* Write a living init's identity into the record. */
int record_set_init(struct record *r, int pidfd, pid_t pid, struct error *err);

/* Lock a jail for change; -ENOENT when it went meanwhile. Returns the lock's
 * descriptor. */
int record_lock(struct jail_sys *sys, int jid, struct error *err);

/*
 * Claim a jid (0: any), the record's name, addresses and a uid range, and write
 * the record as "starting". Dead jails in the way are cleaned. On success the
 * jail's lock is held through *out_lock.
 */
int record_reserve(struct jail_sys *sys, int want_jid, bool want_uids,
                   struct record *r, int *out_lock, struct error *err);

/* Make a renamed jail's new name point at it. */
int record_rename(struct jail_sys *sys, struct record *r, const char *to,
                  struct error *err);

/* Swap the claims on addresses for those of ip4.addr and ip6.addr in next. */
int record_readdress(struct jail_sys *sys, const struct record *r,
                     const struct dict *next, struct error *err);

/* Erase a jail whose init is gone; the runtime lock is held. 1: the jid is free
 * now; 0: the jail lives, or somebody is at work on it. */
int record_reap(struct jail_sys *sys, int jid, struct error *err);

/* Kill what is left of a jail and undo its record and claims; the caller holds
 * its lock. */
int record_erase(struct jail_sys *sys, struct record *r, struct error *err);

/* Jids whose jails' names lie below NAME., malloc'ed. Returns their number. */
int record_children(struct jail_sys *sys, const char *name, int **out_jids,
                    struct error *err);

/* The jid a name points to, living or not; 0: none. */
int record_named(struct jail_sys *sys, const char *name);

/* Load the jail that a name's dots put above it; out->jid stays 0 when there is
 * no dot. -ENOENT 'jail "x" not found'. */
int record_parent(struct jail_sys *sys, const char *name, struct record *out,
                  struct error *err);

/* The directory of a jail's own processes, its cgroup below REC_CGROUP. */
int record_open_group(struct jail_sys *sys, const struct record *r,
                      struct error *err);
#endif
