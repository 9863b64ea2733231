/* SPDX-License-Identifier: BSD-2-Clause */
/* bootrom.c - firmware in the guest's memory.
 *
 *   ... | variables | ROM | 4 GiB          0xe0000 | end of the ROM | 1 MiB
 *
 * A PC's BIOS runs from the copy below 1 MiB after its first jump; there is no
 * other reason for one, so that bhyve's firmware, which never looks there, has
 * tables in its place. Processors begin 16 bytes below 4 GiB.
 *
 * A checkpoint has the memory, not the ROM; it has its digest, so that no guest
 * goes on with another.
 */
#include "dev/bootrom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/md5.h"
#include "dev/flash.h"
#include "linux/file.h"
#include "vmm/config.h"
#include "vmm/vm.h"

#define FOUR_GIB 0x100000000ull
enum { ONE_MIB = 1 << 20 };

struct bootrom {
	uint8_t digest[MD5_BYTES]; /* of a checkpoint, or ours */
	uint8_t ours[MD5_BYTES];
};

static const struct state_field fields[] = {
	STATE_ARRAY(struct bootrom, digest),
	{ NULL, 0, 0, 0 },
};

static int
after_load(void *obj, struct error *err)
{
	struct bootrom *b = obj;

	if (memcmp(b->digest, b->ours, sizeof(b->ours)) != 0)
		return error_set(err, -EINVAL, "made with another ROM");
	return 0;
}

static const struct state_desc state = {
	.name = "bootrom",
	.version = 1,
	.fields = fields,
	.after_load = after_load,
};

static void
bootrom_fini(void *dev)
{
	free(dev);
}

static const struct device_ops device = {
	.name = "bootrom",
	.fini = bootrom_fini,
	.state = &state,
};

static int
remember(struct vm *vm, const char *bytes, size_t len, struct error *err)
{
	struct bootrom *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return error_set(err, -ENOMEM, "boot ROM");
	md5(bytes, len, b->ours);
	memcpy(b->digest, b->ours, sizeof(b->ours));
	if (vm_device_add(vm, &device, b, err) < 0) {
		free(b);
		return err->code;
	}
	return 0;
}

static int
map_rom(struct vm *vm, const char *path, bool shadow, uint64_t *out_base,
        struct error *err)
{
	cleanup_free char *bytes = NULL;
	size_t len = 0, low;
	uint64_t base;

	if (file_read(AT_FDCWD, path, BOOTROM_MAX, &bytes, &len, err) < 0)
		return err->code;
	if (len == 0 || len % GUEST_PAGE != 0)
		return error_set(err, -EINVAL,
		                 "'%s': %zu bytes, want a multiple of %d", path,
		                 len, GUEST_PAGE);
	base = FOUR_GIB - len;
	if (guest_mem_add(vm->mem, GUEST_ROM, base, len, err) < 0 ||
	    guest_mem_load(vm->mem, base, bytes, len) < 0)
		return error_wrap(err, "'%s'", path);
	low = len < BOOTROM_SHADOW ? len : BOOTROM_SHADOW;
	if (shadow &&
	    guest_mem_load(vm->mem, ONE_MIB - low, bytes + len - low, low) < 0)
		return error_set(err, -EFAULT, "'%s': no memory below 1 MiB",
		                 path);
	*out_base = base;
	return remember(vm, bytes, len, err);
}

static int
map_vars(struct vm *vm, const char *path, uint64_t *bottom, struct error *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return error_sys(err, "open '%s'", path);
	if (flash_new(vm, fd, *bottom, bottom, err) < 0) {
		close(fd);
		return error_wrap(err, "'%s'", path);
	}
	return 0;
}

int
bootrom_new(struct vm *vm, const struct config_node *root, bool shadow,
            uint64_t *out_bottom, struct error *err)
{
	const char *rom = config_get(root, "lpc.bootrom");
	const char *vars = config_get(root, "lpc.bootvars");
	uint64_t bottom = 0;

	if (rom == NULL && vars != NULL)
		return error_set(err, -EINVAL,
		                 "lpc.bootvars: wants a ROM, "
		                 "lpc.bootrom");
	if (rom != NULL && map_rom(vm, rom, shadow, &bottom, err) < 0)
		return error_wrap(err, "lpc.bootrom");
	if (vars != NULL && map_vars(vm, vars, &bottom, err) < 0)
		return error_wrap(err, "lpc.bootvars");
	if (rom != NULL && bottom < FOUR_GIB - BOOTROM_MAX + GUEST_PAGE)
		return error_set(err, -ENOSPC,
		                 "lpc.bootrom: ROM and variables are over %d "
		                 "bytes",
		                 BOOTROM_MAX - GUEST_PAGE);
	*out_bottom = bottom;
	return 0;
}
