/* SPDX-License-Identifier: BSD-2-Clause */
/* timeouts.h - pf's timeouts and limits, as sysctls of a network namespace.
 *
 * Owns which files hold a timeout and what is written there: a table, so that
 * planning is pure. Timeouts are Linux's own afterwards: pf's defaults are
 * written as well, since Linux's differ.
 */
#ifndef PF_TIMEOUTS_H
#define PF_TIMEOUTS_H
#include "base/buf.h"
#include "base/error.h"
#include "pf/rule.h"

enum {
	PF_SYSCTLS_MAX = 64,
	PF_TIMEOUT_MAX = 2147483, /* seconds, at 1000 ticks in one */
};

/* One value to write. */
struct pf_sysctl {
	const char *file; /* below /proc/sys/net */
	uint32_t value;
	bool asked;       /* somebody set it */
	const char *kind; /* "timeout", "limit"; NULL: pf needs it */
	const char *name; /* "tcp.first" */
};

/* What options come to: how many of out. Pure. */
size_t pf_sysctls_plan(const struct pf_options *o,
                       struct pf_sysctl out[PF_SYSCTLS_MAX]);

/*
 * Write them below root ("/proc/sys/net", of the network namespace we are in).
 * What cannot be written is told, a line each, when somebody set it, and passed
 * over when nobody did: a kernel may lack a protocol's module, a namespace a
 * limit that is the host's. Returns how many could not.
 */
unsigned pf_sysctls_write(const char *root, const struct pf_sysctl *v, size_t n,
                          void (*tell)(void *ctx, const char *line), void *ctx);

/* A line for each timeout and limit that somebody set and Linux has nothing
 * for. */
void pf_timeouts_tell(const struct pf_options *o,
                      void (*tell)(void *ctx, const char *line), void *ctx);

/* One timeout, as it holds: adaptive values follow the limit of states. */
uint32_t pf_timeout_now(const struct pf_options *o, enum pf_timeout t);
uint32_t pf_limit_now(const struct pf_options *o, enum pf_limit l);

/* What pfctl -st and -sm print. */
void pf_timeouts_print(const struct pf_options *o, struct buf *out);
void pf_limits_print(const struct pf_options *o, struct buf *out);
#endif
