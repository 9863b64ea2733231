/* SPDX-License-Identifier: BSD-2-Clause */
/* rnd.c - virtio-rnd, the entropy device: buffers come back full of the host's
 * random bytes. Source: VIRTIO 1.2, 5.4.
 */
#include "dev/virtio/rnd.h"

#include <sys/random.h>

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "dev/virtio/pci.h"
#include "dev/virtio/virtio.h"
#include "vmm/pci.h"
#include "vmm/vm.h"

enum {
	RND_TYPE = 4,
	RND_CLASS = 0x100000, /* encryption, network and computing */
	RND_QUEUE = 64,
	RND_PARTS = 16,
	/* What one buffer gets at most: a guest must not keep the worker. */
	RND_MAX_BYTES = 64 << 10
};

struct rnd {
	struct virtio virtio;
};

/* Random bytes into the writable part; how many. */
static uint32_t
fill(const struct virtq_chain *c)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < c->nwrite && done < RND_MAX_BYTES; i++) {
		const struct iovec *v = &c->iov[c->nread + i];
		size_t len = v->iov_len, room = RND_MAX_BYTES - done;
		ssize_t n;

		if (len > room)
			len = room;
		n = getrandom(v->iov_base, len, 0);
		if (n < 0)
			break;
		done += (uint32_t)n;
		if ((size_t)n < v->iov_len)
			break;
	}
	return done;
}

static void
rnd_queue(void *dev, unsigned queue)
{
	struct rnd *r = dev;
	struct virtq *q = &r->virtio.queue[queue].q;
	struct iovec iov[RND_PARTS];
	uint64_t gpa[RND_PARTS];
	struct virtq_chain c = { .iov = iov, .gpa = gpa, .room = RND_PARTS };

	for (unsigned n = 0; n < VIRTIO_BUDGET && virtq_pop(q, &c) == 1; n++) {
		virtq_push(q, &c, fill(&c));
		if (virtq_publish(q))
			virtio_interrupt(&r->virtio, queue);
	}
	if (!virtq_idle(q))
		virtio_kick(&r->virtio, queue);
}

static const struct virtio_ops rnd_ops = {
	.name = "virtio-rnd",
	.type = RND_TYPE,
};

static const struct state_field rnd_fields[] = {
	VIRTIO_STATE(struct rnd, virtio),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc rnd_state = {
	.name = "virtio-rnd",
	.version = 1,
	.fields = rnd_fields,
	.before_save = virtio_device_before_save,
	.after_load = virtio_device_after_load,
};

static const struct device_ops rnd_device = {
	.name = "virtio-rnd",
	.reset = virtio_device_reset,
	.pause = virtio_device_pause,
	.resume = virtio_device_resume,
	.fini = virtio_device_fini,
	.state = &rnd_state,
};

static int
rnd_init(struct pci_dev *d, const struct config_node *cfg, struct error *err)
{
	struct rnd *r = calloc(1, sizeof(*r));
	struct worker *w;

	if (r == NULL)
		return error_set(err, -ENOMEM, "virtio-rnd");
	virtio_init(&r->virtio, &rnd_ops, pci_vm(d)->mem, 0);
	if (virtio_worker_add(&r->virtio, &w, err) < 0 ||
	    virtio_queue_add(&r->virtio, RND_QUEUE, w, rnd_queue, err) < 0 ||
	    virtio_pci_attach(d, cfg, &r->virtio, RND_CLASS, err) < 0 ||
	    vm_device_add(pci_vm(d), &rnd_device, r, err) < 0) {
		virtio_device_fini(r);
		return err->code;
	}
	return 0;
}

const struct pci_device_ops virtio_rnd = { "virtio-rnd", rnd_init };
