/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - the phases that each jail goes through, and the event loop. */
#include "jail/run.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "jail/run_internal.h"
#include "linux/probe.h"

/* --- queues, waiting --- */

static void
queue_init(struct run_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

void
run_queue_push(struct run_queue *q, struct run_jail *j)
{
	if (j->is_queued)
		return;
	j->is_queued = true;
	j->next = NULL;
	*q->tail = j;
	q->tail = &j->next;
}

static struct run_jail *
queue_pop(struct run_queue *q)
{
	struct run_jail *j = q->head;

	if (j == NULL)
		return NULL;
	q->head = j->next;
	if (q->head == NULL)
		q->tail = &q->head;
	j->is_queued = false;
	return j;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
run_wait_for(struct run *r, struct run_jail *j, int pidfd, int timeout_s)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = j };

	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, pidfd, &ev) < 0)
		return -errno;
	if (timeout_s >= 0)
		j->deadline_ms =
		    timeout_s > 0 ? now_ms() + (int64_t)timeout_s * 1000 : 0;
	j->pidfd = pidfd;
	r->n_waiting++;
	return 0;
}

static void
wait_over(struct run *r, struct run_jail *j)
{
	close(j->pidfd); /* leaves the epoll set with it */
	j->pidfd = -1;
	r->n_waiting--;
	if (j->is_command)
		r->n_commands--;
	j->is_command = false;
}

/* --- phases --- */

static void
finish(struct run *r, struct run_jail *j)
{
	j->phase = PHASE_DONE;
	/* Whoever tidied while we were at work had to leave all to us. */
	if (j->turn >= 0 && j->is_failed)
		r->is_untidy = true;
	run_turn_end(r, j);
	if (j->is_failed)
		r->has_failed = true;
	run_wake(r, j);
}

static void
finish_failed(struct run *r, struct run_jail *j)
{
	j->is_failed = true;
	finish(r, j);
}

static void
tell_plan_error(void *arg, const char *line)
{
	const struct run_step_arg *a = arg;

	run_error(a->r, a->j, "%s", line);
}

static void
tell_dying(struct run *r, const struct run_jail *j)
{
	if (r->is_dying_told ||
	    (!r->opt->dying && conf_jail_get(j->conf, "allow.dying") == NULL))
		return;
	r->is_dying_told = true;
	r->io->print(r->io->arg, RUN_ERROR,
	             "the 'allow.dying' parameter and '-d' flag are deprecated "
	             "and have no effect.");
}

/* Is the jail running? Sets jid. Negative errno when that cannot be known. */
static int
find_running(struct run *r, struct run_jail *j, struct error *err)
{
	const char *name = conf_jail_last(j->conf, "jid");
	int jid;

	if (name == NULL)
		name = conf_jail_last(j->conf, "name");
	if (name == NULL)
		name = j->conf->name;
	if (name == NULL)
		return 0;
	jid = jail_find(r->sys, name, err);
	if (jid < 0 && err->code != -ENOENT)
		return err->code;
	j->jid = jid > 0 ? jid : 0;
	return 0;
}

/* What is said of a jail that must run and does not. */
static void
fail_not_found(struct run *r, struct run_jail *j)
{
	if (!r->opt->quiet || (j->ops & RUN_REMOVE) == 0)
		run_error_quoted(r, j, "not found");
	finish_failed(r, j);
}

/* Nothing to do, and that is well. */
static void
finish_idle(struct run *r, struct run_jail *j)
{
	j->is_stop_over = j->is_gone = true;
	j->is_start_over = j->is_created = j->jid > 0;
	finish(r, j);
}

enum intent {
	INTENT_NONE,
	INTENT_NOT_FOUND,
	INTENT_EXISTS,
	INTENT_START,
	INTENT_SET,
	INTENT_STOP,
	INTENT_RESTART,
	INTENT_SET_RESTART,
	INTENT_CLEANUP,       /* the last steps of a jail already gone */
	INTENT_CLEANUP_START, /* ... and then start it */
};

/* What the letters ask for when the jail runs ... */
static enum intent
intent_when_up(const struct run_jail *j)
{
	switch (j->ops) {
	case RUN_CREATE:
		return j->is_wild ? INTENT_NONE : INTENT_EXISTS;
	case RUN_REMOVE:
		return INTENT_STOP;
	case RUN_CREATE | RUN_REMOVE:
		return INTENT_RESTART;
	case RUN_MODIFY:
	case RUN_CREATE | RUN_MODIFY:
		return INTENT_SET;
	default:
		return INTENT_SET_RESTART;
	}
}

/* ... and when it does not. */
static enum intent
intent_when_down(const struct run *r, const struct run_jail *j)
{
	const bool starts = (j->ops & RUN_CREATE) != 0;
	const bool is_chosen = !j->is_needed && !j->is_dependent;

	if (r->opt->cleanup && is_chosen && starts)
		return INTENT_CLEANUP_START;
	if (r->opt->cleanup && is_chosen && (j->ops & RUN_REMOVE) != 0)
		return INTENT_CLEANUP;
	if (starts && j->ops != (RUN_CREATE | RUN_REMOVE))
		return INTENT_START;
	if (!starts || (j->is_dependent && !j->is_needed))
		return j->is_wild ? INTENT_NONE : INTENT_NOT_FOUND;
	return j->is_wild ? INTENT_START : INTENT_NOT_FOUND;
}

static enum plan_use
use_of(enum intent what)
{
	switch (what) {
	case INTENT_STOP:
	case INTENT_CLEANUP:
		return PLAN_REMOVE;
	case INTENT_SET:
		return PLAN_MODIFY;
	default:
		return PLAN_CREATE;
	}
}

static void
begin_stop(struct run *r, struct run_jail *j)
{
	j->phase = PHASE_WAIT_STOP;
	run_steps_begin_stop(r, j);
}

static void
begin_start(struct run_jail *j)
{
	j->phase = PHASE_WAIT_START;
	j->row = j->item = 0;
}

static void
set(struct run *r, struct run_jail *j, bool may_restart)
{
	if (run_set_modify(r, j, may_restart))
		begin_stop(r, j);
	else
		finish_idle(r, j);
}

/* FRESH: look at the jail and choose its way. */
static void
decide(struct run *r, struct run_jail *j)
{
	struct run_step_arg arg = { r, j };
	struct error err;
	enum intent what;

	if (j->is_failed || j->conf->failed) {
		finish_failed(r, j);
		return;
	}
	if (find_running(r, j, &err) < 0) {
		run_error(r, j, "%s", err.msg);
		finish_failed(r, j);
		return;
	}
	what = j->jid > 0 ? intent_when_up(j) : intent_when_down(r, j);
	if (j->jid <= 0 && (j->ops & RUN_REMOVE) != 0)
		r->is_untidy = true;
	if (what == INTENT_NONE) {
		finish_idle(r, j);
		return;
	}
	if (what == INTENT_NOT_FOUND) {
		fail_not_found(r, j);
		return;
	}
	if (what == INTENT_EXISTS) {
		run_error_quoted(r, j, "already exists");
		finish_failed(r, j);
		return;
	}
	tell_dying(r, j);
	if (!r->opt->only_remove &&
	    plan_build(&j->plan, j->conf, use_of(what), probe_maps_tmpfs,
	               tell_plan_error, &arg) < 0) {
		finish_failed(r, j);
		return;
	}
	j->starts = what == INTENT_START || what == INTENT_RESTART ||
	            what == INTENT_SET_RESTART || what == INTENT_CLEANUP_START;
	j->is_cleanup = what == INTENT_CLEANUP || what == INTENT_CLEANUP_START;
	j->is_gone = j->jid <= 0;
	if (what == INTENT_SET || what == INTENT_SET_RESTART)
		set(r, j, what == INTENT_SET_RESTART);
	else if (what == INTENT_START)
		begin_start(j);
	else
		begin_stop(r, j);
}

static void
skip(struct run *r, struct run_jail *j)
{
	if (!r->opt->quiet)
		run_error(r, j, "skipped");
	finish_failed(r, j);
}

/* A phase that waits for other jails. True: go on with next. */
static bool
pass(struct run *r, struct run_jail *j, enum run_verdict verdict,
     enum run_phase next)
{
	if (verdict == RUN_SKIP)
		skip(r, j);
	else if (verdict == RUN_GO)
		j->phase = next;
	else
		run_turn_end(r, j); /* who waits for others holds nobody up */
	return verdict != RUN_BLOCKED;
}

/* Nobody else is at work on it: does it still not run? True: go on. */
static bool
take_turn(struct run *r, struct run_jail *j)
{
	switch (run_turn_take(r, j)) {
	case STEP_NO_TURN:
		run_queue_push(&r->turns, j);
		return false;
	case STEP_DONE:
		j->phase = PHASE_START;
		return true;
	case STEP_OTHERS:
		if (j->is_wild) {
			finish_idle(r, j);
			return true;
		}
		run_error_quoted(r, j, "already exists");
		break;
	default:
		break;
	}
	finish_failed(r, j);
	return true;
}

static void
stop_over(struct run *r, struct run_jail *j)
{
	j->is_stop_over = true;
	j->is_cleanup = false;
	if (j->starts && !j->is_failed) {
		begin_start(j);
		run_wake(r, j);
	} else {
		finish(r, j);
	}
}

static void
start_over(struct run *r, struct run_jail *j)
{
	j->is_start_over = true;
	if (r->io->created != NULL)
		r->io->created(r->io->arg, j->jid, j->conf);
	finish(r, j);
}

static void
begin_undo(struct run_jail *j)
{
	j->is_failed = true;
	j->phase = PHASE_UNDO;
	run_steps_begin_undo(j);
}

/* What a phase's end means; false: the jail waits. */
static bool
take_result(struct run *r, struct run_jail *j, enum step_result res)
{
	if (res == STEP_WAIT)
		return false;
	if (res == STEP_NO_SLOT || res == STEP_NO_TURN) {
		run_queue_push(res == STEP_NO_SLOT ? &r->slots : &r->turns, j);
		return false;
	}
	if (j->phase == PHASE_UNDO)
		finish(r, j);
	else if (j->phase == PHASE_START && res == STEP_DONE)
		start_over(r, j);
	else if (j->phase == PHASE_START)
		begin_undo(j);
	else if (res == STEP_DONE)
		stop_over(r, j);
	else
		finish_failed(r, j);
	return true;
}

/* Take a jail as far as it goes without waiting. */
static void
advance(struct run *r, struct run_jail *j)
{
	bool goes_on = true;

	while (goes_on && j->phase != PHASE_DONE) {
		switch (j->phase) {
		case PHASE_FRESH:
			decide(r, j);
			break;
		case PHASE_WAIT_STOP:
			goes_on = pass(r, j, run_may_stop(j), PHASE_STOP);
			break;
		case PHASE_STOP:
			goes_on = take_result(r, j, run_steps_stop(r, j));
			break;
		case PHASE_WAIT_START:
			goes_on = pass(r, j, run_may_start(j), PHASE_TURN);
			break;
		case PHASE_TURN:
			goes_on = take_turn(r, j);
			break;
		case PHASE_START:
			goes_on = take_result(r, j, run_steps_start(r, j));
			break;
		case PHASE_UNDO:
			goes_on = take_result(r, j, run_steps_undo(r, j));
			break;
		case PHASE_DONE:
			break;
		}
	}
}

/* --- what ended, what took too long, what is to stop --- */

/* The item waited for has failed: where does that lead? */
static void
item_failed(struct run *r, struct run_jail *j)
{
	switch (j->phase) {
	case PHASE_START:
		begin_undo(j);
		break;
	case PHASE_STOP:
		j->is_failed = true;
		if (run_steps_is_before_removal(j))
			finish(r, j);
		else
			run_steps_step_over(j);
		break;
	default:
		run_steps_step_over(j); /* undoing goes on, come what may */
		break;
	}
}

/* The process waited for has ended. */
static void
take_end(struct run *r, struct run_jail *j)
{
	bool was_command = j->is_command;
	siginfo_t si = { 0 };

	wait_over(r, j);
	if (!was_command)
		return; /* the step looks for the next one itself */
	while (waitid(P_PID, (id_t)j->pid, &si, WEXITED) < 0)
		if (errno != EINTR)
			break;
	if (si.si_code == CLD_EXITED && si.si_status == 0) {
		run_steps_step_over(j);
		return;
	}
	if (si.si_code == CLD_EXITED)
		run_error(r, j, "%s: failed", j->command);
	else
		run_error(r, j, "%s: exited on signal %d", j->command,
		          si.si_status);
	item_failed(r, j);
}

/* Nobody waits for the command any more; it may go on by itself. */
static void
give_up(struct run *r, struct run_jail *j)
{
	if (j->is_inside && run_command_stray(j, j->pid) < 0)
		run_error(r, j, "out of memory");
}

static void
take_timeout(struct run *r, struct run_jail *j)
{
	bool was_command = j->is_command;

	wait_over(r, j);
	if (was_command) {
		run_error(r, j, "%s: timed out", j->command);
		give_up(r, j);
		j->is_interrupted = j->phase == PHASE_START;
		item_failed(r, j);
	} else {
		run_detail(r, j, "timed out");
		run_steps_step_over(j);
	}
	advance(r, j);
}

/* Somebody wants us to end: undo what is half made, finish what is half undone,
 * begin nothing. */
static void
cancel(struct run *r, struct run_jail *j)
{
	switch (j->phase) {
	case PHASE_FRESH:
	case PHASE_WAIT_STOP:
	case PHASE_WAIT_START:
	case PHASE_TURN:
		finish_failed(r, j);
		return;
	case PHASE_STOP:
		if (!run_steps_is_before_removal(j))
			return;
		break;
	case PHASE_START:
		break;
	default:
		return;
	}
	run_error(r, j, "interrupted");
	if (j->pidfd >= 0) {
		if (j->is_command) {
			kill(j->pid, SIGTERM);
			give_up(r, j);
		}
		wait_over(r, j);
		j->is_interrupted = j->phase == PHASE_START;
	}
	item_failed(r, j);
	run_queue_push(&r->ready, j);
}

static void
take_cancel(struct run *r)
{
	uint64_t count = 0;

	if (r->opt->cancel_fd < 0 ||
	    read(r->opt->cancel_fd, &count, sizeof(count)) !=
	        (ssize_t)sizeof(count) ||
	    r->is_cancelled)
		return;
	/* What is typed at the terminal is the foreground command's too. */
	if (count < RUN_CANCEL)
		for (size_t i = 0; i < r->n; i++)
			if (r->jail[i]->pidfd >= 0 &&
			    run_steps_is_foreground(r->jail[i]))
				return;
	r->is_cancelled = true;
	for (size_t i = 0; i < r->n; i++)
		if (r->jail[i]->ops != 0)
			cancel(r, r->jail[i]);
}

/* Milliseconds until the next deadline, for epoll_wait(2). */
static int
next_timeout(const struct run *r)
{
	enum { MAX_SLEEP = 3600 * 1000, TURN_SLEEP = 10 };
	int64_t first = 0, now;

	if (r->turns.head != NULL)
		return TURN_SLEEP;

	for (size_t i = 0; i < r->n; i++) {
		const struct run_jail *j = r->jail[i];

		if (j->pidfd >= 0 && j->deadline_ms > 0 &&
		    (first == 0 || j->deadline_ms < first))
			first = j->deadline_ms;
	}
	if (first == 0)
		return -1;
	now = now_ms();
	return first <= now              ? 0
	       : first - now > MAX_SLEEP ? MAX_SLEEP
	                                 : (int)(first - now);
}

static void
check_deadlines(struct run *r)
{
	int64_t now = now_ms();

	for (size_t i = 0; i < r->n; i++) {
		struct run_jail *j = r->jail[i];

		if (j->pidfd >= 0 && j->deadline_ms > 0 &&
		    j->deadline_ms <= now)
			take_timeout(r, j);
	}
}

/* Those whose turn it is: first what became ready, then what waits for a free
 * place among the commands. */
static void
run_ready(struct run *r)
{
	for (;;) {
		struct run_jail *j = queue_pop(&r->ready);

		if (j == NULL && r->n_commands < r->limit)
			j = queue_pop(&r->slots);
		if (j == NULL)
			return;
		advance(r, j);
		take_cancel(r); /* making many jails takes its time */
	}
}

static void
loop(struct run *r)
{
	enum { EVENTS = 16 };
	struct epoll_event ev[EVENTS];

	run_ready(r);
	while (r->n_waiting > 0 || r->turns.head != NULL) {
		struct run_jail *j;
		int n = epoll_wait(r->epoll, ev, EVENTS, next_timeout(r));

		for (int i = 0; i < n; i++) {
			j = ev[i].data.ptr;
			if (j == NULL) {
				take_cancel(r);
				break; /* the other events may be stale now */
			}
			take_end(r, j);
			advance(r, j);
		}
		check_deadlines(r);
		while ((j = queue_pop(&r->turns)) != NULL)
			run_queue_push(&r->ready, j);
		run_ready(r);
	}
	/* Without rings nobody waits for ever; should it be so, say it. */
	for (size_t i = 0; i < r->n; i++)
		if (r->jail[i]->ops != 0 && r->jail[i]->phase != PHASE_DONE)
			skip(r, r->jail[i]);
}

/* --- all of it --- */

static void
queue_selected(struct run *r)
{
	/* What was started last is stopped first. */
	bool backward = (r->opt->ops & RUN_REMOVE) != 0;

	for (size_t i = 0; i < r->n; i++) {
		struct run_jail *j = r->jail[backward ? r->n - 1 - i : i];

		if (j->ops != 0)
			run_queue_push(&r->ready, j);
	}
}

/* Each command costs a descriptor: leave room for our own. */
static unsigned
command_limit(unsigned asked)
{
	enum { OWN_FDS = 64, AT_LEAST = 8 };
	struct rlimit rl;
	unsigned most = AT_LEAST;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 &&
	    rl.rlim_cur > OWN_FDS + AT_LEAST)
		most = rl.rlim_cur > 1 << 20 ? 1 << 20
		                             : (unsigned)rl.rlim_cur - OWN_FDS;
	return asked != 0 && asked < most ? asked : most;
}

static int
open_loop(struct run *r, struct error *err)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };

	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0)
		return error_sys(err, "epoll_create");
	if (r->opt->cancel_fd >= 0 &&
	    epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->opt->cancel_fd, &ev) < 0)
		return error_sys(err, "epoll_ctl");
	return 0;
}

static void
run_fini(struct run *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct run_jail *j = r->jail[i];

		plan_fini(&j->plan);
		conf_jail_fini(&j->stand_in);
		free(j->needs.v);
		free(j->needed_by.v);
		free(j->command);
		free(j->victims);
		free(j->stray);
		free(j);
	}
	free(r->jail);
	free(r->by_name);
	if (r->epoll >= 0)
		close(r->epoll);
}

int
run_jails(struct jail_sys *sys, const struct run_request *req,
          const struct run_options *opt, const struct run_io *io,
          struct error *err)
{
	struct run r = { .sys = sys,
		         .req = req,
		         .opt = opt,
		         .io = io,
		         .limit = command_limit(opt->parallel),
		         .epoll = -1 };
	int rc;

	queue_init(&r.ready);
	queue_init(&r.slots);
	queue_init(&r.turns);
	rc = open_loop(&r, err);
	if (rc == 0)
		rc = run_select(&r, err);
	if (rc == 0 && run_depend_pull(&r) < 0)
		rc = error_set(err, -ENOMEM, "out of memory");
	if (rc == 0) {
		queue_selected(&r);
		loop(&r);
		rc = r.has_failed ? 1 : 0;
		if (r.is_untidy && jail_sys_tidy(sys, err) < 0)
			rc = err->code;
	}
	run_fini(&r);
	return rc;
}
