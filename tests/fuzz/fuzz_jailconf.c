/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_jailconf.c - any bytes as jail.conf files.
 *
 * A byte 1 parts the input into files: the first is parsed, the others can be
 * included as 1, 2, ... or all as "*". What was understood is written out as a
 * jail.conf again, which must mean the same.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "jail/conf.h"

enum { MAX_FILES = 8 };

struct input {
	const char *text[MAX_FILES];
	size_t len[MAX_FILES];
	long n;
	bool said; /* something */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
split(struct input *in, const char *data, size_t len)
{
	while (in->n < MAX_FILES) {
		const char *end = memchr(data, 1, len);
		size_t part = end == NULL ? len : (size_t)(end - data);

		in->text[in->n] = data;
		in->len[in->n++] = part;
		if (end == NULL)
			return;
		data += part + 1;
		len -= part + 1;
	}
}

/* One line of printable words. */
static void
report(void *arg, const char *line)
{
	struct input *in = arg;

	in->said = true;
	if (*line == '\0')
		abort();
	for (; *line != '\0'; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			abort();
}

static int
find(void *arg, const char *dir, const char *pattern, struct strv *out,
     struct error *err)
{
	struct input *in = arg;

	(void)dir;
	if (strcmp(pattern, "*") != 0)
		return strv_push(out, pattern);
	for (long i = 1; i < in->n; i++)
		if (strv_pushf(out, "%ld", i) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int
fetch(void *arg, const char *path, char **out_text, size_t *out_len,
      struct error *err)
{
	struct input *in = arg;
	long i = strtol(path, NULL, 10);

	if (i < 1 || i >= in->n)
		return error_set(err, -ENOENT, "%s: no such file", path);
	*out_text = malloc(in->len[i] + 1);
	if (*out_text == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	memcpy(*out_text, in->text[i], in->len[i]);
	*out_len = in->len[i];
	return 0;
}

static void
put_string(struct buf *out, const char *s)
{
	buf_putc(out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '\n') {
			buf_puts(out, "\\n");
			continue;
		}
		if (*s == '"' || *s == '\\' || *s == '$')
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
	buf_putc(out, '"');
}

/* A jail as a block; what its name says is left out. */
static void
put_block(struct buf *out, const struct conf_jail *j)
{
	put_string(out, j->name);
	buf_puts(out, " {\n");
	for (size_t i = 1; i < j->n; i++) {
		const struct conf_param *p = &j->param[i];

		if (i == j->n - 1 && strcmp(p->name, "name") == 0 &&
		    strcmp(p->values.v[0], j->name) == 0)
			continue;
		buf_putc(out, '\t');
		put_string(out, p->name);
		for (size_t k = 0; k < p->values.n; k++) {
			buf_puts(out, k == 0 ? " = " : ", ");
			put_string(out, p->values.v[k]);
		}
		buf_puts(out, ";\n");
	}
	buf_puts(out, "}\n");
}

static void
put_conf(struct buf *out, const struct conf *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (!c->jail[i].failed)
			put_block(out, &c->jail[i]);
}

static void
check_stable(const struct conf *c, const struct conf_env *env)
{
	cleanup_buf struct buf once = BUF_INIT, twice = BUF_INIT;
	struct conf *again = NULL;
	struct error err;

	put_conf(&once, c);
	if (once.failed || once.len > CONF_MAX_BYTES)
		return;
	if (conf_parse("again", buf_str(&once), once.len, env, &again, &err) <
	    0)
		abort();
	put_conf(&twice, again);
	if (strcmp(buf_str(&once), buf_str(&twice)) != 0)
		abort();
	conf_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { .n = 0 };
	struct conf_env env = {
		.glob = find, .read = fetch, .report = report, .arg = &in
	};
	struct conf *c = NULL;
	struct error err = { 0 };
	int rc;

	split(&in, (const char *)data, len);
	rc = conf_parse("fuzz", in.text[0], in.len[0], &env, &c, &err);
	/* Bad files are reported, other reasons told; never neither. */
	if ((rc == -EINVAL && !in.said) || (rc < 0 && err.msg[0] == '\0') ||
	    (rc == 0) != (c != NULL))
		abort();
	if (rc == 0)
		check_stable(c, &env);
	conf_free(c);
	return 0;
}
