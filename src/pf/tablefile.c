/* SPDX-License-Identifier: BSD-2-Clause */
/* tablefile.c - the file that says what a table holds. */
#include "pf/tablefile.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/md5.h"
#include "linux/file.h"
#include "pf/addr.h"

/* 8 bytes, which read otherwise on a machine of the other order. */
#define MAGIC UINT64_C(0x3165676c62617470)

enum {
	CONSTANT = 1,
	UNSETTLED = 2,
	HASHED = 4,
	DYNAMIC = 8,
	COUNTERS = 16,
	ALL_FLAGS = 31
};

struct head {
	uint64_t magic;
	int64_t since;
	uint32_t flags;
	uint32_t n[PF_NFAMILIES];
	uint32_t zero;
};

/* A network of IPv4; one of IPv6 is a struct pf_entry. */
struct record4 {
	uint8_t ip[4];
	uint32_t since;
	uint8_t bits, not, zero[2];
};

void
pf_content_fini(struct pf_content *c)
{
	pf_entries_fini(&c->entries);
	memset(c, 0, sizeof(*c));
}

/* --- reading --- */

/* Is it a network, and behind the one before? */
static bool
is_next(const struct pf_entries *t, unsigned f, size_t i)
{
	const struct pf_entry *e = &t->v[f][i];
	struct pf_ip masked = e->ip;

	if (e->bits > pf_af_bits(pf_family_af(f)) || e->not > 1 ||
	    e->zero[0] != 0 || e->zero[1] != 0)
		return false;
	pf_ip_mask(&masked, e->bits);
	return pf_ip_cmp(&masked, &e->ip) == 0 &&
	       (i == 0 || pf_entry_cmp(&t->v[f][i - 1], e) < 0);
}

static void
unpack4(const unsigned char *at, struct pf_entry *e)
{
	struct record4 r;

	memcpy(&r, at, sizeof(r));
	memset(e, 0, sizeof(*e));
	memcpy(e->ip.b, r.ip, sizeof(r.ip));
	e->since = r.since;
	e->bits = r.bits;
	e->not = r.not ;
	memcpy(e->zero, r.zero, sizeof(r.zero));
}

static int
parse_family(const unsigned char *at, unsigned f, size_t n,
             struct pf_entries *t)
{
	/* Room for one that is added. */
	t->v[f] = malloc((n + 1) * sizeof(*t->v[f]));
	if (t->v[f] == NULL)
		return -ENOMEM;
	t->cap[f] = n + 1;
	t->n[f] = n;
	if (f == PF_INET6 && n > 0)
		memcpy(t->v[f], at, n * sizeof(*t->v[f]));
	for (size_t i = 0; i < n; i++) {
		if (f == PF_INET)
			unpack4(at + i * sizeof(struct record4), &t->v[f][i]);
		if (!is_next(t, f, i))
			return -EINVAL;
	}
	return 0;
}

int
pf_tablefile_parse(const void *bytes, size_t len, struct pf_content *c,
                   struct error *err)
{
	const unsigned char *at = bytes;
	struct head h;
	size_t need;
	int code;

	memset(c, 0, sizeof(*c));
	if (len < sizeof(h))
		return error_set(err, -EINVAL, "no file of a table");
	memcpy(&h, at, sizeof(h));
	if (h.magic != MAGIC || h.n[PF_INET] > PF_MAX_ENTRIES ||
	    h.n[PF_INET6] > PF_MAX_ENTRIES || h.zero != 0 ||
	    (h.flags & ~(uint32_t)ALL_FLAGS) != 0)
		return error_set(err, -EINVAL, "no file of a table");
	need = h.n[PF_INET] * sizeof(struct record4);
	if (len - sizeof(h) != need + h.n[PF_INET6] * sizeof(struct pf_entry))
		return error_set(err, -EINVAL, "a table cut short");
	at += sizeof(h);
	code = parse_family(at, PF_INET, h.n[PF_INET], &c->entries);
	if (code == 0)
		code = parse_family(at + need, PF_INET6, h.n[PF_INET6],
		                    &c->entries);
	if (code < 0) {
		pf_content_fini(c);
		return error_set(err, code,
		                 code == -ENOMEM
		                     ? "out of memory"
		                     : "a table that is not in order");
	}
	c->since = h.since;
	c->constant = (h.flags & CONSTANT) != 0;
	c->unsettled = (h.flags & UNSETTLED) != 0;
	c->hashed = (h.flags & HASHED) != 0;
	c->dynamic = (h.flags & DYNAMIC) != 0;
	c->counters = (h.flags & COUNTERS) != 0;
	return 0;
}

/* --- writing --- */

void *
pf_tablefile_make(const struct pf_content *c, size_t *out_len)
{
	const struct pf_entries *t = &c->entries;
	const struct head h = {
		.magic = MAGIC,
		.since = c->since,
		.flags = (c->constant ? CONSTANT : 0U) |
		         (c->unsettled ? UNSETTLED : 0U) |
		         (c->hashed ? HASHED : 0U) |
		         (c->dynamic ? DYNAMIC : 0U) |
		         (c->counters ? COUNTERS : 0U),
		.n = { (uint32_t)t->n[PF_INET], (uint32_t)t->n[PF_INET6] },
	};
	const size_t len4 = t->n[PF_INET] * sizeof(struct record4);
	const size_t len6 = t->n[PF_INET6] * sizeof(struct pf_entry);
	unsigned char *bytes = malloc(sizeof(h) + len4 + len6), *at = bytes;

	if (bytes == NULL)
		return NULL;
	memcpy(at, &h, sizeof(h));
	at += sizeof(h);
	for (size_t i = 0; i < t->n[PF_INET];
	     i++, at += sizeof(struct record4)) {
		const struct pf_entry *e = &t->v[PF_INET][i];
		struct record4 r = { .since = e->since,
			             .bits = e->bits,
			             .not = e->not };

		memcpy(r.ip, e->ip.b, sizeof(r.ip));
		memcpy(at, &r, sizeof(r));
	}
	if (len6 > 0)
		memcpy(at, t->v[PF_INET6], len6);
	*out_len = sizeof(h) + len4 + len6;
	return bytes;
}

/* --- files --- */

enum { NAME_SIZE = 64 };

static const char prefix[] = "table.";

/* Paths may be longer than names of files: by their sum. */
static void
file_name(const struct pf_tableplace *p, uint64_t generation,
          char out[NAME_SIZE])
{
	char key[PF_PATH_SIZE + PF_TABLE_SIZE + 2], sum[2 * MD5_BYTES + 1];
	uint8_t digest[MD5_BYTES];
	int len = snprintf(key, sizeof(key), "%s\n%s", p->path, p->name);

	md5(key, (size_t)len < sizeof(key) ? (size_t)len : sizeof(key) - 1,
	    digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(sum + 2 * i, 3, "%02x", digest[i]);
	snprintf(out, NAME_SIZE, "%s%016" PRIx64 ".%s", prefix, generation,
	         sum);
}

int
pf_tablefile_read(const struct pf_tableplace *p, struct pf_content *c,
                  struct error *err)
{
	cleanup_close int fd = -1;
	char name[NAME_SIZE];
	struct stat st;
	void *bytes;
	size_t len;
	int code;

	memset(c, 0, sizeof(*c));
	file_name(p, p->generation, name);
	fd = openat(p->dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open '%s'", name);
	if (st.st_size <= 0 || st.st_size > PF_TABLEFILE_MAX)
		return error_set(err, -EINVAL, "'%s': no file of a table",
		                 name);
	len = (size_t)st.st_size;
	/* Nobody makes it shorter: changes are new files. */
	bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (bytes == MAP_FAILED)
		return error_sys(err, "map '%s'", name);
	code = pf_tablefile_parse(bytes, len, c, err);
	munmap(bytes, len);
	return code < 0 ? error_wrap(err, "table <%s>: %s", p->name, name) : 0;
}

int
pf_tablefile_write(const struct pf_tableplace *p, const struct pf_content *c,
                   struct error *err)
{
	cleanup_free void *bytes = NULL;
	char name[NAME_SIZE];
	size_t len;

	bytes = pf_tablefile_make(c, &len);
	if (bytes == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	file_name(p, p->generation, name);
	return file_replace(p->dir, name, bytes, len, err);
}

int
pf_tablefile_settle(const struct pf_tableplace *p, bool settled,
                    struct error *err)
{
	cleanup_close int fd = -1;
	char name[NAME_SIZE];
	uint32_t flags;
	const off_t at = offsetof(struct head, flags);

	file_name(p, p->generation, name);
	fd = openat(p->dir, name, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pread(fd, &flags, sizeof(flags), at) != sizeof(flags))
		return error_sys(err, "settle '%s'", name);
	flags = settled ? flags & ~(uint32_t)UNSETTLED : flags | UNSETTLED;
	if (pwrite(fd, &flags, sizeof(flags), at) != sizeof(flags))
		return error_sys(err, "settle '%s'", name);
	return 0;
}

int
pf_tablefile_carry(const struct pf_tableplace *p, uint64_t to,
                   struct error *err)
{
	char from_name[NAME_SIZE], to_name[NAME_SIZE];

	file_name(p, p->generation, from_name);
	file_name(p, to, to_name);
	if (linkat(p->dir, from_name, p->dir, to_name, 0) < 0)
		return error_sys(err, "link '%s'", from_name);
	return 0;
}

void
pf_tablefile_sweep(int dir, uint64_t keep)
{
	char kept[NAME_SIZE];
	struct error err;
	DIR *d = file_opendir(dir, ".", &err);
	int len =
	    snprintf(kept, sizeof(kept), "%s%016" PRIx64 ".", prefix, keep);

	if (d == NULL)
		return;
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0 &&
		    strncmp(e->d_name, kept, (size_t)len) != 0)
			(void)unlinkat(dir, e->d_name, 0);
	closedir(d);
}
