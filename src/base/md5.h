/* SPDX-License-Identifier: BSD-2-Clause */
/* md5.h - the MD5 digest, for names that bhyve derives by it (MAC addresses,
 * disk identities). It protects nothing. Source: RFC 1321.
 */
#ifndef BASE_MD5_H
#define BASE_MD5_H
#include <stddef.h>
#include <stdint.h>

enum { MD5_BYTES = 16 };

void md5(const void *bytes, size_t len, uint8_t digest[MD5_BYTES]);
#endif
