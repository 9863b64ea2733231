/* SPDX-License-Identifier: BSD-2-Clause */
/* ruleset.c - the tree of anchors. */
#include "pf/ruleset.h"

#include <string.h>

#include "pf/names.h"
#include "pf/pf.h"

struct pf_config *
pf_config_new(void)
{
	struct pf_config *conf = calloc(1, sizeof(*conf));

	if (conf == NULL)
		return NULL;
	conf->arena = (struct arena)ARENA_INIT(PF_MAX_TOTAL_BYTES);
	conf->main = arena_alloc(&conf->arena, sizeof(*conf->main));
	if (conf->main == NULL) {
		pf_config_free(conf);
		return NULL;
	}
	conf->main->name = conf->main->path = "";
	conf->opts.optimize = PF_OPT_BASIC;
	for (unsigned t = 0; t < PF_NTIMEOUTS; t++)
		conf->opts.timeout[t] = pf_timeout_default((enum pf_timeout)t);
	return conf;
}

void
pf_config_free(struct pf_config *conf)
{
	while (conf != NULL) {
		struct pf_config *held = conf->held;

		buf_fini(&conf->echo);
		arena_fini(&conf->arena);
		free(conf);
		conf = held;
	}
}

struct pf_ruleset *
pf_ruleset_child(const struct pf_ruleset *rs, const char *name)
{
	struct pf_ruleset *c = rs->child;

	while (c != NULL && strcmp(c->name, name) != 0)
		c = c->next;
	return c;
}

/* Children are kept in alphabetical order, the order of wildcard anchors. */
static struct pf_ruleset *
child_new(struct pf_config *conf, struct pf_ruleset *rs, const char *name)
{
	struct pf_ruleset *c = arena_alloc(&conf->arena, sizeof(*c));
	struct pf_ruleset **at = &rs->child;

	if (c == NULL)
		return NULL;
	c->name = arena_strdup(&conf->arena, name);
	c->path = arena_printf(&conf->arena, "%s%s%s", rs->path,
	                       rs->path[0] != '\0' ? "/" : "", name);
	if (c->name == NULL || c->path == NULL)
		return NULL;
	c->parent = rs;
	while (*at != NULL && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	c->next = *at;
	*at = c;
	return c;
}

struct pf_ruleset *
pf_ruleset_get(struct pf_config *conf, struct pf_ruleset *base,
               const char *path)
{
	struct pf_ruleset *rs = path[0] == '/' ? conf->main : base;
	char name[PF_ANCHOR_SIZE];

	if (strlen(rs->path) + strlen(path) >= PF_PATH_SIZE)
		return NULL;
	for (;;) {
		size_t len;
		struct pf_ruleset *c;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0)
			return rs;
		if (len >= sizeof(name))
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		path += len;
		if (strcmp(name, "..") == 0) {
			rs = rs->parent != NULL ? rs->parent : rs;
			continue;
		}
		c = pf_ruleset_child(rs, name);
		rs = c != NULL ? c : child_new(conf, rs, name);
		if (rs == NULL)
			return NULL;
	}
}

struct pf_ruleset *
pf_ruleset_next(const struct pf_ruleset *top, const struct pf_ruleset *rs)
{
	if (rs->child != NULL)
		return rs->child;
	while (rs != top && rs->next == NULL)
		rs = rs->parent;
	return rs == top ? NULL : rs->next;
}

struct pf_ruleset *
pf_ruleset_find(const struct pf_config *conf, const char *path)
{
	for (struct pf_ruleset *rs = conf->main; rs != NULL;
	     rs = pf_ruleset_next(conf->main, rs))
		if (strcmp(rs->path, path) == 0)
			return rs;
	return NULL;
}

void
pf_rules_add(struct pf_config *conf, struct pf_ruleset *rs, struct pf_rule *r)
{
	struct pf_rules *l = &rs->rules[r->kind];

	r->nr = l->n++;
	r->ruleset = rs;
	r->next = NULL;
	if (l->first == NULL)
		l->first = r;
	else
		l->last->next = r;
	l->last = r;
	conf->n_rules++;
}

void
pf_rule_turn(const struct pf_rule *r, struct pf_rule *out)
{
	*out = *r;
	memset(&out->dst, 0, sizeof(out->dst));
	out->src = r->dst;
	out->src.port.op = PF_OP_NONE;
	if (r->nat.n > 0)
		out->dst.addr = r->nat.target[0].addr;
}

struct pf_table *
pf_table_here(const struct pf_ruleset *rs, const char *name)
{
	struct pf_table *t = rs->table;

	while (t != NULL && strcmp(t->name, name) != 0)
		t = t->next;
	return t;
}

struct pf_table *
pf_table_find(const struct pf_ruleset *rs, const char *name)
{
	struct pf_table *t = pf_table_here(rs, name);

	while (t == NULL && rs->parent != NULL) {
		rs = rs->parent;
		if (rs->parent == NULL)
			t = pf_table_here(rs, name);
	}
	return t;
}
