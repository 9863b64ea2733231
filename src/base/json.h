/* SPDX-License-Identifier: BSD-2-Clause */
/* json.h - escaping of text for JSON and XML output. Writing only. */
#ifndef BASE_JSON_H
#define BASE_JSON_H
#include "base/buf.h"

/* s as a quoted JSON string (RFC 8259, 7). Bytes that are not UTF-8 come out
 * as U+FFFD. */
void json_put_string(struct buf *out, const char *s);
/* s with & < > and quotes as XML entities; what XML cannot hold, control bytes
 * and bytes that are not UTF-8, comes out as U+FFFD. */
void xml_put_text(struct buf *out, const char *s);
#endif
