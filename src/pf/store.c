/* SPDX-License-Identifier: BSD-2-Clause */
/* store.c - what pf a network namespace has. */
#include "pf/store.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/md5.h"
#include "linux/file.h"
#include "linux/netns.h"
#include "linux/tree.h"
#include "pf/contents.h"
#include "pf/kernel.h"
#include "pf/merge.h"
#include "pf/ruleset.h"

enum { MAX_STATE_BYTES = 256 << 20 };

static const char magic[] = "gaol-pf 1\n";
static const char state_prefix[] = "state.";

/* --- places --- */

static int
state_name(uint64_t generation, char out[32])
{
	return snprintf(out, 32, "%s%016" PRIx64, state_prefix, generation);
}

/* One step down, made if it may be. -ENOENT. */
static int
step(int from, const char *name, bool make)
{
	int fd;

	/* Only root may see the rules, as with pf's device. */
	if (make && mkdirat(from, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

/* Where the directories of all namespaces are, and the name of ours. */
static int
place(char path[PATH_MAX], char cookie[17], struct error *err)
{
	const char *env = secure_getenv("GAOL_RUN");
	const char *run = env != NULL && env[0] == '/' ? env : "/run/gaol";
	uint64_t n;

	if (netns_cookie(&n, err) < 0)
		return err->code;
	snprintf(path, PATH_MAX, "%s-pf", run);
	snprintf(cookie, 17, "%" PRIx64, n);
	return 0;
}

/* The namespace's directory; -ENOENT where there is none and none is made. */
static int
open_dir(bool make, struct error *err)
{
	char path[PATH_MAX], cookie[17];
	int top, dir;

	if (place(path, cookie, err) < 0)
		return err->code;
	top = step(AT_FDCWD, path, make);
	dir = top >= 0 ? step(top, cookie, make) : top;
	if (top >= 0)
		close(top);
	if (dir < 0)
		error_set(err, dir, "%s/%s: %s", path, cookie, strerror(-dir));
	return dir;
}

/* Nothing is there that anybody would miss: leave nothing. Whoever waits for
 * the lock sees that it is of the past. */
static void
remove_dir(void)
{
	char path[PATH_MAX], cookie[17];
	struct error ignored;
	int top;

	if (place(path, cookie, &ignored) < 0)
		return;
	top = step(AT_FDCWD, path, false);
	if (top < 0)
		return;
	(void)tree_remove(top, cookie, &ignored);
	close(top);
	(void)rmdir(path);
}

/* --- the file --- */

static void
put_sids(const struct pf_numbers *n, const struct pf_world *world,
         struct buf *out)
{
	const struct pf_print_env env = { .world = world,
		                          .numeric_ports = true };

	buf_printf(out, "next %u\n", n->next);
	for (unsigned sid = 1; sid <= PF_MAX_IDS; sid++) {
		const struct pf_sid *s = &n->sid[sid];

		if (s->key == 0)
			continue;
		buf_printf(out, "%s %u %" PRIx64, s->gone ? "gone" : "sid", sid,
		           s->key);
		if (s->gone) {
			buf_printf(out, " %zu %s ",
			           s->tag != NULL ? strlen(s->tag) : 0,
			           s->tag != NULL ? s->tag : "");
			pf_print_rule(s->rule, &env, out);
		}
		buf_putc(out, '\n');
	}
}

static void
put_state(const struct pf_store *s, const struct pf_config *conf,
          const struct buf *sections, struct buf *out)
{
	buf_puts(out, magic);
	buf_printf(out, "enabled %d\nsince %" PRId64 "\ncleared %" PRId64 "\n",
	           s->enabled, s->since, s->cleared);
	buf_printf(out, "by %u %d\nchecksum %s\n", s->uid, s->pid, s->checksum);
	put_sids(conf->numbers, s->world, out);
	buf_puts(out, "\n");
	buf_put(out, sections->data, sections->len);
}

/* What is read of it before the rules are known. */
struct reading {
	struct pf_store *s;
	struct pf_numbers *old;
	struct pf_config *holder; /* of old and its tags */
	struct pf_config *gone;   /* of the rules that are gone, or NULL */
	struct buf gone_text;
	unsigned *gone_sid;
	size_t n_gone, cap_gone;
};

static bool
read_sid(struct reading *r, const char *line, bool gone)
{
	unsigned sid;
	uint64_t key;
	size_t tag_len;
	int n = 0;

	if (sscanf(line, "%u %" SCNx64 "%n", &sid, &key, &n) != 2 || sid == 0 ||
	    sid > PF_MAX_IDS || key == 0)
		return false;
	r->old->sid[sid].key = key;
	if (!gone)
		return true;
	line += n;
	if (sscanf(line, " %zu%n", &tag_len, &n) != 1 || strlen(line + n) < 2 ||
	    tag_len > strlen(line + n) - 2)
		return false;
	line += n + 1;
	r->old->sid[sid].gone = true;
	if (tag_len > 0)
		r->old->sid[sid].tag =
		    arena_strndup(&r->holder->arena, line, tag_len);
	if (r->n_gone == r->cap_gone)
		return false;
	r->gone_sid[r->n_gone++] = sid;
	buf_printf(&r->gone_text, "%s\n", line + tag_len + 1);
	return true;
}

static bool
read_line(struct reading *r, char *line)
{
	struct pf_store *s = r->s;
	int enabled;

	if (strncmp(line, "sid ", 4) == 0)
		return read_sid(r, line + 4, false);
	if (strncmp(line, "gone ", 5) == 0)
		return read_sid(r, line + 5, true);
	if (sscanf(line, "enabled %d", &enabled) == 1) {
		s->enabled = enabled != 0;
		return true;
	}
	if (sscanf(line, "next %u", &r->old->next) == 1)
		return r->old->next >= 1 && r->old->next <= PF_MAX_IDS;
	return sscanf(line, "since %" SCNd64, &s->since) == 1 ||
	       sscanf(line, "cleared %" SCNd64, &s->cleared) == 1 ||
	       sscanf(line, "by %u %d", &s->uid, &s->pid) == 2 ||
	       sscanf(line, "checksum %32s", s->checksum) == 1;
}

/* The lines up to the empty one; where what follows begins, or NULL. */
static char *
read_head(struct reading *r, char *text)
{
	char *end;

	if (strncmp(text, magic, strlen(magic)) != 0)
		return NULL;
	for (text += strlen(magic); *text != '\n'; text = end + 1) {
		end = strchr(text, '\n');
		if (end == NULL)
			return NULL;
		*end = '\0';
		if (!read_line(r, text))
			return NULL;
	}
	return text + 1;
}

static void
quiet(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

/* Rules that are gone, in the order of their numbers in the file. */
static int
read_gone(struct reading *r, struct error *err)
{
	const struct pf_parse_env env = { .world = r->s->world,
		                          .want = PF_WANT_ALL,
		                          .no_dns = true,
		                          .tell = quiet };
	struct pf_rule *rule;

	if (r->n_gone == 0)
		return 0;
	if (pf_parse(&env, "gone", buf_str(&r->gone_text), r->gone_text.len,
	             &r->gone, err) < 0)
		return err->code;
	rule = r->gone->main->rules[PF_FILTER].first;
	for (size_t i = 0; i < r->n_gone; i++, rule = rule->next) {
		if (rule == NULL)
			return error_set(err, -EINVAL, "too few rules");
		r->old->sid[r->gone_sid[i]].rule = rule;
		r->old->sid[r->gone_sid[i]].anchor = "";
	}
	return 0;
}

/* Into r->s, once r has room. */
static int
read_all(struct reading *r, char *text, size_t len, struct error *err)
{
	struct pf_store *s = r->s;
	char *body = read_head(r, text);
	int code;

	if (body == NULL)
		return error_set(err, -EINVAL, "not a file of pfctl");
	code = pf_sections_parse(s->world, body, len - (size_t)(body - text),
	                         &s->conf, err);
	if (code < 0)
		return code;
	s->conf->held = r->holder;
	code = read_gone(r, err);
	r->holder->held = r->gone;
	r->holder = NULL;
	if (code < 0)
		return code;
	return pf_numbers_assign(s->conf, s->world, r->old, NULL, err);
}

int
pf_store_parse(struct pf_store *s, char *text, size_t len, struct error *err)
{
	struct reading r = { .s = s, .cap_gone = PF_MAX_IDS };
	int code;

	r.holder = pf_config_new();
	r.gone_sid = calloc(PF_MAX_IDS, sizeof(*r.gone_sid));
	r.old = r.holder != NULL ? pf_numbers_new(r.holder) : NULL;
	code = r.old != NULL && r.gone_sid != NULL
	           ? read_all(&r, text, len, err)
	           : error_set(err, -ENOMEM, "out of memory");
	pf_config_free(r.holder);
	free(r.gone_sid);
	buf_fini(&r.gone_text);
	return code;
}

/* --- opening --- */

/* Pf as it is before anybody used it. */
static int
pristine(struct pf_store *s, struct error *err)
{
	s->conf = pf_config_new();
	if (s->conf == NULL)
		return error_set(err, -ENOMEM, "out of memory");
	return pf_numbers_assign(s->conf, s->world, NULL, NULL, err);
}

/* The load's file; -ENOENT: there is none. */
static int
read_file(struct pf_store *s, struct error *err)
{
	cleanup_free char *text = NULL;
	char name[32];
	size_t len;

	/* To read, nothing is made; the first load may be under way. */
	if (s->dir < 0)
		s->dir = open_dir(false, err);
	if (s->dir < 0)
		return s->dir;
	state_name(s->generation, name);
	if (file_read(s->dir, name, MAX_STATE_BYTES, &text, &len, err) < 0)
		return err->code;
	if (pf_store_parse(s, text, len, err) < 0)
		return error_wrap(err, "%s", name);
	return 0;
}

/* The file may go while we read: the kernel has another load then. */
int
pf_store_read(struct pf_store *s, struct error *err)
{
	uint64_t missed = 0;

	for (int tries = 0; tries < 1000; tries++) {
		int code;

		if (pf_kernel_generation(&s->generation, err) < 0)
			return err->code;
		if (s->generation == 0)
			return pristine(s, err);
		code = read_file(s, err);
		if (code != -ENOENT)
			return code;
		if (s->generation == missed)
			break;
		missed = s->generation;
		/* All may have been flushed, and loaded anew. */
		if (s->lock < 0 && s->dir >= 0) {
			close(s->dir);
			s->dir = -1;
		}
	}
	return error_set(err, -ENODATA,
	                 "what is loaded has lost its file: to begin anew, "
	                 "nft delete table ip " PF_GENERATION "%016" PRIx64,
	                 s->generation);
}

/* Whoever had it before us may have left nothing behind. */
static int
open_to_write(struct pf_store *s, struct error *err)
{
	for (int tries = 0; tries < 100; tries++) {
		s->dir = open_dir(true, err);
		s->lock =
		    s->dir < 0
		        ? s->dir
		        : file_lock(s->dir, "lock",
		                    FILE_LOCK_WAIT | FILE_LOCK_CREATE, err);
		if (s->lock >= 0)
			return 0;
		if (s->dir >= 0)
			close(s->dir);
		s->dir = -1;
		if (s->lock != -ENOENT)
			break;
	}
	return err->code;
}

int
pf_store_place(struct pf_store *s, const struct pf_world *world, bool write,
               struct error *err)
{
	*s = (struct pf_store){ .world = world, .dir = -1, .lock = -1 };
	snprintf(s->checksum, sizeof(s->checksum), "%032d", 0);
	if (write ? open_to_write(s, err) < 0
	          : (s->dir = open_dir(false, err)) < 0 && s->dir != -ENOENT) {
		pf_store_close(s);
		return err->code;
	}
	if (pf_kernel_generation(&s->generation, err) < 0) {
		pf_store_close(s);
		return err->code;
	}
	s->is_placed = true;
	return 0;
}

int
pf_store_open(struct pf_store *s, const struct pf_world *world, bool write,
              struct error *err)
{
	if (pf_store_place(s, world, write, err) < 0)
		return err->code;
	if (pf_store_read(s, err) < 0) {
		pf_store_close(s);
		return err->code;
	}
	return 0;
}

void
pf_store_close(struct pf_store *s)
{
	/* Nothing came of it, or nothing is left. */
	if (s->lock >= 0 && s->is_placed && s->generation == 0)
		remove_dir();
	pf_config_free(s->conf);
	if (s->lock >= 0)
		close(s->lock);
	if (s->dir >= 0)
		close(s->dir);
	*s = (struct pf_store){ .dir = -1, .lock = -1 };
}

/* --- committing --- */

static void
checksum(struct pf_store *s, const struct buf *sections)
{
	uint8_t digest[MD5_BYTES];

	md5(buf_str(sections), sections->len, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(s->checksum + 2 * i, 3, "%02x", digest[i]);
}

static int
write_state(struct pf_store *s, uint64_t generation,
            const struct pf_config *conf, const struct buf *sections,
            struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	char name[32];

	put_state(s, conf, sections, &text);
	if (text.failed)
		return error_set(err, -ENOMEM, "out of memory");
	state_name(generation, name);
	return file_replace(s->dir, name, text.data, text.len, err);
}

/* Remove the files of all loads but one, also those that a pfctl which was
 * killed has left. */
static void
sweep(struct pf_store *s, uint64_t keep)
{
	struct error ignored;
	DIR *d = file_opendir(s->dir, ".", &ignored);
	char kept[32];

	state_name(keep, kept);
	for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		if (strncmp(e->d_name, state_prefix, strlen(state_prefix)) ==
		        0 &&
		    strcmp(e->d_name, kept) != 0)
			(void)unlinkat(s->dir, e->d_name, 0);
	if (d != NULL)
		closedir(d);
	pf_tablefile_sweep(s->dir, keep);
}

/* What the kernel was told, it may have done although we did not hear so. */
static bool
is_loaded(uint64_t generation)
{
	struct error ignored;
	uint64_t there;

	return pf_kernel_generation(&there, &ignored) == 0 &&
	       there == generation;
}

/* Pf as before anybody used it: disabled, without rules and tables. Our files
 * go when the store is closed. */
static int
forget(struct pf_store *s, struct pf_config *conf, struct error *err)
{
	cleanup_buf struct buf words = BUF_INIT;

	pf_kernel_put_removal(s->generation, &words);
	if (words.failed)
		return error_set(err, -ENOMEM, "out of memory");
	if (s->generation != 0 && pf_kernel_apply(buf_str(&words), err) < 0)
		return err->code;
	s->generation = 0;
	if (conf != s->conf)
		conf->held = s->conf;
	s->conf = conf;
	return 0;
}

int
pf_store_commit(struct pf_store *s, struct pf_config *conf,
                const struct buf *sections, const struct buf *program,
                struct error *err)
{
	cleanup_buf struct buf words = BUF_INIT;
	uint64_t now;

	if (!s->enabled && sections->len == 0)
		return forget(s, conf, err);
	if (getrandom(&now, sizeof(now), 0) != sizeof(now))
		return error_sys(err, "random number");
	now |= 1;
	checksum(s, sections);
	buf_puts(&words, buf_str(program));
	pf_kernel_put_generation(s->generation, now, &words);
	if (words.failed)
		return error_set(err, -ENOMEM, "out of memory");
	if (write_state(s, now, conf, sections, err) < 0)
		return err->code;
	if (pf_contents_save(conf, s->dir, s->generation, now, err) < 0 ||
	    (pf_kernel_apply(buf_str(&words), err) < 0 && !is_loaded(now))) {
		sweep(s, s->generation);
		return err->code;
	}
	sweep(s, now);
	s->generation = now;
	if (conf != s->conf)
		conf->held = s->conf;
	s->conf = conf;
	return 0;
}
