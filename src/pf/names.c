/* SPDX-License-Identifier: BSD-2-Clause */
/* names.c - the names that pf gives to numbers. */
#include "pf/names.h"

#include <string.h>
#include <strings.h>

struct name {
	const char *name;
	int value;
};

/* The first name of a number is the one that is printed. */
static const struct name icmp_types[] = {
	{ "echoreq", 8 },    { "echorep", 0 },     { "unreach", 3 },
	{ "squench", 4 },    { "redir", 5 },       { "althost", 6 },
	{ "routeradv", 9 },  { "routersol", 10 },  { "timex", 11 },
	{ "paramprob", 12 }, { "timereq", 13 },    { "timerep", 14 },
	{ "inforeq", 15 },   { "inforep", 16 },    { "maskreq", 17 },
	{ "maskrep", 18 },   { "trace", 30 },      { "dataconv", 31 },
	{ "mobredir", 32 },  { "ipv6-where", 33 }, { "ipv6-here", 34 },
	{ "mobregreq", 35 }, { "mobregrep", 36 },  { "skip", 39 },
	{ "photuris", 40 },  { NULL, 0 },
};

static const struct name icmp6_types[] = {
	{ "unreach", 1 },      { "toobig", 2 },      { "timex", 3 },
	{ "paramprob", 4 },    { "echoreq", 128 },   { "echorep", 129 },
	{ "groupqry", 130 },   { "listqry", 130 },   { "grouprep", 131 },
	{ "listenrep", 131 },  { "groupterm", 132 }, { "listendone", 132 },
	{ "routersol", 133 },  { "routeradv", 134 }, { "neighbrsol", 135 },
	{ "neighbradv", 136 }, { "redir", 137 },     { "routrrenum", 138 },
	{ "wrureq", 139 },     { "wrurep", 140 },    { "fqdnreq", 139 },
	{ "fqdnrep", 140 },    { "niqry", 139 },     { "nirep", 140 },
	{ "mtraceresp", 200 }, { "mtrace", 201 },    { NULL, 0 },
};

struct code {
	const char *name;
	uint8_t type, code;
};

static const struct code icmp_codes[] = {
	{ "net-unr", 3, 0 },
	{ "host-unr", 3, 1 },
	{ "proto-unr", 3, 2 },
	{ "port-unr", 3, 3 },
	{ "needfrag", 3, 4 },
	{ "srcfail", 3, 5 },
	{ "net-unk", 3, 6 },
	{ "host-unk", 3, 7 },
	{ "isolate", 3, 8 },
	{ "net-prohib", 3, 9 },
	{ "host-prohib", 3, 10 },
	{ "net-tos", 3, 11 },
	{ "host-tos", 3, 12 },
	{ "filter-prohib", 3, 13 },
	{ "host-preced", 3, 14 },
	{ "cutoff-preced", 3, 15 },
	{ "redir-net", 5, 0 },
	{ "redir-host", 5, 1 },
	{ "redir-tos-net", 5, 2 },
	{ "redir-tos-host", 5, 3 },
	{ "normal-adv", 9, 0 },
	{ "common-adv", 9, 16 },
	{ "transit", 11, 0 },
	{ "reassemb", 11, 1 },
	{ "badhead", 12, 0 },
	{ "optmiss", 12, 1 },
	{ "badlen", 12, 2 },
	{ "unknown-ind", 40, 1 },
	{ "auth-fail", 40, 2 },
	{ "decrypt-fail", 40, 3 },
	{ NULL, 0, 0 },
};

static const struct code icmp6_codes[] = {
	{ "noroute-unr", 1, 0 },
	{ "admin-unr", 1, 1 },
	{ "notnbr-unr", 1, 2 },
	{ "beyond-unr", 1, 2 },
	{ "addr-unr", 1, 3 },
	{ "port-unr", 1, 4 },
	{ "transit", 3, 0 },
	{ "reassemb", 3, 1 },
	{ "badhead", 4, 0 },
	{ "nxthdr", 4, 1 },
	{ "redironlink", 137, 0 },
	{ "redirrouter", 137, 1 },
	{ NULL, 0, 0 },
};

static int
by_name(const struct name *t, const char *name)
{
	for (; t->name != NULL; t++)
		if (strcmp(t->name, name) == 0)
			return t->value;
	return -1;
}

int
pf_icmp_type(unsigned af, const char *name)
{
	return by_name(af == PF_AF_INET6 ? icmp6_types : icmp_types, name);
}

const char *
pf_icmp_type_name(unsigned af, unsigned type)
{
	const struct name *t = af == PF_AF_INET6 ? icmp6_types : icmp_types;

	for (; t->name != NULL; t++)
		if (t->value == (int)type)
			return t->name;
	return NULL;
}

int
pf_icmp_code(unsigned af, unsigned type, const char *name)
{
	const struct code *c = af == PF_AF_INET6 ? icmp6_codes : icmp_codes;

	for (; c->name != NULL; c++)
		if (c->type == type && strcmp(c->name, name) == 0)
			return c->code;
	return -1;
}

const char *
pf_icmp_code_name(unsigned af, unsigned type, unsigned code)
{
	const struct code *c = af == PF_AF_INET6 ? icmp6_codes : icmp_codes;

	for (; c->name != NULL; c++)
		if (c->type == type && c->code == code)
			return c->name;
	return NULL;
}

int
pf_tos(const char *name)
{
	static const struct name words[] = {
		{ "lowdelay", 0x10 },
		{ "throughput", 0x08 },
		{ "reliability", 0x04 },
		{ "af11", 0x28 },
		{ "af12", 0x30 },
		{ "af13", 0x38 },
		{ "af21", 0x48 },
		{ "af22", 0x50 },
		{ "af23", 0x58 },
		{ "af31", 0x68 },
		{ "af32", 0x70 },
		{ "af33", 0x78 },
		{ "af41", 0x88 },
		{ "af42", 0x90 },
		{ "af43", 0x98 },
		{ "ef", 0xb8 },
		{ "va", 0xb0 },
		{ "cs0", 0 },
		{ "cs1", 0x20 },
		{ "cs2", 0x40 },
		{ "cs3", 0x60 },
		{ "cs4", 0x80 },
		{ "cs5", 0xa0 },
		{ "cs6", 0xc0 },
		{ "cs7", 0xe0 },
		{ "critical", 0xa0 },
		{ "inetcontrol", 0xc0 },
		{ "netcontrol", 0xe0 },
		{ NULL, 0 },
	};

	for (const struct name *w = words; w->name != NULL; w++)
		if (strcasecmp(w->name, name) == 0)
			return w->value;
	return -1;
}

static const char flag_letters[] = "FSRPAUEW";

int
pf_tcp_flags(const char *letters)
{
	int flags = 0;

	for (; *letters != '\0'; letters++) {
		const char *at = strchr(flag_letters, *letters);

		if (at == NULL)
			return -1;
		flags |= 1 << (at - flag_letters);
	}
	return flags;
}

void
pf_tcp_flag_letters(unsigned flags, char out[9])
{
	size_t n = 0;

	for (unsigned i = 0; i < 8; i++)
		if ((flags & (1U << i)) != 0)
			out[n++] = flag_letters[i];
	out[n] = '\0';
}

static const struct {
	const char *name;
	uint32_t seconds; /* of adaptive.*: states */
} timeouts[PF_NTIMEOUTS] = {
	[PF_TM_TCP_FIRST] = { "tcp.first", 120 },
	[PF_TM_TCP_OPENING] = { "tcp.opening", 30 },
	[PF_TM_TCP_ESTABLISHED] = { "tcp.established", 86400 },
	[PF_TM_TCP_CLOSING] = { "tcp.closing", 900 },
	[PF_TM_TCP_FINWAIT] = { "tcp.finwait", 45 },
	[PF_TM_TCP_CLOSED] = { "tcp.closed", 90 },
	[PF_TM_SCTP_FIRST] = { "sctp.first", 120 },
	[PF_TM_SCTP_OPENING] = { "sctp.opening", 30 },
	[PF_TM_SCTP_ESTABLISHED] = { "sctp.established", 86400 },
	[PF_TM_SCTP_CLOSING] = { "sctp.closing", 900 },
	[PF_TM_SCTP_CLOSED] = { "sctp.closed", 90 },
	[PF_TM_UDP_FIRST] = { "udp.first", 60 },
	[PF_TM_UDP_SINGLE] = { "udp.single", 30 },
	[PF_TM_UDP_MULTIPLE] = { "udp.multiple", 60 },
	[PF_TM_ICMP_FIRST] = { "icmp.first", 20 },
	[PF_TM_ICMP_ERROR] = { "icmp.error", 10 },
	[PF_TM_OTHER_FIRST] = { "other.first", 60 },
	[PF_TM_OTHER_SINGLE] = { "other.single", 30 },
	[PF_TM_OTHER_MULTIPLE] = { "other.multiple", 60 },
	[PF_TM_FRAG] = { "frag", 30 },
	[PF_TM_INTERVAL] = { "interval", 10 },
	[PF_TM_ADAPTIVE_START] = { "adaptive.start", 60000 },
	[PF_TM_ADAPTIVE_END] = { "adaptive.end", 120000 },
	[PF_TM_SRC_TRACK] = { "src.track", 0 },
	[PF_TM_TCP_TSDIFF] = { "tcp.tsdiff", 30 },
};

const char *
pf_timeout_name(enum pf_timeout t)
{
	return timeouts[t].name;
}

enum pf_timeout
pf_timeout_find(const char *name)
{
	unsigned t = 0;

	while (t < PF_NTIMEOUTS && strcmp(timeouts[t].name, name) != 0)
		t++;
	return (enum pf_timeout)t;
}

uint32_t
pf_timeout_default(enum pf_timeout t)
{
	return timeouts[t].seconds;
}

static const char *const limits[PF_NLIMITS] = {
	[PF_LIMIT_STATES] = "states",
	[PF_LIMIT_SRC_NODES] = "src-nodes",
	[PF_LIMIT_FRAGS] = "frags",
	[PF_LIMIT_TABLES] = "tables",
	[PF_LIMIT_TABLE_ENTRIES] = "table-entries",
};

const char *
pf_limit_name(enum pf_limit l)
{
	return limits[l];
}

enum pf_limit
pf_limit_find(const char *name)
{
	unsigned l = 0;

	while (l < PF_NLIMITS && strcmp(limits[l], name) != 0)
		l++;
	return (enum pf_limit)l;
}

static const struct pf_optimization optimizations[] = {
	{ "normal", { 120, 30, 86400, 900, 45, 90 }, 30 },
	{ "satellite", { 180, 35, 86400, 905, 50, 95 }, 60 },
	{ "high-latency", { 180, 35, 86400, 905, 50, 95 }, 60 },
	{ "conservative", { 3600, 900, 432000, 3600, 600, 180 }, 60 },
	{ "aggressive", { 30, 5, 18000, 60, 30, 30 }, 10 },
};

const struct pf_optimization *
pf_optimization_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(optimizations); i++)
		if (strcmp(optimizations[i].name, name) == 0)
			return &optimizations[i];
	return NULL;
}

static const char *const debug_levels[] = { "none", "urgent", "misc", "loud" };

const char *
pf_debug_name(unsigned level)
{
	return level < ARRAY_LEN(debug_levels) ? debug_levels[level] : NULL;
}

int
pf_debug_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(debug_levels); i++)
		if (strcmp(debug_levels[i], name) == 0)
			return (int)i;
	return -1;
}
