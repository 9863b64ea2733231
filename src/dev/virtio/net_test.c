/* SPDX-License-Identifier: BSD-2-Clause */
/* net_test.c - virtio-net as a driver sees it: over nothing, and over a tap in
 * a network namespace of the test's own, whose other side is a packet socket.
 */
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "dev/mac.h"
#include "dev/virtio/card_fake.h"
#include "dev/virtio/net.h"
#include "vmm/mem.h"
#include "vmm/pci.h"

enum { RX = 0x100000, TX = 0x140000, ACK = 0x170000, CTL = 0x171000 };
enum { ETHERTYPE = 0x88b5, HEADER = 12, LEGACY_HEADER = 10 };

#define MERGE  (1ull << 15)
#define MODERN (1ull << 32)
#define ALL    UINT64_MAX

static bool have_netns;

struct wire {
	struct card c;
	int fd; /* the packet socket */
	struct sockaddr_ll at;
};

static void
make(struct card *c, const char *a, const char *b, const char *d)
{
	const char *const lines[] = { a, b, d, NULL };
	struct error err;

	assert_int_equal(card_make(c, &virtio_net, lines, &err), 0);
}

static void
refused(const char *line)
{
	const char *const lines[] = { line, NULL };
	struct error err;
	struct card c;

	assert_true(card_make(&c, &virtio_net, lines, &err) < 0);
}

/* A card without a network, whose driver has it do all it can. */
static void
make_driven(struct card *c)
{
	make(c, NULL, NULL, NULL);
	(void)card_up(c, ALL, 3, 64);
}

/* The other side of the tap. */
static void
attach(struct wire *w, const char *tap)
{
	w->at = (struct sockaddr_ll){ .sll_family = AF_PACKET,
		                      .sll_protocol = htons(ETHERTYPE),
		                      .sll_ifindex = (int)if_nametoindex(tap) };
	w->fd = socket(AF_PACKET, SOCK_RAW, htons(ETHERTYPE));
	assert_true(w->fd >= 0);
	assert_int_equal(bind(w->fd, (struct sockaddr *)&w->at, sizeof(w->at)),
	                 0);
}

/* A card on a tap, and its wire. Skips where there may be none. */
static void
wire_make(struct wire *w)
{
	if (!have_netns)
		skip();
	make(&w->c, "backend=tap7", "mac=02:00:00:00:00:07", "mtu=9000");
	attach(w, "tap7");
}

static void
wire_up(struct wire *w, uint64_t features)
{
	wire_make(w);
	(void)card_up(&w->c, features, 3, 64);
}

static void
wire_down(struct wire *w)
{
	close(w->fd);
	card_free(&w->c);
}

static void
frame(uint8_t *f, unsigned len, uint8_t fill)
{
	static const uint8_t head[14] = { 2, 0, 0, 0, 0, 7,    2,
		                          0, 0, 0, 0, 8, 0x88, 0xb5 };

	memset(f, fill, len);
	memcpy(f, head, sizeof(head));
}

static void
to_wire(struct wire *w, unsigned len, uint8_t fill)
{
	uint8_t sent[2048];

	frame(sent, len, fill);
	assert_int_equal(send(w->fd, sent, len, 0), len);
}

/* len bytes from the wire, waiting for them. */
static ssize_t
from_wire(struct wire *w, uint8_t *buf, size_t len)
{
	struct pollfd p = { w->fd, POLLIN, 0 };

	if (poll(&p, 1, 5000) != 1)
		return -1;
	return recv(w->fd, buf, len, 0);
}

static void
the_address_is_bhyves(void **state)
{
	uint8_t mac[6];
	struct card c;

	(void)state;
	mac_derive(3, 0, "fake", mac);
	assert_memory_equal(mac, "\x58\x9c\xfc", 3);
	make(&c, NULL, NULL, NULL);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(card_config(&c, i, 1), mac[i]);
	assert_int_equal(card_config(&c, 6, 2), 1); /* link up */
	assert_int_equal(card_config(&c, 8, 2), 1); /* a pair */
	assert_int_equal(card_offered(&c) >> 3 & 1, 0);
	card_free(&c);

	make(&c, "mac=02:ab:cd:0:1:ff", "mtu=1400", NULL);
	assert_int_equal(card_config(&c, 0, 4), 0x00cdab02);
	assert_int_equal(card_config(&c, 4, 2), 0xff01);
	assert_int_equal(card_config(&c, 10, 2), 1400);
	assert_int_equal(card_offered(&c) >> 3 & 1, 1);
	card_free(&c);
}

static void
keys_are_checked(void **state)
{
	static const char *const bad[] = {
		"mac=02:00:00:00:00",
		"mac=01:00:00:00:00:01",
		"mac=00:00:00:00:00:00",
		"mac=02:00:00:00:00:100",
		"mac=02-00-00-00-00-01",
		"mtu=67",
		"mtu=65536",
		"queues=0",
		"queues=9",
		"backend=vale0:1",
		"open=perhaps",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refused(bad[i]);
}

/* One command with len bytes after class and number; the answer. */
static int
control_at(struct card *c, unsigned queue, uint8_t class, uint8_t number,
           const void *p, uint32_t len)
{
	const uint8_t head[2] = { class, number };
	const struct fake_part parts[] = { { CTL, 2, 0 },
		                           { CTL + 2, len, 0 },
		                           { ACK, 1, FAKE_WRITE } };
	uint8_t ack = 0xee;

	fake_put(c->f.vm->mem, CTL, head, 2);
	fake_put(c->f.vm->mem, CTL + 2, p, len);
	fake_put(c->f.vm->mem, ACK, &ack, 1);
	assert_int_equal(card_do(c, queue, parts, 3), 1);
	fake_get(c->f.vm->mem, ACK, &ack, 1);
	return ack;
}

static int
control(struct card *c, uint8_t class, uint8_t number, const void *p,
        uint32_t len)
{
	return control_at(c, 2, class, number, p, len);
}

static void
commands_are_answered(void **state)
{
	static const uint8_t mac[6] = { 2, 3, 4, 5, 6, 7 };
	const uint16_t pairs = 1;
	const uint64_t offloads = 1;
	uint16_t vlan = 7;
	struct card c;

	(void)state;
	make_driven(&c);
	assert_int_equal(control(&c, 1, 1, mac, 6), 0);
	assert_int_equal(card_config(&c, 0, 4), 0x05040302);
	assert_int_equal(control(&c, 1, 1, mac, 5), 1);
	assert_int_equal(control(&c, 1, 0, mac, 6), 1);
	assert_int_equal(control(&c, 4, 0, &pairs, 2), 1); /* no MQ */
	assert_int_equal(control(&c, 5, 0, &offloads, 8), 1);
	assert_int_equal(control(&c, 99, 0, mac, 6), 1);
	assert_int_equal(control(&c, 0, 0, mac, 1), 0);
	assert_int_equal(control(&c, 0, 5, mac, 1), 0);
	assert_int_equal(control(&c, 0, 6, mac, 1), 1);
	assert_int_equal(control(&c, 0, 0, mac, 2), 1);
	assert_int_equal(control(&c, 2, 0, &vlan, 2), 0);
	assert_int_equal(control(&c, 2, 1, &vlan, 2), 0);
	assert_int_equal(control(&c, 2, 2, &vlan, 2), 1);
	vlan = 4096;
	assert_int_equal(control(&c, 2, 0, &vlan, 2), 1);
	card_reset(&c);
	assert_int_not_equal(card_config(&c, 0, 4), 0x05040302);
	card_free(&c);
}

/* Tables of addresses: uni and multi of them are said to be there, and bytes
 * are. */
static int
tables(struct card *c, uint32_t uni, uint32_t multi, uint32_t bytes)
{
	static uint8_t body[8 + 6 * 300];

	assert_true(bytes <= sizeof(body));
	memcpy(body, &uni, 4);
	if (4 + 6 * (size_t)uni + 4 <= sizeof(body))
		memcpy(body + 4 + 6 * (size_t)uni, &multi, 4);
	return control(c, 1, 0, body, bytes);
}

static void
tables_are_as_long_as_they_say(void **state)
{
	struct card c;

	(void)state;
	make_driven(&c);
	assert_int_equal(tables(&c, 0, 0, 8), 0);
	assert_int_equal(tables(&c, 1, 1, 20), 0);
	assert_int_equal(tables(&c, 64, 64, 8 + 6 * 128), 0);
	assert_int_equal(tables(&c, 100, 150, 8 + 6 * 250), 0);
	assert_int_equal(tables(&c, 1, 1, 19), 1);
	assert_int_equal(tables(&c, 1, 1, 21), 1);
	assert_int_equal(tables(&c, 0, 0, 4), 1);
	assert_int_equal(tables(&c, UINT32_MAX, 0, 8), 1);
	assert_int_equal(tables(&c, 0, UINT32_MAX, 8), 1);
	/* Commands of features that the driver did not take. */
	(void)card_up(&c, ALL & ~(7ull << 18), 3, 64);
	assert_int_equal(tables(&c, 0, 0, 8), 1);
	assert_int_equal(control(&c, 0, 0, "", 1), 1);
	assert_int_equal(control(&c, 0, 2, "", 1), 1);
	assert_int_equal(control(&c, 2, 0, "\1", 2), 1);
	card_free(&c);
}

static void
frames_are_swallowed_without_a_network(void **state)
{
	const struct fake_part part = { TX, 100, 0 };
	const struct fake_part tiny = { TX, 4, 0 };
	struct card c;

	(void)state;
	make_driven(&c);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(card_do(&c, 1, &part, 1), 0);
	assert_int_equal(card_do(&c, 1, &tiny, 1), 0);
	assert_int_equal(card_status(&c), 0x0f);
	card_free(&c);
}

static void
frames_reach_the_wire(void **state)
{
	uint8_t sent[1600], got[1600];
	struct wire w;

	(void)state;
	for (unsigned face = 0; face < 2; face++) {
		unsigned head = face == 0 ? HEADER : LEGACY_HEADER;
		static const uint8_t none[HEADER];

		wire_make(&w);
		w.c.legacy = face == 1;
		assert_int_equal(
		    card_up(&w.c, face == 0 ? ALL : 0, 3, 64) & 0x44, 4);
		for (unsigned len = 60; len <= 1514; len += 97) {
			/* In one part, and cut inside of header and frame. */
			const struct fake_part parts[] = {
				{ TX, 5, 0 },
				{ TX + 5, head, 0 },
				{ TX + 5 + head, len - 5, 0 },
			};
			const struct fake_part one = { TX, head + len, 0 };

			frame(sent, len, (uint8_t)len);
			fake_put(w.c.f.vm->mem, TX, none, head);
			fake_put(w.c.f.vm->mem, TX + head, sent, len);
			assert_int_equal(card_do(&w.c, 1,
			                         len % 2 == 0 ? parts : &one,
			                         len % 2 == 0 ? 3 : 1),
			                 0);
			assert_int_equal(from_wire(&w, got, sizeof(got)), len);
			assert_memory_equal(got, sent, len);
		}
		wire_down(&w);
	}
}

static void
give_queue(struct card *c, unsigned queue, uint64_t at, uint64_t apart,
           unsigned n, uint32_t bytes)
{
	for (unsigned i = 0; i < n; i++) {
		const struct fake_part part = { at + apart * i, bytes,
			                        FAKE_WRITE };

		fake_buffer(&c->q[queue], &part, 1);
	}
	card_notify(c, queue);
}

static void
give_buffers(struct card *c, unsigned n, uint32_t bytes)
{
	give_queue(c, 0, RX, 0x1000, n, bytes);
}

static void
frames_come_from_the_wire(void **state)
{
	uint8_t sent[1600], got[1600];
	struct wire w;

	(void)state;
	for (unsigned face = 0; face < 3; face++) {
		/* Modern with and without merging, and legacy. */
		unsigned head = face == 2 ? LEGACY_HEADER : HEADER;

		wire_make(&w);
		w.c.legacy = face == 2;
		(void)card_up(&w.c,
		              face == 0   ? ALL
		              : face == 1 ? MODERN
		                          : 0,
		              3, 64);
		give_buffers(&w.c, 32, 2048);
		for (unsigned i = 0; i < 20; i++) {
			unsigned len = 60 + i * 70;
			uint32_t id, used;
			uint16_t buffers;

			to_wire(&w, len, (uint8_t)i);
			assert_true(card_wait(&w.c, 0, &id, &used));
			assert_int_equal(used, head + len);
			fake_get(w.c.f.vm->mem, RX + 0x1000ull * i + head, got,
			         len);
			frame(sent, len, (uint8_t)i);
			assert_memory_equal(got, sent, len);
			if (head == LEGACY_HEADER)
				continue;
			fake_get(w.c.f.vm->mem, RX + 0x1000ull * i + 10,
			         &buffers, 2);
			assert_int_equal(buffers, 1);
		}
		wire_down(&w);
	}
}

static void
a_frame_is_spread_over_buffers(void **state)
{
	uint8_t sent[250], got[250];
	uint32_t id, len;
	uint16_t buffers;
	struct wire w;

	(void)state;
	wire_up(&w, ALL);
	give_buffers(&w.c, 16, 100);
	to_wire(&w, 250, 'z');
	for (unsigned i = 0; i < 3; i++) {
		assert_true(card_wait(&w.c, 0, &id, &len));
		assert_int_equal(len, i < 2 ? 100 : 62);
	}
	fake_get(w.c.f.vm->mem, RX + 10, &buffers, 2);
	assert_int_equal(buffers, 3);
	fake_get(w.c.f.vm->mem, RX + 12, got, 88);
	fake_get(w.c.f.vm->mem, RX + 0x1000, got + 88, 100);
	fake_get(w.c.f.vm->mem, RX + 0x2000, got + 188, 62);
	frame(sent, 250, 'z');
	assert_memory_equal(got, sent, 250);
	assert_false(fake_used(&w.c.q[0], &id, &len));
	/* One that takes more than there is, is dropped; the next comes. */
	for (unsigned i = 0; i < 3; i++)
		to_wire(&w, 600, 'y');
	to_wire(&w, 60, 'x');
	do
		assert_true(card_wait(&w.c, 0, &id, &len));
	while (len != 72);
	wire_down(&w);
}

/* The frame of this fill, or the next that is wanted. */
static void
expect_fill(struct wire *w, uint8_t fill)
{
	uint32_t id, len;
	uint8_t got;

	assert_true(card_wait(&w->c, 0, &id, &len));
	assert_int_equal(len, HEADER + 60);
	fake_get(w->c.f.vm->mem, RX + 0x1000ull * id + HEADER + 20, &got, 1);
	assert_int_equal(got, fill);
}

static void
send_to(struct wire *w, const char *to, uint8_t fill)
{
	uint8_t sent[60];

	frame(sent, sizeof(sent), fill);
	memcpy(sent, to, 6);
	assert_int_equal(send(w->fd, sent, sizeof(sent), 0), sizeof(sent));
}

/* What is not wanted does not come, and what is comes after it. */
static void
only_wanted_frames_come(void **state)
{
	const char *own = "\2\0\0\0\0\7", *other = "\2\0\0\0\0\10";
	struct wire w;

	(void)state;
	wire_up(&w, ALL);
	give_buffers(&w.c, 16, 2048);
	send_to(&w, other, 1);
	expect_fill(&w, 1);
	assert_int_equal(control(&w.c, 0, 0, "", 1), 0); /* not promiscuous */
	send_to(&w, other, 2);
	send_to(&w, own, 3);
	expect_fill(&w, 3);
	/* Over a save; then with another address of its own. */
	vm_pause(w.c.f.vm);
	assert_int_equal(fake_vm_roundtrip(&w.c.f, NULL), 0);
	vm_resume(w.c.f.vm);
	send_to(&w, other, 4);
	send_to(&w, own, 5);
	expect_fill(&w, 5);
	assert_int_equal(control(&w.c, 1, 1, other, 6), 0);
	send_to(&w, own, 6);
	send_to(&w, other, 7);
	expect_fill(&w, 7);
	wire_down(&w);
}

static void
a_frame_too_large_is_dropped(void **state)
{
	uint32_t id, len;
	struct wire w;

	(void)state;
	wire_up(&w, MODERN);
	give_buffers(&w.c, 4, 100);
	to_wire(&w, 250, 'z');
	to_wire(&w, 80, 'x');
	assert_true(card_wait(&w.c, 0, &id, &len));
	assert_int_equal(len, 92);
	wire_down(&w);
}

static void
frames_wait_for_buffers_and_over_a_save(void **state)
{
	uint32_t id, len;
	struct wire w;

	(void)state;
	wire_up(&w, ALL);
	for (unsigned round = 0; round < 20; round++) {
		to_wire(&w, 60, (uint8_t)round);
		vm_pause(w.c.f.vm);
		give_buffers(&w.c, 1, 2048);
		assert_int_equal(fake_vm_roundtrip(&w.c.f, NULL), 0);
		vm_resume(w.c.f.vm);
		assert_true(card_wait(&w.c, 0, &id, &len));
		assert_int_equal(len, 72);
	}
	wire_down(&w);
}

/* A tap that is taken away is a cable pulled; one that is down loses frames. */
static void
the_hosts_side_may_vanish(void **state)
{
	const struct fake_part part = { TX, 100, 0 };
	struct wire w;

	(void)state;
	wire_up(&w, ALL);
	give_buffers(&w.c, 4, 2048);
	assert_int_equal(system("ip link set tap7 down"), 0);
	assert_int_equal(card_do(&w.c, 1, &part, 1), 0);
	assert_int_equal(card_config(&w.c, 6, 2), 1);
	assert_int_equal(system("ip link delete tap7"), 0);
	for (unsigned i = 0; i < 1000 && card_config(&w.c, 6, 2) == 1; i++)
		usleep(1000);
	assert_int_equal(card_config(&w.c, 6, 2), 0);
	assert_int_equal(card_do(&w.c, 1, &part, 1), 0);
	wire_down(&w);
}

static void
pairs_are_switched_on(void **state)
{
	const struct fake_part part = { TX, 100, 0 };
	uint16_t pairs = 2;
	struct card c;

	(void)state;
	if (!have_netns)
		skip();
	make(&c, "backend=tap8", "queues=2", NULL);
	assert_int_equal(card_config(&c, 8, 2), 2);
	/* With MQ the control queue is the last, without it is 2. */
	(void)card_up(&c, ALL, 5, 64);
	assert_int_equal(control_at(&c, 4, 4, 0, &pairs, 2), 0);
	pairs = 3;
	assert_int_equal(control_at(&c, 4, 4, 0, &pairs, 2), 1);
	pairs = 2;
	assert_int_equal(card_do(&c, 3, &part, 1), 0);
	(void)card_up(&c, ALL & ~(1ull << 22), 3, 64);
	assert_int_equal(control(&c, 4, 0, &pairs, 2), 1);
	card_free(&c);
}

/* A UDP datagram from this port: each is a flow of its own, which the tap gives
 * to one queue. */
static void
send_flow(struct wire *w, uint8_t port)
{
	struct sockaddr_ll to = w->at;
	uint8_t f[60];
	static const uint8_t ip[] = { 0x45, 0, 0,    40, 0,    0, 0, 0,  64,
		                      17,   0, 0,    10, 9,    0, 1, 10, 9,
		                      0,    2, 0x40, 0,  0x50, 0, 0, 20 };

	frame(f, sizeof(f), 0);
	f[12] = 0x08;
	f[13] = 0x00;
	memcpy(f + 14, ip, sizeof(ip));
	f[35] = port;
	/* What the kernel takes it for, whatever the socket receives. */
	to.sll_protocol = htons(0x0800);
	assert_int_equal(
	    sendto(w->fd, f, sizeof(f), 0, (struct sockaddr *)&to, sizeof(to)),
	    sizeof(f));
}

static void
each_pair_receives(void **state)
{
	uint32_t id, len, got[2] = { 0, 0 };
	uint16_t pairs = 2;
	struct wire w;

	(void)state;
	if (!have_netns)
		skip();
	make(&w.c, "backend=tap9", "queues=2", NULL);
	attach(&w, "tap9");
	(void)card_up(&w.c, ALL, 5, 64);
	assert_int_equal(control_at(&w.c, 4, 4, 0, &pairs, 2), 0);
	give_queue(&w.c, 0, RX, 0x800, 60, 2048);
	give_queue(&w.c, 2, RX + 0x40000, 0x800, 60, 2048);
	for (unsigned i = 0; i < 40; i++)
		send_flow(&w, (uint8_t)i);
	for (unsigned i = 0; i < 5000 && got[0] + got[1] < 40; i++) {
		for (unsigned p = 0; p < 2; p++)
			while (fake_used(&w.c.q[2 * p], &id, &len))
				got[p]++;
		usleep(1000);
	}
	assert_int_equal(got[0] + got[1], 40);
	assert_true(got[0] > 0 && got[1] > 0);
	wire_down(&w);
}

static int
own_network(void **state)
{
	int fd;

	(void)state;
	have_netns = unshare(CLONE_NEWNET) == 0 &&
	             access("/dev/net/tun", R_OK | W_OK) == 0;
	if (!have_netns)
		return 0;
	/* No frames but ours. */
	fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY);
	if (fd >= 0) {
		if (write(fd, "1", 1) < 0)
			perror("disable_ipv6");
		close(fd);
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_address_is_bhyves),
		cmocka_unit_test(keys_are_checked),
		cmocka_unit_test(commands_are_answered),
		cmocka_unit_test(tables_are_as_long_as_they_say),
		cmocka_unit_test(frames_are_swallowed_without_a_network),
		cmocka_unit_test(frames_reach_the_wire),
		cmocka_unit_test(frames_come_from_the_wire),
		cmocka_unit_test(a_frame_is_spread_over_buffers),
		cmocka_unit_test(a_frame_too_large_is_dropped),
		cmocka_unit_test(only_wanted_frames_come),
		cmocka_unit_test(frames_wait_for_buffers_and_over_a_save),
		cmocka_unit_test(the_hosts_side_may_vanish),
		cmocka_unit_test(pairs_are_switched_on),
		cmocka_unit_test(each_pair_receives),
	};

	return cmocka_run_group_tests(tests, own_network, NULL);
}
