/* SPDX-License-Identifier: BSD-2-Clause */
/* explain.h - which rule decides about a packet, and why: pfctl --explain. */
#ifndef PF_EXPLAIN_H
#define PF_EXPLAIN_H
#include "base/buf.h"
#include "base/error.h"
#include "pf/eval.h"
#include "pf/pf.h"

/*
 * A packet in the words of a rule: "in on em0 proto tcp from 10.0.0.9 to
 * 10.0.0.1 port 80". What is not said is as usual: a TCP packet is the first
 * of a connection, a port not given is 49152. arena holds what *out points to.
 * -EINVAL: not one packet; err tells.
 */
int pf_packet_parse(const struct pf_world *world, const char *text,
                    struct arena *arena, struct pf_packet *out,
                    struct error *err);

/*
 * Go through the rules with a packet and write a line for each that was looked
 * at, then the verdict. 0 or a negative errno.
 */
int pf_explain(const struct pf_config *conf, const struct pf_world *world,
               const struct pf_packet *pkt, struct buf *out);
#endif
