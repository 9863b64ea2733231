/* SPDX-License-Identifier: BSD-2-Clause */
/* claim.h - what only one jail may have: a name, a uid range, addresses.
 *
 * Claims are links and empty files below the runtime directory; the caller
 * holds its lock while taking them. A claim whose jail's directory is gone is
 * void. dict is the claiming jail's record.
 */
#ifndef JAIL_CLAIM_H
#define JAIL_CLAIM_H
#include <stdbool.h>
#include <stdint.h>

#include "base/dict.h"
#include "base/error.h"

enum { CLAIM_NAME_MAX = 256 }; /* a name's 255 bytes and the NUL */

/* The file below name/ that stands for a name: the name itself, but for the
 * slashes that FreeBSD allows in it. Pure; a file's name stands for itself. */
void claim_name_file(const char *name, char out[CLAIM_NAME_MAX]);
/* The jid that holds a name; 0: nobody. */
int claim_name_holder(int run, const char *name);
int claim_name(int run, const char *name, int jid, struct error *err);
void claim_name_drop(int run, const char *name, int jid);

/* A free uid range for jid, its slot to *out_slot; claim_uids() takes it. */
int claim_uids_find(int run, int jid, unsigned *out_slot, struct error *err);
int claim_uids(int run, unsigned slot, int jid, struct error *err);
/* The first host uid of a slot's range. */
uint32_t claim_uid_base(unsigned slot);
/* That of a record's claim, also when the jail does without the range; 0: it
 * claimed none. */
uint32_t claim_uid_of(const struct dict *rec);

/*
 * Claim every address of a comma list. -EADDRINUSE "IPv4 addresses clash": a
 * living jail (is_alive tells) has one of them and not both jails have exactly
 * that one address.
 */
int claim_addrs(int run, const char *list, int jid,
                bool (*is_alive)(void *arg, int jid, bool *out_single),
                void *arg, struct error *err);
void claim_addrs_drop(int run, const char *list, int jid);

/* Give up everything a record names. */
void claim_release(int run, int jid, const struct dict *rec);
#endif
