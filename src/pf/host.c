/* SPDX-License-Identifier: BSD-2-Clause */
/* host.c - words for addresses: numbers, interfaces, names.
 *
 * In the order pf.conf(5) tries them: an IPv4 address, an IPv6 address, an
 * interface or a group of them, the name of a host.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/build.h"

struct pf_word_host {
	char name[512]; /* without mask, scope and modifiers */
	int mask;       /* -1: none */
	unsigned mods;  /* PF_DYN_* */
};

static void
add(struct pf_hosts *l, struct pf_hostaddr *h)
{
	if (l->first == NULL)
		l->first = h;
	else
		l->last->next = h;
	l->last = h;
}

static struct pf_hostaddr *
new_host(struct pf_parser *p, struct pf_hosts *out, unsigned kind, unsigned af)
{
	struct pf_hostaddr *h = arena_alloc(p->arena, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->addr.kind = (uint8_t)kind;
	h->addr.af = (uint8_t)af;
	add(out, h);
	return h;
}

static bool
add_net(struct pf_parser *p, struct pf_hosts *out, unsigned af,
        const struct pf_ip *ip, int bits, const char *ifname)
{
	struct pf_hostaddr *h = new_host(p, out, PF_ADDR_NET, af);

	if (h == NULL)
		return false;
	h->addr.bits = (uint8_t)(bits < 0 ? (int)pf_af_bits(af) : bits);
	h->addr.ip = *ip;
	pf_ip_mask(&h->addr.ip, h->addr.bits);
	h->ifname = ifname;
	return true;
}

/* --- numbers --- */

/*
 * One to four numbers with dots. Without a mask a short form is a network: of
 * its class, or of as many octets as were written if those are more.
 */
static bool
ipv4(const char *s, int mask, struct pf_ip *out, int *out_bits)
{
	unsigned n = 0;

	memset(out, 0, sizeof(*out));
	do {
		unsigned v = 0, digits = 0;

		for (; isdigit((unsigned char)*s) && digits < 4; s++, digits++)
			v = v * 10 + (unsigned)(*s - '0');
		if (digits == 0 || v > 255 || n == 4)
			return false;
		out->b[n++] = (uint8_t)v;
	} while (*s == '.' && s++);
	if (*s != '\0')
		return false;
	*out_bits = mask;
	if (mask < 0) {
		unsigned first = out->b[0];
		unsigned bits = first >= 240   ? 32
		                : first >= 224 ? 8
		                : first >= 192 ? 24
		                : first >= 128 ? 16
		                               : 8;

		*out_bits = (int)(bits > n * 8 ? bits : n * 8);
	}
	return true;
}

/* false: not an address; *bad: one, but not with this mask. */
static bool
number(struct pf_parser *p, const struct pf_word_host *w, struct pf_hosts *out,
       bool *bad)
{
	char text[sizeof(w->name)];
	struct pf_ip ip;
	char *scope;
	int bits;

	if (ipv4(w->name, w->mask, &ip, &bits)) {
		if (bits > 32) {
			pf_note(p, "netmask %d invalid for IPv4 address", bits);
			*bad = true;
			return true;
		}
		*bad = !add_net(p, out, PF_AF_INET, &ip, bits, NULL);
		return true;
	}
	strcpy(text, w->name);
	scope = strchr(text, '%');
	if (scope != NULL)
		*scope++ = '\0';
	memset(&ip, 0, sizeof(ip));
	if (inet_pton(AF_INET6, text, ip.b) != 1)
		return false;
	if (scope != NULL)
		scope = arena_strdup(p->arena, scope);
	*bad = !add_net(p, out, PF_AF_INET6, &ip, w->mask, scope);
	return true;
}

/* --- interfaces --- */

bool
pf_dyn_modifiers(struct pf_parser *p, char *name, unsigned *out_mods,
                 bool *out_known)
{
	static const struct {
		const char *word;
		unsigned bit;
	} words[] = { { "network", PF_DYN_NETWORK },
		      { "broadcast", PF_DYN_BROADCAST },
		      { "peer", PF_DYN_PEER },
		      { "0", PF_DYN_NOALIAS } };
	unsigned mode;
	char *colon;

	*out_mods = 0;
	*out_known = true;
	while ((colon = strrchr(name, ':')) != NULL) {
		size_t i = 0;

		while (i < ARRAY_LEN(words) &&
		       strcmp(words[i].word, colon + 1) != 0)
			i++;
		if (i == ARRAY_LEN(words)) {
			*out_known = false;
			return true;
		}
		*out_mods |= words[i].bit;
		*colon = '\0';
	}
	mode = *out_mods & ~(unsigned)PF_DYN_NOALIAS;
	if ((mode & (mode - 1)) != 0) {
		pf_complain(p, "illegal combination of interface modifiers");
		return false;
	}
	return true;
}

/* All addresses of the machine, asked for once. */
static const struct pf_found_list *
addresses(struct pf_parser *p)
{
	if (!p->found_read)
		p->world->addresses(p->world->ctx, &p->found);
	p->found_read = true;
	return &p->found;
}

/* Does an interface go by this name: its own, its kind's, a group's, self? */
static bool
named(struct pf_parser *p, const char *ifname, const char *name)
{
	size_t len = strlen(name);

	if (strcmp(name, "self") == 0 || strcmp(name, ifname) == 0)
		return true;
	if (len > 0 && !isdigit((unsigned char)name[len - 1]) &&
	    strncmp(ifname, name, len) == 0 &&
	    strspn(ifname + len, "0123456789") == strlen(ifname + len))
		return true;
	return p->world->in_group(p->world->ctx, ifname, name);
}

static bool
exists(struct pf_parser *p, const char *name)
{
	const struct pf_found_list *l;

	if (strcmp(name, "self") == 0 ||
	    p->world->is_interface(p->world->ctx, name) ||
	    p->world->is_group(p->world->ctx, name))
		return true;
	l = addresses(p);
	for (size_t i = 0; i < l->n; i++)
		if (named(p, l->v[i].ifname, name))
			return true;
	return false;
}

/* Is an address of the kind the modifiers ask for? */
static bool
wanted(const struct pf_found *f, unsigned mods)
{
	if ((mods & PF_DYN_BROADCAST) != 0 &&
	    (f->af != PF_AF_INET || !f->has_broadcast))
		return false;
	if ((mods & PF_DYN_PEER) != 0 && !f->has_peer)
		return false;
	return (mods & PF_DYN_NETWORK) == 0 || !f->link_local;
}

static bool
add_found(struct pf_parser *p, const struct pf_found *f, unsigned mods,
          int mask, struct pf_hosts *out)
{
	const struct pf_ip *ip = (mods & PF_DYN_BROADCAST) != 0 ? &f->broadcast
	                         : (mods & PF_DYN_PEER) != 0    ? &f->peer
	                                                        : &f->ip;
	const char *scope = NULL;

	if (mask > (int)pf_af_bits(f->af))
		mask = (int)pf_af_bits(f->af);
	if ((mods & PF_DYN_NETWORK) != 0)
		mask = f->bits;
	if (f->link_local && f->af == PF_AF_INET6)
		scope = arena_strdup(p->arena, f->ifname);
	return add_net(p, out, f->af, ip, mask, scope);
}

bool
pf_interface_addrs(struct pf_parser *p, const char *name, unsigned mods,
                   int mask, struct pf_hosts *out)
{
	const struct pf_found_list *l = addresses(p);
	const char *last = NULL;
	bool got4 = false, got6 = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct pf_found *f = &l->v[i];
		bool *got = f->af == PF_AF_INET ? &got4 : &got6;

		if (!named(p, f->ifname, name) || !wanted(f, mods))
			continue;
		if (last == NULL || strcmp(last, f->ifname) != 0)
			got4 = got6 = false;
		last = f->ifname;
		if ((mods & PF_DYN_NOALIAS) != 0 &&
		    (*got || (f->af == PF_AF_INET6 && f->link_local)))
			continue;
		*got = true;
		if (!add_found(p, f, mods, mask, out))
			return false;
	}
	return true;
}

/* false: not an interface. */
static bool
interface(struct pf_parser *p, const struct pf_word_host *w,
          struct pf_hosts *out, bool *bad)
{
	char name[sizeof(w->name)];
	unsigned mods;
	bool known;

	strcpy(name, w->name);
	if (!pf_dyn_modifiers(p, name, &mods, &known)) {
		*bad = true;
		return true;
	}
	if (!known || !exists(p, name))
		return false;
	if ((mods & (PF_DYN_NETWORK | PF_DYN_BROADCAST)) != 0 && w->mask >= 0) {
		pf_note(p, "network or broadcast lookup, but extra netmask "
		           "given");
		*bad = true;
		return true;
	}
	*bad = !pf_interface_addrs(p, name, mods, w->mask, out);
	return out->first != NULL || *bad;
}

/* --- names --- */

static bool
name_of_host(struct pf_parser *p, const struct pf_word_host *w,
             struct pf_hosts *out, bool *bad)
{
	struct pf_found_list l = { 0 };
	char name[sizeof(w->name)];
	size_t len = strlen(w->name);
	bool first = false, got4 = false, got6 = false;

	if (p->env->no_dns)
		return false;
	strcpy(name, w->name);
	if (len > 2 && strcmp(name + len - 2, ":0") == 0) {
		name[len - 2] = '\0';
		first = true;
	}
	p->world->resolve(p->world->ctx, name, &l);
	for (size_t i = 0; i < l.n && !*bad; i++) {
		const struct pf_found *f = &l.v[i];
		bool *got = f->af == PF_AF_INET ? &got4 : &got6;

		if (first && (*got || f->link_local))
			continue;
		*got = true;
		if (w->mask > (int)pf_af_bits(f->af)) {
			pf_note(p, "netmask %d invalid for IPv4 address",
			        w->mask);
			*bad = true;
		} else {
			*bad = !add_net(p, out, f->af, &f->ip, w->mask, NULL);
		}
	}
	pf_found_fini(&l);
	return out->first != NULL || *bad;
}

/* --- words --- */

/* Split NAME/MASK. */
static bool
split_mask(struct pf_parser *p, const char *word, int mask,
           struct pf_word_host *w)
{
	const char *slash = strrchr(word, '/');
	size_t len = slash != NULL ? (size_t)(slash - word) : strlen(word);

	if (len >= sizeof(w->name))
		return false;
	memcpy(w->name, word, len);
	w->name[len] = '\0';
	w->mask = mask;
	if (slash != NULL) {
		char *end;
		long v = strtol(slash + 1, &end, 10);

		if (*end != '\0' || end == slash + 1 || v < 0 || v > 128) {
			pf_note(p, "invalid netmask '%s'", slash);
			return false;
		}
		w->mask = (int)v;
	}
	return true;
}

static bool
word_of(struct pf_parser *p, const char *word, int mask, struct pf_hosts *out)
{
	static bool (*const try[])(
	    struct pf_parser * p, const struct pf_word_host *w,
	    struct pf_hosts *out,
	    bool *bad) = { number, interface, name_of_host };
	struct pf_word_host w;
	bool bad = false;

	if (!split_mask(p, word, mask, &w)) {
		pf_complain(p, "could not parse host specification");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(try); i++)
		if (try[i](p, &w, out, &bad)) {
			if (bad && !p->stmt->bad)
				pf_complain(p, "could not parse host "
				               "specification");
			return !bad;
		}
	pf_note(p, "no IP address found for %s", word);
	pf_complain(p, "could not parse host specification");
	return false;
}

static bool
range_of(struct pf_parser *p, const struct pf_item *i, struct pf_hosts *out)
{
	struct pf_hosts a = { 0 }, b = { 0 };
	struct pf_hostaddr *h;
	unsigned bits;

	if (!word_of(p, i->a.word, -1, &a) || !word_of(p, i->b.word, -1, &b))
		return false;
	bits = pf_af_bits(a.first->addr.af);
	if (a.first->next != NULL || b.first->next != NULL ||
	    a.first->addr.af != b.first->addr.af ||
	    a.first->addr.bits != bits || b.first->addr.bits != bits) {
		pf_complain(p, "invalid address range");
		return false;
	}
	h = new_host(p, out, PF_ADDR_RANGE, a.first->addr.af);
	if (h == NULL)
		return false;
	h->addr.bits = (uint8_t)bits;
	h->addr.ip = a.first->addr.ip;
	h->addr.last = b.first->addr.ip;
	return true;
}

static bool
dyn_of(struct pf_parser *p, const struct pf_item *i, struct pf_hosts *out)
{
	char name[512];
	struct pf_hostaddr *h;
	unsigned mods;
	bool known;

	if (strlen(i->a.word) >= sizeof(name) ||
	    isdigit((unsigned char)*i->a.word)) {
		pf_complain(p, "invalid interface name '%s'", i->a.word);
		return false;
	}
	strcpy(name, i->a.word);
	if (!pf_dyn_modifiers(p, name, &mods, &known))
		return false;
	if (!known) {
		pf_complain(p, "interface %s has bad modifier", name);
		return false;
	}
	if (strlen(name) >= PF_IFNAME_SIZE) {
		pf_complain(p, "interface name too long");
		return false;
	}
	h = new_host(p, out, PF_ADDR_DYN, PF_AF_NONE);
	if (h == NULL || (h->addr.name = arena_strdup(p->arena, name)) == NULL)
		return false;
	h->addr.dyn = (uint8_t)mods;
	h->addr.bits = (uint8_t)(i->mask < 0 ? 128 : i->mask);
	return true;
}

static bool
plain(struct pf_parser *p, const struct pf_item *i, unsigned kind,
      struct pf_hosts *out)
{
	struct pf_hostaddr *h = new_host(p, out, kind, PF_AF_NONE);

	if (h == NULL)
		return false;
	h->addr.name = i->a.word;
	h->addr.bits = 128;
	return true;
}

bool
pf_host_of(struct pf_parser *p, const struct pf_item *i, struct pf_hosts *out)
{
	struct pf_hosts l = { 0 };
	bool ok = true;

	switch ((enum pf_host_kind)i->kind) {
	case PF_HOST_WORD:
		ok = word_of(p, i->a.word, i->mask, &l);
		break;
	case PF_HOST_RANGE:
		ok = range_of(p, i, &l);
		break;
	case PF_HOST_DYN:
		ok = dyn_of(p, i, &l);
		break;
	case PF_HOST_TABLE:
		ok = plain(p, i, PF_ADDR_TABLE, &l);
		break;
	case PF_HOST_NOROUTE:
		ok = plain(p, i, PF_ADDR_NOROUTE, &l);
		break;
	case PF_HOST_URPF:
		ok = plain(p, i, PF_ADDR_URPF, &l);
		break;
	case PF_HOST_ANY:
		break;
	}
	for (struct pf_hostaddr *h = l.first; ok && h != NULL;) {
		struct pf_hostaddr *next = h->next;

		h->not = i->not ;
		h->next = NULL;
		add(out, h);
		h = next;
	}
	return ok;
}

bool
pf_hosts_of(struct pf_parser *p, const struct pf_items *l, struct pf_hosts *out)
{
	bool ok = true;

	/* All of a list's errors are told. */
	for (const struct pf_item *i = l->first; i != NULL; i = i->next)
		ok = pf_host_of(p, i, out) && ok;
	return ok;
}
