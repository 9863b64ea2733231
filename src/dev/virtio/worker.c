/* SPDX-License-Identifier: BSD-2-Clause */
/* worker.c - a thread around a loop, parked by a call into the loop that waits
 * there until the last parker lets go.
 */
#include "dev/virtio/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "vmm/loop.h"

struct worker {
	struct loop *loop;
	char name[16];
	pthread_t thread;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t changed;
	bool started, parked, asked;
	unsigned parkers;
};

int
worker_new(const char *name, struct worker **out_worker, struct error *err)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return error_set(err, -ENOMEM, "thread '%s'", name);
	if (loop_new(NULL, &w->loop, err) < 0) {
		free(w);
		return err->code;
	}
	snprintf(w->name, sizeof(w->name), "%s", name);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	*out_worker = w;
	return 0;
}

void
worker_stop(struct worker *w)
{
	if (!w->started)
		return;
	loop_stop(w->loop);
	pthread_join(w->thread, NULL);
	w->started = false;
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	worker_stop(w);
	loop_free(w->loop);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

struct loop *
worker_loop(struct worker *w)
{
	return w->loop;
}

/* On the worker's thread; at its begin for who parked it before that. */
static void
stand_still(void *ctx)
{
	struct worker *w = ctx;

	pthread_mutex_lock(&w->lock);
	w->asked = false;
	w->parked = true;
	pthread_cond_broadcast(&w->changed);
	while (w->parkers > 0)
		pthread_cond_wait(&w->changed, &w->lock);
	w->parked = false;
	pthread_mutex_unlock(&w->lock);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct error err;

	pthread_setname_np(pthread_self(), w->name);
	stand_still(w);
	/* It fails only when epoll does: then this device stands still, and
	 * who parks it must not wait for ever. */
	if (loop_run(w->loop, &err) < 0) {
		pthread_mutex_lock(&w->lock);
		w->parked = true;
		pthread_cond_broadcast(&w->changed);
		pthread_mutex_unlock(&w->lock);
	}
	return NULL;
}

/* Only the thread that runs the VM's loop takes the process's signals. */
int
worker_start(struct worker *w, struct error *err)
{
	sigset_t all, old;
	int rc = 0;

	pthread_mutex_lock(&w->lock);
	if (!w->started) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		rc = pthread_create(&w->thread, NULL, worker_main, w);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		w->started = rc == 0;
	}
	pthread_mutex_unlock(&w->lock);
	if (rc != 0)
		return error_set(err, -rc, "thread '%s'", w->name);
	return 0;
}

void
worker_park(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->parkers++;
	if (w->started && !w->asked && !w->parked)
		w->asked = loop_call(w->loop, stand_still, w) == 0;
	while (w->started && !w->parked)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void
worker_unpark(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	if (--w->parkers == 0)
		pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}
