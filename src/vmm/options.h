/* SPDX-License-Identifier: BSD-2-Clause */
/* options.h - bhyve(8)'s command line, which is sugar for the configuration.
 *
 * Each flag is a row of one table. Pure but for what the caller's read_config
 * does: opens nothing, prints nothing. Source: bhyve(8).
 */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct buf;
struct config;
struct error;

enum { OPTIONS_MAX_ARGS = 1024 };

struct vm_cmdline {
	struct config *config; /* the caller's; options are written into it */
	/* -k: put the file's names into config. */
	int (*read_config)(const char *path, struct config *c,
	                   struct error *err);
	/* What has no key. */
	bool help;           /* -h */
	bool help_slots;     /* -s help */
	bool help_lpc;       /* -l help */
	bool monitor;        /* -M */
	const char *restore; /* -r; argv's */
};

/*
 * argv[1..argc) in order; the operand becomes "name". -EINVAL with words for
 * the user; usage errors say so by err->code -EDOM.
 */
int options_parse(int argc, char *const argv[], struct vm_cmdline *out,
                  struct error *err);
/* Sockets, cores and threads from what is set: "cpus" and its product, or
 * -EINVAL in bhyve's words. */
int options_topology(struct config *c, unsigned *out_cpus, unsigned *sockets,
                     unsigned *cores, unsigned *threads, struct error *err);
/* Bytes of a size of memory; a bare number below 1 MiB counts in MiB.
 * -EINVAL: under 1 MiB, over 1 TiB or none. */
int options_size(const char *text, uint64_t *out_bytes);
/* Of "memory.size". */
int options_memory(struct config *c, uint64_t *out_bytes, struct error *err);
/* A list of processors, "0,2-3". -EINVAL. */
int options_cpus(const char *list, cpu_set_t *out);
/* "vcpu.N.cpuset" of processor n, "0,2-3". *out_any: it is not set. */
int options_pin(struct config *c, unsigned n, cpu_set_t *out, bool *out_any,
                struct error *err);
void options_usage(struct buf *out);
#endif
