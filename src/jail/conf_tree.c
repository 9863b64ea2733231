/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_tree.c - builds the tree of blocks, statements and strings while the
 * grammar reads files.
 *
 * Owns the arena, the limits on files and nesting, and how messages about a
 * file read. One parser, one thread.
 * Source: jail.conf(5).
 */
#include "jail/conf_tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "jail/conf.h"
#include "jail/conf_parse.h"

enum {
	CHUNK_BYTES = 64 << 10,
	MAX_TOKEN_SHOWN = 64, /* of an unexpected token */
};

/* One piece of the arena; the bytes handed out follow. */
struct conf_chunk {
	struct conf_chunk *next;
	size_t used, cap;
	_Alignas(max_align_t) char data[];
};

int
conf_give_up(struct conf_parser *p, int code, const char *fmt, ...)
{
	char text[sizeof(p->err->msg)];
	va_list ap;

	if (p->code != 0)
		return p->code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->code = error_set(p->err, code, "%s", text);
	return p->code;
}

int
conf_charge(struct conf_parser *p, size_t bytes)
{
	if (bytes > CONF_MAX_TOTAL - p->used)
		return conf_give_up(p, -E2BIG,
		                    "%s: needs more than %d MiB of memory",
		                    p->file, CONF_MAX_TOTAL >> 20);
	p->used += bytes;
	return p->code;
}

static struct conf_chunk *
add_chunk(struct conf_parser *p, size_t bytes)
{
	size_t cap = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	struct conf_chunk *c;

	if (conf_charge(p, cap) < 0)
		return NULL;
	c = calloc(1, sizeof(*c) + cap);
	if (c == NULL) {
		conf_give_up(p, -ENOMEM, "%s: out of memory", p->file);
		return NULL;
	}
	c->cap = cap;
	c->next = p->chunk;
	p->chunk = c;
	return c;
}

void *
conf_alloc(struct conf_parser *p, size_t bytes)
{
	struct conf_chunk *c = p->chunk;
	void *out;

	bytes =
	    (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (c == NULL || bytes > c->cap - c->used) {
		c = add_chunk(p, bytes);
		if (c == NULL)
			return NULL;
	}
	out = c->data + c->used;
	c->used += bytes;
	return out;
}

void
conf_tree_fini(struct conf_parser *p)
{
	while (p->chunk != NULL) {
		struct conf_chunk *next = p->chunk->next;

		free(p->chunk);
		p->chunk = next;
	}
}

/* One line, so that no name in a file can fake a second message. */
void
conf_report(struct conf_parser *p, const char *fmt, ...)
{
	cleanup_buf struct buf line = BUF_INIT;
	cleanup_free char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0) {
		text = NULL;
		conf_give_up(p, -ENOMEM, "%s: out of memory", p->file);
		return;
	}
	for (const char *s = text; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			buf_printf(&line, "\\%03o", (unsigned char)*s);
		else
			buf_putc(&line, *s);
	if (line.failed)
		conf_give_up(p, -ENOMEM, "%s: out of memory", p->file);
	else
		p->env->report(p->env->arg, buf_str(&line));
}

/* A file is bad; after too many of its errors we stop reading. */
void
conf_count_error(struct conf_parser *p)
{
	if (++p->n_errors < CONF_MAX_ERRORS || p->code != 0)
		return;
	conf_report(p, "%s: too many errors", p->file);
	conf_give_up(p, -EINVAL, "%s: too many errors", p->file);
}

void
conf_error(struct conf_source *src, const char *text)
{
	if (src->parser->code != 0)
		return;
	conf_report(src->parser, "%s line %d: %s", src->file,
	            conf_scan_line(src), text);
	conf_count_error(src->parser);
}

/* The token as it stands in the file, odd bytes as \ooo, cut when long. */
static void
put_token(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (i == MAX_TOKEN_SHOWN) {
			buf_puts(out, "...");
			return;
		}
		if (c < ' ' || c >= 0x7f)
			buf_printf(out, "\\%03o", c);
		else
			buf_putc(out, (char)c);
	}
}

/*
 * Skipping to a ';' may swallow the opening or the end of blocks, and then
 * every brace up to the end of the file would be an error: the braces that were
 * lost are made good afterwards.
 */
static void
lose_brace(struct conf_source *src, int brace)
{
	if (brace == '{')
		src->lost++;
	else if (src->depth + src->lost > 0)
		src->lost--;
}

bool
conf_brace(struct conf_source *src, int brace)
{
	if (src->skipping) {
		lose_brace(src, brace);
		return true;
	}
	if (brace == '{' || src->lost <= 0)
		return true;
	src->lost--;
	return false;
}

bool
conf_brace_owed(struct conf_source *src)
{
	if (src->skipping || src->lost >= 0)
		return false;
	src->lost++;
	return true;
}

void
conf_recovered(struct conf_source *src)
{
	src->skipping = false;
}

void
conf_unexpected(struct conf_source *src, const char *text)
{
	struct conf_parser *p = src->parser;
	cleanup_buf struct buf line = BUF_INIT;
	const char *token;
	size_t len;

	if (p->code != 0)
		return;
	if (src->at_eof) {
		conf_report(p, "%s: unexpected EOF", src->file);
		conf_count_error(p);
		return;
	}
	token = conf_scan_text(src, &len);
	src->skipping = true;
	if (*token == '{' || *token == '}')
		lose_brace(src, *token);
	put_token(&line, token, len);
	buf_printf(&line, ": %s", text);
	conf_error(src, buf_str(&line));
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* A number of at most max digits in base 8 or 16. Returns the digits taken. */
static size_t
decode_number(const char *s, size_t len, int base, size_t max, char *out)
{
	unsigned v = 0;
	size_t i;

	for (i = 0; i < len && i < max; i++) {
		int digit = hex_digit(s[i]);

		if (digit < 0 || digit >= base)
			break;
		v = v * (unsigned)base + (unsigned)digit;
	}
	*out = (char)v;
	return i;
}

/*
 * What follows a backslash. Returns the bytes taken, at least one; *out_n is
 * how many bytes were written to out: 0 after a newline, else 1.
 */
static size_t
decode_escape(const char *s, size_t len, char *out, size_t *out_n)
{
	static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
	const char *at;
	size_t taken;

	*out_n = *s == '\n' ? 0 : 1;
	taken = decode_number(s, len, 8, 3, out);
	if (taken > 0)
		return taken;
	if (*s == 'x') {
		taken = decode_number(s + 1, len - 1, 16, 2, out);
		if (taken > 0)
			return taken + 1;
	}
	at = *s == '\0' ? NULL : strchr(from, *s);
	*out = at == NULL ? *s : to[at - from];
	return 1;
}

/* The text with its escapes decoded. */
static char *
decode(struct conf_source *src, const char *s, size_t len, size_t *out_len)
{
	char *text = conf_alloc(src->parser, len + 1);
	size_t n = 0;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < len;) {
		size_t one = 1;

		if (s[i] != '\\' || i + 1 == len) {
			text[n++] = s[i++];
			continue;
		}
		i++;
		i += decode_escape(s + i, len - i, text + n, &one);
		n += one;
	}
	text[n] = '\0';
	if (memchr(text, '\0', n) != NULL)
		conf_error(src, "NUL byte in a string");
	*out_len = strlen(text);
	return text;
}

struct conf_piece *
conf_piece_text(struct conf_source *src, const char *s, size_t len)
{
	struct conf_piece *piece = conf_alloc(src->parser, sizeof(*piece));

	if (piece == NULL)
		return NULL;
	piece->text = decode(src, s, len, &piece->len);
	return piece->text == NULL ? NULL : piece;
}

struct conf_piece *
conf_piece_var(struct conf_source *src, const char *s, size_t len)
{
	struct conf_piece *piece = conf_piece_text(src, s, len);

	if (piece == NULL)
		return NULL;
	piece->is_var = true;
	piece->hash = conf_name_hash(piece->text);
	return piece;
}

struct conf_string *
conf_string_new(struct conf_source *src, struct conf_piece *piece)
{
	struct conf_string *s = conf_alloc(src->parser, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->first = s->last = piece;
	s->has_vars = piece->is_var;
	return s;
}

struct conf_string *
conf_string_glue(struct conf_string *s, struct conf_piece *piece)
{
	if (s == NULL)
		return NULL;
	s->last->next = piece;
	s->last = piece;
	s->has_vars |= piece->is_var;
	return s;
}

struct conf_stmt *
conf_stmt_new(struct conf_source *src, const struct conf_piece *key,
              bool is_var)
{
	struct conf_stmt *st = conf_alloc(src->parser, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->name = key->text;
	st->hash = conf_name_hash(key->text);
	st->is_var = is_var;
	return st;
}

struct conf_stmt *
conf_stmt_first(struct conf_stmt *st, enum conf_op op, struct conf_string *s)
{
	if (st != NULL)
		st->op = op;
	return conf_stmt_value(st, s);
}

struct conf_stmt *
conf_stmt_value(struct conf_stmt *st, struct conf_string *s)
{
	if (st == NULL || s == NULL)
		return NULL;
	if (st->first == NULL)
		st->first = s;
	else
		st->last->next = s;
	st->last = s;
	return st;
}

/* Put a block at the end of the file order. NULL: p->code tells. */
static struct conf_block *
add_block(struct conf_parser *p, const char *name)
{
	struct conf_block *b;

	if (p->n_blocks == CONF_MAX_JAILS) {
		conf_give_up(p, -E2BIG, "%s: more than %d jails", p->file,
		             CONF_MAX_JAILS);
		return NULL;
	}
	b = conf_alloc(p, sizeof(*b));
	if (b == NULL)
		return NULL;
	b->seq = p->n_blocks++;
	b->name = name;
	b->is_wild = conf_is_wild(name);
	if (p->first == NULL)
		p->first = b;
	else
		p->last->next = b;
	p->last = b;
	if (b->is_wild) {
		if (p->first_wild == NULL)
			p->first_wild = b;
		else
			p->last_wild->next_wild = b;
		p->last_wild = b;
	}
	return b;
}

/* "parent.name", or name when no block is open. */
static const char *
full_name(struct conf_source *src, const struct conf_piece *name)
{
	struct conf_parser *p = src->parser;
	const char *outer = p->current == NULL ? "" : p->current->name;
	size_t len = strlen(outer) + 1 + name->len;
	char *full;

	if (len > CONF_MAX_NAME) {
		conf_give_up(p, -E2BIG, "%s line %d: name longer than %d bytes",
		             src->file, conf_scan_line(src), CONF_MAX_NAME);
		return NULL;
	}
	full = conf_alloc(p, len + 1);
	if (full != NULL)
		snprintf(full, len + 1, "%s%s%s", outer,
		         p->current == NULL ? "" : ".", name->text);
	return full;
}

bool
conf_block_open(struct conf_source *src, const struct conf_piece *name)
{
	struct conf_parser *p = src->parser;
	unsigned depth = p->current == NULL ? 1 : p->current->depth + 1;
	const char *full;
	struct conf_block *b;

	if (depth > CONF_MAX_DEPTH) {
		conf_give_up(p, -E2BIG,
		             "%s line %d: blocks nested deeper than %d",
		             src->file, conf_scan_line(src), CONF_MAX_DEPTH);
		return false;
	}
	full = full_name(src, name);
	if (full == NULL)
		return false;
	b = add_block(p, full);
	if (b == NULL)
		return false;
	b->depth = depth;
	b->parent = p->current;
	p->current = b;
	src->depth++;
	return true;
}

void
conf_block_close(struct conf_source *src)
{
	src->parser->current = src->parser->current->parent;
	src->depth--;
}

/* Where a statement goes: the open block, or the implicit "*" block, which
 * stands where the first such statement of all files does. */
static struct conf_block *
block_of_statement(struct conf_parser *p)
{
	if (p->current != NULL)
		return p->current;
	if (p->global == NULL)
		p->global = add_block(p, "*");
	return p->global;
}

bool
conf_stmt_end(struct conf_source *src, struct conf_stmt *st)
{
	struct conf_block *b;

	if (st == NULL || src->parser->code != 0)
		return false;
	if (st->op == CONF_BARE && !st->is_var &&
	    strcmp(st->name, ".include") == 0)
		return conf_include(src, st);
	b = block_of_statement(src->parser);
	if (b == NULL)
		return false;
	if (b->first == NULL)
		b->first = st;
	else
		b->last->next = st;
	b->last = st;
	return true;
}

int
conf_tree_read(struct conf_parser *p, const char *file, const char *text,
               size_t len)
{
	struct conf_source src = { .parser = p, .file = file };
	cleanup_free char *copy = NULL;

	if (len > CONF_MAX_BYTES)
		return conf_give_up(p, -E2BIG, "%s: larger than %d bytes", file,
		                    CONF_MAX_BYTES);
	copy = malloc(len + 2);
	if (copy == NULL)
		return conf_give_up(p, -ENOMEM, "%s: out of memory", file);
	memcpy(copy, text, len);
	if (!conf_scan_open(&src, copy, len))
		return conf_give_up(p, -ENOMEM, "%s: out of memory", file);
	/* It fails for what is reported already, or after giving up. */
	(void)conf_yyparse(&src);
	conf_scan_close(&src);
	return p->code;
}
