/* SPDX-License-Identifier: BSD-2-Clause */
/* config.h - a VM's configuration: the tree of dotted names that bhyve(8)'s
 * flags and bhyve_config(5) files both write.
 *
 * Values are strings, kept as written; readers expand %(name) and convert.
 * A node has either a value or children. Strings and nodes live as long as the
 * tree. Source: bhyve_config(5), config.h's contract in libvmmapi's sense.
 */
#ifndef VMM_CONFIG_H
#define VMM_CONFIG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct config_node;
struct error;

enum {
	CONFIG_MAX_BYTES = 1 << 20, /* of one file */
	CONFIG_MAX_NODES = 16384,
	CONFIG_MAX_DEPTH = 16, /* of names, and of %(name) */
	CONFIG_MAX_NAME = 256, /* a whole dotted name */
	CONFIG_MAX_VALUE = 4096
};

int config_new(struct config **out_cfg, struct error *err);
void config_free(struct config *c);
struct config_node *config_root(struct config *c);

/*
 * Set the value of a dotted name, making nodes on the way; the last writer
 * wins. -EINVAL: a value on a node with children, or a child of a value.
 */
int config_set(struct config *c, const char *name, const char *value,
               struct error *err);
/* One "name=value", as -o and files have it; an empty value is refused. */
int config_set_option(struct config *c, const char *option, struct error *err);
/* As config_set(), name relative to a node. */
int config_set_at(struct config_node *n, const char *name, const char *value,
                  struct error *err);

/*
 * Text of a bhyve_config(5) file: pure. file is for messages:
 * "file:line: ...". Lines: blank, #comment, name=value.
 */
int config_parse(struct config *c, const char *file, const char *text,
                 size_t len, struct error *err);

/* The node of a dotted name below n, or NULL; made when missing. */
struct config_node *config_find(struct config_node *n, const char *name);
struct config_node *config_make(struct config_node *n, const char *name,
                                struct error *err);
/* The root of the tree n is in, for a device's look at global names. */
const struct config_node *config_top(const struct config_node *n);
const char *config_name(const struct config_node *n); /* its last part */
struct config_node *config_first(const struct config_node *n); /* children, in
                                                 numeric, then byte order */
struct config_node *config_next(const struct config_node *n);

/* The expanded value below n ("" names n itself), or NULL when unset or an
 * expansion fails; config_get_err() tells which. */
const char *config_get(const struct config_node *n, const char *name);
/* true on yes 1, false off no 0, any case; anything else -EINVAL. */
int config_get_bool(const struct config_node *n, const char *name, bool unset,
                    bool *out, struct error *err);
/* Decimal, 0x or 0 octal, within [min, max]. */
int config_get_num(const struct config_node *n, const char *name,
                   uint64_t unset, uint64_t min, uint64_t max, uint64_t *out,
                   struct error *err);

/* The emulation's legacy argument list: "path,ro,ser=x" -> first key "path"
 * when first is not NULL, words without '=' to "true". */
int config_set_list(struct config_node *n, const char *first, const char *list,
                    struct error *err);

/* Every "name=value", sorted, to out (config.dump). */
struct buf;
int config_dump(const struct config *c, struct buf *out);
#endif
