/* SPDX-License-Identifier: BSD-2-Clause */
/* mount_test.c - detached mounts, in a mount namespace of our own. */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "linux/mnt.h"

static void
need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void
new_fs_is_detached_and_takes_options(void **state)
{
	static const char *const opts[] = { "size=1m", "mode=0700", NULL };
	struct error err;
	struct statvfs vfs;
	struct stat st;
	uint64_t id;
	bool is_root;
	int fd;

	(void)state;
	need_root();
	fd = mnt_fs("tmpfs", opts, MOUNT_ATTR_NOSUID, &err);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fstatvfs(fd, &vfs), 0);
	assert_int_equal(vfs.f_blocks * vfs.f_frsize, 1 << 20);
	assert_true((vfs.f_flag & ST_NOSUID) != 0);
	assert_int_equal(mnt_id(fd, &id, &is_root, &err), 0);
	assert_true(is_root);
	close(fd);
}

static void
bad_type_and_bad_option_say_so(void **state)
{
	static const char *const opts[] = { "colour=red", NULL };
	struct error err;

	(void)state;
	need_root();
	assert_int_equal(mnt_fs("nosuchfs", NULL, 0, &err), -ENODEV);
	assert_non_null(strstr(err.msg, "nosuchfs"));
	assert_int_equal(mnt_fs("tmpfs", opts, 0, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "colour"));
}

static void
clone_attach_and_read_only(void **state)
{
	struct error err;
	char dir[] = "/tmp/mount_test.XXXXXX";
	cleanup_close int fs = -1;
	cleanup_close int copy = -1;
	cleanup_close int at = -1;
	bool is_root;
	uint64_t id;

	(void)state;
	need_root();
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_non_null(mkdtemp(dir));
	fs = mnt_fs("tmpfs", NULL, 0, &err);
	assert_true(fs >= 0);
	assert_int_equal(mkdirat(fs, "sub", 0755), 0);
	at = open(dir, O_PATH | O_CLOEXEC);
	assert_int_equal(mnt_id(at, &id, &is_root, &err), 0);
	assert_false(is_root);
	assert_int_equal(mnt_attach(fs, at, "", &err), 0);

	copy = mnt_clone_tree(fs, "sub", false, &err);
	assert_true(copy >= 0);
	assert_int_equal(
	    mnt_setattr(copy,
	                &(struct mount_attr){ .attr_set = MOUNT_ATTR_RDONLY },
	                false, &err),
	    0);
	assert_int_equal(mkdirat(copy, "x", 0755), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_fs_is_detached_and_takes_options),
		cmocka_unit_test(bad_type_and_bad_option_say_so),
		cmocka_unit_test(clone_attach_and_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
