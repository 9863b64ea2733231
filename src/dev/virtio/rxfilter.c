/* SPDX-License-Identifier: BSD-2-Clause */
/* rxfilter.c - a frame's first bytes against what its driver asked for. */
#include "dev/virtio/rxfilter.h"

#include <string.h>

enum {
	MAC = 6,
	TYPE_AT = 12, /* after both addresses */
	TAG_AT = 14,  /* of an 802.1Q frame: priority and VLAN */
	TYPE_VLAN = 0x8100,
	VLAN_MASK = 0xfff
};

static const uint8_t broadcast[MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

void
rxfilter_init(struct rxfilter *f)
{
	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	rxfilter_reset(f);
}

void
rxfilter_fini(struct rxfilter *f)
{
	pthread_mutex_destroy(&f->lock);
}

void
rxfilter_reset(struct rxfilter *f)
{
	pthread_mutex_lock(&f->lock);
	memset(f->mode, 0, sizeof(f->mode));
	memset(&f->uni, 0, sizeof(f->uni));
	memset(&f->multi, 0, sizeof(f->multi));
	memset(f->vlan, 0, sizeof(f->vlan));
	f->mode[RX_PROMISC] = 1;
	f->by_vlan = false;
	pthread_mutex_unlock(&f->lock);
}

void
rxfilter_set_own(struct rxfilter *f, const uint8_t mac[6])
{
	pthread_mutex_lock(&f->lock);
	memcpy(f->own, mac, MAC);
	pthread_mutex_unlock(&f->lock);
}

void
rxfilter_set_mode(struct rxfilter *f, enum rxfilter_mode mode, bool on)
{
	pthread_mutex_lock(&f->lock);
	f->mode[mode] = on;
	pthread_mutex_unlock(&f->lock);
}

void
rxfilter_set_tables(struct rxfilter *f, const struct rxfilter_table *uni,
                    const struct rxfilter_table *multi)
{
	pthread_mutex_lock(&f->lock);
	f->uni = *uni;
	f->multi = *multi;
	pthread_mutex_unlock(&f->lock);
}

bool
rxfilter_set_vlan(struct rxfilter *f, unsigned vlan, bool in)
{
	uint8_t bit = (uint8_t)(1 << vlan % 8);

	if (vlan >= RXFILTER_VLANS)
		return false;
	pthread_mutex_lock(&f->lock);
	if (in)
		f->vlan[vlan / 8] |= bit;
	else
		f->vlan[vlan / 8] &= (uint8_t)~bit;
	pthread_mutex_unlock(&f->lock);
	return true;
}

static bool
vlan_passes(const struct rxfilter *f, const uint8_t *head, size_t len)
{
	unsigned vlan;

	if (!f->by_vlan || len < TAG_AT + 2 ||
	    (head[TYPE_AT] << 8 | head[TYPE_AT + 1]) != TYPE_VLAN)
		return true;
	vlan = (unsigned)(head[TAG_AT] << 8 | head[TAG_AT + 1]) & VLAN_MASK;
	return vlan == 0 || (f->vlan[vlan / 8] >> vlan % 8 & 1) != 0;
}

static bool
holds(const struct rxfilter_table *t, const uint8_t *mac)
{
	if (t->n > RXFILTER_MACS)
		return true;
	for (uint32_t i = 0; i < t->n; i++)
		if (memcmp(t->mac + (size_t)MAC * i, mac, MAC) == 0)
			return true;
	return false;
}

/* lock held. */
static bool
passes(const struct rxfilter *f, const uint8_t *head, size_t len)
{
	if (f->mode[RX_PROMISC] != 0)
		return true;
	if (!vlan_passes(f, head, len))
		return false;
	if (memcmp(head, broadcast, MAC) == 0)
		return f->mode[RX_NOBCAST] == 0;
	if ((head[0] & 1) != 0)
		return f->mode[RX_NOMULTI] == 0 &&
		       (f->mode[RX_ALLMULTI] != 0 || holds(&f->multi, head));
	return f->mode[RX_NOUNI] == 0 &&
	       (f->mode[RX_ALLUNI] != 0 || memcmp(head, f->own, MAC) == 0 ||
	        holds(&f->uni, head));
}

bool
rxfilter_wants(struct rxfilter *f, const uint8_t *head, size_t len)
{
	bool wanted;

	if (len < TYPE_AT + 2)
		return false;
	pthread_mutex_lock(&f->lock);
	wanted = passes(f, head, len);
	pthread_mutex_unlock(&f->lock);
	return wanted;
}
