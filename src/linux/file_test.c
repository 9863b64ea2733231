/* SPDX-License-Identifier: BSD-2-Clause */
/* file_test.c - reading small files whole. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "linux/file.h"

/* A pipe of packets gives each read(2) what one write(2) put, as the kernel's
 * seq files give a page's worth of lines. */
static void
short_reads_are_not_the_end(void **state)
{
	static const char *const part[] = { "one\n", "two\n", "three\n" };
	cleanup_free char *text = NULL;
	char path[64];
	int fds[2];
	struct error err;
	size_t len;

	(void)state;
	assert_int_equal(pipe2(fds, O_DIRECT | O_CLOEXEC), 0);
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		assert_int_equal(write(fds[1], part[i], strlen(part[i])),
		                 strlen(part[i]));
	close(fds[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	assert_int_equal(file_read(AT_FDCWD, path, 100, &text, &len, &err), 0);
	assert_string_equal(text, "one\ntwo\nthree\n");
	assert_int_equal(len, 14);
	close(fds[0]);
}

static void
more_than_the_limit_is_refused(void **state)
{
	cleanup_free char *text = NULL;
	struct error err;

	(void)state;
	assert_int_equal(
	    file_read(AT_FDCWD, "/proc/self/status", 64, &text, NULL, &err),
	    -E2BIG);
	assert_null(text);
}

static void
a_fifo_is_not_waited_for(void **state)
{
	cleanup_free char *text = NULL;
	char path[64];
	int fds[2];
	struct error err;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0); /* a writer, silent */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	assert_int_equal(file_read(AT_FDCWD, path, 64, &text, NULL, &err),
	                 -EAGAIN);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_reads_are_not_the_end),
		cmocka_unit_test(more_than_the_limit_is_refused),
		cmocka_unit_test(a_fifo_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
