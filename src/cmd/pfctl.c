/* SPDX-License-Identifier: BSD-2-Clause */
/* pfctl.c - pfctl(8): the packet filter of the network namespace we are in.
 *
 * Options are gathered first and done in FreeBSD's order whatever theirs was:
 * disable, show, zero, flush, kill, tables, load, enable.
 */
#include "cmd/pfctl.h"

#include <sys/prctl.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <nss.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pf/compile.h"
#include "pf/explain.h"
#include "pf/load.h"
#include "pf/pf.h"
#include "pf/quote.h"
#include "pf/show.h"

/* What -s and -F take; the first that begins with the word is meant. */
struct modifier {
	const char *name;
	int (*run)(struct pfctl *c); /* NULL: not here, and why not */
	const char *why;
};

int
pfctl_usage(void)
{
	fputs("usage: pfctl [-AdeghMmNnOPqRSrvz] [-a anchor] [-D macro=value] "
	      "[-F modifier]\n"
	      "\t[-f file] [-i interface] [-j jail] [-K host | network]\n"
	      "\t[-k host | network | label | id | key | gateway | nat] "
	      "[-o level]\n"
	      "\t[-s modifier] [-t table -T command [address ...]]\n"
	      "       pfctl --explain packet\n",
	      stderr);
	return 1;
}

int
pfctl_fail(const struct error *err)
{
	fprintf(stderr, "pfctl: %s\n", err->msg);
	return 1;
}

static void
say(const struct pfctl *c, const char *line)
{
	if (!c->quiet)
		fprintf(stderr, "%s\n", line);
}

void
pfctl_put(struct pfctl *c, const struct buf *out)
{
	if (c->title != NULL && out->len > 0) {
		printf("%s%s\n", c->has_titled ? "\n" : "", c->title);
		c->has_titled = true;
	}
	fputs(buf_str(out), stdout);
}

void
pfctl_tell(void *ctx, const char *line)
{
	(void)ctx;
	fprintf(stderr, "%s\n", line);
}

/* --- -j --- */

/* The jail's network, whose interfaces the file's words are about. */
static int
join_network(struct pfctl *c)
{
	struct error err;
	int code;

	if (net_jail_find(c->jail, &c->target, &err) < 0)
		return pfctl_fail(&err);
	if (!c->target.has_vnet)
		code = error_set(&err, -EPERM,
		                 "jail \"%s\" has no network stack of its own",
		                 c->jail);
	else if (setns(c->target.netns_fd, CLONE_NEWNET) < 0)
		code = error_sys(&err, "enter jail \"%s\"", c->jail);
	else
		return 0;
	net_jail_close(&c->target);
	return code < 0 ? pfctl_fail(&err) : 0;
}

/*
 * Then all of the jail, to stay: what pfctl keeps is in its tree, and may be
 * whatever the jail made of it. We go as its root, with no right over the host,
 * and load no library that the jail could have written: names are looked up by
 * what the C library has in itself.
 */
int
pfctl_join_jail(struct pfctl *c)
{
	static const char *const lists[][2] = {
		{ "services", "files" },  { "protocols", "files" },
		{ "passwd", "files" },    { "group", "files" },
		{ "hosts", "files dns" },
	};
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		(void)__nss_configure_lookup(lists[i][0], lists[i][1]);
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (setns(c->target.pidfd, CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
	    setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
	    setresuid(0, 0, 0) < 0)
		error_sys(&err, "enter jail \"%s\"", c->jail);
	net_jail_close(&c->target);
	c->jail = NULL;
	return err.code < 0 ? pfctl_fail(&err) : 0;
}

/* What is loaded; to change it, too. */
int
pfctl_open(struct pfctl *c, bool write)
{
	struct error err;

	if (c->is_open && (!write || c->store.lock >= 0))
		return 0;
	if (c->jail != NULL && pfctl_join_jail(c) != 0)
		return 1;
	if (c->is_open)
		pf_store_close(&c->store);
	c->is_open = false;
	if (pf_store_open(&c->store, &c->world, write, &err) < 0)
		return pfctl_fail(&err);
	c->is_open = true;
	return 0;
}

/* --- -s --- */

/* Show by one of show.h's, with counters where it is about rules. */
static int
show(struct pfctl *c, void (*put)(const struct pf_show *s, struct buf *out),
     bool counters)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct pf_show s = { .store = &c->store,
		             .path = c->anchor,
		             .below = c->below,
		             .verbose = c->verbose,
		             .numeric_ports = c->numeric_ports };
	struct pf_counter *v = NULL;
	struct pf_sid_counts states;
	struct error err;
	size_t n;

	if (pfctl_open(c, counters && c->zero) != 0)
		return 1;
	n = c->store.conf->n_rules + 1;
	if (counters) {
		v = calloc(n, sizeof(*v));
		if (v == NULL || pfctl_read_counters(c, v, n, &err) < 0) {
			free(v);
			return pfctl_fail(&err);
		}
		s.counter = v;
		if (pfctl_count_states(c, &states) == 0) {
			s.states = pf_rule_states;
			s.ctx = &states;
		}
	}
	put(&s, &out);
	free(v);
	pfctl_put(c, &out);
	return 0;
}

static int
show_rules(struct pfctl *c)
{
	return show(c, pf_show_rules, c->verbose > 0);
}

static int
show_nat(struct pfctl *c)
{
	return show(c, pf_show_nat, false);
}

static int
show_labels(struct pfctl *c)
{
	return show(c, pf_show_labels, true);
}

static int
show_anchors(struct pfctl *c)
{
	return show(c, pf_show_anchors, false);
}

static int
show_running(struct pfctl *c)
{
	int status = show(c, pf_show_running, false);

	return status != 0 || !c->store.enabled;
}

/* Each with a title, where it has anything to show. */
static int
show_all(struct pfctl *c)
{
	static const struct {
		const char *title;
		int (*run)(struct pfctl *c);
	} part[] = {
		{ "TRANSLATION RULES:", show_nat },
		{ "FILTER RULES:", show_rules },
		{ "STATES:", pfctl_show_states },
		{ "SOURCE TRACKING NODES:", pfctl_show_sources },
		{ "INFO:", pfctl_show_info },
		{ "LABEL COUNTERS:", show_labels },
		{ "TIMEOUTS:", pfctl_show_timeouts },
		{ "LIMITS:", pfctl_show_memory },
		{ "TABLES:", pfctl_show_tables },
	};
	int status = 0;

	for (size_t i = 0; i < ARRAY_LEN(part) && status == 0; i++) {
		c->title = part[i].title;
		status = part[i].run(c);
	}
	c->title = NULL;
	return status;
}

static const char no_queues[] = "there are no queues, as without ALTQ",
                  no_ether[] = "rules for Ethernet are not supported",
                  no_osfp[] = "fingerprints are the kernel's own: nfnl_osf(8)";

static const struct modifier shows[] = {
	{ "ether", NULL, no_ether },
	{ "nat", show_nat, NULL },
	{ "queue", NULL, no_queues },
	{ "rules", show_rules, NULL },
	{ "Anchors", show_anchors, NULL },
	{ "Sources", pfctl_show_sources, NULL },
	{ "states", pfctl_show_states, NULL },
	{ "info", pfctl_show_info, NULL },
	{ "Interfaces", pfctl_show_interfaces, NULL },
	{ "labels", show_labels, NULL },
	{ "timeouts", pfctl_show_timeouts, NULL },
	{ "memory", pfctl_show_memory, NULL },
	{ "Tables", pfctl_show_tables, NULL },
	{ "osfp", NULL, no_osfp },
	{ "Running", show_running, NULL },
	{ "all", show_all, NULL },
	{ "creatorids", NULL, "states have one creator: -vvs states" },
	{ NULL, NULL, NULL },
};

/* --- -F --- */

static int
flush(struct pfctl *c, unsigned want, const char *said)
{
	struct error err;

	if (pfctl_open(c, true) != 0)
		return 1;
	if (pf_flush(&c->store, c->anchor, c->below, want, &err) < 0)
		return pfctl_fail(&err);
	say(c, said);
	return 0;
}

static int
flush_rules(struct pfctl *c)
{
	return flush(c, PF_WANT_FILTER, "rules cleared");
}

static int
flush_nat(struct pfctl *c)
{
	return flush(c, PF_WANT_NAT, "nat cleared");
}

/* Options as they are before any is set. */
static int
reset(struct pfctl *c)
{
	if (flush(c, PF_WANT_OPTION, "pf: interface flags reset") != 0)
		return 1;
	pfctl_write_options(c);
	return 0;
}

static int
flush_all(struct pfctl *c)
{
	if (c->ifname != NULL) {
		fputs("pfctl: don't specify an interface with -Fall\n", stderr);
		return 1;
	}
	if (flush_rules(c) != 0 || flush_nat(c) != 0 ||
	    pfctl_flush_tables(c) != 0)
		return 1;
	if (c->anchor[0] != '\0' || c->below)
		return 0;
	return pfctl_flush_states(c) != 0 || pfctl_flush_sources(c) != 0 ||
	       pfctl_flush_info(c) != 0 || reset(c) != 0;
}

static const struct modifier flushes[] = {
	{ "nat", flush_nat, NULL },
	{ "queue", NULL, no_queues },
	{ "rules", flush_rules, NULL },
	{ "Sources", pfctl_flush_sources, NULL },
	{ "states", pfctl_flush_states, NULL },
	{ "info", pfctl_flush_info, NULL },
	{ "Tables", pfctl_flush_tables, NULL },
	{ "osfp", NULL, no_osfp },
	{ "Reset", reset, NULL },
	{ "all", flush_all, NULL },
	{ "ethernet", NULL, no_ether },
	{ NULL, NULL, NULL },
};

/* --- -z --- */

static int
zero(struct pfctl *c)
{
	struct pf_counter none;
	struct error err;

	if (pfctl_open(c, true) != 0)
		return 1;
	if (pfctl_read_counters(c, &none, 1, &err) < 0)
		return pfctl_fail(&err);
	say(c, "pf: rule counters cleared");
	return 0;
}

/* --- -f --- */

/* Read the file; what -v prints is printed as far as it came. */
static int
parse(struct pfctl *c, struct pf_config **out)
{
	const struct pf_print_env print = { .world = &c->world,
		                            .verbose = c->verbose,
		                            .numeric_ports = c->numeric_ports,
		                            .indent = c->verbose == 1 };
	cleanup_buf struct buf text_out = BUF_INIT;
	struct error err;
	char *text;
	size_t len;
	int code;

	if (c->world.read(c->world.ctx, c->file, &text, &len, &err) < 0)
		return pfctl_fail(&err);
	code = pf_parse(&c->env, strcmp(c->file, "-") == 0 ? "stdin" : c->file,
	                text, len, out, &err);
	free(text);
	if (code < 0 && code != -EINVAL)
		pfctl_fail(&err);
	if (*out != NULL && c->verbose > 0)
		buf_puts(&text_out, buf_str(&(*out)->echo));
	if (code == 0 && c->verbose > 0)
		pf_print_config(*out, &print, &text_out);
	fputs(buf_str(&text_out), stdout);
	if (code == -EINVAL)
		fputs("pfctl: Syntax error in config file: pf rules not "
		      "loaded\n",
		      stderr);
	return code < 0;
}

/* The file of -f is the host's: to be read before we are the jail's. One of
 * addresses becomes our standard input. */
static int
read_ahead(struct pfctl *c)
{
	struct error err;
	int fd;

	if (c->command == NULL)
		return parse(c, &c->came);
	if (strcmp(c->file, "-") == 0)
		return 0;
	fd = open(c->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0) {
		error_sys(&err, "cannot load %s", c->file);
		return pfctl_fail(&err);
	}
	if (fd != STDIN_FILENO)
		close(fd);
	c->file = "-";
	return 0;
}

static int
load(struct pfctl *c)
{
	struct pf_ways ways = { 0 };
	const struct pf_compile_env how = { .world = &c->world, .ways = &ways };
	cleanup_buf struct buf program = BUF_INIT;
	struct error err = { 0 };
	int code = -1, status = c->came != NULL ? 0 : parse(c, &c->came);

	if (status == 0 && c->no_action)
		code = pf_compile(c->came, &how, &program, &err);
	else if (status == 0 && pfctl_open(c, true) == 0)
		code = pf_load(&c->store, c->came, c->env.want, c->keep, &err);
	if (code < 0 && err.msg[0] != '\0')
		pfctl_fail(&err);
	if (code == 0 && !c->no_action)
		pfctl_write_options(c);
	if (code == 0 && c->debug && c->no_action)
		fputs(buf_str(&program), stdout);
	return code < 0;
}

/* --- -e and -d --- */

static int
enable(struct pfctl *c, bool on)
{
	struct error err;

	if (pfctl_open(c, true) != 0)
		return 1;
	if (pf_enable(&c->store, on, &err) < 0)
		return pfctl_fail(&err);
	say(c, on ? "pf enabled" : "pf disabled");
	return 0;
}

/* --- --explain --- */

static int
explain(struct pfctl *c)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct pf_packet pkt;
	struct error err;
	int code;

	if (pfctl_open(c, false) != 0)
		return 1;
	code = pf_load_contents(&c->store, &err);
	if (code == 0)
		code = pf_packet_parse(&c->world, c->explain,
		                       &c->store.conf->arena, &pkt, &err);
	if (code == 0)
		code = pf_explain(c->store.conf, &c->world, &pkt, &out);
	pf_contents_release(c->store.conf);
	if (code < 0)
		return pfctl_fail(&err);
	fputs(buf_str(&out), stdout);
	return 0;
}

/* --- options --- */

/* -D name=value, split at the last =. */
static bool
macro(struct pfctl *c, const char *word)
{
	const char *eq = strrchr(word, '=');

	if (eq != NULL && eq != word &&
	    strv_pushn(&c->macros, word, (size_t)(eq - word)) == 0 &&
	    strv_push(&c->macros, eq + 1) == 0)
		return true;
	fprintf(stderr, "pfctl: could not parse macro definition %s\n", word);
	return false;
}

/* An option of FreeBSD's that is not here. */
static bool
refuse(struct pfctl *c, int opt, const char *word, const char *why)
{
	fprintf(stderr, "pfctl: -%c %s: %s\n", opt, word, why);
	c->refused = true;
	return false;
}

bool
pfctl_name(struct pfctl *c, int opt, const char *word, size_t size)
{
	if (strlen(word) >= size)
		return refuse(c, opt, word, "too long");
	if (!pf_can_quote(word) || strchr(word, '\n') != NULL)
		return refuse(c, opt, word, "a name that pf.conf cannot say");
	return true;
}

static bool
modifier(struct pfctl *c, int opt, const struct modifier *m,
         const struct modifier **out)
{
	while (m->name != NULL &&
	       (optarg[0] == '\0' || strncmp(m->name, optarg, strlen(optarg))))
		m++;
	if (m->name == NULL) {
		fprintf(stderr, "pfctl: Unknown %s modifier '%s'\n",
		        opt == 's' ? "show" : "flush", optarg);
		return false;
	}
	if (m->run == NULL)
		return refuse(c, opt, m->name, m->why);
	*out = m;
	return true;
}

/* Rules are compiled as they are, whatever the level. */
static bool
optimizer(const char *word)
{
	static const char *const levels[] = { "none", "basic", "profile" };

	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (*word != '\0' &&
		    strncmp(levels[i], word, strlen(word)) == 0)
			return true;
	fprintf(stderr, "pfctl: Unknown optimize modifier '%s'\n", word);
	return false;
}

/* "a/b", "a/b/ *" and "*": a path, and whether what is below it is meant. */
static bool
anchor(struct pfctl *c, char *word)
{
	size_t n = strlen(word);

	if (n > 0 && word[n - 1] == '*' && (n == 1 || word[n - 2] == '/')) {
		c->below = true;
		word[n > 1 ? n - 2 : 0] = '\0';
	}
	while (word[0] == '/')
		word++;
	if (!pfctl_name(c, 'a', word, PF_PATH_SIZE))
		return false;
	c->anchor = word;
	return true;
}

enum { OPT_EXPLAIN = 256 };

/* A word of -k or -K, of which there may be two. */
static bool
twice(struct strv *words, int opt)
{
	if (words->n < 2)
		return strv_push(words, optarg) == 0;
	fprintf(stderr, "pfctl: can only specify -%c twice\n", opt);
	return false;
}

static bool
option(struct pfctl *c, int opt)
{
	switch (opt) {
	case 'A':
		c->env.want |= PF_WANT_ALTQ;
		return true;
	case 'D':
		return macro(c, optarg);
	case 'F':
		return modifier(c, opt, flushes, &c->flush);
	case 'K':
		return twice(&c->kill_sources, opt);
	case 'M':
		c->both = true;
		return true;
	case 'N':
		c->env.want |= PF_WANT_NAT;
		return true;
	case 'O':
		c->env.want |= PF_WANT_OPTION;
		return true;
	case 'P':
		c->numeric_ports = true;
		return true;
	case 'R':
		c->env.want |= PF_WANT_FILTER;
		return true;
	case 'S':
		c->env.no_dns = true;
		return true;
	case 'T':
		return pfctl_table_word(c, optarg);
	case 'a':
		return anchor(c, optarg);
	case 'd':
		c->disable = true;
		return true;
	case 'e':
		c->enable = true;
		return true;
	case 'f':
		c->file = optarg;
		return true;
	case 'g':
		c->debug = true;
		return true;
	case 'i':
		c->ifname = optarg;
		return true;
	case 'j':
		c->jail = optarg;
		return true;
	case 'k':
		return twice(&c->kill, opt);
	case 'm':
		c->keep = true;
		return true;
	case 'n':
		c->no_action = true;
		return true;
	case 'o':
		return optimizer(optarg);
	case 'p':
		return refuse(c, opt, optarg, "there are no devices of pf");
	case 'q':
		c->quiet = true;
		return true;
	case 'r':
		c->reverse = true;
		return true;
	case 's':
		return modifier(c, opt, shows, &c->show);
	case 't':
		c->table = optarg;
		return true;
	case 'v':
		c->verbose++;
		return true;
	case 'x':
		return refuse(c, opt, optarg,
		              "the kernel has no debug messages of pf");
	case 'z':
		c->zero = true;
		return true;
	case OPT_EXPLAIN:
		c->explain = optarg;
		return true;
	default:
		return false;
	}
}

static bool
options(struct pfctl *c, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "explain", required_argument, NULL, OPT_EXPLAIN },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	if (argc < 2)
		return false;
	while ((opt = getopt_long(
	            argc, argv, "AD:F:K:MNOPRST:a:def:ghi:j:k:mno:p:qrs:t:vx:z",
	            longs, NULL)) != -1)
		if (!option(c, opt))
			return false;
	c->word = argv + optind;
	c->n_words = (size_t)(argc - optind);
	if (!pfctl_table_check(c) || (c->n_words > 0 && c->command == NULL))
		return false;
	if (c->anchor[0] != '\0' && c->file == NULL && c->show == NULL &&
	    c->flush == NULL && c->command == NULL) {
		fputs("pfctl: anchors apply to -f, -F, -s, and -T only\n",
		      stderr);
		return false;
	}
	if ((c->anchor[0] == '_' || strstr(c->anchor, "/_") != NULL) &&
	    (c->file != NULL || c->flush != NULL || c->command != NULL))
		return refuse(c, 'a', c->anchor,
		              "names that begin with _ are those of anchors "
		              "without one");
	return true;
}

/* In FreeBSD's order; the first that fails ends it. */
static int
work(struct pfctl *c)
{
	bool act = !c->no_action;
	int status;

	if (c->jail != NULL &&
	    (join_network(c) != 0 || (c->file != NULL && read_ahead(c) != 0)))
		return 1;
	if (act && c->disable && enable(c, false) != 0)
		return 1;
	if (act && c->show != NULL && c->show->run(c) != 0)
		return 1;
	if (act && c->zero && c->show == NULL && zero(c) != 0)
		return 1;
	if (act && c->flush != NULL && c->flush->run(c) != 0)
		return 1;
	if (act && c->kill.n > 0 && pfctl_kill_states(c) != 0)
		return 1;
	if (act && c->kill_sources.n > 0 && pfctl_kill_sources(c) != 0)
		return 1;
	if (c->command != NULL && (status = pfctl_table(c)) != 0)
		return status;
	if (c->file != NULL && load(c) != 0)
		return 1;
	if (act && c->enable && enable(c, true) != 0)
		return 1;
	if (c->explain != NULL && explain(c) != 0)
		return 1;
	return 0;
}

int
main(int argc, char **argv)
{
	struct pfctl c = { .macros = STRV_INIT,
		           .kill = STRV_INIT,
		           .kill_sources = STRV_INIT,
		           .anchor = "" };

	pf_world_host(&c.world);
	if (!options(&c, argc, argv))
		return c.refused ? 1 : pfctl_usage();
	if (c.env.want == 0)
		c.env.want = PF_WANT_ALL;
	c.env.world = &c.world;
	c.env.verbose = c.verbose;
	c.env.anchor = c.anchor;
	c.env.macros = (const char *const *)c.macros.v;
	c.env.tell = pfctl_tell;
	c.status = work(&c);
	pf_config_free(c.came);
	if (c.is_open)
		pf_store_close(&c.store);
	strv_fini(&c.macros);
	strv_fini(&c.kill);
	strv_fini(&c.kill_sources);
	return c.status;
}
