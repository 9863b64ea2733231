/* SPDX-License-Identifier: BSD-2-Clause */
/* injail.c - what "-j JAIL" of a helper means: the same helper inside.
 *
 * A jail with a devfs has the helpers in /dev/gaol, so nothing of the jail's
 * own is run.
 */
#include "cmd/freebsd/injail.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/strv.h"
#include "linux/self.h"

static int
push_words(struct strv *cmd, const char *prog, const char *jail, int argc,
           char **argv)
{
	bool options = true;
	int rc = strv_push(cmd, "jexec");

	if (rc == 0)
		rc = strv_push(cmd, jail);
	if (rc == 0)
		rc = strv_pushf(cmd, "/dev/gaol/%s", prog);
	for (int i = 1; i < argc && rc == 0; i++) {
		options = options && argv[i][0] == '-';
		if (options && strcmp(argv[i], "-j") == 0)
			i++; /* its argument too */
		else if (!options || strncmp(argv[i], "-j", 2) != 0)
			rc = strv_push(cmd, argv[i]);
	}
	return rc;
}

int
in_jail(const char *prog, const char *jail, int argc, char **argv)
{
	char dir[PATH_MAX], jexec[PATH_MAX + 32];
	cleanup_strv struct strv cmd = STRV_INIT;
	struct error err;

	if (self_libexec(NULL, dir, &err) < 0) {
		fprintf(stderr, "%s: %s\n", prog, err.msg);
		return 1;
	}
	snprintf(jexec, sizeof(jexec), "%s/../../bin/jexec", dir);
	if (push_words(&cmd, prog, jail, argc, argv) < 0)
		errno = ENOMEM;
	else
		execv(jexec, cmd.v);
	fprintf(stderr, "%s: %s: %s\n", prog, jexec, strerror(errno));
	return 1;
}
