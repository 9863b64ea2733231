/* SPDX-License-Identifier: BSD-2-Clause */
/* show.c - what is loaded, as pfctl -s tells it. */
#include "pf/show.h"

#include <inttypes.h>
#include <string.h>

#include "pf/ruleset.h"

static const struct pf_ruleset *
shown(const struct pf_show *s)
{
	return pf_ruleset_find(s->store->conf, s->path);
}

static struct pf_counter
counted(const struct pf_show *s, const struct pf_rule *r)
{
	const struct pf_counter none = { 0 };

	return s->counter != NULL ? s->counter[r->id] : none;
}

static unsigned
states(const struct pf_show *s, const struct pf_rule *r)
{
	return s->states != NULL ? s->states(s->ctx, r) : 0;
}

/* How often a rule was asked is not counted: that a packet was its is. */
static void
put_counters(const struct pf_show *s, const struct pf_rule *r, struct buf *out)
{
	struct pf_counter c = counted(s, r);

	buf_printf(out,
	           "  [ Evaluations: %-8" PRIu64 "  Packets: %-8" PRIu64
	           "  Bytes: %-10" PRIu64 "  States: %-6u]\n",
	           c.packets, c.packets, c.bytes, states(s, r));
	buf_printf(out, "  [ Inserted: uid %u pid %d State Creations: %-6u]\n",
	           s->store->uid, s->store->pid, states(s, r));
}

static void
indent(const struct pf_show *s, unsigned depth, struct buf *out)
{
	for (unsigned i = 0; i < depth && s->verbose == 0; i++)
		buf_puts(out, "  ");
}

static void
put_rules(const struct pf_show *s, const struct pf_ruleset *rs,
          enum pf_kind kind, unsigned depth, struct buf *out)
{
	const struct pf_print_env env = { .world = s->store->world,
		                          .verbose = s->verbose,
		                          .numeric_ports = s->numeric_ports,
		                          .indent = false };

	for (const struct pf_rule *r = rs->rules[kind].first; r != NULL;
	     r = r->next) {
		/* Without a name it can be shown nowhere else. */
		bool inside = r->is_anchor && r->anchor != NULL &&
		              (s->below || r->anchor_name == NULL);

		indent(s, depth, out);
		pf_print_rule(r, &env, out);
		buf_puts(out, inside ? " {\n" : "\n");
		if (s->verbose > 0)
			put_counters(s, r, out);
		if (!inside)
			continue;
		put_rules(s, r->anchor, kind, depth + 1, out);
		indent(s, depth, out);
		buf_puts(out, "}\n");
	}
}

static void
show(const struct pf_show *s, const enum pf_kind *kinds, size_t n,
     struct buf *out)
{
	const struct pf_ruleset *rs = shown(s);

	for (size_t k = 0; rs != NULL && k < n; k++)
		put_rules(s, rs, kinds[k], 0, out);
}

void
pf_show_rules(const struct pf_show *s, struct buf *out)
{
	static const enum pf_kind kinds[] = { PF_SCRUB, PF_FILTER };

	show(s, kinds, ARRAY_LEN(kinds), out);
}

void
pf_show_nat(const struct pf_show *s, struct buf *out)
{
	static const enum pf_kind kinds[] = { PF_NAT, PF_RDR, PF_BINAT };

	show(s, kinds, ARRAY_LEN(kinds), out);
}

static void
put_label(const struct pf_show *s, const struct pf_rule *r, struct buf *out)
{
	struct pf_counter c = counted(s, r);
	bool in = r->dir == PF_IN, both = r->dir == PF_INOUT;

	for (size_t i = 0; i < PF_MAX_LABELS && r->label[i] != NULL; i++)
		buf_printf(out, "%s ", r->label[i]);
	buf_printf(out,
	           "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
	           " %" PRIu64 " %" PRIu64 " %u\n",
	           c.packets, c.packets, c.bytes, in || both ? c.packets : 0,
	           in || both ? c.bytes : 0, in ? 0 : c.packets,
	           in ? 0 : c.bytes, states(s, r));
}

static void
put_labels(const struct pf_show *s, const struct pf_ruleset *rs,
           struct buf *out)
{
	for (const struct pf_rule *r = rs->rules[PF_FILTER].first; r != NULL;
	     r = r->next) {
		if (r->label[0] != NULL)
			put_label(s, r, out);
		if (r->is_anchor && r->anchor != NULL &&
		    (s->below || r->anchor_name == NULL))
			put_labels(s, r->anchor, out);
	}
}

void
pf_show_labels(const struct pf_show *s, struct buf *out)
{
	const struct pf_ruleset *rs = shown(s);

	if (rs != NULL)
		put_labels(s, rs, out);
}

void
pf_show_anchors(const struct pf_show *s, struct buf *out)
{
	const struct pf_ruleset *top = shown(s);

	if (top == NULL)
		return;
	for (const struct pf_ruleset *rs = pf_ruleset_next(top, top);
	     rs != NULL; rs = pf_ruleset_next(top, rs)) {
		bool deep = rs->parent != top;

		if ((rs->name[0] != '_' || s->verbose > 0) &&
		    (!deep || s->verbose > 0 || s->below))
			buf_printf(out, "  %s\n", rs->path);
	}
}

void
pf_show_running(const struct pf_show *s, struct buf *out)
{
	buf_puts(out, s->store->enabled ? "Enabled\n" : "Disabled\n");
}
