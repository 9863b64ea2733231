/* SPDX-License-Identifier: BSD-2-Clause */
/* parser.c - one reading of pf.conf: files, statements, anchors, messages. */
#include "pf/parser.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "pf/parse.h"
#include "pf/quote.h"
#include "pf/ruleset.h"

/* --- messages --- */

static void PRINTF(3, 0)
    tell(struct pf_parser *p, const char *prefix, const char *fmt, va_list ap)
{
	cleanup_buf struct buf line = BUF_INIT;
	va_list again;
	int len;
	char *text;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	text = len < 0 ? NULL : malloc((size_t)len + 1);
	if (text == NULL)
		return;
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	buf_puts(&line, prefix);
	for (const char *c = text; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			buf_printf(&line, "\\%03o", (unsigned char)*c);
		else
			buf_putc(&line, *c);
	free(text);
	if (p->env->tell != NULL)
		p->env->tell(p->env->tell_ctx, buf_str(&line));
}

void
pf_complain(struct pf_parser *p, const char *fmt, ...)
{
	cleanup_buf struct buf where = BUF_INIT;
	va_list ap;

	if (p->in_table_file)
		return;
	p->n_errors++;
	if (p->stmt != NULL)
		p->stmt->bad = true;
	buf_printf(&where, "%s:%d: ", pf_lex_file(&p->lex), p->lex.line);
	va_start(ap, fmt);
	tell(p, buf_str(&where), fmt, ap);
	va_end(ap);
}

void
pf_note(struct pf_parser *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(p, "", fmt, ap);
	va_end(ap);
}

static void
complain_word(void *ctx, const char *text)
{
	pf_complain(ctx, "%s", text);
}

/* --- statements --- */

static void
clear(struct pf_stmt *s, struct pf_stmt *outer)
{
	memset(s, 0, sizeof(*s));
	s->outer = outer;
	s->rtable = -1;
	s->scrub.fragment = -1;
}

/* A statement within outer, or the first of all. */
static bool
begin(struct pf_parser *p, struct pf_stmt *outer)
{
	struct pf_stmt *s = arena_alloc(p->arena, sizeof(*s));

	if (s == NULL)
		return false;
	clear(s, outer);
	p->stmt = s;
	return true;
}

void
pf_stmt_end(struct pf_parser *p)
{
	struct pf_stmt *s = p->stmt;

	s->line = p->lex.line;
	if (!s->bad && !p->arena->failed)
		pf_build(p, s);
	clear(s, s->outer);
}

void
pf_stmt_drop(struct pf_parser *p)
{
	clear(p->stmt, p->stmt->outer);
}

void
pf_stmt_drop_all(struct pf_parser *p)
{
	while (p->stmt->outer != NULL)
		pf_anchor_close(p);
	pf_stmt_drop(p);
}

bool
pf_in_phase(struct pf_parser *p, enum pf_phase phase)
{
	if (p->require_order && p->phase > phase) {
		pf_complain(p, "Rules must be in order: options, ethernet, "
		               "normalization, queueing, translation, "
		               "filtering");
		return false;
	}
	p->phase = phase;
	return true;
}

void
pf_build(struct pf_parser *p, struct pf_stmt *s)
{
	static const struct {
		enum pf_phase phase;
		void (*build)(struct pf_parser *p, struct pf_stmt *s);
	} how[] = {
		[PF_STMT_FILTER] = { PF_PHASE_FILTER, pf_build_filter },
		[PF_STMT_ANCHOR] = { PF_PHASE_FILTER, pf_build_anchor },
		[PF_STMT_TRANS_ANCHOR] = { PF_PHASE_NAT,
		                           pf_build_trans_anchor },
		[PF_STMT_LOAD_ANCHOR] = { PF_PHASE_NONE, pf_build_load_anchor },
		[PF_STMT_ANTISPOOF] = { PF_PHASE_FILTER, pf_build_antispoof },
		[PF_STMT_SCRUB] = { PF_PHASE_SCRUB, pf_build_scrub },
		[PF_STMT_NAT] = { PF_PHASE_NAT, pf_build_nat },
		[PF_STMT_BINAT] = { PF_PHASE_NAT, pf_build_binat },
		[PF_STMT_TABLE] = { PF_PHASE_NONE, pf_build_table },
		[PF_STMT_ETHER] = { PF_PHASE_ETHER, pf_build_ether },
		[PF_STMT_ETHER_ANCHOR] = { PF_PHASE_ETHER,
		                           pf_build_ether_anchor },
		[PF_STMT_ALTQ] = { PF_PHASE_QUEUE, pf_build_altq },
		[PF_STMT_QUEUE] = { PF_PHASE_QUEUE, pf_build_queue },
	};

	if (s->kind == PF_STMT_NONE)
		return;
	if (how[s->kind].phase != PF_PHASE_NONE &&
	    !pf_in_phase(p, how[s->kind].phase))
		return;
	how[s->kind].build(p, s);
}

/* --- anchors --- */

bool
pf_anchor_open(struct pf_parser *p)
{
	struct pf_stmt *s = p->stmt;
	char unnamed[32];
	struct pf_ruleset *inside;

	if (p->depth >= PF_MAX_DEPTH) {
		pf_complain(p, "anchors nested more than %d deep",
		            PF_MAX_DEPTH);
		return false;
	}
	if (s->name != NULL) {
		if (s->name[0] == '_' || strstr(s->name, "/_") != NULL) {
			pf_complain(p, "anchor names beginning with '_' are "
			               "reserved for internal use");
			return false;
		}
		if (strchr(s->name, '/') != NULL) {
			pf_complain(p, "anchor paths containing '/' cannot be "
			               "used for inline anchors.");
			return false;
		}
		inside = pf_ruleset_child(p->ruleset, s->name);
		if (inside != NULL && inside->is_inline) {
			pf_complain(p, "inline anchor '%s' already exists",
			            s->name);
			return false;
		}
	} else {
		snprintf(unnamed, sizeof(unnamed), "_%u", ++p->n_unnamed);
	}
	inside = pf_ruleset_get(p->conf, p->ruleset,
	                        s->name != NULL ? s->name : unnamed);
	if (inside == NULL || !begin(p, s))
		return false;
	inside->is_inline = true;
	s->braces = true;
	s->inside = inside;
	s->around = p->ruleset;
	p->ruleset = inside;
	p->depth++;
	return true;
}

void
pf_anchor_close(struct pf_parser *p)
{
	struct pf_stmt *outer = p->stmt->outer;

	p->ruleset = outer->around;
	p->stmt = outer;
	p->depth--;
}

/* --- words of the grammar --- */

struct pf_item *
pf_item_new(struct pf_parser *p)
{
	struct pf_item *i = arena_alloc(p->arena, sizeof(*i));

	if (i != NULL) {
		i->mask = -1;
		i->line = p->lex.line;
	}
	return i;
}

void
pf_items_join(struct pf_items *l, const struct pf_items *more)
{
	if (more->first == NULL)
		return;
	if (l->first == NULL)
		l->first = more->first;
	else
		l->last->next = more->first;
	l->last = more->last;
}

const char *
pf_join(struct pf_parser *p, const char *a, const char *sep, const char *b)
{
	return arena_printf(p->arena, "%s%s%s", a, sep, b);
}

const char *
pf_decimal(struct pf_parser *p, long long n)
{
	return arena_printf(p->arena, "%lld", n);
}

bool
pf_number(struct pf_parser *p, const char *word, long long *out)
{
	uint64_t n;

	if (num_u64(word, &n) < 0 || n > UINT32_MAX) {
		pf_complain(p, "%s is not a number", word);
		return false;
	}
	*out = (long long)n;
	return true;
}

bool
pf_yes(struct pf_parser *p, const char *word, long long *out)
{
	if (strcmp(word, "yes") != 0) {
		pf_complain(p, "invalid value '%s', expected 'yes' or 'no'",
		            word);
		return false;
	}
	*out = 1;
	return true;
}

bool
pf_macro(struct pf_parser *p, const char *name, const char *value)
{
	for (const char *c = name; *c != '\0'; c++)
		if (isspace((unsigned char)*c)) {
			pf_complain(p, "macro name cannot contain whitespace");
			return false;
		}
	pf_put_word(&p->conf->echo, name);
	buf_puts(&p->conf->echo, " = ");
	pf_put_quoted(&p->conf->echo, value);
	buf_putc(&p->conf->echo, '\n');
	return pf_lex_define(&p->lex, name, value, false) == 0;
}

void
pf_include(struct pf_parser *p, const char *file)
{
	struct error err;
	char *text;
	size_t len;

	if (p->world->read(p->world->ctx, file, &text, &len, &err) < 0) {
		pf_note(p, "pfctl: %s", err.msg);
		pf_complain(p, "failed to include file %s", file);
	} else if (len > PF_MAX_FILE_BYTES) {
		free(text);
		pf_complain(p, "failed to include file %s", file);
	} else if (!pf_lex_open_owned(&p->lex, file, text, len)) {
		pf_complain(p, "failed to include file %s", file);
	}
	pf_stmt_drop(p);
}

struct pf_item *
pf_host(struct pf_parser *p, enum pf_host_kind kind, const char *word,
        long long mask)
{
	struct pf_item *i = pf_item_new(p);

	if (i == NULL)
		return NULL;
	i->kind = (uint8_t)kind;
	i->a.word = word;
	if (kind == PF_HOST_TABLE && strlen(word) >= PF_TABLE_SIZE)
		pf_complain(p, "table name '%s' too long", word);
	if (mask > 128)
		pf_complain(p, "bit number too big");
	i->mask = mask < 0 || mask > 128 ? -1 : (int)mask;
	return i;
}

struct pf_item *
pf_route_host(struct pf_parser *p, const char *ifname, struct pf_item *host)
{
	struct pf_item *i = host;

	if (ifname == NULL) {
		pf_complain(p, "syntax error");
		return NULL;
	}
	if (i == NULL && (i = pf_item_new(p)) != NULL)
		i->kind = PF_HOST_ANY;
	if (i != NULL)
		i->ifname = ifname;
	if (strlen(ifname) >= PF_IFNAME_SIZE)
		pf_complain(p, "interface name too long");
	return i;
}

bool
pf_icmp(struct pf_parser *p, unsigned af, const struct pf_items *l)
{
	if (p->stmt->icmp.first != NULL) {
		pf_complain(p, "icmp-type cannot be redefined");
		return false;
	}
	p->stmt->icmp = *l;
	p->stmt->icmp_af = (uint8_t)af;
	return true;
}

bool
pf_label(struct pf_parser *p, const char *label)
{
	if (p->stmt->n_labels == PF_MAX_LABELS) {
		pf_complain(p, "label can only be used %d times",
		            PF_MAX_LABELS);
		return false;
	}
	p->stmt->label[p->stmt->n_labels++] = label;
	return true;
}

bool
pf_state(struct pf_parser *p, enum pf_state state, const struct pf_items *opts)
{
	if (p->stmt->has_state) {
		pf_complain(p, "modulate or keep cannot be redefined");
		return false;
	}
	p->stmt->has_state = true;
	p->stmt->state = (uint8_t)state;
	if (opts != NULL)
		p->stmt->so = *opts;
	return true;
}

bool
pf_reassemble_tcp(struct pf_parser *p, const char *word)
{
	if (strcmp(word, "tcp") != 0) {
		pf_complain(p, "scrub reassemble supports only tcp, not '%s'",
		            word);
		return false;
	}
	if (p->stmt->scrub.reassemble_tcp) {
		pf_complain(p, "reassemble tcp cannot be respecified");
		return false;
	}
	p->stmt->scrub.reassemble_tcp = true;
	return true;
}

bool
pf_fragment(struct pf_parser *p, int reassemble)
{
	if (p->stmt->scrub.fragment != -1) {
		pf_complain(p, "fragcache cannot be respecified");
		return false;
	}
	p->stmt->scrub.fragment = reassemble;
	return true;
}

bool
pf_pool_type(struct pf_parser *p, enum pf_pool_type type)
{
	if (p->pool->type != PF_POOL_NONE) {
		pf_complain(p, "pool type cannot be redefined");
		return false;
	}
	p->pool->type = (uint8_t)type;
	return true;
}

bool
pf_mape(struct pf_parser *p, long long offset, long long len, long long id)
{
	if (offset <= 0 || offset >= 16) {
		pf_complain(p, "MAP-E PSID offset must be 1-15");
		return false;
	}
	if (len < 0 || len >= 16 || offset + len > 16) {
		pf_complain(p, "Invalid MAP-E PSID length");
		return false;
	}
	if (id < 0 || id > 65535) {
		pf_complain(p, "Invalid MAP-E PSID");
		return false;
	}
	p->pool->has_mape = true;
	p->pool->mape[0] = offset;
	p->pool->mape[1] = len;
	p->pool->mape[2] = id;
	return true;
}

bool
pf_table_word(struct pf_parser *p, const char *word)
{
	struct pf_stmt *s = p->stmt;

	if (strcmp(word, "const") == 0)
		s->table.constant = true;
	else if (strcmp(word, "persist") == 0)
		s->table.persist = true;
	else if (strcmp(word, "counters") == 0)
		s->table.counters = true;
	else {
		pf_complain(p, "invalid table option '%s'", word);
		return false;
	}
	return true;
}

void
pf_table_part(struct pf_parser *p, const char *file,
              const struct pf_items *hosts)
{
	struct pf_stmt *s = p->stmt;
	struct pf_table_part_stmt *t = arena_alloc(p->arena, sizeof(*t));

	if (t == NULL)
		return;
	t->file = file;
	if (hosts != NULL)
		t->hosts = *hosts;
	s->table.init = true;
	if (s->table.first == NULL)
		s->table.first = t;
	else
		s->table.last->next = t;
	s->table.last = t;
}

/* --- the whole --- */

/* Run the grammar over what the lexer has open. */
static int
run(struct pf_parser *p, struct error *err)
{
	int status;

	if (!begin(p, NULL))
		return error_set(err, -ENOMEM, "out of memory");
	p->depth = 0;
	status = pf_yyparse(p);
	if (p->arena->failed || status == 2)
		return p->arena->used >= p->arena->limit
		           ? error_set(err, -E2BIG,
		                       "rules take too much memory")
		           : error_set(err, -ENOMEM, "out of memory");
	if (p->conf->n_rules >= PF_MAX_RULES)
		return error_set(err, -E2BIG, "more than %d rules",
		                 PF_MAX_RULES);
	return 0;
}

/* The files of load anchor, which may ask for more. */
static int
run_later(struct pf_parser *p, struct error *err)
{
	for (struct pf_later *l = p->later; l != NULL; l = l->next) {
		struct error why;
		char *text;
		size_t len;
		int code;

		if (p->env->read != NULL
		        ? p->env->read(p->env->read_ctx, l->file, &text, &len,
		                       &why) < 0
		        : p->world->read(p->world->ctx, l->file, &text, &len,
		                         &why) < 0) {
			pf_note(p, "pfctl: %s", why.msg);
			p->n_errors++;
			continue;
		}
		p->ruleset = pf_ruleset_get(p->conf, p->conf->main, l->anchor);
		if (p->ruleset == NULL ||
		    !pf_lex_open_owned(&p->lex, l->file, text, len))
			return error_set(err, -ENOMEM, "out of memory");
		p->ruleset->is_loaded = true;
		p->phase = PF_PHASE_NONE;
		p->n_unnamed = 0;
		code = run(p, err);
		pf_lex_close(&p->lex);
		if (code < 0)
			return code;
		if (++p->n_later > PF_MAX_LATER)
			return error_set(err, -E2BIG,
			                 "more than %d files of anchors",
			                 PF_MAX_LATER);
	}
	return 0;
}

static void
warn_unused(struct pf_parser *p)
{
	for (const struct pf_macro *m = p->lex.macro; m != NULL; m = m->next)
		if (!m->used && !m->sticky)
			pf_note(p, "warning: macro '%s' not used", m->name);
}

static int
define_macros(struct pf_parser *p, struct error *err)
{
	const char *const *m = p->env->macros;

	for (; m != NULL && m[0] != NULL; m += 2)
		if (pf_lex_define(&p->lex, m[0], m[1], true) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int
parse(struct pf_parser *p, const char *name, const char *text, size_t len,
      struct error *err)
{
	const char *at = p->env->anchor != NULL ? p->env->anchor : "";
	int code;

	p->ruleset = pf_ruleset_get(p->conf, p->conf->main, at);
	if (p->ruleset == NULL || define_macros(p, err) < 0 ||
	    !pf_lex_open(&p->lex, name, text, len))
		return error_set(err, -ENOMEM, "out of memory");
	p->ruleset->is_loaded = true;
	code = run(p, err);
	pf_lex_close(&p->lex);
	if (code == 0 && p->n_errors == 0)
		code = run_later(p, err);
	if (code == 0 && p->env->verbose >= 2)
		warn_unused(p);
	if (code == 0 && p->n_errors == 0)
		pf_finish(p);
	if (code == 0 && p->n_errors > 0)
		code = error_set(err, -EINVAL, "%s has errors", name);
	return code;
}

/* A reader with a configuration of its own; NULL: no memory. */
static struct pf_parser *
reader_new(const struct pf_parse_env *env)
{
	struct pf_config *conf = pf_config_new();
	struct pf_parser *p = calloc(1, sizeof(*p));

	if (conf == NULL || p == NULL) {
		pf_config_free(conf);
		free(p);
		return NULL;
	}
	p->env = env;
	p->world = env->world;
	p->conf = conf;
	p->arena = &conf->arena;
	p->require_order = true;
	pf_lex_init(&p->lex, p->arena, complain_word, p);
	return p;
}

/* The reader goes, its configuration stays. */
static struct pf_config *
reader_end(struct pf_parser *p)
{
	struct pf_config *conf = p->conf;

	pf_lex_fini(&p->lex);
	pf_found_fini(&p->found);
	free(p);
	return conf;
}

int
pf_parse(const struct pf_parse_env *env, const char *name, const char *text,
         size_t len, struct pf_config **out_conf, struct error *err)
{
	struct pf_parser *p;
	int code;

	*out_conf = NULL;
	if (len > PF_MAX_FILE_BYTES)
		return error_set(err, -E2BIG, "%s: larger than %d bytes", name,
		                 PF_MAX_FILE_BYTES);
	p = reader_new(env);
	if (p == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	code = parse(p, name, text, len, err);
	*out_conf = reader_end(p);
	if (code < 0 && code != -EINVAL) {
		pf_config_free(*out_conf);
		*out_conf = NULL;
	}
	return code;
}

int
pf_parse_addresses(const struct pf_parse_env *env,
                   const struct pf_addresses_in *in,
                   struct pf_config **out_conf,
                   const struct pf_table **out_table, size_t *out_bad)
{
	struct pf_parser *p = reader_new(env);
	struct pf_table *t;
	bool ok;

	if (p == NULL)
		return -ENOMEM;
	/* Complaints name a file and a line, which these have not. */
	p->in_table_file = true;
	t = arena_alloc(p->arena, sizeof(*t));
	ok = t != NULL && begin(p, NULL);
	for (*out_bad = 0; ok && *out_bad < in->n_words; (*out_bad)++)
		if (!pf_table_add_word(p, t, in->word[*out_bad],
		                       strlen(in->word[*out_bad]), false))
			break;
	ok = ok && *out_bad == in->n_words && in->len <= PF_MAX_FILE_BYTES &&
	     pf_table_add_text(p, t, in->text, in->len);
	if (ok) {
		*out_conf = reader_end(p);
		*out_table = t;
		return 0;
	}
	ok = p->arena->failed;
	pf_config_free(reader_end(p));
	return ok ? -ENOMEM : -EINVAL;
}
