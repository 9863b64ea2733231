/* SPDX-License-Identifier: BSD-2-Clause */
/* list.h - how jls(8) shows jails: table, summary, rows of parameters, each
 * as text, JSON or XML.
 *
 * Pure: parameters come in as jail_get() gives them, bytes go to a buf. Values
 * may hold what a jail's root chose (a hostname), so text forms show control
 * bytes as '?'.
 * Source: jls(8).
 */
#ifndef JAIL_LIST_H
#define JAIL_LIST_H
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/dict.h"
#include "base/error.h"
#include "base/xo.h"

struct list_options {
	bool header;  /* -h */
	bool by_name; /* -N */
	bool named;   /* -n: name=value */
	bool quoted;  /* -q */
	bool skip;    /* -s: what could be given to jail(8) */
	bool verbose; /* -v */
	struct xo_options xo;
};

/* Take one letter of hNnqsv, which cancel each other as jls(8) says; false for
 * any other. */
bool list_set_flag(struct list_options *o, int letter);

struct list; /* what to show of each jail, and how */

/*
 * param[0..n) are the names asked for, "all" among them; none means what the
 * flags imply. They must live as long as the list.
 * -ENOENT "unknown parameter: X", -ENOMEM. *out_list is the caller's:
 * list_free().
 */
int list_new(const struct list_options *o, char *const *param, size_t n,
             struct list **out_list, struct error *err);
void list_free(struct list *l);
/* The parameters that list_jail() looks at, NULL-ended; belongs to l. */
const char *const *list_wanted(const struct list *l);

/* What stands before the first jail, each jail in ascending jid order, what
 * stands after the last. Appended to out. */
void list_begin(struct list *l, struct buf *out);
void list_jail(struct list *l, const struct dict *params, struct buf *out);
void list_end(struct list *l, struct buf *out);
#endif
