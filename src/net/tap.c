/* SPDX-License-Identifier: BSD-2-Clause */
/* tap.c - a guest's network through a tap interface of the host.
 *
 * tapN and vmnetN: opened when it is there (ifconfig(8) tap0 create), else made
 * for as long as it is open, and brought up, as FreeBSD does with
 * net.link.tap.up_on_open. One made here leaves its
 * bridge as it goes. Frames keep the
 * kernel's vnet header, so checksums and segmentation are left to whoever is
 * able. Source: Linux include/uapi/linux/if_tun.h, networking/tuntap.
 */
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "net/link.h"
#include "net/netback.h"

struct tap {
	struct netback nb; /* first */
	int fd[NETBACK_MAX_QUEUES];
	bool off[NETBACK_MAX_QUEUES]; /* detached */
};

static const struct tap *
tap_of(const struct netback *nb)
{
	return (const struct tap *)nb;
}

static bool
tap_claims(const char *name)
{
	static const char *const words[] = { "tap", "vmnet" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);

		if (strncmp(name, words[i], len) == 0 && name[len] != '\0' &&
		    strspn(name + len, "0123456789") == strlen(name + len))
			return true;
	}
	return false;
}

static int
open_queue(const char *name, short flags, struct error *err)
{
	cleanup_close int fd =
	    open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq r = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI |
		                                IFF_VNET_HDR | flags) };
	int header = NETBACK_HEADER;

	if (fd < 0)
		return error_sys(err, "open '/dev/net/tun'");
	strncpy(r.ifr_name, name, sizeof(r.ifr_name) - 1);
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		return error_sys(err, "open tap interface '%s'", name);
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		return error_sys(err, "'%s': headers of %d bytes", name,
		                 header);
	return take_fd(&fd);
}

/* All queues, or one: an interface that was made without several stays so. */
static int
open_queues(struct tap *t, const char *name, unsigned want, struct error *err)
{
	struct error first;
	int fd;

	if (want <= 1) {
		fd = open_queue(name, 0, err);
		first = *err;
		if (fd == -EINVAL) /* made with several: one of them will do */
			fd = open_queue(name, IFF_MULTI_QUEUE, err);
		if (fd < 0) {
			*err = first;
			return err->code;
		}
		t->fd[t->nb.queues++] = fd;
		return 0;
	}
	while (t->nb.queues < want) {
		fd = open_queue(name, IFF_MULTI_QUEUE, err);
		if (fd == -EINVAL && t->nb.queues == 0)
			return open_queues(t, name, 1, err);
		if (fd < 0)
			return fd;
		t->fd[t->nb.queues++] = fd;
	}
	return 0;
}

/* One that was there may be in the bridge already; one in another stays put. */
static int
join(const char *name, const char *bridge, struct error *err)
{
	struct nl_sock nl;
	struct link port, to;
	int r;

	if (nl_open(&nl, NETLINK_ROUTE, -1, err) < 0)
		return err->code;
	r = link_get(&nl, name, &port, err);
	if (r == 0)
		r = link_get(&nl, bridge, &to, err);
	if (r == 0 && strcmp(to.kind, "bridge") != 0)
		r = error_set(err, -EINVAL, "'%s' is no bridge", bridge);
	else if (r == 0 && port.master == 0)
		r = link_set_master(&nl, port.index, to.index, err);
	else if (r == 0 && port.master != to.index)
		r = error_set(err, -EBUSY, "'%s' is in another bridge", name);
	nl_close(&nl);
	return r < 0 ? error_wrap(err, "network '%s'", name) : 0;
}

/* Who may not, has an interface that somebody else looks after. */
static int
bring_up(const char *name, struct error *err)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { .ifr_flags = 0 };

	if (fd < 0)
		return error_sys(err, "'%s': socket", name);
	strncpy(r.ifr_name, name, sizeof(r.ifr_name) - 1);
	if (ioctl(fd, SIOCGIFFLAGS, &r) < 0)
		return error_sys(err, "'%s': flags", name);
	if ((r.ifr_flags & IFF_UP) != 0)
		return 0;
	r.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &r) < 0 && errno != EPERM)
		return error_sys(err, "'%s': bring it up", name);
	return 0;
}

static void
tap_close(struct netback *nb)
{
	struct tap *t = (struct tap *)nb;

	for (unsigned i = 0; i < nb->queues; i++)
		close(t->fd[i]);
	free(t);
}

static int
tap_set_offloads(struct netback *nb, unsigned offloads)
{
	static const struct {
		unsigned ours, kernels;
	} rows[] = { { NETBACK_CSUM, TUN_F_CSUM },
		     { NETBACK_TSO4, TUN_F_TSO4 },
		     { NETBACK_TSO6, TUN_F_TSO6 },
		     { NETBACK_ECN, TUN_F_TSO_ECN } };
	unsigned long flags = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((offloads & rows[i].ours) != 0)
			flags |= rows[i].kernels;
	/* It is the interface's, whatever queue is asked. */
	return ioctl(tap_of(nb)->fd[0], TUNSETOFFLOAD, flags) < 0 ? -errno : 0;
}

static int
tap_set_queues(struct netback *nb, unsigned n)
{
	struct tap *t = (struct tap *)nb;

	for (unsigned i = 0; i < nb->queues && nb->queues > 1; i++) {
		struct ifreq r = { .ifr_flags = i < n ? IFF_ATTACH_QUEUE
			                              : IFF_DETACH_QUEUE };

		if (t->off[i] == (i >= n))
			continue;
		if (ioctl(t->fd[i], TUNSETQUEUE, &r) < 0)
			return -errno;
		t->off[i] = i >= n;
	}
	return 0;
}

static int
tap_open(const struct netback_options *o, struct netback **out_nb,
         struct error *err)
{
	struct tap *t;
	unsigned want = o->queues;

	if (strlen(o->name) >= IFNAMSIZ)
		return error_set(err, -EINVAL, "network '%s': too long",
		                 o->name);
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return error_set(err, -ENOMEM, "network '%s'", o->name);
	t->nb.ops = &netback_tap;
	t->nb.offloads = NETBACK_ALL;
	if (want > NETBACK_MAX_QUEUES)
		want = NETBACK_MAX_QUEUES;
	if (open_queues(t, o->name, want, err) < 0 ||
	    bring_up(o->name, err) < 0 ||
	    (o->bridge != NULL && join(o->name, o->bridge, err) < 0)) {
		tap_close(&t->nb);
		return err->code;
	}
	if (tap_set_offloads(&t->nb, NETBACK_ALL) < 0)
		t->nb.offloads = 0;
	(void)tap_set_offloads(&t->nb, 0);
	*out_nb = &t->nb;
	return 0;
}

static int
tap_fd(const struct netback *nb, unsigned queue)
{
	return tap_of(nb)->fd[queue];
}

static ssize_t
tap_recv(struct netback *nb, unsigned queue, const struct iovec *iov,
         unsigned n)
{
	ssize_t len = readv(tap_of(nb)->fd[queue], iov, (int)n);

	if (len >= 0)
		return len;
	return errno == EINTR ? -EAGAIN : -errno;
}

static int
tap_send(struct netback *nb, unsigned queue, const struct iovec *iov,
         unsigned n)
{
	if (writev(tap_of(nb)->fd[queue], iov, (int)n) >= 0)
		return 0;
	return -errno;
}

const struct netback_ops netback_tap = {
	.name = "tap",
	.claims = tap_claims,
	.open = tap_open,
	.fd = tap_fd,
	.recv = tap_recv,
	.send = tap_send,
	.set_offloads = tap_set_offloads,
	.set_queues = tap_set_queues,
	.close = tap_close,
};
