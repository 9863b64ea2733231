/* SPDX-License-Identifier: BSD-2-Clause */
/* gdb_test.c - packets, registers, and a scripted debugger against an engine
 * that adds 1 to RIP until it meets a breakpoint.
 */
#include <sys/socket.h>
#include <sys/time.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/error.h"
#include "vmm/gdb.h"
#include "vmm/gdb_packet.h"
#include "vmm/gdb_regs.h"
#include "vmm/vm.h"
#include "x86/cpuid.h"
#include "x86/state.h"

static void
packets_are_framed(void **state)
{
	static const struct {
		const char *bytes;
		enum gdb_event last;
		const char *text;
	} rows[] = {
		{ "$g#67", GDB_PACKET, "g" },
		{ "+$g#67", GDB_PACKET, "g" },
		{ "$#00", GDB_PACKET, "" },
		{ "$g#68", GDB_BAD, NULL },
		{ "$g#6z", GDB_BAD, NULL },
		{ "$m1$g#67", GDB_PACKET, "g" },
		{ "$a}\x03#e1", GDB_PACKET, "a#" },
		{ "\x03", GDB_BREAK, NULL },
		{ "xyz", GDB_NONE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct gdb_parser p = { 0 };
		enum gdb_event e = GDB_NONE;

		for (const char *b = rows[i].bytes; *b != '\0'; b++)
			e = gdb_feed(&p, (uint8_t)*b);
		assert_int_equal(e, rows[i].last);
		if (rows[i].text != NULL)
			assert_string_equal(p.text, rows[i].text);
	}
}

static void
what_is_framed_comes_back(void **state)
{
	struct gdb_parser p = { 0 };
	struct buf out = BUF_INIT;
	enum gdb_event e = GDB_NONE;
	char all[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	gdb_frame(&out, all, sizeof(all));
	for (size_t i = 0; i < out.len; i++)
		e = gdb_feed(&p, (uint8_t)out.data[i]);
	assert_int_equal(e, GDB_PACKET);
	assert_int_equal(p.len, 256);
	assert_memory_equal(p.text, all, 256);
	buf_fini(&out);
	/* Too long is no packet. */
	memset(&p, 0, sizeof(p));
	e = gdb_feed(&p, '$');
	for (int i = 0; i < GDB_MAX_PACKET; i++)
		assert_int_equal(gdb_feed(&p, 'x'), GDB_NONE);
	assert_int_equal(gdb_feed(&p, 'x'), GDB_BAD);
}

static void
registers_come_and_go(void **state)
{
	struct x86_state st, back;
	struct buf all = BUF_INIT, one = BUF_INIT, again = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(st); i++)
		((uint8_t *)&st)[i] = (uint8_t)(i * 13 + 5);
	st.rip = 0x1122334455667788;
	gdb_regs_get(&st, &all);
	assert_int_equal(gdb_reg_get(&st, 16, &one), 0);
	assert_string_equal(buf_str(&one), "8877665544332211");
	assert_memory_equal(all.data + 2 * 16 * 8, one.data, 16);
	memset(&back, 0, sizeof(back));
	assert_int_equal(gdb_regs_set(&back, buf_str(&all)), 0);
	gdb_regs_get(&back, &again);
	assert_string_equal(buf_str(&all), buf_str(&again));
	assert_int_equal(gdb_regs_set(&back, buf_str(&all) + 2), -1);
	assert_int_equal(gdb_regs_set(&back, "zz"), -1);
	assert_int_equal(gdb_reg_set(&back, 16, "0100000000000000"), 0);
	assert_int_equal(back.rip, 1);
	assert_int_equal(gdb_reg_set(&back, 16, "01"), -1);
	assert_int_equal(gdb_reg_set(&back, 999, "00"), -1);
	assert_int_equal(gdb_reg_get(&back, 999, &one), -1);
	buf_fini(&all);
	buf_fini(&one);
	buf_fini(&again);
}

/* The engine. */

enum { CPUS = 2 };

struct toy {
	struct x86_state st[CPUS];
	atomic_bool kicked[CPUS], step[CPUS];
	_Atomic uint64_t stop_at; /* a breakpoint; 0: none */
	atomic_int nwatch;
};

static struct toy *
toy_of(struct vcpu *v)
{
	return v->vm->engine;
}

static int
toy_init(struct vm *vm, struct error *err)
{
	(void)vm;
	(void)err;
	return 0;
}

static void
toy_fini(struct vm *vm)
{
	(void)vm;
}

static int
toy_cpuid(struct vm *vm, unsigned id, struct cpuid_table *out,
          struct error *err)
{
	(void)vm;
	(void)id;
	(void)err;
	memset(out, 0, sizeof(*out));
	return 0;
}

static int
toy_vcpu_init(struct vcpu *v, struct error *err)
{
	(void)err;
	v->engine = v;
	return 0;
}

static void
toy_vcpu_fini(struct vcpu *v)
{
	v->engine = NULL;
}

static enum vm_exit_code
toy_run(struct vcpu *v)
{
	struct toy *t = toy_of(v);
	struct x86_state *st = &t->st[v->id];

	for (;;) {
		if (atomic_exchange(&t->kicked[v->id], false))
			return EXIT_KICKED;
		if (st->rip == atomic_load(&t->stop_at))
			return EXIT_DEBUG;
		st->rip++;
		if (atomic_load(&t->step[v->id]))
			return EXIT_DEBUG;
		usleep(20);
	}
}

static void
toy_kick(struct vcpu *v)
{
	atomic_store(&toy_of(v)->kicked[v->id], true);
}

static int
toy_get(struct vcpu *v, struct x86_state *out)
{
	*out = toy_of(v)->st[v->id];
	return 0;
}

static int
toy_set(struct vcpu *v, const struct x86_state *st, struct error *err)
{
	(void)err;
	toy_of(v)->st[v->id] = *st;
	return 0;
}

static int
toy_break(struct vm *vm, uint64_t la, bool set)
{
	atomic_store(&((struct toy *)vm->engine)->stop_at, set ? la : 0);
	return 0;
}

static int
toy_watch(struct vm *vm, const struct engine_watch *w, bool set)
{
	(void)w;
	atomic_fetch_add(&((struct toy *)vm->engine)->nwatch, set ? 1 : -1);
	return 0;
}

static void
toy_step(struct vcpu *v, bool on)
{
	atomic_store(&toy_of(v)->step[v->id], on);
}

/* Linear addresses are 1 MiB higher; the last page is not there. */
static int
toy_translate(struct vcpu *v, uint64_t la, uint64_t *gpa)
{
	(void)v;
	if (la < 0x100000 || la >= 0x1ff000)
		return -EFAULT;
	*gpa = la - 0x100000;
	return 0;
}

static const struct engine_ops toy_ops = {
	.name = "toy",
	.vm_init = toy_init,
	.vm_fini = toy_fini,
	.cpuid = toy_cpuid,
	.vcpu_init = toy_vcpu_init,
	.vcpu_fini = toy_vcpu_fini,
	.run = toy_run,
	.kick = toy_kick,
	.get_state = toy_get,
	.set_state = toy_set,
	.breakpoint = toy_break,
	.watchpoint = toy_watch,
	.single_step = toy_step,
	.translate = toy_translate,
};

struct rig {
	struct toy toy;
	struct vm *vm;
	struct gdb *g;
	pthread_t thread;
	int fd;
};

static void *
serve(void *arg)
{
	struct error err;

	(void)loop_run(arg, &err);
	return NULL;
}

static int
rig_new(void **state, bool wait)
{
	const struct vm_options o = { .name = "toy",
		                      .ncpus = CPUS,
		                      .mem_bytes = 1 << 20,
		                      .engine = &toy_ops };
	struct sockaddr_in sa = { .sin_family = AF_INET };
	const struct timeval patience = { 20, 0 };
	struct rig *r = calloc(1, sizeof(*r));
	struct error err;

	assert_non_null(r);
	assert_int_equal(vm_new(&o, &r->vm, &err), 0);
	r->vm->engine = &r->toy;
	assert_int_equal(vm_engine_init(r->vm, &err), 0);
	r->toy.st[0].rip = 0x1000;
	r->toy.st[1].rip = 1ull << 40;
	assert_int_equal(gdb_listen(r->vm, "localhost", 0, wait, &r->g, &err),
	                 0);
	assert_int_equal(vm_start(r->vm, &err), 0);
	assert_int_equal(pthread_create(&r->thread, NULL, serve, r->vm->loop),
	                 0);
	sa.sin_port = htons(gdb_port(r->g));
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r->fd = socket(AF_INET, SOCK_STREAM, 0);
	usleep(2000);
	if (wait)
		assert_int_equal(r->toy.st[0].rip, 0x1000);
	assert_int_equal(
	    connect(r->fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	(void)setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	                 sizeof(patience));
	*state = r;
	return 0;
}

static int
rig_up(void **state)
{
	return rig_new(state, false);
}

static int
rig_up_waiting(void **state)
{
	return rig_new(state, true);
}

static int
rig_down(void **state)
{
	struct rig *r = *state;

	close(r->fd);
	vm_suspend(r->vm, VM_SUSPEND_POWEROFF);
	pthread_join(r->thread, NULL);
	vm_stop(r->vm);
	gdb_free(r->g);
	vm_free(r->vm);
	free(r);
	return 0;
}

/* The next packet's text, acknowledgements left out. */
static const char *
hear(const struct rig *r, struct gdb_parser *p)
{
	uint8_t byte;

	memset(p, 0, sizeof(*p));
	do
		assert_int_equal(recv(r->fd, &byte, 1, 0), 1);
	while (gdb_feed(p, byte) != GDB_PACKET);
	return p->text;
}

static void
tell(const struct rig *r, const char *text)
{
	struct buf out = BUF_INIT;

	gdb_frame(&out, text, strlen(text));
	assert_int_equal(send(r->fd, out.data, out.len, 0), out.len);
	buf_fini(&out);
}

static void
assert_answer(const struct rig *r, const char *ask, const char *want)
{
	struct gdb_parser p;

	tell(r, ask);
	assert_string_equal(hear(r, &p), want);
}

static void
questions_have_answers(void **state)
{
	static const struct {
		const char *ask, *want;
	} rows[] = {
		{ "?", "T05thread:1;" },
		{ "qSupported:x+", "PacketSize=1000;qXfer:features:read+;"
		                   "vContSupported+" },
		{ "qC", "QC1" },
		{ "qAttached", "1" },
		{ "qfThreadInfo", "m1,2" },
		{ "qsThreadInfo", "l" },
		{ "qThreadExtraInfo,2", "764350552031" },
		{ "T2", "OK" },
		{ "T3", "E01" },
		{ "Hg2", "OK" },
		{ "Hg9", "E01" },
		{ "Hg1", "OK" },
		{ "vCont?", "vCont;c;C;s;S" },
		{ "vMustReplyEmpty", "" },
		{ "vCont;x", "E01" },
		{ "X0,0:", "" },
		{ "qXfer:features:read:target.xml:0,5", "m<?xml" },
		{ "qXfer:features:read:target.xml:ffffff,5", "E01" },
		{ "M100010,3:616263", "OK" },
		{ "m100010,3", "616263" },
		{ "m10,3", "E0e" },
		{ "m1feffe,4", "0000" },
		{ "M1feffe,4:00000000", "E0e" },
		{ "m100010", "E01" },
		{ "m100010,ffffff", "E01" },
		{ "M100010,3:6162", "E01" },
		{ "P10=0020000000000000", "OK" },
		{ "p10", "0020000000000000" },
		{ "P10=00", "E01" },
		{ "pfff", "E01" },
		{ "Z5,100,1", "" },
		{ "Z0,x", "E01" },
	};
	const struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_answer(r, rows[i].ask, rows[i].want);
}

static uint64_t
rip(const struct rig *r)
{
	struct gdb_parser p;
	uint64_t v = 0;

	tell(r, "p10");
	assert_int_equal(gdb_take_hex(hear(r, &p), &v, 8), 0);
	return v;
}

static void
breakpoints_and_steps_stop_all(void **state)
{
	const struct rig *r = *state;
	struct gdb_parser p;
	uint64_t at = rip(r), other;
	char text[64];

	snprintf(text, sizeof(text), "Z0,%llx,1", (unsigned long long)at + 50);
	assert_answer(r, text, "OK");
	assert_answer(r, text, "OK");
	tell(r, "vCont;c");
	assert_string_equal(hear(r, &p), "T05thread:1;");
	assert_int_equal(rip(r), at + 50);
	/* All stand. */
	assert_answer(r, "Hg2", "OK");
	other = rip(r);
	usleep(2000);
	assert_int_equal(rip(r), other);
	assert_answer(r, "Hg1", "OK");
	text[0] = 'z';
	assert_answer(r, text, "OK");
	for (int i = 1; i < 4; i++) {
		tell(r, "s");
		assert_string_equal(hear(r, &p), "T05thread:1;");
		assert_int_equal(rip(r), at + 50 + (unsigned)i);
	}
	tell(r, "vCont;s:2;c");
	assert_string_equal(hear(r, &p), "T05thread:2;");
	/* ^C */
	tell(r, "c");
	usleep(1000);
	assert_int_equal(send(r->fd, "\3", 1, 0), 1);
	assert_string_equal(hear(r, &p), "T02thread:2;");
}

static void
detaching_lets_go(void **state)
{
	struct rig *r = *state;
	char byte;

	assert_answer(r, "Z0,1000,1", "OK");
	assert_answer(r, "Z2,2000,4", "OK");
	assert_answer(r, "Z2,2000,4", "OK"); /* once is enough */
	assert_answer(r, "Z4,2000,4", "OK");
	assert_int_equal(atomic_load(&r->toy.nwatch), 2);
	assert_answer(r, "D", "OK");
	assert_int_equal(recv(r->fd, &byte, 1, 0), 0);
	assert_int_equal(atomic_load(&r->toy.stop_at), 0);
	assert_int_equal(atomic_load(&r->toy.nwatch), 0);
	for (int i = 0; i < 1000 && r->toy.kicked[0]; i++)
		usleep(100);
}

static void
addresses_are_checked(void **state)
{
	static const char *const bad[] = { "",     "nowhere", "1.2.3",
		                           "[::1", "[]",      "::1::" };
	struct rig *r = *state;
	struct gdb *g = NULL;
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(gdb_listen(r->vm, bad[i], 0, false, &g, &err),
		                 -EINVAL);
}

#define ON_RIG(t) cmocka_unit_test_setup_teardown(t, rig_up, rig_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_framed),
		cmocka_unit_test(what_is_framed_comes_back),
		cmocka_unit_test(registers_come_and_go),
		ON_RIG(questions_have_answers),
		ON_RIG(breakpoints_and_steps_stop_all),
		cmocka_unit_test_setup_teardown(breakpoints_and_steps_stop_all,
		                                rig_up_waiting, rig_down),
		ON_RIG(detaching_lets_go),
		ON_RIG(addresses_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
