/* SPDX-License-Identifier: BSD-2-Clause */
/* bpf_load.c - load the wall's BPF programs and pin them for jail(8).
 *
 *   bpf-load [-v] [RUNDIR]
 *
 * Works in the runtime directory (the working directory without an operand):
 *   bpf.lock           held while we work, so that many jails may start at once
 *   bpf/               a bpffs of our own
 *   bpf/VERSION/       programs and maps of this build, complete once it exists
 *   bpf/VERSION/net-X  sk_lookup's link to the network namespace of cookie X
 *   bpf-missing        what this kernel cannot do, a line each
 * Done once per boot, build and network namespace; all later jails only open
 * what is pinned. Owns libbpf, so that no program a jail start waits for does.
 */
#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "jail/bpf/abi.h"
#include "jail/bpf/version.h"
#include "linux/ebpf.h"
#include "linux/file.h"
#include "linux/mnt.h"
#include "linux/mountinfo.h"
#include "linux/netns.h"
#include "linux/probe.h"

#define FS_DIR  "bpf"
#define PIN_DIR FS_DIR "/" WALL_ABI "-" WALL_VERSION
#define NEW_DIR FS_DIR "/new"
#define MISSING "bpf-missing"

/* The compiled objects, taken in by the assembler. */
#define EMBED(name)                                                            \
	__asm__(".pushsection .rodata\n"                                       \
	        ".balign 8\n"                                                  \
	        "obj_" #name ": .incbin \"" WALL_OBJECT_DIR "/" #name          \
	        ".bpf.o\"\n"                                                   \
	        "obj_" #name "_end: .byte 0\n"                                 \
	        ".popsection\n");                                              \
	extern const char obj_##name[], obj_##name##_end[]

EMBED(bind);
EMBED(bound);
EMBED(device);
EMBED(filter);
EMBED(lookup);
EMBED(names);
EMBED(send);
EMBED(socket);
EMBED(unix);

/* --- the objects ---------------------------------------------------------- */

/* This libbpf has no section names for these hooks of Linux 6.7. */
static void
prepare_unix(struct bpf_object *obj)
{
	const int connect = 49, sendmsg = 50;
	struct bpf_program *p;

	p = bpf_object__find_program_by_name(obj, "connect_unix");
	bpf_program__set_expected_attach_type(p, (enum bpf_attach_type)connect);
	p = bpf_object__find_program_by_name(obj, "sendmsg_unix");
	bpf_program__set_expected_attach_type(p, (enum bpf_attach_type)sendmsg);
}

static const struct object {
	const char *name, *from, *to;
	/* NULL: jails need it. Else what is lost when this kernel lacks it. */
	const char *lost;
	void (*prepare)(struct bpf_object *obj); /* may be NULL */
	/* NULL, or: would it run? 0 or a negative errno. Then it is another way
	 * to what the next row does, and better: the next is left out when this
	 * loads, and tells what is lost when it does not. */
	int (*or_next)(void);
} objects[] = {
	{ "device", obj_device, obj_device_end, NULL, NULL, NULL },
	{ "socket", obj_socket, obj_socket_end, NULL, NULL, NULL },
	{ "bind", obj_bind, obj_bind_end, NULL, NULL, NULL },
	{ "bound", obj_bound, obj_bound_end, NULL, NULL, NULL },
	{ "send", obj_send, obj_send_end, NULL, NULL, NULL },
	{ "filter", obj_filter, obj_filter_end, NULL, NULL, NULL },
	{ "names", obj_names, obj_names_end, NULL, NULL, probe_bpf_lsm },
	{ "unix", obj_unix, obj_unix_end,
	  "abstract unix(7) names of the host are not refused "
	  "(Linux 6.7, or the BPF LSM)",
	  prepare_unix, NULL },
};

/* Loaded once per network namespace. */
static const struct object lookup = { "lookup", obj_lookup, obj_lookup_end,
	                              NULL,     NULL,       NULL };

/* Open an object whose pinned maps are, or go, in dir. */
static struct bpf_object *
open_object(const struct object *o, const char *dir, struct error *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = o->name,
	            .pin_root_path = dir);
	struct bpf_object *obj =
	    bpf_object__open_mem(o->from, (size_t)(o->to - o->from), &opts);

	if (obj == NULL) {
		error_sys(err, "open BPF object '%s'", o->name);
		return NULL;
	}
	if (o->prepare != NULL)
		o->prepare(obj);
	return obj;
}

static int
load_object(const struct object *o, const char *dir, struct error *err)
{
	struct bpf_object *obj = open_object(o, dir, err);
	int r;

	if (obj == NULL)
		return err->code;
	r = bpf_object__load(obj);
	if (r < 0) {
		errno = -r;
		r = error_sys(err, "load BPF object '%s'", o->name);
	} else if ((r = bpf_object__pin_programs(obj, dir)) < 0) {
		errno = -r;
		r = error_sys(err, "pin BPF object '%s'", o->name);
	}
	bpf_object__close(obj);
	return r;
}

/* --- the directory of this build ------------------------------------------ */

static bool
is_mounted(void)
{
	struct statfs st;

	return statfs(FS_DIR, &st) == 0 && (uint32_t)st.f_type == BPF_FS_MAGIC;
}

static int
mount_here(struct error *err)
{
	if (is_mounted() ||
	    mount("bpf", FS_DIR, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
	          "mode=0700") == 0)
		return 0;
	return error_sys(err, "mount bpffs at '%s'", FS_DIR);
}

/* Change the mount namespace; false when dir, where we were, is elsewhere or
 * nowhere in it. */
static bool
enter(int ns, const char *dir, const struct stat *is)
{
	struct stat st;

	return setns(ns, CLONE_NEWNS) == 0 && chdir(dir) == 0 &&
	       stat(".", &st) == 0 && st.st_dev == is->st_dev &&
	       st.st_ino == is->st_ino;
}

/*
 * Mount it where everybody sees it, and here. Below "ip netns exec", which has
 * mounts of its own, a bpffs of ours would go with that command, and the next
 * one would load a second wall that knows nothing of the first one's jails.
 */
static int
mount_for_all(int host_ns, struct error *err)
{
	cleanup_close int own_ns =
	    open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	cleanup_close int copy = -1;
	struct error ignored;
	struct stat here;
	char dir[PATH_MAX];

	if (own_ns < 0 || getcwd(dir, sizeof(dir)) == NULL ||
	    stat(".", &here) < 0)
		return error_sys(err, "own mounts");
	if (enter(host_ns, dir, &here) && mount_here(&ignored) == 0)
		copy = mnt_clone_tree(AT_FDCWD, FS_DIR, false, &ignored);
	if (!enter(own_ns, dir, &here))
		return error_sys(err, "return to own mounts");
	if (copy < 0)
		return mount_here(err);
	return is_mounted() ? 0 : mnt_attach(copy, AT_FDCWD, FS_DIR, err);
}

static int
mount_fs(struct error *err)
{
	cleanup_close int host_ns = -1;
	struct stat host, own;

	if (mkdir(FS_DIR, 0700) < 0 && errno != EEXIST)
		return error_sys(err, "make '%s'", FS_DIR);
	if (is_mounted())
		return 0;
	host_ns = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
	/* Without it sk_lookup would go with this command, and no listener of
	 * the jails that stay would be reached any more. */
	if (host_ns < 0 && !mountinfo_is_first())
		return error_set(err, -EPERM,
		                 "this mount namespace is not pid 1's, which "
		                 "may not be entered: use nsenter --net, not "
		                 "ip netns exec");
	if (host_ns < 0 || fstat(host_ns, &host) < 0 ||
	    stat("/proc/self/ns/mnt", &own) < 0 ||
	    (host.st_dev == own.st_dev && host.st_ino == own.st_ino))
		return mount_here(err);
	return mount_for_all(host_ns, err);
}

/* A directory of pins and all in it; what a killed loader left. */
static int
remove_pins(const char *dir, struct error *err)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (d == NULL)
		return errno == ENOENT ? 0 : error_sys(err, "open '%s'", dir);
	while ((e = readdir(d)) != NULL)
		if (e->d_type != DT_DIR)
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	if (rmdir(dir) < 0)
		return error_sys(err, "remove '%s'", dir);
	return 0;
}

/* Load the objects into NEW_DIR; missing gets a line for each that this kernel
 * lacks and jails can do without. */
static int
load_objects(struct buf *missing, struct error *err)
{
	bool done = false; /* by the row above */
	struct error lack;

	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		const struct object *o = &objects[i];

		if (done) {
			done = false;
			continue;
		}
		if (o->or_next != NULL && o->or_next() < 0)
			continue;
		if (load_object(o, NEW_DIR, &lack) == 0) {
			done = o->or_next != NULL;
			continue;
		}
		if (o->or_next != NULL)
			continue;
		if (o->lost == NULL) {
			*err = lack;
			return err->code;
		}
		buf_printf(missing, "%s: %s\n", o->lost, lack.msg);
	}
	return 0;
}

/* Load everything into NEW_DIR and give it its name, all or nothing. */
static int
load_all(struct error *err)
{
	cleanup_buf struct buf missing = BUF_INIT;

	if (remove_pins(NEW_DIR, err) < 0)
		return err->code;
	if (mkdir(NEW_DIR, 0700) < 0)
		return error_sys(err, "make '%s'", NEW_DIR);
	if (load_objects(&missing, err) < 0)
		return err->code;
	if (file_replace(AT_FDCWD, MISSING, buf_str(&missing), missing.len,
	                 err) < 0)
		return err->code;

	if (rename(NEW_DIR, PIN_DIR) < 0)
		return error_sys(err, "rename '%s'", NEW_DIR);
	return 0;
}

/* --- sk_lookup in this network namespace -----------------------------------
 */

static int
set_stack(struct bpf_object *obj, uint64_t cookie, struct error *err)
{
	struct bpf_map *rodata = bpf_object__find_map_by_name(obj, ".rodata");
	int r = -ENOENT;

	if (rodata != NULL)
		r = bpf_map__set_initial_value(rodata, &cookie, sizeof(cookie));
	return r == 0 ? 0 : error_set(err, r, "BPF object 'lookup': no stack");
}

static int
attach_lookup(struct bpf_object *obj, const char *pin, struct error *err)
{
	struct bpf_program *prog =
	    bpf_object__find_program_by_name(obj, "lookup");
	struct bpf_link *link;
	int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), r;

	if (net < 0)
		return error_sys(err, "open '/proc/self/ns/net'");
	link = bpf_program__attach_netns(prog, net);
	r = errno;
	close(net);
	errno = r;
	if (link == NULL)
		return error_sys(err, "attach sk_lookup");
	r = bpf_link__pin(link, pin);
	if (r < 0) {
		errno = -r;
		error_sys(err, "pin '%s'", pin);
	}
	bpf_link__destroy(link); /* the pin keeps it */
	return r;
}

static int
load_lookup(uint64_t cookie, const char *pin, struct error *err)
{
	struct bpf_object *obj = open_object(&lookup, PIN_DIR, err);
	int r;

	if (obj == NULL)
		return err->code;
	r = set_stack(obj, cookie, err);
	if (r == 0 && (r = bpf_object__load(obj)) < 0) {
		errno = -r;
		error_sys(err, "load BPF object 'lookup'");
	}
	if (r == 0)
		r = attach_lookup(obj, pin, err);
	bpf_object__close(obj);
	return r;
}

/* Links whose namespace is gone would keep program and map for nothing. */
static void
drop_dead_links(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		uint32_t inode = 1;
		int link;

		if (strncmp(e->d_name, "net-", 4) != 0)
			continue;
		link = ebpf_get(dirfd(d), e->d_name);
		if (link < 0)
			continue;
		if (ebpf_link_netns(link, &inode) == 0 && inode == 0)
			unlinkat(dirfd(d), e->d_name, 0);
		close(link);
	}
	if (d != NULL)
		closedir(d);
}

/* --- main ------------------------------------------------------------------
 */

static int
bpf_load(struct error *err)
{
	cleanup_close int lock = -1;
	uint64_t cookie;
	char pin[64];

	lock = file_lock(AT_FDCWD, "bpf.lock",
	                 FILE_LOCK_WAIT | FILE_LOCK_CREATE, err);
	if (lock < 0)
		return lock;
	if (mount_fs(err) < 0 || netns_cookie(&cookie, err) < 0)
		return err->code;
	if (access(PIN_DIR, F_OK) < 0 && load_all(err) < 0)
		return err->code;
	snprintf(pin, sizeof(pin), PIN_DIR "/net-%" PRIx64, cookie);
	if (access(pin, F_OK) == 0)
		return 0;
	drop_dead_links(PIN_DIR);
	return load_lookup(cookie, pin, err);
}

static int
quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int
main(int argc, char **argv)
{
	struct error err;
	int at = 1;

	if (at < argc && strcmp(argv[at], "-v") == 0)
		at++;
	else
		libbpf_set_print(quiet);
	if (argc - at > 1 || (at < argc && argv[at][0] == '-')) {
		fprintf(stderr, "usage: bpf-load [-v] [rundir]\n");
		return 2;
	}
	if (at < argc && chdir(argv[at]) < 0) {
		fprintf(stderr, "bpf-load: %s: %s\n", argv[at],
		        strerror(errno));
		return 1;
	}
	if (bpf_load(&err) < 0) {
		fprintf(stderr, "bpf-load: %s\n", err.msg);
		return 1;
	}
	return 0;
}
