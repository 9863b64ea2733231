/* SPDX-License-Identifier: BSD-2-Clause */
/* rename.c - renaming an interface that is up, on every kernel. */
#include "net/rename.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "net/addr.h"
#include "net/rtable.h"

/* What an interface loses when it goes down. */
struct loss {
	struct addr *addr; /* IPv6 */
	struct rtable_route *route[2];
	size_t n_addr, n_route[2];
};

static const int families[] = { AF_INET, AF_INET6 };

static void
loss_fini(struct loss *was)
{
	free(was->addr);
	free(was->route[0]);
	free(was->route[1]);
}

static int
note(struct nl_sock *nl, const struct link *l, struct loss *was,
     struct error *err)
{
	if (addr_list(nl, AF_INET6, l->index, &was->addr, &was->n_addr, err) <
	    0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (rtable_list(nl, families[i], &was->route[i],
		                &was->n_route[i], err) < 0)
			return err->code;
	return 0;
}

/* Addresses and routes that the kernel does not make again by itself. */
static int
put_back(struct nl_sock *nl, const struct link *l, const struct loss *was,
         struct error *err)
{
	for (size_t i = 0; i < was->n_addr; i++) {
		const struct addr *a = &was->addr[i];
		bool by_kernel = a->ip.b[0] == 0xfe && a->ip.b[1] == 0x80;

		if (!by_kernel && (a->flags & IFA_F_PERMANENT) &&
		    addr_add(nl, a, err) < 0)
			return err->code;
	}
	for (size_t f = 0; f < ARRAY_LEN(families); f++)
		for (size_t i = 0; i < was->n_route[f]; i++) {
			const struct rtable_route *r = &was->route[f][i];

			if (r->index != l->index || r->by_kernel || r->is_local)
				continue;
			if (rtable_set(nl, RTABLE_ADD, r, err) < 0 &&
			    err->code != -EEXIST)
				return err->code;
		}
	return 0;
}

static int
rename_down(struct nl_sock *nl, const struct link *l, const char *name,
            struct error *err)
{
	struct link known = *l;
	struct loss was = { 0 };
	struct error later;
	int rc = note(nl, l, &was, err);

	if (known.born[0] == '\0') /* the first try has remembered it */
		memcpy(known.born, l->name, sizeof(known.born));

	if (rc == 0)
		rc = link_set_up(nl, l->index, false, err);
	if (rc == 0) {
		rc = link_set_name(nl, &known, name, err);
		if (link_set_up(nl, l->index, true, &later) < 0 ||
		    put_back(nl, l, &was, &later) < 0) {
			if (rc == 0)
				*err = later;
			rc = err->code;
		}
	}
	loss_fini(&was);
	return rc;
}

int
rename_link(struct nl_sock *nl, const struct link *l, const char *name,
            struct error *err)
{
	int rc = link_set_name(nl, l, name, err);

	if (rc == -EBUSY && (l->flags & IFF_UP))
		rc = rename_down(nl, l, name, err);
	return rc;
}
