/* SPDX-License-Identifier: BSD-2-Clause */
/* run_time_test.c - parallel commands, time limits, waiting for processes and
 * being interrupted, in a fake world.
 */
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "jail/run.h"
#include "jail/run_fake.h"

static long long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void
runs_at_most_p_commands(void **state)
{
	static const char conf[] = "persist; mount.noprocfs;"
	                           "exec.prestart = \"log $name begin\","
	                           " \"sleep 0.3\", \"log $name end\";"
	                           "a { } b { } c { }";
	struct run_options o = { .ops = RUN_CREATE, .quiet = true };
	long long t0 = now_ms(), together, one_by_one;

	(void)state;
	assert_int_equal(run_conf(conf, &o, NULL), 0);
	together = now_ms() - t0;
	assert_true(together >= 300);
	reset_world(NULL);
	o.parallel = 1;
	t0 = now_ms();
	assert_int_equal(run_conf(conf, &o, NULL), 0);
	one_by_one = now_ms() - t0;
	expect("a begin\na end\ncreate a persist\n"
	       "b begin\nb end\ncreate b persist\n"
	       "c begin\nc end\ncreate c persist\n");
	assert_true(one_by_one >= 900);
	assert_true(together < one_by_one);
}

static void
gives_up_slow_commands(void **state)
{
	static const char conf[] =
	    "a { exec.timeout = 1; mount.noprocfs; exec.prepare = true;"
	    "    ip4.addr = \"em0|10.0.0.1/24\"; exec.start = \"sleep 5\"; }";
	const struct run_options o = { .ops = RUN_CREATE };
	long long t0 = now_ms();

	(void)state;
	assert_int_equal(run_conf(conf, &o, NULL), 1);
	assert_true(now_ms() - t0 < 4000);
	expect("ifconfig em0 inet 10.0.0.1/24 alias\n"
	       "create a persist\n> a: created\ninside a: sleep 5\n"
	       "! a: sleep 5: timed out\nremove a\n> a: removed\n"
	       "ifconfig em0 inet 10.0.0.1/24 -alias\n");
}

static pid_t
start_victim(bool ignores_term)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGTERM, ignores_term ? SIG_IGN : SIG_DFL);
		for (;;)
			pause();
	}
	return pid;
}

static void
waits_for_processes_to_end(void **state)
{
	static const char conf[] = "a { persist; stop.timeout = 1; }";
	struct run_options o = { .ops = RUN_CREATE, .quiet = true };

	(void)state;
	for (int i = 0; i < 2; i++) {
		char want[128];
		long long t0;

		assert_int_equal(run_conf(conf, &o, NULL), 0);
		reset_world(NULL);
		strcpy(w.jail[0].name, "a");
		w.victim = start_victim(i == 1);
		usleep(50000);
		o.ops = RUN_REMOVE;
		o.verbose = true;
		t0 = now_ms();
		assert_int_equal(run_conf(conf, &o, NULL), 0);
		assert_true(i == 1 ? now_ms() - t0 >= 1000
		                   : now_ms() - t0 < 900);
		snprintf(want, sizeof(want),
		         "signal a 15\n> a: sent SIGTERM to: %d\n%s"
		         "remove a\n> a: removed\n",
		         (int)w.victim, i == 1 ? "> a: timed out\n" : "");
		expect(want);
		kill(w.victim, SIGKILL);
		waitpid(w.victim, NULL, 0);
		w.victim = 0;
		o = (struct run_options){ .ops = RUN_CREATE, .quiet = true };
	}
}

/* A timer's process asks for the end in the middle of a hook. */
static void
undoes_when_interrupted(void **state)
{
	static const char conf[] =
	    "a { exec.start = \"sleep 5\"; mount.noprocfs;"
	    "    ip4.addr = \"em0|10.0.0.1/24\"; }"
	    "b { depend = a; persist; }";
	struct run_options o = { .ops = RUN_CREATE };
	const uint64_t count = RUN_CANCEL;
	pid_t pid;

	(void)state;
	o.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pid = fork();
	if (pid == 0) {
		usleep(200000);
		_exit(write(o.cancel_fd, &count, sizeof(count)) != 8);
	}
	assert_int_equal(run_conf(conf, &o, NULL), 1);
	waitpid(pid, NULL, 0);
	close(o.cancel_fd);
	expect("ifconfig em0 inet 10.0.0.1/24 alias\n"
	       "create a persist\n> a: created\ninside a: sleep 5\n"
	       "! a: interrupted\nremove a\n> a: removed\n"
	       "ifconfig em0 inet 10.0.0.1/24 -alias\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(runs_at_most_p_commands, reset_world),
		cmocka_unit_test_setup(gives_up_slow_commands, reset_world),
		cmocka_unit_test_setup(waits_for_processes_to_end, reset_world),
		cmocka_unit_test_setup(undoes_when_interrupted, reset_world),
	};

	return cmocka_run_group_tests(tests, make_world, drop_world);
}
