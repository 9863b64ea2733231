/* SPDX-License-Identifier: BSD-2-Clause */
/* aio_threads.c - disk requests by a few threads that make blocking calls: for
 * hosts without io_uring and for formats the kernel does not know.
 */
#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/error.h"
#include "disk/aio_ops.h"

enum { NTHREADS = 4 };

struct list {
	struct disk_req *first, **last;
};

struct threads {
	struct disk *disk;
	int event; /* counts completions */
	pthread_t thread[NTHREADS];
	unsigned started;
	struct list queued;   /* the owner's, until kicked */
	pthread_mutex_t lock; /* all below */
	pthread_cond_t work, ended;
	struct list todo, done;
	bool stop;
};

static void
list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void
list_add(struct list *l, struct disk_req *r)
{
	r->next = NULL;
	*l->last = r;
	l->last = &r->next;
}

static struct disk_req *
list_take(struct list *l)
{
	struct disk_req *r = l->first;

	if (r == NULL)
		return NULL;
	l->first = r->next;
	if (l->first == NULL)
		l->last = &l->first;
	return r;
}

static void
list_move(struct list *to, struct list *from)
{
	if (from->first == NULL)
		return;
	*to->last = from->first;
	to->last = from->last;
	list_init(from);
}

static void *
thread_main(void *arg)
{
	struct threads *t = arg;

	pthread_setname_np(pthread_self(), "disk");
	pthread_mutex_lock(&t->lock);
	for (;;) {
		struct disk_req *r = list_take(&t->todo);
		const uint64_t one = 1;

		if (r == NULL && t->stop)
			break;
		if (r == NULL) {
			pthread_cond_wait(&t->work, &t->lock);
			continue;
		}
		pthread_mutex_unlock(&t->lock);
		r->result = aio_do(t->disk, r);
		pthread_mutex_lock(&t->lock);
		list_add(&t->done, r);
		pthread_cond_signal(&t->ended);
		/* A full counter is readable, too. */
		if (write(t->event, &one, sizeof(one)) < 0)
			continue;
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static int
threads_open(struct disk_aio *a, struct error *err)
{
	struct threads *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return error_set(err, -ENOMEM, "threads of a disk");
	t->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->event < 0) {
		free(t);
		return error_sys(err, "eventfd");
	}
	t->disk = a->disk;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->work, NULL);
	pthread_cond_init(&t->ended, NULL);
	list_init(&t->queued);
	list_init(&t->todo);
	list_init(&t->done);
	a->way = t;
	return 0;
}

static int
threads_start(struct disk_aio *a, struct error *err)
{
	struct threads *t = a->way;
	sigset_t all, old;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (t->started < NTHREADS && rc == 0) {
		rc = pthread_create(&t->thread[t->started], NULL, thread_main,
		                    t);
		t->started += rc == 0;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (t->started == 0)
		return error_set(err, -rc, "threads of a disk");
	return 0;
}

static int
threads_fd(const struct disk_aio *a)
{
	return ((struct threads *)a->way)->event;
}

static void
threads_submit(struct disk_aio *a, struct disk_req *r)
{
	list_add(&((struct threads *)a->way)->queued, r);
}

static void
threads_kick(struct disk_aio *a)
{
	struct threads *t = a->way;
	struct error err;
	struct disk_req *r;

	if (t->queued.first == NULL)
		return;
	/* Without a single thread the owner does the work. */
	if (t->started == 0 && threads_start(a, &err) < 0) {
		while ((r = list_take(&t->queued)) != NULL)
			aio_done(a, r, aio_do(t->disk, r));
		return;
	}
	pthread_mutex_lock(&t->lock);
	list_move(&t->todo, &t->queued);
	pthread_cond_broadcast(&t->work);
	pthread_mutex_unlock(&t->lock);
}

static unsigned
threads_reap(struct disk_aio *a, bool wait)
{
	struct threads *t = a->way;
	struct disk_req *r;
	struct list done;
	uint64_t count;
	unsigned n = 0;

	list_init(&done);
	pthread_mutex_lock(&t->lock);
	while (wait && t->done.first == NULL)
		pthread_cond_wait(&t->ended, &t->lock);
	/* Under the lock, so that no count is lost with its request unseen, and
	 * none is there without one. */
	if (t->done.first != NULL && read(t->event, &count, sizeof(count)) < 0)
		count = 0;
	list_move(&done, &t->done);
	pthread_mutex_unlock(&t->lock);
	while ((r = list_take(&done)) != NULL) {
		n++;
		aio_done(a, r, r->result);
	}
	return n;
}

static void
threads_close(struct disk_aio *a)
{
	struct threads *t = a->way;

	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_broadcast(&t->work);
	pthread_mutex_unlock(&t->lock);
	while (t->started > 0)
		pthread_join(t->thread[--t->started], NULL);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->work);
	pthread_cond_destroy(&t->ended);
	close(t->event);
	free(t);
}

const struct aio_ops aio_threads = {
	.name = "threads",
	.open = threads_open,
	.start = threads_start,
	.fd = threads_fd,
	.submit = threads_submit,
	.kick = threads_kick,
	.reap = threads_reap,
	.close = threads_close,
};
