/* SPDX-License-Identifier: BSD-2-Clause */
/* lend.c - interfaces lent to jails, and their way home. */
#include "net/lend.h"

#include <linux/netlink.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/dict.h"
#include "linux/file.h"

enum {
	LEND_MAX_CLASHES = 256, /* vnetN that are tried */
};

static const char lent_dir[] = "vnet.d";

/* --- records ------------------------------------------------------------ */

/* Record that an interface is in the jail; index 0: not yet known. */
static int
record(const struct net_jail *j, const struct link *l, unsigned index,
       ino_t home, struct error *err)
{
	cleanup_dict struct dict d = DICT_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	char path[sizeof(lent_dir) + LINK_NAME_MAX];

	if (mkdirat(j->dir_fd, lent_dir, 0700) < 0 && errno != EEXIST)
		return error_sys(err, "make '%s'", lent_dir);
	dict_setf(&d, "name", "%s", l->name);
	dict_setf(&d, "index", "%u", index);
	dict_setf(&d, "born", "%s", l->born);
	dict_setf(&d, "home", "%llu", (unsigned long long)home);
	dict_write(&d, &text);
	if (text.failed)
		return error_set(err, -ENOMEM, "out of memory");
	snprintf(path, sizeof(path), "%s/%s", lent_dir, l->name);
	return file_replace(j->dir_fd, path, text.data, text.len, err);
}

static void
forget(const struct net_jail *j, const char *name)
{
	char path[sizeof(lent_dir) + NAME_MAX + 1];

	snprintf(path, sizeof(path), "%s/%s", lent_dir, name);
	(void)unlinkat(j->dir_fd, path, 0);
}

static int
read_record(const struct net_jail *j, const char *name, struct dict *d,
            struct error *err)
{
	char path[sizeof(lent_dir) + NAME_MAX + 1];
	cleanup_free char *text = NULL;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", lent_dir, name);
	if (file_read(j->dir_fd, path, DICT_MAX_BYTES, &text, &len, err) < 0)
		return err->code;
	return dict_read(d, text, len, err);
}

/* --- going in ----------------------------------------------------------- */

/* The interface inside: its index may be another, when that one was taken; its
 * groups stay behind; and Linux believes router advertisements until told,
 * FreeBSD only when told (accept_rtadv). */
static int
settle(struct nl_sock *nl, const struct link *was, unsigned *out_index,
       struct error *err)
{
	struct error ignored;
	struct link l;

	if (link_get(nl, was->name, &l, err) < 0)
		return err->code;
	*out_index = l.index;
	(void)link_in6_switch(&l, "accept_ra", false, &ignored);
	if (!l.has_names)
		return 0;
	if (link_strip_names(nl, &l, err) < 0)
		return err->code;
	return was->born[0] != '\0' ? link_set_born(nl, l.index, was->born, err)
	                            : 0;
}

static int
settle_inside(const struct net_jail *j, const struct link *was, int home,
              unsigned *out_index, struct error *err)
{
	struct nl_sock nl = { .fd = -1 };
	int rc;

	if (setns(j->netns_fd, CLONE_NEWNET) < 0)
		return error_sys(err, "enter network namespace");
	rc = nl_open(&nl, NETLINK_ROUTE, -1, err);
	if (rc == 0)
		rc = settle(&nl, was, out_index, err);
	nl_close(&nl);
	if (setns(home, CLONE_NEWNET) < 0)
		return error_sys(err, "return to network namespace");
	return rc;
}

/* The caller's namespace and its inode, once it is clear that the jail has
 * another. Returns the descriptor. */
static int
open_home(const struct net_jail *j, ino_t *out_ino, struct error *err)
{
	cleanup_close int home = net_own_netns(err);
	struct stat here, there;

	if (home < 0)
		return err->code;
	if (fstat(home, &here) < 0 || fstat(j->netns_fd, &there) < 0)
		return error_sys(err, "stat network namespace");
	if (!j->has_vnet || here.st_ino == there.st_ino)
		return error_set(err, -EEXIST, "%s", strerror(EEXIST));
	*out_ino = here.st_ino;
	return take_fd(&home);
}

int
net_jail_lend(struct nl_sock *nl, const struct net_jail *j,
              const struct link *l, struct error *err)
{
	ino_t ino = 0;
	cleanup_close int home = open_home(j, &ino, err);
	unsigned index = 0;

	if (home < 0)
		return err->code;
	/* First the record: killed after the move, we must still know. */
	if (record(j, l, 0, ino, err) < 0)
		return err->code;
	link_hide_born(nl, l);
	if (link_move(nl, l->index, j->netns_fd, NULL, err) < 0) {
		forget(j, l->name);
		return err->code;
	}
	if (settle_inside(j, l, home, &index, err) < 0)
		return err->code;
	return record(j, l, index, ino, err);
}

/* Here the record comes second, since the name may be chosen while making. If
 * we are killed between, the jail's end takes a pair nobody has used yet. */
int
net_jail_clone(struct nl_sock *nl, const struct net_jail *j,
               const struct clone_request *q, char out_name[LINK_NAME_MAX],
               struct error *err)
{
	ino_t ino = 0;
	cleanup_close int home = open_home(j, &ino, err);
	struct clone_request there = *q;
	struct link l = { 0 };
	unsigned index = 0;

	if (home < 0)
		return err->code;
	there.a_netns = j->netns_fd;
	if (clone_create(nl, &there, l.name, err) < 0)
		return err->code;
	strcpy(out_name, l.name);
	if (settle_inside(j, &l, home, &index, err) < 0)
		return err->code;
	return record(j, &l, index, ino, err);
}

/* --- coming home -------------------------------------------------------- */

/* Both sides of the border. */
struct border {
	const struct net_jail *j;
	struct nl_sock inside, here;
	int home; /* the caller's namespace */
};

static int
border_open(struct border *b, const struct net_jail *j, struct error *err)
{
	*b = (struct border){ .j = j,
		              .inside = { .fd = -1 },
		              .here = { .fd = -1 },
		              .home = net_own_netns(err) };
	if (b->home < 0)
		return err->code;
	if (nl_open(&b->inside, NETLINK_ROUTE, j->netns_fd, err) < 0)
		return err->code;
	return nl_open(&b->here, NETLINK_ROUTE, -1, err);
}

static void
border_close(struct border *b)
{
	nl_close(&b->inside);
	nl_close(&b->here);
	if (b->home >= 0)
		close(b->home);
}

/* Bring l home as name. Names are stripped before, lest one clash, and after,
 * lest the jail gave new ones meanwhile. */
static int
bring(struct border *b, const struct link *l, const char *name,
      const char *born, struct error *err)
{
	struct link home;

	if (link_strip_names(&b->inside, l, err) < 0 ||
	    link_move(&b->inside, l->index, b->home, name, err) < 0 ||
	    link_get(&b->here, name, &home, err) < 0 ||
	    link_strip_names(&b->here, &home, err) < 0)
		return err->code;
	return born != NULL && *born != '\0'
	           ? link_set_born(&b->here, home.index, born, err)
	           : 0;
}

int
net_jail_return(const struct net_jail *j, const char *name, struct error *err)
{
	cleanup_dict struct dict d = DICT_INIT;
	struct error ignored;
	struct border b;
	struct link l;
	int rc;

	if (!j->has_vnet)
		return error_set(err, -EEXIST, "%s", strerror(EEXIST));
	(void)read_record(j, link_name_linux(name), &d, &ignored);
	rc = border_open(&b, j, err);
	if (rc == 0)
		rc = link_get(&b.inside, name, &l, err);
	if (rc == 0)
		rc = bring(&b, &l, l.name, dict_get(&d, "born"), err);
	if (rc == 0)
		forget(j, l.name);
	border_close(&b);
	return rc;
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

/* 1: brought home; 0: it was not there any more. */
static int
reclaim_one(struct border *b, const char *name, struct error *err)
{
	cleanup_dict struct dict d = DICT_INIT;
	char other[LINK_NAME_MAX];
	struct error why;
	struct link l;
	const char *born;
	int rc;

	if (read_record(b->j, name, &d, &why) < 0 ||
	    find_lent(&b->inside, &d, &l, &why) < 0) {
		forget(b->j, name);
		return 0;
	}
	born = dict_get(&d, "born");
	rc = bring(b, &l, name, born, err);
	for (int n = 0; rc == -EEXIST && n < LEND_MAX_CLASHES; n++) {
		snprintf(other, sizeof(other), "vnet%d", n);
		rc = bring(b, &l, other, born, err);
	}
	if (rc < 0)
		return error_wrap(err, "return %s", name);
	forget(b->j, name);
	return 1;
}

static int
reclaim_all(const struct net_jail *j, DIR *lent, struct error *err)
{
	struct border b;
	struct error one;
	struct dirent *e;
	int n = 0, rc = border_open(&b, j, err);
	bool open = rc == 0;

	while (open && (e = readdir(lent)) != NULL) {
		int moved;

		if (e->d_name[0] == '.')
			continue;
		moved = reclaim_one(&b, e->d_name, &one);
		if (moved >= 0) {
			n += moved;
		} else if (rc == 0) { /* the first; the others want home too */
			*err = one;
			rc = moved;
		}
	}
	border_close(&b);
	return rc < 0 ? rc : n;
}

int
net_jail_reclaim(int run_dir_fd, int jid, struct error *err)
{
	struct net_jail j;
	struct error why;
	char id[16];
	DIR *lent;
	int rc;

	snprintf(id, sizeof(id), "%d", jid);
	rc = net_jail_open(run_dir_fd, id, &j, &why);
	if (rc < 0) {
		if (rc != -ENOENT)
			*err = why;
		return rc == -ENOENT ? 0 : rc;
	}
	lent = file_opendir(j.dir_fd, lent_dir, &why);
	rc = 0;
	if (lent != NULL) {
		rc = reclaim_all(&j, lent, err);
		closedir(lent);
	}
	net_jail_close(&j);
	return rc;
}
