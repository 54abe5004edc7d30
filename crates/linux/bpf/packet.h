// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which packets multicast routing gets.

#pragma once

#include "kernel.h"

// The fixed IPv4 header, on the stack.
struct header {
	u8 version_ihl, tos;
	u16 length, id, fragment;
	u8 ttl, protocol;
	u16 checksum;
	u32 source, group;
};

INLINE u32 ihl(const struct header *ip)
{
	return (ip->version_ihl & 15) * 4;
}

// The bytes from the start of the packet's data to `length`, or 0.
INLINE u8 *bytes(struct skb *skb, u32 length)
{
	u8 *data = (u8 *)(long)skb->data;
	return data + length > (u8 *)(long)skb->data_end ? 0 : data;
}

INLINE u32 folded(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

// 1 if x < y. Without a branch, so that the verifier follows one path through the loop below.
INLINE u64 less(u64 x, u64 y)
{
	u64 difference = x - y;
	asm volatile("" : "+r"(difference));
	return difference >> 63;
}

INLINE u64 equal(u64 x, u64 y)
{
	return less(x ^ y, 1);
}

// Whether the options are valid, together with the sum of the fixed header, and have no source
// route: multicast routing forwards no packet with one.
INLINE int options_are_valid(struct skb *skb, u32 at, u32 length, u32 sum)
{
	u64 starts = 1, is_bad = 0; // bit i: an option starts at byte i
	for (u32 i = 0; i < 40; i++) {
		u8 bytes[2] = {};
		if (i >= length || load_bytes(skb, at + i, bytes, 2))
			break; // the last byte of the packet can only be an option of one byte
		sum += *(u16 *)bytes * (1 - (i & 1));
		u64 kind = bytes[0], size = bytes[1];
		u64 is_last = equal(kind, 0), is_short = is_last | equal(kind, 1);
		u64 is_start = starts >> i & 1;
		u64 next = i + is_short + (1 - is_short) * size;
		is_bad |= is_start & (equal(kind, 131) | equal(kind, 137) |
				      ((1 - is_short) & (less(size, 2) | less(length, next))));
		starts |= (is_start & (1 - is_last) & less(next, 40)) << (next & 63);
	}
	return !is_bad && folded(sum) == 0xffff;
}

// What the stack checks before multicast routing gets a packet.
INLINE int is_valid(struct skb *skb, const struct header *ip, u32 l2)
{
	const u16 *words = (const u16 *)ip;
	u32 sum = 0, length = ihl(ip), total = be16(ip->length), first = be32(ip->source) >> 24;
#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += words[i];
	if (ip->version_ihl >> 4 != 4 || length < 20 || total < length || first == 0 ||
	    first == 127 || first >= 224 || (!skb->gso_size && total > skb->len - l2))
		return 0;
	if (length == 20)
		return folded(sum) == 0xffff;
	return options_are_valid(skb, l2 + 20, length - 20, sum);
}

// Whether the packet is one to look at: IPv4, to a group that can be routed. If so, its header
// is copied. Most packets are not, so nothing is done here that is not needed to tell.
INLINE int is_routable(struct skb *skb, struct header *ip, u32 l2)
{
	if (skb->protocol != be16(IPV4))
		return 0;
	// A frame of a trunk comes again on its VLAN device, without the tag. VLAN 0 is a priority.
	if (skb->vlan_present && skb->vlan_tci & 0xfff)
		return 0;
	u8 *data = bytes(skb, l2 + 20);
	if (!data) {
		if (pull_data(skb, l2 + 20))
			return 0;
		data = bytes(skb, l2 + 20);
		if (!data)
			return 0;
	}
	__builtin_memcpy(ip, data + l2, 20);
	u32 group = be32(ip->group);
	return group >> 28 == 14 && group >> 8 != 0xe00000 && ip->protocol != IGMP;
}

// Octets of a packet, as if the device had not put several into one.
INLINE u64 octets(const struct header *ip, u32 segments, u32 transport)
{
	return be16(ip->length) + (u64)(segments - 1) * (ihl(ip) + transport);
}
