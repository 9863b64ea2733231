/* SPDX-License-Identifier: BSD-2-Clause */
/* jls.c - jls(8): list jails.
 *
 * Only binds the command line, jail.h and list.h together. Nothing of a
 * machine-readable document is printed unless all of it can be.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jail/jail.h"
#include "jail/list.h"

struct request {
	struct list_options list;
	const char *jail;   /* -j */
	bool only_existing; /* -c */
};

static int
usage(void)
{
	fputs("usage: jls [-adhNnqsv] [-j jail] [--libxo options] "
	      "[parameter ...]\n"
	      "       jls -c [-d] -j jail\n",
	      stderr);
	return 1;
}

static int
fail(const struct error *err)
{
	fprintf(stderr, "jls: %s\n", err->msg);
	return 1;
}

/* 0, or the exit status to leave with. */
static int
parse(int *argc, char ***argv, struct request *req)
{
	struct error err = { 0 };
	bool has_list_flag = false;
	int c;

	if (xo_parse_args(&req->list.xo, argc, *argv, &err) < 0)
		return fail(&err);
	while ((c = getopt(*argc, *argv, "+:acdhj:Nnqsv")) != -1)
		switch (c) {
		case 'a': /* no jail is ever dying here */
		case 'd':
			break;
		case 'c':
			req->only_existing = true;
			break;
		case 'j':
			req->jail = optarg;
			break;
		case ':':
			fprintf(stderr,
			        "jls: option requires an argument -- %c\n",
			        optopt);
			return usage();
		default:
			if (!list_set_flag(&req->list, c)) {
				fprintf(stderr, "jls: illegal option -- %c\n",
				        optopt);
				return usage();
			}
			has_list_flag = true;
		}
	*argc -= optind;
	*argv += optind;
	if (req->only_existing &&
	    (req->jail == NULL || has_list_flag || *argc > 0))
		return usage();
	return 0;
}

/* Write all of out; false and a message when it could not be. */
static bool
flush(struct buf *out)
{
	if (out->failed)
		fputs("jls: out of memory\n", stderr);
	else if ((out->len > 0 &&
	          fwrite(out->data, 1, out->len, stdout) != out->len) ||
	         fflush(stdout) != 0)
		fprintf(stderr, "jls: stdout: %s\n", strerror(errno));
	else
		return true;
	return false;
}

struct page {
	struct list *list;
	struct buf out;
};

static int
put_jail(void *arg, const struct dict *params)
{
	struct page *page = arg;

	list_jail(page->list, params, &page->out);
	return 0;
}

static int
put_one(struct jail_sys *sys, const char *jail, struct page *page,
        struct error *err)
{
	cleanup_dict struct dict params = DICT_INIT;
	int jid = jail_find(sys, jail, err);

	if (jid < 0 || jail_get(sys, jid, &params, err) < 0)
		return err->code;
	return put_jail(page, &params);
}

static int
show(struct jail_sys *sys, const struct request *req, struct list *l)
{
	const bool is_text = req->list.xo.style == XO_TEXT;
	struct page page = { l, BUF_INIT };
	struct error err = { 0 };
	int rc, status = 0;

	list_begin(l, &page.out);
	rc = req->jail != NULL
	         ? put_one(sys, req->jail, &page, &err)
	         : jail_each(sys, list_wanted(l), put_jail, &page, &err);
	if (rc == 0)
		list_end(l, &page.out);
	if ((rc == 0 || is_text) && !flush(&page.out))
		status = 1;
	else if (rc < 0)
		status = fail(&err);
	buf_fini(&page.out);
	return status;
}

int
main(int argc, char **argv)
{
	struct request req = { .list = { .xo = XO_OPTIONS_INIT } };
	struct jail_sys *sys = NULL;
	struct list *l = NULL;
	struct error err = { 0 };
	int status = parse(&argc, &argv, &req);

	if (status != 0)
		return status;
	if (list_new(&req.list, argv, (size_t)argc, &l, &err) < 0)
		return fail(&err);
	if (jail_sys_open(false, &sys, &err) < 0)
		status = fail(&err);
	else if (req.only_existing)
		status = jail_find(sys, req.jail, &err) < 0;
	else
		status = show(sys, &req, l);
	jail_sys_close(sys);
	list_free(l);
	return status;
}
