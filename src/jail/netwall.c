/* SPDX-License-Identifier: BSD-2-Clause */
/* netwall.c - attaching and configuring the cgroup BPF of jails: the programs
 * come with the next commits; until then every host is one that cannot.
 */
#include "jail/netwall.h"

#include <errno.h>

int
netwall_open(int run_dir, const char *libexec, struct netwall **out_wall,
             struct error *err)
{
	(void)run_dir;
	(void)libexec;
	(void)out_wall;
	return error_set(err, -ENOSYS, "no programs to load");
}

void
netwall_close(struct netwall *w)
{
	(void)w;
}

int
netwall_attach(struct netwall *w, int cgroup_fd,
               const struct netwall_config *cfg, struct error *err)
{
	(void)w;
	(void)cgroup_fd;
	(void)cfg;
	return error_set(err, -ENOSYS, "no programs to attach");
}

int
netwall_update(struct netwall *w, int cgroup_fd,
               const struct netwall_config *cfg, struct error *err)
{
	return netwall_attach(w, cgroup_fd, cfg, err);
}

int
netwall_drop(int run_dir, struct error *err)
{
	(void)run_dir;
	(void)err;
	return 0;
}
