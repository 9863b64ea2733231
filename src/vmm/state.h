/* SPDX-License-Identifier: BSD-2-Clause */
/* state.h - a device's state as a table, from which checkpoints are written
 * and read.
 *
 * Each device has one struct state_desc; its rows name every field that the
 * guest could tell apart. A stream is {name, version, length, CRC} and the
 * fields in order, little endian, so that it reads on another host and under
 * another engine. Reading is a pure function of bytes: a checkpoint is an
 * input from outside like any other.
 */
#ifndef VMM_STATE_H
#define VMM_STATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct error;

enum {
	STATE_BYTES = 0x0f,    /* of a width */
	STATE_BOOL = 0x10 | 1, /* a byte that is read as 0 or 1 alone */
};

/* An array of count integers of width bytes (1 2 4 8 or a bool) at offset. */
struct state_field {
	const char *name; /* the data sheet's */
	uint32_t offset, width, count;
};

struct state_desc {
	const char *name; /* "uart"; with the instance's number in streams */
	uint32_t version; /* of the rows; another version is refused */
	const struct state_field *fields; /* up to a row without name */
	/* Optional: bring fields up to date before they are written. */
	void (*before_save)(void *obj);
	/* Optional: check what was read and act on it (arm timers, map BARs).
	 * -EINVAL: no device could be in that state. */
	int (*after_load)(void *obj, struct error *err);
};

#define STATE_WIDTH(v) _Generic((v), bool : STATE_BOOL, default : sizeof(v))
#define STATE_FIELD(type, f)                                                   \
	{                                                                      \
#f, offsetof(type, f), STATE_WIDTH(((type *)0)->f), 1          \
	}
#define STATE_ARRAY(type, f)                                                   \
	{                                                                      \
#f, offsetof(type, f), STATE_WIDTH(((type *)0)->f[0]),         \
		    sizeof(((type *)0)->f) / sizeof(((type *)0)->f[0])         \
	}

int state_save(const struct state_desc *d, unsigned instance, void *obj,
               struct buf *out);
/*
 * Read the section for (d, instance) that starts at bytes. Returns its length
 * or a negative errno: -EINVAL not this section, version or CRC, and the object
 * is as it was; or after_load() refused it, and the object is good for nothing.
 */
int64_t state_load(const struct state_desc *d, unsigned instance, void *obj,
                   const uint8_t *bytes, size_t len, struct error *err);
#endif
