/* SPDX-License-Identifier: BSD-2-Clause */
/* names.h - the names that pf gives to numbers of protocols' fields, and to
 * its own settings. Sources: pf.conf(5), icmp(4), icmp6(4).
 */
#ifndef PF_NAMES_H
#define PF_NAMES_H
#include <stdbool.h>
#include <stdint.h>

#include "pf/rule.h"

/* Types and codes of ICMP for a family. -1, NULL: no such name, or none. */
int pf_icmp_type(unsigned af, const char *name);
const char *pf_icmp_type_name(unsigned af, unsigned type);
int pf_icmp_code(unsigned af, unsigned type, const char *name);
const char *pf_icmp_code_name(unsigned af, unsigned type, unsigned code);

/* A TOS or DSCP word; -1: not one. */
int pf_tos(const char *name);

/* "SA" as bits; -1: not letters of flags. */
int pf_tcp_flags(const char *letters);
/* Letters of bits, in pf's order; out has room for 9. */
void pf_tcp_flag_letters(unsigned flags, char out[9]);

const char *pf_timeout_name(enum pf_timeout t);
/* PF_NTIMEOUTS: no such one. */
enum pf_timeout pf_timeout_find(const char *name);
uint32_t pf_timeout_default(enum pf_timeout t);

const char *pf_limit_name(enum pf_limit l);
enum pf_limit pf_limit_find(const char *name);

/* The TCP timeouts that set optimization WORD stands for. false: unknown. */
struct pf_optimization {
	const char *name;
	uint32_t tcp[6]; /* first opening established closing finwait closed */
	uint32_t tsdiff;
};
const struct pf_optimization *pf_optimization_find(const char *name);

const char *pf_debug_name(unsigned level);
/* -1: no such level. */
int pf_debug_find(const char *name);
#endif
