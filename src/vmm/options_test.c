/* SPDX-License-Identifier: BSD-2-Clause */
/* options_test.c - command lines and the configuration they become. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "vmm/config.h"
#include "vmm/options.h"

static int
parse(const char *line, struct vm_cmdline *o, struct error *err)
{
	struct strv v = STRV_INIT;
	int rc;

	strv_push(&v, "bhyve");
	strv_split(&v, line, " ", false);
	rc = options_parse((int)v.n, v.v, o, err);
	strv_fini(&v);
	return rc;
}

static void
flags_are_sugar_for_keys(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{ "-c 2 -m 1G -H -A web",
		  "acpi_tables=true\ncpus=2\nmemory.size=1G\nname=web\n"
		  "x86.vmexit_on_hlt=true\n" },
		{ "-AHP -m512 x",
		  "acpi_tables=true\nmemory.size=512\nname=x\n"
		  "x86.vmexit_on_hlt=true\nx86.vmexit_on_pause=true\n" },
		{ "-c cpus=4,sockets=1,cores=4 x",
		  "cores=4\ncpus=4\nname=x\nsockets=1\n" },
		{ "-s 0,hostbridge -s 3,virtio-blk,/d.img,ro,ser=X",
		  "pci.0.0.0.device=hostbridge\n"
		  "pci.0.3.0.device=virtio-blk\npci.0.3.0.path=/d.img\n"
		  "pci.0.3.0.ro=true\npci.0.3.0.ser=X\n" },
		{ "-s 1:4:2,virtio-net,tap0,mac=02:00:00:00:00:01",
		  "pci.1.4.2.backend=tap0\npci.1.4.2.device=virtio-net\n"
		  "pci.1.4.2.mac=02:00:00:00:00:01\n" },
		{ "-s 5:1,virtio-console,a.b=/run/a,c=/run/c",
		  "pci.0.5.1.device=virtio-console\n"
		  "pci.0.5.1.port.1.name=a.b\npci.0.5.1.port.1.path=/run/a\n"
		  "pci.0.5.1.port.2.name=c\npci.0.5.1.port.2.path=/run/c\n" },
		{ "-l com1,stdio -l bootrom,/r.fd,/v.fd,fwcfg=qemu",
		  "lpc.bootrom=/r.fd\nlpc.bootvars=/v.fd\n"
		  "lpc.com1.path=stdio\nlpc.fwcfg=qemu\n" },
		{ "-l bootrom,/r.fd,fwcfg=qemu -l COM2,pty",
		  "lpc.bootrom=/r.fd\nlpc.com2.path=pty\nlpc.fwcfg=qemu\n" },
		{ "-l tpm,swtpm,/run/tpm,version=2.0 -l pc-testdev",
		  "lpc.pc-testdev=true\ntpm.path=/run/tpm\ntpm.type=swtpm\n"
		  "tpm.version=2.0\n" },
		{ "-n id=1,size=1G,cpus=0,2-3 -n id=0,cpus=1",
		  "domains.0.cpus=1\ndomains.1.cpus=0,2-3\n"
		  "domains.1.size=1G\n" },
		{ "-G w[::1]:1234", "gdb.address=[::1]\ngdb.port=1234\n"
		                    "gdb.wait=true\n" },
		{ "-p 0:1 -p 0:3", "vcpu.0.cpuset=1,3\n" },
		{ "-f name=opt/x,string=hi -f opt/y,file=/y,string=z",
		  "fwcfg.0.name=opt/x\nfwcfg.0.string=hi\n"
		  "fwcfg.1.file=/y,string=z\nfwcfg.1.name=opt/y\n" },
		{ "-o a.b=1 -o a.b=2 -wxuYWSCDe",
		  "a.b=2\ndestroy_on_poweroff=true\n"
		  "memory.guest_in_core=true\nmemory.wired=true\n"
		  "rtc.use_localtime=false\nvirtio_msix=false\n"
		  "x86.mptable=false\nx86.strictio=true\n"
		  "x86.strictmsr=false\nx86.x2apic=true\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vm_cmdline o = { 0 };
		struct buf out = BUF_INIT;
		struct error err;

		assert_int_equal(config_new(&o.config, &err), 0);
		assert_int_equal(parse(rows[i].line, &o, &err), 0);
		assert_int_equal(config_dump(o.config, &out), 0);
		assert_string_equal(buf_str(&out), rows[i].want);
		buf_fini(&out);
		config_free(o.config);
	}
}

static void
bad_lines_are_refused(void **state)
{
	static const struct {
		const char *line, *want;
		int code;
	} rows[] = {
		{ "-Z x", "invalid option -- 'Z'", -EDOM },
		{ "-m", "option requires an argument -- 'm'", -EDOM },
		{ "a b", "one VM name, not 2", -EDOM },
		{ "-s 32,lpc", "Invalid PCI slot info field '32,lpc'",
		  -EINVAL },
		{ "-s 1:2:3:4,lpc", "Invalid PCI slot info field '1:2:3:4,lpc'",
		  -EINVAL },
		{ "-s 3", "Invalid PCI slot info field '3'", -EINVAL },
		{ "-s 3,lpc -s 3,lpc", "pci slot 0:3:0 already occupied!",
		  -EEXIST },
		{ "-l com5,stdio",
		  "Invalid LPC device configuration 'com5,stdio'", -EINVAL },
		{ "-f opt/x,text=hi", "invalid fwcfg 'opt/x,text=hi'",
		  -EINVAL },
		{ "-c dies=2", "invalid cpu topology 'dies=2'", -EINVAL },
		{ "-p 1", "invalid vcpu:hostcpu pair '1'", -EINVAL },
		{ "-n size=1G", "invalid memory domain 'size=1G'", -EINVAL },
		{ "-n id=0,1", "invalid memory domain 'id=0,1'", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vm_cmdline o = { 0 };
		struct error err;

		assert_int_equal(config_new(&o.config, &err), 0);
		assert_int_equal(parse(rows[i].line, &o, &err), rows[i].code);
		assert_string_equal(err.msg, rows[i].want);
		config_free(o.config);
	}
}

static void
topology_is_filled_in_and_checked(void **state)
{
	static const struct {
		const char *line;
		int rc;
		unsigned n, s, c, t;
	} rows[] = {
		{ "x", 0, 1, 1, 1, 1 },
		{ "-c 4 x", 0, 4, 4, 1, 1 },
		{ "-c 4,cores=2 x", 0, 4, 2, 2, 1 },
		{ "-c sockets=2,cores=2,threads=2 x", 0, 8, 2, 2, 2 },
		{ "-c 3,sockets=2 x", -EINVAL, 0, 0, 0, 0 },
		{ "-c 0 x", -EINVAL, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vm_cmdline o = { 0 };
		unsigned n = 0, s = 0, c = 0, t = 0;
		struct error err;

		assert_int_equal(config_new(&o.config, &err), 0);
		assert_int_equal(parse(rows[i].line, &o, &err), 0);
		assert_int_equal(
		    options_topology(o.config, &n, &s, &c, &t, &err),
		    rows[i].rc);
		assert_int_equal(n, rows[i].n);
		assert_int_equal(s, rows[i].s);
		assert_int_equal(c, rows[i].c);
		assert_int_equal(t, rows[i].t);
		config_free(o.config);
	}
}

static void
memory_counts_as_bhyve_counts(void **state)
{
	static const struct {
		const char *size;
		uint64_t bytes; /* 0: refused */
	} rows[] = {
		{ "256", 256ull << 20 }, { "1G", 1ull << 30 },
		{ "1g", 1ull << 30 },    { "2097152", 2ull << 20 },
		{ "512k", 0 },           { "0", 0 },
		{ "lots", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *c;
		struct error err;
		uint64_t bytes = 0;

		assert_int_equal(config_new(&c, &err), 0);
		assert_int_equal(
		    config_set(c, "memory.size", rows[i].size, &err), 0);
		options_memory(c, &bytes, &err);
		assert_int_equal(bytes, rows[i].bytes);
		config_free(c);
	}
}

static void
processors_are_pinned_to_lists(void **state)
{
	static const struct {
		const char *list;
		int rc, count, has;
	} rows[] = {
		{ "0", 0, 1, 0 },           { "0,2-3", 0, 3, 2 },
		{ "5-5", 0, 1, 5 },         { "3-2", -EINVAL, 0, 0 },
		{ "x", -EINVAL, 0, 0 },     { "1,,2", -EINVAL, 0, 0 },
		{ "99999", -EINVAL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *c;
		struct error err;
		cpu_set_t set;
		bool any;

		assert_int_equal(config_new(&c, &err), 0);
		assert_int_equal(options_pin(c, 1, &set, &any, &err), 0);
		assert_true(any);
		assert_int_equal(
		    config_set(c, "vcpu.1.cpuset", rows[i].list, &err), 0);
		assert_int_equal(options_pin(c, 1, &set, &any, &err),
		                 rows[i].rc);
		if (rows[i].rc == 0) {
			assert_int_equal(CPU_COUNT(&set), rows[i].count);
			assert_true(CPU_ISSET((size_t)rows[i].has, &set));
		}
		config_free(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_sugar_for_keys),
		cmocka_unit_test(bad_lines_are_refused),
		cmocka_unit_test(topology_is_filled_in_and_checked),
		cmocka_unit_test(memory_counts_as_bhyve_counts),
		cmocka_unit_test(processors_are_pinned_to_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
