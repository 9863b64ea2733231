/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_vm_checkpoint.c - a checkpoint from outside: sections and memory.
 *
 * Sums are put right first, or no input would come beyond the first section.
 * What loads must save and load again.
 */
#include <sys/mman.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/checkpoint.h"
#include "vmm/fake_vm.h"
#include "x86/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { HEAD = 48, SECTION = 48, AT_LEN = 40, AT_CRC = 44, MAX = 1 << 17 };

static struct x86_state cpu;

static int
get(struct vcpu *v, struct x86_state *out)
{
	(void)v;
	*out = cpu;
	return 0;
}

static int
set(struct vcpu *v, const struct x86_state *st, struct error *err)
{
	(void)v;
	(void)err;
	cpu = *st;
	return 0;
}

struct thing {
	bool on;
	uint16_t v[3];
};

static const struct state_field fields[] = {
	STATE_FIELD(struct thing, on),
	STATE_ARRAY(struct thing, v),
	{ NULL, 0, 0, 0 },
};
static const struct state_desc desc = { "thing", 1, fields, NULL, NULL };
static const struct device_ops thing_ops = { .name = "thing", .state = &desc };

static uint32_t
crc(const uint8_t *p, size_t n)
{
	uint32_t c = 0xffffffff;

	while (n-- > 0) {
		c ^= *p++;
		for (int i = 0; i < 8; i++)
			c = c >> 1 ^ (0xedb88320 & -(c & 1));
	}
	return ~c;
}

/* The sum of each section that is whole, one after another. */
static void
fix(uint8_t *p, size_t len)
{
	size_t at = HEAD;

	while (len >= SECTION && at <= len - SECTION) {
		uint32_t n, sum;

		memcpy(&n, p + at + AT_LEN, 4);
		if (n > len - at - SECTION)
			return;
		sum = crc(p + at + SECTION, n);
		memcpy(p + at + AT_CRC, &sum, 4);
		at += SECTION + n;
	}
}

static int
load(struct vm *vm, const uint8_t *p, size_t len, struct error *err)
{
	cleanup_close int fd = memfd_create("checkpoint", MFD_CLOEXEC);

	if (fd < 0 || write(fd, p, len) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return checkpoint_read(vm, fd, err);
}

static void
check_again(struct vm *vm)
{
	cleanup_close int fd = memfd_create("again", MFD_CLOEXEC);
	struct error err;

	if (fd < 0 || checkpoint_write(vm, fd, &err) < 0 ||
	    lseek(fd, 0, SEEK_SET) != 0 || checkpoint_read(vm, fd, &err) < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t copy[MAX];
	struct thing thing = { .on = true };
	struct engine_ops ops;
	struct fake_vm f;
	struct error err;

	if (len > sizeof(copy))
		return 0;
	fake_vm_init(&f);
	ops = *f.vm->ops;
	ops.get_state = get;
	ops.set_state = set;
	f.vm->ops = &ops;
	if (vm_device_add(f.vm, &thing_ops, &thing, &err) < 0)
		abort();
	memcpy(copy, data, len);
	fix(copy, len);
	if (load(f.vm, copy, len, &err) == 0)
		check_again(f.vm);
	fake_vm_fini(&f);
	return 0;
}
