/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_virtio.c - a hostile driver of each virtio card: registers of both
 * faces, rings, buffers, resets, pauses and saves in any order; the network
 * card gets frames of any length and address, too.
 *
 * The first byte chooses the card, the next the features and the face; then
 * each step is one deed of the guest. Workers have no threads here: their loops
 * are polled by a step, so that an input means the same each time (but for the
 * moment in which the host's disk answers).
 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/error.h"
#include "dev/virtio/blk.h"
#include "dev/virtio/card_fake.h"
#include "dev/virtio/console.h"
#include "dev/virtio/net.h"
#include "dev/virtio/rnd.h"
#include "dev/virtio/virtio.h"
#include "dev/virtio/worker.h"
#include "net/netback.h"
#include "vmm/loop.h"
#include "vmm/mem.h"
#include "vmm/pci.h"

enum { DISK_BYTES = 64 << 10, MAX_STEPS = 200, MAX_PARTS = 6, QUEUES = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The card's object is met on its way into the VM. */
int __real_vm_device_add(struct vm *vm, const struct device_ops *ops, void *dev,
                         struct error *err);
int __wrap_vm_device_add(struct vm *vm, const struct device_ops *ops, void *dev,
                         struct error *err);
static struct virtio *card_virtio;

int
__wrap_vm_device_add(struct vm *vm, const struct device_ops *ops, void *dev,
                     struct error *err)
{
	if (strncmp(ops->name, "virtio-", 7) == 0) {
		card_virtio = dev;
		card_virtio->stepped = true;
	}
	return __real_vm_device_add(vm, ops, dev, err);
}

/* A network of one frame at a time, with two queues that share it. */

struct wire {
	struct netback nb; /* first */
	int event;
	size_t len; /* 0: none waits */
	uint8_t to[6], tag[4];
};
static struct wire *wire;

int __real_netback_open(const struct netback_options *o,
                        struct netback **out_nb, struct error *err);
int __wrap_netback_open(const struct netback_options *o,
                        struct netback **out_nb, struct error *err);

static int
wire_fd(const struct netback *nb, unsigned queue)
{
	(void)queue;
	return queue == 0 ? ((const struct wire *)nb)->event : -1;
}

/* As readv(2) from a tap does: what does not fit is lost. */
static ssize_t
wire_recv(struct netback *nb, unsigned queue, const struct iovec *iov,
          unsigned n)
{
	struct wire *w = (struct wire *)nb;
	uint8_t frame[NETBACK_HEADER + 16] = { 0 };
	size_t at = 0, len = w->len;
	uint64_t count;

	(void)queue;
	if (len == 0)
		return -EAGAIN;
	memcpy(frame + NETBACK_HEADER, w->to, sizeof(w->to));
	memcpy(frame + NETBACK_HEADER + 12, w->tag, sizeof(w->tag));
	for (unsigned i = 0; i < n && at < len; i++)
		for (size_t k = 0; k < iov[i].iov_len && at < len; k++, at++)
			((uint8_t *)iov[i].iov_base)[k] =
			    at < sizeof(frame) ? frame[at] : 'f';
	w->len = 0;
	if (read(w->event, &count, sizeof(count)) < 0)
		abort();
	return (ssize_t)at;
}

static int
wire_send(struct netback *nb, unsigned queue, const struct iovec *iov,
          unsigned n)
{
	static volatile uint8_t sum;

	(void)nb;
	(void)queue;
	for (unsigned i = 0; i < n; i++)
		for (size_t k = 0; k < iov[i].iov_len; k += 64)
			sum ^= ((const uint8_t *)iov[i].iov_base)[k];
	return sum == 7 ? -EAGAIN : 0;
}

static int
wire_set(struct netback *nb, unsigned value)
{
	(void)nb;
	return value == 1 ? 0 : -EINVAL;
}

static void
wire_close(struct netback *nb)
{
	close(((struct wire *)nb)->event);
	free(nb);
	wire = NULL;
}

static const struct netback_ops wire_ops = {
	.name = "wire",
	.fd = wire_fd,
	.recv = wire_recv,
	.send = wire_send,
	.set_offloads = wire_set,
	.set_queues = wire_set,
	.close = wire_close,
};

int
__wrap_netback_open(const struct netback_options *o, struct netback **out_nb,
                    struct error *err)
{
	(void)o;
	(void)err;
	wire = calloc(1, sizeof(*wire));
	if (wire == NULL)
		abort();
	wire->nb = (struct netback){ .ops = &wire_ops,
		                     .queues = 2,
		                     .offloads = NETBACK_ALL };
	wire->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*out_nb = &wire->nb;
	return 0;
}

struct input {
	const uint8_t *p;
	size_t left;
};

static uint64_t
take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0 && in->left > 0) {
		v = v << 8 | *in->p++;
		in->left--;
	}
	return v;
}

static void
poll_workers(void)
{
	for (unsigned i = 0; i < card_virtio->nworkers; i++)
		(void)loop_poll(worker_loop(card_virtio->workers[i]));
}

/* A chain whose parts lie anywhere in the low 64 KiB, where the first writes
 * go, too; flags as the guest likes. */
static void
offer(struct input *in, struct card *c)
{
	unsigned queue = (unsigned)take(in, 1) % QUEUES;
	unsigned n = (unsigned)take(in, 1) % MAX_PARTS + 1;
	struct fake_part parts[MAX_PARTS];

	if (c->q[queue].at.size == 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		parts[i].addr = take(in, 1) << 8;
		parts[i].len = (uint32_t)take(in, 2);
		parts[i].flags = (uint16_t)(take(in, 1) & 2);
	}
	(void)fake_buffer(&c->q[queue], parts, n);
	card_notify(c, queue);
}

static void
access_bar(struct input *in, struct card *c)
{
	uint8_t how = (uint8_t)take(in, 1);
	unsigned size = 1u << (how & 3);
	uint64_t off = take(in, 2), v = take(in, 4);

	switch (how >> 2 & 3) {
	case 0:
		fake_write(&c->f, c->mem + off % 0x4000, size, v);
		break;
	case 1:
		(void)fake_read(&c->f, c->mem + off % 0x4000, size);
		break;
	case 2:
		fake_out(&c->f, (uint16_t)(c->io + off % 128), size & 7, v);
		break;
	default:
		(void)fake_in(&c->f, (uint16_t)(c->io + off % 128), size & 7);
	}
}

static void
write_memory(struct input *in, struct card *c)
{
	uint64_t gpa = take(in, 3) % (1 << 20);
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)take(in, 1);
	(void)guest_mem_write(c->f.vm->mem, gpa, bytes, sizeof(bytes));
}

/* A frame comes, where there is a network. */
static void
send_frame(struct input *in)
{
	const uint64_t one = 1;

	if (wire == NULL || wire->len > 0)
		return;
	wire->len = 1 + (size_t)take(in, 2);
	for (unsigned i = 0; i < sizeof(wire->to); i++)
		wire->to[i] = (uint8_t)take(in, 1);
	for (unsigned i = 0; i < sizeof(wire->tag); i++)
		wire->tag[i] = (uint8_t)take(in, 1);
	if (write(wire->event, &one, sizeof(one)) < 0)
		abort();
}

static void
step(struct input *in, struct card *c)
{
	switch (take(in, 1) % 8) {
	case 0:
	case 1:
		offer(in, c);
		break;
	case 2:
		write_memory(in, c);
		break;
	case 3:
		access_bar(in, c);
		break;
	case 4:
		card_notify(c, (unsigned)take(in, 1));
		break;
	case 5:
		vm_pause(c->f.vm);
		/* Refused when the guest wrote what no driver would. */
		(void)fake_vm_roundtrip(&c->f, NULL);
		vm_resume(c->f.vm);
		break;
	case 6:
		(void)card_up(c, ~take(in, 2) | 1ull << 32, QUEUES,
		              (uint16_t)(1 << take(in, 1) % 8));
		break;
	default:
		send_frame(in);
	}
	poll_workers();
}

static bool
make(struct card *c, unsigned which, char paths[2][64])
{
	const char *const blk[] = { paths[0], "aio=threads", NULL };
	const char *const con[] = { "port.1.name=one", paths[1], NULL };
	const char *const none[] = { NULL };
	struct error err;

	switch (which % 4) {
	case 0:
		return card_make(c, &virtio_blk, blk, &err) == 0;
	case 1:
		return card_make(c, &virtio_net, none, &err) == 0;
	case 2:
		return card_make(c, &virtio_console, con, &err) == 0;
	default:
		return card_make(c, &virtio_rnd, none, &err) == 0;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	static struct card c;
	char paths[2][64];
	int fd = memfd_create("disk", 0);

	if (len < 4 || fd < 0 || ftruncate(fd, DISK_BYTES) < 0) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	snprintf(paths[0], sizeof(paths[0]), "path=/proc/self/fd/%d", fd);
	snprintf(paths[1], sizeof(paths[1]), "port.1.path=/tmp/fuzz_virtio.%d",
	         (int)getpid());
	if (!make(&c, (unsigned)take(&in, 1), paths))
		abort();
	c.legacy = take(&in, 1) % 2 == 1;
	(void)card_up(&c, ~take(&in, 1) | 1ull << 32, QUEUES, 16);
	for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++)
		step(&in, &c);
	card_free(&c);
	close(fd);
	return 0;
}
