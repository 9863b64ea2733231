/* SPDX-License-Identifier: BSD-2-Clause */
/* rxfilter.h - which frames of the wire a network card's driver wants: modes, a
 * table of addresses, a table of VLANs.
 *
 * Until a driver speaks every frame is wanted, as older drivers expect. A table
 * longer than ours lets all addresses of its kind in. Frames without a VLAN
 * tag, and those whose tag is for priority alone, pass the VLAN table; a
 * promiscuous card passes all. Source: VIRTIO 1.2, 5.1.6.5.1 to 5.1.6.5.3.
 *
 * Thread-safe: each receiving queue asks, the control queue sets.
 */
#ifndef DEV_VIRTIO_RXFILTER_H
#define DEV_VIRTIO_RXFILTER_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RXFILTER_MACS = 64, /* of each kind */
	RXFILTER_VLANS = 4096,
	RXFILTER_HEAD = 18 /* bytes of a frame that are looked at */
};

/* Numbered as the commands that set them. */
enum rxfilter_mode {
	RX_PROMISC,
	RX_ALLMULTI,
	RX_ALLUNI,
	RX_NOMULTI,
	RX_NOUNI,
	RX_NOBCAST,
	RX_MODES
};

struct rxfilter_table {
	uint32_t n; /* over RXFILTER_MACS: every address is in it */
	uint8_t mac[RXFILTER_MACS * 6];
};

struct rxfilter {
	pthread_mutex_t lock; /* all below; a leaf */
	bool by_vlan;         /* the driver knows of the VLAN table */
	uint8_t own[6];
	uint8_t mode[RX_MODES];
	struct rxfilter_table uni, multi;
	uint8_t vlan[RXFILTER_VLANS / 8];
};

/* Rows of a state table, m its struct rxfilter's member name; own and by_vlan
 * follow from the card's other registers. */
#define RXFILTER_STATE(type, m)                                                \
	STATE_ARRAY(type, m.mode), STATE_FIELD(type, m.uni.n),                 \
	    STATE_ARRAY(type, m.uni.mac), STATE_FIELD(type, m.multi.n),        \
	    STATE_ARRAY(type, m.multi.mac), STATE_ARRAY(type, m.vlan)

void rxfilter_init(struct rxfilter *f);
void rxfilter_fini(struct rxfilter *f);
/* As at power-on: everything is wanted. */
void rxfilter_reset(struct rxfilter *f);
void rxfilter_set_own(struct rxfilter *f, const uint8_t mac[6]);
void rxfilter_set_mode(struct rxfilter *f, enum rxfilter_mode mode, bool on);
void rxfilter_set_tables(struct rxfilter *f, const struct rxfilter_table *uni,
                         const struct rxfilter_table *multi);
/* False: there is no such VLAN. */
bool rxfilter_set_vlan(struct rxfilter *f, unsigned vlan, bool in);

/* len bytes of the frame's beginning, RXFILTER_HEAD where it has as many. What
 * is too short to be a frame is not wanted. */
bool rxfilter_wants(struct rxfilter *f, const uint8_t *head, size_t len);
#endif
