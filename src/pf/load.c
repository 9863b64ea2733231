/* SPDX-License-Identifier: BSD-2-Clause */
/* load.c - changing what pf a network namespace has. */
#include "pf/load.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pf/compile.h"
#include "pf/info.h"
#include "pf/kernel.h"
#include "pf/live.h"
#include "pf/merge.h"
#include "pf/ruleset.h"
#include "pf/ways.h"

/* The ways of what still runs: those of a load that failed may be there. */
static void
restore_ways(struct pf_store *s)
{
	struct pf_ways ways = { 0 };
	const struct pf_compile_env env = { .world = s->world, .ways = &ways };
	cleanup_buf struct buf program = BUF_INIT;
	struct error ignored;

	if (pf_compile(s->conf, &env, &program, &ignored) == 0)
		(void)pf_ways_apply(&ways, &ignored);
}

/* Number and compile conf, whose tables have their content, and make it what
 * the store has. */
static int
commit(struct pf_store *s, struct pf_config *conf, const struct buf *sections,
       struct error *err)
{
	struct pf_ways ways = { 0 };
	const struct pf_compile_env env = { .world = s->world,
		                            .dormant = !s->enabled,
		                            .ways = &ways };
	cleanup_buf struct buf program = BUF_INIT;
	struct pf_totals gone;
	struct pf_live_sids sids = { .old = s->conf->numbers };
	const struct pf_sids_in_use in_use = { pf_live_sid_used, &sids };
	struct error ignored;
	int code;

	code = pf_numbers_assign(conf, s->world, sids.old, &in_use, err);
	pf_live_sids_fini(&sids);
	if (code < 0 || pf_compile(conf, &env, &program, err) < 0)
		return err->code;
	if (pf_kernel_totals(&gone, err) < 0)
		return err->code;
	if (pf_ways_apply(&ways, err) < 0 ||
	    pf_store_commit(s, conf, sections, &program, err) < 0) {
		restore_ways(s);
		return err->code;
	}
	/* Statistics are not worth a failure of what has been done. */
	(void)pf_info_keep(s, &gone, &ignored);
	return 0;
}

/* Read the sections and commit what they say. */
static int
commit_text(struct pf_store *s, const struct buf *sections,
            const struct pf_contents_new *tables, struct error *err)
{
	struct pf_config *conf = NULL;
	int code;

	if (sections->failed)
		return error_set(err, -ENOMEM, "out of memory");
	if (pf_sections_parse(s->world, buf_str(sections), sections->len, &conf,
	                      err) < 0)
		return err->code;
	code = pf_contents_fill(conf, tables, s->dir, s->generation, time(NULL),
	                        err);
	if (code == 0)
		code = commit(s, conf, sections, err);
	pf_contents_release(conf);
	if (code < 0)
		pf_config_free(conf);
	return code;
}

/* Is every rule of it one that Linux can hold? Asked of the file as it was
 * read, which can tell the line. */
static int
check(const struct pf_store *s, struct pf_config *came, struct error *err)
{
	struct pf_ways ways = { 0 };
	const struct pf_compile_env env = { .world = s->world, .ways = &ways };
	cleanup_buf struct buf program = BUF_INIT;

	return pf_compile(came, &env, &program, err);
}

static void
loaded_by_us(struct pf_store *s)
{
	s->uid = geteuid();
	s->pid = getpid();
}

int
pf_load(struct pf_store *s, struct pf_config *came, unsigned want, bool keep,
        struct error *err)
{
	cleanup_buf struct buf sections = BUF_INIT;
	const struct pf_contents_new tables = {
		.came = (want & PF_WANT_TABLE) != 0 ? came : NULL
	};

	if (check(s, came, err) < 0)
		return err->code;
	pf_merge(s->conf, came, s->world, want, keep, &sections);
	loaded_by_us(s);
	return commit_text(s, &sections, &tables, err);
}

int
pf_load_again(struct pf_store *s, const struct pf_contents_new *tables,
              struct error *err)
{
	cleanup_buf struct buf sections = BUF_INIT;

	pf_sections_of(s->conf, s->world, &sections);
	return commit_text(s, &sections, tables, err);
}

int
pf_load_contents(struct pf_store *s, struct error *err)
{
	const struct pf_contents_new none = { .came = NULL };

	return pf_contents_fill(s->conf, &none, s->dir, s->generation,
	                        time(NULL), err);
}

/* An empty configuration that has been read for a path, and below it. */
static int
empty_for(struct pf_store *s, const char *path, bool below,
          struct pf_config **out, struct error *err)
{
	struct pf_config *conf = pf_config_new();
	struct pf_ruleset *top;
	bool found = path[0] == '\0';

	*out = conf;
	if (conf == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	for (const struct pf_ruleset *rs = s->conf->main; rs != NULL;
	     rs = pf_ruleset_next(s->conf->main, rs)) {
		size_t n = strlen(path);
		bool is = strcmp(rs->path, path) == 0;
		bool under = n == 0 || (strncmp(rs->path, path, n) == 0 &&
		                        rs->path[n] == '/');

		found = found || is;
		if (!is && !(below && under))
			continue;
		top = pf_ruleset_get(conf, conf->main, rs->path);
		if (top == NULL)
			return error_set(err, -ENOMEM, "out of memory");
		top->is_loaded = true;
	}
	return found ? 0 : error_set(err, -ENOENT, "%s: no such anchor", path);
}

int
pf_flush(struct pf_store *s, const char *path, bool below, unsigned want,
         struct error *err)
{
	cleanup_buf struct buf sections = BUF_INIT;
	const struct pf_contents_new tables = { .came = NULL };
	struct pf_config *nothing;
	int code;

	code = empty_for(s, path, below, &nothing, err);
	if (code == 0) {
		pf_merge(s->conf, nothing, s->world, want, false, &sections);
		loaded_by_us(s);
		code = commit_text(s, &sections, &tables, err);
	}
	pf_config_free(nothing);
	return code;
}

int
pf_enable(struct pf_store *s, bool enable, struct error *err)
{
	cleanup_buf struct buf sections = BUF_INIT, program = BUF_INIT;
	const struct pf_contents_new tables = { .came = NULL };
	bool was = s->enabled;
	int64_t since = s->since;

	if (was == enable)
		return error_set(err, -EALREADY, "pf %s enabled",
		                 enable ? "already" : "not");
	s->enabled = enable;
	s->since = time(NULL);
	pf_sections_of(s->conf, s->world, &sections);
	/* Counters stay where something is loaded. */
	pf_kernel_put_dormant(!enable, &program);
	if ((s->generation == 0
	         ? commit_text(s, &sections, &tables, err)
	         : pf_store_commit(s, s->conf, &sections, &program, err)) == 0)
		return 0;
	s->enabled = was;
	s->since = since;
	return err->code;
}
