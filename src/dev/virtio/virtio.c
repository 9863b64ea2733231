/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio.c - the life of a virtio device: reset, negotiation, running, saved.
 *
 *   reset --features, queues--> DRIVER_OK: live --status 0--> reset
 *
 * live changes only while every worker is parked; handlers read it freely.
 */
#include "dev/virtio/virtio.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "dev/virtio/worker.h"
#include "vmm/loop.h"

static void
clear_regs(struct virtio *v)
{
	uint8_t config[VIRTIO_CONFIG_BYTES];

	memcpy(config, v->r.config, sizeof(config));
	memset(&v->r, 0, sizeof(v->r));
	memcpy(v->r.config, config, sizeof(config));
	v->r.config_vector = VIRTIO_NO_VECTOR;
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++) {
		v->r.vector[i] = VIRTIO_NO_VECTOR;
		v->r.size[i] = v->queue[i].max;
	}
}

void
virtio_init(struct virtio *v, const struct virtio_ops *ops,
            struct guest_mem *mem, uint64_t features)
{
	*v = (struct virtio){
		.ops = ops,
		.mem = mem,
		.offered = features | VIRTIO_F_INDIRECT | VIRTIO_F_EVENT_IDX |
		           VIRTIO_F_VERSION_1,
	};
	pthread_mutex_init(&v->lock, NULL);
	pthread_mutex_init(&v->config_lock, NULL);
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++)
		v->queue[i].kick = -1;
	clear_regs(v);
}

static void
park(struct virtio *v)
{
	for (unsigned i = 0; i < v->nworkers; i++)
		worker_park(v->workers[i]);
}

static void
unpark(struct virtio *v)
{
	for (unsigned i = 0; i < v->nworkers; i++)
		worker_unpark(v->workers[i]);
}

static void
quiesce(struct virtio *v)
{
	if (v->live && v->ops->quiesce != NULL)
		v->ops->quiesce(v);
}

void
virtio_device_fini(void *dev)
{
	struct virtio *v = dev;

	if (!v->paused)
		park(v);
	quiesce(v);
	v->live = false;
	unpark(v);
	for (unsigned i = 0; i < v->nworkers; i++)
		worker_stop(v->workers[i]);
	/* Nobody interrupts any more, and no notifier names an eventfd. */
	if (v->transport_free != NULL)
		v->transport_free(v->transport);
	for (unsigned i = 0; i < v->nqueues; i++) {
		loop_fd_remove(v->queue[i].watch);
		if (v->queue[i].kick >= 0)
			close(v->queue[i].kick);
	}
	if (v->ops->fini != NULL)
		v->ops->fini(dev);
	for (unsigned i = 0; i < v->nworkers; i++)
		worker_free(v->workers[i]);
	pthread_mutex_destroy(&v->lock);
	pthread_mutex_destroy(&v->config_lock);
	free(dev);
}

int
virtio_worker_add(struct virtio *v, struct worker **out_worker,
                  struct error *err)
{
	char name[16];

	if (v->nworkers == VIRTIO_MAX_WORKERS)
		return error_set(err, -E2BIG, "%s: over %d threads",
		                 v->ops->name, VIRTIO_MAX_WORKERS);
	/* "virtio-blk" gives "blk 0". */
	snprintf(name, sizeof(name), "%.8s %u", v->ops->name + 7, v->nworkers);
	if (worker_new(name, &v->workers[v->nworkers], err) < 0)
		return err->code;
	*out_worker = v->workers[v->nworkers++];
	return 0;
}

/* On the worker. */
static void
kicked(void *ctx, uint32_t events)
{
	struct virtio_queue *q = ctx;
	uint64_t n;

	(void)events;
	/* Nothing to read: somebody else's wake-up already did. */
	if (read(q->kick, &n, sizeof(n)) < 0)
		return;
	if (!q->virtio->live)
		return;
	q->fn(q->virtio, q->index);
	if (q->q.broken)
		virtio_broken(q->virtio);
}

int
virtio_queue_add(struct virtio *v, uint16_t max, struct worker *worker,
                 void (*fn)(void *dev, unsigned queue), struct error *err)
{
	struct virtio_queue *q = &v->queue[v->nqueues];

	if (v->nqueues == VIRTIO_MAX_QUEUES)
		return error_set(err, -E2BIG, "%s: over %d queues",
		                 v->ops->name, VIRTIO_MAX_QUEUES);
	*q = (struct virtio_queue){
		.virtio = v,
		.index = v->nqueues,
		.max = max,
		.kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.worker = worker,
		.fn = fn,
	};
	v->r.size[v->nqueues++] = max;
	if (q->kick < 0)
		return error_sys(err, "%s: eventfd", v->ops->name);
	return loop_fd_add(worker_loop(worker), q->kick, EPOLLIN, kicked, q,
	                   &q->watch, err);
}

void
virtio_kick(struct virtio *v, unsigned queue)
{
	const uint64_t one = 1;

	/* A full counter is a kick that waits. */
	if (queue < v->nqueues &&
	    write(v->queue[queue].kick, &one, sizeof(one)) < 0)
		return;
}

static void
kick_all(struct virtio *v)
{
	for (unsigned i = 0; v->live && i < v->nqueues; i++)
		virtio_kick(v, i);
}

void
virtio_interrupt(struct virtio *v, unsigned queue)
{
	v->raise(v->transport,
	         __atomic_load_n(&v->r.vector[queue], __ATOMIC_RELAXED),
	         VIRTIO_ISR_QUEUE);
}

static uint8_t
status_or(struct virtio *v, uint8_t bits)
{
	return __atomic_fetch_or(&v->r.status, bits, __ATOMIC_SEQ_CST);
}

static void
config_changed(struct virtio *v)
{
	v->raise(v->transport,
	         __atomic_load_n(&v->r.config_vector, __ATOMIC_RELAXED),
	         VIRTIO_ISR_CONFIG);
}

void
virtio_broken(struct virtio *v)
{
	uint8_t old = status_or(v, VIRTIO_NEEDS_RESET);

	/* VIRTIO 1.2, 2.1.2: told once, and only to a running driver. */
	if ((old & VIRTIO_NEEDS_RESET) == 0 && (old & VIRTIO_DRIVER_OK) != 0)
		config_changed(v);
}

void
virtio_config_set(struct virtio *v, unsigned off, const void *p, unsigned len)
{
	pthread_mutex_lock(&v->config_lock);
	memcpy(v->r.config + off, p, len);
	v->r.generation++;
	pthread_mutex_unlock(&v->config_lock);
	if (v->config_len < off + len)
		v->config_len = off + len;
	if (v->live)
		config_changed(v);
}

uint64_t
virtio_config_read(struct virtio *v, unsigned off, unsigned size)
{
	uint64_t val = 0;

	pthread_mutex_lock(&v->config_lock);
	for (unsigned i = 0; i < size && off + i < v->config_len; i++)
		val |= (uint64_t)v->r.config[off + i] << 8 * i;
	pthread_mutex_unlock(&v->config_lock);
	return val;
}

/* Rings from the registers. Workers parked. */
static void
ring_up(struct virtio *v, unsigned i)
{
	const struct virtq_rings at = { v->r.desc[i], v->r.avail[i],
		                        v->r.used[i], v->r.size[i] };

	if (virtq_setup(&v->queue[i].q, v->mem, &at, v->r.features) < 0)
		virtio_broken(v);
}

/* Without its thread a device is useless, which its driver is told. */
static void
start_workers(struct virtio *v)
{
	struct error err;

	for (unsigned i = 0; i < v->nworkers && !v->stepped; i++)
		if (worker_start(v->workers[i], &err) < 0)
			virtio_broken(v);
}

static void
go_live(struct virtio *v)
{
	park(v);
	for (unsigned i = 0; i < v->nqueues; i++)
		if (v->r.enabled[i] != 0)
			ring_up(v, i);
	v->live = true;
	if (v->ops->start != NULL)
		v->ops->start(v, v->r.features);
	if (!v->paused)
		start_workers(v);
	unpark(v);
	kick_all(v);
}

void
virtio_device_reset(void *dev)
{
	struct virtio *v = dev;

	park(v);
	quiesce(v);
	v->live = false;
	for (unsigned i = 0; i < v->nqueues; i++)
		virtq_reset(&v->queue[i].q);
	clear_regs(v);
	if (v->ops->reset != NULL)
		v->ops->reset(v);
	unpark(v);
	v->raise(v->transport, VIRTIO_NO_VECTOR, 0);
}

void
virtio_status_set(struct virtio *v, uint8_t status, bool legacy)
{
	uint8_t old = __atomic_load_n(&v->r.status, __ATOMIC_RELAXED);
	uint8_t more = status & (uint8_t)~old;

	if (status == 0) {
		virtio_device_reset(v);
		return;
	}
	/* 3.1.1: a modern driver's features stand or fall here. */
	if ((more & VIRTIO_FEATURES_OK) != 0 &&
	    ((v->r.features & ~v->offered) != 0 ||
	     (v->r.features & VIRTIO_F_VERSION_1) == 0))
		more &= (uint8_t)~VIRTIO_FEATURES_OK;
	if ((more & VIRTIO_DRIVER_OK) != 0 && !legacy &&
	    ((old | more) & VIRTIO_FEATURES_OK) == 0)
		more &= (uint8_t)~VIRTIO_DRIVER_OK;
	/* A driver takes nothing back but by a reset; NEEDS_RESET is ours. */
	(void)status_or(v, more & (uint8_t)~VIRTIO_NEEDS_RESET);
	if ((more & VIRTIO_DRIVER_OK) != 0)
		go_live(v);
}

void
virtio_queue_enable(struct virtio *v, unsigned queue)
{
	v->r.enabled[queue] = 1;
	if (!v->live)
		return;
	park(v);
	ring_up(v, queue);
	unpark(v);
	virtio_kick(v, queue);
}

void
virtio_queue_disable(struct virtio *v, unsigned queue)
{
	v->r.enabled[queue] = 0;
	if (!v->live)
		return;
	park(v);
	quiesce(v);
	virtq_reset(&v->queue[queue].q);
	unpark(v);
	kick_all(v);
}

void
virtio_device_pause(void *dev)
{
	struct virtio *v = dev;

	if (v->paused)
		return;
	v->paused = true;
	park(v);
	quiesce(v);
}

void
virtio_device_resume(void *dev)
{
	struct virtio *v = dev;

	start_workers(v);
	if (v->paused) {
		v->paused = false;
		unpark(v);
	}
	kick_all(v);
}

void
virtio_device_before_save(void *dev)
{
	struct virtio *v = dev;

	for (unsigned i = 0; i < v->nqueues; i++) {
		v->r.next_avail[i] = v->queue[i].q.next_avail;
		v->r.next_used[i] = v->queue[i].q.next_used;
	}
	if (v->ops->save != NULL)
		v->ops->save(v);
}

static int
refuse(const struct virtio *v, const char *what, struct error *err)
{
	return error_set(err, -EINVAL, "%s: saved %s do not fit", v->ops->name,
	                 what);
}

/* The device's workers have not begun, or are parked. */
int
virtio_device_after_load(void *dev, struct error *err)
{
	struct virtio *v = dev;

	if ((v->r.features & ~v->offered) != 0)
		return refuse(v, "features", err);
	v->live = false;
	for (unsigned i = 0; i < v->nqueues; i++) {
		struct virtq_rings at = { v->r.desc[i], v->r.avail[i],
			                  v->r.used[i], v->r.size[i] };

		virtq_reset(&v->queue[i].q);
		if (v->r.size[i] > v->queue[i].max)
			return refuse(v, "queues", err);
		if (v->r.enabled[i] == 0 ||
		    (v->r.status & VIRTIO_DRIVER_OK) == 0 ||
		    (v->r.status & VIRTIO_NEEDS_RESET) != 0)
			continue;
		if (virtq_setup(&v->queue[i].q, v->mem, &at, v->r.features) < 0)
			return refuse(v, "rings", err);
		virtq_resume(&v->queue[i].q, v->r.next_avail[i],
		             v->r.next_used[i]);
	}
	if (v->ops->load != NULL && v->ops->load(v, err) < 0)
		return err->code;
	v->live = (v->r.status & VIRTIO_DRIVER_OK) != 0;
	if (v->live && v->ops->start != NULL)
		v->ops->start(v, v->r.features);
	return 0;
}
