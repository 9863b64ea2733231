/* SPDX-License-Identifier: BSD-2-Clause */
/* info.c - pf's statistics, from nft's counters, conntrack's and IP's. */
#include "pf/info.h"

#include <linux/netlink.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "linux/file.h"
#include "pf/kernel.h"
#include "pf/live.h"
#include "pf/names.h"

enum { MAX_FILE_BYTES = 64 << 10 };

static const char file_name[] = "info";

static const char *const names[PF_INFO_NCOUNTS] = {
	[PF_INFO_SEARCHES] = "searches",
	[PF_INFO_INSERTS] = "inserts",
	[PF_INFO_REMOVALS] = "removals",
	[PF_INFO_MATCH] = "match",
	[PF_INFO_BAD_OFFSET] = "bad-offset",
	[PF_INFO_FRAGMENT] = "fragment",
	[PF_INFO_SHORT] = "short",
	[PF_INFO_NORMALIZE] = "normalize",
	[PF_INFO_MEMORY] = "memory",
	[PF_INFO_BAD_TIMESTAMP] = "bad-timestamp",
	[PF_INFO_CONGESTION] = "congestion",
	[PF_INFO_IP_OPTION] = "ip-option",
	[PF_INFO_PROTO_CKSUM] = "proto-cksum",
	[PF_INFO_STATE_MISMATCH] = "state-mismatch",
	[PF_INFO_STATE_INSERT] = "state-insert",
	[PF_INFO_STATE_LIMIT] = "state-limit",
	[PF_INFO_SRC_LIMIT] = "src-limit",
	[PF_INFO_SYNPROXY] = "synproxy",
	[PF_INFO_MAP_FAILED] = "map-failed",
	[PF_INFO_TRANSLATE] = "translate",
};

/* --- what is kept --- */

void
pf_info_kept_print(const struct pf_info_kept *k, struct buf *out)
{
	for (unsigned i = 0; i < PF_INFO_NCOUNTS; i++)
		if (k->count[i] != 0)
			buf_printf(out, "count %s %" PRId64 "\n", names[i],
			           k->count[i]);
	for (unsigned f = 0; f < 2; f++)
		for (unsigned i = 0; i < PF_NTOTALS; i++)
			buf_printf(out, "total %u %s %" PRId64 " %" PRId64 "\n",
			           f, pf_total_name((enum pf_total)i),
			           k->packets[f][i], k->bytes[f][i]);
}

static void
read_line(const char *line, struct pf_info_kept *k)
{
	int64_t a, b;
	char name[32];
	unsigned f, i = 0;

	if (sscanf(line, "count %31s %" SCNd64, name, &a) == 2) {
		while (i < PF_INFO_NCOUNTS && strcmp(names[i], name) != 0)
			i++;
		if (i < PF_INFO_NCOUNTS)
			k->count[i] = a;
	} else if (sscanf(line, "total %1u %31s %" SCNd64 " %" SCNd64, &f, name,
	                  &a, &b) == 4) {
		i = pf_total_find(name);
		if (i < PF_NTOTALS && f < 2) {
			k->packets[f][i] = a;
			k->bytes[f][i] = b;
		}
	}
}

void
pf_info_kept_read(const char *text, struct pf_info_kept *out)
{
	memset(out, 0, sizeof(*out));
	while (text != NULL && *text != '\0') {
		read_line(text, out);
		text = strchr(text, '\n');
		text = text != NULL ? text + 1 : NULL;
	}
}

/* A namespace that never cleared nor loaded has none, and all is kept as 0. */
static void
load_kept(const struct pf_store *s, struct pf_info_kept *out)
{
	cleanup_free char *text = NULL;
	struct error err;
	size_t len;

	if (s->dir < 0 ||
	    file_read(s->dir, file_name, MAX_FILE_BYTES, &text, &len, &err) < 0)
		text = NULL;
	pf_info_kept_read(text, out);
}

static int
save_kept(struct pf_store *s, const struct pf_info_kept *k, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	pf_info_kept_print(k, &text);
	if (text.failed)
		return error_set(err, -ENOMEM, "out of memory");
	return file_replace(s->dir, file_name, text.data, text.len, err);
}

/* --- what there is --- */

/* All sources at one moment, as they count. */
struct raw {
	struct pf_totals totals;
	struct ct_stats ct;
	uint64_t states, fragments;
};

/* A value of /proc/net/snmp, where a line of names is before one of numbers, or
 * of snmp6 with one of each a line. 0: not there. */
static uint64_t
snmp(const char *path, const char *group, const char *name)
{
	FILE *f = fopen(path, "re");
	char line[2][1024], word[64];
	uint64_t v = 0;
	bool found = false;

	line[0][0] = '\0';
	for (unsigned i = 0; f != NULL && !found &&
	                     fgets(line[i & 1], sizeof(line[0]), f) != NULL;
	     i++) {
		const char *at = line[~i & 1], *value = line[i & 1];
		int n, m;

		if (group == NULL) {
			found = sscanf(value, "%63s %" SCNu64, word, &v) == 2 &&
			        strcmp(word, name) == 0;
			continue;
		}
		if ((i & 1) == 0 || strncmp(at, group, strlen(group)) != 0)
			continue;
		while (!found && sscanf(at, "%63s%n", word, &n) == 1) {
			found = strcmp(word, name) == 0 &&
			        sscanf(value, "%" SCNu64, &v) == 1;
			if (sscanf(value, "%*s%n", &m) < 0)
				break;
			at += n;
			value += m;
		}
	}
	if (f != NULL)
		fclose(f);
	return found ? v : 0;
}

static int
read_raw(struct raw *r, struct error *err)
{
	struct nl_sock nl = { .fd = -1 };
	struct ct_list l = { 0 };
	int code;

	memset(r, 0, sizeof(*r));
	code = pf_kernel_totals(&r->totals, err);
	if (code == 0)
		code = nl_open(&nl, NETLINK_NETFILTER, -1, err);
	if (code == 0)
		code = ct_stats(&nl, &r->ct, err);
	if (code == 0)
		code = ct_dump(&nl, &l, err);
	r->states = pf_states_count(&l);
	r->fragments = snmp("/proc/net/snmp", "Ip:", "ReasmFails") +
	               snmp("/proc/net/snmp6", NULL, "Ip6ReasmFails");
	ct_list_fini(&l);
	nl_close(&nl);
	return code;
}

static uint64_t
plus(uint64_t v, int64_t kept)
{
	int64_t sum = (int64_t)v + kept;

	return sum > 0 ? (uint64_t)sum : 0;
}

static void
count(const struct raw *r, const struct pf_info_kept *k, struct pf_info *out)
{
	struct pf_totals t;
	uint64_t own[PF_INFO_NCOUNTS] = {
		[PF_INFO_FRAGMENT] = r->fragments,
		[PF_INFO_STATE_MISMATCH] = r->ct.invalid,
		[PF_INFO_STATE_INSERT] =
		    r->ct.insert_failed + r->ct.chain_too_long,
		[PF_INFO_STATE_LIMIT] = r->ct.drop + r->ct.early_drop,
	};

	for (unsigned f = 0; f < 2; f++)
		for (unsigned i = 0; i < PF_NTOTALS; i++) {
			t.packets[f][i] =
			    plus(r->totals.packets[f][i], k->packets[f][i]);
			t.bytes[f][i] =
			    plus(r->totals.bytes[f][i], k->bytes[f][i]);
		}
	out->iface = t;
	out->states = r->states;
	for (unsigned i = 0; i < PF_INFO_NCOUNTS; i++)
		out->count[i] = plus(own[i], k->count[i]);
	out->count[PF_INFO_SEARCHES] = pf_total_packets(&t, PF_TOTAL_SEARCHES);
	out->count[PF_INFO_INSERTS] = pf_total_packets(&t, PF_TOTAL_INSERTS);
	out->count[PF_INFO_MATCH] = pf_total_packets(&t, PF_TOTAL_MATCH);
	out->count[PF_INFO_IP_OPTION] = pf_total_packets(&t, PF_TOTAL_OPTIONS);
	/* What was made and is not there has been removed. */
	out->count[PF_INFO_REMOVALS] =
	    plus(out->count[PF_INFO_INSERTS],
	         k->count[PF_INFO_REMOVALS] - (int64_t)r->states);
}

int
pf_info_get(const struct pf_store *s, struct pf_info *out, struct error *err)
{
	static const char *const modes[] = { "never", "always", "adaptive" };
	const struct pf_options *o = &s->conf->opts;
	struct pf_info_kept kept;
	struct raw raw;

	if (read_raw(&raw, err) < 0)
		return err->code;
	load_kept(s, &kept);
	*out = (struct pf_info){
		.enabled = s->enabled,
		.since = s->since,
		.now = time(NULL),
		.debug = o->debug_set ? pf_debug_name(o->debug) : "urgent",
		.hostid = pf_hostid(s),
		.checksum = s->checksum,
		.ifname = o->loginterface,
		.syncookies =
		    modes[o->syncookies < ARRAY_LEN(modes) ? o->syncookies : 0],
	};
	if (out->ifname != NULL && strcmp(out->ifname, "none") == 0)
		out->ifname = NULL;
	count(&raw, &kept, out);
	return 0;
}

int
pf_info_clear(struct pf_store *s, struct error *err)
{
	struct pf_info_kept kept = { 0 };
	struct pf_info now;
	struct raw raw;

	if (read_raw(&raw, err) < 0)
		return err->code;
	count(&raw, &kept, &now);
	for (unsigned i = PF_INFO_MATCH + 1; i < PF_INFO_NCOUNTS; i++)
		kept.count[i] = -(int64_t)now.count[i];
	kept.count[PF_INFO_IP_OPTION] = 0; /* it is nft's */
	kept.count[PF_INFO_REMOVALS] = (int64_t)raw.states;
	for (unsigned f = 0; f < 2; f++)
		for (unsigned i = 0; i < PF_NTOTALS; i++) {
			kept.packets[f][i] = -(int64_t)raw.totals.packets[f][i];
			kept.bytes[f][i] = -(int64_t)raw.totals.bytes[f][i];
		}
	return save_kept(s, &kept, err);
}

int
pf_info_keep(struct pf_store *s, const struct pf_totals *gone,
             struct error *err)
{
	struct pf_info_kept kept;

	load_kept(s, &kept);
	for (unsigned f = 0; f < 2; f++)
		for (unsigned i = 0; i < PF_NTOTALS; i++) {
			kept.packets[f][i] += (int64_t)gone->packets[f][i];
			kept.bytes[f][i] += (int64_t)gone->bytes[f][i];
		}
	return save_kept(s, &kept, err);
}

/* --- printing --- */

static void
print_status(const struct pf_info *i, struct buf *out)
{
	int64_t up = i->since != 0 && i->now > i->since ? i->now - i->since : 0;
	char text[64], debug[16];

	snprintf(debug, sizeof(debug), "%s", i->debug);
	debug[0] = (char)toupper((unsigned char)debug[0]);
	snprintf(text, sizeof(text), "Status: %s for %u days %02u:%02u:%02u",
	         i->enabled ? "Enabled" : "Disabled", (unsigned)(up / 86400),
	         (unsigned)(up / 3600 % 24), (unsigned)(up / 60 % 60),
	         (unsigned)(up % 60));
	if (i->since == 0)
		snprintf(text, sizeof(text), "Status: %s",
		         i->enabled ? "Enabled" : "Disabled");
	buf_printf(out, "%-44s", text);
	snprintf(text, sizeof(text), "Debug: %s", debug);
	buf_printf(out, "%15s\n\n", text);
}

static void
print_pair(const char *name, unsigned indent, uint64_t v4, uint64_t v6,
           struct buf *out)
{
	buf_printf(out, "%*s%-*s %14" PRIu64 " %16" PRIu64 "\n", (int)indent,
	           "", 27 - (int)indent, name, v4, v6);
}

static void
print_packets(const struct pf_totals *t, enum pf_total all,
              enum pf_total blocked, struct buf *out)
{
	uint64_t passed[2];

	for (unsigned f = 0; f < 2; f++)
		passed[f] =
		    plus(t->packets[f][all], -(int64_t)t->packets[f][blocked]);
	print_pair("Passed", 4, passed[0], passed[1], out);
	print_pair("Blocked", 4, t->packets[0][blocked], t->packets[1][blocked],
	           out);
}

static void
print_interface(const struct pf_info *i, struct buf *out)
{
	const struct pf_totals *t = &i->iface;

	buf_printf(out, "Interface Stats for %-16s %5s %16s\n", i->ifname,
	           "IPv4", "IPv6");
	print_pair("Bytes In", 2, t->bytes[0][PF_TOTAL_IN],
	           t->bytes[1][PF_TOTAL_IN], out);
	print_pair("Bytes Out", 2, t->bytes[0][PF_TOTAL_OUT],
	           t->bytes[1][PF_TOTAL_OUT], out);
	buf_puts(out, "  Packets In\n");
	print_packets(t, PF_TOTAL_IN, PF_TOTAL_IN_BLOCKED, out);
	buf_puts(out, "  Packets Out\n");
	print_packets(t, PF_TOTAL_OUT, PF_TOTAL_OUT_BLOCKED, out);
	buf_putc(out, '\n');
}

static void
print_count(const struct pf_info *i, const char *name, uint64_t v,
            struct buf *out)
{
	int64_t up = i->since != 0 ? i->now - i->since : 0;

	buf_printf(out, "  %-25s %14" PRIu64 " ", name, v);
	if (up > 0)
		buf_printf(out, "%14.1f/s\n", (double)v / (double)up);
	else
		buf_printf(out, "%14s\n", "");
}

static void
print_zeros(const struct pf_info *i, const char *title, const char *const *name,
            size_t n, struct buf *out)
{
	buf_printf(out, "%s\n", title);
	for (size_t k = 0; k < n; k++)
		print_count(i, name[k], 0, out);
}

/* What only -v shows, and Linux does not count. */
static void
print_limits(const struct pf_info *i, struct buf *out)
{
	static const char *const limits[] = {
		"max states per rule",   "max-src-states",
		"max-src-nodes",         "max-src-conn",
		"max-src-conn-rate",     "overload table insertion",
		"overload flush states",
	};

	print_zeros(i, "Limit Counters", limits, ARRAY_LEN(limits), out);
	buf_printf(out, "Syncookies\n  %-25s %s\n", "mode", i->syncookies);
}

void
pf_info_print(const struct pf_info *i, unsigned verbose, struct buf *out)
{
	print_status(i, out);
	if (verbose > 0)
		buf_printf(out, "Hostid:   0x%08" PRIx32 "\nChecksum: 0x%s\n\n",
		           i->hostid,
		           i->checksum[0] != '\0'
		               ? i->checksum
		               : "00000000000000000000000000000000");
	if (i->ifname != NULL)
		print_interface(i, out);
	buf_printf(out, "%-27s %14s %16s\n", "State Table", "Total", "Rate");
	buf_printf(out, "  %-25s %14" PRIu64 " %14s\n", "current entries",
	           i->states, "");
	for (unsigned c = 0; c <= PF_INFO_REMOVALS; c++)
		print_count(i, names[c], i->count[c], out);
	if (verbose > 0) {
		buf_printf(out, "Source Tracking Table\n  %-25s %14u %14s\n",
		           "current entries", 0, "");
		for (unsigned c = 0; c <= PF_INFO_REMOVALS; c++)
			print_count(i, names[c], 0, out);
	}
	buf_puts(out, "Counters\n");
	for (unsigned c = PF_INFO_MATCH; c < PF_INFO_NCOUNTS; c++)
		print_count(i, names[c], i->count[c], out);
	if (verbose > 0)
		print_limits(i, out);
}
