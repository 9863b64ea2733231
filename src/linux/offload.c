/* SPDX-License-Identifier: BSD-2-Clause */
/* offload.c - what a network card does in the kernel's stead. */
#include "linux/offload.h"

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/base.h"

static int
command(int fd, const char *ifname, struct ethtool_value *v)
{
	struct ifreq r = { 0 };

	strncpy(r.ifr_name, ifname, sizeof(r.ifr_name) - 1);
	r.ifr_data = (char *)v;
	return ioctl(fd, SIOCETHTOOL, &r);
}

/* One bit of the flag word. */
static int
set_flag(int fd, const char *ifname, uint32_t bits, bool on)
{
	struct ethtool_value v = { .cmd = ETHTOOL_GFLAGS };

	if (command(fd, ifname, &v) < 0)
		return -1;
	v.cmd = ETHTOOL_SFLAGS;
	v.data = on ? v.data | bits : v.data & ~bits;
	return command(fd, ifname, &v);
}

int
offload_set(const char *ifname, enum offload what, bool on, struct error *err)
{
	static const struct {
		uint32_t cmd, flags; /* one of them */
	} rows[] = {
		[OFFLOAD_RX_CHECKSUM] = { ETHTOOL_SRXCSUM, 0 },
		[OFFLOAD_TX_CHECKSUM] = { ETHTOOL_STXCSUM, 0 },
		[OFFLOAD_TCP_SEGMENT] = { ETHTOOL_STSO, 0 },
		[OFFLOAD_TCP_GATHER] = { 0, ETH_FLAG_LRO },
		[OFFLOAD_VLAN_TAG] = { 0, ETH_FLAG_RXVLAN | ETH_FLAG_TXVLAN },
	};
	struct ethtool_value v = { .cmd = rows[what].cmd, .data = on };
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return error_sys(err, "socket");
	if (rows[what].cmd != 0)
		rc = command(fd, ifname, &v);
	else
		rc = set_flag(fd, ifname, rows[what].flags, on);
	if (rc < 0 && errno == EINVAL) /* a fixed feature, says the flag word */
		errno = EOPNOTSUPP;
	return rc < 0 ? error_sys(err, "offload of '%s'", ifname) : 0;
}
