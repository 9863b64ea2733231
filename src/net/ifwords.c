/* SPDX-License-Identifier: BSD-2-Clause */
/* ifwords.c - the words of an ifconfig(8) command line. */
#include "net/ifwords.h"

#include <linux/if.h>
#include <sys/socket.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/num.h"
#include "linux/offload.h"
#include "net/bridge.h"

/* The arguments a word takes. */
enum args {
	NONE,
	TEXT,        /* one, as it is */
	NUMBER,      /* one, min to max */
	TEXT_NUMBER, /* an interface and a number */
	TEXT_TEXT,   /* an interface and a list */
	SIGNED,      /* none; the word may start with '-' */
	SIGNED_TEXT, /* one; the word may start with '-' */
};

struct row {
	const char *name; /* without '-' for SIGNED */
	enum ifword word;
	enum args args;
	int value;
	long min, max; /* NUMBER; PORT: the number when there is none */
};

/* One row a word; aliases are rows of their own. */
static const struct row rows[] = {
	{ "up", IFWORD_UP, NONE, 0, 0, 0 },
	{ "down", IFWORD_DOWN, NONE, 0, 0, 0 },
	{ "arp", IFWORD_FLAG, NONE, -IFF_NOARP, 0, 0 },
	{ "-arp", IFWORD_FLAG, NONE, IFF_NOARP, 0, 0 },
	{ "debug", IFWORD_FLAG, NONE, IFF_DEBUG, 0, 0 },
	{ "-debug", IFWORD_FLAG, NONE, -IFF_DEBUG, 0, 0 },
	{ "promisc", IFWORD_FLAG, NONE, IFF_PROMISC, 0, 0 },
	{ "-promisc", IFWORD_FLAG, NONE, -IFF_PROMISC, 0, 0 },
	{ "allmulti", IFWORD_FLAG, NONE, IFF_ALLMULTI, 0, 0 },
	{ "-allmulti", IFWORD_FLAG, NONE, -IFF_ALLMULTI, 0, 0 },
	{ "descr", IFWORD_DESCR, TEXT, 0, 0, 0 },
	{ "description", IFWORD_DESCR, TEXT, 0, 0, 0 },
	{ "-descr", IFWORD_NODESCR, NONE, 0, 0, 0 },
	{ "-description", IFWORD_NODESCR, NONE, 0, 0, 0 },
	{ "name", IFWORD_NAME, TEXT, 0, 0, 0 },
	{ "mtu", IFWORD_MTU, NUMBER, 0, 0, INT32_MAX },
	{ "group", IFWORD_GROUP, TEXT, 0, 0, 0 },
	{ "-group", IFWORD_NOGROUP, TEXT, 0, 0, 0 },
	{ "fib", IFWORD_FIB, NUMBER, 0, 0, 65535 },
	{ "metric", IFWORD_METRIC, NUMBER, 0, 0, INT32_MAX },
	{ "vnet", IFWORD_VNET, TEXT, 0, 0, 0 },
	{ "-vnet", IFWORD_NOVNET, TEXT, 0, 0, 0 },
	{ "destroy", IFWORD_DESTROY, NONE, 0, 0, 0 },
	{ "unplumb", IFWORD_DESTROY, NONE, 0, 0, 0 },
	/* bridge */
	{ "addm", IFWORD_ADDM, TEXT, 0, 0, 0 },
	{ "deletem", IFWORD_DELETEM, TEXT, 0, 0, 0 },
	{ "priority", IFWORD_BRIDGE, NUMBER, BRIDGE_PRIORITY, 0, 61440 },
	{ "hellotime", IFWORD_BRIDGE, NUMBER, BRIDGE_HELLO, 1, 10 },
	{ "fwddelay", IFWORD_BRIDGE, NUMBER, BRIDGE_FORWARD_DELAY, 2, 30 },
	{ "maxage", IFWORD_BRIDGE, NUMBER, BRIDGE_MAX_AGE, 6, 40 },
	{ "timeout", IFWORD_BRIDGE, NUMBER, BRIDGE_AGEING, 0, 1000000 },
	{ "flush", IFWORD_BRIDGE, NONE, BRIDGE_FLUSH, 0, 0 },
	{ "flushall", IFWORD_BRIDGE, NONE, BRIDGE_FLUSH, 0, 0 },
	{ "stp", IFWORD_STP, TEXT, 1, 0, 0 },
	{ "-stp", IFWORD_STP, TEXT, 0, 0, 0 },
	{ "learn", IFWORD_PORT, SIGNED_TEXT, BRIDGE_PORT_LEARNING, 0, 0 },
	{ "discover", IFWORD_PORT, SIGNED_TEXT, BRIDGE_PORT_FLOODING, 0, 0 },
	{ "private", IFWORD_PORT, SIGNED_TEXT, BRIDGE_PORT_ISOLATED, 0, 0 },
	{ "ifpriority", IFWORD_PORT, TEXT_NUMBER, BRIDGE_PORT_PRIORITY, 0,
	  240 },
	{ "ifpathcost", IFWORD_PORT, TEXT_NUMBER, BRIDGE_PORT_COST, 1, 65535 },
	{ "vlanfilter", IFWORD_VLANFILTER, NONE, 1, 0, 0 },
	{ "-vlanfilter", IFWORD_VLANFILTER, NONE, 0, 0, 0 },
	{ "untagged", IFWORD_UNTAGGED, NUMBER, 0, 1, 4094 },
	{ "tagged", IFWORD_TAGGED, TEXT, 0, 0, 0 },
	{ "ifuntagged", IFWORD_IFUNTAGGED, TEXT_NUMBER, 0, 1, 4094 },
	{ "iftagged", IFWORD_IFTAGGED, TEXT_TEXT, 0, 0, 0 },
	/* vlan */
	{ "vlan", IFWORD_VLAN, NUMBER, 0, 1, 4094 },
	{ "vlandev", IFWORD_VLANDEV, TEXT, 0, 0, 0 },
	{ "vlanproto", IFWORD_VLANPROTO, TEXT, 0, 0, 0 },
	/* offloads that Linux drivers switch */
	{ "rxcsum", IFWORD_OFFLOAD, SIGNED, OFFLOAD_RX_CHECKSUM, 0, 0 },
	{ "rxcsum6", IFWORD_OFFLOAD, SIGNED, OFFLOAD_RX_CHECKSUM, 0, 0 },
	{ "txcsum", IFWORD_OFFLOAD, SIGNED, OFFLOAD_TX_CHECKSUM, 0, 0 },
	{ "txcsum6", IFWORD_OFFLOAD, SIGNED, OFFLOAD_TX_CHECKSUM, 0, 0 },
	{ "tso", IFWORD_OFFLOAD, SIGNED, OFFLOAD_TCP_SEGMENT, 0, 0 },
	{ "tso4", IFWORD_OFFLOAD, SIGNED, OFFLOAD_TCP_SEGMENT, 0, 0 },
	{ "tso6", IFWORD_OFFLOAD, SIGNED, OFFLOAD_TCP_SEGMENT, 0, 0 },
	{ "lro", IFWORD_OFFLOAD, SIGNED, OFFLOAD_TCP_GATHER, 0, 0 },
	{ "vlanhwtag", IFWORD_OFFLOAD, SIGNED, OFFLOAD_VLAN_TAG, 0, 0 },
	/* capabilities of FreeBSD drivers; there too a driver without one lets
	 * the word pass */
	{ "vlanmtu", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "vlanhwfilter", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "vlanhwcsum", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "vlanhwtso", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "toe", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "polling", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "netcons", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "linkstate", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "nomap", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "mextpg", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "txtls", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "txrtlmt", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "txtlsrtlmt", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "hwrxtstmp", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "wol", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "wol_ucast", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "wol_mcast", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "wol_magic", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "vxlanhwcsum", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	{ "vxlanhwtso", IFWORD_CAPABILITY, SIGNED, 0, 0, 0 },
	/* inet6 switches of the interface */
	{ "accept_rtadv", IFWORD_ND6, SIGNED, IFWORD_ND6_ACCEPT_RTADV, 0, 0 },
	{ "ifdisabled", IFWORD_ND6, SIGNED, IFWORD_ND6_IFDISABLED, 0, 0 },
	{ "auto_linklocal", IFWORD_ND6, SIGNED, IFWORD_ND6_AUTO_LINKLOCAL, 0,
	  0 },
	{ "no_dad", IFWORD_ND6, SIGNED, IFWORD_ND6_NO_DAD, 0, 0 },
	{ "performnud", IFWORD_ND6, SIGNED, IFWORD_ND6_PERFORMNUD, 0, 0 },
};

/* FreeBSD words Linux has nothing for; taken for an address they would be a
 * puzzling "bad value". */
static const char *const refused[] = {
	"advbase",
	"advskew",
	"anycast",
	"-autoedge",
	"autoedge",
	"-autoptp",
	"autoptp",
	"carp",
	"-defaultif",
	"defaultif",
	"deletetunnel",
	"-edge",
	"edge",
	"holdcnt",
	"ifmaxaddr",
	"instance",
	"lagghash",
	"laggport",
	"laggproto",
	"-link0",
	"link0",
	"-link1",
	"link1",
	"-link2",
	"link2",
	"maclabel",
	"maxaddr",
	"media",
	"-mediaopt",
	"mediaopt",
	"mode",
	"-monitor",
	"monitor",
	"-no_prefer_iface",
	"no_prefer_iface",
	"-no_radr",
	"no_radr",
	"-nud",
	"nud",
	"pass",
	"pcp",
	"pltime",
	"prefer_source",
	"proto",
	"-ptp",
	"ptp",
	"-span",
	"span",
	"state",
	"static",
	"-staticarp",
	"staticarp",
	"-sticky",
	"sticky",
	"-tunnel",
	"tunnel",
	"tunnelfib",
	"vhid",
	"-vlandev",
	"vlanpcp",
	"vltime",
};

const char *
ifwords_usage(void)
{
	return "usage: ifconfig [-j jail] [-f type:format] [-dkLmnuv] "
	       "interface address_family\n"
	       "                [address [dest_address]] [parameters]\n"
	       "       ifconfig [-j jail] interface create\n"
	       "       ifconfig [-j jail] -a [-dkLmuv] [-G group] [-g group] "
	       "[address_family]\n"
	       "       ifconfig [-j jail] -l [-du] [address_family]\n"
	       "       ifconfig [-j jail] [-C] [-g group]\n";
}

static int
usage(struct error *err)
{
	err->code = -EINVAL;
	err->msg[0] = '\0';
	return err->code;
}

int
ifwords_mac(const char *text, uint8_t out[6])
{
	uint8_t mac[6];

	for (int i = 0; i < 6; i++) {
		char *end;
		unsigned long v;

		if (!isxdigit((unsigned char)*text))
			return -EINVAL;
		v = strtoul(text, &end, 16);
		if (v > 255 || end - text > 2)
			return -EINVAL;
		mac[i] = (uint8_t)v;
		text = end;
		if (i < 5 && (*text == '\0' || strchr(":-.", *text++) == NULL))
			return -EINVAL;
	}
	if (*text != '\0')
		return -EINVAL;
	memcpy(out, mac, sizeof(mac));
	return 0;
}

static int
vlan_number(const char **s, uint16_t *out)
{
	char *end;
	unsigned long v;

	if (!isdigit((unsigned char)**s))
		return -EINVAL;
	v = strtoul(*s, &end, 10);
	if (v < 1 || v > 4094)
		return -EINVAL;
	*s = end;
	*out = (uint16_t)v;
	return 0;
}

int
ifwords_vlans_next(const char **list, uint16_t *out_first, uint16_t *out_last)
{
	const char *s = *list;

	if (*s == '\0')
		return 0;
	if (vlan_number(&s, out_first) < 0)
		return -EINVAL;
	*out_last = *out_first;
	if (*s == '-') {
		s++;
		if (vlan_number(&s, out_last) < 0 || *out_last < *out_first)
			return -EINVAL;
	}
	if (*s == ',' && s[1] != '\0')
		s++;
	else if (*s != '\0')
		return -EINVAL;
	*list = s;
	return 1;
}

/* The state of one parse. */
struct parse {
	struct ifwords *out;
	char *const *argv; /* what is left, ended by NULL */
	struct error *err;
	bool has_alias, removes;
};

/* AF_* of an address family's name, or 0. */
static int
family_of(const char *word)
{
	static const struct {
		const char *name;
		int family;
	} names[] = {
		{ "inet", AF_INET },     { "inet6", AF_INET6 },
		{ "ether", AF_PACKET },  { "link", AF_PACKET },
		{ "lladdr", AF_PACKET },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].name, word) == 0)
			return names[i].family;
	return 0;
}

/* The row of a word; *on false when it began with '-' and may. */
static const struct row *
find_row(const char *word, bool *on)
{
	bool minus = *word == '-';

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		bool is_signed = r->args == SIGNED || r->args == SIGNED_TEXT;

		if (strcmp(r->name, word + (is_signed && minus ? 1 : 0)) != 0)
			continue;
		*on = !(is_signed && minus);
		return r;
	}
	return NULL;
}

static int
parse_number(const struct row *r, const char *text, long long *out,
             struct error *err)
{
	int rc = num_int_in(text, r->min, r->max, out);

	if (rc == -ERANGE)
		return error_set(err, -EINVAL, "%s %s: want %ld to %ld",
		                 r->name, text, r->min, r->max);
	if (rc < 0)
		return error_set(err, -EINVAL, "%s %s: bad value", r->name,
		                 text);
	return 0;
}

static int
parse_vlan_list(const char *list, struct error *err)
{
	const char *at = list;
	uint16_t first, last;
	int rc;

	do {
		rc = ifwords_vlans_next(&at, &first, &last);
	} while (rc > 0);
	if (rc < 0 || *list == '\0')
		return error_set(err, -EINVAL, "invalid vlan list: %s", list);
	return 0;
}

static int
parse_step_args(struct parse *p, const struct row *r, bool on,
                struct ifword_step *s)
{
	int want = r->args == NONE || r->args == SIGNED             ? 0
	           : r->args == TEXT_NUMBER || r->args == TEXT_TEXT ? 2
	                                                            : 1;

	if (want >= 1 && p->argv[1] == NULL)
		return error_set(p->err, -EINVAL, "'%s' requires argument",
		                 s->name);
	if (want == 2 && p->argv[2] == NULL)
		return error_set(p->err, -EINVAL, "'%s' requires 2 arguments",
		                 s->name);
	s->number = on;
	if (want >= 1)
		s->arg = p->argv[1];
	if (r->args == NUMBER &&
	    parse_number(r, s->arg, &s->number, p->err) < 0)
		return p->err->code;
	if (r->args == TEXT_NUMBER &&
	    parse_number(r, p->argv[2], &s->number, p->err) < 0)
		return p->err->code;
	p->argv += 1 + want;
	return 0;
}

/* What only some words check. */
static int
check_step(struct parse *p, struct ifword_step *s, const char *list)
{
	if (s->word == IFWORD_TAGGED)
		return parse_vlan_list(s->arg, p->err);
	if (s->word == IFWORD_IFTAGGED) /* the list is told apart by number */
		return parse_vlan_list(list, p->err);
	if (s->word == IFWORD_ND6 && p->out->family != AF_INET6)
		return error_set(p->err, -EINVAL,
		                 "%s: only for the inet6 address family",
		                 s->name);
	if (s->word != IFWORD_VLANPROTO)
		return 0;
	if (strcmp(s->arg, "802.1q") == 0)
		s->value = 0x8100;
	else if (strcmp(s->arg, "802.1ad") == 0)
		s->value = 0x88a8;
	else
		return error_set(p->err, -EINVAL,
		                 "invalid value for vlanproto");
	return 0;
}

/* Words of a vlan's birth go to the request, not into steps. */
static bool
take_birth_word(struct ifwords *w, const struct ifword_step *s)
{
	if (!w->create || w->n > 0)
		return false;
	if (s->word == IFWORD_VLAN)
		w->clone.vlan_id = (int)s->number;
	else if (s->word == IFWORD_VLANDEV)
		w->clone.vlan_dev = s->arg;
	else if (s->word == IFWORD_VLANPROTO)
		w->clone.vlan_proto = (uint16_t)s->value;
	else
		return false;
	return true;
}

static int
parse_step(struct parse *p, const struct row *r, bool on)
{
	struct ifwords *w = p->out;
	struct ifword_step s = { .word = r->word,
		                 .value = r->value,
		                 .name = p->argv[0] };
	const char *list;

	if (w->n == IFWORDS_MAX_STEPS)
		return error_set(p->err, -E2BIG, "over %d parameters",
		                 IFWORDS_MAX_STEPS);
	if (parse_step_args(p, r, on, &s) < 0)
		return p->err->code;
	list = r->args == TEXT_TEXT ? p->argv[-1] : NULL;
	if (check_step(p, &s, list) < 0)
		return p->err->code;
	if (take_birth_word(w, &s))
		return 0;
	w->step[w->n++] = s;
	if (list != NULL) { /* a second step carries the list */
		if (w->n == IFWORDS_MAX_STEPS)
			return error_set(p->err, -E2BIG, "over %d parameters",
			                 IFWORDS_MAX_STEPS);
		s.word = IFWORD_TAGGED;
		s.arg = list;
		w->step[w->n++] = s;
	}
	return 0;
}

/* "/24": where the mask is, or NULL. Messages as FreeBSD's. */
static int
parse_width(struct ifword_addr *a, const char *whole, const char *slash,
            int family, struct error *err)
{
	int rc = addr_parse_prefix(slash + 1, family, &a->prefix);

	if (rc < 0 && family == AF_INET6)
		return error_set(err, -EINVAL, "%s: bad value", slash + 1);
	if (rc < 0)
		return error_set(err, -EINVAL, "%s: bad value (width %s)",
		                 whole,
		                 rc == -ERANGE ? "too large" : "invalid");
	a->has_prefix = true;
	return 0;
}

static int
parse_ip(const char *text, int family, struct addr_ip *out, struct error *err)
{
	if (addr_parse(text, family, out) < 0)
		return error_set(err, -EINVAL, "%s: bad value", text);
	return 0;
}

static int
parse_link_address(struct ifword_addr *a, const char *text, struct error *err)
{
	if (strcmp(text, "random") == 0)
		a->random_mac = true;
	else if (ifwords_mac(text, a->mac) < 0)
		return error_set(err, -EINVAL, "malformed link-level address");
	a->what = IFWORD_ADDR_SET;
	return 0;
}

/* A word that is no parameter: the address, then the other one. */
static int
parse_address(struct parse *p, const char *text)
{
	struct ifword_addr *a = &p->out->addr;
	int family = p->out->family != 0 ? p->out->family : AF_INET;
	const char *slash = strrchr(text, '/');
	char bare[ADDR_TEXT_MAX];

	if (family == AF_PACKET)
		return parse_link_address(a, text, p->err);
	if (a->ip.family != 0)
		return parse_ip(text, family, &a->other, p->err);
	if (slash == NULL)
		return parse_ip(text, family, &a->ip, p->err);
	if (parse_width(a, text, slash, family, p->err) < 0)
		return p->err->code;
	if ((size_t)(slash - text) >= sizeof(bare))
		return error_set(p->err, -EINVAL, "%s: bad value", text);
	memcpy(bare, text, (size_t)(slash - text));
	bare[slash - text] = '\0';
	return parse_ip(bare, family, &a->ip, p->err);
}

static bool
is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 ||
	       (c != NULL && strcmp(word, c) == 0);
}

/* Words about the address: 1 taken, 0 none of them. */
static int
parse_address_word(struct parse *p)
{
	struct ifword_addr *a = &p->out->addr;
	const char *word = p->argv[0], *arg = p->argv[1];
	int family = p->out->family != 0 ? p->out->family : AF_INET, rc = 0;

	if (is_one_of(word, "alias", "add", NULL)) {
		p->has_alias = true;
		p->removes = false;
	} else if (is_one_of(word, "-alias", "delete", "remove")) {
		p->removes = true;
	} else if (is_one_of(word, "eui64", "eui64", NULL)) {
		a->eui64 = true;
	} else if (!is_one_of(word, "netmask", "broadcast", "prefixlen")) {
		return 0;
	} else if (arg == NULL) {
		return error_set(p->err, -EINVAL, "'%s' requires argument",
		                 word);
	} else {
		if (strcmp(word, "broadcast") == 0)
			rc = addr_parse(arg, AF_INET, &a->other);
		else if (strcmp(word, "netmask") == 0)
			rc = addr_parse_mask(arg, &a->prefix);
		else
			rc = addr_parse_prefix(arg, family, &a->prefix);
		if (rc < 0)
			return error_set(p->err, -EINVAL, "%s: bad value", arg);
		if (strcmp(word, "broadcast") != 0)
			a->has_prefix = true;
		p->argv++;
	}
	p->argv++;
	return 1;
}

static int
parse_word(struct parse *p)
{
	const char *word = p->argv[0];
	const struct row *r;
	bool on;
	int rc;

	r = find_row(word, &on);
	if (r != NULL)
		return parse_step(p, r, on);
	rc = parse_address_word(p);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (strcmp(refused[i], word) == 0)
			return error_set(p->err, -EOPNOTSUPP,
			                 "%s: not supported on Linux", word);
	rc = parse_address(p, word);
	if (rc == 0)
		p->argv++;
	return rc;
}

/* What the address words amount to. */
static void
settle_address(struct parse *p)
{
	struct ifword_addr *a = &p->out->addr;

	if (p->removes)
		a->what = IFWORD_ADDR_REMOVE;
	else if (a->ip.family != 0)
		a->what = p->has_alias ? IFWORD_ADDR_ADD : IFWORD_ADDR_SET;
}

static int
parse_words(struct parse *p)
{
	struct ifwords *w = p->out;

	if (p->argv[0] != NULL &&
	    is_one_of(p->argv[0], "create", "plumb", NULL)) {
		w->create = true;
		p->argv++;
	}
	while (p->argv[0] != NULL) {
		int family =
		    w->family == 0 && w->n == 0 ? family_of(*p->argv) : 0;

		if (family != 0) {
			w->family = family;
			p->argv++;
		} else if (parse_word(p) < 0) {
			return p->err->code;
		}
	}
	settle_address(p);
	return 0;
}

/* One option letter; *arg is its argument where it takes one. */
static int
parse_option(struct ifwords *w, char letter, const char *arg)
{
	switch (letter) {
	case 'a':
		w->all = true;
		return 0;
	case 'l':
		w->names_only = true;
		return 0;
	case 'd':
		w->down_only = true;
		return 0;
	case 'u':
		w->up_only = true;
		return 0;
	case 'C':
		w->cloners = true;
		return 0;
	case 'f':
		w->format = arg;
		return 0;
	case 'g':
		w->group = arg;
		return 0;
	case 'G':
		w->no_group = arg;
		return 0;
	case 'j':
		w->jail = arg;
		return 0;
	/* Keys, media, lifetimes, modules, more: no interface here has them. */
	case 'k':
	case 'm':
	case 'L':
	case 'n':
	case 'v':
		return 0;
	default:
		return -EINVAL;
	}
}

/* getopt(3) would do, but it keeps its state in globals. */
static int
parse_options(struct parse *p)
{
	for (; p->argv[0] != NULL && p->argv[0][0] == '-'; p->argv++) {
		const char *s = p->argv[0] + 1;

		if (strcmp(s, "-") == 0) {
			p->argv++;
			return 0;
		}
		if (*s == '\0')
			return usage(p->err);
		for (; *s != '\0'; s++) {
			const char *arg = NULL;
			char letter = *s;

			if (strchr("fgGj", letter) != NULL) {
				arg = s[1] != '\0' ? s + 1 : *++p->argv;
				if (arg == NULL)
					return usage(p->err);
			}
			if (parse_option(p->out, letter, arg) < 0)
				return usage(p->err);
			if (arg != NULL)
				break;
		}
	}
	return 0;
}

/* Listing: an address family may follow, nothing else. */
static int
parse_listing(struct parse *p)
{
	struct ifwords *w = p->out;

	if (p->argv[0] == NULL)
		return 0;
	w->family = family_of(p->argv[0]);
	if (w->family != 0)
		p->argv++;
	else if (w->names_only)
		return error_set(p->err, -EINVAL,
		                 "Address family '%s' unknown.", p->argv[0]);
	return w->names_only && p->argv[0] != NULL ? usage(p->err)
	                                           : parse_words(p);
}

int
ifwords_parse(int argc, char *const argv[], struct ifwords *out,
              struct error *err)
{
	struct ifwords w;
	struct parse p = { .out = &w, .argv = argv + (argc > 0), .err = err };

	memset(&w, 0, sizeof(w));
	w.clone.vlan_id = -1;
	w.clone.a_netns = -1;
	if (parse_options(&p) < 0)
		return err->code;
	if ((w.names_only && w.all) || (w.up_only && w.down_only) ||
	    (w.no_group != NULL && !w.all))
		return usage(err);
	if (p.argv[0] == NULL && !w.names_only && !w.cloners &&
	    (w.group == NULL || w.all))
		w.all = true;
	if (w.all || w.names_only) {
		if (parse_listing(&p) < 0)
			return err->code;
	} else if (p.argv[0] != NULL) {
		w.name = *p.argv++;
		w.clone.name = w.name;
		if (parse_words(&p) < 0)
			return err->code;
	}
	*out = w;
	return 0;
}
