/* SPDX-License-Identifier: BSD-2-Clause */
/* route.c - route(8) of FreeBSD, for hooks. All of it is in net/route.
 */
#include "net/route.h"

#include <unistd.h>

/* Short writes to a pipe or terminal do not happen at these sizes; what could
 * not be written is an error like any other. */
static int
put(int fd, const struct buf *b)
{
	return b->len == 0 || write(fd, b->data, b->len) == (ssize_t)b->len ? 0
	                                                                    : 1;
}

int
main(int argc, char **argv)
{
	cleanup_buf struct buf out = BUF_INIT, errs = BUF_INIT;
	int status = net_route(argc, argv, &out, &errs);

	status |= put(STDOUT_FILENO, &out);
	status |= put(STDERR_FILENO, &errs);
	return status;
}
