/* SPDX-License-Identifier: BSD-2-Clause */
/* config.c - the tree of dotted names, its readers and its dump.
 *
 * Children hang in a sorted list: numbers in numeric order before words, so
 * that slots come as a user counts them. Expanded values are kept at the node
 * until its next change, so that what config_get() gave stays.
 */
#include "vmm/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/num.h"

struct config_node {
	struct config *config;
	struct config_node *parent, *first, *next;
	char *value;    /* NULL: a node or not set */
	char *expanded; /* of value; NULL: not asked for yet */
	char name[];
};

struct config {
	struct config_node *root;
	size_t nodes;
};

static struct config_node *
node_new(struct config *c, const char *name, size_t len)
{
	struct config_node *n = calloc(1, sizeof(*n) + len + 1);

	if (n == NULL)
		return NULL;
	n->config = c;
	memcpy(n->name, name, len);
	return n;
}

static void
node_free(struct config_node *n)
{
	while (n != NULL) {
		struct config_node *next = n->next;

		node_free(n->first); /* depth is bounded by CONFIG_MAX_DEPTH */
		free(n->value);
		free(n->expanded);
		free(n);
		n = next;
	}
}

int
config_new(struct config **out_cfg, struct error *err)
{
	struct config *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->root = node_new(c, "", 0);
	if (c == NULL || c->root == NULL) {
		free(c);
		return error_set(err, -ENOMEM, "configuration");
	}
	*out_cfg = c;
	return 0;
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	node_free(c->root);
	free(c);
}

struct config_node *
config_root(struct config *c)
{
	return c->root;
}

const struct config_node *
config_top(const struct config_node *n)
{
	return n->config->root;
}

const char *
config_name(const struct config_node *n)
{
	return n->name;
}

struct config_node *
config_first(const struct config_node *n)
{
	return n->first;
}

struct config_node *
config_next(const struct config_node *n)
{
	return n->next;
}

/* Numbers by value, then words by bytes. */
static int
order(const char *a, const char *b)
{
	uint64_t x, y;
	bool na = num_u64(a, &x) == 0, nb = num_u64(b, &y) == 0;

	if (na && nb && x != y)
		return x < y ? -1 : 1;
	if (na != nb)
		return na ? -1 : 1;
	return strcmp(a, b);
}

static struct config_node *
child(const struct config_node *n, const char *name, size_t len)
{
	for (struct config_node *c = n->first; c != NULL; c = c->next)
		if (strlen(c->name) == len && memcmp(c->name, name, len) == 0)
			return c;
	return NULL;
}

static struct config_node *
add_child(struct config_node *n, const char *name, size_t len)
{
	struct config_node *c = node_new(n->config, name, len), **at;

	if (c == NULL)
		return NULL;
	for (at = &n->first; *at != NULL && order((*at)->name, c->name) < 0;
	     at = &(*at)->next)
		;
	c->parent = n;
	c->next = *at;
	*at = c;
	n->config->nodes++;
	return c;
}

struct config_node *
config_find(struct config_node *n, const char *name)
{
	while (n != NULL && *name != '\0') {
		size_t len = strcspn(name, ".");

		n = child(n, name, len);
		name += len + (name[len] == '.');
	}
	return n;
}

struct config_node *
config_make(struct config_node *n, const char *name, struct error *err)
{
	const char *p = name;
	size_t len = strlen(name);
	unsigned depth = 0;

	for (const struct config_node *up = n; up->parent != NULL;
	     up = up->parent) {
		len += strlen(up->name) + 1;
		depth++;
	}
	if (len >= CONFIG_MAX_NAME) {
		error_set(err, -E2BIG, "'%.40s...': name is too long", name);
		return NULL;
	}
	/* Neither would come back from a dump. */
	if (name[0] == '#' || strpbrk(name, "=\n") != NULL) {
		error_set(err, -EINVAL, "'%s' is no name", name);
		return NULL;
	}
	while (*p != '\0') {
		struct config_node *c;

		len = strcspn(p, ".");
		c = child(n, p, len);
		if (len == 0 || p[len + (p[len] == '.')] == '.' ||
		    (p[len] == '.' && p[len + 1] == '\0')) {
			error_set(err, -EINVAL, "'%s': empty part of a name",
			          name);
			return NULL;
		}
		if (n->value != NULL) {
			error_set(err, -EINVAL,
			          "'%s': '%s' has a value, so "
			          "nothing can be below it",
			          name, n->name);
			return NULL;
		}
		if (++depth > CONFIG_MAX_DEPTH ||
		    (c == NULL && n->config->nodes >= CONFIG_MAX_NODES)) {
			error_set(err, -E2BIG, "'%s': too many names", name);
			return NULL;
		}
		if (c == NULL)
			c = add_child(n, p, len);
		if (c == NULL) {
			error_set(err, -ENOMEM, "'%s'", name);
			return NULL;
		}
		n = c;
		p += len + (p[len] == '.');
	}
	return n;
}

int
config_set_at(struct config_node *n, const char *name, const char *value,
              struct error *err)
{
	char *copy;

	n = config_make(n, name, err);
	if (n == NULL)
		return err->code;
	if (n->first != NULL || n->parent == NULL)
		return error_set(err, -EINVAL,
		                 "'%s': has names below it, so no value", name);
	if (*value == '\0' || strchr(value, '\n') != NULL)
		return error_set(err, -EINVAL, "'%s': %s", name,
		                 *value == '\0' ? "value is empty"
		                                : "value of several lines");
	if (strlen(value) >= CONFIG_MAX_VALUE)
		return error_set(err, -E2BIG, "'%s': value is too long", name);
	copy = strdup(value);
	if (copy == NULL)
		return error_set(err, -ENOMEM, "'%s'", name);
	free(n->value);
	free(n->expanded);
	n->value = copy;
	n->expanded = NULL;
	return 0;
}

int
config_set(struct config *c, const char *name, const char *value,
           struct error *err)
{
	return config_set_at(c->root, name, value, err);
}

int
config_set_option(struct config *c, const char *option, struct error *err)
{
	const char *eq = strchr(option, '=');
	cleanup_free char *name = NULL;

	if (eq == NULL || eq == option || eq[1] == '\0')
		return error_set(err, -EINVAL, "'%s': want name=value", option);
	name = strndup(option, (size_t)(eq - option));
	if (name == NULL)
		return error_set(err, -ENOMEM, "'%s'", option);
	return config_set(c, name, eq + 1, err);
}

static int
parse_line(struct config *c, const char *line, size_t len, struct error *err)
{
	cleanup_free char *text = NULL;

	if (memchr(line, 0, len) != NULL)
		return error_set(err, -EINVAL, "NUL byte");
	text = strndup(line, len);
	if (text == NULL)
		return error_set(err, -ENOMEM, "configuration");
	return config_set_option(c, text, err);
}

int
config_parse(struct config *c, const char *file, const char *text, size_t len,
             struct error *err)
{
	unsigned line = 0;

	if (len > CONFIG_MAX_BYTES)
		return error_set(err, -E2BIG, "%s: over %d bytes", file,
		                 CONFIG_MAX_BYTES);
	while (len > 0) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl != NULL ? (size_t)(nl - text) : len;

		line++;
		if (n > 0 && text[0] != '#' && parse_line(c, text, n, err) < 0)
			return error_wrap(err, "%s:%u", file, line);
		n += nl != NULL;
		text += n;
		len -= n;
	}
	return 0;
}

/* Appends value with %(name) replaced; %% and \x give the character. */
static int
expand(struct config *c, const char *value, unsigned depth, struct buf *out)
{
	if (depth > CONFIG_MAX_DEPTH)
		return -ELOOP;
	for (const char *p = value; *p != '\0'; p++) {
		const char *end;
		cleanup_free char *name = NULL;
		const struct config_node *n;

		if ((p[0] == '\\' && p[1] != '\0') ||
		    (p[0] == '%' && p[1] == '%')) {
			buf_putc(out, *++p);
			continue;
		}
		if (p[0] != '%' || p[1] != '(') {
			buf_putc(out, *p);
			continue;
		}
		end = strchr(p, ')');
		name =
		    end != NULL ? strndup(p + 2, (size_t)(end - p - 2)) : NULL;
		n = name != NULL ? config_find(c->root, name) : NULL;
		if (n == NULL || n->value == NULL)
			return -ENOENT;
		if (expand(c, n->value, depth + 1, out) < 0)
			return -ELOOP;
		if (out->len > CONFIG_MAX_VALUE)
			return -E2BIG;
		p = end;
	}
	return out->failed ? -ENOMEM : 0;
}

const char *
config_get(const struct config_node *n, const char *name)
{
	/* The cache of the expansion is not part of what a reader sees. */
	struct config_node *at =
	    config_find((struct config_node *)(uintptr_t)n, name);
	cleanup_buf struct buf out = BUF_INIT;

	if (at == NULL || at->value == NULL)
		return NULL;
	if (strpbrk(at->value, "%\\") == NULL)
		return at->value;
	if (at->expanded == NULL && expand(at->config, at->value, 0, &out) == 0)
		at->expanded = buf_take(&out);
	return at->expanded;
}

int
config_get_bool(const struct config_node *n, const char *name, bool unset,
                bool *out, struct error *err)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "true", true }, { "on", true },     { "yes", true },
		{ "1", true },    { "false", false }, { "off", false },
		{ "no", false },  { "0", false },
	};
	const char *v = config_get(n, name);

	if (v == NULL) {
		*out = unset;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(v, words[i].word) == 0) {
			*out = words[i].value;
			return 0;
		}
	return error_set(err, -EINVAL, "'%s': '%s' is neither true nor false",
	                 name, v);
}

int
config_get_num(const struct config_node *n, const char *name, uint64_t unset,
               uint64_t min, uint64_t max, uint64_t *out, struct error *err)
{
	const char *v = config_get(n, name);
	uint64_t num;

	if (v == NULL) {
		*out = unset;
		return 0;
	}
	if (num_u64(v, &num) < 0 || num < min || num > max)
		return error_set(err, -EINVAL,
		                 "'%s': '%s' is not a number from %llu to %llu",
		                 name, v, (unsigned long long)min,
		                 (unsigned long long)max);
	*out = num;
	return 0;
}

int
config_set_list(struct config_node *n, const char *first, const char *list,
                struct error *err)
{
	while (*list != '\0') {
		size_t len = strcspn(list, ",");
		cleanup_free char *item = strndup(list, len);
		char *eq = item != NULL ? strchr(item, '=') : NULL;
		int rc;

		if (item == NULL)
			return error_set(err, -ENOMEM, "options");
		if (first != NULL)
			rc = config_set_at(n, first, item, err);
		else if (eq != NULL) {
			*eq = '\0';
			rc = config_set_at(n, item, eq + 1, err);
		} else
			rc = config_set_at(n, item, "true", err);
		if (rc < 0)
			return rc;
		first = NULL;
		list += len + (list[len] == ',');
	}
	return 0;
}

static void
dump(const struct config_node *n, struct buf *path, struct buf *out)
{
	for (; n != NULL; n = n->next) {
		size_t len = path->len;

		if (len > 0)
			buf_putc(path, '.');
		buf_puts(path, n->name);
		if (n->value != NULL)
			buf_printf(out, "%s=%s\n", buf_str(path), n->value);
		dump(n->first, path, out);
		path->len = len;
		if (path->data != NULL)
			path->data[len] = '\0';
	}
}

int
config_dump(const struct config *c, struct buf *out)
{
	cleanup_buf struct buf path = BUF_INIT;

	dump(c->root->first, &path, out);
	return path.failed || out->failed ? -ENOMEM : 0;
}
