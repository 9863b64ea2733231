/* SPDX-License-Identifier: BSD-2-Clause */
/* random.c - rulesets by chance, the same for a seed. */
#include "random.h"

#include <string.h>

/* xorshift: the same everywhere for a seed. */
static uint64_t seed = 1;

unsigned
rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

bool
often(unsigned percent)
{
	return rnd(100) < percent;
}

void
rnd_seed(uint64_t s)
{
	seed = s != 0 ? s : 1;
}

uint64_t
rnd_state(void)
{
	return seed;
}

static void
put_addr(struct buf *out, bool v6)
{
	unsigned net = rnd(2), host = FIRST_HOST + rnd(HOSTS);

	if (often(10)) {
		buf_printf(out, "<t%u>", rnd(3));
		return;
	}
	if (often(15)) {
		buf_puts(out, v6    ? net ? "fd01::/64" : "fd00::/64"
		              : net ? "10.1.0.0/24"
		                    : "10.0.0.0/24");
		return;
	}
	if (often(5) && !v6) {
		buf_printf(out, "10.%u.0.2 - 10.%u.0.%u", net, net, 3 + rnd(3));
		return;
	}
	buf_printf(out, v6 ? "fd0%u::%u" : "10.%u.0.%u", net, host);
}

static void
put_side(struct buf *out, const char *word, bool v6, bool ports)
{
	static const char *const ops[] = { "",   "= ",  "!= ", "< ",
		                           "> ", "<= ", ">= " };
	bool addr = often(50), port = ports && often(40);

	if (!addr && !port)
		return;
	buf_printf(out, " %s ", word);
	if (addr) {
		buf_puts(out, often(15) ? "! " : "");
		put_addr(out, v6);
	} else {
		buf_puts(out, "any");
	}
	if (!port)
		return;
	if (often(20))
		buf_printf(out, " port %u %s %u", 1 + rnd(4),
		           often(50) ? "><" : "<>", 4 + rnd(4));
	else if (often(20))
		buf_printf(out, " port %u:%u", 1 + rnd(4), 4 + rnd(4));
	else
		buf_printf(out, " port %s%u", ops[rnd(ARRAY_LEN(ops))],
		           1 + rnd(6));
}

static void
put_conditions(struct buf *out, bool anchor)
{
	static const char *const protos[] = { "tcp", "udp", "{ tcp udp }" };
	bool v6 = often(30), ports = false, family = v6 || often(40);

	if (often(60))
		buf_printf(out, " on %sf%u", often(15) ? "! " : "", rnd(2));
	if (family)
		buf_puts(out, v6 ? " inet6" : " inet");
	else if (often(50)) {
		/* No family: no addresses of one. */
		if (often(30)) {
			buf_printf(out, " proto %s", protos[rnd(3)]);
			ports = true;
		}
		if (ports && often(50))
			buf_printf(out, " to port %u", 1 + rnd(6));
		return;
	}
	if (often(50)) {
		buf_printf(out, " proto %s", protos[rnd(3)]);
		ports = true;
	} else if (often(20)) {
		buf_printf(out, " proto %s", v6 ? "icmp6" : "icmp");
		if (family && often(50) && !anchor)
			buf_printf(out, " all %s echoreq",
			           v6 ? "icmp6-type" : "icmp-type");
		return;
	}
	put_side(out, "from", v6, ports);
	put_side(out, "to", v6, ports);
}

static const char *const tags[] = { "RED", "GREEN", "BLUE" };

/* Do match rules change packets? Then all packets make states: what they change
 * where none is made is changed in one that another packet of the connection
 * makes (compat.md). */
static bool changing;
static unsigned n_changes;

/* Are there tags? Not beside old rules of translation: their states have none
 * for later packets where no filter rule made them (compat.md). */
static bool tagging;

static void
put_tags(struct buf *out)
{
	if (!tagging)
		return;
	if (often(15))
		buf_printf(out, " tag %s", tags[rnd(3)]);
	if (often(15))
		buf_printf(out, " %stagged %s", often(30) ? "! " : "",
		           tags[rnd(3)]);
}

/* To where it goes already is no translation for Linux. */
static unsigned
other_host(unsigned host)
{
	return FIRST_HOST + (host - FIRST_HOST + 1 + rnd(HOSTS - 1)) % HOSTS;
}

static void
put_changes(struct buf *out)
{
	static const char *const words[] = { "min-ttl 20", "no-df",
		                             "min-ttl 40, no-df, set-tos 0x20",
		                             "set-tos lowdelay",
		                             "random-id, max-mss 1000" };

	static const char *const apart[] = { "set-tos 0x48", "min-ttl 20",
		                             "no-df", "random-id" };

	/* Of several that change the same, see compat.md. */
	if (changing) {
		if (n_changes < ARRAY_LEN(apart))
			buf_printf(out, " scrub (%s)", apart[n_changes++]);
		return;
	}
	if (often(30))
		buf_printf(out, " set tos %u", 4 * rnd(64));
	else
		buf_printf(out, " scrub (%s)", words[rnd(ARRAY_LEN(words))]);
}

static void
put_scrub(struct buf *out)
{
	static const char *const words[] = { "min-ttl 20", "no-df",
		                             "min-ttl 40 set-tos 0x20 no-df",
		                             "set-tos 0x48 random-id",
		                             "fragment reassemble" };
	bool no = often(20);

	buf_printf(out, "%sscrub%s", no ? "no " : "",
	           often(50)   ? ""
	           : often(50) ? " in"
	                       : " out");
	put_conditions(out, true);
	if (!no)
		buf_printf(out, " %s", words[rnd(ARRAY_LEN(words))]);
	buf_putc(out, '\n');
}

static void
put_rule(struct buf *out)
{
	static const char *const directions[] = { "", " in", " out" };
	unsigned what = rnd(100);
	bool pass = what < (changing ? 60 : 45);
	bool match = changing ? !pass : what >= 90;

	size_t begin = out->len;

	buf_puts(out, pass ? "pass" : match ? "match" : "block");
	buf_puts(out, directions[rnd(3)]);
	if (often(20))
		buf_puts(out, " quick");
	put_conditions(out, false);
	put_tags(out);
	if ((pass && often(15)) || (changing && match))
		put_changes(out);
	if (pass && often(20) && !changing)
		buf_puts(out, often(50) ? " no state" : " flags any");
	else if (pass && often(20) && !changing &&
	         strstr(buf_str(out) + begin, " on f") != NULL)
		buf_puts(out, " keep state (if-bound)");
	buf_putc(out, '\n');
}

/* nat-to and its like, each with one outcome. */
static void
put_translating(struct buf *out)
{
	unsigned outer = rnd(2), inner = outer ^ 1, what = rnd(3);
	unsigned host = FIRST_HOST + rnd(HOSTS);
	const char *quick = often(30) ? " quick" : "";

	if (what == 0) {
		bool port = often(50);

		buf_printf(out, "pass in%s on f%u inet proto %s to 10.%u.0.%u",
		           quick, outer, often(50) ? "{ tcp udp }" : "udp",
		           inner, host);
		if (port)
			buf_printf(out, " port %u", 1 + rnd(6));
		put_tags(out);
		buf_printf(out, " rdr-to 10.%u.0.%u", inner, other_host(host));
		if (port)
			buf_printf(out, " port %u", 1 + rnd(6));
	} else {
		buf_printf(out, "pass%s%s on f%u inet from 10.%u.0.%u",
		           what == 1 ? " out" : "", quick, outer, inner, host);
		put_tags(out);
		if (what == 1)
			buf_printf(out, " nat-to 10.%u.0.200 static-port",
			           outer);
		else
			buf_printf(out, " binat-to 10.%u.0.%u", outer,
			           100 + host);
	}
	buf_putc(out, '\n');
}

/* Many rules of one shape, some the same. */
static void
put_run(struct buf *out)
{
	static const char *const words[] = { "pass", "block", "pass in",
		                             "block in" };
	unsigned shape = rnd(5);
	bool tag = tagging && often(20), v6 = often(20), quick = often(50);

	for (unsigned n = 8 + rnd(8); n > 0; n--) {
		unsigned net = rnd(2);

		buf_printf(out, "%s%s", words[rnd(ARRAY_LEN(words))],
		           quick ? " quick" : "");
		if (shape >= 3)
			buf_printf(out, " on f%u", rnd(2));
		buf_printf(out, " %s proto %s", v6 ? "inet6" : "inet",
		           often(70) ? "udp" : "tcp");
		if (shape != 1)
			buf_printf(out,
			           v6 ? " from fd0%u::%u" : " from 10.%u.0.%u",
			           net, FIRST_HOST + rnd(HOSTS));
		if (shape != 2)
			buf_printf(out, " to port %u", 1 + rnd(6));
		if (tag)
			buf_printf(out, " tag %s", tags[rnd(3)]);
		if (often(5))
			buf_puts(out, " no state");
		buf_putc(out, '\n');
	}
}

static void
put_rules(struct buf *out, unsigned n, unsigned depth)
{
	for (unsigned i = 0; i < n; i++) {
		if (depth < 3 && often(12)) {
			buf_puts(out, "anchor");
			buf_puts(out, often(30) ? " in" : "");
			buf_puts(out, often(25) ? " quick" : "");
			put_conditions(out, true);
			buf_puts(out, " {\n");
			put_rules(out, rnd(5), depth + 1);
			buf_puts(out, "}\n");
		} else if (often(8)) {
			put_translating(out);
		} else if (!changing && often(5)) {
			put_run(out);
		} else {
			put_rule(out);
		}
	}
}

/* Translation with one outcome: no ports to choose, no turns to take. */
static void
put_translation(struct buf *out)
{
	unsigned outer = rnd(2), inner = outer ^ 1;
	unsigned host = FIRST_HOST + rnd(HOSTS);
	bool port = often(50), ports = often(20);
	const char *no = often(15) ? "no " : "";
	const char *pass = no[0] == '\0' && often(20) ? " pass" : "";

	switch (rnd(3)) {
	case 0:
		buf_printf(out, "%srdr%s on f%u inet proto %s to 10.%u.0.%u",
		           no, pass, outer, often(50) ? "{ tcp udp }" : "udp",
		           inner, host);
		if (ports)
			buf_printf(out, " port %u:%u", 1 + rnd(3), 4 + rnd(4));
		else if (port)
			buf_printf(out, " port %u", 1 + rnd(6));
		if (no[0] != '\0')
			break;
		buf_printf(out, " -> 10.%u.0.%u", inner, other_host(host));
		if (ports)
			buf_printf(out, " port %u:*", 1 + rnd(6));
		else if (port)
			buf_printf(out, " port %u", 1 + rnd(6));
		break;
	case 1:
		buf_printf(out, "%sbinat%s on f%u inet from 10.%u.0.%u to any",
		           no, pass, outer, inner, host);
		if (no[0] == '\0')
			buf_printf(out, " -> 10.%u.0.%u", outer, 100 + host);
		break;
	default:
		if (no[0] == '\0' && often(20)) {
			buf_printf(out,
			           "nat on f%u inet from 10.%u.0.0/24 -> "
			           "10.%u.0.96/28 bitmask static-port",
			           outer, inner, outer);
			break;
		}
		buf_printf(out, "%snat%s on f%u inet from 10.%u.0.%u", no, pass,
		           outer, inner, host);
		if (no[0] == '\0')
			buf_printf(out, " -> 10.%u.0.200 static-port", outer);
		break;
	}
	buf_putc(out, '\n');
}

/* Rules of translation, and some in an anchor among them. */
static void
put_translations(struct buf *out, struct buf *file)
{
	static const char *const anchors[] = { "nat", "rdr", "binat" };
	bool anchored = often(30);

	for (unsigned i = rnd(5); i > 0; i--)
		put_translation(out);
	for (unsigned i = 0; anchored && i < 3; i++) {
		buf_printf(out, "%s-anchor \"nats\"", anchors[i]);
		if (often(30))
			buf_printf(out, " on f%u", rnd(2));
		buf_putc(out, '\n');
	}
	for (unsigned i = rnd(3); i > 0; i--)
		put_translation(out);
	for (unsigned i = 1 + rnd(3); anchored && i > 0; i--)
		put_translation(file);
	if (anchored)
		buf_puts(out, "load anchor nats from nats\n");
}

void
random_ruleset(struct buf *out, struct buf *file)
{
	for (unsigned t = 0; t < 3; t++) {
		buf_printf(out, "table <t%u> {", t);
		for (unsigned i = rnd(5); i > 0; i--) {
			buf_printf(out, " %s10.%u.0.%u", often(20) ? "!" : "",
			           rnd(2), FIRST_HOST + rnd(HOSTS));
			if (often(20))
				buf_printf(out, "/%u", 24 + rnd(8));
		}
		if (often(50))
			buf_printf(out, " fd0%u::%u", rnd(2), FIRST_HOST);
		buf_puts(out, " }\n");
	}
	for (unsigned i = often(30) ? rnd(4) : 0; i > 0; i--)
		put_scrub(out);
	tagging = often(60);
	if (!tagging)
		put_translations(out, file);
	changing = often(15);
	n_changes = 0;
	if (changing)
		buf_puts(out, "pass\n");
	else if (often(40))
		buf_puts(out, "block\n");
	put_rules(out, 1 + rnd(12), 0);
}
