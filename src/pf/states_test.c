/* SPDX-License-Identifier: BSD-2-Clause */
/* states_test.c - connections in pfctl's words, and which of them -k means. */
#include <linux/netfilter/nf_conntrack_tcp.h>

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pf/compile_internal.h"
#include "pf/fake_world.h"
#include "pf/kill.h"
#include "pf/pf.h"
#include "pf/ruleset.h"
#include "pf/states.h"

/* "10.0.0.1 80" */
static void
set_end(const char *text, struct pf_ip *ip, uint16_t *port, uint8_t *af)
{
	char word[64];
	unsigned n = 0;

	assert_true(sscanf(text, "%63s %u", word, &n) >= 1);
	*af = strchr(word, ':') != NULL ? PF_AF_INET6 : PF_AF_INET;
	assert_int_equal(inet_pton(*af, word, ip->b), 1);
	*port = (uint16_t)n;
}

/* An entry: from and to as the first packet came, then as the answer does. */
static struct ct_entry
entry(unsigned proto, uint32_t mark, const char *const end[4])
{
	struct ct_entry e = { .mark = mark,
		              .id = 0x1234abcd,
		              .status = CT_SEEN_REPLY,
		              .timeout_s = 86390,
		              .packets = { 3, 2 },
		              .bytes = { 180, 120 },
		              .start_ns = 1000000000ULL };

	for (unsigned d = 0; d < 2; d++) {
		struct ct_tuple *t = &e.tuple[d];

		t->proto = (uint8_t)proto;
		t->has_ports = pf_has_ports(proto);
		set_end(end[2 * d], &t->src, &t->sport, &t->af);
		set_end(end[2 * d + 1], &t->dst, &t->dport, &t->af);
	}
	if (proto == PF_PROTO_TCP)
		e.tcp_state = TCP_CONNTRACK_ESTABLISHED;
	return e;
}

/* Through a firewall that redirects and translates: pf.md's example. */
static const char *const translated[] = { "10.1.0.2 51000", "10.1.0.1 80",
	                                  "10.2.0.2 8080", "10.2.0.1 60123" };
static const char *const plain[] = { "10.0.0.9 4000", "10.0.0.1 53",
	                             "10.0.0.1 53", "10.0.0.9 4000" };
static const char *const six[] = { "2001:db8::9 4000", "2001:db8::1 22",
	                           "2001:db8::1 22", "2001:db8::9 4000" };
static const char *const echo[] = { "10.1.0.2 7", "10.2.0.2 7", "10.2.0.2 9",
	                            "10.2.0.1 9" };
static const char *const bare[] = { "10.0.0.9", "10.0.0.1", "10.0.0.1",
	                            "10.0.0.9" };

struct bench {
	struct pf_world world;
	struct pf_states_env env;
};

static void
bench_init(struct bench *b)
{
	pf_fake_world(&b->world, NULL);
	b->env = (struct pf_states_env){ .world = &b->world,
		                         .now_ns = 3724ULL * 1000000000,
		                         .hostid = 2 };
}

static void
prints(const struct bench *b, const struct ct_entry *e, const char *want)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct ct_entry copy = *e;
	const struct ct_list l = { &copy, 1, 1 };

	pf_states_print(&l, &b->env, NULL, &out);
	assert_string_equal(buf_str(&out), want);
}

static void
a_line_says_what_was_translated(void **state)
{
	static const struct {
		unsigned proto;
		uint32_t mark;
		const char *const *ends;
		const char *want;
	} rows[] = {
		{ PF_PROTO_TCP, PF_CT_K1 | PF_CT_K2, translated,
		  "all tcp 10.2.0.2:8080 (10.1.0.1:80) <- 10.1.0.2:51000"
		  "       ESTABLISHED:ESTABLISHED\n"
		  "all tcp 10.2.0.1:60123 (10.1.0.2:51000) -> 10.2.0.2:8080"
		  "       ESTABLISHED:ESTABLISHED\n" },
		{ PF_PROTO_UDP, PF_CT_K2, plain,
		  "all udp 10.0.0.9:4000 -> 10.0.0.1:53"
		  "       MULTIPLE:MULTIPLE\n" },
		{ PF_PROTO_TCP, PF_CT_K1, six,
		  "all tcp 2001:db8::1[22] <- 2001:db8::9[4000]"
		  "       ESTABLISHED:ESTABLISHED\n" },
		{ PF_PROTO_ICMP, PF_CT_K1 | PF_CT_K2, echo,
		  "all icmp 10.2.0.2:7 <- 10.1.0.2:7       0:0\n"
		  "all icmp 10.2.0.1:9 (10.1.0.2:7) -> 10.2.0.2:9"
		  "       0:0\n" },
		{ 47, PF_CT_K1, bare,
		  "all gre 10.0.0.1 <- 10.0.0.9       MULTIPLE:MULTIPLE\n" },
		{ 99, PF_CT_K1, bare,
		  "all 99 10.0.0.1 <- 10.0.0.9       MULTIPLE:MULTIPLE\n" },
		{ PF_PROTO_TCP, PF_CT_ANSWER, plain, "" },
	};
	struct bench b;

	(void)state;
	bench_init(&b);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ct_entry e =
		    entry(rows[i].proto, rows[i].mark, rows[i].ends);

		prints(&b, &e, rows[i].want);
	}
}

/* The first word is of the side that stands first. */
static void
phases_follow_who_closed(void **state)
{
	static const struct {
		uint8_t tcp;
		bool by_answerer;
		const char *in, *out;
	} rows[] = {
		{ TCP_CONNTRACK_SYN_SENT, false, "CLOSED:SYN_SENT",
		  "SYN_SENT:CLOSED" },
		{ TCP_CONNTRACK_SYN_RECV, false, "SYN_SENT:ESTABLISHED",
		  "ESTABLISHED:SYN_SENT" },
		{ TCP_CONNTRACK_FIN_WAIT, false, "ESTABLISHED:CLOSING",
		  "CLOSING:ESTABLISHED" },
		{ TCP_CONNTRACK_FIN_WAIT, true, "CLOSING:ESTABLISHED",
		  "ESTABLISHED:CLOSING" },
		{ TCP_CONNTRACK_LAST_ACK, true, "FIN_WAIT_2:CLOSING",
		  "CLOSING:FIN_WAIT_2" },
		{ TCP_CONNTRACK_TIME_WAIT, true, "FIN_WAIT_2:FIN_WAIT_2",
		  "FIN_WAIT_2:FIN_WAIT_2" },
		{ 77, false, "CLOSED:CLOSED", "CLOSED:CLOSED" },
	};
	struct bench b;

	(void)state;
	bench_init(&b);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ct_entry e =
		    entry(PF_PROTO_TCP, PF_CT_K1 | PF_CT_K2, plain);
		cleanup_buf struct buf want = BUF_INIT;

		e.tcp_state = rows[i].tcp;
		if (rows[i].by_answerer)
			e.tcp_flags[CT_REPLY] = IP_CT_TCP_FLAG_CLOSE_INIT;
		buf_printf(&want,
		           "all tcp 10.0.0.1:53 <- 10.0.0.9:4000       %s\n"
		           "all tcp 10.0.0.9:4000 -> 10.0.0.1:53       %s\n",
		           rows[i].in, rows[i].out);
		prints(&b, &e, buf_str(&want));
	}
}

static void
one_sided_udp_is_single(void **state)
{
	struct ct_entry e = entry(PF_PROTO_UDP, PF_CT_K1, plain);
	struct bench b;

	(void)state;
	bench_init(&b);
	e.status = 0;
	prints(&b, &e,
	       "all udp 10.0.0.1:53 <- 10.0.0.9:4000"
	       "       NO_TRAFFIC:SINGLE\n");
	e.status = CT_SEEN_REPLY;
	e.packets[CT_ORIG] = 1;
	prints(&b, &e,
	       "all udp 10.0.0.1:53 <- 10.0.0.9:4000"
	       "       SINGLE:MULTIPLE\n");
}

static bool
by_em1(void *ctx, unsigned af, const struct pf_ip *ip, char out[PF_IFNAME_SIZE])
{
	(void)ctx;
	(void)af;
	strcpy(out, ip->b[3] == 9 ? "em1" : "em0");
	return true;
}

/* The rules of the text, numbered. The caller's. */
static struct pf_config *
rules(struct bench *b, const char *text)
{
	const struct pf_parse_env env = { .world = &b->world,
		                          .want = PF_WANT_ALL,
		                          .anchor = "" };
	struct pf_config *conf = NULL;
	struct error err;

	assert_int_equal(
	    pf_parse(&env, "test", text, strlen(text), &conf, &err), 0);
	assert_int_equal(pf_numbers_assign(conf, &b->world, NULL, NULL, &err),
	                 0);
	b->env.conf = conf;
	return conf;
}

/* The number of the states of the rule that has a label. */
static unsigned
sid_of(const struct pf_config *conf, const char *label)
{
	for (const struct pf_ruleset *rs = conf->main; rs != NULL;
	     rs = pf_ruleset_next(conf->main, rs))
		for (const struct pf_rule *r = rs->rules[PF_FILTER].first;
		     r != NULL; r = r->next)
			if (r->label[0] != NULL &&
			    strcmp(r->label[0], label) == 0)
				return r->sid[0];
	fail();
	return 0;
}

static const char conf_text[] =
    "block all\n"
    "pass in proto tcp label one allow-opts keep state (no-sync)\n"
    "anchor \"foo\" {\n"
    "  pass out proto tcp label two\n"
    "}\n"
    "pass in on em0 route-to (em1 192.168.1.9) inet proto udp label three\n"
    "pass out on em1 proto udp label four keep state (if-bound)\n";

static void
verbose_lines_tell_rule_and_id(void **state)
{
	struct ct_entry e = entry(PF_PROTO_TCP, PF_CT_K1 | PF_CT_K2, plain);
	struct pf_config *conf;
	struct bench b;

	(void)state;
	bench_init(&b);
	conf = rules(&b, conf_text);
	b.env.verbose = 2;
	b.env.ifname = by_em1;
	e.wscale[0] = 7;
	e.wscale[1] = 9;
	e.mark |= sid_of(conf, "one") << PF_CT_SHIFT | sid_of(conf, "two");
	prints(&b, &e,
	       "all tcp 10.0.0.1:53 <- 10.0.0.9:4000"
	       "       ESTABLISHED:ESTABLISHED\n"
	       "   [0 + 0] wscale 9  [0 + 0] wscale 7\n"
	       "   age 01:02:03, expires in 23:59:50, 3:2 pkts, "
	       "180:120 bytes, rule 1, allow-opts, no-sync\n"
	       "   id: 000000011234abcd creatorid: 00000002\n"
	       "   origif: em1\n"
	       "all tcp 10.0.0.9:4000 -> 10.0.0.1:53"
	       "       ESTABLISHED:ESTABLISHED\n"
	       "   [0 + 0] wscale 7  [0 + 0] wscale 9\n"
	       "   age 01:02:03, expires in 23:59:50, 3:2 pkts, "
	       "180:120 bytes, anchor 2, rule 0\n"
	       "   id: 000000021234abcd creatorid: 00000002\n"
	       "   origif: em0\n");
	e = entry(PF_PROTO_UDP, PF_CT_K1 | sid_of(conf, "three") << PF_CT_SHIFT,
	          plain);
	prints(&b, &e,
	       "all udp 10.0.0.1:53 <- 10.0.0.9:4000"
	       "       MULTIPLE:MULTIPLE\n"
	       "   age 01:02:03, expires in 23:59:50, 3:2 pkts, "
	       "180:120 bytes, rule 3\n"
	       "   id: 000000011234abcd creatorid: 00000002 "
	       "route-to: 192.168.1.9@em1\n"
	       "   origif: em0\n");
	e = entry(PF_PROTO_UDP, PF_CT_K2 | sid_of(conf, "four"), plain);
	b.env.verbose = 0;
	prints(&b, &e,
	       "em1 udp 10.0.0.9:4000 -> 10.0.0.1:53"
	       "       MULTIPLE:MULTIPLE\n");
	pf_config_free(conf);
}

/* Which of in and out are meant: bits 1 and 2. */
static unsigned
meant(const struct bench *b, const struct ct_entry *e, const char *a,
      const char *c, const char *ifname)
{
	const char *const words[] = { a, c };
	struct pf_kill_plan p = { 0 };
	struct pf_crossing x[2];
	unsigned n = pf_crossings(e, x), got = 0;
	struct error err;
	bool usage;

	assert_int_equal(pf_kill_words(words, c != NULL ? 2 : 1, &b->world, 2,
	                               &p, &usage, &err),
	                 0);
	for (size_t i = 0; i < p.n; i++) {
		p.kill[i].ifname = ifname;
		for (unsigned k = 0; k < n; k++)
			if (pf_kill_match(&p.kill[i], &x[k], &b->env))
				got |= x[k].dir;
	}
	pf_kill_plan_fini(&p);
	return got;
}

static void
words_of_kill_choose(void **state)
{
	static const struct {
		const char *a, *b, *ifname;
		unsigned want; /* PF_IN 1, PF_OUT 2 */
	} rows[] = {
		/* As on the wire: "in" before, "out" behind translation. */
		{ "10.1.0.2", NULL, NULL, 1 },
		{ "10.2.0.1", NULL, NULL, 2 },
		{ "10.0.0.0/8", NULL, NULL, 3 },
		{ "10.1.0.0/16", "10.1.0.1", NULL, 1 },
		{ "0.0.0.0/0", "10.2.0.2", NULL, 2 },
		{ "10.1.0.3", NULL, NULL, 0 },
		{ "::/0", NULL, NULL, 0 },
		/* Inside of it. */
		{ "nat", "10.1.0.2", NULL, 3 },
		{ "nat", "10.2.0.1", NULL, 0 },
		{ "label", "one", NULL, 1 },
		{ "label", "two", NULL, 2 },
		{ "label", "on", NULL, 0 },
		{ "id", "000000011234abcd", NULL, 1 },
		{ "id", "21234abcd/2", NULL, 2 },
		{ "id", "21234abcd/3", NULL, 0 },
		{ "key", "tcp 10.1.0.1:80 <- 10.1.0.2:51000", NULL, 1 },
		{ "key", "tcp 10.2.0.2:8080 <- 10.1.0.2:51000", NULL, 1 },
		{ "key", "tcp 10.2.0.1:60123 -> 10.2.0.2:8080", NULL, 2 },
		{ "key", "udp 10.2.0.1:60123 -> 10.2.0.2:8080", NULL, 0 },
		{ "key", "tcp 10.2.0.1:60123 <- 10.2.0.2:8080", NULL, 0 },
		{ "gateway", "10.0.0.0/8", NULL, 0 },
		{ "10.0.0.0/8", NULL, "em0", 3 },
		{ "10.0.0.0/8", NULL, "em1", 0 },
	};
	struct ct_entry e =
	    entry(PF_PROTO_TCP, PF_CT_K1 | PF_CT_K2, translated);
	struct pf_config *conf;
	struct bench b;

	(void)state;
	bench_init(&b);
	b.env.ifname = by_em1;
	conf = rules(&b, conf_text);
	e.mark |= sid_of(conf, "one") << PF_CT_SHIFT | sid_of(conf, "two");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned got =
		    meant(&b, &e, rows[i].a, rows[i].b, rows[i].ifname);

		if (got != rows[i].want)
			fail_msg("%s %s: %u", rows[i].a,
			         rows[i].b != NULL ? rows[i].b : "", got);
	}
	e = entry(PF_PROTO_UDP, PF_CT_K1 | sid_of(conf, "three") << PF_CT_SHIFT,
	          plain);
	assert_int_equal(meant(&b, &e, "gateway", "192.168.1.0/24", NULL), 1);
	assert_int_equal(meant(&b, &e, "gateway", "192.168.2.0/24", NULL), 0);
	e = entry(PF_PROTO_TCP, PF_CT_K1, six);
	assert_int_equal(meant(&b, &e, "key",
	                       "tcp 2001:db8::1[22] <- 2001:db8::9[4000]",
	                       NULL),
	                 1);
	pf_config_free(conf);
}

static void
names_stand_for_all_their_addresses(void **state)
{
	const char *const words[] = { "both.example", "0.0.0.0/0" };
	struct pf_kill_plan p;
	struct error err;
	struct bench b;
	bool usage;

	(void)state;
	bench_init(&b);
	assert_int_equal(pf_kill_words(words, 1, &b.world, 1, &p, &usage, &err),
	                 0);
	assert_true(p.tell_hosts);
	assert_true(p.n >= 2 && p.sources == p.n && p.dests == 0);
	pf_kill_plan_fini(&p);
	assert_int_equal(pf_kill_words(words, 2, &b.world, 1, &p, &usage, &err),
	                 0);
	assert_int_equal(p.dests, p.n); /* those of its family */
	pf_kill_plan_fini(&p);
}

static void
bad_words_of_kill_are_told(void **state)
{
	static const struct {
		const char *a, *b, *msg;
		bool usage;
	} rows[] = {
		{ "label", NULL, "no label specified", true },
		{ "gateway", NULL, "no gateway specified", true },
		{ "id", "xyz", "wrong id format specified", true },
		{ "id", "12/", "wrong id format specified", true },
		{ "key", "tcp 10.0.0.1:80", "wrong key format specified",
		  true },
		{ "10.0.0.0/33", NULL, "prefix out of range: '33'", false },
		{ "10.0.0.0/x", NULL, "prefix is not a number: 'x'", false },
		{ "nowhere.example", NULL,
		  "no address is known for 'nowhere.example'", false },
	};
	struct bench b;

	(void)state;
	bench_init(&b);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const words[] = { rows[i].a, rows[i].b };
		struct pf_kill_plan p;
		struct error err;
		bool usage;

		assert_int_equal(pf_kill_words(words, rows[i].b != NULL ? 2 : 1,
		                               &b.world, 1, &p, &usage, &err),
		                 -EINVAL);
		assert_string_equal(err.msg, rows[i].msg);
		assert_int_equal(usage, rows[i].usage);
	}
}

static void
states_are_counted_by_number(void **state)
{
	static struct pf_sid_counts c;
	struct ct_entry e[] = {
		entry(PF_PROTO_TCP, PF_CT_K1 | PF_CT_K2 | 5 << PF_CT_SHIFT | 6,
		      plain),
		entry(PF_PROTO_UDP, PF_CT_K2 | 5, plain),
		entry(PF_PROTO_UDP, 7, plain), /* no state */
	};
	const struct ct_list l = { e, ARRAY_LEN(e), ARRAY_LEN(e) };

	(void)state;
	assert_int_equal(pf_states_count(&l), 3);
	pf_sids_count(&l, &c);
	assert_int_equal(c.n[5], 2);
	assert_int_equal(c.n[6], 1);
	assert_true(pf_sid_used(&c, 5));
	assert_false(pf_sid_used(&c, 7));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_what_was_translated),
		cmocka_unit_test(phases_follow_who_closed),
		cmocka_unit_test(one_sided_udp_is_single),
		cmocka_unit_test(verbose_lines_tell_rule_and_id),
		cmocka_unit_test(words_of_kill_choose),
		cmocka_unit_test(names_stand_for_all_their_addresses),
		cmocka_unit_test(bad_words_of_kill_are_told),
		cmocka_unit_test(states_are_counted_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
