/* SPDX-License-Identifier: BSD-2-Clause */
/* chardev.c - bytes between a serial line and its other end.
 *
 *   vCPU: chardev_write() -> ring -> flush(), loop thread -> descriptor
 *   descriptor -> fill(), loop thread -> input -> user.receive()
 *
 * The lock guards the ring and the flags beside it; it is held neither over a
 * system call nor over a call of the user.
 */
#include "dev/chardev.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "dev/chardev_internal.h"

enum {
	CHUNK = 4096,
	CHUNK_BLOCKING = 512, /* what poll(2) promises to a pipe's writer */
	LAST_WORDS_MS = 200   /* chardev_close() waits so long in all */
};

static void queue_flush(struct chardev *c);
static void hang_up(struct chardev *c);

/* Output. */

/* Writes what fits without waiting: bytes, or -EAGAIN and other errnos. */
static ssize_t
put(struct chardev *c, const uint8_t *p, size_t n)
{
	struct pollfd pfd = { .fd = c->out, .events = POLLOUT };
	ssize_t done;

	if (c->is_socket) {
		done = send(c->out, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else {
		if (c->out_blocks) {
			if (poll(&pfd, 1, 0) <= 0)
				return -EAGAIN;
			n = n < CHUNK_BLOCKING ? n : CHUNK_BLOCKING;
		}
		done = write(c->out, p, n);
	}
	if (done >= 0)
		return done;
	return errno == EINTR ? -EAGAIN : -errno;
}

/* Copy the oldest bytes. */
static size_t
peek(struct chardev *c, uint8_t *chunk, size_t max)
{
	size_t n, first;

	pthread_mutex_lock(&c->lock);
	n = c->len < max ? c->len : max;
	first = CHARDEV_BUFFER - c->head;
	first = first < n ? first : n;
	memcpy(chunk, c->ring + c->head, first);
	memcpy(chunk + first, c->ring, n - first);
	pthread_mutex_unlock(&c->lock);
	return n;
}

/* n bytes went; true: the user waits to hear of it. */
static bool
drop(struct chardev *c, size_t n)
{
	bool tell;

	pthread_mutex_lock(&c->lock);
	c->head = (c->head + n) % CHARDEV_BUFFER;
	c->len -= n;
	c->given_up = false;
	timer_clear(c->host->loop, &c->patience);
	tell = c->want_room;
	c->want_room = false;
	pthread_mutex_unlock(&c->lock);
	return tell;
}

static void
tell_room(struct chardev *c)
{
	if (c->user.room != NULL)
		c->user.room(c->user.ctx);
}

/* Write until the ring is empty or nobody takes more: 0 or -EAGAIN. */
static int
drain(struct chardev *c)
{
	uint8_t chunk[CHUNK];
	size_t n;

	while (c->out >= 0 && (n = peek(c, chunk, sizeof(chunk))) > 0) {
		ssize_t done = put(c, chunk, n);

		if (done == -EAGAIN)
			return -EAGAIN;
		if (done < 0) {
			hang_up(c);
			return 0;
		}
		if (drop(c, (size_t)done))
			tell_room(c);
	}
	return 0;
}

static void
flush(void *ctx)
{
	struct chardev *c = ctx;
	int rc;

	pthread_mutex_lock(&c->lock);
	c->flush_queued = false;
	pthread_mutex_unlock(&c->lock);
	rc = drain(c);
	if (c->out_ev != NULL && c->out_ev != c->in_ev)
		(void)loop_fd_set(c->out_ev, rc == -EAGAIN ? EPOLLOUT : 0);
	else if (c->out_ev != NULL)
		(void)loop_fd_set(
		    c->out_ev,
		    (rc == -EAGAIN ? EPOLLOUT : 0) |
		        (c->started && c->in_len == 0 ? EPOLLIN : 0));
}

static void
queue_flush(struct chardev *c)
{
	bool queue;

	pthread_mutex_lock(&c->lock);
	queue = !c->flush_queued;
	c->flush_queued = true;
	pthread_mutex_unlock(&c->lock);
	if (queue && loop_call(c->host->loop, flush, c) < 0) {
		pthread_mutex_lock(&c->lock);
		c->flush_queued = false;
		pthread_mutex_unlock(&c->lock);
	}
}

/* lock held. A reader who left less than is wanted is waited for no longer
 * than one who left nothing. */
static size_t
room(struct chardev *c, size_t want)
{
	size_t left = CHARDEV_BUFFER - c->len;

	if (!c->there || c->given_up)
		return CHARDEV_BUFFER; /* to be dropped */
	if (left < want && c->patience.heap_at == 0)
		(void)timer_set(c->host->loop, &c->patience,
		                loop_now(c->host->loop) +
		                    CHARDEV_PATIENCE_MS * 1000000ull);
	c->want_room |= left < want;
	return left;
}

static void
lose_patience(void *ctx)
{
	struct chardev *c = ctx;
	bool tell;

	pthread_mutex_lock(&c->lock);
	c->given_up = true;
	tell = c->want_room;
	c->want_room = false;
	pthread_mutex_unlock(&c->lock);
	if (tell)
		tell_room(c);
}

size_t
chardev_room(struct chardev *c, size_t want)
{
	size_t n;

	pthread_mutex_lock(&c->lock);
	n = room(c, want);
	pthread_mutex_unlock(&c->lock);
	return n;
}

void
chardev_write(struct chardev *c, const void *p, size_t n)
{
	const uint8_t *b = p;
	size_t left;

	pthread_mutex_lock(&c->lock);
	left = c->there ? CHARDEV_BUFFER - c->len : 0;
	n = n < left ? n : left;
	for (size_t i = 0; i < n; i++)
		c->ring[(c->head + c->len + i) % CHARDEV_BUFFER] = b[i];
	c->len += n;
	pthread_mutex_unlock(&c->lock);
	if (n > 0)
		queue_flush(c);
}

/* Input: the loop's thread. */

static void
watch_input(struct chardev *c, bool on)
{
	uint32_t out;

	if (c->in_ev == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	out = c->in_ev == c->out_ev && c->len > 0 ? EPOLLOUT : 0;
	pthread_mutex_unlock(&c->lock);
	(void)loop_fd_set(c->in_ev, out | (on ? EPOLLIN : 0));
}

/* Hand over what was read; true: all of it was taken. */
static bool
deliver(struct chardev *c)
{
	size_t n = 0;

	if (c->in_len > 0)
		n = c->user.receive(c->user.ctx, c->input + c->in_at,
		                    c->in_len);
	c->in_at += n;
	c->in_len -= n;
	return c->in_len == 0;
}

/* No more input. A line of two descriptors keeps its way out. */
static void
end_input(struct chardev *c)
{
	if (c->in == c->out) {
		hang_up(c);
		return;
	}
	loop_fd_remove(c->in_ev);
	c->in_ev = NULL;
	c->in_no_poll = false;
}

static void
fill(struct chardev *c)
{
	ssize_t n;

	if (c->in_len > 0 || c->in < 0)
		return;
	n = read(c->in, c->input, sizeof(c->input));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_input(c);
		return;
	}
	c->in_at = 0;
	c->in_len = (size_t)n;
	if (!deliver(c))
		watch_input(c, false);
}

static void
take_more(void *ctx)
{
	struct chardev *c = ctx;

	pthread_mutex_lock(&c->lock);
	c->take_queued = false;
	pthread_mutex_unlock(&c->lock);
	if (!c->started || !deliver(c))
		return;
	watch_input(c, true);
	if (c->in_no_poll) {
		fill(c);
		/* A file is never exhausted by one read. */
		if (c->in_no_poll && c->in_len == 0)
			chardev_take_more(c);
	}
}

void
chardev_take_more(struct chardev *c)
{
	bool queue;

	pthread_mutex_lock(&c->lock);
	queue = !c->take_queued;
	c->take_queued = true;
	pthread_mutex_unlock(&c->lock);
	if (queue && loop_call(c->host->loop, take_more, c) < 0) {
		pthread_mutex_lock(&c->lock);
		c->take_queued = false;
		pthread_mutex_unlock(&c->lock);
	}
}

/* Descriptors in the loop. */

/* He hung up before all his input was taken: epoll would tell it for ever. A
 * pipe is read on when the guest asks for more. */
static void
stop_polling(struct chardev *c)
{
	if (c->in == c->out) {
		hang_up(c);
		return;
	}
	loop_fd_remove(c->in_ev);
	c->in_ev = NULL;
	c->in_no_poll = true;
}

static void
on_in(void *ctx, uint32_t events)
{
	struct chardev *c = ctx;

	if ((events & EPOLLOUT) != 0)
		flush(c);
	if (c->in >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
		if (c->in_len == 0)
			fill(c);
		else
			stop_polling(c);
	}
}

static void
on_out(void *ctx, uint32_t events)
{
	struct chardev *c = ctx;

	if ((events & EPOLLOUT) != 0)
		flush(c);
	else if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		hang_up(c);
}

/* epoll refuses files: they are always ready. */
static int
watch(struct chardev *c, int fd, uint32_t events,
      void (*fn)(void *ctx, uint32_t events), struct loop_fd **out_ev,
      bool *out_no_poll, struct error *err)
{
	if (loop_fd_add(c->host->loop, fd, events, fn, c, out_ev, err) == 0)
		return 0;
	if (err->code != -EPERM)
		return err->code;
	*out_no_poll = true;
	return 0;
}

static int
connect_fds(struct chardev *c, struct error *err)
{
	if (watch(c, c->in, c->started ? EPOLLIN : 0, on_in, &c->in_ev,
	          &c->in_no_poll, err) < 0)
		return err->code;
	if (c->out == c->in)
		c->out_ev = c->in_ev;
	else if (watch(c, c->out, 0, on_out, &c->out_ev, &c->out_no_poll, err) <
	         0)
		return err->code;
	pthread_mutex_lock(&c->lock);
	c->there = true;
	pthread_mutex_unlock(&c->lock);
	if (c->user.connected != NULL)
		c->user.connected(c->user.ctx, true);
	return 0;
}

static void
disconnect_fds(struct chardev *c)
{
	if (c->out_ev != c->in_ev)
		loop_fd_remove(c->out_ev);
	loop_fd_remove(c->in_ev);
	c->in_ev = c->out_ev = NULL;
	if (c->out >= 0 && c->out != c->in)
		close(c->out);
	if (c->in >= 0)
		close(c->in);
	c->in = c->out = -1;
}

/* The other end is gone: what was meant for it is, too. */
static void
hang_up(struct chardev *c)
{
	bool tell;

	if (c->in < 0 && c->out < 0)
		return;
	disconnect_fds(c);
	pthread_mutex_lock(&c->lock);
	c->there = c->given_up = false;
	c->len = 0;
	timer_clear(c->host->loop, &c->patience);
	tell = c->want_room;
	c->want_room = false;
	pthread_mutex_unlock(&c->lock);
	c->in_len = 0;
	if (tell)
		tell_room(c);
	if (c->user.connected != NULL)
		c->user.connected(c->user.ctx, false);
	if (c->listen_ev != NULL)
		(void)loop_fd_set(c->listen_ev, EPOLLIN);
}

/* One at a time: the next waits in the backlog. */
static void
on_connect(void *ctx, uint32_t events)
{
	struct chardev *c = ctx;
	struct error err;
	int fd;

	(void)events;
	if (c->in >= 0)
		return;
	fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	c->in = c->out = fd;
	if (connect_fds(c, &err) < 0)
		disconnect_fds(c);
	else
		(void)loop_fd_set(c->listen_ev, 0);
}

/* Life. */

int
chardev_open(struct chardev_host *h, const char *spec, struct chardev **out_c,
             struct error *err)
{
	struct chardev *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return error_set(err, -ENOMEM, "'%s'", spec);
	c->host = h;
	c->in = c->out = c->listener = c->slave = -1;
	pthread_mutex_init(&c->lock, NULL);
	c->patience = (struct timer){ .fn = lose_patience, .ctx = c };
	rc = chardev_open_spec(c, spec, err);
	if (rc == 0 && c->listener >= 0)
		rc = loop_fd_add(h->loop, c->listener, EPOLLIN, on_connect, c,
		                 &c->listen_ev, err);
	else if (rc == 0)
		rc = connect_fds(c, err);
	if (rc < 0) {
		chardev_close(c);
		return error_wrap(err, "'%s'", spec);
	}
	*out_c = c;
	return 0;
}

static void
last_words(struct chardev *c)
{
	for (int i = 0; i < LAST_WORDS_MS / 10; i++) {
		struct pollfd pfd = { .fd = c->out, .events = POLLOUT };

		if (c->out < 0 || drain(c) == 0)
			break;
		(void)poll(&pfd, 1, 10);
	}
}

void
chardev_close(struct chardev *c)
{
	if (c == NULL)
		return;
	c->user = (struct chardev_user){ .receive = NULL };
	last_words(c);
	chardev_restore(c);
	timer_clear(c->host->loop, &c->patience);
	disconnect_fds(c);
	loop_fd_remove(c->listen_ev);
	if (c->listener >= 0)
		close(c->listener);
	if (c->slave >= 0)
		close(c->slave);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

const char *
chardev_path(const struct chardev *c)
{
	return c->path;
}

void
chardev_start(struct chardev *c, const struct chardev_user *u)
{
	bool there;

	c->user = *u;
	c->started = true;
	pthread_mutex_lock(&c->lock);
	there = c->there;
	pthread_mutex_unlock(&c->lock);
	if (there && u->connected != NULL)
		u->connected(u->ctx, true);
	chardev_take_more(c);
}
