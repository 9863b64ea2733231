/* SPDX-License-Identifier: BSD-2-Clause */
/* blk.c - virtio-blk, the disk.
 *
 *   virtq_pop --> parse --> disk_aio --> done: status byte --> virtq_push
 *
 * Each queue has a worker, which also reaps what the host ended, so a request
 * and its queue are one thread's; queues beyond the processors, that nobody can
 * use at the same time, share the workers of the others. What is wrong with a
 * request, and what the host fails at, becomes the request's status; only a
 * request without room for a status breaks the device. Source: VIRTIO 1.2, 5.2.
 */
#include "dev/virtio/blk.h"

#include <sys/epoll.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "base/md5.h"
#include "dev/virtio/pci.h"
#include "dev/virtio/virtio.h"
#include "dev/virtio/worker.h"
#include "disk/aio.h"
#include "disk/disk.h"
#include "vmm/config.h"
#include "vmm/loop.h"
#include "vmm/pci.h"
#include "vmm/vm.h"

enum {
	BLK_TYPE = 2,
	BLK_CLASS = 0x010000, /* SCSI storage, as bhyve and QEMU say */
	BLK_QUEUE = 128,
	BLK_SEGS = BLK_QUEUE - 2, /* besides header and status */
	BLK_SEG_BYTES = 512 << 10,
	BLK_PARTS = BLK_SEGS + 4, /* header and status may share theirs */
	BLK_MAX_QUEUES = 16,
	BLK_AUTO_QUEUES = 4,
	BLK_HEADER = 16,
	BLK_ID_BYTES = 20,
	BLK_DISCARD_SECTORS = 1 << 22,
	/* Where zeros must be written out, this is what one request may cost.
	 */
	BLK_ZERO_SECTORS = 1 << 15
};

#define BLK_MAX_BYTES ((uint64_t)BLK_SEGS * BLK_SEG_BYTES)
/* What a queue has under way before it takes more: who pauses the machine waits
 * for it, however much a guest asks for. */
#define BLK_UNDER_WAY BLK_MAX_BYTES

enum blk_feature {
	F_SIZE_MAX = 1,
	F_SEG_MAX = 2,
	F_RO = 5,
	F_BLK_SIZE = 6,
	F_FLUSH = 9,
	F_TOPOLOGY = 10,
	F_CONFIG_WCE = 11,
	F_MQ = 12,
	F_DISCARD = 13,
	F_WRITE_ZEROES = 14
};

enum blk_type {
	T_IN = 0,
	T_OUT = 1,
	T_FLUSH = 4,
	T_GET_ID = 8,
	T_DISCARD = 11,
	T_WRITE_ZEROES = 13
};
#define T_BARRIER 0x80000000u /* legacy */

enum blk_status { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

struct blk_config {
	uint64_t capacity;
	uint32_t size_max, seg_max;
	uint16_t cylinders;
	uint8_t heads, sectors;
	uint32_t blk_size;
	uint8_t physical_exp, alignment;
	uint16_t min_io;
	uint32_t opt_io;
	uint8_t writeback, unused;
	uint16_t num_queues;
	uint32_t discard_sectors, discard_segs, discard_align;
	uint32_t zeroes_sectors, zeroes_segs;
	uint8_t zeroes_unmap, unused2[3];
} __attribute__((packed));

struct blk_header {
	uint32_t type, ioprio;
	uint64_t sector;
};

struct blk_range {
	uint64_t sector;
	uint32_t num, flags;
};
enum { RANGE_UNMAP = 1 };

struct blk_queue;

struct blk_req {
	struct disk_req disk; /* first */
	struct blk_queue *queue;
	struct blk_req *next; /* free */
	struct virtq_chain c;
	uint8_t *status;
	uint64_t cost; /* of BLK_UNDER_WAY */
	struct iovec iov[BLK_PARTS];
	uint64_t gpa[BLK_PARTS];
};

struct blk_queue {
	struct blk *blk;
	unsigned index;
	struct disk_aio *aio;
	struct loop_fd *watch;
	struct worker *worker;
	struct blk_req *reqs, *free;
	unsigned fresh;     /* reqs never used yet, from here on */
	uint64_t under_way; /* bytes */
};

struct blk {
	struct virtio virtio; /* first */
	struct disk *disk;
	unsigned nqueues;
	bool write_through; /* a write is over when it is flushed */
	char id[BLK_ID_BYTES + 1];
	struct blk_queue queue[BLK_MAX_QUEUES];
};

static struct virtq *
ring(const struct blk_queue *q)
{
	return &q->blk->virtio.queue[q->index].q;
}

/* The end of a request: status, and the buffer back to the driver. */
static void
finish(struct blk_req *r, uint8_t status)
{
	struct blk_queue *q = r->queue;

	q->under_way -= r->cost;
	r->cost = 0;
	*r->status = status;
	virtq_push(ring(q), &r->c, (uint32_t)r->c.write_bytes);
	r->next = q->free;
	q->free = r;
}

static void
publish(struct blk_queue *q)
{
	if (virtq_publish(ring(q)))
		virtio_interrupt(&q->blk->virtio, q->index);
}

static void
disk_done(struct disk_req *dr, int result)
{
	struct blk_req *r = (struct blk_req *)dr;
	bool writes = dr->op == DISK_WRITE || dr->op == DISK_ZERO;

	if (result == 0 && writes && r->queue->blk->write_through) {
		dr->op = DISK_FLUSH;
		disk_aio_submit(r->queue->aio, dr);
		disk_aio_kick(r->queue->aio);
		return;
	}
	finish(r, result == 0             ? S_OK
	          : result == -EOPNOTSUPP ? S_UNSUPP
	                                  : S_IOERR);
}

/* Cut n bytes off the front of ranges [*first, end). */
static void
cut_front(struct virtq_chain *c, unsigned *first, size_t n)
{
	while (n >= c->iov[*first].iov_len) {
		n -= c->iov[*first].iov_len;
		(*first)++;
		if (n == 0)
			return;
	}
	c->iov[*first].iov_base = (uint8_t *)c->iov[*first].iov_base + n;
	c->iov[*first].iov_len -= n;
	c->gpa[*first] += n;
}

/* The status byte gets a range of its own, the last. */
static void
split_status(struct blk_req *r)
{
	struct virtq_chain *c = &r->c;
	unsigned last = c->nread + c->nwrite - 1;
	size_t len = c->iov[last].iov_len - 1;

	r->status = (uint8_t *)c->iov[last].iov_base + len;
	if (len == 0)
		return;
	c->iov[last].iov_len = len;
	c->iov[last + 1] = (struct iovec){ r->status, 1 };
	c->gpa[last + 1] = c->gpa[last] + len;
	c->nwrite++;
}

/* -1: beyond the disk. */
static int
bytes_of(const struct blk *b, uint64_t sector, uint64_t bytes, uint64_t *off)
{
	uint64_t size = disk_info(b->disk)->bytes;

	if (sector > size / DISK_SECTOR)
		return -1;
	*off = sector * DISK_SECTOR;
	return bytes > size - *off ? -1 : 0;
}

static void
submit(struct blk_req *r, enum disk_op op)
{
	r->disk.op = op;
	r->disk.done = disk_done;
	r->cost = op == DISK_DISCARD ? 0 : r->disk.len;
	r->queue->under_way += r->cost;
	disk_aio_submit(r->queue->aio, &r->disk);
}

static void
transfer(struct blk_req *r, uint64_t sector, bool in)
{
	struct virtq_chain *c = &r->c;
	uint64_t bytes = in ? c->write_bytes - 1 : c->read_bytes - BLK_HEADER;
	unsigned first = c->nread, end = c->nread + c->nwrite - 1;

	if (!in) {
		first = 0;
		end = c->nread;
		cut_front(c, &first, BLK_HEADER);
	}
	if (bytes == 0 || bytes % DISK_SECTOR != 0 || bytes > BLK_MAX_BYTES ||
	    bytes_of(r->queue->blk, sector, bytes, &r->disk.off) < 0) {
		finish(r, S_IOERR);
		return;
	}
	r->disk.len = bytes;
	r->disk.iov = c->iov + first;
	r->disk.niov = end - first;
	submit(r, in ? DISK_READ : DISK_WRITE);
}

static void
get_id(struct blk_req *r)
{
	/* NUL padded, without a NUL when it is full (5.2.6). */
	uint64_t room = r->c.write_bytes - 1;

	(void)virtq_copy_in(&r->c, 0, r->queue->blk->id,
	                    room < BLK_ID_BYTES ? room : BLK_ID_BYTES);
	finish(r, S_OK);
}

/* One range, as the configuration says. */
static void
ranges(struct blk_req *r, bool discard)
{
	struct blk *b = r->queue->blk;
	uint32_t max = discard ? BLK_DISCARD_SECTORS : BLK_ZERO_SECTORS;
	struct blk_range range;

	if (!virtio_has(&b->virtio, discard ? F_DISCARD : F_WRITE_ZEROES)) {
		finish(r, S_UNSUPP);
		return;
	}
	if (r->c.read_bytes != BLK_HEADER + sizeof(range)) {
		finish(r, S_IOERR);
		return;
	}
	(void)virtq_copy_out(&r->c, BLK_HEADER, &range, sizeof(range));
	if ((range.flags & (discard ? ~0u : ~(uint32_t)RANGE_UNMAP)) != 0) {
		finish(r, S_UNSUPP);
		return;
	}
	if (range.num == 0 || range.num > max ||
	    bytes_of(b, range.sector, (uint64_t)range.num * DISK_SECTOR,
	             &r->disk.off) < 0) {
		finish(r, S_IOERR);
		return;
	}
	r->disk.len = (uint64_t)range.num * DISK_SECTOR;
	r->disk.unmap = (range.flags & RANGE_UNMAP) != 0;
	submit(r, discard ? DISK_DISCARD : DISK_ZERO);
}

static void
handle(struct blk_req *r)
{
	bool readonly = disk_info(r->queue->blk->disk)->readonly;
	struct blk_header h;

	(void)virtq_copy_out(&r->c, 0, &h, sizeof(h));
	split_status(r);
	r->disk = (struct disk_req){ 0 };
	switch (h.type & ~T_BARRIER) {
	case T_IN:
		transfer(r, h.sector, true);
		break;
	case T_OUT:
		if (readonly)
			finish(r, S_IOERR);
		else
			transfer(r, h.sector, false);
		break;
	case T_FLUSH:
		submit(r, DISK_FLUSH);
		break;
	case T_GET_ID:
		get_id(r);
		break;
	case T_DISCARD:
	case T_WRITE_ZEROES:
		if (readonly)
			finish(r, S_IOERR);
		else
			ranges(r, h.type == T_DISCARD);
		break;
	default:
		finish(r, S_UNSUPP);
	}
}

static bool
has_room(const struct blk_queue *q)
{
	return q->under_way < BLK_UNDER_WAY &&
	       (q->free != NULL || q->fresh < BLK_QUEUE);
}

/* The next request of the ring, or NULL. */
static struct blk_req *
take(struct blk_queue *q)
{
	struct blk_req *r = q->free;

	if (!has_room(q))
		return NULL;
	if (r == NULL)
		r = &q->reqs[q->fresh];
	r->c = (struct virtq_chain){ .iov = r->iov,
		                     .gpa = r->gpa,
		                     .room = BLK_PARTS - 1 };
	if (virtq_pop(ring(q), &r->c) != 1)
		return NULL;
	if (r->c.read_bytes < BLK_HEADER || r->c.write_bytes < 1) {
		virtq_push(ring(q), &r->c, 0);
		virtio_broken(&q->blk->virtio);
		return NULL;
	}
	if (r == q->free)
		q->free = r->next;
	else
		q->fresh++;
	r->queue = q;
	return r;
}

/* Give the host what was taken. What it had at hand is done by then: the driver
 * hears of it now and not after a turn of the loop. Parts of a batch at a time
 * were no faster. */
static void
hand_over(struct blk_queue *q)
{
	disk_aio_kick(q->aio);
	(void)disk_aio_reap(q->aio);
	publish(q);
}

static void
run(struct blk_queue *q)
{
	struct blk_req *r;
	unsigned n = 0;

	virtq_busy(ring(q));
	while (n < VIRTIO_BUDGET && (r = take(q)) != NULL) {
		handle(r);
		n++;
	}
	hand_over(q);
	if (ring(q)->broken)
		virtio_broken(&q->blk->virtio);
	/* When there is no room for more, reaped() comes here again. */
	if (has_room(q) && !virtq_idle(ring(q)))
		virtio_kick(&q->blk->virtio, q->index);
}

static void
blk_kicked(void *dev, unsigned queue)
{
	run(&((struct blk *)dev)->queue[queue]);
}

static void
reaped(void *ctx, uint32_t events)
{
	struct blk_queue *q = ctx;

	(void)events;
	if (disk_aio_reap(q->aio) == 0)
		return;
	publish(q);
	if (q->blk->virtio.live)
		run(q);
}

static void
update_write_through(struct blk *b)
{
	const struct blk_config *c = (const void *)b->virtio.r.config;
	bool wce = virtio_has(&b->virtio, F_CONFIG_WCE);

	/* 5.2.6.2: without FLUSH a driver cannot ask for it itself. */
	b->write_through =
	    wce ? c->writeback == 0 : !virtio_has(&b->virtio, F_FLUSH);
}

static void
blk_start(void *dev, uint64_t features)
{
	(void)features;
	update_write_through(dev);
}

static void
blk_quiesce(void *dev)
{
	struct blk *b = dev;

	for (unsigned i = 0; i < b->nqueues; i++) {
		disk_aio_drain(b->queue[i].aio);
		publish(&b->queue[i]);
	}
}

static void
blk_reset(void *dev)
{
	struct blk *b = dev;

	b->virtio.r.config[offsetof(struct blk_config, writeback)] = 1;
	b->write_through = false;
}

static void
blk_config_write(void *dev, unsigned off, unsigned size, uint64_t v)
{
	struct blk *b = dev;

	if (off != offsetof(struct blk_config, writeback) || size != 1 ||
	    !virtio_has(&b->virtio, F_CONFIG_WCE))
		return;
	pthread_mutex_lock(&b->virtio.config_lock);
	b->virtio.r.config[off] = v != 0;
	pthread_mutex_unlock(&b->virtio.config_lock);
	update_write_through(b);
}

/* The disk of a checkpoint is the one that is there. */
static int
blk_load(void *dev, struct error *err)
{
	struct blk *b = dev;
	const struct blk_config *c = (const void *)b->virtio.r.config;
	uint64_t now = disk_info(b->disk)->bytes / DISK_SECTOR;

	if (c->capacity != now || c->num_queues != b->nqueues)
		return error_set(err, -EINVAL,
		                 "virtio-blk: saved with %llu sectors and %u "
		                 "queues, has %llu and %u",
		                 (unsigned long long)c->capacity, c->num_queues,
		                 (unsigned long long)now, b->nqueues);
	update_write_through(b);
	return 0;
}

static void
blk_fini(void *dev)
{
	struct blk *b = dev;

	for (unsigned i = 0; i < b->nqueues; i++) {
		loop_fd_remove(b->queue[i].watch);
		disk_aio_free(b->queue[i].aio);
		free(b->queue[i].reqs);
	}
	disk_close(b->disk);
}

static const struct virtio_ops blk_ops = {
	.name = "virtio-blk",
	.type = BLK_TYPE,
	.start = blk_start,
	.quiesce = blk_quiesce,
	.reset = blk_reset,
	.config_write = blk_config_write,
	.load = blk_load,
	.fini = blk_fini,
};

static const struct state_field blk_fields[] = {
	VIRTIO_STATE(struct blk, virtio),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc blk_state = {
	.name = "virtio-blk",
	.version = 1,
	.fields = blk_fields,
	.before_save = virtio_device_before_save,
	.after_load = virtio_device_after_load,
};

static const struct device_ops blk_device = {
	.name = "virtio-blk",
	.reset = virtio_device_reset,
	.pause = virtio_device_pause,
	.resume = virtio_device_resume,
	.fini = virtio_device_fini,
	.state = &blk_state,
};

/* Making it. */

static int
sectors_of(const char *text, struct disk_options *o, struct error *err)
{
	unsigned long sector, physical;
	char *end;

	if (text == NULL)
		return 0;
	sector = physical = strtoul(text, &end, 10);
	if (*end == '/')
		physical = strtoul(end + 1, &end, 10);
	if (*end != '\0' || sector == 0 || sector > DISK_MAX_SECTOR ||
	    physical == 0 || physical > DISK_MAX_SECTOR)
		return error_set(err, -EINVAL,
		                 "sectorsize '%s': want LOGICAL[/PHYSICAL]",
		                 text);
	o->sector = (uint32_t)sector;
	o->physical = (uint32_t)physical;
	return 0;
}

static int
options(const struct config_node *cfg, struct disk_options *o,
        struct error *err)
{
	bool direct, sync;

	o->path = config_get(cfg, "path");
	if (o->path == NULL)
		return error_set(err, -EINVAL, "path required");
	if (config_get_bool(cfg, "ro", false, &o->readonly, err) < 0 ||
	    config_get_bool(cfg, "nocache", false, &o->direct, err) < 0 ||
	    config_get_bool(cfg, "direct", false, &direct, err) < 0 ||
	    config_get_bool(cfg, "sync", false, &sync, err) < 0 ||
	    config_get_bool(cfg, "nodelete", false, &o->no_discard, err) < 0)
		return err->code;
	o->sync = direct || sync;
	return sectors_of(config_get(cfg, "sectorsize"), o, err);
}

/* bhyve's: six bytes of the path's MD5. */
static int
identity(struct blk *b, const struct config_node *cfg, const char *path,
         struct error *err)
{
	const char *ser = config_get(cfg, "ser");
	uint8_t h[MD5_BYTES];

	if (ser != NULL && strlen(ser) > BLK_ID_BYTES)
		return error_set(err, -EINVAL, "ser '%s': over %d characters",
		                 ser, BLK_ID_BYTES);
	if (ser != NULL) {
		memcpy(b->id, ser, strlen(ser));
		return 0;
	}
	md5(path, strlen(path), h);
	snprintf(b->id, sizeof(b->id), "BHYVE-%02X%02X-%02X%02X-%02X%02X", h[0],
	         h[1], h[2], h[3], h[4], h[5]);
	return 0;
}

static void
describe(struct blk *b)
{
	const struct disk_info *i = disk_info(b->disk);
	struct blk_config c = {
		.capacity = i->bytes / DISK_SECTOR,
		.size_max = BLK_SEG_BYTES,
		.seg_max = BLK_SEGS,
		.blk_size = i->sector,
		.writeback = 1,
		.num_queues = (uint16_t)b->nqueues,
		.discard_sectors = BLK_DISCARD_SECTORS,
		.discard_segs = 1,
		.discard_align = i->physical / DISK_SECTOR,
		.zeroes_sectors = BLK_ZERO_SECTORS,
		.zeroes_segs = 1,
		.zeroes_unmap = i->can_discard,
	};

	while (i->sector << c.physical_exp < i->physical)
		c.physical_exp++;
	virtio_config_set(&b->virtio, 0, &c, sizeof(c));
}

static uint64_t
features(const struct disk_info *i)
{
	uint64_t f = 1ull << F_SIZE_MAX | 1ull << F_SEG_MAX |
	             1ull << F_BLK_SIZE | 1ull << F_FLUSH | 1ull << F_TOPOLOGY |
	             1ull << F_CONFIG_WCE | 1ull << F_MQ;

	if (i->readonly)
		return f | 1ull << F_RO;
	return f | 1ull << F_WRITE_ZEROES |
	       (i->can_discard ? 1ull << F_DISCARD : 0);
}

static int
aio_kind(const char *word, enum disk_aio_kind *out, struct error *err)
{
	static const struct {
		const char *word;
		enum disk_aio_kind kind;
	} rows[] = { { "auto", DISK_AIO_AUTO },
		     { "io_uring", DISK_AIO_URING },
		     { "threads", DISK_AIO_THREADS } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (word == NULL || strcmp(word, rows[i].word) == 0) {
			*out = rows[i].kind;
			return 0;
		}
	return error_set(err, -EINVAL, "aio '%s': want auto, io_uring, threads",
	                 word);
}

static int
add_queue(struct blk *b, unsigned ncpus, enum disk_aio_kind kind,
          struct error *err)
{
	struct blk_queue *q = &b->queue[b->nqueues];

	q->blk = b;
	q->index = b->nqueues++;
	/* Untouched until used: a guest with few requests costs few pages. */
	q->reqs = calloc(BLK_QUEUE, sizeof(*q->reqs));
	if (q->reqs == NULL)
		return error_set(err, -ENOMEM, "requests");
	if (q->index >= ncpus)
		q->worker = b->queue[q->index % ncpus].worker;
	else if (virtio_worker_add(&b->virtio, &q->worker, err) < 0)
		return err->code;
	if (disk_aio_new(b->disk, BLK_QUEUE, kind, &q->aio, err) < 0 ||
	    virtio_queue_add(&b->virtio, BLK_QUEUE, q->worker, blk_kicked,
	                     err) < 0)
		return err->code;
	return loop_fd_add(worker_loop(q->worker), disk_aio_fd(q->aio), EPOLLIN,
	                   reaped, q, &q->watch, err);
}

static int
blk_make(struct blk *b, struct pci_dev *d, const struct config_node *cfg,
         struct error *err)
{
	unsigned shown = vm_ncpus_shown(pci_vm(d));
	struct disk_options o = { 0 };
	enum disk_aio_kind kind = DISK_AIO_AUTO;
	uint64_t queues;

	if (options(cfg, &o, err) < 0 ||
	    aio_kind(config_get(cfg, "aio"), &kind, err) < 0 ||
	    config_get_num(cfg, "queues",
	                   shown < BLK_AUTO_QUEUES ? shown : BLK_AUTO_QUEUES, 1,
	                   BLK_MAX_QUEUES, &queues, err) < 0 ||
	    identity(b, cfg, o.path, err) < 0 ||
	    disk_open(&o, &b->disk, err) < 0)
		return err->code;
	b->virtio.offered |= features(disk_info(b->disk));
	while (b->nqueues < queues)
		if (add_queue(b, pci_vm(d)->ncpus, kind, err) < 0)
			return err->code;
	describe(b);
	if (virtio_pci_attach(d, cfg, &b->virtio, BLK_CLASS, err) < 0)
		return err->code;
	return vm_device_add(pci_vm(d), &blk_device, b, err);
}

static int
blk_init(struct pci_dev *d, const struct config_node *cfg, struct error *err)
{
	struct blk *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return error_set(err, -ENOMEM, "virtio-blk");
	virtio_init(&b->virtio, &blk_ops, pci_vm(d)->mem, 0);
	if (blk_make(b, d, cfg, err) < 0) {
		virtio_device_fini(b);
		return err->code;
	}
	return 0;
}

const struct pci_device_ops virtio_blk = { "virtio-blk", blk_init };
