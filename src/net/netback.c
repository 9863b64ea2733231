/* SPDX-License-Identifier: BSD-2-Clause */
/* netback.c - the families of back ends, and the one that is no network. */
#include "net/netback.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"

static const struct netback_ops *const families[] = {
	&netback_tap,
	&netback_slirp,
};

/* FreeBSD's that have no counterpart here (docs/compat.md). */
static const char *const foreign[] = { "ngd", "netgraph", "netmap", "vale" };

int
netback_open(const struct netback_options *o, struct netback **out_nb,
             struct error *err)
{
	if (o->name == NULL)
		return netback_none.open(o, out_nb, err);
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		if (!families[i]->claims(o->name))
			continue;
		if (o->type != NULL && strcmp(o->type, families[i]->name) != 0)
			return error_set(err, -EINVAL,
			                 "network '%s': is a %s, no '%s'",
			                 o->name, families[i]->name, o->type);
		if (o->bridge != NULL && families[i] != &netback_tap)
			return error_set(err, -EINVAL,
			                 "network '%s': joins no bridge",
			                 o->name);
		return families[i]->open(o, out_nb, err);
	}
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (strncmp(o->name, foreign[i], strlen(foreign[i])) == 0)
			return error_set(err, -EOPNOTSUPP,
			                 "network '%s': Linux has no %s; use "
			                 "tap or slirp",
			                 o->name, foreign[i]);
	return error_set(err, -ENOENT, "network '%s': unknown", o->name);
}

void
netback_close(struct netback *nb)
{
	if (nb != NULL)
		nb->ops->close(nb);
}

unsigned
netback_body(const struct iovec *iov, unsigned n, bool zero, struct iovec *out)
{
	size_t skip = NETBACK_HEADER;
	unsigned got = 0;

	for (unsigned i = 0; i < n; i++) {
		size_t head = iov[i].iov_len < skip ? iov[i].iov_len : skip;

		if (zero && head > 0)
			memset(iov[i].iov_base, 0, head);
		skip -= head;
		if (iov[i].iov_len == head)
			continue;
		out[got].iov_base = (uint8_t *)iov[i].iov_base + head;
		out[got++].iov_len = iov[i].iov_len - head;
	}
	return got;
}

/* No network: what is sent is gone, and nothing comes. */

static bool
none_claims(const char *name)
{
	return name == NULL;
}

static int
none_open(const struct netback_options *o, struct netback **out_nb,
          struct error *err)
{
	struct netback *nb = calloc(1, sizeof(*nb));

	if (nb == NULL)
		return error_set(err, -ENOMEM, "network");
	nb->ops = &netback_none;
	nb->queues = o->queues;
	*out_nb = nb;
	return 0;
}

static int
none_fd(const struct netback *nb, unsigned queue)
{
	(void)nb;
	(void)queue;
	return -1;
}

static ssize_t
none_recv(struct netback *nb, unsigned queue, const struct iovec *iov,
          unsigned n)
{
	(void)nb;
	(void)queue;
	(void)iov;
	(void)n;
	return -EAGAIN;
}

static int
none_send(struct netback *nb, unsigned queue, const struct iovec *iov,
          unsigned n)
{
	(void)nb;
	(void)queue;
	(void)iov;
	(void)n;
	return 0;
}

static int
none_set(struct netback *nb, unsigned value)
{
	(void)nb;
	(void)value;
	return 0;
}

static void
none_close(struct netback *nb)
{
	free(nb);
}

const struct netback_ops netback_none = {
	.name = "none",
	.claims = none_claims,
	.open = none_open,
	.fd = none_fd,
	.recv = none_recv,
	.send = none_send,
	.set_offloads = none_set,
	.set_queues = none_set,
	.close = none_close,
};
