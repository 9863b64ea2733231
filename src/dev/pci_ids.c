/* SPDX-License-Identifier: BSD-2-Clause */
/* pci_ids.c - identities that a configuration may change: pcireg.*. */
#include "dev/pci_ids.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "vmm/config.h"
#include "vmm/pci.h"

static const struct {
	const char *key, *alias; /* alias: the word on the command line */
	size_t offset, width;
} rows[] = {
	{ "pcireg.vendor", "vendor", offsetof(struct pci_ids, vendor), 2 },
	{ "pcireg.device", "devid", offsetof(struct pci_ids, device), 2 },
	{ "pcireg.revid", NULL, offsetof(struct pci_ids, revision), 1 },
	{ "pcireg.subvendor", NULL, offsetof(struct pci_ids, subvendor), 2 },
	{ "pcireg.subdevice", NULL, offsetof(struct pci_ids, subdevice), 2 },
};

int
pci_ids_configured(const struct config_node *cfg, struct pci_ids *ids,
                   struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *key = rows[i].key;
		const char *text = config_get(cfg, key);
		uint64_t v, max = rows[i].width == 1 ? 0xff : 0xffff;

		if (text == NULL && rows[i].alias != NULL) {
			key = rows[i].alias;
			text = config_get(cfg, key);
		}
		if (text == NULL)
			continue;
		if (strcmp(text, "host") == 0)
			return error_set(err, -ENOTSUP,
			                 "%s: 'host' is not supported, write "
			                 "the number",
			                 key);
		if (config_get_num(cfg, key, 0, 0, max, &v, err) < 0)
			return err->code;
		if (rows[i].width == 1)
			*((uint8_t *)ids + rows[i].offset) = (uint8_t)v;
		else
			memcpy((uint8_t *)ids + rows[i].offset,
			       &(uint16_t){ (uint16_t)v }, 2);
	}
	return 0;
}
