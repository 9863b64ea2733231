/* SPDX-License-Identifier: BSD-2-Clause */
/* firmware_test.c - machines with firmware: what QEMU's finds, what bhyve's
 * finds, and tables placed by the script as firmware does it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/le.h"
#include "dev/acpi.h"
#include "dev/bootrom.h"
#include "dev/device_test.h"
#include "dev/fwcfg.h"
#include "dev/machine.h"
#include "vmm/config.h"
#include "vmm/pci.h"

enum { ROM_BYTES = 256 << 10, MAX_FILE = 65536, ONE_MIB = 1 << 20 };
static const uint64_t four_gib = 0x100000000ull;

static struct config *cfg;
static struct machine *m;
static char rom[] = "/tmp/gaol-rom-XXXXXX";

static int
put_device(struct error *err)
{
	return config_new(&cfg, err);
}

static int
teardown(void **state)
{
	remove_vm(state);
	config_free(cfg);
	return 0;
}

/* A ROM of zeros but for its last byte. */
static int
group_setup(void **state)
{
	int fd = mkstemp(rom);
	bool ok = fd >= 0 && pwrite(fd, "\x5a", 1, ROM_BYTES - 1) == 1;

	(void)state;
	close(fd);
	return ok ? 0 : -1;
}

static int
group_teardown(void **state)
{
	(void)state;
	return unlink(rom);
}

static int
make(const char *text, struct error *err)
{
	static const struct machine_facts one = { 1, 1, 1, 0, "host", NULL };
	char bridge[] = "pci.0.0.0.device=hostbridge\n"
	                "pci.0.31.0.device=lpc\n";
	uint64_t rsdp;

	if (config_parse(cfg, "test", bridge, strlen(bridge), err) < 0 ||
	    config_parse(cfg, "test", text, strlen(text), err) < 0 ||
	    machine_new(f.vm, cfg, &one, &m, err) < 0)
		return err->code;
	return machine_tables(m, &rsdp, err);
}

static int
make_rom(const char *text, struct error *err)
{
	assert_int_equal(config_set(cfg, "lpc.bootrom", rom, err), 0);
	return make(text, err);
}

static uint32_t
pci(unsigned slot, unsigned func, unsigned reg, unsigned size)
{
	return (uint32_t)fake_read(
	    &f, PCI_ECAM_BASE + (slot << 15) + (func << 12) + reg, size);
}

static uint8_t
in_memory(uint64_t gpa)
{
	uint8_t b = 0;

	assert_int_equal(guest_mem_read(f.vm->mem, gpa, &b, 1), 0);
	return b;
}

/* As firmware does it: a file's key by the directory, then its bytes. */
static size_t
fetch(const char *name, uint8_t out[MAX_FILE])
{
	uint8_t entry[64] = { 0 }, count[4];
	size_t len;

	fake_out(&f, FWCFG_PORT, 2, FWCFG_DIRECTORY);
	for (unsigned i = 0; i < 4; i++)
		count[i] = (uint8_t)fake_in(&f, FWCFG_PORT + 1, 1);
	for (unsigned n = count[3]; n > 0; n--) {
		for (unsigned i = 0; i < 64; i++)
			entry[i] = (uint8_t)fake_in(&f, FWCFG_PORT + 1, 1);
		if (strcmp((char *)entry + 8, name) == 0)
			break;
	}
	assert_string_equal((char *)entry + 8, name);
	len = (size_t)entry[2] << 8 | entry[3];
	fake_out(&f, FWCFG_PORT, 2, (unsigned)entry[4] << 8 | entry[5]);
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)fake_in(&f, FWCFG_PORT + 1, 1);
	return len;
}

static void
qemus_firmware_finds_its_pc(void **state)
{
	struct error err;
	uint64_t before;

	(void)state;
	assert_int_equal(make_rom("lpc.fwcfg=qemu\n", &err), 0);
	assert_true(machine_has_rom(m));
	assert_int_equal(in_memory(four_gib - 1), 0x5a);
	assert_int_equal(in_memory(ONE_MIB - 1), 0x5a);
	assert_int_equal(pci(0, 0, 0, 4), 0x12378086);
	assert_int_equal(pci(0, 0, 0x2c, 4), 0x11001af4);
	fake_write(&f, PCI_ECAM_BASE + 0x59, 1, 0x33);
	assert_int_equal(pci(0, 0, 0x59, 1), 0x33);
	assert_int_equal(pci(31, 0, 0, 4), 0x70008086);
	/* Power management: function 0:1.3, at 0x600, no SMI to wait for. */
	assert_int_equal(pci(1, 0, 0, 4), 0xffffffff);
	assert_int_equal(pci(1, 3, 0, 4), 0x71138086);
	fake_write(&f, PCI_ECAM_BASE + (1 << 15) + (3 << 12) + 0x40, 4, 0xb001);
	assert_int_equal(pci(1, 3, 0x40, 4), 0x601);
	assert_int_equal(pci(1, 3, 0x80, 1) & 1, 1);
	assert_int_equal(pci(1, 3, 0x58, 4), 1 << 25);
	before = fake_in(&f, 0x608, 4);
	fake_vm_pass(&f, 1000000);
	assert_true(fake_in(&f, 0x608, 4) > before);
	/* bhyve's firmware, told by fw_cfg, knows the timer's port alone. */
	assert_int_equal(fake_in(&f, 0x408, 4), fake_in(&f, 0x608, 4));
	assert_int_equal(fake_in(&f, 0x402, 1), 0xff);
	/* Tables are told, not placed. */
	assert_int_equal(in_memory(ACPI_BASE), 0);
	/* S5 as QEMU's firmware says it: SLP_TYP 0. */
	fake_out(&f, 0x604, 2, 1 << 13);
	assert_int_equal(vm_suspended(f.vm), VM_SUSPEND_POWEROFF);
}

static void
bhyves_firmware_finds_its_own(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(make_rom("", &err), 0);
	assert_int_equal(in_memory(four_gib - 1), 0x5a);
	assert_int_equal(in_memory(ONE_MIB - 1), 0);
	assert_int_equal(pci(0, 0, 0, 4), 0x12751275);
	assert_int_equal(pci(1, 3, 0, 4), 0xffffffff);
	assert_int_equal(in_memory(ACPI_BASE), 'R');
	fake_out(&f, FWCFG_PORT, 2, 0);
	assert_int_equal(fake_in(&f, FWCFG_PORT + 1, 1), 'B');
}

static void
without_firmware_guests_can_be_told(void **state)
{
	uint8_t text[MAX_FILE];
	struct error err;

	(void)state;
	assert_int_equal(make("lpc.fwcfg=qemu\nfwcfg.0.name=opt/a\n"
	                      "fwcfg.0.string=hello\n",
	                      &err),
	                 0);
	assert_false(machine_has_rom(m));
	assert_int_equal(pci(0, 0, 0, 4), 0x12751275);
	assert_int_equal(in_memory(ACPI_BASE), 'R');
	assert_int_equal(fetch("opt/a", text), 6);
	assert_string_equal((char *)text, "hello");
}

static void
memory_and_boot_order_are_told(void **state)
{
	static const char order[] = "/pci@i0cf8/scsi@4/disk@0,0\n"
	                            "/pci@i0cf8/scsi@4,2/disk@0,0";
	uint8_t text[MAX_FILE];
	struct error err;

	(void)state;
	assert_int_equal(
	    make_rom("lpc.fwcfg=qemu\nlpc.com1.path=pty\n"
	             "pci.0.4.2.device=virtio-blk\npci.0.4.2.bootindex=7\n"
	             "pci.0.4.2.path=/proc/self/exe\npci.0.4.2.ro=true\n"
	             "pci.0.4.0.device=virtio-blk\npci.0.4.0.bootindex=2\n"
	             "pci.0.4.0.path=/proc/self/exe\npci.0.4.0.ro=true\n"
	             "fwcfg.0.name=etc/sercon-port\nfwcfg.0.string=mine\n",
	             &err),
	    0);
	assert_int_equal(fetch("etc/e820", text), 20);
	assert_int_equal(le_get(text + 8, 8), f.vm->lowmem);
	assert_int_equal(le_get(text + 16, 4), 1);
	assert_int_equal(fetch("bootorder", text), sizeof(order));
	assert_memory_equal(text, order, sizeof(order));
	/* The user's word is the last one. */
	assert_int_equal(fetch("etc/sercon-port", text), 5);
	assert_int_equal(fetch("opt/bhyve/hw.ncpu", text), 4);
	assert_int_equal(le_get(text, 4), 1);
	assert_int_equal(fetch("etc/smbios/smbios-anchor", text), 31);
	assert_memory_equal(text, "_SM_", 4);
}

/* The script run as firmware runs it. */

struct file {
	char name[56];
	uint8_t bytes[MAX_FILE];
	size_t len;
	uint64_t gpa;
};

static struct file *
named(struct file *files, unsigned n, const uint8_t *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(files[i].name, (const char *)name) == 0)
			return &files[i];
	fail_msg("no file '%s'", (const char *)name);
	return NULL;
}

static void
run_script(const uint8_t *c, size_t len, struct file files[2])
{
	unsigned n = 0;

	assert_int_equal(len % 128, 0);
	for (; len > 0; c += 128, len -= 128) {
		uint32_t at, from, count;
		struct file *to;
		uint8_t sum = 0;

		switch (le_get(c, 4)) {
		case 1:
			assert_true(n < 2);
			strcpy(files[n].name, (const char *)c + 4);
			files[n].len = fetch(files[n].name, files[n].bytes);
			files[n].gpa = n == 0 ? 0xf0000 : 0x180000;
			n++;
			break;
		case 2:
			to = named(files, n, c + 4);
			at = (uint32_t)le_get(c + 116, 4);
			assert_true(at + c[120] <= to->len);
			le_put(to->bytes + at,
			       le_get(to->bytes + at, c[120]) +
			           named(files, n, c + 60)->gpa,
			       c[120]);
			break;
		case 3:
			to = named(files, n, c + 4);
			at = (uint32_t)le_get(c + 60, 4);
			from = (uint32_t)le_get(c + 64, 4);
			count = (uint32_t)le_get(c + 68, 4);
			assert_true(from + count <= to->len);
			assert_int_equal(to->bytes[at], 0);
			for (uint32_t i = 0; i < count; i++)
				sum = (uint8_t)(sum + to->bytes[from + i]);
			to->bytes[at] = (uint8_t)-sum;
			break;
		default:
			fail_msg("no such command");
		}
	}
	assert_int_equal(n, 2);
}

static void
assert_sum(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;

	while (n-- > 0)
		sum = (uint8_t)(sum + *p++);
	assert_int_equal(sum, 0);
}

static void
the_script_makes_tables(void **state)
{
	static struct file files[2];
	static uint8_t script[MAX_FILE];
	const uint8_t *t = files[1].bytes, *xsdt, *fadt = NULL;
	uint64_t base;
	struct error err;

	(void)state;
	memset(files, 0, sizeof(files));
	assert_int_equal(make_rom("lpc.fwcfg=qemu\nlpc.com1.path=pty\n", &err),
	                 0);
	run_script(script, fetch("etc/table-loader", script), files);
	base = files[1].gpa;
	assert_string_equal(files[0].name, "etc/acpi/rsdp");
	assert_sum(files[0].bytes, 20);
	assert_sum(files[0].bytes, 36);
	xsdt = t + (le_get(files[0].bytes + 24, 8) - base);
	assert_memory_equal(xsdt, "XSDT", 4);
	assert_sum(xsdt, le_get(xsdt + 4, 4));
	for (size_t i = 36; i < le_get(xsdt + 4, 4); i += 8) {
		const uint8_t *one = t + (le_get(xsdt + i, 8) - base);

		assert_sum(one, le_get(one + 4, 4));
		if (memcmp(one, "FACP", 4) == 0)
			fadt = one;
	}
	assert_non_null(fadt);
	assert_memory_equal(t + (le_get(fadt + 36, 4) - base), "FACS", 4);
	assert_memory_equal(t + (le_get(fadt + 40, 4) - base), "DSDT", 4);
	assert_int_equal(le_get(fadt + 140, 8), le_get(fadt + 40, 4));
	assert_int_equal(le_get(fadt + 56, 4), 0x600);
}

static void
what_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *text, *msg;
	} rows[] = {
		{ "lpc.fwcfg=xen\n", "lpc.fwcfg 'xen': want bhyve or qemu" },
		{ "lpc.bootvars=/x\n",
		  "lpc.bootvars: wants a ROM, lpc.bootrom" },
		{ "lpc.bootrom=/proc/version\n", NULL },
		{ "lpc.bootrom=/nonexistent/rom\n",
		  "lpc.bootrom: open '/nonexistent/rom': No such file or "
		  "directory" },
		{ "fwcfg.0.name=opt/x\nfwcfg.0.string=y\n",
		  "fwcfg: wants lpc.fwcfg=qemu, by which it is told" },
		{ "lpc.fwcfg=qemu\nfwcfg.3.name=opt/x\n",
		  "fwcfg.3: wants name, and string or file" },
		{ "lpc.fwcfg=qemu\nfwcfg.0.name=opt/x\n"
		  "fwcfg.0.file=/nonexistent/x\n",
		  NULL },
		{ "lpc.fwcfg=qemu\npci.0.5.0.device=virtio-rnd\n"
		  "pci.0.5.0.bootindex=1\n",
		  "pci.0.5.0: nothing boots from 'virtio-rnd'" },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		teardown(NULL);
		setup(NULL);
		assert_true(make(rows[i].text, &err) < 0);
		if (rows[i].msg != NULL)
			assert_string_equal(err.msg, rows[i].msg);
	}
}

static void
all_of_it_comes_back(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(make_rom("lpc.fwcfg=qemu\nlpc.com1.path=pty\n"
	                          "lpc.debugcon.path=pty\n",
	                          &err),
	                 0);
	assert_int_equal(fake_in(&f, 0x402, 1), 0xe9);
	fake_out(&f, 0x402, 1, 'x');
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
}

/* Whoever was saved with one ROM does not wake up in another. */
static void
another_rom_is_refused(void **state)
{
	cleanup_buf struct buf saved = BUF_INIT;
	struct error err;
	int fd;

	(void)state;
	assert_int_equal(make_rom("lpc.fwcfg=qemu\n", &err), 0);
	assert_int_equal(vm_devices_save(f.vm, &saved), 0);
	teardown(NULL);
	setup(NULL);
	fd = open(rom, O_WRONLY);
	assert_int_equal(pwrite(fd, "\1", 1, 4711), 1);
	assert_int_equal(make_rom("lpc.fwcfg=qemu\n", &err), 0);
	assert_int_equal(
	    vm_devices_load(f.vm, (uint8_t *)saved.data, saved.len, &err),
	    -EINVAL);
	assert_string_equal(err.msg, "'bootrom': made with another ROM");
	assert_int_equal(pwrite(fd, "\0", 1, 4711), 1);
	close(fd);
}

#define FIRMWARE_TEST(t) DEVICE_TEST_AND(t, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIRMWARE_TEST(qemus_firmware_finds_its_pc),
		FIRMWARE_TEST(bhyves_firmware_finds_its_own),
		FIRMWARE_TEST(without_firmware_guests_can_be_told),
		FIRMWARE_TEST(memory_and_boot_order_are_told),
		FIRMWARE_TEST(the_script_makes_tables),
		FIRMWARE_TEST(what_makes_no_sense_is_refused),
		FIRMWARE_TEST(all_of_it_comes_back),
		FIRMWARE_TEST(another_rom_is_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
