/* SPDX-License-Identifier: BSD-2-Clause */
/* console_test.c - virtio-console as a driver sees it, with clients at its
 * sockets.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"
#include "dev/virtio/card_fake.h"
#include "dev/virtio/console.h"
#include "vmm/mem.h"
#include "vmm/pci.h"

enum { CTL = 0x100000, DATA = 0x120000, ROOM = 256 };
enum { READY = 0, ADD = 1, PORT_READY = 3, OPEN = 6, NAME = 7 };

static char dir[] = "/tmp/console_test.XXXXXX";

struct message {
	uint32_t id;
	uint16_t event, value;
	char text[ROOM - 8];
};

static void
sock_path(char *out, size_t room, unsigned port)
{
	snprintf(out, room, "%s/p%u", dir, port);
}

static void
make(struct card *c)
{
	static char lines[4][128];
	const char *list[5] = { lines[0], lines[1], lines[2], lines[3], NULL };
	struct error err;

	for (unsigned i = 0; i < 2; i++) {
		snprintf(lines[2 * i], 128, "port.%u.name=org.port.%u", i + 1,
		         i);
		snprintf(lines[2 * i + 1], 128, "port.%u.path=%s/p%u", i + 1,
		         dir, i);
	}
	assert_int_equal(card_make(c, &virtio_console, list, &err), 0);
}

static int
client(unsigned port)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	sock_path(at.sun_path, sizeof(at.sun_path), port);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void
give(struct card *c, unsigned queue, unsigned n, uint64_t base)
{
	for (unsigned i = 0; i < n; i++) {
		const struct fake_part part = { base + (uint64_t)ROOM * i, ROOM,
			                        FAKE_WRITE };

		fake_buffer(&c->q[queue], &part, 1);
	}
	card_notify(c, queue);
}

/* The next message of the control queue, from the i-th buffer given. */
static void
expect(struct card *c, unsigned i, uint32_t id, uint16_t event, uint16_t value,
       const char *text)
{
	struct message m = { 0 };
	uint32_t head, len;

	assert_true(card_wait(c, 2, &head, &len));
	assert_int_equal(len, 8 + strlen(text));
	fake_get(c->f.vm->mem, CTL + (uint64_t)ROOM * i, &m, len);
	assert_int_equal(m.id, id);
	assert_int_equal(m.event, event);
	assert_int_equal(m.value, value);
	assert_memory_equal(m.text, text, strlen(text));
}

static void
say(struct card *c, uint32_t id, uint16_t event, uint16_t value)
{
	const struct fake_part part = { CTL + 0x10000, 8, 0 };
	const struct message m = { id, event, value, { 0 } };

	fake_put(c->f.vm->mem, CTL + 0x10000, &m, 8);
	assert_int_equal(card_do(c, 3, &part, 1), 0);
}

/* Both ports added, port 1 named and opened by the guest; 6 messages used. */
static void
up(struct card *c)
{
	make(c);
	assert_int_equal(card_up(c, UINT64_MAX, 6, 0), 0x0f);
	give(c, 2, 40, CTL);
	say(c, 0, READY, 1);
	expect(c, 0, 0, ADD, 1, "");
	expect(c, 1, 1, ADD, 1, "");
	for (uint32_t i = 0; i < 2; i++) {
		say(c, i, PORT_READY, 1);
		expect(c, 2 + 2 * i, i, NAME, 1,
		       i == 0 ? "org.port.0" : "org.port.1");
		expect(c, 3 + 2 * i, i, OPEN, 0, "");
	}
	say(c, 1, OPEN, 1);
}

static void
ports_are_announced(void **state)
{
	struct card c;
	int fd;

	(void)state;
	up(&c);
	assert_int_equal(card_config(&c, 0, 4), 80 | 25 << 16);
	assert_int_equal(card_config(&c, 4, 4), 2);
	fd = client(1);
	expect(&c, 6, 1, OPEN, 1, "");
	close(fd);
	expect(&c, 7, 1, OPEN, 0, "");
	say(&c, 99, OPEN, 1); /* no such port */
	say(&c, 0, 99, 1);    /* no such event */
	assert_int_equal(card_status(&c), 0x0f);
	card_free(&c);
}

static void
bytes_go_both_ways(void **state)
{
	const struct fake_part out = { DATA, 5, 0 };
	char got[16] = { 0 };
	uint32_t id, len;
	struct card c;
	int fd;

	(void)state;
	up(&c);
	fd = client(1);
	expect(&c, 6, 1, OPEN, 1, "");
	fake_put(c.f.vm->mem, DATA, "hello", 5);
	assert_int_equal(card_do(&c, 5, &out, 1), 0);
	assert_int_equal(read(fd, got, sizeof(got)), 5);
	assert_memory_equal(got, "hello", 5);
	assert_int_equal(write(fd, "world", 5), 5); /* before there is room */
	give(&c, 4, 4, DATA + 0x1000);
	assert_true(card_wait(&c, 4, &id, &len));
	assert_int_equal(len, 5);
	fake_get(c.f.vm->mem, DATA + 0x1000, got, 5);
	assert_memory_equal(got, "world", 5);
	close(fd);
	card_free(&c);
}

static void
without_a_client_output_is_dropped(void **state)
{
	const struct fake_part out = { DATA, 4096, 0 };
	struct card c;

	(void)state;
	up(&c);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(card_do(&c, 5, &out, 1), 0);
	card_free(&c);
}

static void
a_second_client_is_turned_away(void **state)
{
	char byte;
	struct card c;
	int fd[2];

	(void)state;
	up(&c);
	fd[0] = client(1);
	expect(&c, 6, 1, OPEN, 1, "");
	fd[1] = client(1);
	assert_int_equal(read(fd[1], &byte, 1), 0);
	close(fd[1]);
	close(fd[0]);
	expect(&c, 7, 1, OPEN, 0, "");
	card_free(&c);
}

/* A client that does not read holds its own port up, and loses nothing; over a
 * save, too. */
static void
a_slow_client_is_waited_for(void **state)
{
	enum { BUFFERS = 60, BYTES = 32 << 10 };
	const struct fake_part out = { DATA, BYTES, 0 };
	static uint8_t got[65536];
	size_t all = 0;
	struct card c;
	uint8_t *p;
	int fd;

	(void)state;
	up(&c);
	fd = client(1);
	expect(&c, 6, 1, OPEN, 1, "");
	p = guest_mem_at(c.f.vm->mem, DATA, BYTES, 1);
	for (unsigned i = 0; i < BYTES; i++)
		p[i] = (uint8_t)(i * 7 >> 3);
	for (unsigned i = 0; i < BUFFERS; i++)
		fake_buffer(&c.q[5], &out, 1);
	card_notify(&c, 5);
	usleep(50000);
	say(&c, 0, 99, 1); /* the rest of the card is alive */
	vm_pause(c.f.vm);
	vm_resume(c.f.vm);
	while (all < (size_t)BUFFERS * BYTES) {
		struct pollfd pfd = { fd, POLLIN, 0 };
		ssize_t n;

		assert_int_equal(poll(&pfd, 1, 5000), 1);
		n = read(fd, got, sizeof(got));
		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++) {
			unsigned at = (unsigned)(all + (size_t)i) % BYTES;

			assert_int_equal(got[i], (uint8_t)(at * 7 >> 3));
		}
		all += (size_t)n;
	}
	close(fd);
	card_free(&c);
}

static void
state_survives_and_clients_are_told_anew(void **state)
{
	struct card c;
	int fd;

	(void)state;
	up(&c);
	fd = client(1);
	expect(&c, 6, 1, OPEN, 1, "");
	vm_pause(c.f.vm);
	assert_int_equal(fake_vm_roundtrip(&c.f, NULL), 0);
	vm_resume(c.f.vm);
	expect(&c, 7, 0, OPEN, 0, "");
	expect(&c, 8, 1, OPEN, 1, "");
	close(fd);
	card_free(&c);
}

static void
a_leftover_socket_is_replaced(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *lines[] = { "port.1.name=a", NULL, NULL };
	struct error err;
	char line[128];
	struct card c;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	sock_path(at.sun_path, sizeof(at.sun_path), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	snprintf(line, sizeof(line), "port.1.path=%s", at.sun_path);
	lines[1] = line;
	/* Somebody may still come to listen there; then it is not ours. */
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(card_make(&c, &virtio_console, lines, &err),
	                 -EADDRINUSE);
	close(fd);
	assert_int_equal(card_make(&c, &virtio_console, lines, &err), 0);
	card_free(&c);
	assert_int_equal(access(at.sun_path, F_OK), -1);
	assert_true(card_make(&c, &virtio_console, NULL, &err) < 0);
}

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_are_announced),
		cmocka_unit_test(bytes_go_both_ways),
		cmocka_unit_test(without_a_client_output_is_dropped),
		cmocka_unit_test(a_second_client_is_turned_away),
		cmocka_unit_test(a_slow_client_is_waited_for),
		cmocka_unit_test(state_survives_and_clients_are_told_anew),
		cmocka_unit_test(a_leftover_socket_is_replaced),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
