/* SPDX-License-Identifier: BSD-2-Clause */
/* lex.h - the words of pf.conf(5): files in files, macros, strings, numbers.
 *
 * Written by hand, not for flex: the value of a macro is read again as program
 * text, where a word may begin in one macro and end outside of it, and whether
 * digits are a number depends on what follows them.
 */
#ifndef PF_LEX_H
#define PF_LEX_H
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum { PF_TOKEN_SIZE = 8096 };

struct pf_macro {
	struct pf_macro *next;
	const char *name, *value;
	bool sticky; /* from the command line: files do not change it */
	bool used;
};

/* A text being read: a file, or the value of a macro. */
struct pf_frame;

/* Where a message belongs. */
typedef void pf_complain_fn(void *ctx, const char *text);

struct pf_lex {
	struct arena *arena;    /* of tokens and macros */
	struct pf_frame *frame; /* innermost */
	struct pf_frame *file;  /* innermost that is a file */
	unsigned n_files;       /* open */
	struct pf_macro *macro;
	int line;                 /* of the last token */
	bool in_macro;            /* the last character was in a value */
	pf_complain_fn *complain; /* about a word, at the line of it */
	void *ctx;
	char token[PF_TOKEN_SIZE];
};

void pf_lex_init(struct pf_lex *lx, struct arena *arena,
                 pf_complain_fn *complain, void *ctx);
void pf_lex_fini(struct pf_lex *lx);

/* Read a text before what is left of the others. text is borrowed until it is
 * read. false: too many in each other, or no memory. */
bool pf_lex_open(struct pf_lex *lx, const char *name, const char *text,
                 size_t len);
/* The same, and free(text) at its end. */
bool pf_lex_open_owned(struct pf_lex *lx, const char *name, char *text,
                       size_t len);

/* Leave what is open, when its end was read. */
void pf_lex_close(struct pf_lex *lx);

/* The file of the last token. */
const char *pf_lex_file(const struct pf_lex *lx);

/* Define a macro; -1: no memory. */
int pf_lex_define(struct pf_lex *lx, const char *name, const char *value,
                  bool sticky);

/* The next token as parse.y names them; 0 at the end. *out_text for a STRING,
 * in the arena; *out_number for a NUMBER. */
int pf_lex_next(struct pf_lex *lx, const char **out_text,
                long long *out_number);
/* Skip to the end of the line, which is the next token. */
void pf_lex_skip_line(struct pf_lex *lx);
/* Is this read as a word that means nothing by itself: a STRING? */
bool pf_lex_is_word(const char *text);
#endif
