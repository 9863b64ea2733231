/* SPDX-License-Identifier: BSD-2-Clause */
/* cpuid.c - a sorted table of CPUID leaves. */
#include "x86/cpuid.h"

#include <errno.h>
#include <string.h>

static int
order(const struct cpuid_leaf *a, uint32_t leaf, uint32_t subleaf)
{
	if (a->leaf != leaf)
		return a->leaf < leaf ? -1 : 1;
	return a->subleaf < subleaf ? -1 : a->subleaf > subleaf;
}

int
cpuid_set(struct cpuid_table *t, const struct cpuid_leaf *row)
{
	unsigned i = 0;

	while (i < t->n && order(&t->row[i], row->leaf, row->subleaf) < 0)
		i++;
	if (i == t->n || order(&t->row[i], row->leaf, row->subleaf) != 0) {
		if (t->n == CPUID_MAX)
			return -ENOSPC;
		memmove(&t->row[i + 1], &t->row[i],
		        (t->n - i) * sizeof(t->row[0]));
		t->n++;
	}
	t->row[i] = *row;
	return 0;
}

static const struct cpuid_leaf *
find(const struct cpuid_table *t, uint32_t leaf, uint32_t subleaf)
{
	const struct cpuid_leaf *only = NULL;

	for (unsigned i = 0; i < t->n; i++) {
		if (t->row[i].leaf != leaf)
			continue;
		if (t->row[i].subleaf == subleaf)
			return &t->row[i];
		only = &t->row[i];
		/* A leaf with one row does not look at the subleaf. */
		if (t->row[i].subleaf != 0 ||
		    (i + 1 < t->n && t->row[i + 1].leaf == leaf))
			only = NULL;
	}
	return only;
}

struct cpuid_leaf
cpuid_get(const struct cpuid_table *t, uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_leaf zero = { leaf, subleaf, 0, 0, 0, 0 };
	const struct cpuid_leaf *base = find(t, leaf & 0xffff0000, 0);
	const struct cpuid_leaf *row = find(t, leaf, subleaf);

	if (row != NULL)
		return *row;
	if (base != NULL && leaf <= base->eax)
		return zero;
	base = find(t, 0, 0);
	row = base != NULL ? find(t, base->eax, subleaf) : NULL;
	return row != NULL ? *row : zero;
}
