/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_world.c - a machine for tests of the pf language. */
#include "pf/fake_world.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *ifname, *ip, *broadcast, *peer;
	uint8_t bits;
} addresses[] = {
	{ "lo0", "127.0.0.1", NULL, NULL, 8 },
	{ "lo0", "::1", NULL, NULL, 128 },
	{ "lo0", "fe80::1", NULL, NULL, 64 },
	{ "em0", "10.0.0.1", "10.0.0.255", NULL, 24 },
	{ "em0", "2001:db8::1", NULL, NULL, 64 },
	{ "em0", "fe80::a", NULL, NULL, 64 },
	{ "em1", "192.168.1.1", "192.168.1.255", NULL, 24 },
	{ "em1", "192.168.1.2", "192.168.1.255", NULL, 24 },
	{ "tun0", "172.16.0.1", NULL, "172.16.0.2", 32 },
};

static const struct {
	const char *name, *ip;
} hosts[] = {
	{ "one.example", "198.51.100.1" },
	{ "both.example", "198.51.100.2" },
	{ "both.example", "2001:db8:1::2" },
};

static const struct {
	const char *name;
	int number;
} services[] = { { "ssh", 22 },  { "smtp", 25 },   { "domain", 53 },
	         { "http", 80 }, { "https", 443 }, { "submission", 587 } },
  protos[] = { { "icmp", 1 },   { "tcp", 6 },   { "udp", 17 },
	       { "gre", 47 },   { "esp", 50 },  { "ipv6-icmp", 58 },
	       { "icmp6", 58 }, { "sctp", 132 } },
  ids[] = { { "root", 0 }, { "www", 80 } };

static int
fake_read(void *ctx, const char *path, char **out_text, size_t *out_len,
          struct error *err)
{
	const struct pf_fake_file *f = ctx;

	while (f != NULL && f->path != NULL && strcmp(f->path, path) != 0)
		f++;
	if (f == NULL || f->path == NULL)
		return error_set(err, -ENOENT, "%s: No such file or directory",
		                 path);
	*out_text = malloc(f->len + 1);
	if (*out_text == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	memcpy(*out_text, f->text, f->len);
	*out_len = f->len;
	return 0;
}

static void
set_ip(const char *text, uint8_t *af, struct pf_ip *ip)
{
	*af = strchr(text, ':') != NULL ? PF_AF_INET6 : PF_AF_INET;
	inet_pton(*af, text, ip->b);
}

static int
fake_addresses(void *ctx, struct pf_found_list *out)
{
	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct pf_found *f = pf_found_add(out);
		uint8_t af;

		if (f == NULL)
			return -ENOMEM;
		strcpy(f->ifname, addresses[i].ifname);
		set_ip(addresses[i].ip, &f->af, &f->ip);
		f->bits = addresses[i].bits;
		f->link_local = strncmp(addresses[i].ip, "fe80", 4) == 0;
		f->has_broadcast = addresses[i].broadcast != NULL;
		if (f->has_broadcast)
			set_ip(addresses[i].broadcast, &af, &f->broadcast);
		f->has_peer = addresses[i].peer != NULL;
		if (f->has_peer)
			set_ip(addresses[i].peer, &af, &f->peer);
	}
	return 0;
}

static bool
fake_is_interface(void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		if (strcmp(addresses[i].ifname, name) == 0)
			return true;
	return false;
}

static bool
fake_in_group(void *ctx, const char *ifname, const char *group)
{
	size_t len = strlen(group);

	(void)ctx;
	if (strcmp(group, "egress") == 0)
		return strcmp(ifname, "em0") == 0;
	return len > 0 && strncmp(ifname, group, len) == 0 &&
	       isdigit((unsigned char)ifname[len]) &&
	       !isdigit((unsigned char)group[len - 1]);
}

static bool
fake_is_group(void *ctx, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		if (fake_in_group(ctx, addresses[i].ifname, name))
			return true;
	return false;
}

static bool
fake_is_loopback(void *ctx, const char *ifname)
{
	(void)ctx;
	return strcmp(ifname, "lo0") == 0;
}

static int
fake_resolve(void *ctx, const char *name, struct pf_found_list *out)
{
	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct pf_found *f;

		if (strcmp(hosts[i].name, name) != 0)
			continue;
		f = pf_found_add(out);
		if (f == NULL)
			return -ENOMEM;
		set_ip(hosts[i].ip, &f->af, &f->ip);
		f->bits = (uint8_t)pf_af_bits(f->af);
	}
	return out->n > 0 ? 0 : -ENOENT;
}

static int
fake_service(void *ctx, const char *name, const char *proto)
{
	(void)ctx;
	(void)proto;
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		if (strcmp(services[i].name, name) == 0)
			return services[i].number;
	return -1;
}

static const char *
fake_service_name(void *ctx, unsigned port, const char *proto)
{
	(void)ctx;
	(void)proto;
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		if (services[i].number == (int)port)
			return services[i].name;
	return NULL;
}

static int
fake_proto(void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(protos); i++)
		if (strcmp(protos[i].name, name) == 0)
			return protos[i].number;
	return -1;
}

static const char *
fake_proto_name(void *ctx, unsigned proto)
{
	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(protos); i++)
		if (protos[i].number == (int)proto)
			return protos[i].name;
	return NULL;
}

static int64_t
fake_id(void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (strcmp(ids[i].name, name) == 0)
			return ids[i].number;
	return -1;
}

/* Not random, so that what is printed can be compared. */
static void
fake_random(void *ctx, uint8_t out[16])
{
	(void)ctx;
	memset(out, 0xa5, 16);
}

void
pf_fake_world(struct pf_world *w, const struct pf_fake_file *files)
{
	union {
		const struct pf_fake_file *in;
		void *out;
	} ctx = { files };

	*w = (struct pf_world){
		.ctx = ctx.out,
		.read = fake_read,
		.addresses = fake_addresses,
		.is_interface = fake_is_interface,
		.is_group = fake_is_group,
		.in_group = fake_in_group,
		.is_loopback = fake_is_loopback,
		.resolve = fake_resolve,
		.service = fake_service,
		.service_name = fake_service_name,
		.proto = fake_proto,
		.proto_name = fake_proto_name,
		.user = fake_id,
		.group = fake_id,
		.random = fake_random,
	};
}
