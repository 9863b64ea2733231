/* SPDX-License-Identifier: BSD-2-Clause */
/* toward.h - by which interface an address is reached, as routes are now.
 *
 * A connection's entry does not keep where it came in and went out; its routes
 * tell, unless they have changed or packets come another way than they go.
 */
#ifndef PF_TOWARD_H
#define PF_TOWARD_H
#include <stdbool.h>

#include "linux/nl.h"
#include "pf/rule.h"

struct pf_toward {
	struct nl_sock nl;
};

/* In the network namespace we are in. */
int pf_toward_open(struct pf_toward *t, struct error *err);
void pf_toward_close(struct pf_toward *t);

/* toward is a struct pf_toward. The interface's name; false: no route. Fits
 * struct pf_states_env. */
bool pf_toward_ifname(void *toward, unsigned af, const struct pf_ip *ip,
                      char out[PF_IFNAME_SIZE]);
#endif
