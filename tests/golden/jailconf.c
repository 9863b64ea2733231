/* SPDX-License-Identifier: BSD-2-Clause */
/* jailconf.c - golden files of jail.conf: tests/golden/jailconf.
 *
 * Each NAME.conf is loaded. NAME.ok holds the jails it means, and exists when
 * loading succeeds; NAME.err holds every message, and exists when there is
 * one. Files in folders are there to be included. GOLDEN_UPDATE=1 writes the
 * expected files instead of comparing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "golden.h"
#include "jail/conf.h"

static void
put_text(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ')
			buf_printf(out, "\\%03o", (unsigned char)*s);
		else
			buf_putc(out, *s);
}

/* The canonical form: "jail NAME", then "  PARAM=[VALUE][VALUE]". */
static void
dump(struct buf *out, const struct conf *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct conf_jail *j = &c->jail[i];

		buf_printf(out, "jail %s%s\n", j->name,
		           j->failed ? " (failed)" : "");
		for (size_t k = 0; k < j->n && !j->failed; k++) {
			const struct conf_param *p = &j->param[k];

			buf_printf(out, "  %s", p->name);
			if (p->values.n > 0)
				buf_putc(out, '=');
			for (size_t v = 0; v < p->values.n; v++) {
				buf_putc(out, '[');
				put_text(out, p->values.v[v]);
				buf_putc(out, ']');
			}
			buf_putc(out, '\n');
		}
	}
}

static void
collect(void *arg, const char *line)
{
	struct buf *out = arg;

	buf_printf(out, "%s\n", line);
}

static int
check(const char *name)
{
	cleanup_buf struct buf jails = BUF_INIT, messages = BUF_INIT;
	cleanup_free char *conf = NULL;
	struct conf *c = NULL;
	struct error err;
	int rc;

	if (asprintf(&conf, "%s.conf", name) < 0)
		return -1;
	rc = conf_load(conf, collect, &messages, &c, &err);
	if (rc == 0)
		dump(&jails, c);
	else if (rc != -EINVAL)
		collect(&messages, err.msg);
	conf_free(c);
	return golden_compare(name, "ok", rc == 0, &jails) |
	       golden_compare(name, "err", messages.len > 0, &messages);
}

int
main(int argc, char **argv)
{
	return golden_main(argc, argv, check);
}
