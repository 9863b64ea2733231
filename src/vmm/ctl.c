/* SPDX-License-Identifier: BSD-2-Clause */
/* ctl.c - both ends of the control socket. */
#include "vmm/ctl.h"

#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "vmm/loop.h"

struct client {
	struct ctl *ctl;
	int fd;
	struct loop_fd *watch;
};

struct ctl {
	struct loop *loop;
	int fd;
	struct loop_fd *watch;
	const struct ctl_verb *verbs;
	void *ctx;
	struct client client[CTL_MAX_CLIENTS];
};

/* Names may be longer than sun_path: go through the directory's descriptor. */
static void
address(int dir, struct sockaddr_un *sa)
{
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/ctl",
	         dir);
}

int
ctl_words(char *request, size_t len, char *words[CTL_MAX_WORDS])
{
	char *save = NULL;
	int n = 0;

	if (len == 0 || memchr(request, 0, len) != NULL)
		return -EINVAL;
	request[len] = '\0';
	for (char *w = strtok_r(request, " ", &save); w != NULL;
	     w = strtok_r(NULL, " ", &save)) {
		if (n == CTL_MAX_WORDS)
			return -EINVAL;
		words[n++] = w;
	}
	return n > 0 ? n : -EINVAL;
}

/* A datagram and the one descriptor it may carry. */
static ssize_t
receive(int s, char *buf, size_t max, int *out_fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { buf, max };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		/* No padding: it would have room for a second one. */
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	ssize_t n = recvmsg(s, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*out_fd = -1;
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(out_fd, CMSG_DATA(c), sizeof(int));
	if (n >= 0 && (msg.msg_flags & MSG_TRUNC) != 0) {
		errno = EMSGSIZE;
		return -1;
	}
	return n;
}

static void
drop(struct client *c)
{
	loop_fd_remove(c->watch);
	close(c->fd);
	c->fd = -1;
	c->watch = NULL;
}

static int
run_verb(struct ctl *ctl, char *request, size_t len, int fd, struct buf *out,
         struct error *err)
{
	char *words[CTL_MAX_WORDS];
	int n = ctl_words(request, len, words);

	if (n < 0)
		return error_set(err, n, "malformed request");
	for (const struct ctl_verb *v = ctl->verbs; v->name != NULL; v++)
		if (strcmp(v->name, words[0]) == 0)
			return v->run(ctl->ctx, n, words, fd, out, err);
	return error_set(err, -ENOSYS, "'%s': no such request", words[0]);
}

static void
on_client(void *arg, uint32_t events)
{
	struct client *c = arg;
	char request[CTL_MAX_REQUEST + 1];
	cleanup_buf struct buf text = BUF_INIT, answer = BUF_INIT;
	cleanup_close int fd = -1;
	struct error err;
	ssize_t n;
	int rc;

	(void)events;
	n = receive(c->fd, request, CTL_MAX_REQUEST, &fd);
	if (n <= 0) {
		drop(c);
		return;
	}
	rc = run_verb(c->ctl, request, (size_t)n, fd, &text, &err);
	if (rc < 0)
		buf_printf(&answer, "%d %s", -rc, err.msg);
	else
		buf_printf(&answer, "0\n%s", buf_str(&text));
	/* Who does not read its answer loses it. */
	if (answer.len > CTL_MAX_ANSWER ||
	    send(c->fd, buf_str(&answer), answer.len,
	         MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		drop(c);
}

static void
on_listen(void *arg, uint32_t events)
{
	struct ctl *ctl = arg;
	int fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int room = CTL_MAX_ANSWER + 4096;
	struct error err;

	(void)events;
	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	for (size_t i = 0; i < ARRAY_LEN(ctl->client); i++) {
		struct client *c = &ctl->client[i];

		if (c->fd >= 0)
			continue;
		if (loop_fd_add(ctl->loop, fd, EPOLLIN, on_client, c, &c->watch,
		                &err) < 0)
			break;
		c->fd = fd;
		return;
	}
	close(fd);
}

int
ctl_listen(struct loop *l, int dir, const struct ctl_verb *verbs, void *ctx,
           struct ctl **out_ctl, struct error *err)
{
	struct ctl *c = calloc(1, sizeof(*c));
	struct sockaddr_un sa;

	if (c == NULL)
		return error_set(err, -ENOMEM, "control socket");
	*c = (struct ctl){ .loop = l, .verbs = verbs, .ctx = ctx };
	for (size_t i = 0; i < ARRAY_LEN(c->client); i++) {
		c->client[i].ctl = c;
		c->client[i].fd = -1;
	}
	address(dir, &sa);
	c->fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0 ||
	    bind(c->fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(c->fd, CTL_MAX_CLIENTS) < 0)
		error_sys(err, "control socket");
	else if (loop_fd_add(l, c->fd, EPOLLIN, on_listen, c, &c->watch, err) ==
	         0) {
		*out_ctl = c;
		return 0;
	}
	ctl_close(c);
	return err->code;
}

void
ctl_close(struct ctl *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(c->client); i++)
		if (c->client[i].fd >= 0)
			drop(&c->client[i]);
	loop_fd_remove(c->watch);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

static int
send_request(int s, const char *request, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	char text[CTL_MAX_REQUEST];
	struct iovec iov = { text, strlen(request) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (iov.iov_len > sizeof(text)) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(text, request, iov.iov_len);
	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
	}
	return sendmsg(s, &msg, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* "0\n" and text, or an errno and words. */
static int
take_answer(const char *text, struct buf *out, struct error *err)
{
	char *end;
	long code = strtol(text, &end, 10);

	if (end == text || code < 0 || code > 4095 ||
	    (*end != '\n' && *end != ' '))
		return error_set(err, -EPROTO, "malformed answer");
	if (code != 0)
		return error_set(err, -(int)code, "%s", end + 1);
	buf_puts(out, end + 1);
	return 0;
}

static int
connect_to(int dir, struct error *err)
{
	cleanup_close int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa;

	address(dir, &sa);
	if (s < 0)
		return error_sys(err, "control socket");
	if (connect(s, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return errno == ENOENT || errno == ECONNREFUSED
		           ? error_set(err, -ECONNREFUSED, "it does not run")
		           : error_sys(err, "control socket");
	return take_fd(&s);
}

/* While the connection stands the process lives, so its pid is no other's. */
int
ctl_process(int dir, struct error *err)
{
	cleanup_close int s = connect_to(dir, err);
	cleanup_close int process = -1;
	struct pollfd end = { .fd = s, .events = POLLIN };
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (s < 0)
		return s;
	if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return error_sys(err, "control socket");
	process = pidfd_open(peer.pid, 0);
	if (process < 0 || poll(&end, 1, 0) != 0)
		return error_set(err, -ECONNREFUSED, "it does not run");
	return take_fd(&process);
}

int
ctl_ask(int dir, const char *request, int fd, struct buf *out,
        struct error *err)
{
	const struct timeval wait = { CTL_WAIT_S, 0 };
	cleanup_close int s = -1;
	cleanup_free char *answer = malloc(CTL_MAX_ANSWER + 1);
	ssize_t n;

	if (answer == NULL)
		return error_set(err, -ENOMEM, "control socket");
	s = connect_to(dir, err);
	if (s < 0)
		return s;
	if (setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0)
		return error_sys(err, "control socket");
	if (send_request(s, request, fd) < 0)
		return error_sys(err, "control socket");
	n = recv(s, answer, CTL_MAX_ANSWER, 0);
	if (n <= 0)
		return n == 0 ? error_set(err, -ECONNRESET, "it ended")
		              : error_sys(err, "control socket");
	answer[n] = '\0';
	return take_answer(answer, out, err);
}
