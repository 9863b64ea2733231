/* SPDX-License-Identifier: BSD-2-Clause */
/* run_plan.c - one jail's parameters, checked and turned into commands. */
#include "jail/run_plan.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/num.h"
#include "jail/fstab.h"
#include "jail/param.h"
#include "linux/file.h"
#include "linux/resolve.h"

/* What is at work while one plan is built. */
struct builder {
	struct plan *p;
	const struct conf_jail *j;
	enum plan_use use;
	bool (*maps_tmpfs)(void);
	void (*report)(void *arg, const char *line);
	void *arg;
	int rc; /* the first thing that went wrong */
};

static void
report(struct builder *b, const struct error *err)
{
	b->report(b->arg, err->msg);
	if (b->rc == 0 || err->code == -ENOMEM)
		b->rc = err->code;
}

/* After that the plan may hold half a mount: nothing more is looked at. */
static bool
is_out_of_memory(const struct builder *b)
{
	return b->rc == -ENOMEM;
}

static void
check_mem(struct builder *b, int rc)
{
	if (rc < 0 && !is_out_of_memory(b)) {
		b->rc = -ENOMEM;
		b->report(b->arg, "out of memory");
	}
}

/*
 * One address as jail.conf gives it: IFACE|ADDR/MASK words. All pieces but addr
 * may be absent (NULL, or empty words).
 */
struct addr_parts {
	char *text; /* cut into the pieces below */
	const char *iface, *addr, *mask;
	struct strv words;
};

static void
addr_parts_fini(struct addr_parts *a)
{
	free(a->text);
	strv_fini(&a->words);
}

static int
addr_split(const char *value, struct addr_parts *a)
{
	char *p, *bar, *addr;

	*a = (struct addr_parts){ .text = strdup(value) };
	if (a->text == NULL)
		return -ENOMEM;
	p = a->text;
	bar = strchr(p, '|');
	if (bar != NULL) {
		*bar = '\0';
		a->iface = *p != '\0' ? p : NULL;
		p = bar + 1;
	}
	a->addr = addr = p;
	p += strcspn(p, " \t");
	if (*p != '\0') {
		*p++ = '\0';
		if (strv_split(&a->words, p, " \t", false) < 0)
			return -ENOMEM;
	}
	p = strchr(addr, '/');
	if (p != NULL) {
		*p = '\0';
		a->mask = p + 1;
	}
	return 0;
}

static int
push_all(struct strv *argv, const char *const *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (word[i] != NULL && strv_push(argv, word[i]) < 0)
			return -ENOMEM;
	return 0;
}

/* The ifconfig(8) words that name the address: A/N, or A and its mask. */
static int
push_addr(struct strv *argv, const char *iface, bool is_v6,
          const struct addr_parts *a)
{
	const char *head[] = { "/sbin/ifconfig", iface,
		               is_v6 ? "inet6" : "inet" };

	if (push_all(argv, head, ARRAY_LEN(head)) < 0)
		return -ENOMEM;
	if (a->mask != NULL && (is_v6 || strchr(a->mask, '.') == NULL))
		return strv_pushf(argv, "%s/%s", a->addr, a->mask);

	const char *tail[] = { a->addr, is_v6 ? "prefixlen" : "netmask",
		               a->mask != NULL ? a->mask
		               : is_v6         ? "128"
		                               : "255.255.255.255" };

	return push_all(argv, tail, ARRAY_LEN(tail));
}

static int
add_alias(struct plan *p, const char *param, bool is_v6, const char *iface,
          const struct addr_parts *a)
{
	struct plan_alias *al =
	    reallocarray(p->alias, p->n_alias + 1, sizeof(*al));

	if (al == NULL)
		return -ENOMEM;
	p->alias = al;
	al += p->n_alias++;
	*al = (struct plan_alias){ .param = param, .addr = strdup(a->addr) };
	if (al->addr == NULL || push_addr(&al->up, iface, is_v6, a) < 0 ||
	    push_addr(&al->down, iface, is_v6, a) < 0 ||
	    strv_extend(&al->up, &a->words) < 0 ||
	    strv_push(&al->up, "alias") < 0 ||
	    strv_push(&al->down, "-alias") < 0)
		return -ENOMEM;
	return 0;
}

/* An interface, a mask or words, and no address. */
static void
report_no_address(struct builder *b, const char *param, bool is_v6)
{
	struct error err;

	error_set(&err, -EINVAL, "%s: not an IPv%c address: ", param,
	          is_v6 ? '6' : '4');
	report(b, &err);
}

/* The addresses of one parameter: bare ones to out, aliases to the plan. */
static int
plan_addrs(struct builder *b, const char *param, const struct strv *values,
           struct strv *out)
{
	const char *common = conf_jail_last(b->j, "interface");
	bool is_v6 = strcmp(param, "ip6.addr") == 0;
	int rc = 0;

	for (size_t i = 0; i < values->n && rc == 0; i++) {
		struct addr_parts a;
		const char *iface;

		rc = addr_split(values->v[i], &a);
		iface = a.iface != NULL ? a.iface : common;
		if (rc == 0 && *a.addr == '\0' && *values->v[i] != '\0' &&
		    b->use != PLAN_REMOVE)
			report_no_address(b, param, is_v6);
		if (rc == 0 && *a.addr != '\0')
			rc = strv_push(out, a.addr);
		if (rc == 0 && *a.addr != '\0' && iface != NULL)
			rc = add_alias(b->p, param, is_v6, iface, &a);
		addr_parts_fini(&a);
	}
	return rc;
}

/* Append what the resolver says host.hostname is to the two address lists. */
static void
resolve_hostname(struct builder *b, struct strv addr[2])
{
	const char *host = conf_jail_last(b->j, "host.hostname");
	struct error err, why;
	int rc;

	if (host == NULL)
		return;
	rc = resolve_host(host, &addr[0], &addr[1], &why);
	if (rc == -ENOMEM)
		check_mem(b, rc);
	else if (rc < 0) {
		error_set(&err, -EINVAL, "host.hostname %.400s", why.msg);
		report(b, &err);
	}
}

/* meta.KEY and env.KEY: "=VALUE", or "" to remove it. */
static void
import_key(struct builder *b, const struct conf_param *cp)
{
	const char *val =
	    cp->values.n > 0 ? cp->values.v[cp->values.n - 1] : NULL;

	check_mem(b, dict_setf(&b->p->keys, cp->name, "%s%s",
	                       val != NULL ? "=" : "", val != NULL ? val : ""));
}

/* Put one parameter's canonical text where it belongs. */
static void
import(struct builder *b, const struct param *prm, const char *key,
       bool negated, const struct strv *values)
{
	cleanup_free char *text = NULL;
	struct error err;

	if (param_import(prm, negated, values, &text, &err) < 0 ||
	    (b->use != PLAN_REMOVE && param_check(prm, text, &err) < 0)) {
		report(b, &err);
		return;
	}
	check_mem(
	    b, dict_set(prm->pseudo ? &b->p->own : &b->p->kernel, key, text));
}

static void
plan_addresses(struct builder *b)
{
	static const char *const name[2] = { "ip4.addr", "ip6.addr" };
	struct strv addr[2] = { STRV_INIT, STRV_INIT };
	bool is_given[2];

	for (size_t i = 0; i < 2; i++) {
		const struct conf_param *cp = conf_jail_get(b->j, name[i]);

		is_given[i] = cp != NULL;
		if (cp != NULL)
			check_mem(
			    b, plan_addrs(b, name[i], &cp->values, &addr[i]));
	}
	if (conf_jail_is_true(b->j, "ip_hostname") && b->use != PLAN_REMOVE) {
		struct strv found[2] = { STRV_INIT, STRV_INIT };

		resolve_hostname(b, found);
		for (size_t i = 0; i < 2; i++) {
			if (found[i].n > 0) {
				is_given[i] = true;
				check_mem(b, plan_addrs(b, name[i], &found[i],
				                        &addr[i]));
			}
			strv_fini(&found[i]);
		}
	}
	for (size_t i = 0; i < 2; i++) {
		bool no;

		if (is_given[i] && b->use != PLAN_REMOVE)
			import(b, param_find(name[i], &no), name[i], false,
			       &addr[i]);
		strv_fini(&addr[i]);
	}
}

static bool
is_address(const char *name)
{
	return strcmp(name, "ip4.addr") == 0 || strcmp(name, "ip6.addr") == 0;
}

/* All parameters but addresses, in merge order. */
static void
plan_params(struct builder *b)
{
	for (size_t i = 0; i < b->j->n; i++) {
		const struct conf_param *cp = &b->j->param[i];
		bool negated;
		const struct param *prm = param_find(cp->name, &negated);
		struct error err;

		if (prm == NULL && b->use == PLAN_REMOVE)
			continue;
		if (prm == NULL) {
			error_set(&err, -EINVAL, "unknown parameter: %s",
			          cp->name);
			report(b, &err);
			continue;
		}
		if (is_address(prm->name)) {
			/* Keeps its place in the order; filled in later. */
			if (b->use != PLAN_REMOVE)
				check_mem(
				    b, dict_set(&b->p->kernel, prm->name, ""));
			continue;
		}
		if (!prm->pseudo && b->use == PLAN_REMOVE)
			continue;
		if (prm->type == PARAM_STRING && !prm->pseudo &&
		    strcmp(prm->name, cp->name) != 0)
			import_key(b, cp);
		else
			import(b, prm, prm->name, negated, &cp->values);
	}
}

/* Types that live in the jail's own mounts, never on the host. */
static bool
is_inside_type(const char *type)
{
	static const char *const types[] = { "devfs", "fdescfs", "procfs",
		                             "linprocfs", "linsysfs" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* The part of where below the jail's root, with its slash; NULL: elsewhere. */
static const char *
below_root(const char *root, const char *where)
{
	size_t len = root != NULL ? strlen(root) : 0;

	while (len > 0 && root[len - 1] == '/')
		len--;
	if (root == NULL || strncmp(where, root, len) != 0 || where[len] != '/')
		return NULL;
	return where + len;
}

/* Does where lie in a mount that only exists inside? */
static bool
is_in_inner_mount(const struct plan *p, const char *where)
{
	for (size_t i = 0; i < p->n_mount; i++)
		if (p->mount[i].below != NULL &&
		    below_root(p->mount[i].where, where) != NULL)
			return true;
	return false;
}

/* Room for one more, zeroed; NULL: out of memory, reported. */
static struct plan_mount *
grow_mounts(struct builder *b)
{
	struct plan *p = b->p;
	struct plan_mount *m =
	    reallocarray(p->mount, p->n_mount + 1, sizeof(*m));

	if (m == NULL) {
		check_mem(b, -ENOMEM);
		return NULL;
	}
	p->mount = m;
	m += p->n_mount++;
	*m = (struct plan_mount){ 0 };
	return m;
}

/* Must a tmpfs of the host stay nobody's in the jail? */
static bool
is_tmpfs_foreign(const struct builder *b, const struct plan_mount *m)
{
	return strcmp(m->type, "tmpfs") == 0 && b->maps_tmpfs != NULL &&
	       below_root(b->p->path, m->where) != NULL && !b->maps_tmpfs();
}

/*
 * Decide where a new mount is made. What lies in a mount inside can only be
 * made there, and there only these types can be made.
 */
static void
place_mount(struct builder *b, struct plan_mount *m, bool in_inner)
{
	struct error err;

	if (!is_inside_type(m->type) && !in_inner && !is_tmpfs_foreign(b, m))
		return;
	if (!is_inside_type(m->type) && strcmp(m->type, "tmpfs") != 0) {
		error_set(&err, -EOPNOTSUPP,
		          "%s: %s: a %s mount cannot be made below one that "
		          "only the jail has",
		          m->param, m->where, m->type);
		report(b, &err);
		return;
	}
	m->below = below_root(b->p->path, m->where);
	if (m->below != NULL)
		return;
	if (b->p->path == NULL)
		error_set(&err, -EINVAL, "%s: no jail root path defined",
		          m->param);
	else
		error_set(&err, -EINVAL, "%s: %s: not below the jail's path",
		          m->param, m->where);
	report(b, &err);
}

/* The ruleset that a devfs gets when its options name none. */
static const char *
devfs_ruleset(const struct conf_jail *j)
{
	const char *set = conf_jail_last(j, "devfs_ruleset");

	return set != NULL ? set : "4";
}

/* The options the jail's own mount is made with; a devfs is never without
 * rules, whatever the line left out. */
static int
inner_opts(struct builder *b, struct plan_mount *m, const char *opts)
{
	struct buf buf = BUF_INIT;

	buf_puts(&buf, opts != NULL ? opts : "");
	if (strcmp(m->type, "devfs") == 0 &&
	    (opts == NULL || strstr(opts, "ruleset=") == NULL))
		buf_printf(&buf, "%sruleset=%s", buf.len > 0 ? "," : "",
		           devfs_ruleset(b->j));
	m->opts = buf_take(&buf);
	return m->opts != NULL ? 0 : -ENOMEM;
}

/* A mount as a line of fstab(5) gives it. */
static void
add_line(struct builder *b, const char *param, const struct fstab_line *l)
{
	const char *up[] = { "/sbin/mount", "-t",
		             l->type,       l->opts != NULL ? "-o" : NULL,
		             l->opts,       l->what,
		             l->where };
	const char *down[] = { "/sbin/umount", "-t", l->type, l->where };
	bool in_inner = is_in_inner_mount(b->p, l->where);
	struct plan_mount *m = grow_mounts(b);

	if (m == NULL)
		return;
	m->param = param;
	m->type = strdup(l->type);
	m->where = strdup(l->where);
	if (m->type == NULL || m->where == NULL) {
		check_mem(b, -ENOMEM);
		return;
	}
	check_mem(b, inner_opts(b, m, l->opts));
	check_mem(b, push_all(&m->up, up, ARRAY_LEN(up)));
	check_mem(b, push_all(&m->down, down, ARRAY_LEN(down)));
	if (l->where[0] != '/') {
		struct error err;

		error_set(&err, -EINVAL, "%s: %s: not an absolute pathname",
		          param, l->where);
		report(b, &err);
		return;
	}
	place_mount(b, m, in_inner);
}

static void
plan_line(struct builder *b, const char *param, const char *text, size_t len)
{
	struct fstab_line l;
	struct error err;
	int rc;

	if (is_out_of_memory(b))
		return;
	rc = fstab_parse(text, len, &l, &err);
	if (rc < 0) {
		error_wrap(&err, "%s", param);
		report(b, &err);
	} else if (rc > 0) {
		add_line(b, param, &l);
		fstab_line_fini(&l);
	}
}

static void
plan_fstab(struct builder *b, const char *file)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	struct error err;

	if (file_read(AT_FDCWD, file, FSTAB_MAX_BYTES, &text, &len, &err) < 0) {
		error_set(&err, err.code, "mount.fstab: %s: %s", file,
		          strerror(-err.code));
		report(b, &err);
		return;
	}
	for (size_t at = 0, n; at < len && b->rc == 0; at += n + 1) {
		const char *end = memchr(text + at, '\n', len - at);

		n = end != NULL ? (size_t)(end - text) - at : len - at;

		if (b->p->n_mount >= FSTAB_MAX_LINES) {
			error_set(&err, -E2BIG,
			          "mount.fstab: %s: more than %d mounts", file,
			          FSTAB_MAX_LINES);
			report(b, &err);
			return;
		}
		plan_line(b, "mount.fstab", text + at, n);
	}
}

/* mount.devfs and its two siblings. */
static void
add_inner(struct builder *b, const char *param, const char *type,
          const char *below, const char *option, bool is_silent)
{
	struct plan_mount *m;
	const char *root = b->p->path == NULL && is_silent ? "/" : b->p->path;
	struct error err;
	size_t len = root != NULL ? strlen(root) : 0;

	if (is_out_of_memory(b))
		return;
	if (root == NULL) {
		error_set(&err, -EINVAL, "%s: no jail root path defined",
		          param);
		report(b, &err);
		return;
	}
	while (len > 0 && root[len - 1] == '/')
		len--;
	m = grow_mounts(b);
	if (m == NULL)
		return;
	m->param = param;
	m->is_silent = is_silent;
	m->type = strdup(type);
	m->where = malloc(len + strlen(below) + 1);
	if (m->type == NULL || m->where == NULL) {
		check_mem(b, -ENOMEM);
		return;
	}
	memcpy(m->where, root, len);
	memcpy(m->where + len, below, strlen(below) + 1);
	m->below = m->where + len;
	check_mem(b, inner_opts(b, m, option != NULL ? option + 2 : NULL));

	const char *up[] = { "/sbin/mount", "-t", type, option, ".", m->where };
	const char *down[] = { "/sbin/umount", m->where };

	check_mem(b, push_all(&m->up, up, ARRAY_LEN(up)));
	check_mem(b, push_all(&m->down, down, ARRAY_LEN(down)));
}

static bool
has_mount_at(const struct plan *p, const char *below)
{
	for (size_t i = 0; i < p->n_mount; i++) {
		const char *at = below_root(p->path, p->mount[i].where);

		if (at != NULL && strcmp(at, below) == 0)
			return true;
	}
	return false;
}

/*
 * Is this mount to be made though no line asks for it? /proc is, unless refused
 * by name: Linux programs need it. Under "/" both are, whatever the words say:
 * on FreeBSD such a jail has the host's own, where ours would find the bare
 * directories beneath and write to the host's disk what goes to /dev/null.
 */
static bool
wants_unasked(const struct builder *b, const char *param, const char *below)
{
	const bool shares_root =
	    b->p->path == NULL || strcmp(b->p->path, "/") == 0;

	if (is_out_of_memory(b) || b->use != PLAN_CREATE ||
	    has_mount_at(b->p, below))
		return false;
	return shares_root || (strcmp(param, "mount.procfs") == 0 &&
	                       conf_jail_get(b->j, param) == NULL);
}

static void
plan_mounts(struct builder *b)
{
	const struct conf_param *cp = conf_jail_get(b->j, "mount");
	struct buf option = BUF_INIT;

	for (size_t i = 0; cp != NULL && i < cp->values.n; i++)
		plan_line(b, "mount", cp->values.v[i], strlen(cp->values.v[i]));
	cp = conf_jail_get(b->j, "mount.fstab");
	for (size_t i = 0; cp != NULL && i < cp->values.n; i++)
		plan_fstab(b, cp->values.v[i]);
	if (dict_is_true(&b->p->own, "mount.devfs")) {
		buf_printf(&option, "-oruleset=%s", devfs_ruleset(b->j));
		add_inner(b, "mount.devfs", "devfs", "/dev", buf_str(&option),
		          false);
	} else if (wants_unasked(b, "mount.devfs", "/dev")) {
		add_inner(b, "mount.devfs", "devfs", "/dev", NULL, true);
	}
	if (dict_is_true(&b->p->own, "mount.fdescfs"))
		add_inner(b, "mount.fdescfs", "fdescfs", "/dev/fd", NULL,
		          false);
	if (dict_is_true(&b->p->own, "mount.procfs"))
		add_inner(b, "mount.procfs", "procfs", "/proc", NULL, false);
	else if (wants_unasked(b, "mount.procfs", "/proc"))
		add_inner(b, "mount.procfs", "procfs", "/proc", NULL, true);
	buf_fini(&option);
}

/* The jail's root: as written, but a relative one of the command line is taken
 * from here. */
static void
plan_path(struct builder *b)
{
	const char *path = conf_jail_last(b->j, "path");
	struct error err;

	if (path == NULL)
		return;
	if (path[0] == '/' || b->j->name != NULL) {
		b->p->path = strdup(path);
		check_mem(b, b->p->path != NULL ? 0 : -ENOMEM);
		return;
	}
	b->p->path = realpath(path, NULL);
	if (b->p->path == NULL) {
		error_sys(&err, "path %s", path);
		report(b, &err);
	}
}

static void
plan_name(struct builder *b)
{
	const char *name = conf_jail_last(b->j, "name");
	const char *jid = conf_jail_last(b->j, "jid");

	if (name == NULL)
		name = jid != NULL ? jid : b->j->name;
	if (name != NULL) {
		b->p->name = strdup(name);
		check_mem(b, b->p->name != NULL ? 0 : -ENOMEM);
	}
}

int
plan_build(struct plan *p, const struct conf_jail *j, enum plan_use use,
           bool (*maps_tmpfs)(void),
           void (*report_fn)(void *arg, const char *line), void *arg)
{
	struct builder b = { p, j, use, maps_tmpfs, report_fn, arg, 0 };

	*p = (struct plan){ 0 };
	plan_name(&b);
	plan_path(&b);
	plan_params(&b);
	if (b.p->path != NULL && use != PLAN_REMOVE)
		check_mem(&b, dict_set(&p->kernel, "path", p->path));
	plan_addresses(&b);
	if (use != PLAN_MODIFY)
		plan_mounts(&b);
	if (b.rc == 0)
		return 0;
	return is_out_of_memory(&b) ? -ENOMEM : -EINVAL;
}

void
plan_fini(struct plan *p)
{
	for (size_t i = 0; i < p->n_alias; i++) {
		free(p->alias[i].addr);
		strv_fini(&p->alias[i].up);
		strv_fini(&p->alias[i].down);
	}
	for (size_t i = 0; i < p->n_mount; i++) {
		free(p->mount[i].type);
		free(p->mount[i].where);
		free(p->mount[i].opts);
		strv_fini(&p->mount[i].up);
		strv_fini(&p->mount[i].down);
	}
	free(p->alias);
	free(p->mount);
	free(p->name);
	free(p->path);
	dict_fini(&p->kernel);
	dict_fini(&p->own);
	dict_fini(&p->keys);
	*p = (struct plan){ 0 };
}
