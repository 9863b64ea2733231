/* SPDX-License-Identifier: BSD-2-Clause */
/* sources.h - which address sources were given by pools with sticky-address:
 * pf's table of tracked sources, pfctl -s Sources, -K, -F Sources.
 *
 * They are elements of the maps st0, st1, ... of the nft tables
 * (compile_pool.c). Reading is pure: pf_source_read() takes a message.
 */
#ifndef PF_SOURCES_H
#define PF_SOURCES_H
#include "base/buf.h"
#include "linux/nl.h"
#include "pf/kill.h"
#include "pf/rule.h"

struct pf_source {
	uint8_t af;
	unsigned map; /* the number of its map */
	struct pf_ip ip, to;
	uint64_t expires_ms; /* from now; 0: not known */
};

struct pf_sources {
	struct pf_source *v; /* malloc'ed */
	size_t n, cap;
	unsigned map; /* whose elements are being read */
	uint8_t af;
};

void pf_sources_fini(struct pf_sources *l);

/* All of the namespace we are in, into an empty list. */
int pf_sources_get(struct pf_sources *l, struct error *err);
/* The elements that one message has. -EPROTO, -ENOMEM. */
int pf_sources_read(const struct nl_reply *r, struct pf_sources *l,
                    struct error *err);

/* As pfctl -sS prints them; states are those of live's list. */
void pf_sources_print(const struct pf_sources *l, const struct ct_list *states,
                      unsigned verbose, struct buf *out);

/* The words that take those that k means (its from and to) out of the kernel;
 * *out_n: how many. */
void pf_sources_put_removal(const struct pf_sources *l, const struct pf_kill *k,
                            struct buf *out, size_t *out_n);
#endif
