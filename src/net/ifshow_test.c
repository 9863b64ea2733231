/* SPDX-License-Identifier: BSD-2-Clause */
/* ifshow_test.c - listings have the lines that scripts look for. */
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <sys/socket.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "net/clone.h"
#include "net/ifshow.h"

/* A bridge with an epair in it, and lo. */
static const struct link links[] = {
	{ .index = 1,
	  .name = "lo",
	  .type = ARPHRD_LOOPBACK,
	  .flags = IFF_UP | IFF_LOOPBACK | IFF_LOWER_UP,
	  .mtu = 65536 },
	{ .index = 3,
	  .name = "epair5a",
	  .kind = "veth",
	  .descr = "jail:web",
	  .type = ARPHRD_ETHER,
	  .flags = IFF_UP | IFF_BROADCAST | IFF_MULTICAST | IFF_LOWER_UP,
	  .mtu = 1500,
	  .master = 4,
	  .carrier = true,
	  .has_mac = true,
	  .mac = { 2, 1, 2, 3, 4, 0x0a },
	  .n_group = 1,
	  .group = { { "jail", 1 } },
	  .is_port = true,
	  .port = { .number = 1,
	            .priority = 32,
	            .cost = 2,
	            .learning = true,
	            .flooding = true } },
	{ .index = 4,
	  .name = "bridge0",
	  .kind = "bridge",
	  .type = ARPHRD_ETHER,
	  .flags = IFF_BROADCAST | IFF_MULTICAST,
	  .mtu = 1500,
	  .has_mac = true,
	  .mac = { 2, 9, 9, 9, 9, 0 },
	  .bridge = { .priority = 32768,
	              .hello = 2,
	              .forward_delay = 15,
	              .max_age = 20,
	              .ageing = 300,
	              .id = { 0x80, 0, 2, 9, 9, 9, 9, 0 },
	              .root_id = { 0x80, 0, 2, 9, 9, 9, 9, 0 } } },
};

static const struct addr addrs[] = {
	{ .index = 3,
	  .ip = { AF_INET, { 10, 0, 0, 2 } },
	  .prefix = 24,
	  .flags = IFA_F_PERMANENT },
	{ .index = 1,
	  .ip = { AF_INET, { 127, 0, 0, 1 } },
	  .prefix = 8,
	  .flags = IFA_F_PERMANENT },
	{ .index = 3,
	  .ip = { AF_INET6,
	          { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } },
	  .prefix = 64,
	  .flags = IFA_F_PERMANENT | IFA_F_TENTATIVE },
};

static const struct ifshow_all all = { links, ARRAY_LEN(links), addrs,
	                               ARRAY_LEN(addrs) };

static void
check(const struct link *l, int family, const char *format, const char *want)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct ifshow_format f;
	struct error err;

	assert_int_equal(ifshow_format_parse(format, &f, &err), 0);
	ifshow_link(&all, l, family, &f, &out);
	assert_string_equal(buf_str(&out), want);
}

static void
epair_in_full(void **state)
{
	(void)state;
	check(&links[1], 0, "",
	      "epair5a: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,"
	      "LOWER_UP> metric 0 mtu 1500\n"
	      "\tdescription: jail:web\n"
	      "\tether 02:01:02:03:04:0a\n"
	      "\tinet 10.0.0.2 netmask 0xffffff00 broadcast 10.0.0.255\n"
	      "\tinet6 fe80::1%epair5a prefixlen 64 tentative scopeid 0x3\n"
	      "\tgroups: epair jail\n"
	      "\tmedia: Ethernet 10Gbase-T (10Gbase-T <full-duplex>)\n"
	      "\tstatus: active\n"
	      "\tnd6 options=21<PERFORMNUD,AUTO_LINKLOCAL>\n");
}

static void
lo_is_called_lo0(void **state)
{
	(void)state;
	check(&links[0], 0, "",
	      "lo0: flags=1008049<UP,LOOPBACK,RUNNING,MULTICAST,LOWER_UP> "
	      "metric 0 mtu 65536\n"
	      "\tinet 127.0.0.1 netmask 0xff000000\n"
	      "\tgroups: lo\n"
	      "\tnd6 options=21<PERFORMNUD,AUTO_LINKLOCAL>\n");
}

static void
bridge_lists_its_members(void **state)
{
	(void)state;
	check(&links[2], 0, "",
	      "bridge0: flags=8802<BROADCAST,SIMPLEX,MULTICAST> metric 0 "
	      "mtu 1500\n"
	      "\tether 02:09:09:09:09:00\n"
	      "\tid 02:09:09:09:09:00 priority 32768 hellotime 2 "
	      "fwddelay 15\n"
	      "\tmaxage 20 holdcnt 6 proto stp maxaddr 0 timeout 300\n"
	      "\troot id 02:09:09:09:09:00 priority 32768 ifcost 0 port 0\n"
	      "\tmember: epair5a flags=3<LEARNING,DISCOVER>\n"
	      "\t        port 1 priority 128 path cost 2\n"
	      "\tgroups: bridge\n"
	      "\tnd6 options=21<PERFORMNUD,AUTO_LINKLOCAL>\n");
}

static void
control_bytes_are_not_printed(void **state)
{
	struct link l = links[1];

	(void)state;
	strcpy(l.descr, "a\n\tinet 1.2.3.4\033[2J");
	strcpy(l.name, "x\033[1m");
	l.n_group = 0;
	check(&l, AF_PACKET, "",
	      "x?[1m: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,"
	      "LOWER_UP> metric 0 mtu 1500\n"
	      "\tdescription: a??inet 1.2.3.4?[2J\n"
	      "\tether 02:01:02:03:04:0a\n");
}

static void
one_family_and_other_formats(void **state)
{
	const char *head = "epair5a: flags=1008843<UP,BROADCAST,RUNNING,"
	                   "SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500\n"
	                   "\tdescription: jail:web\n";
	cleanup_buf struct buf want = BUF_INIT;

	(void)state;
	buf_printf(&want, "%s\tinet 10.0.0.2/24 broadcast 10.0.0.255\n", head);
	check(&links[1], AF_INET, "inet:cidr", buf_str(&want));
	buf_reset(&want);
	buf_printf(&want,
	           "%s\tinet 10.0.0.2 netmask 255.255.255.0 broadcast "
	           "10.0.0.255\n",
	           head);
	check(&links[1], AF_INET, "inet:dotted,inet6:cidr", buf_str(&want));
	buf_reset(&want);
	buf_printf(&want, "%s\tether 02-01-02-03-04-0a\n", head);
	check(&links[1], AF_PACKET, "ether:dash", buf_str(&want));
}

static void
unknown_format_is_refused(void **state)
{
	struct ifshow_format f = { .ether = '!' };
	struct error err;

	(void)state;
	assert_int_equal(ifshow_format_parse("inet:cidr,foo:bar", &f, &err),
	                 -EINVAL);
	assert_string_equal(err.msg, "Skipping invalid format specification: "
	                             "foo:bar");
	assert_int_equal(f.ether, '!');
}

static void
macs_differ_by_host_name_and_end(void **state)
{
	static const uint8_t want[] = { 0x02, 0x6e, 0x22, 0x21, 0x22, 0x0a };
	uint8_t a[6], b[6], other[6], host[6];

	(void)state;
	clone_mac("h/x", "epair0a", 0x0a, a);
	clone_mac("h/x", "epair0a", 0x0b, b);
	clone_mac("h/x", "epair1a", 0x0a, other);
	clone_mac("h/y", "epair0a", 0x0a, host);
	assert_int_equal(a[0], 0x02);
	assert_int_equal(a[5], 0x0a);
	assert_int_equal(b[5], 0x0b);
	assert_memory_equal(a, b, 5);
	assert_memory_not_equal(a, other, 5);
	assert_memory_not_equal(a, host, 5);
	/* Written down: it must be the same after every upgrade. */
	assert_memory_equal(a, want, sizeof(want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(epair_in_full),
		cmocka_unit_test(lo_is_called_lo0),
		cmocka_unit_test(bridge_lists_its_members),
		cmocka_unit_test(control_bytes_are_not_printed),
		cmocka_unit_test(one_family_and_other_formats),
		cmocka_unit_test(unknown_format_is_refused),
		cmocka_unit_test(macs_differ_by_host_name_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
