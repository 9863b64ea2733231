/* SPDX-License-Identifier: BSD-2-Clause */
/* presence.h - that a VM exists, as /dev/vmm/NAME tells on FreeBSD.
 *
 * A directory BASE/NAME, which stays when the VM's process ends and until
 * bhyvectl --destroy, as scripts expect. In it: lock (held by the running
 * bhyve for its whole life, so that what runs is never guessed), ctl (its
 * control socket, see ctl.h), info (lines "name value" about the last start),
 * and what the configuration puts there: a line's pty, a port's socket.
 */
#ifndef VMM_PRESENCE_H
#define VMM_PRESENCE_H
#include <limits.h>
#include <stdbool.h>

struct error;

enum { PRESENCE_MAX_NAME = 229 };

/*
 * Where a user's VMs are: beside run ($GAOL_RUN, or /run/gaol for root), which
 * may be a mount that comes and goes with the jails; the user's own runtime
 * directory ($XDG_RUNTIME_DIR) for others.
 */
void presence_base(char out[PATH_MAX], const char *run, const char *user_run,
                   bool is_root);

/* 1 to PRESENCE_MAX_NAME bytes, no '/', not "." or "..". */
bool presence_name_ok(const char *name);

/* Make the directory; -EEXIST when it is there. Makes base, too. */
int presence_create(const char *base, const char *name, struct error *err);
/*
 * Become the VM's process: create it if need be and take its lock. *out_dir and
 * *out_lock are the caller's descriptors; closing the lock gives it up. -EBUSY:
 * it runs already.
 */
int presence_claim(const char *base, const char *name, int *out_dir,
                   int *out_lock, struct error *err);
/* Its directory; -ENOENT "VM:NAME is not created.". */
int presence_open(const char *base, const char *name, int *out_dir,
                  struct error *err);
/* Does a process hold it? */
bool presence_runs(int dir);
/* Remove it all. -EBUSY while it runs. */
int presence_destroy(const char *base, const char *name, struct error *err);
#endif
