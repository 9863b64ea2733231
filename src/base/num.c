/* SPDX-License-Identifier: BSD-2-Clause */
/* num.c - strict numbers. */
#include "base/num.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
num_int(const char *s, long long *out)
{
	char *end;
	long long n;

	if (!isdigit((unsigned char)*s) &&
	    !((*s == '-' || *s == '+') && isdigit((unsigned char)s[1])))
		return -EINVAL;
	errno = 0;
	n = strtoll(s, &end, 10);
	if (*end != '\0')
		return -EINVAL;
	if (errno != 0)
		return -ERANGE;
	*out = n;
	return 0;
}

int
num_int_in(const char *s, long long min, long long max, long long *out)
{
	long long n;
	int rc = num_int(s, &n);

	if (rc < 0)
		return rc;
	if (n < min || n > max)
		return -ERANGE;
	*out = n;
	return 0;
}

static int
parse_u64(const char *s, int base, uint64_t *out, char **end)
{
	unsigned long long n;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	n = strtoull(s, end, base);
	if (errno != 0)
		return -ERANGE;
	*out = n;
	return 0;
}

int
num_u64(const char *s, uint64_t *out)
{
	uint64_t n;
	char *end;
	int rc = parse_u64(s, 0, &n, &end);

	if (rc < 0)
		return rc;
	if (*end != '\0')
		return -EINVAL;
	*out = n;
	return 0;
}

int
num_size(const char *s, uint64_t *out_bytes)
{
	static const char units[] = "kmgt";
	uint64_t n;
	char *end;
	int rc = parse_u64(s, 10, &n, &end);

	if (rc < 0)
		return rc;
	if (*end != '\0') {
		const char *u = strchr(units, tolower((unsigned char)*end));
		unsigned shift;

		if (u == NULL || end[1] != '\0')
			return -EINVAL;
		shift = 10 * (unsigned)(u - units + 1);
		if (n > UINT64_MAX >> shift)
			return -ERANGE;
		n <<= shift;
	}
	*out_bytes = n;
	return 0;
}
