/* SPDX-License-Identifier: BSD-2-Clause */
/* xo.h - structured output in the forms FreeBSD's commands have from libxo:
 * JSON and XML, compact or pretty, and the option that asks for them.
 *
 * One document: a container, in it lists of items and of plain values. The
 * caller prints its text form itself when style is XO_TEXT. Writes to a buf;
 * prints nothing.
 * Source: xo_options(7); shapes of libxo 1.6.
 */
#ifndef BASE_XO_H
#define BASE_XO_H
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

enum xo_style { XO_TEXT, XO_JSON, XO_XML };

struct xo_options {
	enum xo_style style;
	bool pretty;
	unsigned indent; /* columns per level when pretty */
};

#define XO_OPTIONS_INIT                                                        \
	{                                                                      \
		XO_TEXT, false, 2                                              \
	}

/*
 * Take "--libxo WORDS", "--libxo=WORDS" and "--libxo:LETTERS" out of argv,
 * wherever they stand before "--". argv stays NULL-ended.
 * -EINVAL: an option that is unknown or, like html, not done here.
 */
int xo_parse_args(struct xo_options *o, int *argc, char **argv,
                  struct error *err);

enum {
	XO_MAX_DEPTH = 8,
	XO_MAX_INDENT = 16,
};

/* One open container, list or item. */
struct xo_level {
	const char *name; /* the caller's, alive until closed */
	bool some;        /* something was written in it */
	bool is_indented; /* what is in it stands one level deeper */
};

struct xo {
	struct xo_options o;
	struct buf *out;
	struct xo_level level[XO_MAX_DEPTH];
	unsigned depth;
	unsigned nest; /* levels of indentation; an XML list is none */
};

/* Start a document with one container; version is libxo's content version. */
void xo_begin(struct xo *x, const struct xo_options *o, struct buf *out,
              const char *container, const char *version);
void xo_end(struct xo *x);

/* A list, of items or of plain values; name is both's. */
void xo_list_open(struct xo *x, const char *name);
void xo_list_close(struct xo *x);
void xo_item_open(struct xo *x);
void xo_item_close(struct xo *x);
/* One plain value of the open list. */
void xo_member(struct xo *x, const char *value);

/* A named value of the open item: text, or a number or boolean as it is. */
void xo_string(struct xo *x, const char *name, const char *value);
void xo_raw(struct xo *x, const char *name, const char *value);
#endif
