/* SPDX-License-Identifier: BSD-2-Clause */
/* made.h - things made once, from a text that says what is in them: bases and
 * disks.
 *
 * Each is a directory KIND/NAME below lib_open() and remembers its text. It is
 * made beside its place and renamed into it, so that what has the name is
 * whole: killed at any instant, there is all of it or nothing.
 */
#ifndef MANAGE_MADE_H
#define MANAGE_MADE_H
#include "base/error.h"
#include "base/strv.h"
#include "manage/base.h"
#include "manage/command.h"

struct made_kind {
	const char *word;       /* "base": its directory, and in messages */
	const char *remembered; /* the file in it that keeps its text */
	/*
	 * Make what the plan says as the directory path, which is not there.
	 * A half one is the caller's to remove. 0 or a negative errno.
	 */
	int (*build)(const struct base_plan *plan, const char *name,
	             const char *path, command_line_fn *progress, void *arg,
	             struct error *err);
	/* Must the one called name below dir stay? Optional. */
	int (*is_in_use)(int dir, const char *name, struct error *err);
};

/* As base_make(), base_remove() and base_list(). */
int made_make(const struct made_kind *kind, const char *name, const char *text,
              size_t len, command_line_fn *progress, void *arg,
              struct error *err);
int made_remove(const struct made_kind *kind, const char *name,
                struct error *err);
int made_list(const struct made_kind *kind, struct strv *out,
              struct error *err);
#endif
