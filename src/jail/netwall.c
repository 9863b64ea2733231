/* SPDX-License-Identifier: BSD-2-Clause */
/* netwall.c - attach the pinned BPF programs to a jail's cgroup and write its
 * rules, by bare bpf(2).
 *
 * What the programs do is in the sources below bpf/. Rules live in the storage
 * of the cgroup, which exists from the first attach on, so the order is: attach
 * all, write the rules, let the first process in.
 */
#include "jail/netwall.h"

#include <linux/bpf.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>

#include "jail/bpf/abi.h"
#include "jail/bpf/version.h"
#include "jail/hints.h"
#include "linux/ebpf.h"
#include "linux/file.h"
#include "linux/netns.h"

#define FS_DIR  "bpf"
#define VERSION WALL_ABI "-" WALL_VERSION

_Static_assert((int)NETWALL_MAX_ADDRS == (int)WALL_ADDRS, "as many");
_Static_assert((int)NETWALL_MAX_DEVICES == (int)WALL_DEVICES, "as many");

enum { /* Linux 6.7; the build's headers may be older */
       CGROUP_UNIX_CONNECT = 49,
       CGROUP_UNIX_SENDMSG = 50,
};

/* Which jails a program is for. */
enum need {
	FOR_DEVICES = 1 << 0, /* those with a device list */
	FOR_STACK = 1 << 1,   /* those on the host's stack */
	FOR_RULES = 1 << 2,   /* those with an address family of their own */
	FOR_NAMES = 1 << 3,   /* those whose abstract names nobody else holds */
	FOR_RAW = 1 << 4,     /* those with sockets that no other hook sees */
};

static const struct program {
	const char *pin;
	int attach_type;
	unsigned need; /* any of */
} programs[] = {
	{ "device", BPF_CGROUP_DEVICE, FOR_DEVICES },
	{ "create", BPF_CGROUP_INET_SOCK_CREATE, FOR_STACK },
	{ "bind4", BPF_CGROUP_INET4_BIND, FOR_STACK },
	{ "bind6", BPF_CGROUP_INET6_BIND, FOR_STACK },
	{ "setsockopt", BPF_CGROUP_SETSOCKOPT, FOR_RULES },
	{ "post_bind4", BPF_CGROUP_INET4_POST_BIND, FOR_RULES },
	{ "post_bind6", BPF_CGROUP_INET6_POST_BIND, FOR_RULES },
	{ "release", BPF_CGROUP_INET_SOCK_RELEASE, FOR_RULES },
	{ "listening", BPF_CGROUP_SOCK_OPS, FOR_RULES },
	{ "getsockname4", BPF_CGROUP_INET4_GETSOCKNAME, FOR_RULES },
	{ "getsockname6", BPF_CGROUP_INET6_GETSOCKNAME, FOR_RULES },
	{ "connect4", BPF_CGROUP_INET4_CONNECT, FOR_RULES },
	{ "connect6", BPF_CGROUP_INET6_CONNECT, FOR_RULES },
	{ "sendmsg4", BPF_CGROUP_UDP4_SENDMSG, FOR_RULES },
	{ "sendmsg6", BPF_CGROUP_UDP6_SENDMSG, FOR_RULES },
	{ "ingress", BPF_CGROUP_INET_INGRESS, FOR_RULES },
	/* TCP and UDP have their source from the hooks above. */
	{ "egress", BPF_CGROUP_INET_EGRESS, FOR_RAW },
	/* Either these two or those two are pinned. */
	{ "names_connect", BPF_LSM_CGROUP, FOR_NAMES },
	{ "names_send", BPF_LSM_CGROUP, FOR_NAMES },
	{ "connect_unix", CGROUP_UNIX_CONNECT, FOR_NAMES },
	{ "sendmsg_unix", CGROUP_UNIX_SENDMSG, FOR_NAMES },
};

struct netwall {
	int dir;        /* of this build's pins */
	int rules;      /* map */
	uint64_t stack; /* cookie of the caller's network namespace */
	int prog[ARRAY_LEN(programs)]; /* -1: not opened yet */
};

/* --- open, load, close ---------------------------------------------------- */

/* Are this build's programs there, and sk_lookup in this namespace? */
static bool
is_loaded(int run_dir, uint64_t stack)
{
	char path[128];

	snprintf(path, sizeof(path), FS_DIR "/" VERSION "/net-%" PRIx64, stack);
	return faccessat(run_dir, path, F_OK, 0) == 0;
}

/* The loader's last words, without its name and newline. */
static void
last_words(int fd, char *text, size_t size)
{
	static const char name[] = "bpf-load: ";
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (strncmp(text, name, sizeof(name) - 1) == 0)
		memmove(text, text + sizeof(name) - 1,
		        strlen(text + sizeof(name) - 1) + 1);
}

static int
spawn_loader(int run_dir, char *path, int out, pid_t *out_pid)
{
	char *const argv[] = { path, NULL }, *const envp[] = { NULL };
	posix_spawn_file_actions_t acts;
	int r = posix_spawn_file_actions_init(&acts);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addfchdir_np(&acts, run_dir);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&acts, out, 2);
	if (r == 0)
		r = posix_spawn(out_pid, path, &acts, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&acts);
	return -r;
}

static int
run_loader(int run_dir, const char *libexec, struct error *err)
{
	char path[PATH_MAX], text[400];
	cleanup_close int in = -1, out = -1;
	int fd[2], status, r;
	pid_t pid;

	if (snprintf(path, sizeof(path), "%s/bpf-load", libexec) >=
	    (int)sizeof(path))
		return error_set(err, -ENAMETOOLONG, "%s", libexec);
	if (pipe2(fd, O_CLOEXEC) < 0)
		return error_sys(err, "pipe");
	in = fd[0];
	out = fd[1];
	r = spawn_loader(run_dir, path, out, &pid);
	if (r < 0)
		return error_set(err, r, "run '%s': %s", path, strerror(-r));
	close(take_fd(&out));
	last_words(in, text, sizeof(text));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_sys(err, "wait for bpf-load");
	if (status != 0)
		return error_set(err, -ENOTSUP, "bpf-load: %s",
		                 text[0] != '\0' ? text : "killed");
	return 0;
}

/* The wall whose pins are in dir, which becomes its own; -1 is errno. */
static int
wall_new(int dir, uint64_t stack, struct netwall **out_wall, struct error *err)
{
	cleanup_free struct netwall *w = malloc(sizeof(*w));
	cleanup_close int pins = dir;
	int rules;

	if (pins < 0)
		return error_sys(err, "open '" FS_DIR "/" VERSION "'");
	if (w == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	rules = ebpf_get(pins, "rules");
	if (rules < 0)
		return error_set(err, rules, "open BPF map 'rules': %s",
		                 strerror(-rules));
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		w->prog[i] = -1;
	w->dir = take_fd(&pins);
	w->rules = rules;
	w->stack = stack;
	*out_wall = take_ptr(w);
	return 0;
}

int
netwall_open(int run_dir, const char *libexec, struct netwall **out_wall,
             struct error *err)
{
	uint64_t stack;

	if (netns_cookie(&stack, err) < 0)
		return err->code;
	if (!is_loaded(run_dir, stack) && run_loader(run_dir, libexec, err) < 0)
		return err->code;
	return wall_new(openat(run_dir, FS_DIR "/" VERSION,
	                       O_PATH | O_DIRECTORY | O_CLOEXEC),
	                stack, out_wall, err);
}

void
netwall_close(struct netwall *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (w->prog[i] >= 0)
			close(w->prog[i]);
	close(w->rules);
	close(w->dir);
	free(w);
}

int
netwall_drop(int run_dir, struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/" FS_DIR, run_dir);
	if (umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH) < 0 &&
	    errno != EINVAL && errno != ENOENT)
		return error_sys(err, "unmount '" FS_DIR "'");
	if ((unlinkat(run_dir, FS_DIR, AT_REMOVEDIR) < 0 && errno != ENOENT) ||
	    (unlinkat(run_dir, "bpf.lock", 0) < 0 && errno != ENOENT) ||
	    (unlinkat(run_dir, "bpf-missing", 0) < 0 && errno != ENOENT))
		return error_sys(err, "remove '" FS_DIR "'");
	return 0;
}

/* --- rules -----------------------------------------------------------------
 */

static uint8_t
mode_of(enum netwall_family f, unsigned n)
{
	if (f == NETWALL_INHERIT)
		return WALL_INHERIT;
	return f == NETWALL_NEW && n > 0 ? WALL_NEW : WALL_DISABLE;
}

static void
fill_addresses(struct wall_rules *r, const struct netwall_config *cfg)
{
	r->ip4 = mode_of(cfg->ip4, cfg->n4);
	r->ip6 = mode_of(cfg->ip6, cfg->n6);
	if (r->ip4 == WALL_NEW)
		r->n4 = (uint8_t)cfg->n4;
	if (r->ip6 == WALL_NEW)
		r->n6 = (uint8_t)cfg->n6;
	for (unsigned i = 0; i < r->n4; i++)
		r->addr4[i] = cfg->addr4[i].s_addr;
	for (unsigned i = 0; i < r->n6; i++)
		memcpy(&r->addr6[i], &cfg->addr6[i], sizeof(r->addr6[i]));
}

static void
fill_devices(struct wall_rules *r, const struct netwall_config *cfg)
{
	for (unsigned i = 0; i < cfg->n_device; i++) {
		r->device[i].type = (uint32_t)cfg->device[i].type;
		r->device[i].major = cfg->device[i].major;
		r->device[i].minor = cfg->device[i].minor;
	}
	r->n_device = (uint16_t)cfg->n_device;
}

static int
fill_rules(struct wall_rules *r, const struct netwall_config *cfg,
           struct error *err)
{
	if (cfg->n4 > WALL_ADDRS || cfg->n6 > WALL_ADDRS)
		return error_set(err, -EINVAL, "too many %s addresses",
		                 cfg->n4 > WALL_ADDRS ? "IPv4" : "IPv6");
	if (cfg->n_device > WALL_DEVICES)
		return error_set(err, -EINVAL, "too many device rules");
	memset(r, 0, sizeof(*r));
	r->uid_base = cfg->uid_base;
	r->uid_owner = cfg->uid_owner;
	r->flags = (cfg->saddrsel4 ? WALL_SADDRSEL4 : 0) |
	           (cfg->saddrsel6 ? WALL_SADDRSEL6 : 0) |
	           (cfg->raw_sockets ? WALL_RAW : 0) |
	           (cfg->reserved_ports ? WALL_RESERVED : 0) |
	           (cfg->any_device ? WALL_ANY_DEVICE : 0);
	fill_addresses(r, cfg);
	fill_devices(r, cfg);
	return 0;
}

/* The rules of the jail that has this cgroup, on the stack we are in. */
static int
make_rules(const struct netwall *w, int cgroup_fd,
           const struct netwall_config *cfg, struct wall_rules *rules,
           struct error *err)
{
	struct stat st;

	if (fill_rules(rules, cfg, err) < 0)
		return err->code;
	if (fstat(cgroup_fd, &st) < 0)
		return error_sys(err, "cgroup");
	rules->stack = w->stack;
	rules->jail = st.st_ino;
	return hints_read(rules, err);
}

static unsigned
needs_of(const struct netwall_config *cfg)
{
	unsigned needs = cfg->any_device ? 0 : FOR_DEVICES;

	if (cfg->vnet)
		return needs;
	needs |= FOR_STACK | FOR_NAMES;
	if (cfg->ip4 != NETWALL_INHERIT || cfg->ip6 != NETWALL_INHERIT)
		needs |= FOR_RULES | (cfg->raw_sockets ? FOR_RAW : 0);
	return needs;
}

/* --- attach ----------------------------------------------------------------
 */

static int
attach_program(struct netwall *w, size_t i, int cgroup_fd, struct error *err)
{
	const struct program *p = &programs[i];
	int r;

	if (w->prog[i] < 0)
		w->prog[i] = ebpf_get(w->dir, p->pin);
	if (w->prog[i] == -ENOENT) /* told in bpf-missing */
		return 0;
	if (w->prog[i] < 0)
		return error_set(err, w->prog[i], "open BPF program '%s': %s",
		                 p->pin, strerror(-w->prog[i]));
	r = ebpf_cgroup_attach(cgroup_fd, w->prog[i], p->attach_type);
	if (r < 0 && r != -EEXIST)
		return error_set(err, r, "attach BPF program '%s': %s", p->pin,
		                 strerror(-r));
	return 0;
}

static int
attach_all(struct netwall *w, int cgroup_fd, unsigned needs, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if ((programs[i].need & needs) != 0 &&
		    attach_program(w, i, cgroup_fd, err) < 0)
			return err->code;
	return 0;
}

static int
write_rules(struct netwall *w, const struct wall_rules *r, struct error *err)
{
	uint64_t id = r->jail;
	int ret = ebpf_map_write(w->rules, &id, r);

	return ret == 0
	           ? 0
	           : error_set(err, ret, "write the rules of the cgroup: %s",
	                       strerror(-ret));
}

int
netwall_attach(struct netwall *w, int cgroup_fd,
               const struct netwall_config *cfg, struct error *err)
{
	unsigned needs = needs_of(cfg);
	struct wall_rules rules;

	if (needs == 0)
		return 0;
	if (make_rules(w, cgroup_fd, cfg, &rules, err) < 0 ||
	    attach_all(w, cgroup_fd, needs, err) < 0)
		return err->code;
	return write_rules(w, &rules, err);
}

/* --- update ----------------------------------------------------------------
 */

/*
 * Write new rules where w has rules of this cgroup. What is allowed from now on
 * is held before it is.
 *
 * Returns 1 when done, 0 when w has none.
 */
static int
rewrite(struct netwall *w, int cgroup_fd, unsigned needs,
        struct wall_rules *rules, struct error *err)
{
	struct wall_rules old;
	int r = ebpf_map_read(w->rules, &rules->jail, &old);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_set(err, r, "read the rules of the cgroup: %s",
		                 strerror(-r));
	if (rules->stack != old.stack) /* the caller is elsewhere */
		rules->n_hint = 0;
	rules->stack = old.stack;
	if (attach_all(w, cgroup_fd, needs & (FOR_RULES | FOR_RAW), err) < 0 ||
	    write_rules(w, rules, err) < 0)
		return err->code;
	return 1;
}

/* The same with the programs of other builds, while their layout is ours. */
static int
rewrite_elsewhere(struct netwall *w, int cgroup_fd, unsigned needs,
                  struct wall_rules *rules, struct error *err)
{
	DIR *d = file_opendir(w->dir, "..", err);
	struct dirent *e;
	int r = 0;

	if (d == NULL)
		return err->code;
	while (r == 0 && (e = readdir(d)) != NULL) {
		struct netwall *other;

		if (strncmp(e->d_name, WALL_ABI "-", sizeof(WALL_ABI)) != 0)
			continue;
		r = wall_new(openat(dirfd(d), e->d_name,
		                    O_PATH | O_DIRECTORY | O_CLOEXEC),
		             w->stack, &other, err);
		if (r < 0)
			break;
		r = rewrite(other, cgroup_fd, needs, rules, err);
		netwall_close(other);
	}
	closedir(d);
	return r;
}

int
netwall_update(struct netwall *w, int cgroup_fd,
               const struct netwall_config *cfg, struct error *err)
{
	unsigned needs = needs_of(cfg);
	struct wall_rules rules;
	int r;

	if (needs == 0)
		return 0;
	if (make_rules(w, cgroup_fd, cfg, &rules, err) < 0)
		return err->code;
	r = rewrite(w, cgroup_fd, needs, &rules, err);
	if (r == 0)
		r = rewrite_elsewhere(w, cgroup_fd, needs, &rules, err);
	if (r == 0)
		return error_set(err, -ENOTSUP,
		                 "made by another version of gaol: its "
		                 "address rules stay until it is restarted");
	return r < 0 ? r : 0;
}
