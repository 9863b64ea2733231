/* SPDX-License-Identifier: BSD-2-Clause */
/* pf.h - reading pf.conf(5), and printing what was read as pfctl(8) does.
 *
 * Owns the language: text in, rules out, text again. Does not own what the
 * rules do to packets (eval.h) nor how a kernel is told (the compiler).
 */
#ifndef PF_PF_H
#define PF_PF_H
#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "pf/rule.h"
#include "pf/world.h"

/* Which parts of a file are wanted: -N -R -O -A, and -T load. */
enum {
	PF_WANT_NAT = 1,
	PF_WANT_FILTER = 2, /* with scrub and ether */
	PF_WANT_OPTION = 4,
	PF_WANT_ALTQ = 8,
	PF_WANT_TABLE = 16,
	PF_WANT_ALL = 31,
};

struct pf_parse_env {
	const struct pf_world *world;
	unsigned want;      /* PF_WANT_* */
	unsigned verbose;   /* -v count: at 2, warnings are given */
	bool no_dns;        /* -S */
	const char *anchor; /* -a: rules go there; "" for the main ruleset */
	const char *const *macros; /* -D: name, value, ..., NULL */
	/* Where load anchor reads instead of the world's files; or NULL. */
	int (*read)(void *ctx, const char *name, char **out_text,
	            size_t *out_len, struct error *err);
	void *read_ctx;
	/* One line for stderr, without its newline. */
	void (*tell)(void *ctx, const char *line);
	void *tell_ctx;
};

/*
 * Read a pf.conf: text[0..len), called name in messages, and what it includes.
 * Opens nothing but what the world reads for it. 0 and the caller's *out_conf
 * (pf_config_free()); -EINVAL: messages were told, *out_conf holds only what
 * -v prints; -ENOMEM, -E2BIG a limit of rule.h (then *out_conf is NULL).
 */
int pf_parse(const struct pf_parse_env *env, const char *name, const char *text,
             size_t len, struct pf_config **out_conf, struct error *err);
void pf_config_free(struct pf_config *conf);

/*
 * Addresses for a table: words of a command line, then a file of a table. The
 * table is in *out_conf, the caller's. -ENOMEM; -EINVAL: why was told perhaps;
 * *out_bad is the word that could not be read, or n_words.
 */
struct pf_addresses_in {
	char *const *word;
	size_t n_words;
	const char *text;
	size_t len;
};
int pf_parse_addresses(const struct pf_parse_env *env,
                       const struct pf_addresses_in *in,
                       struct pf_config **out_conf,
                       const struct pf_table **out_table, size_t *out_bad);

/* How rules are printed. */
struct pf_print_env {
	const struct pf_world *world;
	unsigned verbose;   /* -vv puts @NR before rules */
	bool numeric_ports; /* -P */
	bool indent;        /* contents of inline anchors below them */
};

/* Everything as pfctl -nvf prints it. */
void pf_print_config(const struct pf_config *conf,
                     const struct pf_print_env *env, struct buf *out);
/* The lines of echo that are options. */
void pf_print_options(const struct pf_config *conf, struct buf *out);
/* The rules of one ruleset and kind, a line each. */
void pf_print_rules(const struct pf_ruleset *rs, enum pf_kind kind,
                    const struct pf_print_env *env, struct buf *out);
/* One rule, without a newline. */
void pf_print_rule(const struct pf_rule *r, const struct pf_print_env *env,
                   struct buf *out);
void pf_print_addr(const struct pf_addr *a, bool verbose, struct buf *out);
/* A table as it was written, without a newline. */
void pf_print_table(const struct pf_table *t, struct buf *out);
#endif
