/* SPDX-License-Identifier: BSD-2-Clause */
/* regs.h - numbers and bits of the x86-64 architecture that both engines, the
 * loader and the devices share. Names are those of the manuals (Intel SDM vol.
 * 3A 2.5 and 4.1, vol. 4; AMD APM vol. 2 chapter 3).
 */
#ifndef X86_REGS_H
#define X86_REGS_H

/* General registers, as ModRM numbers them. */
enum x86_gpr {
	X86_RAX,
	X86_RCX,
	X86_RDX,
	X86_RBX,
	X86_RSP,
	X86_RBP,
	X86_RSI,
	X86_RDI,
	X86_R8,
	X86_R9,
	X86_R10,
	X86_R11,
	X86_R12,
	X86_R13,
	X86_R14,
	X86_R15,
	X86_NGPR
};

/* Segment registers, as ModRM numbers them; then the two system ones. */
enum x86_seg {
	X86_ES,
	X86_CS,
	X86_SS,
	X86_DS,
	X86_FS,
	X86_GS,
	X86_LDTR,
	X86_TR,
	X86_NSEG
};

/* Exceptions (SDM 3A table 6-1). */
enum x86_vector {
	X86_DE = 0,
	X86_DB = 1,
	X86_NMI = 2,
	X86_BP = 3,
	X86_OF = 4,
	X86_BR = 5,
	X86_UD = 6,
	X86_NM = 7,
	X86_DF = 8,
	X86_TS = 10,
	X86_NP = 11,
	X86_SS_FAULT = 12,
	X86_GP = 13,
	X86_PF = 14,
	X86_MF = 16,
	X86_AC = 17,
	X86_MC = 18,
	X86_XM = 19
};

/* RFLAGS. */
#define X86_FL_CF   (1u << 0)
#define X86_FL_ONE  (1u << 1) /* always set */
#define X86_FL_PF   (1u << 2)
#define X86_FL_AF   (1u << 4)
#define X86_FL_ZF   (1u << 6)
#define X86_FL_SF   (1u << 7)
#define X86_FL_TF   (1u << 8)
#define X86_FL_IF   (1u << 9)
#define X86_FL_DF   (1u << 10)
#define X86_FL_OF   (1u << 11)
#define X86_FL_IOPL (3u << 12)
#define X86_FL_NT   (1u << 14)
#define X86_FL_RF   (1u << 16)
#define X86_FL_VM   (1u << 17)
#define X86_FL_AC   (1u << 18)
#define X86_FL_VIF  (1u << 19)
#define X86_FL_VIP  (1u << 20)
#define X86_FL_ID   (1u << 21)
#define X86_FL_ARITH                                                           \
	(X86_FL_CF | X86_FL_PF | X86_FL_AF | X86_FL_ZF | X86_FL_SF | X86_FL_OF)

/* Control registers. */
#define X86_CR0_PE (1u << 0)
#define X86_CR0_MP (1u << 1)
#define X86_CR0_EM (1u << 2)
#define X86_CR0_TS (1u << 3)
#define X86_CR0_ET (1u << 4)
#define X86_CR0_NE (1u << 5)
#define X86_CR0_WP (1u << 16)
#define X86_CR0_AM (1u << 18)
#define X86_CR0_NW (1u << 29)
#define X86_CR0_CD (1u << 30)
#define X86_CR0_PG (1u << 31)

#define X86_CR4_VME        (1u << 0)
#define X86_CR4_PVI        (1u << 1)
#define X86_CR4_TSD        (1u << 2)
#define X86_CR4_DE         (1u << 3)
#define X86_CR4_PSE        (1u << 4)
#define X86_CR4_PAE        (1u << 5)
#define X86_CR4_MCE        (1u << 6)
#define X86_CR4_PGE        (1u << 7)
#define X86_CR4_PCE        (1u << 8)
#define X86_CR4_OSFXSR     (1u << 9)
#define X86_CR4_OSXMMEXCPT (1u << 10)
#define X86_CR4_UMIP       (1u << 11)
#define X86_CR4_LA57       (1u << 12)
#define X86_CR4_FSGSBASE   (1u << 16)
#define X86_CR4_PCIDE      (1u << 17)
#define X86_CR4_OSXSAVE    (1u << 18)
#define X86_CR4_SMEP       (1u << 20)
#define X86_CR4_SMAP       (1u << 21)

#define X86_EFER_SCE (1u << 0)
#define X86_EFER_LME (1u << 8)
#define X86_EFER_LMA (1u << 10)
#define X86_EFER_NXE (1u << 11)

/* Segment attributes, in the layout of a descriptor's second dword >> 8, which
 * VMX and libvmmapi use too: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D 14,
 * G 15; bit 16 says the register is unusable (null). */
#define X86_ATTR_TYPE     0x000fu
#define X86_ATTR_S        0x0010u
#define X86_ATTR_DPL(a)   (((a) >> 5) & 3u)
#define X86_ATTR_P        0x0080u
#define X86_ATTR_L        0x2000u
#define X86_ATTR_DB       0x4000u
#define X86_ATTR_G        0x8000u
#define X86_ATTR_UNUSABLE 0x10000u

/* Page table entries (SDM 3A 4.5). */
#define X86_PTE_P  (1ull << 0)
#define X86_PTE_W  (1ull << 1)
#define X86_PTE_U  (1ull << 2)
#define X86_PTE_A  (1ull << 5)
#define X86_PTE_D  (1ull << 6)
#define X86_PTE_PS (1ull << 7)
#define X86_PTE_G  (1ull << 8)
#define X86_PTE_NX (1ull << 63)

/* #PF error code. */
#define X86_PF_P    (1u << 0)
#define X86_PF_W    (1u << 1)
#define X86_PF_U    (1u << 2)
#define X86_PF_RSVD (1u << 3)
#define X86_PF_I    (1u << 4)

/* Model-specific registers (SDM vol. 4; KVM's cpuid.rst for 4b564dxx). */
enum x86_msr {
	MSR_TSC = 0x10,
	MSR_APIC_BASE = 0x1b,
	MSR_FEATURE_CONTROL = 0x3a,
	MSR_TSC_ADJUST = 0x3b,
	MSR_SPEC_CTRL = 0x48,
	MSR_PRED_CMD = 0x49,
	MSR_MICROCODE = 0x8b,
	MSR_PLATFORM_INFO = 0xce,
	MSR_MTRR_CAP = 0xfe,
	MSR_ARCH_CAPABILITIES = 0x10a,
	MSR_MISC_FEATURES = 0x140,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_SYSENTER_EIP = 0x176,
	MSR_MCG_CAP = 0x179,
	MSR_MCG_STATUS = 0x17a,
	MSR_MISC_ENABLE = 0x1a0,
	MSR_DEBUGCTL = 0x1d9,
	MSR_MTRR_PHYS0 = 0x200, /* base, mask pairs up to 0x20f */
	MSR_MTRR_FIX64K = 0x250,
	MSR_MTRR_FIX16K_0 = 0x258,
	MSR_MTRR_FIX16K_1 = 0x259,
	MSR_MTRR_FIX4K_0 = 0x268, /* up to 0x26f */
	MSR_PAT = 0x277,
	MSR_MTRR_DEF_TYPE = 0x2ff,
	MSR_MC0_CTL = 0x400,
	MSR_TSC_DEADLINE = 0x6e0,
	MSR_X2APIC = 0x800, /* register offset / 16, up to 0x83f */
	MSR_KVM_WALL_CLOCK = 0x4b564d00,
	MSR_KVM_SYSTEM_TIME = 0x4b564d01,
	MSR_KVM_ASYNC_PF = 0x4b564d02,
	MSR_KVM_STEAL_TIME = 0x4b564d03,
	MSR_KVM_PV_EOI = 0x4b564d04,
	MSR_KVM_POLL_CONTROL = 0x4b564d05,
	MSR_KVM_ASYNC_PF_INT = 0x4b564d06,
	MSR_EFER = (int)0xc0000080,
	MSR_STAR = (int)0xc0000081,
	MSR_LSTAR = (int)0xc0000082,
	MSR_CSTAR = (int)0xc0000083,
	MSR_FMASK = (int)0xc0000084,
	MSR_FS_BASE = (int)0xc0000100,
	MSR_GS_BASE = (int)0xc0000101,
	MSR_KERNEL_GS_BASE = (int)0xc0000102,
	MSR_TSC_AUX = (int)0xc0000103
};

#define X86_APIC_BASE_BSP    (1u << 8)
#define X86_APIC_BASE_X2APIC (1u << 10)
#define X86_APIC_BASE_ENABLE (1u << 11)
#endif
