/* SPDX-License-Identifier: BSD-2-Clause */
/* kldload.c - kldload(8), kldstat(8) and kldunload(8), by the name called.
 *
 * What FreeBSD loads, Linux has built in or loads by itself when it is first
 * used, so a known module needs nothing and kldload says so; -n and -q are
 * silent. A module that Linux has nothing for cannot be loaded. Nothing is ever
 * unloaded. Source: kldload(8), kldstat(8), kldunload(8).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

static const struct {
	const char *name;
	const char *here; /* what Linux has for it */
	const char *sign; /* a file that is there only when it has; or NULL */
} modules[] = {
	{ "aesni", "the crypto API", NULL },
	{ "aio", "the kernel", NULL },
	{ "bridgestp", "bridge", NULL },
	{ "cc_bbr", "tcp_bbr", NULL },
	{ "cc_cubic", "tcp_cubic", NULL },
	{ "cc_htcp", "tcp_htcp", NULL },
	{ "cd9660", "isofs", NULL },
	{ "cpuctl", "the cpuid and msr devices", NULL },
	{ "crypto", "the crypto API", NULL },
	{ "cryptodev", "the crypto API", NULL },
	{ "devfs", "gaol's templates", NULL },
	{ "ext2fs", "ext4", NULL },
	{ "fdescfs", "/proc/self/fd", NULL },
	{ "fuse", "fuse", NULL },
	{ "fusefs", "fuse", NULL },
	{ "if_bridge", "bridge", NULL },
	{ "if_disc", "dummy", NULL },
	{ "if_epair", "veth", NULL },
	{ "if_gif", "sit and ip6_tunnel", NULL },
	{ "if_gre", "ip_gre", NULL },
	{ "if_lagg", "bonding", NULL },
	{ "if_tap", "tun", NULL },
	{ "if_tun", "tun", NULL },
	{ "if_tuntap", "tun", NULL },
	{ "if_vlan", "8021q", NULL },
	{ "if_vxlan", "vxlan", NULL },
	{ "if_wg", "wireguard", NULL },
	{ "linprocfs", "proc", NULL },
	{ "linsysfs", "sysfs", NULL },
	{ "linux", "this is Linux", NULL },
	{ "linux64", "this is Linux", NULL },
	{ "linux_common", "this is Linux", NULL },
	{ "mqueuefs", "mqueue", NULL },
	{ "msdosfs", "vfat", NULL },
	{ "nfscl", "nfs", NULL },
	{ "nfsd", "nfsd", NULL },
	{ "nullfs", "bind mounts", NULL },
	{ "opensolaris", "zfs", "/sys/module/zfs" },
	{ "pf", "nf_tables", NULL },
	{ "pflog", "nf_log", NULL },
	{ "procfs", "proc", NULL },
	{ "pseudofs", "the kernel", NULL },
	{ "sem", "the kernel", NULL },
	{ "sysvmsg", "the kernel", NULL },
	{ "sysvsem", "the kernel", NULL },
	{ "sysvshm", "the kernel", NULL },
	{ "tmpfs", "tmpfs", NULL },
	{ "udf", "udf", NULL },
	{ "unionfs", "overlay", NULL },
	{ "zfs", "zfs", "/sys/module/zfs" },
};

/* The row of a module named as a file ("/boot/kernel/pf.ko") or as such; -1. */
static int
find(const char *name)
{
	const char *slash = strrchr(name, '/');
	size_t len;

	if (slash != NULL)
		name = slash + 1;
	len = strlen(name);
	if (len > 3 && strcmp(name + len - 3, ".ko") == 0)
		len -= 3;
	for (size_t i = 0; i < ARRAY_LEN(modules); i++)
		if (strlen(modules[i].name) == len &&
		    memcmp(modules[i].name, name, len) == 0 &&
		    (modules[i].sign == NULL ||
		     access(modules[i].sign, F_OK) == 0))
			return (int)i;
	return -1;
}

static int
usage(const char *text)
{
	fputs(text, stderr);
	return 1;
}

static int
kldload(int argc, char **argv)
{
	static const char text[] = "usage: kldload [-nqv] file ...\n";
	bool quiet = false;
	int status = 0;
	int c;

	while ((c = getopt(argc, argv, "+nqv")) != -1)
		if (c == 'n' || c == 'q')
			quiet = true;
		else if (c != 'v')
			return usage(text);
	if (optind == argc)
		return usage(text);
	for (int i = optind; i < argc; i++) {
		int row = find(argv[i]);

		if (row < 0) {
			fprintf(stderr, "kldload: can't load %s: %s\n", argv[i],
			        strerror(ENOENT));
			status = 1;
		} else if (!quiet) {
			printf("kldload: %s: nothing to load: Linux has %s\n",
			       argv[i], modules[row].here);
		}
	}
	return status;
}

/* The part of a list that is common to modules and files. */
static void
list_one(int row, bool is_module)
{
	if (is_module)
		printf("%3d    1 %s\n", row + 2, modules[row].name);
	else
		printf("%2d    1 0x%016x %8x %s.ko\n", row + 2, 0, 0,
		       modules[row].name);
}

static int
kldstat(int argc, char **argv)
{
	static const char text[] = "usage: kldstat [-hqv] [-n filename]\n"
	                           "       kldstat [-q] [-m modname]\n";
	const char *name = NULL;
	bool is_module = false;
	bool quiet = false;
	int row = 0;
	int c;

	while ((c = getopt(argc, argv, "+hm:n:qv")) != -1)
		switch (c) {
		case 'h':
		case 'v':
			break;
		case 'm':
			is_module = true;
			name = optarg;
			break;
		case 'n':
			name = optarg;
			break;
		case 'q':
			quiet = true;
			break;
		default:
			return usage(text);
		}
	if (optind != argc)
		return usage(text);
	if (name != NULL)
		row = find(name);
	if (row < 0) {
		if (!quiet)
			fprintf(stderr, "kldstat: can't find %s %s: %s\n",
			        is_module ? "module" : "file", name,
			        strerror(ENOENT));
		return 1;
	}
	if (quiet)
		return 0;
	puts(is_module ? "Id  Refs Name"
	               : "Id Refs Address                Size Name");
	if (name != NULL) {
		list_one(row, is_module);
		return 0;
	}
	printf("%2d    1 0x%016x %8x kernel\n", 1, 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(modules); i++)
		if (find(modules[i].name) >= 0)
			list_one((int)i, false);
	return 0;
}

static int
kldunload(int argc, char **argv)
{
	static const char text[] = "usage: kldunload [-fv] [-n] name ...\n";
	int c;

	while ((c = getopt(argc, argv, "+fnv")) != -1)
		if (c == '?')
			return usage(text);
	if (optind == argc)
		return usage(text);
	for (int i = optind; i < argc; i++)
		if (find(argv[i]) < 0)
			fprintf(stderr, "kldunload: can't find file %s: %s\n",
			        argv[i], strerror(ENOENT));
		else
			fprintf(stderr, "kldunload: can't unload %s: %s\n",
			        argv[i], strerror(EBUSY));
	return 1;
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *prog = slash != NULL ? slash + 1 : argv[0];

	if (strcmp(prog, "kldstat") == 0)
		return kldstat(argc, argv);
	if (strcmp(prog, "kldunload") == 0)
		return kldunload(argc, argv);
	return kldload(argc, argv);
}
