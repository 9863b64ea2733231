/* SPDX-License-Identifier: BSD-2-Clause */
/* disk.c - disks: a Debian tree made into a file system by mke2fs(8), which
 * mounts nothing, and the tree's kernel beside it.
 */
#include "manage/disk.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "linux/file.h"
#include "linux/self.h"
#include "linux/tree.h"
#include "manage/debian.h"
#include "manage/initrd.h"
#include "manage/made.h"

#define DEFAULT_KERNEL "linux-image-cloud-amd64"

/* What comes to a kernel: an init, its devices, and who hears the power button
 * where there is no systemd-logind. */
static const char *const packages[] = { "systemd-sysv", "udev",
	                                "acpi-support-base" };

/* The console, which is a serial line, is the host's administrator's. An
 * address is given on the kernel's command line, as Linux's nfsroot.rst has
 * it. */
static const char *const commands[] = {
	"passwd -q -d root",
	"systemctl -q enable systemd-networkd systemd-network-generator",
	"systemctl -q disable systemd-networkd-wait-online e2scrub_reap",
	"systemctl -q disable getty@tty1",
	"systemctl -q mask getty-static",
	": >/etc/machine-id",
};

struct job {
	const struct base_plan *plan;
	const char *path; /* the disk's directory */
	char what[BASE_MAX_NAME + 8];
	char tree[PATH_MAX];
	char trouble[256]; /* the last line mke2fs(8) said */
	command_line_fn *progress;
	void *arg;
};

static int
file_in(char out[PATH_MAX], const char *dir, const char *name,
        struct error *err)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);

	if (n < 0 || n >= PATH_MAX)
		return error_set(err, -ENAMETOOLONG, "'%s'", name);
	return 0;
}

static void
tell(const struct job *j, const char *doing)
{
	char line[BASE_MAX_NAME + 64];

	snprintf(line, sizeof(line), "%s: %s", j->what, doing);
	j->progress(j->arg, line);
}

/* The file's packages and commands, after those every disk has. */
static int
make_tree(struct job *j, struct error *err)
{
	struct base_plan plan = *j->plan;
	cleanup_strv struct strv also = STRV_INIT;
	cleanup_strv struct strv run = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(commands); i++)
		r = strv_push(&run, commands[i]);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(packages); i++)
		r = strv_push(&also, packages[i]);
	if (r < 0 || strv_extend(&run, &plan.commands) < 0 ||
	    strv_push(&also, plan.kernel[0] != '\0' ? plan.kernel
	                                            : DEFAULT_KERNEL) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	plan.commands = run;
	/* Debian's own initrd would be made in a minute and not be used. */
	if (setenv("INITRD", "No", 1) < 0)
		return error_sys(err, "environment");
	r = debian_tree(&plan, &also, j->what, j->tree, j->progress, j->arg,
	                err);
	unsetenv("INITRD");
	return r;
}

/* The version of the tree's kernel: what follows "vmlinuz-" in /boot. */
static int
find_kernel(const struct job *j, char out[NAME_MAX + 1], struct error *err)
{
	static const char prefix[] = "vmlinuz-";
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	if (file_in(path, j->tree, "boot", err) < 0)
		return err->code;
	d = file_opendir(AT_FDCWD, path, err);
	if (d == NULL)
		return err->code;
	out[0] = '\0';
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, prefix, sizeof(prefix) - 1) == 0)
			snprintf(out, NAME_MAX + 1, "%s",
			         e->d_name + sizeof(prefix) - 1);
	closedir(d);
	return out[0] != '\0'
	           ? 0
	           : error_set(err, -ENOENT, "no kernel in '%s'", path);
}

/* vmlinuz and initrd. The tree is ours: no tenant has written to it. */
static int
take_kernel(const struct job *j, struct error *err)
{
	char version[NAME_MAX + 1], from[PATH_MAX], to[PATH_MAX];
	char init[PATH_MAX], name[NAME_MAX + 32];

	if (find_kernel(j, version, err) < 0)
		return err->code;
	snprintf(name, sizeof(name), "boot/vmlinuz-%s", version);
	if (file_in(from, j->tree, name, err) < 0 ||
	    file_in(to, j->path, "vmlinuz", err) < 0)
		return err->code;
	if (rename(from, to) < 0)
		return error_sys(err, "rename '%s'", from);
	snprintf(name, sizeof(name), "lib/modules/%s", version);
	if (self_libexec("vm-init", init, err) < 0 ||
	    file_in(from, j->tree, name, err) < 0 ||
	    file_in(to, j->path, "initrd", err) < 0)
		return err->code;
	return initrd_write(from, init, to, err);
}

static void
on_line(void *arg, const char *line)
{
	struct job *j = arg;

	if (line[0] != '\0')
		snprintf(j->trouble, sizeof(j->trouble), "%s", line);
}

static int
make_image(struct job *j, struct error *err)
{
	unsigned long long bytes =
	    j->plan->size_bytes != 0 ? j->plan->size_bytes : DISK_DEFAULT_BYTES;
	char image[PATH_MAX], blocks[32];
	const char *const argv[] = { "mke2fs", "-q",  "-F",   "-t",
		                     "ext4",   "-m",  "0",    "-d",
		                     j->tree,  image, blocks, NULL };
	int r;

	if (file_in(image, j->path, "root.img", err) < 0)
		return err->code;
	snprintf(blocks, sizeof(blocks), "%lluk", bytes >> 10);
	r = command_run((char *const *)(uintptr_t)argv, on_line, j, err);
	if (r > 0)
		return error_set(err, -EIO, "mke2fs: %s",
		                 j->trouble[0] != '\0' ? j->trouble : "failed");
	return r;
}

static int
build(const struct base_plan *plan, const char *name, const char *path,
      command_line_fn *progress, void *arg, struct error *err)
{
	struct job j = {
		.plan = plan, .path = path, .progress = progress, .arg = arg
	};

	snprintf(j.what, sizeof(j.what), "disk %s", name);
	if (mkdir(path, 0700) < 0)
		return error_sys(err, "create '%s'", path);
	if (file_in(j.tree, path, "tree", err) < 0 || make_tree(&j, err) < 0)
		return err->code;
	tell(&j, "making its file system ...");
	if (take_kernel(&j, err) < 0 || make_image(&j, err) < 0)
		return err->code;
	return tree_remove(AT_FDCWD, j.tree, err);
}

static const struct made_kind disk_kind = {
	.word = "disk",
	.remembered = "gaol.disk",
	.build = build,
};

int
disk_make(const char *name, const char *text, size_t len,
          command_line_fn *progress, void *arg, struct error *err)
{
	return made_make(&disk_kind, name, text, len, progress, arg, err);
}

int
disk_remove(const char *name, struct error *err)
{
	return made_remove(&disk_kind, name, err);
}

int
disk_list(struct strv *out, struct error *err)
{
	return made_list(&disk_kind, out, err);
}
