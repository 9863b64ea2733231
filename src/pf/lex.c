/* SPDX-License-Identifier: BSD-2-Clause */
/* lex.c - the words of pf.conf(5). */
#include "pf/lex.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pf/parse.h"
#include "pf/quote.h"
#include "pf/rule.h"

enum { END = -1, NO_CHAR = -2 };

struct pf_frame {
	struct pf_frame *below;
	const char *name; /* of a file; NULL: a macro's value */
	const char *text;
	size_t len, at;
	int line;  /* of a file: that of the next character */
	int back;  /* a character read and put back */
	char last; /* a file's last character, if it was read */
	char *owned;
};

void
pf_lex_init(struct pf_lex *lx, struct arena *arena, pf_complain_fn *complain,
            void *ctx)
{
	memset(lx, 0, sizeof(*lx));
	lx->arena = arena;
	lx->complain = complain;
	lx->ctx = ctx;
	lx->line = 1;
}

static void
find_file(struct pf_lex *lx)
{
	lx->file = lx->frame;
	while (lx->file != NULL && lx->file->name == NULL)
		lx->file = lx->file->below;
}

static void
pop(struct pf_lex *lx)
{
	struct pf_frame *f = lx->frame;

	lx->frame = f->below;
	if (f->name != NULL)
		lx->n_files--;
	free(f->owned);
	free(f);
	find_file(lx);
}

void
pf_lex_close(struct pf_lex *lx)
{
	while (lx->frame != NULL)
		pop(lx);
}

void
pf_lex_fini(struct pf_lex *lx)
{
	pf_lex_close(lx);
}

/* name NULL: the value of a macro. */
static struct pf_frame *
push(struct pf_lex *lx, const char *name, const char *text, size_t len)
{
	struct pf_frame *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		lx->arena->failed = true;
		return NULL;
	}
	f->below = lx->frame;
	f->name = name;
	f->text = text;
	f->len = len;
	f->line = 1;
	f->back = NO_CHAR;
	f->last = '\n';
	lx->frame = f;
	if (name != NULL)
		lx->n_files++;
	find_file(lx);
	return f;
}

bool
pf_lex_open(struct pf_lex *lx, const char *name, const char *text, size_t len)
{
	const char *copy = arena_strdup(lx->arena, name);

	return lx->n_files < PF_MAX_INCLUDE && copy != NULL &&
	       push(lx, copy, text, len) != NULL;
}

bool
pf_lex_open_owned(struct pf_lex *lx, const char *name, char *text, size_t len)
{
	if (!pf_lex_open(lx, name, text, len)) {
		free(text);
		return false;
	}
	lx->frame->owned = text;
	return true;
}

const char *
pf_lex_file(const struct pf_lex *lx)
{
	return lx->file != NULL ? lx->file->name : "";
}

/* --- characters --- */

/* The next character as it stands. A file without a newline at its end is
 * given one. An included file that has ended is left; the first stays, so that
 * messages still have its name. */
static int
raw(struct pf_lex *lx)
{
	for (;;) {
		struct pf_frame *f = lx->frame;
		int c;

		if (f == NULL)
			return END;
		lx->in_macro = f->name == NULL;
		if (f->back != NO_CHAR) {
			c = f->back;
			f->back = NO_CHAR;
			return c;
		}
		if (f->at < f->len) {
			c = (unsigned char)f->text[f->at++];
			f->last = (char)c;
			return c;
		}
		if (f->name != NULL && f->last != '\n') {
			f->last = '\n';
			return '\n';
		}
		if (f->below == NULL)
			return END;
		pop(lx);
	}
}

static void
unread(struct pf_lex *lx, int c)
{
	if (c != END && lx->frame != NULL)
		lx->frame->back = c;
}

/* The next character of program text: a backslash joins lines, and takes its
 * meaning from any other character. Values of macros went through this when
 * they were defined. */
static int
next(struct pf_lex *lx)
{
	for (;;) {
		const struct pf_frame *f = lx->frame;
		bool again =
		    f != NULL && (f->back != NO_CHAR || f->name == NULL);
		int c = raw(lx);

		if (c != '\\' || again)
			return c;
		c = raw(lx);
		if (c != '\n')
			return c;
		if (lx->file != NULL)
			lx->file->line++;
	}
}

void
pf_lex_skip_line(struct pf_lex *lx)
{
	int c;

	while (lx->frame != NULL && lx->frame->name == NULL)
		pop(lx);
	while ((c = next(lx)) != '\n' && c != END)
		;
	unread(lx, c);
}

/* --- macros --- */

static struct pf_macro *
find_macro(const struct pf_lex *lx, const char *name)
{
	struct pf_macro *m = lx->macro;

	while (m != NULL && strcmp(m->name, name) != 0)
		m = m->next;
	return m;
}

int
pf_lex_define(struct pf_lex *lx, const char *name, const char *value,
              bool sticky)
{
	struct pf_macro *m = find_macro(lx, name);
	const char *copy;

	if (m != NULL && m->sticky && !sticky)
		return 0;
	copy = arena_strdup(lx->arena, value);
	if (copy == NULL)
		return -1;
	if (m == NULL) {
		m = arena_alloc(lx->arena, sizeof(*m));
		if (m == NULL ||
		    (m->name = arena_strdup(lx->arena, name)) == NULL)
			return -1;
		m->next = lx->macro;
		lx->macro = m;
	}
	m->value = copy;
	m->sticky = sticky;
	return 0;
}

/* $name: its value is what is read next. */
static int
macro_use(struct pf_lex *lx)
{
	char text[PF_TOKEN_SIZE + 32];
	struct pf_macro *m;
	size_t n = 0;
	int c;

	while ((c = next(lx)) != END && (isalnum(c) || c == '_')) {
		if (n == sizeof(lx->token) - 1) {
			lx->complain(lx->ctx, "string too long");
			pf_lex_skip_line(lx);
			return T_BAD;
		}
		lx->token[n++] = (char)c;
	}
	unread(lx, c);
	lx->token[n] = '\0';
	m = find_macro(lx, lx->token);
	if (m == NULL) {
		snprintf(text, sizeof(text), "macro '%s' not defined",
		         lx->token);
		lx->complain(lx->ctx, text);
		pf_lex_skip_line(lx);
		return T_BAD;
	}
	m->used = true;
	return push(lx, NULL, m->value, strlen(m->value)) != NULL ? 0 : T_BAD;
}

/* --- tokens --- */

static const struct keyword {
	const char *word;
	int token;
} keywords[] = {
	{ "af-to", T_AF_TO },
	{ "all", T_ALL },
	{ "allow-opts", T_ALLOW_OPTS },
	{ "allow-related", T_ALLOW_RELATED },
	{ "altq", T_ALTQ },
	{ "anchor", T_ANCHOR },
	{ "antispoof", T_ANTISPOOF },
	{ "any", T_ANY },
	{ "bandwidth", T_BANDWIDTH },
	{ "binat", T_BINAT },
	{ "binat-anchor", T_BINAT_ANCHOR },
	{ "binat-to", T_BINAT_TO },
	{ "bitmask", T_BITMASK },
	{ "block", T_BLOCK },
	{ "block-policy", T_BLOCK_POLICY },
	{ "bridge-to", T_BRIDGE_TO },
	{ "buckets", T_BUCKETS },
	{ "cbq", T_CBQ },
	{ "code", T_CODE },
	{ "codelq", T_CODELQ },
	{ "debug", T_DEBUG },
	{ "divert-reply", T_DIVERT_REPLY },
	{ "divert-to", T_DIVERT_TO },
	{ "dnpipe", T_DNPIPE },
	{ "dnqueue", T_DNQUEUE },
	{ "drop", T_DROP },
	{ "dup-to", T_DUP_TO },
	{ "endpoint-independent", T_ENDPOINT_INDEPENDENT },
	{ "ether", T_ETHER },
	{ "fail-policy", T_FAIL_POLICY },
	{ "fairq", T_FAIRQ },
	{ "fastroute", T_FASTROUTE },
	{ "file", T_FILENAME },
	{ "fingerprints", T_FINGERPRINTS },
	{ "flags", T_FLAGS },
	{ "floating", T_FLOATING },
	{ "flush", T_FLUSH },
	{ "for", T_FOR },
	{ "fragment", T_FRAGMENT },
	{ "from", T_FROM },
	{ "global", T_GLOBAL },
	{ "group", T_GROUP },
	{ "hfsc", T_HFSC },
	{ "hogs", T_HOGS },
	{ "hostid", T_HOSTID },
	{ "icmp-type", T_ICMP_TYPE },
	{ "icmp6-type", T_ICMP6_TYPE },
	{ "if-bound", T_IF_BOUND },
	{ "in", T_IN },
	{ "include", T_INCLUDE },
	{ "inet", T_INET },
	{ "inet6", T_INET6 },
	{ "interval", T_INTERVAL },
	{ "keep", T_KEEP },
	{ "keepcounters", T_KEEPCOUNTERS },
	{ "l3", T_L3 },
	{ "label", T_LABEL },
	{ "limit", T_LIMIT },
	{ "linkshare", T_LINKSHARE },
	{ "load", T_LOAD },
	{ "log", T_LOG },
	{ "loginterface", T_LOGINTERFACE },
	{ "map-e-portset", T_MAP_E_PORTSET },
	{ "match", T_MATCH },
	{ "max", T_MAX },
	{ "max-mss", T_MAX_MSS },
	{ "max-src-conn", T_MAX_SRC_CONN },
	{ "max-src-conn-rate", T_MAX_SRC_CONN_RATE },
	{ "max-src-nodes", T_MAX_SRC_NODES },
	{ "max-src-states", T_MAX_SRC_STATES },
	{ "min-ttl", T_MIN_TTL },
	{ "modulate", T_MODULATE },
	{ "nat", T_NAT },
	{ "nat-anchor", T_NAT_ANCHOR },
	{ "nat-to", T_NAT_TO },
	{ "no", T_NO },
	{ "no-df", T_NO_DF },
	{ "no-route", T_NO_ROUTE },
	{ "no-sync", T_NO_SYNC },
	{ "on", T_ON },
	{ "once", T_ONCE },
	{ "optimization", T_OPTIMIZATION },
	{ "os", T_OS },
	{ "out", T_OUT },
	{ "overload", T_OVERLOAD },
	{ "pass", T_PASS },
	{ "port", T_PORT },
	{ "prio", T_PRIO },
	{ "priority", T_PRIORITY },
	{ "priq", T_PRIQ },
	{ "probability", T_PROBABILITY },
	{ "proto", T_PROTO },
	{ "qlimit", T_QLIMIT },
	{ "queue", T_QUEUE },
	{ "quick", T_QUICK },
	{ "random", T_RANDOM },
	{ "random-id", T_RANDOM_ID },
	{ "rdr", T_RDR },
	{ "rdr-anchor", T_RDR_ANCHOR },
	{ "rdr-to", T_RDR_TO },
	{ "realtime", T_REALTIME },
	{ "reassemble", T_REASSEMBLE },
	{ "received-on", T_RECEIVED_ON },
	{ "reply-to", T_REPLY_TO },
	{ "require-order", T_REQUIRE_ORDER },
	{ "return", T_RETURN },
	{ "return-icmp", T_RETURN_ICMP },
	{ "return-icmp6", T_RETURN_ICMP6 },
	{ "return-rst", T_RETURN_RST },
	{ "ridentifier", T_RIDENTIFIER },
	{ "round-robin", T_ROUND_ROBIN },
	{ "route", T_ROUTE },
	{ "route-to", T_ROUTE_TO },
	{ "rtable", T_RTABLE },
	{ "rule", T_RULE },
	{ "ruleset-optimization", T_RULESET_OPTIMIZATION },
	{ "scrub", T_SCRUB },
	{ "set", T_SET },
	{ "set-tos", T_SET_TOS },
	{ "skip", T_SKIP },
	{ "sloppy", T_SLOPPY },
	{ "source-hash", T_SOURCE_HASH },
	{ "source-track", T_SOURCE_TRACK },
	{ "state", T_STATE },
	{ "state-defaults", T_STATE_DEFAULTS },
	{ "state-policy", T_STATE_POLICY },
	{ "static-port", T_STATIC_PORT },
	{ "sticky-address", T_STICKY_ADDRESS },
	{ "syncookies", T_SYNCOOKIES },
	{ "synproxy", T_SYNPROXY },
	{ "table", T_TABLE },
	{ "tag", T_TAG },
	{ "tagged", T_TAGGED },
	{ "target", T_TARGET },
	{ "tbrsize", T_TBRSIZE },
	{ "timeout", T_TIMEOUT },
	{ "to", T_TO },
	{ "tos", T_TOS },
	{ "ttl", T_TTL },
	{ "upperlimit", T_UPPERLIMIT },
	{ "urpf-failed", T_URPF_FAILED },
	{ "user", T_USER },
};

static int
by_word(const void *word, const void *k)
{
	return strcmp(word, ((const struct keyword *)k)->word);
}

static int
keyword(const char *word)
{
	const struct keyword *k = bsearch(word, keywords, ARRAY_LEN(keywords),
	                                  sizeof(*keywords), by_word);

	return k != NULL ? k->token : T_STRING;
}

/* Words go on with these; the reserved ones stand alone. */
static bool
in_word(int c)
{
	return c != END && c < 0x80 && (isalnum(c) || ispunct(c)) &&
	       strchr("(){}<>!=/#,", c) == NULL;
}

bool
pf_lex_is_word(const char *text)
{
	const char *s = text;

	if (!isalpha((unsigned char)*s) && *s != ':' && *s != '_')
		return false;
	while (in_word((unsigned char)*s) && *s != '\\')
		s++;
	return *s == '\0' && keyword(text) == T_STRING;
}

static bool
ends_number(int c)
{
	return c == END || isspace(c) || (c != 0 && strchr("),/}=", c) != NULL);
}

static int
string_token(struct pf_lex *lx, size_t n, const char **out)
{
	lx->token[n] = '\0';
	if (strlen(lx->token) != n || !pf_can_quote(lx->token)) {
		lx->complain(lx->ctx, "string that cannot be written again");
		pf_lex_skip_line(lx);
		return T_BAD;
	}
	*out = arena_strndup(lx->arena, lx->token, n);
	return *out != NULL ? T_STRING : T_END;
}

static int
too_long(struct pf_lex *lx)
{
	lx->complain(lx->ctx, "string too long");
	pf_lex_skip_line(lx);
	return T_BAD;
}

/* A word, of which n characters are in lx->token; c is the next. */
static int
word(struct pf_lex *lx, size_t n, int c, const char **out)
{
	int t;

	for (; in_word(c); c = next(lx)) {
		if (n == sizeof(lx->token) - 1)
			return too_long(lx);
		lx->token[n++] = (char)c;
	}
	unread(lx, c);
	lx->token[n] = '\0';
	t = keyword(lx->token);
	return t == T_STRING ? string_token(lx, n, out) : t;
}

/* A string in quotes of the kind q, whose first was read. */
static int
quoted(struct pf_lex *lx, int q, const char **out)
{
	size_t n = 0;

	for (;;) {
		int c = raw(lx);

		if (c == q)
			return string_token(lx, n, out);
		if (c == '\\') {
			int d = raw(lx);

			if (d == q)
				c = d;
			else if (d == '\n')
				c = d;
			else
				unread(lx, d);
		}
		if (c == '\n') {
			if (lx->file != NULL)
				lx->file->line++;
			continue;
		}
		if (c == END) {
			lx->complain(lx->ctx,
			             "reached end of file while parsing quoted "
			             "string");
			return T_BAD;
		}
		if (n == sizeof(lx->token) - 1)
			return too_long(lx);
		lx->token[n++] = (char)c;
	}
}

static int
number_token(struct pf_lex *lx, long long *out)
{
	char text[PF_TOKEN_SIZE + 64];

	errno = 0;
	*out = strtoll(lx->token, NULL, 10);
	if (errno == 0)
		return T_NUMBER;
	snprintf(text, sizeof(text), "\"%s\" invalid number: too %s", lx->token,
	         *out < 0 ? "small" : "large");
	lx->complain(lx->ctx, text);
	pf_lex_skip_line(lx);
	return T_BAD;
}

static bool
digit(int c)
{
	return c >= '0' && c <= '9';
}

/* A number, with a sign or without, or a word that begins with digits. */
static int
digits(struct pf_lex *lx, int c, const char **out, long long *out_number)
{
	bool sign = c == '-';
	size_t n = 0;

	do {
		if (n == sizeof(lx->token) - 1)
			return too_long(lx);
		lx->token[n++] = (char)c;
		c = next(lx);
	} while (digit(c));
	lx->token[n] = '\0';
	if (sign && n == 1) {
		unread(lx, c);
		return '-';
	}
	if (!ends_number(c)) {
		if (sign) {
			unread(lx, c);
			return T_BAD;
		}
		return word(lx, n, c, out);
	}
	unread(lx, c);
	return number_token(lx, out_number);
}

/* <> >< -> or the first of them alone. */
static int
pair(struct pf_lex *lx, int c)
{
	static const struct {
		char first, second;
		int token;
	} pairs[] = { { '<', '>', T_OUTSIDE },
		      { '>', '<', T_INSIDE },
		      { '-', '>', T_ARROW } };
	int d = next(lx);

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (c == pairs[i].first && d == pairs[i].second)
			return pairs[i].token;
	unread(lx, d);
	return 0;
}

static int
token(struct pf_lex *lx, int c, const char **out, long long *number)
{
	int two;

	if (c == '"' || c == '\'')
		return quoted(lx, c, out);
	if (c == '<' || c == '>' || c == '-') {
		two = pair(lx, c);
		if (two != 0 || c != '-')
			return two != 0 ? two : c;
		return digits(lx, c, out, number);
	}
	if (digit(c))
		return digits(lx, c, out, number);
	if (c < 0x80 && (isalpha(c) || c == ':' || c == '_'))
		return word(lx, 0, c, out);
	if (c == '\n' && lx->file != NULL)
		lx->file->line++;
	return c == 0 || c >= 0x80 ? T_BAD : c;
}

static int
skip_blanks(struct pf_lex *lx)
{
	int c;

	while ((c = next(lx)) == ' ' || c == '\t')
		;
	if (c == '#')
		while ((c = next(lx)) != '\n' && c != END)
			;
	return c;
}

int
pf_lex_next(struct pf_lex *lx, const char **out_text, long long *out_number)
{
	for (;;) {
		int c = skip_blanks(lx), t;

		if (lx->file != NULL)
			lx->line = lx->file->line;
		if (c == END || lx->arena->failed)
			return T_END;
		if (c != '$' || lx->in_macro)
			return token(lx, c, out_text, out_number);
		t = macro_use(lx);
		if (t != 0)
			return t;
	}
}
