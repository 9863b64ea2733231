/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_vm_options.c - bhyve(8)'s command line, an argument a line: whatever is
 * taken dumps as a configuration that reads back the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "vmm/config.h"
#include "vmm/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MAX_ARGS = 64 };

static int
no_files(const char *path, struct config *c, struct error *err)
{
	return config_set(c, "read", path, err);
}

static void
check_stable(const struct config *c)
{
	cleanup_buf struct buf one = BUF_INIT, two = BUF_INIT;
	struct config *again;
	struct error err;

	if (config_dump(c, &one) < 0)
		return;
	if (config_new(&again, &err) < 0)
		abort();
	if (config_parse(again, "again", one.data, one.len, &err) < 0 ||
	    config_dump(again, &two) < 0 ||
	    strcmp(buf_str(&one), buf_str(&two)) != 0)
		abort();
	config_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct vm_cmdline o = { .read_config = no_files };
	unsigned cpus, sockets, cores, threads;
	char *argv[MAX_ARGS + 2], *save = NULL;
	cleanup_free char *text = malloc(len + 1);
	uint64_t bytes;
	struct error err;
	int argc = 0;

	if (text == NULL || config_new(&o.config, &err) < 0)
		abort();
	memcpy(text, data, len);
	text[len] = '\0';
	argv[argc++] = text + len;
	for (char *a = strtok_r(text, "\n", &save);
	     a != NULL && argc <= MAX_ARGS; a = strtok_r(NULL, "\n", &save))
		argv[argc++] = a;
	argv[argc] = NULL;
	if (options_parse(argc, argv, &o, &err) == 0) {
		check_stable(o.config);
		if (options_topology(o.config, &cpus, &sockets, &cores,
		                     &threads, &err) == 0 &&
		    cpus != sockets * cores * threads)
			abort();
		(void)options_memory(o.config, &bytes, &err);
	}
	config_free(o.config);
	return 0;
}
