/* SPDX-License-Identifier: BSD-2-Clause */
/* quote.c - strings written so that the lexer reads them back. */
#include "pf/quote.h"

#include <string.h>

#include "pf/lex.h"

bool
pf_can_quote(const char *s)
{
	size_t len = strlen(s);

	if (strchr(s, '\\') == NULL)
		return true;
	return s[len - 1] != '\\' &&
	       (strchr(s, '"') == NULL || strchr(s, '\'') == NULL);
}

void
pf_put_quoted(struct buf *out, const char *s)
{
	char q = strchr(s, '"') != NULL && strchr(s, '\'') == NULL ? '\'' : '"';

	buf_putc(out, q);
	for (; *s != '\0'; s++) {
		if (*s == q)
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
	buf_putc(out, q);
}

void
pf_put_word(struct buf *out, const char *s)
{
	if (pf_lex_is_word(s))
		buf_puts(out, s);
	else
		pf_put_quoted(out, s);
}

void
pf_put_words(struct buf *out, const char *s)
{
	char *copy = strdup(s), *save = NULL;
	bool words = copy != NULL && *s != '\0' && *s != ' ' &&
	             s[strlen(s) - 1] != ' ' && strstr(s, "  ") == NULL;

	for (char *w = words ? strtok_r(copy, " ", &save) : NULL; w != NULL;
	     w = strtok_r(NULL, " ", &save))
		words = words && pf_lex_is_word(w);
	free(copy);
	if (words)
		buf_puts(out, s);
	else
		pf_put_quoted(out, s);
}
