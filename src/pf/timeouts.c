/* SPDX-License-Identifier: BSD-2-Clause */
/* timeouts.c - which sysctls hold pf's timeouts and limits.
 *
 * Linux: Documentation/networking/nf_conntrack-sysctl.rst, ip-sysctl.rst.
 */
#include "pf/timeouts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "pf/names.h"

#define NF "netfilter/nf_conntrack_"

/*
 * A file and the timeouts it stands for; where those are several, the longest
 * is written: no state ends before pf would end it.
 *
 * Linux also shortens the timeout of a connection whose last data was not
 * acknowledged; pf has no such thing, so those are as long as any.
 */
static const struct row {
	const char *file;
	uint8_t n;
	enum pf_timeout t[3];
} rows[] = {
	{ NF "tcp_timeout_syn_sent", 1, { PF_TM_TCP_FIRST } },
	{ NF "tcp_timeout_syn_recv", 1, { PF_TM_TCP_OPENING } },
	{ NF "tcp_timeout_established", 1, { PF_TM_TCP_ESTABLISHED } },
	{ NF "tcp_timeout_unacknowledged", 1, { PF_TM_TCP_ESTABLISHED } },
	{ NF "tcp_timeout_max_retrans", 1, { PF_TM_TCP_ESTABLISHED } },
	{ NF "tcp_timeout_fin_wait", 1, { PF_TM_TCP_CLOSING } },
	{ NF "tcp_timeout_close_wait", 1, { PF_TM_TCP_CLOSING } },
	{ NF "tcp_timeout_last_ack", 1, { PF_TM_TCP_FINWAIT } },
	{ NF "tcp_timeout_time_wait", 1, { PF_TM_TCP_CLOSED } },
	{ NF "tcp_timeout_close", 1, { PF_TM_TCP_CLOSED } },
	{ NF "sctp_timeout_cookie_wait", 1, { PF_TM_SCTP_FIRST } },
	{ NF "sctp_timeout_cookie_echoed", 1, { PF_TM_SCTP_OPENING } },
	{ NF "sctp_timeout_heartbeat_sent", 1, { PF_TM_SCTP_OPENING } },
	{ NF "sctp_timeout_established", 1, { PF_TM_SCTP_ESTABLISHED } },
	{ NF "sctp_timeout_shutdown_sent", 1, { PF_TM_SCTP_CLOSING } },
	{ NF "sctp_timeout_shutdown_recd", 1, { PF_TM_SCTP_CLOSING } },
	{ NF "sctp_timeout_shutdown_ack_sent", 1, { PF_TM_SCTP_CLOSING } },
	{ NF "sctp_timeout_closed", 1, { PF_TM_SCTP_CLOSED } },
	{ NF "udp_timeout", 2, { PF_TM_UDP_FIRST, PF_TM_UDP_SINGLE } },
	{ NF "udp_timeout_stream", 1, { PF_TM_UDP_MULTIPLE } },
	{ NF "icmp_timeout", 1, { PF_TM_ICMP_FIRST } },
	{ NF "icmpv6_timeout", 1, { PF_TM_ICMP_FIRST } },
	{ NF "generic_timeout",
	  3,
	  { PF_TM_OTHER_FIRST, PF_TM_OTHER_SINGLE, PF_TM_OTHER_MULTIPLE } },
	{ NF "gre_timeout", 2, { PF_TM_OTHER_FIRST, PF_TM_OTHER_SINGLE } },
	{ NF "gre_timeout_stream", 1, { PF_TM_OTHER_MULTIPLE } },
	{ NF "frag6_timeout", 1, { PF_TM_FRAG } },
	{ "ipv4/ipfrag_time", 1, { PF_TM_FRAG } },
	{ "ipv6/ip6frag_time", 1, { PF_TM_FRAG } },
};

/* What pf's meaning of states takes: counters and age, windows as strict as
 * pf's, and connections picked up in their middle for flags any. And, for
 * answers to our own packets that are put in at the end of lo, that it takes
 * what has our own addresses and comes from nowhere. */
static const struct pf_sysctl needed[] = {
	{ .file = NF "acct", .value = 1 },
	{ .file = NF "timestamp", .value = 1 },
	{ .file = NF "tcp_loose", .value = 1 },
	{ .file = NF "tcp_be_liberal", .value = 0 },
	{ .file = "ipv4/conf/lo/accept_local", .value = 1 },
	{ .file = "ipv4/conf/lo/route_localnet", .value = 1 },
};

static const uint32_t limits[PF_NLIMITS] = {
	[PF_LIMIT_STATES] = 100000,        [PF_LIMIT_SRC_NODES] = 10000,
	[PF_LIMIT_FRAGS] = 5000,           [PF_LIMIT_TABLES] = 1000,
	[PF_LIMIT_TABLE_ENTRIES] = 200000,
};

uint32_t
pf_limit_now(const struct pf_options *o, enum pf_limit l)
{
	return (o->limit_set & (1U << l)) != 0 ? o->limit[l] : limits[l];
}

uint32_t
pf_timeout_now(const struct pf_options *o, enum pf_timeout t)
{
	const uint32_t adaptive =
	    1U << PF_TM_ADAPTIVE_START | 1U << PF_TM_ADAPTIVE_END;
	uint32_t tenth = pf_limit_now(o, PF_LIMIT_STATES) / 10;

	if ((1U << t & adaptive) == 0 || (o->timeout_set & adaptive) != 0)
		return o->timeout[t];
	return t == PF_TM_ADAPTIVE_START ? tenth * 6 : tenth * 12;
}

/* Did somebody choose it, by itself or with set optimization? */
static bool
was_set(const struct pf_options *o, enum pf_timeout t)
{
	return (o->timeout_set & (1U << t)) != 0 ||
	       o->timeout[t] != pf_timeout_default(t);
}

static struct pf_sysctl
plan_row(const struct pf_options *o, const struct row *r)
{
	struct pf_sysctl s = { .file = r->file,
		               .kind = "timeout",
		               .name = pf_timeout_name(r->t[0]) };

	for (unsigned i = 0; i < r->n; i++) {
		uint32_t v = pf_timeout_now(o, r->t[i]);

		if (v > s.value)
			s.value = v;
		if (was_set(o, r->t[i]) && !s.asked) {
			s.asked = true;
			s.name = pf_timeout_name(r->t[i]);
		}
	}
	if (s.value > PF_TIMEOUT_MAX)
		s.value = PF_TIMEOUT_MAX;
	return s;
}

size_t
pf_sysctls_plan(const struct pf_options *o,
                struct pf_sysctl out[PF_SYSCTLS_MAX])
{
	size_t n = 0;

	_Static_assert(ARRAY_LEN(rows) + ARRAY_LEN(needed) + 1 <=
	                   PF_SYSCTLS_MAX,
	               "room for the plan");
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		out[n++] = needed[i];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		out[n++] = plan_row(o, &rows[i]);
	if ((o->limit_set & (1U << PF_LIMIT_STATES)) != 0)
		out[n++] = (struct pf_sysctl){
			.file = NF "max",
			.value = o->limit[PF_LIMIT_STATES],
			.asked = true,
			.kind = "limit",
			.name = pf_limit_name(PF_LIMIT_STATES),
		};
	return n;
}

/* 0 or a negative errno. */
static int
write_one(int root, const struct pf_sysctl *s)
{
	cleanup_close int fd =
	    openat(root, s->file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[16];
	int n = snprintf(text, sizeof(text), "%u\n", s->value);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		return errno != 0 ? -errno : -EIO;
	return 0;
}

unsigned
pf_sysctls_write(const char *root, const struct pf_sysctl *v, size_t n,
                 void (*tell)(void *ctx, const char *line), void *ctx)
{
	cleanup_close int dir =
	    open(root, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	unsigned bad = 0;

	for (size_t i = 0; i < n; i++) {
		int rc = dir < 0 ? -ENOENT : write_one(dir, &v[i]);
		char line[192];

		if (rc == 0)
			continue;
		bad++;
		if (!v[i].asked)
			continue;
		snprintf(line, sizeof(line),
		         "pfctl: set %s %s: not here: %s/%s: %s", v[i].kind,
		         v[i].name, root, v[i].file, strerror(-rc));
		tell(ctx, line);
	}
	return bad;
}

static void
tell_idle(const char *kind, const char *name,
          void (*tell)(void *ctx, const char *line), void *ctx)
{
	char line[96];

	snprintf(line, sizeof(line), "pfctl: set %s %s: nothing on Linux", kind,
	         name);
	tell(ctx, line);
}

void
pf_timeouts_tell(const struct pf_options *o,
                 void (*tell)(void *ctx, const char *line), void *ctx)
{
	static const enum pf_timeout idle[] = {
		PF_TM_TCP_TSDIFF, PF_TM_ICMP_ERROR, PF_TM_INTERVAL,
		PF_TM_ADAPTIVE_START, PF_TM_ADAPTIVE_END
	};

	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		if ((o->timeout_set & (1U << idle[i])) != 0)
			tell_idle("timeout", pf_timeout_name(idle[i]), tell,
			          ctx);
	for (unsigned l = PF_LIMIT_STATES + 1; l < PF_NLIMITS; l++)
		if ((o->limit_set & (1U << l)) != 0)
			tell_idle("limit", pf_limit_name((enum pf_limit)l),
			          tell, ctx);
}

/* --- what is printed --- */

/* pfctl's order: the kernel's, but that tcp.tsdiff stands with the others of
 * TCP. */
void
pf_timeouts_print(const struct pf_options *o, struct buf *out)
{
	for (unsigned i = 0; i < PF_NTIMEOUTS; i++) {
		enum pf_timeout t = (enum pf_timeout)i;
		bool counts;

		if (i > PF_TM_TCP_CLOSED)
			t = i == PF_TM_TCP_CLOSED + 1
			        ? PF_TM_TCP_TSDIFF
			        : (enum pf_timeout)(i - 1);
		counts = t == PF_TM_ADAPTIVE_START || t == PF_TM_ADAPTIVE_END;
		buf_printf(out, "%-20s %10u%s\n", pf_timeout_name(t),
		           pf_timeout_now(o, t), counts ? " states" : "s");
	}
}

void
pf_limits_print(const struct pf_options *o, struct buf *out)
{
	static const enum pf_limit shown[] = { PF_LIMIT_STATES,
		                               PF_LIMIT_SRC_NODES,
		                               PF_LIMIT_FRAGS,
		                               PF_LIMIT_TABLE_ENTRIES };

	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		uint32_t v = pf_limit_now(o, shown[i]);

		buf_printf(out, "%-13s ", pf_limit_name(shown[i]));
		if (v == UINT32_MAX)
			buf_puts(out, "unlimited\n");
		else
			buf_printf(out, "hard limit %8u\n", v);
	}
}
