// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the kernel defines. A stable ABI, so that no header of the kernel or of libbpf is needed,
// and the same compiler makes the same object on every machine. No helper that is called is
// reserved for GPL programs.

#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;

#define INLINE static inline __attribute__((always_inline))
#define PROGRAM(name) __attribute__((section("tc/" name), used))
#define MAP __attribute__((section("maps"), used))
#define be16(x) ((u16)__builtin_bswap16(x))
#define be32(x) ((u32)__builtin_bswap32(x))

// struct __sk_buff
struct skb {
	u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto;
	u32 priority, ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid;
	u32 data, data_end, napi_id, family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4];
	u32 remote_port, local_port, data_meta;
	u64 flow_keys, tstamp;
	u32 wire_len, gso_segs;
	u64 sk;
	u32 gso_size;
};

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static u64 (*const ktime)(void) = (void *)5;
static long (*const store_bytes)(struct skb *skb, u32 offset, const void *from, u32 len,
				 u64 flags) = (void *)9;
static long (*const tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static long (*const clone_redirect)(struct skb *skb, u32 ifindex, u64 flags) = (void *)13;
static long (*const load_bytes)(const void *skb, u32 offset, void *to, u32 len) = (void *)26;
static long (*const change_tail)(struct skb *skb, u32 len, u64 flags) = (void *)38;
static long (*const pull_data)(struct skb *skb, u32 len) = (void *)39;
static long (*const change_head)(struct skb *skb, u32 len, u64 flags) = (void *)43;
static void *(*const ring_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*const ring_submit)(void *data, u64 flags) = (void *)132;
static void (*const ring_discard)(void *data, u64 flags) = (void *)133;
static u64 (*const ring_query)(void *ring, u64 flags) = (void *)134;

enum {
	NEXT = -1, // TC_ACT_UNSPEC: other programs and filters, then the stack, see the packet
	DROP = 2,  // TC_ACT_SHOT

	LOOPBACK = 5, // PACKET_LOOPBACK
	OTHERHOST = 3, // PACKET_OTHERHOST

	IPV4 = 0x0800,
	IGMP = 2,
	ETHERNET = 14,
	INGRESS = 1, // BPF_F_INGRESS

	HASH = 1, // BPF_MAP_TYPE_…
	ARRAY = 2,
	PROG_ARRAY = 3,
	ARRAY_OF_MAPS = 12,
	RINGBUF = 27,

	NO_PREALLOC = 1, // BPF_F_…
	MMAPABLE = 1024,
};

#define SECOND 1000000000ll
