/* SPDX-License-Identifier: BSD-2-Clause */
/* gdb.c - one debugger, the vCPUs held or let go by it.
 *
 *   nobody --accept--> stopped <--c, s, vCont-- ... --> running
 *     ^                   |     --breakpoint, step, ^C, T thread-->
 *     +---D, k, closed----+
 *
 * In "stopped" the VM is paused once by us. A vCPU that meets a breakpoint
 * holds the VM itself until the loop has paused it, so that none runs on.
 */
#include "vmm/gdb.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "vmm/gdb_packet.h"
#include "vmm/gdb_regs.h"
#include "vmm/vm.h"
#include "x86/state.h"

enum { MAX_BREAKS = 64, MAX_WATCHES = 16, SIG_INT = 2, SIG_TRAP = 5 };

struct gdb {
	struct vm *vm;
	int listener, client; /* -1: none */
	uint16_t port;
	struct loop_fd *listen_watch, *client_watch;
	struct gdb_parser in;
	bool stopped;         /* we have it paused */
	bool waiting;         /* held until the first client lets it go */
	unsigned cpu;         /* whose registers are meant */
	_Atomic unsigned hit; /* the vCPU that met something */
	unsigned nbreaks, nwatches;
	uint64_t breaks[MAX_BREAKS];
	struct engine_watch watches[MAX_WATCHES];
};

static void
send_all(struct gdb *g, const void *data, size_t len)
{
	/* Who does not read its answers loses them. */
	if (g->client >= 0)
		(void)!send(g->client, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
reply(struct gdb *g, const struct buf *text)
{
	cleanup_buf struct buf out = BUF_INIT;

	gdb_frame(&out, buf_str(text), text->len);
	send_all(g, out.data, out.len);
}

static void
say(struct gdb *g, const char *text)
{
	cleanup_buf struct buf out = BUF_INIT;

	buf_puts(&out, text);
	reply(g, &out);
}

static void
say_stopped(struct gdb *g, int sig)
{
	struct vcpu *v = &g->vm->vcpus[g->cpu];
	char text[64], why[40] = "";

	if (v->watched != 0)
		snprintf(why, sizeof(why), "%swatch:%llx;",
		         v->watched == 'w'   ? ""
		         : v->watched == 'r' ? "r"
		                             : "a",
		         (unsigned long long)v->watched_la);
	v->watched = 0;
	snprintf(text, sizeof(text), "T%02x%sthread:%x;", sig, why, g->cpu + 1);
	say(g, text);
}

static void
stop(struct gdb *g)
{
	if (g->stopped)
		return;
	vm_pause(g->vm);
	g->stopped = true;
	for (unsigned i = 0; i < g->vm->ncpus; i++)
		g->vm->ops->single_step(&g->vm->vcpus[i], false);
}

static void
go(struct gdb *g)
{
	if (!g->stopped)
		return;
	g->stopped = false;
	vm_resume(g->vm);
}

/* On the loop's thread, after heard(). */
static void
on_hit(void *ctx)
{
	struct gdb *g = ctx;
	bool news = g->client >= 0 && !g->stopped;

	if (news) {
		stop(g);
		g->cpu = atomic_load(&g->hit);
	}
	vm_let(g->vm);
	if (news)
		say_stopped(g, SIG_TRAP);
}

/* On the vCPU's thread. */
static void
heard(void *ctx, struct vcpu *v)
{
	struct gdb *g = ctx;

	vm_hold(g->vm);
	atomic_store(&g->hit, v->id);
	if (loop_call(g->vm->loop, on_hit, g) < 0)
		vm_let(g->vm);
}

/* Memory. */

static bool
page_of(struct gdb *g, uint64_t la, uint64_t *gpa)
{
	return g->vm->ops->translate != NULL &&
	       g->vm->ops->translate(&g->vm->vcpus[g->cpu], la, gpa) == 0;
}

/* Copies by pages; how many bytes came through. */
static size_t
copy(struct gdb *g, uint64_t la, uint8_t *bytes, size_t len, bool write)
{
	size_t done = 0;

	while (done < len) {
		uint64_t gpa, room = GUEST_PAGE - (la + done) % GUEST_PAGE;
		size_t n = room < len - done ? (size_t)room : len - done;

		if (!page_of(g, la + done, &gpa) ||
		    (write ? guest_mem_load(g->vm->mem, gpa, bytes + done, n)
		           : guest_mem_read(g->vm->mem, gpa, bytes + done, n)) <
		        0)
			break;
		done += n;
	}
	return done;
}

/* ADDR,LENGTH in hexadecimal; *end is what follows. */
static bool
take_range(const char *s, uint64_t *addr, uint64_t *len, const char **end)
{
	char *e;

	*addr = strtoull(s, &e, 16);
	if (e == s || *e != ',')
		return false;
	s = e + 1;
	*len = strtoull(s, &e, 16);
	*end = e;
	return e != s && *len <= GDB_MAX_PACKET / 2 - 8;
}

static void
do_read(struct gdb *g, const char *args)
{
	cleanup_buf struct buf out = BUF_INIT;
	uint8_t bytes[GDB_MAX_PACKET / 2];
	uint64_t la, len;
	const char *end;
	size_t n;

	if (!take_range(args, &la, &len, &end)) {
		say(g, "E01");
		return;
	}
	n = copy(g, la, bytes, (size_t)len, false);
	if (n == 0 && len > 0) {
		say(g, "E0e");
		return;
	}
	gdb_put_hex(&out, bytes, n);
	reply(g, &out);
}

static void
do_write(struct gdb *g, const char *args)
{
	uint8_t bytes[GDB_MAX_PACKET / 2];
	uint64_t la, len;
	const char *end;

	if (!take_range(args, &la, &len, &end) || *end != ':' ||
	    strlen(end + 1) != 2 * len ||
	    gdb_take_hex(end + 1, bytes, (size_t)len) < 0)
		say(g, "E01");
	else
		say(g, copy(g, la, bytes, (size_t)len, true) == len ? "OK"
		                                                    : "E0e");
}

/* Registers. */

static void
do_get_registers(struct gdb *g, const char *args)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct x86_state st;

	if (vm_vcpu_get(g->vm, g->cpu, &st) < 0) {
		say(g, "E05");
		return;
	}
	if (args == NULL)
		gdb_regs_get(&st, &out);
	else if (gdb_reg_get(&st, (unsigned)strtoul(args, NULL, 16), &out) < 0)
		buf_puts(&out, "E01");
	reply(g, &out);
}

static void
do_set_registers(struct gdb *g, const char *args, bool one)
{
	struct x86_state st;
	struct error err;
	char *value = NULL;
	unsigned long n = one ? strtoul(args, &value, 16) : 0;

	if (vm_vcpu_get(g->vm, g->cpu, &st) < 0 ||
	    (one && (*value != '=' || n > UINT16_MAX)) ||
	    (one ? gdb_reg_set(&st, (unsigned)n, value + 1)
	         : gdb_regs_set(&st, args)) < 0 ||
	    vm_vcpu_set(g->vm, g->cpu, &st, &err) < 0)
		say(g, "E01");
	else
		say(g, "OK");
}

static bool
same_watch(const struct engine_watch *a, const struct engine_watch *b)
{
	return a->la == b->la && a->len == b->len && a->read == b->read &&
	       a->write == b->write;
}

/* Z2 write, Z3 read, Z4 access. */
static void
do_watch(struct gdb *g, const char *args, bool set)
{
	uint64_t la, len;
	const char *end;
	struct engine_watch w = { .read = args[0] != '2',
		                  .write = args[0] != '3' };
	unsigned i = 0;

	if (g->vm->ops->watchpoint == NULL) {
		say(g, "");
		return;
	}
	if (args[1] != ',' || !take_range(args + 2, &la, &len, &end) ||
	    len == 0 || len > 4096) {
		say(g, "E01");
		return;
	}
	w.la = la;
	w.len = (unsigned)len;
	while (i < g->nwatches && !same_watch(&g->watches[i], &w))
		i++;
	if (set == (i < g->nwatches)) {
		say(g, "OK");
		return;
	}
	if ((set && g->nwatches == MAX_WATCHES) ||
	    g->vm->ops->watchpoint(g->vm, &w, set) < 0) {
		say(g, "E0c");
		return;
	}
	if (set)
		g->watches[g->nwatches++] = w;
	else
		g->watches[i] = g->watches[--g->nwatches];
	say(g, "OK");
}

/* Breakpoints: Z0 and Z1 alike, the engine's own. */
static void
do_break(struct gdb *g, const char *args, bool set)
{
	uint64_t la, kind;
	const char *end;
	unsigned i = 0;

	if (args[0] >= '2' && args[0] <= '4') {
		do_watch(g, args, set);
		return;
	}
	if (args[0] != '0' && args[0] != '1') {
		say(g, "");
		return;
	}
	if (args[1] != ',' || !take_range(args + 2, &la, &kind, &end)) {
		say(g, "E01");
		return;
	}
	while (i < g->nbreaks && g->breaks[i] != la)
		i++;
	if (set == (i < g->nbreaks)) {
		say(g, "OK");
		return;
	}
	if ((set && g->nbreaks == MAX_BREAKS) ||
	    g->vm->ops->breakpoint(g->vm, la, set) < 0) {
		say(g, "E0c");
		return;
	}
	if (set)
		g->breaks[g->nbreaks++] = la;
	else
		g->breaks[i] = g->breaks[--g->nbreaks];
	say(g, "OK");
}

/* Threads. */

/* A thread's number to a vCPU; -1 and 0 mean any. */
static bool
take_thread(struct gdb *g, const char *s, unsigned *out_cpu)
{
	long n = strtol(s, NULL, 16);

	if (n < -1 || n > (long)g->vm->ncpus)
		return false;
	*out_cpu = n > 0 ? (unsigned)n - 1 : g->cpu;
	return true;
}

static void
do_thread(struct gdb *g, const char *args)
{
	unsigned cpu;

	if (*args == '\0' || !take_thread(g, args + 1, &cpu)) {
		say(g, "E01");
		return;
	}
	if (*args == 'g')
		g->cpu = cpu;
	say(g, "OK");
}

static void
run_on(struct gdb *g, bool step, unsigned cpu)
{
	if (step)
		g->vm->ops->single_step(&g->vm->vcpus[cpu], true);
	go(g);
}

/* vCont;ACTION[:THREAD]...: the vCPU to step is the one named; all run. */
static void
do_cont(struct gdb *g, const char *args)
{
	unsigned cpu = g->cpu;
	bool step = false, any = false;

	if (strcmp(args, "?") == 0) {
		say(g, "vCont;c;C;s;S");
		return;
	}
	while (*args == ';') {
		const char *next = strchr(args + 1, ';');
		const char *thread = strchr(args + 1, ':');
		bool steps = (args[1] | 0x20) == 's';

		if (!steps && (args[1] | 0x20) != 'c')
			break;
		any = true;
		if (thread != NULL && (next == NULL || thread < next) &&
		    steps && !take_thread(g, thread + 1, &cpu))
			break;
		step |= steps;
		args = next != NULL ? next : "";
	}
	if (!any || *args != '\0')
		say(g, "E01");
	else
		run_on(g, step, cpu);
}

static void
do_thread_list(struct gdb *g)
{
	cleanup_buf struct buf out = BUF_INIT;

	buf_putc(&out, 'm');
	for (unsigned i = 1; i <= g->vm->ncpus; i++)
		buf_printf(&out, "%s%x", i > 1 ? "," : "", i);
	reply(g, &out);
}

/* target.xml:OFFSET,LENGTH */
static void
do_features(struct gdb *g, const char *args)
{
	cleanup_buf struct buf xml = BUF_INIT, out = BUF_INIT;
	uint64_t off, len;
	const char *end;

	gdb_regs_xml(&xml);
	if (!take_range(args, &off, &len, &end) || off > xml.len) {
		say(g, "E01");
		return;
	}
	if (len > xml.len - off)
		len = xml.len - off;
	buf_putc(&out, off + len < xml.len ? 'm' : 'l');
	buf_put(&out, xml.data + off, (size_t)len);
	reply(g, &out);
}

static void
do_query(struct gdb *g, const char *q)
{
	static const char features[] = "Xfer:features:read:target.xml:";
	cleanup_buf struct buf out = BUF_INIT;
	char text[96];

	if (strncmp(q, "Supported", 9) == 0) {
		snprintf(text, sizeof(text),
		         "PacketSize=%x;qXfer:features:read+;vContSupported+",
		         GDB_MAX_PACKET);
		say(g, text);
	} else if (strcmp(q, "C") == 0) {
		snprintf(text, sizeof(text), "QC%x", g->cpu + 1);
		say(g, text);
	} else if (strcmp(q, "Attached") == 0)
		say(g, "1");
	else if (strcmp(q, "fThreadInfo") == 0)
		do_thread_list(g);
	else if (strcmp(q, "sThreadInfo") == 0)
		say(g, "l");
	else if (strncmp(q, "ThreadExtraInfo,", 16) == 0) {
		snprintf(text, sizeof(text), "vCPU %ld",
		         strtol(q + 16, NULL, 16) - 1);
		gdb_put_hex(&out, text, strlen(text));
		reply(g, &out);
	} else if (strncmp(q, features, sizeof(features) - 1) == 0)
		do_features(g, q + sizeof(features) - 1);
	else
		say(g, "");
}

static void
detach(struct gdb *g)
{
	loop_fd_remove(g->client_watch);
	g->client_watch = NULL;
	/* The guest is as it was before the debugger sees the end. */
	while (g->nbreaks > 0)
		(void)g->vm->ops->breakpoint(g->vm, g->breaks[--g->nbreaks],
		                             false);
	while (g->nwatches > 0)
		(void)g->vm->ops->watchpoint(g->vm, &g->watches[--g->nwatches],
		                             false);
	go(g);
	if (g->client >= 0)
		close(g->client);
	g->client = -1;
}

static void
do_alive(struct gdb *g, const char *args)
{
	unsigned cpu;

	say(g, take_thread(g, args, &cpu) ? "OK" : "E01");
}

/* What may be asked of a guest that stands. */
static void
take_packet(struct gdb *g, const char *p)
{
	switch (*p) {
	case '?':
		say_stopped(g, SIG_TRAP);
		break;
	case 'c':
	case 's':
		run_on(g, *p == 's', g->cpu);
		break;
	case 'g':
		do_get_registers(g, NULL);
		break;
	case 'p':
		do_get_registers(g, p + 1);
		break;
	case 'G':
	case 'P':
		do_set_registers(g, p + 1, *p == 'P');
		break;
	case 'm':
		do_read(g, p + 1);
		break;
	case 'M':
		do_write(g, p + 1);
		break;
	case 'Z':
	case 'z':
		do_break(g, p + 1, *p == 'Z');
		break;
	case 'H':
		do_thread(g, p + 1);
		break;
	case 'T':
		do_alive(g, p + 1);
		break;
	case 'q':
		do_query(g, p + 1);
		break;
	case 'v':
		if (strncmp(p, "vCont", 5) == 0)
			do_cont(g, p + 5);
		else
			say(g, "");
		break;
	case 'D':
		say(g, "OK");
		detach(g);
		break;
	case 'k':
		detach(g);
		break;
	default:
		say(g, "");
	}
}

static void
take_byte(struct gdb *g, uint8_t byte)
{
	switch (gdb_feed(&g->in, byte)) {
	case GDB_NONE:
		break;
	case GDB_BAD:
		send_all(g, "-", 1);
		break;
	case GDB_BREAK:
		if (g->stopped)
			break;
		stop(g);
		say_stopped(g, SIG_INT);
		break;
	case GDB_PACKET:
		send_all(g, "+", 1);
		/* gdb asks nothing of a guest that runs. */
		if (g->stopped)
			take_packet(g, g->in.text);
	}
}

static void
on_client(void *ctx, uint32_t events)
{
	struct gdb *g = ctx;
	uint8_t bytes[512];
	ssize_t n = recv(g->client, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		detach(g);
		return;
	}
	for (ssize_t i = 0; i < n && g->client >= 0; i++)
		take_byte(g, bytes[i]);
}

static void
on_listen(void *ctx, uint32_t events)
{
	struct gdb *g = ctx;
	int fd = accept4(g->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct error err;

	(void)events;
	if (fd < 0)
		return;
	if (g->client >= 0 || loop_fd_add(g->vm->loop, fd, EPOLLIN, on_client,
	                                  g, &g->client_watch, &err) < 0) {
		close(fd);
		return;
	}
	g->client = fd;
	g->cpu = 0;
	memset(&g->in, 0, sizeof(g->in));
	stop(g);
	if (g->waiting)
		vm_let(g->vm);
	g->waiting = false;
}

/* An address as users write it. */
static int
parse_address(const char *text, uint16_t port, struct sockaddr_storage *ss,
              socklen_t *out_len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	char host[INET6_ADDRSTRLEN];
	size_t len = strlen(text);

	memset(ss, 0, sizeof(*ss));
	if (strcmp(text, "localhost") == 0)
		text = "127.0.0.1";
	*in = (struct sockaddr_in){ .sin_family = AF_INET,
		                    .sin_port = htons(port) };
	*out_len = sizeof(*in);
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
		return 0;
	if (text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	*in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
		                      .sin6_port = htons(port) };
	*out_len = sizeof(*in6);
	return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
}

static int
open_listener(struct gdb *g, const char *address, uint16_t port,
              struct error *err)
{
	struct sockaddr_storage ss;
	struct sockaddr *sa = (struct sockaddr *)&ss;
	const int on = 1;
	socklen_t len;

	if (parse_address(address, port, &ss, &len) < 0)
		return error_set(err, -EINVAL, "'%s' is no address", address);
	g->listener = socket(sa->sa_family,
	                     SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (g->listener < 0 ||
	    setsockopt(g->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) <
	        0 ||
	    bind(g->listener, sa, len) < 0 || listen(g->listener, 1) < 0 ||
	    getsockname(g->listener, sa, &len) < 0)
		return error_sys(err, "listen at %s port %u", address, port);
	g->port = ntohs(sa->sa_family == AF_INET
	                    ? ((struct sockaddr_in *)&ss)->sin_port
	                    : ((struct sockaddr_in6 *)&ss)->sin6_port);
	return loop_fd_add(g->vm->loop, g->listener, EPOLLIN, on_listen, g,
	                   &g->listen_watch, err);
}

int
gdb_listen(struct vm *vm, const char *address, uint16_t port, bool wait,
           struct gdb **out_g, struct error *err)
{
	struct gdb *g;

	if (vm->ops->breakpoint == NULL || vm->ops->single_step == NULL)
		return error_set(err, -ENOTSUP,
		                 "gdb: engine '%s' cannot be debugged",
		                 vm->ops->name);
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return error_set(err, -ENOMEM, "gdb");
	*g = (struct gdb){ .vm = vm, .listener = -1, .client = -1 };
	if (open_listener(g, address, port, err) < 0) {
		gdb_free(g);
		return error_wrap(err, "gdb");
	}
	vm->debugger_ctx = g;
	vm->debugger = heard;
	if (wait)
		vm_hold(vm);
	g->waiting = wait;
	*out_g = g;
	return 0;
}

uint16_t
gdb_port(const struct gdb *g)
{
	return g->port;
}

void
gdb_free(struct gdb *g)
{
	if (g == NULL)
		return;
	loop_fd_remove(g->client_watch);
	loop_fd_remove(g->listen_watch);
	if (g->client >= 0)
		close(g->client);
	if (g->listener >= 0)
		close(g->listener);
	if (g->vm->debugger_ctx == g)
		g->vm->debugger = NULL;
	free(g);
}
