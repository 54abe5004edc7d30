// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Tells user space of new flows, and of packets on a wrong interface.

#pragma once

#include "shared.h"

// Copies the first bytes of the packet behind the record, at most 20 + `mask`.
INLINE int submit(struct skb *skb, struct record *record, const struct record *what,
		  const u32 mask, u32 l2, struct arrivals *port)
{
	u32 more = what->length - 20; // is_valid() has checked that there is a header
	if (more > mask)
		more = mask;
	*record = *what;
	record->held = 20 + more;
	asm volatile("" : "+r"(more)); // so that the verifier sees the next line
	more &= mask;
	if (load_bytes(skb, l2, record + 1, 20 + more)) {
		ring_discard(record, 0);
		return 0;
	}
	count(port->written, 1);
	ring_submit(record, 0);
	return 1;
}

enum { SMALL = 63, MIDDLE = 127, LONG = 511, LARGE = 2047 }; // what records hold beyond 20 bytes

#define TELL(mask)                                                                     \
	do {                                                                           \
		const u64 size = (sizeof(struct record) + 20 + (mask) + 7) & ~7;       \
		struct record *record = ring_reserve(&ring, size, 0);                  \
		if (record)                                                            \
			return submit(skb, record, what, mask, l2, port);                  \
	} while (0)

// Whether an interface of which so many records wait has no room for another one. The last quarter
// of the ring is for interfaces of which little waits, so that a flood on one interface does not
// concern the others. New flows must not hide packets on a wrong interface, so these have some room
// of their own.
INLINE int is_full(u16 kind, s64 waiting, u64 used)
{
	s64 share = SHARE;
	u64 room = RING / 8 * 6;
	if (kind == WRONG) {
		share += FEW;
		room += RING / 8;
	}
	return waiting >= share || (waiting >= FEW && used > room);
}

// Tells user space of a packet, by a record of the size that fits. When the ring is half full,
// only headers, unless little waits of the interface: rather lose packets than flows. If `is_held`,
// the packet is forwarded at once unless all of it can be told, so it is not lost.
INLINE int tell(struct skb *skb, struct arrivals *port, const struct record *what, u32 l2,
		const int is_held)
{
	u32 more = what->length - 20;
	u64 used = ring_query(&ring, 0);
	s64 waiting = *(volatile u64 *)&port->written - *(volatile u64 *)&port->taken;
	int is_cut = (waiting >= FEW && used > RING / 2) || skb->gso_size || more > LARGE;
	if (is_held && is_cut)
		return 0;
	if (is_full(what->kind, waiting, used)) {
		if (!is_held)
			count(port->lost, 1);
		return 0;
	}
	if (is_cut && what->kind != WRONG)
		count(port->cut, 1);
	if (is_cut || what->kind == WRONG || more <= SMALL) {
		TELL(SMALL);
	} else if (more <= MIDDLE) {
		TELL(MIDDLE);
	} else if (more <= LONG) {
		TELL(LONG);
	} else {
		TELL(LARGE);
	}
	if (!is_held)
		count(port->lost, 1);
	return 0;
}

// Whether a flow may begin on an interface. Processors that ask at the same time may permit a
// few flows too many.
INLINE int has_room(struct arrivals *port, s64 now)
{
	s64 interval = port->interval, full_at = port->full_at;
	if (!interval)
		return 1;
	if (full_at - now > port->depth)
		return 0;
	if (full_at - now < 0)
		port->full_at = now + interval;
	else
		count(port->full_at, interval);
	return 1;
}

// Times are told in ticks of some milliseconds, so that they fit.
enum { TICK = 20 };
#define ticks(time) ((u32)((u64)(time) >> TICK))

INLINE u32 hash_of(const struct config *config, const struct flow *flow)
{
	u64 mixed = ((u64)flow->source << 32 | flow->group) * config->factors[0];
	return (mixed ^ mixed >> 32) * config->factors[1] >> 32;
}

INLINE int is_same(const struct flow *one, const struct flow *other)
{
	return one->group == other->group && one->source == other->source;
}

// The element of a flow, or else the one to replace: a free one, or the oldest.
INLINE struct pending *pending_of(const struct flow *flow, u32 hash, u32 now)
{
	u32 at = hash % SETS, best = 0, age = 0;
	struct pendings *set = map_lookup(&pendings, &at);
	if (!set)
		return 0;
#pragma unroll
	for (u32 i = 0; i < WAYS; i++) {
		struct pending *it = &set->way[i];
		if (is_same(&it->flow, flow))
			return it;
		u32 its = it->count ? now - it->since : ~0u;
		if (its > age) {
			age = its;
			best = i;
		}
	}
	return &set->way[best & (WAYS - 1)];
}

INLINE struct wrong *wrong_of(const struct flow *flow, u32 ifindex, u32 hash, u32 now)
{
	u32 at = hash % SETS, best = 0, age = 0;
	struct wrongs *set = map_lookup(&wrongs, &at);
	if (!set)
		return 0;
#pragma unroll
	for (u32 i = 0; i < WAYS; i++) {
		struct wrong *it = &set->way[i];
		if (is_same(&it->flow, flow) && it->ifindex == ifindex)
			return it;
		u32 its = it->ifindex ? now - it->since : ~0u;
		if (its > age) {
			age = its;
			best = i;
		}
	}
	return &set->way[best & (WAYS - 1)];
}

INLINE void refuse(struct arrivals *port, const struct record *what, u32 hash, u32 now)
{
	u32 at = hash % SETS;
	struct refusal *refusal = map_lookup(&refusals, &at);
	count(port->refused, 1);
	if (!refusal)
		return;
	refusal->flow = what->flow;
	refusal->ifindex = what->ifindex;
	refusal->since = now;
}

// A packet without an entry.
INLINE int unresolved(struct skb *skb, struct arrivals *port, struct record *what, u32 hash, u32 l2)
{
	s64 time = ktime();
	u32 now = ticks(time);
	struct pending *known = pending_of(&what->flow, hash, now);
	if (!known)
		return NEXT;
	what->kind = MORE;
	if (known->count && is_same(&known->flow, &what->flow) &&
	    now - known->since < ticks(10 * SECOND)) {
		if (known->count >= KEPT)
			return NEXT;
		count(known->count, 1);
	} else {
		if (!has_room(port, time)) {
			refuse(port, what, hash, now);
			return NEXT;
		}
		known->flow = what->flow;
		known->since = now;
		known->count = 1;
		count(port->told, 1);
		what->kind = NEW;
	}
	if (!tell(skb, port, what, l2, 0))
		known->count = 0; // so that the next packet tells again
	return NEXT;
}

// A packet on another interface than the iif: told once in 3 s. A little more, so that user
// space, which measures the time too, does not drop one because it was quick.
INLINE int wrong(struct skb *skb, struct arrivals *port, struct record *what, u32 hash, u32 l2)
{
	u32 now = ticks(ktime());
	struct wrong *last = wrong_of(&what->flow, what->ifindex, hash, now);
	if (!last)
		return NEXT;
	if (last->ifindex == what->ifindex && is_same(&last->flow, &what->flow) &&
	    now - last->since <= ticks(3 * SECOND + SECOND / 100))
		return NEXT;
	last->flow = what->flow;
	last->ifindex = what->ifindex;
	last->since = now;
	what->kind = WRONG;
	if (!tell(skb, port, what, l2, 0))
		last->ifindex = 0;
	return NEXT;
}
