/* SPDX-License-Identifier: BSD-2-Clause */
/* machine_test.c - the PC from a configuration: what is refused, what lies
 * where, and that all of it goes through a checkpoint.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "dev/acpi.h"
#include "dev/device_test.h"
#include "dev/machine.h"
#include "dev/smbios.h"
#include "dev/vmgen.h"
#include "vmm/config.h"
#include "vmm/pci.h"
#include "vmm/run.h"

static const struct machine_facts one = { 1, 1, 1, 0, "host", NULL };

static struct config *cfg;
static struct machine *m;

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

static int
make(const char *text, struct error *err)
{
	if (config_parse(cfg, "test", text, strlen(text), err) < 0)
		return err->code;
	return machine_new(f.vm, cfg, &one, &m, err);
}

static const char usual[] = "pci.0.0.0.device=hostbridge\n"
                            "pci.0.31.0.device=lpc\n"
                            "lpc.com1.path=pty\n";

static uint32_t
pci(unsigned slot, unsigned reg, unsigned size)
{
	return (uint32_t)fake_read(&f, PCI_ECAM_BASE + (slot << 15) + reg,
	                           size);
}

static void
the_usual_machine_is_there(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(make(usual, &err), 0);
	assert_int_equal(pci(0, 0, 4), 0x12751275);
	assert_int_equal(pci(31, 0, 4), 0x70008086);
	assert_int_equal(pci(31, 8, 4), 0x06010000);
	assert_int_equal(pci(0, pci(0, 0x34, 1), 1), 0x10);
	assert_int_equal(fake_in(&f, 0x3fd, 1), 0x60);
	assert_int_equal(fake_in(&f, 0x2fd, 1), 0xff);
	assert_false(machine_power_button(m));
	fake_out(&f, 0xb2, 1, 0xa0);
	assert_true(machine_power_button(m));
}

static void
what_makes_no_sense_is_refused_by_name(void **state)
{
	static const struct {
		const char *text, *msg;
	} rows[] = {
		{ "pci.0.3.0.device=virtio-blkk\n",
		  "pci slot 0:3:0: unknown device \"virtio-blkk\"" },
		{ "pci.0.3.0.path=x\n", "pci slot 0:3:0: missing device" },
		{ "pci.0.32.0.device=lpc\n", "pci: '32' is no number to 31" },
		{ "pci.0.x.0.device=lpc\n", "pci: 'x' is no number to 31" },
		{ "lpc.com1.path=pty\n",
		  "lpc.com1: wants an ISA bridge (-s 31,lpc)" },
		{ "pci.1.31.0.device=lpc\n",
		  "pci.1.31.0: lpc: must be on bus 0" },
		{ "pci.0.3.0.device=ahci-hd\n",
		  "pci slot 0:3:0: ahci-hd: not there yet; use virtio-blk" },
		{ "pci.0.3.0.device=passthru\n",
		  "pci slot 0:3:0: passthru: no device of the host is lent to "
		  "a guest" },
		{ "tpm.type=swtpm\n", "tpm: there is no TPM yet" },
		{ "lpc.pc-testdev=maybe\n", NULL },
		{ "x86.verbosemsr=yes\n",
		  "x86.verbosemsr: accesses to MSRs are not logged" },
		{ "pci.0.0.0.device=hostbridge\npci.0.0.0.devid=host\n",
		  "pci.0.0.0: hostbridge: devid: 'host' is not supported, "
		  "write the number" },
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
identities_can_be_changed(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(make("pci.0.0.0.device=hostbridge\n"
	                      "pci.0.0.0.vendor=0x8086\n"
	                      "pci.0.0.0.pcireg.device=0x1237\n"
	                      "pci.0.1.0.device=amd_hostbridge\n",
	                      &err),
	                 0);
	assert_int_equal(pci(0, 0, 4), 0x12378086);
	assert_int_equal(pci(1, 0, 4), 0x74321022);
}

static void
tables_lie_where_bhyve_puts_them(void **state)
{
	char word[8];
	uint64_t rsdp;
	struct error err;

	(void)state;
	assert_int_equal(make(usual, &err), 0);
	assert_int_equal(machine_tables(m, &rsdp, &err), 0);
	assert_int_equal(rsdp, ACPI_BASE);
	guest_mem_read(f.vm->mem, 0xf2400, word, 8);
	assert_memory_equal(word, "RSD PTR ", 8);
	guest_mem_read(f.vm->mem, 0xf0000, word, 4);
	assert_memory_equal(word, "_MP_", 4);
	guest_mem_read(f.vm->mem, 0xf1000, word, 4);
	assert_memory_equal(word, "_SM_", 4);
	guest_mem_read(f.vm->mem, 0xf1020, word, 5);
	assert_memory_equal(word, "_SM3_", 5);
	assert_int_equal(make("acpi_tables=false\nx86.mptable=no\n", &err),
	                 -EEXIST); /* only one machine in a VM */
}

static void
more_buses_need_no_mp_table(void **state)
{
	static const char two[] = "pci.0.31.0.device=lpc\n"
	                          "pci.3.1.0.device=uart\n"
	                          "pci.3.1.0.path=pty\n";
	uint64_t rsdp;
	struct error err;

	(void)state;
	assert_int_equal(make(two, &err), 0);
	assert_int_equal(machine_tables(m, &rsdp, &err), -EINVAL);
	assert_int_equal(config_set(cfg, "x86.mptable", "false", &err), 0);
	assert_int_equal(machine_tables(m, &rsdp, &err), 0);
}

static void
a_uuid_is_one_or_refused(void **state)
{
	struct smbios_info info = { .name = "vm",
		                    .sockets = 1,
		                    .cores = 1,
		                    .threads = 1,
		                    .lowmem = 1 << 20 };
	static const uint8_t want[] = { 0x33, 0x22, 0x11, 0x00, 0x55, 0x44,
		                        0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb,
		                        0xcc, 0xdd, 0xee, 0xff };
	cleanup_buf struct buf b = BUF_INIT;
	struct error err;

	(void)state;
	info.config = config_root(cfg);
	assert_int_equal(config_set(cfg, "uuid",
	                            "00112233-4455-6677-8899-AABBCCDDEEFF",
	                            &err),
	                 0);
	assert_int_equal(smbios_build(&info, SMBIOS_BASE, SMBIOS_END, &b, &err),
	                 0);
	assert_non_null(memmem(b.data, b.len, want, sizeof(want)));
	buf_reset(&b);
	assert_int_equal(config_set(cfg, "uuid", "0011-2233", &err), 0);
	assert_int_equal(smbios_build(&info, SMBIOS_BASE, SMBIOS_END, &b, &err),
	                 -EINVAL);
}

/* bhyve's: the MD5 of the VM's name and 256 bytes with the host's. */
static void
a_uuid_is_made_of_two_names(void **state)
{
	/* printf 'web%s' host, NULs up to 259 bytes | md5sum */
	static const uint8_t digest[] = { 0x7d, 0xe4, 0xce, 0x15, 0x4e, 0x60,
		                          0x3d, 0x46, 0xae, 0x07, 0x4a, 0xaa,
		                          0x54, 0x64, 0x90, 0xa8 };
	cleanup_buf struct buf b = BUF_INIT;
	struct smbios_info info = { .config = config_root(cfg),
		                    .name = "web",
		                    .host = "host",
		                    .sockets = 1,
		                    .cores = 1,
		                    .threads = 1,
		                    .lowmem = 1 << 20 };
	struct error err;

	(void)state;
	assert_int_equal(smbios_build(&info, SMBIOS_BASE, SMBIOS_END, &b, &err),
	                 0);
	assert_non_null(memmem(b.data, b.len, digest, sizeof(digest)));
}

/* A PIRQ reaches the PIC where the guest leads it. */
static void
the_isa_bridge_routes_pirqs(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(make("pci.0.31.0.device=lpc\n"
	                      "pci.0.3.0.device=uart\n"
	                      "pci.0.3.0.path=pty\n",
	                      &err),
	                 0);
	fake_write(&f, PCI_ECAM_BASE + (31 << 15) + 0x6b, 1, 0x0b);
	fake_out(&f, (uint16_t)((pci(3, 0x10, 4) & ~3u) + 1), 1, 2);
	assert_true(f.gsi[16 + 7]);
	assert_true(f.gsi[11]);
	fake_write(&f, PCI_ECAM_BASE + (31 << 15) + 0x6b, 1, 0x0a);
	assert_false(f.gsi[11]);
	assert_true(f.gsi[10]);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	assert_true(f.gsi[10]);
	fake_write(&f, PCI_ECAM_BASE + (31 << 15) + 0x6b, 1, 0x84);
	assert_false(f.gsi[10]);
	fake_write(&f, PCI_ECAM_BASE + (31 << 15) + 0x6b, 1, 0x04);
	assert_false(f.gsi[4]); /* COM1's */
}

static void
names_are_printed_for_help(void **state)
{
	cleanup_buf struct buf slots = BUF_INIT, lpc = BUF_INIT;

	(void)state;
	machine_slot_names(&slots);
	machine_lpc_names(&lpc);
	assert_non_null(strstr(buf_str(&slots), "hostbridge\n"));
	assert_string_equal(buf_str(&lpc), "bootrom\ncom1\ncom2\ncom3\ncom4\n"
	                                   "pc-testdev\n");
}

/* A restored guest finds another id and is told of it. */
static void
a_restore_is_a_new_generation(void **state)
{
	uint8_t first[16], second[16], third[16];
	struct error err;

	(void)state;
	assert_int_equal(make(usual, &err), 0);
	fake_out(&f, 0x40d, 1, 1);
	vm_devices_resume(f.vm);
	guest_mem_read(f.vm->mem, VMGEN_GPA, first, 16);
	vm_devices_resume(f.vm); /* after a mere pause */
	guest_mem_read(f.vm->mem, VMGEN_GPA, second, 16);
	assert_memory_equal(first, second, 16);
	assert_false(f.gsi[9]);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
	vm_devices_resume(f.vm);
	guest_mem_read(f.vm->mem, VMGEN_GPA, third, 16);
	assert_memory_not_equal(first, third, 16);
	assert_true(f.gsi[9]);
}

static void
all_of_it_comes_back(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(make(usual, &err), 0);
	fake_vm_pass(&f, 1000000000);
	assert_int_equal(fake_vm_roundtrip(&f, NULL), 0);
}

int
main(void)
{
#define MACHINE_TEST(t) DEVICE_TEST_AND(t, teardown)
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(the_usual_machine_is_there),
		MACHINE_TEST(what_makes_no_sense_is_refused_by_name),
		MACHINE_TEST(identities_can_be_changed),
		MACHINE_TEST(tables_lie_where_bhyve_puts_them),
		MACHINE_TEST(more_buses_need_no_mp_table),
		MACHINE_TEST(a_uuid_is_one_or_refused),
		MACHINE_TEST(a_uuid_is_made_of_two_names),
		MACHINE_TEST(the_isa_bridge_routes_pirqs),
		MACHINE_TEST(names_are_printed_for_help),
		MACHINE_TEST(a_restore_is_a_new_generation),
		MACHINE_TEST(all_of_it_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
