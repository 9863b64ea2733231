/* SPDX-License-Identifier: BSD-2-Clause */
/* tablefile.c - the file that says what a table holds. */
#include "pf/tablefile.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <endian.h>
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
	pf_table_counts_fini(&c->counts);
	memset(c, 0, sizeof(*c));
}

/* --- reading --- */

/* Each change of a table reads all of it: IPv4, of which tables are large, is
 * compared as numbers. An entry is a network, and behind the one before. */
static bool
parse4(const unsigned char *at, size_t n, struct pf_entry *v)
{
	uint64_t last = 0;

	for (size_t i = 0; i < n; i++, at += sizeof(struct record4)) {
		struct record4 r;
		uint32_t ip;
		uint64_t key;

		memcpy(&r, at, sizeof(r));
		memcpy(&ip, r.ip, sizeof(ip));
		key = (uint64_t)be32toh(ip) << 8 | r.bits;
		if (r.bits > 32 || r.not > 1 || (r.zero[0] | r.zero[1]) != 0 ||
		    (i > 0 && key <= last) ||
		    (uint32_t)((key >> 8) << r.bits) != 0)
			return false;
		last = key;
		v[i] = (struct pf_entry){ .since = r.since,
			                  .bits = r.bits,
			                  .not = r.not };
		memcpy(v[i].ip.b, r.ip, sizeof(r.ip));
	}
	return true;
}

static bool
parse6(const unsigned char *at, size_t n, struct pf_entry *v)
{
	if (n > 0)
		memcpy(v, at, n * sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		struct pf_ip masked = v[i].ip;

		pf_ip_mask(&masked, v[i].bits);
		if (v[i].bits > 128 || v[i].not > 1 ||
		    (v[i].zero[0] | v[i].zero[1]) != 0 ||
		    pf_ip_cmp(&masked, &v[i].ip) != 0 ||
		    (i > 0 && pf_entry_cmp(&v[i - 1], &v[i]) >= 0))
			return false;
	}
	return true;
}

/* Have the kernel find the memory at once: it takes less time than to ask for
 * each page when it is first written. */
static void
fault_in(void *v, size_t bytes)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)v + page - 1) / page * page;
	uintptr_t to = ((uintptr_t)v + bytes) / page * page;

	if (to > from)
		(void)madvise((void *)from, to - from, MADV_POPULATE_WRITE);
}

static int
parse_family(const unsigned char *at, unsigned f, size_t n,
             struct pf_entries *t)
{
	bool ok;

	/* Room for one that is added. */
	t->v[f] = malloc((n + 1) * sizeof(*t->v[f]));
	if (t->v[f] == NULL)
		return -ENOMEM;
	fault_in(t->v[f], n * sizeof(*t->v[f]));
	t->cap[f] = n + 1;
	t->n[f] = n;
	ok = f == PF_V4 ? parse4(at, n, t->v[f]) : parse6(at, n, t->v[f]);
	return ok ? 0 : -EINVAL;
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
	if (h.magic != MAGIC || h.n[PF_V4] > PF_MAX_ENTRIES ||
	    h.n[PF_V6] > PF_MAX_ENTRIES || h.zero != 0 ||
	    (h.flags & ~(uint32_t)ALL_FLAGS) != 0)
		return error_set(err, -EINVAL, "no file of a table");
	need = h.n[PF_V4] * sizeof(struct record4);
	if (len - sizeof(h) != need + h.n[PF_V6] * sizeof(struct pf_entry))
		return error_set(err, -EINVAL, "a table cut short");
	at += sizeof(h);
	code = parse_family(at, PF_V4, h.n[PF_V4], &c->entries);
	if (code == 0)
		code = parse_family(at + need, PF_V6, h.n[PF_V6], &c->entries);
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

static struct head
head_of(const struct pf_content *c)
{
	return (struct head){
		.magic = MAGIC,
		.since = c->since,
		.flags = (c->constant ? CONSTANT : 0U) |
		         (c->unsettled ? UNSETTLED : 0U) |
		         (c->hashed ? HASHED : 0U) |
		         (c->dynamic ? DYNAMIC : 0U) |
		         (c->counters ? COUNTERS : 0U),
		.n = { (uint32_t)c->entries.n[PF_V4],
		       (uint32_t)c->entries.n[PF_V6] },
	};
}

static void
pack4(const struct pf_entry *e, size_t n, struct record4 *out)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = (struct record4){ .since = e[i].since,
			                   .bits = e[i].bits,
			                   .not = e[i].not };
		memcpy(out[i].ip, e[i].ip.b, sizeof(out[i].ip));
	}
}

/* A piece at a time: room for all of it would cost more than the rest. */
static int
put_content(int fd, const void *arg)
{
	const struct pf_content *c = arg;
	const struct pf_entries *t = &c->entries;
	const struct head h = head_of(c);
	struct record4 piece[4096];
	int code = file_write(fd, &h, sizeof(h));

	for (size_t i = 0; i < t->n[PF_V4] && code == 0;) {
		size_t n = t->n[PF_V4] - i;

		if (n > ARRAY_LEN(piece))
			n = ARRAY_LEN(piece);
		pack4(t->v[PF_V4] + i, n, piece);
		code = file_write(fd, piece, n * sizeof(*piece));
		i += n;
	}
	if (code == 0 && t->n[PF_V6] > 0)
		code = file_write(fd, t->v[PF_V6],
		                  t->n[PF_V6] * sizeof(*t->v[PF_V6]));
	return code;
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
	/* A jail may have put a FIFO there: nobody waits for it. */
	fd = openat(p->dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
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
	char name[NAME_SIZE];

	file_name(p, p->generation, name);
	return file_replace_by(p->dir, name, put_content, c, err);
}

int
pf_tablefile_put(int fd, const struct pf_content *c)
{
	return put_content(fd, c);
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
