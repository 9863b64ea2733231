/* SPDX-License-Identifier: BSD-2-Clause */
/* slirp.c - libexec/gaol/slirp: a virtual machine's user network.
 *
 * usage: slirp open|restricted [PROTO:[HADDR]:HPORT-[GADDR]:GPORT ...], with
 * descriptor 3 a SOCK_SEQPACKET socket: a frame a message. The first message
 * says how the start went: one NUL, or words. Ends when the other end does.
 *
 * It speaks for a hostile guest, so once its ports are bound it is nobody, has
 * no capability and gains none.
 */
#include "net/slirp.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "base/error.h"

enum { MAX_POLL = 1024, MAX_TIMERS = 8, NOBODY = 65534 };

struct timer {
	SlirpTimerCb fn;
	void *ctx;
	int64_t at_ms; /* -1: not set */
	bool used;
};

struct net {
	Slirp *slirp;
	struct pollfd poll[MAX_POLL];
	int npoll;
	struct timer timer[MAX_TIMERS];
};

static int64_t
now_ns(void *opaque)
{
	struct timespec ts;

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* A full socket drops the frame: TCP sends it again. */
static ssize_t
send_packet(const void *buf, size_t len, void *opaque)
{
	(void)opaque;
	if (send(SLIRP_FD, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno != EAGAIN && errno != ENOBUFS)
		exit(0);
	return (ssize_t)len;
}

static void
guest_error(const char *msg, void *opaque)
{
	(void)msg;
	(void)opaque;
}

static void *
timer_new(SlirpTimerCb fn, void *ctx, void *opaque)
{
	struct net *n = opaque;

	for (unsigned i = 0; i < MAX_TIMERS; i++)
		if (!n->timer[i].used) {
			n->timer[i] = (struct timer){ fn, ctx, -1, true };
			return &n->timer[i];
		}
	abort(); /* libslirp has one */
}

static void
timer_free(void *timer, void *opaque)
{
	(void)opaque;
	((struct timer *)timer)->used = false;
}

static void
timer_mod(void *timer, int64_t at_ms, void *opaque)
{
	(void)opaque;
	((struct timer *)timer)->at_ms = at_ms;
}

static void
poll_fd(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

static void
notify(void *opaque)
{
	(void)opaque;
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = now_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = poll_fd,
	.unregister_poll_fd = poll_fd,
	.notify = notify,
};

static const struct {
	int slirp;
	short poll;
} event_bits[] = { { SLIRP_POLL_IN, POLLIN },
	           { SLIRP_POLL_OUT, POLLOUT },
	           { SLIRP_POLL_PRI, POLLPRI },
	           { SLIRP_POLL_ERR, POLLERR },
	           { SLIRP_POLL_HUP, POLLHUP } };

static int
add_poll(int fd, int events, void *opaque)
{
	struct net *n = opaque;
	short wanted = 0;

	if (n->npoll == MAX_POLL)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(event_bits); i++)
		if ((events & event_bits[i].slirp) != 0)
			wanted = (short)(wanted | event_bits[i].poll);
	n->poll[n->npoll] = (struct pollfd){ fd, wanted, 0 };
	return n->npoll++;
}

static int
get_revents(int idx, void *opaque)
{
	struct net *n = opaque;
	int events = 0;

	if (idx < 0 || idx >= n->npoll)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(event_bits); i++)
		if ((n->poll[idx].revents & event_bits[i].poll) != 0)
			events |= event_bits[i].slirp;
	return events;
}

static void
read_frames(struct net *n)
{
	static uint8_t frame[SLIRP_MAX_FRAME];

	for (unsigned i = 0; i < 64; i++) {
		ssize_t len =
		    recv(SLIRP_FD, frame, sizeof(frame), MSG_DONTWAIT);

		if (len == 0)
			exit(0); /* the machine ended */
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len < 0)
			exit(1);
		/* Less than an Ethernet header is no frame. */
		if (len >= 14)
			slirp_input(n->slirp, frame, (int)len);
	}
}

static uint32_t
run_timers(struct net *n, uint32_t wait_ms)
{
	int64_t now = now_ns(NULL) / 1000000;

	for (unsigned i = 0; i < MAX_TIMERS; i++) {
		struct timer *t = &n->timer[i];

		if (!t->used || t->at_ms < 0)
			continue;
		if (t->at_ms <= now) {
			t->at_ms = -1;
			t->fn(t->ctx);
		} else if (t->at_ms - now < wait_ms) {
			wait_ms = (uint32_t)(t->at_ms - now);
		}
	}
	return wait_ms;
}

static void
turn(struct net *n)
{
	uint32_t wait_ms = 60000;
	int rc;

	n->poll[0] = (struct pollfd){ SLIRP_FD, POLLIN, 0 };
	n->npoll = 1;
	slirp_pollfds_fill(n->slirp, &wait_ms, add_poll, n);
	wait_ms = run_timers(n, wait_ms);
	rc = poll(n->poll, (nfds_t)n->npoll, (int)wait_ms);
	if (rc < 0 && errno != EINTR)
		exit(1);
	slirp_pollfds_poll(n->slirp, rc < 0, get_revents, n);
	if (n->poll[0].revents != 0)
		read_frames(n);
}

static void
greet(const char *text)
{
	(void)send(SLIRP_FD, text, strlen(text) + (text[0] == '\0'),
	           MSG_NOSIGNAL);
}

static int
refuse(const char *text)
{
	greet(text);
	return 1;
}

static Slirp *
make(struct net *n, bool open)
{
	SlirpConfig c = {
		.version = 4,
		.restricted = !open,
		.in_enabled = true,
		/* What listens on the host's loopback is not for guests. */
		.disable_host_loopback = true,
	};

	inet_pton(AF_INET, "10.0.2.0", &c.vnetwork);
	inet_pton(AF_INET, "255.255.255.0", &c.vnetmask);
	inet_pton(AF_INET, "10.0.2.2", &c.vhost);
	inet_pton(AF_INET, "10.0.2.3", &c.vnameserver);
	inet_pton(AF_INET, "10.0.2.15", &c.vdhcp_start);
	return slirp_new(&c, &callbacks, n);
}

static int
give_up_rights(void)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0)
		return -1;
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	     setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return -1;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int
forward(struct net *n, const char *text, struct error *err)
{
	struct slirp_forward f;

	if (slirp_forward_parse(text, strlen(text), &f, err) < 0)
		return err->code;
	if (slirp_add_hostfwd(n->slirp, f.udp, f.host, f.host_port, f.guest,
	                      f.guest_port) < 0)
		return error_sys(err, "hostfwd '%s'", text);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct net n;
	struct error err;

	if (argc < 2) {
		fputs("usage: slirp open|restricted [FORWARD ...]\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	n.slirp = make(&n, strcmp(argv[1], "open") == 0);
	if (n.slirp == NULL)
		return refuse("libslirp does not start");
	for (int i = 2; i < argc; i++)
		if (forward(&n, argv[i], &err) < 0)
			return refuse(err.msg);
	if (give_up_rights() < 0)
		return refuse("cannot give up its rights");
	greet("");
	for (;;)
		turn(&n);
}
