/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor.h - which mechanisms this host has, and what is used instead. */
#ifndef MANAGE_DOCTOR_H
#define MANAGE_DOCTOR_H

enum doctor_state {
	DOCTOR_HAS,      /* text: what it is used for */
	DOCTOR_FALLBACK, /* text: what is used instead */
	DOCTOR_LACKS,    /* text: what is refused without it */
};

struct doctor_row {
	const char *name;
	enum doctor_state state;
	const char *text; /* until the next row */
};

/* Probe everything, telling each row. Needs root for true answers. Returns 0,
 * or 1 when something that jails cannot do without is missing. */
int doctor_run(void (*show)(void *arg, const struct doctor_row *row),
               void *arg);
#endif
