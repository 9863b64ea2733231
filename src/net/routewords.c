/* SPDX-License-Identifier: BSD-2-Clause */
/* routewords.c - the words of a route(8) command line. */
#include "net/routewords.h"

#include <sys/socket.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/num.h"

/* The state of one parse. */
struct parse {
	struct routewords *out;
	char *const *argv; /* what is left, ended by NULL */
	struct error *err;
	const char *dst, *mask;
	bool force_net, force_host, has_prefix;
	unsigned prefix; /* -prefixlen */
};

const char *
routewords_usage(void)
{
	return "usage: route [-j jail] [-46dnqtv] command "
	       "[[modifiers] args]\n";
}

static int
usage(struct parse *p)
{
	p->err->code = -EINVAL;
	p->err->msg[0] = '\0';
	return ROUTEWORDS_USAGE;
}

static int
bad_address(struct parse *p, const char *text)
{
	error_set(p->err, -EINVAL, "bad address: %s", text);
	return ROUTEWORDS_NOHOST;
}

static int
bad_value(struct parse *p, const char *text)
{
	error_set(p->err, -EINVAL, "%s: bad value", text);
	return 1;
}

/* Linux has one table, FreeBSD's fib 0. */
static int
take_fib(struct parse *p, const char *arg)
{
	if (strcmp(arg, "0") == 0 || strcmp(arg, "default") == 0)
		return 0;
	error_set(p->err, -EINVAL, "invalid fib number: %s", arg);
	return ROUTEWORDS_USAGE;
}

static int
take_interface(struct parse *p, const char *name)
{
	if (strlen(name) >= sizeof(p->out->via) || *name == '\0')
		return bad_address(p, name);
	strcpy(p->out->via, name);
	return 0;
}

static int
take_mtu(struct parse *p, const char *arg)
{
	long long n;

	if (num_int_in(arg, 68, 65535, &n) < 0)
		return bad_value(p, arg);
	p->out->route.mtu = (unsigned)n;
	return 0;
}

static int
take_prefix(struct parse *p, const char *arg)
{
	if (addr_parse_prefix(arg, p->out->family, &p->prefix) < 0)
		return bad_value(p, arg);
	p->has_prefix = true;
	return 0;
}

enum modifier {
	M_INET,
	M_INET6,
	M_NET,
	M_HOST,
	M_DIRECT,
	M_BLACKHOLE,
	M_REJECT,
	M_PLAIN, /* static, nostatic: all of ours are */
	M_GATEWAY,
	M_DST,
	M_NETMASK,
	M_PREFIXLEN,
	M_IFP,
	M_FIB,
	M_MTU,
};

static const struct {
	const char *name;
	enum modifier what;
	bool takes;
} modifiers[] = {
	{ "4", M_INET, false },
	{ "inet", M_INET, false },
	{ "6", M_INET6, false },
	{ "inet6", M_INET6, false },
	{ "net", M_NET, false },
	{ "host", M_HOST, false },
	{ "interface", M_DIRECT, false },
	{ "iface", M_DIRECT, false },
	{ "blackhole", M_BLACKHOLE, false },
	{ "reject", M_REJECT, false },
	{ "static", M_PLAIN, false },
	{ "nostatic", M_PLAIN, false },
	{ "gateway", M_GATEWAY, true },
	{ "dst", M_DST, true },
	{ "netmask", M_NETMASK, true },
	{ "prefixlen", M_PREFIXLEN, true },
	{ "ifp", M_IFP, true },
	{ "fib", M_FIB, true },
	{ "mtu", M_MTU, true },
};

static int
apply(struct parse *p, enum modifier what, const char *arg)
{
	struct routewords *w = p->out;

	switch (what) {
	case M_INET:
		w->family = AF_INET;
		return 0;
	case M_INET6:
		w->family = AF_INET6;
		return 0;
	case M_NET:
		p->force_net = true;
		return 0;
	case M_HOST:
		p->force_host = true;
		return 0;
	case M_DIRECT:
		w->direct = true;
		return 0;
	case M_BLACKHOLE:
		w->route.kind = RTABLE_BLACKHOLE;
		return 0;
	case M_REJECT:
		w->route.kind = RTABLE_REJECT;
		return 0;
	case M_GATEWAY:
		w->gateway = arg;
		return 0;
	case M_DST:
		p->dst = arg;
		return 0;
	case M_NETMASK:
		p->mask = arg;
		p->force_net = true;
		return 0;
	case M_PREFIXLEN:
		return take_prefix(p, arg);
	case M_IFP:
		return take_interface(p, arg);
	case M_FIB:
		return take_fib(p, arg);
	case M_MTU:
		return take_mtu(p, arg);
	default:
		return 0;
	}
}

static int
parse_modifier(struct parse *p)
{
	const char *word = p->argv[0] + 1;

	for (size_t i = 0; i < ARRAY_LEN(modifiers); i++) {
		const char *arg = NULL;

		if (strcmp(modifiers[i].name, word) != 0)
			continue;
		p->argv++;
		if (modifiers[i].takes && (arg = *p->argv++) == NULL)
			return usage(p);
		return apply(p, modifiers[i].what, arg);
	}
	error_set(p->err, -EOPNOTSUPP, "bad keyword: %s", word);
	return ROUTEWORDS_USAGE;
}

/* "10/8", "192.168.64/20": what is written is the high part. */
static int
parse_short_net(const char *text, struct addr_ip *out)
{
	struct addr_ip ip = { .family = AF_INET };

	for (int i = 0; i < 4; i++) {
		char *end;
		unsigned long v;

		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		v = strtoul(text, &end, 10);
		if (v > 255)
			return -EINVAL;
		ip.b[i] = (uint8_t)v;
		if (*end == '\0') {
			*out = ip;
			return 0;
		}
		if (*end != '.')
			return -EINVAL;
		text = end + 1;
	}
	return -EINVAL;
}

/* Without a mask a zero host part of its class makes an IPv4 network; a zero
 * low half makes a global IPv6 one. */
static unsigned
guess_prefix(const struct addr_ip *ip, bool force_net)
{
	struct addr_ip net;
	unsigned prefix;

	if (ip->family == AF_INET) {
		prefix = addr_class_prefix(ip);
		net = addr_network(ip, prefix);
		return force_net || addr_equal(&net, ip) ? prefix : 32;
	}
	net = addr_network(ip, 0);
	if (addr_equal(&net, ip))
		return 0;
	net = addr_network(ip, 64);
	return force_net || ((ip->b[0] & 0xe0) == 0x20 && addr_equal(&net, ip))
	           ? 64
	           : 128;
}

/* The destination's address without its "/N", whose number is left in p. */
static int
parse_dest_address(struct parse *p)
{
	struct routewords *w = p->out;
	char *slash;
	int rc;

	if (strlen(p->dst) >= sizeof(w->dest))
		return bad_address(p, p->dst);
	strcpy(w->dest, p->dst);
	slash = strchr(w->dest, '/');
	if (slash != NULL) {
		rc = take_prefix(p, slash + 1);
		if (rc != 0)
			return rc;
		p->force_net = p->prefix < addr_len(w->family) * 8;
		*slash = '\0';
	}
	rc = addr_parse(w->dest, w->family, &w->route.dst);
	if ((slash != NULL || p->force_net) && w->family == AF_INET)
		rc = parse_short_net(w->dest, &w->route.dst);
	if (rc < 0)
		return bad_address(p, p->dst);
	if (slash != NULL && w->family == AF_INET6)
		*slash = '/'; /* FreeBSD cuts it off in IPv4's message only */
	return 0;
}

static int
settle_dest(struct parse *p)
{
	struct routewords *w = p->out;
	unsigned host = (unsigned)addr_len(w->family) * 8;
	int rc;

	if (strcmp(p->dst, "default") == 0) {
		strcpy(w->dest, p->dst);
		w->route.dst.family = w->family;
		return 0;
	}
	rc = parse_dest_address(p);
	if (rc != 0)
		return rc;
	if (p->mask != NULL && addr_parse_mask(p->mask, &p->prefix) < 0)
		return bad_address(p, p->mask);
	if (p->force_host)
		w->route.prefix = host;
	else if (p->mask != NULL || p->has_prefix)
		w->route.prefix = p->prefix;
	else
		w->route.prefix = guess_prefix(&w->route.dst, p->force_net);
	w->is_host = w->route.prefix == host;
	w->route.dst = addr_network(&w->route.dst, w->route.prefix);
	return 0;
}

/* An address, "A%IF", or with -interface the name of one. */
static int
settle_gateway(struct parse *p)
{
	struct routewords *w = p->out;
	const char *scope = strchr(w->gateway, '%');
	char bare[ADDR_TEXT_MAX];
	size_t len =
	    scope != NULL ? (size_t)(scope - w->gateway) : strlen(w->gateway);
	struct addr_ip ip;
	int rc;

	if (len >= sizeof(bare))
		return bad_address(p, w->gateway);
	memcpy(bare, w->gateway, len);
	bare[len] = '\0';
	rc = addr_parse(bare, w->family, &ip);
	if (rc < 0 && !w->direct)
		return bad_address(p, w->gateway);
	if (rc < 0)
		return take_interface(p, w->gateway);
	w->route.gateway = ip;
	return scope != NULL ? take_interface(p, scope + 1) : 0;
}

static int
parse_command(struct parse *p)
{
	static const struct {
		const char *name;
		int command;
	} commands[] = {
		{ "add", ROUTEWORDS_ADD },     { "delete", ROUTEWORDS_DELETE },
		{ "del", ROUTEWORDS_DELETE },  { "change", ROUTEWORDS_CHANGE },
		{ "get", ROUTEWORDS_GET },     { "show", ROUTEWORDS_GET },
		{ "flush", ROUTEWORDS_FLUSH },
	};
	const char *word = *p->argv;

	if (word == NULL)
		return usage(p);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, word) == 0) {
			p->out->command = (unsigned)commands[i].command;
			p->argv++;
			return 0;
		}
	error_set(p->err, -EINVAL,
	          strcmp(word, "monitor") == 0 ? "%s: not supported on Linux"
	                                       : "bad keyword: %s",
	          word);
	return ROUTEWORDS_USAGE;
}

/* "-qn4", "-j J": in front of the command. */
static int
parse_options(struct parse *p)
{
	struct routewords *w = p->out;

	for (; *p->argv != NULL && (*p->argv)[0] == '-'; p->argv++)
		for (const char *s = *p->argv + 1; *s != '\0'; s++)
			if (*s == 'q') {
				w->quiet = true;
			} else if (*s == 'd' || *s == 't') {
				w->dry = true;
			} else if (*s == '4') {
				w->family = AF_INET;
			} else if (*s == '6') {
				w->family = AF_INET6;
			} else if (*s == 'j') {
				w->jail = s[1] != '\0' ? s + 1 : *++p->argv;
				if (w->jail == NULL)
					return usage(p);
				break;
			} else if (*s != 'n' && *s != 'v') {
				return usage(p);
			}
	return 0;
}

/* Destination, gateway, netmask: each the next word that is no modifier. */
static int
parse_args(struct parse *p)
{
	int rc = 0;

	while (rc == 0 && *p->argv != NULL) {
		if ((*p->argv)[0] == '-') {
			rc = parse_modifier(p);
		} else if (p->dst == NULL) {
			p->dst = *p->argv++;
		} else if (p->out->gateway == NULL) {
			p->out->gateway = *p->argv++;
		} else if (p->mask == NULL) {
			p->mask = *p->argv++;
			p->force_net = true;
		} else {
			return usage(p);
		}
	}
	return rc;
}

int
routewords_parse(int argc, char *const argv[], struct routewords *out,
                 struct error *err)
{
	struct routewords w;
	struct parse p = { .out = &w, .argv = argv + (argc > 0), .err = err };
	int rc;

	memset(&w, 0, sizeof(w));
	rc = parse_options(&p);
	if (rc == 0)
		rc = parse_command(&p);
	if (rc == 0)
		rc = parse_args(&p);
	if (rc != 0)
		return rc;
	if (w.command != ROUTEWORDS_FLUSH) {
		if (w.family == 0)
			w.family = AF_INET;
		if (p.dst == NULL)
			return usage(&p);
		rc = settle_dest(&p);
		if (rc == 0 && w.gateway != NULL)
			rc = settle_gateway(&p);
		if (rc != 0)
			return rc;
		if (w.gateway == NULL && w.via[0] == '\0' &&
		    w.command == ROUTEWORDS_ADD)
			return usage(&p);
	}
	*out = w;
	return 0;
}
