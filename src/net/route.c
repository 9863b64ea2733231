/* SPDX-License-Identifier: BSD-2-Clause */
/* route.c - route(8) as a call. */
#include "net/route.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "net/ifshow.h"
#include "net/jailns.h"
#include "net/routewords.h"

/* One run. */
struct run {
	struct routewords w;
	struct nl_sock nl;
	struct buf *out, *errs;
};

/* FreeBSD's words for what a routing call can answer. */
static const char *
reason(int code)
{
	switch (-code) {
	case ESRCH:
		return "not in table";
	case EBUSY:
		return "entry in use";
	case ENOBUFS:
		return "routing table overflow";
	case EEXIST:
		return "route already in table";
	default:
		return strerror(-code);
	}
}

/* -interface ADDRESS: the interface that has it. */
static int
find_owner(struct run *r, struct error *err)
{
	struct rtable_route *route = &r->w.route;
	cleanup_free struct addr *v = NULL;
	size_t n;

	if (addr_list(&r->nl, route->dst.family, 0, &v, &n, err) < 0)
		return err->code;
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&v[i].ip, &route->gateway)) {
			route->index = v[i].index;
			route->gateway.family = 0;
			return 0;
		}
	return error_set(err, -ENETUNREACH, "no interface has %s",
	                 r->w.gateway);
}

/* The interface a route names. */
static int
find_interface(struct run *r, struct error *err)
{
	struct rtable_route *route = &r->w.route;
	struct link l;

	if (r->w.via[0] == '\0')
		return r->w.direct && route->gateway.family != 0
		           ? find_owner(r, err)
		           : 0;
	if (link_get(&r->nl, r->w.via, &l, err) < 0)
		return err->code;
	route->index = l.index;
	return 0;
}

static int
change(struct run *r, struct error *err)
{
	const struct rtable_route *route = &r->w.route;

	if (r->w.dry)
		return 0;
	switch (r->w.command) {
	case ROUTEWORDS_ADD:
		return rtable_set(&r->nl, RTABLE_ADD, route, err);
	case ROUTEWORDS_CHANGE:
		return rtable_set(&r->nl, RTABLE_CHANGE, route, err);
	default:
		return rtable_del(&r->nl, route, err);
	}
}

/* "add net default: gateway 10.0.0.1", and behind it why not. */
static int
change_and_tell(struct run *r, struct error *err)
{
	static const char *const verbs[] = {
		[ROUTEWORDS_ADD] = "add",
		[ROUTEWORDS_DELETE] = "delete",
		[ROUTEWORDS_CHANGE] = "change",
	};
	const struct routewords *w = &r->w;
	int rc = change(r, err);

	if (rc < 0)
		buf_printf(r->errs, "route: writing to routing socket: %s\n",
		           err->msg);
	if (w->quiet)
		return rc < 0 ? 1 : 0;
	buf_printf(r->out, "%s %s %s", verbs[w->command],
	           w->is_host ? "host" : "net", w->dest);
	if (w->gateway != NULL)
		buf_printf(r->out, ": gateway %s", w->gateway);
	if (rc < 0)
		buf_printf(r->out, ": %s", reason(rc));
	buf_putc(r->out, '\n');
	return rc < 0 ? 1 : 0;
}

static void
show_flags(const struct rtable_route *route, struct buf *out)
{
	unsigned host = (unsigned)addr_len(route->dst.family) * 8;

	buf_puts(out, "      flags: <UP");
	if (route->gateway.family != 0)
		buf_puts(out, ",GATEWAY");
	if (route->prefix == host)
		buf_puts(out, ",HOST");
	if (route->kind == RTABLE_REJECT)
		buf_puts(out, ",REJECT");
	buf_puts(out, ",DONE");
	if (!route->by_kernel)
		buf_puts(out, ",STATIC");
	if (route->kind == RTABLE_BLACKHOLE)
		buf_puts(out, ",BLACKHOLE");
	if (route->by_kernel)
		buf_puts(out, ",PINNED");
	buf_puts(out, ">\n");
}

static void
show_route(const struct run *r, const struct rtable_route *route,
           const struct link *l)
{
	const struct addr_ip ones = { route->dst.family,
		                      { 255, 255, 255, 255, 255, 255, 255, 255,
		                        255, 255, 255, 255, 255, 255, 255,
		                        255 } };
	struct addr_ip mask = addr_network(&ones, route->prefix);
	char text[ADDR_TEXT_MAX];

	buf_printf(r->out, "   route to: %s\n", r->w.dest);
	buf_printf(r->out, "destination: %s\n",
	           route->prefix == 0 ? "default"
	                              : addr_format(&route->dst, text));
	if (route->prefix != addr_len(route->dst.family) * 8)
		buf_printf(r->out, "       mask: %s\n",
		           route->prefix == 0 ? "default"
		                              : addr_format(&mask, text));
	if (route->gateway.family != 0)
		buf_printf(r->out, "    gateway: %s\n",
		           addr_format(&route->gateway, text));
	buf_puts(r->out, "        fib: 0\n");
	if (l != NULL) {
		buf_puts(r->out, "  interface: ");
		ifshow_name(l, r->out);
		buf_putc(r->out, '\n');
	}
	show_flags(route, r->out);
	buf_printf(r->out,
	           " recvpipe  sendpipe  ssthresh  rtt,msec    mtu        "
	           "weight    expire\n"
	           "       0         0         0         0  %8u         1"
	           "         0 \n",
	           route->mtu != 0 ? route->mtu
	           : l != NULL     ? l->mtu
	                           : 0);
}

/* The route to a host is what a packet would take; a network is looked for as
 * it stands in the table. */
static int
look_up(struct run *r, struct rtable_route *out, struct error *err)
{
	const struct rtable_route *want = &r->w.route;
	cleanup_free struct rtable_route *v = NULL;
	size_t n;

	if (r->w.is_host)
		return rtable_lookup(&r->nl, &want->dst, out, err);
	if (rtable_list(&r->nl, want->dst.family, &v, &n, err) < 0)
		return err->code;
	for (size_t i = 0; i < n; i++)
		if (v[i].prefix == want->prefix &&
		    addr_equal(&v[i].dst, &want->dst)) {
			*out = v[i];
			return 0;
		}
	return error_set(err, -ESRCH, "%s", strerror(ESRCH));
}

static int
show(struct run *r, struct error *err)
{
	struct rtable_route route = { 0 };
	struct link l;
	int rc = look_up(r, &route, err);

	if (rc < 0) {
		buf_puts(r->errs, "route: route has not been found\n");
		return 1;
	}
	rc = route.index != 0 ? link_get_index(&r->nl, route.index, &l, err)
	                      : -ENODEV;
	show_route(r, &route, rc == 0 ? &l : NULL);
	return 0;
}

/* Remove what goes through a gateway. */
static int
flush_family(struct run *r, int family, struct error *err)
{
	cleanup_free struct rtable_route *v = NULL;
	char dst[ADDR_TEXT_MAX + 4], gw[ADDR_TEXT_MAX];
	size_t n;

	if (rtable_list(&r->nl, family, &v, &n, err) < 0)
		return err->code;
	for (size_t i = 0; i < n; i++) {
		if (v[i].gateway.family == 0)
			continue;
		if (!r->w.dry && rtable_del(&r->nl, &v[i], err) < 0)
			return err->code;
		if (r->w.quiet)
			continue;
		buf_printf(r->out, "%-20s %-20s done\n",
		           v[i].prefix == 0 ? "default"
		                            : addr_format(&v[i].dst, dst),
		           addr_format(&v[i].gateway, gw));
	}
	return 0;
}

static int
flush(struct run *r, struct error *err)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if ((r->w.family == 0 || r->w.family == families[i]) &&
		    flush_family(r, families[i], err) < 0) {
			buf_printf(r->errs, "route: %s\n", err->msg);
			return 1;
		}
	return 0;
}

static int
run_here(void *arg, struct error *err)
{
	struct run *r = arg;
	int status;

	if (nl_open(&r->nl, NETLINK_ROUTE, -1, err) < 0)
		return err->code;
	if (r->w.command == ROUTEWORDS_FLUSH)
		status = flush(r, err);
	else if (find_interface(r, err) < 0)
		status = err->code;
	else if (r->w.command == ROUTEWORDS_GET)
		status = show(r, err);
	else
		status = change_and_tell(r, err);
	nl_close(&r->nl);
	return status;
}

int
net_route(int argc, char *const argv[], struct buf *out, struct buf *errs)
{
	struct run r = { .nl = { .fd = -1 }, .out = out, .errs = errs };
	struct error err = { 0 };
	int status;

	status = routewords_parse(argc, argv, &r.w, &err);
	if (status != 0) {
		if (err.msg[0] == '\0')
			buf_puts(errs, routewords_usage());
		else
			buf_printf(errs, "route: %s\n", err.msg);
		return status;
	}
	status = r.w.jail != NULL ? net_jail_do(r.w.jail, run_here, &r, &err)
	                          : run_here(&r, &err);
	if (status < 0) {
		buf_printf(errs, "route: %s\n", err.msg);
		return 1;
	}
	return status;
}
