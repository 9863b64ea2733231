/* SPDX-License-Identifier: BSD-2-Clause */
/* fwcfg.c - QEMU's firmware configuration device.
 *
 *   0x510  selector (write, 16 bits)
 *   0x511  data: the next byte of what is selected; zeros after its end
 *   0x514  DMA: address of a command, 64 bits, big endian; writing the low
 *          half runs the command. Reads give "QEMU CFG".
 *
 * A command in guest memory, all big endian: control, length, address. It is
 * done when the write returns, and its control is then 0 or DMA_ERROR.
 *
 * Items are sorted by key. Files have keys from FWCFG_FIRST_FILE on in the
 * order of their names, so that a VM resumed with the same files finds each
 * under the key the guest knows.
 */
#include "dev/fwcfg.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "vmm/vm.h"

enum {
	AT_SELECT = 0,
	AT_DATA = 1,
	AT_DMA = 4,
	COMMAND_BYTES = 16,
	ENTRY_BYTES = 64,    /* of the directory */
	KEY_WRITE = 1 << 14, /* "for writing", which nothing is */

	ID_TRADITIONAL = 1 << 0,
	ID_DMA = 1 << 1,

	DMA_ERROR = 1 << 0,
	DMA_READ = 1 << 1,
	DMA_SKIP = 1 << 2,
	DMA_SELECT = 1 << 3,
	DMA_WRITE = 1 << 4
};

struct item {
	uint16_t key;
	uint8_t *data;
	size_t len;
	char name[FWCFG_NAME]; /* "": no file */
};

struct fwcfg {
	struct vm *vm;
	pthread_mutex_t lock;
	struct item item[FWCFG_MAX_ITEMS];
	unsigned n;
	/* What the guest selected, how far it has read, the upper half. */
	uint16_t key;
	uint32_t at, dma_high;
};

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void
put_be32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* The guest's side. */

static const struct item *
selected(const struct fwcfg *f)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->item[i].key == (f->key & ~KEY_WRITE))
			return &f->item[i];
	return NULL;
}

static void
select_key(struct fwcfg *f, uint16_t key)
{
	f->key = key;
	f->at = 0;
}

/* Move on; what is left of the item before that, at most n bytes. */
static size_t
take(struct fwcfg *f, const struct item *i, uint32_t n)
{
	size_t left = i != NULL && f->at < i->len ? i->len - f->at : 0;

	if (left > n)
		left = n;
	f->at += (uint32_t)left;
	return left;
}

/* DMA_READ. Beyond the item's end a guest gets zeros. */
static bool
give(struct fwcfg *f, uint64_t gpa, uint32_t n)
{
	const struct item *i = selected(f);
	uint32_t at = f->at;
	uint8_t *to;
	size_t got;

	if (n == 0)
		return true;
	to = guest_mem_at(f->vm->mem, gpa, n, 1);
	if (to == NULL)
		return false;
	got = take(f, i, n);
	if (got > 0)
		memcpy(to, i->data + at, got);
	memset(to + got, 0, n - got);
	guest_mem_written(f->vm->mem, gpa, n);
	return true;
}

/* lock held. */
static void
run_command(struct fwcfg *f, uint64_t gpa)
{
	uint8_t c[COMMAND_BYTES], done[4];
	uint32_t control, n;
	bool ok = true;

	/* Nowhere to tell of an error: there is no command either. */
	if (guest_mem_read(f->vm->mem, gpa, c, sizeof(c)) < 0)
		return;
	control = be32(c);
	n = be32(c + 4);
	if ((control & DMA_SELECT) != 0)
		select_key(f, (uint16_t)(control >> 16));
	if ((control & DMA_READ) != 0)
		ok = n <= FWCFG_MAX_TRANSFER &&
		     give(f, (uint64_t)be32(c + 8) << 32 | be32(c + 12), n);
	else if ((control & DMA_WRITE) != 0)
		ok = false;
	else if ((control & DMA_SKIP) != 0)
		(void)take(f, selected(f), n);
	put_be32(done, ok ? 0 : DMA_ERROR);
	(void)guest_mem_write(f->vm->mem, gpa, done, sizeof(done));
}

static uint64_t
fwcfg_read(void *ctx, uint64_t off, unsigned size)
{
	static const char signature[8] = "QEMU CFG";
	struct fwcfg *f = ctx;
	uint64_t v = 0;

	if (off >= AT_DMA) {
		memcpy(&v, signature + (off - AT_DMA), size);
		return v;
	}
	if (off != AT_DATA || size != 1)
		return UINT64_MAX;
	pthread_mutex_lock(&f->lock);
	const struct item *i = selected(f);
	uint32_t at = f->at;

	if (take(f, i, 1) == 1)
		v = i->data[at];
	pthread_mutex_unlock(&f->lock);
	return v;
}

static void
fwcfg_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct fwcfg *f = ctx;
	uint32_t swapped = __builtin_bswap32((uint32_t)v);

	pthread_mutex_lock(&f->lock);
	if (off == AT_SELECT && size == 2) {
		select_key(f, (uint16_t)v);
	} else if (off == AT_DMA && size == 4) {
		f->dma_high = swapped;
	} else if (off == AT_DMA + 4 && size == 4) {
		uint64_t gpa = (uint64_t)f->dma_high << 32 | swapped;

		f->dma_high = 0;
		run_command(f, gpa);
	}
	pthread_mutex_unlock(&f->lock);
}

static const struct bus_ops ops = { "fw_cfg", fwcfg_read, fwcfg_write };

static void
fwcfg_reset(void *dev)
{
	struct fwcfg *f = dev;

	f->key = 0;
	f->at = f->dma_high = 0;
}

static void
fwcfg_fini(void *dev)
{
	struct fwcfg *f = dev;

	for (unsigned i = 0; i < f->n; i++)
		free(f->item[i].data);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static const struct state_field fields[] = {
	STATE_FIELD(struct fwcfg, key),
	STATE_FIELD(struct fwcfg, at),
	STATE_FIELD(struct fwcfg, dma_high),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc state = {
	.name = "fwcfg",
	.version = 1,
	.fields = fields,
};

static const struct device_ops device = {
	.name = "fwcfg",
	.reset = fwcfg_reset,
	.fini = fwcfg_fini,
	.state = &state,
};

/* The host's side. */

/* Is a's place before b's? Files by name, behind the items below them. */
static bool
before(const struct item *a, const struct item *b)
{
	if (a->name[0] != '\0' && b->name[0] != '\0')
		return strcmp(a->name, b->name) < 0;
	return a->key < b->key;
}

static int
insert(struct fwcfg *f, const struct item *new, struct error *err)
{
	unsigned at = 0;

	if (f->n == FWCFG_MAX_ITEMS)
		return error_set(err, -ENOSPC, "fw_cfg: over %d items",
		                 FWCFG_MAX_ITEMS);
	if (new->len > FWCFG_MAX_BYTES)
		return error_set(err, -E2BIG, "fw_cfg: '%s' is over %d bytes",
		                 new->name, FWCFG_MAX_BYTES);
	while (at < f->n && before(&f->item[at], new))
		at++;
	memmove(&f->item[at + 1], &f->item[at],
	        (f->n - at) * sizeof(f->item[0]));
	f->item[at] = *new;
	f->item[at].data = malloc(new->len + 1);
	if (f->item[at].data == NULL) {
		memmove(&f->item[at], &f->item[at + 1],
		        (f->n - at) * sizeof(f->item[0]));
		return error_set(err, -ENOMEM, "fw_cfg");
	}
	if (new->len > 0)
		memcpy(f->item[at].data, new->data, new->len);
	f->n++;
	return 0;
}

int
fwcfg_item(struct fwcfg *f, unsigned key, const void *data, size_t len,
           struct error *err)
{
	struct item new = { .key = (uint16_t)key,
		            .data = (uint8_t *)(uintptr_t)data,
		            .len = len };

	for (unsigned i = 0; i < f->n; i++)
		if (f->item[i].key == key)
			return error_set(err, -EEXIST, "fw_cfg: item %#x twice",
			                 key);
	return insert(f, &new, err);
}

/* Files get the keys of their places, and are listed. */
static int
list_files(struct fwcfg *f, struct error *err)
{
	struct item *dir = NULL;
	uint32_t n = 0;
	uint8_t *p;

	for (unsigned i = 0; i < f->n; i++) {
		if (f->item[i].name[0] != '\0')
			f->item[i].key = (uint16_t)(FWCFG_FIRST_FILE + n++);
		if (f->item[i].key == FWCFG_DIRECTORY)
			dir = &f->item[i];
	}
	p = dir != NULL ? realloc(dir->data, 4 + n * ENTRY_BYTES) : NULL;
	if (p == NULL)
		return error_set(err, -ENOMEM, "fw_cfg");
	dir->data = p;
	dir->len = 4 + n * ENTRY_BYTES;
	memset(p, 0, dir->len);
	put_be32(p, n);
	p += 4;
	for (unsigned i = 0; i < f->n; i++) {
		if (f->item[i].name[0] == '\0')
			continue;
		put_be32(p, (uint32_t)f->item[i].len);
		put_be32(p + 4, (uint32_t)f->item[i].key << 16);
		memcpy(p + 8, f->item[i].name, FWCFG_NAME);
		p += ENTRY_BYTES;
	}
	return 0;
}

int
fwcfg_file(struct fwcfg *f, const char *name, const void *data, size_t len,
           struct error *err)
{
	struct item new = { .key = FWCFG_FIRST_FILE,
		            .data = (uint8_t *)(uintptr_t)data,
		            .len = len };

	if (*name == '\0' || strlen(name) >= sizeof(new.name))
		return error_set(err, -EINVAL,
		                 "fw_cfg: name '%s': want 1 to %d characters",
		                 name, FWCFG_NAME - 1);
	memcpy(new.name, name, strlen(name));
	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->item[i].name, name) == 0)
			return error_set(err, -EEXIST, "fw_cfg: '%s' twice",
			                 name);
	if (insert(f, &new, err) < 0)
		return err->code;
	return list_files(f, err);
}

int
fwcfg_new(struct vm *vm, struct fwcfg **out_f, struct error *err)
{
	static const uint8_t id[4] = { ID_TRADITIONAL | ID_DMA };
	struct fwcfg *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return error_set(err, -ENOMEM, "fw_cfg");
	f->vm = vm;
	pthread_mutex_init(&f->lock, NULL);
	if (fwcfg_item(f, FWCFG_SIGNATURE, "QEMU", 4, err) < 0 ||
	    fwcfg_item(f, FWCFG_ID, id, sizeof(id), err) < 0 ||
	    fwcfg_item(f, FWCFG_DIRECTORY, "\0\0\0", 4, err) < 0 ||
	    bus_add(vm->pio, FWCFG_PORT, FWCFG_NPORTS, &ops, f, err) < 0 ||
	    vm_device_add(vm, &device, f, err) < 0) {
		fwcfg_fini(f);
		return err->code;
	}
	*out_f = f;
	return 0;
}
