/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_ctnetlink.c - datagrams of the table of connections, down to the words
 * of pfctl -ss, and of sources'. The input is the datagram; its answers are
 * those to request 1.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "linux/nl.h"
#include "pf/fake_world.h"
#include "pf/kill.h"
#include "pf/sources.h"
#include "pf/states.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is read must be fit to be printed, and to be chosen from. */
static int
each(const struct nl_reply *r, void *arg, struct error *err)
{
	const struct pf_kill all = { .by = PF_KILL_ALL };
	struct pf_states_env env = { .world = arg, .verbose = 2 };
	cleanup_buf struct buf out = BUF_INIT;
	struct ct_stats sum = { 0 };
	struct pf_sources sources = { .af = r->len % 2 ? PF_AF_INET6
		                                       : PF_AF_INET };
	struct ct_entry e;
	struct ct_list l = { &e, 1, 1 };
	struct pf_crossing x[2];

	(void)ct_stats_read(r, &sum);
	(void)pf_sources_read(r, &sources, err);
	pf_sources_print(&sources, &(struct ct_list){ 0 }, 1, &out);
	pf_sources_fini(&sources);
	if (ct_read(r, &e, err) != 0)
		return 0;
	pf_states_print(&l, &env, NULL, &out);
	if (memchr(buf_str(&out), '\0', out.len) != NULL)
		abort();
	for (unsigned n = pf_crossings(&e, x); n-- > 0;)
		if (!pf_kill_match(&all, &x[n], &env) || x[n].sid > PF_MAX_IDS)
			abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pf_world world;
	const struct nl_sink sink = { each, &world };
	struct nl_progress p = { .seq = 1 };
	struct error err;

	pf_fake_world(&world, NULL);
	(void)nl_reply_read(data, len, &p, &sink, &err);
	return 0;
}
