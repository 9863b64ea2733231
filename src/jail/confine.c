/* SPDX-License-Identifier: BSD-2-Clause */
/* confine.c - from a jail's parameters to its walls. */
#include "jail/confine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "jail/claim.h"
#include "jail/devfs.h"
#include "jail/making.h"
#include "jail/netwall.h"
#include "jail/param.h"
#include "linux/cgroup.h"
#include "linux/file.h"
#include "linux/self.h"

static bool
is_set(const struct dict *d, const char *key)
{
	const char *val = dict_get(d, key);

	return val != NULL && val[0] != '\0';
}

/* --- what a child may have -------------------------------------------- */

static int
check_below(const struct dict *d, const struct dict *parent, struct error *err)
{
	static const char *const not_lower[] = { "securelevel",
		                                 "enforce_statfs" };

	for (size_t i = 0; i < ARRAY_LEN(not_lower); i++) {
		long long have = dict_get_int(parent, not_lower[i], -1);

		if (dict_get_int(d, not_lower[i], have) < have)
			return error_set(err, -EPERM, "%s: below the parent's",
			                 not_lower[i]);
	}
	for (size_t i = 0; i < d->n; i++)
		if (strncmp(d->row[i].key, "allow.", 6) == 0 &&
		    strcmp(d->row[i].val, "true") == 0 &&
		    !dict_is_true(parent, d->row[i].key))
			return error_set(err, -EPERM,
			                 "%s: the parent has it not",
			                 d->row[i].key);
	return 0;
}

/* Every address of a child must be its parent's. */
static int
check_addresses(const struct dict *d, const struct dict *parent,
                const char *mode, const char *key, struct error *err)
{
	cleanup_strv struct strv own = STRV_INIT;
	cleanup_strv struct strv theirs = STRV_INIT;

	if (!is_set(d, key) || dict_is(parent, mode, "inherit") ||
	    dict_is(parent, "vnet", "new"))
		return 0;
	if (strv_split(&own, dict_get(d, key), ",", false) < 0 ||
	    (is_set(parent, key) &&
	     strv_split(&theirs, dict_get(parent, key), ",", false) < 0))
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < own.n; i++)
		if (!strv_has(&theirs, own.v[i]))
			return error_set(err, -EPERM,
			                 "%s: %s is not the parent's", key,
			                 own.v[i]);
	return 0;
}

/* What only the host can do for a jail, since it takes BPF. */
static int
check_nested(const struct dict *d, struct error *err)
{
	if (is_set(d, "ip4.addr") || is_set(d, "ip6.addr"))
		return error_set(err, -EPERM,
		                 "a jail made inside a jail has a stack of "
		                 "its own (vnet), its parent's addresses "
		                 "(ip4=inherit) or none, not a part of them");
	return 0;
}

/* children.max is kept by user.max_user_namespaces of the jail we are in. */
static int
check_limit(struct jail_sys *sys, const struct dict *d, struct error *err)
{
	long long max = 0;
	int jid = 0;
	FILE *f = fopen("/proc/sys/user/max_user_namespaces", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lld", &max) != 1)
		max = 0;
	fclose(f);
	if (dict_get_int(d, "children.max", 0) >= max)
		return error_set(err, -EPERM,
		                 "children.max: not below the parent's");
	while (max >= 0 && (jid = jail_next(sys, jid, err)) > 0)
		max--;
	err->code = 0;
	return max > 0 ? 0 : error_set(err, -EPERM, "prison limit exceeded");
}

/* May a jail of this parent's have these parameters? */
static int
check_child(const struct dict *d, const struct dict *parent, struct error *err)
{
	if (check_below(d, parent, err) < 0 ||
	    check_addresses(d, parent, "ip4", "ip4.addr", err) < 0 ||
	    check_addresses(d, parent, "ip6", "ip6.addr", err) < 0)
		return err->code;
	return 0;
}

int
confine_check(const struct making *m, struct error *err)
{
	const struct dict *d = &m->rec.d;

	if (m->sys->nested &&
	    (check_nested(d, err) < 0 || check_limit(m->sys, d, err) < 0))
		return err->code;
	return m->parent.jid == 0 ? 0 : check_child(d, &m->parent.d, err);
}

/*
 * A jail's root that is uid 0 and may mount would own each version 1 control
 * group of the host, of which it is a member of the topmost.
 */
int
confine_check_unshifted(const struct dict *d, struct error *err)
{
	const struct jail_filter_flags f = confine_flags(d);

	if ((f.mount || f.children) && cg_has_v1())
		return error_set(err, -EPERM,
		                 "allow.mount and children.max need a root "
		                 "whose file system can map ids, where there "
		                 "are control groups of version 1");
	return 0;
}

/* The record, were it changed so. */
static int
check_changed(const struct record *r, const struct dict *params,
              struct error *err)
{
	cleanup_dict struct dict then = DICT_INIT;

	if (dict_get_int(&r->d, REC_UID_BASE, 0) != 0)
		return 0;
	if (dict_merge(&then, &r->d) < 0 || dict_merge(&then, params) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return confine_check_unshifted(&then, err);
}

/* A ruleset that is not there would keep the jail's walls from ever being
 * changed again. */
static int
check_ruleset(const struct jail_sys *sys, const struct dict *params,
              struct error *err)
{
	const long long set = dict_get_int(params, "devfs_ruleset", 0);
	struct devfs_allow allow[NETWALL_MAX_DEVICES];

	if (sys->nested || set == 0)
		return 0;
	if (devfs_allowed(sys->run, (unsigned)set, allow, ARRAY_LEN(allow),
	                  err) < 0)
		return error_wrap(err, "devfs_ruleset");
	return 0;
}

int
confine_check_change(const struct jail_sys *sys, const struct record *r,
                     const struct dict *params, const struct record *parent,
                     struct error *err)
{
	if (dict_is(&r->d, "vnet", "new") &&
	    (is_set(params, "ip4.addr") || is_set(params, "ip6.addr")))
		return error_set(err, -EINVAL,
		                 "vnet jails cannot have IP address "
		                 "restrictions");
	if (sys->nested ? check_nested(params, err) < 0
	                : check_changed(r, params, err) < 0 ||
	                      check_ruleset(sys, params, err) < 0)
		return err->code;
	return parent->jid == 0 ? 0 : check_child(params, &parent->d, err);
}

/* --- cgroup rules ------------------------------------------------------ */

static enum netwall_family
family_of(const struct dict *d, const char *key)
{
	return dict_is(d, key, "inherit") ? NETWALL_INHERIT
	       : dict_is(d, key, "new")   ? NETWALL_NEW
	                                  : NETWALL_DISABLE;
}

/* Read a comma list of addresses into at, size bytes each. */
static int
read_addresses(const struct dict *d, const char *key, int family, void *at,
               size_t size, unsigned *n, struct error *err)
{
	cleanup_strv struct strv words = STRV_INIT;

	*n = 0;
	if (!is_set(d, key))
		return 0;
	if (strv_split(&words, dict_get(d, key), ",", false) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (words.n > NETWALL_MAX_ADDRS)
		return error_set(err, -EINVAL, "too many %s addresses",
		                 family == AF_INET ? "IPv4" : "IPv6");
	for (; *n < words.n; (*n)++)
		if (inet_pton(family, words.v[*n], (char *)at + *n * size) != 1)
			return error_set(
			    err, -EINVAL, "%s: not an IPv%d address: %s", key,
			    family == AF_INET ? 4 : 6, words.v[*n]);
	return 0;
}

static int
wall_config(struct jail_sys *sys, const struct record *r,
            unsigned devfs_ruleset, struct netwall_config *cfg,
            struct error *err)
{
	const struct dict *d = &r->d;
	int n;

	memset(cfg, 0, sizeof(*cfg));
	cfg->vnet = dict_is(d, "vnet", "new");
	cfg->ip4 = family_of(d, "ip4");
	cfg->ip6 = family_of(d, "ip6");
	cfg->saddrsel4 = dict_is_true(d, "ip4.saddrsel");
	cfg->saddrsel6 = dict_is_true(d, "ip6.saddrsel");
	cfg->raw_sockets = dict_is_true(d, "allow.raw_sockets");
	cfg->reserved_ports = dict_is_true(d, "allow.reserved_ports");
	cfg->uid_base = (uint32_t)dict_get_int(d, REC_UID_BASE, 0);
	cfg->uid_owner = claim_uid_of(d);
	if (read_addresses(d, "ip4.addr", AF_INET, cfg->addr4,
	                   sizeof(cfg->addr4[0]), &cfg->n4, err) < 0 ||
	    read_addresses(d, "ip6.addr", AF_INET6, cfg->addr6,
	                   sizeof(cfg->addr6[0]), &cfg->n6, err) < 0)
		return err->code;
	n = devfs_allowed(sys->run, devfs_ruleset, cfg->device,
	                  NETWALL_MAX_DEVICES, err);
	if (n < 0)
		return error_wrap(err, "devfs_ruleset");
	cfg->n_device = (unsigned)n;
	return 0;
}

static int
open_wall(struct jail_sys *sys, struct error *err)
{
	char libexec[PATH_MAX];

	if (sys->wall != NULL)
		return 0;
	if (self_libexec(NULL, libexec, err) < 0)
		return err->code;
	return netwall_open(sys->run, libexec, &sys->wall, err);
}

/*
 * ICMP echo without raw sockets needs the jail's groups in a range that is the
 * whole network namespace's (icmp(7), ping_group_range). It is widened, never
 * narrowed: systemd has it open for everybody anyway.
 */
static void
allow_ping(const struct record *r, void (*warn)(void *arg, const char *line),
           void *arg)
{
	static const char path[] = "/proc/sys/net/ipv4/ping_group_range";
	long long base = dict_get_int(&r->d, REC_UID_BASE, 0);
	long long low = 1, high = 0, last = base + UID_RANGE - 1;
	cleanup_free char *text = NULL;
	char line[128];
	struct error err;

	if (dict_is(&r->d, "vnet", "new") ||
	    !dict_is_true(&r->d, "allow.raw_sockets") ||
	    file_read(AT_FDCWD, path, 64, &text, NULL, &err) < 0 ||
	    sscanf(text, "%lld %lld", &low, &high) != 2)
		return;
	if (low > high) {
		low = base;
		high = last;
	} else if (base < low) {
		low = base;
	} else if (last > high) {
		high = last;
	} else {
		return;
	}
	if (last > high)
		high = last;
	snprintf(line, sizeof(line), "%lld %lld", low, high);
	if (file_put(AT_FDCWD, path, line, &err) < 0)
		return;
	snprintf(
	    line, sizeof(line),
	    "allow.raw_sockets: net.ipv4.ping_group_range is now %lld %lld",
	    low, high);
	if (warn != NULL)
		warn(arg, line);
}

int
confine_attach(struct jail_sys *sys, const struct record *r, int group,
               unsigned devfs_ruleset,
               void (*warn)(void *arg, const char *line), void *arg,
               struct error *err)
{
	struct netwall_config cfg;
	char line[640];

	if (sys->nested) /* what holds our own jail holds its children */
		return 0;
	if (wall_config(sys, r, devfs_ruleset, &cfg, err) < 0)
		return err->code;
	allow_ping(r, warn, arg);
	if (open_wall(sys, err) == 0)
		return netwall_attach(sys->wall, group, &cfg, err);
	if (!cfg.vnet && (cfg.ip4 == NETWALL_NEW || cfg.ip6 == NETWALL_NEW))
		return error_wrap(err, "addresses need cgroup BPF");
	/* Without addresses to hold, the filter and the user namespace do. */
	snprintf(line, sizeof(line),
	         "no cgroup BPF here, device rules are "
	         "kept by its /dev alone: %s",
	         err->msg);
	if (warn != NULL)
		warn(arg, line);
	err->code = 0;
	return 0;
}

int
confine_update(struct jail_sys *sys, const struct record *r, struct error *err)
{
	struct netwall_config cfg;
	cleanup_close int group = -1;
	unsigned set = (unsigned)dict_get_int(&r->d, "devfs_ruleset", 0);

	if (sys->nested)
		return 0;
	if (wall_config(sys, r, set != 0 ? set : 4, &cfg, err) < 0 ||
	    sys_cgroup(sys, err) < 0 || open_wall(sys, err) < 0)
		return err->code;
	group = openat(sys->cg, dict_get(&r->d, REC_CGROUP),
	               O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group < 0)
		return error_sys(err, "open cgroup");
	return netwall_update(sys->wall, group, &cfg, err);
}

/* --- process rules ------------------------------------------------------ */

/* allow.mount counts with a type to mount, as on FreeBSD. */
static bool
may_mount(const struct dict *d)
{
	static const char type[] = "allow.mount.";

	if (!dict_is_true(d, "allow.mount") ||
	    dict_get_int(d, "enforce_statfs", 2) >= 2)
		return false;
	for (size_t i = 0; i < d->n; i++)
		if (strncmp(d->row[i].key, type, strlen(type)) == 0 &&
		    strcmp(d->row[i].val, "true") == 0)
			return true;
	return false;
}

struct jail_filter_flags
confine_flags(const struct dict *d)
{
	struct jail_filter_flags f = {
		.vnet = dict_is(d, "vnet", "new"),
		.sysvmsg = !dict_is(d, "sysvmsg", "disable"),
		.sysvsem = !dict_is(d, "sysvsem", "disable"),
		.sysvshm = !dict_is(d, "sysvshm", "disable"),
		.children = dict_get_int(d, "children.max", 0) > 0,
		.securelevel = (int)dict_get_int(d, "securelevel", -1),
		.set_hostname = dict_is_true(d, "allow.set_hostname"),
		.raw_sockets = dict_is_true(d, "allow.raw_sockets"),
		.chflags = dict_is_true(d, "allow.chflags"),
		.mount = may_mount(d),
		.quotas = dict_is_true(d, "allow.quotas"),
		.socket_af = dict_is_true(d, "allow.socket_af"),
		.mlock = dict_is_true(d, "allow.mlock"),
		.reserved_ports = dict_is_true(d, "allow.reserved_ports"),
		.read_msgbuf = dict_is_true(d, "allow.read_msgbuf"),
		.suser = dict_is_true(d, "allow.suser"),
		.unprivileged_proc_debug =
		    dict_is_true(d, "allow.unprivileged_proc_debug"),
	};

	f.ip4 = f.vnet || !dict_is(d, "ip4", "disable");
	f.ip6 = f.vnet || !dict_is(d, "ip6", "disable");
	return f;
}
