/* SPDX-License-Identifier: BSD-2-Clause */
/* loop.c - one epoll, one eventfd to wake it, one heap of timers.
 *
 * The lock guards the heap, the calls and the clock's offset; it is never held
 * while a handler runs. Timers wake the epoll by its timeout: setting an
 * earlier one signals the eventfd.
 */
#include "vmm/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"

enum { MAX_TIMERS = 1024, MAX_CALLS = 1024, BATCH = 32 };

struct loop_fd {
	struct loop *loop;
	int fd;
	void (*fn)(void *ctx, uint32_t events);
	void *ctx;
	struct loop_fd *next; /* removed while its batch runs: freed later */
};

struct call {
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop {
	int epoll, wake;
	bool in_batch;
	struct loop_fd *dead;
	struct clock_source clock;
	pthread_mutex_t lock; /* all below */
	bool stop;
	bool held;                    /* the guest's time stands at held_ns */
	uint64_t held_ns, held_at_ns; /* in the guest's time, in the host's */
	_Atomic uint64_t stood_ns;
	uint64_t offset_ns;                 /* host time - guest time */
	struct timer *heap[MAX_TIMERS + 1]; /* [1] is the earliest */
	unsigned ntimers;
	struct call call[MAX_CALLS];
	unsigned ncalls;
};

static uint64_t
host_ns(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int
loop_new(const struct clock_source *clock, struct loop **out_loop,
         struct error *err)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return error_set(err, -ENOMEM, "event loop");
	l->clock =
	    clock != NULL ? *clock : (struct clock_source){ host_ns, NULL };
	l->offset_ns = l->clock.now_ns(l->clock.ctx);
	pthread_mutex_init(&l->lock, NULL);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epoll < 0 || l->wake < 0 ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &ev) < 0) {
		error_sys(err, "event loop");
		loop_free(l);
		return err->code;
	}
	*out_loop = l;
	return 0;
}

static void
free_dead(struct loop *l)
{
	while (l->dead != NULL) {
		struct loop_fd *f = l->dead;

		l->dead = f->next;
		free(f);
	}
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	free_dead(l);
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->wake >= 0)
		close(l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void
wake(struct loop *l)
{
	const uint64_t one = 1;

	/* A full counter wakes as well. */
	if (write(l->wake, &one, sizeof(one)) < 0)
		return;
}

/* The clock. */

static uint64_t
now(const struct loop *l)
{
	return l->held ? l->held_ns
	               : l->clock.now_ns(l->clock.ctx) - l->offset_ns;
}

uint64_t
loop_now(const struct loop *l)
{
	/* held and offset change only while no vCPU and no device runs. */
	return now(l);
}

void
loop_clock_hold(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	if (!l->held) {
		l->held_ns = now(l);
		l->held_at_ns = l->clock.now_ns(l->clock.ctx);
		l->held = true;
	}
	pthread_mutex_unlock(&l->lock);
}

void
loop_clock_release(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	if (l->held) {
		uint64_t host = l->clock.now_ns(l->clock.ctx);

		l->offset_ns = host - l->held_ns;
		atomic_fetch_add(&l->stood_ns, host - l->held_at_ns);
		l->held = false;
	}
	pthread_mutex_unlock(&l->lock);
	wake(l);
}

uint64_t
loop_stood_ns(const struct loop *l)
{
	return atomic_load(&l->stood_ns);
}

void
loop_clock_set(struct loop *l, uint64_t now_ns)
{
	pthread_mutex_lock(&l->lock);
	l->held_ns = now_ns;
	l->offset_ns = l->clock.now_ns(l->clock.ctx) - now_ns;
	pthread_mutex_unlock(&l->lock);
	wake(l);
}

/* Timers: a binary heap by deadline; heap_at is each one's place. */

static void
heap_put(struct loop *l, unsigned at, struct timer *t)
{
	l->heap[at] = t;
	t->heap_at = at;
}

static void
heap_up(struct loop *l, unsigned at, struct timer *t)
{
	while (at > 1 && l->heap[at / 2]->deadline_ns > t->deadline_ns) {
		heap_put(l, at, l->heap[at / 2]);
		at /= 2;
	}
	heap_put(l, at, t);
}

static void
heap_down(struct loop *l, unsigned at, struct timer *t)
{
	for (;;) {
		unsigned child = at * 2;

		if (child > l->ntimers)
			break;
		if (child < l->ntimers && l->heap[child + 1]->deadline_ns <
		                              l->heap[child]->deadline_ns)
			child++;
		if (l->heap[child]->deadline_ns >= t->deadline_ns)
			break;
		heap_put(l, at, l->heap[child]);
		at = child;
	}
	heap_put(l, at, t);
}

static void
heap_remove(struct loop *l, struct timer *t)
{
	unsigned at = t->heap_at;
	struct timer *last = l->heap[l->ntimers--];

	t->heap_at = 0;
	if (last == t)
		return;
	if (at > 1 && l->heap[at / 2]->deadline_ns > last->deadline_ns)
		heap_up(l, at, last);
	else
		heap_down(l, at, last);
}

int
timer_set(struct loop *l, struct timer *t, uint64_t deadline_ns)
{
	bool first;
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	if (t->heap_at != 0)
		heap_remove(l, t);
	first = l->ntimers == 0 || deadline_ns < l->heap[1]->deadline_ns;
	if (l->ntimers == MAX_TIMERS) {
		rc = -ENOSPC;
		first = false;
	} else {
		t->deadline_ns = deadline_ns;
		heap_up(l, ++l->ntimers, t);
	}
	pthread_mutex_unlock(&l->lock);
	if (first)
		wake(l);
	return rc;
}

void
timer_clear(struct loop *l, struct timer *t)
{
	pthread_mutex_lock(&l->lock);
	if (t->heap_at != 0)
		heap_remove(l, t);
	pthread_mutex_unlock(&l->lock);
}

/* Runs what is due; the nanoseconds to the next, UINT64_MAX: none. */
static uint64_t
run_timers(struct loop *l)
{
	uint64_t wait_ns = UINT64_MAX;

	pthread_mutex_lock(&l->lock);
	while (l->ntimers > 0 && !l->held && !l->stop) {
		struct timer *t = l->heap[1];
		uint64_t at = now(l);

		if (t->deadline_ns > at) {
			wait_ns = t->deadline_ns - at;
			break;
		}
		heap_remove(l, t);
		pthread_mutex_unlock(&l->lock);
		t->fn(t->ctx);
		pthread_mutex_lock(&l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	return wait_ns;
}

/* Descriptors. */

int
loop_fd_add(struct loop *l, int fd, uint32_t events,
            void (*fn)(void *ctx, uint32_t events), void *ctx,
            struct loop_fd **out_fd, struct error *err)
{
	struct loop_fd *f = calloc(1, sizeof(*f));
	struct epoll_event ev = { .events = events, .data.ptr = f };

	if (f == NULL)
		return error_set(err, -ENOMEM, "event loop");
	*f = (struct loop_fd){ .loop = l, .fd = fd, .fn = fn, .ctx = ctx };
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) {
		error_sys(err, "watch descriptor %d", fd);
		free(f);
		return err->code;
	}
	*out_fd = f;
	return 0;
}

int
loop_fd_set(struct loop_fd *f, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = f };

	return epoll_ctl(f->loop->epoll, EPOLL_CTL_MOD, f->fd, &ev) < 0 ? -errno
	                                                                : 0;
}

void
loop_fd_remove(struct loop_fd *f)
{
	if (f == NULL)
		return;
	(void)epoll_ctl(f->loop->epoll, EPOLL_CTL_DEL, f->fd, NULL);
	f->fn = NULL;
	/* The batch at hand may still hold its events. */
	f->next = f->loop->dead;
	f->loop->dead = f;
	if (!f->loop->in_batch)
		free_dead(f->loop);
}

/* Calls from other threads. */

int
loop_call(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	if (l->ncalls == MAX_CALLS)
		rc = -ENOSPC;
	else
		l->call[l->ncalls++] = (struct call){ fn, ctx };
	pthread_mutex_unlock(&l->lock);
	wake(l);
	return rc;
}

/* Those that are there now: a call that calls again waits its turn. */
static void
run_calls(struct loop *l)
{
	unsigned n;

	pthread_mutex_lock(&l->lock);
	n = l->ncalls;
	for (unsigned i = 0; i < n; i++) {
		struct call c = l->call[i];

		pthread_mutex_unlock(&l->lock);
		c.fn(c.ctx);
		pthread_mutex_lock(&l->lock);
	}
	l->ncalls -= n;
	memmove(&l->call[0], &l->call[n], l->ncalls * sizeof(l->call[0]));
	pthread_mutex_unlock(&l->lock);
}

/* The loop. */

static void
run_batch(struct loop *l, const struct epoll_event *ev, int n)
{
	uint64_t drain;

	l->in_batch = true;
	for (int i = 0; i < n; i++) {
		struct loop_fd *f = ev[i].data.ptr;

		if (f == NULL) {
			while (read(l->wake, &drain, sizeof(drain)) > 0)
				;
			continue;
		}
		if (f->fn != NULL)
			f->fn(f->ctx, ev[i].events);
	}
	l->in_batch = false;
	free_dead(l);
}

static bool
stopped(struct loop *l)
{
	bool stop;

	pthread_mutex_lock(&l->lock);
	stop = l->stop;
	pthread_mutex_unlock(&l->lock);
	return stop;
}

/* epoll_pwait2(2) is Linux 5.11's; before it a timer may be 1 ms late. */
static int
wait_events(struct loop *l, struct epoll_event *ev, uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / 1000000000),
		               (long)(ns % 1000000000) };
	int n = epoll_pwait2(l->epoll, ev, BATCH, ns == UINT64_MAX ? NULL : &ts,
	                     NULL);

	if (n >= 0 || errno != ENOSYS)
		return n;
	return epoll_wait(l->epoll, ev, BATCH,
	                  ns > 60000000000 ? 60000
	                                   : (int)((ns + 999999) / 1000000));
}

static int
turn(struct loop *l, bool wait)
{
	struct epoll_event ev[BATCH];
	uint64_t ns = run_timers(l);
	int n;

	n = wait_events(l, ev, wait ? ns : 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	run_batch(l, ev, n);
	run_calls(l);
	run_timers(l);
	return 0;
}

int
loop_run(struct loop *l, struct error *err)
{
	while (!stopped(l)) {
		int rc = turn(l, true);

		if (rc < 0)
			return error_set(err, rc, "event loop");
	}
	return 0;
}

int
loop_poll(struct loop *l)
{
	return turn(l, false);
}

void
loop_stop(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_mutex_unlock(&l->lock);
	wake(l);
}
