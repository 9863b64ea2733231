/* SPDX-License-Identifier: BSD-2-Clause */
/* net_control.c - virtio-net's control queue: what the driver wants to receive,
 * from where, in how many queues and how much of it left undone.
 *
 * A command is granted when its feature was negotiated and its length is right;
 * anything else is answered with an error. It runs on the first pair's worker.
 * Source: VIRTIO 1.2, 5.1.6.5.
 */
#include <endian.h>
#include <string.h>

#include "base/base.h"
#include "dev/virtio/net_internal.h"

enum { CTL_PARTS = 16, CTL_HEAD = 2 /* class and command */ };

enum net_class {
	C_RX = 0,
	C_MAC = 1,
	C_VLAN = 2,
	C_MQ = 4,
	C_GUEST_OFFLOADS = 5
};
enum { C_MAC_TABLE_SET = 0, C_MAC_ADDR_SET = 1 };
enum { C_VLAN_ADD = 0, C_VLAN_DEL = 1 };
enum net_ack { ACK_OK = 0, ACK_ERR = 1 };

unsigned
net_to_offloads(uint64_t features)
{
	static const struct {
		unsigned bit, offload;
	} rows[] = { { F_GUEST_CSUM, NETBACK_CSUM },
		     { F_GUEST_TSO4, NETBACK_TSO4 },
		     { F_GUEST_TSO6, NETBACK_TSO6 },
		     { F_GUEST_ECN, NETBACK_ECN } };
	unsigned offloads = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((features & NET_BIT(rows[i].bit)) != 0)
			offloads |= rows[i].offload;
	return offloads;
}

void
net_set_mac(struct net *n, const uint8_t mac[6])
{
	pthread_mutex_lock(&n->virtio.config_lock);
	memcpy(n->virtio.r.config, mac, 6);
	pthread_mutex_unlock(&n->virtio.config_lock);
	rxfilter_set_own(&n->filter, mac);
}

/* Each gets the command's number and its chain; the body follows CTL_HEAD. */

static uint8_t
set_mode(struct net *n, uint8_t number, const struct virtq_chain *c)
{
	uint8_t on = 0;

	(void)virtq_copy_out(c, CTL_HEAD, &on, sizeof(on));
	rxfilter_set_mode(&n->filter, number, on != 0);
	return ACK_OK;
}

/* One kind's table at *off, and past it. Its addresses are all there, though we
 * may keep none of them. */
static bool
take_table(const struct virtq_chain *c, uint64_t *off, struct rxfilter_table *t)
{
	uint32_t n;

	if (virtq_copy_out(c, *off, &n, sizeof(n)) < sizeof(n))
		return false;
	*off += sizeof(n);
	t->n = le32toh(n);
	if (t->n <= RXFILTER_MACS)
		(void)virtq_copy_out(c, *off, t->mac, 6 * (size_t)t->n);
	*off += 6 * (uint64_t)t->n;
	return *off <= c->read_bytes;
}

static uint8_t
set_tables(struct net *n, uint8_t number, const struct virtq_chain *c)
{
	struct rxfilter_table uni = { 0 }, multi = { 0 };
	uint64_t off = CTL_HEAD;

	(void)number;
	if (!take_table(c, &off, &uni) || !take_table(c, &off, &multi) ||
	    off != c->read_bytes)
		return ACK_ERR;
	rxfilter_set_tables(&n->filter, &uni, &multi);
	return ACK_OK;
}

static uint8_t
set_address(struct net *n, uint8_t number, const struct virtq_chain *c)
{
	uint8_t mac[6] = { 0 };

	(void)number;
	(void)virtq_copy_out(c, CTL_HEAD, mac, sizeof(mac));
	net_set_mac(n, mac);
	return ACK_OK;
}

static uint8_t
set_vlan(struct net *n, uint8_t number, const struct virtq_chain *c)
{
	uint16_t vlan = 0;

	(void)virtq_copy_out(c, CTL_HEAD, &vlan, sizeof(vlan));
	return rxfilter_set_vlan(&n->filter, le16toh(vlan),
	                         number == C_VLAN_ADD)
	           ? ACK_OK
	           : ACK_ERR;
}

static uint8_t
set_pairs(struct net *n, uint8_t number, const struct virtq_chain *c)
{
	uint16_t pairs = 0;

	(void)number;
	(void)virtq_copy_out(c, CTL_HEAD, &pairs, sizeof(pairs));
	pairs = le16toh(pairs);
	if (pairs < 1 || pairs > n->npairs ||
	    n->back->ops->set_queues(n->back, pairs) < 0)
		return ACK_ERR;
	n->pairs = pairs;
	return ACK_OK;
}

static uint8_t
set_offloads(struct net *n, uint8_t number, const struct virtq_chain *c)
{
	uint64_t wanted = 0;

	(void)number;
	(void)virtq_copy_out(c, CTL_HEAD, &wanted, sizeof(wanted));
	wanted = le64toh(wanted);
	if ((wanted & ~(n->virtio.r.features & NET_GUEST_OFFLOADS)) != 0 ||
	    n->back->ops->set_offloads(n->back, net_to_offloads(wanted)) < 0)
		return ACK_ERR;
	n->offloads = wanted;
	return ACK_OK;
}

static const struct {
	uint8_t class, first, last; /* commands */
	uint8_t feature;
	uint8_t bytes; /* of the body; 0: it tells itself */
	uint8_t (*run)(struct net *n, uint8_t number,
	               const struct virtq_chain *c);
} commands[] = {
	{ C_RX, RX_PROMISC, RX_ALLMULTI, F_CTRL_RX, 1, set_mode },
	{ C_RX, RX_ALLUNI, RX_NOBCAST, F_CTRL_RX_EXTRA, 1, set_mode },
	{ C_MAC, C_MAC_TABLE_SET, C_MAC_TABLE_SET, F_CTRL_RX, 0, set_tables },
	{ C_MAC, C_MAC_ADDR_SET, C_MAC_ADDR_SET, F_CTRL_MAC_ADDR, 6,
	  set_address },
	{ C_VLAN, C_VLAN_ADD, C_VLAN_DEL, F_CTRL_VLAN, 2, set_vlan },
	{ C_MQ, 0, 0, F_MQ, 2, set_pairs },
	{ C_GUEST_OFFLOADS, 0, 0, F_CTRL_GUEST_OFFLOADS, 8, set_offloads },
};

static uint8_t
command(struct net *n, const struct virtq_chain *c)
{
	uint8_t head[CTL_HEAD];

	if (virtq_copy_out(c, 0, head, sizeof(head)) < sizeof(head))
		return ACK_ERR;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (commands[i].class == head[0] &&
		    commands[i].first <= head[1] &&
		    head[1] <= commands[i].last &&
		    virtio_has(&n->virtio, commands[i].feature) &&
		    (commands[i].bytes == 0 ||
		     c->read_bytes == CTL_HEAD + (uint64_t)commands[i].bytes))
			return commands[i].run(n, head[1], c);
	return ACK_ERR;
}

void
net_control(struct net *n, unsigned queue)
{
	struct virtq *q = &n->virtio.queue[queue].q;
	struct iovec iov[CTL_PARTS];
	uint64_t gpa[CTL_PARTS];
	struct virtq_chain c = { .iov = iov, .gpa = gpa, .room = CTL_PARTS };

	for (unsigned i = 0; i < NET_CTL_QUEUE && virtq_pop(q, &c) == 1; i++) {
		uint8_t ack = command(n, &c);

		virtq_push(q, &c, (uint32_t)virtq_copy_in(&c, 0, &ack, 1));
	}
	if (virtq_publish(q))
		virtio_interrupt(&n->virtio, queue);
	if (!virtq_idle(q))
		virtio_kick(&n->virtio, queue);
}
