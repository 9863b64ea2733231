/* SPDX-License-Identifier: BSD-2-Clause */
/* shared.h - what the devices of one machine share; pci_shared() finds it. */
#ifndef DEV_SHARED_H
#define DEV_SHARED_H
#include "dev/chardev.h"

struct config;

struct dev_shared {
	struct config *config;
	struct chardev_host lines; /* serial lines' other ends */
};
#endif
