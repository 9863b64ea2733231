/* SPDX-License-Identifier: BSD-2-Clause */
/* run_select.c - which jails are meant: those of the file, by name or wildcard,
 * those that run without one, or the one of the command line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jail/run_internal.h"

static struct run_jail *
add_jail(struct run *r, const struct conf_jail *conf, const char *label)
{
	struct run_jail *j;

	if ((r->n & (r->n - 1)) == 0) {
		struct run_jail **v =
		    reallocarray(r->jail, r->n != 0 ? r->n * 2 : 1,
		                 sizeof(struct run_jail *));

		if (v == NULL)
			return NULL;
		r->jail = v;
	}
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		return NULL;
	j->conf = conf != NULL ? conf : &j->stand_in;
	j->label = label;
	j->pidfd = j->turn = -1;
	r->jail[r->n++] = j;
	return j;
}

/* A running jail that no file knows. */
static int
add_stand_in(struct run *r, const char *name, int jid, bool is_wild)
{
	struct run_jail *j = add_jail(r, NULL, NULL);
	char id[16];
	struct error err;

	if (j == NULL)
		return -ENOMEM;
	snprintf(id, sizeof(id), "%d", jid);
	j->stand_in.name = strdup(name);
	if (j->stand_in.name == NULL ||
	    conf_jail_add(&j->stand_in, "jid", id, &err) < 0)
		return -ENOMEM;
	j->label = j->stand_in.name;
	j->ops = RUN_REMOVE;
	j->is_wild = is_wild;
	return 0;
}

/* Every running jail whose name a wildcard matches (-R). */
static int
add_running(struct run *r, const char *wild, struct error *err)
{
	r->is_untidy = true;
	for (int jid = 0; (jid = jail_next(r->sys, jid, err)) > 0;) {
		cleanup_dict struct dict d = DICT_INIT;
		const char *name;

		if (jail_get(r->sys, jid, &d, err) < 0)
			continue; /* went away meanwhile */
		name = dict_get(&d, "name");
		if (name != NULL && conf_wild_match(wild, name) &&
		    add_stand_in(r, name, jid, true) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static void
select_wild(struct run *r, const char *wild)
{
	for (size_t i = 0; i < r->n_conf; i++) {
		struct run_jail *j = r->jail[i];

		if (wild != NULL && !conf_wild_match(wild, j->conf->name))
			continue;
		if (j->ops == 0)
			j->is_wild = true;
		j->ops = r->opt->ops;
	}
}

/* A jail that runs, by name or jid; its block of the file when it has one. */
static int
select_running(struct run *r, const char *name, struct error *err)
{
	cleanup_dict struct dict d = DICT_INIT;
	int jid = jail_find(r->sys, name, err);
	struct run_jail *j = NULL;
	const char *its_name;

	if (jid < 0)
		return jid;
	if (r->by_name != NULL && jail_get(r->sys, jid, &d, err) == 0) {
		its_name = dict_get(&d, "name");
		j = its_name != NULL ? run_find(r, its_name) : NULL;
	}
	if (j == NULL)
		return add_stand_in(r, name, jid, false);
	j->ops = r->opt->ops;
	j->is_wild = false;
	return 0;
}

static int
select_name(struct run *r, const char *name, struct error *err)
{
	struct run_jail *j = r->by_name != NULL ? run_find(r, name) : NULL;
	const unsigned ops = r->opt->ops;

	if (j != NULL) {
		j->ops = ops;
		j->is_wild = false;
		return 0;
	}
	if (ops == RUN_REMOVE && select_running(r, name, err) == 0)
		return 0;
	if (ops == RUN_REMOVE && err->code == -ENOMEM)
		return err->code;
	r->is_untidy = ops == RUN_REMOVE;
	if (!r->opt->quiet || (ops & RUN_REMOVE) == 0) {
		if (ops != RUN_REMOVE || err->code == -ENOENT)
			error_set(err, -ENOENT, "\"%s\" not found", name);
		r->io->print(r->io->arg, RUN_ERROR, err->msg);
	}
	r->has_failed = true;
	return 0;
}

int
run_select(struct run *r, struct error *err)
{
	const struct run_request *req = r->req;
	const bool only_remove = r->opt->only_remove;

	if (req->words != NULL) {
		struct run_jail *j = add_jail(r, req->words, NULL);

		if (j == NULL)
			return error_set(err, -ENOMEM, "out of memory");
		j->ops = r->opt->ops;
		return run_depend_setup(r);
	}
	for (size_t i = 0; req->conf != NULL && i < req->conf->n; i++)
		if (add_jail(r, &req->conf->jail[i], req->conf->jail[i].name) ==
		    NULL)
			return error_set(err, -ENOMEM, "out of memory");
	r->n_conf = r->n;
	if (run_depend_setup(r) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (req->n == 0)
		select_wild(r, NULL);
	for (size_t i = 0; i < req->n; i++) {
		int rc = 0;

		if (!conf_is_wild(req->name[i]))
			rc = select_name(r, req->name[i], err);
		else if (only_remove)
			rc = add_running(r, req->name[i], err);
		else
			select_wild(r, req->name[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}
