/* SPDX-License-Identifier: BSD-2-Clause */
/* chardev_internal.h - what chardev.c and chardev_open.c share. */
#ifndef DEV_CHARDEV_INTERNAL_H
#define DEV_CHARDEV_INTERNAL_H
#include <pthread.h>
#include <termios.h>

#include "dev/chardev.h"
#include "vmm/loop.h"

enum { CHARDEV_MAX_PATH = 256, CHARDEV_INPUT = 4096 };

struct chardev {
	struct chardev_host *host;
	struct chardev_user user;
	bool started;

	/* Descriptors: the loop's thread. out may be in. */
	int in, out, listener, slave;
	struct loop_fd *in_ev, *out_ev, *listen_ev;
	bool in_no_poll, out_no_poll; /* a file: always ready */
	bool out_blocks; /* O_NONBLOCK was not to be had: poll(2) first */
	bool is_socket, is_stdio;
	struct termios saved; /* of in, while has_saved */
	bool has_saved;
	char path[CHARDEV_MAX_PATH];   /* a pty's slave, a socket */
	char remove[CHARDEV_MAX_PATH]; /* at close: a socket, a link */
	uint8_t input[CHARDEV_INPUT];
	size_t in_at, in_len;

	pthread_mutex_t lock; /* all below */
	uint8_t ring[CHARDEV_BUFFER];
	size_t head, len;
	bool there;    /* somebody is connected */
	bool given_up; /* he takes nothing: drop */
	bool want_room;
	bool flush_queued, take_queued;
	struct timer patience;
};

/* Fill in the descriptors; on failure chardev_close() follows. */
int chardev_open_spec(struct chardev *c, const char *spec, struct error *err);
void chardev_restore(struct chardev *c); /* the terminal, paths */
#endif
