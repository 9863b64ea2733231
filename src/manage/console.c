/* SPDX-License-Identifier: BSD-2-Clause */
/* console.c - bytes between a terminal and a pty. */
#include "manage/console.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <termios.h>

#include "linux/file.h"
#include "vmm/presence.h"

/* Where in a line the user is: "~." counts after the end of one. */
enum typed { AT_START, AFTER_TILDE, IN_LINE };

/* Without "~." and what follows; false when that was typed. A tilde waits for
 * what comes after it. */
static bool
take_typed(enum typed *where, const char *in, size_t n, char *out, size_t *len)
{
	*len = 0;
	for (size_t i = 0; i < n; i++) {
		if (*where == AT_START && in[i] == '~') {
			*where = AFTER_TILDE;
			continue;
		}
		if (*where == AFTER_TILDE && in[i] == '.')
			return false;
		if (*where == AFTER_TILDE && in[i] != '~')
			out[(*len)++] = '~';
		out[(*len)++] = in[i];
		*where = in[i] == '\r' || in[i] == '\n' ? AT_START : IN_LINE;
	}
	return true;
}

static void
relay(int console)
{
	struct pollfd fd[2] = { { STDIN_FILENO, POLLIN, 0 },
		                { console, POLLIN, 0 } };
	enum typed where = AT_START;
	char in[512], out[2 * sizeof(in)];
	size_t len;
	ssize_t n;

	for (;;) {
		if (poll(fd, 2, -1) < 0 && errno != EINTR)
			return;
		if (fd[1].revents != 0) {
			n = read(console, in, sizeof(in));
			if (n <= 0 || file_write(STDOUT_FILENO, in, (size_t)n))
				return;
		}
		if (fd[0].revents != 0) {
			n = read(STDIN_FILENO, in, sizeof(in));
			if (n <= 0 ||
			    !take_typed(&where, in, (size_t)n, out, &len) ||
			    file_write(console, out, len) < 0)
				return;
		}
	}
}

int
console_attach(const char *name, struct error *err)
{
	cleanup_close int dir = -1, console = -1;
	char base[PATH_MAX];
	struct termios saved, raw;
	bool is_terminal = tcgetattr(STDIN_FILENO, &saved) == 0;

	presence_base(base, getenv("GAOL_RUN"), getenv("XDG_RUNTIME_DIR"),
	              geteuid() == 0);
	if (presence_open(base, name, &dir, err) < 0)
		return err->code;
	console = openat(dir, "console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (console < 0)
		return error_sys(err, "console of VM '%s'", name);
	if (is_terminal) {
		raw = saved;
		cfmakeraw(&raw);
		if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
			return error_sys(err, "terminal");
	}
	relay(console);
	if (is_terminal)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	return 0;
}
