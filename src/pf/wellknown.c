/* SPDX-License-Identifier: BSD-2-Clause */
/* wellknown.c - names that every FreeBSD has. */
#include "pf/wellknown.h"

#include <string.h>

#include "base/base.h"

struct wellknown {
	const char *name;
	int n;
};

static const struct wellknown protos[] = {
	{ "icmp", 1 },        { "igmp", 2 },       { "ipencap", 4 },
	{ "tcp", 6 },         { "udp", 17 },       { "ipv6", 41 },
	{ "ipv6-route", 43 }, { "ipv6-frag", 44 }, { "rsvp", 46 },
	{ "gre", 47 },        { "esp", 50 },       { "ah", 51 },
	{ "ipv6-icmp", 58 },  { "icmp6", 58 },     { "ipv6-nonxt", 59 },
	{ "ipv6-opts", 60 },  { "ospf", 89 },      { "ipip", 94 },
	{ "etherip", 97 },    { "pim", 103 },      { "carp", 112 },
	{ "vrrp", 112 },      { "l2tp", 115 },     { "sctp", 132 },
	{ "udplite", 136 },   { "pfsync", 240 },
};

static const struct wellknown services[] = {
	{ "ftp-data", 20 },      { "ftp", 21 },         { "ssh", 22 },
	{ "telnet", 23 },        { "smtp", 25 },        { "time", 37 },
	{ "whois", 43 },         { "domain", 53 },      { "bootps", 67 },
	{ "bootpc", 68 },        { "tftp", 69 },        { "gopher", 70 },
	{ "finger", 79 },        { "http", 80 },        { "kerberos", 88 },
	{ "pop3", 110 },         { "sunrpc", 111 },     { "auth", 113 },
	{ "ntp", 123 },          { "netbios-ns", 137 }, { "netbios-dgm", 138 },
	{ "netbios-ssn", 139 },  { "imap", 143 },       { "snmp", 161 },
	{ "snmptrap", 162 },     { "bgp", 179 },        { "irc", 194 },
	{ "ldap", 389 },         { "https", 443 },      { "microsoft-ds", 445 },
	{ "submissions", 465 },  { "isakmp", 500 },     { "syslog", 514 },
	{ "printer", 515 },      { "submission", 587 }, { "ipp", 631 },
	{ "ldaps", 636 },        { "rsync", 873 },      { "imaps", 993 },
	{ "pop3s", 995 },        { "openvpn", 1194 },   { "radius", 1812 },
	{ "radius-acct", 1813 }, { "nfsd", 2049 },      { "mysql", 3306 },
	{ "ipsec-nat-t", 4500 }, { "sip", 5060 },       { "postgresql", 5432 },
	{ "mdns", 5353 },        { "redis", 6379 },
};

static int
number(const struct wellknown *w, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(w[i].name, name) == 0)
			return w[i].n;
	return -1;
}

static const char *
name_of(const struct wellknown *w, size_t n, unsigned wanted)
{
	for (size_t i = 0; i < n; i++)
		if (w[i].n == (int)wanted)
			return w[i].name;
	return NULL;
}

int
pf_wellknown_proto(const char *name)
{
	return number(protos, ARRAY_LEN(protos), name);
}

const char *
pf_wellknown_proto_name(unsigned proto)
{
	return name_of(protos, ARRAY_LEN(protos), proto);
}

int
pf_wellknown_service(const char *name)
{
	return number(services, ARRAY_LEN(services), name);
}

const char *
pf_wellknown_service_name(unsigned port)
{
	return name_of(services, ARRAY_LEN(services), port);
}
