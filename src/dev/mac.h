/* SPDX-License-Identifier: BSD-2-Clause */
/* mac.h - the Ethernet address of an emulated card. */
#ifndef DEV_MAC_H
#define DEV_MAC_H
#include <stdint.h>

struct error;

/* bhyve's address for a card without one: 58:9c:fc and three bytes of the MD5
 * of "SLOT-FUNC-VM". */
void mac_derive(unsigned slot, unsigned func, const char *vm, uint8_t out[6]);

/* XX:XX:XX:XX:XX:XX; -EINVAL: anything else, a group's address, or zeros. */
int mac_parse(const char *text, uint8_t out[6], struct error *err);
#endif
