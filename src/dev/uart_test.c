/* SPDX-License-Identifier: BSD-2-Clause */
/* uart_test.c - a 16550 with a socket at its other end, as a driver meets it.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dev/chardev.h"
#include "dev/device_test.h"
#include "dev/uart.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };
enum { PORT = 0x3f8, THRE = 0x20, TEMT = 0x40 };

static struct chardev_host host;
static struct uart *uart;
static bool irq;
static int peer; /* our end of the line, -1: nobody */

static void
wire(void *ctx, bool level)
{
	(void)ctx;
	irq = level;
}

static int
put_device(struct error *err)
{
	const struct uart_wire w = { wire, NULL };
	char spec[64];
	struct chardev *c;

	host = (struct chardev_host){ .loop = f.vm->loop };
	irq = false;
	peer = -1;
	snprintf(spec, sizeof(spec), "unix:/tmp/uart_test.%d", getpid());
	if (chardev_open(&host, spec, &c, err) < 0 ||
	    uart_new(f.vm, c, &w, &uart, err) < 0)
		return err->code;
	return bus_add(f.vm->pio, PORT, UART_NREGS, &uart_ops, uart, err);
}

static int
teardown(void **state)
{
	if (peer >= 0)
		close(peer);
	remove_vm(state);
	return 0;
}

static void
turn(void)
{
	for (unsigned i = 0; i < 10; i++)
		loop_poll(f.vm->loop);
}

static void
connect_peer(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(sa.sun_path, sizeof(sa.sun_path), "/tmp/uart_test.%d",
	         getpid());
	peer = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(peer, (struct sockaddr *)&sa, sizeof(sa)), 0);
	turn();
}

static uint8_t
rd(unsigned reg)
{
	return (uint8_t)fake_in(&f, (uint16_t)(PORT + reg), 1);
}

static void
wr(unsigned reg, uint8_t v)
{
	fake_out(&f, (uint16_t)(PORT + reg), 1, v);
}

static void
say(const char *s)
{
	assert_int_equal(write(peer, s, strlen(s)), strlen(s));
	turn();
}

static void
write_changes_only_writable_bits(void **state)
{
	static const struct {
		uint8_t off, want;
	} rows[] = { { IER, 0x0f }, { MCR, 0x1f }, { SCR, 0xff } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		wr(rows[i].off, 0xff);
		assert_int_equal(rd(rows[i].off), rows[i].want);
	}
	wr(LCR, 0x83);
	wr(DATA, 0x01);
	wr(IER, 0x02);
	assert_int_equal(rd(DATA), 0x01);
	assert_int_equal(rd(IER), 0x02);
	wr(LCR, 0x03);
	assert_int_equal(rd(IER), 0x0f);
}

static void
loopback_ties_outputs_to_inputs(void **state)
{
	(void)state;
	assert_int_equal(rd(MSR) & 0xf0, 0xb0);
	wr(MCR, 0x10);
	assert_int_equal(rd(MSR) & 0xf0, 0x00);
	wr(MCR, 0x1a);
	assert_int_equal(rd(MSR) & 0xf0, 0x90);
	wr(DATA, 'x');
	assert_int_equal(rd(LSR) & 1, 1);
	assert_int_equal(rd(DATA), 'x');
}

static void
output_reaches_the_host(void **state)
{
	char buf[16] = "";

	(void)state;
	wr(DATA, '?'); /* nobody is there: dropped */
	turn();
	connect_peer();
	for (const char *p = "hello"; *p != '\0'; p++) {
		assert_int_equal(rd(LSR) & THRE, THRE);
		wr(DATA, (uint8_t)*p);
	}
	turn();
	assert_int_equal(read(peer, buf, sizeof(buf)), 5);
	assert_string_equal(buf, "hello");
}

static void
thre_interrupts_once_for_each_cause(void **state)
{
	(void)state;
	connect_peer();
	wr(IER, 2);
	assert_true(irq);
	assert_int_equal(rd(IIR), 2);
	assert_false(irq);
	assert_int_equal(rd(IIR), 1);
	wr(DATA, 'a');
	assert_true(irq);
	wr(IER, 0);
	assert_false(irq);
	wr(IER, 2);
	assert_true(irq);
}

static void
input_fills_the_fifo_and_no_more(void **state)
{
	(void)state;
	connect_peer();
	wr(IIR, 0x81); /* FIFO, trigger at 8 */
	wr(IER, 1);
	say("0123456789abcdefGHIJ");
	assert_true(irq);
	assert_int_equal(rd(IIR), 0xc4);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(rd(DATA), "0123456789"[i]);
	assert_int_equal(rd(IIR), 0xcc); /* fewer than the trigger */
	for (unsigned i = 9; i < 16; i++)
		assert_int_equal(rd(DATA), "0123456789abcdef"[i]);
	assert_false(irq);
	turn(); /* the rest waited with the chardev */
	assert_int_equal(rd(LSR) & 3, 1);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rd(DATA), "GHIJ"[i]);
	assert_int_equal(rd(LSR) & 1, 0);
}

/* A reader who never reads costs output, not the guest's time; also where the
 * buffer's last bytes are fewer than a FIFO's worth. */
static void
give_up_on(unsigned odd)
{
	unsigned sent = 0, waits = 0;

	while (waits < 3) {
		if ((rd(LSR) & THRE) == 0) {
			waits++;
			fake_vm_pass(&f, 600000000);
			assert_int_equal(rd(LSR) & THRE, THRE);
		}
		/* The socket is full by then, the buffer is not. */
		for (unsigned i = 0; i < odd && sent == 32 << 10; i++)
			wr(DATA, 'x');
		for (unsigned i = 0; i < 16; i++)
			wr(DATA, 'x');
		sent += 16;
		turn();
		if (sent > 4 << 20)
			break;
	}
	assert_int_equal(waits, 1); /* once given up on, no more waiting */
	assert_true(sent > 4 << 20);
}

static void
a_deaf_reader_is_given_up_on(void **state)
{
	(void)state;
	for (unsigned odd = 0; odd < 16; odd += 5) {
		connect_peer();
		give_up_on(odd);
		close(peer);
		turn();
	}
	peer = -1;
}

static void
a_slow_reader_loses_nothing(void **state)
{
	static char sink[1 << 16];
	unsigned sent = 0, got = 0;
	ssize_t n;

	(void)state;
	connect_peer();
	while (got < 1 << 20) {
		while (sent < 1 << 20 && (rd(LSR) & THRE) != 0) {
			for (unsigned i = 0; i < 16; i++)
				wr(DATA, (uint8_t)('a' + (sent + i) % 16));
			sent += 16;
			loop_poll(f.vm->loop);
		}
		n = read(peer, sink, sizeof(sink));
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(sink[i], 'a' + (got + i) % 16);
		got += n > 0 ? (unsigned)n : 0;
		turn();
	}
	assert_int_equal(sent, got);
}

static void
people_come_and_go(void **state)
{
	char buf[8];

	(void)state;
	connect_peer();
	say("x");
	assert_int_equal(rd(DATA), 'x');
	close(peer);
	turn();
	wr(DATA, 'l');
	turn();
	connect_peer();
	wr(DATA, 'n');
	turn();
	assert_int_equal(read(peer, buf, sizeof(buf)), 1);
	assert_int_equal(buf[0], 'n');
}

static void
state_comes_back(void **state)
{
	(void)state;
	connect_peer();
	wr(IIR, 1);
	wr(IER, 1);
	say("ab");
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_true(irq);
	assert_int_equal(rd(DATA), 'a');
	assert_int_equal(rd(DATA), 'b');
}

int
main(void)
{
#define UART_TEST(t) DEVICE_TEST_AND(t, teardown)
	const struct CMUnitTest tests[] = {
		UART_TEST(write_changes_only_writable_bits),
		UART_TEST(loopback_ties_outputs_to_inputs),
		UART_TEST(output_reaches_the_host),
		UART_TEST(thre_interrupts_once_for_each_cause),
		UART_TEST(input_fills_the_fifo_and_no_more),
		UART_TEST(a_deaf_reader_is_given_up_on),
		UART_TEST(a_slow_reader_loses_nothing),
		UART_TEST(people_come_and_go),
		UART_TEST(state_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
