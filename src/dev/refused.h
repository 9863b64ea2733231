/* SPDX-License-Identifier: BSD-2-Clause */
/* refused.h - words of bhyve's for which there is nothing behind: each is
 * refused by its name, with the reason.
 */
#ifndef DEV_REFUSED_H
#define DEV_REFUSED_H

struct config_node;
struct error;

/* Why there is no such emulation of bhyve's; NULL: it has no such either. */
const char *refused_emulation(const char *name);
/* -ENOTSUP: a key of the tree wants what is not there. */
int refused_keys(struct config_node *root, struct error *err);
#endif
