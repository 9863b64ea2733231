/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_devfs.c - devfs.rules(5) text: whatever is read shows as text that reads
 * back the same, and applies without touching what it should not.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "jail/devfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct devfs_node nodes[] = {
	{ .path = "null", .mode = S_IFCHR | 0666, .rdev = 0x103 },
	{ .path = "sda", .mode = S_IFBLK | 0660, .rdev = 0x800 },
	{ .path = "net", .mode = S_IFDIR | 0755 },
	{ .path = "net/tun", .mode = S_IFCHR | 0600, .rdev = 0xac8 },
	{ .path = "fd", .mode = S_IFLNK | 0777, .target = "/proc/self/fd" },
};

/* All of ruleset 9, as devfs.rules text. */
static void
text_of(const struct devfs_rules *rules, struct buf *out)
{
	cleanup_buf struct buf shown = BUF_INIT;
	struct error err;
	const char *line;

	buf_puts(out, "[x=9]\n");
	if (devfs_rules_show(rules, 9, &shown, &err) < 0)
		return;
	for (line = buf_str(&shown); *line != '\0';
	     line = strchr(line, '\n') + 1) {
		buf_puts(out, "add ");
		buf_put(out, line, strcspn(line, "\n") + 1);
	}
}

/* Text of rules, read and shown again, is the same text. */
static void
check_stable(const struct devfs_rules *rules)
{
	cleanup_buf struct buf first = BUF_INIT;
	cleanup_buf struct buf second = BUF_INIT;
	struct devfs_rules *again = NULL;
	struct error err;

	text_of(rules, &first);
	/* Includes may name rulesets that only the input defined. */
	if (strstr(buf_str(&first), " include ") != NULL ||
	    devfs_rules_builtin(&again, &err) < 0)
		return;
	if (devfs_rules_parse(again, "again", first.data, first.len, &err) < 0)
		abort();
	text_of(again, &second);
	if (strcmp(buf_str(&first), buf_str(&second)) != 0)
		abort();
	devfs_rules_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct devfs_node out[ARRAY_LEN(nodes)];
	struct devfs_rules *rules = NULL;
	struct error err;

	if (devfs_rules_builtin(&rules, &err) < 0)
		abort();
	if (devfs_rules_parse(rules, "fuzz", (const char *)data, len, &err) ==
	    0) {
		check_stable(rules);
		for (unsigned set = 0; set < 16; set++)
			(void)devfs_apply(rules, set, nodes, ARRAY_LEN(nodes),
			                  out, &err);
	}
	devfs_rules_free(rules);
	return 0;
}
