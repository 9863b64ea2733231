/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_pfconf.c - any bytes as pf.conf.
 *
 * A byte 1 parts the input into files: the first is read, the others can be
 * included as "1", "2", ... What was understood is printed, and must read back
 * to the same text.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pf/fake_world.h"
#include "pf/pf.h"

enum { MAX_FILES = 8, MAX_RULES = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One line of printable words. */
static void
tell(void *ctx, const char *line)
{
	bool *said = ctx;

	*said = true;
	if (*line == '\0')
		abort();
	for (; *line != '\0'; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			abort();
}

static size_t
split(const char *data, size_t len, char names[MAX_FILES][4],
      struct pf_fake_file files[MAX_FILES + 1])
{
	size_t n = 0;

	memset(files, 0, (MAX_FILES + 1) * sizeof(*files));
	while (n < MAX_FILES) {
		const char *end = memchr(data, 1, len);
		size_t part = end == NULL ? len : (size_t)(end - data);

		snprintf(names[n], 4, "%zu", n);
		files[n] = (struct pf_fake_file){ names[n], data, part };
		n++;
		if (end == NULL)
			break;
		data += part + 1;
		len -= part + 1;
	}
	return n;
}

static int
parse(const struct pf_world *w, const char *text, size_t len, bool *said,
      struct pf_config **out)
{
	const struct pf_parse_env env = { .world = w,
		                          .want = PF_WANT_ALL,
		                          .verbose = 2,
		                          .tell = tell,
		                          .tell_ctx = said };
	struct error err = { 0 };
	int code = pf_parse(&env, "fuzz", text, len, out, &err);

	/* Bad text is told, other reasons too; never neither. */
	if ((code == -EINVAL && !*said) || (code < 0 && err.msg[0] == '\0') ||
	    (code == 0 && *out == NULL))
		abort();
	return code;
}

static void
print(const struct pf_world *w, const struct pf_config *conf, struct buf *out)
{
	const struct pf_print_env how = { .world = w,
		                          .verbose = 1,
		                          .indent = true };

	buf_puts(out, buf_str(&conf->echo));
	pf_print_config(conf, &how, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_buf struct buf once = BUF_INIT, twice = BUF_INIT;
	struct pf_fake_file files[MAX_FILES + 1];
	char names[MAX_FILES][4];
	struct pf_config *conf = NULL, *again = NULL;
	struct pf_world w;
	bool said = false;
	int code;

	split((const char *)data, len, names, files);
	pf_fake_world(&w, files);
	code = parse(&w, files[0].text, files[0].len, &said, &conf);
	if (code == 0 && conf->n_rules <= MAX_RULES && conf->n_rules > 0) {
		print(&w, conf, &once);
		if (parse(&w, buf_str(&once), once.len, &said, &again) != 0)
			abort();
		print(&w, again, &twice);
		if (strcmp(buf_str(&once), buf_str(&twice)) != 0)
			abort();
	}
	pf_config_free(conf);
	pf_config_free(again);
	return 0;
}
