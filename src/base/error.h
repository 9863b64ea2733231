/* SPDX-License-Identifier: BSD-2-Clause */
/* error.h - what went wrong: a negative errno to branch on, words to tell.
 *
 * Holds no pointers and never allocates, so it works without memory, after
 * clone(2), and crosses a pipe in one atomic write.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H
#include "base/base.h"

struct error {
	int code;      /* negative errno; 0: nothing went wrong */
	char msg[508]; /* "outer: inner: cause" */
};

/*
 * Each returns err->code. set gives code and words; sys takes errno and adds
 * its text after "words: "; wrap puts words in front of what is there.
 */
int error_set(struct error *err, int code, const char *fmt, ...) PRINTF(3, 4);
int error_sys(struct error *err, const char *fmt, ...) PRINTF(2, 3);
int error_wrap(struct error *err, const char *fmt, ...) PRINTF(2, 3);
#endif
