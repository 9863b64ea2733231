/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_vm_loader.c - a kernel file: its parts lie in the file and below 3 GiB,
 * and its notes are read to their end and no further.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/loader.h"
#include "vmm/vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(const struct loader_image *img, uint64_t file_size)
{
	if (img->nparts == 0 || img->nparts > LOADER_MAX_PHDRS ||
	    img->notes_len > LOADER_MAX_NOTES || img->load < 0x100000 ||
	    img->load >= VM_LOWMEM_MAX)
		abort();
	for (unsigned i = 0; i < img->nparts; i++) {
		const struct loader_part *p = &img->part[i];

		if (p->file_off > file_size ||
		    p->file_len > file_size - p->file_off ||
		    p->gpa < img->load ||
		    p->gpa - img->load + p->file_len > img->need)
			abort();
	}
	if (img->kind != LOADER_PVH &&
	    (img->head_from >= img->head_to || img->head_to > 0x290))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* Copies, so that a sanitizer sees each byte too many. */
	size_t n = len < LOADER_HEAD ? len : LOADER_HEAD;
	cleanup_free uint8_t *head = malloc(n + 1);
	cleanup_free uint8_t *notes = malloc(len + 1);
	struct loader_image img;
	struct error err;

	if (head == NULL || notes == NULL)
		abort();
	memcpy(head, data, n);
	memcpy(notes, data, len);
	if (loader_probe(head, n, len, &img, &err) == 0)
		check(&img, len);
	(void)loader_pvh_entry(notes, len);
	return 0;
}
