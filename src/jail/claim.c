/* SPDX-License-Identifier: BSD-2-Clause */
/* claim.c - names, uid ranges and addresses, one holder each. */
#include "jail/claim.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strv.h"
#include "jail/internal.h"
#include "linux/file.h"

enum {
	UID_FIRST = 0x70000000, /* above what distributions give to users,
	                         * subuids and systemd-nspawn */
	UID_SLOTS = 0x8000,     /* up to 0xf0000000 */
	PATH_CLAIM = 320,       /* "name/" and 255 bytes */
	NAME_SLASH = 1,         /* no name has control bytes */
	CLAIM_TRIES = 1000,     /* each spoilt by another who gives it up */
};

/* The jid a link names when that jail's directory is there; else 0. */
static int
holder(int run, const char *path)
{
	char jid[16], dir[PATH_JAIL];
	ssize_t n = readlinkat(run, path, jid, sizeof(jid) - 1);

	if (n <= 0)
		return 0;
	jid[n] = '\0';
	snprintf(dir, sizeof(dir), "jails/%s", jid);
	return faccessat(run, dir, F_OK, 0) == 0 ? atoi(jid) : 0;
}

/* Make path a link to jid, replacing a void one. */
static int
take(int run, const char *path, int jid, struct error *err)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", jid);
	if (symlinkat(text, run, path) == 0)
		return 0;
	if (errno != EEXIST)
		return error_sys(err, "claim '%s'", path);
	if (unlinkat(run, path, 0) < 0 || symlinkat(text, run, path) < 0)
		return error_sys(err, "claim '%s'", path);
	return 0;
}

static void
drop(int run, const char *path, int jid)
{
	if (holder(run, path) == jid)
		(void)unlinkat(run, path, 0);
}

void
claim_name_file(const char *name, char out[CLAIM_NAME_MAX])
{
	snprintf(out, CLAIM_NAME_MAX, "%s", name);
	for (char *c = out; *c != '\0'; c++)
		if (*c == '/')
			*c = NAME_SLASH;
}

static void
name_path(const char *name, char out[PATH_CLAIM])
{
	char file[CLAIM_NAME_MAX];

	claim_name_file(name, file);
	snprintf(out, PATH_CLAIM, "name/%s", file);
}

int
claim_name_holder(int run, const char *name)
{
	char path[PATH_CLAIM];

	name_path(name, path);
	return holder(run, path);
}

int
claim_name(int run, const char *name, int jid, struct error *err)
{
	char path[PATH_CLAIM];

	name_path(name, path);
	return take(run, path, jid, err);
}

void
claim_name_drop(int run, const char *name, int jid)
{
	char path[PATH_CLAIM];

	name_path(name, path);
	drop(run, path, jid);
}

uint32_t
claim_uid_base(unsigned slot)
{
	return UID_FIRST + slot * UID_RANGE;
}

uint32_t
claim_uid_of(const struct dict *rec)
{
	long long slot = dict_get_int(rec, REC_UID_SLOT, -1);

	return slot < 0 ? 0 : claim_uid_base((unsigned)slot);
}

int
claim_uids_find(int run, int jid, unsigned *out_slot, struct error *err)
{
	for (unsigned i = 0; i < UID_SLOTS; i++) {
		unsigned slot = ((unsigned)jid + i) % UID_SLOTS;
		char path[PATH_JAIL];
		int other;

		snprintf(path, sizeof(path), "uid/%u", slot);
		other = holder(run, path);
		if (other == 0 || other == jid) {
			*out_slot = slot;
			return 0;
		}
	}
	return error_set(err, -EAGAIN, "no free range of uids");
}

int
claim_uids(int run, unsigned slot, int jid, struct error *err)
{
	char path[PATH_JAIL];

	snprintf(path, sizeof(path), "uid/%u", slot);
	return take(run, path, jid, err);
}

/* See that nobody else holds addr, or may share it. */
static int
check_addr(int run, const char *dir, int jid, bool single,
           bool (*is_alive)(void *arg, int jid, bool *out_single), void *arg,
           struct error *err)
{
	struct error none;
	DIR *d = file_opendir(run, dir, &none);
	struct dirent *e;
	int rc = 0;

	if (d == NULL)
		return 0;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		int other = atoi(e->d_name);
		bool other_single = false;

		if (other == 0 || other == jid)
			continue;
		if (!is_alive(arg, other, &other_single))
			(void)unlinkat(dirfd(d), e->d_name, 0);
		else if (!single || !other_single)
			rc = error_set(err, -EADDRINUSE, "%s addresses clash",
			               strchr(dir, ':') != NULL ? "IPv6"
			                                        : "IPv4");
	}
	closedir(d);
	return rc;
}

/* Make the empty file DIR/JID, and DIR. Somebody who gives the same address up
 * meanwhile may remove DIR before the file is in it. */
static int
make_claim(int run, const char *dir, int jid)
{
	char path[PATH_JAIL + 32];
	int fd = -1;

	snprintf(path, sizeof(path), "%s/%d", dir, jid);
	for (int tries = 0; fd < 0 && tries < CLAIM_TRIES; tries++) {
		int rc = file_mkdir(run, dir);

		if (rc < 0 && rc != -EEXIST && rc != -ENOENT)
			return -1;
		fd = openat(run, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 && errno != ENOENT)
			return -1;
	}
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int
claim_addrs(int run, const char *list, int jid,
            bool (*is_alive)(void *arg, int jid, bool *out_single), void *arg,
            struct error *err)
{
	cleanup_strv struct strv addrs = STRV_INIT;

	if (list == NULL)
		return 0;
	if (strv_split(&addrs, list, ",", false) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < addrs.n; i++) {
		char path[PATH_JAIL + 16];

		snprintf(path, sizeof(path), "addr/%s", addrs.v[i]);
		if (check_addr(run, path, jid, addrs.n == 1, is_alive, arg,
		               err) < 0)
			return err->code;
		if (make_claim(run, path, jid) < 0)
			return error_sys(err, "claim '%s'", path);
	}
	return 0;
}

void
claim_addrs_drop(int run, const char *list, int jid)
{
	cleanup_strv struct strv addrs = STRV_INIT;

	if (list == NULL || strv_split(&addrs, list, ",", false) < 0)
		return;
	for (size_t i = 0; i < addrs.n; i++) {
		char path[PATH_JAIL + 16];
		size_t len =
		    (size_t)snprintf(path, sizeof(path), "addr/%s", addrs.v[i]);

		snprintf(path + len, sizeof(path) - len, "/%d", jid);
		(void)unlinkat(run, path, 0);
		path[len] = '\0';
		(void)unlinkat(run, path, AT_REMOVEDIR);
	}
}

void
claim_release(int run, int jid, const struct dict *rec)
{
	const char *name = dict_get(rec, "name");
	const char *slot = dict_get(rec, REC_UID_SLOT);
	char path[PATH_JAIL];

	if (name != NULL)
		claim_name_drop(run, name, jid);
	if (slot != NULL) {
		snprintf(path, sizeof(path), "uid/%s", slot);
		drop(run, path, jid);
	}
	claim_addrs_drop(run, dict_get(rec, "ip4.addr"), jid);
	claim_addrs_drop(run, dict_get(rec, "ip6.addr"), jid);
}
