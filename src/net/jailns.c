/* SPDX-License-Identifier: BSD-2-Clause */
/* jailns.c - the network namespaces of jails: finding and entering them. */
#include "net/jailns.h"

#include <linux/netlink.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/dict.h"
#include "base/num.h"
#include "linux/file.h"
#include "linux/pidref.h"

int
net_own_netns(struct error *err)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : error_sys(err, "open '/proc/self/ns/net'");
}

int
net_run_open(struct error *err)
{
	const char *run = getenv("GAOL_RUN");
	int fd;

	if (run == NULL || *run == '\0')
		run = "/run/gaol";
	fd = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : error_sys(err, "open '%s'", run);
}

/* The jid that name/NAME points to, or a negative errno. */
static int
jid_of_name(int run_dir_fd, const char *name)
{
	char path[NAME_MAX + 8], to[64];
	const char *last;
	long long jid;
	ssize_t n;

	if (strchr(name, '/') != NULL ||
	    snprintf(path, sizeof(path), "name/%s", name) >= (int)sizeof(path))
		return -ENOENT;
	n = readlinkat(run_dir_fd, path, to, sizeof(to) - 1);
	if (n < 0)
		return -ENOENT;
	to[n] = '\0';
	last = strrchr(to, '/');
	if (num_int_in(last != NULL ? last + 1 : to, 1, INT_MAX, &jid) < 0)
		return -ENOENT;
	return (int)jid;
}

static int
read_dict(int dirfd, const char *name, struct dict *d, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len;

	if (file_read(dirfd, name, DICT_MAX_BYTES, &text, &len, err) < 0)
		return err->code;
	return dict_read(d, text, len, err);
}

/* The pidfd of the very process the record names. */
static int
open_init(const struct dict *record, struct pidref *out_ref)
{
	uint64_t start = 0, ino = 0;
	const char *s;

	s = dict_get(record, "init.start");
	if (s == NULL || num_u64(s, &start) < 0)
		return -EINVAL;
	s = dict_get(record, "init.ino"); /* optional */
	if (s != NULL && num_u64(s, &ino) < 0)
		return -EINVAL;
	out_ref->pid = (pid_t)dict_get_int(record, "init.pid", 0);
	out_ref->start = start;
	out_ref->ino = ino;
	return out_ref->pid > 0 ? pidref_open(out_ref) : -EINVAL;
}

/* proc(5)'s namespace file goes by pid, so the process must still be the one
 * behind the pidfd afterwards. */
static int
open_netns(pid_t pid, int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	cleanup_close int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (poll(&p, 1, 0) != 0)
		return -ESRCH;
	return take_fd(&fd);
}

int
net_jail_open(int run_dir_fd, const char *id_or_name, struct net_jail *out_jail,
              struct error *err)
{
	cleanup_close int dir = -1, pidfd = -1, ns = -1;
	cleanup_dict struct dict record = DICT_INIT;
	struct pidref ref;
	struct error why;
	char path[32];
	long long jid;
	const char *vnet;

	if (num_int_in(id_or_name, 1, INT_MAX, &jid) < 0)
		jid = jid_of_name(run_dir_fd, id_or_name);
	if (jid < 0)
		goto absent;
	snprintf(path, sizeof(path), "jails/%lld", jid);
	dir = openat(run_dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || read_dict(dir, "record", &record, &why) == -ENOENT)
		goto absent;
	pidfd = open_init(&record, &ref);
	if (pidfd == -EINVAL)
		return error_set(err, -EINVAL, "jail \"%s\": broken record",
		                 id_or_name);
	ns = pidfd >= 0 ? open_netns(ref.pid, pidfd) : -1;
	if (ns < 0)
		goto absent;
	vnet = dict_get(&record, "vnet");
	out_jail->jid = (int)jid;
	out_jail->has_vnet = vnet != NULL && strcmp(vnet, "new") == 0;
	out_jail->dir_fd = take_fd(&dir);
	out_jail->pidfd = take_fd(&pidfd);
	out_jail->netns_fd = take_fd(&ns);
	return 0;
absent:
	return error_set(err, -ENOENT, "jail \"%s\" not found", id_or_name);
}

int
net_jail_find(const char *id_or_name, struct net_jail *out_jail,
              struct error *err)
{
	cleanup_close int run = net_run_open(err);

	if (run < 0 && err->code == -ENOENT) /* no jail was ever made */
		return error_set(err, -ENOENT, "jail \"%s\" not found",
		                 id_or_name);
	return run < 0 ? err->code
	               : net_jail_open(run, id_or_name, out_jail, err);
}

int
net_jail_do(const char *id_or_name, int (*fn)(void *arg, struct error *err),
            void *arg, struct error *err)
{
	cleanup_close int home = net_own_netns(err);
	struct net_jail j;
	int rc;

	if (home < 0 || net_jail_find(id_or_name, &j, err) < 0)
		return err->code;
	if (!j.has_vnet) /* what is done there would be done to the host */
		rc = error_set(err, -EPERM, "jail \"%s\" has no vnet",
		               id_or_name);
	else if (setns(j.netns_fd, CLONE_NEWNET) < 0)
		rc = error_sys(err, "enter jail %s", id_or_name);
	else
		rc = fn(arg, err);
	if (setns(home, CLONE_NEWNET) < 0 && rc == 0)
		rc = error_sys(err, "return from jail %s", id_or_name);
	net_jail_close(&j);
	return rc;
}

void
net_jail_close(struct net_jail *j)
{
	int *fd[] = { &j->dir_fd, &j->pidfd, &j->netns_fd };

	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		if (*fd[i] >= 0)
			close(*fd[i]);
		*fd[i] = -1;
	}
}
