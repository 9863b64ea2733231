/* SPDX-License-Identifier: BSD-2-Clause */
/* route.c - route(8) of FreeBSD, for hooks. All of it is in net/route.
 */
#include "net/route.h"

#include <unistd.h>

#include "linux/file.h"

int
main(int argc, char **argv)
{
	cleanup_buf struct buf out = BUF_INIT, errs = BUF_INIT;
	int status = net_route(argc, argv, &out, &errs);

	/* What could not be written is an error like any other. */
	status |= file_write(STDOUT_FILENO, out.data, out.len) < 0;
	status |= file_write(STDERR_FILENO, errs.data, errs.len) < 0;
	return status;
}
