/* SPDX-License-Identifier: BSD-2-Clause */
/* console.c - virtio-console: byte streams between the guest and sockets.
 *
 * Queues: port 0 receives on 0 and sends on 1, control is 2 and 3, port n
 * receives on 2n + 2 and sends on 2n + 3. Config's port.N is port N - 1.
 *
 * One client at a time has a port. What the guest sends without one is dropped;
 * a client that does not read is waited for, and only that port with it. What
 * a client sends waits in its socket until the guest gives buffers and has the
 * port open. Messages on the control queue are bits that are pending, so that
 * there is no list which a driver without buffers could let grow.
 * One worker does it all. Source: VIRTIO 1.2, 5.3.
 */
#include "dev/virtio/console.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "dev/virtio/pci.h"
#include "dev/virtio/virtio.h"
#include "dev/virtio/worker.h"
#include "vmm/config.h"
#include "vmm/loop.h"
#include "vmm/pci.h"
#include "vmm/vm.h"

enum {
	CON_TYPE = 3,
	CON_CLASS = 0x078000,
	CON_QUEUE = 64,
	CON_PORTS = 16,
	CON_PARTS = 32,
	CON_NAME = 64, /* with the NUL */
	CON_COLS = 80,
	CON_ROWS = 25,
	CON_CTL_RX = 2, /* queues */
	CON_CTL_TX = 3
};

enum con_feature { F_SIZE = 0, F_MULTIPORT = 1 };

/* VIRTIO 1.2, 5.3.6.2. */
enum con_event {
	EV_DEVICE_READY = 0,
	EV_PORT_ADD = 1,
	EV_PORT_READY = 3,
	EV_PORT_OPEN = 6,
	EV_PORT_NAME = 7
};

struct con_control {
	uint32_t id;
	uint16_t event, value;
};

struct con_config {
	uint16_t cols, rows;
	uint32_t max_ports, emergency;
} __attribute__((packed));

/* What the driver has still to be told of a port, in this order. */
enum con_pending { P_ADD = 1, P_NAME = 2, P_OPEN = 4 };

struct con_port {
	struct console *con;
	unsigned id;
	char name[CON_NAME];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int listener, client; /* -1: none */
	struct loop_fd *listener_watch, *client_watch;
	bool rx_waits; /* for the guest's buffers */
	bool tx_waits; /* for the client to read */
};

struct console {
	struct virtio virtio; /* first */
	unsigned nports;
	struct worker *worker;
	struct con_port port[CON_PORTS];
	/* Of each port, for checkpoints. */
	uint8_t pending[CON_PORTS];
	uint8_t guest_open[CON_PORTS];
	uint32_t tx_done[CON_PORTS]; /* of the buffer at the head, bytes */
	bool loaded; /* the driver does not know who is there now */
};

static bool
multiport(const struct console *c)
{
	return virtio_has(&c->virtio, F_MULTIPORT);
}

static unsigned
rx_queue(const struct con_port *p)
{
	return p->id == 0 ? 0 : 2 * p->id + 2;
}

static struct virtq *
ring(const struct con_port *p, unsigned queue)
{
	return &p->con->virtio.queue[queue].q;
}

static void
publish(struct console *c, unsigned queue)
{
	if (virtq_publish(&c->virtio.queue[queue].q))
		virtio_interrupt(&c->virtio, queue);
}

/* Control, to the driver. */

static void
tell(struct console *c, unsigned port, uint16_t event, uint16_t value,
     const char *text, struct virtq_chain *buffer)
{
	const struct con_control m = { port, event, value };
	size_t n = virtq_copy_in(buffer, 0, &m, sizeof(m));

	n += virtq_copy_in(buffer, n, text, strlen(text));
	virtq_push(&c->virtio.queue[CON_CTL_RX].q, buffer, (uint32_t)n);
}

/* One message of a port into buffer; false: there is none. */
static bool
tell_one(struct console *c, unsigned i, struct virtq_chain *buffer)
{
	uint8_t *pending = &c->pending[i];
	uint8_t what = *pending & (uint8_t) - *pending; /* the lowest bit */

	*pending &= (uint8_t)~what;
	if (what == P_ADD)
		tell(c, i, EV_PORT_ADD, 1, "", buffer);
	else if (what == P_NAME)
		tell(c, i, EV_PORT_NAME, 1, c->port[i].name, buffer);
	else if (what == P_OPEN)
		tell(c, i, EV_PORT_OPEN, c->port[i].client >= 0, "", buffer);
	return what != 0;
}

static void
tell_pending(struct console *c)
{
	struct virtq *q = &c->virtio.queue[CON_CTL_RX].q;
	struct iovec iov[CON_PARTS];
	uint64_t gpa[CON_PARTS];
	struct virtq_chain b = { .iov = iov, .gpa = gpa, .room = CON_PARTS };

	for (unsigned i = 0; i < c->nports && c->loaded && multiport(c); i++)
		c->pending[i] |= P_OPEN;
	c->loaded = false;
	for (unsigned i = 0; i < c->nports; i++)
		while (c->pending[i] != 0 && virtq_pop(q, &b) == 1)
			(void)tell_one(c, i, &b);
	publish(c, CON_CTL_RX);
	/* More buffers bring us here again. */
	(void)virtq_idle(q);
}

/* A message for a port the driver may hear of. */
static void
pend(struct con_port *p, uint8_t what)
{
	if (!p->con->virtio.live || !multiport(p->con))
		return;
	p->con->pending[p->id] |= what;
	tell_pending(p->con);
}

/* Sockets. */

static void
watch(struct con_port *p)
{
	uint32_t events = (p->rx_waits ? 0 : (uint32_t)EPOLLIN) |
	                  (p->tx_waits ? (uint32_t)EPOLLOUT : 0);

	if (p->client_watch != NULL)
		(void)loop_fd_set(p->client_watch, events);
}

static void
hang_up(struct con_port *p)
{
	loop_fd_remove(p->client_watch);
	p->client_watch = NULL;
	if (p->client >= 0)
		close(p->client);
	p->client = -1;
	/* What waited for him is dropped. */
	if (p->tx_waits)
		virtio_kick(&p->con->virtio, rx_queue(p) + 1);
	p->tx_waits = false;
	pend(p, P_OPEN);
}

/* Client to guest. */

static bool
guest_listens(const struct con_port *p)
{
	return p->con->virtio.live &&
	       (!multiport(p->con) || p->con->guest_open[p->id] != 0);
}

/* One buffer's worth: 1 done, 0 nothing there, -1 the client is gone. */
static int
receive_one(struct con_port *p, struct virtq_chain *c)
{
	struct msghdr m = { .msg_iov = c->iov + c->nread,
		            .msg_iovlen = c->nwrite };
	ssize_t n = recvmsg(p->client, &m, MSG_DONTWAIT);

	if (n > 0) {
		virtq_push(ring(p, rx_queue(p)), c, (uint32_t)n);
		return 1;
	}
	virtq_unpop(ring(p, rx_queue(p)), 1);
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static void
receive(struct con_port *p)
{
	struct virtq *q = ring(p, rx_queue(p));
	struct iovec iov[CON_PARTS];
	uint64_t gpa[CON_PARTS];
	struct virtq_chain c = { .iov = iov, .gpa = gpa, .room = CON_PARTS };
	int rc = 1;

	p->rx_waits = !guest_listens(p);
	for (unsigned n = 0; n < CON_QUEUE && rc > 0 && !p->rx_waits; n++) {
		rc = virtq_pop(q, &c);
		if (rc != 1 || c.nwrite == 0)
			p->rx_waits = true;
		else
			rc = receive_one(p, &c);
		if (rc == 1 && c.nwrite == 0)
			virtq_push(q, &c, 0); /* nothing fits into nothing */
	}
	publish(p->con, rx_queue(p));
	if (p->rx_waits && !virtq_idle(q))
		virtio_kick(&p->con->virtio, rx_queue(p));
	if (rc < 0 && !q->broken)
		hang_up(p);
	else
		watch(p);
}

/* Guest to client. */

/* 1 the buffer is over, 0 the client must read first. */
static int
send_one(struct con_port *p, const struct virtq_chain *c)
{
	uint32_t *done = &p->con->tx_done[p->id];
	struct iovec iov[CON_PARTS];
	struct msghdr m = { .msg_iov = iov };
	ssize_t n;

	m.msg_iovlen = iov_slice(c->iov, c->nread, *done, UINT64_MAX, iov);
	if (p->client < 0 || m.msg_iovlen == 0)
		return 1;
	n = sendmsg(p->client, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		hang_up(p);
		return 1;
	}
	if (n > 0)
		*done += (uint32_t)n;
	return *done >= c->read_bytes;
}

static void
transmit(struct con_port *p)
{
	struct virtq *q = ring(p, rx_queue(p) + 1);
	struct iovec iov[CON_PARTS];
	uint64_t gpa[CON_PARTS];
	struct virtq_chain c = { .iov = iov, .gpa = gpa, .room = CON_PARTS };

	p->tx_waits = false;
	for (unsigned n = 0; n < CON_QUEUE && virtq_pop(q, &c) == 1; n++) {
		if (send_one(p, &c) == 0) {
			virtq_unpop(q, 1);
			p->tx_waits = true;
			break;
		}
		p->con->tx_done[p->id] = 0;
		virtq_push(q, &c, 0);
	}
	publish(p->con, rx_queue(p) + 1);
	if (!p->tx_waits && !virtq_idle(q))
		virtio_kick(&p->con->virtio, rx_queue(p) + 1);
	watch(p);
}

static void
client_ready(void *ctx, uint32_t events)
{
	struct con_port *p = ctx;

	if ((events & EPOLLOUT) != 0 && p->con->virtio.live)
		transmit(p);
	if (p->client >= 0 && (events & (EPOLLHUP | EPOLLERR)) != 0 &&
	    (p->rx_waits || (events & EPOLLIN) == 0))
		hang_up(p);
	else if (p->client >= 0 && (events & (EPOLLIN | EPOLLHUP)) != 0)
		receive(p);
}

static void
client_comes(void *ctx, uint32_t events)
{
	struct con_port *p = ctx;
	struct error err;
	int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	p->rx_waits = !guest_listens(p);
	if (p->client >= 0 ||
	    loop_fd_add(worker_loop(p->con->worker), fd,
	                p->rx_waits ? 0 : EPOLLIN, client_ready, p,
	                &p->client_watch, &err) < 0) {
		close(fd);
		return;
	}
	p->client = fd;
	pend(p, P_OPEN);
}

/* Control, from the driver. */

static void
message(struct console *c, const struct con_control *m)
{
	struct con_port *p;

	if (m->event == EV_DEVICE_READY) {
		for (unsigned i = 0; i < c->nports && m->value == 1; i++)
			c->pending[i] |= P_ADD;
		return;
	}
	if (m->id >= c->nports)
		return;
	p = &c->port[m->id];
	if (m->event == EV_PORT_READY && m->value == 1) {
		c->pending[p->id] |= P_NAME | P_OPEN;
	} else if (m->event == EV_PORT_OPEN) {
		c->guest_open[p->id] = m->value != 0;
		if (p->client >= 0)
			receive(p);
	}
}

static void
control(struct console *c)
{
	struct virtq *q = &c->virtio.queue[CON_CTL_TX].q;
	struct iovec iov[CON_PARTS];
	uint64_t gpa[CON_PARTS];
	struct virtq_chain b = { .iov = iov, .gpa = gpa, .room = CON_PARTS };

	for (unsigned n = 0; n < CON_QUEUE && virtq_pop(q, &b) == 1; n++) {
		struct con_control m;

		if (virtq_copy_out(&b, 0, &m, sizeof(m)) == sizeof(m))
			message(c, &m);
		virtq_push(q, &b, 0);
	}
	publish(c, CON_CTL_TX);
	if (!virtq_idle(q))
		virtio_kick(&c->virtio, CON_CTL_TX);
	tell_pending(c);
}

static void
con_kicked(void *dev, unsigned queue)
{
	struct console *c = dev;
	unsigned port = queue < 2 ? 0 : queue / 2 - 1;

	if (queue == CON_CTL_RX)
		tell_pending(c);
	else if (queue == CON_CTL_TX)
		control(c);
	else if (queue % 2 == 1)
		transmit(&c->port[port]);
	else if (c->port[port].client >= 0)
		receive(&c->port[port]);
}

/* Life. */

static void
con_reset(void *dev)
{
	struct console *c = dev;

	memset(c->pending, 0, sizeof(c->pending));
	memset(c->guest_open, 0, sizeof(c->guest_open));
	memset(c->tx_done, 0, sizeof(c->tx_done));
	c->loaded = false;
}

/* Clients are not saved: the driver will be told who is there now. */
static int
con_load(void *dev, struct error *err)
{
	struct console *c = dev;

	(void)err;
	for (unsigned i = 0; i < CON_PORTS; i++)
		c->pending[i] &= P_ADD | P_NAME | P_OPEN;
	c->loaded = true;
	return 0;
}

static void
con_fini(void *dev)
{
	struct console *c = dev;

	c->virtio.live = false;
	for (unsigned i = 0; i < c->nports; i++) {
		struct con_port *p = &c->port[i];

		hang_up(p);
		loop_fd_remove(p->listener_watch);
		if (p->listener < 0)
			continue;
		close(p->listener);
		/* Who has given up his rights leaves it to the next start. */
		(void)unlink(p->path);
	}
}

static const struct virtio_ops con_ops = {
	.name = "virtio-console",
	.type = CON_TYPE,
	.reset = con_reset,
	.load = con_load,
	.fini = con_fini,
};

static const struct state_field con_fields[] = {
	VIRTIO_STATE(struct console, virtio),
	STATE_ARRAY(struct console, pending),
	STATE_ARRAY(struct console, guest_open),
	STATE_ARRAY(struct console, tx_done),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc con_state = {
	.name = "virtio-console",
	.version = 1,
	.fields = con_fields,
	.before_save = virtio_device_before_save,
	.after_load = virtio_device_after_load,
};

static const struct device_ops con_device = {
	.name = "virtio-console",
	.reset = virtio_device_reset,
	.pause = virtio_device_pause,
	.resume = virtio_device_resume,
	.fini = virtio_device_fini,
	.state = &con_state,
};

/* Making it. */

/* A socket that nobody listens on is a leftover. */
static void
remove_stale(const struct sockaddr_un *at)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd >= 0 && lstat(at->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 &&
	    errno == ECONNREFUSED)
		(void)unlink(at->sun_path);
}

static int
listen_at(struct con_port *p, struct error *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	memcpy(at.sun_path, p->path, sizeof(at.sun_path));
	remove_stale(&at);
	p->listener =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->listener < 0)
		return error_sys(err, "port '%s': socket", p->name);
	if (bind(p->listener, (const struct sockaddr *)&at, sizeof(at)) < 0) {
		error_sys(err, "port '%s': listen on '%s'", p->name, p->path);
		close(p->listener);
		p->listener = -1;
		return err->code;
	}
	if (listen(p->listener, 1) < 0)
		return error_sys(err, "port '%s': listen", p->name);
	return loop_fd_add(worker_loop(p->con->worker), p->listener, EPOLLIN,
	                   client_comes, p, &p->listener_watch, err);
}

static int
copy_text(char *out, size_t room, const char *text, const char *what,
          struct error *err)
{
	if (text == NULL || text[0] == '\0' || strlen(text) >= room)
		return error_set(err, -EINVAL,
		                 "port: want a %s of 1 to %zu "
		                 "characters",
		                 what, room - 1);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int
add_port(struct console *c, const struct config_node *cfg, unsigned n,
         struct error *err)
{
	struct con_port *p = &c->port[c->nports];
	char name[32], path[32];

	snprintf(name, sizeof(name), "port.%u.name", n);
	snprintf(path, sizeof(path), "port.%u.path", n);
	p->con = c;
	p->id = c->nports++;
	p->listener = p->client = -1;
	if (copy_text(p->name, sizeof(p->name), config_get(cfg, name), "name",
	              err) < 0 ||
	    copy_text(p->path, sizeof(p->path), config_get(cfg, path), "path",
	              err) < 0)
		return err->code;
	return listen_at(p, err);
}

static int
add_ports(struct console *c, const struct config_node *cfg, struct error *err)
{
	for (unsigned n = 1;; n++) {
		char key[32];

		snprintf(key, sizeof(key), "port.%u.path", n);
		if (config_get(cfg, key) == NULL)
			break;
		if (n > CON_PORTS)
			return error_set(err, -E2BIG, "over %d ports",
			                 CON_PORTS);
		if (add_port(c, cfg, n, err) < 0)
			return err->code;
	}
	if (c->nports == 0)
		return error_set(err, -EINVAL, "want NAME=/path of a port");
	return 0;
}

static int
con_make(struct console *c, struct pci_dev *d, const struct config_node *cfg,
         struct error *err)
{
	struct con_config conf = { .cols = CON_COLS, .rows = CON_ROWS };

	if (virtio_worker_add(&c->virtio, &c->worker, err) < 0 ||
	    add_ports(c, cfg, err) < 0)
		return err->code;
	for (unsigned i = 0; i < 2 * c->nports + 2; i++)
		if (virtio_queue_add(&c->virtio, CON_QUEUE, c->worker,
		                     con_kicked, err) < 0)
			return err->code;
	conf.max_ports = c->nports;
	virtio_config_set(&c->virtio, 0, &conf, sizeof(conf));
	if (virtio_pci_attach(d, cfg, &c->virtio, CON_CLASS, err) < 0)
		return err->code;
	return vm_device_add(pci_vm(d), &con_device, c, err);
}

static int
con_init(struct pci_dev *d, const struct config_node *cfg, struct error *err)
{
	struct console *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return error_set(err, -ENOMEM, "virtio-console");
	virtio_init(&c->virtio, &con_ops, pci_vm(d)->mem,
	            1ull << F_SIZE | 1ull << F_MULTIPORT);
	if (con_make(c, d, cfg, err) < 0) {
		virtio_device_fini(c);
		return err->code;
	}
	return 0;
}

const struct pci_device_ops virtio_console = { "virtio-console", con_init };
