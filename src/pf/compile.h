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

struct pf_compile_env {
	const struct pf_world *world;
	bool dormant; /* loaded, but pf is disabled */
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
