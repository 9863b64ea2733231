/* SPDX-License-Identifier: BSD-2-Clause */
/* compile.h - pf's rules as a program for nftables.
 *
 * Directions are hooks: "in" is prerouting behind the translation of
 * destinations, "out" is postrouting behind that of sources, so that rules see
 * what pf's see. A state is a bit of the connection's mark for each of its two
 * crossings (K1, K2), with the number of the rule that made it.
 */
#ifndef PF_COMPILE_H
#define PF_COMPILE_H
#include "base/buf.h"
#include "base/error.h"
#include "pf/rule.h"
#include "pf/world.h"

/*
 * What the kernel's routing must do for packets with a mark: those of way n of
 * a family have n + 1 in the bits PF_MARK_WAY. Either a table of the system's,
 * or a default route of its own.
 */
enum { PF_WAYS_MAX = 7, PF_MARK_WAY_SHIFT = 29 };
#define PF_MARK_WAY (7U << PF_MARK_WAY_SHIFT)

struct pf_way {
	uint8_t af; /* PF_AF_NONE: there is no such way */
	int rtable; /* -1: none */
	bool has_gateway;
	struct pf_ip gateway;
	char ifname[PF_IFNAME_SIZE]; /* "": by which the gateway is reached */
};

struct pf_ways {
	struct pf_way way[2][PF_WAYS_MAX]; /* inet, inet6 */
};

struct pf_compile_env {
	const struct pf_world *world;
	bool dormant; /* loaded, but pf is disabled */
	/* The ways that rules ask for are put here, by a caller that sets them
	 * up (pf_ways_apply()). NULL: such rules are refused. */
	struct pf_ways *ways;
};

/*
 * The whole configuration as text for one nft transaction, which takes the
 * place of what was loaded. conf is numbered (number.h) if nobody did yet.
 * -ENOTSUP: a rule that Linux cannot hold, told as
 * "FILE:LINE: ..."; -E2BIG: too many rules or anchors; -ENOMEM.
 */
int pf_compile(struct pf_config *conf, const struct pf_compile_env *env,
               struct buf *out, struct error *err);

/* What a table's set of ranges, or of single addresses, is called in the nft
 * tables "ip pf" and "ip6 pf". path is its ruleset's. */
void pf_table_set_name(const char *path, const char *table, bool single,
                       struct buf *out);
#endif
