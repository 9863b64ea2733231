/* SPDX-License-Identifier: BSD-2-Clause */
/* pflogd.c - pflogd(8): packets that pf's rules log, into a file for tcpdump.
 *
 * Reads the nflog group that stands for pflog0 (or -i) in the network namespace
 * it is started in. The file is appended to, begun anew when it is of another
 * length of packets, and opened again on SIGHUP for newsyslog and its like.
 */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "linux/file.h"
#include "linux/nl.h"
#include "pf/pflog.h"

enum {
	MAX_WAITING = 1 << 20, /* bytes that are not written yet */
	PCAP_BEGIN = 24,
};

struct pflogd {
	const char *file, *pidfile;
	struct pflog_env env;
	unsigned group;
	unsigned delay_s;
	bool stay, hold; /* -D; -x: log nothing */
	bool is_failing; /* what was written last */
	struct nl_sock nl;
	struct buf waiting;
	int fd;
};

static volatile sig_atomic_t stop, reopen, flush_now;

static void
on_signal(int sig)
{
	if (sig == SIGHUP)
		reopen = 1;
	else if (sig == SIGALRM)
		flush_now = 1;
	else
		stop = 1;
}

static int
usage(void)
{
	fputs("usage: pflogd [-Dx] [-d delay] [-f filename] [-i interface] "
	      "[-p pidfile]\n"
	      "\t[-s snaplen]\n",
	      stderr);
	return 1;
}

static int
fail(const struct error *err)
{
	fprintf(stderr, "pflogd: %s\n", err->msg);
	return 1;
}

/* --- the file --- */

/* Does an old file hold what we would go on with? */
static bool
fits(int fd, uint32_t snaplen)
{
	uint8_t there[PCAP_BEGIN];
	cleanup_buf struct buf ours = BUF_INIT;

	pflog_put_begin(snaplen, &ours);
	return pread(fd, there, sizeof(there), 0) == sizeof(there) &&
	       memcmp(there, ours.data, sizeof(there)) == 0;
}

static int
open_file(struct pflogd *d, struct error *err)
{
	struct stat st;

	d->fd = STDOUT_FILENO;
	if (strcmp(d->file, "-") != 0)
		d->fd = open(
		    d->file,
		    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->fd < 0 || fstat(d->fd, &st) < 0)
		return error_sys(err, "%s", d->file);
	if (S_ISREG(st.st_mode) && st.st_size > 0) {
		if (fits(d->fd, d->env.snaplen))
			return 0;
		return error_set(err, -EEXIST,
		                 "%s: not a log of ours with %u bytes of a "
		                 "packet: move it away",
		                 d->file, d->env.snaplen);
	}
	pflog_put_begin(d->env.snaplen, &d->waiting);
	return 0;
}

/* All that waits or nothing: half a packet would be the end of the log for who
 * reads it. What a full disk does not take is lost, and told once. */
static void
write_out(struct pflogd *d)
{
	struct stat st;
	int code;

	if (d->waiting.len == 0)
		return;
	if (fstat(d->fd, &st) < 0 || !S_ISREG(st.st_mode))
		st.st_size = -1;
	code = file_write(d->fd, d->waiting.data, d->waiting.len);
	buf_reset(&d->waiting);
	if (code < 0 && st.st_size >= 0 && ftruncate(d->fd, st.st_size) < 0)
		code = -errno;
	/* An empty file is without its beginning, too. */
	if (code < 0 && st.st_size == 0)
		pflog_put_begin(d->env.snaplen, &d->waiting);
	if (code < 0 && !d->is_failing)
		fprintf(stderr, "pflogd: %s: %s: packets are lost\n", d->file,
		        strerror(-code));
	d->is_failing = code < 0;
}

/* --- the kernel --- */

static int
configure(struct pflogd *d, uint16_t type, const void *p, size_t len,
          struct error *err)
{
	const struct nfgenmsg head = { .res_id = htons((uint16_t)d->group) };
	struct nl_msg m;

	nl_msg_init(&m, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, 0, &head,
	            sizeof(head));
	nl_put(&m, type, p, len);
	return nl_request(&d->nl, &m, NULL, err);
}

static int
listen_to(struct pflogd *d, struct error *err)
{
	const struct nfulnl_msg_config_cmd bind = { NFULNL_CFG_CMD_BIND };
	const struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(PF_LOG_SNAPLEN),
		.copy_mode = NFULNL_COPY_PACKET,
	};
	/* What waits in the kernel comes after this, 1/100 s. */
	const uint32_t timeout = htonl(10);

	if (nl_open(&d->nl, NETLINK_NETFILTER, -1, err) < 0 ||
	    configure(d, NFULA_CFG_CMD, &bind, sizeof(bind), err) < 0)
		return error_wrap(err, "group %u of nflog", d->group);
	if (configure(d, NFULA_CFG_MODE, &mode, sizeof(mode), err) < 0 ||
	    configure(d, NFULA_CFG_TIMEOUT, &timeout, sizeof(timeout), err) < 0)
		return error_wrap(err, "group %u of nflog", d->group);
	return 0;
}

static void
keep(struct pflogd *d, struct pflog_packet *p)
{
	char ifname[IF_NAMESIZE] = "";
	struct timespec now;

	if (p->sec == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0) {
		p->sec = now.tv_sec;
		p->usec = (uint32_t)(now.tv_nsec / 1000);
	}
	(void)if_indextoname(p->ifindex, ifname);
	if (d->waiting.len < MAX_WAITING)
		pflog_put(p, &d->env, ifname, &d->waiting);
}

/* All messages of one datagram. */
static void
take(struct pflogd *d, const unsigned char *p, size_t len)
{
	struct nlmsghdr h;

	while (len >= sizeof(h)) {
		struct pflog_packet packet;
		struct nl_reply r;
		size_t step;

		memcpy(&h, p, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len)
			return;
		r = (struct nl_reply){ h.nlmsg_type, p + sizeof(h),
			               h.nlmsg_len - sizeof(h) };
		if (!d->hold && pflog_read(&r, &packet))
			keep(d, &packet);
		step = NLMSG_ALIGN(h.nlmsg_len);
		if (step >= len)
			return;
		p += step;
		len -= step;
	}
}

static int
run(struct pflogd *d, struct error *err)
{
	static unsigned char datagram[1 << 17];
	struct pollfd in = { .fd = d->nl.fd, .events = POLLIN };
	time_t written = time(NULL);

	while (!stop) {
		int n = poll(&in, 1, (int)d->delay_s * 1000);
		ssize_t got = 0;

		if (n > 0)
			got = recv(d->nl.fd, datagram, sizeof(datagram),
			           MSG_DONTWAIT);
		if (got > 0)
			take(d, datagram, (size_t)got);
		if (reopen) {
			reopen = 0;
			write_out(d);
			buf_reset(&d->waiting);
			if (d->fd != STDOUT_FILENO)
				close(d->fd);
			if (open_file(d, err) < 0)
				return err->code;
		}
		if (n <= 0 || flush_now || d->waiting.len > MAX_WAITING / 2 ||
		    time(NULL) - written >= (time_t)d->delay_s) {
			flush_now = 0;
			written = time(NULL);
			write_out(d);
		}
	}
	write_out(d);
	return 0;
}

/* --- options --- */

/* "pflog0" is group 1. */
static bool
interface(struct pflogd *d, const char *name)
{
	long long n;

	if (strncmp(name, "pflog", 5) != 0 ||
	    num_int_in(name + 5, 0, 65534, &n) < 0) {
		fprintf(stderr, "pflogd: %s: not a pflog interface\n", name);
		return false;
	}
	d->group = (unsigned)n + 1;
	return true;
}

static bool
number(const char *word, long long min, long long max, const char *what,
       unsigned *out)
{
	long long n;

	if (num_int_in(word, min, max, &n) < 0) {
		fprintf(stderr, "pflogd: bad %s: %s\n", what, word);
		return false;
	}
	*out = (unsigned)n;
	return true;
}

static bool
options(struct pflogd *d, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "Dd:f:i:p:s:x")) != -1)
		switch (opt) {
		case 'D':
			d->stay = true;
			break;
		case 'd':
			if (!number(optarg, 1, 3600, "delay", &d->delay_s))
				return false;
			break;
		case 'f':
			d->file = optarg;
			break;
		case 'i':
			if (!interface(d, optarg))
				return false;
			break;
		case 'p':
			d->pidfile = optarg;
			break;
		case 's':
			if (!number(optarg, PFLOG_HEADER, PFLOG_MAX_SNAPLEN,
			            "snaplen", &d->env.snaplen))
				return false;
			break;
		case 'x':
			d->hold = true;
			break;
		default:
			return false;
		}
	if (optind == argc)
		return true;
	fputs("pflogd: no expressions here: tcpdump -r takes them\n", stderr);
	return false;
}

static int
become_daemon(const struct pflogd *d, struct error *err)
{
	char pid[16];

	if (!d->stay && daemon(0, 0) < 0)
		return error_sys(err, "daemon");
	if (d->pidfile == NULL)
		return 0;
	snprintf(pid, sizeof(pid), "%d\n", getpid());
	return file_replace(AT_FDCWD, d->pidfile, pid, strlen(pid), err);
}

int
main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_signal };
	static const int signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP,
		                       SIGALRM };
	struct pflogd d = { .file = "/var/log/pflog",
		            .env = { .snaplen = PFLOG_SNAPLEN },
		            .group = 1,
		            .delay_s = 60,
		            .nl = { .fd = -1 } };
	struct error err;
	int code;

	if (!options(&d, argc, argv))
		return usage();
	/* A log that is looked at is wanted at once. */
	if (strcmp(d.file, "-") == 0) {
		d.stay = true;
		d.delay_s = 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &act, NULL);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (open_file(&d, &err) < 0 || listen_to(&d, &err) < 0 ||
	    become_daemon(&d, &err) < 0)
		return fail(&err);
	write_out(&d);
	code = run(&d, &err);
	if (d.pidfile != NULL)
		(void)unlink(d.pidfile);
	nl_close(&d.nl);
	buf_fini(&d.waiting);
	return code < 0 ? fail(&err) : 0;
}
