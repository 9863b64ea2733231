/* SPDX-License-Identifier: BSD-2-Clause */
/* probe.h - attacks on a jail, each a function tried from inside it.
 *
 * An attack returns 0 when it succeeded (the wall did not hold), a negative
 * errno when it was refused, UNABLE when it could not be tried at all. None
 * does harm where it succeeds: each stops at the proof.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H
#include <stddef.h>

enum { UNABLE = 1 };

struct attack {
	const char *name, *args;
	int min, max; /* arguments */
	int (*run)(char **argv);
};

struct attack_list {
	const struct attack *attack;
	size_t n;
};

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

extern const struct attack_list gate_attacks;    /* gates.c */
extern const struct attack_list file_attacks;    /* files.c */
extern const struct attack_list space_attacks;   /* spaces.c */
extern const struct attack_list process_attacks; /* processes.c */
extern const struct attack_list socket_attacks;  /* sockets.c */

/* 0 or -errno of a call that returns -1 on failure. */
int outcome(long ret);
#endif
