/* SPDX-License-Identifier: BSD-2-Clause */
/* param_table.c - the rows of param.h: every parameter FreeBSD's kernel and
 * jail(8) know, and how Linux gives each.
 *
 * A row's `how` is printed in docs/compat.md, and for a refused parameter it is
 * also what the user reads, so it is a sentence that names the parameter. Keep
 * it true: whoever changes a mechanism changes its sentence.
 * Source: jail(8), jail(2); user_namespaces(7), capabilities(7).
 */
#include <limits.h>

#include "jail/param.h"

#define KERNEL(n, t, w, g) .name = (n), .type = (t), .when = (w), .grade = (g)
#define PSEUDO(n, t, g)                                                        \
	.name = (n), .type = (t), .when = PARAM_ANYTIME, .grade = (g),         \
	.pseudo = true
#define ALLOW(n, g, d)                                                         \
	.name = "allow." n, .type = PARAM_BOOL, .when = PARAM_ENTRY,           \
	.grade = (g), .dflt = (d)
/* A right that no process in a user namespace can have: off is as on FreeBSD,
 * on is refused. */
#define NEVER(n)                                                               \
	.name = "allow." n, .type = PARAM_BOOL, .when = PARAM_ANYTIME,         \
	.grade = PARAM_REFUSED, .dflt = "false", .refused = "true"

const struct param param_table[] = {
	/* What a jail is. */
	{ KERNEL("jid", PARAM_INT, PARAM_CREATE, PARAM_EXACT), .max = INT_MAX,
	  .how = "The next number above the last one given out, wrapping at "
	         "999999." },
	{ KERNEL("name", PARAM_STRING, PARAM_ANYTIME, PARAM_EXACT),
	  .max = PARAM_MAX_NAME,
	  .how = "Kept in the jail's record; without one, the jid. Control "
	         "bytes are refused." },
	{ KERNEL("parent", PARAM_INT, PARAM_READONLY, PARAM_EXACT),
	  .how = "From the jail's record; 0 for a jail of the observer's "
	         "own." },
	{ KERNEL("path", PARAM_STRING, PARAM_CREATE, PARAM_NEAR), .dflt = "/",
	  .max = PATH_MAX - 1,
	  .how = "Root by pivot_root(2) on an idmapped copy of the mounts "
	         "there, so that owners on disk stay as written. On a file "
	         "system that cannot map ids a line says so, and root in the "
	         "jail is the host's uid 0 with the rights of a jail only, "
	         "its processes counted by the pids controller; beside control "
	         "groups of version 1 it can have neither allow.mount nor "
	         "children.max. "
	         "Mounts made below path later do not show inside, and what "
	         "the jail mounts does not show on the host." },
	{ KERNEL("persist", PARAM_BOOL, PARAM_ANYTIME, PARAM_EXACT),
	  .dflt = "false",
	  .how = "The jail's own first process stays when no other is left." },
	{ KERNEL("dying", PARAM_BOOL, PARAM_READONLY, PARAM_NEAR),
	  .dflt = "false",
	  .how = "Always false: removal returns when nothing of the jail is "
	         "left, so there is no dying jail to see." },
	{ KERNEL("securelevel", PARAM_INT, PARAM_ENTRY, PARAM_NEAR),
	  .inherited = true, .dflt = "-1", .min = -1, .max = 3,
	  .how = "From 1 up the file flags, raw memory, modules and clock are "
	         "closed, which they are in any jail here; 3 also takes the "
	         "right to change firewall rules in a VNET jail. It cannot be "
	         "raised from inside: Linux has no such call." },
	{ KERNEL("enforce_statfs", PARAM_INT, PARAM_ANYTIME, PARAM_NEAR),
	  .dflt = "2", .max = 2, .refused = "0",
	  .refusal = "enforce_statfs = 0 is refused: after pivot_root(2) the "
	             "host's mounts are not there to be shown.",
	  .how = "1 is exact: pivot_root(2) leaves only mounts at or below the "
	         "root. 2 shows as much as 1: mounts below the root stay "
	         "visible in /proc/self/mounts and to statfs(2)." },
	{ KERNEL("devfs_ruleset", PARAM_INT, PARAM_ANYTIME, PARAM_NEAR),
	  .inherited = true, .dflt = "0", .max = 65535,
	  .how = "A read-only tmpfs with the ruleset's nodes, and a cgroup "
	         "device program as second wall. A device that appears later, "
	         "or a ruleset changed by -m, shows when the jail starts "
	         "again." },
	{ KERNEL("osrelease", PARAM_STRING, PARAM_CREATE, PARAM_NEAR),
	  .inherited = true, .max = 31,
	  .how = "Kept and told by jls(8); uname(2) inside goes on telling the "
	         "Linux kernel's release, which nothing in Linux can change "
	         "for one process.",
	  .warn = "osrelease: told by jls only; uname inside tells the Linux "
	          "kernel's release" },
	{ KERNEL("osreldate", PARAM_INT, PARAM_CREATE, PARAM_NEAR),
	  .inherited = true, .min = 1, .max = INT_MAX,
	  .how = "Kept and told by jls(8); no Linux call inside would ask for "
	         "it.",
	  .warn = "osreldate: told by jls only; no Linux call inside asks for "
	          "it" },
	{ KERNEL("cpuset.id", PARAM_INT, PARAM_READONLY, PARAM_NEAR),
	  .how = "The jid stands for it: each jail has a cgroup of its own, "
	         "and Linux does not number CPU sets." },
	{ KERNEL("children.cur", PARAM_INT, PARAM_READONLY, PARAM_NEAR),
	  .dflt = "0",
	  .how = "Counted from the names of running jails. Those that jail(8) "
	         "made inside are known only there: jls(8) inside lists and "
	         "counts them, and on the host they are not counted." },
	{ KERNEL("children.max", PARAM_INT, PARAM_ENTRY, PARAM_NEAR),
	  .dflt = "0", .max = INT_MAX,
	  .how = "Above 0, processes inside may make namespaces and mounts, "
	         "which jail(8) inside needs; the kernel allows 32 levels. A "
	         "jail made inside has vnet, ip4 and ip6 = inherit, or no "
	         "network: a part of its parent's addresses takes BPF, which "
	         "only the host may use. Raised from 0 later, jails made "
	         "inside cannot have procfs." },

	/* host.* */
	{ KERNEL("host", PARAM_JAILSYS, PARAM_CREATE, PARAM_NEAR),
	  .dflt = "new", .refused = "disable",
	  .refusal = "host = disable is refused: host is new or inherit.",
	  .how = "new: a UTS namespace. inherit: the parent's own, which the "
	         "jail cannot change. FreeBSD can change host later." },
	{ KERNEL("host.hostname", PARAM_STRING, PARAM_ANYTIME, PARAM_NEAR),
	  .dflt = "", .max = 64,
	  .how = "The UTS namespace's; Linux takes 64 bytes, FreeBSD 255." },
	{ KERNEL("host.domainname", PARAM_STRING, PARAM_ANYTIME, PARAM_NEAR),
	  .dflt = "", .max = 64,
	  .how = "The UTS namespace's; Linux takes 64 bytes, FreeBSD 255." },
	{ KERNEL("host.hostuuid", PARAM_STRING, PARAM_ANYTIME, PARAM_NEAR),
	  .dflt = "00000000-0000-0000-0000-000000000000", .max = 63,
	  .how = "Kept and told by jls(8); no Linux call inside asks for "
	         "it." },
	{ KERNEL("host.hostid", PARAM_ULONG, PARAM_ANYTIME, PARAM_NEAR),
	  .dflt = "0",
	  .how = "Kept and told by jls(8); gethostid(3) inside reads "
	         "/etc/hostid of the jail's own tree instead." },

	/* The network. */
	{ KERNEL("vnet", PARAM_JAILSYS, PARAM_CREATE, PARAM_EXACT),
	  .dflt = "inherit", .refused = "disable",
	  .refusal = "vnet = disable is refused: vnet is new or inherit.",
	  .how = "new: a network namespace that the jail's user namespace "
	         "owns." },
	{ KERNEL("ip4", PARAM_JAILSYS, PARAM_CREATE, PARAM_NEAR),
	  .dflt = "disable",
	  .how = "The host's own stack under cgroup BPF programs; see below. "
	         "jls(8) tells new for a jail with addresses, where FreeBSD's "
	         "tells disable." },
	{ KERNEL("ip4.addr", PARAM_IP4, PARAM_ANYTIME, PARAM_NEAR), .dflt = "",
	  .how =
	      "bind, connect, send and listen are held to the list by "
	      "cgroup BPF programs; see below. At most 64 addresses, "
	      "FreeBSD 255. IF|ADDR/MASK puts the address on the interface "
	      "by rtnetlink(7). In a jail that had none, processes that enter "
	      "afterwards have the family." },
	{ KERNEL("ip4.saddrsel", PARAM_BOOL, PARAM_ANYTIME, PARAM_NEAR),
	  .dflt = "true",
	  .how =
	      "false: unbound sockets leave from the first address. true: from "
	      "the address of the list that the route's interface has, else "
	      "the first, by the routes there were when the jail was made or "
	      "its addresses last changed; at most 32 such routes count." },
	{ KERNEL("ip6", PARAM_JAILSYS, PARAM_CREATE, PARAM_NEAR),
	  .dflt = "disable", .how = "As ip4." },
	{ KERNEL("ip6.addr", PARAM_IP6, PARAM_ANYTIME, PARAM_NEAR), .dflt = "",
	  .how = "As ip4.addr." },
	{ KERNEL("ip6.saddrsel", PARAM_BOOL, PARAM_ANYTIME, PARAM_NEAR),
	  .dflt = "true", .how = "As ip4.saddrsel." },

	/* System V IPC. */
	{ KERNEL("sysvmsg", PARAM_JAILSYS, PARAM_ENTRY, PARAM_NEAR),
	  .dflt = "disable",
	  .how = "new: the jail's IPC namespace, POSIX queues too. disable: "
	         "seccomp answers ENOSYS. inherit: the host's IPC namespace, "
	         "for all of sysvmsg, sysvsem and sysvshm that are not "
	         "disabled; a running jail cannot be changed to or from "
	         "it." },
	{ KERNEL("sysvsem", PARAM_JAILSYS, PARAM_ENTRY, PARAM_NEAR),
	  .dflt = "disable", .how = "As sysvmsg." },
	{ KERNEL("sysvshm", PARAM_JAILSYS, PARAM_ENTRY, PARAM_NEAR),
	  .dflt = "disable", .how = "As sysvmsg." },

	/* Modules of FreeBSD's kernel. */
	{ KERNEL("linux", PARAM_JAILSYS, PARAM_ANYTIME, PARAM_NEAR),
	  .dflt = "new", .refused = "disable",
	  .refusal = "linux = disable is refused: linux is new or inherit.",
	  .how = "Kept and told by jls(8): every jail runs Linux programs, on "
	         "the kernel itself." },
	{ KERNEL("linux.osname", PARAM_STRING, PARAM_ANYTIME, PARAM_REFUSED),
	  .dflt = "Linux", .max = 127, .refused = "*",
	  .how = "linux.osname is refused for any value but Linux: the kernel "
	         "tells that name to every process." },
	{ KERNEL("linux.osrelease", PARAM_STRING, PARAM_ANYTIME, PARAM_NEAR),
	  .max = 127,
	  .how = "Kept and told by jls(8); uname(2) inside tells the running "
	         "kernel's release.",
	  .warn = "linux.osrelease: told by jls only; uname inside tells the "
	          "Linux kernel's release" },
	{ KERNEL("linux.oss_version", PARAM_INT, PARAM_ANYTIME, PARAM_REFUSED),
	  .dflt = "198144", .min = 1, .max = INT_MAX, .refused = "*",
	  .how = "linux.oss_version is refused for any value but 198144: "
	         "Linux's own sound devices have no version per process." },
	{ KERNEL("zfs.mount_snapshot", PARAM_INT, PARAM_ANYTIME, PARAM_REFUSED),
	  .dflt = "0", .max = 1, .refused = "*",
	  .how = "zfs.mount_snapshot = 1 is refused: datasets in jails are not "
	         "there yet." },

	/* Notes. */
	{ KERNEL("meta", PARAM_STRING, PARAM_ANYTIME, PARAM_EXACT), .dflt = "",
	  .max = PARAM_MAX_META, .how = "Kept in the jail's record." },
	{ KERNEL("env", PARAM_STRING, PARAM_ANYTIME, PARAM_NEAR), .dflt = "",
	  .max = PARAM_MAX_META,
	  .how = "Kept and told by jls(8); not readable inside, where FreeBSD "
	         "has the sysctl security.jail.env." },
	{ KERNEL("mac.label", PARAM_STRING, PARAM_ANYTIME, PARAM_REFUSED),
	  .dflt = "", .max = 255, .refused = "*",
	  .how = "mac.label is refused: MAC policies for jails are not there "
	         "yet." },

	/* allow.*, as a user namespace and seccomp can give them. */
	{ ALLOW("set_hostname", PARAM_EXACT, "true"),
	  .how = "Off: seccomp answers EPERM to sethostname(2) and "
	         "setdomainname(2). On: the jail's UTS namespace obeys its "
	         "root." },
	{ KERNEL("allow.sysvipc", PARAM_BOOL, PARAM_CREATE, PARAM_NEAR),
	  .dflt = "false",
	  .how = "Stands for sysvmsg, sysvsem and sysvshm = inherit, for those "
	         "not given themselves; FreeBSD can change it later." },
	{ ALLOW("raw_sockets", PARAM_NEAR, "false"),
	  .how = "Off: raw and ICMP echo sockets are answered EPERM. On: raw "
	         "sockets need rights over the host's network namespace, which "
	         "no user namespace has, so only ICMP echo (ping) works, and "
	         "the sysctl net.ipv4.ping_group_range is widened for it. "
	         "Echo must leave from the jail's address: ping -I ADDRESS "
	         "where the route would choose another. A VNET jail has raw "
	         "and packet sockets without it, as on FreeBSD.",
	  .warn = "allow.raw_sockets: without vnet only ICMP echo (ping) "
	          "works, other raw sockets do not" },
	{ NEVER("chflags"),
	  .how = "allow.chflags is refused: the immutable and append-only "
	         "flags need a right that no user namespace has." },
	{ ALLOW("mount", PARAM_NEAR, "false"),
	  .how = "Off: seccomp answers EPERM to the mount calls. On, with "
	         "enforce_statfs below 2 and at least one allow.mount.TYPE: "
	         "every mount that the kernel lets a user namespace make, "
	         "since a filter cannot see the type." },
	{ ALLOW("mount.devfs", PARAM_NEAR, "false"),
	  .how = "A read-only /dev of the devfs_ruleset's nodes (4 when unset) "
	         "with a devpts and a /dev/shm of its own, in the jail's "
	         "mounts only." },
	{ ALLOW("mount.fdescfs", PARAM_NEAR, "false"),
	  .how = "/dev/fd is a link to /proc/self/fd." },
	{ ALLOW("mount.fusefs", PARAM_NEAR, "false"),
	  .how = "Opens allow.mount; also needs /dev/fuse in the "
	         "devfs_ruleset." },
	{ ALLOW("mount.nullfs", PARAM_NEAR, "false"),
	  .how = "Opens allow.mount. Bind mounts; one whose tree holds mounts "
	         "of the host must be recursive." },
	{ ALLOW("mount.procfs", PARAM_NEAR, "false"),
	  .how =
	      "Linux's proc, what tells of the host hidden or read-only, in "
	      "the jail's mounts only. Linux programs need it, so a jail with "
	      "a root of its own has it unless mount.noprocfs is written." },
	{ ALLOW("mount.linprocfs", PARAM_NEAR, "false"),
	  .how = "As allow.mount.procfs." },
	{ ALLOW("mount.linsysfs", PARAM_NEAR, "false"),
	  .how = "Opens allow.mount. sysfs can be mounted in a VNET jail "
	         "only." },
	{ ALLOW("mount.tmpfs", PARAM_NEAR, "false"),
	  .how = "Opens allow.mount. A tmpfs counts against the jail's "
	         "memory." },
	{ NEVER("mount.zfs"),
	  .how = "allow.mount.zfs is refused: datasets in jails are not there "
	         "yet." },
	{ NEVER("quotas"),
	  .how = "allow.quotas is refused: quotactl(2) needs rights over the "
	         "host that no user namespace has." },
	{ ALLOW("socket_af", PARAM_EXACT, "false"),
	  .how = "Off: socket(2) of families other than UNIX, INET, INET6 and "
	         "NETLINK (routing) is answered EPROTONOSUPPORT; a VNET jail "
	         "has packet sockets too." },
	{ ALLOW("mlock", PARAM_NEAR, "false"),
	  .how = "Off: seccomp answers EPERM to the mlock calls. On: memory "
	         "may be locked up to RLIMIT_MEMLOCK, not without limit." },
	{ ALLOW("reserved_ports", PARAM_EXACT, "true"),
	  .how = "On: root of the jail binds ports below 1024. Off: "
	         "EACCES." },
	{ NEVER("read_msgbuf"),
	  .how = "allow.read_msgbuf is refused: the kernel's message buffer "
	         "needs a right that no user namespace has." },
	{ ALLOW("unprivileged_proc_debug", PARAM_NEAR, "true"),
	  .how = "Off: seccomp answers EPERM to ptrace(2) and reading or "
	         "writing another process's memory, for the jail's root "
	         "too." },
	{ NEVER("unprivileged_parent_tampering"),
	  .how = "allow.unprivileged_parent_tampering is refused: a jail has "
	         "user ids of its own, so no ordinary user of the host has "
	         "rights over its processes." },
	{ ALLOW("suser", PARAM_EXACT, "true"),
	  .how = "Off: user 0 inside has no capability and cannot gain any." },
	{ NEVER("extattr"),
	  .how = "allow.extattr is refused: extended attributes of the system "
	         "name space (trusted.*) need a right that no user namespace "
	         "has." },
	{ NEVER("adjtime"),
	  .how = "allow.adjtime is refused: the clock is the host's, and no "
	         "user namespace may change it." },
	{ NEVER("settime"),
	  .how = "allow.settime is refused: the clock is the host's, and no "
	         "user namespace may change it." },
	{ NEVER("routing"),
	  .how = "allow.routing is refused: the host's routing table needs "
	         "rights over the host's network namespace. A VNET jail has a "
	         "table of its own without it." },
	{ NEVER("nfsd"),
	  .how = "allow.nfsd is refused: the kernel's NFS server obeys only "
	         "the host's root." },
	{ NEVER("setaudit"),
	  .how = "allow.setaudit is refused: the audit state needs a right "
	         "that no user namespace has." },
	{ NEVER("vmm"),
	  .how = "allow.vmm is refused: virtual machines inside jails are not "
	         "there yet." },
	{ NEVER("vmm_ppt"),
	  .how = "allow.vmm_ppt is refused: passing devices through to virtual "
	         "machines is not there." },

	/* jail(8)'s own. */
	{ PSEUDO("exec.prepare", PARAM_LIST, PARAM_EXACT),
	  .how = "Run on the host as the first step of all." },
	{ PSEUDO("exec.prestart", PARAM_LIST, PARAM_EXACT),
	  .how = "Run on the host after addresses and mounts." },
	{ PSEUDO("exec.created", PARAM_LIST, PARAM_EXACT),
	  .how = "Run on the host right after creation." },
	{ PSEUDO("exec.start", PARAM_LIST, PARAM_EXACT),
	  .how = "Run inside, with all the jail's confinement on." },
	{ PSEUDO("command", PARAM_LIST, PARAM_EXACT),
	  .how = "Run inside after exec.start." },
	{ PSEUDO("exec.poststart", PARAM_LIST, PARAM_EXACT),
	  .how = "Run on the host when the inside commands ended." },
	{ PSEUDO("exec.prestop", PARAM_LIST, PARAM_EXACT),
	  .how = "Run on the host as the first step of removal." },
	{ PSEUDO("exec.stop", PARAM_LIST, PARAM_EXACT), .how = "Run inside." },
	{ PSEUDO("exec.poststop", PARAM_LIST, PARAM_EXACT),
	  .how = "Run on the host after removal." },
	{ PSEUDO("exec.release", PARAM_LIST, PARAM_EXACT),
	  .how = "Run on the host as the last step of all." },
	{ PSEUDO("exec.clean", PARAM_BOOL, PARAM_NEAR), .dflt = "false",
	  .how = "Commands get a scrubbed environment. PATH inside also has "
	         "/usr/local and the sbin directories; there are no login "
	         "classes." },
	{ PSEUDO("exec.jail_user", PARAM_STRING, PARAM_EXACT),
	  .how = "The user of commands inside." },
	{ PSEUDO("exec.system_jail_user", PARAM_BOOL, PARAM_EXACT),
	  .dflt = "false",
	  .how = "exec.jail_user is looked up in the host's passwd file." },
	{ PSEUDO("exec.system_user", PARAM_STRING, PARAM_EXACT),
	  .how = "The user of the file's commands on the host; what jail(8) "
	         "runs by itself (ifconfig, mount) it runs as it is." },
	{ PSEUDO("exec.timeout", PARAM_INT, PARAM_EXACT), .dflt = "0",
	  .max = INT_MAX, .how = "Seconds a command may take; 0 is no end." },
	{ PSEUDO("exec.consolelog", PARAM_STRING, PARAM_EXACT),
	  .how = "Output of commands inside is appended to this file of the "
	         "host." },
	{ PSEUDO("exec.fib", PARAM_INT, PARAM_REFUSED), .dflt = "0",
	  .max = INT_MAX, .refused = "*",
	  .how = "exec.fib is refused for any value but 0: Linux has no "
	         "numbered routing table per process." },
	{ PSEUDO("stop.timeout", PARAM_INT, PARAM_EXACT), .dflt = "10",
	  .max = INT_MAX,
	  .how = "Seconds between SIGTERM and SIGKILL; 0 kills at once." },
	{ PSEUDO("interface", PARAM_STRING, PARAM_EXACT),
	  .how = "Addresses are added to it by rtnetlink(7) and removed at the "
	         "end." },
	{ PSEUDO("ip_hostname", PARAM_BOOL, PARAM_EXACT), .dflt = "false",
	  .how = "host.hostname is resolved and its addresses appended." },
	{ PSEUDO("vnet.interface", PARAM_LIST, PARAM_EXACT),
	  .how = "Interfaces are moved into the network namespace, and back to "
	         "the host when the jail ends." },
	{ PSEUDO("zfs.dataset", PARAM_LIST, PARAM_REFUSED), .refused = "*",
	  .how = "zfs.dataset is refused: datasets in jails are not there "
	         "yet." },
	{ PSEUDO("mount", PARAM_LIST, PARAM_NEAR),
	  .how = "fstab lines with FreeBSD's types nullfs, tmpfs, unionfs, "
	         "devfs, fdescfs, procfs, linprocfs and linsysfs: bind mounts, "
	         "tmpfs, overlayfs, the jail's /dev, a link, proc, proc, a "
	         "read-only view of /sys. The last five are made in the jail's "
	         "own mounts and do not show on the host; so is a tmpfs below "
	         "path on Linux before 6.3." },
	{ PSEUDO("mount.fstab", PARAM_LIST, PARAM_NEAR),
	  .how = "A file of such lines." },
	{ PSEUDO("mount.devfs", PARAM_BOOL, PARAM_NEAR), .dflt = "false",
	  .how =
	      "A /dev of the devfs_ruleset's nodes (4 when unset), with a "
	      "devpts of its own. A jail on the host's root always has one." },
	{ PSEUDO("mount.fdescfs", PARAM_BOOL, PARAM_NEAR), .dflt = "false",
	  .how = "/dev/fd is a link to /proc/self/fd." },
	{ PSEUDO("mount.procfs", PARAM_BOOL, PARAM_NEAR),
	  .how = "Linux's proc with the host's files masked or read-only. "
	         "Always there on the host's root; elsewhere unless refused." },
	{ PSEUDO("depend", PARAM_LIST, PARAM_EXACT),
	  .how = "Started after those jails, stopped before them." },
	{ PSEUDO("allow.dying", PARAM_BOOL, PARAM_EXACT),
	  .how = "Obsolete on FreeBSD too: has no effect, and says so once." },
};
const size_t param_table_len = ARRAY_LEN(param_table);
