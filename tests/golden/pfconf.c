/* SPDX-License-Identifier: BSD-2-Clause */
/* pfconf.c - golden files of pf.conf: tests/golden/pfconf.
 *
 * Each NAME.conf is read on the machine of pf/fake_world.h. NAME.ok holds what
 * pfctl -nvf prints of it, and exists when it is without errors; NAME.err
 * holds every message, and exists when there is one. What was printed must
 * read back to itself. Files in folders are there to be included.
 * GOLDEN_UPDATE=1 writes the expected files instead of comparing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "golden.h"
#include "pf/fake_world.h"
#include "pf/pf.h"

static void
collect(void *arg, const char *line)
{
	struct buf *out = arg;

	buf_printf(out, "%s\n", line);
}

/* Files are those of the folder. */
static int
read_here(void *ctx, const char *path, char **out_text, size_t *out_len,
          struct error *err)
{
	struct buf text = BUF_INIT;

	(void)ctx;
	if (!golden_read(path, &text))
		return error_sys(err, "%s", path);
	*out_len = text.len;
	*out_text = buf_take(&text);
	return *out_text != NULL ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static int
print(const char *name, const char *text, size_t len, struct buf *out,
      struct buf *messages)
{
	struct pf_world w;
	struct pf_parse_env env = { .world = &w,
		                    .want = PF_WANT_ALL,
		                    .tell = collect,
		                    .tell_ctx = messages };
	struct pf_print_env how = { .world = &w, .verbose = 1, .indent = true };
	struct pf_config *conf = NULL;
	struct error err;
	int code;

	pf_fake_world(&w, NULL);
	w.read = read_here;
	code = pf_parse(&env, name, text, len, &conf, &err);
	if (code == 0) {
		buf_puts(out, buf_str(&conf->echo));
		pf_print_config(conf, &how, out);
	} else if (code != -EINVAL) {
		collect(messages, err.msg);
	}
	pf_config_free(conf);
	return code;
}

/* Printed, read and printed again it is the same. */
static int
stable(const char *name, const struct buf *once)
{
	cleanup_buf struct buf twice = BUF_INIT, messages = BUF_INIT;

	if (print(name, buf_str(once), once->len, &twice, &messages) == 0 &&
	    strcmp(buf_str(once), buf_str(&twice)) == 0)
		return 0;
	printf("%s: what was printed does not read back:\n%s%s%s", name,
	       buf_str(once), buf_str(&messages), buf_str(&twice));
	return -1;
}

static int
check(const char *name)
{
	cleanup_buf struct buf rules = BUF_INIT, messages = BUF_INIT,
	                       text = BUF_INIT;
	char conf[512];
	int code, bad;

	snprintf(conf, sizeof(conf), "%s.conf", name);
	if (!golden_read(conf, &text))
		return -1;
	code = print(conf, buf_str(&text), text.len, &rules, &messages);
	bad = golden_compare(name, "ok", code == 0, &rules) |
	      golden_compare(name, "err", messages.len > 0, &messages);
	if (code == 0)
		bad |= stable(name, &rules);
	return bad;
}

int
main(int argc, char **argv)
{
	return golden_main(argc, argv, check);
}
