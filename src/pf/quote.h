/* SPDX-License-Identifier: BSD-2-Clause */
/* quote.h - strings written so that the lexer reads them back. */
#ifndef PF_QUOTE_H
#define PF_QUOTE_H
#include "base/buf.h"

/* In quotes: double ones, unless there are such in it. */
void pf_put_quoted(struct buf *out, const char *s);
/* Bare where that reads back as one word, else in quotes. */
void pf_put_word(struct buf *out, const char *s);
/* The same, word by word where s has blanks. */
void pf_put_words(struct buf *out, const char *s);
/* Can it be written at all? Not so: a backslash at its end, or one beside
 * quotes of both kinds. */
bool pf_can_quote(const char *s);
#endif
