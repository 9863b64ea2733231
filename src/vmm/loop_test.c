/* SPDX-License-Identifier: BSD-2-Clause */
/* loop_test.c - timers by a clock the test moves, descriptors, calls of other
 * threads.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/loop.h"

enum { MANY = 1024 }; /* timers and calls a loop has room for */

static uint64_t
read_clock(void *ctx)
{
	return *(uint64_t *)ctx;
}

static struct loop *
made(uint64_t *host)
{
	const struct clock_source clock = { read_clock, host };
	struct loop *l = NULL;
	struct error err;

	assert_int_equal(loop_new(&clock, &l, &err), 0);
	return l;
}

/* Each timer notes its turn. */
struct turn {
	struct timer timer;
	unsigned *clock, at;
};

static void
note(void *ctx)
{
	struct turn *t = ctx;

	t->at = ++*t->clock;
}

static void
timers_fire_in_order_and_once(void **state)
{
	/* Deadline, and the turn at which it comes; 0: cleared before. */
	static const struct {
		uint64_t deadline;
		unsigned at;
	} rows[] = { { 50, 4 }, { 10, 1 }, { 70, 6 }, { 30, 0 },
		     { 20, 2 }, { 60, 5 }, { 40, 3 }, { 80, 7 } };
	uint64_t host = 1000;
	struct loop *l = made(&host);
	struct turn t[ARRAY_LEN(rows)];
	unsigned turns = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		t[i] = (struct turn){ { note, &t[i], 0, 0 }, &turns, 0 };
		assert_int_equal(timer_set(l, &t[i].timer, rows[i].deadline),
		                 0);
	}
	timer_clear(l, &t[3].timer);
	host += 9;
	loop_poll(l);
	assert_int_equal(turns, 0);
	for (; host <= 1100; host += 5)
		loop_poll(l);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(t[i].at, rows[i].at);
	assert_int_equal(turns, 7);
	loop_free(l);
}

static void
a_heap_of_many_keeps_its_order(void **state)
{
	static struct turn t[MANY + 1];
	uint64_t host = 0, seed = 1, last = 0;
	struct loop *l = made(&host);
	unsigned turns = 0, seen = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		t[i] = (struct turn){ { note, &t[i], 0, 0 }, &turns, 0 };
		assert_int_equal(timer_set(l, &t[i].timer, seed >> 44), 0);
	}
	assert_int_equal(timer_set(l, &t[MANY].timer, 1), -ENOSPC);
	/* Some move, some go. */
	for (size_t i = 0; i < MANY; i += 3)
		assert_int_equal(
		    timer_set(l, &t[i].timer, t[i].timer.deadline_ns / 2), 0);
	for (size_t i = 1; i < MANY; i += 7)
		timer_clear(l, &t[i].timer);
	host = 1 << 20;
	loop_poll(l);
	for (unsigned want = 1; want <= turns; want++)
		for (size_t i = 0; i < MANY; i++)
			if (t[i].at == want) {
				assert_true(t[i].timer.deadline_ns >= last);
				last = t[i].timer.deadline_ns;
				seen++;
			}
	assert_int_equal(seen, turns);
	assert_int_equal(turns, MANY - (MANY - 2) / 7 - 1);
	loop_free(l);
}

struct again {
	struct timer timer;
	struct loop *l;
	unsigned n;
};

static void
set_again(void *ctx)
{
	struct again *a = ctx;

	a->n++;
	(void)timer_set(a->l, &a->timer, a->timer.deadline_ns + 10);
}

static void
a_timer_may_set_itself(void **state)
{
	uint64_t host = 0;
	struct again a = { .l = made(&host) };

	(void)state;
	a.timer = (struct timer){ set_again, &a, 0, 0 };
	assert_int_equal(timer_set(a.l, &a.timer, 10), 0);
	for (; host <= 100; host++)
		loop_poll(a.l);
	assert_int_equal(a.n, 10);
	loop_free(a.l);
}

static void
time_stands_while_it_is_held(void **state)
{
	uint64_t host = 500;
	struct loop *l = made(&host);
	unsigned turns = 0;
	struct turn t = { { note, &t, 0, 0 }, &turns, 0 };

	(void)state;
	assert_int_equal(loop_now(l), 0);
	host += 10;
	assert_int_equal(loop_now(l), 10);
	assert_int_equal(timer_set(l, &t.timer, 15), 0);
	loop_clock_hold(l);
	host += 100;
	loop_clock_hold(l);
	loop_poll(l);
	assert_int_equal(loop_now(l), 10);
	assert_int_equal(turns, 0);
	loop_clock_release(l);
	loop_clock_release(l);
	assert_int_equal(loop_now(l), 10);
	host += 5;
	loop_poll(l);
	assert_int_equal(turns, 1);
	/* A restore sets it, also while it stands. */
	loop_clock_hold(l);
	loop_clock_set(l, 7000);
	assert_int_equal(loop_now(l), 7000);
	host += 3;
	loop_clock_release(l);
	assert_int_equal(loop_now(l), 7000);
	loop_clock_set(l, 90);
	host += 1;
	assert_int_equal(loop_now(l), 91);
	loop_free(l);
}

/* Two descriptors; whose handler runs first removes both. */
struct pair {
	struct loop_fd *watch[2];
	unsigned n;
};

static void
remove_both(void *ctx, uint32_t events)
{
	struct pair *p = ctx;

	(void)events;
	p->n++;
	for (int i = 0; i < 2; i++) {
		loop_fd_remove(p->watch[i]);
		p->watch[i] = NULL;
	}
}

static void
a_removed_descriptor_is_heard_no_more(void **state)
{
	uint64_t host = 0;
	struct loop *l = made(&host);
	struct pair p = { { NULL, NULL }, 0 };
	int fd[2] = { eventfd(1, 0), eventfd(1, 0) };
	struct error err;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(loop_fd_add(l, fd[i], EPOLLIN, remove_both, &p,
		                             &p.watch[i], &err),
		                 0);
	loop_poll(l);
	loop_poll(l);
	assert_int_equal(p.n, 1);
	loop_fd_remove(NULL);
	close(fd[0]);
	close(fd[1]);
	loop_free(l);
}

static void
count_events(void *ctx, uint32_t events)
{
	*(unsigned *)ctx += (events & EPOLLIN) != 0;
}

static void
events_can_be_switched(void **state)
{
	uint64_t host = 0;
	struct loop *l = made(&host);
	int fd = eventfd(1, 0);
	struct loop_fd *watch = NULL;
	unsigned n = 0;
	struct error err;

	(void)state;
	assert_int_equal(
	    loop_fd_add(l, fd, EPOLLIN, count_events, &n, &watch, &err), 0);
	assert_int_equal(
	    loop_fd_add(l, fd, EPOLLIN, count_events, &n, &watch, &err),
	    -EEXIST);
	assert_int_equal(
	    loop_fd_add(l, -1, EPOLLIN, count_events, &n, &watch, &err),
	    -EBADF);
	loop_poll(l);
	assert_int_equal(n, 1);
	assert_int_equal(loop_fd_set(watch, 0), 0);
	loop_poll(l);
	assert_int_equal(n, 1);
	assert_int_equal(loop_fd_set(watch, EPOLLIN), 0);
	loop_poll(l);
	assert_int_equal(n, 2);
	loop_fd_remove(watch);
	close(fd);
	loop_free(l);
}

struct caller {
	struct loop *l;
	unsigned n;
};

static void
call_again(void *ctx)
{
	struct caller *c = ctx;

	c->n++;
	(void)loop_call(c->l, call_again, c);
}

static void
calls_wait_their_turn(void **state)
{
	uint64_t host = 0;
	struct caller c = { .l = made(&host) };

	(void)state;
	assert_int_equal(loop_call(c.l, call_again, &c), 0);
	loop_poll(c.l);
	assert_int_equal(c.n, 1);
	loop_poll(c.l);
	assert_int_equal(c.n, 2);
	for (int i = 1; i < MANY; i++)
		assert_int_equal(loop_call(c.l, call_again, &c), 0);
	assert_int_equal(loop_call(c.l, call_again, &c), -ENOSPC);
	loop_free(c.l);
}

/* Other threads: timers and calls, by the real clock. */
struct busy {
	struct loop *l;
	struct timer timer;
	atomic_uint fired, called;
	unsigned want;
};

static void
on_fire(void *ctx)
{
	atomic_fetch_add(&((struct busy *)ctx)->fired, 1);
}

static void
on_call(void *ctx)
{
	struct busy *b = ctx;

	if (atomic_fetch_add(&b->called, 1) + 1 == b->want)
		loop_stop(b->l);
}

static void *
use_the_loop(void *arg)
{
	struct busy *b = arg;

	for (unsigned i = 0; i < 2000; i++) {
		(void)timer_set(b->l, &b->timer, loop_now(b->l) + i % 3);
		if (i % 5 == 0)
			timer_clear(b->l, &b->timer);
	}
	(void)timer_set(b->l, &b->timer, loop_now(b->l));
	while (atomic_load(&b->fired) == 0)
		;
	(void)loop_call(b->l, on_call, b);
	return NULL;
}

static void
any_thread_may_set_and_call(void **state)
{
	struct busy b[2];
	pthread_t t[2];
	struct loop *l = NULL;
	struct error err;

	(void)state;
	assert_int_equal(loop_new(NULL, &l, &err), 0);
	for (int i = 0; i < 2; i++) {
		b[i].l = l;
		b[i].timer = (struct timer){ on_fire, &b[i], 0, 0 };
		atomic_init(&b[i].fired, 0);
		atomic_init(&b[i].called, 0);
		b[i].want = 1;
	}
	/* The second's call ends the loop, the first's does not. */
	b[0].want = 2;
	assert_int_equal(pthread_create(&t[0], NULL, use_the_loop, &b[0]), 0);
	assert_int_equal(pthread_create(&t[1], NULL, use_the_loop, &b[1]), 0);
	assert_int_equal(loop_run(l, &err), 0);
	/* What the first still waits for. */
	while (atomic_load(&b[0].called) == 0) {
		(void)timer_set(l, &b[0].timer, 0);
		on_fire(&b[0]);
		(void)loop_poll(l);
	}
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	timer_clear(l, &b[0].timer);
	timer_clear(l, &b[1].timer);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order_and_once),
		cmocka_unit_test(a_heap_of_many_keeps_its_order),
		cmocka_unit_test(a_timer_may_set_itself),
		cmocka_unit_test(time_stands_while_it_is_held),
		cmocka_unit_test(a_removed_descriptor_is_heard_no_more),
		cmocka_unit_test(events_can_be_switched),
		cmocka_unit_test(calls_wait_their_turn),
		cmocka_unit_test(any_thread_may_set_and_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
