/* SPDX-License-Identifier: BSD-2-Clause */
/* engines.c - the table of engines, best first. */
#include "engine/engines.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "engine/kvm/kvm.h"
#include "engine/soft/soft.h"
#include "vmm/engine.h"

static const struct engine_ops *const engines[] = { &engine_kvm, &engine_soft };

int
engine_select(const char *word, const struct engine_ops **out_ops,
              struct error *why, struct error *err)
{
	bool any = strcmp(word, "auto") == 0;

	why->msg[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		if (!any && strcmp(word, engines[i]->name) != 0)
			continue;
		if (engines[i]->probe(err) == 0) {
			*out_ops = engines[i];
			return 0;
		}
		if (!any)
			return error_wrap(err, "engine '%s'", word);
		*why = *err;
		error_wrap(why, "engine '%s'", engines[i]->name);
	}
	return error_set(err, any ? -ENODEV : -EINVAL,
	                 any ? "no engine works here"
	                     : "engine '%s': want auto, kvm or soft",
	                 word);
}
