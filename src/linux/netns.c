/* SPDX-License-Identifier: BSD-2-Clause */
/* netns.c - named network namespaces, as ip-netns(8) keeps them: /run/netns is
 * a shared mount of its own, so that names appear in every mount namespace,
 * and each name is an empty file with the namespace bound over it.
 */
#include "linux/netns.h"

#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define NETNS_DIR "/run/netns"
/* Beside the directory: it is a mount because of us. */
#define NETNS_MARK "/run/netns.gaol"

bool
netns_name_ok(const char *name)
{
	return name[0] != '\0' && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && strchr(name, '/') == NULL &&
	       strlen(name) <= NAME_MAX;
}

static int
name_path(const char *name, char out[PATH_MAX], struct error *err)
{
	if (!netns_name_ok(name))
		return error_set(err, -EINVAL, "'%s': not a namespace name",
		                 name);
	snprintf(out, PATH_MAX, NETNS_DIR "/%s", name);
	return 0;
}

static bool
is_mount(const char *path)
{
	struct statx st;

	return statx(AT_FDCWD, path, 0, 0, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int
make_dir(struct error *err)
{
	if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return error_sys(err, "create '%s'", NETNS_DIR);
	if (!is_mount(NETNS_DIR)) {
		int fd = open(NETNS_MARK, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return error_sys(err, "create '%s'", NETNS_MARK);
		close(fd);
		if (mount(NETNS_DIR, NETNS_DIR, NULL, MS_BIND | MS_REC, NULL) <
		    0)
			return error_sys(err, "bind '%s'", NETNS_DIR);
	}
	if (mount(NULL, NETNS_DIR, NULL, MS_SHARED | MS_REC, NULL) < 0)
		return error_sys(err, "share '%s'", NETNS_DIR);
	return 0;
}

static int
lo_up(struct error *err)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		return error_sys(err, "bring lo up");
	return 0;
}

/* In a child: a new namespace, lo up, bound over path. */
static int
make_and_bind(const char *path, struct error *err)
{
	if (unshare(CLONE_NEWNET) < 0)
		return error_sys(err, "new network namespace");
	if (lo_up(err) < 0)
		return err->code;
	if (mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL) < 0)
		return error_sys(err, "bind the namespace to '%s'", path);
	return 0;
}

/* Run make_and_bind() in a child, so that the caller stays where it is. */
static int
in_child(const char *path, struct error *err)
{
	struct error theirs = { 0 };
	int pipefd[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return error_sys(err, "pipe");
	pid = fork();
	if (pid == 0) {
		if (make_and_bind(path, &theirs) < 0)
			(void)!write(pipefd[1], &theirs, sizeof(theirs));
		_exit(theirs.code != 0);
	}
	close(pipefd[1]);
	if (pid < 0) {
		error_sys(err, "fork");
		close(pipefd[0]);
		return err->code;
	}
	n = read(pipefd[0], &theirs, sizeof(theirs));
	close(pipefd[0]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (n == (ssize_t)sizeof(theirs)) {
		*err = theirs;
		return err->code;
	}
	if (!is_mount(path))
		return error_set(err, -EIO, "'%s': the child died", path);
	return 0;
}

int
netns_create(const char *name, struct error *err)
{
	char path[PATH_MAX];
	int fd;

	if (name_path(name, path, err) < 0 || make_dir(err) < 0)
		return err->code;
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (fd < 0)
		return error_sys(err, "network namespace '%s'", name);
	close(fd);
	if (in_child(path, err) < 0) {
		(void)unlink(path);
		return error_wrap(err, "network namespace '%s'", name);
	}
	return 0;
}

int
netns_enter(const char *name, struct error *err)
{
	cleanup_close int fd = -1;
	char path[PATH_MAX];

	if (name_path(name, path, err) < 0)
		return err->code;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		return error_sys(err, "network namespace '%s'", name);
	return 0;
}

/* The last name out takes down the mount that the first one made. Someone
 * binding a name meanwhile makes the unmount fail, which is right. */
static void
drop_dir(void)
{
	DIR *d = opendir(NETNS_DIR);
	unsigned names = 0;

	if (d == NULL)
		return;
	while (readdir(d) != NULL)
		names++;
	closedir(d);
	if (names == 2 && umount2(NETNS_DIR, UMOUNT_NOFOLLOW) == 0)
		(void)unlink(NETNS_MARK);
}

int
netns_delete(const char *name, struct error *err)
{
	char path[PATH_MAX];

	if (name_path(name, path, err) < 0)
		return err->code;
	if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT)
		return error_sys(err, "unmount '%s'", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_sys(err, "remove '%s'", path);
	if (access(NETNS_MARK, F_OK) == 0)
		drop_dir();
	return 0;
}

int
netns_cookie(uint64_t *out_cookie, struct error *err)
{
	cleanup_close int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*out_cookie);

	if (s < 0 ||
	    getsockopt(s, SOL_SOCKET, SO_NETNS_COOKIE, out_cookie, &len) < 0)
		return error_sys(err, "cookie of the network namespace");
	return 0;
}
