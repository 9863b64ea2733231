/* SPDX-License-Identifier: BSD-2-Clause */
/* chardev_test.c - the kinds of other ends a serial line may have: who is let
 * in, what is cleaned up, what is refused.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "dev/chardev.h"
#include "dev/device_test.h"

static struct chardev_host host;
static char dir[] = "/tmp/chardev_test.XXXXXX";
static char spec[128], path[96]; /* of a socket: sun_path has 108 */
static char got[256];
static size_t ngot;
static int visitors;

static int
group_setup(void **state)
{
	(void)state;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
group_teardown(void **state)
{
	(void)state;
	return rmdir(dir); /* fails when something was left */
}

static int
put_device(struct error *err)
{
	(void)err;
	host = (struct chardev_host){ .loop = f.vm->loop };
	ngot = 0;
	visitors = 0;
	snprintf(path, sizeof(path), "%s/line", dir);
	return 0;
}

static size_t
receive(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	if (n > sizeof(got) - ngot)
		n = sizeof(got) - ngot;
	memcpy(got + ngot, p, n);
	ngot += n;
	return n;
}

static void
connected(void *ctx, bool there)
{
	(void)ctx;
	visitors += there ? 1 : -1;
}

static struct chardev *
start(const char *s)
{
	const struct chardev_user u = { receive, NULL, connected, NULL };
	struct chardev *c = NULL;
	struct error err = { 0 };

	assert_int_equal(chardev_open(&host, s, &c, &err), 0);
	chardev_start(c, &u);
	return c;
}

static void
turn(void)
{
	for (unsigned i = 0; i < 10; i++)
		loop_poll(f.vm->loop);
}

/* The kernel hands a terminal's bytes on when it likes. */
static void
wait_for(size_t n)
{
	for (unsigned i = 0; i < 2000 && ngot < n; i++) {
		usleep(1000);
		turn();
	}
	assert_int_equal(ngot, n);
}

static int
call(const char *at)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", at);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	turn();
	return fd;
}

static void
a_socket_is_its_owners_and_goes_at_the_end(void **state)
{
	struct chardev *c;
	struct stat st;
	int fd;

	(void)state;
	snprintf(spec, sizeof(spec), "unix:%s", path);
	c = start(spec);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_string_equal(chardev_path(c), path);
	assert_int_equal(visitors, 0);
	fd = call(path);
	assert_int_equal(visitors, 1);
	assert_int_equal(write(fd, "hi", 2), 2);
	turn();
	assert_int_equal(ngot, 2);
	close(fd);
	turn();
	assert_int_equal(visitors, 0);
	chardev_close(c);
	assert_int_equal(stat(path, &st), -1);
}

/* The second waits until the first has gone. */
static void
one_visitor_at_a_time(void **state)
{
	struct chardev *c;
	int first, second;
	char b;

	(void)state;
	snprintf(spec, sizeof(spec), "unix:%s", path);
	c = start(spec);
	first = call(path);
	second = call(path);
	chardev_write(c, "1", 1);
	turn();
	assert_int_equal(read(first, &b, 1), 1);
	assert_int_equal(read(second, &b, 1), -1);
	close(first);
	turn();
	chardev_write(c, "2", 1);
	turn();
	assert_int_equal(read(second, &b, 1), 1);
	close(second);
	chardev_close(c);
}

static void
a_stale_socket_is_replaced_and_a_living_one_is_not(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct chardev *c, *d;
	struct error err;

	(void)state;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	snprintf(spec, sizeof(spec), "unix:%s", path);
	c = start(spec);
	assert_int_equal(chardev_open(&host, spec, &d, &err), -EADDRINUSE);
	chardev_close(c);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(chardev_open(&host, spec, &d, &err), -EEXIST);
	unlink(path);
}

static void
a_pty_has_a_stable_link(void **state)
{
	char target[128] = "", b[8] = "";
	struct chardev *c, *d;
	struct termios t;
	struct error err;
	size_t n = 0;
	int fd;

	(void)state;
	snprintf(spec, sizeof(spec), "pty=%s", path);
	c = start(spec);
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, chardev_path(c));
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(tcgetattr(fd, &t), 0);
	assert_int_equal(t.c_lflag & (ECHO | ICANON), 0);
	assert_int_equal(write(fd, "ab", 2), 2);
	wait_for(2);
	chardev_write(c, "\ncd", 3);
	turn();
	for (unsigned i = 0; i < 2000 && n < 3; i++) {
		ssize_t more = read(fd, b + n, sizeof(b) - n);

		n += more > 0 ? (size_t)more : 0;
		usleep(1000);
	}
	assert_int_equal(n, 3);
	assert_memory_equal(b, "\ncd", 3);
	/* Users come and go. */
	close(fd);
	turn();
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	assert_int_equal(write(fd, "ef", 2), 2);
	wait_for(4);
	close(fd);
	/* A later VM takes the link over; the first leaves it alone. */
	d = start(spec);
	chardev_close(c);
	assert_int_equal(access(path, F_OK), 0);
	chardev_close(d);
	assert_int_equal(access(path, F_OK), -1);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(chardev_open(&host, spec, &c, &err), -EEXIST);
	unlink(path);
}

static void
tcp_stays_on_loopback_unless_told(void **state)
{
	static const char *const remote[] = { "tcp=0.0.0.0:0", "tcp=[::]:0",
		                              "tcp=192.0.2.1:0" };
	static const char *const local[] = { "tcp=127.0.0.1:0",
		                             "tcp=localhost:0", "tcp=:0" };
	struct chardev *c;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(remote); i++)
		assert_int_equal(chardev_open(&host, remote[i], &c, &err),
		                 -EACCES);
	for (size_t i = 0; i < ARRAY_LEN(local); i++)
		chardev_close(start(local[i]));
	host.allow_remote = true;
	chardev_close(start("tcp=0.0.0.0:0"));
}

static void
nonsense_is_refused(void **state)
{
	static const struct {
		const char *spec;
		int code;
	} rows[] = {
		{ "", -EINVAL },
		{ "stdiox", -EINVAL },
		{ "unix:", -EINVAL },
		{ "tcp=127.0.0.1", -EINVAL },
		{ "tcp=127.0.0.1:70000", -EINVAL },
		{ "tcp=somewhere:1", -EINVAL },
		{ "/dev/there/is/no/such", -ENOENT },
	};
	struct chardev *c;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(chardev_open(&host, rows[i].spec, &c, &err),
		                 rows[i].code);
		assert_int_equal(err.code, rows[i].code);
	}
}

/* stdin and stdout are pipes here, as in a manager's. */
static void
stdio_is_taken_once(void **state)
{
	int in[2], out[2], saved_in = dup(0), saved_out = dup(1);
	struct chardev *c, *d;
	struct error err;
	char b[8];
	int flags;

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(write(in[1], "xyz", 3), 3);
	close(in[1]);
	dup2(in[0], 0);
	dup2(out[1], 1);
	c = start("stdio");
	flags = chardev_open(&host, "stdio", &d, &err);
	turn();
	chardev_write(c, "ok", 2); /* the end of input ends input alone */
	turn();
	chardev_close(c);
	dup2(saved_in, 0);
	dup2(saved_out, 1);
	assert_int_equal(flags, -EBUSY);
	assert_int_equal(ngot, 3);
	assert_int_equal(read(out[0], b, sizeof(b)), 2);
	assert_int_equal(fcntl(out[1], F_GETFL) & O_NONBLOCK, 0);
	assert_false(host.stdio_taken);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	close(saved_in);
	close(saved_out);
}

static void
a_terminal_is_given_back_as_it_was(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct termios before, during, after;
	struct chardev *c;

	(void)state;
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_int_equal(tcgetattr(slave, &before), 0);
	c = start(ptsname(master));
	tcgetattr(slave, &during);
	chardev_close(c);
	tcgetattr(slave, &after);
	assert_int_equal(during.c_lflag & (ISIG | ECHO), 0);
	assert_int_equal(after.c_lflag, before.c_lflag);
	assert_int_equal(after.c_oflag, before.c_oflag);
	close(slave);
	close(master);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(a_socket_is_its_owners_and_goes_at_the_end),
		DEVICE_TEST(one_visitor_at_a_time),
		DEVICE_TEST(a_stale_socket_is_replaced_and_a_living_one_is_not),
		DEVICE_TEST(a_pty_has_a_stable_link),
		DEVICE_TEST(tcp_stays_on_loopback_unless_told),
		DEVICE_TEST(nonsense_is_refused),
		DEVICE_TEST(stdio_is_taken_once),
		DEVICE_TEST(a_terminal_is_given_back_as_it_was),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
