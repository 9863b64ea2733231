/* SPDX-License-Identifier: BSD-2-Clause */
/* xo.c - structured output in libxo's forms.
 *
 * JSON separators, as libxo has them: "," between named values, ", " before a
 * list or an item; pretty puts each on a line of its own. XML has no lists:
 * items and members repeat the list's name, an empty list leaves nothing.
 */
#include "base/xo.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"

static int
set_indent(struct xo_options *o, const char *text, struct error *err)
{
	long long n;

	if (num_int_in(text, 0, XO_MAX_INDENT, &n) < 0)
		return error_set(err, -EINVAL,
		                 "--libxo: indent \"%s\" is not 0 to %d", text,
		                 XO_MAX_INDENT);
	o->indent = (unsigned)n;
	return 0;
}

static int
set_word(struct xo_options *o, const char *word, struct error *err)
{
	static const char *const style[] = { "text", "json", "xml" };

	for (size_t i = 0; i < ARRAY_LEN(style); i++)
		if (strcmp(word, style[i]) == 0) {
			o->style = (enum xo_style)i;
			return 0;
		}
	if (strcmp(word, "pretty") == 0) {
		o->pretty = true;
		return 0;
	}
	if (strncmp(word, "indent=", 7) == 0)
		return set_indent(o, word + 7, err);
	return error_set(err, -EINVAL,
	                 "--libxo: \"%s\" is not supported; text, json, xml, "
	                 "pretty and indent=N are",
	                 word);
}

static int
set_words(struct xo_options *o, const char *words, struct error *err)
{
	while (*words != '\0') {
		const size_t len = strcspn(words, ",");
		char word[32];

		if (len >= sizeof(word))
			return error_set(err, -EINVAL,
			                 "--libxo: \"%s\" is not supported",
			                 words);
		memcpy(word, words, len);
		word[len] = '\0';
		if (len > 0 && set_word(o, word, err) < 0)
			return err->code;
		words += len + (words[len] == ',');
	}
	return 0;
}

static int
set_letters(struct xo_options *o, const char *letters, struct error *err)
{
	for (const char *p = letters; *p != '\0'; p++) {
		char digits[8] = "";
		size_t n = 0;

		switch (*p) {
		case 'T':
			o->style = XO_TEXT;
			break;
		case 'J':
			o->style = XO_JSON;
			break;
		case 'X':
			o->style = XO_XML;
			break;
		case 'P':
			o->pretty = true;
			break;
		case 'i':
			while (isdigit((unsigned char)p[1]) &&
			       n + 1 < sizeof(digits))
				digits[n++] = *++p;
			if (set_indent(o, digits, err) < 0)
				return err->code;
			break;
		default:
			return error_set(err, -EINVAL,
			                 "--libxo: letter '%c' is not "
			                 "supported; T, J, X, P and iN are",
			                 isprint((unsigned char)*p) ? *p : '?');
		}
	}
	return 0;
}

/* The option at argv[i]: its length in words (0: not ours), or an error. */
static int
take_option(struct xo_options *o, char **argv, int i, struct error *err)
{
	static const char flag[] = "--libxo";
	const char *rest = argv[i] + strlen(flag);
	int rc;

	if (strncmp(argv[i], flag, strlen(flag)) != 0)
		return 0;
	switch (*rest) {
	case '\0':
		if (argv[i + 1] == NULL)
			return error_set(err, -EINVAL,
			                 "--libxo: missing option");
		rc = set_words(o, argv[i + 1], err);
		return rc < 0 ? rc : 2;
	case '=':
		rc = set_words(o, rest + 1, err);
		return rc < 0 ? rc : 1;
	case ':':
		rc = set_letters(o, rest + 1, err);
		return rc < 0 ? rc : 1;
	default:
		return 0;
	}
}

int
xo_parse_args(struct xo_options *o, int *argc, char **argv, struct error *err)
{
	int to = 1, from = 1;

	while (from < *argc && strcmp(argv[from], "--") != 0) {
		int taken = take_option(o, argv, from, err);

		if (taken < 0)
			return taken;
		if (taken == 0)
			argv[to++] = argv[from++];
		from += taken;
	}
	while (from < *argc)
		argv[to++] = argv[from++];
	*argc = to;
	argv[to] = NULL;
	return 0;
}

static struct xo_level *
top(struct xo *x)
{
	assert(x->depth > 0);
	return &x->level[x->depth - 1];
}

static void
push(struct xo *x, const char *name, bool is_indented)
{
	assert(x->depth < XO_MAX_DEPTH);
	x->level[x->depth++] = (struct xo_level){ name, false, is_indented };
	x->nest += is_indented;
}

static void
pop(struct xo *x)
{
	x->nest -= top(x)->is_indented;
	x->depth--;
}

/* A new line at the present depth; nothing when compact. */
static void
newline(struct xo *x)
{
	if (!x->o.pretty)
		return;
	buf_putc(x->out, '\n');
	for (unsigned i = 0; i < x->nest * x->o.indent; i++)
		buf_putc(x->out, ' ');
}

/* What stands before the next thing in the open level. */
static void
separate(struct xo *x, const char *compact_sep)
{
	struct xo_level *l = top(x);

	if (x->o.style == XO_JSON && l->some)
		buf_puts(x->out, x->o.pretty ? "," : compact_sep);
	l->some = true;
	newline(x);
}

/* An XML name: what may not stand in one becomes '_'. */
static void
put_tag(struct xo *x, const char *open, const char *name)
{
	buf_puts(x->out, open);
	for (const char *p = name; *p != '\0'; p++)
		buf_putc(x->out,
		         isalnum((unsigned char)*p) || strchr("._-", *p) != NULL
		             ? *p
		             : '_');
	buf_putc(x->out, '>');
}

static void
put_element(struct xo *x, const char *name, const char *value)
{
	put_tag(x, "<", name);
	xml_put_text(x->out, value);
	put_tag(x, "</", name);
}

void
xo_begin(struct xo *x, const struct xo_options *o, struct buf *out,
         const char *container, const char *version)
{
	*x = (struct xo){ .o = *o, .out = out };
	if (o->style == XO_XML) {
		buf_printf(out, "<%s version=\"%s\">", container, version);
		push(x, container, true);
		return;
	}
	buf_putc(out, '{');
	x->nest++;
	newline(x);
	buf_printf(out, "\"__version\": \"%s\", ", version);
	newline(x);
	buf_printf(out, "\"%s\": {", container);
	push(x, container, true);
}

void
xo_end(struct xo *x)
{
	const char *container = top(x)->name;

	pop(x);
	newline(x);
	if (x->o.style == XO_XML) {
		put_tag(x, "</", container);
		if (x->o.pretty)
			buf_putc(x->out, '\n');
		return;
	}
	buf_putc(x->out, '}');
	x->nest--;
	newline(x);
	buf_puts(x->out, "}\n");
}

void
xo_list_open(struct xo *x, const char *name)
{
	if (x->o.style == XO_JSON) {
		separate(x, ", ");
		json_put_string(x->out, name);
		buf_puts(x->out, ": [");
	}
	push(x, name, x->o.style == XO_JSON);
}

void
xo_list_close(struct xo *x)
{
	pop(x);
	if (x->o.style == XO_JSON) {
		newline(x);
		buf_putc(x->out, ']');
	}
}

void
xo_item_open(struct xo *x)
{
	const char *name = top(x)->name;

	separate(x, ", ");
	if (x->o.style == XO_XML)
		put_tag(x, "<", name);
	else
		buf_putc(x->out, '{');
	push(x, name, true);
}

void
xo_item_close(struct xo *x)
{
	const char *name = top(x)->name;

	pop(x);
	newline(x);
	if (x->o.style == XO_XML)
		put_tag(x, "</", name);
	else
		buf_putc(x->out, '}');
}

void
xo_member(struct xo *x, const char *value)
{
	separate(x, ",");
	if (x->o.style == XO_XML)
		put_element(x, top(x)->name, value);
	else
		json_put_string(x->out, value);
}

/* The name of a JSON value and its colon. */
static void
put_key(struct xo *x, const char *name)
{
	json_put_string(x->out, name);
	buf_puts(x->out, x->o.pretty ? ": " : ":");
}

void
xo_string(struct xo *x, const char *name, const char *value)
{
	separate(x, ",");
	if (x->o.style == XO_XML) {
		put_element(x, name, value);
		return;
	}
	put_key(x, name);
	json_put_string(x->out, value);
}

void
xo_raw(struct xo *x, const char *name, const char *value)
{
	separate(x, ",");
	if (x->o.style == XO_XML) {
		put_element(x, name, value);
		return;
	}
	put_key(x, name);
	buf_puts(x->out, value);
}
