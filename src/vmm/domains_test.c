/* SPDX-License-Identifier: BSD-2-Clause */
/* domains_test.c - memory and processors divided, or why not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "vmm/config.h"
#include "vmm/domains.h"

enum { MIB = 1 << 20 };

static int
read_text(const char *text, uint64_t *mem, struct domains *d, struct error *err)
{
	struct config *c;
	int rc;

	assert_int_equal(config_new(&c, err), 0);
	assert_int_equal(config_parse(c, "test", text, strlen(text), err), 0);
	rc = domains_read(config_root(c), 4, mem, d, err);
	config_free(c);
	return rc;
}

static void
sizes_add_up(void **state)
{
	uint64_t mem = 256 * MIB;
	struct domains d;
	struct error err;

	(void)state;
	assert_int_equal(read_text("domains.0.size=1G\ndomains.0.cpus=0,3\n"
	                           "domains.1.size=512M\ndomains.1.cpus=1-2\n",
	                           &mem, &d, &err),
	                 0);
	assert_int_equal(d.n, 2);
	assert_int_equal(mem, 1536ull * MIB);
	assert_int_equal(d.size[1], 512 * MIB);
	assert_memory_equal(d.of_cpu, "\0\1\1\0", 4);
}

static void
without_all_sizes_parts_are_equal(void **state)
{
	uint64_t mem = 301 * MIB;
	struct domains d;
	struct error err;

	(void)state;
	assert_int_equal(read_text("domains.0.size=1G\ndomains.0.cpus=0-1\n"
	                           "domains.1.cpus=2\ndomains.2.cpus=3\n",
	                           &mem, &d, &err),
	                 0);
	assert_int_equal(mem, 301 * MIB);
	assert_int_equal(d.size[0], 100 * MIB);
	assert_int_equal(d.size[2], 101 * MIB);
	assert_int_equal(read_text("cpus=4\n", &mem, &d, &err), 0);
	assert_int_equal(d.n, 0);
}

static void
what_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *text, *msg;
	} rows[] = {
		{ "domains.1.cpus=0-3\n", "domains.1: want ids 0, 1 ... 7" },
		{ "domains.0.size=5x\ndomains.0.cpus=0-3\n",
		  "domains.0.size '5x': no size" },
		{ "domains.0.size=1\n", "domains.0.cpus: want processors" },
		{ "domains.0.cpus=0-4\n",
		  "domains.0.cpus: there is no vCPU 4" },
		{ "domains.0.cpus=0-3\ndomains.1.cpus=2\n",
		  "domains.1.cpus: vCPU 2 is in domain 0, too" },
		{ "domains.0.cpus=0-2\n", "domains: vCPU 3 is in none" },
		{ "domains.0.cpus=0-3\ndomains.0.domain_policy=prefer:0\n",
		  "domains.0.domain_policy: the host places memory as it "
		  "likes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t mem = 256 * MIB;
		struct domains d;
		struct error err;

		assert_true(read_text(rows[i].text, &mem, &d, &err) < 0);
		assert_string_equal(err.msg, rows[i].msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_add_up),
		cmocka_unit_test(without_all_sizes_parts_are_equal),
		cmocka_unit_test(what_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
