/* SPDX-License-Identifier: BSD-2-Clause */
/* states.c - which states of pf a connection is, and pfctl's words for them. */
#include "pf/states.h"

#include <linux/netfilter/nf_conntrack_sctp.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/compile_internal.h"
#include "pf/pf.h"
#include "pf/ruleset.h"

/* --- which states --- */

static struct pf_end
end_of(const struct pf_ip *ip, uint16_t port)
{
	return (struct pf_end){ *ip, port };
}

/*
 * orig is how the first packet came, reply how its answers do: turned round,
 * that is what the first packet had become when it left. "in" stands behind the
 * translation of destinations, "out" before and behind that of sources.
 */
static void
ends(struct pf_crossing *x)
{
	const struct ct_tuple *o = &x->e->tuple[CT_ORIG];
	const struct ct_tuple *r = &x->e->tuple[CT_REPLY];
	struct pf_end inside = end_of(&r->src, r->sport);

	x->stack_src = end_of(&o->src, o->sport);
	if (x->dir == PF_IN) {
		/* An id of ICMP is changed on the way out only. */
		if (!o->has_ports)
			inside.port = o->dport;
		x->wire_src = x->stack_src;
		x->wire_dst = end_of(&o->dst, o->dport);
		x->stack_dst = inside;
	} else {
		x->wire_src = end_of(&r->dst, r->dport);
		x->wire_dst = x->stack_dst = inside;
	}
}

unsigned
pf_crossings(const struct ct_entry *e, struct pf_crossing out[2])
{
	unsigned n = 0;

	if ((e->mark & PF_CT_K1) != 0)
		out[n++] = (struct pf_crossing){
			.e = e,
			.dir = PF_IN,
			.sid = (e->mark & PF_CT_ID1) >> PF_CT_SHIFT,
		};
	if ((e->mark & PF_CT_K2) != 0)
		out[n++] = (struct pf_crossing){
			.e = e,
			.dir = PF_OUT,
			.sid = e->mark & PF_CT_ID2,
		};
	for (unsigned i = 0; i < n; i++)
		ends(&out[i]);
	return n;
}

uint64_t
pf_crossing_id(const struct pf_crossing *x)
{
	return (uint64_t)x->dir << 32 | x->e->id;
}

static const struct pf_sid *
sid_of(const struct pf_crossing *x, const struct pf_states_env *env)
{
	if (env->conf == NULL || env->conf->numbers == NULL || x->sid == 0)
		return NULL;
	return &env->conf->numbers->sid[x->sid];
}

const struct pf_rule *
pf_crossing_rule(const struct pf_crossing *x, const struct pf_states_env *env)
{
	const struct pf_sid *s = sid_of(x, env);

	return s != NULL ? s->rule : NULL;
}

bool
pf_crossing_ifname(const struct pf_crossing *x, const struct pf_states_env *env,
                   char out[PF_IFNAME_SIZE])
{
	const struct pf_rule *r = pf_crossing_rule(x, env);
	const struct pf_end *far =
	    x->dir == PF_IN ? &x->wire_src : &x->wire_dst;

	/* A rule on one interface made it there. */
	if (r != NULL && r->ifname != NULL && !r->if_not &&
	    env->world->is_interface(env->world->ctx, r->ifname)) {
		snprintf(out, PF_IFNAME_SIZE, "%s", pf_linux_ifname(r->ifname));
		return true;
	}
	out[0] = '\0';
	return env->ifname != NULL &&
	       env->ifname(env->ctx, x->e->tuple[CT_ORIG].af, &far->ip, out);
}

bool
pf_crossing_on(const struct pf_crossing *x, const struct pf_states_env *env,
               const char *ifname)
{
	char on[PF_IFNAME_SIZE];

	return pf_crossing_ifname(x, env, on) &&
	       (strcmp(on, pf_linux_ifname(ifname)) == 0 ||
	        env->world->in_group(env->world->ctx, on, ifname));
}

/* --- the words for how far it is --- */

/* Of both sides: who began, who answers. */
struct phases {
	const char *src, *dst;
};

/*
 * pf has a state for each side, Linux one for the connection, and flags of who
 * sent the first FIN. A side is CLOSING once its FIN was seen, FIN_WAIT_2 once
 * that was acknowledged.
 */
static struct phases
tcp_phases(const struct ct_entry *e)
{
	static const struct phases of[] = {
		[TCP_CONNTRACK_NONE] = { "CLOSED", "CLOSED" },
		[TCP_CONNTRACK_SYN_SENT] = { "SYN_SENT", "CLOSED" },
		[TCP_CONNTRACK_SYN_RECV] = { "ESTABLISHED", "SYN_SENT" },
		[TCP_CONNTRACK_ESTABLISHED] = { "ESTABLISHED", "ESTABLISHED" },
		[TCP_CONNTRACK_FIN_WAIT] = { "CLOSING", "ESTABLISHED" },
		[TCP_CONNTRACK_CLOSE_WAIT] = { "FIN_WAIT_2", "ESTABLISHED" },
		[TCP_CONNTRACK_LAST_ACK] = { "FIN_WAIT_2", "CLOSING" },
		[TCP_CONNTRACK_TIME_WAIT] = { "FIN_WAIT_2", "FIN_WAIT_2" },
		[TCP_CONNTRACK_CLOSE] = { "TIME_WAIT", "TIME_WAIT" },
		[TCP_CONNTRACK_SYN_SENT2] = { "SYN_SENT", "SYN_SENT" },
	};
	struct phases p = of[0];

	if (e->tcp_state < ARRAY_LEN(of))
		p = of[e->tcp_state];
	if (e->tcp_state >= TCP_CONNTRACK_FIN_WAIT &&
	    e->tcp_state <= TCP_CONNTRACK_LAST_ACK &&
	    (e->tcp_flags[CT_REPLY] & IP_CT_TCP_FLAG_CLOSE_INIT) != 0)
		p = (struct phases){ p.dst, p.src };
	return p;
}

static struct phases
sctp_phases(const struct ct_entry *e)
{
	static const struct phases of[] = {
		[SCTP_CONNTRACK_NONE] = { "CLOSED", "CLOSED" },
		[SCTP_CONNTRACK_CLOSED] = { "CLOSED", "CLOSED" },
		[SCTP_CONNTRACK_COOKIE_WAIT] = { "SYN_SENT", "CLOSED" },
		[SCTP_CONNTRACK_COOKIE_ECHOED] = { "ESTABLISHED", "SYN_SENT" },
		[SCTP_CONNTRACK_ESTABLISHED] = { "ESTABLISHED", "ESTABLISHED" },
		[SCTP_CONNTRACK_SHUTDOWN_SENT] = { "CLOSING", "ESTABLISHED" },
		[SCTP_CONNTRACK_SHUTDOWN_RECD] = { "ESTABLISHED", "CLOSING" },
		[SCTP_CONNTRACK_SHUTDOWN_ACK_SENT] = { "CLOSING", "CLOSING" },
		[SCTP_CONNTRACK_HEARTBEAT_SENT] = { "SYN_SENT", "CLOSED" },
	};

	return e->sctp_state < ARRAY_LEN(of) ? of[e->sctp_state] : of[0];
}

/* What has no connections: a side has sent one packet, or several with answers
 * between. Who answered what is not known: a sender of two is taken to have had
 * its answer in between. */
static struct phases
other_phases(const struct ct_entry *e)
{
	if ((e->status & CT_SEEN_REPLY) == 0)
		return (struct phases){ "SINGLE", "NO_TRAFFIC" };
	return (struct phases){ "MULTIPLE", e->packets[CT_ORIG] == 1
		                                ? "SINGLE"
		                                : "MULTIPLE" };
}

static struct phases
phases(const struct ct_entry *e)
{
	switch (e->tuple[CT_ORIG].proto) {
	case PF_PROTO_TCP:
		return tcp_phases(e);
	case PF_PROTO_SCTP:
		return sctp_phases(e);
	case PF_PROTO_ICMP:
	case PF_PROTO_ICMP6:
		return (struct phases){ "0", "0" };
	default:
		return other_phases(e);
	}
}

/* --- printing --- */

static void
print_end(const struct pf_crossing *x, const struct pf_end *end,
          const struct pf_states_env *env, struct buf *out)
{
	unsigned af = x->e->tuple[CT_ORIG].af;
	char text[46], name[PF_HOST_SIZE];

	if (env->host != NULL && env->host(af, &end->ip, name))
		buf_puts(out, name);
	else
		buf_puts(out, pf_ip_text(af, &end->ip, text));
	if (end->port != 0)
		buf_printf(out, af == PF_AF_INET ? ":%u" : "[%u]", end->port);
}

/* One side: seen from behind its translation, what it was before in brackets.
 */
static void
print_side(const struct pf_crossing *x, const struct pf_end *here,
           const struct pf_end *there, const struct pf_states_env *env,
           struct buf *out)
{
	print_end(x, here, env, out);
	if (pf_ip_cmp(&here->ip, &there->ip) == 0 && here->port == there->port)
		return;
	buf_puts(out, " (");
	print_end(x, there, env, out);
	buf_putc(out, ')');
}

static void
print_proto(unsigned proto, const struct pf_states_env *env, struct buf *out)
{
	const char *name = env->world->proto_name(env->world->ctx, proto);

	if (name != NULL)
		buf_printf(out, "%s ", name);
	else
		buf_printf(out, "%u ", proto);
}

static void
print_line(const struct pf_crossing *x, const struct pf_states_env *env,
           struct buf *out)
{
	const struct pf_rule *r = pf_crossing_rule(x, env);
	const struct phases p = phases(x->e);
	bool in = x->dir == PF_IN;
	char ifname[PF_IFNAME_SIZE];

	if (r == NULL || !r->so.if_bound || !pf_crossing_ifname(x, env, ifname))
		strcpy(ifname, "all");
	buf_printf(out, "%s ", ifname);
	print_proto(x->e->tuple[CT_ORIG].proto, env, out);
	if (in) {
		print_side(x, &x->stack_dst, &x->wire_dst, env, out);
		buf_puts(out, " <- ");
		print_side(x, &x->stack_src, &x->wire_src, env, out);
	} else {
		print_side(x, &x->wire_src, &x->stack_src, env, out);
		buf_puts(out, " -> ");
		print_side(x, &x->wire_dst, &x->stack_dst, env, out);
	}
	buf_printf(out, "       %s:%s\n", in ? p.dst : p.src,
	           in ? p.src : p.dst);
}

static void
print_time(const char *what, uint64_t s, struct buf *out)
{
	buf_printf(out, "%s%02" PRIu64 ":%02u:%02u", what, s / 3600,
	           (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

/* Windows are not to be had: conntrack keeps them to itself. */
static void
print_windows(const struct pf_crossing *x, struct buf *out)
{
	const struct ct_entry *e = x->e;
	bool both = e->wscale[CT_ORIG] != 0 && e->wscale[CT_REPLY] != 0;
	unsigned first = x->dir == PF_IN ? CT_REPLY : CT_ORIG;

	for (unsigned i = 0; i < 2; i++) {
		buf_puts(out, i == 0 ? "   [0 + 0]" : "  [0 + 0]");
		if (both)
			buf_printf(out, " wscale %u", e->wscale[first ^ i]);
	}
	buf_putc(out, '\n');
}

/* The number of the rule of the main ruleset that leads to an anchor. */
static const struct pf_rule *
anchor_rule(const struct pf_config *conf, const char *path)
{
	const struct pf_rule *r = conf->main->rules[PF_FILTER].first;

	for (; r != NULL; r = r->next) {
		const char *of = r->is_anchor ? r->anchor->path : "";
		size_t len = strlen(of);

		if (r->is_anchor &&
		    (len == 0 || (strncmp(of, path, len) == 0 &&
		                  (path[len] == '/' || path[len] == '\0'))))
			return r;
	}
	return NULL;
}

static void
print_rule(const struct pf_crossing *x, const struct pf_states_env *env,
           struct buf *out)
{
	const struct pf_sid *s = sid_of(x, env);
	const struct pf_rule *a;

	if (s == NULL || s->rule == NULL)
		return;
	if (!s->gone) {
		a = s->anchor != NULL && s->anchor[0] != '\0'
		        ? anchor_rule(env->conf, s->anchor)
		        : NULL;
		if (a != NULL)
			buf_printf(out, ", anchor %u", a->nr);
		buf_printf(out, ", rule %u", s->rule->nr);
	}
	if (s->rule->allow_opts)
		buf_puts(out, ", allow-opts");
	if (s->rule->so.sloppy)
		buf_puts(out, ", sloppy");
	if (s->rule->so.no_sync)
		buf_puts(out, ", no-sync");
}

static void
print_age(const struct pf_crossing *x, const struct pf_states_env *env,
          struct buf *out)
{
	const struct ct_entry *e = x->e;
	uint64_t age = e->start_ns != 0 && e->start_ns < env->now_ns
	                   ? (env->now_ns - e->start_ns) / 1000000000
	                   : 0;

	if (e->tuple[CT_ORIG].proto == PF_PROTO_TCP)
		print_windows(x, out);
	print_time("   age ", age, out);
	print_time(", expires in ", e->timeout_s, out);
	buf_printf(out,
	           ", %" PRIu64 ":%" PRIu64 " pkts, %" PRIu64 ":%" PRIu64
	           " bytes",
	           e->packets[CT_ORIG], e->packets[CT_REPLY], e->bytes[CT_ORIG],
	           e->bytes[CT_REPLY]);
	print_rule(x, env, out);
	buf_putc(out, '\n');
}

/* Which gateway a state's packets take, where its rule has but one. */
static void
print_route(const struct pf_rule *r, struct buf *out)
{
	const struct pf_target *t;

	if (r == NULL || (r->route != PF_ROUTE_TO && r->route != PF_REPLY_TO) ||
	    r->route_pool.n != 1)
		return;
	t = &r->route_pool.target[0];
	buf_puts(out, " route-to: ");
	pf_print_addr(&t->addr, false, out);
	if (t->ifname != NULL)
		buf_printf(out, "@%s", t->ifname);
}

static void
print_id(const struct pf_crossing *x, const struct pf_states_env *env,
         struct buf *out)
{
	char ifname[PF_IFNAME_SIZE];

	buf_printf(out, "   id: %016" PRIx64 " creatorid: %08" PRIx32,
	           pf_crossing_id(x), env->hostid);
	print_route(pf_crossing_rule(x, env), out);
	buf_putc(out, '\n');
	if (pf_crossing_ifname(x, env, ifname))
		buf_printf(out, "   origif: %s\n", ifname);
}

void
pf_crossing_print(const struct pf_crossing *x, const struct pf_states_env *env,
                  struct buf *out)
{
	print_line(x, env, out);
	if (env->verbose >= 1)
		print_age(x, env, out);
	if (env->verbose >= 2)
		print_id(x, env, out);
}

void
pf_states_print(const struct ct_list *l, const struct pf_states_env *env,
                const char *ifname, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		struct pf_crossing x[2];
		unsigned n = pf_crossings(&l->v[i], x);

		for (unsigned k = 0; k < n; k++)
			if (ifname == NULL ||
			    pf_crossing_on(&x[k], env, ifname))
				pf_crossing_print(&x[k], env, out);
	}
}

/* --- counting --- */

size_t
pf_states_count(const struct ct_list *l)
{
	struct pf_crossing x[2];
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += pf_crossings(&l->v[i], x);
	return n;
}

void
pf_sids_count(const struct ct_list *l, struct pf_sid_counts *out)
{
	struct pf_crossing x[2];

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < l->n; i++)
		for (unsigned n = pf_crossings(&l->v[i], x); n-- > 0;)
			out->n[x[n].sid]++;
}

bool
pf_sid_used(void *counts, unsigned sid)
{
	const struct pf_sid_counts *c = counts;

	return sid <= PF_MAX_IDS && c->n[sid] != 0;
}
