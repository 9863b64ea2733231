/* SPDX-License-Identifier: BSD-2-Clause */
/* aml.h - writing ACPI Machine Language: objects that nest, and the resource
 * descriptors within them.
 *
 * What opens (scope, device, method, package, buffer, if, field) is ended by
 * aml_end(), which writes its length; terms are written operator first, as AML
 * has them. Names: up to four characters a segment, padded here; '.' between
 * them, '\' and '^' in front. The text is our own; misuse aborts.
 * Source: ACPI 6.4, chapter 20; resources: 6.4.
 */
#ifndef DEV_AML_H
#define DEV_AML_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { AML_MAX_DEPTH = 12 };

struct aml {
	struct buf *out;
	size_t open[AML_MAX_DEPTH]; /* where the lengths belong */
	unsigned depth;
	size_t template_at; /* AML of an open resource template, 0: none */
};

/* Operators and objects of one byte. */
enum aml_op {
	AML_ZERO = 0x00,
	AML_LOCAL0 = 0x60,
	AML_ARG0 = 0x68,
	AML_ARG3 = 0x6b,
	AML_STORE = 0x70, /* value, target */
	AML_AND = 0x7b,   /* a, b, target */
	AML_SHIFT_LEFT = 0x79,
	AML_FIND_SET_RIGHT = 0x82, /* value, target */
	AML_DECREMENT = 0x76,
	AML_CREATE_WORD_FIELD = 0x8b, /* buffer, byte index, name */
	AML_ELSE = 0xa1,
	AML_LESS = 0x95,
	AML_NOTIFY = 0x86, /* object, value */
	AML_RETURN = 0xa4
};

void aml_op(struct aml *a, enum aml_op op);
void aml_ref(struct aml *a, const char *name); /* the object of that name */
void aml_int(struct aml *a, uint64_t v);
void aml_string(struct aml *a, const char *s);
void aml_eisa_id(struct aml *a, const char *id); /* "PNP0A03" */
void aml_name(struct aml *a, const char *name);  /* Name(name, what follows) */

/* Closed by aml_end(). */
void aml_scope(struct aml *a, const char *name);
void aml_device(struct aml *a, const char *name);
void aml_method(struct aml *a, const char *name, unsigned nargs);
void aml_package(struct aml *a, unsigned n);
void aml_if(struct aml *a); /* the predicate, then the terms */
void aml_else(struct aml *a);
/* Bytes of a region, as fields of byte access. */
void aml_region_pci(struct aml *a, const char *name, unsigned off,
                    unsigned len);
void aml_field(struct aml *a, const char *region);
void aml_field_byte(struct aml *a, const char *name);
void aml_field_skip(struct aml *a, unsigned bytes);
void aml_resources(struct aml *a);
void aml_end(struct aml *a);

/* Between aml_resources() and its end. */
void aml_res_irq(struct aml *a, unsigned irq);         /* edge, exclusive */
void aml_res_irqs_level(struct aml *a, uint16_t mask); /* low, shared */
void aml_res_io(struct aml *a, uint16_t base, uint8_t len);
void aml_res_mem32(struct aml *a, uint32_t base, uint32_t len);
enum aml_window { AML_WINDOW_MEM, AML_WINDOW_IO, AML_WINDOW_BUS };
/* Addresses [min, max] that a bridge leads down, as narrow as they fit in
 * bytes of 2, 4 or 8. */
void aml_res_window(struct aml *a, enum aml_window kind, unsigned width,
                    uint64_t min, uint64_t max);
#endif
