/* SPDX-License-Identifier: BSD-2-Clause */
/* sys.c - the opened runtime directory and cgroup base. */
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jail/internal.h"
#include "jail/netwall.h"
#include "linux/cgroup.h"
#include "linux/userns.h"

#define RUN_DEFAULT "/run/gaol"

enum {
	RESERVE_DIVISOR = 16,    /* of memory stays the host's ... */
	RESERVE_MIN = 256 << 20, /* ... and at least this many bytes */
};

/* FNV-1a: tells one runtime directory's groups from another's. */
static unsigned
hash_text(const char *s)
{
	unsigned h = 2166136261u;

	while (*s != '\0')
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return h;
}

static int
make_dirs(struct jail_sys *sys, struct error *err)
{
	static const char *const subdirs[] = { "jails", "name", "uid", "addr" };

	if (mkdir(sys->path, 0755) < 0 && errno != EEXIST)
		return error_sys(err, "make '%s'", sys->path);
	if (sys->run < 0)
		sys->run = open(sys->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sys->run < 0)
		return error_sys(err, "open '%s'", sys->path);
	if (faccessat(sys->run, subdirs[ARRAY_LEN(subdirs) - 1], F_OK, 0) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(subdirs); i++)
		if (mkdirat(sys->run, subdirs[i], 0755) < 0 && errno != EEXIST)
			return error_sys(err, "make '%s/%s'", sys->path,
			                 subdirs[i]);
	return 0;
}

int
jail_sys_open(bool writable, struct jail_sys **out_sys, struct error *err)
{
	const char *env = secure_getenv("GAOL_RUN");
	const char *path = env != NULL && env[0] == '/' ? env : RUN_DEFAULT;
	struct jail_sys *sys;

	if (writable && geteuid() != 0)
		return error_set(err, -EPERM, "Operation not permitted");
	sys = calloc(1, sizeof(*sys));
	if (sys == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	sys->run = sys->cg = -1;
	sys->writable = writable;
	sys->nested = userns_is_nested();
	snprintf(sys->path, sizeof(sys->path), "%s", path);
	snprintf(sys->cg_base, sizeof(sys->cg_base), "gaol");
	if (strcmp(path, RUN_DEFAULT) != 0)
		snprintf(sys->cg_base, sizeof(sys->cg_base), "gaol-%08x",
		         hash_text(path));
	sys->run = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sys->run < 0 && errno != ENOENT) {
		error_sys(err, "open '%s'", path);
		jail_sys_close(sys);
		return err->code;
	}
	if (writable && make_dirs(sys, err) < 0) {
		jail_sys_close(sys);
		return err->code;
	}
	*out_sys = sys;
	return 0;
}

void
jail_sys_close(struct jail_sys *sys)
{
	if (sys == NULL)
		return;
	netwall_close(sys->wall);
	if (sys->run >= 0)
		close(sys->run);
	if (sys->cg >= 0)
		close(sys->cg);
	free(sys->snap);
	free(sys);
}

void
jail_sys_set_hooks(struct jail_sys *sys, const struct jail_hooks *hooks)
{
	sys->hooks = *hooks;
}

int
jail_sys_run_dir(const struct jail_sys *sys)
{
	return sys->run;
}

/* What all jails together may take, so that the host survives them. */
static uint64_t
memory_for_jails(void)
{
	struct sysinfo si;
	uint64_t total, reserve;

	if (sysinfo(&si) < 0)
		return UINT64_MAX;
	total = (uint64_t)si.totalram * si.mem_unit;
	reserve = total / RESERVE_DIVISOR;
	if (reserve < RESERVE_MIN)
		reserve = RESERVE_MIN;
	return total > 2 * reserve ? total - reserve : total / 2;
}

int
sys_cgroup(struct jail_sys *sys, struct error *err)
{
	struct error ignored;

	if (sys->cg >= 0)
		return 0;
	sys->cg = cg_root(sys->nested, err);
	if (sys->cg < 0)
		return error_wrap(err, "no cgroup2 hierarchy");
	if (mkdirat(sys->cg, sys->cg_base, 0755) < 0)
		return errno == EEXIST
		           ? 0
		           : error_sys(err, "make cgroup '%s'", sys->cg_base);
	/* Without it jails are still the first that an OOM takes (spawn.c). */
	if (!sys->nested)
		(void)cg_memory_cap(sys->cg, sys->cg_base, memory_for_jails(),
		                    &ignored);
	return 0;
}
