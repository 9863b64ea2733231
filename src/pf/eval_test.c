/* SPDX-License-Identifier: BSD-2-Clause */
/* eval_test.c - rulesets, packets, and what pf.conf(5) says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pf/eval.h"
#include "pf/explain.h"
#include "pf/fake_world.h"

/* A packet, and the verdict: "pass 1" by rule 1, "block", "pass state". */
struct row {
	const char *packet, *want;
};

static void
complain(void *ctx, const char *line)
{
	(void)ctx;
	print_message("%s\n", line);
}

static struct pf_config *
read_rules(const struct pf_world *w, const char *rules)
{
	const struct pf_parse_env env = { .world = w,
		                          .want = PF_WANT_ALL,
		                          .tell = complain };
	struct pf_config *conf;
	struct error err;

	assert_int_equal(
	    pf_parse(&env, "rules", rules, strlen(rules), &conf, &err), 0);
	return conf;
}

static void
put_verdict(const struct pf_verdict *v, char *out, size_t size)
{
	const char *pass = v->pass ? "pass" : "block";

	if (v->by == PF_BY_STATE)
		snprintf(out, size, "%s state", pass);
	else if (v->by == PF_BY_SKIP)
		snprintf(out, size, "%s skip", pass);
	else if (v->by == PF_BY_OPTIONS)
		snprintf(out, size, "%s options", pass);
	else if (v->rule == NULL)
		snprintf(out, size, "%s", pass);
	else
		snprintf(out, size, "%s %s%s%u", pass,
		         v->ruleset != NULL ? v->ruleset->path : "nat",
		         v->ruleset != NULL && v->ruleset->path[0] == '\0'
		             ? ""
		             : "@",
		         v->rule->nr);
}

/* Packets in order, so that states are seen. */
static void
check(const char *rules, const struct row *rows, size_t n)
{
	struct arena arena = ARENA_INIT(1 << 20);
	struct pf_flows flows = { NULL };
	struct pf_eval_env env = { 0 };
	struct pf_config *conf;
	struct pf_world w;

	pf_fake_world(&w, NULL);
	env.world = &w;
	conf = read_rules(&w, rules);
	for (size_t i = 0; i < n; i++) {
		struct pf_packet pkt;
		struct pf_verdict v;
		struct error err;
		char got[64];

		if (pf_packet_parse(&w, rows[i].packet, &arena, &pkt, &err) < 0)
			fail_msg("%s: %s", rows[i].packet, err.msg);
		assert_int_equal(pf_eval(conf, &env, &flows, &pkt, &v), 0);
		put_verdict(&v, got, sizeof(got));
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s, not %s", rows[i].packet, got,
			         rows[i].want);
	}
	pf_flows_fini(&flows);
	pf_config_free(conf);
	arena_fini(&arena);
}

#define CHECK(rules, ...)                                                      \
	do {                                                                   \
		static const struct row rows[] = { __VA_ARGS__ };              \
		check(rules, rows, ARRAY_LEN(rows));                           \
	} while (0)

#define WEB  "proto tcp from 10.0.0.9 port 1025 to 10.0.0.1 port 80"
#define BACK "proto tcp from 10.0.0.1 port 80 to 10.0.0.9 port 1025 flags SA/SA"

static void
nothing_matched_passes(void **state)
{
	(void)state;
	CHECK("block in proto udp\n", { "in on em0 " WEB, "pass" },
	      { "out on em0 " WEB, "pass" });
}

static void
the_last_match_wins_and_quick_ends(void **state)
{
	(void)state;
	CHECK("block\n"
	      "pass in proto tcp to port 80\n"
	      "block in from 10.0.0.8\n"
	      "pass in quick from 10.0.0.7\n"
	      "block in from 10.0.0.7\n",
	      { "in on em0 " WEB, "pass 1" },
	      { "in on em0 proto tcp from 10.0.0.8 to 10.0.0.1 port 80",
	        "block 2" },
	      { "in on em0 proto udp from 10.0.0.7 to 10.0.0.1 port 9",
	        "pass 3" },
	      { "in on em0 proto udp from 10.0.0.9 to 10.0.0.1 port 9",
	        "block 0" });
}

static void
a_state_passes_its_own_crossing_both_ways(void **state)
{
	(void)state;
	CHECK("block\npass in on em0 proto tcp to port 80\n",
	      { "in on em0 " BACK, "block 0" },
	      { "out on em0 " BACK, "block 0" }, { "in on em0 " WEB, "pass 1" },
	      { "in on em0 " WEB " flags A/A", "pass state" },
	      { "out on em0 " BACK, "pass state" },
	      /* The other crossing of the same packet is another state. */
	      { "out on em1 " WEB, "block 0" },
	      { "in on em1 " BACK, "block 0" });
}

static void
an_if_bound_state_is_of_its_interface(void **state)
{
	(void)state;
	CHECK("block\npass in proto tcp to port 80 keep state (if-bound)\n",
	      { "in on em0 " WEB, "pass 1" }, { "out on em1 " BACK, "block 0" },
	      { "out on em0 " BACK, "pass state" });
}

static void
flags_begin_connections(void **state)
{
	(void)state;
	CHECK("block\npass in proto tcp to port 80\n",
	      { "in on em0 " WEB " flags A/A", "block 0" },
	      { "in on em0 " WEB " flags SA/SA", "block 0" },
	      { "in on em0 " WEB " flags S/S", "pass 1" });
}

static void
no_state_keeps_none(void **state)
{
	(void)state;
	CHECK("block\npass in proto tcp to port 80 no state\n",
	      { "in on em0 " WEB, "pass 1" }, { "in on em0 " WEB, "pass 1" },
	      { "out on em0 " BACK, "block 0" });
}

static void
anchors_stand_in_place(void **state)
{
	(void)state;
	CHECK("block\n"
	      "anchor \"a\" in {\n"
	      "\tpass proto tcp to port 80\n"
	      "\tblock quick from 10.0.0.8\n"
	      "}\n"
	      "anchor \"q\" quick {\n"
	      "\tmatch\n"
	      "\tpass proto tcp to port 22\n"
	      "}\n"
	      "block proto tcp to port 22\n"
	      "pass proto udp\n",
	      { "in on em0 " WEB, "pass a@0" },
	      { "out on em0 " WEB, "block 0" },
	      { "in on em0 proto tcp from 10.0.0.8 to 10.0.0.1 port 80",
	        "block a@1" },
	      { "in on em0 proto tcp from 10.0.0.9 to 10.0.0.1 port 22",
	        "pass q@1" },
	      { "in on em0 proto udp from 10.0.0.9 to 10.0.0.1", "pass 4" });
}

static void
wildcard_anchors_take_children_in_order(void **state)
{
	(void)state;
	CHECK("block\n"
	      "anchor \"all\" {\n"
	      "\tanchor \"b\" {\n\t\tpass in\n\t}\n"
	      "\tanchor \"a\" {\n\t\tblock in\n\t}\n"
	      "}\n"
	      "anchor \"all/*\"\n",
	      { "in on em0 " WEB, "pass all/b@0" });
}

static void
tags_are_seen_by_later_rules(void **state)
{
	(void)state;
	CHECK("match in tag WEB\n"
	      "block\n"
	      "pass in tagged WEB\n"
	      "pass out ! tagged WEB\n",
	      { "in on em0 " WEB, "pass 2" }, { "out on em0 " WEB, "pass 3" },
	      { "out on em0 proto tcp from 10.0.0.9 to 10.0.0.1 port 22 tagged "
	        "WEB",
	        "block 1" });
}

static void
tables_have_holes(void **state)
{
	(void)state;
	CHECK("table <t> { 10.0.0.0/24 !10.0.0.9 }\n"
	      "block\npass from <t>\npass out from ! <t>\n",
	      { "in on em0 proto udp from 10.0.0.8 to 10.0.0.1", "pass 1" },
	      { "in on em0 proto udp from 10.0.0.9 to 10.0.0.1", "block 0" },
	      { "out on em0 proto udp from 10.0.0.9 to 10.0.0.1", "pass 2" });
}

static void
rdr_is_before_the_filter(void **state)
{
	(void)state;
	CHECK("rdr on em0 proto tcp to 10.0.0.1 port 80 -> 192.168.1.9 port "
	      "8080\n"
	      "block\n"
	      "pass in proto tcp to 192.168.1.9 port 8080\n",
	      { "in on em0 " WEB, "pass 1" },
	      /* The answer, as the inside has it. */
	      { "out on em0 proto tcp from 192.168.1.9 port 8080 to 10.0.0.9 "
	        "port 1025 flags SA/SA",
	        "pass state" },
	      { "in on em1 proto tcp from 10.0.0.8 to 10.0.0.1 port 80",
	        "block 0" });
}

static void
nat_is_before_the_filter(void **state)
{
	(void)state;
	CHECK("nat on em0 from 192.168.1.0/24 -> 10.0.0.1 static-port\n"
	      "no nat on em1\n"
	      "block\n"
	      "pass out from 10.0.0.1\n",
	      { "out on em0 proto tcp from 192.168.1.9 port 1025 to 10.0.0.9 "
	        "port 80",
	        "pass 1" },
	      { "in on em0 proto tcp from 10.0.0.9 port 80 to 10.0.0.1 port "
	        "1025 flags SA/SA",
	        "pass state" },
	      { "out on em1 proto tcp from 192.168.1.9 to 10.0.0.9 port 80",
	        "block 0" });
}

static void
binat_goes_both_ways(void **state)
{
	(void)state;
	CHECK("binat on em0 from 192.168.1.9 to any -> 10.0.0.9\n"
	      "block\n"
	      "pass in to 192.168.1.9\n"
	      "pass out from 10.0.0.9\n",
	      { "in on em0 proto tcp from 10.0.0.7 to 10.0.0.9 port 80",
	        "pass 1" },
	      { "out on em0 proto tcp from 192.168.1.9 to 10.0.0.7 port 80",
	        "pass 2" });
}

static void
pass_in_translation_skips_the_filter(void **state)
{
	(void)state;
	CHECK("rdr pass on em0 proto tcp to port 80 -> 192.168.1.9\nblock\n",
	      { "in on em0 " WEB, "pass nat@0" },
	      { "in on em0 proto tcp from 10.0.0.9 to 10.0.0.1 port 81",
	        "block 0" });
}

static void
skipped_interfaces_meet_nothing(void **state)
{
	(void)state;
	CHECK(
	    "set skip on lo\nblock\n",
	    { "in on lo0 proto udp from 127.0.0.1 to 127.0.0.1", "pass skip" },
	    { "in on em0 " WEB, "block 0" });
}

static void
options_need_allow_opts(void **state)
{
	(void)state;
	CHECK("pass in\npass out allow-opts\n",
	      { "in on em0 " WEB " allow-opts", "block options" },
	      { "out on em0 " WEB " allow-opts", "pass 1" });
}

static void
parts_have_no_ports(void **state)
{
	(void)state;
	CHECK("block\npass in proto udp to port 53\npass in fragment\n"
	      "block in proto udp from 10.0.0.8\n",
	      { "in on em0 proto udp from 10.0.0.9 to 10.0.0.1 fragment",
	        "pass 2" },
	      { "in on em0 proto udp from 10.0.0.8 to 10.0.0.1 fragment",
	        "block 3" });
}

static void
interfaces_stand_for_their_addresses(void **state)
{
	(void)state;
	CHECK(
	    "block\npass to (em0)\npass from (em1:network)\n",
	    { "in on em0 proto udp from 10.0.0.9 to 10.0.0.1", "pass 1" },
	    { "in on em0 proto udp from 10.0.0.9 to 10.0.0.2", "block 0" },
	    { "in on em0 proto udp from 192.168.1.77 to 10.0.0.2", "pass 2" });
}

static void
the_story_names_what_differs(void **state)
{
	static const char want[] =
	    "+ @0 block drop all\n"
	    "  @1 pass in proto tcp from any to any port = ssh flags S/SA "
	    "keep state   # other destination port\n"
	    "  @2 pass in on em1 all flags S/SA keep state   # other "
	    "interface\n"
	    "block by @0 block drop all\n";
	cleanup_buf struct buf out = BUF_INIT;
	struct arena arena = ARENA_INIT(1 << 20);
	struct pf_config *conf;
	struct pf_packet pkt;
	struct pf_world w;
	struct error err;

	(void)state;
	pf_fake_world(&w, NULL);
	conf = read_rules(&w, "block\npass in proto tcp to port ssh\n"
	                      "pass in on em1\n");
	assert_int_equal(
	    pf_packet_parse(&w, "in on em0 " WEB, &arena, &pkt, &err), 0);
	assert_int_equal(pf_explain(conf, &w, &pkt, &out), 0);
	assert_string_equal(buf_str(&out), want);
	pf_config_free(conf);
	arena_fini(&arena);
}

static void
a_packet_has_one_of_each(void **state)
{
	static const struct row rows[] = {
		{ "on em0 from 10.0.0.1 to 10.0.0.2", "in or out, please" },
		{ "in from 10.0.0.1 to 10.0.0.2", "on which interface?" },
		{ "in on em0 to 10.0.0.2", "one source address, please" },
		{ "in on em0 from 10.0.0.1 to 10.0.0.0/24",
		  "one destination address, please" },
		{ "in on em0 from 10.0.0.1 to { 10.0.0.2 10.0.0.3 }",
		  "one packet, please" },
		{ "in on em0 proto tcp from 10.0.0.1 to 10.0.0.2 port > 5",
		  "one destination port, please" },
		{ "into", "packet:1: syntax error" },
	};
	struct arena arena = ARENA_INIT(1 << 20);
	struct pf_packet pkt;
	struct pf_world w;

	(void)state;
	pf_fake_world(&w, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = { 0 };

		assert_int_equal(
		    pf_packet_parse(&w, rows[i].packet, &arena, &pkt, &err),
		    -22);
		assert_string_equal(err.msg, rows[i].want);
	}
	arena_fini(&arena);
}

int
main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(nothing_matched_passes),
		cmocka_unit_test(the_last_match_wins_and_quick_ends),
		cmocka_unit_test(a_state_passes_its_own_crossing_both_ways),
		cmocka_unit_test(an_if_bound_state_is_of_its_interface),
		cmocka_unit_test(flags_begin_connections),
		cmocka_unit_test(no_state_keeps_none),
		cmocka_unit_test(anchors_stand_in_place),
		cmocka_unit_test(wildcard_anchors_take_children_in_order),
		cmocka_unit_test(tags_are_seen_by_later_rules),
		cmocka_unit_test(tables_have_holes),
		cmocka_unit_test(rdr_is_before_the_filter),
		cmocka_unit_test(nat_is_before_the_filter),
		cmocka_unit_test(binat_goes_both_ways),
		cmocka_unit_test(pass_in_translation_skips_the_filter),
		cmocka_unit_test(skipped_interfaces_meet_nothing),
		cmocka_unit_test(options_need_allow_opts),
		cmocka_unit_test(parts_have_no_ports),
		cmocka_unit_test(interfaces_stand_for_their_addresses),
		cmocka_unit_test(the_story_names_what_differs),
		cmocka_unit_test(a_packet_has_one_of_each),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
