/* SPDX-License-Identifier: BSD-2-Clause */
/* hostbridge.c - the host bridge, in slot 0: ids, and a PCI Express root port's
 * capability without which Linux does not trust MSI.
 *
 * As itself it is bhyve's 1275:1275. Debian's OVMF stops at any bridge it does
 * not know; with a boot ROM that is told things as QEMU's (lpc.fwcfg=qemu) the
 * bridge therefore is an i440FX unless the configuration says otherwise. Its
 * PAM and SMRAM registers keep what is written; all behind them is memory
 * anyway.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "dev/emulations.h"
#include "dev/firmware.h"
#include "dev/pci_ids.h"
#include "dev/shared.h"
#include "vmm/config.h"
#include "vmm/pci.h"

enum {
	PAM0 = 0x59, /* of an i440FX */
	PAM6 = 0x5f,
	SMRAM = 0x72,
	EXPRESS_BYTES = 0x3a,      /* version 2, without id and link */
	EXPRESS_FLAGS = 2 | 4 << 4 /* version; type: root port */
};

static int
add_express(struct pci_dev *d, struct error *err)
{
	uint8_t body[EXPRESS_BYTES] = { EXPRESS_FLAGS };
	int at = pci_cap_add(d, PCI_CAP_EXPRESS, body, sizeof(body));

	return at < 0 ? error_set(err, at, "capability") : 0;
}

static int
bridge_init(struct pci_dev *d, const struct config_node *cfg,
            const struct pci_ids *ids, struct error *err)
{
	struct pci_ids mine = *ids;

	if (pci_ids_configured(cfg, &mine, err) < 0)
		return err->code;
	pci_set_ids(d, &mine);
	return mine.vendor == 0x8086 ? 0 : add_express(d, err);
}

static int
hostbridge_init(struct pci_dev *d, const struct config_node *cfg,
                struct error *err)
{
	static const struct pci_ids bhyve = { .vendor = 0x1275,
		                              .device = 0x1275,
		                              .class_code = 0x060000 };
	static const struct pci_ids i440fx = { .vendor = 0x8086,
		                               .device = 0x1237,
		                               .class_code = 0x060000,
		                               .revision = 2,
		                               .subvendor = 0x1af4,
		                               .subdevice = 0x1100 };
	const struct dev_shared *s = pci_shared(d);
	const struct config_node *root = config_root(s->config);
	enum firmware_kind kind = FIRMWARE_NONE;

	if (firmware_kind(root, &kind, err) < 0)
		return err->code;
	if (kind != FIRMWARE_QEMU || config_get(root, "lpc.bootrom") == NULL)
		return bridge_init(d, cfg, &bhyve, err);
	for (unsigned reg = PAM0; reg <= PAM6; reg++)
		pci_cfg_init(d, reg, 1, 0, 0xff);
	pci_cfg_init(d, SMRAM, 1, 2, 0x7f);
	return bridge_init(d, cfg, &i440fx, err);
}

static int
amd_init(struct pci_dev *d, const struct config_node *cfg, struct error *err)
{
	static const struct pci_ids amd = { .vendor = 0x1022,
		                            .device = 0x7432,
		                            .class_code = 0x060000 };

	return bridge_init(d, cfg, &amd, err);
}

const struct pci_device_ops pci_hostbridge = { "hostbridge", hostbridge_init };
const struct pci_device_ops pci_amd_hostbridge = { "amd_hostbridge", amd_init };
