/* SPDX-License-Identifier: BSD-2-Clause */
/* tables.c - tables at run time: pfctl -T, -F Tables. */
#include "pf/tables.h"

#include <linux/netlink.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "pf/addr.h"
#include "pf/compile.h"
#include "pf/load.h"
#include "pf/ruleset.h"
#include "pf/sets.h"

/* One command under way. */
struct run {
	const struct pf_table_job *job;
	struct pf_store store;
	struct pf_tableplace at;
	struct pf_content content;
	bool exists;
	struct pf_requests requests;
	struct pf_change absorbed; /* what packets have added meanwhile */
	struct pf_change change;
	int64_t now;
};

/* --- words --- */

/* What was done, unless -q. */
static void PRINTF(2, 3) report(const struct run *w, const char *fmt, ...)
{
	char line[128];
	va_list ap;

	if (w->job->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_printf(w->job->said, "%s%s\n", line,
	           w->job->no_action ? " (dummy)." : ".");
}

static int PRINTF(2, 3) complain(const struct run *w, const char *fmt, ...)
{
	char line[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_printf(w->job->said, "pfctl: %s\n", line);
	return 1;
}

static int
missing(const struct run *w)
{
	return complain(w, "Table does not exist.");
}

static int
failed(const struct run *w, int code)
{
	return complain(w, "%s.", strerror(-code));
}

/* -v: what became of requests; -vv also where that is nothing. */
static void
tell_requests(const struct run *w)
{
	const struct pf_table_job *j = w->job;

	for (size_t i = 0; j->verbose > 0 && i < w->requests.n; i++)
		if (j->verbose > 1 || w->requests.v[i].feedback != PF_FB_NONE)
			pf_put_request(&w->requests.v[i], j->reverse, j->out);
}

/* --- addresses --- */

static void
tell(void *ctx, const char *line)
{
	const struct run *w = ctx;

	buf_printf(w->job->said, "%s\n", line);
}

static int
request_all(struct run *w, const struct pf_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct pf_addr *a = &t->addr[i].addr;

		if (pf_requests_add(&w->requests, a->af, &a->ip, a->bits,
		                    t->addr[i].not ) == NULL)
			return failed(w, -ENOMEM);
	}
	return 0;
}

/* Requests for the addresses of the command line and of -f. */
static int
read_addresses(struct run *w)
{
	const struct pf_table_job *j = w->job;
	const struct pf_parse_env env = { .world = j->world,
		                          .no_dns = j->no_dns,
		                          .tell = tell,
		                          .tell_ctx = w };
	struct pf_addresses_in in = { .word = j->word, .n_words = j->n_words };
	cleanup_free char *text = NULL;
	struct pf_config *conf;
	const struct pf_table *t;
	struct error err;
	size_t bad;
	int code;

	if (j->file != NULL &&
	    j->world->read(j->world->ctx, j->file, &text, &in.len, &err) < 0)
		return complain(w, "cannot load %s", err.msg);
	in.text = text != NULL ? text : "";
	code = pf_parse_addresses(&env, &in, &conf, &t, &bad);
	if (code == -EINVAL && bad < j->n_words)
		return 1; /* why was told */
	if (code == -EINVAL)
		return complain(w, "cannot load %s: Invalid argument", j->file);
	if (code < 0)
		return failed(w, code);
	code = request_all(w, t);
	pf_config_free(conf);
	return code;
}

/* --- opening --- */

/* A file that is not there is of no table, or of a load that has gone since. */
static int
read_content(struct run *w, struct error *err)
{
	for (int tries = 0; tries < 10; tries++) {
		uint64_t generation = w->store.generation;
		int code;

		w->at = (struct pf_tableplace){ w->store.dir, generation,
			                        w->job->path, w->job->name };
		if (generation == 0 || w->store.dir < 0)
			return 0;
		code = pf_tablefile_read(&w->at, &w->content, err);
		w->exists = code == 0;
		if (code != -ENOENT)
			return code;
		if (w->store.lock >= 0)
			return 0;
		pf_store_close(&w->store);
		if (pf_store_place(&w->store, w->job->world, false, err) < 0)
			return err->code;
		if (w->store.generation == generation)
			return 0;
	}
	return error_set(err, -EAGAIN, "table <%s> is being loaded",
	                 w->job->name);
}

static int
open_table(struct run *w, bool write)
{
	struct error err;

	w->now = time(NULL);
	if (pf_store_place(&w->store, w->job->world, write, &err) < 0 ||
	    read_content(w, &err) < 0 ||
	    (w->exists && w->content.dynamic &&
	     pf_contents_absorb(&w->at, &w->content, w->now, &w->absorbed,
	                        &err) < 0))
		return complain(w, "%s", err.msg);
	return 0;
}

/* --- changing --- */

/* Make a table that was not there part of what is loaded. */
static int
define(struct run *w, struct error *err)
{
	struct pf_config *conf = w->store.conf;
	struct pf_ruleset *rs = pf_ruleset_get(conf, conf->main, w->job->path);
	struct pf_table *t = arena_alloc(&conf->arena, sizeof(*t));

	if (rs == NULL || t == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	t->name = w->job->name;
	t->persist = true;
	if (rs->last_table != NULL)
		rs->last_table->next = t;
	else
		rs->table = t;
	rs->last_table = t;
	return 0;
}

/* With all rules, for a table that is new, and one whose sets are not what they
 * should be or too small for it. */
static int
commit_by_load(struct run *w, struct error *err)
{
	const struct pf_contents_new new = { .path = w->job->path,
		                             .name = w->job->name,
		                             .entries = &w->content.entries,
		                             .since = w->content.since };

	if (pf_store_read(&w->store, err) < 0 ||
	    (!w->exists && define(w, err) < 0))
		return err->code;
	return pf_load_again(&w->store, &new, err);
}

/* The sets change by what differs. */
static int
commit_elements(struct run *w, struct error *err)
{
	cleanup_buf struct buf range = BUF_INIT, single = BUF_INIT;
	const struct pf_change *const steps[] = { &w->absorbed, &w->change };
	struct pf_set_names to = { NULL, NULL };
	struct pf_sets_batch b;
	struct nl_sock nl;
	int code;

	pf_table_set_name(w->at.path, w->at.name, false, &range);
	pf_table_set_name(w->at.path, w->at.name, true, &single);
	to.range = buf_str(&range);
	to.single = w->content.hashed ? buf_str(&single) : NULL;
	if (nl_open(&nl, NETLINK_NETFILTER, -1, err) < 0)
		return err->code;
	pf_sets_begin(&b);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		for (unsigned f = 0; f < PF_NFAMILIES; f++) {
			pf_sets_drop(&b, pf_family_af(f), &to,
			             &steps[i]->drop[f]);
			pf_sets_take(&b, pf_family_af(f), &to,
			             &steps[i]->take[f]);
		}
	code = pf_sets_commit(&nl, &b, err);
	pf_sets_fini(&b);
	nl_close(&nl);
	return code;
}

/* Has it grown out of its set of ranges? */
static bool
wants_hash(const struct pf_content *c)
{
	const size_t limit = 4 * (size_t)PF_MIN_HASHED;

	return !c->hashed &&
	       c->entries.n[PF_V4] + c->entries.n[PF_V6] > limit &&
	       pf_entries_single(&c->entries) > limit;
}

static int
commit(struct run *w)
{
	struct error err = { 0 };
	int code;

	if (w->job->no_action)
		return 0;
	if (!w->exists || w->content.unsettled || wants_hash(&w->content)) {
		code = commit_by_load(w, &err);
		return code < 0 ? complain(w, "%s", err.msg) : 0;
	}
	code = pf_tablefile_settle(&w->at, false, &err);
	if (code == 0 && commit_elements(w, &err) < 0) {
		code = commit_by_load(w, &err);
		if (code == 0)
			return 0;
		(void)pf_tablefile_settle(&w->at, true, &(struct error){ 0 });
	} else if (code == 0) {
		code = pf_tablefile_write(&w->at, &w->content, &err);
	}
	return code < 0 ? complain(w, "%s", err.msg) : 0;
}

static bool
has_changed(const struct run *w)
{
	return w->change.added + w->change.deleted + w->change.changed > 0 ||
	       w->absorbed.added > 0;
}

/* --- commands --- */

/* The same name elsewhere is seldom meant. */
static void
warn_of_others(struct run *w)
{
	const struct pf_config *conf = w->store.conf;

	for (const struct pf_ruleset *rs = conf->main; rs != NULL;
	     rs = pf_ruleset_next(conf->main, rs))
		if (strcmp(rs->path, w->job->path) != 0 &&
		    pf_table_here(rs, w->job->name) != NULL)
			complain(w,
			         "warning: table <%s> already defined in "
			         "anchor \"%s\"",
			         w->job->name,
			         rs->path[0] != '\0' ? rs->path : "/");
}

/* For add and replace, which make a table that is not there. *out_end: that was
 * all. */
static int
open_or_create(struct run *w, bool *out_end)
{
	struct error err;

	*out_end = true;
	if (read_addresses(w) != 0 || open_table(w, true) != 0)
		return 1;
	if (w->exists && w->content.constant)
		return failed(w, -EPERM);
	*out_end = false;
	if (w->exists)
		return 0;
	if (pf_store_read(&w->store, &err) < 0)
		return complain(w, "%s", err.msg);
	warn_of_others(w);
	pf_config_free(w->store.conf);
	w->store.conf = NULL;
	w->content.since = w->now;
	report(w, "1 table created");
	*out_end = w->job->no_action;
	return 0;
}

/* Of a table that has to be there, to change it. */
static int
open_to_change(struct run *w)
{
	if (open_table(w, true) != 0)
		return 1;
	if (!w->exists)
		return missing(w);
	return w->content.constant ? failed(w, -EPERM) : 0;
}

static int
add(struct run *w)
{
	size_t asked;
	bool end;
	int code;

	if (open_or_create(w, &end) != 0)
		return 1;
	if (end)
		return 0;
	asked = w->requests.n;
	code = pf_entries_add(&w->content.entries, &w->requests,
	                      (uint32_t)w->now, &w->change);
	if (code < 0)
		return failed(w, code);
	if ((has_changed(w) || !w->exists) && commit(w) != 0)
		return 1;
	report(w, "%zu/%zu addresses added", w->change.added, asked);
	tell_requests(w);
	return 0;
}

static int delete (struct run *w)
{
	int code;

	if (read_addresses(w) != 0 || open_to_change(w) != 0)
		return 1;
	code = pf_entries_delete(&w->content.entries, &w->requests, &w->change);
	if (code < 0)
		return failed(w, code);
	if (has_changed(w) && commit(w) != 0)
		return 1;
	report(w, "%zu/%zu addresses deleted", w->change.deleted,
	       w->requests.n);
	tell_requests(w);
	return 0;
}

static int
replace(struct run *w)
{
	bool end;
	int code;

	if (open_or_create(w, &end) != 0)
		return 1;
	if (end)
		return 0;
	code = pf_entries_replace(&w->content.entries, &w->requests,
	                          (uint32_t)w->now, &w->change);
	if (code < 0)
		return failed(w, code);
	if ((has_changed(w) || !w->exists) && commit(w) != 0)
		return 1;
	if (w->change.added > 0)
		report(w, "%zu addresses added", w->change.added);
	if (w->change.deleted > 0)
		report(w, "%zu addresses deleted", w->change.deleted);
	if (w->change.changed > 0)
		report(w, "%zu addresses changed", w->change.changed);
	if (w->change.added + w->change.deleted + w->change.changed == 0)
		report(w, "no changes");
	tell_requests(w);
	return 0;
}

static int
flush(struct run *w)
{
	int code;

	if (open_to_change(w) != 0)
		return 1;
	code = pf_entries_flush(&w->content.entries, &w->change);
	if (code < 0)
		return failed(w, code);
	if (has_changed(w) && commit(w) != 0)
		return 1;
	report(w, "%zu addresses deleted", w->change.deleted);
	return 0;
}

static int
expire(struct run *w)
{
	long long seconds;
	size_t asked;
	int code;

	code = w->job->n_words == 1
	           ? num_int_in(w->job->word[0], 0, UINT32_MAX, &seconds)
	           : -EINVAL;
	if (code < 0)
		return complain(w, "expiry time: %s",
		                code == -EINVAL             ? "invalid"
		                : w->job->word[0][0] == '-' ? "too small"
		                                            : "too large");
	if (open_to_change(w) != 0)
		return 1;
	code = pf_entries_expired(&w->content.entries, (uint32_t)w->now,
	                          (uint32_t)seconds, &w->requests);
	asked = w->requests.n;
	if (code == 0)
		code = pf_entries_delete(&w->content.entries, &w->requests,
		                         &w->change);
	if (code < 0)
		return failed(w, code);
	if (has_changed(w) && commit(w) != 0)
		return 1;
	report(w, "%zu/%zu addresses expired", w->change.deleted, asked);
	tell_requests(w);
	return 0;
}

/* Ranges whose entry counts anew since now are dropped and taken again: the
 * kernel's counters begin with the element. */
static int
count_anew(struct run *w)
{
	for (unsigned f = 0; w->content.counters && f < PF_NFAMILIES; f++) {
		const struct pf_entries *t = &w->content.entries;
		struct pf_spans *drop = &w->change.drop[f];
		size_t keep = 0;

		if (!pf_entries_spans(t, f, drop))
			return -ENOMEM;
		for (size_t i = 0; i < drop->n; i++) {
			size_t at =
			    pf_entry_match(t->v[f], t->n[f], &drop->v[i].first,
			                   pf_af_bits(pf_family_af(f)));

			if (at < t->n[f] &&
			    t->v[f][at].since == (uint32_t)w->now)
				drop->v[keep++] = drop->v[i];
		}
		drop->n = keep;
		for (size_t i = 0; i < keep; i++) {
			struct pf_spans *take = &w->change.take[f];

			if (take->v == NULL)
				take->v = calloc(keep, sizeof(*take->v));
			if (take->v == NULL)
				return -ENOMEM;
			take->cap = keep;
			take->v[take->n++] = drop->v[i];
		}
	}
	return 0;
}

static int
zero(struct run *w)
{
	const bool all = w->job->n_words == 0 && w->job->file == NULL;
	size_t n = 0;
	int code;

	if (read_addresses(w) != 0 || open_table(w, true) != 0)
		return 1;
	if (!w->exists && !all)
		return missing(w);
	if (w->exists)
		n = pf_entries_zero(&w->content.entries,
		                    all ? NULL : &w->requests,
		                    (uint32_t)w->now);
	if (all)
		w->content.since = w->now;
	code = w->exists ? count_anew(w) : 0;
	if (code < 0)
		return failed(w, code);
	if (w->exists && (all || n > 0) && commit(w) != 0)
		return 1;
	if (all)
		report(w, "%d table/stats cleared", w->exists);
	else
		report(w, "%zu/%zu addresses cleared", n, w->requests.n);
	tell_requests(w);
	return 0;
}

/* As zero for those that have counted something. */
static int
reset(struct run *w)
{
	struct pf_table_counts counts = { { NULL } };
	const struct pf_entries *t = &w->content.entries;
	struct error err;
	size_t n = 0;
	int code = 0;

	if (open_table(w, true) != 0)
		return 1;
	if (!w->exists)
		return missing(w);
	if (w->content.counters &&
	    pf_table_counts(w->at.path, w->at.name, t, w->content.hashed,
	                    &counts, &err) < 0)
		return complain(w, "%s", err.msg);
	for (unsigned f = 0; f < PF_NFAMILIES && code == 0; f++)
		for (size_t i = 0; counts.v[f] != NULL && i < t->n[f]; i++)
			if (counts.v[f][i].packets > 0 &&
			    pf_requests_add(&w->requests, pf_family_af(f),
			                    &t->v[f][i].ip, t->v[f][i].bits,
			                    t->v[f][i].not != 0) == NULL)
				code = -ENOMEM;
	pf_table_counts_fini(&counts);
	if (code == 0 && w->requests.n > 0) {
		n = pf_entries_zero(&w->content.entries, &w->requests,
		                    (uint32_t)w->now);
		code = count_anew(w);
	}
	if (code < 0)
		return failed(w, code);
	if (n > 0 && commit(w) != 0)
		return 1;
	report(w, "%zu/%zu stats cleared", n, w->requests.n);
	tell_requests(w);
	return 0;
}

static int
show(struct run *w)
{
	const struct pf_table_job *j = w->job;
	struct pf_table_counts counts = { { NULL } };
	struct error err;
	bool counted;

	if (open_table(w, false) != 0)
		return 1;
	if (!w->exists)
		return missing(w);
	counted = j->verbose > 0 && w->content.counters;
	if (counted &&
	    pf_table_counts(w->at.path, w->at.name, &w->content.entries,
	                    w->content.hashed, &counts, &err) < 0)
		return complain(w, "%s", err.msg);
	pf_put_entries(&w->content.entries, counted ? &counts : NULL,
	               j->verbose, j->reverse, j->out);
	pf_table_counts_fini(&counts);
	return 0;
}

static int
test(struct run *w)
{
	const struct pf_table_job *j = w->job;
	size_t matches;

	if (read_addresses(w) != 0)
		return 1;
	for (size_t i = 0; i < w->requests.n; i++) {
		const struct pf_request *r = &w->requests.v[i];
		char ip[46];

		if (r->e.not || r->e.bits != pf_af_bits(r->af))
			return complain(w,
			                "cannot decode %s%s/%u: Invalid "
			                "argument",
			                r->e.not ? "!" : "",
			                pf_ip_text(r->af, &r->e.ip, ip),
			                r->e.bits);
	}
	if (open_table(w, false) != 0)
		return 1;
	if (!w->exists)
		return missing(w);
	matches = pf_entries_test(&w->content.entries, &w->requests);
	report(w, "%zu/%zu addresses match", matches, w->requests.n);
	for (size_t i = 0; j->verbose > 1 && i < w->requests.n; i++)
		pf_put_test(&w->requests.v[i], j->reverse, j->out);
	if (j->verbose == 1)
		tell_requests(w);
	return matches < w->requests.n ? 2 : 0;
}

/* --- killing --- */

/* Take tables of a ruleset out: one, or all. */
static size_t
take_out(struct pf_ruleset *rs, const char *name)
{
	struct pf_table **at = &rs->table;
	size_t n = 0;

	rs->last_table = NULL;
	while (*at != NULL) {
		if (name == NULL || strcmp((*at)->name, name) == 0) {
			*at = (*at)->next;
			n++;
			continue;
		}
		rs->last_table = *at;
		at = &(*at)->next;
	}
	return n;
}

static int
kill_tables(struct pf_store *s, const char *path, bool below, const char *name,
            bool no_action, size_t *out_n, struct error *err)
{
	const struct pf_contents_new none = { .came = NULL };
	struct pf_config *conf = s->conf;
	const size_t len = strlen(path);

	*out_n = 0;
	for (struct pf_ruleset *rs = conf->main; rs != NULL;
	     rs = pf_ruleset_next(conf->main, rs))
		if (strcmp(rs->path, path) == 0 ||
		    (below && (len == 0 || (strncmp(rs->path, path, len) == 0 &&
		                            rs->path[len] == '/'))))
			*out_n += take_out(rs, name);
	if (*out_n == 0 || no_action)
		return 0;
	return pf_load_again(s, &none, err);
}

int
pf_tables_flush(struct pf_store *s, const char *path, bool below, size_t *out_n,
                struct error *err)
{
	return kill_tables(s, path, below, NULL, false, out_n, err);
}

static int
kill_one(struct run *w)
{
	struct error err;
	size_t n = 0;

	if (pf_store_open(&w->store, w->job->world, true, &err) < 0 ||
	    kill_tables(&w->store, w->job->path, false, w->job->name,
	                w->job->no_action, &n, &err) < 0)
		return complain(w, "%s", err.msg);
	report(w, "%zu table deleted", n);
	return 0;
}

/* --- all --- */

static int
load(struct run *w)
{
	(void)w;
	return 1;
}

/* In pfctl's order: a word means the first that begins with it. */
static const struct {
	const char *name;
	int (*run)(struct run *w);
} commands[] = {
	{ "kill", kill_one }, { "flush", flush }, { "add", add },
	{ "delete", delete }, { "load", load },   { "replace", replace },
	{ "show", show },     { "test", test },   { "zero", zero },
	{ "expire", expire }, { "reset", reset },
};

const char *
pf_table_command(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (word[0] != '\0' &&
		    strncmp(commands[i].name, word, strlen(word)) == 0)
			return commands[i].name;
	return NULL;
}

int
pf_table_run(const char *command, const struct pf_table_job *job)
{
	struct run w = { .job = job, .store = { .dir = -1, .lock = -1 } };
	int status = 1;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, command) == 0)
			status = commands[i].run(&w);
	pf_store_close(&w.store);
	pf_content_fini(&w.content);
	pf_requests_fini(&w.requests);
	pf_change_fini(&w.absorbed);
	pf_change_fini(&w.change);
	return status;
}
