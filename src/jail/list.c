/* SPDX-License-Identifier: BSD-2-Clause */
/* list.c - how jls(8) shows jails.
 *
 * Three layouts: the default table, the summary of several lines (-v), and a
 * row of columns, one per parameter. In text the first two cut long values; in
 * JSON and XML nothing is cut.
 */
#include "jail/list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jail/param.h"

#define CONTAINER   "jail-information"
#define XO_VERSION  "2"
#define WIDTH_PATH  74
#define WIDTH_HOST  29
#define WIDTH_IP    15
#define WIDTH_NAME  15
#define ADDRESS_SEP ","

enum layout { TABLE, SUMMARY, ROW };

/* One column of a row. */
struct col {
	const char *name; /* as asked for: "nopersist", "meta.owner" */
	const struct param *param;
	const struct param *parent; /* the jailsys it hangs on, or NULL */
	bool negated;
	size_t hint; /* the row of the dict it was in last time */
};

struct list {
	struct list_options o;
	enum layout layout;
	struct col *col; /* of a row */
	size_t n;
	const char **wanted; /* of a row: NULL-ended */
	struct xo xo;
};

bool
list_set_flag(struct list_options *o, int letter)
{
	switch (letter) {
	case 'h':
		o->header = true;
		o->skip = o->verbose = false;
		return true;
	case 'N':
		o->by_name = true;
		return true;
	case 'n':
		o->named = true;
		o->verbose = false;
		return true;
	case 'q':
		o->quoted = true;
		return true;
	case 's':
		o->skip = o->named = o->quoted = true;
		o->header = o->verbose = false;
		return true;
	case 'v':
		o->verbose = true;
		o->header = o->named = o->skip = false;
		return true;
	default:
		return false;
	}
}

/* The jailsys parameter that "X.y" hangs on, or NULL. */
static const struct param *
parent_of(const char *name)
{
	const char *dot = strchr(name, '.');
	const struct param *p;
	char top[16];
	bool negated;

	if (dot == NULL || (size_t)(dot - name) >= sizeof(top))
		return NULL;
	snprintf(top, sizeof(top), "%.*s", (int)(dot - name), name);
	p = param_find(top, &negated);
	return p != NULL && p->type == PARAM_JAILSYS ? p : NULL;
}

static int
add_col(struct list *l, const char *name, struct error *err)
{
	struct col c = { .name = name, .parent = parent_of(name) };
	struct col *more;

	c.param = param_find(name, &c.negated);
	if (c.param == NULL || c.param->pseudo)
		return error_set(err, -ENOENT, "unknown parameter: %s", name);
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->col[i].name, name) == 0)
			return 0; /* shown once */
	more = reallocarray(l->col, l->n + 1, sizeof(c));
	if (more == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	l->col = more;
	l->col[l->n++] = c;
	return 0;
}

/* Names without a dot first, then by the alphabet. */
static int
by_group_and_name(const void *a, const void *b)
{
	const char *x = *(const char *const *)a;
	const char *y = *(const char *const *)b;
	const int dots = (strchr(x, '.') != NULL) - (strchr(y, '.') != NULL);

	return dots != 0 ? dots : strcmp(x, y);
}

static int
add_all(struct list *l, struct error *err)
{
	cleanup_free const char **name = calloc(param_table_len, sizeof(*name));
	size_t n = 0;

	if (name == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < param_table_len; i++)
		if (!param_table[i].pseudo)
			name[n++] = param_table[i].name;
	qsort(name, n, sizeof(*name), by_group_and_name);
	for (size_t i = 0; i < n; i++)
		if (add_col(l, name[i], err) < 0)
			return err->code;
	return 0;
}

static int
add_asked(struct list *l, char *const *param, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		int rc = strcmp(param[i], "all") == 0
		             ? add_all(l, err)
		             : add_col(l, param[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What the columns need to be told: their own parameters, and with -s those
 * that decide whether they are shown. */
static int
want_cols(struct list *l, struct error *err)
{
	size_t n = 0;

	l->wanted = calloc(2 * l->n + 2, sizeof(*l->wanted));
	if (l->wanted == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < l->n; i++) {
		l->wanted[n++] = l->col[i].param->name;
		if (l->o.skip && l->col[i].parent != NULL)
			l->wanted[n++] = l->col[i].parent->name;
	}
	if (l->o.skip)
		l->wanted[n++] = "vnet";
	return 0;
}

const char *const *
list_wanted(const struct list *l)
{
	static const char *const table[] = { "jid", "ip4.addr", "host.hostname",
		                             "path", NULL };
	static const char *const by_name[] = { "name", "ip4.addr",
		                               "host.hostname", "path", NULL };
	static const char *const summary[] = {
		"jid",       "host.hostname", "path",     "name", "dying",
		"cpuset.id", "ip4.addr",      "ip6.addr", NULL
	};

	if (l->layout == ROW)
		return l->wanted;
	if (l->layout == SUMMARY)
		return summary;
	return l->o.by_name ? by_name : table;
}

int
list_new(const struct list_options *o, char *const *param, size_t n,
         struct list **out_list, struct error *err)
{
	struct list *l = calloc(1, sizeof(*l));
	int rc = 0;

	if (l == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	l->o = *o;
	if (n > 0) {
		l->layout = ROW;
		rc = add_asked(l, param, n, err);
	} else if (o->header || o->named) {
		l->layout = ROW;
		rc = add_all(l, err);
	} else {
		l->layout = o->verbose ? SUMMARY : TABLE;
	}
	if (rc == 0 && l->layout == ROW)
		rc = want_cols(l, err);
	if (rc < 0) {
		list_free(l);
		return rc;
	}
	*out_list = l;
	return 0;
}

void
list_free(struct list *l)
{
	if (l == NULL)
		return;
	free(l->col);
	free(l->wanted);
	free(l);
}

static const char *
get(const struct dict *params, const char *name)
{
	const char *value = dict_get(params, name);

	return value != NULL ? value : "";
}

/* A number, never nothing: JSON could not hold that. */
static const char *
get_number(const struct dict *params, const char *name)
{
	const char *value = get(params, name);

	return *value != '\0' ? value : "0";
}

/* A column's parameter: jails come with their rows in the same order, so the
 * last place is looked at first. */
static const char *
get_col(const struct dict *params, struct col *c)
{
	const char *name = c->param->name;

	if (c->hint < params->n && strcmp(params->row[c->hint].key, name) == 0)
		return params->row[c->hint].val;
	for (size_t i = 0; i < params->n; i++)
		if (strcmp(params->row[i].key, name) == 0) {
			c->hint = i;
			return params->row[i].val;
		}
	return "";
}

/*
 * The character at p as a terminal may have it: control characters, those of
 * two bytes (U+0080 to U+009F) too, become '?'. Returns the bytes taken.
 */
static size_t
put_safe(struct buf *out, const char *p, const char *allowed)
{
	const unsigned char c = (unsigned char)p[0];
	const unsigned char next = (unsigned char)p[1];
	const bool is_c1 = c == 0xc2 && next >= 0x80 && next <= 0x9f;
	const bool is_bad = is_c1 || (iscntrl(c) && strchr(allowed, c) == NULL);

	buf_putc(out, is_bad ? '?' : *p);
	return is_c1 ? 2 : 1;
}

/* Text cut to (0: not) and padded to characters; a byte that continues a UTF-8
 * sequence counts for none. */
static void
put_text(struct buf *out, const char *value, size_t cut, size_t pad)
{
	size_t n = 0;

	for (const char *p = value; *p != '\0';) {
		const bool starts = ((unsigned char)*p & 0xc0) != 0x80;

		if (starts && cut != 0 && n == cut)
			break;
		p += put_safe(out, p, "");
		n += starts;
	}
	for (; n < pad; n++)
		buf_putc(out, ' ');
}

static void
put_newline(struct buf *out)
{
	buf_putc(out, '\n');
}

static void
table_header(const struct list *l, struct buf *out)
{
	if (l->o.by_name)
		buf_printf(out, " %-*s %-*s %-*s %s\n", WIDTH_NAME, "JID",
		           WIDTH_IP, "IP Address", WIDTH_HOST, "Hostname",
		           "Path");
	else
		buf_printf(out, "%6s  %-*s %-*s %s\n", "JID", WIDTH_IP,
		           "IP Address", WIDTH_HOST, "Hostname", "Path");
}

static void
summary_header(struct buf *out)
{
	buf_printf(out, "%6s  %-*s %s\n", "JID", WIDTH_HOST, "Hostname",
	           "Path");
	buf_printf(out, "%8s%-*s %s\n", "", WIDTH_HOST, "Name", "State");
	buf_printf(out, "%8sCPUSetID\n%8sIP Address(es)\n", "", "");
}

static void
row_header(const struct list *l, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", l->col[i].name);
	put_newline(out);
}

void
list_begin(struct list *l, struct buf *out)
{
	if (l->o.xo.style != XO_TEXT) {
		xo_begin(&l->xo, &l->o.xo, out, CONTAINER, XO_VERSION);
		xo_list_open(&l->xo, "jail");
	} else if (l->layout == TABLE) {
		table_header(l, out);
	} else if (l->layout == SUMMARY) {
		summary_header(out);
	} else if (l->o.header) {
		row_header(l, out);
	}
}

void
list_end(struct list *l, struct buf *out)
{
	if (l->o.xo.style == XO_TEXT)
		return;
	l->xo.out = out;
	xo_list_close(&l->xo);
	xo_end(&l->xo);
}

/* The first address of a list. */
static void
first_address(const char *list, char *out, size_t room)
{
	snprintf(out, room, "%.*s", (int)strcspn(list, ADDRESS_SEP), list);
}

static void
table_jail(struct list *l, const struct dict *params, struct buf *out)
{
	char ip[48];

	first_address(get(params, "ip4.addr"), ip, sizeof(ip));
	if (l->o.by_name) {
		buf_putc(out, ' ');
		put_text(out, get(params, "name"), 0, WIDTH_NAME);
		buf_putc(out, ' ');
	} else {
		buf_printf(out, "%6s  ", get(params, "jid"));
	}
	put_text(out, ip, WIDTH_IP, WIDTH_IP);
	buf_putc(out, ' ');
	put_text(out, get(params, "host.hostname"), WIDTH_HOST, WIDTH_HOST);
	buf_putc(out, ' ');
	put_text(out, get(params, "path"), WIDTH_PATH, 0);
	put_newline(out);
}

static void
table_xo(struct list *l, const struct dict *params)
{
	char ip[48];

	first_address(get(params, "ip4.addr"), ip, sizeof(ip));
	if (l->o.by_name)
		xo_string(&l->xo, "name", get(params, "name"));
	else
		xo_raw(&l->xo, "jid", get_number(params, "jid"));
	xo_string(&l->xo, "ipv4", ip);
	xo_string(&l->xo, "hostname", get(params, "host.hostname"));
	xo_string(&l->xo, "path", get(params, "path"));
}

static const char *
state_of(const struct dict *params)
{
	return dict_is_true(params, "dying") ? "DYING" : "ACTIVE";
}

/* Call put for each address of a list. */
static void
each_address(const char *list, void (*put)(void *arg, const char *ip),
             void *arg)
{
	while (*list != '\0') {
		const size_t len = strcspn(list, ADDRESS_SEP);
		char ip[48];

		first_address(list, ip, sizeof(ip));
		put(arg, ip);
		list += len + (list[len] != '\0');
	}
}

static void
put_address_line(void *arg, const char *ip)
{
	buf_printf(arg, "%8s%s\n", "", ip);
}

static void
put_address_member(void *arg, const char *ip)
{
	xo_member(arg, ip);
}

static void
summary_jail(const struct dict *params, struct buf *out)
{
	buf_printf(out, "%6s  ", get(params, "jid"));
	put_text(out, get(params, "host.hostname"), WIDTH_HOST, WIDTH_HOST);
	buf_putc(out, ' ');
	put_text(out, get(params, "path"), WIDTH_PATH, 0);
	buf_printf(out, "\n%8s", "");
	put_text(out, get(params, "name"), WIDTH_HOST, WIDTH_HOST);
	buf_printf(out, " %s\n%8s%s\n", state_of(params), "",
	           get_number(params, "cpuset.id"));
	each_address(get(params, "ip4.addr"), put_address_line, out);
	each_address(get(params, "ip6.addr"), put_address_line, out);
}

static void
addresses_xo(struct xo *xo, const char *name, const char *list)
{
	xo_list_open(xo, name);
	each_address(list, put_address_member, xo);
	xo_list_close(xo);
}

static void
summary_xo(struct list *l, const struct dict *params)
{
	xo_raw(&l->xo, "jid", get_number(params, "jid"));
	xo_string(&l->xo, "hostname", get(params, "host.hostname"));
	xo_string(&l->xo, "path", get(params, "path"));
	xo_string(&l->xo, "name", get(params, "name"));
	xo_string(&l->xo, "state", state_of(params));
	xo_raw(&l->xo, "cpusetid", get_number(params, "cpuset.id"));
	addresses_xo(&l->xo, "ipv4_addrs", get(params, "ip4.addr"));
	addresses_xo(&l->xo, "ipv6_addrs", get(params, "ip6.addr"));
}

/* One line "key=value" of meta or env, from "meta.key"; to out. */
static const char *
one_note(const struct dict *params, const struct col *c, struct buf *out)
{
	const char *key = c->name + strlen(c->param->name) + 1;
	const size_t len = strlen(key);
	const char *line = get(params, c->param->name);

	buf_reset(out);
	while (*line != '\0') {
		const size_t whole = strcspn(line, "\n");

		if (strncmp(line, key, len) == 0 && line[len] == '=') {
			buf_put(out, line + len + 1, whole - len - 1);
			break;
		}
		line += whole + (line[whole] != '\0');
	}
	return buf_str(out);
}

/* A column's value of one jail; note is room for a part of meta or env. */
static const char *
value_of(const struct dict *params, struct col *c, struct buf *note)
{
	const char *value;

	if (strcmp(c->name, c->param->name) != 0 && !c->negated)
		return one_note(params, c, note);
	value = get_col(params, c);
	if (c->param->type == PARAM_BOOL)
		return (strcmp(value, "true") == 0) != c->negated ? "true"
		                                                  : "false";
	return value;
}

/*
 * -s leaves out what jail(8) could not be given: read-only parameters, those
 * below a jailsys parameter that is not new, and the addresses of a jail with a
 * stack of its own.
 */
static bool
is_skipped(const struct list *l, const struct dict *params, const struct col *c)
{
	if (!l->o.skip)
		return false;
	if (c->param->when == PARAM_READONLY)
		return true;
	if (c->parent != NULL &&
	    strcmp(get(params, c->parent->name), "new") != 0)
		return true;
	return strcmp(get(params, "vnet"), "new") == 0 &&
	       (strncmp(c->name, "ip4", 3) == 0 ||
	        strncmp(c->name, "ip6", 3) == 0);
}

static bool
is_address_list(const struct col *c)
{
	return c->param->type == PARAM_IP4 || c->param->type == PARAM_IP6;
}

/* meta and env are lines: their newlines stay. */
static void
put_lines(struct buf *out, const char *value)
{
	while (*value != '\0')
		value += put_safe(out, value, "\n\t");
}

static void
put_value(const struct list *l, const struct col *c, const char *value,
          struct buf *out)
{
	char quote = '\0';

	if (*value == '\0') {
		if (!is_address_list(c) || l->o.quoted)
			buf_puts(out, "\"\"");
		else if (!l->o.named)
			buf_putc(out, '-');
		return;
	}
	if (l->o.quoted)
		quote = strchr(value, '\'') != NULL       ? '"'
		        : strchr(value, '"') != NULL      ? '\''
		        : strpbrk(value, " \t\n") != NULL ? '"'
		                                          : '\0';
	if (quote != '\0')
		buf_putc(out, quote);
	if (strcmp(c->param->name, "meta") == 0 ||
	    strcmp(c->param->name, "env") == 0)
		put_lines(out, value);
	else
		put_text(out, value, 0, 0);
	if (quote != '\0')
		buf_putc(out, quote);
}

/* A boolean as name or noname. */
static void
put_claim(const struct col *c, bool is_true, struct buf *out)
{
	const char *name = c->param->name;
	const char *dot = strrchr(name, '.');
	const int before = dot != NULL ? (int)(dot + 1 - name) : 0;

	buf_printf(out, "%.*s%s%s", before, name, is_true ? "" : "no",
	           name + before);
}

static void
row_jail(struct list *l, const struct dict *params, struct buf *out)
{
	cleanup_buf struct buf note = BUF_INIT;
	bool is_first = true;

	for (size_t i = 0; i < l->n; i++) {
		struct col *c = &l->col[i];
		const char *value = value_of(params, c, &note);

		if (is_skipped(l, params, c))
			continue;
		if (!is_first)
			buf_putc(out, ' ');
		is_first = false;
		if (l->o.named && c->param->type == PARAM_BOOL) {
			put_claim(c, (strcmp(value, "true") == 0) != c->negated,
			          out);
			continue;
		}
		if (l->o.named)
			buf_printf(out, "%s=", c->name);
		put_value(l, c, value, out);
	}
	put_newline(out);
}

static void
row_xo(struct list *l, const struct dict *params)
{
	cleanup_buf struct buf note = BUF_INIT;

	for (size_t i = 0; i < l->n; i++) {
		struct col *c = &l->col[i];
		const char *value = value_of(params, c, &note);

		if (is_skipped(l, params, c))
			continue;
		if (is_address_list(c))
			addresses_xo(&l->xo, c->name, value);
		else if (l->o.named && c->param->type == PARAM_BOOL)
			xo_raw(&l->xo, c->name, value);
		else
			xo_string(&l->xo, c->name, value);
	}
}

void
list_jail(struct list *l, const struct dict *params, struct buf *out)
{
	if (l->o.xo.style == XO_TEXT) {
		if (l->layout == TABLE)
			table_jail(l, params, out);
		else if (l->layout == SUMMARY)
			summary_jail(params, out);
		else
			row_jail(l, params, out);
		return;
	}
	l->xo.out = out;
	xo_item_open(&l->xo);
	if (l->layout == TABLE)
		table_xo(l, params);
	else if (l->layout == SUMMARY)
		summary_xo(l, params);
	else
		row_xo(l, params);
	xo_item_close(&l->xo);
}
