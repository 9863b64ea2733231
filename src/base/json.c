/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c - escaping of text for JSON and XML output. */
#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Length of the UTF-8 sequence at s, 0 when it is not one (RFC 3629, 4). */
static size_t
utf8_len(const unsigned char *s)
{
	static const struct {
		unsigned char first, last, min2, max2, len;
	} rows[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (s[0] < rows[i].first || s[0] > rows[i].last)
			continue;
		if (rows[i].len > 1 &&
		    (s[1] < rows[i].min2 || s[1] > rows[i].max2))
			return 0;
		for (size_t k = 2; k < rows[i].len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return rows[i].len;
	}
	return 0;
}

void
json_put_string(struct buf *out, const char *s)
{
	static const char named[] = "\"\\\b\f\n\r\t";
	static const char letter[] = "\"\\bfnrt";
	const unsigned char *p = (const unsigned char *)s;

	buf_putc(out, '"');
	while (*p != '\0') {
		const char *esc = strchr(named, *p);
		size_t len = utf8_len(p);

		if (esc != NULL)
			buf_printf(out, "\\%c", letter[esc - named]);
		else if (len == 0)
			buf_puts(out, "\xef\xbf\xbd");
		else if (*p < 0x20)
			buf_printf(out, "\\u%04x", *p);
		else
			buf_put(out, p, len);
		p += len != 0 ? len : 1;
	}
	buf_putc(out, '"');
}

/* XML 1.0, 2.2: of the control characters only these may stand in a text. */
static bool
xml_may_hold(const unsigned char *s, size_t len)
{
	return len > 0 && (*s >= 0x20 || strchr("\t\n\r", *s) != NULL);
}

void
xml_put_text(struct buf *out, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p != '\0') {
		size_t len = utf8_len(p);

		if (*p == '&')
			buf_puts(out, "&amp;");
		else if (*p == '<')
			buf_puts(out, "&lt;");
		else if (*p == '>')
			buf_puts(out, "&gt;");
		else if (*p == '"')
			buf_puts(out, "&quot;");
		else if (!xml_may_hold(p, len))
			buf_puts(out, "\xef\xbf\xbd");
		else
			buf_put(out, p, len);
		p += len != 0 ? len : 1;
	}
}
