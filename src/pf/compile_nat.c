/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_nat.c - nat, rdr and binat as chains of translation: the first that
 * matches, once for each connection; and nat-to, rdr-to and binat-to of filter
 * rules.
 *
 * A filter rule that translates has been chosen before it does: rules of its
 * direction are gone through in a chain of translation, for connections that no
 * old rule translated, and the filter behind finds in the mark who won.
 */
#include <string.h>

#include "pf/addr.h"
#include "pf/compile_internal.h"
#include "pf/ruleset.h"

/* State for a rule that says pass. */
static const char *
pass_words(struct compile *c, const struct pf_rule *r)
{
	if (!r->pass)
		return "";
	return arena_printf(
	    c->t->arena, "ct mark set ct mark | 0x%x counter name n_inserts ",
	    c->dir == PF_IN ? PF_CT_K1 : PF_CT_K2);
}

static const char *
first_words(struct compile *c, const struct pf_rule *r)
{
	return arena_printf(c->t->arena, "%s%s%s", pf_tag_words(c, r),
	                    pass_words(c, r), pf_log_words(c, r));
}

/* One address, or the network that takes the place of another. */
static const char *
binat_text(struct compile *c, const struct pf_addr *a)
{
	char ip[46];
	const char *text = pf_ip_text(c->af, &a->ip, ip);

	if (a->kind != PF_ADDR_NET || a->af != c->af)
		return NULL;
	if (a->bits == pf_af_bits(c->af))
		return arena_printf(c->t->arena, "to %s", text);
	return arena_printf(c->t->arena, "prefix to %s/%u", text, a->bits);
}

/* Inbound: what goes to the outer address goes to the inner. */
static bool
binat_to(struct compile *c, struct nf_chain *chain, const struct pf_rule *r,
         const struct pf_alternatives *alt, const char *first)
{
	const char *to = binat_text(
	    c, c->dir == PF_IN ? &r->src.addr : &r->nat.target[0].addr);

	if (to == NULL)
		return pf_refuse(c, r, "binat to what is no address");
	return pf_emit(c, chain, alt,
	               arena_printf(c->t->arena, "%s%s %s", first,
	                            c->dir == PF_IN ? "dnat" : "snat", to));
}

/* --- old rules --- */

static const char *
list_chain(struct compile *c, const struct pf_ruleset *rs, enum pf_kind kind)
{
	static const char *const names[] = {
		[PF_NAT] = "nat", [PF_BINAT] = "binat", [PF_RDR] = "rdr"
	};

	return arena_printf(c->t->arena, "%s%u%c", names[kind],
	                    pf_ruleset_number(c, rs), pf_letter(c));
}

/* nat-anchor and its like: the list of the ruleset it leads to, if it has
 * one. */
static bool
enter(struct compile *c, struct nf_chain *chain, const struct pf_rule *r,
      enum pf_kind kind, const struct pf_alternatives *alt)
{
	const struct pf_ruleset *rs = r->anchor;
	bool wild = r->anchor_wildcard;

	for (rs = wild ? rs->child : rs; rs != NULL;
	     rs = wild ? rs->next : NULL)
		if (rs->rules[kind].first != NULL &&
		    !pf_emit(c, chain, alt,
		             arena_printf(c->t->arena, "%sjump %s",
		                          pf_tag_words(c, r),
		                          list_chain(c, rs, kind))))
			return false;
	return true;
}

static bool
old_rule(struct compile *c, struct nf_chain *chain, const struct pf_ruleset *rs,
         const struct pf_rule *r)
{
	struct pf_alternatives alt;
	struct pf_rule as = *r;
	const char *first = first_words(c, r);

	if (r->kind == PF_BINAT && c->dir == PF_IN && !r->no && !r->is_anchor)
		pf_rule_turn(r, &as);
	if (!pf_compile_terms(c, rs, &as, &alt))
		return !c->failed;
	if (r->is_anchor)
		return enter(c, chain, r, r->kind, &alt);
	if (r->no)
		return pf_emit(
		    c, chain, &alt,
		    arena_printf(c->t->arena, "%saccept", pf_tag_words(c, r)));
	if (r->kind == PF_BINAT)
		return binat_to(c, chain, r, &alt, first);
	return pf_compile_pool(c, chain, rs, r, r->kind, &alt, first);
}

/* The lists of a kind, of all rulesets, as chains. */
static bool
lists(struct compile *c, enum pf_kind kind, unsigned dir)
{
	const struct pf_ruleset *top = c->conf->main;

	c->dir = (uint8_t)dir;
	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs)) {
		struct nf_chain *chain;

		if (rs->rules[kind].first == NULL)
			continue;
		chain = nf_chain_new(c->t, NULL, "%s", list_chain(c, rs, kind));
		for (const struct pf_rule *r = rs->rules[kind].first; r != NULL;
		     r = r->next)
			if (!old_rule(c, chain, rs, r))
				return false;
	}
	return true;
}

/* Inbound rdr and then binat, outbound binat and then nat. */
static void
old_base(struct compile *c, unsigned dir)
{
	static const enum pf_kind kinds[2][2] = { { PF_RDR, PF_BINAT },
		                                  { PF_BINAT, PF_NAT } };
	struct nf_chain *base;

	c->dir = (uint8_t)dir;
	base = nf_chain_new(
	    c->t,
	    dir == PF_IN
	        ? "type nat hook prerouting priority -100; policy accept;"
	        : "type nat hook postrouting priority 100; policy accept;",
	    "nat_%s", dir == PF_IN ? "in" : "out");
	pf_skip_packets(c, base);
	for (size_t i = 0; i < 2; i++) {
		enum pf_kind kind = kinds[dir == PF_OUT][i];

		if (c->conf->main->rules[kind].first != NULL)
			nf_say(c->t, base, "jump %s",
			       list_chain(c, c->conf->main, kind));
	}
}

/* --- filter rules --- */

static bool
translates(const struct compile *c, const struct pf_rule *r)
{
	bool in = c->dir == PF_IN;

	return !r->is_anchor && r->action == PF_PASS && r->af_to == 0 &&
	       (r->dir == PF_INOUT || r->dir == c->dir) &&
	       (r->af == PF_AF_NONE || r->af == c->af) &&
	       (r->binat_to || (in ? r->rdr.is_set : r->nat.is_set));
}

/* What a rule that won translates to. */
static bool
filter_rule(struct compile *c, const struct pf_ruleset *rs,
            const struct pf_rule *r, struct buf *wins)
{
	struct nf_chain *chain =
	    nf_chain_new(c->t, NULL, "x%u%c", r->id, pf_letter(c));
	struct pf_alternatives alt = { .n = 1 };

	if (chain == NULL)
		return false;
	nf_map_add(wins, r->id << PF_MARK_RULE_SHIFT, chain->name);
	if (r->proto != 0) {
		struct nf_term *m = nf_term_new(&alt.rule[0], NF_PROTO);

		m->lo = r->proto;
	}
	if (r->binat_to)
		return binat_to(c, chain, r, &alt, "");
	return pf_compile_pool(c, chain, rs, r,
	                       c->dir == PF_IN ? PF_RDR : PF_NAT, &alt, "");
}

static bool
filter_rules(struct compile *c, unsigned dir)
{
	const struct pf_ruleset *top = c->conf->main;
	cleanup_buf struct buf wins = BUF_INIT;
	struct nf_chain *base;

	c->dir = (uint8_t)dir;
	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		for (const struct pf_rule *r = rs->rules[PF_FILTER].first;
		     r != NULL; r = r->next)
			if (translates(c, r) && !filter_rule(c, rs, r, &wins))
				return false;
	c->translates[dir] = wins.len > 0;
	if (wins.len == 0)
		return true;
	/* Behind the old rules: asked when they did not translate. */
	base = nf_chain_new(
	    c->t,
	    dir == PF_IN
	        ? "type nat hook prerouting priority -95; policy accept;"
	        : "type nat hook postrouting priority 105; policy accept;",
	    "to_%s", dir == PF_IN ? "in" : "out");
	pf_skip_packets(c, base);
	pf_ask_rules(c, base);
	nf_say(c->t, base, "meta mark set meta mark | 0x%x", PF_MARK_ASKED);
	nf_dispatch(c->t, base, "meta mark & 0xfffc00", &wins);
	return true;
}

/* --- the whole --- */

/* The chains of old rules are there without any, too: the kernel translates
 * what is translated only as long as there is one, and states outlive their
 * rules. */
bool
pf_compile_nat(struct compile *c)
{
	old_base(c, PF_IN);
	old_base(c, PF_OUT);
	return lists(c, PF_RDR, PF_IN) && lists(c, PF_BINAT, PF_IN) &&
	       lists(c, PF_BINAT, PF_OUT) && lists(c, PF_NAT, PF_OUT) &&
	       filter_rules(c, PF_IN) && filter_rules(c, PF_OUT);
}
