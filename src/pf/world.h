/* SPDX-License-Identifier: BSD-2-Clause */
/* world.h - what reading pf.conf asks of the machine it is on.
 *
 * The parser itself opens nothing and looks nothing up: tests and fuzzing give
 * it a small world of their own, pfctl the machine's (pf_world_host()).
 */
#ifndef PF_WORLD_H
#define PF_WORLD_H
#include "base/error.h"
#include "pf/rule.h"

/* One address found for an interface or a name. */
struct pf_found {
	uint8_t af, bits; /* bits: of the network it is in */
	struct pf_ip ip;
	struct pf_ip broadcast, peer;
	bool has_broadcast, has_peer, link_local;
	char ifname[PF_IFNAME_SIZE]; /* "" for names of hosts */
};

struct pf_found_list {
	struct pf_found *v; /* malloc'ed */
	size_t n, cap;
};

struct pf_world {
	void *ctx;
	/* A file that include, load anchor or a table names. *out_text is
	 * malloc'ed and the caller's. */
	int (*read)(void *ctx, const char *path, char **out_text,
	            size_t *out_len, struct error *err);
	/* All addresses of all interfaces, in the kernel's order. 0 or a
	 * negative errno. */
	int (*addresses)(void *ctx, struct pf_found_list *out);
	/* Is this the name of an interface, or of a group of them? */
	bool (*is_interface)(void *ctx, const char *name);
	bool (*is_group)(void *ctx, const char *name);
	/* Is an interface a member of a group? */
	bool (*in_group)(void *ctx, const char *ifname, const char *group);
	bool (*is_loopback)(void *ctx, const char *ifname);
	/* Addresses of a host's name, inet before inet6. -ENOENT: none. */
	int (*resolve)(void *ctx, const char *name, struct pf_found_list *out);
	/* Each returns the number or -1, the name or NULL (static, good until
	 * the next call). proto of service is "tcp", "udp" or NULL for any. */
	int (*service)(void *ctx, const char *name, const char *proto);
	const char *(*service_name)(void *ctx, unsigned port,
	                            const char *proto);
	int (*proto)(void *ctx, const char *name);
	const char *(*proto_name)(void *ctx, unsigned proto);
	int64_t (*user)(void *ctx, const char *name);
	int64_t (*group)(void *ctx, const char *name);
	/* 128 random bits for a source-hash without a key. */
	void (*random)(void *ctx, uint8_t out[16]);
};

void pf_found_fini(struct pf_found_list *l);
/* Room for one more, zeroed; NULL: out of memory. */
struct pf_found *pf_found_add(struct pf_found_list *l);

/* The name that DNS or the hosts file has for an address. false: none. */
enum { PF_HOST_SIZE = 1025 }; /* NI_MAXHOST */
bool pf_host_name(unsigned af, const struct pf_ip *ip, char out[PF_HOST_SIZE]);

/* The machine we are on, in our network namespace. w->ctx stays NULL. */
void pf_world_host(struct pf_world *w);
#endif
