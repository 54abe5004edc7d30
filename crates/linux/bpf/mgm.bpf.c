// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The data path of the ebpf forwarder. docs/ebpf.md describes it; `make bpf` compiles it.
//
//   mgm_l2, mgm_l3   packets that arrive on an interface with, or without, an Ethernet header
//   mgm_own          packets that this machine sends on an interface with an Ethernet header
//   mgm_own_l3       the same, without one: it makes them arrive on that interface
//   mgm_resend       the first packets of a flow, which user space kept until the entry came
//   mgm_copies       sends copies of a packet; the others call it
//   mgm_loop         makes a packet arrive on the interface by which it leaves; mgm_own_l3 calls it
//
//   kernel.h         what the kernel defines
//   shared.h         structures and maps, which user space shares
//   packet.h         which packets multicast routing gets
//   tell.h           what user space is told

#include "packet.h"
#include "shared.h"
#include "tell.h"

enum mode { ARRIVED, OWN, RESENT };

INLINE struct entry *entry_of(u32 slot)
{
	u32 chunk = slot / CHUNK, at = slot % CHUNK;
	void *inner = map_lookup(&entries, &chunk);
	return inner ? map_lookup(inner, &at) : 0;
}

INLINE struct entry *find_entry(const struct config *config, const struct flow *flow, u32 hash)
{
	for (u32 i = 0; i < GENERATIONS; i++) {
		if (i >= config->generations)
			break;
		u32 size = (1 << i) - 1, chunk = size + (hash / FIRST & size), at = hash % FIRST / 2;
		void *inner = map_lookup(&flows, &chunk);
		struct buckets *pair = inner ? map_lookup(inner, &at) : 0;
		if (!pair)
			continue;
		u32 next = *(volatile u32 *)&pair->first[hash & 1];
		for (u32 step = 0; step < CHAIN && next; step++) {
			struct entry *entry = entry_of(next - 1);
			if (!entry)
				break;
			if (is_same(&entry->flow, flow))
				return entry;
			next = *(volatile u32 *)&entry->next;
		}
	}
	return 0;
}

enum { HAS_NO_MAC = 1 }; // cb[2] for mgm_copies

INLINE int forward(struct skb *skb, const u32 l2, const enum mode mode)
{
	struct header ip;
	u32 zero = 0, ifindex = skb->ifindex;
	if (mode == ARRIVED && (skb->pkt_type == LOOPBACK || skb->pkt_type == OTHERHOST))
		return NEXT;
	// Copies that mgm_copies sends have no socket, and those of arrived packets an interface.
	if (mode == OWN && (skb->ingress_ifindex || !skb->sk))
		return NEXT;
	if (!is_routable(skb, &ip, l2))
		return NEXT;
	struct config *config_ = map_lookup(&config, &zero);
	u32 *number = map_lookup(&ifaces, &ifindex);
	if (!config_ || !config_->on || !number)
		return NEXT;
	struct arrivals *port = map_lookup(&arrivals, number);
	if (!port)
		return NEXT;
	if (!is_valid(skb, &ip, l2)) {
		count(port->invalid, 1);
		return NEXT;
	}
	struct record what = {
		.number = *number,
		.ifindex = ifindex,
		.flow = {ip.group, ip.source},
		.length = be16(ip.length),
		.mark = skb->mark,
		.priority = skb->priority,
	};
	u32 hash = hash_of(config_, &what.flow);
	struct entry *entry = find_entry(config_, &what.flow, hash);
	if (!entry) {
		if (mode == RESENT)
			return DROP;
		return ip.ttl <= 1 ? NEXT : unresolved(skb, port, &what, hash, l2);
	}
	u32 segments = skb->gso_segs ? skb->gso_segs : 1, transport = skb->gso_size ? 8 : 0;
	u64 length = octets(&ip, segments, transport);
	if (entry->iif != ifindex) {
		count(entry->wrong, segments);
		return wrong(skb, port, &what, hash, l2);
	}
	if (mode != RESENT && *(volatile u32 *)&entry->flags & HELD) {
		what.kind = MORE;
		if (tell(skb, port, &what, l2, 1))
			return NEXT;
	}
	count(entry->packets, segments);
	count(entry->octets, length);
	u64 run = *(volatile u64 *)&entry->run;
	if (!(run >> 32)) {
		count(entry->negative, segments);
		return NEXT;
	}
	skb->cb[0] = (u32)run;
	skb->cb[1] = run >> 32;
	skb->cb[2] = l2 ? 0 : HAS_NO_MAC;
	if (mode != RESENT)
		skb->cb[3] = 0; // who had the packet before may have left something
	tail_call(skb, &tails, COPIES);
	// The kernel has emptied the array, because user space is gone. The filters of clsact stay
	// then, but forward nothing from that moment on.
	return NEXT;
}

PROGRAM("mgm_l2") int mgm_l2(struct skb *skb)
{
	return forward(skb, ETHERNET, ARRIVED);
}

PROGRAM("mgm_l3") int mgm_l3(struct skb *skb)
{
	return forward(skb, 0, ARRIVED);
}

PROGRAM("mgm_own") int mgm_own(struct skb *skb)
{
	return forward(skb, ETHERNET, OWN);
}

// The header that mgm_copies needs could not be taken off again here.
PROGRAM("mgm_own_l3") int mgm_own_l3(struct skb *skb)
{
	struct header ip;
	u32 zero = 0, ifindex = skb->ifindex;
	if (skb->ingress_ifindex || !skb->sk || !is_routable(skb, &ip, 0))
		return NEXT;
	struct config *config_ = map_lookup(&config, &zero);
	if (config_ && config_->on && map_lookup(&ifaces, &ifindex))
		tail_call(skb, &tails, LOOP);
	return NEXT; // as in forward(): user space may be gone
}

PROGRAM("mgm_loop") int mgm_loop(struct skb *skb)
{
	clone_redirect(skb, skb->ifindex, INGRESS);
	return NEXT;
}

// Sends on the packets from number cb[3] on. The packet that the program is run for gives them their
// Ethernet header and interface; mgm_copies comes back for the next one.
PROGRAM("mgm_resend") int mgm_resend(struct skb *skb)
{
	u32 at = skb->cb[3];
	struct parcel *parcel = map_lookup(&parcels, &at);
	if (!parcel)
		return DROP;
	u64 length = parcel->length;
	if (length < 20)
		return DROP;
	asm volatile("" : "+r"(length)); // so that the verifier sees two bounds
	if (length > sizeof parcel->packet)
		return DROP;
	parcel->done = 1;
	skb->cb[3] = at + 1;
	skb->mark = parcel->mark;
	skb->priority = parcel->priority;
	if (!change_tail(skb, ETHERNET + length, 0) &&
	    !store_bytes(skb, ETHERNET, parcel->packet, length, 0))
		forward(skb, ETHERNET, RESENT);
	// It has no oifs, or no entry any longer.
	tail_call(skb, &tails, RESEND);
	return DROP;
}

// Sends copies of a packet to the oifs of cb[0] to cb[0] + cb[1], then gives the stack the packet
// as it came. This is a program of its own, because the kernel makes a program that writes to
// packets copy the head of each packet that somebody else holds, a unicast packet too.
PROGRAM("mgm_copies") int mgm_copies(struct skb *skb)
{
	u32 at = skb->cb[0], left = skb->cb[1], segments = skb->gso_segs ? skb->gso_segs : 1;
	u32 how = skb->cb[2], chunk = at / CHUNK; // cb[3] is mgm_resend's
	u8 old[ETHERNET + 20];
	skb->cb[0] = skb->cb[1] = skb->cb[2] = 0;
	if (how & HAS_NO_MAC && change_head(skb, ETHERNET, 0))
		return NEXT;
	u8 *data = 0;
	if (!pull_data(skb, sizeof old))
		data = bytes(skb, sizeof old);
	if (!data)
		return NEXT;
	__builtin_memcpy(old, data, sizeof old);
	u32 group = be32(*(u32 *)(old + 30)), ttl = old[22];
	u32 size = skb->gso_size ? skb->gso_size + (old[14] & 15) * 4 + 8
				 : be16(*(u16 *)(old + 16));
	u32 checksum = *(u16 *)(old + 24) + 1; // the TTL is the low byte of a word
	if (ttl > 1) {
		data[22] = ttl - 1;
		*(u16 *)(data + 24) = (u16)(checksum + (checksum >> 16));
	}
	*(u16 *)(data + 12) = be16(IPV4);
	*(u32 *)data = be32(0x01005e00 | (group >> 16 & 0x7f));
	*(u16 *)(data + 4) = be16((u16)group);
	void *run = map_lookup(&outs, &chunk);
	for (u32 i = 0; i < ROUND && run; i++) {
		if (!left)
			break;
		u32 index = at++ % CHUNK;
		left--;
		struct out *out = map_lookup(run, &index);
		if (!out)
			break;
		u32 number = out->port;
		struct port *port = map_lookup(&ports, &number);
		if (ttl <= 1 || ttl <= out->threshold) {
			count(out->ttl_too_low, segments);
			continue;
		}
		if (!port || !(port->flags & UP)) {
			count(out->discards, segments);
			continue;
		}
		if (size > port->mtu) {
			count(out->too_large, segments);
			continue;
		}
		// While an entry changes its iif, its oifs may still contain the new one.
		if (port->ifindex == skb->ifindex && !(port->flags & NEIGHBOUR))
			continue;
		data = bytes(skb, sizeof old);
		if (!data)
			break;
		if (port->flags & NEIGHBOUR) {
			__builtin_memcpy(data, port->destination, 6);
		} else {
			*(u32 *)data = be32(0x01005e00 | (group >> 16 & 0x7f));
			*(u16 *)(data + 4) = be16((u16)group);
		}
		__builtin_memcpy(data + 6, port->source, 6);
		// 0, or NET_XMIT_CN: queued, and another packet dropped.
		long result = clone_redirect(skb, port->ifindex, 0);
		if (result == 0 || result == 2)
			count(out->packets, segments);
		else
			count(out->discards, segments);
	}
	data = bytes(skb, sizeof old);
	if (!data)
		return NEXT;
	__builtin_memcpy(data, old, sizeof old);
	if (left && run) {
		skb->cb[0] = at;
		skb->cb[1] = left;
		tail_call(skb, &tails, COPIES);
		skb->cb[0] = skb->cb[1] = 0;
	}
	if (skb->cb[3])
		tail_call(skb, &tails, RESEND);
	return NEXT;
}
