/* SPDX-License-Identifier: BSD-2-Clause */
/* world.c - what reading pf.conf asks of the machine it is on. */
#include "pf/world.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "pf/addr.h"
#include "pf/wellknown.h"

void
pf_found_fini(struct pf_found_list *l)
{
	free(l->v);
	*l = (struct pf_found_list){ NULL, 0, 0 };
}

struct pf_found *
pf_found_add(struct pf_found_list *l)
{
	struct pf_found *v = vec_room(l->v, l->n, &l->cap, sizeof(*v));

	if (v == NULL)
		return NULL;
	l->v = v;
	v += l->n++;
	memset(v, 0, sizeof(*v));
	return v;
}

/* --- files --- */

static int
host_read(void *ctx, const char *path, char **out_text, size_t *out_len,
          struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_close int fd = -1;
	char chunk[1 << 16];
	struct stat st;
	ssize_t n;

	(void)ctx;
	fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
	                            : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "%s", path);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return error_sys(err, "%s", path);
	}
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, "%s", path);
		buf_put(&text, chunk, (size_t)n);
		if (text.len > PF_MAX_FILE_BYTES)
			return error_set(err, -E2BIG,
			                 "%s: larger than %d bytes", path,
			                 PF_MAX_FILE_BYTES);
	}
	*out_len = text.len;
	*out_text = buf_take(&text);
	if (*out_text == NULL)
		return error_set(err, -ENOMEM, "%s: out of memory", path);
	return 0;
}

/* --- interfaces --- */

static void
set_ip(const struct sockaddr *sa, uint8_t *af, struct pf_ip *ip)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	*af = (uint8_t)sa->sa_family;
	memset(ip, 0, sizeof(*ip));
	if (sa->sa_family == AF_INET)
		memcpy(ip->b, &in->sin_addr, 4);
	else
		memcpy(ip->b, &in6->sin6_addr, 16);
}

static uint8_t
mask_bits(const struct sockaddr *mask)
{
	struct pf_ip ip;
	uint8_t af, bits = 0;

	if (mask == NULL)
		return 0;
	set_ip(mask, &af, &ip);
	while (bits < 128 && (ip.b[bits / 8] & (0x80 >> bits % 8)) != 0)
		bits++;
	return bits;
}

static bool
is_ip(const struct sockaddr *sa)
{
	return sa != NULL &&
	       (sa->sa_family == AF_INET || sa->sa_family == AF_INET6);
}

static bool
link_local(const struct pf_found *f)
{
	return f->af == AF_INET6 && f->ip.b[0] == 0xfe &&
	       (f->ip.b[1] & 0xc0) == 0x80;
}

static int
host_addresses(void *ctx, struct pf_found_list *out)
{
	struct ifaddrs *all;

	(void)ctx;
	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
		struct pf_found *f;
		uint8_t af;

		if (!is_ip(a->ifa_addr) ||
		    strlen(a->ifa_name) >= PF_IFNAME_SIZE)
			continue;
		f = pf_found_add(out);
		if (f == NULL)
			break;
		strcpy(f->ifname, a->ifa_name);
		set_ip(a->ifa_addr, &f->af, &f->ip);
		f->bits = mask_bits(a->ifa_netmask);
		f->link_local = link_local(f);
		f->has_broadcast = (a->ifa_flags & IFF_BROADCAST) != 0 &&
		                   is_ip(a->ifa_broadaddr);
		if (f->has_broadcast)
			set_ip(a->ifa_broadaddr, &af, &f->broadcast);
		f->has_peer = (a->ifa_flags & IFF_POINTOPOINT) != 0 &&
		              is_ip(a->ifa_dstaddr);
		if (f->has_peer)
			set_ip(a->ifa_dstaddr, &af, &f->peer);
	}
	freeifaddrs(all);
	return 0;
}

static bool
host_is_interface(void *ctx, const char *name)
{
	(void)ctx;
	return if_nametoindex(name) != 0;
}

/* The interface that the default route of a family leaves by. */
static bool
is_egress(const char *ifname)
{
	char line[256], name[64];
	bool is = false;
	unsigned dst, mask;
	FILE *f = fopen("/proc/net/route", "re");

	while (!is && f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%63s %x %*x %*x %*d %*d %*d %x", name, &dst,
		           &mask) == 3)
			is = dst == 0 && mask == 0 && strcmp(name, ifname) == 0;
	if (f != NULL)
		fclose(f);
	return is;
}

/* FreeBSD has a group for each kind of interface, and egress. */
static bool
host_in_group(void *ctx, const char *ifname, const char *group)
{
	size_t len = strlen(group);

	(void)ctx;
	if (strcmp(group, "all") == 0)
		return true;
	if (strcmp(group, "egress") == 0)
		return is_egress(ifname);
	if (strcmp(group, "lo") == 0 && strcmp(ifname, "lo") == 0)
		return true;
	return len > 0 && strncmp(ifname, group, len) == 0 &&
	       isdigit((unsigned char)ifname[len]) &&
	       !isdigit((unsigned char)group[len - 1]);
}

static bool
host_is_group(void *ctx, const char *name)
{
	struct if_nameindex *all = if_nameindex();
	bool is = false;

	for (struct if_nameindex *i = all;
	     !is && i != NULL && i->if_name != NULL; i++)
		is = host_in_group(ctx, i->if_name, name);
	if (all != NULL)
		if_freenameindex(all);
	return is;
}

static bool
host_is_loopback(void *ctx, const char *ifname)
{
	(void)ctx;
	return strncmp(ifname, "lo", 2) == 0 &&
	       strspn(ifname + 2, "0123456789") == strlen(ifname + 2);
}

/* --- names --- */

static int
host_resolve(void *ctx, const char *name, struct pf_found_list *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *all;

	(void)ctx;
	if (getaddrinfo(name, NULL, &hints, &all) != 0)
		return -ENOENT;
	for (int pass = 0; pass < 2; pass++)
		for (const struct addrinfo *a = all; a != NULL;
		     a = a->ai_next) {
			struct pf_found *f;

			if (a->ai_family != (pass == 0 ? AF_INET : AF_INET6))
				continue;
			f = pf_found_add(out);
			if (f == NULL)
				break;
			set_ip(a->ai_addr, &f->af, &f->ip);
			f->bits = (uint8_t)pf_af_bits(f->af);
			f->link_local = link_local(f);
		}
	freeaddrinfo(all);
	return 0;
}

static int
host_service(void *ctx, const char *name, const char *proto)
{
	static const char *const protos[] = { "tcp", "udp", "sctp" };

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
		const char *p = proto != NULL ? proto : protos[i];
		const struct servent *s = getservbyname(name, p);

		if (s != NULL)
			return ntohs((uint16_t)s->s_port);
		if (proto != NULL)
			break;
	}
	return pf_wellknown_service(name);
}

static const char *
host_service_name(void *ctx, unsigned port, const char *proto)
{
	const struct servent *s = getservbyport(htons((uint16_t)port), proto);

	(void)ctx;
	return s != NULL ? s->s_name : pf_wellknown_service_name(port);
}

static int
host_proto(void *ctx, const char *name)
{
	const struct protoent *p = getprotobyname(name);

	(void)ctx;
	return p != NULL ? p->p_proto : pf_wellknown_proto(name);
}

static const char *
host_proto_name(void *ctx, unsigned proto)
{
	const char *name = pf_wellknown_proto_name(proto);
	const struct protoent *p;

	(void)ctx;
	if (name != NULL)
		return name;
	p = getprotobynumber((int)proto);
	return p != NULL ? p->p_name : NULL;
}

static int64_t
host_user(void *ctx, const char *name)
{
	const struct passwd *pw = getpwnam(name);

	(void)ctx;
	return pw != NULL ? (int64_t)pw->pw_uid : -1;
}

static int64_t
host_group(void *ctx, const char *name)
{
	const struct group *gr = getgrnam(name);

	(void)ctx;
	return gr != NULL ? (int64_t)gr->gr_gid : -1;
}

static void
host_random(void *ctx, uint8_t out[16])
{
	(void)ctx;
	if (getrandom(out, 16, 0) != 16)
		memset(out, 0, 16);
}

bool
pf_host_name(unsigned af, const struct pf_ip *ip, char out[PF_HOST_SIZE])
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	const void *at = &in;
	socklen_t len = sizeof(in);

	_Static_assert(PF_HOST_SIZE >= NI_MAXHOST, "names fit");
	memcpy(&in.sin_addr, ip->b, sizeof(in.sin_addr));
	memcpy(&in6.sin6_addr, ip->b, sizeof(in6.sin6_addr));
	if (af == PF_AF_INET6) {
		at = &in6;
		len = sizeof(in6);
	}
	return getnameinfo(at, len, out, PF_HOST_SIZE, NULL, 0, NI_NAMEREQD) ==
	       0;
}

void
pf_world_host(struct pf_world *w)
{
	*w = (struct pf_world){
		.read = host_read,
		.addresses = host_addresses,
		.is_interface = host_is_interface,
		.is_group = host_is_group,
		.in_group = host_in_group,
		.is_loopback = host_is_loopback,
		.resolve = host_resolve,
		.service = host_service,
		.service_name = host_service_name,
		.proto = host_proto,
		.proto_name = host_proto_name,
		.user = host_user,
		.group = host_group,
		.random = host_random,
	};
}
