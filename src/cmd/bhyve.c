/* SPDX-License-Identifier: BSD-2-Clause */
/* bhyve.c - bhyve(8): runs one virtual machine in this process.
 *
 * Binds the command line, the machine, an engine and the control socket
 * together, in bhyve's order, so that errors come in the order its users know.
 */
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/num.h"
#include "dev/machine.h"
#include "engine/engines.h"
#include "engine/soft/soft.h"
#include "linux/file.h"
#include "linux/tsc.h"
#include "vmm/checkpoint.h"
#include "vmm/config.h"
#include "vmm/confine.h"
#include "vmm/control.h"
#include "vmm/domains.h"
#include "vmm/gdb.h"
#include "vmm/loader.h"
#include "vmm/options.h"
#include "vmm/presence.h"
#include "vmm/vm.h"
#include "x86/state.h"

/* bhyve(8), EXIT STATUS; managers loop on 0. */
enum {
	EXIT_RESET = 0,
	EXIT_POWEROFF = 1,
	EXIT_HALT = 2,
	EXIT_TRIPLE = 3,
	EXIT_FAILED = 4,
	/* From the monitor's child alone: 0 that is no reset. */
	EXIT_DESTROYED = 5
};

struct guest {
	struct config *config;
	const char *name;
	struct machine_facts facts;
	char host[HOST_NAME_MAX + 1];
	char restore[PATH_MAX]; /* -r; "": boot. The title overwrites argv */
	unsigned ncpus;
	uint64_t mem_bytes;
	struct domains domains; /* -n */
	cpu_set_t pins[VM_MAX_CPUS];
	char base[PATH_MAX]; /* where presences are */
	int dir, lock;       /* ours */
	struct vm *vm;
	struct machine *machine;
	struct vm_control *control;
	struct gdb *gdb;
	struct loop_fd *signals;
	int signal_fd;
	bool killed;  /* SIGTERM came before the guest listened */
	int uid_lock; /* what keeps our uid ours */
	int keeper;   /* our end; -1: there is none */
	bool monitored;
	char *title; /* where ps(1) reads our name, title_room bytes */
	size_t title_room;
	uint64_t began_ns;     /* when this life of it began */
	struct tsc_mark early; /* what the counter's frequency is told from */
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int
fail(const struct error *err)
{
	fprintf(stderr, "bhyve: %s\n", err->msg);
	return EXIT_FAILED;
}

static int
read_config(const char *path, struct config *c, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len;

	if (file_read(AT_FDCWD, path, CONFIG_MAX_BYTES, &text, &len, err) < 0)
		return err->code;
	return config_parse(c, path, text, len, err);
}

static void
print(void (*fill)(struct buf *out), FILE *to)
{
	cleanup_buf struct buf text = BUF_INIT;

	fill(&text);
	fputs(buf_str(&text), to);
}

/* 0, or the status to leave with; *done: nothing is to be run. */
static int
take_command_line(int argc, char *argv[], struct vm_cmdline *o, bool *done)
{
	struct error err;

	*done = true;
	if (options_parse(argc, argv, o, &err) < 0) {
		fprintf(stderr, "bhyve: %s\n", err.msg);
		if (err.code == -EDOM)
			print(options_usage, stderr);
		return err.code == -EDOM ? 1 : EXIT_FAILED;
	}
	if (o->help)
		print(options_usage, stdout);
	else if (o->help_slots)
		print(machine_slot_names, stdout);
	else if (o->help_lpc)
		print(machine_lpc_names, stdout);
	else
		*done = false;
	return 0;
}

/* "config.dump=1": every name and value, status 1. */
static bool
dumped(struct config *c, int *out_status)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error err;
	bool dump;

	*out_status = 1;
	if (config_get_bool(config_root(c), "config.dump", false, &dump, &err) <
	    0) {
		*out_status = fail(&err);
		return true;
	}
	if (dump && config_dump(c, &text) == 0)
		fputs(buf_str(&text), stdout);
	return dump;
}

static int
settle(struct guest *g, struct error *err)
{
	char here[PATH_MAX];

	g->name = config_get(config_root(g->config), "name");
	if (g->name == NULL)
		return error_set(err, -EDOM, "no VM name");
	presence_base(g->base, getenv("GAOL_RUN"), getenv("XDG_RUNTIME_DIR"),
	              geteuid() == 0);
	/* For values to say %(presence)/console. */
	if (snprintf(here, sizeof(here), "%s/%s", g->base, g->name) >=
	    (int)sizeof(here))
		return error_set(err, -ENAMETOOLONG, "'%s'", g->name);
	if (config_set(g->config, "presence", here, err) < 0)
		return err->code;
	if (options_topology(g->config, &g->ncpus, &g->facts.sockets,
	                     &g->facts.cores, &g->facts.threads, err) < 0)
		return err->code;
	if (options_memory(g->config, &g->mem_bytes, err) < 0 ||
	    domains_read(config_root(g->config), g->ncpus, &g->mem_bytes,
	                 &g->domains, err) < 0)
		return err->code;
	g->facts.domains = &g->domains;
	return 0;
}

/* The process's name is how managers find a VM: "bhyve: NAME". */
static void
set_title(struct guest *g, const char *who)
{
	char title[PRESENCE_MAX_NAME + 32];
	size_t len;

	snprintf(title, sizeof(title), "%s: %s", who, g->name);
	(void)prctl(PR_SET_NAME, title);
	len = strlen(title);
	if (len > g->title_room)
		len = g->title_room;
	memset(g->title, 0, g->title_room);
	memcpy(g->title, title, len);
}

/*
 * -D: the VM's process has no right to remove its presence by then. A process
 * that kept ours does, when it is told to; it ends with us in any case.
 */
static int
start_keeper(struct guest *g, struct error *err)
{
	bool destroy;
	struct error why;
	int fd[2];
	char word;
	pid_t pid;

	if (config_get_bool(config_root(g->config), "destroy_on_poweroff",
	                    false, &destroy, err) < 0)
		return err->code;
	if (!destroy)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		return error_sys(err, "keeper");
	pid = fork();
	if (pid < 0)
		return error_sys(err, "keeper");
	if (pid == 0) {
		close(fd[0]);
		set_title(g, "bhyve-keeper");
		(void)setsid();
		if (read(fd[1], &word, 1) == 1)
			(void)presence_destroy(g->base, g->name, &why);
		_exit(0);
	}
	close(fd[1]);
	g->keeper = fd[0];
	return 0;
}

/* Has it done its work when we go? */
static void
end_keeper(struct guest *g, bool destroy)
{
	char word = 'D';

	if (g->keeper < 0)
		return;
	if (destroy && write(g->keeper, &word, 1) == 1)
		(void)!read(g->keeper, &word, 1);
	close(g->keeper);
}

/* -p */
static int
pin(struct guest *g, struct error *err)
{
	cpu_set_t here;
	bool any = true;

	if (sched_getaffinity(0, sizeof(here), &here) < 0)
		return error_sys(err, "host processors");
	for (unsigned i = 0; i < g->vm->ncpus; i++) {
		cpu_set_t *set = &g->pins[i];

		if (options_pin(g->config, i, set, &any, err) < 0)
			return err->code;
		if (any)
			continue;
		CPU_AND(set, set, &here);
		if (CPU_COUNT(set) == 0)
			return error_set(err, -EINVAL,
			                 "vcpu.%u.cpuset: no such processor "
			                 "here",
			                 i);
		g->vm->vcpus[i].affinity = set;
	}
	return 0;
}

static int
make_vm(struct guest *g, struct error *err)
{
	const struct config_node *r = config_root(g->config);
	struct vm_options o = {
		.name = g->name,
		.ncpus = g->ncpus,
		.mem_bytes = g->mem_bytes,
		.began_ns = g->began_ns,
	};
	const char *word = config_get(r, "engine");
	const char *cpu = config_get(r, "x86.cpu");
	struct error why;

	o.common_cpu = cpu != NULL && strcmp(cpu, "common") == 0;
	if (cpu != NULL && !o.common_cpu && strcmp(cpu, "host") != 0)
		return error_set(err, -EINVAL,
		                 "x86.cpu: '%s' is neither host nor common",
		                 cpu);

	if (config_get_bool(r, "x86.x2apic", true, &o.x2apic, err) < 0 ||
	    config_get_bool(r, "x86.strictmsr", true, &o.strict_msr, err) < 0 ||
	    config_get_bool(r, "x86.strictio", false, &o.strict_io, err) < 0 ||
	    engine_select(word != NULL ? word : "auto", &o.engine, &why, err) <
	        0)
		return err->code;
	if (why.msg[0] != '\0')
		fprintf(stderr, "bhyve: %s; using engine '%s'\n", why.msg,
		        o.engine->name);
	if (vm_new(&o, &g->vm, err) < 0)
		return err->code;
	g->vm->sockets = g->facts.sockets;
	g->vm->cores = g->facts.cores;
	g->vm->threads = g->facts.threads;
	return pin(g, err);
}

static int
open_file(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : error_sys(err, "open '%s'", path);
}

/* Direct boot: what FreeBSD does with bhyveload(8). */
static int
load_kernel(struct guest *g, uint64_t rsdp, struct x86_state *bsp,
            struct error *err)
{
	const struct config_node *r = config_root(g->config);
	const char *kernel = config_get(r, "loader.kernel");
	const char *initrd = config_get(r, "loader.initrd");
	const char *cmdline = config_get(r, "loader.cmdline");
	cleanup_close int kernel_fd = -1, initrd_fd = -1;

	if (kernel == NULL)
		return error_set(err, -EINVAL,
		                 "nothing to boot: set loader.kernel or "
		                 "lpc.bootrom");
	kernel_fd = open_file(kernel, err);
	if (kernel_fd < 0)
		return err->code;
	if (initrd != NULL) {
		initrd_fd = open_file(initrd, err);
		if (initrd_fd < 0)
			return err->code;
	}
	const struct loader_files files = {
		.kernel = kernel_fd,
		.initrd = initrd_fd,
		.cmdline = cmdline != NULL ? cmdline : "",
		.rsdp = rsdp,
	};
	if (loader_boot(g->vm, &files, bsp, err) < 0)
		return error_wrap(err, "'%s'", kernel);
	return 0;
}

/* The first SIGTERM presses the power button; a guest without ACPI leaves the
 * signal its usual meaning. */
static void
on_signal(void *arg, uint32_t events)
{
	struct guest *g = arg;
	struct signalfd_siginfo info;

	(void)events;
	if (read(g->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (machine_power_button(g->machine))
		return;
	g->killed = true;
	vm_suspend(g->vm, VM_SUSPEND_POWEROFF);
}

/* As the signal would have ended us, had it not been watched. */
static void
die_of_sigterm(void)
{
	sigset_t set;

	signal(SIGTERM, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	raise(SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int
watch_signals(struct guest *g, struct error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	g->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (g->signal_fd < 0)
		return error_sys(err, "signals");
	return loop_fd_add(g->vm->loop, g->signal_fd, EPOLLIN, on_signal, g,
	                   &g->signals, err);
}

static int
boot(struct guest *g, struct error *err)
{
	struct x86_state bsp;
	uint64_t rsdp = 0;

	if (machine_tables(g->machine, &rsdp, err) < 0)
		return err->code;
	if (machine_has_rom(g->machine)) {
		if (config_get(config_root(g->config), "loader.kernel") == NULL)
			return 0; /* from the reset vector */
		return error_set(err, -EINVAL,
		                 "loader.kernel: the boot ROM boots");
	}
	if (load_kernel(g, rsdp, &bsp, err) < 0)
		return err->code;
	return vm_vcpu_set(g->vm, 0, &bsp, err);
}

/* -r: the checkpoint brings memory, tables and all. */
static int
resume(struct guest *g, struct error *err)
{
	cleanup_close int fd = open_file(g->restore, err);

	if (fd < 0)
		return err->code;
	if (checkpoint_read(g->vm, fd, err) < 0)
		return error_wrap(err, "'%s'", g->restore);
	return 0;
}

/* What the RTC shows: local time, as bhyve's does, or UTC; the host's name. */
static int
learn(struct guest *g, struct error *err)
{
	time_t now = time(NULL);
	struct tm tm;
	bool local;

	if (config_get_bool(config_root(g->config), "rtc.use_localtime", true,
	                    &local, err) < 0)
		return err->code;
	if (local && localtime_r(&now, &tm) != NULL)
		now += tm.tm_gmtoff;
	g->facts.rtc_s = now;
	if (gethostname(g->host, sizeof(g->host) - 1) == 0)
		g->facts.host = g->host;
	return 0;
}

/* soft.cache; and soft.trace, for who debugs that engine, not for users. */
static int
set_soft(struct guest *g, struct error *err)
{
	const struct config_node *r = config_root(g->config);
	const char *how = config_get(r, "soft.trace");
	const char *cache = config_get(r, "soft.cache");
	uint64_t bytes;

	if (g->vm->ops != &engine_soft)
		return 0;
	if (cache != NULL &&
	    (num_size(cache, &bytes) < 0 || soft_cache(g->vm, bytes) < 0))
		return error_set(err, -EINVAL,
		                 "soft.cache '%s': want 1M to 64M", cache);
	if (how == NULL)
		return 0;
	if (strcmp(how, "blocks") != 0 && strcmp(how, "all") != 0)
		return error_set(err, -EINVAL,
		                 "soft.trace '%s': want blocks or all", how);
	if (soft_trace(g->vm, STDERR_FILENO, strcmp(how, "all") == 0) < 0)
		return error_set(err, -ENOMEM, "soft.trace");
	return 0;
}

/* memory.wired and memory.guest_in_core, for all there is. */
static int
set_memory(struct guest *g, bool in_core, struct error *err)
{
	const struct guest_segment *seg;
	size_t n = guest_mem_segments(g->vm->mem, &seg);
	bool wired;

	if (config_get_bool(config_root(g->config), "memory.wired", false,
	                    &wired, err) < 0)
		return err->code;
	for (size_t i = 0; i < n; i++) {
		if (wired && mlock(seg[i].host, seg[i].size) < 0)
			return error_sys(err, "wire guest memory");
		if (in_core)
			(void)madvise(seg[i].host, seg[i].size, MADV_DODUMP);
	}
	return 0;
}

/* The guest is hostile from its first instruction: be nobody before it. */
static int
give_up_rights(struct guest *g, struct error *err)
{
	struct confine_options o = { .uid = 0 };
	cleanup_buf struct buf info = BUF_INIT;

	if (config_get_bool(config_root(g->config), "memory.guest_in_core",
	                    false, &o.in_core, err) < 0 ||
	    set_memory(g, o.in_core, err) < 0)
		return err->code;
	if (geteuid() == 0 &&
	    confine_uid(g->base, g->name, &o.uid, &g->uid_lock, err) < 0)
		return err->code;
	buf_printf(&info, "pid %d\nuid %u\nengine %s\n", (int)getpid(),
	           o.uid != 0 ? o.uid : geteuid(), g->vm->ops->name);
	if (file_replace(g->dir, "info", buf_str(&info), info.len, err) < 0)
		return err->code;
	return confine(&o, err);
}

/* -G */
static int
debug_server(struct guest *g, struct error *err)
{
	const struct config_node *r = config_root(g->config);
	const char *address = config_get(r, "gdb.address");
	uint64_t port;
	bool wait;

	if (config_get_num(r, "gdb.port", 0, 0, UINT16_MAX, &port, err) < 0 ||
	    config_get_bool(r, "gdb.wait", false, &wait, err) < 0)
		return err->code;
	if (port == 0)
		return 0;
	return gdb_listen(g->vm, address != NULL ? address : "localhost",
	                  (uint16_t)port, wait, &g->gdb, err);
}

/* The frequency is asked for as late as may be, the helpers of devices for
 * their success later still: neither is waited for with nothing else to do. */
static int
make_processors(struct guest *g, struct error *err)
{
	g->vm->tsc_hz = tsc_hz(&g->early);
	if (vm_engine_init(g->vm, err) < 0)
		return err->code;
	return set_soft(g, err);
}

static int
build(struct guest *g, struct error *err)
{
	if (presence_claim(g->base, g->name, &g->dir, &g->lock, err) < 0 ||
	    make_vm(g, err) < 0 || watch_signals(g, err) < 0 ||
	    learn(g, err) < 0 ||
	    machine_new(g->vm, g->config, &g->facts, &g->machine, err) < 0 ||
	    make_processors(g, err) < 0 ||
	    (g->restore[0] != '\0' ? resume(g, err) : boot(g, err)) < 0 ||
	    vm_control_listen(g->vm, g->dir, &g->control, err) < 0 ||
	    debug_server(g, err) < 0 || vm_devices_ready(g->vm, err) < 0)
		return err->code;
	return give_up_rights(g, err);
}

static int
status_of(const struct guest *g)
{
	static const int status[] = {
		[VM_SUSPEND_NONE] = EXIT_FAILED,
		[VM_SUSPEND_RESET] = EXIT_RESET,
		[VM_SUSPEND_POWEROFF] = EXIT_POWEROFF,
		[VM_SUSPEND_HALT] = EXIT_HALT,
		[VM_SUSPEND_TRIPLEFAULT] = EXIT_TRIPLE,
		[VM_SUSPEND_DESTROY] = EXIT_RESET,
		[VM_SUSPEND_ERROR] = EXIT_FAILED,
	};

	if (vm_suspended(g->vm) == VM_SUSPEND_STATUS)
		return g->vm->status;
	return status[vm_suspended(g->vm)];
}

/* One life of the VM; the exit status. */
static int
run_guest(struct guest *g)
{
	enum vm_suspend how = VM_SUSPEND_NONE;
	struct error err;
	int status;

	if (start_keeper(g, &err) < 0 || build(g, &err) < 0 ||
	    vm_start(g->vm, &err) < 0 || loop_run(g->vm->loop, &err) < 0)
		status = fail(&err);
	else {
		vm_stop(g->vm);
		how = vm_suspended(g->vm);
		status = status_of(g);
		if (how == VM_SUSPEND_ERROR)
			fail(&g->vm->error);
	}
	if (g->vm != NULL)
		vm_stop(g->vm);
	gdb_free(g->gdb);
	vm_control_free(g->control);
	loop_fd_remove(g->signals);
	vm_free(g->vm);
	if (g->signal_fd >= 0)
		close(g->signal_fd);
	if (g->lock >= 0)
		close(g->lock);
	if (g->dir >= 0)
		close(g->dir);
	if (g->uid_lock >= 0)
		close(g->uid_lock);
	end_keeper(g, how == VM_SUSPEND_DESTROY || how == VM_SUSPEND_POWEROFF);
	if (g->killed)
		die_of_sigterm();
	return how == VM_SUSPEND_DESTROY && g->monitored ? EXIT_DESTROYED
	                                                 : status;
}

/* Wait for the child's end; a SIGTERM is the child's. */
static int
await(pid_t pid, const sigset_t *set)
{
	int status, sig;

	for (;;) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status)
			                         : EXIT_FAILED;
		sig = sigwaitinfo(set, NULL);
		if (sig == SIGTERM)
			(void)kill(pid, SIGTERM);
	}
}

/* -M: start it again after each reset; destroy it when it ends otherwise. */
static int
monitor(struct guest *g)
{
	struct error err;
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	g->monitored = true;
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			g->began_ns = now_ns();
			/* Not the first life's: when a host sleeps, its
			 * counter goes on, or begins anew; its clock does
			 * neither. */
			tsc_mark(&g->early);
			_exit(run_guest(g));
		}
		if (pid < 0) {
			error_sys(&err, "fork");
			return fail(&err);
		}
		status = await(pid, &set);
		if (status == EXIT_RESET)
			continue;
		(void)presence_destroy(g->base, g->name, &err);
		return status == EXIT_DESTROYED ? 0 : status;
	}
}

int
main(int argc, char *argv[])
{
	struct vm_cmdline o = { .read_config = read_config };
	struct guest g = { .began_ns = now_ns(),
		           .dir = -1,
		           .lock = -1,
		           .signal_fd = -1,
		           .uid_lock = -1,
		           .keeper = -1 };
	struct error err;
	bool done;
	int status;

	tsc_mark(&g.early);
	/* The heap grows by what is asked for: of more calloc() would not know
	 * that it is zero, and touch it. Large chunks stay mappings. */
	(void)mallopt(M_TOP_PAD, 0);
	if (config_new(&o.config, &err) < 0)
		return fail(&err);
	g.config = o.config;
	status = take_command_line(argc, argv, &o, &done);
	if (done || dumped(g.config, &status)) {
		config_free(g.config);
		return status;
	}
	if (settle(&g, &err) < 0) {
		status = fail(&err);
		if (err.code == -EDOM) {
			print(options_usage, stderr);
			status = 1;
		}
	} else {
		if (o.restore != NULL)
			snprintf(g.restore, sizeof(g.restore), "%s", o.restore);
		g.title = argv[0];
		g.title_room =
		    (size_t)(argv[argc - 1] - argv[0]) + strlen(argv[argc - 1]);
		set_title(&g, "bhyve");
		status = o.monitor ? monitor(&g) : run_guest(&g);
	}
	config_free(g.config);
	return status;
}
