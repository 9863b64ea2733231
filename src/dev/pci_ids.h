/* SPDX-License-Identifier: BSD-2-Clause */
/* pci_ids.h - identities that a configuration may change: pcireg.*. */
#ifndef DEV_PCI_IDS_H
#define DEV_PCI_IDS_H

struct config_node;
struct error;
struct pci_ids;

/* Overwrite ids with what pcireg.{vendor,device,revid,subvendor,subdevice} (or
 * vendor, devid) below cfg say; "host" is refused. */
int pci_ids_configured(const struct config_node *cfg, struct pci_ids *ids,
                       struct error *err);
#endif
