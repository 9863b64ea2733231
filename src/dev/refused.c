/* SPDX-License-Identifier: BSD-2-Clause */
/* refused.c - words of bhyve's for which there is nothing behind. */
#include "dev/refused.h"

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "base/error.h"
#include "vmm/config.h"

static const struct {
	const char *name, *why;
} emulations[] = {
	{ "ahci", "not there yet; use virtio-blk" },
	{ "ahci-cd", "not there yet; use virtio-blk with ro" },
	{ "ahci-hd", "not there yet; use virtio-blk" },
	{ "e1000", "not there yet; use virtio-net" },
	{ "fbuf", "there is no screen yet" },
	{ "hda", "there is no sound" },
	{ "nvme", "not there yet; use virtio-blk" },
	{ "passthru", "no device of the host is lent to a guest" },
	{ "virtio-9p", "not there yet" },
	{ "virtio-input", "not there yet" },
	{ "virtio-scsi", "there is no CAM target layer; use virtio-blk" },
	{ "xhci", "there is no USB yet" },
};

/* Nodes and values. A boolean may be written down as false. */
static const struct {
	const char *key;
	bool is_bool;
	const char *why;
} keys[] = {
	{ "tpm", false, "there is no TPM yet" },
	{ "x86.verbosemsr", true, "accesses to MSRs are not logged" },
};

const char *
refused_emulation(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(emulations); i++)
		if (strcmp(emulations[i].name, name) == 0)
			return emulations[i].why;
	return NULL;
}

int
refused_keys(struct config_node *root, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		bool is = config_find(root, keys[i].key) != NULL;

		if (is && keys[i].is_bool &&
		    config_get_bool(root, keys[i].key, false, &is, err) < 0)
			return err->code;
		if (is)
			return error_set(err, -ENOTSUP, "%s: %s", keys[i].key,
			                 keys[i].why);
	}
	return 0;
}
