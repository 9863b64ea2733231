/* SPDX-License-Identifier: BSD-2-Clause */
/* site.h - a site: a directory with a jail.conf, what its jails need first, and
 * VMs.
 *
 *   DIR/jail.conf     the jails, for plain jail(8) too once the bases are there
 *   DIR/base/NAME     one file for each base (base.h)
 *   DIR/disk/NAME     one file for each disk (disk.h)
 *   DIR/vm/NAME.conf  one file for each VM (vms.h)
 *   DIR/pf.conf       the rules of the namespace that plays the host (rules.h)
 *
 * Starts and stops nothing itself: jail(8), pfctl(8) and vms.h do. Knows which
 * site lives in which named network namespace, in the file "sites" of the
 * runtime directory.
 */
#ifndef MANAGE_SITE_H
#define MANAGE_SITE_H
#include "base/error.h"
#include "manage/command.h"

/*
 * Make the site's bases and disks, make and enter the network namespace
 * host_net (NULL: stay, and load no pf.conf), start the jails, load pf.conf,
 * and start the VMs that do not run yet.
 *
 * progress is told what goes on. Returns jail(8)'s exit status, or a negative
 * errno when it did not come to that.
 */
int site_up(const char *dir, const char *host_net, command_line_fn *progress,
            void *arg, struct error *err);

/* Stop the site's VMs and jails; take down the namespace when it was made for
 * the site; then site_tidy(). Returns as site_up(). */
int site_down(const char *dir, const char *host_net, command_line_fn *progress,
              void *arg, struct error *err);

/* Clear away jails that died, and once no jail runs all that gaol keeps between
 * jails: devices, programs in the kernel, the runtime directory. */
int site_tidy(struct error *err);
#endif
