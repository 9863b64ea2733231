/* SPDX-License-Identifier: BSD-2-Clause */
/* routewords.h - the words of a route(8) command line.
 *
 * A pure parser: argv in, what is wanted out. Interfaces stay names, for it
 * opens nothing. Source: FreeBSD route(8).
 */
#ifndef NET_ROUTEWORDS_H
#define NET_ROUTEWORDS_H
#include <stdbool.h>

#include "net/link.h"
#include "net/rtable.h"

struct routewords {
	enum {
		ROUTEWORDS_ADD,
		ROUTEWORDS_DELETE,
		ROUTEWORDS_CHANGE,
		ROUTEWORDS_GET,
		ROUTEWORDS_FLUSH,
	} command;
	const char *jail; /* -j, or NULL */
	bool quiet, dry;  /* -q; -d and -t */
	int family;       /* AF_INET or AF_INET6; flush: 0 is both */
	bool is_host;     /* how it is called in messages */
	bool direct;      /* -interface: the gateway is an interface of ours */
	char dest[64];    /* as written, an IPv4 one without its "/N" */
	const char *gateway; /* as written, or NULL */
	/* What is known of the route; an interface is by name below. */
	struct rtable_route route;
	char via[LINK_NAME_MAX]; /* interface: -interface, -ifp, %IF; or "" */
};

enum {
	ROUTEWORDS_USAGE = 64, /* exit statuses of sysexits(3) */
	ROUTEWORDS_NOHOST = 68,
};

/*
 * Parse argv[1..argc), ended by NULL. Strings in *out point into argv.
 *
 * Returns 0, else the exit status with its message in err; an empty message:
 * show the usage.
 */
int routewords_parse(int argc, char *const argv[], struct routewords *out,
                     struct error *err);
const char *routewords_usage(void);
#endif
