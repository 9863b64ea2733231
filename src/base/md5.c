/* SPDX-License-Identifier: BSD-2-Clause */
/* md5.c - the MD5 digest of a short string (RFC 1321). */
#include "base/md5.h"

#include <string.h>

enum { BLOCK = 64 };

/* RFC 1321, 3.4: 2^32 times the absolute sine of 1, 2, 3, ... */
static const uint32_t sines[BLOCK] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
	0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
	0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
	0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
	0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
	0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
	0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
	0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static const uint8_t shifts[4][4] = { { 7, 12, 17, 22 },
	                              { 5, 9, 14, 20 },
	                              { 4, 11, 16, 23 },
	                              { 6, 10, 15, 21 } };

static uint32_t
get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* The round's function of three words, and which message word it takes. */
static uint32_t
mix(unsigned i, const uint32_t s[4], unsigned *word)
{
	uint32_t b = s[1], c = s[2], d = s[3];

	switch (i / 16) {
	case 0:
		*word = i;
		return (b & c) | (~b & d);
	case 1:
		*word = (5 * i + 1) % 16;
		return (d & b) | (~d & c);
	case 2:
		*word = (3 * i + 5) % 16;
		return b ^ c ^ d;
	default:
		*word = 7 * i % 16;
		return c ^ (b | ~d);
	}
}

static void
block(uint32_t state[4], const uint8_t *p)
{
	uint32_t s[4];

	memcpy(s, state, sizeof(s));
	for (unsigned i = 0; i < BLOCK; i++) {
		unsigned word, shift = shifts[i / 16][i % 4];
		uint32_t f = mix(i, s, &word);

		f += s[0] + sines[i] + get_le32(p + 4 * word);
		s[0] = s[3];
		s[3] = s[2];
		s[2] = s[1];
		s[1] += f << shift | f >> (32 - shift);
	}
	for (unsigned i = 0; i < 4; i++)
		state[i] += s[i];
}

void
md5(const void *bytes, size_t len, uint8_t digest[MD5_BYTES])
{
	uint32_t state[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
	const uint8_t *p = bytes;
	uint8_t tail[2 * BLOCK] = { 0 };
	size_t left = len % BLOCK, ends = left < 56 ? BLOCK : 2 * BLOCK;

	for (size_t i = 0; i + BLOCK <= len; i += BLOCK)
		block(state, p + i);
	if (left > 0)
		memcpy(tail, p + (len - left), left);
	tail[left] = 0x80;
	for (unsigned i = 0; i < 8; i++)
		tail[ends - 8 + i] = (uint8_t)((uint64_t)len * 8 >> 8 * i);
	for (size_t i = 0; i < ends; i += BLOCK)
		block(state, tail + i);
	for (unsigned i = 0; i < MD5_BYTES; i++)
		digest[i] = (uint8_t)(state[i / 4] >> 8 * (i % 4));
}
