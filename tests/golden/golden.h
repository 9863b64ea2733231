/* SPDX-License-Identifier: BSD-2-Clause */
/* golden.h - folders of files and what they must mean. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H
#include "base/buf.h"

/* The whole file; false: there is none. */
bool golden_read(const char *path, struct buf *out);
/* Does NAME.SUFFIX say what we got, or is it absent when we got nothing? With
 * GOLDEN_UPDATE in the environment it is written. 0 or -1. */
int golden_compare(const char *name, const char *suffix, bool wanted,
                   const struct buf *got);
/* check(NAME) for each NAME.conf of the folder argv[1]; the exit status. */
int golden_main(int argc, char **argv, int (*check)(const char *name));
#endif
