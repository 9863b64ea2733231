/* SPDX-License-Identifier: BSD-2-Clause */
/* net.c - virtio-net, the network card.
 *
 * Queues: pair p receives on 2p and sends on 2p + 1; control is the last, or 2
 * when the driver did not take MQ. Each pair has a worker, which also waits for
 * the pair's descriptor of the back end; control is the first worker's.
 *
 * Receiving reads straight into the guest's buffers: enough of them are popped
 * beforehand for the largest frame, and what a frame did not need waits for the
 * next. Without buffers the host's queue fills, and the host drops.
 * Source: VIRTIO 1.2, 5.1.
 */
#include "dev/virtio/net.h"

#include <sys/epoll.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "dev/mac.h"
#include "dev/virtio/net_internal.h"
#include "dev/virtio/pci.h"
#include "dev/virtio/worker.h"
#include "vmm/config.h"
#include "vmm/loop.h"
#include "vmm/pci.h"
#include "vmm/vm.h"

enum {
	NET_TYPE = 1,
	NET_CLASS = 0x020000,
	NET_QUEUE = 1024, /* as bhyve's */
	NET_HEADER = NETBACK_HEADER,
	NET_LEGACY_HEADER = 10, /* without num_buffers */
	NET_NUM_BUFFERS = 10,   /* its offset */
	NET_MAX_FRAME = 65550,  /* with an Ethernet header, without ours */
	NET_PLAIN_FRAME = 9216, /* where nobody segments for us */
	NET_SLOTS = 64,         /* buffers popped for receiving */
	NET_RX_PARTS = 900,     /* ranges of one read */
	NET_TX_PARTS = 256,     /* ranges of one frame sent */
	NET_MIN_MTU = 68,
	NET_MAX_MTU = 65535
};

enum { LINK_UP = 1 };

static struct virtq *
rx_ring(const struct net_pair *p)
{
	return &p->net->virtio.queue[2 * p->index].q;
}

static struct virtq *
tx_ring(const struct net_pair *p)
{
	return &p->net->virtio.queue[2 * p->index + 1].q;
}

/* Watch for what can be used. */
static void
watch(struct net_pair *p)
{
	uint32_t events = (p->rx_starved ? 0 : (uint32_t)EPOLLIN) |
	                  (p->tx_full ? (uint32_t)EPOLLOUT : 0);

	if (p->watch != NULL)
		(void)loop_fd_set(p->watch, events);
}

/* The host's side is gone: the cable is out. */
static void
link_down(struct net_pair *p)
{
	const uint16_t down = 0;

	loop_fd_remove(p->watch);
	p->watch = NULL;
	virtio_config_set(&p->net->virtio, offsetof(struct net_config, status),
	                  &down, sizeof(down));
}

/* Receiving. */

static uint64_t
frame_room(const struct net *n)
{
	const uint64_t gso = NET_BIT(F_GUEST_TSO4) | NET_BIT(F_GUEST_TSO6);

	return (n->offloads & gso) != 0 ? NET_MAX_FRAME : NET_PLAIN_FRAME;
}

/* Pop until the largest frame fits, or one buffer where frames cannot be
 * spread. False: not one. */
static bool
refill(struct net_pair *p)
{
	unsigned parts = 0;
	uint64_t room = 0, want = p->net->header;

	want += p->net->merge ? frame_room(p->net) : 0;
	for (unsigned i = 0; i < p->nslots; i++) {
		room += p->slot[i].c.write_bytes;
		parts += p->slot[i].c.nwrite;
	}
	while (room < want && p->nslots < NET_SLOTS &&
	       parts + NET_SLOT_PARTS < NET_RX_PARTS) {
		struct net_slot *s = &p->slot[p->nslots];

		s->c = (struct virtq_chain){ .iov = s->iov,
			                     .gpa = s->gpa,
			                     .room = NET_SLOT_PARTS };
		if (virtq_pop(rx_ring(p), &s->c) != 1)
			break;
		/* A buffer that not even holds a header is no buffer. */
		if (s->c.nread > 0 || s->c.write_bytes < p->net->header) {
			virtq_push(rx_ring(p), &s->c, 0);
			virtio_broken(&p->net->virtio);
			break;
		}
		room += s->c.write_bytes;
		parts += s->c.nwrite;
		p->nslots++;
		if (!p->net->merge)
			break;
	}
	return p->nslots > 0;
}

/* Where a frame goes: a legacy header's buffers lack the last two bytes of
 * ours, which land in pad. */
static unsigned
gather(struct net_pair *p, struct iovec *iov, uint8_t pad[2], uint64_t *room)
{
	unsigned n = 0, nslots = p->net->merge ? p->nslots : 1;
	struct virtq_chain *c = &p->slot[0].c;

	*room = 0;
	for (unsigned i = 0; i < nslots; i++)
		*room += p->slot[i].c.write_bytes;
	*room += NET_HEADER - p->net->header;
	if (p->net->header == NET_HEADER) {
		for (unsigned i = 0; i < nslots; i++)
			for (unsigned k = 0; k < p->slot[i].c.nwrite; k++)
				iov[n++] = p->slot[i].iov[k];
	} else {
		n = iov_slice(c->iov, c->nwrite, 0, NET_LEGACY_HEADER, iov);
		iov[n++] = (struct iovec){ pad, 2 };
		n += iov_slice(c->iov, c->nwrite, NET_LEGACY_HEADER, UINT64_MAX,
		               iov + n);
	}
	iov[n++] = (struct iovec){ p->spill, NET_MAX_FRAME };
	return n;
}

static void
drop_slots(struct net_pair *p, unsigned used)
{
	p->nslots -= used;
	for (unsigned i = 0; i < p->nslots; i++) {
		struct net_slot *to = &p->slot[i], *from = &p->slot[i + used];
		unsigned n = from->c.nwrite;

		memcpy(to->iov, from->iov, n * sizeof(to->iov[0]));
		memcpy(to->gpa, from->gpa, n * sizeof(to->gpa[0]));
		to->c = from->c;
		to->c.iov = to->iov;
		to->c.gpa = to->gpa;
	}
}

/* bytes of a frame are in the first slots: give those to the driver. */
static void
deliver(struct net_pair *p, uint64_t bytes)
{
	uint16_t used = 0;

	bytes -= NET_HEADER - p->net->header;
	for (uint64_t left = bytes; left > 0;) {
		uint64_t room = p->slot[used++].c.write_bytes;

		left -= left < room ? left : room;
	}
	if (p->net->header == NET_HEADER)
		(void)virtq_copy_in(&p->slot[0].c, NET_NUM_BUFFERS, &used,
		                    sizeof(used));
	for (unsigned i = 0; i < used; i++) {
		uint64_t room = p->slot[i].c.write_bytes;
		uint64_t len = bytes < room ? bytes : room;

		virtq_push(rx_ring(p), &p->slot[i].c, (uint32_t)len);
		bytes -= len;
	}
	drop_slots(p, used);
}

/* len bytes that lie in the first n ranges: is it a frame for this driver? */
static bool
wanted(struct net_pair *p, const struct iovec *iov, unsigned n, size_t len)
{
	struct iovec part[RXFILTER_HEAD]; /* none of them empty */
	uint8_t head[RXFILTER_HEAD];
	size_t got = 0;

	if (len < NET_HEADER)
		return false;
	len = len - NET_HEADER < sizeof(head) ? len - NET_HEADER : sizeof(head);
	n = iov_slice(iov, n, NET_HEADER, len, part);
	for (unsigned i = 0; i < n; i++) {
		memcpy(head + got, part[i].iov_base, part[i].iov_len);
		got += part[i].iov_len;
	}
	return rxfilter_wants(&p->net->filter, head, got);
}

/* One frame: 1 delivered or dropped, 0 none there, else the host's error. */
static int
receive_one(struct net_pair *p)
{
	struct iovec iov[NET_RX_PARTS + NET_SLOT_PARTS + 4];
	struct netback *back = p->net->back;
	uint8_t pad[2];
	uint64_t room;
	unsigned n = gather(p, iov, pad, &room);
	ssize_t len = back->ops->recv(back, p->index, iov, n);

	if (len == -EAGAIN)
		return 0;
	if (len < 0)
		return (int)len;
	/* Too large for the buffers there are, or not for this driver: its
	 * bytes stay in buffers that the next frame gets. */
	if ((uint64_t)len <= room && wanted(p, iov, n, (size_t)len))
		deliver(p, (uint64_t)len);
	return 1;
}

static void
receive(struct net_pair *p)
{
	int rc = 0;

	p->rx_starved = false;
	virtq_busy(rx_ring(p));
	for (unsigned n = 0; n < VIRTIO_BUDGET; n++) {
		if (!refill(p)) {
			p->rx_starved = true;
			break;
		}
		rc = receive_one(p);
		if (rc <= 0)
			break;
	}
	if (virtq_publish(rx_ring(p)))
		virtio_interrupt(&p->net->virtio, 2 * p->index);
	if (rx_ring(p)->broken)
		virtio_broken(&p->net->virtio);
	/* Starved: be told of new buffers; else the descriptor tells. */
	if (p->rx_starved && !virtq_idle(rx_ring(p)) && !rx_ring(p)->broken)
		virtio_kick(&p->net->virtio, 2 * p->index);
	if (rc < 0)
		link_down(p);
	else
		watch(p);
}

/* Sending. */

/* The header, without what the driver did not negotiate. */
static void
check_header(const struct net *n, uint8_t h[NET_HEADER])
{
	if (!virtio_has(&n->virtio, F_CSUM))
		memset(h, 0, NET_HEADER);
	h[NET_NUM_BUFFERS] = h[NET_NUM_BUFFERS + 1] = 0;
}

/* 0: sent or lost; -EAGAIN: not yet. */
static int
send_one(struct net_pair *p, const struct virtq_chain *c)
{
	struct iovec iov[NET_TX_PARTS + 1];
	uint8_t h[NET_HEADER] = { 0 };
	struct netback *back = p->net->back;
	unsigned n;

	if (virtq_copy_out(c, 0, h, p->net->header) < p->net->header ||
	    c->read_bytes == p->net->header ||
	    c->read_bytes > NET_HEADER + NET_MAX_FRAME)
		return 0;
	check_header(p->net, h);
	iov[0] = (struct iovec){ h, sizeof(h) };
	n = iov_slice(c->iov, c->nread, p->net->header, UINT64_MAX, iov + 1);
	return back->ops->send(back, p->index, iov, n + 1) == -EAGAIN ? -EAGAIN
	                                                              : 0;
}

static void
transmit(struct net_pair *p)
{
	struct virtq *q = tx_ring(p);
	struct iovec iov[NET_TX_PARTS];
	uint64_t gpa[NET_TX_PARTS];
	struct virtq_chain c = { .iov = iov, .gpa = gpa, .room = NET_TX_PARTS };
	unsigned n = 0;

	p->tx_full = false;
	virtq_busy(q);
	for (; n < VIRTIO_BUDGET && virtq_pop(q, &c) == 1; n++) {
		if (send_one(p, &c) == -EAGAIN) {
			virtq_unpop(q, 1);
			p->tx_full = true;
			break;
		}
		virtq_push(q, &c, 0);
	}
	if (virtq_publish(q))
		virtio_interrupt(&p->net->virtio, 2 * p->index + 1);
	if (q->broken)
		virtio_broken(&p->net->virtio);
	if (p->tx_full)
		watch(p);
	else if (!virtq_idle(q))
		virtio_kick(&p->net->virtio, 2 * p->index + 1);
}

/* The back end's descriptor has frames, or room, or is dead. */
static void
host_ready(void *ctx, uint32_t events)
{
	struct net_pair *p = ctx;
	bool dead = (events & (EPOLLERR | EPOLLHUP)) != 0;

	if (!p->net->virtio.live) {
		/* Nobody to give it to: wait until a driver comes. */
		p->rx_starved = true;
		p->tx_full = false;
		if (dead)
			link_down(p);
		watch(p);
		return;
	}
	if (p->tx_full && (events & EPOLLOUT) != 0) {
		transmit(p);
		watch(p);
	}
	if ((events & (uint32_t)(EPOLLIN | EPOLLERR | EPOLLHUP)) == 0)
		return;
	if (p->rx_starved && dead)
		link_down(p); /* or it would wake us for ever */
	else
		receive(p);
}

/* Life. */

static unsigned
control_queue(const struct net *n)
{
	return virtio_has(&n->virtio, F_MQ) ? 2 * n->npairs : 2;
}

static void
net_kicked(void *dev, unsigned queue)
{
	struct net *n = dev;

	if (queue == control_queue(n))
		net_control(n, queue);
	else if (queue == 2 * n->npairs)
		return; /* no queue of this driver's */
	else if (queue % 2 == 0)
		receive(&n->pair[queue / 2]);
	else
		transmit(&n->pair[queue / 2]);
}

static void
apply(struct net *n)
{
	n->merge = virtio_has(&n->virtio, F_MRG_RXBUF);
	n->filter.by_vlan = virtio_has(&n->virtio, F_CTRL_VLAN);
	n->header = n->merge || (n->virtio.r.features & VIRTIO_F_VERSION_1) != 0
	                ? NET_HEADER
	                : NET_LEGACY_HEADER;
	/* Where the host refuses, frames come whole and checked. */
	(void)n->back->ops->set_offloads(n->back, net_to_offloads(n->offloads));
	(void)n->back->ops->set_queues(n->back, n->pairs);
}

static void
net_start(void *dev, uint64_t features)
{
	struct net *n = dev;

	n->offloads = features & NET_GUEST_OFFLOADS;
	apply(n);
}

static void
net_quiesce(void *dev)
{
	struct net *n = dev;

	for (unsigned i = 0; i < n->npairs; i++) {
		struct net_pair *p = &n->pair[i];

		virtq_unpop(rx_ring(p), p->nslots);
		p->nslots = 0;
	}
}

static void
net_reset(void *dev)
{
	struct net *n = dev;

	n->pairs = 1;
	n->offloads = 0;
	n->header = NET_HEADER;
	rxfilter_reset(&n->filter);
	net_set_mac(n, n->mac);
}

/* Before VIRTIO 1.0 a driver set its address here, byte for byte. */
static void
net_config_write(void *dev, unsigned off, unsigned size, uint64_t v)
{
	struct net *n = dev;
	uint8_t mac[6];

	if ((n->virtio.r.features & VIRTIO_F_VERSION_1) != 0 || off + size > 6)
		return;
	pthread_mutex_lock(&n->virtio.config_lock);
	memcpy(mac, n->virtio.r.config, sizeof(mac));
	pthread_mutex_unlock(&n->virtio.config_lock);
	for (unsigned i = 0; i < size; i++)
		mac[off + i] = (uint8_t)(v >> 8 * i);
	net_set_mac(n, mac);
}

static int
net_load(void *dev, struct error *err)
{
	struct net *n = dev;

	if (n->pairs < 1 || n->pairs > n->npairs ||
	    (n->offloads & ~NET_GUEST_OFFLOADS) != 0)
		return error_set(err, -EINVAL,
		                 "virtio-net: saved with %u pairs, has %u",
		                 n->pairs, n->npairs);
	rxfilter_set_own(&n->filter, n->virtio.r.config);
	apply(n);
	return 0;
}

static void
net_fini(void *dev)
{
	struct net *n = dev;

	for (unsigned i = 0; i < n->npairs; i++) {
		loop_fd_remove(n->pair[i].watch);
		free(n->pair[i].slot);
		free(n->pair[i].spill);
	}
	netback_close(n->back);
	rxfilter_fini(&n->filter);
}

static const struct virtio_ops net_ops = {
	.name = "virtio-net",
	.type = NET_TYPE,
	.start = net_start,
	.quiesce = net_quiesce,
	.reset = net_reset,
	.config_write = net_config_write,
	.load = net_load,
	.fini = net_fini,
};

static const struct state_field net_fields[] = {
	VIRTIO_STATE(struct net, virtio),
	STATE_FIELD(struct net, pairs),
	STATE_FIELD(struct net, offloads),
	RXFILTER_STATE(struct net, filter),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc net_state = {
	.name = "virtio-net",
	.version = 2,
	.fields = net_fields,
	.before_save = virtio_device_before_save,
	.after_load = virtio_device_after_load,
};

static int
net_ready(void *dev, struct error *err)
{
	struct netback *back = ((struct net *)dev)->back;

	return back->ops->ready != NULL ? back->ops->ready(back, err) : 0;
}

static const struct device_ops net_device = {
	.name = "virtio-net",
	.ready = net_ready,
	.reset = virtio_device_reset,
	.pause = virtio_device_pause,
	.resume = virtio_device_resume,
	.fini = virtio_device_fini,
	.state = &net_state,
};

/* Making it. */

static int
add_pair(struct net *n, struct error *err)
{
	struct net_pair *p = &n->pair[n->npairs];
	int fd;

	p->net = n;
	p->index = n->npairs++;
	p->slot = calloc(NET_SLOTS, sizeof(*p->slot));
	p->spill = malloc(NET_MAX_FRAME);
	if (p->slot == NULL || p->spill == NULL)
		return error_set(err, -ENOMEM, "receive buffers");
	if (virtio_worker_add(&n->virtio, &p->worker, err) < 0 ||
	    virtio_queue_add(&n->virtio, NET_QUEUE, p->worker, net_kicked,
	                     err) < 0 ||
	    virtio_queue_add(&n->virtio, NET_QUEUE, p->worker, net_kicked,
	                     err) < 0)
		return err->code;
	fd = n->back->ops->fd(n->back, p->index);
	if (fd < 0)
		return 0;
	/* Nothing is waited for before there are buffers. */
	p->rx_starved = true;
	return loop_fd_add(worker_loop(p->worker), fd, 0, host_ready, p,
	                   &p->watch, err);
}

static uint64_t
features(const struct netback *back)
{
	uint64_t f = NET_BIT(F_MAC) | NET_BIT(F_STATUS) | NET_BIT(F_MRG_RXBUF) |
	             NET_BIT(F_CTRL_VQ) | NET_BIT(F_CTRL_RX) |
	             NET_BIT(F_CTRL_VLAN) | NET_BIT(F_CTRL_RX_EXTRA) |
	             NET_BIT(F_CTRL_MAC_ADDR);

	if ((back->offloads & NETBACK_CSUM) != 0)
		f |= NET_BIT(F_CSUM) | NET_BIT(F_GUEST_CSUM) |
		     NET_BIT(F_CTRL_GUEST_OFFLOADS);
	if ((back->offloads & NETBACK_TSO4) != 0)
		f |= NET_BIT(F_HOST_TSO4) | NET_BIT(F_GUEST_TSO4);
	if ((back->offloads & NETBACK_TSO6) != 0)
		f |= NET_BIT(F_HOST_TSO6) | NET_BIT(F_GUEST_TSO6);
	if ((back->offloads & NETBACK_ECN) != 0)
		f |= NET_BIT(F_HOST_ECN) | NET_BIT(F_GUEST_ECN);
	return f | (back->queues > 1 ? NET_BIT(F_MQ) : 0);
}

static int
open_back(struct net *n, const struct config_node *cfg, struct error *err)
{
	struct netback_options o = { .name = config_get(cfg, "backend"),
		                     .type = config_get(cfg, "type"),
		                     .bridge = config_get(cfg, "bridge"),
		                     .hostfwd = config_get(cfg, "hostfwd") };
	uint64_t queues;

	if (config_get_num(cfg, "queues", 1, 1, NETBACK_MAX_QUEUES, &queues,
	                   err) < 0 ||
	    config_get_bool(cfg, "open", false, &o.open, err) < 0)
		return err->code;
	o.queues = (unsigned)queues;
	return netback_open(&o, &n->back, err);
}

static int
identity(struct net *n, struct pci_dev *d, const struct config_node *cfg,
         struct error *err)
{
	const char *mac = config_get(cfg, "mac");
	struct net_config c = { .status = LINK_UP,
		                .max_pairs = (uint16_t)n->npairs };
	uint64_t mtu;

	if (mac == NULL)
		mac_derive(pci_slot(d), pci_func(d), pci_vm(d)->name, n->mac);
	else if (mac_parse(mac, n->mac, err) < 0)
		return err->code;
	if (config_get_num(cfg, "mtu", 0, NET_MIN_MTU, NET_MAX_MTU, &mtu, err) <
	    0)
		return err->code;
	if (mtu != 0)
		n->virtio.offered |= NET_BIT(F_MTU);
	c.mtu = (uint16_t)mtu;
	memcpy(c.mac, n->mac, 6);
	virtio_config_set(&n->virtio, 0, &c, sizeof(c));
	return 0;
}

static int
net_make(struct net *n, struct pci_dev *d, const struct config_node *cfg,
         struct error *err)
{
	if (open_back(n, cfg, err) < 0)
		return err->code;
	n->virtio.offered |= features(n->back);
	while (n->npairs < n->back->queues)
		if (add_pair(n, err) < 0)
			return err->code;
	if (virtio_queue_add(&n->virtio, NET_CTL_QUEUE, n->pair[0].worker,
	                     net_kicked, err) < 0 ||
	    identity(n, d, cfg, err) < 0)
		return err->code;
	net_reset(n);
	if (virtio_pci_attach(d, cfg, &n->virtio, NET_CLASS, err) < 0)
		return err->code;
	return vm_device_add(pci_vm(d), &net_device, n, err);
}

static int
net_init(struct pci_dev *d, const struct config_node *cfg, struct error *err)
{
	struct net *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return error_set(err, -ENOMEM, "virtio-net");
	virtio_init(&n->virtio, &net_ops, pci_vm(d)->mem, 0);
	rxfilter_init(&n->filter);
	if (net_make(n, d, cfg, err) < 0) {
		virtio_device_fini(n);
		return err->code;
	}
	return 0;
}

const struct pci_device_ops virtio_net = { "virtio-net", net_init };
