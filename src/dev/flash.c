/* SPDX-License-Identifier: BSD-2-Clause */
/* flash.c - an Intel command set NOR flash, as much of it as firmware uses:
 * programming, erasing, status, identity and CFI query.
 *
 *   write     then reads give     until
 *   0xff      the array
 *   0x70      the status          the next command
 *   0x50      the array           (the status is cleared)
 *   0x90      the identity        the next command
 *   0x98      the CFI query       the next command
 *   0x10 0x40 the status          the next write is data, not a command
 *   0x20      the status          0xd0 next erases the block, else an error
 *   0x60      the status          the next write is a lock, and done: none are
 *
 * EDK II tells a flash from memory and ROM by its status, which must be 0 after
 * 0x50: the ready bit is set by the first program or erase only. bhyve's build
 * programs bits from 0 to 1 without an erase between: data replace, where real
 * cells could only go to 0.
 *
 * The array is written through to the file, byte by byte, so that a process
 * killed at any instant leaves what a machine switched off would leave.
 * Source: JEDEC JESD68.01 (CFI), Intel StrataFlash data sheet.
 */
#include "dev/flash.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "vmm/vm.h"

enum {
	READY = 1 << 7,
	ERASE_FAILED = 1 << 5,
	PROGRAM_FAILED = 1 << 4,

	MANUFACTURER = 0x89, /* Intel; the device is nobody's */
	DEVICE = 0x18,
	NFIELDS = 4,
	SYNC_NS = 1000000000
};

enum mode { M_ARRAY, M_STATUS, M_ID, M_QUERY, NMODES };

struct flash {
	struct vm *vm;
	pthread_mutex_t lock;
	int fd;
	uint64_t base;
	size_t size;
	uint8_t mode, status;
	uint8_t pending; /* the command whose second write comes next, or 0 */
	bool dirty;      /* the file is ahead of the medium */
	bool restored;   /* the array is ahead of the file: a checkpoint's */
	struct timer sync;
	/* The array's length is this flash's own, and so are these. */
	struct state_field fields[NFIELDS + 1];
	struct state_desc state;
	struct device_ops device;
	uint8_t array[];
};

/* To the file and the array. The array is what the file says. */
static bool
store(struct flash *f, size_t at, const uint8_t *p, size_t n)
{
	struct iovec v = { (void *)(uintptr_t)p, n };

	if (pwritev(f->fd, &v, 1, (off_t)at) != (ssize_t)n)
		return false;
	memmove(f->array + at, p, n);
	if (!f->dirty)
		timer_set(f->vm->loop, &f->sync,
		          loop_now(f->vm->loop) + SYNC_NS);
	f->dirty = true;
	return true;
}

static void
to_medium(struct flash *f)
{
	bool dirty;

	pthread_mutex_lock(&f->lock);
	dirty = f->dirty;
	f->dirty = false;
	pthread_mutex_unlock(&f->lock);
	if (dirty)
		(void)fdatasync(f->fd);
}

static void
on_sync(void *ctx)
{
	to_medium(ctx);
}

static void
program(struct flash *f, size_t at, uint64_t v, unsigned size)
{
	uint8_t bytes[8];

	memcpy(bytes, &v, sizeof(bytes));
	f->status |= READY;
	if (!store(f, at, bytes, size))
		f->status |= PROGRAM_FAILED;
}

static void
erase(struct flash *f, size_t at)
{
	uint8_t ones[FLASH_BLOCK];

	memset(ones, 0xff, sizeof(ones));
	f->status |= READY;
	if (!store(f, at - at % FLASH_BLOCK, ones, sizeof(ones)))
		f->status |= ERASE_FAILED;
}

static void
command(struct flash *f, uint8_t c)
{
	switch (c) {
	case 0x10:
	case 0x40:
	case 0x20:
	case 0x60:
		f->pending = c;
		f->mode = M_STATUS;
		break;
	case 0x50:
		f->status = 0;
		f->mode = M_ARRAY;
		break;
	case 0x70:
		f->mode = M_STATUS;
		break;
	case 0x90:
		f->mode = M_ID;
		break;
	case 0x98:
		f->mode = M_QUERY;
		break;
	default:
		f->mode = M_ARRAY;
	}
}

static void
second(struct flash *f, size_t at, uint64_t v, unsigned size)
{
	uint8_t c = f->pending;

	f->pending = 0;
	if (c == 0x10 || c == 0x40)
		program(f, at, v, size);
	else if (c == 0x20 && (uint8_t)v == 0xd0)
		erase(f, at);
	else
		f->status |=
		    c == 0x20 ? READY | ERASE_FAILED | PROGRAM_FAILED : READY;
}

/* A byte of the CFI table, of a device that is 8 bits wide. */
static uint8_t
query(const struct flash *f, size_t at)
{
	static const uint8_t head[] = { 'Q', 'R', 'Y', 1, 0, 0x31 };
	unsigned blocks = (unsigned)(f->size / FLASH_BLOCK) - 1;

	if (at >= 0x10 && at < 0x10 + sizeof(head))
		return head[at - 0x10];
	switch (at) {
	case 0x1b: /* 4.5 to 5.5 V */
		return 0x45;
	case 0x1c:
		return 0x55;
	case 0x1f: /* a write takes 2^7 us, an erase 2^10 ms, thrice at most */
		return 7;
	case 0x21:
		return 10;
	case 0x23:
	case 0x25:
		return 2;
	case 0x27: /* 2^n bytes hold it all */
		return (uint8_t)(64 - __builtin_clzll(f->size - 1));
	case 0x2c: /* one region of blocks of one size */
		return 1;
	case 0x2d:
		return (uint8_t)blocks;
	case 0x2e:
		return (uint8_t)(blocks >> 8);
	case 0x2f:
		return FLASH_BLOCK / 256 & 0xff;
	case 0x30:
		return FLASH_BLOCK / 256 >> 8;
	case 0x31: /* Intel's own table, which says no more */
		return 'P';
	case 0x32:
		return 'R';
	case 0x33:
		return 'I';
	case 0x34:
	case 0x35:
		return '1';
	}
	return 0;
}

static uint8_t
byte_at(const struct flash *f, size_t at)
{
	switch (f->mode) {
	case M_STATUS:
		return f->status;
	case M_ID:
		return at % FLASH_BLOCK == 0   ? MANUFACTURER
		       : at % FLASH_BLOCK == 1 ? DEVICE
		                               : 0;
	case M_QUERY:
		return query(f, at);
	}
	return f->array[at];
}

static uint64_t
flash_read(void *ctx, uint64_t off, unsigned size)
{
	struct flash *f = ctx;
	uint64_t v = 0;

	pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i < size; i++)
		v |= (uint64_t)byte_at(f, off + i) << 8 * i;
	pthread_mutex_unlock(&f->lock);
	return v;
}

static void
flash_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct flash *f = ctx;

	pthread_mutex_lock(&f->lock);
	if (f->pending != 0)
		second(f, off, v, size);
	else
		command(f, (uint8_t)v);
	pthread_mutex_unlock(&f->lock);
}

static const struct bus_ops ops = { "flash", flash_read, flash_write };

static void
flash_reset(void *dev)
{
	struct flash *f = dev;

	f->mode = M_ARRAY;
	f->status = f->pending = 0;
}

static void
flash_pause(void *dev)
{
	to_medium(dev);
}

static void
flash_fini(void *dev)
{
	struct flash *f = dev;

	timer_clear(f->vm->loop, &f->sync);
	if (f->fd >= 0) {
		to_medium(f);
		close(f->fd);
	}
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* The variables of then, as the guest knows them, will be those of the file:
 * when the machine goes on, not while a checkpoint may still be refused. */
static int
after_load(void *obj, struct error *err)
{
	struct flash *f = obj;

	if (f->mode >= NMODES)
		return error_set(err, -EINVAL, "no state of a flash");
	f->restored = true;
	return 0;
}

static void
flash_resume(void *dev)
{
	struct flash *f = dev;

	pthread_mutex_lock(&f->lock);
	if (f->restored && !store(f, 0, f->array, f->size))
		f->status |= READY | PROGRAM_FAILED;
	f->restored = false;
	pthread_mutex_unlock(&f->lock);
}

static void
describe(struct flash *f)
{
	const struct state_field rows[NFIELDS] = {
		STATE_FIELD(struct flash, mode),
		STATE_FIELD(struct flash, status),
		STATE_FIELD(struct flash, pending),
		{ "array", offsetof(struct flash, array), 1,
		  (uint32_t)f->size },
	};

	memcpy(f->fields, rows, sizeof(rows));
	f->state = (struct state_desc){
		.name = "flash",
		.version = 1,
		.fields = f->fields,
		.after_load = after_load,
	};
	f->device = (struct device_ops){
		.name = "flash",
		.reset = flash_reset,
		.pause = flash_pause,
		.resume = flash_resume,
		.fini = flash_fini,
		.state = &f->state,
	};
}

/* Open, of a sane size, and nobody else's: its bytes in *out_size. */
static int
look_at(int fd, size_t *out_size, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_sys(err, "variables");
	if (!S_ISREG(st.st_mode) || st.st_size < FLASH_BLOCK ||
	    st.st_size > FLASH_MAX || st.st_size % FLASH_BLOCK != 0)
		return error_set(err, -EINVAL,
		                 "variables of %lld bytes: want a multiple of "
		                 "%d, at most %d",
		                 (long long)st.st_size, FLASH_BLOCK, FLASH_MAX);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_sys(err, "variables are another VM's");
	*out_size = (size_t)st.st_size;
	return 0;
}

int
flash_new(struct vm *vm, int fd, uint64_t end, uint64_t *out_base,
          struct error *err)
{
	struct flash *f;
	size_t size = 0;

	if (look_at(fd, &size, err) < 0)
		return err->code;
	f = calloc(1, sizeof(*f) + size);
	if (f == NULL)
		return error_set(err, -ENOMEM, "flash");
	f->vm = vm;
	f->fd = -1;
	f->base = end - size;
	f->size = size;
	f->sync = (struct timer){ .fn = on_sync, .ctx = f };
	pthread_mutex_init(&f->lock, NULL);
	describe(f);
	if (pread(fd, f->array, size, 0) != (ssize_t)size)
		error_set(err, -EIO, "variables cannot be read");
	else if (bus_add(vm->mmio, f->base, size, &ops, f, err) == 0 &&
	         vm_device_add(vm, &f->device, f, err) == 0) {
		f->fd = fd;
		*out_base = f->base;
		return 0;
	}
	flash_fini(f);
	return err->code;
}
