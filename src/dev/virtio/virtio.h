/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio.h - what all virtio devices share: features, status, queues, their
 * workers, configuration bytes and state.
 *
 *   transport (pci.h)  -- registers -->  virtio.h  -- ops -->  device
 *                     <-- raise() ----            <-- virtio_interrupt() --
 *
 * A device embeds struct virtio as its first member. Threads: the transport's
 * calls come from vCPUs under lock; a queue's handler runs on its worker. While
 * rings come or go every worker of the device is parked, so a handler needs no
 * lock for its queue. Source: VIRTIO 1.2, chapters 2 and 3.
 */
#ifndef DEV_VIRTIO_VIRTIO_H
#define DEV_VIRTIO_VIRTIO_H
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "dev/virtio/queue.h"
#include "vmm/state.h"

struct error;
struct guest_mem;
struct virtio;
struct worker;

enum {
	VIRTIO_MAX_QUEUES = 40,
	VIRTIO_MAX_WORKERS = 16,
	VIRTIO_CONFIG_BYTES = 64,
	VIRTIO_NO_VECTOR = 0xffff,
	VIRTIO_BUDGET = 256
};

enum virtio_status {
	VIRTIO_ACKNOWLEDGE = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_NEEDS_RESET = 0x40,
	VIRTIO_FAILED = 0x80
};

enum virtio_isr { VIRTIO_ISR_QUEUE = 1, VIRTIO_ISR_CONFIG = 2 };

/* Features of every device; each also offers its own. */
#define VIRTIO_F_INDIRECT  (1ull << 28)
#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)

struct virtio_ops {
	const char *name; /* "virtio-blk" */
	uint16_t type;    /* VIRTIO's number of the device type */
	/* Optional: the driver is ready, features are fixed, rings are there.
	 * Workers are parked. */
	void (*start)(void *dev, uint64_t features);
	/* Optional: when it returns every buffer that was popped is pushed or
	 * put back. Workers are parked. */
	void (*quiesce)(void *dev);
	/* Optional: to the state at power-on. Rings are gone. */
	void (*reset)(void *dev);
	/* Optional: the driver wrote a configuration field; else ignored. */
	void (*config_write)(void *dev, unsigned off, unsigned size,
	                     uint64_t v);
	/* Optional: before_save and after_load of the device's own fields. A
	 * check comes before start. */
	void (*save)(void *dev);
	int (*load)(void *dev, struct error *err);
	/* Optional: free what dev holds, not dev; it may be half made. */
	void (*fini)(void *dev);
};

/* All that a driver can have changed, as checkpoints keep it. */
struct virtio_regs {
	uint64_t features; /* accepted */
	uint32_t feature_sel, driver_feature_sel;
	uint16_t config_vector, queue_sel;
	uint8_t status, isr, generation;
	uint64_t desc[VIRTIO_MAX_QUEUES];
	uint64_t avail[VIRTIO_MAX_QUEUES];
	uint64_t used[VIRTIO_MAX_QUEUES];
	uint16_t size[VIRTIO_MAX_QUEUES];
	uint16_t vector[VIRTIO_MAX_QUEUES];
	uint16_t next_avail[VIRTIO_MAX_QUEUES]; /* as saved */
	uint16_t next_used[VIRTIO_MAX_QUEUES];
	uint8_t enabled[VIRTIO_MAX_QUEUES];
	uint8_t config[VIRTIO_CONFIG_BYTES];
};

/* Rows of a device's state table, m its struct virtio's member name. */
#define VIRTIO_STATE(type, m)                                                  \
	STATE_FIELD(type, m.r.features), STATE_FIELD(type, m.r.feature_sel),   \
	    STATE_FIELD(type, m.r.driver_feature_sel),                         \
	    STATE_FIELD(type, m.r.config_vector),                              \
	    STATE_FIELD(type, m.r.queue_sel), STATE_FIELD(type, m.r.status),   \
	    STATE_FIELD(type, m.r.isr), STATE_FIELD(type, m.r.generation),     \
	    STATE_ARRAY(type, m.r.desc), STATE_ARRAY(type, m.r.avail),         \
	    STATE_ARRAY(type, m.r.used), STATE_ARRAY(type, m.r.size),          \
	    STATE_ARRAY(type, m.r.vector), STATE_ARRAY(type, m.r.next_avail),  \
	    STATE_ARRAY(type, m.r.next_used), STATE_ARRAY(type, m.r.enabled),  \
	    STATE_ARRAY(type, m.r.config)

struct virtio_queue {
	struct virtq q;
	struct virtio *virtio;
	unsigned index;
	uint16_t max; /* entries offered */
	int kick;     /* eventfd; -1: no such queue */
	struct worker *worker;
	struct loop_fd *watch;
	void (*fn)(void *dev, unsigned queue);
};

struct virtio {
	const struct virtio_ops *ops;
	struct guest_mem *mem;
	uint64_t offered; /* features */
	unsigned nqueues, nworkers, config_len;
	struct worker *workers[VIRTIO_MAX_WORKERS];
	struct virtio_queue queue[VIRTIO_MAX_QUEUES];
	struct virtio_regs r;
	bool live; /* DRIVER_OK: rings are set up */
	bool paused;
	bool stepped; /* workers never begin: a test polls their loops */
	pthread_mutex_t lock;        /* registers; the transport takes it */
	pthread_mutex_t config_lock; /* r.config, r.generation, r.isr; leaf */
	/* The transport's: tell the driver. isr is VIRTIO_ISR_... */
	void (*raise)(void *transport, uint16_t vector, uint8_t isr);
	void (*transport_free)(void *transport);
	void *transport;
};

/* --- for devices --------------------------------------------------------- */

/* v begins a device, which ops get as dev; virtio_device_fini() is its end from
 * here on. INDIRECT, EVENT_IDX and VERSION_1 are offered besides features. */
void virtio_init(struct virtio *v, const struct virtio_ops *ops,
                 struct guest_mem *mem, uint64_t features);
/* A thread for queues; belongs to v. */
int virtio_worker_add(struct virtio *v, struct worker **out_worker,
                      struct error *err);
/* The next queue, of at most max entries. fn runs on the worker when the
 * driver made buffers available (or for nothing). A handler takes at most
 * VIRTIO_BUDGET buffers and then kicks itself, so that no driver can keep its
 * worker from being parked. */
int virtio_queue_add(struct virtio *v, uint16_t max, struct worker *worker,
                     void (*fn)(void *dev, unsigned queue), struct error *err);
/* Interrupt for a queue, when virtq_publish() says so. */
void virtio_interrupt(struct virtio *v, unsigned queue);
/* Have the queue's handler run. Any thread. */
void virtio_kick(struct virtio *v, unsigned queue);
/* The driver broke a rule: DEVICE_NEEDS_RESET. */
void virtio_broken(struct virtio *v);
/* Set configuration bytes; a running driver is told. */
void virtio_config_set(struct virtio *v, unsigned off, const void *p,
                       unsigned len);
static inline bool
virtio_has(const struct virtio *v, unsigned bit)
{
	return (v->r.features >> bit & 1) != 0;
}

/* What a device's device_ops and state_desc are made of; dev starts with its
 * struct virtio and is malloc'ed. virtio_device_fini() ends workers, transport
 * and device, in this order. */
void virtio_device_reset(void *dev);
void virtio_device_pause(void *dev);
void virtio_device_resume(void *dev);
void virtio_device_fini(void *dev);
void virtio_device_before_save(void *dev);
int virtio_device_after_load(void *dev, struct error *err);

/* --- for transports: lock held -------------------------------------------- */

void virtio_status_set(struct virtio *v, uint8_t status, bool legacy);
/* The queue's rings are as r.desc, avail, used and size say. */
void virtio_queue_enable(struct virtio *v, unsigned queue);
void virtio_queue_disable(struct virtio *v, unsigned queue);
/* Takes no lock but config_lock. */
uint64_t virtio_config_read(struct virtio *v, unsigned off, unsigned size);
#endif
