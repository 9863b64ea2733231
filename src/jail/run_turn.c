/* SPDX-License-Identifier: BSD-2-Clause */
/* run_turn.c - one jail(8) at a time for each name.
 *
 * Two that start the same jail would both put its address on the interface, and
 * the one that fails then takes it from the one that did not.
 */
#include <errno.h>

#include "jail/run_internal.h"

/* Its name, or its jid when it has none. NULL: nobody else can mean it. */
static const char *
name_of(const struct run_jail *j)
{
	const char *name = conf_jail_last(j->conf, "name");

	if (name == NULL)
		name = j->conf->name;
	return name != NULL ? name : conf_jail_last(j->conf, "jid");
}

/* Whatever cannot be known is as it was. */
static enum step_result
look_again(struct run *r, struct run_jail *j, const char *name)
{
	struct error err;
	int jid = jail_find(r->sys, name, &err);

	if (jid > 0 && jid != j->jid) {
		if (j->phase == PHASE_TURN)
			j->jid = jid;
		return STEP_OTHERS;
	}
	/* Somebody removed it: how far did he undo the rest? */
	if (jid == -ENOENT && j->jid > 0)
		j->is_cleanup = true;
	return STEP_DONE;
}

enum step_result
run_turn_take(struct run *r, struct run_jail *j)
{
	const bool is_start = j->phase == PHASE_TURN;
	const char *name = name_of(j);
	struct error err;

	if (j->has_turn)
		return STEP_DONE;
	if (name != NULL && run_steps_touch_host(j)) {
		j->turn = jail_turn_take(r->sys, name, &err);
		if (j->turn == -EAGAIN)
			return STEP_NO_TURN;
		/* Undoing goes on, come what may. */
		if (j->turn < 0 && is_start) {
			run_error(r, j, "%s", err.msg);
			return STEP_FAILED;
		}
	} else if (name == NULL || is_start) {
		name = NULL;
	}
	j->has_turn = true;
	return name != NULL ? look_again(r, j, name) : STEP_DONE;
}

void
run_turn_end(struct run *r, struct run_jail *j)
{
	if (j->turn >= 0)
		jail_turn_drop(r->sys, name_of(j), j->turn);
	j->turn = -1;
	j->has_turn = false;
}
