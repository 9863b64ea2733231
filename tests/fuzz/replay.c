/* SPDX-License-Identifier: BSD-2-Clause */
/* replay.c - feeds every file of a corpus directory to a fuzz target once, so
 * that old finds stay found in the ordinary test run.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int
replay(const char *dir, const char *name)
{
	static uint8_t data[1 << 20];
	char path[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (f == NULL) {
		perror(path);
		return -1;
	}
	len = fread(data, 1, sizeof(data), f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, len);
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned n = 0;

	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		struct dirent *e;

		if (d == NULL) {
			perror(argv[i]);
			return 1;
		}
		while ((e = readdir(d)) != NULL)
			if (e->d_name[0] != '.') {
				if (replay(argv[i], e->d_name) < 0)
					return 1;
				n++;
			}
		closedir(d);
	}
	printf("%u inputs\n", n);
	return n > 0 ? 0 : 1; /* an empty corpus proves nothing */
}
