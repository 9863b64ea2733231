/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_subst.c - puts values in the place of variables, in one merged jail.
 *
 *   NEW --resolve()--> ACTIVE --all pieces known--> DONE
 *                             --a message-->        BAD
 *
 * A slot that needs another resolves it first, so each is built once and a
 * chain of n doublings costs n steps, each value held below CONF_MAX_STRING.
 * An ACTIVE slot met again is a loop. What depends on a BAD slot is BAD
 * without a message of its own. Depth is bounded by CONF_MAX_PARAMS.
 *
 * A parameter that another needed and that had variables itself moves in front
 * of it, as the printing of -e and -J has it.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "jail/conf_tree.h"

/* One value while it is built. */
struct building {
	struct conf_work *w;
	struct conf_slot *slot;
	struct buf text;
	bool bad;
};

static int resolve(struct conf_work *w, struct conf_slot *slot);

static int
out_of_memory(struct conf_work *w)
{
	return conf_give_up(w->parser, -ENOMEM, "%s: out of memory",
	                    w->parser->file);
}

/* Variables are found by the name as last written, parameters too. */
static struct conf_slot *
find(struct conf_work *w, const struct conf_piece *var)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->slot[i].hash == var->hash &&
		    strcmp(w->slot[i].name, var->text) == 0)
			return &w->slot[i];
	return NULL;
}

static void
too_long(struct building *b)
{
	if (!b->bad)
		conf_jail_error(b->w, "%s: value longer than %d bytes",
		                b->slot->name, CONF_MAX_STRING);
	b->bad = true;
}

static void
append(struct building *b, const char *s, size_t len)
{
	if (len > CONF_MAX_STRING - b->text.len)
		too_long(b);
	else
		buf_put(&b->text, s, len);
}

/* Close a value: it is the slot's next, also when something in it is missing,
 * since -e prints broken jails too. */
static int
push(struct building *b)
{
	struct strv *out = &b->slot->out;

	if (out->n == CONF_MAX_VALUES) {
		if (!b->bad)
			conf_jail_error(b->w, "%s: more than %d values",
			                b->slot->name, CONF_MAX_VALUES);
		b->bad = true;
		buf_reset(&b->text);
		return 0;
	}
	if (conf_charge(b->w->parser, sizeof(char *) + b->text.len + 32) < 0)
		return b->w->parser->code;
	if (b->text.failed ||
	    strv_pushn(out, buf_str(&b->text), b->text.len) < 0)
		return out_of_memory(b->w);
	buf_reset(&b->text);
	return 0;
}

/* Is there text before or after, so that a list has no place here? */
static bool
is_inline(const struct building *b, const struct conf_string *s,
          const struct conf_piece *var)
{
	for (const struct conf_piece *q = var->next; q != NULL; q = q->next)
		if (q->is_var)
			return true;
	for (const struct conf_piece *q = s->first; q != NULL; q = q->next)
		if (!q->is_var && q->len > 0)
			return true;
	return b->text.len > 0;
}

/* All values of a list, the last one left open. */
static int
append_values(struct building *b, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++) {
		if (i > 0 && push(b) < 0)
			return b->w->parser->code;
		append(b, from->v[i], strlen(from->v[i]));
	}
	return 0;
}

static int
substitute(struct building *b, const struct conf_string *s,
           const struct conf_piece *var)
{
	struct conf_slot *from = find(b->w, var);

	if (from == NULL || from->first == NULL) {
		conf_jail_error(b->w, "%s: variable \"%s\" not found",
		                b->slot->name, var->text);
		b->bad = true;
		return 0;
	}
	if (from->state == CONF_ACTIVE) {
		conf_jail_error(b->w, "%s: variable loop", var->text);
		b->bad = true;
		return 0;
	}
	if (from->state == CONF_NEW && resolve(b->w, from) < 0)
		return b->w->parser->code;
	if (from->state == CONF_BAD) {
		b->bad = true;
		return 0;
	}
	if (from->out.n > 1 && is_inline(b, s, var)) {
		conf_jail_error(b->w, "%s: array cannot be substituted inline",
		                b->slot->name);
		b->bad = true;
		return 0;
	}
	return append_values(b, &from->out);
}

/* One value as written; more than one when it is a list's name alone. */
static int
build(struct building *b, const struct conf_string *s)
{
	for (const struct conf_piece *q = s->first; q != NULL; q = q->next) {
		if (conf_step(b->w->parser) < 0)
			return b->w->parser->code;
		if (!q->is_var)
			append(b, q->text, q->len);
		else if (substitute(b, s, q) < 0)
			return b->w->parser->code;
	}
	return push(b);
}

static void
place(struct conf_work *w, struct conf_slot *slot)
{
	if (slot->placed)
		return;
	slot->placed = true;
	w->order[w->n_order++] = slot;
}

static int
resolve(struct conf_work *w, struct conf_slot *slot)
{
	struct building b = { .w = w, .slot = slot, .text = BUF_INIT };
	int rc = 0;

	slot->state = CONF_ACTIVE;
	for (const struct conf_value *v = slot->first; v != NULL && rc == 0;
	     v = v->next)
		rc = build(&b, v->string);
	buf_fini(&b.text);
	slot->state = b.bad ? CONF_BAD : CONF_DONE;
	if (slot->has_vars)
		place(w, slot);
	return rc;
}

int
conf_substitute(struct conf_work *w)
{
	w->n_order = 0;
	for (size_t i = 0; i < w->n; i++) {
		struct conf_slot *slot = &w->slot[i];

		if (slot->state == CONF_NEW && resolve(w, slot) < 0)
			return w->parser->code;
		place(w, slot);
	}
	return 0;
}
