/* SPDX-License-Identifier: BSD-2-Clause */
/* worker.h - a device's own thread: an event loop that can be held still.
 *
 *   made --start--> running <--unpark-- parked
 *                      '------park------^
 *
 * What runs on the loop belongs to the worker while it runs, and to whoever
 * parked it while it is parked; parks count. A worker waits for nobody but its
 * loop's events, so parking ends soon. Before its start a worker counts as
 * parked, and a test may step its loop by hand instead of starting it.
 */
#ifndef DEV_VIRTIO_WORKER_H
#define DEV_VIRTIO_WORKER_H

struct error;
struct loop;
struct worker;

/* name: of the thread, at most 15 bytes. */
int worker_new(const char *name, struct worker **out_worker, struct error *err);
/* End the thread, not the loop; it cannot begin again. */
void worker_stop(struct worker *w);
void worker_free(struct worker *w); /* NULL is fine; stops */
struct loop *worker_loop(struct worker *w);

/* Begin the thread; 0 too when it has begun. All signals are blocked in it. */
int worker_start(struct worker *w, struct error *err);

/* Any thread but the worker's. Returns when no handler runs. */
void worker_park(struct worker *w);
void worker_unpark(struct worker *w);
#endif
