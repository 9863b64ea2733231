/* SPDX-License-Identifier: BSD-2-Clause */
/* mark.c - the first process of a guest whose exits are counted: a CPUID, which
 * always leaves a guest, at an address that nothing else has (meson.build), so
 * that who watches knows the moment; then it powers off. No libc: what it does
 * itself must not count.
 */
#include <linux/reboot.h>
#include <sys/syscall.h>

static long
sys4(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long ret;

	__asm__ volatile("syscall"
	                 : "=a"(ret)
	                 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
	                 : "rcx", "r11", "memory");
	return ret;
}

_Noreturn void _start(void);

void
_start(void)
{
	unsigned leaf = 0;

	__asm__ volatile("cpuid" : "+a"(leaf) : : "rbx", "rcx", "rdx");
	for (;;)
		(void)sys4(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		           LINUX_REBOOT_CMD_POWER_OFF, 0);
}
