/* SPDX-License-Identifier: BSD-2-Clause */
/* sock.c - "sock WORD ...": socket calls as words, in order, on the socket made
 * last; what netwall.bats runs inside and outside of jails.
 *
 *   tcp4 tcp6 udp4 udp6 icmp4 icmp6 raw4 raw6 sctp4 mptcp4 packet  socket(2)
 *   reuse reuseport v6only noport freebind transparent todevice   setsockopt
 *   bind=NAME connect=NAME listen shut close unconnect
 *   send=NAME        a datagram; from=ADDR before it names its source
 *   ask              write a line to the peer, print the answer
 *   recv             print a datagram and who sent it; answer it
 *   serve=TEXT       print "ready PID", then for ever answer TEXT and addresses
 *   join=GROUP       IP_ADD_MEMBERSHIP
 *   name peer        print getsockname(2), getpeername(2)
 *   user=UID         become a user; bindcap=UID: with the capability to bind
 *   say=TEXT sleep=MS
 *   timeout=MS       of sockets made later; 30000
 *   many=N           bind N ports and hold them
 *
 * NAME is 10.0.0.1:80 or [fd00::1]:80. Prints "WORD: ERRNO" and exits 1 where
 * a call fails; the last line is "ok" when all went well.
 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

enum { PROTO_MPTCP = 262, PROTO_SCTP = 132 };

union name {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static int fd = -1; /* the socket made last */
static int type;    /* its type */
static int timeout_ms = 30000;
static union name from;    /* source for the next send */
static socklen_t from_len; /* 0: none */

/* --- names --------------------------------------------------------------- */

static socklen_t
read_name(const char *text, union name *n)
{
	char addr[64];
	const char *colon = strrchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);

	memset(n, 0, sizeof(*n));
	if (colon == NULL || len >= sizeof(addr))
		return 0;
	if (text[0] == '[') {
		memcpy(addr, text + 1, len - 2);
		addr[len - 2] = '\0';
		n->in6.sin6_family = AF_INET6;
		n->in6.sin6_port = htons((uint16_t)atoi(colon + 1));
		return inet_pton(AF_INET6, addr, &n->in6.sin6_addr) == 1
		           ? sizeof(n->in6)
		           : 0;
	}
	memcpy(addr, text, len);
	addr[len] = '\0';
	n->in.sin_family = AF_INET;
	n->in.sin_port = htons((uint16_t)atoi(colon + 1));
	return inet_pton(AF_INET, addr, &n->in.sin_addr) == 1 ? sizeof(n->in)
	                                                      : 0;
}

static const char *
show_name(const union name *n, char text[80])
{
	char addr[64];

	if (n->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &n->in6.sin6_addr, addr, sizeof(addr));
		snprintf(text, 80, "[%s]:%d", addr, ntohs(n->in6.sin6_port));
	} else {
		inet_ntop(AF_INET, &n->in.sin_addr, addr, sizeof(addr));
		snprintf(text, 80, "%s:%d", addr, ntohs(n->in.sin_port));
	}
	return text;
}

/* --- sockets ------------------------------------------------------------- */

static const struct kind {
	const char *word;
	int family, type, protocol;
} kinds[] = {
	{ "tcp4", AF_INET, SOCK_STREAM, 0 },
	{ "tcp6", AF_INET6, SOCK_STREAM, 0 },
	{ "udp4", AF_INET, SOCK_DGRAM, 0 },
	{ "udp6", AF_INET6, SOCK_DGRAM, 0 },
	{ "icmp4", AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
	{ "icmp6", AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6 },
	{ "raw4", AF_INET, SOCK_RAW, IPPROTO_ICMP },
	{ "raw6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 },
	{ "sctp4", AF_INET, SOCK_STREAM, PROTO_SCTP },
	{ "mptcp4", AF_INET, SOCK_STREAM, PROTO_MPTCP },
	{ "packet", AF_PACKET, SOCK_RAW, 0 },
};

static const struct option {
	const char *word;
	int level, name;
	bool device;
} options[] = {
	{ "reuse", SOL_SOCKET, SO_REUSEADDR, false },
	{ "reuseport", SOL_SOCKET, SO_REUSEPORT, false },
	{ "v6only", IPPROTO_IPV6, IPV6_V6ONLY, false },
	{ "noport", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, false },
	{ "freebind", IPPROTO_IP, IP_FREEBIND, false },
	{ "transparent", IPPROTO_IP, IP_TRANSPARENT, false },
	{ "todevice", SOL_SOCKET, SO_BINDTODEVICE, true },
};

static int
make_socket(const struct kind *k)
{
	struct timeval wait = { .tv_sec = timeout_ms / 1000,
		                .tv_usec = timeout_ms % 1000 * 1000 };

	fd = socket(k->family, k->type, k->protocol);
	type = k->type;
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
}

static int
set_option(const struct option *o)
{
	int one = 1;

	if (o->device)
		return setsockopt(fd, o->level, o->name, "lo", 3);
	return setsockopt(fd, o->level, o->name, &one, sizeof(one));
}

/* --- words --------------------------------------------------------------- */

static int
do_bind(const char *arg)
{
	union name n;
	socklen_t len = read_name(arg, &n);

	return bind(fd, &n.sa, len);
}

static int
do_connect(const char *arg)
{
	union name n;
	socklen_t len = read_name(arg, &n);

	return connect(fd, &n.sa, len);
}

static int
do_listen(const char *arg)
{
	(void)arg;
	return listen(fd, 64);
}

static int
do_shut(const char *arg)
{
	(void)arg;
	return shutdown(fd, SHUT_RDWR);
}

static int
do_close(const char *arg)
{
	(void)arg;
	return close(fd);
}

static int
do_unconnect(const char *arg)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	(void)arg;
	return connect(fd, &none, sizeof(none));
}

static int
do_from(const char *arg)
{
	char text[80];

	snprintf(text, sizeof(text), strchr(arg, ':') ? "[%s]:0" : "%s:0", arg);
	from_len = read_name(text, &from);
	return 0;
}

/* The control message that names a datagram's source. */
static void
name_source(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (from.sa.sa_family == AF_INET) {
		struct in_pktinfo p = { .ipi_spec_dst = from.in.sin_addr };

		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(p));
		memcpy(CMSG_DATA(c), &p, sizeof(p));
	} else {
		struct in6_pktinfo p = { .ipi6_addr = from.in6.sin6_addr };

		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(p));
		memcpy(CMSG_DATA(c), &p, sizeof(p));
	}
	m->msg_controllen = CMSG_ALIGN(c->cmsg_len);
}

static int
do_send(const char *arg)
{
	/* Also a valid echo request, for ping sockets. */
	char text[8] = "\010\0\0\0\0\0\0\0";
	struct iovec iov = { text, sizeof(text) };
	char control[256] = "";
	union name to;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (arg != NULL) {
		m.msg_name = &to;
		m.msg_namelen = read_name(arg, &to);
	}
	if (from_len != 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		name_source(&m);
	}
	from_len = 0;
	return sendmsg(fd, &m, 0) < 0 ? -1 : 0;
}

static int
do_ask(const char *arg)
{
	char text[200];
	ssize_t n;

	(void)arg;
	if (write(fd, "?\n", 2) < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -1;
	text[n] = '\0';
	printf("%s", n == 0 ? "nothing\n" : text);
	return 0;
}

static int
do_recv(const char *arg)
{
	char text[200], who[80];
	union name n;
	socklen_t len = sizeof(n);
	ssize_t got = recvfrom(fd, text, sizeof(text) - 1, 0, &n.sa, &len);

	(void)arg;
	if (got < 0)
		return -1;
	if (text[got > 0 ? got - 1 : 0] == '\n')
		got--;
	if (text[0] == '\010' || got < 0)
		got = 0;
	text[got] = '\0';
	printf("%s%sfrom %s\n", text, got > 0 ? " " : "", show_name(&n, who));
	(void)!sendto(fd, "yes\n", 4, 0, &n.sa, len);
	return 0;
}

static int
serve_one(const char *text)
{
	char line[300], a[80], b[80];
	union name local = { 0 }, peer = { 0 };
	socklen_t ll = sizeof(local), pl = sizeof(peer);
	int s = fd;

	if (type == SOCK_STREAM) {
		s = accept(fd, &peer.sa, &pl);
		if (s < 0)
			return errno == EAGAIN ? 0 : -1;
		getsockname(s, &local.sa, &ll);
	} else {
		if (recvfrom(fd, line, sizeof(line), 0, &peer.sa, &pl) < 0)
			return errno == EAGAIN ? 0 : -1;
		getsockname(fd, &local.sa, &ll);
	}
	snprintf(line, sizeof(line), "%s at %s to %s\n", text,
	         show_name(&local, a), show_name(&peer, b));
	if (type == SOCK_STREAM) {
		while (read(s, a, sizeof(a)) > 0)
			(void)!write(s, line, strlen(line));
		return close(s);
	}
	(void)!sendto(fd, line, strlen(line), 0, &peer.sa, pl);
	return 0;
}

static int
do_serve(const char *text)
{
	struct timeval never = { 0 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof(never));
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	for (;;)
		if (serve_one(text) < 0)
			return -1;
}

static int
do_join(const char *arg)
{
	struct ip_mreqn m = { 0 };

	inet_pton(AF_INET, arg, &m.imr_multiaddr);
	m.imr_ifindex = (int)if_nametoindex("lo");
	return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m));
}

static int
do_name(const char *arg)
{
	union name n;
	socklen_t len = sizeof(n);
	char text[80];

	(void)arg;
	if (getsockname(fd, &n.sa, &len) < 0)
		return -1;
	puts(show_name(&n, text));
	return 0;
}

static int
do_peer(const char *arg)
{
	union name n;
	socklen_t len = sizeof(n);
	char text[80];

	(void)arg;
	if (getpeername(fd, &n.sa, &len) < 0)
		return -1;
	puts(show_name(&n, text));
	return 0;
}

static int
do_user(const char *arg)
{
	uid_t uid = (uid_t)atoi(arg);

	return setresuid(uid, uid, uid);
}

static int
do_bindcap(const char *arg)
{
	struct __user_cap_header_struct h = { .version =
		                                  _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = {
		{ .effective = 1u << CAP_NET_BIND_SERVICE,
		  .permitted = 1u << CAP_NET_BIND_SERVICE },
	};

	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || do_user(arg) < 0)
		return -1;
	return (int)syscall(SYS_capset, &h, d);
}

static int
do_say(const char *arg)
{
	puts(arg);
	fflush(stdout);
	return 0;
}

static int
do_timeout(const char *arg)
{
	timeout_ms = atoi(arg);
	return 0;
}

static int
do_sleep(const char *arg)
{
	return usleep((useconds_t)atoi(arg) * 1000);
}

/* Hold ports from 1024 on. */
static int
do_many(const char *arg)
{
	union name n = { .in.sin_family = AF_INET };

	for (int i = 0; i < atoi(arg); i++) {
		int s = socket(AF_INET, SOCK_STREAM, 0);

		n.in.sin_port = htons((uint16_t)(1024 + i));
		if (s < 0 || bind(s, &n.sa, sizeof(n.in)) < 0)
			return -1;
	}
	return 0;
}

static const struct word {
	const char *word;
	int (*run)(const char *arg);
} words[] = {
	{ "bind", do_bind },     { "connect", do_connect },
	{ "listen", do_listen }, { "shut", do_shut },
	{ "close", do_close },   { "unconnect", do_unconnect },
	{ "from", do_from },     { "send", do_send },
	{ "ask", do_ask },       { "recv", do_recv },
	{ "serve", do_serve },   { "join", do_join },
	{ "name", do_name },     { "peer", do_peer },
	{ "user", do_user },     { "bindcap", do_bindcap },
	{ "say", do_say },       { "timeout", do_timeout },
	{ "sleep", do_sleep },   { "many", do_many },
};

static int
run(const char *word, const char *arg)
{
	for (size_t i = 0; i < LEN(kinds); i++)
		if (strcmp(kinds[i].word, word) == 0)
			return make_socket(&kinds[i]);
	for (size_t i = 0; i < LEN(options); i++)
		if (strcmp(options[i].word, word) == 0)
			return set_option(&options[i]);
	for (size_t i = 0; i < LEN(words); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].run(arg);
	fprintf(stderr, "sock: no word '%s'\n", word);
	exit(2);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *arg = strchr(argv[i], '=');

		if (arg != NULL)
			*arg++ = '\0';
		if (run(argv[i], arg) < 0) {
			printf("%s: %s\n", argv[i], strerrorname_np(errno));
			return 1;
		}
		fflush(stdout);
	}
	puts("ok");
	return 0;
}
