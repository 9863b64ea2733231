/* SPDX-License-Identifier: BSD-2-Clause */
/* bhyvectl.c - bhyvectl(8): asks and tells a VM by its name.
 *
 * Options are rows of one table, run in the fixed order of the table whatever
 * order they were given in, as FreeBSD's does.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/num.h"
#include "vmm/ctl.h"
#include "vmm/presence.h"

struct request {
	const char *vm;
	char base[PATH_MAX];
	unsigned cpu;
	const char *nvram; /* --rtc-nvram-offset */
	int dir;           /* -1 until first needed */
};

static int
open_vm(struct request *r, struct error *err)
{
	if (r->dir >= 0)
		return 0;
	return presence_open(r->base, r->vm, &r->dir, err);
}

static int
ask(struct request *r, const char *text, int fd, struct buf *out,
    struct error *err)
{
	if (open_vm(r, err) < 0 || ctl_ask(r->dir, text, fd, out, err) < 0)
		return err->code;
	return 0;
}

static int
do_create(struct request *r, const char *name, const char *arg,
          struct error *err)
{
	(void)name;
	(void)arg;
	return presence_create(r->base, r->vm, err);
}

static int
tell(struct request *r, const char *text, struct error *err)
{
	cleanup_buf struct buf out = BUF_INIT;

	return ask(r, text, -1, &out, err);
}

static int
do_reset(struct request *r, const char *name, const char *arg,
         struct error *err)
{
	(void)name;
	(void)arg;
	return tell(r, "suspend reset", err);
}

static int
do_poweroff(struct request *r, const char *name, const char *arg,
            struct error *err)
{
	(void)name;
	(void)arg;
	return tell(r, "suspend poweroff", err);
}

static int
do_nmi(struct request *r, const char *name, const char *arg, struct error *err)
{
	char text[32];

	(void)name;
	(void)arg;
	snprintf(text, sizeof(text), "nmi %u", r->cpu);
	return tell(r, text, err);
}

/* The file appears whole or not at all. */
static int
save(struct request *r, const char *verb, const char *path, struct error *err)
{
	cleanup_buf struct buf out = BUF_INIT;
	cleanup_close int fd = -1;
	char tmp[PATH_MAX];

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
		return error_set(err, -ENAMETOOLONG, "'%s'", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_sys(err, "create '%s'", tmp);
	if (ask(r, verb, fd, &out, err) == 0) {
		if (rename(tmp, path) == 0)
			return 0;
		error_sys(err, "rename '%s'", tmp);
	}
	(void)unlink(tmp);
	return err->code;
}

static int
do_checkpoint(struct request *r, const char *name, const char *arg,
              struct error *err)
{
	(void)name;
	return save(r, "checkpoint", arg, err);
}

/* Somebody else is at it: bhyve on its way out, most likely. */
static bool
is_taken(int rc)
{
	return rc == -EBUSY || rc == -ENOTEMPTY;
}

/* A running VM ends first; its process gives the lock up as it goes, and may
 * remove the directory itself, at the same time as we. */
static int
do_destroy(struct request *r, const char *name, const char *arg,
           struct error *err)
{
	struct error why;
	int rc = -EBUSY;

	(void)name;
	(void)arg;
	if (open_vm(r, err) < 0)
		return err->code;
	if (presence_runs(r->dir))
		(void)tell(r, "suspend destroy", &why);
	for (int i = 0; i < 500 && is_taken(rc); i++) {
		if (!presence_runs(r->dir))
			rc = presence_destroy(r->base, r->vm, err);
		if (is_taken(rc))
			usleep(10000);
	}
	if (is_taken(rc))
		rc = presence_destroy(r->base, r->vm, err);
	return rc == -ENOENT ? 0 : rc;
}

/* The guest goes on from the file, so nothing of it stays here. */
static int
do_suspend(struct request *r, const char *name, const char *arg,
           struct error *err)
{
	if (save(r, "hibernate", arg, err) < 0)
		return err->code;
	return do_destroy(r, name, NULL, err);
}

/* Prints the line "WORD HEX" of the registers as bhyvectl does. */
static void
print_register(const struct request *r, const char *line)
{
	char word[16];
	uint64_t sel, base;
	unsigned limit, attr;

	if (sscanf(line, "%15s %" SCNx64 " %" SCNx64 " %x %x", word, &sel,
	           &base, &limit, &attr) == 5) {
		printf("%s desc[%u]\t\t0x%016" PRIx64 "/0x%08x/0x%08x\n", word,
		       r->cpu, base, limit, attr);
		if (strcmp(word, "gdtr") != 0 && strcmp(word, "idtr") != 0)
			printf("%s[%u]\t\t0x%04" PRIx64 "\n", word, r->cpu,
			       sel);
	} else
		printf("%s[%u]\t\t0x%016" PRIx64 "\n", word, r->cpu, sel);
}

/* Registers by name; NULL: all of them. */
static int
get_registers(struct request *r, const char *want, struct error *err)
{
	cleanup_buf struct buf out = BUF_INIT;
	char text[32], *save = NULL;
	size_t len = want != NULL ? strlen(want) : 0;

	snprintf(text, sizeof(text), "registers %u", r->cpu);
	if (ask(r, text, -1, &out, err) < 0)
		return err->code;
	if (out.data == NULL)
		return 0;
	for (char *l = strtok_r(out.data, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save))
		if (want == NULL ||
		    (strncmp(l, want, len) == 0 && l[len] == ' '))
			print_register(r, l);
	return 0;
}

static int
do_get_register(struct request *r, const char *name, const char *arg,
                struct error *err)
{
	(void)arg;
	name += strlen("get-");
	if (strncmp(name, "desc-", 5) == 0)
		name += 5;
	return get_registers(r, name, err);
}

static int
print_answer(struct request *r, const char *text, struct error *err)
{
	cleanup_buf struct buf out = BUF_INIT;

	if (ask(r, text, -1, &out, err) < 0)
		return err->code;
	fputs(buf_str(&out), stdout);
	return 0;
}

/* What the VM's process prints itself: the question for each option, those
 * about one processor with its number. */
static const struct question {
	const char *name, *ask;
	bool of_cpu;
} questions[] = {
	{ "get-rtc-time", "rtc time", false },
	{ "get-lowmem", "memory low", false },
	{ "get-highmem", "memory high", false },
	{ "get-active-cpus", "cpus active", false },
	{ "get-suspended-cpus", "cpus suspended", false },
	{ "get-cpu-topology", "topology", false },
	{ "get-x2apic-state", "x2apic", true },
	{ "get-stats", "stats", true },
};

static int
put_question(struct request *r, const struct question *q, struct error *err)
{
	char text[64];

	if (!q->of_cpu)
		return print_answer(r, q->ask, err);
	snprintf(text, sizeof(text), "%s %u", q->ask, r->cpu);
	return print_answer(r, text, err);
}

static int
do_question(struct request *r, const char *name, const char *arg,
            struct error *err)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		if (strcmp(name, questions[i].name) == 0)
			return put_question(r, &questions[i], err);
	return error_set(err, -EINVAL, "--%s", name);
}

static int
do_offset(struct request *r, const char *name, const char *arg,
          struct error *err)
{
	(void)name;
	(void)err;
	r->nvram = arg;
	return 0;
}

/* As strtol(3) reads it: decimal, 0x or 0 octal. */
static int
number(const char *text, long long *out, struct error *err)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 0);
	return errno == 0 && end != text && *end == '\0'
	           ? 0
	           : error_set(err, -EINVAL, "'%s': no number", text);
}

static int
do_get_nvram(struct request *r, const char *name, const char *arg,
             struct error *err)
{
	long long at;
	char text[64];

	(void)name;
	(void)arg;
	if (number(r->nvram, &at, err) < 0)
		return err->code;
	snprintf(text, sizeof(text), "rtc nvram %lld", at);
	return print_answer(r, text, err);
}

static int
do_set_nvram(struct request *r, const char *name, const char *arg,
             struct error *err)
{
	long long at, v;
	char text[64];

	(void)name;
	if (number(r->nvram, &at, err) < 0 || number(arg, &v, err) < 0)
		return err->code;
	snprintf(text, sizeof(text), "rtc nvram %lld %lld", at, v);
	return tell(r, text, err);
}

static int
do_set_time(struct request *r, const char *name, const char *arg,
            struct error *err)
{
	long long s;
	char text[64];

	(void)name;
	if (number(arg, &s, err) < 0)
		return err->code;
	snprintf(text, sizeof(text), "rtc time %lld", s);
	return tell(r, text, err);
}

static int
do_all(struct request *r, const char *name, const char *arg, struct error *err)
{
	(void)name;
	(void)arg;
	if (get_registers(r, NULL, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		if (put_question(r, &questions[i], err) < 0)
			return err->code;
	return 0;
}

#define REG(name)                                                              \
	{                                                                      \
		"get-" name, no_argument, do_get_register                      \
	}
static const struct option_row {
	const char *name;
	int has_arg;
	int (*run)(struct request *r, const char *name, const char *arg,
	           struct error *err);
} rows[] = {
	{ "create", no_argument, do_create },
	{ "rtc-nvram-offset", required_argument, do_offset },
	{ "set-rtc-time", required_argument, do_set_time },
	{ "set-rtc-nvram", required_argument, do_set_nvram },
	{ "inject-nmi", no_argument, do_nmi },
	{ "get-rtc-time", no_argument, do_question },
	{ "get-rtc-nvram", no_argument, do_get_nvram },
	{ "get-lowmem", no_argument, do_question },
	{ "get-highmem", no_argument, do_question },
	REG("cr0"),
	REG("cr2"),
	REG("cr3"),
	REG("cr4"),
	REG("efer"),
	REG("dr0"),
	REG("dr1"),
	REG("dr2"),
	REG("dr3"),
	REG("dr6"),
	REG("dr7"),
	REG("rsp"),
	REG("rip"),
	REG("rflags"),
	REG("rax"),
	REG("rbx"),
	REG("rcx"),
	REG("rdx"),
	REG("rsi"),
	REG("rdi"),
	REG("rbp"),
	REG("r8"),
	REG("r9"),
	REG("r10"),
	REG("r11"),
	REG("r12"),
	REG("r13"),
	REG("r14"),
	REG("r15"),
	REG("cs"),
	REG("ds"),
	REG("es"),
	REG("fs"),
	REG("gs"),
	REG("ss"),
	REG("tr"),
	REG("ldtr"),
	REG("desc-cs"),
	REG("desc-ds"),
	REG("desc-es"),
	REG("desc-fs"),
	REG("desc-gs"),
	REG("desc-ss"),
	REG("desc-tr"),
	REG("desc-ldtr"),
	REG("desc-gdtr"),
	REG("desc-idtr"),
	{ "get-active-cpus", no_argument, do_question },
	{ "get-suspended-cpus", no_argument, do_question },
	{ "get-cpu-topology", no_argument, do_question },
	{ "get-x2apic-state", no_argument, do_question },
	{ "get-stats", no_argument, do_question },
	{ "get-all", no_argument, do_all },
	{ "force-reset", no_argument, do_reset },
	{ "force-poweroff", no_argument, do_poweroff },
	{ "destroy", no_argument, do_destroy },
	{ "checkpoint", required_argument, do_checkpoint },
	{ "suspend", required_argument, do_suspend },
};

static int
usage(FILE *to, int status)
{
	fputs("Usage: bhyvectl --vm=<vmname>\n       [--cpu=<vcpu_number>]\n",
	      to);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		fprintf(to, "       [--%s%s]\n", rows[i].name,
		        rows[i].has_arg == required_argument ? "=<value>" : "");
	return status;
}

/* FreeBSD's other options, by how they begin; the first that fits. */
static const struct {
	const char *begin, *why;
} refused[] = {
	{ "set-mem", "bhyve -m says how much memory there is" },
	{ "set-x2apic-state", "bhyve -a and -x say it" },
	{ "set-", "registers are set by a debugger, bhyve -G" },
	{ "desc-", "registers are set by a debugger, bhyve -G" },
	{ "setcap", "engines have no capabilities to switch" },
	{ "getcap", "engines have no capabilities to switch" },
	{ "capname", "engines have no capabilities to switch" },
	{ "run", "bhyve runs it" },
	{ "assert-lapic-lvt", "not available" },
	{ "get-intinfo", "not available" },
	{ "get-exception-bitmap", "the host's kernel keeps it" },
	{ "get-tsc-offset", "the host's kernel keeps it" },
	{ "get-eptp", "the host's kernel keeps it" },
	{ "get-vm", "the host's kernel keeps it" }, /* vmcs-, vmcb- ... */
	{ "vmcb", "the host's kernel keeps it" },
	{ "vmcs", "the host's kernel keeps it" },
	{ "get-memmap", "--get-lowmem and --get-highmem tell it" },
	{ "get-memseg", "--get-lowmem and --get-highmem tell it" },
	{ "get-gpa-pmap", "the host's kernel keeps it" },
	{ "unassign-pptdev", "devices are not passed through" },
};

/* Is it an option that is refused? Said so. */
static bool
is_refused(const char *word)
{
	if (strncmp(word, "--", 2) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strncmp(word + 2, rows[i].name, strlen(rows[i].name)) == 0)
			return false;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (strncmp(word + 2, refused[i].begin,
		            strlen(refused[i].begin)) == 0) {
			fprintf(stderr, "bhyvectl: %.*s: %s\n",
			        (int)strcspn(word, "="), word, refused[i].why);
			return true;
		}
	return false;
}

/* getopt's table from ours, vm and cpu first. */
static void
long_options(struct option *out)
{
	out[0] = (struct option){ "vm", required_argument, NULL, 1 };
	out[1] = (struct option){ "cpu", required_argument, NULL, 2 };
	out[2] = (struct option){ "help", no_argument, NULL, 3 };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		out[i + 3] = (struct option){ rows[i].name, rows[i].has_arg,
			                      NULL, (int)i + 4 };
	out[ARRAY_LEN(rows) + 3] = (struct option){ NULL, 0, NULL, 0 };
}

static int
run(struct request *r, const char *const given[])
{
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (given[i] == NULL ||
		    rows[i].run(r, rows[i].name, given[i], &err) == 0)
			continue;
		/* Scripts look for FreeBSD's own words, which stand alone. */
		fprintf(stderr, "%s%s\n",
		        err.code == -ENOENT ? "" : "bhyvectl: ", err.msg);
		return 1;
	}
	return 0;
}

int
main(int argc, char *argv[])
{
	struct option opts[ARRAY_LEN(rows) + 4];
	const char *given[ARRAY_LEN(rows)] = { NULL };
	struct request r = { .dir = -1, .nvram = "0" };
	long long cpu;
	int c, status;

	for (int i = 1; i < argc; i++)
		if (is_refused(argv[i]))
			return 1;
	long_options(opts);
	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 1)
			r.vm = optarg;
		else if (c == 2 && num_int_in(optarg, 0, INT_MAX, &cpu) == 0)
			r.cpu = (unsigned)cpu;
		else if (c == 3)
			return usage(stdout, 0);
		else if (c >= 4)
			given[c - 4] = optarg != NULL ? optarg : "";
		else
			return usage(stderr, 1);
	}
	if (r.vm == NULL || optind != argc)
		return usage(stderr, 1);
	presence_base(r.base, getenv("GAOL_RUN"), getenv("XDG_RUNTIME_DIR"),
	              geteuid() == 0);
	status = run(&r, given);
	if (r.dir >= 0)
		close(r.dir);
	return status;
}
