/* SPDX-License-Identifier: BSD-2-Clause */
/* loop.h - the VMM's event thread: descriptors, timers, and calls from others.
 *
 * One per VM, run by the main thread. Handlers run there one after another.
 * loop_call(), timer_set() and timer_clear() may be used from any thread;
 * everything else from the loop's own or before it runs. A fake clock is given
 * at loop_new() in tests, which then step it with loop_poll().
 */
#ifndef VMM_LOOP_H
#define VMM_LOOP_H
#include <stdbool.h>
#include <stdint.h>

struct error;
struct loop;
struct loop_fd;

/* The guest's time source: monotonic nanoseconds since the VM was made, which
 * stand still while it is paused. */
struct clock_source {
	uint64_t (*now_ns)(void *ctx);
	void *ctx;
};

/* clock NULL: the host's monotonic clock. */
int loop_new(const struct clock_source *clock, struct loop **out_loop,
             struct error *err);
void loop_free(struct loop *l);
int loop_run(struct loop *l, struct error *err); /* until loop_stop() */
int loop_poll(struct loop *l);                   /* what is ready, no wait */
void loop_stop(struct loop *l);                  /* any thread */
uint64_t loop_now(const struct loop *l);         /* any thread; ns */

/* Timers stand still from hold to release, and the clock with them. */
void loop_clock_hold(struct loop *l);
void loop_clock_release(struct loop *l);
/* How long the clock has stood still so far, holds that ended: what an engine
 * takes off a counter that goes on meanwhile. Any thread. */
uint64_t loop_stood_ns(const struct loop *l);
/* Set the guest's time, for a restore. */
void loop_clock_set(struct loop *l, uint64_t now_ns);

/* events: EPOLLIN, EPOLLOUT ... as epoll_ctl(2). fd stays the caller's. */
int loop_fd_add(struct loop *l, int fd, uint32_t events,
                void (*fn)(void *ctx, uint32_t events), void *ctx,
                struct loop_fd **out_fd, struct error *err);
int loop_fd_set(struct loop_fd *f, uint32_t events);
void loop_fd_remove(struct loop_fd *f); /* NULL is fine */

/* Run fn(ctx) on the loop's thread soon; not when the loop stops first.
 * -ENOSPC: too many wait. */
int loop_call(struct loop *l, void (*fn)(void *ctx), void *ctx);

/* A timer is part of its owner's struct; fn runs on the loop's thread with no
 * lock held, at or after deadline_ns of loop_now(). */
struct timer {
	void (*fn)(void *ctx);
	void *ctx;
	uint64_t deadline_ns; /* the rest is the loop's */
	unsigned heap_at;     /* 1-based; 0: not set */
};
int timer_set(struct loop *l, struct timer *t, uint64_t deadline_ns);
void timer_clear(struct loop *l, struct timer *t);
#endif
