/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_netlink.c - datagrams of netlink answers, down to links, addresses and
 * routes. The input is the datagram; its answers are those to request 1.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "linux/nl.h"
#include "net/addr.h"
#include "net/ifshow.h"
#include "net/link.h"
#include "net/rtable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is read must be fit to be listed. */
static void
list(const struct link *l, const struct addr *a)
{
	const struct ifshow_all all = { l, 1, a, 1 };
	const struct ifshow_format f = { .ether = ':' };
	cleanup_buf struct buf out = BUF_INIT;

	ifshow_link(&all, l, 0, &f, &out);
	if (memchr(buf_str(&out), '\0', out.len) != NULL)
		abort();
}

static int
each(const struct nl_reply *r, void *arg, struct error *err)
{
	struct link l = { 0 };
	struct addr a = { 0 };
	struct rtable_route route = { 0 };

	(void)arg;
	(void)link_read(r, &l, err);
	(void)addr_read(r, &a, err);
	a.index = l.index;
	list(&l, &a);
	if (rtable_read(r, &route, err) == 0 &&
	    route.prefix > addr_len(route.dst.family) * 8)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct nl_sink sink = { each, NULL };
	struct nl_progress p = { .seq = 1 };
	struct error err;
	int rc;

	rc = nl_reply_read(data, len, &p, &sink, &err);
	if (rc < 0 &&
	    (err.code != rc || memchr(err.msg, '\0', sizeof(err.msg)) == NULL))
		abort();
	return 0;
}
