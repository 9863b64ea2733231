/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_tree.h - private to the jail.conf language: what the files say, before
 * merging.
 *
 * The lexer and the grammar build the tree through the functions here; merging
 * and substitution read it. All nodes live in one arena, freed at once, so no
 * path of the generated parser can leak. Texts hold no NUL.
 */
#ifndef JAIL_CONF_TREE_H
#define JAIL_CONF_TREE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/error.h"
#include "base/strv.h"
#include "jail/conf.h"

/* A run of text, or the name of a variable to put there. */
struct conf_piece {
	struct conf_piece *next;
	const char *text;
	size_t len;
	uint32_t hash; /* of a variable: conf_name_hash() */
	bool is_var;
};

/* One value: the pieces that stood together without white space. */
struct conf_string {
	struct conf_string *next;
	struct conf_piece *first, *last;
	bool has_vars;
};

enum conf_op { CONF_SET, CONF_ADD, CONF_BARE }; /* k = v, k += v, k v */

/* A parameter or, when is_var, the definition of a variable. */
struct conf_stmt {
	struct conf_stmt *next;
	const char *name;
	uint32_t hash;
	bool is_var;
	enum conf_op op;
	struct conf_string *first, *last; /* none: "persist;" */
};

struct conf_block {
	struct conf_block *next, *next_wild, *parent;
	const char *name; /* full: "a.b" */
	unsigned seq;     /* its place in the files */
	unsigned depth;   /* 1: not nested */
	bool is_wild;
	struct conf_stmt *first, *last;
};

struct conf_chunk;

/* One conf_parse() call, over all its files. */
struct conf_parser {
	const struct conf_env *env;
	const char *file;         /* the outermost, for messages */
	struct error *err;        /* set when code is */
	int code;                 /* why we give up; 0: we do not */
	struct conf_chunk *chunk; /* the arena */
	size_t used;              /* bytes charged, of CONF_MAX_TOTAL */
	size_t steps;             /* of merging, of CONF_MAX_STEPS */
	unsigned n_errors;        /* of files: nothing may be started */
	unsigned n_jail_errors;
	unsigned n_files, include_depth, n_blocks;
	struct conf_block *first, *last;           /* file order */
	struct conf_block *first_wild, *last_wild; /* of them, wildcards */
	struct conf_block *current; /* whose { is open; NULL: none */
	struct conf_block *global;  /* the implicit "*" */
};

/* One file while it is read; the lexer's extra. */
struct conf_source {
	struct conf_parser *parser;
	const char *file;
	void *scanner;
	bool glue;     /* the next piece belongs to the string before it */
	bool at_eof;   /* the lookahead is the end of the file */
	int depth;     /* blocks open in this file */
	bool skipping; /* after an error, up to the next ';' */
	int lost;      /* blocks opened, less those closed, while skipping */
	size_t mem_used;
	_Alignas(max_align_t) char mem[1024]; /* all the scanner allocates */
};

/* Read a text, and what it includes, into p. 0 or p->code; errors in the text
 * are in p->n_errors. */
int conf_tree_read(struct conf_parser *p, const char *file, const char *text,
                   size_t len);
void conf_tree_fini(struct conf_parser *p);

/* Zeroed bytes that live as long as p; NULL sets p->code. */
void *conf_alloc(struct conf_parser *p, size_t bytes);
/* Count bytes against CONF_MAX_TOTAL. 0 or p->code. */
int conf_charge(struct conf_parser *p, size_t bytes);
/* Give up: code and words, unless that has happened. Returns p->code. */
int conf_give_up(struct conf_parser *p, int code, const char *fmt, ...)
    PRINTF(3, 4);
/* Report one line; control bytes come out as \ooo. */
void conf_report(struct conf_parser *p, const char *fmt, ...) PRINTF(2, 3);

/* Hash that is equal for names that conf_name_same() calls equal. */
uint32_t conf_name_hash(const char *name);

/* One jail's parameter or variable while blocks are merged; its values in the
 * order given. Strings stay in the tree. */
struct conf_value {
	struct conf_value *next;
	const struct conf_string *string;
};

struct conf_slot {
	const char *name; /* as last written */
	uint32_t hash;
	bool is_var;
	bool fixed; /* name, jid: set once */
	bool has_vars;
	struct conf_value *first, *last;
	enum { CONF_NEW, CONF_ACTIVE, CONF_DONE, CONF_BAD } state;
	struct strv out; /* after substitution */
	bool placed;     /* in the order of output */
};

/* The jail being merged; reused from jail to jail. */
struct conf_work {
	struct conf_parser *parser;
	const char *jail; /* its name */
	bool failed;
	size_t n;
	struct conf_slot slot[CONF_MAX_PARAMS];
	size_t n_order;
	struct conf_slot *order[CONF_MAX_PARAMS]; /* of output */
};

/* Merge and substitute all jails. 0 and the caller's *out_conf, or p->code. */
int conf_merge(struct conf_parser *p, struct conf **out_conf);
/* Substitute the variables of a merged jail, filling out and order. 0 or
 * p->code; errors of the jail set w->failed. */
int conf_substitute(struct conf_work *w);
/* Report "JAIL: TEXT" and mark the jail failed. */
void conf_jail_error(struct conf_work *w, const char *fmt, ...) PRINTF(2, 3);
/* Count one step of merging. 0 or p->code. */
int conf_step(struct conf_parser *p);

/*
 * For the lexer and the grammar. Those that return a pointer return NULL and
 * set the parser's code when they fail; a failed argument passes through.
 */
struct conf_piece *conf_piece_text(struct conf_source *src, const char *s,
                                   size_t len);
struct conf_piece *conf_piece_var(struct conf_source *src, const char *s,
                                  size_t len);
struct conf_string *conf_string_new(struct conf_source *src,
                                    struct conf_piece *piece);
struct conf_string *conf_string_glue(struct conf_string *s,
                                     struct conf_piece *piece);
struct conf_stmt *conf_stmt_new(struct conf_source *src,
                                const struct conf_piece *key, bool is_var);
struct conf_stmt *conf_stmt_first(struct conf_stmt *st, enum conf_op op,
                                  struct conf_string *s);
struct conf_stmt *conf_stmt_value(struct conf_stmt *st, struct conf_string *s);
/* These return false when parsing must stop. */
bool conf_stmt_end(struct conf_source *src, struct conf_stmt *st);
bool conf_include(struct conf_source *src, const struct conf_stmt *st);
bool conf_block_open(struct conf_source *src, const struct conf_piece *name);
void conf_block_close(struct conf_source *src);

/* One more error of a file was reported; after too many we give up. */
void conf_count_error(struct conf_parser *p);
/* "FILE line N: TEXT", N the lexer's. */
void conf_error(struct conf_source *src, const char *text);
/* What the grammar says to a token it did not expect, and once it has skipped
 * to the ';'. */
void conf_unexpected(struct conf_source *src, const char *text);
void conf_recovered(struct conf_source *src);
/* Shall the grammar see this '{' or '}'? And a '}' that is owed to it? */
bool conf_brace(struct conf_source *src, int brace);
bool conf_brace_owed(struct conf_source *src);

/*
 * The lexer. open scans text[0..len), which it changes as it goes and which
 * must have room for two bytes more; false: no memory. next is for the grammar
 * only, whose header has the types. text and line tell the last token's.
 */
union CONF_YYSTYPE;
bool conf_scan_open(struct conf_source *src, char *text, size_t len);
void conf_scan_close(struct conf_source *src);
int conf_scan_next(union CONF_YYSTYPE *out_value, void *scanner);
const char *conf_scan_text(const struct conf_source *src, size_t *out_len);
int conf_scan_line(const struct conf_source *src);
#endif
