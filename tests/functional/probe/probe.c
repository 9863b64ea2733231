/* SPDX-License-Identifier: BSD-2-Clause */
/* probe.c - "probe ATTACK ARG ...": try one attack and tell how it ended.
 *
 * Prints one word, "succeeded" or the errno's name, and exits 0 when the attack
 * succeeded, 1 when it was refused, 3 when it could not be tried. Linked
 * statically: it runs in a jail whose root has nothing else.
 */
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SUCCEEDED = 0, REFUSED = 1, BAD_USAGE = 2, NOT_TRIED = 3 };

static const struct attack_list *const lists[] = {
	&gate_attacks,    &file_attacks,   &space_attacks,
	&process_attacks, &socket_attacks,
};

int
outcome(long ret)
{
	return ret < 0 ? -errno : 0;
}

static const struct attack *
find(const char *name)
{
	for (size_t l = 0; l < LEN(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			if (strcmp(lists[l]->attack[i].name, name) == 0)
				return &lists[l]->attack[i];
	return NULL;
}

static int
usage(void)
{
	for (size_t l = 0; l < LEN(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			fprintf(stderr, "probe %s %s\n",
			        lists[l]->attack[i].name,
			        lists[l]->attack[i].args);
	return BAD_USAGE;
}

int
main(int argc, char **argv)
{
	const struct attack *a = argc > 1 ? find(argv[1]) : NULL;
	int ret;

	if (a == NULL || argc - 2 < a->min || argc - 2 > a->max)
		return usage();
	ret = a->run(argv + 2);
	if (ret == UNABLE) {
		puts("unable");
		return NOT_TRIED;
	}
	puts(ret == 0 ? "succeeded" : strerrorname_np(-ret));
	return ret == 0 ? SUCCEEDED : REFUSED;
}
