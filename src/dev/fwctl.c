/* SPDX-License-Identifier: BSD-2-Clause */
/* fwctl.c - bhyve's firmware interface at the ports of QEMU's.
 *
 *   out 16 0x510  0: begin anew, with the signature
 *   in   8 0x511  the signature, "BHYV", byte by byte; then requests begin
 *   out 32 0x510  words of a request: bytes in all, operation, id, a name
 *   in  32 0x511  words of the answer: bytes in all, operation, id, error,
 * value
 *
 *   IDENT --4 bytes read--> REQUEST --last word--> ANSWER --last word-->
 * REQUEST any --begin anew--> IDENT
 *
 * A name is looked up when all of it is there. Of a name that is too long, and
 * of operations there are not, every word is taken and an error answered.
 * Source: FreeBSD's fwctl, as its firmware speaks it.
 */
#include "dev/fwctl.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/le.h"
#include "vmm/vm.h"

enum {
	AT_OUT = 0,
	AT_IN = 1,
	HEAD_BYTES = 12, /* of a request */
	NAME_BYTES = 80,
	ANSWER_WORDS = 8,
	/* Numbers of the protocol, which is FreeBSD's. */
	OP_GET = 3,
	OP_GET_LEN = 4,
	E_NOENT = 2,
	E_2BIG = 7
};

enum fwctl_state { IDENT, REQUEST, ANSWER, NSTATES };

struct fwctl {
	struct vm *vm;
	pthread_mutex_t lock;
	uint8_t state;
	uint8_t read;          /* bytes of the signature */
	uint8_t words;         /* of the head there are */
	uint32_t left, op, id; /* bytes of the name to come */
	uint32_t named;        /* bytes of the name there are */
	uint8_t name[NAME_BYTES];
	uint8_t too_long;
	uint32_t answer[ANSWER_WORDS];
	uint8_t answered, nanswer; /* words */
};

static void
forget(struct fwctl *c)
{
	c->words = c->answered = c->nanswer = 0;
	c->left = c->op = c->id = c->named = 0;
	c->too_long = 0;
	memset(c->name, 0, sizeof(c->name));
}

/* The value of what was asked for: its words in out, its bytes; 0: unknown. */
static unsigned
value(const struct fwctl *c, uint32_t out[1])
{
	if (strncmp((const char *)c->name, "hw.ncpu", NAME_BYTES) != 0)
		return 0;
	out[0] = c->vm->ncpus;
	return 4;
}

/* Everything of a request is there. */
static void
answer(struct fwctl *c)
{
	uint32_t v[1] = { 0 }, *a = c->answer;
	bool known = c->op == OP_GET || c->op == OP_GET_LEN;
	unsigned bytes = known && !c->too_long ? value(c, v) : 0;

	c->nanswer = 4;
	a[1] = c->op;
	a[2] = c->id;
	a[3] = bytes > 0 ? 0 : known && c->too_long ? E_2BIG : E_NOENT;
	/* Both begin with the value's length, of 64 bits. */
	if (bytes > 0) {
		a[c->nanswer++] = bytes;
		a[c->nanswer++] = 0;
	}
	if (bytes > 0 && c->op == OP_GET)
		a[c->nanswer++] = v[0];
	a[0] = c->nanswer * 4u;
	c->answered = 0;
	c->state = ANSWER;
}

static void
take_head(struct fwctl *c, uint32_t w)
{
	switch (c->words++) {
	case 0:
		/* Shorter than its head: not the beginning of a request. */
		if (w < HEAD_BYTES)
			c->words = 0;
		else
			c->left = w - HEAD_BYTES;
		break;
	case 1:
		c->op = w;
		break;
	default:
		c->id = w;
		c->too_long = c->left > NAME_BYTES;
		if (c->left == 0)
			answer(c);
	}
}

static void
take_name(struct fwctl *c, uint32_t w)
{
	/* Not past its end, whatever a checkpoint says is to come. */
	if (!c->too_long && c->named <= NAME_BYTES - 4) {
		le_put(c->name + c->named, w, 4);
		c->named += 4;
	}
	c->left -= c->left < 4 ? c->left : 4;
	if (c->left == 0)
		answer(c);
}

static uint32_t
next_word(struct fwctl *c)
{
	uint32_t w = c->answer[c->answered++];

	if (c->answered == c->nanswer) {
		forget(c);
		c->state = REQUEST;
	}
	return w;
}

static uint64_t
fwctl_read(void *ctx, uint64_t off, unsigned size)
{
	static const uint8_t signature[4] = { 'B', 'H', 'Y', 'V' };
	struct fwctl *c = ctx;
	uint64_t v = UINT64_MAX;

	pthread_mutex_lock(&c->lock);
	if (off == AT_IN && size == 1 && c->state == IDENT) {
		v = signature[c->read++];
		if (c->read == sizeof(signature))
			c->state = REQUEST;
	} else if (off == AT_IN && size == 4 && c->state == ANSWER) {
		v = next_word(c);
	}
	pthread_mutex_unlock(&c->lock);
	return v;
}

static void
fwctl_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct fwctl *c = ctx;

	if (off != AT_OUT)
		return;
	pthread_mutex_lock(&c->lock);
	if (size == 2 && (uint16_t)v == 0) {
		forget(c);
		c->state = IDENT;
		c->read = 0;
	} else if (size == 4 && c->state == REQUEST) {
		if (c->words < 3)
			take_head(c, (uint32_t)v);
		else
			take_name(c, (uint32_t)v);
	}
	pthread_mutex_unlock(&c->lock);
}

static const struct bus_ops ops = { "fwctl", fwctl_read, fwctl_write };

static void
fwctl_reset(void *dev)
{
	struct fwctl *c = dev;

	forget(c);
	c->state = IDENT;
	c->read = 0;
}

static void
fwctl_fini(void *dev)
{
	struct fwctl *c = dev;

	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Indexes that lead nowhere, or past an end, were never ours. */
static int
after_load(void *obj, struct error *err)
{
	struct fwctl *c = obj;

	if (c->state >= NSTATES || c->read > 4 ||
	    (c->state == IDENT && c->read > 3) || c->words > 3 ||
	    c->named > NAME_BYTES || c->nanswer > ANSWER_WORDS ||
	    (c->state == ANSWER && c->answered >= c->nanswer))
		return error_set(err, -EINVAL, "no state of this device");
	return 0;
}

static const struct state_field fields[] = {
	STATE_FIELD(struct fwctl, state),
	STATE_FIELD(struct fwctl, read),
	STATE_FIELD(struct fwctl, words),
	STATE_FIELD(struct fwctl, left),
	STATE_FIELD(struct fwctl, op),
	STATE_FIELD(struct fwctl, id),
	STATE_FIELD(struct fwctl, named),
	STATE_ARRAY(struct fwctl, name),
	STATE_FIELD(struct fwctl, too_long),
	STATE_ARRAY(struct fwctl, answer),
	STATE_FIELD(struct fwctl, answered),
	STATE_FIELD(struct fwctl, nanswer),
	{ NULL, 0, 0, 0 },
};

static const struct state_desc state = {
	.name = "fwctl",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static const struct device_ops device = {
	.name = "fwctl",
	.reset = fwctl_reset,
	.fini = fwctl_fini,
	.state = &state,
};

int
fwctl_new(struct vm *vm, struct error *err)
{
	struct fwctl *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return error_set(err, -ENOMEM, "fwctl");
	c->vm = vm;
	pthread_mutex_init(&c->lock, NULL);
	if (bus_add(vm->pio, FWCTL_PORT, FWCTL_NPORTS, &ops, c, err) < 0 ||
	    vm_device_add(vm, &device, c, err) < 0) {
		fwctl_fini(c);
		return err->code;
	}
	return 0;
}
