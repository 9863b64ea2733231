/* SPDX-License-Identifier: BSD-2-Clause */
/* slirp.c - a guest's network without privileges: a helper process with
 * libslirp at the other end of a socket. The helper ends with the socket.
 */
#include "net/slirp.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "linux/self.h"
#include "net/netback.h"

struct slirp {
	struct netback nb; /* first */
	int fd;
};

/* Copies text up to stop into out; what follows stop, or NULL. */
static const char *
word(const char *text, const char *end, char stop, char *out, size_t room)
{
	const char *at = memchr(text, stop, (size_t)(end - text));

	if (stop == '\0')
		at = end;
	if (at == NULL || (size_t)(at - text) >= room)
		return NULL;
	memcpy(out, text, (size_t)(at - text));
	out[at - text] = '\0';
	return stop == '\0' ? at : at + 1;
}

static bool
address(const char *text, struct in_addr *out)
{
	out->s_addr = 0;
	return text[0] == '\0' || inet_pton(AF_INET, text, out) == 1;
}

static bool
port(const char *text, uint16_t *out)
{
	unsigned long v;

	if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
		return false;
	v = strtoul(text, NULL, 10);
	*out = (uint16_t)v;
	return v >= 1 && v <= UINT16_MAX;
}

int
slirp_forward_parse(const char *text, size_t len, struct slirp_forward *out,
                    struct error *err)
{
	const char *end = text + len, *at = text;
	char proto[8], haddr[16], hport[8], gaddr[16], gport[8];
	struct slirp_forward f;

	if (len < SLIRP_MAX_WORD &&
	    (at = word(at, end, ':', proto, sizeof(proto))) != NULL &&
	    (at = word(at, end, ':', haddr, sizeof(haddr))) != NULL &&
	    (at = word(at, end, '-', hport, sizeof(hport))) != NULL &&
	    (at = word(at, end, ':', gaddr, sizeof(gaddr))) != NULL &&
	    word(at, end, '\0', gport, sizeof(gport)) != NULL) {
		f.udp = strcmp(proto, "udp") == 0;
		if ((f.udp || strcmp(proto, "tcp") == 0) &&
		    address(haddr, &f.host) && address(gaddr, &f.guest) &&
		    port(hport, &f.host_port) && port(gport, &f.guest_port)) {
			*out = f;
			return 0;
		}
	}
	return error_set(err, -EINVAL,
	                 "hostfwd '%.*s': want "
	                 "PROTO:[HADDR]:HPORT-[GADDR]:GPORT",
	                 (int)(len < 64 ? len : 64), text);
}

static bool
slirp_claims(const char *name)
{
	return strcmp(name, "slirp") == 0;
}

struct args {
	char word[SLIRP_MAX_FORWARDS][SLIRP_MAX_WORD];
	char *argv[SLIRP_MAX_FORWARDS + 3];
	unsigned n;
};

/* The helper's words from "a;b;c", each checked. */
static int
forwards(const char *text, struct args *a, struct error *err)
{
	struct slirp_forward f;

	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, ";");

		if (len > 0) {
			if (slirp_forward_parse(text, len, &f, err) < 0)
				return err->code;
			if (a->n == SLIRP_MAX_FORWARDS)
				return error_set(err, -E2BIG,
				                 "hostfwd: over %d",
				                 SLIRP_MAX_FORWARDS);
			memcpy(a->word[a->n], text, len);
			a->word[a->n][len] = '\0';
			a->argv[2 + a->n] = a->word[a->n];
			a->n++;
		}
		text += len + (text[len] == ';');
	}
	return 0;
}

static int
spawn(struct args *a, int fd, struct error *err)
{
	posix_spawn_file_actions_t acts;
	char path[PATH_MAX];
	char *env[] = { NULL };
	pid_t pid;
	int rc;

	if (self_libexec("slirp", path, err) < 0)
		return err->code;
	a->argv[0] = path;
	if (posix_spawn_file_actions_init(&acts) != 0)
		return error_set(err, -ENOMEM, "slirp");
	/* dup2(2) clears close-on-exec, also onto itself. */
	rc = posix_spawn_file_actions_adddup2(&acts, fd, SLIRP_FD);
	if (rc == 0)
		rc = posix_spawn(&pid, path, &acts, NULL, a->argv, env);
	posix_spawn_file_actions_destroy(&acts);
	if (rc != 0)
		return error_set(err, -rc, "start '%s'", path);
	return 0;
}

/* Its first message is empty when all went well, else what did not. */
static int
greeting(int fd, struct error *err)
{
	char text[256];
	ssize_t n;

	do
		n = recv(fd, text, sizeof(text) - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return 0;
	text[n > 0 ? n : 0] = '\0';
	return error_set(err, -EIO, "slirp: %s",
	                 n > 0 ? text : "the helper ended");
}

static int
slirp_ready(struct netback *nb, struct error *err)
{
	return greeting(((struct slirp *)nb)->fd, err);
}

/* The helper takes some milliseconds to come up: slirp_ready() waits. */
static int
slirp_open(const struct netback_options *o, struct netback **out_nb,
           struct error *err)
{
	cleanup_free struct args *a = calloc(1, sizeof(*a));
	cleanup_close int ours = -1, theirs = -1;
	char mode[2][12] = { "restricted", "open" };
	struct slirp *s;
	int fd[2];

	if (a == NULL)
		return error_set(err, -ENOMEM, "slirp");
	a->argv[1] = mode[o->open];
	if (forwards(o->hostfwd, a, err) < 0)
		return err->code;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		return error_sys(err, "slirp: socket");
	ours = fd[0];
	theirs = fd[1];
	if (spawn(a, theirs, err) < 0)
		return err->code;
	close(take_fd(&theirs));
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return error_set(err, -ENOMEM, "slirp");
	s->nb.ops = &netback_slirp;
	s->nb.queues = 1;
	s->fd = take_fd(&ours);
	*out_nb = &s->nb;
	return 0;
}

static int
slirp_fd(const struct netback *nb, unsigned queue)
{
	(void)queue;
	return ((const struct slirp *)nb)->fd;
}

static ssize_t
slirp_recv(struct netback *nb, unsigned queue, const struct iovec *iov,
           unsigned n)
{
	struct iovec body[NETBACK_MAX_PARTS];
	struct msghdr m = { .msg_iov = body };
	ssize_t len;

	(void)queue;
	if (n > NETBACK_MAX_PARTS)
		return -E2BIG;
	m.msg_iovlen = netback_body(iov, n, true, body);
	len = recvmsg(((struct slirp *)nb)->fd, &m, MSG_DONTWAIT);
	if (len > 0)
		return len + NETBACK_HEADER;
	if (len == 0)
		return -EPIPE; /* the helper ended */
	return errno == EINTR ? -EAGAIN : -errno;
}

static int
slirp_send(struct netback *nb, unsigned queue, const struct iovec *iov,
           unsigned n)
{
	struct iovec body[NETBACK_MAX_PARTS];
	struct msghdr m = { .msg_iov = body };

	(void)queue;
	if (n > NETBACK_MAX_PARTS)
		return -E2BIG;
	m.msg_iovlen = netback_body(iov, n, false, body);
	if (sendmsg(((struct slirp *)nb)->fd, &m,
	            MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return -errno;
}

static int
slirp_set(struct netback *nb, unsigned value)
{
	(void)nb;
	(void)value;
	return 0;
}

static void
slirp_close(struct netback *nb)
{
	close(((struct slirp *)nb)->fd);
	free(nb);
}

const struct netback_ops netback_slirp = {
	.name = "slirp",
	.claims = slirp_claims,
	.open = slirp_open,
	.ready = slirp_ready,
	.fd = slirp_fd,
	.recv = slirp_recv,
	.send = slirp_send,
	.set_offloads = slirp_set,
	.set_queues = slirp_set,
	.close = slirp_close,
};
