/* SPDX-License-Identifier: BSD-2-Clause */
/* initrd.c - modules found and packed. */
#include "manage/initrd.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "linux/file.h"

/* What a disk needs. ext4 asks for crc32c by a name that modules.dep has not.
 * The button listens when the host presses it. */
static const char *const wanted[] = { "crc32c_generic", "virtio_pci",
	                              "virtio_blk", "ext4", "button" };

/* ---- which modules ---- */

/* Is path a file of the module name? "-" and "_" are the same. */
static bool
is_module(const char *path, size_t len, const char *name)
{
	const char *base = path;

	for (size_t i = 0; i < len; i++)
		if (path[i] == '/')
			base = path + i + 1;
	len -= (size_t)(base - path);
	for (; *name != '\0'; base++, name++, len--)
		if (len == 0 || (*base == '-' ? '_' : *base) !=
		                    (*name == '-' ? '_' : *name))
			return false;
	return len >= 3 && memcmp(base, ".ko", 3) == 0;
}

static int
push_once(struct strv *out, const char *path)
{
	return strv_has(out, path) ? 0 : strv_push(out, path);
}

int
initrd_modules(const char *dep, const char *name, struct strv *out)
{
	for (const char *at = dep; *at != '\0';) {
		size_t len = strcspn(at, "\n"), own = strcspn(at, ":\n");

		if (own < len && is_module(at, own, name)) {
			cleanup_strv struct strv words = STRV_INIT;
			int r = strv_pushn(&words, at, own);
			cleanup_free char *rest =
			    strndup(at + own + 1, len - own - 1);

			if (r < 0 || rest == NULL ||
			    strv_split(&words, rest, " ", false) < 0)
				return -ENOMEM;
			/* What is needed first stands last. */
			for (size_t i = words.n; r == 0 && i-- > 0;)
				r = push_once(out, words.v[i]);
			return r;
		}
		at += len + (at[len] == '\n');
	}
	return 0;
}

/* ---- the archive ---- */

struct archive {
	FILE *f;
	unsigned inode;
};

static void
pad(struct archive *a, size_t len)
{
	static const char zeros[4];

	fwrite(zeros, 1, (4 - len % 4) % 4, a->f);
}

static void
add(struct archive *a, const char *name, unsigned mode, dev_t dev,
    const void *data, size_t len)
{
	size_t name_len = strlen(name) + 1;
	unsigned links = S_ISDIR(mode) ? 2 : 1;

	fprintf(a->f,
	        "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
	        ++a->inode, mode, 0U, 0U, links, 0U, (unsigned)len, 0U, 0U,
	        major(dev), minor(dev), (unsigned)name_len, 0U);
	fwrite(name, 1, name_len, a->f);
	pad(a, 110 + name_len);
	if (len != 0)
		fwrite(data, 1, len, a->f);
	pad(a, len);
}

static int
add_file(struct archive *a, int dir, const char *path, const char *name,
         unsigned mode, struct error *err)
{
	cleanup_free char *data = NULL;
	size_t len;

	if (file_read(dir, path, INITRD_MAX_FILE, &data, &len, err) < 0)
		return err->code;
	add(a, name, S_IFREG | mode, 0, data, len);
	return 0;
}

static int
add_modules(struct archive *a, int dir, struct error *err)
{
	cleanup_strv struct strv paths = STRV_INIT;
	cleanup_buf struct buf list = BUF_INIT;
	cleanup_free char *dep = NULL;
	size_t len;

	if (file_read(dir, "modules.dep", INITRD_MAX_DEP, &dep, &len, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (initrd_modules(dep, wanted[i], &paths) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < paths.n; i++) {
		const char *slash = strrchr(paths.v[i], '/');
		char name[NAME_MAX + 8];

		snprintf(name, sizeof(name), "lib/%s",
		         slash != NULL ? slash + 1 : paths.v[i]);
		if (add_file(a, dir, paths.v[i], name, 0644, err) < 0)
			return err->code;
		buf_printf(&list, "%s\n", name);
	}
	if (list.failed)
		return error_set(err, -ENOMEM, "out of memory");
	add(a, "modules", S_IFREG | 0644, 0, list.data, list.len);
	return 0;
}

int
initrd_write(const char *modules, const char *init, const char *out,
             struct error *err)
{
	static const char *const dirs[] = { "dev", "lib", "proc", "root" };
	cleanup_close int dir =
	    open(modules, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct archive a = { .f = NULL };
	int r;

	if (dir < 0)
		return error_sys(err, "open '%s'", modules);
	a.f = fopen(out, "we");
	if (a.f == NULL)
		return error_sys(err, "create '%s'", out);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		add(&a, dirs[i], S_IFDIR | 0755, 0, NULL, 0);
	add(&a, "dev/console", S_IFCHR | 0600, makedev(5, 1), NULL, 0);
	r = add_file(&a, AT_FDCWD, init, "init", 0755, err);
	if (r == 0)
		r = add_modules(&a, dir, err);
	add(&a, "TRAILER!!!", 0, 0, NULL, 0);
	if (ferror(a.f) != 0 && r == 0)
		r = error_set(err, -EIO, "write '%s'", out);
	if (fclose(a.f) != 0 && r == 0)
		r = error_sys(err, "write '%s'", out);
	return r;
}
