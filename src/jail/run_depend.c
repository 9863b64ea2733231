/* SPDX-License-Identifier: BSD-2-Clause */
/* run_depend.c - which jails wait for which.
 *
 * An edge goes from a jail to one it needs: to each name in depend, and a light
 * one from a.b to a. Starting x pulls in what x needs, stopping x what needs x.
 * Jails in a ring of edges are failed before anything begins, so that waiting
 * always ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jail/run_internal.h"

static int
compare_names(const void *a, const void *b)
{
	const struct run_jail *x = *(struct run_jail *const *)a;
	const struct run_jail *y = *(struct run_jail *const *)b;
	int rc = strcmp(x->conf->name, y->conf->name);

	/* Of two blocks with one name the first is found. */
	return rc != 0 ? rc : x->conf < y->conf ? -1 : 1;
}

struct run_jail *
run_find(const struct run *r, const char *name)
{
	size_t lo = 0, hi = r->n_conf;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(r->by_name[mid]->conf->name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < r->n_conf && strcmp(r->by_name[lo]->conf->name, name) == 0)
		return r->by_name[lo];
	return NULL;
}

static int
push_edge(struct run_edges *e, struct run_jail *to, bool is_light)
{
	/* Grows at powers of two: no capacity to keep beside it. */
	if ((e->n & (e->n - 1)) == 0) {
		struct run_edge *v =
		    reallocarray(e->v, e->n != 0 ? e->n * 2 : 1, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		e->v = v;
	}
	e->v[e->n++] = (struct run_edge){ to, is_light };
	return 0;
}

static int
add_need(struct run_jail *j, struct run_jail *on, bool is_light)
{
	if (push_edge(&j->needs, on, is_light) < 0 ||
	    push_edge(&on->needed_by, j, is_light) < 0)
		return -ENOMEM;
	return 0;
}

/* The nearest configured jail that name is below, or NULL. */
static struct run_jail *
find_parent(const struct run *r, const char *name)
{
	char *up = strdup(name), *dot;
	struct run_jail *found = NULL;

	while (up != NULL && found == NULL && (dot = strrchr(up, '.'))) {
		*dot = '\0';
		found = run_find(r, up);
	}
	free(up);
	return found;
}

static int
add_parent(struct run *r, struct run_jail *j)
{
	struct run_jail *parent = strchr(j->conf->name, '.') != NULL
	                              ? find_parent(r, j->conf->name)
	                              : NULL;

	for (size_t i = 0; parent != NULL && i < j->needs.n; i++)
		if (j->needs.v[i].to == parent)
			parent = NULL; /* the full edge says more */
	return parent != NULL ? add_need(j, parent, true) : 0;
}

/* Edges of all the file's jails; unknown names are kept for the selected. */
static int
link_jails(struct run *r)
{
	for (size_t i = 0; i < r->n_conf; i++) {
		struct run_jail *j = r->jail[i];
		const struct conf_param *p = conf_jail_get(j->conf, "depend");

		for (size_t k = 0; p != NULL && k < p->values.n; k++) {
			struct run_jail *on = run_find(r, p->values.v[k]);

			if (on != NULL && add_need(j, on, false) < 0)
				return -ENOMEM;
		}
		if (add_parent(r, j) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void
fail(struct run_jail *j)
{
	j->is_failed = true;
}

/* Without a file the jails to depend on must be running already. */
static void
check_running_needs(struct run *r, struct run_jail *j)
{
	const struct conf_param *p = conf_jail_get(j->conf, "depend");
	struct error err;

	for (size_t i = 0; p != NULL && i < p->values.n; i++)
		if (jail_find(r->sys, p->values.v[i], &err) < 0) {
			run_error(r, j, "depends on nonexistent jail \"%s\"",
			          p->values.v[i]);
			fail(j);
		}
}

static void
check_undefined(struct run *r, struct run_jail *j)
{
	const struct conf_param *p = conf_jail_get(j->conf, "depend");

	for (size_t i = 0; p != NULL && i < p->values.n; i++)
		if (run_find(r, p->values.v[i]) == NULL) {
			run_error(r, j, "depends on undefined jail \"%s\"",
			          p->values.v[i]);
			fail(j);
		}
}

/* What j needs is to be made first. Newly marked jails go to the end of the
 * list, to be looked at in turn. */
static size_t
pull_needs(struct run_jail *j, struct run_jail **list, size_t n)
{
	for (size_t i = 0; i < j->needs.n; i++) {
		struct run_jail *on = j->needs.v[i].to;

		if ((on->ops != 0 && !on->is_dependent) || on->is_needed)
			continue;
		on->ops |= RUN_CREATE;
		on->is_wild = on->is_needed = true;
		list[n++] = on;
	}
	return n;
}

/* What needs j is to be stopped first, and is made again with it. */
static size_t
pull_dependents(struct run_jail *j, struct run_jail **list, size_t n)
{
	for (size_t i = 0; i < j->needed_by.n; i++) {
		struct run_jail *by = j->needed_by.v[i].to;

		if ((by->ops & RUN_REMOVE) != 0)
			continue;
		if (by->ops == 0)
			by->is_wild = by->is_dependent = true;
		by->ops |= j->ops;
		list[n++] = by;
	}
	return n;
}

static int
pull_needed(struct run *r)
{
	/* Listed when selected, when needed, and when to be stopped: at most
	 * three times. */
	struct run_jail **list = calloc(3 * r->n + 1, sizeof(*list));
	size_t n = 0;

	if (list == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++)
		if (r->jail[i]->ops != 0)
			list[n++] = r->jail[i];
	for (size_t i = 0; i < n; i++) {
		struct run_jail *j = list[i];

		/* One that is only stopped brings back what was there. */
		if ((j->ops & RUN_CREATE) != 0 &&
		    (!j->is_dependent || j->is_needed))
			n = pull_needs(j, list, n);
		if ((j->ops & RUN_REMOVE) != 0 && (j->ops & RUN_MODIFY) == 0)
			n = pull_dependents(j, list, n);
	}
	free(list);
	return 0;
}

/*
 * Take away, again and again, the selected jails that need no other: what is
 * left when none can be taken are the rings and what hangs on them. The same
 * from the other side leaves the rings (and what lies between two of them).
 */
static void
peel(struct run *r, struct run_jail **queue,
     const struct run_edges *(*on)(const struct run_jail *j),
     const struct run_edges *(*back)(const struct run_jail *j))
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct run_jail *j = r->jail[i];
		const struct run_edges *e = on(j);

		if (!j->is_in_loop)
			continue;
		j->n_loop = 0;
		for (size_t k = 0; k < e->n; k++)
			j->n_loop += e->v[k].to->is_in_loop;
		if (j->n_loop == 0)
			queue[n++] = j;
	}
	for (size_t i = 0; i < n; i++) {
		const struct run_edges *e = back(queue[i]);

		queue[i]->is_in_loop = false;
		for (size_t k = 0; k < e->n; k++) {
			struct run_jail *o = e->v[k].to;

			if (o->is_in_loop && --o->n_loop == 0)
				queue[n++] = o;
		}
	}
}

static const struct run_edges *
needs_of(const struct run_jail *j)
{
	return &j->needs;
}

static const struct run_edges *
needed_by_of(const struct run_jail *j)
{
	return &j->needed_by;
}

static int
fail_loops(struct run *r)
{
	struct run_jail **queue = calloc(r->n + 1, sizeof(*queue));

	if (queue == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++)
		r->jail[i]->is_in_loop = r->jail[i]->ops != 0;
	peel(r, queue, needs_of, needed_by_of);
	peel(r, queue, needed_by_of, needs_of);
	free(queue);
	for (size_t i = 0; i < r->n; i++)
		if (r->jail[i]->is_in_loop) {
			run_error(r, r->jail[i], "dependency loop");
			fail(r->jail[i]);
		}
	return 0;
}

int
run_depend_setup(struct run *r)
{
	if (r->n_conf > 0 && !r->opt->only_remove) {
		r->by_name = calloc(r->n_conf, sizeof(struct run_jail *));
		if (r->by_name == NULL)
			return -ENOMEM;
		memcpy(r->by_name, r->jail,
		       r->n_conf * sizeof(struct run_jail *));
		qsort(r->by_name, r->n_conf, sizeof(struct run_jail *),
		      compare_names);
	}
	return r->by_name != NULL ? link_jails(r) : 0;
}

int
run_depend_pull(struct run *r)
{
	if (r->by_name != NULL && (pull_needed(r) < 0 || fail_loops(r) < 0))
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++) {
		struct run_jail *j = r->jail[i];

		if (j->ops == 0 || r->opt->only_remove)
			continue;
		if (r->req->words != NULL)
			check_running_needs(r, j);
		else if (i < r->n_conf)
			check_undefined(r, j);
	}
	return 0;
}

enum run_verdict
run_may_stop(const struct run_jail *j)
{
	for (size_t i = 0; i < j->needed_by.n; i++) {
		const struct run_edge *e = &j->needed_by.v[i];

		if ((e->to->ops & RUN_REMOVE) == 0 || e->to->is_stop_over ||
		    (e->is_light && e->to->is_gone))
			continue;
		return e->to->is_failed ? RUN_SKIP : RUN_BLOCKED;
	}
	return RUN_GO;
}

enum run_verdict
run_may_start(const struct run_jail *j)
{
	for (size_t i = 0; i < j->needs.n; i++) {
		const struct run_edge *e = &j->needs.v[i];

		if (e->to->is_failed)
			return RUN_SKIP;
		if (e->to->ops == 0 || e->to->is_start_over ||
		    (e->is_light && e->to->is_created))
			continue;
		return RUN_BLOCKED;
	}
	return RUN_GO;
}

static void
wake_edges(struct run *r, const struct run_edges *e)
{
	for (size_t i = 0; i < e->n; i++) {
		struct run_jail *o = e->v[i].to;

		if (o->phase == PHASE_WAIT_STOP || o->phase == PHASE_WAIT_START)
			run_queue_push(&r->ready, o);
	}
}

void
run_wake(struct run *r, const struct run_jail *j)
{
	wake_edges(r, &j->needed_by);
	wake_edges(r, &j->needs);
}
