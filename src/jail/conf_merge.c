/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_merge.c - from blocks to jails: each jail gets, in file order, the
 * statements of every wildcard block that matches it and of its own block.
 *
 * Owns what a later statement does to an earlier one, and the messages about
 * names used twice. Variables are substituted after merging (conf_subst.c).
 * Source: jail.conf(5), "Wildcards"; jail(8), "Jail Parameters".
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "jail/conf.h"
#include "jail/conf_tree.h"

/*
 * The parameters whose names FreeBSD's jail(8) never lends to a variable, set
 * or not: those it looks at itself. Other names clash only with a parameter
 * that is there, so "$ip4 = 10.0.0.1;" is fine.
 */
static const char *const reserved[] = {
	"allow.chflags",
	"allow.dying",
	"allow.mount",
	"allow.raw_sockets",
	"allow.set_hostname",
	"allow.socket_af",
	"allow.sysvipc",
	"command",
	"depend",
	"devfs_ruleset",
	"exec.clean",
	"exec.consolelog",
	"exec.created",
	"exec.fib",
	"exec.jail_user",
	"exec.poststart",
	"exec.poststop",
	"exec.prepare",
	"exec.prestart",
	"exec.prestop",
	"exec.release",
	"exec.start",
	"exec.stop",
	"exec.system_jail_user",
	"exec.system_user",
	"exec.timeout",
	"host.hostname",
	"interface",
	"ip4.addr",
	"ip6.addr",
	"ip_hostname",
	"jid",
	"mount",
	"mount.devfs",
	"mount.fdescfs",
	"mount.fstab",
	"mount.procfs",
	"name",
	"path",
	"persist",
	"securelevel",
	"stop.timeout",
	"vnet",
	"vnet.interface",
	"zfs.dataset",
};

int
conf_step(struct conf_parser *p)
{
	if (p->steps++ >= CONF_MAX_STEPS)
		return conf_give_up(p, -E2BIG,
		                    "%s: too many parameters over all jails",
		                    p->file);
	return p->code;
}

void
conf_jail_error(struct conf_work *w, const char *fmt, ...)
{
	struct conf_parser *p = w->parser;
	cleanup_free char *text = NULL;
	va_list ap;
	int len;

	w->failed = true;
	if (p->n_jail_errors > CONF_MAX_ERRORS)
		return;
	if (p->n_jail_errors++ == CONF_MAX_ERRORS) {
		conf_report(p, "%s: too many errors", p->file);
		return;
	}
	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0) {
		text = NULL;
		conf_give_up(p, -ENOMEM, "%s: out of memory", p->file);
		return;
	}
	conf_report(p, "%s: %s", w->jail, text);
}

static bool
is_reserved(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (strcmp(reserved[i], name) == 0)
			return true;
	return false;
}

/* The slot a statement is about. Variables do not know "no". */
static struct conf_slot *
find_slot(struct conf_work *w, const struct conf_stmt *st)
{
	for (size_t i = 0; i < w->n; i++) {
		struct conf_slot *slot = &w->slot[i];

		if (slot->hash != st->hash)
			continue;
		if (slot->is_var || st->is_var
		        ? strcmp(slot->name, st->name) == 0
		        : conf_name_same(slot->name, st->name))
			return slot;
	}
	return NULL;
}

/* A new slot at the end; NULL: the jail has too many. */
static struct conf_slot *
add_slot(struct conf_work *w, const struct conf_stmt *st)
{
	struct conf_slot *slot;

	if (w->n == CONF_MAX_PARAMS) {
		conf_jail_error(w, "more than %d parameters", CONF_MAX_PARAMS);
		return NULL;
	}
	slot = &w->slot[w->n++];
	memset(slot, 0, sizeof(*slot));
	slot->name = st->name;
	slot->hash = st->hash;
	slot->is_var = st->is_var;
	slot->fixed = !st->is_var && (strcmp(st->name, "name") == 0 ||
	                              strcmp(st->name, "jid") == 0);
	if (st->is_var && is_reserved(st->name))
		conf_jail_error(w,
		                "variable \"$%s\" cannot have the same name as "
		                "a parameter.",
		                st->name);
	return slot;
}

/* Append the values of a statement to a slot. 0 or the parser's code. */
static int
add_values(struct conf_work *w, struct conf_slot *slot,
           const struct conf_stmt *st)
{
	for (const struct conf_string *s = st->first; s != NULL; s = s->next) {
		struct conf_value *v;

		if (conf_step(w->parser) < 0)
			return w->parser->code;
		v = conf_alloc(w->parser, sizeof(*v));
		if (v == NULL)
			return w->parser->code;
		v->string = s;
		if (slot->first == NULL)
			slot->first = v;
		else
			slot->last->next = v;
		slot->last = v;
		slot->has_vars |= s->has_vars;
	}
	return 0;
}

static int
merge_stmt(struct conf_work *w, const struct conf_stmt *st)
{
	struct conf_slot *slot = find_slot(w, st);

	if (conf_step(w->parser) < 0)
		return w->parser->code;
	if (slot == NULL) {
		slot = add_slot(w, st);
		return slot == NULL ? 0 : add_values(w, slot, st);
	}
	if (slot->is_var != st->is_var) {
		conf_jail_error(w,
		                "variable \"$%s\" cannot have the same name as "
		                "a parameter.",
		                st->name);
		return 0;
	}
	if (slot->fixed) {
		conf_jail_error(w, "cannot redefine parameter \"%s\".",
		                slot->name);
		return 0;
	}
	slot->name = st->name;
	if (st->op != CONF_ADD) {
		slot->first = slot->last = NULL;
		slot->has_vars = false;
	}
	return add_values(w, slot, st);
}

static int
merge_block(struct conf_work *w, const struct conf_block *b)
{
	for (const struct conf_stmt *st = b->first; st != NULL; st = st->next)
		if (merge_stmt(w, st) < 0)
			return w->parser->code;
	return 0;
}

static int
merge_wild(struct conf_work *w, const struct conf_block *b)
{
	if (conf_step(w->parser) < 0)
		return w->parser->code;
	return conf_wild_match(b->name, w->jail) ? merge_block(w, b) : 0;
}

/* What a block's name says: "name = NAME", or jid when it is a number. */
static int
merge_name(struct conf_work *w, const char *key)
{
	struct conf_piece *piece = conf_alloc(w->parser, sizeof(*piece));
	struct conf_string *s = conf_alloc(w->parser, sizeof(*s));
	struct conf_stmt st = { .name = key, .hash = conf_name_hash(key) };

	if (piece == NULL || s == NULL)
		return w->parser->code;
	piece->text = w->jail;
	piece->len = strlen(w->jail);
	s->first = s->last = piece;
	st.first = st.last = s;
	return merge_stmt(w, &st);
}

static bool
is_jid(const char *name)
{
	long long jid;

	return num_int(name, &jid) == 0 && jid != 0;
}

static bool
has_name(const struct conf_work *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (!w->slot[i].is_var && strcmp(w->slot[i].name, "name") == 0)
			return true;
	return false;
}

/* All blocks that concern a jail, in file order. */
static int
merge_blocks(struct conf_work *w, const struct conf_block *jail)
{
	struct conf_parser *p = w->parser;
	const struct conf_block *b = p->first_wild;

	for (; b != NULL && b->seq < jail->seq; b = b->next_wild)
		if (merge_wild(w, b) < 0)
			return p->code;
	if (merge_block(w, jail) < 0)
		return p->code;
	for (; b != NULL; b = b->next_wild)
		if (merge_wild(w, b) < 0)
			return p->code;
	return 0;
}

static int
merge_jail(struct conf_work *w, const struct conf_block *jail)
{
	struct conf_parser *p = w->parser;

	w->jail = jail->name;
	w->failed = false;
	w->n = 0;
	if (merge_name(w, is_jid(jail->name) ? "jid" : "name") < 0)
		return p->code;
	if (merge_blocks(w, jail) < 0)
		return p->code;
	return has_name(w) ? 0 : merge_name(w, "name");
}

/* Move the result of w into a jail; its values change owner. */
static int
take_jail(struct conf_work *w, struct conf_jail *j)
{
	j->failed = w->failed;
	j->name = strdup(w->jail);
	j->param = calloc(w->n, sizeof(*j->param));
	if (j->name == NULL || j->param == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < w->n_order; i++) {
		struct conf_slot *slot = w->order[i];
		struct conf_param *param = &j->param[j->n];

		if (slot->is_var)
			continue;
		param->name = strdup(slot->name);
		if (param->name == NULL)
			return -ENOMEM;
		param->values = slot->out;
		memset(&slot->out, 0, sizeof(slot->out));
		j->n++;
	}
	return 0;
}

static int
make_jail(struct conf_work *w, const struct conf_block *b, struct conf *c)
{
	struct conf_parser *p = w->parser;
	int rc = merge_jail(w, b);

	if (rc == 0)
		rc = conf_substitute(w);
	if (rc == 0)
		rc = conf_charge(p, w->n * sizeof(struct conf_param) +
		                        sizeof(struct conf_jail) + 256);
	if (rc == 0 && take_jail(w, &c->jail[c->n++]) < 0)
		rc = conf_give_up(p, -ENOMEM, "%s: out of memory", p->file);
	for (size_t i = 0; i < w->n; i++)
		strv_fini(&w->slot[i].out);
	return rc;
}

static int
make_jails(struct conf_parser *p, struct conf_work *w, struct conf *c)
{
	w->parser = p;
	for (const struct conf_block *b = p->first; b != NULL; b = b->next)
		if (!b->is_wild && make_jail(w, b, c) < 0)
			return p->code;
	return p->code; /* reporting may have run out of memory */
}

int
conf_merge(struct conf_parser *p, struct conf **out_conf)
{
	cleanup_free struct conf_work *w = malloc(sizeof(*w));
	struct conf *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->jail = calloc(p->n_blocks + 1, sizeof(*c->jail));
	if (w == NULL || c == NULL || c->jail == NULL) {
		conf_free(c);
		return conf_give_up(p, -ENOMEM, "%s: out of memory", p->file);
	}
	if (make_jails(p, w, c) < 0) {
		conf_free(c);
		return p->code;
	}
	*out_conf = c;
	return 0;
}
