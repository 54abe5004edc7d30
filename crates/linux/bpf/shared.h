// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the programs share with user space: structures and maps. crates/linux/src/ebpf/layout.rs
// has the same structures.

#pragma once

#include "kernel.h"

// The sizes that crates/linux/src/ebpf repeats; loading the object checks them.
enum {
	CHUNK = 16384,       // entries, or oifs, in an inner map
	CHUNKS = 1088,       // inner maps: 2^24 flows and the refused ones
	GENERATIONS = 9,     // hash tables of flows, each twice as large as the one before
	FIRST = 65536,       // buckets in the first of them, and in an inner map
	PAIRS = FIRST / 2,
	BUCKET_CHUNKS = (1 << GENERATIONS) - 1,
	CHAIN = 32,          // the most entries of a bucket that programs look at
	PORTS = 16384,       // interfaces
	SETS = 16384,        // of four flows, or arrivals, that user space has been told of
	WAYS = 4,
	RING = 16 << 20,
	ROUND = 64,          // copies before a tail call
	PARCELS = 16,        // packets that are sent on in one run, with two tail calls each
	KEPT = 4,            // first packets of a flow
	SHARE = 1 << 17,     // records of an interface that may wait for user space
	FEW = 1 << 10,       // records of an interface that may wait when the ring is nearly full
};

// Interface indexes, thresholds and counters of a map are in host byte order, addresses in
// network byte order.

struct flow {
	u32 group, source;
};

// Two buckets of a hash table of flows: an element of an array takes 8 bytes at least. A slot is
// stored as its number + 1; 0 ends the chain.
struct buckets {
	u32 first[2];
};

// One (s,g) entry. User space swaps `run` by one store. It reuses an entry that it has taken out of
// its chain only when no program can still be there.
struct entry {
	struct flow flow;
	u32 next; // in the same bucket
	u32 iif;
	u64 run; // number of oifs << 32 | index of the first
	u32 flags, unused;
	u64 packets, octets, negative, wrong;
	u64 user; // of user space alone
};

enum { HELD = 1 }; // entry.flags: packets still go to user space

// One oif of an entry.
struct out {
	u32 port, threshold;
	u64 packets, ttl_too_low, too_large, discards;
};

// An interface as an oif.
struct port {
	u32 ifindex, mtu, flags;
	u8 destination[6], source[6];
	u32 unused[2];
};

enum {
	UP = 1,       // port.flags
	NEIGHBOUR = 2, // its copies go to `destination`, not to the group's address
};

// An interface on which packets arrive.
struct arrivals {
	s64 full_at;  // when the bucket of new flows is full again
	s64 interval; // what a new flow adds to that; 0 means that flows are not limited
	s64 depth;
	u64 told, refused, lost, invalid, cut;
	u64 written, taken; // records, and those of them that user space has done
};

struct config {
	u32 on, generations;
	u64 factors[2]; // odd and secret, so that senders cannot choose flows of one bucket
};

// A flow without an entry that user space was told of. Nothing waits for a lock here: where two
// processors write at a time, user space may be told once more.
struct pending {
	struct flow flow;
	u32 since, count; // in ticks; 0 packets: free
};

struct pendings {
	struct pending way[WAYS];
};

// A flow that the limit of new flows has refused, so that user space can say so. Of the flows with
// the same number, only the last refused one is stored.
struct refusal {
	struct flow flow;
	u32 ifindex, since; // in ticks
};

// An arrival on a wrong interface that user space was told of.
struct wrong {
	struct flow flow;
	u32 ifindex, since;
};

struct wrongs {
	struct wrong way[WAYS];
};

// What user space is told. The packet follows, from its IP header.
struct record {
	u16 kind, number; // the number of the element of `arrivals`
	u32 ifindex;
	struct flow flow;
	u32 length; // of the packet
	u32 held;   // how many of its bytes follow
	u32 mark, priority;
};

enum { NEW = 1, MORE = 2, WRONG = 3 }; // record.kind

// A packet that user space has kept, from its IP header. Length 0 ends the list.
struct parcel {
	u32 length, mark, priority, done;
	u8 packet[2072];
};

enum { COPIES, RESEND, LOOP, TAILS }; // elements of `tails`, and their number

struct map {
	u32 type, key, value, entries, flags;
};

MAP struct map config = {ARRAY, 4, sizeof(struct config), 1, MMAPABLE};
MAP struct map ifaces = {HASH, 4, 4, PORTS, NO_PREALLOC};
MAP struct map arrivals = {ARRAY, 4, sizeof(struct arrivals), PORTS, MMAPABLE};
MAP struct map ports = {ARRAY, 4, sizeof(struct port), PORTS, MMAPABLE};
// One more, which programs do not read: user space changes it, and waits as the kernel does then.
MAP struct map flows = {ARRAY_OF_MAPS, 4, 4, BUCKET_CHUNKS + 1, 0};
MAP struct map flows_inner = {ARRAY, 4, sizeof(struct buckets), PAIRS, MMAPABLE};
MAP struct map entries = {ARRAY_OF_MAPS, 4, 4, CHUNKS, 0};
MAP struct map entries_inner = {ARRAY, 4, sizeof(struct entry), CHUNK, MMAPABLE};
MAP struct map outs = {ARRAY_OF_MAPS, 4, 4, CHUNKS, 0};
MAP struct map outs_inner = {ARRAY, 4, sizeof(struct out), CHUNK, MMAPABLE};
MAP struct map pendings = {ARRAY, 4, sizeof(struct pendings), SETS, MMAPABLE};
MAP struct map refusals = {ARRAY, 4, sizeof(struct refusal), SETS, MMAPABLE};
MAP struct map wrongs = {ARRAY, 4, sizeof(struct wrongs), SETS, 0};
MAP struct map tails = {PROG_ARRAY, 4, 4, TAILS, 0};
MAP struct map parcels = {ARRAY, 4, sizeof(struct parcel), PARCELS, MMAPABLE};
MAP struct map ring = {RINGBUF, 0, 0, RING, 0};

__attribute__((section("license"), used)) char licence[] = "MIT";

#define count(counter, by) __sync_fetch_and_add(&(counter), by)
