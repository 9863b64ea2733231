/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_pfstate.c - any bytes as the file of a load, which a jail may have
 * written: what is taken is shown, and its rules are numbered.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pf/fake_world.h"
#include "pf/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
use(struct pf_store *s)
{
	struct pf_show how = { .store = s, .path = "", .below = true };
	struct buf out = BUF_INIT;

	for (unsigned sid = 1; sid <= PF_MAX_IDS; sid++)
		if (s->conf->numbers->sid[sid].rule != NULL &&
		    s->conf->numbers->sid[sid].key == 0)
			abort();
	pf_show_rules(&how, &out);
	pf_show_nat(&how, &out);
	pf_show_anchors(&how, &out);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pf_world world;
	struct pf_store s = { .world = &world, .dir = -1, .lock = -1 };
	struct error err;
	char *text = malloc(len + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, len);
	text[len] = '\0';
	pf_fake_world(&world, NULL);
	if (pf_store_parse(&s, text, len, &err) == 0)
		use(&s);
	pf_store_close(&s);
	free(text);
	return 0;
}
