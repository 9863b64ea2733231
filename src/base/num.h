/* SPDX-License-Identifier: BSD-2-Clause */
/* num.h - strict numbers: the whole string, in range, or nothing. */
#ifndef BASE_NUM_H
#define BASE_NUM_H
#include <stdint.h>

/* Decimal, optional sign. 0, -EINVAL not a number, -ERANGE. */
int num_int(const char *s, long long *out);
/* The same between min and max inclusive; else -ERANGE. */
int num_int_in(const char *s, long long min, long long max, long long *out);
/* Unsigned in base 10, 16 ("0x") or 8 ("0"), as strtoull(3) with base 0. */
int num_u64(const char *s, uint64_t *out);
/* Bytes with an optional k m g t suffix (either case), 1024-based. */
int num_size(const char *s, uint64_t *out_bytes);
#endif
