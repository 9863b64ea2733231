/* SPDX-License-Identifier: BSD-2-Clause */
/* chardev.h - what is at the other end of a serial line: the terminal bhyve
 * was started from, a pty, a socket, a tty of the host.
 *
 * Bytes to the host go into a bounded buffer that the loop's thread empties. A
 * reader who is slow is waited for (there is little chardev_room()); one who
 * takes nothing for a while is given up on and output is dropped until he reads
 * again, so that a guest never waits for ever. With nobody connected output is
 * dropped.
 */
#ifndef DEV_CHARDEV_H
#define DEV_CHARDEV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chardev;
struct error;
struct loop;

enum {
	CHARDEV_BUFFER = 64 << 10, /* bytes on the way to the host */
	CHARDEV_PATIENCE_MS = 500  /* with a reader who takes nothing */
};

/* What all lines of a VM share. */
struct chardev_host {
	struct loop *loop;
	bool allow_remote; /* tcp= may listen beyond loopback */
	bool stdio_taken;
};

/* Both run on the loop's thread, with no lock held. */
struct chardev_user {
	/* Bytes from the host; returns how many were taken. After less than
	 * all, chardev_take_more() asks again. */
	size_t (*receive)(void *ctx, const uint8_t *p, size_t n);
	/* There is more room than chardev_room() found wanting. Optional. */
	void (*room)(void *ctx);
	/* Somebody came or went. Optional. */
	void (*connected)(void *ctx, bool there);
	void *ctx;
};

/*
 * spec: "stdio", "pty", "pty=LINK", "unix:PATH", "tcp=HOST:PORT", "/dev/TTY".
 * The path of a pty is told by chardev_path(). -EINVAL: no such; -EBUSY: stdio
 * is taken; -EACCES: beyond loopback.
 */
int chardev_open(struct chardev_host *h, const char *spec,
                 struct chardev **out_c, struct error *err);
/* Gives what is left of the output a moment to go; restores the terminal,
 * removes sockets and links. NULL is fine. On the loop's thread. */
void chardev_close(struct chardev *c);
const char *chardev_path(const struct chardev *c); /* "" when it has none */

/* Begin to receive. Once, from the loop's thread or before it runs. */
void chardev_start(struct chardev *c, const struct chardev_user *u);

/* Any thread from here on; never blocks. */
/* Bytes that will be taken; while they are fewer than want, room() will tell of
 * more. */
size_t chardev_room(struct chardev *c, size_t want);
void chardev_write(struct chardev *c, const void *p, size_t n);
void chardev_take_more(struct chardev *c);
#endif
