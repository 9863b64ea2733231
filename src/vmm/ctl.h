/* SPDX-License-Identifier: BSD-2-Clause */
/* ctl.h - the control socket of a running VM: one request, one answer.
 *
 * SOCK_SEQPACKET at NAME/ctl, for the owner of the directory. A request is a
 * verb and arguments in words, at most CTL_MAX_REQUEST bytes, and may carry one
 * descriptor (a confined bhyve opens no files; who asks for a checkpoint brings
 * its file). The answer is "0\n" or an errno and a message, then text.
 * The server runs on the VM's loop; requests are handled one at a time.
 */
#ifndef VMM_CTL_H
#define VMM_CTL_H
#include <stddef.h>

struct buf;
struct ctl;
struct error;
struct loop;

enum {
	CTL_MAX_REQUEST = 1024,
	CTL_MAX_ANSWER = 128 * 1024,
	CTL_MAX_CLIENTS = 16,
	CTL_MAX_WORDS = 8,
	CTL_WAIT_S = 600 /* for an answer: memory may go to a slow disk */
};

/* One verb. words[0] is the verb; fd is -1 or the request's, closed by ctl. */
struct ctl_verb {
	const char *name;
	int (*run)(void *ctx, int nwords, char *const words[], int fd,
	           struct buf *out, struct error *err);
};

/* verbs end with a row without name. dir is the presence's directory. */
int ctl_listen(struct loop *l, int dir, const struct ctl_verb *verbs, void *ctx,
               struct ctl **out_ctl, struct error *err);
void ctl_close(struct ctl *c); /* NULL is fine */

/* Pure: splits one request in place, which has room for a NUL after it. The
 * number of words, or -EINVAL. */
int ctl_words(char *request, size_t len, char *words[CTL_MAX_WORDS]);

/* A pidfd of the process that runs the VM in dir, the caller's;
 * -ECONNREFUSED: nobody does. */
int ctl_process(int dir, struct error *err);

/*
 * Ask the VM in dir; blocks up to CTL_WAIT_S. fd -1: none goes along. On
 * success out holds the text; else the server's errno and words, or
 * -ECONNREFUSED: nobody runs it.
 */
int ctl_ask(int dir, const char *request, int fd, struct buf *out,
            struct error *err);
#endif
