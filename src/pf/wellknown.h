/* SPDX-License-Identifier: BSD-2-Clause */
/* wellknown.h - protocols and services that have their names on every FreeBSD,
 * for machines and jails without /etc/protocols and /etc/services.
 * Source: IANA's Protocol Numbers and Service Names registries.
 */
#ifndef PF_WELLKNOWN_H
#define PF_WELLKNOWN_H

/* The number, or -1; the name, or NULL. Of one of several names the first is
 * the one that is printed. */
int pf_wellknown_proto(const char *name);
const char *pf_wellknown_proto_name(unsigned proto);
int pf_wellknown_service(const char *name);
const char *pf_wellknown_service_name(unsigned port);
#endif
