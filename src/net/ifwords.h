/* SPDX-License-Identifier: BSD-2-Clause */
/* ifwords.h - the words of an ifconfig(8) command line.
 *
 * A pure parser: argv in, a request of typed steps out. It knows every word and
 * its arguments and no interface, so a line with a mistake changes nothing.
 * FreeBSD acts on each word as it reads it and so leaves the first half done.
 *
 * Sources: FreeBSD ifconfig(8), ifconfig(8) of 14 and 15 for the bridge's vlan
 * words.
 */
#ifndef NET_IFWORDS_H
#define NET_IFWORDS_H
#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/clone.h"

enum {
	IFWORDS_MAX_STEPS = 64, /* words that act, in one line */
};

/* What a word does. The comment is its argument. */
enum ifword {
	IFWORD_UP,
	IFWORD_DOWN,
	IFWORD_FLAG,  /* value: IFF_*, negative to clear */
	IFWORD_DESCR, /* text */
	IFWORD_NODESCR,
	IFWORD_NAME,    /* text */
	IFWORD_MTU,     /* number */
	IFWORD_GROUP,   /* text */
	IFWORD_NOGROUP, /* text */
	IFWORD_FIB,     /* number */
	IFWORD_METRIC,  /* number */
	IFWORD_VNET,    /* jail */
	IFWORD_NOVNET,  /* jail */
	IFWORD_DESTROY,
	IFWORD_ADDM,    /* interface */
	IFWORD_DELETEM, /* interface */
	IFWORD_BRIDGE,  /* value: enum bridge_field; number */
	IFWORD_PORT,    /* value: enum bridge_port_field; interface, number */
	IFWORD_STP,     /* value: 0 or 1; interface */
	IFWORD_VLANFILTER, /* value: 0 or 1 */
	IFWORD_UNTAGGED,   /* number; of the member just added */
	IFWORD_TAGGED,     /* vlan list; of the member just added */
	IFWORD_IFUNTAGGED, /* interface, number */
	IFWORD_IFTAGGED,   /* interface, vlan list */
	IFWORD_VLAN,       /* number */
	IFWORD_VLANDEV,    /* interface */
	IFWORD_VLANPROTO,  /* value: 0x8100 or 0x88a8, from the text */
	IFWORD_OFFLOAD,    /* value: enum offload; number: on or off */
	IFWORD_CAPABILITY, /* a driver's, which no Linux driver offers so */
	IFWORD_ND6,        /* value: enum ifword_nd6; number: on or off */
};

enum ifword_nd6 {
	IFWORD_ND6_ACCEPT_RTADV,
	IFWORD_ND6_IFDISABLED,
	IFWORD_ND6_AUTO_LINKLOCAL,
	IFWORD_ND6_NO_DAD,
	IFWORD_ND6_PERFORMNUD,
};

struct ifword_step {
	enum ifword word;
	int value;        /* the table's */
	const char *name; /* the word as written */
	const char *arg;  /* text, interface, jail, vlan list; or NULL */
	long long number;
};

/* The one address a line can set or remove. */
struct ifword_addr {
	enum {
		IFWORD_ADDR_NONE,
		IFWORD_ADDR_SET,    /* instead of the first one (IPv4) */
		IFWORD_ADDR_ADD,    /* alias */
		IFWORD_ADDR_REMOVE, /* ip.family 0: the first one */
	} what;
	struct addr_ip ip;
	struct addr_ip other; /* broadcast, or the far end */
	bool has_prefix, no_dad, eui64;
	unsigned prefix;
	uint8_t mac[6]; /* family AF_PACKET */
	bool random_mac;
};

struct ifwords {
	/* What is listed. */
	bool all, names_only, cloners, up_only, down_only;
	const char *group, *no_group; /* -g, -G */
	const char *format;           /* -f */
	const char *jail;             /* -j */
	const char *name;             /* the interface, or NULL */
	int family; /* AF_INET, AF_INET6, AF_PACKET; 0: not said */
	/* What is done. */
	bool create;
	struct clone_request clone; /* create: its vlan fields */
	struct ifword_step step[IFWORDS_MAX_STEPS];
	unsigned n;
	struct ifword_addr addr;
};

/*
 * Parse argv[1..argc), ended by NULL. Strings in *out point into argv.
 *
 * -EINVAL with FreeBSD's words ("foo: bad value"); with an empty message: show
 * the usage. -EOPNOTSUPP a word that Linux has nothing for. -E2BIG.
 */
int ifwords_parse(int argc, char *const argv[], struct ifwords *out,
                  struct error *err);

/* The usage, ending in a newline. */
const char *ifwords_usage(void);

/* Walk a vlan list "1,5-9". Returns 1 and the next range, 0 at the end,
 * -EINVAL.
 */
int ifwords_vlans_next(const char **list, uint16_t *out_first,
                       uint16_t *out_last);

/* A MAC address: six hex bytes, colons or hyphens or dots between. -EINVAL. */
int ifwords_mac(const char *text, uint8_t out[6]);
#endif
