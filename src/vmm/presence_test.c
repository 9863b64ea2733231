/* SPDX-License-Identifier: BSD-2-Clause */
/* presence_test.c - VMs that are there, run, and go. */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/presence.h"

struct place {
	char top[64], base[80];
};

static int
make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->top, sizeof(p->top), "/tmp/gaol-presence.XXXXXX");
	assert_non_null(mkdtemp(p->top));
	snprintf(p->base, sizeof(p->base), "%s/run", p->top);
	*state = p;
	return 0;
}

static int
drop_place(void **state)
{
	struct place *p = *state;

	(void)rmdir(p->base);
	assert_int_equal(rmdir(p->top), 0);
	free(p);
	return 0;
}

static void
bases_are_where_their_users_look(void **state)
{
	static const struct {
		const char *run, *user;
		bool root;
		const char *want;
	} rows[] = {
		{ NULL, NULL, true, "/run/gaol-vm" },
		{ NULL, "/run/user/0", true, "/run/gaol-vm" },
		{ "/run/x", NULL, true, "/run/x-vm" },
		{ "/run/x", "/run/user/7", false, "/run/x-vm" },
		{ NULL, "/run/user/7", false, "/run/user/7/gaol-vm" },
	};
	char out[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		presence_base(out, rows[i].run, rows[i].user, rows[i].root);
		assert_string_equal(out, rows[i].want);
	}
}

static void
names_are_file_names(void **state)
{
	char longest[PRESENCE_MAX_NAME + 2];

	(void)state;
	assert_true(presence_name_ok("web"));
	assert_true(presence_name_ok("..."));
	assert_false(presence_name_ok(""));
	assert_false(presence_name_ok("."));
	assert_false(presence_name_ok(".."));
	assert_false(presence_name_ok("a/b"));
	memset(longest, 'a', sizeof(longest));
	longest[PRESENCE_MAX_NAME] = '\0';
	assert_true(presence_name_ok(longest));
	longest[PRESENCE_MAX_NAME] = 'a';
	longest[PRESENCE_MAX_NAME + 1] = '\0';
	assert_false(presence_name_ok(longest));
}

static void
what_is_not_created_is_not_there(void **state)
{
	const struct place *p = *state;
	struct error err;
	int dir;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(presence_open(p->base, "web", &dir, &err),
		                 -ENOENT);
		assert_string_equal(err.msg, "VM:web is not created.");
		assert_int_equal(presence_destroy(p->base, "web", &err),
		                 -ENOENT);
		assert_int_equal(presence_open(p->base, "..", &dir, &err),
		                 -ENOENT);
		/* The second time base is there, the VM is not. */
		assert_int_equal(mkdir(p->base, 0755), i == 0 ? 0 : -1);
	}
}

static void
a_presence_outlives_its_process(void **state)
{
	const struct place *p = *state;
	struct error err;
	int dir, lock, again;

	assert_int_equal(presence_create(p->base, "web", &err), 0);
	assert_int_equal(presence_create(p->base, "web", &err), -EEXIST);
	assert_int_equal(presence_create(p->base, "a/b", &err), -EINVAL);
	assert_int_equal(presence_claim(p->base, "web", &dir, &lock, &err), 0);
	assert_true(presence_runs(dir));
	assert_int_equal(presence_claim(p->base, "web", &again, &again, &err),
	                 -EBUSY);
	assert_string_equal(err.msg, "VM 'web' runs already");
	assert_int_equal(presence_destroy(p->base, "web", &err), -EBUSY);
	close(lock);
	assert_false(presence_runs(dir));
	close(dir);
	/* What a killed process left is no obstacle. */
	assert_int_equal(presence_claim(p->base, "web", &dir, &lock, &err), 0);
	close(openat(dir, "ctl", O_CREAT | O_WRONLY, 0600));
	close(lock);
	close(dir);
	assert_int_equal(presence_claim(p->base, "web", &dir, &lock, &err), 0);
	assert_int_equal(faccessat(dir, "ctl", F_OK, 0), -1);
	close(lock);
	close(dir);
	assert_int_equal(presence_destroy(p->base, "web", &err), 0);
	assert_int_equal(presence_open(p->base, "web", &dir, &err), -ENOENT);
}

/* Asking whether it runs must never keep it from running. */
static void
looking_takes_nothing(void **state)
{
	const struct place *p = *state;
	struct error err;
	int dir, lock;
	pid_t pid;

	assert_int_equal(presence_create(p->base, "web", &err), 0);
	pid = fork();
	if (pid == 0) {
		if (presence_open(p->base, "web", &dir, &err) < 0)
			_exit(1);
		for (;;)
			(void)presence_runs(dir);
	}
	for (int i = 0; i < 500; i++) {
		assert_int_equal(
		    presence_claim(p->base, "web", &dir, &lock, &err), 0);
		close(lock);
		close(dir);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(presence_destroy(p->base, "web", &err), 0);
}

/* Who claimed holds the lock that others see, whoever destroyed meanwhile. */
static void
a_claim_and_a_destroy_never_both_win(void **state)
{
	const struct place *p = *state;
	struct error err;
	int dir, lock, seen;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			(void)presence_destroy(p->base, "web", &err);
	for (int i = 0; i < 500; i++) {
		int rc = presence_claim(p->base, "web", &dir, &lock, &err);

		/* The destroyer has the lock at this moment. */
		if (rc == -EBUSY || rc == -EAGAIN)
			continue;
		assert_int_equal(rc, 0);
		assert_int_equal(presence_open(p->base, "web", &seen, &err), 0);
		assert_true(presence_runs(seen));
		close(seen);
		close(lock);
		close(dir);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	(void)presence_destroy(p->base, "web", &err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bases_are_where_their_users_look),
		cmocka_unit_test(names_are_file_names),
		cmocka_unit_test_setup_teardown(
		    what_is_not_created_is_not_there, make_place, drop_place),
		cmocka_unit_test_setup_teardown(a_presence_outlives_its_process,
		                                make_place, drop_place),
		cmocka_unit_test_setup_teardown(looking_takes_nothing,
		                                make_place, drop_place),
		cmocka_unit_test_setup_teardown(
		    a_claim_and_a_destroy_never_both_win, make_place,
		    drop_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
