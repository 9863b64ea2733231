/* SPDX-License-Identifier: BSD-2-Clause */
/* rr.c - TCP request and response, one byte each way.
 *
 *   rr serve PORT                 answer every connection, a process each
 *   rr ask MS ADDR PORT ...       for each server in turn MS milliseconds of
 *                                 requests over one connection; prints requests
 *                                 per second, a line a server
 *   rr connect MS ADDR PORT ...   the same with a connection for each request
 *
 * Linked statically: the server also runs in a jail.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
tcp_socket(void)
{
	/* Closing resets: no TIME_WAIT piles up over thousands a second. */
	const struct linger now = { .l_onoff = 1 };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	}
	return fd;
}

static void
answer(int fd)
{
	char c;

	while (read(fd, &c, 1) == 1)
		if (write(fd, &c, 1) != 1)
			break;
}

static int
serve(int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		                   .sin_port = htons((uint16_t)port) };
	int fd = tcp_socket();

	signal(SIGCHLD, SIG_IGN);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
	    listen(fd, 128) < 0) {
		perror("rr serve");
		return 1;
	}
	for (;;) {
		int c = accept(fd, NULL, NULL), on = 1;

		if (c < 0)
			continue;
		setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (fork() == 0) {
			close(fd);
			answer(c);
			_exit(0);
		}
		close(c);
	}
}

static int
open_to(const char *addr, const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		                   .sin_port = htons((uint16_t)atoi(port)) };
	int fd = tcp_socket();

	inet_pton(AF_INET, addr, &sin.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0) {
		perror("rr");
		exit(1);
	}
	return fd;
}

static double
ask(double ms, const char *addr, const char *port, bool anew)
{
	double start = now_ms(), end = start + ms;
	int fd = anew ? -1 : open_to(addr, port);
	unsigned long n = 0;
	char c = 'x';

	while (now_ms() < end) {
		if (anew)
			fd = open_to(addr, port);
		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1) {
			perror("rr");
			exit(1);
		}
		if (anew)
			close(fd);
		n++;
	}
	if (!anew)
		close(fd);
	return (double)n * 1e3 / (now_ms() - start);
}

int
main(int argc, char **argv)
{
	bool anew;

	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(atoi(argv[2]));
	if (argc < 5)
		return 2;
	anew = strcmp(argv[1], "connect") == 0;
	for (int i = 3; i + 1 < argc; i += 2)
		printf("%.0f\n",
		       ask(atof(argv[2]), argv[i], argv[i + 1], anew));
	return 0;
}
