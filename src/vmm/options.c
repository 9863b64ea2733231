/* SPDX-License-Identifier: BSD-2-Clause */
/* options.c - bhyve(8)'s flags, a table; those with a grammar of their own have
 * a function each.
 */
#include "vmm/options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/num.h"
#include "vmm/config.h"

struct option {
	char flag;
	const char *arg; /* in the usage; NULL: takes none */
	const char *key; /* set to value, or to the argument */
	const char *value;
	int (*take)(struct vm_cmdline *o, const char *arg, struct error *err);
	const char *help;
};

/* One item of a list up to any of seps; the list moves behind it. */
static char *
item(const char **list, const char *seps)
{
	size_t len = strcspn(*list, seps);
	char *s = strndup(*list, len);

	*list += len + ((*list)[len] != '\0');
	return s;
}

static int
take_topology(struct vm_cmdline *o, const char *arg, struct error *err)
{
	static const char *const words[] = { "cpus", "sockets", "cores",
		                             "threads" };
	const char *rest = arg;

	if (*arg == '\0')
		return config_set(o->config, "cpus", "1", err);
	while (*rest != '\0') {
		cleanup_free char *s = item(&rest, ",");
		char *eq = s != NULL ? strchr(s, '=') : NULL;
		const char *key = "cpus", *val = s;
		size_t i = 0;

		if (s == NULL)
			return error_set(err, -ENOMEM, "-c");
		if (eq != NULL) {
			*eq = '\0';
			key = s;
			val = eq + 1;
		}
		while (i < ARRAY_LEN(words) && strcmp(words[i], key) != 0)
			i++;
		if (i == ARRAY_LEN(words))
			return error_set(err, -EINVAL,
			                 "invalid cpu topology '%s'", arg);
		if (config_set(o->config, key, val, err) < 0)
			return err->code;
	}
	return 0;
}

/* NAME=/path of each port, in the order given. */
static int
set_ports(struct config_node *n, const char *list, struct error *err)
{
	for (unsigned i = 1; *list != '\0'; i++) {
		cleanup_free char *port = item(&list, ",");
		char *eq = port != NULL ? strchr(port, '=') : NULL;
		char key[32];

		if (eq == NULL)
			return error_set(err, -EINVAL,
			                 "virtio-console: want name=path");
		*eq = '\0';
		snprintf(key, sizeof(key), "port.%u.name", i);
		if (config_set_at(n, key, port, err) < 0)
			return err->code;
		snprintf(key, sizeof(key), "port.%u.path", i);
		if (config_set_at(n, key, eq + 1, err) < 0)
			return err->code;
	}
	return 0;
}

/* An emulation's list: its first item's key, or all of it. */
static const struct {
	const char *emul, *first;
	int (*set)(struct config_node *n, const char *list, struct error *err);
} lists[] = {
	{ "virtio-blk", "path", NULL },
	{ "virtio-net", "backend", NULL },
	{ "virtio-console", NULL, set_ports },
	{ "ahci-hd", "path", NULL },
	{ "ahci-cd", "path", NULL },
	{ "nvme", "path", NULL },
	{ "e1000", "backend", NULL },
	{ "uart", "path", NULL },
};

static int
set_emulation(struct config_node *n, const char *emul, const char *list,
              struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (strcmp(lists[i].emul, emul) != 0)
			continue;
		if (lists[i].set != NULL)
			return lists[i].set(n, list, err);
		return config_set_list(n, lists[i].first, list, err);
	}
	return config_set_list(n, NULL, list, err);
}

static int
take_slot(struct vm_cmdline *o, const char *arg, struct error *err)
{
	const char *rest = arg;
	cleanup_free char *slot = NULL, *emul = NULL;
	long long at[3] = { 0, 0, 0 };
	char name[48];
	const char *p;
	struct config_node *n;
	int parts = 0;

	if (strcmp(arg, "help") == 0) {
		o->help_slots = true;
		return 0;
	}
	slot = item(&rest, ",");
	emul = item(&rest, ",");
	if (slot == NULL || emul == NULL)
		return error_set(err, -ENOMEM, "-s");
	for (p = slot; parts < 3; parts++) {
		cleanup_free char *num = item(&p, ":");

		if (num == NULL || num_int_in(num, 0, 255, &at[parts]) < 0)
			return error_set(err, -EINVAL,
			                 "Invalid PCI slot info field '%s'",
			                 arg);
		if (*p == '\0') {
			parts++;
			break;
		}
	}
	/* slot, slot:func or bus:slot:func */
	if (parts < 3) {
		at[2] = parts == 2 ? at[1] : 0;
		at[1] = at[0];
		at[0] = 0;
	}
	if (*p != '\0' || at[1] > 31 || at[2] > 7 || *emul == '\0')
		return error_set(err, -EINVAL,
		                 "Invalid PCI slot info field '%s'", arg);
	snprintf(name, sizeof(name), "pci.%d.%d.%d", (int)at[0], (int)at[1],
	         (int)at[2]);
	n = config_make(config_root(o->config), name, err);
	if (n == NULL)
		return err->code;
	if (config_get(n, "device") != NULL)
		return error_set(err, -EEXIST,
		                 "pci slot %d:%d:%d already occupied!",
		                 (int)at[0], (int)at[1], (int)at[2]);
	if (config_set_at(n, "device", emul, err) < 0)
		return err->code;
	return set_emulation(n, emul, rest, err);
}

/* LPC devices with a list: a node, and the keys of the items that come first,
 * which end with the first that has its own. */
static const struct lpc_list {
	const char *name, *node, *first[2];
} lpc_lists[] = {
	{ "bootrom", "lpc", { "bootrom", "bootvars" } },
	{ "tpm", "tpm", { "type", "path" } },
};

static int
set_lpc_list(struct vm_cmdline *o, const struct lpc_list *l, const char *list,
             struct error *err)
{
	struct config_node *n =
	    config_make(config_root(o->config), l->node, err);

	if (n == NULL)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(l->first) && *list != '\0'; i++) {
		cleanup_free char *s = NULL;

		if (i > 0 && memchr(list, '=', strcspn(list, ",")) != NULL)
			break;
		s = item(&list, ",");
		if (s == NULL)
			return error_set(err, -ENOMEM, "-l");
		if (config_set_at(n, l->first[i], s, err) < 0)
			return err->code;
	}
	return config_set_list(n, NULL, list, err);
}

static int
take_lpc(struct vm_cmdline *o, const char *arg, struct error *err)
{
	const char *rest = arg;
	cleanup_free char *dev = NULL;
	struct config_node *lpc;
	char key[32];

	if (strcmp(arg, "help") == 0) {
		o->help_lpc = true;
		return 0;
	}
	dev = item(&rest, ",");
	lpc = config_make(config_root(o->config), "lpc", err);
	if (dev == NULL || lpc == NULL)
		return error_set(err, -ENOMEM, "-l");
	for (size_t i = 0; i < ARRAY_LEN(lpc_lists); i++)
		if (strcasecmp(dev, lpc_lists[i].name) == 0 && *rest != '\0')
			return set_lpc_list(o, &lpc_lists[i], rest, err);
	if (strcasecmp(dev, "pc-testdev") == 0)
		return config_set_at(lpc, "pc-testdev", "true", err);
	if (strncasecmp(dev, "com", 3) == 0 && dev[3] >= '1' && dev[3] <= '4' &&
	    dev[4] == '\0' && *rest != '\0') {
		snprintf(key, sizeof(key), "com%c.path", dev[3]);
		return config_set_at(lpc, key, rest, err);
	}
	return error_set(err, -EINVAL, "Invalid LPC device configuration '%s'",
	                 arg);
}

/* [w][ADDR:]PORT */
static int
take_gdb(struct vm_cmdline *o, const char *arg, struct error *err)
{
	struct config *c = o->config;
	const char *colon;
	cleanup_free char *addr = NULL;

	if (*arg == 'w') {
		arg++;
		if (config_set(c, "gdb.wait", "true", err) < 0)
			return err->code;
	}
	colon = strrchr(arg, ':');
	if (colon != NULL) {
		addr = strndup(arg, (size_t)(colon - arg));
		if (addr == NULL)
			return error_set(err, -ENOMEM, "-G");
		if (config_set(c, "gdb.address", addr, err) < 0)
			return err->code;
		arg = colon + 1;
	}
	return config_set(c, "gdb.port", arg, err);
}

/* VCPU:HOSTCPU; more of them for one vCPU make a list. */
static int
take_pin(struct vm_cmdline *o, const char *arg, struct error *err)
{
	long long vcpu, host;
	const char *colon = strchr(arg, ':'), *old;
	cleanup_free char *v = NULL;
	cleanup_buf struct buf list = BUF_INIT;
	char key[32];

	v = colon != NULL ? strndup(arg, (size_t)(colon - arg)) : NULL;
	if (v == NULL || num_int_in(v, 0, INT_MAX, &vcpu) < 0 ||
	    num_int_in(colon + 1, 0, INT_MAX, &host) < 0)
		return error_set(err, -EINVAL, "invalid vcpu:hostcpu pair '%s'",
		                 arg);
	snprintf(key, sizeof(key), "vcpu.%lld.cpuset", vcpu);
	old = config_get(config_root(o->config), key);
	if (old != NULL)
		buf_printf(&list, "%s,", old);
	buf_printf(&list, "%lld", host);
	return config_set(o->config, key, buf_str(&list), err);
}

/* [name=]NAME,(string|file)=VALUE */
static int
take_fwcfg(struct vm_cmdline *o, const char *arg, struct error *err)
{
	const struct config_node *all =
	    config_find(config_root(o->config), "fwcfg");
	const char *rest = arg;
	cleanup_free char *name = item(&rest, ",");
	const char *what, *value;
	struct config_node *n;
	char key[32];
	unsigned i = 0;

	for (all = all != NULL ? config_first(all) : NULL; all != NULL;
	     all = config_next(all))
		i++;
	snprintf(key, sizeof(key), "fwcfg.%u", i);
	n = config_make(config_root(o->config), key, err);
	if (name == NULL || n == NULL)
		return error_set(err, -ENOMEM, "-f");
	value = strchr(rest, '=');
	what = strncmp(rest, "string=", 7) == 0 ? "string"
	       : strncmp(rest, "file=", 5) == 0 ? "file"
	                                        : NULL;
	if (what == NULL)
		return error_set(err, -EINVAL, "invalid fwcfg '%s'", arg);
	if (config_set_at(n, "name",
	                  strncmp(name, "name=", 5) == 0 ? name + 5 : name,
	                  err) < 0)
		return err->code;
	/* All of the rest: a string may have commas. */
	return config_set_at(n, what, value + 1, err);
}

static int
take_option(struct vm_cmdline *o, const char *arg, struct error *err)
{
	return config_set_option(o->config, arg, err);
}

static int
take_file(struct vm_cmdline *o, const char *arg, struct error *err)
{
	return o->read_config(arg, o->config, err);
}

static int
take_help(struct vm_cmdline *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->help = true;
	return 0;
}

static int
take_monitor(struct vm_cmdline *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->monitor = true;
	return 0;
}

static int
take_restore(struct vm_cmdline *o, const char *arg, struct error *err)
{
	(void)err;
	o->restore = arg;
	return 0;
}

/* id=I,size=S,cpus=SET[,domain_policy=P]; what has no word of its own goes on
 * the list of processors. */
static int
take_numa(struct vm_cmdline *o, const char *arg, struct error *err)
{
	cleanup_buf struct buf cpus = BUF_INIT;
	struct config_node *n = NULL;
	const char *rest = arg;
	char key[64];

	while (*rest != '\0') {
		cleanup_free char *s = item(&rest, ",");

		if (s == NULL)
			return error_set(err, -ENOMEM, "-n");
		if (strncmp(s, "id=", 3) == 0) {
			snprintf(key, sizeof(key), "domains.%.20s", s + 3);
			n = config_make(config_root(o->config), key, err);
			if (n == NULL)
				return err->code;
		} else if (strncmp(s, "cpus=", 5) == 0) {
			buf_puts(&cpus, s + 5);
		} else if (strchr(s, '=') == NULL && cpus.len > 0) {
			buf_printf(&cpus, ",%s", s);
		} else if (n == NULL || strchr(s, '=') == NULL) {
			return error_set(err, -EINVAL,
			                 "invalid memory domain '%s'", arg);
		} else if (config_set_list(n, NULL, s, err) < 0) {
			return err->code;
		}
	}
	if (n == NULL || cpus.failed)
		return error_set(err, -EINVAL, "invalid memory domain '%s'",
		                 arg);
	return cpus.len > 0 ? config_set_at(n, "cpus", buf_str(&cpus), err) : 0;
}

static const struct option options[] = {
	{ 'A', NULL, "acpi_tables", "true", NULL, "create ACPI tables" },
	{ 'a', NULL, "x86.x2apic", "false", NULL, "local apic in xAPIC mode" },
	{ 'C', NULL, "memory.guest_in_core", "true", NULL,
	  "include guest memory in core file" },
	{ 'c', "topology", NULL, NULL, take_topology,
	  "number of CPUs and their topology" },
	{ 'D', NULL, "destroy_on_poweroff", "true", NULL,
	  "destroy on power-off" },
	{ 'e', NULL, "x86.strictio", "true", NULL,
	  "exit on unhandled I/O access" },
	{ 'f', "fwcfg", NULL, NULL, take_fwcfg, "add a firmware item" },
	{ 'G', "gdb", NULL, NULL, take_gdb, "start a debug server" },
	{ 'H', NULL, "x86.vmexit_on_hlt", "true", NULL,
	  "let the thread sleep on HLT" },
	{ 'h', NULL, NULL, NULL, take_help, "help" },
	{ 'I', NULL, NULL, NULL, NULL, "accepted; the IOAPIC is always there" },
	{ 'K', "layout", "keyboard.layout", NULL, NULL, "keyboard layout" },
	{ 'k', "file", NULL, NULL, take_file, "read a configuration file" },
	{ 'l', "lpc", NULL, NULL, take_lpc, "LPC device configuration" },
	{ 'M', NULL, NULL, NULL, take_monitor,
	  "monitor: start again after a reset" },
	{ 'm', "size", "memory.size", NULL, NULL, "memory size" },
	{ 'n', "numa", NULL, NULL, take_numa, "memory domain" },
	{ 'o', "var=value", NULL, NULL, take_option,
	  "set a configuration variable" },
	{ 'P', NULL, "x86.vmexit_on_pause", "true", NULL, "exit on PAUSE" },
	{ 'p', "pin", NULL, NULL, take_pin, "pin vcpu to hostcpu" },
	{ 'r', "file", NULL, NULL, take_restore, "resume from a checkpoint" },
	{ 'S', NULL, "memory.wired", "true", NULL, "wire guest memory" },
	{ 's', "slot", NULL, NULL, take_slot, "PCI slot configuration" },
	{ 'U', "uuid", "uuid", NULL, NULL, "UUID" },
	{ 'u', NULL, "rtc.use_localtime", "false", NULL, "RTC keeps UTC time" },
	{ 'W', NULL, "virtio_msix", "false", NULL,
	  "virtio devices use MSI in place of MSI-X" },
	{ 'w', NULL, "x86.strictmsr", "false", NULL,
	  "ignore unimplemented MSRs" },
	{ 'x', NULL, "x86.x2apic", "true", NULL, "local apic in x2APIC mode" },
	{ 'Y', NULL, "x86.mptable", "false", NULL, "no MP table" },
};

void
options_usage(struct buf *out)
{
	buf_puts(out, "Usage: bhyve [-");
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].arg == NULL)
			buf_putc(out, options[i].flag);
	buf_putc(out, ']');
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].arg != NULL)
			buf_printf(out, " [-%c %s]", options[i].flag,
			           options[i].arg);
	buf_puts(out, " vmname\n");
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		buf_printf(out, "       -%c: %s\n", options[i].flag,
		           options[i].help);
}

static const struct option *
find(char flag)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].flag == flag)
			return &options[i];
	return NULL;
}

static int
apply(const struct option *opt, struct vm_cmdline *o, const char *arg,
      struct error *err)
{
	if (opt->take != NULL)
		return opt->take(o, arg, err);
	if (opt->key == NULL)
		return 0;
	return config_set(o->config, opt->key,
	                  opt->value != NULL ? opt->value : arg, err);
}

/* The flags of one argument, "-AHm" say; *i moves when one takes the next. */
static int
parse_word(int argc, char *const argv[], int *i, struct vm_cmdline *o,
           struct error *err)
{
	for (const char *p = argv[*i] + 1; *p != '\0'; p++) {
		const struct option *opt = find(*p);
		const char *arg = NULL;

		if (opt == NULL)
			return error_set(err, -EDOM, "invalid option -- '%c'",
			                 *p);
		if (opt->arg != NULL) {
			arg = p[1] != '\0' ? p + 1 : argv[++*i];
			if (*i >= argc || arg == NULL)
				return error_set(err, -EDOM,
				                 "option requires an argument "
				                 "-- '%c'",
				                 *p);
		}
		if (apply(opt, o, arg, err) < 0)
			return err->code;
		if (arg != NULL)
			break;
	}
	return 0;
}

int
options_parse(int argc, char *const argv[], struct vm_cmdline *out,
              struct error *err)
{
	int i;

	if (argc > OPTIONS_MAX_ARGS)
		return error_set(err, -E2BIG, "over %d arguments",
		                 OPTIONS_MAX_ARGS);
	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (parse_word(argc, argv, &i, out, err) < 0)
			return err->code;
	}
	if (argc - i > 1)
		return error_set(err, -EDOM, "one VM name, not %d", argc - i);
	return argc > i ? config_set(out->config, "name", argv[i], err) : 0;
}

int
options_topology(struct config *c, unsigned *out_cpus, unsigned *sockets,
                 unsigned *cores, unsigned *threads, struct error *err)
{
	const struct config_node *r = config_root(c);
	uint64_t n, s, k, t;
	bool parts = config_get(r, "cores") != NULL ||
	             config_get(r, "threads") != NULL ||
	             config_get(r, "sockets") != NULL;

	if (config_get_num(r, "cpus", 0, 1, UINT16_MAX, &n, err) < 0 ||
	    config_get_num(r, "cores", 1, 1, UINT16_MAX, &k, err) < 0 ||
	    config_get_num(r, "threads", 1, 1, UINT16_MAX, &t, err) < 0 ||
	    config_get_num(r, "sockets", 0, 1, UINT16_MAX, &s, err) < 0)
		return err->code;
	if (n == 0)
		n = parts ? (s != 0 ? s : 1) * k * t : 1;
	if (s == 0)
		s = n / (k * t);
	if (s * k * t != n || n > UINT16_MAX)
		return error_set(err, -EINVAL,
		                 "Topology (%d sockets, %d cores, %d threads) "
		                 "does not match %d vCPUs",
		                 (int)s, (int)k, (int)t, (int)n);
	*out_cpus = (unsigned)n;
	*sockets = (unsigned)s;
	*cores = (unsigned)k;
	*threads = (unsigned)t;
	return 0;
}

int
options_size(const char *text, uint64_t *out_bytes)
{
	uint64_t bytes;

	if (num_size(text, &bytes) < 0)
		return -EINVAL;
	if (bytes < 1 << 20 && text[strspn(text, "0123456789")] == '\0')
		bytes <<= 20;
	bytes &= ~(uint64_t)0xfff;
	if (bytes < 1 << 20 || bytes > 1ull << 40)
		return -EINVAL;
	*out_bytes = bytes;
	return 0;
}

int
options_memory(struct config *c, uint64_t *out_bytes, struct error *err)
{
	const char *v = config_get(config_root(c), "memory.size");

	if (v == NULL)
		v = "256M";
	return options_size(v, out_bytes) < 0
	           ? error_set(err, -EINVAL, "invalid memsize '%s'", v)
	           : 0;
}

/* One "N" or "N-M" of a list of processors. */
static int
add_cpus(char *text, cpu_set_t *set)
{
	char *dash = strchr(text, '-');
	long long first, last;

	if (dash != NULL)
		*dash = '\0';
	if (num_int_in(text, 0, CPU_SETSIZE - 1, &first) < 0)
		return -EINVAL;
	last = first;
	if (dash != NULL &&
	    num_int_in(dash + 1, first, CPU_SETSIZE - 1, &last) < 0)
		return -EINVAL;
	for (; first <= last; first++)
		CPU_SET((size_t)first, set);
	return 0;
}

int
options_cpus(const char *list, cpu_set_t *out)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	while (*list != '\0') {
		cleanup_free char *s = item(&list, ",");

		if (s == NULL || add_cpus(s, &set) < 0)
			return -EINVAL;
	}
	*out = set;
	return 0;
}

int
options_pin(struct config *c, unsigned n, cpu_set_t *out, bool *out_any,
            struct error *err)
{
	const char *list;
	char key[32];

	snprintf(key, sizeof(key), "vcpu.%u.cpuset", n);
	list = config_get(config_root(c), key);
	*out_any = list == NULL;
	CPU_ZERO(out);
	if (list != NULL && options_cpus(list, out) < 0)
		return error_set(err, -EINVAL, "'%s': want host processors",
		                 key);
	return 0;
}
