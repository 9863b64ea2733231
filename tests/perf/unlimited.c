/* SPDX-License-Identifier: BSD-2-Clause */
/* unlimited.c - "unlimited CMD ...": run a command for which raising
 * RLIMIT_MEMLOCK seems to succeed.
 *
 * crun raises it before it loads its device program, an old need of BPF that
 * kernels have not had since 5.11, and gives up where root lacks
 * CAP_SYS_RESOURCE. With this its default configuration runs there too.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#define DATA(field) ((unsigned)offsetof(struct seccomp_data, field))

int
main(int argc, char **argv)
{
	/* prlimit64(pid, RLIMIT_MEMLOCK, new, old) and setrlimit: 0. */
	struct sock_filter prog[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setrlimit, 4, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 0), /* only asks */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RLIMIT_MEMLOCK, 1, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RLIMIT_MEMLOCK, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
	};
	const struct sock_fprog fprog = { sizeof(prog) / sizeof(prog[0]),
		                          prog };

	if (argc < 2 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog) < 0) {
		perror("unlimited");
		return 1;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
