// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The data path of the ebpf forwarder. docs/ebpf.md describes it; `make bpf` compiles it.
//
//   mgm_l2, mgm_l3   packets that arrive on an interface with, or without, an Ethernet header
//   mgm_own          packets that this machine sends on an interface with an Ethernet header
//   mgm_own_l3       the same, without one: it makes them arrive on that interface
//   mgm_resend       the first packets of a flow, which user space kept until the entry came
//   mgm_copies       sends copies of a packet; the others call it
//
// It uses no header of the kernel or of libbpf, so that the same compiler makes the same object
// on every machine. What it declares is the kernel's stable ABI. No helper that it calls is
// reserved for GPL programs.

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
static long (*const map_update)(void *map, const void *key, const void *value, u64 flags) =
	(void *)2;
static long (*const map_delete)(void *map, const void *key) = (void *)3;
static u64 (*const ktime)(void) = (void *)5;
static long (*const tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static long (*const clone_redirect)(struct skb *skb, u32 ifindex, u64 flags) = (void *)13;
static long (*const load_bytes)(const void *skb, u32 offset, void *to, u32 len) = (void *)26;
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
	LRU_HASH = 9,
	ARRAY_OF_MAPS = 12,
	RINGBUF = 27,

	NO_PREALLOC = 1, // BPF_F_…
	MMAPABLE = 1024,
};

#define SECOND 1000000000ll

// The sizes that crates/linux/src/ebpf repeats; loading the object checks them.
enum {
	CHUNK = 65536,       // entries, or oifs, in an inner map
	CHUNKS = 272,        // inner maps: 2^24 flows and the refused ones
	GENERATIONS = 9,     // hash tables of flows, each twice as large as the one before
	FIRST = 65536,       // flows in the first of them
	PORTS = 16384,       // interfaces
	PENDING = 65536,     // flows that user space has been told of
	RING = 16 << 20,
	ROUND = 64,          // copies before a tail call
	KEPT = 4,            // first packets of a flow
};

// Interface indexes, thresholds and counters of a map are in host byte order, addresses in
// network byte order.

struct flow {
	u32 group, source;
};

struct arrival {
	struct flow flow;
	u32 ifindex;
};

// One (s,g) entry. User space swaps `run` by one store.
struct entry {
	u64 run; // number of oifs << 32 | index of the first
	u32 iif, flags;
	u64 packets, octets, negative, wrong, wrong_octets;
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
};

struct config {
	u32 on, generations;
};

struct pending {
	s64 since;
	u32 count, unused;
};

// What user space is told. The packet follows, from its IP header.
struct record {
	u32 kind, ifindex;
	struct flow flow;
	u32 length; // of the packet
	u32 held;   // how many of its bytes follow
	u32 mark, priority;
};

enum { NEW = 1, MORE = 2, WRONG = 3 }; // record.kind

struct map {
	u32 type, key, value, entries, flags;
};

MAP struct map config = {ARRAY, 4, sizeof(struct config), 1, MMAPABLE};
MAP struct map ifaces = {HASH, 4, 4, PORTS, NO_PREALLOC};
MAP struct map arrivals = {ARRAY, 4, sizeof(struct arrivals), PORTS, MMAPABLE};
MAP struct map ports = {ARRAY, 4, sizeof(struct port), PORTS, MMAPABLE};
// One more, which programs do not read: user space changes it, and waits as the kernel does then.
MAP struct map flows = {ARRAY_OF_MAPS, 4, 4, GENERATIONS + 1, 0};
MAP struct map flows_inner = {HASH, sizeof(struct flow), 4, FIRST, NO_PREALLOC};
MAP struct map entries = {ARRAY_OF_MAPS, 4, 4, CHUNKS, 0};
MAP struct map entries_inner = {ARRAY, 4, sizeof(struct entry), CHUNK, MMAPABLE};
MAP struct map outs = {ARRAY_OF_MAPS, 4, 4, CHUNKS, 0};
MAP struct map outs_inner = {ARRAY, 4, sizeof(struct out), CHUNK, MMAPABLE};
MAP struct map pendings = {LRU_HASH, sizeof(struct flow), sizeof(struct pending), PENDING, 0};
MAP struct map wrongs = {LRU_HASH, sizeof(struct arrival), 8, PENDING, 0};
MAP struct map tails = {PROG_ARRAY, 4, 4, 1, 0};
MAP struct map ring = {RINGBUF, 0, 0, RING, 0};

__attribute__((section("license"), used)) char licence[] = "MIT";

#define count(counter, by) __sync_fetch_and_add(&(counter), by)

enum mode { ARRIVED, OWN, RESENT };

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

// Copies the first bytes of the packet behind the record, at most 20 + `mask`.
INLINE int submit(struct skb *skb, struct record *record, const struct record *what,
		  const u32 mask, u32 l2)
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
	ring_submit(record, 0);
	return 1;
}

enum { SMALL = 63, MIDDLE = 127, LONG = 511, LARGE = 2047 }; // what records hold beyond 20 bytes

#define TELL(mask)                                                                     \
	do {                                                                           \
		const u64 size = (sizeof(struct record) + 20 + (mask) + 7) & ~7;       \
		struct record *record = ring_reserve(&ring, size, 0);                  \
		if (record)                                                            \
			return submit(skb, record, what, mask, l2);                    \
	} while (0)

// Tells user space of a packet, by a record of the size that fits. When the ring is half full,
// only headers: rather lose packets than flows.
INLINE int tell(struct skb *skb, struct arrivals *port, const struct record *what, u32 l2)
{
	u32 more = what->length - 20;
	int is_cut = ring_query(&ring, 0) > RING / 2 || skb->gso_size || more > LARGE;
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

// A packet without an entry.
INLINE int unresolved(struct skb *skb, struct arrivals *port, struct record *what, u32 l2)
{
	s64 now = ktime();
	struct pending *known = map_lookup(&pendings, &what->flow);
	what->kind = MORE;
	if (known && known->count && now - known->since < 10 * SECOND) {
		if (known->count >= KEPT)
			return NEXT;
		count(known->count, 1);
	} else {
		if (!has_room(port, now)) {
			count(port->refused, 1);
			return NEXT;
		}
		struct pending first = {.since = now, .count = 1};
		map_update(&pendings, &what->flow, &first, 0);
		count(port->told, 1);
		what->kind = NEW;
	}
	if (!tell(skb, port, what, l2))
		map_delete(&pendings, &what->flow); // so that the next packet tells again
	return NEXT;
}

// A packet on another interface than the iif: told once in 3 s. A little more, so that user
// space, which measures the time too, does not drop one because it was quick.
INLINE int wrong(struct skb *skb, struct arrivals *port, struct record *what, u32 l2)
{
	s64 now = ktime();
	struct arrival key = {what->flow, what->ifindex};
	s64 *last = map_lookup(&wrongs, &key);
	if (last && now - *last < 3 * SECOND + SECOND / 100)
		return NEXT;
	if (last)
		*last = now;
	else
		map_update(&wrongs, &key, &now, 0);
	what->kind = WRONG;
	if (!tell(skb, port, what, l2))
		map_delete(&wrongs, &key);
	return NEXT;
}

INLINE struct entry *find_entry(const struct config *config, const struct flow *flow)
{
	for (u32 i = 0; i < GENERATIONS; i++) {
		if (i >= config->generations)
			break;
		u32 generation = i;
		void *table = map_lookup(&flows, &generation);
		u32 *slot = table ? map_lookup(table, flow) : 0;
		if (!slot)
			continue;
		u32 chunk = *slot / CHUNK, at = *slot % CHUNK;
		void *inner = map_lookup(&entries, &chunk);
		return inner ? map_lookup(inner, &at) : 0;
	}
	return 0;
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
		.ifindex = ifindex,
		.flow = {ip.group, ip.source},
		.length = be16(ip.length),
		.mark = skb->mark,
		.priority = skb->priority,
	};
	struct entry *entry = find_entry(config_, &what.flow);
	if (!entry) {
		if (mode == RESENT)
			return DROP;
		return ip.ttl <= 1 ? NEXT : unresolved(skb, port, &what, l2);
	}
	u32 segments = skb->gso_segs ? skb->gso_segs : 1, transport = skb->gso_size ? 8 : 0;
	u64 length = octets(&ip, segments, transport);
	if (entry->iif != ifindex) {
		count(entry->wrong, segments);
		count(entry->wrong_octets, length);
		return wrong(skb, port, &what, l2);
	}
	if (mode != RESENT && *(volatile u32 *)&entry->flags & HELD) {
		what.kind = MORE;
		tell(skb, port, &what, l2);
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
	tail_call(skb, &tails, 0);
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
	if (!skb->ingress_ifindex && skb->sk && is_routable(skb, &ip, 0))
		clone_redirect(skb, skb->ifindex, INGRESS);
	return NEXT;
}

PROGRAM("mgm_resend") int mgm_resend(struct skb *skb)
{
	return forward(skb, ETHERNET, RESENT);
}

// Sends copies of a packet to the oifs of cb[0] to cb[0] + cb[1], then gives the stack the packet
// as it came. This is a program of its own, because the kernel makes a program that writes to
// packets copy the head of each packet that somebody else holds, a unicast packet too.
PROGRAM("mgm_copies") int mgm_copies(struct skb *skb)
{
	u32 at = skb->cb[0], left = skb->cb[1], segments = skb->gso_segs ? skb->gso_segs : 1;
	u32 how = skb->cb[2], chunk = at / CHUNK;
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
		tail_call(skb, &tails, 0);
		skb->cb[0] = skb->cb[1] = 0;
	}
	return NEXT;
}
