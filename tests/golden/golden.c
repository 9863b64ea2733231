/* SPDX-License-Identifier: BSD-2-Clause */
/* golden.c - folders of files and what they must mean. */
#include "golden.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/strv.h"

bool
golden_read(const char *path, struct buf *out)
{
	char part[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return false;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(out, part, n);
	fclose(f);
	return true;
}

static int
update(const char *path, bool wanted, const struct buf *got)
{
	FILE *f;

	if (!wanted)
		return remove(path) == 0 || errno == ENOENT ? 0 : -1;
	f = fopen(path, "w");
	if (f == NULL)
		return -1;
	fputs(buf_str(got), f);
	return fclose(f);
}

int
golden_compare(const char *name, const char *suffix, bool wanted,
               const struct buf *got)
{
	cleanup_buf struct buf want = BUF_INIT;
	cleanup_free char *path = NULL;
	bool there;

	if (asprintf(&path, "%s.%s", name, suffix) < 0)
		return -1;
	if (getenv("GOLDEN_UPDATE") != NULL)
		return update(path, wanted, got);
	there = golden_read(path, &want);
	if (there == wanted && strcmp(buf_str(&want), buf_str(got)) == 0)
		return 0;
	printf("%s differs; expected:\n%sgot:\n%s", path,
	       there ? buf_str(&want) : "(no such file)\n",
	       wanted ? buf_str(got) : "(nothing)\n");
	return -1;
}

/* The names of all NAME.conf here. */
static int
list(struct strv *out)
{
	struct dirent *e;
	DIR *d = opendir(".");

	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL) {
		const char *dot = strrchr(e->d_name, '.');

		if (dot != NULL && dot != e->d_name &&
		    strcmp(dot, ".conf") == 0 &&
		    strv_pushn(out, e->d_name, (size_t)(dot - e->d_name)) < 0)
			break;
	}
	closedir(d);
	return e == NULL ? 0 : -1;
}

int
golden_main(int argc, char **argv, int (*check)(const char *name))
{
	cleanup_strv struct strv name = STRV_INIT;
	size_t bad = 0;

	if (argc != 2 || chdir(argv[1]) < 0 || list(&name) < 0) {
		perror("golden");
		return 1;
	}
	for (size_t i = 0; i < name.n; i++)
		if (check(name.v[i]) != 0)
			bad++;
	printf("%zu files, %zu differ\n", name.n, bad);
	return bad == 0 && name.n > 0 ? 0 : 1;
}
