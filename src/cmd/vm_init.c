/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_init.c - the first program of a VM made by gaol: /init of its initial RAM
 * file system, which src/manage/initrd.c packs.
 *
 * Loads the kernel modules that /modules names, a file a line, waits for the
 * disk that root= of the kernel's command line names, mounts it and becomes its
 * init. Whatever fails is said on the console and the machine goes off, so that
 * a VM that cannot start ends.
 */
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 30000, MODULE_COMPRESSED = 4 };

static _Noreturn void
give_up(const char *what)
{
	fprintf(stderr, "gaol init: %s: %s\n", what, strerror(errno));
	sync();
	sleep(1); /* the console is slow */
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void
load(const char *path)
{
	const char *end = strrchr(path, '.');
	int flags =
	    end != NULL && strcmp(end, ".ko") != 0 ? MODULE_COMPRESSED : 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	/* One that is not for this machine does no harm. */
	if (fd < 0 ||
	    (syscall(SYS_finit_module, fd, "", flags) < 0 && errno != EEXIST))
		fprintf(stderr, "gaol init: '%s': %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	(void)unlink(path); /* its memory is the guest's */
}

static void
load_all(void)
{
	FILE *list = fopen("/modules", "re");
	char line[256];

	while (list != NULL && fgets(line, sizeof(line), list) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		load(line);
	}
	if (list != NULL)
		fclose(list);
}

/* What the kernel's command line says. */
struct wishes {
	char root[256], init[256], type[32];
	bool writable; /* "rw" */
};

static bool
take(const char *w, const char *name, char *to, size_t size)
{
	size_t len = strlen(name);

	if (strncmp(w, name, len) != 0)
		return false;
	snprintf(to, size, "%s", w + len);
	return true;
}

static void
read_wishes(struct wishes *o)
{
	char text[4096];
	char *save = NULL;
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	*o = (struct wishes){ "/dev/vda", "/sbin/init", "ext4", false };
	for (char *w = strtok_r(text, " \n", &save); w != NULL;
	     w = strtok_r(NULL, " \n", &save))
		if (strcmp(w, "rw") == 0 || strcmp(w, "ro") == 0)
			o->writable = w[1] == 'w';
		else if (!take(w, "root=", o->root, sizeof(o->root)) &&
		         !take(w, "init=", o->init, sizeof(o->init)))
			(void)take(w, "rootfstype=", o->type, sizeof(o->type));
}

static void
wait_for(const char *path)
{
	const struct timespec tick = { .tv_nsec = 10000000 };
	struct stat st;

	for (int ms = 0; stat(path, &st) < 0; ms += 10) {
		if (ms >= WAIT_MS)
			give_up(path);
		nanosleep(&tick, NULL);
	}
}

int
main(void)
{
	struct wishes o;

	if (mount("dev", "/dev", "devtmpfs", 0, NULL) < 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) < 0)
		give_up("mount");
	load_all();
	read_wishes(&o);
	wait_for(o.root);
	if (mount(o.root, "/root", o.type, o.writable ? 0 : MS_RDONLY, NULL) <
	    0)
		give_up(o.root);
	(void)umount("/proc");
	if (mount("/dev", "/root/dev", NULL, MS_MOVE, NULL) < 0 ||
	    chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
	    chroot(".") < 0 || chdir("/") < 0)
		give_up("change to the disk");
	execl(o.init, o.init, (char *)NULL);
	give_up(o.init);
}
