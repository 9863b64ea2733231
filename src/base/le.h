/* SPDX-License-Identifier: BSD-2-Clause */
/* le.h - little-endian integers in bytes, whatever the host's order. */
#ifndef BASE_LE_H
#define BASE_LE_H
#include <stdint.h>

/* n is 1 to 8 bytes; more than 8 are taken as 8. */
uint64_t le_get(const uint8_t *p, unsigned n);
void le_put(uint8_t *p, uint64_t v, unsigned n);
#endif
