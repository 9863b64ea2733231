/* SPDX-License-Identifier: BSD-2-Clause */
/* sysctl_table.c - FreeBSD's names of kernel state and Linux's answers.
 *
 * A name is here when hooks and rc scripts ask for it and Linux has the thing,
 * or when Linux always does what one value says (those are "fixed": the value
 * can be set to itself only). Whatever else is asked for is an unknown oid.
 */
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strv.h"
#include "cmd/freebsd/sysctl.h"
#include "linux/file.h"
#include "linux/userns.h"

enum {
	MAX_VALUE = 64 << 10, /* bytes of one kernel file */
};

const char *
oid_type_name(enum oid_type type)
{
	static const char *const names[] = {
		[OID_INT] = "integer",       [OID_UINT] = "unsigned integer",
		[OID_LONG] = "long integer", [OID_ULONG] = "unsigned long",
		[OID_STRING] = "string",     [OID_OPAQUE] = "opaque",
	};

	return names[type];
}

/* --- fixed values ------------------------------------------------------ */

static int
fixed_read(const struct oid *oid, struct buf *out, struct error *err)
{
	(void)err;
	buf_puts(out, oid->arg);
	return 0;
}

static int
fixed_write(const struct oid *oid, const char *val, struct error *err)
{
	if (strtoll(val, NULL, 0) == strtoll(oid->arg, NULL, 0))
		return 0;
	return error_set(err, -EOPNOTSUPP, "only %s", oid->arg);
}

/* --- files below /proc/sys --------------------------------------------- */

/* arg is the path, or "path#N": the Nth word of it, from 0. */
struct place {
	char path[128];
	unsigned word;
	bool is_word;
};

static struct place
place_of(const struct oid *oid)
{
	const char *hash = strchr(oid->arg, '#');
	struct place p = { .word = 0 };

	snprintf(p.path, sizeof(p.path), "/proc/sys/%.*s",
	         (int)strcspn(oid->arg, "#"), oid->arg);
	if (hash != NULL) {
		p.is_word = true;
		p.word = (unsigned)(hash[1] - '0');
	}
	return p;
}

/* The text of the file without the newline, or of its word. */
static int
read_place(const struct place *p, struct buf *out, struct error *err)
{
	cleanup_free char *text = NULL;
	char *word;
	size_t len;

	if (file_read(AT_FDCWD, p->path, MAX_VALUE, &text, &len, err) < 0)
		return err->code;
	text[strcspn(text, "\n")] = '\0';
	word = text;
	for (unsigned i = 0; p->is_word && i < p->word; i++) {
		word += strcspn(word, " \t");
		word += strspn(word, " \t");
	}
	buf_put(out, word, p->is_word ? strcspn(word, " \t") : strlen(word));
	return 0;
}

static int
write_place(const struct place *p, const char *val, struct error *err)
{
	cleanup_strv struct strv words = STRV_INIT;
	cleanup_free char *text = NULL;
	cleanup_buf struct buf all = BUF_INIT;
	size_t len;

	if (!p->is_word)
		return file_put(AT_FDCWD, p->path, val, err);
	if (file_read(AT_FDCWD, p->path, MAX_VALUE, &text, &len, err) < 0)
		return err->code;
	if (strv_split(&words, text, " \t\n", false) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < words.n; i++)
		buf_printf(&all, "%s%s", i > 0 ? " " : "",
		           i == p->word ? val : words.v[i]);
	return file_put(AT_FDCWD, p->path, buf_str(&all), err);
}

static int
proc_read(const struct oid *oid, struct buf *out, struct error *err)
{
	struct place p = place_of(oid);

	return read_place(&p, out, err);
}

static int
proc_write(const struct oid *oid, const char *val, struct error *err)
{
	struct place p = place_of(oid);

	return write_place(&p, val, err);
}

/* The kernel's 1 is FreeBSD's 0. */
static int
not_read(const struct oid *oid, struct buf *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (proc_read(oid, &text, err) < 0)
		return err->code;
	buf_puts(out, strcmp(buf_str(&text), "0") == 0 ? "1" : "0");
	return 0;
}

static int
not_write(const struct oid *oid, const char *val, struct error *err)
{
	return proc_write(oid, strtoll(val, NULL, 0) == 0 ? "1" : "0", err);
}

/* The kernel's seconds are FreeBSD's milliseconds. */
static int
ms_read(const struct oid *oid, struct buf *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (proc_read(oid, &text, err) < 0)
		return err->code;
	buf_printf(out, "%lld", strtoll(buf_str(&text), NULL, 10) * 1000);
	return 0;
}

static int
ms_write(const struct oid *oid, const char *val, struct error *err)
{
	long long s = strtoll(val, NULL, 0) / 1000;
	char text[24];

	snprintf(text, sizeof(text), "%lld", s > 0 ? s : 1);
	return proc_write(oid, text, err);
}

/* The first port that needs no privilege, less one. */
static int
reserved_read(const struct oid *oid, struct buf *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (proc_read(oid, &text, err) < 0)
		return err->code;
	buf_printf(out, "%lld", strtoll(buf_str(&text), NULL, 10) - 1);
	return 0;
}

static int
reserved_write(const struct oid *oid, const char *val, struct error *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", strtoll(val, NULL, 0) + 1);
	return proc_write(oid, text, err);
}

/* Does the firewall see bridged packets? Linux has files for it only while
 * br_netfilter is loaded; without it, it does not. */
static int
bridge_read(const struct oid *oid, struct buf *out, struct error *err)
{
	struct error absent;

	if (proc_read(oid, out, &absent) == 0)
		return 0;
	(void)err;
	buf_puts(out, "0");
	return 0;
}

static int
bridge_write(const struct oid *oid, const char *val, struct error *err)
{
	static const char *const also[] = {
		"/proc/sys/net/bridge/bridge-nf-call-ip6tables",
		"/proc/sys/net/bridge/bridge-nf-call-arptables",
	};
	bool on = strtoll(val, NULL, 0) != 0;
	int rc = proc_write(oid, on ? "1" : "0", err);

	if (rc == -ENOENT)
		return on ? error_set(err, -EOPNOTSUPP, "no br_netfilter") : 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(also); i++)
		rc = file_put(AT_FDCWD, also[i], on ? "1" : "0", err);
	return rc;
}

/* --- names ------------------------------------------------------------- */

static int
uname_read(const struct oid *oid, struct buf *out, struct error *err)
{
	struct utsname u;

	if (uname(&u) < 0)
		return error_sys(err, "uname");
	switch (oid->arg[0]) {
	case 's':
		buf_puts(out, u.sysname);
		break;
	case 'r':
		buf_puts(out, u.release);
		break;
	case 'v':
		buf_printf(out, "%s %s %s", u.sysname, u.release, u.version);
		break;
	case 'n':
		buf_puts(out, u.nodename);
		break;
	case 'd': /* unset it is "(none)" */
		buf_puts(out, u.domainname[0] == '(' ? "" : u.domainname);
		break;
	case 'p': /* FreeBSD says amd64 */
		buf_puts(out, strcmp(u.machine, "x86_64") == 0    ? "amd64"
		              : strcmp(u.machine, "aarch64") == 0 ? "arm64"
		                                                  : u.machine);
		break;
	default: /* m, the architecture of programs */
		buf_puts(out, strcmp(u.machine, "x86_64") == 0 ? "amd64"
		                                               : u.machine);
		break;
	}
	return 0;
}

static int
uname_write(const struct oid *oid, const char *val, struct error *err)
{
	int rc = oid->arg[0] == 'n' ? sethostname(val, strlen(val))
	                            : setdomainname(val, strlen(val));

	return rc < 0 ? error_sys(err, "%s", oid->name) : 0;
}

/* machine-id(5) as a UUID; without one, FreeBSD's zeros. */
static int
hostuuid_read(const struct oid *oid, struct buf *out, struct error *err)
{
	cleanup_free char *id = NULL;
	struct error absent;
	size_t len;

	(void)err;
	if (file_read(AT_FDCWD, oid->arg, MAX_VALUE, &id, &len, &absent) < 0 ||
	    strspn(id, "0123456789abcdef") != 32)
		buf_puts(out, "00000000-0000-0000-0000-000000000000");
	else
		buf_printf(out, "%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8,
		           id + 12, id + 16, id + 20);
	return 0;
}

static int
hostid_read(const struct oid *oid, struct buf *out, struct error *err)
{
	(void)oid;
	(void)err;
	buf_printf(out, "%lu", (unsigned long)gethostid() & 0xffffffffu);
	return 0;
}

/* --- hardware and memory ----------------------------------------------- */

static int
ncpu_read(const struct oid *oid, struct buf *out, struct error *err)
{
	(void)oid;
	(void)err;
	buf_printf(out, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	return 0;
}

static int
pagesize_read(const struct oid *oid, struct buf *out, struct error *err)
{
	(void)oid;
	(void)err;
	buf_printf(out, "%ld", sysconf(_SC_PAGESIZE));
	return 0;
}

/* The value of "key :  value" in a file of /proc, as text. */
static int
keyed_value(const char *path, const char *key, struct buf *out,
            struct error *err)
{
	cleanup_free char *line = NULL;
	FILE *f = fopen(path, "re");
	size_t cap = 0, len = strlen(key);
	int rc = -ENOENT;

	if (f == NULL)
		return error_sys(err, "open '%s'", path);
	while (rc < 0 && getline(&line, &cap, f) > 0)
		if (strncmp(line, key, len) == 0 &&
		    (line[len] == ':' || line[len] == '\t')) {
			const char *v = strchr(line, ':') + 1;

			v += strspn(v, " \t");
			buf_put(out, v, strcspn(v, "\n"));
			rc = 0;
		}
	fclose(f);
	return rc < 0 ? error_set(err, rc, "no %s in '%s'", key, path) : 0;
}

/* A line of /proc/meminfo, in bytes. */
static int
meminfo_read(const struct oid *oid, struct buf *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (keyed_value("/proc/meminfo", oid->arg, &text, err) < 0)
		return err->code;
	buf_printf(out, "%llu", strtoull(buf_str(&text), NULL, 10) * 1024);
	return 0;
}

static int
model_read(const struct oid *oid, struct buf *out, struct error *err)
{
	return keyed_value("/proc/cpuinfo", oid->arg, out, err);
}

static int
loadavg_read(const struct oid *oid, struct buf *out, struct error *err)
{
	double avg[3];

	(void)oid;
	if (getloadavg(avg, 3) != 3)
		return error_set(err, -EIO, "no load average");
	buf_printf(out, "{ %.2f %.2f %.2f }", avg[0], avg[1], avg[2]);
	return 0;
}

/* Bytes, stored by the kernel twice: for receiving and for sending. */
static int
sockbuf_write(const struct oid *oid, const char *val, struct error *err)
{
	if (proc_write(oid, val, err) < 0)
		return err->code;
	return file_put(AT_FDCWD, "/proc/sys/net/core/wmem_max", val, err);
}

/* --- jails -------------------------------------------------------------- */

static int
jailed_read(const struct oid *oid, struct buf *out, struct error *err)
{
	(void)oid;
	(void)err;
	buf_puts(out, userns_is_nested() ? "1" : "0");
	return 0;
}

/* Is the network stack our own? Then its owner is a user namespace that we may
 * see: ours, not our maker's. */
static int
vnet_read(const struct oid *oid, struct buf *out, struct error *err)
{
	cleanup_close int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	cleanup_close int owner = -1;

	(void)oid;
	if (ns < 0)
		return error_sys(err, "open '/proc/self/ns/net'");
	owner = ioctl(ns, NS_GET_USERNS);
	buf_puts(out, userns_is_nested() && owner >= 0 ? "1" : "0");
	return 0;
}

/* Linux never lets a jail's root clear file flags, load modules or set the
 * clock; the host's root may do all. */
static int
securelevel_read(const struct oid *oid, struct buf *out, struct error *err)
{
	(void)oid;
	(void)err;
	buf_puts(out, userns_is_nested() ? "1" : "-1");
	return 0;
}

/* --- the table ---------------------------------------------------------- */

#define FIXED(type)   type, fixed_read, fixed_write
#define TOLD(type)    type, fixed_read, NULL
#define PROC(type)    type, proc_read, proc_write
#define PROC_RO(type) type, proc_read, NULL
#define BRIDGE        OID_INT, bridge_read, bridge_write

const struct oid oid_table[] = {
	{ "kern.ostype", OID_STRING, uname_read, NULL, "s",
	  "Operating system type", false },
	{ "kern.osrelease", OID_STRING, uname_read, NULL, "r",
	  "Operating system release", false },
	{ "kern.version", OID_STRING, uname_read, NULL, "v", "Kernel version",
	  false },
	{ "kern.hostname", OID_STRING, uname_read, uname_write, "n", "Hostname",
	  false },
	{ "kern.domainname", OID_STRING, uname_read, uname_write, "d",
	  "Name of the current YP/NIS domain", false },
	{ "kern.hostuuid", OID_STRING, hostuuid_read, NULL, "/etc/machine-id",
	  "Host UUID", false },
	{ "kern.hostid", OID_ULONG, hostid_read, NULL, "", "Host ID", false },
	{ "kern.securelevel", OID_INT, securelevel_read, NULL, "",
	  "Current secure level", false },
	{ "kern.maxfiles", PROC(OID_INT), "fs/file-max",
	  "Maximum number of files", false },
	{ "kern.maxfilesperproc", PROC(OID_INT), "fs/nr_open",
	  "Maximum files allowed open per process", false },
	{ "kern.openfiles", PROC_RO(OID_INT), "fs/file-nr#0",
	  "System-wide number of open files", false },
	{ "kern.maxproc", PROC(OID_INT), "kernel/pid_max",
	  "Maximum number of processes", false },
	{ "kern.pid_max", PROC(OID_INT), "kernel/pid_max",
	  "Maximum allowed pid", false },
	{ "kern.ipc.maxsockbuf", OID_ULONG, proc_read, sockbuf_write,
	  "net/core/rmem_max", "Maximum socket buffer size", false },
	{ "kern.ipc.soacceptqueue", PROC(OID_INT), "net/core/somaxconn",
	  "Maximum listen socket pending connection accept queue size", false },
	{ "kern.ipc.somaxconn", PROC(OID_INT), "net/core/somaxconn",
	  "Maximum listen socket pending connection accept queue size (compat)",
	  false },
	{ "kern.ipc.shmmax", PROC(OID_ULONG), "kernel/shmmax",
	  "Maximum shared memory segment size", false },
	{ "kern.ipc.shmall", PROC(OID_ULONG), "kernel/shmall",
	  "Maximum number of pages available for shared memory", false },
	{ "kern.ipc.shmmni", PROC(OID_ULONG), "kernel/shmmni",
	  "Number of shared memory identifiers", false },
	{ "kern.ipc.semmns", PROC(OID_INT), "kernel/sem#1",
	  "Number of semaphores in the system", false },
	{ "kern.ipc.semmni", PROC(OID_INT), "kernel/sem#3",
	  "Number of semaphore identifiers", false },
	{ "kern.features.vimage", TOLD(OID_INT), "1",
	  "VIMAGE kernel virtualization", false },
	{ "kern.racct.enable", TOLD(OID_INT), "0", "Enable RACCT/RCTL", true },
	{ "kern.smp.cpus", OID_INT, ncpu_read, NULL, "",
	  "Number of CPUs online", false },

	{ "vm.loadavg", OID_OPAQUE, loadavg_read, NULL, "",
	  "Machine loadaverage history", false },
	{ "vm.swap_total", OID_ULONG, meminfo_read, NULL, "SwapTotal",
	  "Total amount of available swap storage", false },
	{ "vfs.usermount", FIXED(OID_INT), "0",
	  "Unprivileged users may mount and unmount file systems", false },

	{ "net.fibs", TOLD(OID_UINT), "1", "Number of routing tables", false },
	{ "net.inet.ip.forwarding", PROC(OID_INT), "net/ipv4/ip_forward",
	  "Enable IP forwarding between interfaces", false },
	{ "net.inet.ip.redirect", PROC(OID_INT),
	  "net/ipv4/conf/all/send_redirects", "Enable sending IP redirects",
	  false },
	{ "net.inet.ip.ttl", PROC(OID_INT), "net/ipv4/ip_default_ttl",
	  "Maximum TTL on IP packets", false },
	{ "net.inet.ip.random_id", FIXED(OID_INT), "1",
	  "Assign random ip_id values", false },
	{ "net.inet.ip.sourceroute", FIXED(OID_INT), "0",
	  "Enable forwarding source routed IP packets", false },
	{ "net.inet.ip.accept_sourceroute", PROC(OID_INT),
	  "net/ipv4/conf/all/accept_source_route",
	  "Enable accepting source routed IP packets", false },
	{ "net.inet.ip.portrange.first", PROC(OID_INT),
	  "net/ipv4/ip_local_port_range#0", "First port picked by the system",
	  false },
	{ "net.inet.ip.portrange.last", PROC(OID_INT),
	  "net/ipv4/ip_local_port_range#1", "Last port picked by the system",
	  false },
	{ "net.inet.ip.portrange.reservedhigh", OID_INT, reserved_read,
	  reserved_write, "net/ipv4/ip_unprivileged_port_start",
	  "Highest port that needs privilege", false },
	{ "net.inet.icmp.drop_redirect", OID_INT, not_read, not_write,
	  "net/ipv4/conf/all/accept_redirects", "Ignore ICMP redirects",
	  false },
	{ "net.inet.icmp.bmcastecho", OID_INT, not_read, not_write,
	  "net/ipv4/icmp_echo_ignore_broadcasts",
	  "Reply to multicast ICMP Echo Request and Timestamp packets", false },
	{ "net.inet.tcp.syncookies", PROC(OID_INT), "net/ipv4/tcp_syncookies",
	  "Use TCP SYN cookies if the syncache overflows", false },
	{ "net.inet.tcp.keepidle", OID_INT, ms_read, ms_write,
	  "net/ipv4/tcp_keepalive_time",
	  "Time before TCP keepalive probes begin, in milliseconds", false },
	{ "net.inet.tcp.keepintvl", OID_INT, ms_read, ms_write,
	  "net/ipv4/tcp_keepalive_intvl",
	  "Time between TCP keepalive probes, in milliseconds", false },
	{ "net.inet.tcp.keepcnt", PROC(OID_INT),
	  "net/ipv4/tcp_keepalive_probes", "Number of keepalive probes to send",
	  false },
	{ "net.inet.tcp.cc.algorithm", PROC(OID_STRING),
	  "net/ipv4/tcp_congestion_control",
	  "Default congestion control algorithm", false },
	{ "net.inet.tcp.cc.available", PROC_RO(OID_STRING),
	  "net/ipv4/tcp_available_congestion_control",
	  "Available congestion control algorithms", false },
	{ "net.inet6.ip6.forwarding", PROC(OID_INT),
	  "net/ipv6/conf/all/forwarding",
	  "Enable forwarding of IPv6 packets between interfaces", false },
	{ "net.inet6.ip6.accept_rtadv", PROC(OID_INT),
	  "net/ipv6/conf/default/accept_ra",
	  "Default value of per-interface flag for accepting router "
	  "advertisements",
	  false },
	{ "net.inet6.ip6.hlim", PROC(OID_INT),
	  "net/ipv6/conf/default/hop_limit",
	  "Default hop limit to use for outgoing IPv6 packets", false },
	{ "net.inet6.ip6.v6only", PROC(OID_INT), "net/ipv6/bindv6only",
	  "Restrict AF_INET6 sockets to IPv6 addresses only", false },
	{ "net.inet6.icmp6.rediraccept", PROC(OID_INT),
	  "net/ipv6/conf/all/accept_redirects",
	  "Accept ICMPv6 redirect messages", false },

	{ "net.link.bridge.pfil_member", BRIDGE,
	  "net/bridge/bridge-nf-call-iptables",
	  "Packet filter on the member interface", false },
	{ "net.link.bridge.pfil_bridge", BRIDGE,
	  "net/bridge/bridge-nf-call-iptables",
	  "Packet filter on the bridge interface", false },
	{ "net.link.bridge.pfil_onlyip", FIXED(OID_INT), "0",
	  "Only pass IP packets when pfil is enabled", false },
	{ "net.link.bridge.pfil_local_phys", FIXED(OID_INT), "0",
	  "Packet filter on the physical interface for locally destined "
	  "packets",
	  false },
	{ "net.link.bridge.ipfw", FIXED(OID_INT), "0",
	  "Layer2 filter with IPFW", false },
	{ "net.link.bridge.ipfw_arp", FIXED(OID_INT), "0",
	  "Filter ARP packets through IPFW layer2", false },
	{ "net.link.bridge.inherit_mac", FIXED(OID_INT), "0",
	  "Inherit MAC address from the first bridge member", false },
	{ "net.link.bridge.log_stp", FIXED(OID_INT), "0",
	  "Log STP state changes", false },
	{ "net.link.ether.inet.proxyall", PROC(OID_INT),
	  "net/ipv4/conf/all/proxy_arp",
	  "Enable proxy ARP for all suitable requests", false },

	{ "hw.machine", OID_STRING, uname_read, NULL, "p", "System model",
	  false },
	{ "hw.machine_arch", OID_STRING, uname_read, NULL, "m",
	  "System architecture", false },
	{ "hw.model", OID_STRING, model_read, NULL, "model name",
	  "Machine model", false },
	{ "hw.ncpu", OID_INT, ncpu_read, NULL, "", "Number of active CPUs",
	  false },
	{ "hw.byteorder", TOLD(OID_INT), "1234", "System byte order", false },
	{ "hw.pagesize", OID_INT, pagesize_read, NULL, "",
	  "System memory page "
	  "size",
	  false },
	{ "hw.physmem", OID_ULONG, meminfo_read, NULL, "MemTotal",
	  "Amount of physical memory (in bytes)", false },
	{ "hw.realmem", OID_ULONG, meminfo_read, NULL, "MemTotal",
	  "Amount of memory (in bytes) reported by the firmware", false },
	{ "hw.usermem", OID_ULONG, meminfo_read, NULL, "MemAvailable",
	  "Amount of memory (in bytes) which is not wired", false },

	{ "security.jail.jailed", OID_INT, jailed_read, NULL, "",
	  "Process in jail?", false },
	{ "security.jail.vnet", OID_INT, vnet_read, NULL, "", "Jail owns vnet?",
	  false },
	{ "security.jail.jail_max_af_ips", TOLD(OID_UINT), "64",
	  "Number of IP addresses a jail may have at most per address family",
	  false },
	{ "security.bsd.suser_enabled", TOLD(OID_INT), "1",
	  "Processes with uid 0 have privilege", false },
	{ "security.bsd.hardlink_check_uid", PROC(OID_INT),
	  "fs/protected_hardlinks",
	  "Unprivileged processes cannot create hard links to files owned by "
	  "other users",
	  false },
	{ "security.bsd.unprivileged_read_msgbuf", OID_INT, not_read, not_write,
	  "kernel/dmesg_restrict",
	  "Unprivileged processes may read the kernel message buffer", false },
};

const size_t oid_table_len = ARRAY_LEN(oid_table);
