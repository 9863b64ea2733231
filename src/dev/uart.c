/* SPDX-License-Identifier: BSD-2-Clause */
/* uart.c - a 16550A serial port.
 *
 * A byte is sent in no time: THR is empty again at once, unless the chardev has
 * no room, when THRE stays off until it has. Bytes received wait in the FIFO;
 * what does not fit stays with the chardev. Baud rate, parity and breaks mean
 * nothing here. The wire is up while IIR names a cause.
 *
 * The lock guards everything; vCPUs and the loop's thread meet here. It is held
 * over calls of the chardev, never the other way round.
 * Source: PC16550D data sheet, table II and 8.0.
 */
#include "dev/uart.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dev/chardev.h"
#include "vmm/vm.h"

enum uart_reg { R_DATA, R_IER, R_IIR, R_LCR, R_MCR, R_LSR, R_MSR, R_SCR };

enum {
	FIFO_SIZE = 16,
	TX_BURST = 16, /* a driver writes so many once THRE is on */

	IER_RX = 1 << 0,
	IER_TX = 1 << 1,
	IER_LINE = 1 << 2,
	IER_MODEM = 1 << 3,

	IIR_NONE = 1,
	IIR_MODEM = 0,
	IIR_TX = 2,
	IIR_RX = 4,
	IIR_LINE = 6,
	IIR_TIMEOUT = 0x0c,
	IIR_FIFO = 0xc0,

	FCR_ENABLE = 1 << 0,
	FCR_CLEAR_RX = 1 << 1,
	FCR_TRIGGER_SHIFT = 6,

	LCR_DLAB = 1 << 7,

	MCR_DTR = 1 << 0,
	MCR_RTS = 1 << 1,
	MCR_OUT1 = 1 << 2,
	MCR_OUT2 = 1 << 3,
	MCR_LOOP = 1 << 4,

	LSR_DR = 1 << 0,
	LSR_OE = 1 << 1,
	LSR_THRE = 1 << 5,
	LSR_TEMT = 1 << 6,

	MSR_DELTAS = 0x0f,
	MSR_TERI = 1 << 2,
	MSR_CTS = 1 << 4,
	MSR_DSR = 1 << 5,
	MSR_RI = 1 << 6,
	MSR_DCD = 1 << 7
};

struct uart {
	struct vm *vm;
	struct chardev *c;
	struct uart_wire wire;
	pthread_mutex_t lock;
	uint8_t val[UART_NREGS]; /* stored registers */
	uint8_t divisor[2];
	uint8_t fcr;
	uint8_t rx[FIFO_SIZE], rx_n;
	uint8_t thre_cause; /* THR became empty and nobody was told */
	uint8_t tx_waits;   /* THRE is off until the chardev has room */
	uint8_t level;      /* of the wire */
};

static unsigned
rx_capacity(const struct uart *u)
{
	return (u->fcr & FCR_ENABLE) != 0 ? FIFO_SIZE : 1;
}

static unsigned
rx_trigger(const struct uart *u)
{
	static const uint8_t level[] = { 1, 4, 8, 14 };

	return (u->fcr & FCR_ENABLE) != 0 ? level[u->fcr >> FCR_TRIGGER_SHIFT]
	                                  : 1;
}

/* The cause of highest priority. */
static uint8_t
cause(const struct uart *u)
{
	uint8_t ier = u->val[R_IER];

	if ((ier & IER_LINE) != 0 && (u->val[R_LSR] & LSR_OE) != 0)
		return IIR_LINE;
	if ((ier & IER_RX) != 0 && u->rx_n >= rx_trigger(u))
		return IIR_RX;
	/* No clock runs here: fewer bytes time out at once. */
	if ((ier & IER_RX) != 0 && u->rx_n > 0)
		return IIR_TIMEOUT;
	if ((ier & IER_TX) != 0 && u->thre_cause)
		return IIR_TX;
	if ((ier & IER_MODEM) != 0 && (u->val[R_MSR] & MSR_DELTAS) != 0)
		return IIR_MODEM;
	return IIR_NONE;
}

static void
update_wire(struct uart *u)
{
	uint8_t level = cause(u) != IIR_NONE;

	if (level == u->level)
		return;
	u->level = level;
	u->wire.set(u->wire.ctx, level != 0);
}

/* Sending. */

static void
thr_emptied(struct uart *u)
{
	u->tx_waits = chardev_room(u->c, TX_BURST) < TX_BURST;
	u->thre_cause = !u->tx_waits;
}

static void
loop_back(struct uart *u, uint8_t v)
{
	if (u->rx_n < rx_capacity(u))
		u->rx[u->rx_n++] = v;
	else
		u->val[R_LSR] |= LSR_OE;
}

static void
thr_write(struct uart *u, uint8_t v)
{
	u->thre_cause = 0;
	if ((u->val[R_MCR] & MCR_LOOP) != 0)
		loop_back(u, v);
	else
		chardev_write(u->c, &v, 1);
	thr_emptied(u);
}

/* Receiving. */

static uint8_t
rbr_read(struct uart *u)
{
	uint8_t v = u->rx[0];

	if (u->rx_n == 0)
		return 0;
	memmove(u->rx, u->rx + 1, --u->rx_n);
	if (u->rx_n == 0)
		chardev_take_more(u->c);
	return v;
}

/* Registers. */

static void
ier_write(struct uart *u, uint8_t v)
{
	/* Switching the interrupt on tells of an empty THR. */
	if ((v & IER_TX) != 0 && !u->tx_waits)
		u->thre_cause = 1;
}

static uint8_t
iir_read(struct uart *u)
{
	uint8_t v = cause(u);

	if (v == IIR_TX)
		u->thre_cause = 0;
	return v | ((u->fcr & FCR_ENABLE) != 0 ? IIR_FIFO : 0);
}

static void
fcr_write(struct uart *u, uint8_t v)
{
	bool toggled = ((v ^ u->fcr) & FCR_ENABLE) != 0;

	if (toggled || (v & FCR_CLEAR_RX) != 0) {
		u->rx_n = 0;
		chardev_take_more(u->c);
	}
	u->fcr = (v & FCR_ENABLE) != 0 ? v & (FCR_ENABLE | 3 << 6) : 0;
}

/* In loopback MCR's outputs are MSR's inputs; else somebody is always there. */
static uint8_t
modem_lines(const struct uart *u)
{
	uint8_t mcr = u->val[R_MCR];

	if ((mcr & MCR_LOOP) == 0)
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (uint8_t)(((mcr & MCR_RTS) != 0 ? MSR_CTS : 0) |
	                 ((mcr & MCR_DTR) != 0 ? MSR_DSR : 0) |
	                 ((mcr & MCR_OUT1) != 0 ? MSR_RI : 0) |
	                 ((mcr & MCR_OUT2) != 0 ? MSR_DCD : 0));
}

static void
mcr_write(struct uart *u, uint8_t v)
{
	uint8_t old = u->val[R_MSR], now = modem_lines(u);
	uint8_t changed = (uint8_t)((old ^ now) >> 4);

	if ((v & MCR_LOOP) == 0)
		chardev_take_more(u->c); /* the line is whole again */
	/* RI counts only when it goes away. */
	if ((changed & MSR_TERI) != 0 && (now & MSR_RI) != 0)
		changed &= (uint8_t)~MSR_TERI;
	u->val[R_MSR] = now | (old & MSR_DELTAS) | changed;
}

static uint8_t
lsr_read(struct uart *u)
{
	uint8_t v = u->val[R_LSR];

	/* A guest that polls for room is one that may find it. */
	if (u->tx_waits && chardev_room(u->c, TX_BURST) >= TX_BURST)
		thr_emptied(u);
	v |= u->rx_n > 0 ? LSR_DR : 0;
	v |= u->tx_waits ? 0 : LSR_THRE | LSR_TEMT;
	u->val[R_LSR] = 0; /* reading takes the errors away */
	return v;
}

static uint8_t
msr_read(struct uart *u)
{
	uint8_t v = u->val[R_MSR];

	u->val[R_MSR] &= (uint8_t)~MSR_DELTAS;
	return v;
}

static const struct reg {
	const char *name;                         /* as in the data sheet */
	uint8_t wmask;                            /* bits a write may change */
	uint8_t (*read)(struct uart *u);          /* NULL: the stored value */
	void (*write)(struct uart *u, uint8_t v); /* side effects, after it */
} regs[UART_NREGS] = {
	[R_DATA] = { "RBR/THR", 0x00, rbr_read, thr_write },
	[R_IER] = { "IER", 0x0f, NULL, ier_write },
	[R_IIR] = { "IIR/FCR", 0x00, iir_read, fcr_write },
	[R_LCR] = { "LCR", 0xff, NULL, NULL },
	[R_MCR] = { "MCR", 0x1f, NULL, mcr_write },
	[R_LSR] = { "LSR", 0x00, lsr_read, NULL },
	[R_MSR] = { "MSR", 0x00, msr_read, NULL },
	[R_SCR] = { "SCR", 0xff, NULL, NULL },
};

/* Registers 0 and 1 are the divisor while DLAB is on. */
static bool
is_divisor(const struct uart *u, unsigned off)
{
	return off < 2 && (u->val[R_LCR] & LCR_DLAB) != 0;
}

static uint64_t
uart_read(void *ctx, uint64_t off, unsigned size)
{
	struct uart *u = ctx;
	unsigned i = off % UART_NREGS;
	uint8_t v;

	(void)size;
	pthread_mutex_lock(&u->lock);
	if (is_divisor(u, i))
		v = u->divisor[i];
	else
		v = regs[i].read != NULL ? regs[i].read(u) : u->val[i];
	update_wire(u);
	pthread_mutex_unlock(&u->lock);
	return v;
}

static void
uart_write(void *ctx, uint64_t off, unsigned size, uint64_t value)
{
	struct uart *u = ctx;
	unsigned i = off % UART_NREGS;
	const struct reg *r = &regs[i];
	uint8_t v = (uint8_t)value;

	(void)size;
	pthread_mutex_lock(&u->lock);
	if (is_divisor(u, i)) {
		u->divisor[i] = v;
	} else {
		u->val[i] = (uint8_t)((u->val[i] & ~r->wmask) | (v & r->wmask));
		if (r->write != NULL)
			r->write(u, v);
	}
	update_wire(u);
	pthread_mutex_unlock(&u->lock);
}

const struct bus_ops uart_ops = { "uart", uart_read, uart_write };

/* From the chardev, on the loop's thread. */

static size_t
receive(void *ctx, const uint8_t *p, size_t n)
{
	struct uart *u = ctx;
	size_t left;

	pthread_mutex_lock(&u->lock);
	/* Loopback cuts the line: nothing comes in. */
	left = (u->val[R_MCR] & MCR_LOOP) == 0 && u->rx_n < rx_capacity(u)
	           ? rx_capacity(u) - u->rx_n
	           : 0;
	n = n < left ? n : left;
	memcpy(u->rx + u->rx_n, p, n);
	u->rx_n = (uint8_t)(u->rx_n + n);
	update_wire(u);
	pthread_mutex_unlock(&u->lock);
	return n;
}

static void
room(void *ctx)
{
	struct uart *u = ctx;

	pthread_mutex_lock(&u->lock);
	if (u->tx_waits)
		thr_emptied(u);
	update_wire(u);
	pthread_mutex_unlock(&u->lock);
}

static void
uart_reset(void *dev)
{
	struct uart *u = dev;

	pthread_mutex_lock(&u->lock);
	memset(u->val, 0, sizeof(u->val));
	u->val[R_MSR] = modem_lines(u);
	u->divisor[0] = 12; /* 9600 baud */
	u->divisor[1] = 0;
	u->fcr = u->rx_n = u->thre_cause = u->tx_waits = 0;
	update_wire(u);
	pthread_mutex_unlock(&u->lock);
	chardev_take_more(u->c);
}

static void
uart_fini(void *dev)
{
	struct uart *u = dev;

	chardev_close(u->c);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

static const struct state_field fields[] = {
	STATE_ARRAY(struct uart, val),
	STATE_ARRAY(struct uart, divisor),
	STATE_FIELD(struct uart, fcr),
	STATE_ARRAY(struct uart, rx),
	STATE_FIELD(struct uart, rx_n),
	STATE_FIELD(struct uart, thre_cause),
	STATE_FIELD(struct uart, tx_waits),
	{ NULL, 0, 0, 0 },
};

static int
after_load(void *obj, struct error *err)
{
	struct uart *u = obj;

	if (u->rx_n > FIFO_SIZE)
		return error_set(err, -EINVAL, "no 16550 state");
	pthread_mutex_lock(&u->lock);
	/* The other end may be another one now. */
	if (u->tx_waits)
		thr_emptied(u);
	update_wire(u);
	pthread_mutex_unlock(&u->lock);
	chardev_take_more(u->c);
	return 0;
}

static const struct state_desc state = {
	.name = "uart",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static const struct device_ops device = {
	.name = "uart",
	.reset = uart_reset,
	.fini = uart_fini,
	.state = &state,
};

int
uart_new(struct vm *vm, struct chardev *c, const struct uart_wire *wire,
         struct uart **out_u, struct error *err)
{
	struct uart *u = calloc(1, sizeof(*u));
	struct chardev_user user = { receive, room, NULL, u };

	if (u == NULL)
		return error_set(err, -ENOMEM, "uart");
	u->vm = vm;
	u->c = c;
	u->wire = *wire;
	pthread_mutex_init(&u->lock, NULL);
	uart_reset(u);
	if (vm_device_add(vm, &device, u, err) < 0) {
		u->c = NULL;
		uart_fini(u);
		return err->code;
	}
	chardev_start(c, &user);
	*out_u = u;
	return 0;
}
