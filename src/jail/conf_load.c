/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_load.c - jail.conf from the host's file system: reading, standard
 * input, and the patterns of .include.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>

#include "base/base.h"
#include "jail/conf.h"

enum { FIRST_READ = 4 << 10 };

/* Read on until the end, to at most CONF_MAX_BYTES. */
static int
read_fd(int fd, const char *path, char **out_text, size_t *out_len,
        struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len = 0, cap = 0;

	for (;;) {
		ssize_t n;

		if (len == cap) {
			char *grown;

			cap = cap == 0 ? FIRST_READ : cap * 2;
			grown = realloc(text, cap);
			if (grown == NULL)
				return error_set(err, -ENOMEM,
				                 "%s: out of memory", path);
			text = grown;
		}
		n = read(fd, text + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, "%s", path);
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > CONF_MAX_BYTES)
			return error_set(err, -E2BIG,
			                 "%s: larger than %d bytes", path,
			                 CONF_MAX_BYTES);
	}
	*out_text = take_ptr(text);
	*out_len = len;
	return 0;
}

static int
host_read(void *arg, const char *path, char **out_text, size_t *out_len,
          struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	(void)arg;
	if (fd < 0)
		return error_sys(err, "%s", path);
	return read_fd(fd, path, out_text, out_len, err);
}

/* The directory, which is a name and no pattern, with the pattern after it. */
static void
put_pattern(struct buf *out, const char *dir, const char *pattern)
{
	for (; *dir != '\0'; dir++) {
		if (strchr("*?[]\\", *dir) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, *dir);
	}
	buf_puts(out, pattern);
}

static int
expand(const char *pattern, const char *shown, struct strv *out,
       struct error *err)
{
	glob_t found = { 0 };
	int rc = glob(pattern, 0, NULL, &found);
	int code = 0;

	if (rc == GLOB_NOSPACE)
		code = error_set(err, -ENOMEM, "%s: out of memory", shown);
	else if (rc != 0 && rc != GLOB_NOMATCH)
		code = error_set(err, -EIO, "%s: filename glob failed", shown);
	for (size_t i = 0; code == 0 && i < found.gl_pathc; i++)
		if (strv_push(out, found.gl_pathv[i]) < 0)
			code =
			    error_set(err, -ENOMEM, "%s: out of memory", shown);
	globfree(&found);
	return code;
}

static int
host_glob(void *arg, const char *dir, const char *pattern, struct strv *out,
          struct error *err)
{
	cleanup_buf struct buf full = BUF_INIT;

	(void)arg;
	if (pattern[0] == '/')
		dir = "";
	if (strpbrk(pattern, "*?[") == NULL) {
		if (strv_pushf(out, "%s%s", dir, pattern) < 0)
			return error_set(err, -ENOMEM, "%s: out of memory",
			                 pattern);
		return 0;
	}
	put_pattern(&full, dir, pattern);
	if (full.failed)
		return error_set(err, -ENOMEM, "%s: out of memory", pattern);
	return expand(buf_str(&full), pattern, out, err);
}

int
conf_load(const char *path, void (*report)(void *arg, const char *line),
          void *arg, struct conf **out_conf, struct error *err)
{
	struct conf_env env = {
		.glob = host_glob,
		.read = host_read,
		.report = report,
		.arg = arg,
	};
	cleanup_free char *text = NULL;
	size_t len;
	int rc;

	if (strcmp(path, "-") == 0) {
		path = "STDIN";
		rc = read_fd(STDIN_FILENO, path, &text, &len, err);
	} else {
		rc = host_read(NULL, path, &text, &len, err);
	}
	return rc < 0 ? rc : conf_parse(path, text, len, &env, out_conf, err);
}
