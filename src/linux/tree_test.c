/* SPDX-License-Identifier: BSD-2-Clause */
/* tree_test.c - copies keep what they must; removal removes all. */
#include <sys/stat.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/tree.h"

struct dirs {
	char path[32];
	int top, from, to;
};

static int
make_dirs(void **state)
{
	struct dirs *d = calloc(1, sizeof(*d));

	strcpy(d->path, "/tmp/gaol-tree.XXXXXX");
	assert_non_null(mkdtemp(d->path));
	d->top = open(d->path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(mkdirat(d->top, "from", 0750), 0);
	assert_int_equal(mkdirat(d->top, "to", 0700), 0);
	d->from = openat(d->top, "from", O_RDONLY | O_DIRECTORY);
	d->to = openat(d->top, "to", O_RDONLY | O_DIRECTORY);
	*state = d;
	return 0;
}

static int
remove_dirs(void **state)
{
	struct dirs *d = *state;
	struct error err = { 0 };

	close(d->from);
	close(d->to);
	assert_int_equal(tree_remove(d->top, "from", &err), 0);
	assert_int_equal(tree_remove(d->top, "to", &err), 0);
	close(d->top);
	assert_int_equal(rmdir(d->path), 0);
	free(d);
	return 0;
}

static void
put(int dir, const char *name, const char *text, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static struct stat
look(int dir, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void
copy(struct dirs *d)
{
	struct tree_stats stats = { 0, 0 };
	struct error err = { 0 };

	assert_int_equal(tree_copy(d->from, d->to, &stats, &err), 0);
}

static void
modes_and_times_are_kept(void **state)
{
	struct dirs *d = *state;
	struct timespec t[2] = { { 1000, 5 }, { 2000, 7 } };

	put(d->from, "suid", "x", 04755);
	assert_int_equal(utimensat(d->from, "suid", t, 0), 0);
	copy(d);
	assert_int_equal(look(d->to, "suid").st_mode, S_IFREG | 04755);
	assert_int_equal(look(d->to, "suid").st_mtim.tv_sec, 2000);
	assert_int_equal(look(d->to, "suid").st_mtim.tv_nsec, 7);
	assert_int_equal(look(d->top, "to").st_mode, S_IFDIR | 0750);
}

static void
owners_are_kept(void **state)
{
	struct dirs *d = *state;

	if (geteuid() != 0)
		skip();
	put(d->from, "f", "x", 0644);
	assert_int_equal(fchownat(d->from, "f", 33, 44, 0), 0);
	assert_int_equal(symlinkat("nowhere", d->from, "l"), 0);
	assert_int_equal(fchownat(d->from, "l", 55, 66, AT_SYMLINK_NOFOLLOW),
	                 0);
	copy(d);
	assert_int_equal(look(d->to, "f").st_uid, 33);
	assert_int_equal(look(d->to, "f").st_gid, 44);
	assert_int_equal(look(d->to, "l").st_uid, 55);
}

static void
hard_links_stay_one_file(void **state)
{
	struct dirs *d = *state;

	assert_int_equal(mkdirat(d->from, "sub", 0755), 0);
	put(d->from, "a", "x", 0644);
	assert_int_equal(linkat(d->from, "a", d->from, "sub/b", 0), 0);
	copy(d);
	assert_int_equal(look(d->to, "a").st_ino, look(d->to, "sub/b").st_ino);
	assert_int_equal(look(d->to, "a").st_nlink, 2);
}

static void
links_are_copied_not_followed(void **state)
{
	struct dirs *d = *state;
	char target[64];
	ssize_t n;

	assert_int_equal(symlinkat("/etc/passwd", d->from, "l"), 0);
	assert_int_equal(mkfifoat(d->from, "pipe", 0640), 0);
	copy(d);
	n = readlinkat(d->to, "l", target, sizeof(target));
	assert_int_equal(n, strlen("/etc/passwd"));
	assert_int_equal(look(d->to, "pipe").st_mode, S_IFIFO | 0640);
}

static void
holes_stay_holes(void **state)
{
	struct dirs *d = *state;
	char buf[4];
	int fd;

	put(d->from, "sparse", "head", 0644);
	fd = openat(d->from, "sparse", O_WRONLY);
	assert_int_equal(pwrite(fd, "tail", 4, 16 << 20), 4);
	assert_int_equal(ftruncate(fd, 32 << 20), 0);
	close(fd);
	copy(d);
	assert_int_equal(look(d->to, "sparse").st_size, 32 << 20);
	assert_true(look(d->to, "sparse").st_blocks < 4096);
	fd = openat(d->to, "sparse", O_RDONLY);
	assert_int_equal(pread(fd, buf, 4, 16 << 20), 4);
	assert_memory_equal(buf, "tail", 4);
	close(fd);
}

static void
attributes_are_kept(void **state)
{
	struct dirs *d = *state;
	char value[8];
	int fd;

	put(d->from, "f", "x", 0644);
	fd = openat(d->from, "f", O_RDONLY);
	if (fsetxattr(fd, "user.colour", "red", 3, 0) < 0) {
		close(fd);
		skip(); /* this file system has none */
	}
	close(fd);
	copy(d);
	fd = openat(d->to, "f", O_RDONLY);
	assert_int_equal(fgetxattr(fd, "user.colour", value, 8), 3);
	close(fd);
}

static void
a_full_target_is_refused(void **state)
{
	struct dirs *d = *state;
	struct tree_stats stats = { 0, 0 };
	struct error err = { 0 };

	put(d->from, "f", "x", 0644);
	put(d->to, "f", "y", 0644);
	assert_int_equal(tree_copy(d->from, d->to, &stats, &err), -EEXIST);
	assert_string_equal(err.msg, "create 'f': File exists");
}

static void
removing_nothing_is_fine(void **state)
{
	struct dirs *d = *state;
	struct error err = { 0 };

	assert_int_equal(tree_remove(d->top, "no such", &err), 0);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, make_dirs, remove_dirs)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(modes_and_times_are_kept),
		TREE_TEST(owners_are_kept),
		TREE_TEST(hard_links_stay_one_file),
		TREE_TEST(links_are_copied_not_followed),
		TREE_TEST(holes_stay_holes),
		TREE_TEST(attributes_are_kept),
		TREE_TEST(a_full_target_is_refused),
		TREE_TEST(removing_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
