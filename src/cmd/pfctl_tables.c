/* SPDX-License-Identifier: BSD-2-Clause */
/* pfctl_tables.c - pfctl's -T, -s Tables and -F Tables. */
#include <stdio.h>
#include <string.h>

#include "cmd/pfctl.h"
#include "pf/tables.h"

/* --- -s and -F --- */

int
pfctl_show_tables(struct pfctl *c)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct error err;

	if (pfctl_open(c, false) != 0)
		return 1;
	if (pf_tables_show(&c->store, c->anchor, c->verbose, &out, &err) < 0)
		return pfctl_fail(&err);
	pfctl_put(c, &out);
	return 0;
}

int
pfctl_flush_tables(struct pfctl *c)
{
	struct error err;
	size_t n;

	if (pfctl_open(c, true) != 0)
		return 1;
	if (pf_tables_flush(&c->store, c->anchor, c->below, &n, &err) < 0)
		return pfctl_fail(&err);
	if (!c->quiet)
		fprintf(stderr, "%zu tables deleted.\n", n);
	return 0;
}

/* --- -T --- */

/* It opens what it needs by itself: one address more is no matter of rules. */
int
pfctl_table(struct pfctl *c)
{
	cleanup_buf struct buf out = BUF_INIT, said = BUF_INIT;
	const struct pf_table_job job = { .world = &c->world,
		                          .path = c->anchor,
		                          .name = c->table,
		                          .file = c->file,
		                          .word = c->word,
		                          .n_words = c->n_words,
		                          .verbose = c->verbose,
		                          .quiet = c->quiet,
		                          .no_action = c->no_action,
		                          .no_dns = c->env.no_dns,
		                          .reverse = c->reverse,
		                          .out = &out,
		                          .said = &said };
	int status;

	if (c->jail != NULL && pfctl_join_jail(c) != 0)
		return 1;
	if (c->is_open)
		pf_store_close(&c->store);
	c->is_open = false;
	status = pf_table_run(c->command, &job);
	c->file = NULL; /* of addresses */
	fputs(buf_str(&said), stderr);
	fputs(buf_str(&out), stdout);
	return status;
}

bool
pfctl_table_word(struct pfctl *c, const char *word)
{
	c->command = pf_table_command(word);
	if (c->command == NULL)
		fprintf(stderr, "pfctl: Unknown table command '%s'\n", word);
	return c->command != NULL;
}

/* -T load is about the tables of the file; what else, about one table. */
bool
pfctl_table_check(struct pfctl *c)
{
	if (c->command == NULL)
		return true;
	if (strcmp(c->command, "load") == 0) {
		c->command = NULL;
		c->env.want |= PF_WANT_TABLE;
		return c->file != NULL && c->table == NULL && c->n_words == 0;
	}
	return c->table != NULL && pfctl_name(c, 't', c->table, PF_TABLE_SIZE);
}
