/* SPDX-License-Identifier: BSD-2-Clause */
/* param.c - parameters by name, values to canonical text and their checks. */
#include "jail/param.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/num.h"

/* In FreeBSD's numeric order. */
static const char *const bool_word[] = { "false", "true" };
static const char *const jailsys_word[] = { "disable", "new", "inherit" };

static const struct param *
find_exact(const char *name, size_t len)
{
	for (size_t i = 0; i < param_table_len; i++)
		if (strncmp(param_table[i].name, name, len) == 0 &&
		    param_table[i].name[len] == '\0')
			return &param_table[i];
	return NULL;
}

/* The boolean that "a.nob" negates, or NULL. */
static const struct param *
find_negated(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *last = dot != NULL ? dot + 1 : name;
	size_t before = (size_t)(last - name);
	const size_t rest = strlen(last);
	char plain[64];
	const struct param *p;

	if (strncmp(last, "no", 2) != 0 || before + rest > sizeof(plain))
		return NULL;
	memcpy(plain, name, before);
	memcpy(plain + before, last + 2, rest - 1); /* its NUL too */
	p = find_exact(plain, strlen(plain));
	return p != NULL && p->type == PARAM_BOOL ? p : NULL;
}

const struct param *
param_find(const char *name, bool *out_negated)
{
	const struct param *p = find_exact(name, strlen(name));

	*out_negated = false;
	if (p != NULL)
		return p;
	if (strncmp(name, "meta.", 5) == 0 && name[5] != '\0')
		return find_exact(name, 4);
	if (strncmp(name, "env.", 4) == 0 && name[4] != '\0')
		return find_exact(name, 3);
	p = find_negated(name);
	*out_negated = p != NULL;
	return p;
}

/* A word of the list, in any case, or a number; the empty word is 0. */
static int
import_enum(const char *const *word, size_t n, const char *value, int *out)
{
	long long num = 0;

	for (size_t i = 0; i < n; i++)
		if (strcasecmp(value, word[i]) == 0) {
			*out = (int)i;
			return 0;
		}
	if (*value != '\0' && num_int(value, &num) < 0)
		return -EINVAL;
	*out = num < 0 || num > INT_MAX ? INT_MAX : (int)num;
	return 0;
}

static int
import_bool(const struct param *p, bool negated, const char *value,
            struct buf *out, struct error *err)
{
	int n = 1;

	if (value != NULL &&
	    import_enum(bool_word, ARRAY_LEN(bool_word), value, &n) < 0)
		return error_set(err, -EINVAL,
		                 "%s: unknown boolean value \"%s\"", p->name,
		                 value);
	buf_puts(out, bool_word[(n != 0) != negated]);
	return 0;
}

static int
import_jailsys(const struct param *p, const char *value, struct buf *out,
               struct error *err)
{
	const int count = (int)ARRAY_LEN(jailsys_word);
	int n = 1;

	if (value != NULL && *value != '\0' &&
	    (import_enum(jailsys_word, (size_t)count, value, &n) < 0 ||
	     n >= count))
		return error_set(err, -EINVAL,
		                 "%s: unknown jailsys value \"%s\"", p->name,
		                 value);
	buf_puts(out, jailsys_word[n]);
	return 0;
}

/* Base 10 only: a leading 0 is not octal here. */
static int
read_ulong(const char *value, uint64_t *out)
{
	const char *digits = value + strspn(value, "0");

	*out = 0;
	if (*digits == '\0')
		return *value != '\0' ? 0 : -EINVAL;
	return num_u64(digits, out);
}

static int
import_number(const struct param *p, const char *value, struct buf *out,
              struct error *err)
{
	long long n = 0;
	uint64_t u = 0;
	int rc;

	if (value == NULL || *value == '\0')
		value = "0"; /* as libjail reads an empty number */
	rc = p->type == PARAM_ULONG ? read_ulong(value, &u)
	                            : num_int_in(value, INT_MIN, INT_MAX, &n);
	if (rc < 0)
		return error_set(err, -EINVAL, "%s: non-integer value \"%s\"",
		                 p->name, value);
	if (p->type == PARAM_ULONG)
		buf_printf(out, "%llu", (unsigned long long)u);
	else
		buf_printf(out, "%lld", n);
	return 0;
}

/* Addresses of either family, 16 bytes each so that one code sorts both. */
struct addrs {
	int family;
	size_t size; /* bytes used of each */
	struct in6_addr *addr;
	size_t n;
};

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct in6_addr));
}

static int
addrs_add(const struct param *p, struct addrs *a, const char *text,
          struct error *err)
{
	struct in6_addr one = { 0 };
	struct in6_addr *more;

	if (inet_pton(a->family, text, &one) != 1)
		return error_set(err, -EINVAL, "%s: not an IPv%d address: %s",
		                 p->name, a->family == AF_INET ? 4 : 6, text);
	more = reallocarray(a->addr, a->n + 1, sizeof(one));
	if (more == NULL)
		return error_set(err, -ENOMEM, "%s: out of memory", p->name);
	a->addr = more;
	a->addr[a->n++] = one;
	return 0;
}

/* Words, each one address or several between commas, into a. */
static int
addrs_read(const struct param *p, const struct strv *words, struct addrs *a,
           struct error *err)
{
	cleanup_strv struct strv piece = STRV_INIT;

	for (size_t i = 0; i < words->n; i++)
		if (strv_split(&piece, words->v[i], ",", true) < 0)
			return error_set(err, -ENOMEM, "%s: out of memory",
			                 p->name);
	if (piece.n == 1 &&
	    (strcmp(piece.v[0], "") == 0 || strcmp(piece.v[0], "-") == 0))
		return 0; /* the empty list */
	for (size_t i = 0; i < piece.n; i++)
		if (addrs_add(p, a, piece.v[i], err) < 0)
			return err->code;
	return 0;
}

static struct addrs
addrs_of(const struct param *p)
{
	return p->type == PARAM_IP4
	           ? (struct addrs){ AF_INET, sizeof(struct in_addr), NULL, 0 }
	           : (struct addrs){ AF_INET6, sizeof(struct in6_addr), NULL,
		                     0 };
}

static int
import_addrs(const struct param *p, const struct strv *words, struct buf *out,
             struct error *err)
{
	struct addrs a = addrs_of(p);
	cleanup_free struct in6_addr *owned = NULL;
	char text[INET6_ADDRSTRLEN];
	int rc = addrs_read(p, words, &a, err);

	owned = a.addr;
	if (rc < 0)
		return rc;
	if (a.n > 2)
		qsort(a.addr + 1, a.n - 1, sizeof(*a.addr), by_bytes);
	for (size_t i = 0; i < a.n; i++) {
		(void)inet_ntop(a.family, &a.addr[i], text, sizeof(text));
		buf_printf(out, "%s%s", i > 0 ? "," : "", text);
	}
	return 0;
}

int
param_import(const struct param *p, bool negated, const struct strv *words,
             char **out, struct error *err)
{
	const char *last = words->n > 0 ? words->v[words->n - 1] : NULL;
	cleanup_buf struct buf text = BUF_INIT;
	char *taken;
	int rc = 0;

	switch (p->type) {
	case PARAM_BOOL:
		rc = import_bool(p, negated, last, &text, err);
		break;
	case PARAM_JAILSYS:
		rc = import_jailsys(p, last, &text, err);
		break;
	case PARAM_INT:
	case PARAM_ULONG:
		rc = import_number(p, last, &text, err);
		break;
	case PARAM_IP4:
	case PARAM_IP6:
		rc = import_addrs(p, words, &text, err);
		break;
	case PARAM_STRING:
		buf_puts(&text, last != NULL ? last : "");
		break;
	case PARAM_LIST:
		strv_join(words, "\n", &text);
		break;
	}
	if (rc < 0)
		return rc;
	taken = buf_take(&text);
	if (taken == NULL)
		return error_set(err, -ENOMEM, "%s: out of memory", p->name);
	*out = taken;
	return 0;
}

int
param_check_name(const char *name, int jid, struct error *err)
{
	const size_t len = strlen(name);
	const char *last = strrchr(name, '.');
	char number[16];

	if (len > PARAM_MAX_NAME)
		return error_set(err, -ENAMETOOLONG,
		                 "name: longer than %d bytes", PARAM_MAX_NAME);
	if (len == 0 || name[0] == '.' || name[len - 1] == '.' ||
	    strstr(name, "..") != NULL)
		return error_set(err, -EINVAL,
		                 "name: empty component in \"%s\"", name);
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)name[i]))
			return error_set(err, -EINVAL,
			                 "name: control byte in a name");
	last = last != NULL ? last + 1 : name;
	snprintf(number, sizeof(number), "%d", jid);
	if (last[strspn(last, "0123456789")] == '\0' &&
	    (jid <= 0 || strcmp(last, number) != 0))
		return error_set(
		    err, -EINVAL,
		    "name cannot be numeric (unless it is the jid)");
	return 0;
}

static int
check_number(const struct param *p, const char *value, struct error *err)
{
	long long n = 0;
	uint64_t u;

	if (p->type == PARAM_ULONG) {
		if (read_ulong(value, &u) < 0)
			return error_set(err, -EINVAL,
			                 "%s: non-integer value \"%s\"",
			                 p->name, value);
		return 0;
	}
	if (num_int(value, &n) < 0)
		return error_set(err, -EINVAL, "%s: non-integer value \"%s\"",
		                 p->name, value);
	if (n < 0 && strcmp(p->name, "jid") == 0)
		return error_set(err, -EINVAL, "negative jid");
	if (p->min < p->max && (n < p->min || n > p->max))
		return error_set(err, -EINVAL, "%s: %lld is not %lld to %lld",
		                 p->name, n, p->min, p->max);
	return 0;
}

/* No FreeBSD jail may have these among its addresses. */
static bool
is_special(const struct addrs *a, const struct in6_addr *addr)
{
	static const unsigned char all_ones[4] = { 255, 255, 255, 255 };
	static const struct in6_addr zero;

	return memcmp(addr, &zero, a->size) == 0 ||
	       (a->family == AF_INET && memcmp(addr, all_ones, a->size) == 0);
}

static int
check_addrs(const struct param *p, const char *value, struct error *err)
{
	char *word[] = { NULL, NULL };
	cleanup_free char *copy = word[0] = strdup(value);
	struct strv words = { word, 1, 2 };
	struct addrs a = addrs_of(p);
	cleanup_free struct in6_addr *owned = NULL;
	char text[INET6_ADDRSTRLEN];
	int rc;

	if (copy == NULL)
		return error_set(err, -ENOMEM, "%s: out of memory", p->name);
	rc = addrs_read(p, &words, &a, err);
	owned = a.addr;
	if (rc < 0)
		return rc;
	if (a.n > PARAM_MAX_ADDRS)
		return error_set(err, -E2BIG, "too many IPv%d addresses",
		                 a.family == AF_INET ? 4 : 6);
	for (size_t i = 0; i < a.n; i++) {
		(void)inet_ntop(a.family, &a.addr[i], text, sizeof(text));
		if (is_special(&a, &a.addr[i]))
			return error_set(err, -EINVAL,
			                 "%s: %s cannot be a jail's address",
			                 p->name, text);
		for (size_t k = 0; k < i; k++)
			if (by_bytes(&a.addr[k], &a.addr[i]) == 0)
				return error_set(err, -EINVAL,
				                 "%s: %s is given twice",
				                 p->name, text);
	}
	return 0;
}

/* The value's own shape and range. */
static int
check_shape(const struct param *p, const char *value, struct error *err)
{
	switch (p->type) {
	case PARAM_INT:
	case PARAM_ULONG:
		return check_number(p, value, err);
	case PARAM_IP4:
	case PARAM_IP6:
		return check_addrs(p, value, err);
	case PARAM_STRING:
		if (p->max > 0 && strlen(value) > (size_t)p->max)
			return error_set(err, -ENAMETOOLONG,
			                 "%s: longer than %lld bytes", p->name,
			                 p->max);
		return 0;
	case PARAM_BOOL:
		if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			return error_set(err, -EINVAL,
			                 "%s: unknown boolean value \"%s\"",
			                 p->name, value);
		return 0;
	case PARAM_JAILSYS:
		for (size_t i = 0; i < ARRAY_LEN(jailsys_word); i++)
			if (strcmp(value, jailsys_word[i]) == 0)
				return 0;
		return error_set(err, -EINVAL,
		                 "%s: unknown jailsys value \"%s\"", p->name,
		                 value);
	case PARAM_LIST:
		break;
	}
	return 0;
}

int
param_check(const struct param *p, const char *value, struct error *err)
{
	const char *text;

	if (p->dflt != NULL && strcmp(value, p->dflt) == 0)
		return 0;
	if (p->when == PARAM_READONLY)
		return error_set(err, -EINVAL, "%s cannot be set", p->name);
	if (check_shape(p, value, err) < 0)
		return err->code;
	if (p->refused == NULL ||
	    (strcmp(p->refused, "*") != 0 && strcmp(p->refused, value) != 0))
		return 0;
	/* A sentence of the table without its full stop. */
	text = p->refusal != NULL ? p->refusal : p->how;
	return error_set(err, -EOPNOTSUPP, "%.*s", (int)strlen(text) - 1, text);
}

static bool
is_word(const struct dict *d, const char *key, const char *word)
{
	const char *val = dict_get(d, key);

	return val != NULL && strcmp(val, word) == 0;
}

/* A VNET jail has no say in the host's addresses. */
static int
check_vnet(const struct dict *params, struct error *err)
{
	static const char *const own[] = { "ip4", "ip4.addr", "ip4.saddrsel",
		                           "ip6", "ip6.addr", "ip6.saddrsel" };

	if (!is_word(params, "vnet", "new"))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (dict_get(params, own[i]) != NULL)
			return error_set(err, -EINVAL,
			                 "vnet jails cannot have IP address "
			                 "restrictions");
	return 0;
}

/* One IPC namespace holds all three kinds. */
static int
check_sysv(const struct dict *params, struct error *err)
{
	static const char *const kind[] = { "sysvmsg", "sysvsem", "sysvshm" };
	bool is_new = false, inherits = false;

	for (size_t i = 0; i < ARRAY_LEN(kind); i++) {
		is_new |= is_word(params, kind[i], "new");
		inherits |= is_word(params, kind[i], "inherit") ||
		            (dict_get(params, kind[i]) == NULL &&
		             dict_is_true(params, "allow.sysvipc"));
	}
	if (is_new && inherits)
		return error_set(err, -EOPNOTSUPP,
		                 "sysvmsg, sysvsem and sysvshm are refused as "
		                 "a mixture of new and inherit: Linux has one "
		                 "IPC namespace for the three");
	return 0;
}

int
param_check_set(const struct dict *params, struct error *err)
{
	const char *name = dict_get(params, "name");
	int jid = (int)dict_get_int(params, "jid", 0);

	for (size_t i = 0; i < params->n; i++) {
		bool negated;
		const struct param *p =
		    param_find(params->row[i].key, &negated);

		if (p == NULL || p->pseudo || negated)
			return error_set(err, -ENOENT, "unknown parameter: %s",
			                 params->row[i].key);
		if (param_check(p, params->row[i].val, err) < 0)
			return err->code;
	}
	if (name != NULL && param_check_name(name, jid, err) < 0)
		return err->code;
	if (check_vnet(params, err) < 0)
		return err->code;
	return check_sysv(params, err);
}

void
param_tell(const struct dict *params, void (*tell)(void *arg, const char *line),
           void *arg)
{
	const bool vnet = is_word(params, "vnet", "new");

	for (size_t i = 0; i < params->n; i++) {
		bool negated;
		const struct param *p =
		    param_find(params->row[i].key, &negated);

		if (p == NULL || p->warn == NULL ||
		    (p->dflt != NULL &&
		     strcmp(params->row[i].val, p->dflt) == 0))
			continue;
		if (vnet && strcmp(p->name, "allow.raw_sockets") == 0)
			continue; /* whole there */
		tell(arg, p->warn);
	}
}

int
param_meta_set(const char *old, const char *key, const char *value, char **out,
               struct error *err)
{
	const size_t len = strlen(key);
	cleanup_buf struct buf b = BUF_INIT;
	char *taken;

	if (len == 0 || strpbrk(key, "=\n") != NULL)
		return error_set(err, -EINVAL, "bad key \"%s\"", key);
	if (value != NULL && strchr(value, '\n') != NULL)
		return error_set(err, -EINVAL, "%s: newline in a value", key);
	while (*old != '\0') {
		const size_t line = strcspn(old, "\n");
		const size_t whole = line + (old[line] == '\n');

		if (strncmp(old, key, len) != 0 || old[len] != '=') {
			buf_put(&b, old, line);
			buf_putc(&b, '\n');
		}
		old += whole;
	}
	if (value != NULL)
		buf_printf(&b, "%s=%s\n", key, value);
	if (b.len > PARAM_MAX_META)
		return error_set(err, -E2BIG, "longer than %d bytes",
		                 PARAM_MAX_META);
	taken = buf_take(&b);
	if (taken == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	*out = taken;
	return 0;
}
