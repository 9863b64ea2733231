/* SPDX-License-Identifier: BSD-2-Clause */
/* against_objdump.c - does our decoder see what objdump sees?
 *
 * usage: objdump -d -w --insn-width=15 -M intel FILE | against_objdump [16|32]
 *
 * Reads the listing, decodes each line's bytes and compares length and
 * mnemonic. AVX and its like, which we do not decode, and data in code are left
 * out and counted. Exit status 1 when a line differs; the first ones are told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x86/insn.h"

struct count {
	unsigned long same, left_out, wrong;
	bool each; /* only lines at multiples of 16 */
};

/* Names that differ by taste: objdump's beginning, ours. */
static const struct {
	const char *theirs, *ours;
} alias[] = {
	{ "cbw", "cbw" },
	{ "cwde", "cbw" },
	{ "cdqe", "cbw" },
	{ "cwd", "cwd" },
	{ "cdq", "cwd" },
	{ "cqo", "cwd" },
	{ "movabs", "mov" },
	{ "sal", "shl" },
	{ "pushf", "pushf" },
	{ "fwait", "fwait" },
	{ "ret", "ret" },
	{ "retf", "retf" },
	{ "lret", "retf" },
	{ "iret", "iret" },
	{ "sysret", "sysret" },
	{ "fxsave64", "fxsave" },
	{ "fxrstor64", "fxrstor" },
	{ "xsave64", "xsave" },
	{ "xrstor64", "xrstor" },
	{ "xsaveopt64", "xsaveopt" },
	{ "xsavec64", "xsavec" },
	{ "xsaves64", "xsaves" },
	{ "xrstors64", "xrstors" },
	{ "jrcxz", "jcxz" },
	{ "jecxz", "jcxz" },
	{ "pusha", "pusha" },
	{ "popa", "popa" },
	{ "int1", "icebp" },
	{ "prefetch", "nop" },
	{ "endbr", "nop" },
	{ "rdssp", "nop" },
	{ "cldemote", "nop" },
	{ "bnd", "nop" },
	{ "fndisi", "fndisi" },
	{ "vmgexit", "vmmcall" },
	{ "pause", "xchg" },
	/* F3 REX.B 90: the processor exchanges */ { "call", "callf" },
	{ "jmp", "jmpf" },
	{ "xchg", "nop" },
	{ "nop", "xchg" },
	{ "data16", "" },
	{ "ficom", "ficom" },
	{ "pclmul", "pclmulqdq" },
};

/* AVX, AVX-512, XOP and what else has no row on purpose. */
static bool
is_left_out(const uint8_t *b, unsigned n)
{
	unsigned i = 0;

	while (i < n && (b[i] == 0x66 || b[i] == 0xf2 || b[i] == 0xf3 ||
	                 b[i] == 0x2e || b[i] == 0x3e || b[i] == 0x26 ||
	                 b[i] == 0x64 || b[i] == 0x65 || b[i] == 0x67))
		i++;
	return i < n &&
	       (b[i] == 0xc4 || b[i] == 0xc5 || b[i] == 0x62 || b[i] == 0x8f);
}

static bool
same_condition(const char *theirs, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(theirs, prefix, n) == 0;
}

static bool
same_name(const char *theirs, const char *ours)
{
	size_t n = strlen(ours);

	if (strcmp(theirs, ours) == 0)
		return true;
	/* Conditions, and sizes that some spellings end in. */
	if (strcmp(ours, "jcc") == 0)
		return theirs[0] == 'j';
	if (strcmp(ours, "setcc") == 0)
		return same_condition(theirs, "set");
	if (strcmp(ours, "cmovcc") == 0)
		return same_condition(theirs, "cmov");
	if (strncmp(theirs, ours, n) == 0 && theirs[n] != '\0' &&
	    theirs[n + 1] == '\0' && strchr("bwlqd", theirs[n]) != NULL)
		return true;
	for (size_t i = 0; i < sizeof(alias) / sizeof(alias[0]); i++)
		if (strncmp(theirs, alias[i].theirs, strlen(alias[i].theirs)) ==
		        0 &&
		    strcmp(alias[i].ours, ours) == 0)
			return true;
	/* Pseudo-operations: the predicate is in the name. */
	if (strncmp(ours, "cmp", 3) == 0 && strlen(ours) == 5)
		return strncmp(theirs, "cmp", 3) == 0;
	if (strncmp(ours, "pclmul", 6) == 0)
		return strncmp(theirs, "pclmul", 6) == 0;
	return false;
}

/* The mnemonic in a listing's text, past words that are prefixes. */
static const char *
mnemonic(char *text)
{
	static const char *const prefix[] = {
		"rep",    "repz",   "repnz",    "lock",     "cs",     "ds",
		"es",     "fs",     "gs",       "ss",       "bnd",    "notrack",
		"data16", "addr32", "xacquire", "xrelease", "addr16", "data32",
		"rex.W",  "rex.R",  "rex.X",    "rex.B",    "rex"
	};

	for (char *w = strtok(text, " \t\n"); w != NULL;
	     w = strtok(NULL, " \t\n")) {
		bool is_prefix = strncmp(w, "rex", 3) == 0;

		for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
			is_prefix |= strcmp(w, prefix[i]) == 0;
		if (!is_prefix)
			return w;
	}
	return "";
}

static void
compare(const char *line, const uint8_t *b, unsigned n, char *text,
        enum x86_mode mode, struct count *c)
{
	char shown[64];
	struct x86_insn in;
	int len;

	snprintf(shown, sizeof(shown), "%s", text);
	const char *name = mnemonic(text);

	if (is_left_out(b, n) || strcmp(name, "(bad)") == 0 ||
	    strcmp(name, "") == 0) {
		c->left_out++;
		return;
	}
	len = x86_decode(b, n, mode, &in);
	if (len < 0 && c->each) {
		c->left_out++;
		return;
	}
	if (len == (int)n && same_name(name, x86_op_name(in.op))) {
		c->same++;
		return;
	}
	if (c->wrong++ < 40)
		printf("%.60s: length %u, ours %d %s (%s)\n", line, n, len,
		       len > 0 ? x86_op_name(in.op) : "", shown);
}

/* "  401000:\tb8 01 00 00 00 \tmov    eax,0x1" */
static void
listing_line(char *line, enum x86_mode mode, struct count *c)
{
	char *p = strchr(line, '\t'), *text;
	uint8_t b[16];
	unsigned n = 0;

	if (c->each && (p = strchr(line, ':')) != NULL && p > line &&
	    p[-1] != '0')
		return;
	p = strchr(line, '\t');

	if (p == NULL || strchr(line, ':') == NULL || line[0] != ' ' ||
	    (text = strchr(p + 1, '\t')) == NULL)
		return;
	*text++ = '\0';
	for (char *q = p; n < sizeof(b); n++) {
		char *end;
		unsigned long v = strtoul(q, &end, 16);

		if (end == q)
			break;
		b[n] = (uint8_t)v;
		q = end;
	}
	if (n > 0)
		compare(line, b, n, text, mode, c);
}

static void
one_case(const uint8_t *b, size_t n)
{
	uint8_t room[16];

	memset(room, 0x90, sizeof(room));
	memcpy(room, b, n);
	fwrite(room, 1, sizeof(room), stdout);
}

static void
cases_of(unsigned map, unsigned op, const uint8_t *prefix, size_t nprefix)
{
	static const uint8_t modrm[] = { 0x05, 0x06, 0x44, 0x86, 0xc1 };
	uint8_t b[16];
	size_t n = nprefix;

	memcpy(b, prefix, nprefix);
	if (map > 0)
		b[n++] = 0x0f;
	if (map > 1)
		b[n++] = map == 2 ? 0x38 : 0x3a;
	b[n++] = (uint8_t)op;
	for (unsigned reg = 0; reg < 8; reg++)
		for (size_t i = 0; i < sizeof(modrm); i++) {
			b[n] = (uint8_t)(modrm[i] | reg << 3);
			one_case(b, n + 1);
		}
}

/* Is it a prefix or the way to another map? */
static bool
is_opcode(unsigned map, unsigned op, enum x86_mode mode)
{
	if (map == 1)
		return op != 0x38 && op != 0x3a && op != 0x0f;
	if (map != 0)
		return true;
	if (mode == X86_MODE_64 && (op & 0xf0) == 0x40)
		return false;
	return strchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3\x0f"
	              "\x9b\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf",
	              (int)op) == NULL ||
	       op == 0 || (op >= 0xd8 && op <= 0xdf);
}

static int
write_cases(enum x86_mode mode)
{
	static const struct {
		uint8_t n, b[2];
	} prefix[] = { { 0, { 0 } },          { 1, { 0x66 } },
		       { 1, { 0xf3 } },       { 1, { 0xf2 } },
		       { 1, { 0x67 } },       { 1, { 0x48 } },
		       { 2, { 0x66, 0x48 } }, { 2, { 0xf3, 0x49 } },
		       { 2, { 0xf2, 0x44 } } };

	for (unsigned map = 0; map < 4; map++)
		for (unsigned op = 0; op < 256; op++)
			for (size_t p = 0; p < (mode == X86_MODE_64 ? 9 : 5);
			     p++)
				if (is_opcode(map, op, mode))
					cases_of(map, op, prefix[p].b,
					         prefix[p].n);
	return ferror(stdout) != 0;
}

static enum x86_mode
mode_of(const char *s)
{
	return strcmp(s, "16") == 0   ? X86_MODE_16
	       : strcmp(s, "32") == 0 ? X86_MODE_32
	                              : X86_MODE_64;
}

int
main(int argc, char **argv)
{
	struct count c = { .each = argc > 2 };
	enum x86_mode mode = X86_MODE_64;
	char line[1024];

	if (argc == 3 && strcmp(argv[1], "cases") == 0)
		return write_cases(mode_of(argv[2]));
	if (argc > 1)
		mode = mode_of(argv[1]);
	while (fgets(line, sizeof(line), stdin) != NULL)
		listing_line(line, mode, &c);
	printf("%lu instructions the same, %lu left out, %lu wrong\n", c.same,
	       c.left_out, c.wrong);
	return c.wrong != 0 || c.same == 0;
}
