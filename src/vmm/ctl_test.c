/* SPDX-License-Identifier: BSD-2-Clause */
/* ctl_test.c - questions to a VM and their answers, over a real socket. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/error.h"
#include "vmm/ctl.h"
#include "vmm/loop.h"

static void
requests_are_words(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int n;
		const char *last;
	} rows[] = {
		{ "nmi", 3, 1, "nmi" },
		{ " suspend  reset ", 16, 2, "reset" },
		{ "a b c d e f g h", 15, 8, "h" },
		{ "a b c d e f g h i", 17, -EINVAL, NULL },
		{ "", 0, -EINVAL, NULL },
		{ "   ", 3, -EINVAL, NULL },
		{ "a\0b", 3, -EINVAL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *words[CTL_MAX_WORDS], text[CTL_MAX_REQUEST + 1];
		int n;

		memcpy(text, rows[i].text, rows[i].len);
		n = ctl_words(text, rows[i].len, words);
		assert_int_equal(n, rows[i].n);
		if (n > 0)
			assert_string_equal(words[n - 1], rows[i].last);
	}
}

/* A server on a thread of its own. */
struct server {
	char path[64];
	int dir;
	struct loop *loop;
	struct ctl *ctl;
	pthread_t thread;
};

static int
verb_say(void *ctx, int n, char *const words[], int fd, struct buf *out,
         struct error *err)
{
	(void)ctx;
	(void)fd;
	(void)err;
	for (int i = 1; i < n; i++)
		buf_printf(out, "%s\n", words[i]);
	return 0;
}

static int
verb_fail(void *ctx, int n, char *const words[], int fd, struct buf *out,
          struct error *err)
{
	(void)ctx;
	(void)n;
	(void)words;
	(void)fd;
	(void)out;
	return error_set(err, -EBUSY, "not now");
}

static int
verb_write(void *ctx, int n, char *const words[], int fd, struct buf *out,
           struct error *err)
{
	(void)ctx;
	(void)n;
	(void)words;
	(void)out;
	if (fd < 0 || write(fd, "here", 4) != 4)
		return error_set(err, -EINVAL, "no file came along");
	return 0;
}

static int
verb_much(void *ctx, int n, char *const words[], int fd, struct buf *out,
          struct error *err)
{
	(void)ctx;
	(void)n;
	(void)words;
	(void)fd;
	(void)err;
	for (int i = 0; i < CTL_MAX_ANSWER - 2; i++)
		buf_putc(out, 'x');
	if (n > 1)
		buf_putc(out, 'x');
	return 0;
}

static const struct ctl_verb verbs[] = {
	{ "say", verb_say },   { "fail", verb_fail }, { "write", verb_write },
	{ "much", verb_much }, { NULL, NULL },
};

static void *
serve(void *arg)
{
	struct error err;

	(void)loop_run(arg, &err);
	return NULL;
}

static int
start_server(void **state)
{
	struct server *s = calloc(1, sizeof(*s));
	struct error err;

	assert_non_null(s);
	snprintf(s->path, sizeof(s->path), "/tmp/gaol-ctl.XXXXXX");
	assert_non_null(mkdtemp(s->path));
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(loop_new(NULL, &s->loop, &err), 0);
	assert_int_equal(
	    ctl_listen(s->loop, s->dir, verbs, NULL, &s->ctl, &err), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s->loop), 0);
	*state = s;
	return 0;
}

static int
stop_server(void **state)
{
	struct server *s = *state;

	loop_stop(s->loop);
	pthread_join(s->thread, NULL);
	ctl_close(s->ctl);
	loop_free(s->loop);
	(void)unlinkat(s->dir, "ctl", 0);
	close(s->dir);
	assert_int_equal(rmdir(s->path), 0);
	free(s);
	return 0;
}

static void
questions_are_answered(void **state)
{
	static const struct {
		const char *ask, *text;
		int rc;
	} rows[] = {
		{ "say a bc", "a\nbc\n", 0 },
		{ "say", "", 0 },
		{ "fail", "not now", -EBUSY },
		{ "dance", "'dance': no such request", -ENOSYS },
		{ " ", "malformed request", -EINVAL },
		{ "write", "no file came along", -EINVAL },
	};
	const struct server *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = BUF_INIT;
		struct error err = { 0 };

		assert_int_equal(ctl_ask(s->dir, rows[i].ask, -1, &out, &err),
		                 rows[i].rc);
		assert_string_equal(rows[i].rc == 0 ? buf_str(&out) : err.msg,
		                    rows[i].text);
		buf_fini(&out);
	}
}

static void
answers_may_be_long_but_not_longer(void **state)
{
	const struct server *s = *state;
	struct buf out = BUF_INIT;
	struct error err;

	assert_int_equal(ctl_ask(s->dir, "much", -1, &out, &err), 0);
	assert_int_equal(out.len, CTL_MAX_ANSWER - 2);
	assert_int_equal(ctl_ask(s->dir, "much more", -1, &out, &err),
	                 -ECONNRESET);
	buf_fini(&out);
}

static unsigned
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
a_file_comes_along_and_stays_with_nobody(void **state)
{
	const struct server *s = *state;
	struct buf out = BUF_INIT;
	int file = open(s->path, O_TMPFILE | O_RDWR, 0600);
	unsigned before;
	struct error err;
	char text[5] = "";

	assert_true(file >= 0);
	assert_int_equal(ctl_ask(s->dir, "say warm", -1, &out, &err), 0);
	before = open_files();
	for (int i = 0; i < 20; i++)
		assert_int_equal(ctl_ask(s->dir, "write", file, &out, &err), 0);
	assert_int_equal(pread(file, text, 4, 0), 4);
	assert_string_equal(text, "here");
	/* One that is not wanted is closed, too. */
	assert_int_equal(ctl_ask(s->dir, "fail", file, &out, &err), -EBUSY);
	assert_int_equal(ctl_ask(s->dir, "dance", file, &out, &err), -ENOSYS);
	assert_int_equal(ctl_ask(s->dir, "say x", -1, &out, &err), 0);
	/* A client's end may still be closing, now and when before was. */
	for (int i = 0; i < 100 && open_files() > before; i++)
		usleep(1000);
	assert_true(open_files() <= before);
	close(file);
	buf_fini(&out);
}

static int
connect_to(const struct server *s)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/ctl", s->path);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)),
	                 0);
	return fd;
}

/* Two descriptors in one request: the second must not stay open. */
static void
only_one_file_is_taken(void **state)
{
	const struct server *s = *state;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { .room = { 0 } };
	char text[] = "say x", answer[64];
	struct iovec iov = { text, 5 };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control) };
	int fds[2] = { s->dir, s->dir };
	unsigned before;
	int c;

	c = connect_to(s);
	assert_int_equal(send(c, "say x", 5, 0), 5);
	assert_true(recv(c, answer, sizeof(answer), 0) > 0);
	before = open_files();
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
	assert_int_equal(sendmsg(c, &msg, 0), 5);
	assert_true(recv(c, answer, sizeof(answer), 0) > 0);
	/* One more answer: what the request before held is closed by then. */
	assert_int_equal(send(c, "say x", 5, 0), 5);
	assert_true(recv(c, answer, sizeof(answer), 0) > 0);
	assert_int_equal(open_files(), before);
	close(c);
}

static void
clients_that_ask_too_much_are_dropped(void **state)
{
	const struct server *s = *state;
	char big[CTL_MAX_REQUEST + 1], answer[64];
	int c = connect_to(s), idle[CTL_MAX_CLIENTS + 4];
	struct buf out = BUF_INIT;
	struct error err;

	memset(big, 'a', sizeof(big));
	assert_int_equal(send(c, big, sizeof(big), 0), sizeof(big));
	assert_int_equal(recv(c, answer, sizeof(answer), 0), 0);
	close(c);
	/* Who is one too many is sent away; who was here goes on. */
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		idle[i] = connect_to(s);
	assert_int_equal(
	    recv(idle[ARRAY_LEN(idle) - 1], answer, sizeof(answer), 0), 0);
	assert_int_equal(send(idle[0], "say x", 5, 0), 5);
	assert_int_equal(recv(idle[0], answer, sizeof(answer), 0), 4);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		close(idle[i]);
	for (int i = 0; i < 100; i++) {
		if (ctl_ask(s->dir, "say x", -1, &out, &err) == 0)
			break;
		usleep(1000);
	}
	assert_string_equal(buf_str(&out), "x\n");
	buf_fini(&out);
}

static void
nobody_answers_for_a_vm_that_is_gone(void **state)
{
	struct server *s = *state;
	struct buf out = BUF_INIT;
	struct error err;

	loop_stop(s->loop);
	pthread_join(s->thread, NULL);
	ctl_close(s->ctl);
	s->ctl = NULL;
	assert_int_equal(ctl_ask(s->dir, "say x", -1, &out, &err),
	                 -ECONNREFUSED);
	(void)unlinkat(s->dir, "ctl", 0);
	assert_int_equal(ctl_ask(s->dir, "say x", -1, &out, &err),
	                 -ECONNREFUSED);
	assert_string_equal(err.msg, "it does not run");
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s->loop), 0);
}

#define ON_SERVER(t)                                                           \
	cmocka_unit_test_setup_teardown(t, start_server, stop_server)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_words),
		ON_SERVER(questions_are_answered),
		ON_SERVER(answers_may_be_long_but_not_longer),
		ON_SERVER(a_file_comes_along_and_stays_with_nobody),
		ON_SERVER(only_one_file_is_taken),
		ON_SERVER(clients_that_ask_too_much_are_dropped),
		ON_SERVER(nobody_answers_for_a_vm_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
