/* SPDX-License-Identifier: BSD-2-Clause */
/* domains.c - NUMA domains out of a configuration. */
#include "vmm/domains.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/num.h"
#include "vmm/config.h"
#include "vmm/options.h"

enum { NONE = 0xff, GRAIN = 2 << 20 /* of parts that nobody gave a size */ };
static const uint64_t most = 1ull << 40;

static int
read_size(const struct config_node *n, unsigned id, struct domains *d,
          bool *all, struct error *err)
{
	const char *text = config_get(n, "size");

	if (text == NULL) {
		*all = false;
		return 0;
	}
	if (options_size(text, &d->size[id]) < 0)
		return error_set(err, -EINVAL, "domains.%u.size '%s': no size",
		                 id, text);
	return 0;
}

static int
read_cpus(const struct config_node *n, unsigned id, unsigned ncpus,
          struct domains *d, struct error *err)
{
	const char *text = config_get(n, "cpus");
	cpu_set_t set;

	if (text == NULL || options_cpus(text, &set) < 0)
		return error_set(err, -EINVAL,
		                 "domains.%u.cpus: want processors", id);
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		if (i >= ncpus)
			return error_set(err, -EINVAL,
			                 "domains.%u.cpus: there is no vCPU %u",
			                 id, i);
		if (d->of_cpu[i] != NONE)
			return error_set(err, -EINVAL,
			                 "domains.%u.cpus: vCPU %u is in "
			                 "domain %u, too",
			                 id, i, d->of_cpu[i]);
		d->of_cpu[i] = (uint8_t)id;
	}
	return 0;
}

static int
read_one(const struct config_node *n, unsigned ncpus, struct domains *d,
         bool *all, struct error *err)
{
	unsigned id = d->n;
	long long nr;

	/* Children come in the order of their numbers. */
	if (num_int(config_name(n), &nr) < 0 || nr != id || id == DOMAINS_MAX)
		return error_set(err, -EINVAL,
		                 "domains.%s: want ids 0, 1 ... %d",
		                 config_name(n), DOMAINS_MAX - 1);
	if (config_get(n, "domain_policy") != NULL)
		return error_set(err, -ENOTSUP,
		                 "domains.%u.domain_policy: the host places "
		                 "memory as it likes",
		                 id);
	d->n++;
	if (read_size(n, id, d, all, err) < 0)
		return err->code;
	return read_cpus(n, id, ncpus, d, err);
}

static void
share(struct domains *d, bool all, uint64_t *mem_bytes)
{
	uint64_t sum = 0, part = *mem_bytes / d->n & ~(uint64_t)(GRAIN - 1);

	for (unsigned i = 0; all && i < d->n; i++)
		sum += d->size[i];
	if (all) {
		*mem_bytes = sum;
		return;
	}
	for (unsigned i = 0; i < d->n; i++)
		d->size[i] = part;
	d->size[d->n - 1] = *mem_bytes - part * (d->n - 1);
}

int
domains_read(struct config_node *root, unsigned ncpus, uint64_t *mem_bytes,
             struct domains *out, struct error *err)
{
	struct config_node *all_of = config_find(root, "domains");
	struct domains d = { .n = 0 };
	bool all = true;

	memset(d.of_cpu, NONE, sizeof(d.of_cpu));
	for (const struct config_node *n = all_of != NULL ? config_first(all_of)
	                                                  : NULL;
	     n != NULL; n = config_next(n))
		if (read_one(n, ncpus, &d, &all, err) < 0)
			return err->code;
	if (d.n > 0)
		share(&d, all, mem_bytes);
	for (unsigned i = 0; d.n > 0 && i < ncpus && i < VM_MAX_CPUS; i++)
		if (d.of_cpu[i] == NONE)
			return error_set(err, -EINVAL,
			                 "domains: vCPU %u is in none", i);
	if (*mem_bytes > most)
		return error_set(err, -EINVAL, "domains: over a TiB");
	*out = d;
	return 0;
}
