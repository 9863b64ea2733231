/* SPDX-License-Identifier: BSD-2-Clause */
/* devfs_rules.c - the rules of devfs.rules(5): reading and showing.
 *
 * Pure but for devfs_rules_resolve(). A rule without a number gets the last
 * one's plus 100, as in FreeBSD's kernel.
 */
#include "jail/devfs_rules.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/strv.h"
#include "base/vec.h"

enum {
	RULE_STEP = 100, /* between automatic rule numbers */
	RULE_MAX = 65535,
};

static const struct {
	const char *name;
	unsigned bit;
} types[] = {
	{ "disk", TYPE_DISK },
	{ "mem", TYPE_MEM },
	{ "tape", TYPE_TAPE },
	{ "tty", TYPE_TTY },
};

/*
 * FreeBSD's rulesets with Linux's names. Its old pty names (ttyS* among them,
 * which are serial ports here) are left out; full and tty are what Linux
 * programs count on; log is our link for a syslogd. Set 5 unhides pf on
 * FreeBSD: Linux's packet filter has no node.
 */
static const char builtin[] = "[devfsrules_hide_all=1]\n"
                              "add hide\n"
                              "[devfsrules_unhide_basic=2]\n"
                              "add path null unhide mode 666\n"
                              "add path zero unhide mode 666\n"
                              "add path full unhide mode 666\n"
                              "add path crypto unhide\n"
                              "add path random unhide mode 666\n"
                              "add path urandom unhide mode 666\n"
                              "[devfsrules_unhide_login=3]\n"
                              "add path ptmx unhide\n"
                              "add path pts unhide\n"
                              "add path 'pts/*' unhide\n"
                              "add path fd unhide\n"
                              "add path 'fd/*' unhide\n"
                              "add path stdin unhide\n"
                              "add path stdout unhide\n"
                              "add path stderr unhide\n"
                              "add path tty unhide mode 666\n"
                              "add path log unhide\n"
                              "[devfsrules_jail=4]\n"
                              "add include $devfsrules_hide_all\n"
                              "add include $devfsrules_unhide_basic\n"
                              "add include $devfsrules_unhide_login\n"
                              "add path fuse unhide mode 666\n"
                              "add path zfs unhide\n"
                              "[devfsrules_jail_vnet=5]\n"
                              "add include $devfsrules_hide_all\n"
                              "add include $devfsrules_unhide_basic\n"
                              "add include $devfsrules_unhide_login\n"
                              "add include $devfsrules_jail\n";

/* --- sets ------------------------------------------------------------- */

struct ruleset *
devfs_find_set(const struct devfs_rules *rules, unsigned num)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->set[i].num == num)
			return &rules->set[i];
	return NULL;
}

/* An empty set of that number, in the order of numbers; NULL: no memory. */
static struct ruleset *
new_set(struct devfs_rules *rules, unsigned num)
{
	struct ruleset *grown;
	struct ruleset *set = devfs_find_set(rules, num);
	size_t at = 0;

	if (set != NULL) {
		rules->total -= set->n;
		set->n = 0;
		return set;
	}
	grown = vec_room(rules->set, rules->n, &rules->cap, sizeof(*grown));
	if (grown == NULL)
		return NULL;
	rules->set = grown;
	while (at < rules->n && rules->set[at].num < num)
		at++;
	memmove(rules->set + at + 1, rules->set + at,
	        (rules->n - at) * sizeof(rules->set[0]));
	rules->n++;
	rules->set[at] = (struct ruleset){ .num = num };
	return &rules->set[at];
}

/* Put a rule at its place by number. -EEXIST, -E2BIG, -ENOMEM. */
static int
add_rule(struct devfs_rules *rules, struct ruleset *set, struct rule *r)
{
	struct rule *grown;
	size_t at = set->n;

	if (rules->total >= DEVFS_MAX_RULES)
		return -E2BIG;
	if (r->num == 0)
		r->num =
		    (set->n > 0 ? set->rule[set->n - 1].num : 0) + RULE_STEP;
	if (r->num > RULE_MAX)
		return -E2BIG;
	grown = vec_room(set->rule, set->n, &set->cap, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	set->rule = grown;
	while (at > 0 && set->rule[at - 1].num > r->num)
		at--;
	if (at > 0 && set->rule[at - 1].num == r->num)
		return -EEXIST;
	memmove(set->rule + at + 1, set->rule + at, (set->n - at) * sizeof(*r));
	set->rule[at] = *r;
	set->n++;
	rules->total++;
	return 0;
}

void
devfs_rules_free(struct devfs_rules *rules)
{
	if (rules == NULL)
		return;
	for (size_t i = 0; i < rules->n; i++)
		free(rules->set[i].rule);
	free(rules->set);
	free(rules);
}

static void
cleanup_rules_fn(struct devfs_rules **rules)
{
	devfs_rules_free(*rules);
}
#define cleanup_rules __attribute__((cleanup(cleanup_rules_fn)))

/* A copy to change; NULL: no memory. */
static struct devfs_rules *
copy_rules(const struct devfs_rules *from)
{
	cleanup_rules struct devfs_rules *to = calloc(1, sizeof(*to));

	if (to == NULL)
		return NULL;
	for (size_t i = 0; i < from->n; i++) {
		const struct ruleset *src = &from->set[i];
		struct ruleset *dst = new_set(to, src->num);

		if (dst == NULL)
			return NULL;
		memcpy(dst->name, src->name, sizeof(dst->name));
		for (size_t k = 0; k < src->n; k++) {
			struct rule r = src->rule[k];

			if (add_rule(to, dst, &r) < 0)
				return NULL;
		}
	}
	return take_ptr(to);
}

/* --- reading ---------------------------------------------------------- */

/* Where we are in a text, for messages; set is where rules go. */
struct reader {
	struct devfs_rules *rules;
	unsigned set; /* number of the ruleset being read; 0: none yet */
	const char *file;
	unsigned line;
	struct error *err;
};

static int
bad(struct reader *rd, int code, const char *what, const char *word)
{
	return error_set(rd->err, code, "%s line %u: %s%s", rd->file, rd->line,
	                 what, word);
}

/* Split a line into words the way the shell would: blanks part, quotes of
 * either kind keep. */
static int
split_words(struct reader *rd, const char *s, struct strv *words)
{
	cleanup_buf struct buf word = BUF_INIT;
	bool open = false; /* a word has begun, perhaps an empty one */
	char quote = '\0';

	for (; *s != '\0' || open; s++) {
		if (*s == '\0' && quote != '\0')
			return bad(rd, -EINVAL, "unterminated quoted string",
			           "");
		if (*s == '\0' ||
		    (quote == '\0' && isspace((unsigned char)*s))) {
			if (open && (word.failed ||
			             strv_push(words, buf_str(&word)) < 0))
				return bad(rd, -ENOMEM, "out of memory", "");
			buf_reset(&word);
			open = false;
			if (*s == '\0')
				break;
		} else if (quote == '\0' && (*s == '\'' || *s == '"')) {
			quote = *s;
			open = true;
		} else if (*s == quote) {
			quote = '\0';
		} else {
			buf_putc(&word, *s);
			open = true;
		}
	}
	return 0;
}

/* The number of a ruleset given as such or as $NAME. 0 or -errno. */
static int
read_include(struct reader *rd, const char *word, unsigned *out)
{
	long long n;

	if (word[0] == '$') {
		for (size_t i = 0; i < rd->rules->n; i++)
			if (strcmp(rd->rules->set[i].name, word + 1) == 0) {
				*out = rd->rules->set[i].num;
				return 0;
			}
		return bad(rd, -EINVAL, "unknown ruleset: ", word);
	}
	if (num_int_in(word, 1, DEVFS_MAX_RULESET, &n) < 0 ||
	    devfs_find_set(rd->rules, (unsigned)n) == NULL)
		return bad(rd, -EINVAL, "unknown ruleset: ", word);
	*out = (unsigned)n;
	return 0;
}

/* An owner: a number, or a name to be resolved later ("root" and "wheel" are
 * always 0). */
static int
read_owner(struct reader *rd, const char *word, unsigned *out_id,
           char name[NAME_SIZE])
{
	long long n;

	name[0] = '\0';
	if (num_int_in(word, 0, 0x7fffffff, &n) == 0) {
		*out_id = (unsigned)n;
		return 0;
	}
	if (strlen(word) >= NAME_SIZE || word[0] == '\0' ||
	    strpbrk(word, " \t\"'") != NULL)
		return bad(rd, -EINVAL, "invalid user or group: ", word);
	*out_id = 0;
	if (strcmp(word, "root") != 0 && strcmp(word, "wheel") != 0)
		strcpy(name, word);
	return 0;
}

static int
read_mode(struct reader *rd, const char *word, mode_t *out)
{
	char *end;
	unsigned long v = strtoul(word, &end, 8);

	if (!isdigit((unsigned char)word[0]) || *end != '\0' || v > 07777)
		return bad(rd, -EINVAL, "invalid mode: ", word);
	*out = (mode_t)v;
	return 0;
}

/* One condition with its argument. 1: it was one, 0: not, -errno. */
static int
read_condition(struct reader *rd, struct rule *r, const char *key,
               const char *arg)
{
	bool is_type = strcmp(key, "type") == 0;

	if (!is_type && strcmp(key, "path") != 0)
		return 0;
	if (arg == NULL)
		return bad(rd, -EINVAL, "expecting argument for ", key);
	if (!is_type) {
		if (strlen(arg) >= sizeof(r->path) || arg[0] == '\0')
			return bad(rd, -EINVAL, "invalid path: ", arg);
		strcpy(r->path, arg);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(arg, types[i].name) == 0) {
			r->types |= types[i].bit;
			return 1;
		}
	return bad(rd, -EINVAL, "unknown type: ", arg);
}

/* One action. Returns the words it took or -errno. */
static int
read_action(struct reader *rd, struct rule *r, const char *key, const char *arg)
{
	static const struct {
		const char *name;
		unsigned act;
	} acts[] = {
		{ "user", ACT_USER },
		{ "group", ACT_GROUP },
		{ "mode", ACT_MODE },
		{ "include", ACT_INCLUDE },
	};
	unsigned act = 0;
	int rc = 0;

	if (strcmp(key, "hide") == 0 || strcmp(key, "unhide") == 0) {
		r->acts |= key[0] == 'h' ? ACT_HIDE : ACT_UNHIDE;
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		if (strcmp(key, acts[i].name) == 0)
			act = acts[i].act;
	if (act == 0)
		return bad(rd, -EINVAL, "unknown argument: ", key);
	if (arg == NULL)
		return bad(rd, -EINVAL, "expecting argument for ", key);
	r->acts |= act;
	if (act == ACT_USER)
		rc = read_owner(rd, arg, &r->uid, r->user);
	else if (act == ACT_GROUP)
		rc = read_owner(rd, arg, &r->gid, r->group);
	else if (act == ACT_MODE)
		rc = read_mode(rd, arg, &r->mode);
	else
		rc = read_include(rd, arg, &r->include);
	return rc < 0 ? rc : 2;
}

/* The words after "add": [NUM] conditions actions. */
static int
read_spec(struct reader *rd, char *const *w, struct rule *r)
{
	long long num;
	int rc;

	if (w[0] == NULL)
		return bad(rd, -EINVAL, "unexpected end of rulespec", "");
	if (num_int_in(w[0], 1, RULE_MAX, &num) == 0) {
		r->num = (unsigned)num;
		w++;
	}
	for (; w[0] != NULL; w += 2) {
		rc = read_condition(rd, r, w[0], w[1]);
		if (rc < 0)
			return rc;
		if (rc == 0)
			break;
	}
	while (w[0] != NULL) {
		rc = read_action(rd, r, w[0], w[1]);
		if (rc < 0)
			return rc;
		w += rc;
	}
	return 0;
}

static int
read_rule(struct reader *rd, const char *line)
{
	cleanup_strv struct strv words = STRV_INIT;
	struct rule r = { 0 };
	int rc = split_words(rd, line, &words);

	if (rc < 0 || words.n == 0)
		return rc;
	if (strcmp(words.v[0], "add") != 0)
		return bad(rd, -EINVAL, "unknown command: ", words.v[0]);
	if (rd->set == 0)
		return bad(rd, -EINVAL, "rule before the first [ruleset]", "");
	rc = read_spec(rd, words.v + 1, &r);
	if (rc < 0)
		return rc;
	rc = add_rule(rd->rules, devfs_find_set(rd->rules, rd->set), &r);
	if (rc == -EEXIST)
		return bad(rd, -EINVAL, "rule number already used", "");
	if (rc == -E2BIG)
		return bad(rd, rc, "too many rules", "");
	return rc < 0 ? bad(rd, rc, "out of memory", "") : 0;
}

/* "[NAME=NUMBER]" begins a ruleset, replacing one of that number. */
static int
read_heading(struct reader *rd, const char *line)
{
	const char *eq = strchr(line, '=');
	const char *end = strchr(line, ']');
	struct ruleset *set;
	char num[8];
	long long n;

	if (eq == NULL || end == NULL || eq > end || eq == line + 1 ||
	    eq - line > NAME_SIZE - 1 || end - eq > (ptrdiff_t)sizeof(num))
		return bad(rd, -EINVAL, "want [name=number]", "");
	for (const char *p = line + 1; p < eq; p++)
		if (!isalnum((unsigned char)*p) && *p != '_')
			return bad(rd, -EINVAL, "want [name=number]", "");
	memcpy(num, eq + 1, (size_t)(end - eq - 1));
	num[end - eq - 1] = '\0';
	if (num_int_in(num, 1, DEVFS_MAX_RULESET, &n) < 0)
		return bad(rd, -EINVAL, "cannot extract ruleset number: ", num);
	set = new_set(rd->rules, (unsigned)n);
	if (set == NULL)
		return bad(rd, -ENOMEM, "out of memory", "");
	memcpy(set->name, line + 1, (size_t)(eq - line - 1));
	set->name[eq - line - 1] = '\0';
	rd->set = (unsigned)n;
	return 0;
}

/* A line without its newline: a heading or a rule, or nothing. */
static int
read_line(struct reader *rd, const char *from, size_t len)
{
	const char *hash = memchr(from, '#', len);
	char line[1024];

	if (memchr(from, '\0', len) != NULL)
		return bad(rd, -EINVAL, "NUL byte", "");
	if (hash != NULL)
		len = (size_t)(hash - from);
	while (len > 0 && isspace((unsigned char)*from)) {
		from++;
		len--;
	}
	if (len >= sizeof(line))
		return bad(rd, -EINVAL, "line too long", "");
	memcpy(line, from, len);
	line[len] = '\0';
	if (line[0] == '[')
		return read_heading(rd, line);
	return read_rule(rd, line);
}

int
devfs_rules_parse(struct devfs_rules *rules, const char *file, const char *text,
                  size_t len, struct error *err)
{
	cleanup_rules struct devfs_rules *copy = copy_rules(rules);
	struct reader rd = { .rules = copy, .file = file, .err = err };
	struct devfs_rules old = *rules;

	if (copy == NULL)
		return error_set(err, -ENOMEM, "%s: out of memory", file);
	if (len > DEVFS_MAX_BYTES)
		return error_set(err, -E2BIG, "%s: too large", file);
	while (len > 0) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl != NULL ? (size_t)(nl - text) : len;
		int rc;

		rd.line++;
		rc = read_line(&rd, text, n);
		if (rc < 0)
			return rc;
		n += nl != NULL ? 1 : 0;
		text += n;
		len -= n;
	}
	*rules = *copy;
	*copy = old; /* freed on the way out */
	return 0;
}

int
devfs_rules_builtin(struct devfs_rules **out_rules, struct error *err)
{
	cleanup_rules struct devfs_rules *rules = calloc(1, sizeof(*rules));

	if (rules == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	if (devfs_rules_parse(rules, "built-in rules", builtin,
	                      sizeof(builtin) - 1, err) < 0)
		return err->code;
	*out_rules = take_ptr(rules);
	return 0;
}

/* --- names ------------------------------------------------------------ */

/* fgetpwent(3) and fgetgrent(3) read the files alone: no NSS, so this also
 * works in a static program. */
static int
find_user(const char *name, uid_t *out)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *pw;
	int rc = -ENOENT;

	if (f == NULL)
		return rc;
	while (rc < 0 && (pw = fgetpwent(f)) != NULL)
		if (strcmp(pw->pw_name, name) == 0) {
			*out = pw->pw_uid;
			rc = 0;
		}
	fclose(f);
	return rc;
}

static int
find_group(const char *name, gid_t *out)
{
	FILE *f = fopen("/etc/group", "re");
	struct group *gr;
	int rc = -ENOENT;

	if (f == NULL)
		return rc;
	while (rc < 0 && (gr = fgetgrent(f)) != NULL)
		if (strcmp(gr->gr_name, name) == 0) {
			*out = gr->gr_gid;
			rc = 0;
		}
	fclose(f);
	return rc;
}

int
devfs_rules_resolve(struct devfs_rules *rules, struct error *err)
{
	for (size_t i = 0; i < rules->n; i++)
		for (size_t k = 0; k < rules->set[i].n; k++) {
			struct rule *r = &rules->set[i].rule[k];

			if (r->user[0] != '\0' &&
			    find_user(r->user, &r->uid) < 0)
				return error_set(err, -ENOENT,
				                 "devfs ruleset %u: unknown "
				                 "user: %s",
				                 rules->set[i].num, r->user);
			if (r->group[0] != '\0' &&
			    find_group(r->group, &r->gid) < 0)
				return error_set(err, -ENOENT,
				                 "devfs ruleset %u: unknown "
				                 "group: %s",
				                 rules->set[i].num, r->group);
			r->user[0] = r->group[0] = '\0';
		}
	return 0;
}

/* --- showing ---------------------------------------------------------- */

static void
show_owner(struct buf *out, const char *key, unsigned id, const char *name)
{
	if (name[0] != '\0')
		buf_printf(out, " %s %s", key, name);
	else
		buf_printf(out, " %s %u", key, id);
}

/* A pattern so that the reader finds one word in it again. */
static void
show_pattern(struct buf *out, const char *s)
{
	if (strpbrk(s, " \t\v\f\r\"'") == NULL) {
		buf_puts(out, s);
		return;
	}
	buf_putc(out, '\'');
	for (; *s != '\0'; s++)
		if (*s == '\'')
			buf_puts(out, "'\"'\"'");
		else
			buf_putc(out, *s);
	buf_putc(out, '\'');
}

static void
show_rule(struct buf *out, const struct rule *r)
{
	buf_printf(out, "%u", r->num);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if ((r->types & types[i].bit) != 0)
			buf_printf(out, " type %s", types[i].name);
	if (r->path[0] != '\0') {
		buf_puts(out, " path ");
		show_pattern(out, r->path);
	}
	if ((r->acts & ACT_HIDE) != 0)
		buf_puts(out, " hide");
	if ((r->acts & ACT_UNHIDE) != 0)
		buf_puts(out, " unhide");
	if ((r->acts & ACT_USER) != 0)
		show_owner(out, "user", r->uid, r->user);
	if ((r->acts & ACT_GROUP) != 0)
		show_owner(out, "group", r->gid, r->group);
	if ((r->acts & ACT_MODE) != 0)
		buf_printf(out, " mode %o", (unsigned)r->mode);
	if ((r->acts & ACT_INCLUDE) != 0)
		buf_printf(out, " include %u", r->include);
	buf_putc(out, '\n');
}

int
devfs_rules_show(const struct devfs_rules *rules, unsigned ruleset,
                 struct buf *out, struct error *err)
{
	const struct ruleset *set = devfs_find_set(rules, ruleset);

	if (set == NULL)
		return error_set(err, -ENOENT, "no devfs ruleset %u", ruleset);
	for (size_t i = 0; i < set->n; i++)
		show_rule(out, &set->rule[i]);
	return 0;
}

void
devfs_rules_sets(const struct devfs_rules *rules, struct buf *out)
{
	for (size_t i = 0; i < rules->n; i++)
		buf_printf(out, "%u\n", rules->set[i].num);
}
