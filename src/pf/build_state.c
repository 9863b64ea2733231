/* SPDX-License-Identifier: BSD-2-Clause */
/* build_state.c - keep state and its options. */
#include <string.h>

#include "pf/build.h"
#include "pf/names.h"

struct state_ctx {
	struct pf_parser *p;
	struct pf_state_opts *so;
	unsigned given; /* bits of enum pf_state_word */
	bool bound_given, adaptive;
	uint8_t track;
};

static bool
bad(struct state_ctx *c, const char *text)
{
	pf_complain(c->p, "%s", text);
	return false;
}

/* The options that are one number. */
static const struct number_option {
	const char *name;
	size_t at;
	bool positive;
} numbers[] = {
	[PF_SO_MAX] = { "max", offsetof(struct pf_state_opts, max), false },
	[PF_SO_MAX_SRC_STATES] = { "max-src-states",
	                           offsetof(struct pf_state_opts,
	                                    max_src_states),
	                           true },
	[PF_SO_MAX_SRC_CONN] = { "max-src-conn",
	                         offsetof(struct pf_state_opts, max_src_conn),
	                         true },
	[PF_SO_MAX_SRC_NODES] = { "max-src-nodes",
	                          offsetof(struct pf_state_opts, max_src_nodes),
	                          true },
};

static bool
number(struct state_ctx *c, const struct pf_item *i)
{
	const struct number_option *o = &numbers[i->kind];
	struct pf_parser *p = c->p;

	if ((c->given & (1U << i->kind)) != 0) {
		pf_complain(p, "state option '%s' multiple definitions",
		            o->name);
		return false;
	}
	if (i->a.num < 0 || i->a.num > UINT32_MAX)
		return bad(c, "only positive values permitted");
	if (o->positive && i->a.num == 0) {
		pf_complain(p, "'%s' must be > 0", o->name);
		return false;
	}
	*(uint32_t *)(void *)((char *)c->so + o->at) = (uint32_t)i->a.num;
	return true;
}

static bool
rate(struct state_ctx *c, const struct pf_item *i)
{
	if ((c->given & (1U << i->kind)) != 0)
		return bad(c, "state option 'max-src-conn-rate' multiple "
		              "definitions");
	if (i->a.num < 0 || i->a.num > UINT32_MAX || i->b.num < 0 ||
	    i->b.num > UINT32_MAX)
		return bad(c, "only positive values permitted");
	if (i->a.num == 0 || i->b.num == 0)
		return bad(c, "'max-src-conn-rate' values must be > 0");
	c->so->rate_limit = (uint32_t)i->a.num;
	c->so->rate_seconds = (uint32_t)i->b.num;
	return true;
}

static bool
overload(struct state_ctx *c, const struct pf_item *i)
{
	if (c->so->overload != NULL)
		return bad(c, "multiple 'overload' table definitions");
	if (strlen(i->a.word) >= PF_TABLE_SIZE) {
		pf_complain(c->p, "table name '%s' too long", i->a.word);
		return false;
	}
	c->so->overload = i->a.word;
	c->so->flush = (uint8_t)i->b.num;
	return true;
}

static bool
track(struct state_ctx *c, const struct pf_item *i)
{
	if (c->track != PF_TRACK_NONE)
		return bad(c, "state option 'source-track' multiple "
		              "definitions");
	c->track = (uint8_t)i->a.num;
	return true;
}

static bool
timeout(struct state_ctx *c, const struct pf_item *i)
{
	enum pf_timeout t = pf_timeout_find(i->a.word);

	if (i->b.num < 0 || i->b.num > UINT32_MAX)
		return bad(c, "only positive values permitted");
	if (t == PF_NTIMEOUTS) {
		pf_complain(c->p, "illegal timeout name %s", i->a.word);
		return false;
	}
	if (strchr(i->a.word, '.') == NULL) {
		pf_complain(c->p, "illegal state timeout %s", i->a.word);
		return false;
	}
	if (t == PF_TM_ADAPTIVE_START || t == PF_TM_ADAPTIVE_END)
		c->adaptive = true;
	c->so->timeout[t] = (uint32_t)i->b.num;
	c->so->timeout_set |= 1U << t;
	return true;
}

static bool
option(struct state_ctx *c, const struct pf_item *i)
{
	switch ((enum pf_state_word)i->kind) {
	case PF_SO_MAX:
	case PF_SO_MAX_SRC_STATES:
	case PF_SO_MAX_SRC_CONN:
	case PF_SO_MAX_SRC_NODES:
		return number(c, i);
	case PF_SO_MAX_SRC_CONN_RATE:
		return rate(c, i);
	case PF_SO_OVERLOAD:
		return overload(c, i);
	case PF_SO_TRACK:
		return track(c, i);
	case PF_SO_TIMEOUT:
		return timeout(c, i);
	case PF_SO_NO_SYNC:
		c->so->no_sync = true;
		return true;
	case PF_SO_SLOPPY:
		c->so->sloppy = true;
		return true;
	case PF_SO_RELATED:
		c->so->allow_related = true;
		return true;
	case PF_SO_BOUND:
		c->so->if_bound = i->a.num != 0;
		c->bound_given = true;
		return true;
	}
	return true;
}

/* Limits by source bring source tracking with them. */
static bool
tracking(struct state_ctx *c)
{
	const unsigned by_rule = 1U << PF_SO_MAX_SRC_CONN |
	                         1U << PF_SO_MAX_SRC_CONN_RATE |
	                         1U << PF_SO_MAX_SRC_NODES;
	static const enum pf_state_word not_global[] = {
		PF_SO_MAX_SRC_NODES, PF_SO_MAX_SRC_CONN, PF_SO_MAX_SRC_CONN_RATE
	};

	for (size_t i = 0; i < ARRAY_LEN(not_global); i++)
		if (c->track == PF_TRACK_GLOBAL &&
		    (c->given & (1U << not_global[i])) != 0) {
			pf_complain(c->p,
			            "'%s' is incompatible with 'source-track "
			            "global'",
			            not_global[i] == PF_SO_MAX_SRC_CONN_RATE
			                ? "max-src-conn-rate"
			                : numbers[not_global[i]].name);
			return false;
		}
	if (c->track == PF_TRACK_NONE && (c->given & by_rule) != 0)
		c->track = PF_TRACK_RULE;
	if (c->track == PF_TRACK_NONE &&
	    (c->given & (1U << PF_SO_MAX_SRC_STATES)) != 0)
		c->track = PF_TRACK_ON;
	c->so->track = c->track;
	return true;
}

bool
pf_rule_state(struct pf_parser *p, const struct pf_stmt *s, struct pf_rule *r)
{
	struct state_ctx c = { .p = p, .so = &r->so };
	const struct pf_items *opts = &s->so;
	uint32_t *src_track = &r->so.timeout[PF_TM_SRC_TRACK];

	r->state = s->state;
	r->no_state = s->has_state && s->state == PF_STATE_NONE;
	if (!s->has_state && s->action == PF_PASS &&
	    s->kind == PF_STMT_FILTER) {
		r->state = PF_STATE_KEEP;
		opts = &p->state_defaults;
	}
	for (const struct pf_item *i = opts->first; i != NULL; i = i->next) {
		if (!option(&c, i))
			return false;
		c.given |= 1U << i->kind;
	}
	if (!tracking(&c))
		return false;
	if (r->so.rate_seconds > *src_track) {
		*src_track = r->so.rate_seconds;
		r->so.timeout_set |= 1U << PF_TM_SRC_TRACK;
	}
	if (r->so.max > 0 && !c.adaptive) {
		r->so.timeout[PF_TM_ADAPTIVE_START] = r->so.max / 10 * 6;
		r->so.timeout[PF_TM_ADAPTIVE_END] = r->so.max / 10 * 12;
		r->so.timeout_set |=
		    1U << PF_TM_ADAPTIVE_START | 1U << PF_TM_ADAPTIVE_END;
	}
	if (r->state != PF_STATE_NONE && !c.bound_given)
		r->so.if_bound = p->conf->opts.if_bound;
	r->so.floating =
	    c.bound_given && !r->so.if_bound && p->conf->opts.if_bound;
	return true;
}
