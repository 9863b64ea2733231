/* SPDX-License-Identifier: BSD-2-Clause */
/* number.c - what rules, tags and states are called in marks and counters. */
#include "pf/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pf/pf.h"
#include "pf/ruleset.h"

struct numbering {
	struct pf_config *conf;
	const struct pf_world *world;
	struct pf_numbers *n;
	struct error *err;
	/* Keys met, open addressing: a key's sid, or how often it was met. */
	struct slot {
		uint64_t key;
		unsigned v;
	} * slot;
	size_t n_slots; /* a power of two */
};

/* FNV-1a: keys are compared with others of the same machine only. */
static uint64_t
hash(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3U;
	return (h ^ 0xff) * 0x100000001b3U;
}

/* The place of a key, or the free one where it belongs. */
static struct slot *
slot_of(struct numbering *g, uint64_t key)
{
	size_t i = (size_t)(key ^ key >> 32) & (g->n_slots - 1);

	while (g->slot[i].key != 0 && g->slot[i].key != key)
		i = (i + 1) & (g->n_slots - 1);
	return &g->slot[i];
}

bool
pf_keeps_state(const struct pf_rule *r)
{
	return r->kind == PF_FILTER && !r->is_anchor && r->action == PF_PASS &&
	       r->state != PF_STATE_NONE;
}

struct pf_numbers *
pf_numbers_new(struct pf_config *conf)
{
	struct pf_numbers *n = arena_alloc(&conf->arena, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->next = 1;
	n->sid = arena_alloc(&conf->arena, (PF_MAX_IDS + 1) * sizeof(*n->sid));
	return n->sid != NULL ? n : NULL;
}

/* --- tags --- */

unsigned
pf_tag_number(const struct pf_numbers *n, const char *tag)
{
	for (unsigned i = 0; tag != NULL && i < n->n_tags; i++)
		if (strcmp(n->tag[i], tag) == 0)
			return i + 1;
	return 0;
}

static bool
add_tag(struct numbering *g, const char *tag)
{
	struct pf_numbers *n = g->n;

	if (tag == NULL || pf_tag_number(n, tag) != 0)
		return true;
	if (n->n_tags == PF_MAX_TAGS) {
		error_set(g->err, -E2BIG, "more than %d tags", PF_MAX_TAGS);
		return false;
	}
	n->tag[n->n_tags++] = tag;
	return true;
}

/* All tags there are, before anything depends on how many. */
static bool
number_tags(struct numbering *g, const struct pf_numbers *old)
{
	const struct pf_ruleset *top = g->conf->main;

	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		for (unsigned k = 0; k < PF_NKINDS; k++)
			for (const struct pf_rule *r = rs->rules[k].first;
			     r != NULL; r = r->next)
				if (!add_tag(g, r->tag) ||
				    !add_tag(g, r->tagged))
					return false;
	for (unsigned i = 1; old != NULL && i <= PF_MAX_IDS; i++)
		if (old->sid[i].rule != NULL && !add_tag(g, old->sid[i].tag))
			return false;
	return true;
}

/* --- states --- */

/* A state keeps the tag that its packet had in the end, which another rule than
 * the winner may have given: there is a number for each that can be. */
static unsigned
n_sids(const struct pf_numbers *n, const struct pf_rule *r)
{
	if (!pf_keeps_state(r))
		return 0;
	return r->quick && r->tag != NULL ? 1 : n->n_tags + 1;
}

static const char *
nth_tag(const struct pf_numbers *n, const struct pf_rule *r, unsigned i)
{
	if (r->quick && r->tag != NULL)
		return r->tag;
	return i > 0 ? n->tag[i - 1] : NULL;
}

static bool
too_many(struct numbering *g)
{
	error_set(g->err, -E2BIG,
	          "more than %d filter rules, or rules times tags", PF_MAX_IDS);
	return false;
}

static size_t
power_of_two(size_t n)
{
	size_t p = 64;

	while (p < n)
		p *= 2;
	return p;
}

static bool
slots_new(struct numbering *g, size_t n)
{
	free(g->slot);
	g->n_slots = power_of_two(2 * n);
	g->slot = calloc(g->n_slots, sizeof(*g->slot));
	if (g->slot == NULL)
		error_set(g->err, -ENOMEM, "out of memory");
	return g->slot != NULL;
}

/* What the rule's states are known by: it stays while its words, its anchor and
 * its place among its likes do. */
static uint64_t
rule_key(struct numbering *g, const struct pf_ruleset *rs,
         const struct pf_rule *r, struct buf *text)
{
	const struct pf_print_env env = { .world = g->world,
		                          .numeric_ports = true };
	struct slot *s;
	uint64_t key;

	buf_reset(text);
	pf_print_rule(r, &env, text);
	key = hash(hash(0xcbf29ce484222325U, rs->path), buf_str(text));
	s = slot_of(g, key | 1);
	s->key = key | 1;
	return key + s->v++ * 0x9e3779b97f4a7c15U;
}

static uint64_t
state_key(uint64_t rule, const char *tag)
{
	return hash(rule, tag != NULL ? tag : "") | 1;
}

/* Ids, and for each state a rule can make its key, yet without a number. The
 * keys stand in *out in the order of rules. */
static bool
number_rules(struct numbering *g, uint64_t **out, size_t *out_n)
{
	const struct pf_ruleset *top = g->conf->main;
	cleanup_buf struct buf text = BUF_INIT;
	uint64_t *keys;
	size_t at = 0;
	unsigned id = 0;

	keys = calloc(PF_MAX_IDS, sizeof(*keys));
	*out = keys;
	if (keys == NULL || !slots_new(g, g->conf->n_rules))
		return false;
	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		for (struct pf_rule *r = rs->rules[PF_FILTER].first; r != NULL;
		     r = r->next) {
			unsigned n = n_sids(g->n, r);
			uint64_t key;

			r->id = ++id;
			r->n_sids = n;
			if (id > PF_MAX_IDS || at + n > PF_MAX_IDS)
				return too_many(g);
			if (n == 0)
				continue;
			r->sid =
			    arena_alloc(&g->conf->arena, n * sizeof(*r->sid));
			if (r->sid == NULL)
				return false;
			key = rule_key(g, rs, r, &text);
			for (unsigned i = 0; i < n; i++)
				keys[at++] =
				    state_key(key, nth_tag(g->n, r, i));
		}
	*out_n = at;
	return true;
}

/* Take over from old what is the same, and what is still in use. */
static bool
take_over(struct numbering *g, const struct pf_numbers *old,
          const struct pf_sids_in_use *in_use, const uint64_t *keys, size_t n)
{
	struct pf_numbers *to = g->n;

	if (!slots_new(g, n))
		return false;
	for (size_t i = 0; i < n; i++)
		slot_of(g, keys[i])->key = keys[i];
	to->next = old != NULL ? old->next : 1;
	for (unsigned sid = 1; old != NULL && sid <= PF_MAX_IDS; sid++) {
		const struct pf_sid *was = &old->sid[sid];
		struct slot *s;

		if (was->key == 0)
			continue;
		s = slot_of(g, was->key);
		if (s->key != 0 && s->v == 0) {
			s->v = sid;
			to->sid[sid].key = was->key;
		} else if (was->rule != NULL &&
		           (in_use == NULL || in_use->used(in_use->ctx, sid))) {
			to->sid[sid] = *was;
			to->sid[sid].gone = true;
		}
	}
	return true;
}

/* The next number nobody has; 0: none. Numbers that were just freed come last:
 * a connection may be made with one while a load is under way. */
static unsigned
free_sid(struct pf_numbers *n)
{
	for (unsigned i = 0; i < PF_MAX_IDS; i++) {
		unsigned sid = n->next;

		n->next = sid % PF_MAX_IDS + 1;
		if (n->sid[sid].key == 0)
			return sid;
	}
	return 0;
}

static bool
number_states(struct numbering *g, const uint64_t *keys)
{
	const struct pf_ruleset *top = g->conf->main;
	struct pf_numbers *n = g->n;

	for (const struct pf_ruleset *rs = top; rs != NULL;
	     rs = pf_ruleset_next(top, rs))
		for (struct pf_rule *r = rs->rules[PF_FILTER].first; r != NULL;
		     r = r->next)
			for (unsigned i = 0; i < r->n_sids; i++) {
				struct slot *s = slot_of(g, *keys);

				if (s->v == 0)
					s->v = free_sid(n);
				if (s->v == 0)
					return too_many(g);
				r->sid[i] = s->v;
				n->sid[s->v] = (struct pf_sid){
					.key = *keys++,
					.rule = r,
					.anchor = rs->path,
					.tag = nth_tag(n, r, i),
				};
			}
	return true;
}

int
pf_numbers_assign(struct pf_config *conf, const struct pf_world *world,
                  const struct pf_numbers *old,
                  const struct pf_sids_in_use *in_use, struct error *err)
{
	struct numbering g = { .conf = conf, .world = world, .err = err };
	uint64_t *keys = NULL;
	size_t n = 0;
	bool ok;

	err->code = 0;
	g.n = pf_numbers_new(conf);
	ok = g.n != NULL && number_tags(&g, old) &&
	     number_rules(&g, &keys, &n) &&
	     take_over(&g, old, in_use, keys, n) && number_states(&g, keys);
	free(keys);
	free(g.slot);
	conf->numbers = ok ? g.n : NULL;
	if (ok)
		return 0;
	return err->code != 0 ? err->code
	                      : error_set(err, -ENOMEM, "out of memory");
}
