/* SPDX-License-Identifier: BSD-2-Clause */
/* gdb_regs.c - one table: name, size and place of each register; the target
 * description, g and p packets come from it. Source: GDB's manual, G.5.8.
 */
#include "vmm/gdb_regs.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "x86/state.h"

enum { MAX_BYTES = 10 };

struct reg {
	const char *name, *type;
	uint8_t bytes; /* as gdb has it */
	uint8_t kept;  /* of these in the state; the others are 0 */
	uint16_t at;
};

#define AT(f) offsetof(struct x86_state, f)
#define GPR(n, i)                                                              \
	{                                                                      \
		n, "int64", 8, 8, AT(gpr[i])                                   \
	}
#define SEL(n, i)                                                              \
	{                                                                      \
		n, "int32", 4, 2, AT(seg[i].sel)                               \
	}
#define X87(n, i)                                                              \
	{                                                                      \
		n, "i387_ext", 10, 10, AT(fx[32 + 16 * (i)])                   \
	}
#define FPU(n, b, o)                                                           \
	{                                                                      \
		n, "int", 4, b, AT(fx[o])                                      \
	}
#define WIDE(n, f)                                                             \
	{                                                                      \
		n, "int64", 8, 8, AT(f)                                        \
	}
#define FEATURE(name)                                                          \
	{                                                                      \
		NULL, name, 0, 0, 0                                            \
	}

/* A row without name begins a feature; numbers count the others. */
static const struct reg regs[] = {
	FEATURE("org.gnu.gdb.i386.core"),
	GPR("rax", X86_RAX),
	GPR("rbx", X86_RBX),
	GPR("rcx", X86_RCX),
	GPR("rdx", X86_RDX),
	GPR("rsi", X86_RSI),
	GPR("rdi", X86_RDI),
	{ "rbp", "data_ptr", 8, 8, AT(gpr[X86_RBP]) },
	{ "rsp", "data_ptr", 8, 8, AT(gpr[X86_RSP]) },
	GPR("r8", X86_R8),
	GPR("r9", X86_R9),
	GPR("r10", X86_R10),
	GPR("r11", X86_R11),
	GPR("r12", X86_R12),
	GPR("r13", X86_R13),
	GPR("r14", X86_R14),
	GPR("r15", X86_R15),
	{ "rip", "code_ptr", 8, 8, AT(rip) },
	{ "eflags", "int32", 4, 4, AT(rflags) },
	SEL("cs", X86_CS),
	SEL("ss", X86_SS),
	SEL("ds", X86_DS),
	SEL("es", X86_ES),
	SEL("fs", X86_FS),
	SEL("gs", X86_GS),
	X87("st0", 0),
	X87("st1", 1),
	X87("st2", 2),
	X87("st3", 3),
	X87("st4", 4),
	X87("st5", 5),
	X87("st6", 6),
	X87("st7", 7),
	FPU("fctrl", 2, 0),
	FPU("fstat", 2, 2),
	FPU("ftag", 1, 4),
	FPU("fiseg", 0, 0),
	FPU("fioff", 4, 8),
	FPU("foseg", 0, 0),
	FPU("fooff", 4, 16),
	FPU("fop", 2, 6),
	FEATURE("org.gnu.gdb.i386.segments"),
	WIDE("fs_base", seg[X86_FS].base),
	WIDE("gs_base", seg[X86_GS].base),
	FEATURE("gaol.control"),
	WIDE("k_gs_base", kernel_gs_base),
	WIDE("cr0", cr0),
	WIDE("cr2", cr2),
	WIDE("cr3", cr3),
	WIDE("cr4", cr4),
	WIDE("cr8", cr8),
	WIDE("efer", efer),
};

void
gdb_put_hex(struct buf *out, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++) {
		buf_putc(out, digits[p[i] >> 4]);
		buf_putc(out, digits[p[i] & 15]);
	}
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
gdb_take_hex(const char *hex, void *bytes, size_t n)
{
	uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++) {
		int high = digit(hex[2 * i]);
		int low = high >= 0 ? digit(hex[2 * i + 1]) : -1;

		if (low < 0)
			return -1;
		p[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static void
get(const struct x86_state *st, const struct reg *r, struct buf *out)
{
	uint8_t bytes[MAX_BYTES] = { 0 };

	memcpy(bytes, (const uint8_t *)st + r->at, r->kept);
	gdb_put_hex(out, bytes, r->bytes);
}

static int
set(struct x86_state *st, const struct reg *r, const char *hex)
{
	uint8_t bytes[MAX_BYTES];

	if (gdb_take_hex(hex, bytes, r->bytes) < 0)
		return -1;
	memcpy((uint8_t *)st + r->at, bytes, r->kept);
	return 0;
}

void
gdb_regs_get(const struct x86_state *st, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(regs); i++)
		if (regs[i].name != NULL)
			get(st, &regs[i], out);
}

int
gdb_regs_set(struct x86_state *st, const char *hex)
{
	struct x86_state next = *st;

	for (size_t i = 0; i < ARRAY_LEN(regs); i++) {
		if (regs[i].name == NULL)
			continue;
		if (set(&next, &regs[i], hex) < 0)
			return -1;
		hex += 2 * (size_t)regs[i].bytes;
	}
	if (*hex != '\0')
		return -1;
	*st = next;
	return 0;
}

static const struct reg *
find(unsigned n)
{
	for (size_t i = 0; i < ARRAY_LEN(regs); i++)
		if (regs[i].name != NULL && n-- == 0)
			return &regs[i];
	return NULL;
}

int
gdb_reg_get(const struct x86_state *st, unsigned n, struct buf *out)
{
	const struct reg *r = find(n);

	if (r == NULL)
		return -1;
	get(st, r, out);
	return 0;
}

int
gdb_reg_set(struct x86_state *st, unsigned n, const char *hex)
{
	const struct reg *r = find(n);

	if (r == NULL || strlen(hex) != 2 * (size_t)r->bytes)
		return -1;
	return set(st, r, hex);
}

void
gdb_regs_xml(struct buf *out)
{
	bool open = false;

	buf_puts(out, "<?xml version=\"1.0\"?>\n"
	              "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
	              "<target version=\"1.0\">\n"
	              "<architecture>i386:x86-64</architecture>\n");
	for (size_t i = 0; i < ARRAY_LEN(regs); i++) {
		if (regs[i].name != NULL) {
			buf_printf(out,
			           "<reg name=\"%s\" bitsize=\"%u\" "
			           "type=\"%s\"/>\n",
			           regs[i].name, regs[i].bytes * 8u,
			           regs[i].type);
			continue;
		}
		if (open)
			buf_puts(out, "</feature>\n");
		buf_printf(out, "<feature name=\"%s\">\n", regs[i].type);
		open = true;
	}
	buf_puts(out, "</feature>\n</target>\n");
}
