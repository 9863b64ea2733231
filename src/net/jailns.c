/* SPDX-License-Identifier: BSD-2-Clause */
/* jailns.c - the network namespaces of jails, and the interfaces lent to them.
 */
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

static const char lent_dir[] = "vnet.d";

static int
own_netns(struct error *err)
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
	cleanup_close int home = own_netns(err);
	struct net_jail j;
	int rc;

	if (home < 0 || net_jail_find(id_or_name, &j, err) < 0)
		return err->code;
	if (setns(j.netns_fd, CLONE_NEWNET) < 0)
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

/* Record that an interface is in the jail; index 0: not yet known. */
static int
record_lent(const struct net_jail *j, const char *name, unsigned index,
            ino_t home, struct error *err)
{
	cleanup_dict struct dict d = DICT_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	char path[sizeof(lent_dir) + LINK_NAME_MAX];

	if (mkdirat(j->dir_fd, lent_dir, 0700) < 0 && errno != EEXIST)
		return error_sys(err, "make '%s'", lent_dir);
	dict_setf(&d, "name", "%s", name);
	dict_setf(&d, "index", "%u", index);
	dict_setf(&d, "home", "%llu", (unsigned long long)home);
	dict_write(&d, &text);
	if (text.failed)
		return error_set(err, -ENOMEM, "out of memory");
	snprintf(path, sizeof(path), "%s/%s", lent_dir, name);
	return file_replace(j->dir_fd, path, text.data, text.len, err);
}

static void
forget_lent(const struct net_jail *j, const char *name)
{
	char path[sizeof(lent_dir) + LINK_NAME_MAX];

	snprintf(path, sizeof(path), "%s/%s", lent_dir, name);
	(void)unlinkat(j->dir_fd, path, 0);
}

/* What waits for an interface inside. Its index may be another there, when that
 * one was taken; and Linux believes router advertisements until told, FreeBSD
 * only when told (accept_rtadv). */
static int
settle_inside(const struct net_jail *j, const char *name, int home,
              unsigned *out_index, struct error *err)
{
	struct nl_sock nl = { .fd = -1 };
	struct error ignored;
	struct link l;
	int rc;

	if (setns(j->netns_fd, CLONE_NEWNET) < 0)
		return error_sys(err, "enter network namespace");
	rc = nl_open(&nl, NETLINK_ROUTE, -1, err);
	if (rc == 0)
		rc = link_get(&nl, name, &l, err);
	if (rc == 0) {
		*out_index = l.index;
		(void)link_in6_switch(&l, "accept_ra", false, &ignored);
	}
	nl_close(&nl);
	if (setns(home, CLONE_NEWNET) < 0)
		return error_sys(err, "return to network namespace");
	return rc;
}

int
net_jail_lend(struct nl_sock *nl, const struct net_jail *j,
              const struct link *l, struct error *err)
{
	cleanup_close int home = own_netns(err);
	struct stat here, there;
	unsigned index = 0;

	if (home < 0)
		return err->code;
	if (fstat(home, &here) < 0 || fstat(j->netns_fd, &there) < 0)
		return error_sys(err, "stat network namespace");
	if (!j->has_vnet || here.st_ino == there.st_ino)
		return error_set(err, -EEXIST, "%s", strerror(EEXIST));
	/* First the record: killed after the move, we must still know. */
	if (record_lent(j, l->name, 0, here.st_ino, err) < 0)
		return err->code;
	link_hide_born(nl, l);
	if (link_move(nl, l->index, j->netns_fd, NULL, err) < 0) {
		forget_lent(j, l->name);
		return err->code;
	}
	if (settle_inside(j, l->name, home, &index, err) < 0)
		return err->code;
	return record_lent(j, l->name, index, here.st_ino, err);
}

/* Move l of the jail home under name (see link_move()). */
static int
go_home(struct nl_sock *inside, const struct link *l, const char *name,
        int home, struct error *err)
{
	link_hide_born(inside, l);
	return link_move(inside, l->index, home, name, err);
}

int
net_jail_return(const struct net_jail *j, const char *name, struct error *err)
{
	cleanup_close int home = own_netns(err);
	struct nl_sock inside;
	struct link l;

	if (home < 0 || nl_open(&inside, NETLINK_ROUTE, j->netns_fd, err) < 0)
		return err->code;
	if (link_get(&inside, name, &l, err) == 0 &&
	    go_home(&inside, &l, NULL, home, err) == 0) {
		nl_close(&inside);
		forget_lent(j, l.name);
		return 0;
	}
	nl_close(&inside);
	return err->code;
}

/* The interface a record is about, renamed inside or not. -ENODEV: it is gone,
 * or never came. */
static int
find_lent(struct nl_sock *inside, const struct dict *d, struct link *out,
          struct error *err)
{
	long long index = dict_get_int(d, "index", 0);
	const char *name = dict_get(d, "name");

	if (index > 0)
		return link_get_index(inside, (unsigned)index, out, err);
	if (name == NULL)
		return error_set(err, -ENODEV, "no name");
	return link_get(inside, name, out, err);
}

/* 1: moved back; 0: it was not there any more. */
static int
reclaim_one(const struct net_jail *j, struct nl_sock *inside, int home,
            const char *file, struct error *err)
{
	cleanup_dict struct dict d = DICT_INIT;
	char path[sizeof(lent_dir) + NAME_MAX + 1];
	struct error why;
	struct link l;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", lent_dir, file);
	if (read_dict(j->dir_fd, path, &d, &why) < 0 ||
	    find_lent(inside, &d, &l, &why) < 0) {
		(void)unlinkat(j->dir_fd, path, 0);
		return 0;
	}
	rc = go_home(inside, &l, file, home, err);
	if (rc == -EEXIST) /* its name is taken here */
		rc = go_home(inside, &l, "vnet%d", home, err);
	if (rc < 0)
		return error_wrap(err, "return %s", file);
	(void)unlinkat(j->dir_fd, path, 0);
	return 1;
}

static int
reclaim_all(const struct net_jail *j, DIR *lent, struct error *err)
{
	cleanup_close int home = own_netns(err);
	struct nl_sock inside;
	struct error one;
	struct dirent *e;
	int n = 0, rc = 0;

	if (home < 0 || nl_open(&inside, NETLINK_ROUTE, j->netns_fd, err) < 0)
		return err->code;
	while ((e = readdir(lent)) != NULL) {
		int moved;

		if (e->d_name[0] == '.')
			continue;
		moved = reclaim_one(j, &inside, home, e->d_name, &one);
		if (moved >= 0) {
			n += moved;
		} else if (rc == 0) {
			*err = one;
			rc = moved;
		}
	}
	nl_close(&inside);
	return rc < 0 ? rc : n;
}

int
net_jail_reclaim(int run_dir_fd, int jid, struct error *err)
{
	struct net_jail j;
	struct error why;
	char id[16];
	DIR *lent;
	int fd, rc;

	snprintf(id, sizeof(id), "%d", jid);
	rc = net_jail_open(run_dir_fd, id, &j, &why);
	if (rc < 0) {
		if (rc != -ENOENT)
			*err = why;
		return rc == -ENOENT ? 0 : rc;
	}
	fd = openat(j.dir_fd, lent_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lent = fd >= 0 ? fdopendir(fd) : NULL;
	rc = 0;
	if (lent != NULL) {
		rc = reclaim_all(&j, lent, err);
		closedir(lent);
	} else if (fd >= 0) {
		close(fd);
	}
	net_jail_close(&j);
	return rc;
}
