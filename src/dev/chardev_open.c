/* SPDX-License-Identifier: BSD-2-Clause */
/* chardev_open.c - the kinds of other ends a serial line may have.
 *
 * Terminals are made raw and given back as they were. Non-blocking mode belongs
 * to the open file, which bhyve shares with the shell that started it; so stdin
 * and stdout are opened anew through /proc/self/fd where that is possible.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/num.h"
#include "dev/chardev_internal.h"

static int
keep_path(char out[CHARDEV_MAX_PATH], const char *path, struct error *err)
{
	if (strlen(path) >= CHARDEV_MAX_PATH)
		return error_set(err, -ENAMETOOLONG, "path too long");
	snprintf(out, CHARDEV_MAX_PATH, "%s", path);
	return 0;
}

/* Raw mode for a terminal; anything else is left alone. */
static int
make_raw(struct chardev *c, int fd, bool restore, struct error *err)
{
	struct termios raw;

	if (tcgetattr(fd, &raw) < 0)
		return 0;
	if (restore) {
		c->saved = raw;
		c->has_saved = true;
	}
	cfmakeraw(&raw);
	raw.c_cflag |= CLOCAL;
	if (tcsetattr(fd, TCSANOW, &raw) < 0)
		return error_sys(err, "raw mode");
	return 0;
}

/* A descriptor of ours for the host's fd, not blocking where that can be. */
static int
own_fd(int fd, int flags, bool *out_blocks, bool *out_is_socket,
       struct error *err)
{
	char name[32];
	struct stat st;
	int mine = -1;

	if (fstat(fd, &st) < 0)
		return error_sys(err, "descriptor %d", fd);
	*out_is_socket = S_ISSOCK(st.st_mode);
	*out_blocks = false;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		mine = open(name, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (mine >= 0)
		return mine;
	mine = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (mine < 0)
		return error_sys(err, "descriptor %d", fd);
	*out_blocks = !S_ISREG(st.st_mode) && !*out_is_socket;
	return mine;
}

static int
open_stdio(struct chardev *c, const char *arg, struct error *err)
{
	bool in_blocks, in_socket;

	(void)arg;
	if (c->host->stdio_taken)
		return error_set(err, -EBUSY, "only one line can have it");
	c->in = own_fd(STDIN_FILENO, O_RDONLY, &in_blocks, &in_socket, err);
	if (c->in < 0)
		return err->code;
	c->out =
	    own_fd(STDOUT_FILENO, O_WRONLY, &c->out_blocks, &c->is_socket, err);
	if (c->out < 0)
		return err->code;
	c->host->stdio_taken = c->is_stdio = true;
	return make_raw(c, c->in, true, err);
}

static int
link_to(struct chardev *c, const char *name, struct error *err)
{
	char tmp[CHARDEV_MAX_PATH + 8];
	struct stat st;

	if (keep_path(c->remove, name, err) < 0)
		return err->code;
	if (lstat(name, &st) == 0 && !S_ISLNK(st.st_mode)) {
		c->remove[0] = '\0';
		return error_set(err, -EEXIST, "'%s' is no link", name);
	}
	snprintf(tmp, sizeof(tmp), "%s.new", name);
	(void)unlink(tmp);
	if (symlink(c->path, tmp) < 0 || rename(tmp, name) < 0) {
		error_sys(err, "link '%s'", name);
		(void)unlink(tmp);
		c->remove[0] = '\0';
		return err->code;
	}
	return 0;
}

/* The slave stays open here, so that users may come and go. */
static int
open_pty(struct chardev *c, const char *arg, struct error *err)
{
	char slave[CHARDEV_MAX_PATH];

	c->in = c->out =
	    posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (c->in < 0)
		return error_sys(err, "pty");
	if (grantpt(c->in) < 0 || unlockpt(c->in) < 0 ||
	    ptsname_r(c->in, slave, sizeof(slave)) != 0)
		return error_sys(err, "pty");
	c->slave = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c->slave < 0)
		return error_sys(err, "open '%s'", slave);
	if (make_raw(c, c->slave, false, err) < 0 ||
	    keep_path(c->path, slave, err) < 0)
		return err->code;
	return *arg != '\0' ? link_to(c, arg, err) : 0;
}

static int
listen_on(struct chardev *c, const struct sockaddr *sa, socklen_t len,
          struct error *err)
{
	const int on = 1;

	c->is_socket = true;
	c->listener = socket(sa->sa_family,
	                     SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listener < 0)
		return error_sys(err, "socket");
	/* Linux gives a socket's file this mode: its owner's alone. */
	if (sa->sa_family == AF_UNIX)
		(void)fchmod(c->listener, 0600);
	else
		(void)setsockopt(c->listener, SOL_SOCKET, SO_REUSEADDR, &on,
		                 sizeof(on));
	if (bind(c->listener, sa, len) < 0 || listen(c->listener, 1) < 0)
		return error_sys(err, "listen");
	return 0;
}

/* A socket nobody listens at any more is in the way; another is not ours. */
static int
remove_stale(const struct sockaddr_un *sa, struct error *err)
{
	struct stat st;
	int fd, rc;

	if (lstat(sa->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, -EEXIST, "'%s' is no socket",
		                 sa->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_sys(err, "socket");
	rc = connect(fd, (const struct sockaddr *)sa, sizeof(*sa));
	close(fd);
	if (rc == 0 || errno != ECONNREFUSED)
		return error_set(err, -EADDRINUSE, "'%s' is in use",
		                 sa->sun_path);
	return unlink(sa->sun_path) < 0
	           ? error_sys(err, "remove '%s'", sa->sun_path)
	           : 0;
}

static int
open_unix(struct chardev *c, const char *arg, struct error *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (*arg == '\0' || strlen(arg) >= sizeof(sa.sun_path))
		return error_set(err, -EINVAL, "want a path of up to %zu bytes",
		                 sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, arg, strlen(arg) + 1);
	if (remove_stale(&sa, err) < 0 ||
	    listen_on(c, (struct sockaddr *)&sa, sizeof(sa), err) < 0 ||
	    keep_path(c->path, arg, err) < 0)
		return err->code;
	return keep_path(c->remove, arg, err);
}

union inet {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* "HOST:PORT", "[V6]:PORT", ":PORT"; no names but localhost: nothing of a VM's
 * start should hang on a resolver. */
static int
parse_inet(const char *arg, union inet *out, struct error *err)
{
	const char *colon = strrchr(arg, ':');
	char host[64];
	size_t n = colon != NULL ? (size_t)(colon - arg) : 0;
	long long port;

	if (colon == NULL || n >= sizeof(host) ||
	    num_int_in(colon + 1, 0, 65535, &port) < 0)
		return error_set(err, -EINVAL, "want HOST:PORT");
	memcpy(host, arg, n);
	host[n] = '\0';
	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		memmove(host, host + 1, n - 1);
	}
	if (host[0] == '\0' || strcmp(host, "localhost") == 0)
		snprintf(host, sizeof(host), "127.0.0.1");
	*out = (union inet){ .v4 = { .sin_family = AF_INET,
		                     .sin_port = htons((uint16_t)port) } };
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1)
		return 0;
	*out = (union inet){ .v6 = { .sin6_family = AF_INET6,
		                     .sin6_port = htons((uint16_t)port) } };
	if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1)
		return 0;
	return error_set(err, -EINVAL, "'%s' is no address", host);
}

static bool
is_loopback(const union inet *a)
{
	if (a->sa.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

static int
open_tcp(struct chardev *c, const char *arg, struct error *err)
{
	union inet a;

	if (parse_inet(arg, &a, err) < 0)
		return err->code;
	if (!is_loopback(&a) && !c->host->allow_remote)
		return error_set(err, -EACCES,
		                 "a console beyond loopback has no password; "
		                 "set console.remote=true if that is meant");
	return listen_on(
	    c, &a.sa, a.sa.sa_family == AF_INET ? sizeof(a.v4) : sizeof(a.v6),
	    err);
}

static int
open_tty(struct chardev *c, const char *arg, struct error *err)
{
	char path[CHARDEV_MAX_PATH];

	if (strlen(arg) + 6 > sizeof(path))
		return error_set(err, -ENAMETOOLONG, "path too long");
	snprintf(path, sizeof(path), "/dev/%s", arg);
	c->in = c->out = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (c->in < 0)
		return error_sys(err, "open");
	return make_raw(c, c->in, true, err);
}

/* The longer of two that begin alike comes first. */
static const struct {
	const char *prefix;
	bool whole; /* nothing may follow */
	int (*open)(struct chardev *c, const char *arg, struct error *err);
} kinds[] = {
	{ "stdio", true, open_stdio }, { "pty=", false, open_pty },
	{ "pty", true, open_pty },     { "unix:", false, open_unix },
	{ "tcp=", false, open_tcp },   { "/dev/", false, open_tty },
};

int
chardev_open_spec(struct chardev *c, const char *spec, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (strncmp(spec, kinds[i].prefix, n) == 0 &&
		    (!kinds[i].whole || spec[n] == '\0'))
			return kinds[i].open(c, spec + n, err);
	}
	return error_set(err, -EINVAL,
	                 "want stdio, pty[=LINK], unix:PATH, tcp=HOST:PORT "
	                 "or /dev/TTY");
}

void
chardev_restore(struct chardev *c)
{
	char target[CHARDEV_MAX_PATH];
	ssize_t n;

	if (c->has_saved && c->in >= 0)
		(void)tcsetattr(c->in, TCSANOW, &c->saved);
	if (c->is_stdio)
		c->host->stdio_taken = false;
	if (c->remove[0] == '\0')
		return;
	/* A link that another VM has taken over is that one's. */
	n = readlink(c->remove, target, sizeof(target) - 1);
	if (n >= 0)
		target[n] = '\0';
	if (n < 0 || strcmp(target, c->path) == 0)
		(void)unlink(c->remove);
}
