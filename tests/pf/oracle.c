/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle.c - compiled rulesets against the reference, with real packets.
 *
 * Random rulesets are compiled and loaded in a network namespace of our own;
 * packets go in by one interface and come out by the other, or do not, and
 * eval.c must have said so. A difference is printed with its ruleset and seed.
 *
 *	oracle [-s seed] [-n rulesets] [-p packets] [-v]
 */
#include <linux/if_tun.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "pf/addr.h"
#include "pf/compile.h"
#include "pf/eval.h"
#include "pf/explain.h"
#include "pf/pf.h"
#include "random.h"

enum { MAX_PACKETS = 1000 };

/* --- the machine --- */

/* f0 and f1 are taps whose other ends we hold: a frame that we write has gone
 * all its way through the machine when the call returns, in order and however
 * busy the machine is. */
static const char setup[] =
    "set -e\n"
    "ip link set lo up\n"
    "for i in 0 1; do\n"
    "  ip link set f$i addrgenmode none address 02:00:00:00:01:0$i\n"
    "  ip link set f$i up\n"
    "  ip addr add 10.$i.0.1/24 dev f$i\n"
    "  ip -6 addr add fd0$i::1/64 dev f$i nodad\n"
    "  for h in 2 3 4 5 102 103 104 105 200; do\n"
    "    ip neigh add 10.$i.0.$h lladdr 02:00:00:00:02:0$i dev f$i\n"
    "    ip neigh add fd0$i::$h lladdr 02:00:00:00:02:0$i dev f$i\n"
    "  done\n"
    "  echo 0 >/proc/sys/net/ipv4/conf/f$i/rp_filter\n"
    "  echo 0 >/proc/sys/net/ipv4/conf/f$i/send_redirects\n"
    "done\n"
    "echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter\n"
    "echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects\n"
    "echo 1 >/proc/sys/net/ipv4/ip_forward\n"
    "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding\n";

static bool
run(const char *script)
{
	int status = system(script); /* NOLINT: our own text */

	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int
wire(const char *ifname)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	strcpy(ifr.ifr_name, ifname);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0) {
		perror(ifname);
		exit(1);
	}
	return fd;
}

/* Forget all connections. */
static void
forget(void)
{
	struct {
		struct nlmsghdr nl;
		struct nfgenmsg nf;
	} msg = { .nl = { .nlmsg_len = sizeof(msg),
		          .nlmsg_type =
		              NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
		          .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK } };
	char answer[4096];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (send(fd, &msg, sizeof(msg), 0) < 0 ||
	    recv(fd, answer, sizeof(answer), 0) < 0)
		perror("conntrack");
	close(fd);
}

/* --- packets --- */

struct shot {
	struct pf_packet pkt;   /* as it comes in */
	struct pf_packet after; /* as it goes out */
	unsigned side;          /* it comes by f0 or f1 */
	bool expected, seen;
	bool other; /* what was seen is not what was to be */
};

static bool
is_icmp(const struct pf_packet *p)
{
	return p->proto == PF_PROTO_ICMP || p->proto == PF_PROTO_ICMP6;
}

/* By which interface does an address go? */
static unsigned
side_of(const struct pf_packet *p)
{
	return p->dst.b[1]; /* 10.SIDE.0.n, fd0SIDE::n */
}

/* The answer of whom it went to. */
static void
turn(struct shot *s)
{
	struct pf_packet *p = &s->pkt;
	struct pf_ip ip;
	uint16_t port;

	s->side = side_of(&s->after);
	p->src = s->after.src;
	p->dst = s->after.dst;
	p->sport = s->after.sport;
	p->dport = s->after.dport;
	ip = p->src;
	port = p->sport;

	p->src = p->dst;
	p->dst = ip;
	p->sport = p->dport;
	p->dport = port;
	if (is_icmp(p))
		p->icmp_type = p->proto == PF_PROTO_ICMP ? 0 : 129;
}

/* Do packets also come by the wrong interface? Not where rules translate: Linux
 * goes by what it knows of the connection, and pf asks them again (compat.md).
 */
static bool strays;

/* The same as an earlier one, or its answer. Linux has no connection for an
 * answer to an echo that was not asked for, nor for one within TCP. */
static void
another_packet(struct shot *s, const struct shot *before, unsigned n)
{
	const struct shot *b = &before[rnd(n)];
	bool request = b->pkt.icmp_type == 8 || b->pkt.icmp_type == 128;

	*s = *b;
	s->seen = false;
	s->other = false;
	if (often(70) && b->pkt.proto != PF_PROTO_TCP && b->expected &&
	    (!is_icmp(&b->pkt) || request))
		turn(s);
	/* By the other interface: not for states that are bound to theirs. */
	else if (strays && often(10))
		s->side ^= 1;
}

static void
random_packet(struct shot *s, const struct shot *before, unsigned n)
{
	struct pf_packet *p = &s->pkt;
	char text[64];

	memset(s, 0, sizeof(*s));
	if (n > 0 && often(40)) {
		another_packet(s, before, n);
		return;
	}
	s->side = rnd(2);
	p->af = often(30) ? PF_AF_INET6 : PF_AF_INET;
	p->proto = often(45)              ? PF_PROTO_UDP
	           : often(70)            ? PF_PROTO_TCP
	           : p->af == PF_AF_INET6 ? PF_PROTO_ICMP6
	                                  : PF_PROTO_ICMP;
	for (unsigned to = 0; to < 2; to++) {
		struct pf_ip *ip = to == 0 ? &p->src : &p->dst;

		snprintf(text, sizeof(text),
		         p->af == PF_AF_INET6 ? "fd0%u::%u" : "10.%u.0.%u",
		         s->side ^ to, FIRST_HOST + rnd(HOSTS));
		inet_pton(p->af, text, ip->b);
	}
	/* Outer addresses of binat and nat, too. */
	if (p->af == PF_AF_INET && often(15)) {
		p->dst.b[1] = (uint8_t)s->side;
		p->dst.b[3] = (uint8_t)(often(80) ? 100 + p->dst.b[3] : 200);
	}
	p->ttl = (uint8_t)(often(50) ? 64 : 5);
	p->tos = (uint8_t)(often(70) ? 0 : rnd(256));
	p->df = p->af == PF_AF_INET && often(50);
	p->sport = (uint16_t)(1 + rnd(8));
	p->dport = (uint16_t)(1 + rnd(8));
	if (p->proto == PF_PROTO_TCP)
		p->tcp_flags = 0x02;
	if (p->proto == PF_PROTO_ICMP || p->proto == PF_PROTO_ICMP6) {
		/* Linux tells two that ask each other with one id apart. */
		p->icmp_type = p->proto == PF_PROTO_ICMP ? 8 : 128;
		p->sport = p->dport = (uint16_t)(p->sport + 100 * s->side);
	}
}

static uint32_t
sum(uint32_t so_far, const void *data, size_t len)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < len; i++)
		so_far += i % 2 == 0 ? (uint32_t)b[i] << 8 : b[i];
	return so_far;
}

static uint16_t
fold(uint32_t s)
{
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)~s);
}

static void
put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* The layer above IP, its number in the last four bytes. */
static size_t
build_upper(const struct pf_packet *p, uint32_t number, uint8_t *to)
{
	size_t size = p->proto == PF_PROTO_TCP ? 20 : 8;
	size_t ip = p->af == PF_AF_INET6 ? 16 : 4, len = size + 4;
	uint32_t s = 0, id = htonl(number);
	size_t check = p->proto == PF_PROTO_TCP   ? 16
	               : p->proto == PF_PROTO_UDP ? 6
	                                          : 2;
	uint16_t c;

	memset(to, 0, size);
	if (p->proto == PF_PROTO_ICMP || p->proto == PF_PROTO_ICMP6) {
		to[0] = p->icmp_type;
		put16(to + 4, p->sport);
	} else {
		put16(to, p->sport);
		put16(to + 2, p->dport);
	}
	if (p->proto == PF_PROTO_UDP)
		put16(to + 4, (unsigned)len);
	if (p->proto == PF_PROTO_TCP) {
		to[12] = 0x50;
		to[13] = p->tcp_flags;
		put16(to + 14, 1000);
	}
	memcpy(to + size, &id, 4);
	if (p->proto != PF_PROTO_ICMP) {
		s = sum(s, p->src.b, ip);
		s = sum(s, p->dst.b, ip);
		s += p->proto + (uint32_t)len;
	}
	c = fold(sum(s, to, len));
	memcpy(to + check, &c, 2);
	return len;
}

static size_t
build(const struct shot *s, uint32_t number, uint8_t *to)
{
	const struct pf_packet *p = &s->pkt;
	bool v6 = p->af == PF_AF_INET6;
	uint8_t *ip = to + 14, *upper = ip + (v6 ? 40 : 20);
	size_t len = build_upper(p, number, upper);
	uint16_t c;

	memset(to, 0, 14 + 40);
	len = build_upper(p, number, upper);
	memcpy(to, "\x02\0\0\0\x01", 5);
	to[5] = (uint8_t)s->side;
	memcpy(to + 6, "\x02\0\0\0\0", 5);
	to[11] = (uint8_t)s->side;
	put16(to + 12, v6 ? ETH_P_IPV6 : ETH_P_IP);
	if (v6) {
		put16(ip, 0x6000U | p->tos << 4);
		put16(ip + 4, (unsigned)len);
		ip[6] = p->proto;
		ip[7] = p->ttl;
		memcpy(ip + 8, p->src.b, 16);
		memcpy(ip + 24, p->dst.b, 16);
		return 54 + len;
	}
	ip[0] = 0x45;
	ip[1] = p->tos;
	ip[6] = p->df ? 0x40 : 0;
	put16(ip + 2, (unsigned)(20 + len));
	put16(ip + 4, number & 0xffff);
	ip[8] = p->ttl;
	ip[9] = p->proto;
	memcpy(ip + 12, p->src.b, 4);
	memcpy(ip + 16, p->dst.b, 4);
	c = fold(sum(0, ip, 20));
	memcpy(ip + 10, &c, 2);
	return 34 + len;
}

/* Has a frame what rules may have changed? */
static bool
is_changed_as(const struct pf_packet *p, const uint8_t *ip)
{
	if (p->af == PF_AF_INET6)
		return ((ip[0] << 4 | ip[1] >> 4) & 0xff) == p->tos &&
		       ip[7] == p->ttl;
	return ip[1] == p->tos && ip[8] == p->ttl &&
	       ((ip[6] & 0x40) != 0) == p->df;
}

/* Has a frame the addresses and ports? */
static bool
is_as(const struct pf_packet *p, const uint8_t *frame)
{
	bool v6 = p->af == PF_AF_INET6;
	const uint8_t *ip = frame + 14, *upper = ip + (v6 ? 40 : 20);
	size_t len = v6 ? 16 : 4;

	if (!is_changed_as(p, ip) ||
	    memcmp(ip + (v6 ? 8 : 12), p->src.b, len) != 0 ||
	    memcmp(ip + (v6 ? 24 : 16), p->dst.b, len) != 0)
		return false;
	if (is_icmp(p))
		return (upper[4] << 8 | upper[5]) == p->sport;
	return (upper[0] << 8 | upper[1]) == p->sport &&
	       (upper[2] << 8 | upper[3]) == p->dport;
}

/* Mark what came out by fd, of the packets from base on. */
static void
collect(int fd, uint32_t base, struct shot *shots, unsigned n)
{
	uint8_t frame[2048];
	ssize_t len;

	while ((len = read(fd, frame, sizeof(frame))) > 0) {
		uint32_t id;

		if (len < 46)
			continue;
		memcpy(&id, frame + len - 4, 4);
		id = ntohl(id) - base;
		if (id >= n)
			continue;
		shots[id].seen = true;
		shots[id].other = !is_as(&shots[id].after, frame);
	}
}

/* --- a ruleset and its packets --- */

struct bed {
	struct nft_ctx *nft;
	struct pf_world world;
	int wire[2];
	uint32_t next; /* number of a packet */
	unsigned packets;
	bool verbose;
};

/* The file that random_ruleset() made. */
static struct buf file = BUF_INIT;

static int
read_file(void *ctx, const char *path, char **out_text, size_t *out_len,
          struct error *err)
{
	(void)ctx;
	*out_text = strdup(buf_str(&file));
	*out_len = file.len;
	return *out_text != NULL ? 0 : error_set(err, -ENOMEM, "%s", path);
}

static void
tell(void *ctx, const char *line)
{
	(void)ctx;
	fprintf(stderr, "%s\n", line);
}

static struct pf_config *
load(struct bed *b, const struct buf *rules)
{
	const struct pf_parse_env env = { .world = &b->world,
		                          .want = PF_WANT_ALL,
		                          .tell = tell };
	const struct pf_compile_env how = { .world = &b->world };
	cleanup_buf struct buf program = BUF_INIT;
	struct pf_config *conf = NULL;
	struct error err;

	if (pf_parse(&env, "random", buf_str(rules), rules->len, &conf, &err) <
	        0 ||
	    pf_compile(conf, &how, &program, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		pf_config_free(conf);
		return NULL;
	}
	if (nft_run_cmd_from_buffer(b->nft, buf_str(&program)) != 0) {
		fprintf(stderr, "%s%s", nft_ctx_get_error_buffer(b->nft),
		        buf_str(&program));
		pf_config_free(conf);
		return NULL;
	}
	return conf;
}

static bool
same(const struct pf_packet *p, const struct pf_packet *q)
{
	return p->af == q->af && p->proto == q->proto &&
	       pf_ip_cmp(&p->src, &q->src) == 0 &&
	       pf_ip_cmp(&p->dst, &q->dst) == 0 && p->sport == q->sport &&
	       p->dport == q->dport;
}

static bool
answers(const struct pf_packet *p, const struct pf_packet *q)
{
	return p->af == q->af && p->proto == q->proto &&
	       pf_ip_cmp(&p->src, &q->dst) == 0 &&
	       pf_ip_cmp(&p->dst, &q->src) == 0 && p->sport == q->dport &&
	       p->dport == q->sport;
}

/* Is one of the packets before of the same connection, and went through? */
static bool
is_known(const struct shot *shots, unsigned n)
{
	const struct pf_packet *p = &shots[n].pkt;

	for (unsigned i = 0; i < n; i++)
		if (shots[i].expected &&
		    (same(p, &shots[i].pkt) || answers(p, &shots[i].after)))
			return true;
	return false;
}

/* Would it go out just as one of another connection did? Linux then chooses
 * another port; pf has its states apart, or refuses. */
static bool
collides(const struct shot *shots, unsigned n)
{
	const struct shot *s = &shots[n];

	for (unsigned i = 0; i < n; i++)
		if (shots[i].expected &&
		    ((same(&s->after, &shots[i].after) &&
		      !same(&s->pkt, &shots[i].pkt)) ||
		     (answers(&s->after, &shots[i].pkt) &&
		      !answers(&s->pkt, &shots[i].after)) ||
		     (same(&s->pkt, &shots[i].pkt) &&
		      !same(&s->after, &shots[i].after)) ||
		     (answers(&s->pkt, &shots[i].after) &&
		      !answers(&s->after, &shots[i].pkt))))
			return true;
	return false;
}

/* Both crossings of a packet that is forwarded. Linux forgets a connection
 * whose first packet does not get through, and with it the state that pf would
 * keep of the first crossing: stricter than pf, and told in compat.md. */
static bool
expect(struct bed *b, const struct pf_config *conf, struct pf_flows *flows,
       struct shot *shots, unsigned n)
{
	const struct pf_eval_env env = { .world = &b->world };
	struct shot *s = &shots[n];
	struct pf_packet pkt = s->pkt;
	struct pf_verdict in, out;

	s->after = s->pkt;
	pkt.known = is_known(shots, n);
	pkt.dir = PF_IN;
	pkt.ifname = s->side == 0 ? "f0" : "f1";
	if (pf_eval(conf, &env, flows, &pkt, &in) < 0 || !in.pass)
		return false;
	pkt = in.after;
	pkt.dir = PF_OUT;
	pkt.rcv_if = pkt.ifname;
	pkt.ifname = side_of(&pkt) == 0 ? "f0" : "f1";
	pkt.tag = in.tag;
	pkt.ttl--;
	if (pf_eval(conf, &env, flows, &pkt, &out) < 0)
		return false;
	s->after = out.after;
	if (out.pass)
		return true;
	if (in.makes_state && !is_known(shots, n))
		pf_flows_forget_newest(flows);
	return false;
}

/* Ask the reference; false, and nothing remembered: the packet would collide
 * with a translated one. */
static bool
settle(struct bed *b, const struct pf_config *conf, struct pf_flows *flows,
       struct shot *shots, unsigned n)
{
	struct pf_flow *before = flows->first;

	shots[n].expected = expect(b, conf, flows, shots, n);
	if (!collides(shots, n))
		return true;
	while (flows->first != before)
		pf_flows_forget_newest(flows);
	return false;
}

static void
describe(const struct shot *s, unsigned n)
{
	char src[46], dst[46];

	printf("packet %u: in on f%u proto %u from %s port %u to %s port %u: ",
	       n, s->side, s->pkt.proto,
	       pf_ip_text(s->pkt.af, &s->pkt.src, src), s->pkt.sport,
	       pf_ip_text(s->pkt.af, &s->pkt.dst, dst), s->pkt.dport);
	printf("%s, not %s\n",
	       s->seen && s->expected ? "changed otherwise"
	       : s->seen              ? "passed"
	                              : "blocked",
	       s->expected ? "passed" : "blocked");
}

static unsigned
differing(const struct shot *shots, unsigned n)
{
	unsigned differ = 0;

	for (unsigned i = 0; i < n; i++)
		if (shots[i].seen != shots[i].expected ||
		    (shots[i].seen && shots[i].other)) {
			if (differ++ < 5)
				describe(&shots[i], i);
		}
	return differ;
}

static int
one_ruleset(struct bed *b, unsigned *passed)
{
	static struct shot shots[MAX_PACKETS];
	cleanup_buf struct buf rules = BUF_INIT;
	struct pf_flows flows = { NULL };
	struct pf_config *conf;
	uint64_t at = rnd_state();
	unsigned differ;

	buf_reset(&file);
	random_ruleset(&rules, &file);
	strays = strstr(buf_str(&rules), "->") == NULL &&
	         strstr(buf_str(&rules), "-to ") == NULL && file.len == 0;

	if (b->verbose)
		printf("--- seed %llu\n%s", (unsigned long long)at,
		       buf_str(&rules));
	conf = load(b, &rules);
	if (conf == NULL) {
		printf("seed %llu:\n%s", (unsigned long long)at,
		       buf_str(&rules));
		return -1;
	}
	forget();
	for (unsigned i = 0; i < b->packets; i++) {
		uint8_t frame[256];
		size_t len;

		do
			random_packet(&shots[i], shots, i);
		while (!settle(b, conf, &flows, shots, i));
		*passed += shots[i].expected;
		len = build(&shots[i], b->next + i, frame);
		if (write(b->wire[shots[i].side], frame, len) < 0)
			perror("write");
	}
	for (unsigned w = 0; w < 2; w++)
		collect(b->wire[w], b->next, shots, b->packets);
	b->next += b->packets;
	differ = differing(shots, b->packets);
	if (differ > 0)
		printf("%u differ: -s %llu -n 1\n%s%s", differ,
		       (unsigned long long)at, buf_str(&rules), buf_str(&file));
	pf_flows_fini(&flows);
	pf_config_free(conf);
	return differ == 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	/* Numbers that no other packet ends in. */
	struct bed b = { .packets = 200, .next = 0x5a000000 };
	unsigned n = 50, bad = 0, passed = 0;
	int opt;

	while ((opt = getopt(argc, argv, "s:n:p:v")) != -1)
		switch (opt) {
		case 's':
			rnd_seed(strtoull(optarg, NULL, 10));
			break;
		case 'n':
			n = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			b.packets = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'v':
			b.verbose = true;
			break;
		default:
			return 2;
		}
	if (b.packets > MAX_PACKETS || unshare(CLONE_NEWNET) < 0 ||
	    (b.wire[0] = wire("f0")) < 0 || (b.wire[1] = wire("f1")) < 0 ||
	    !run(setup)) {
		perror("a network namespace of our own");
		return 1;
	}
	b.nft = nft_ctx_new(NFT_CTX_DEFAULT);
	nft_ctx_buffer_error(b.nft);
	pf_world_host(&b.world);
	b.world.read = read_file;
	for (unsigned i = 0; i < n && bad < 3; i++)
		bad += one_ruleset(&b, &passed) < 0;
	printf("%u rulesets of %u packets, %u of all passed: %u rulesets "
	       "differ\n",
	       n, b.packets, passed, bad);
	nft_ctx_free(b.nft);
	return bad == 0 ? 0 : 1;
}
