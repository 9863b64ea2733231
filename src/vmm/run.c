/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - the vCPUs' threads: started, paused, ended.
 *
 *        vm_start          pause = 0
 *   made ---------> running <------- waiting    thread blocks in gate()
 *                      |    ------->
 *                      |     pause > 0
 *                      v stop
 *                    ended
 *
 * pausers counts those who want stillness; running counts the threads that are
 * beyond the gate. Both change under the lock.
 */
#include "vmm/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vmm/vm.h"

struct vm_run {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned pausers, running;
	bool stop;
	unsigned holds; /* vm_pause() nested; the loop's thread's alone */
	_Atomic int suspended; /* enum vm_suspend */
};

int
vm_run_new(struct vm *vm, struct error *err)
{
	vm->run = calloc(1, sizeof(*vm->run));
	if (vm->run == NULL)
		return error_set(err, -ENOMEM, "vCPU threads");
	pthread_mutex_init(&vm->run->lock, NULL);
	pthread_cond_init(&vm->run->changed, NULL);
	return 0;
}

void
vm_run_free(struct vm *vm)
{
	if (vm->run == NULL)
		return;
	pthread_cond_destroy(&vm->run->changed);
	pthread_mutex_destroy(&vm->run->lock);
	free(vm->run);
	vm->run = NULL;
}

/* Waits until the vCPU may run; false: it is to end. */
static bool
gate(struct vm_run *r)
{
	bool go;

	pthread_mutex_lock(&r->lock);
	r->running--;
	pthread_cond_broadcast(&r->changed);
	while (r->pausers > 0 && !r->stop)
		pthread_cond_wait(&r->changed, &r->lock);
	go = !r->stop;
	if (go)
		r->running++;
	pthread_mutex_unlock(&r->lock);
	return go;
}

static void *
vcpu_main(void *arg)
{
	struct vcpu *v = arg;
	struct vm *vm = v->vm;
	char name[16];

	snprintf(name, sizeof(name), "vcpu %u", v->id);
	pthread_setname_np(pthread_self(), name);
	while (gate(vm->run))
		switch (vm->ops->run(v)) {
		case EXIT_KICKED:
			break;
		case EXIT_TRIPLE_FAULT:
			vm_suspend(vm, VM_SUSPEND_TRIPLEFAULT);
			break;
		case EXIT_DEBUG:
			if (vm->debugger != NULL)
				vm->debugger(vm->debugger_ctx, v);
			break;
		case EXIT_ERROR:
			vm_fail(vm, &v->error);
			break;
		}
	return NULL;
}

/* Only the thread that runs the loop takes the process's signals. */
static int
start_thread(struct vcpu *v, struct error *err)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&v->thread, NULL, vcpu_main, v);
	if (rc == 0 && v->affinity != NULL)
		(void)pthread_setaffinity_np(v->thread, sizeof(*v->affinity),
		                             v->affinity);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return error_set(err, -rc, "thread of vCPU %u", v->id);
	v->started = true;
	return 0;
}

/* Let those wait no longer who wait for the last of the pausers. */
static void
let_go(struct vm_run *r)
{
	pthread_mutex_lock(&r->lock);
	r->pausers--;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

int
vm_start(struct vm *vm, struct error *err)
{
	struct timespec now;

	vm_devices_resume(vm);
	vm->run->running = vm->ncpus;
	/* None runs before all are there: the first may kick the others. */
	vm->run->pausers++;
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (start_thread(&vm->vcpus[i], err) < 0) {
			pthread_mutex_lock(&vm->run->lock);
			vm->run->running -= vm->ncpus - i;
			pthread_mutex_unlock(&vm->run->lock);
			vm_stop(vm);
			return err->code;
		}
	clock_gettime(CLOCK_MONOTONIC, &now);
	vm->start_ns = (uint64_t)now.tv_sec * 1000000000 +
	               (uint64_t)now.tv_nsec - vm->began_ns;
	let_go(vm->run);
	return 0;
}

static void
kick_all(struct vm *vm)
{
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (vm->vcpus[i].started)
			vm->ops->kick(&vm->vcpus[i]);
}

void
vm_stop(struct vm *vm)
{
	if (vm->run == NULL)
		return;
	pthread_mutex_lock(&vm->run->lock);
	vm->run->stop = true;
	pthread_cond_broadcast(&vm->run->changed);
	pthread_mutex_unlock(&vm->run->lock);
	kick_all(vm);
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (vm->vcpus[i].started) {
			pthread_join(vm->vcpus[i].thread, NULL);
			vm->vcpus[i].started = false;
		}
}

static bool
first_reason(struct vm *vm, enum vm_suspend how)
{
	int none = VM_SUSPEND_NONE;

	return atomic_compare_exchange_strong(&vm->run->suspended, &none, how);
}

/* After a reason no vCPU runs another instruction than the one it is in. */
static void
halt_all(struct vm *vm)
{
	pthread_mutex_lock(&vm->run->lock);
	vm->run->pausers++;
	pthread_mutex_unlock(&vm->run->lock);
	kick_all(vm);
	loop_stop(vm->loop);
}

void
vm_suspend_status(struct vm *vm, uint8_t status)
{
	if (!first_reason(vm, VM_SUSPEND_STATUS))
		return;
	vm->status = status;
	halt_all(vm);
}

void
vm_suspend(struct vm *vm, enum vm_suspend how)
{
	if (first_reason(vm, how))
		halt_all(vm);
}

void
vm_fail(struct vm *vm, const struct error *why)
{
	if (!first_reason(vm, VM_SUSPEND_ERROR))
		return;
	vm->error = *why;
	halt_all(vm);
}

enum vm_suspend
vm_suspended(const struct vm *vm)
{
	return (enum vm_suspend)atomic_load(&vm->run->suspended);
}

void
vm_hold(struct vm *vm)
{
	pthread_mutex_lock(&vm->run->lock);
	vm->run->pausers++;
	pthread_mutex_unlock(&vm->run->lock);
	kick_all(vm);
}

void
vm_let(struct vm *vm)
{
	let_go(vm->run);
}

void
vm_pause(struct vm *vm)
{
	vm_hold(vm);
	pthread_mutex_lock(&vm->run->lock);
	while (vm->run->running > 0)
		pthread_cond_wait(&vm->run->changed, &vm->run->lock);
	pthread_mutex_unlock(&vm->run->lock);
	if (vm->run->holds++ > 0)
		return;
	/* Devices' own threads look at the clock, so they are still first. */
	vm_devices_pause(vm);
	loop_clock_hold(vm->loop);
}

void
vm_resume(struct vm *vm)
{
	if (--vm->run->holds == 0) {
		loop_clock_release(vm->loop);
		vm_devices_resume(vm);
	}
	let_go(vm->run);
}
