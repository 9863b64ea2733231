/* SPDX-License-Identifier: BSD-2-Clause */
/* run_tell.c - the runner's lines: errors, notes, the verbose transcript. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "jail/run_internal.h"

static void PRINTF(4, 0)
    print(struct run *r, enum run_level level, const struct run_jail *j,
          const char *fmt, va_list ap)
{
	cleanup_buf struct buf line = BUF_INIT;
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	if (j->label != NULL)
		buf_printf(&line, "%s: ", j->label);
	buf_puts(&line, text);
	free(text);
	r->io->print(r->io->arg, level, buf_str(&line));
}

void
run_error(struct run *r, const struct run_jail *j, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(r, RUN_ERROR, j, fmt, ap);
	va_end(ap);
}

void
run_detail(struct run *r, const struct run_jail *j, const char *fmt, ...)
{
	va_list ap;

	if (!r->opt->verbose)
		return;
	va_start(ap, fmt);
	print(r, RUN_NOTE, j, fmt, ap);
	va_end(ap);
}

static void PRINTF(3, 4)
    note(struct run *r, const struct run_jail *j, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(r, RUN_NOTE, j, fmt, ap);
	va_end(ap);
}

void
run_note(struct run *r, const struct run_jail *j, const char *what)
{
	if (r->opt->verbose || (!r->opt->quiet && j->label != NULL))
		note(r, j, "%s", what);
}

void
run_error_quoted(struct run *r, const struct run_jail *j, const char *what)
{
	const char *name = conf_jail_last(j->conf, "jid");
	cleanup_buf struct buf line = BUF_INIT;

	if (name == NULL)
		name = conf_jail_last(j->conf, "name");
	if (name == NULL)
		name = j->conf->name;
	if (name != NULL)
		buf_printf(&line, "\"%s\" %s", name, what);
	else
		buf_printf(&line, "%s", what);
	r->io->print(r->io->arg, RUN_ERROR, buf_str(&line));
}
