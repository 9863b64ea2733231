/* SPDX-License-Identifier: BSD-2-Clause */
/* pfctl_states.c - pfctl(8) on states, sources, statistics and timeouts: -s, -F
 * and -z of them, -k and -K.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/pfctl.h"
#include "pf/info.h"
#include "pf/sources.h"
#include "pf/timeouts.h"

/* --- counters of rules --- */

int
pfctl_read_counters(struct pfctl *c, struct pf_counter *v, size_t n,
                    struct error *err)
{
	struct pf_totals gone;

	if (!c->zero)
		return pf_kernel_counters(v, n, false, err);
	if (pf_kernel_totals(&gone, err) < 0 ||
	    pf_kernel_counters(v, n, true, err) < 0)
		return err->code;
	return pf_info_keep(&c->store, &gone, err);
}

int
pfctl_count_states(struct pfctl *c, struct pf_sid_counts *out)
{
	struct pf_live live;
	struct error err;

	if (pf_live_open(&live, &c->store, 0, &err) < 0)
		return 1;
	pf_sids_count(&live.list, out);
	pf_live_close(&live);
	return 0;
}

/* --- -s --- */

int
pfctl_show_states(struct pfctl *c)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct pf_live live;
	struct error err;

	if (pfctl_open(c, false) != 0)
		return 1;
	if (pf_live_open(&live, &c->store, c->verbose, &err) < 0)
		return pfctl_fail(&err);
	if (c->reverse)
		live.env.host = pf_host_name;
	pf_states_print(&live.list, &live.env, c->ifname, &out);
	pf_live_close(&live);
	pfctl_put(c, &out);
	return 0;
}

int
pfctl_show_sources(struct pfctl *c)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct pf_sources sources = { 0 };
	struct pf_live live;
	struct error err;
	int code;

	if (pfctl_open(c, false) != 0)
		return 1;
	if (pf_live_open(&live, &c->store, 0, &err) < 0)
		return pfctl_fail(&err);
	code = pf_sources_get(&sources, &err);
	if (code == 0)
		pf_sources_print(&sources, &live.list, c->verbose, &out);
	pf_sources_fini(&sources);
	pf_live_close(&live);
	if (code < 0)
		return pfctl_fail(&err);
	pfctl_put(c, &out);
	return 0;
}

int
pfctl_show_info(struct pfctl *c)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct pf_info info;
	struct error err;

	if (pfctl_open(c, false) != 0)
		return 1;
	if (pf_info_get(&c->store, &info, &err) < 0)
		return pfctl_fail(&err);
	pf_info_print(&info, c->verbose, &out);
	pfctl_put(c, &out);
	return 0;
}

static int
show_options(struct pfctl *c,
             void (*put)(const struct pf_options *o, struct buf *out))
{
	cleanup_buf struct buf out = BUF_INIT;

	if (pfctl_open(c, false) != 0)
		return 1;
	put(&c->store.conf->opts, &out);
	pfctl_put(c, &out);
	return 0;
}

int
pfctl_show_timeouts(struct pfctl *c)
{
	return show_options(c, pf_timeouts_print);
}

int
pfctl_show_memory(struct pfctl *c)
{
	return show_options(c, pf_limits_print);
}

/* Is an interface one of a name, which may be that of a group? */
static bool
is_of(const struct pf_world *w, const char *ifname, const char *name)
{
	return strcmp(ifname, name) == 0 || w->in_group(w->ctx, ifname, name);
}

static int
by_name(const void *a, const void *b)
{
	const struct if_nameindex *x = a, *y = b;

	return strcmp(x->if_name, y->if_name);
}

int
pfctl_show_interfaces(struct pfctl *c)
{
	cleanup_buf struct buf out = BUF_INIT;
	const struct pf_options *o;
	struct if_nameindex *v;
	size_t n = 0;

	if (pfctl_open(c, false) != 0)
		return 1;
	o = &c->store.conf->opts;
	v = if_nameindex();
	while (v != NULL && v[n].if_name != NULL)
		n++;
	if (n > 0)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n; i++) {
		bool skip = false;

		if (c->ifname != NULL &&
		    !is_of(&c->world, v[i].if_name, c->ifname))
			continue;
		for (size_t k = 0; k < o->n_skip && !skip; k++)
			skip = is_of(&c->world, v[i].if_name, o->skip[k]);
		buf_printf(&out, "%s%s\n", v[i].if_name,
		           skip && c->verbose > 0 ? " (skip)" : "");
	}
	if_freenameindex(v);
	pfctl_put(c, &out);
	return 0;
}

/* --- -F and -k: states --- */

/* End what is meant by k, of an interface where -i names one. */
static int
kill_states(struct pfctl *c, struct pf_kill *k, size_t n, size_t *out_n)
{
	struct pf_live live;
	struct error err;
	int code = 0;

	*out_n = 0;
	for (size_t i = 0; i < n && code == 0; i++) {
		size_t dead = 0;

		k[i].ifname = c->ifname;
		k[i].both = c->both;
		code = pf_live_open(&live, &c->store, 0, &err);
		if (code == 0) {
			code = pf_kill(&live.nl, &live.list, &k[i], &live.env,
			               &dead, &err);
			pf_live_close(&live);
		}
		*out_n += dead;
	}
	return code < 0 ? pfctl_fail(&err) : 0;
}

int
pfctl_flush_states(struct pfctl *c)
{
	struct pf_kill all = { .by = PF_KILL_ALL };
	size_t n;

	if (pfctl_open(c, false) != 0 || kill_states(c, &all, 1, &n) != 0)
		return 1;
	if (!c->quiet)
		fprintf(stderr, "%zu states cleared\n", n);
	return 0;
}

int
pfctl_flush_info(struct pfctl *c)
{
	struct error err;

	if (pfctl_open(c, true) != 0)
		return 1;
	if (pf_info_clear(&c->store, &err) < 0)
		return pfctl_fail(&err);
	if (!c->quiet)
		fputs("pf: statistics cleared\n", stderr);
	return 0;
}

/* What -k or -K says; 1 when that was told to be wrong. */
static int
plan(struct pfctl *c, const struct strv *words, struct pf_kill_plan *out)
{
	struct error err;
	bool wrong_use;

	if (pfctl_open(c, false) != 0)
		return 1;
	if (pf_kill_words((const char *const *)words->v, (unsigned)words->n,
	                  &c->world, pf_hostid(&c->store), out, &wrong_use,
	                  &err) == 0)
		return 0;
	pfctl_fail(&err);
	return wrong_use ? pfctl_usage() : 1;
}

/* "killed 2 states from 1 sources and 1 destinations" */
static void
say_killed(const struct pfctl *c, size_t n, const char *what,
           const struct pf_kill_plan *p)
{
	if (c->quiet)
		return;
	fprintf(stderr, "killed %zu %s", n, what);
	if (p->tell_hosts)
		fprintf(stderr, " from %u sources and %u destinations",
		        p->sources, p->dests);
	fputc('\n', stderr);
}

int
pfctl_kill_states(struct pfctl *c)
{
	struct pf_kill_plan p;
	size_t n;
	int status = plan(c, &c->kill, &p);

	if (status != 0)
		return status;
	status = kill_states(c, p.kill, p.n, &n);
	if (status == 0)
		say_killed(c, n, "states", &p);
	pf_kill_plan_fini(&p);
	return status;
}

/* --- -F and -K: sources --- */

/* One may be gone before it is taken out: then again, with those that are. */
static int
kill_sources(const struct pf_kill *k, size_t *out_n, struct error *err)
{
	int code = -ENOENT;

	for (int tries = 0; tries < 5 && code < 0; tries++) {
		cleanup_buf struct buf words = BUF_INIT;
		struct pf_sources l = { 0 };

		code = pf_sources_get(&l, err);
		if (code == 0)
			pf_sources_put_removal(&l, k, &words, out_n);
		pf_sources_fini(&l);
		if (code < 0)
			return code;
		if (words.failed)
			return error_set(err, -ENOMEM, "out of memory");
		if (*out_n > 0)
			code = pf_kernel_apply(buf_str(&words), err);
	}
	return code;
}

int
pfctl_flush_sources(struct pfctl *c)
{
	const struct pf_kill all = { .by = PF_KILL_ALL };
	struct error err;
	size_t n;

	if (pfctl_open(c, true) != 0)
		return 1;
	if (kill_sources(&all, &n, &err) < 0)
		return pfctl_fail(&err);
	if (!c->quiet)
		fputs("source tracking entries cleared\n", stderr);
	return 0;
}

int
pfctl_kill_sources(struct pfctl *c)
{
	struct pf_kill_plan p;
	size_t sum = 0;
	struct error err;
	int code = 0, status = plan(c, &c->kill_sources, &p);

	if (status != 0)
		return status;
	for (size_t i = 0; i < p.n && code == 0; i++) {
		size_t n = 0;

		code = kill_sources(&p.kill[i], &n, &err);
		sum += n;
	}
	if (code == 0)
		say_killed(c, sum, "src nodes", &p);
	pf_kill_plan_fini(&p);
	return code < 0 ? pfctl_fail(&err) : 0;
}

/* --- options --- */

void
pfctl_write_options(struct pfctl *c)
{
	struct pf_sysctl v[PF_SYSCTLS_MAX];
	const struct pf_options *o = &c->store.conf->opts;
	size_t n = pf_sysctls_plan(o, v);

	pf_sysctls_write("/proc/sys/net", v, n, pfctl_tell, NULL);
	if (c->verbose > 0)
		pf_timeouts_tell(o, pfctl_tell, NULL);
}
