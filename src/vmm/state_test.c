/* SPDX-License-Identifier: BSD-2-Clause */
/* state_test.c - fields to bytes and back, and what is refused on the way. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/error.h"
#include "vmm/state.h"

struct toy {
	uint8_t a;
	uint16_t b[3];
	uint32_t c;
	uint64_t d;
	bool on;
	int live; /* not of the state */
	unsigned saves;
};

static void
before(void *obj)
{
	((struct toy *)obj)->saves++;
}

static int
after(void *obj, struct error *err)
{
	if (((struct toy *)obj)->a == 0xee)
		return error_set(err, -EINVAL, "a is impossible");
	return 0;
}

static const struct state_field fields[] = {
	STATE_FIELD(struct toy, a),  STATE_ARRAY(struct toy, b),
	STATE_FIELD(struct toy, c),  STATE_FIELD(struct toy, d),
	STATE_FIELD(struct toy, on), { NULL, 0, 0, 0 },
};
static const struct state_desc desc = { "toy", 3, fields, before, after };

enum { HEAD = 48, PAYLOAD = 1 + 6 + 4 + 8 + 1, AT_CRC = 44, AT_ON = 67 };

static struct toy
sample(void)
{
	return (struct toy){ .a = 1,
		             .b = { 2, 3, 0xffff },
		             .c = 0x01020304,
		             .d = 0x1122334455667788,
		             .on = true,
		             .live = 7 };
}

static void
what_was_saved_loads(void **state)
{
	struct toy one = sample(), two = { .live = 9 };
	struct buf out = BUF_INIT;
	struct error err;

	(void)state;
	assert_int_equal(state_save(&desc, 2, &one, &out), 0);
	assert_int_equal(one.saves, 1);
	assert_int_equal(out.len, HEAD + PAYLOAD);
	/* Little endian, field after field. */
	assert_memory_equal(out.data + HEAD + 7, "\4\3\2\1", 4);
	assert_int_equal(
	    state_load(&desc, 2, &two, (uint8_t *)out.data, out.len, &err),
	    HEAD + PAYLOAD);
	assert_int_equal(two.a, 1);
	assert_memory_equal(two.b, one.b, sizeof(one.b));
	assert_int_equal(two.c, one.c);
	assert_int_equal(two.d, one.d);
	assert_true(two.on);
	assert_int_equal(two.live, 9);
	buf_fini(&out);
}

static void
fix_crc(uint8_t *p)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = HEAD; i < HEAD + PAYLOAD; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
	}
	for (int i = 0; i < 4; i++)
		p[AT_CRC + i] = (uint8_t)(~crc >> 8 * i);
}

static void
hurt_sections_change_nothing(void **state)
{
	static const struct {
		unsigned at, instance;
		size_t cut;
		bool fix;
		uint8_t v;
	} rows[] = {
		{ 0, 0, 0, false, 'x' },  /* another name */
		{ 31, 0, 0, false, 'x' }, /* a name not ended ... */
		{ 0, 1, 0, false, 't' },  /* another instance */
		{ 36, 0, 0, false, 4 },   /* another version */
		{ 40, 0, 0, false, PAYLOAD + 1 },
		{ AT_CRC, 0, 0, false, 0 },  /* CRC */
		{ HEAD, 0, 0, false, 0xff }, /* payload */
		{ 0, 0, 1, false, 't' },     /* the last byte is missing */
		{ 0, 0, PAYLOAD + 1, false, 't' },
		{ 0, 0, PAYLOAD + HEAD, false, 't' },
		{ AT_ON, 0, 0, true, 2 }, /* no bool is 2 */
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct toy one = sample(), two = { .a = 77 }, was = two;
		struct buf out = BUF_INIT;

		assert_int_equal(state_save(&desc, 0, &one, &out), 0);
		if (rows[i].at == 31)
			memset(out.data, 'x', 32);
		out.data[rows[i].at] = (char)rows[i].v;
		if (rows[i].fix)
			fix_crc((uint8_t *)out.data);
		assert_int_equal(state_load(&desc, rows[i].instance, &two,
		                            (uint8_t *)out.data,
		                            out.len - rows[i].cut, &err),
		                 -EINVAL);
		assert_memory_equal(&two, &was, sizeof(two));
		buf_fini(&out);
	}
}

static void
a_device_refuses_what_it_cannot_be(void **state)
{
	struct toy one = sample();
	struct buf out = BUF_INIT;
	struct error err;

	(void)state;
	one.a = 0xee;
	assert_int_equal(state_save(&desc, 0, &one, &out), 0);
	assert_int_equal(
	    state_load(&desc, 0, &one, (uint8_t *)out.data, out.len, &err),
	    -EINVAL);
	assert_string_equal(err.msg, "'toy': a is impossible");
	buf_fini(&out);
}

static void
sections_follow_one_another(void **state)
{
	struct toy one = sample(), two = { 0 };
	struct buf out = BUF_INIT;
	struct error err;
	int64_t n;

	(void)state;
	assert_int_equal(state_save(&desc, 0, &one, &out), 0);
	one.c = 42;
	assert_int_equal(state_save(&desc, 1, &one, &out), 0);
	n = state_load(&desc, 0, &two, (uint8_t *)out.data, out.len, &err);
	assert_int_equal(n, HEAD + PAYLOAD);
	assert_int_equal(state_load(&desc, 1, &two, (uint8_t *)out.data + n,
	                            out.len - (size_t)n, &err),
	                 HEAD + PAYLOAD);
	assert_int_equal(two.c, 42);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_saved_loads),
		cmocka_unit_test(hurt_sections_change_nothing),
		cmocka_unit_test(a_device_refuses_what_it_cannot_be),
		cmocka_unit_test(sections_follow_one_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
