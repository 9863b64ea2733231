/* SPDX-License-Identifier: BSD-2-Clause */
/* sync.c - one lock, a count of running vCPUs and who stops them. */
#include "engine/soft/sync.h"

#include <errno.h>
#include <pthread.h>

#include "base/base.h"
#include "engine/soft/cpu.h"
#include "engine/soft/soft_vm.h"

struct sync {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned running; /* vCPUs in guest code or handlers */
	bool busy;        /* somebody is between begin and end */
	_Atomic unsigned midway;
};

int
sync_new(struct soft_vm *vm)
{
	struct sync *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	vm->sync = s;
	return 0;
}

void
sync_free(struct soft_vm *vm)
{
	if (vm->sync == NULL)
		return;
	pthread_cond_destroy(&vm->sync->changed);
	pthread_mutex_destroy(&vm->sync->lock);
	free(vm->sync);
	vm->sync = NULL;
}

static void
wait_while_busy(struct sync *s)
{
	while (s->busy)
		pthread_cond_wait(&s->changed, &s->lock);
}

void
sync_enter(struct cpu *c)
{
	struct sync *s = c->vm->sync;

	pthread_mutex_lock(&s->lock);
	wait_while_busy(s);
	s->running++;
	pthread_mutex_unlock(&s->lock);
}

void
sync_leave(struct cpu *c)
{
	struct sync *s = c->vm->sync;

	pthread_mutex_lock(&s->lock);
	s->running--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void
sync_park(struct cpu *c)
{
	struct sync *s = c->vm->sync;

	pthread_mutex_lock(&s->lock);
	if (s->busy) {
		s->running--;
		pthread_cond_broadcast(&s->changed);
		wait_while_busy(s);
		s->running++;
	}
	pthread_mutex_unlock(&s->lock);
}

void
sync_begin(struct soft_vm *vm, struct cpu *c)
{
	struct sync *s = vm->sync;

	pthread_mutex_lock(&s->lock);
	if (c != NULL)
		s->running--;
	/* Another may be waiting for us. */
	pthread_cond_broadcast(&s->changed);
	wait_while_busy(s);
	s->busy = true;
	for (unsigned i = 0; s->running > 0 && i < vm->ncpus; i++)
		if (vm->cpus[i] != NULL && vm->cpus[i] != c)
			atomic_fetch_or(&vm->cpus[i]->ev, EV_SYNC);
	while (s->running > 0)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void
sync_end(struct soft_vm *vm, struct cpu *c)
{
	struct sync *s = vm->sync;

	pthread_mutex_lock(&s->lock);
	s->busy = false;
	if (c != NULL)
		s->running++;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void
sync_begin_midway(struct soft_vm *vm, struct cpu *c)
{
	atomic_fetch_add(&vm->sync->midway, 1);
	sync_begin(vm, c);
}

void
sync_end_midway(struct soft_vm *vm, struct cpu *c)
{
	sync_end(vm, c);
	atomic_fetch_sub(&vm->sync->midway, 1);
}

unsigned
sync_midway(struct soft_vm *vm)
{
	return atomic_load(&vm->sync->midway);
}
