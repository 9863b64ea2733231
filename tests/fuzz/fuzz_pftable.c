/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_pftable.c - any bytes as the file of a table: what is taken is written
 * the same again, and its ranges are in order, also when an entry goes.
 */
#include <sys/mman.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pf/addr.h"
#include "pf/tablefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is written, in memory of ours. */
static void *
made(const struct pf_content *c, size_t *out_len)
{
	int fd = memfd_create("table", MFD_CLOEXEC);
	unsigned char *bytes;
	off_t len;

	if (fd < 0 || pf_tablefile_put(fd, c) < 0 ||
	    (len = lseek(fd, 0, SEEK_END)) < 0 ||
	    (bytes = malloc((size_t)len)) == NULL ||
	    pread(fd, bytes, (size_t)len, 0) != len)
		abort();
	close(fd);
	*out_len = (size_t)len;
	return bytes;
}

static void
check_spans(const struct pf_spans *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (pf_ip_cmp(&s->v[i].first, &s->v[i].last) > 0 ||
		    (i > 0 &&
		     pf_ip_cmp(&s->v[i - 1].last, &s->v[i].first) >= 0))
			abort();
}

static void
check_family(const struct pf_content *c, unsigned f)
{
	struct pf_spans s = { 0 };

	if (!pf_entries_spans(&c->entries, f, &s))
		abort();
	check_spans(&s);
	pf_spans_fini(&s);
}

/* Without its first entry, and with it again: as it was. */
static void
check_change(struct pf_content *c, unsigned f)
{
	const struct pf_entry *e = c->entries.v[f];
	struct pf_change out = { 0 }, in = { 0 };
	struct pf_requests r = { 0 };

	if (c->entries.n[f] == 0)
		return;
	if (pf_requests_add(&r, pf_family_af(f), &e->ip, e->bits,
	                    e->not != 0) == NULL ||
	    pf_entries_delete(&c->entries, &r, &out) < 0 || out.deleted != 1 ||
	    pf_entries_add(&c->entries, &r, 1, &in) < 0 || in.added != 1 ||
	    in.take[f].n != out.drop[f].n || in.drop[f].n != out.take[f].n)
		abort();
	for (size_t i = 0; i < in.take[f].n; i++)
		if (memcmp(&in.take[f].v[i], &out.drop[f].v[i],
		           sizeof(in.take[f].v[i])) != 0)
			abort();
	check_spans(&in.take[f]);
	pf_change_fini(&out);
	pf_change_fini(&in);
	pf_requests_fini(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pf_content c;
	struct error err;
	size_t again_len;
	void *again;

	if (pf_tablefile_parse(data, len, &c, &err) < 0)
		return 0;
	again = made(&c, &again_len);
	if (again_len != len || memcmp(again, data, len) != 0)
		abort();
	free(again);
	for (unsigned f = 0; f < PF_NFAMILIES; f++) {
		check_family(&c, f);
		check_change(&c, f);
	}
	pf_content_fini(&c);
	return 0;
}
