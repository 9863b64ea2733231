/* SPDX-License-Identifier: BSD-2-Clause */
/* run_internal.h - what the parts of the runner share.
 *
 *   run.c          the phases of each jail, the event loop
 *   run_select.c   which jails
 *   run_depend.c   who waits for whom
 *   run_steps.c    the tables of steps, and each step
 *   run_set.c      making and changing the jail itself
 *   run_command.c  command lines into processes
 *   run_turn.c     one jail(8) at a time for each name
 *   run_tell.c     lines for the user
 *
 * A jail goes through these phases; every arrow that starts nothing is taken in
 * the same call:
 *
 *   FRESH -> WAIT_STOP -> STOP -> WAIT_START -> TURN -> START -> DONE
 *                                                         | a step fails
 *                                                         v
 *                                                       UNDO -> DONE (failed)
 *
 * Invariant: a jail is in one queue at most, or has one command (or one process
 * it waits for) in the epoll set, or waits for another jail, or is DONE.
 */
#ifndef JAIL_RUN_INTERNAL_H
#define JAIL_RUN_INTERNAL_H
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "jail/run.h"
#include "jail/run_plan.h"

enum run_phase {
	PHASE_FRESH,
	PHASE_WAIT_STOP,
	PHASE_STOP,
	PHASE_WAIT_START,
	PHASE_TURN, /* another jail(8) starts or stops it */
	PHASE_START,
	PHASE_UNDO,
	PHASE_DONE,
};

struct run_jail;

struct run_edge {
	struct run_jail *to;
	bool is_light; /* satisfied once created, or removed */
};

struct run_edges {
	struct run_edge *v;
	size_t n;
};

struct run_jail {
	const struct conf_jail *conf;
	struct conf_jail stand_in; /* conf of a jail that no file has */
	const char *label;         /* before messages; NULL: none */
	struct plan plan;

	unsigned ops;      /* enum run_op; 0: not selected */
	bool is_wild;      /* chosen with others, or pulled in: be lenient */
	bool is_needed;    /* pulled in by a jail that needs it */
	bool is_dependent; /* pulled in to stop before one it needs */
	bool starts;       /* after what it has to stop */
	bool is_cleanup;   /* stops though it is gone already (-C) */
	bool is_failed;
	bool is_gone, is_stop_over;     /* its removal; all stop steps */
	bool is_created, is_start_over; /* its creation; all start steps */
	bool has_temporary_persist;
	int jid; /* 0: not running */

	enum run_phase phase;
	size_t row, item;    /* where in the phase's table */
	bool is_interrupted; /* the item at row, item was begun, not ended */

	/* What is waited for: a command, or the processes told to end. */
	pid_t pid;
	int pidfd; /* -1: nothing */
	bool is_command, is_inside;
	char *command;       /* its text */
	int64_t deadline_ms; /* 0: none */
	pid_t *victims;
	int n_victims, next_victim;

	/* Our children in the jail that nobody waits for. Dead but not reaped
	 * they would keep its pid namespace from ending. */
	pid_t *stray;
	size_t n_stray;

	struct run_edges needs, needed_by;
	size_t n_loop; /* scratch of the loop search, as is_in_loop */
	bool is_in_loop;

	int turn;      /* the lock; -1: none */
	bool has_turn; /* also when it needs none */

	struct run_jail *next; /* in a queue */
	bool is_queued;
};

struct run_queue {
	struct run_jail *head, **tail;
};

struct run {
	struct jail_sys *sys;
	const struct run_request *req;
	const struct run_options *opt;
	const struct run_io *io;
	struct run_jail **jail; /* those of the file first, in its order */
	size_t n, n_conf;
	struct run_jail **by_name; /* the file's, sorted */
	struct run_queue ready;    /* can go on */
	struct run_queue slots;    /* wait for a command to end (-p) */
	struct run_queue turns;    /* wait for another jail(8); asked often */
	unsigned limit;            /* commands at once */
	unsigned n_commands;       /* that run now */
	unsigned n_waiting;        /* in the epoll set */
	int epoll;
	bool is_cancelled, is_dying_told;
	bool has_failed;
	bool is_untidy; /* a jail to be removed was not there: was it half made?
	                 */
};

enum step_result {
	STEP_DONE,
	STEP_WAIT,    /* run_finish() will say how it ended */
	STEP_NO_SLOT, /* nothing begun: -p commands run already */
	STEP_NO_TURN, /* nothing begun: another jail(8) is at it */
	STEP_OTHERS,  /* of run_turn_take() only */
	STEP_FAILED,  /* and told */
};

/* What a callback gets to know whom it is about. */
struct run_step_arg {
	struct run *r;
	struct run_jail *j;
};

/* run.c: one line about a jail. */
void run_error(struct run *r, const struct run_jail *j, const char *fmt, ...)
    PRINTF(3, 4);
/* Of the verbose transcript. */
void run_detail(struct run *r, const struct run_jail *j, const char *fmt, ...)
    PRINTF(3, 4);
/* 'jail "web" not found' */
void run_error_quoted(struct run *r, const struct run_jail *j,
                      const char *what);
/* "created", "removed", "updated": unless told to be quiet. */
void run_note(struct run *r, const struct run_jail *j, const char *what);
/* Wait for pidfd (taken) of j until it polls, at most timeout_s (0: for ever).
 */
int run_wait_for(struct run *r, struct run_jail *j, int pidfd, int timeout_s);
void run_queue_push(struct run_queue *q, struct run_jail *j);

/* run_select.c: make the list of jails and mark the selected ones. */
int run_select(struct run *r, struct error *err);

/* run_depend.c: fill in the index and the edges among the file's jails. */
int run_depend_setup(struct run *r);
/* Pull in what the selected ones need. Mistakes are told, their jails failed.
 */
int run_depend_pull(struct run *r);
struct run_jail *run_find(const struct run *r, const char *name);
enum run_verdict {
	RUN_GO,
	RUN_BLOCKED,
	RUN_SKIP, /* something it waits for failed */
};
enum run_verdict run_may_stop(const struct run_jail *j);
enum run_verdict run_may_start(const struct run_jail *j);
/* j has come further: those that wait for it may go on. */
void run_wake(struct run *r, const struct run_jail *j);

/* run_steps.c: go on with the phase's table until something is to be waited
 * for (STEP_WAIT, STEP_NO_SLOT), the table ends (STEP_DONE) or a step that must
 * not fail did. The first after a wait is told how it ended. */
enum step_result run_steps_start(struct run *r, struct run_jail *j);
enum step_result run_steps_stop(struct run *r, struct run_jail *j);
enum step_result run_steps_undo(struct run *r, struct run_jail *j);
/* Set row and item to where stopping begins, or undoing. */
void run_steps_begin_stop(struct run *r, struct run_jail *j);
void run_steps_begin_undo(struct run_jail *j);
/* A failure here leaves the jail running: stopping ends. */
bool run_steps_is_before_removal(const struct run_jail *j);
/* The item at row, item is over, well or not. */
void run_steps_step_over(struct run_jail *j);
/* Is the foreground command of the user at work? */
bool run_steps_is_foreground(const struct run_jail *j);

/* Is there anything to do on the host before the jail is made, or after it has
 * gone? */
bool run_steps_touch_host(const struct run_jail *j);

/*
 * run_turn.c: hold the jail's name against other jail(8)s, as long as it does
 * not exist and things on the host are made or unmade for it. Between it is
 * free: what a jail runs may take for ever, and must be stoppable.
 *
 * STEP_DONE: held. STEP_OTHERS: held, but a jail of that name lives which is
 * not j, and what is on the host is its. STEP_NO_TURN: ask again later.
 * STEP_FAILED (when starting): told.
 */
enum step_result run_turn_take(struct run *r, struct run_jail *j);
void run_turn_end(struct run *r, struct run_jail *j);

/* run_set.c */
enum step_result run_set_create(struct run *r, struct run_jail *j);
enum step_result run_set_drop_persist(struct run *r, struct run_jail *j);
/* -m. True: nothing was done, the jail must be made anew (if it may). */
bool run_set_modify(struct run *r, struct run_jail *j, bool may_restart);

/* run_command.c */
/* Split a command line as jail(8) does: into words, or for sh -c. 0: empty.
 * Pure. -ENOMEM. */
int run_command_split(const char *line, struct strv *argv,
                      bool *out_background);
/* Remember a child in the jail that nobody will wait for; end all those. */
int run_command_stray(struct run_jail *j, pid_t pid);
void run_command_end_strays(struct run_jail *j);

enum run_place {
	RUN_STEP,   /* one of our own steps: argv[0] is FreeBSD's path */
	RUN_HOST,   /* a hook */
	RUN_INSIDE, /* in the jail */
};
/* Start a command of a jail. text is what messages call it. */
enum step_result run_command_start(struct run *r, struct run_jail *j,
                                   const struct strv *argv, const char *text,
                                   enum run_place place, bool is_background);
#endif
