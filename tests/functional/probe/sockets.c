/* SPDX-License-Identifier: BSD-2-Clause */
/* sockets.c - socket families, abstract names, netlink, and typing into a
 * terminal that was lent.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

/* socket FAMILY TYPE PROTOCOL, in numbers. */
static int
try_socket(char **argv)
{
	return outcome(socket(atoi(argv[0]), atoi(argv[1]), atoi(argv[2])));
}

static socklen_t
abstract(struct sockaddr_un *sun, const char *name)
{
	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strncpy(sun->sun_path + 1, name, sizeof(sun->sun_path) - 2);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	                   strlen(sun->sun_path + 1));
}

/* Serve name by a socket of a type: "ready" once it does. */
static int
abstract_serve(int type, char **argv)
{
	struct sockaddr_un sun;
	socklen_t len = abstract(&sun, argv[0]);
	int fd = socket(AF_UNIX, type, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, len) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 1) < 0))
		return -errno;
	puts("ready");
	fflush(stdout);
	sleep((unsigned)atoi(argv[1]));
	return 0;
}

/* abstract-listen NAME SECONDS */
static int
abstract_listen(char **argv)
{
	return abstract_serve(SOCK_STREAM, argv);
}

/* abstract-receive NAME SECONDS: datagrams. */
static int
abstract_receive(char **argv)
{
	return abstract_serve(SOCK_DGRAM, argv);
}

/* abstract-connect NAME */
static int
abstract_connect(char **argv)
{
	struct sockaddr_un sun;
	socklen_t len = abstract(&sun, argv[0]);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return outcome(connect(fd, (struct sockaddr *)&sun, len));
}

/* abstract-send NAME: a datagram. */
static int
abstract_send(char **argv)
{
	struct sockaddr_un sun;
	socklen_t len = abstract(&sun, argv[0]);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	return outcome(
	    (int)sendto(fd, "x", 1, 0, (struct sockaddr *)&sun, len));
}

/* netlink PROTOCOL GROUPS: hear a multicast group. */
static int
netlink_group(char **argv)
{
	struct sockaddr_nl nl = {
		.nl_family = AF_NETLINK,
		.nl_groups = (unsigned)strtoul(argv[1], NULL, 0),
	};
	int fd = socket(AF_NETLINK, SOCK_RAW, atoi(argv[0]));

	if (fd < 0)
		return -errno;
	return outcome(bind(fd, (struct sockaddr *)&nl, sizeof(nl)));
}

/* link-up IFNAME: set an interface up by a route message. */
static int
link_up(char **argv)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
	} req = {
		.h = { .nlmsg_len = sizeof(req),
		       .nlmsg_type = RTM_NEWLINK,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.info = { .ifi_index = (int)if_nametoindex(argv[0]),
		          .ifi_flags = IFF_UP,
		          .ifi_change = IFF_UP },
	};
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char room[512];
	} ack;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (req.info.ifi_index == 0)
		return UNABLE;
	if (send(fd, &req, sizeof(req), 0) < 0 ||
	    recv(fd, &ack, sizeof(ack), 0) < 0)
		return -errno;
	return ack.e.error;
}

/* tiocsti: type a letter into the terminal on descriptor 0. */
static int
tiocsti(char **argv)
{
	char c = 'x';

	(void)argv;
	if (!isatty(0))
		return UNABLE;
	return outcome(ioctl(0, TIOCSTI, &c));
}

static const struct attack attacks[] = {
	{ "socket", "FAMILY TYPE PROTOCOL", 3, 3, try_socket },
	{ "abstract-listen", "NAME SECONDS", 2, 2, abstract_listen },
	{ "abstract-receive", "NAME SECONDS", 2, 2, abstract_receive },
	{ "abstract-connect", "NAME", 1, 1, abstract_connect },
	{ "abstract-send", "NAME", 1, 1, abstract_send },
	{ "netlink", "PROTOCOL GROUPS", 2, 2, netlink_group },
	{ "link-up", "IFNAME", 1, 1, link_up },
	{ "tiocsti", "", 0, 0, tiocsti },
};
const struct attack_list socket_attacks = { attacks, LEN(attacks) };
