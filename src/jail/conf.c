/* SPDX-License-Identifier: BSD-2-Clause */
/* conf.c - the entry to the jail.conf language, and jails as their readers see
 * them: found by name, added to from the command line, printed back.
 */
#include "jail/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"
#include "jail/conf_tree.h"

/* List parameters of the command line, whose values split at commas. */
static const char *const lists[] = {
	"ip4.addr",
	"ip6.addr",
	"vnet.interface",
	"zfs.dataset",
};

int
conf_parse(const char *file, const char *text, size_t len,
           const struct conf_env *env, struct conf **out_conf,
           struct error *err)
{
	struct error why;
	struct conf_parser p = { .env = env, .file = file, .err = &why };
	int rc = conf_tree_read(&p, file, text, len);

	if (rc == 0 && p.n_errors > 0)
		rc = conf_give_up(&p, -EINVAL, "%s: %u error%s", file,
		                  p.n_errors, p.n_errors == 1 ? "" : "s");
	if (rc == 0)
		rc = conf_merge(&p, out_conf);
	conf_tree_fini(&p);
	return rc == 0 ? 0 : error_set(err, rc, "%s", why.msg);
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		conf_jail_fini(&c->jail[i]);
	free(c->jail);
	free(c);
}

void
conf_jail_fini(struct conf_jail *j)
{
	for (size_t i = 0; i < j->n; i++) {
		free(j->param[i].name);
		strv_fini(&j->param[i].values);
	}
	free(j->param);
	free(j->name);
	memset(j, 0, sizeof(*j));
}

bool
conf_is_wild(const char *name)
{
	for (const char *s = strchr(name, '*'); s != NULL;
	     s = strchr(s + 1, '*'))
		if ((s == name || s[-1] == '.') &&
		    (s[1] == '\0' || s[1] == '.'))
			return true;
	return false;
}

bool
conf_wild_match(const char *wild, const char *name)
{
	for (;;) {
		size_t w = strcspn(wild, "."), n = strcspn(name, ".");
		bool star = w == 1 && wild[0] == '*';

		if (star && wild[w] == '\0')
			return true;
		if (!star && (w != n || memcmp(wild, name, w) != 0))
			return false;
		if (wild[w] == '\0' || name[n] == '\0')
			return wild[w] == name[n];
		wild += w + 1;
		name += n + 1;
	}
}

/*
 * A name in two parts: the bytes up to its last dot, and the rest without
 * "no". meta.KEY and env.KEY are the user's own words, never negations.
 */
static const char *
last_part(const char *name, size_t *out_prefix, bool *out_negated)
{
	const char *dot = strrchr(name, '.');
	const char *last = dot == NULL ? name : dot + 1;

	*out_prefix = (size_t)(last - name);
	*out_negated = strncmp(last, "no", 2) == 0 &&
	               strncmp(name, "meta.", 5) != 0 &&
	               strncmp(name, "env.", 4) != 0;
	return *out_negated ? last + 2 : last;
}

bool
conf_name_same(const char *a, const char *b)
{
	size_t a_prefix, b_prefix;
	bool a_no, b_no;
	const char *a_last = last_part(a, &a_prefix, &a_no);
	const char *b_last = last_part(b, &b_prefix, &b_no);

	return strcmp(a, b) == 0 ||
	       (a_prefix == b_prefix && memcmp(a, b, a_prefix) == 0 &&
	        a_no != b_no && strcmp(a_last, b_last) == 0);
}

/* FNV-1a over the two parts. */
uint32_t
conf_name_hash(const char *name)
{
	size_t prefix;
	bool no;
	const char *last = last_part(name, &prefix, &no);
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < prefix; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	for (; *last != '\0'; last++)
		h = (h ^ (unsigned char)*last) * 16777619u;
	return h;
}

static struct conf_param *
find(const struct conf_jail *j, const char *name)
{
	for (size_t i = 0; i < j->n; i++)
		if (conf_name_same(j->param[i].name, name))
			return &j->param[i];
	return NULL;
}

const struct conf_param *
conf_jail_get(const struct conf_jail *j, const char *name)
{
	return find(j, name);
}

const char *
conf_jail_last(const struct conf_jail *j, const char *name)
{
	const struct conf_param *p = find(j, name);

	return p == NULL || p->values.n == 0 ? NULL
	                                     : p->values.v[p->values.n - 1];
}

bool
conf_jail_is_true(const struct conf_jail *j, const char *name)
{
	const struct conf_param *p = find(j, name);
	const char *value = conf_jail_last(j, name);
	size_t prefix;
	bool negated;

	if (p == NULL)
		return false;
	last_part(p->name, &prefix, &negated);
	return negated ^ (value == NULL || strcasecmp(value, "true") == 0 ||
	                  strtol(value, NULL, 10) != 0);
}

/* A parameter of that name at the end of j, without values. */
static struct conf_param *
add_param(struct conf_jail *j, const char *name)
{
	struct conf_param *grown;
	char *copy;

	grown = reallocarray(j->param, j->n + 1, sizeof(*grown));
	if (grown == NULL)
		return NULL;
	j->param = grown;
	copy = strdup(name);
	if (copy == NULL)
		return NULL;
	memset(&grown[j->n], 0, sizeof(*grown));
	grown[j->n].name = copy;
	return &grown[j->n++];
}

/* What a word of the command line does to a parameter that is there. */
static int
change_param(struct conf_param *p, const char *name, const char *value)
{
	char *copy = strdup(name);

	if (copy == NULL)
		return -ENOMEM;
	if (value == NULL)
		strv_fini(&p->values);
	else if (strv_push(&p->values, value) < 0) {
		free(copy);
		return -ENOMEM;
	}
	free(p->name);
	p->name = copy;
	return 0;
}

int
conf_jail_add(struct conf_jail *j, const char *name, const char *value,
              struct error *err)
{
	struct conf_param *p = find(j, name);
	size_t had = j->n;

	if (value != NULL && strlen(value) > CONF_MAX_STRING)
		return error_set(err, -E2BIG, "%s: value longer than %d bytes",
		                 name, CONF_MAX_STRING);
	if (p != NULL && value != NULL && p->values.n >= CONF_MAX_VALUES)
		return error_set(err, -E2BIG, "%s: more than %d values", name,
		                 CONF_MAX_VALUES);
	if (p != NULL &&
	    (strcmp(p->name, "name") == 0 || strcmp(p->name, "jid") == 0))
		return error_set(err, -EINVAL,
		                 "cannot redefine parameter \"%s\".", p->name);
	if (p == NULL) {
		if (j->n >= CONF_MAX_PARAMS)
			return error_set(err, -E2BIG, "more than %d parameters",
			                 CONF_MAX_PARAMS);
		p = add_param(j, name);
	}
	if (p == NULL || change_param(p, name, value) < 0) {
		if (j->n > had) {
			free(j->param[--j->n].name);
			strv_fini(&j->param[j->n].values);
		}
		return error_set(err, -ENOMEM, "%s: out of memory", name);
	}
	return 0;
}

static bool
is_list(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (strcmp(lists[i], name) == 0)
			return true;
	return false;
}

static int
add_list(struct conf_jail *j, const char *name, const char *values,
         struct error *err)
{
	cleanup_strv struct strv part = STRV_INIT;

	if (strv_split(&part, values, ",", true) < 0)
		return error_set(err, -ENOMEM, "%s: out of memory", name);
	for (size_t i = 0; i < part.n; i++)
		if (conf_jail_add(j, name, part.v[i], err) < 0)
			return err->code;
	return 0;
}

int
conf_jail_add_arg(struct conf_jail *j, const char *arg, struct error *err)
{
	size_t len = strcspn(arg, "=");
	const char *value = arg[len] == '=' ? arg + len + 1 : NULL;
	cleanup_free char *name = strndup(arg, len);

	if (name == NULL)
		return error_set(err, -ENOMEM, "%s: out of memory", arg);
	if (len == 0)
		return error_set(err, -EINVAL, "unknown parameter: %s", arg);
	if (value != NULL && is_list(name))
		return add_list(j, name, value, err);
	return conf_jail_add(j, name, value, err);
}

void
conf_put_quoted(struct buf *out, const char *value)
{
	char quote = '\0';

	if (*value == '\0' || strchr(value, '\'') != NULL)
		quote = '"';
	else if (strchr(value, '"') != NULL)
		quote = '\'';
	else if (strpbrk(value, " \t") != NULL)
		quote = '"';
	if (quote != '\0')
		buf_putc(out, quote);
	for (; *value != '\0'; value++) {
		if (*value == '\\' || (quote != '\0' && *value == quote))
			buf_putc(out, '\\');
		buf_putc(out, *value);
	}
	if (quote != '\0')
		buf_putc(out, quote);
}

void
conf_put_values(struct buf *out, const struct conf_param *p, char sep)
{
	for (size_t i = 0; i < p->values.n; i++) {
		if (i > 0)
			buf_putc(out, sep);
		conf_put_quoted(out, p->values.v[i]);
	}
}

void
conf_put_jail(struct buf *out, const struct conf_jail *j, const char *sep)
{
	const char *between = "";

	for (size_t i = 0; i < j->n; i++) {
		const struct conf_param *p = &j->param[i];

		if (strcmp(p->name, "jid") == 0)
			continue;
		buf_puts(out, between);
		between = sep;
		buf_puts(out, p->name);
		if (p->values.n > 0)
			buf_putc(out, '=');
		conf_put_values(out, p, ',');
	}
}
