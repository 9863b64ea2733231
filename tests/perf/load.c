/* SPDX-License-Identifier: BSD-2-Clause */
/* load.c - the load that tests/perf/virtio puts on a guest's cards. Static: it
 * runs in the guest, and for the network's other end on the host.
 *
 *   load read DEVICE SECONDS DEPTH  random reads of 4 KiB past the page cache,
 *                                   DEPTH under way; prints how many a second
 *   load tx ADDRESS PORT SECONDS    sends a TCP stream
 *   load rx PORT                    takes one; prints its MB a second
 */
#include <linux/aio_abi.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096, MAX_DEPTH = 256, STREAM = 256 << 10 };

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t
next_random(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

struct reader {
	int fd;
	uint64_t blocks;
	aio_context_t ctx;
	struct iocb cb[MAX_DEPTH];
};

static void
submit(struct reader *r, struct iocb **list, long n)
{
	for (long i = 0; i < n; i++)
		list[i]->aio_offset =
		    (int64_t)(next_random() % r->blocks * BLOCK);
	while (n > 0) {
		long done = syscall(SYS_io_submit, r->ctx, n, list);

		if (done < 0)
			err(1, "io_submit");
		n -= done;
		list += done;
	}
}

static void
open_device(struct reader *r, const char *path, unsigned depth)
{
	uint64_t bytes = 0;

	r->fd = open(path, O_RDONLY | O_DIRECT);
	if (r->fd < 0 || ioctl(r->fd, BLKGETSIZE64, &bytes) < 0)
		err(1, "%s", path);
	r->blocks = bytes / BLOCK;
	if (syscall(SYS_io_setup, depth, &r->ctx) < 0)
		err(1, "io_setup");
	for (unsigned i = 0; i < depth; i++) {
		void *buf;

		if (posix_memalign(&buf, BLOCK, BLOCK) != 0)
			errx(1, "no memory");
		r->cb[i] = (struct iocb){ .aio_data = i,
			                  .aio_lio_opcode = IOCB_CMD_PREAD,
			                  .aio_fildes = (uint32_t)r->fd,
			                  .aio_buf = (uint64_t)(uintptr_t)buf,
			                  .aio_nbytes = BLOCK };
	}
}

static void
do_read(const char *path, double seconds, unsigned depth)
{
	struct io_event ev[MAX_DEPTH];
	struct iocb *list[MAX_DEPTH];
	static struct reader r;
	uint64_t count = 0;
	double from, to;

	if (depth < 1 || depth > MAX_DEPTH)
		errx(1, "depth 1 to %d", MAX_DEPTH);
	open_device(&r, path, depth);
	for (unsigned i = 0; i < depth; i++)
		list[i] = &r.cb[i];
	from = now();
	submit(&r, list, depth);
	do {
		long n =
		    syscall(SYS_io_getevents, r.ctx, 1L, (long)depth, ev, NULL);

		if (n < 0)
			err(1, "io_getevents");
		for (long i = 0; i < n; i++) {
			if (ev[i].res != BLOCK)
				errx(1, "read: %lld", (long long)ev[i].res);
			list[i] = &r.cb[ev[i].data];
		}
		count += (uint64_t)n;
		submit(&r, list, n);
		to = now();
	} while (to - from < seconds);
	printf("read %.0f\n", (double)count / (to - from));
}

static struct sockaddr_in
address(const char *host, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons((uint16_t)atoi(port)) };

	if (host != NULL && inet_pton(AF_INET, host, &a.sin_addr) != 1)
		errx(1, "%s: no address", host);
	return a;
}

/* The other end may not be there yet. */
static int
connected(const struct sockaddr_in *a)
{
	for (unsigned i = 0; i < 600; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0)
			return fd;
		close(fd);
		usleep(100000);
	}
	err(1, "connect");
}

static void
do_tx(const char *host, const char *port, double seconds)
{
	struct sockaddr_in a = address(host, port);
	static char buf[STREAM];
	int fd = connected(&a);
	double from = now();

	while (now() - from < seconds)
		if (write(fd, buf, sizeof(buf)) < 0)
			err(1, "write");
	close(fd);
}

static void
do_rx(const char *port)
{
	struct sockaddr_in a = address(NULL, port);
	static char buf[STREAM];
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0), peer;
	double bytes = 0, from;
	ssize_t n;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0)
		err(1, "listen");
	peer = accept(fd, NULL, NULL);
	if (peer < 0)
		err(1, "accept");
	from = now();
	while ((n = read(peer, buf, sizeof(buf))) > 0)
		bytes += (double)n;
	printf("rx %.1f\n", bytes / 1e6 / (now() - from));
}

int
main(int argc, char *argv[])
{
	if (argc == 5 && strcmp(argv[1], "read") == 0)
		do_read(argv[2], atof(argv[3]), (unsigned)atoi(argv[4]));
	else if (argc == 5 && strcmp(argv[1], "tx") == 0)
		do_tx(argv[2], argv[3], atof(argv[4]));
	else if (argc == 3 && strcmp(argv[1], "rx") == 0)
		do_rx(argv[2]);
	else
		errx(2, "usage: load read DEVICE SECONDS DEPTH | "
		        "tx ADDRESS PORT SECONDS | rx PORT");
	return 0;
}
