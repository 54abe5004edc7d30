//! The classic BPF programs that let IGMP pass, or all multicast packets.
//!
//! There are two ways to hear the IGMP packets of a link:
//!
//! - A socket for ETH_P_IP comes after the IPv4 stack in the kernel's list, so the stack must
//!   clone every IPv4 packet of the link (`skb_share_check`). It also hears the frames of a VLAN
//!   device above the link, without their tag.
//! - A socket for ETH_P_ALL comes first, and a packet that its filter refuses needs no clone. It also
//!   sees other protocols, tagged frames and, without PACKET_IGNORE_OUTGOING, what this machine
//!   sends. The filter refuses them.
//!
//! Measured with `cargo bench -p mgm-net --bench listening`: Linux 6.18, two processors of a
//! virtual machine, retpolines; a multicast stream over veth that the kernel forwards. The time of
//! a packet, which includes its sender and its receiver, as the median of 60,000 samples of 64
//! packets:
//!
//! | listening on the link | 46 bytes | 1,344 bytes |
//! | --- | --- | --- |
//! | no socket | 1,315 ns | 1,344 ns |
//! | ETH_P_IP | 1,464 ns, +11.3 % | 1,508 ns, +12.2 % |
//! | ETH_P_ALL with this filter | 1,371 ns, +4.3 % | 1,400 ns, +4.1 % |
//! | ETH_P_ALL with a filter that refuses all at once | 1,365 ns, +3.8 % | 1,401 ns, +4.3 % |
//!
//! So ETH_P_ALL is the way. It costs some 50 ns a packet, nearly all for the call of the socket and
//! hardly anything for the filter.

use crate::bpf::{step, unless, when};
use crate::bpf::{
    AND, HAS_TAG, IF_EQUAL, IF_GREATER, LOAD_BYTE, LOAD_WORD, PACKET_TYPE, PROTOCOL, RETURN, TAG,
    VLAN_NUMBER,
};
use socket2::SockFilter;

/// The offset of the protocol in an IPv4 header.
const IP_PROTOCOL: u32 = 9;
/// The offset of the first octet of the destination in an IPv4 header.
const IP_DESTINATION: u32 = 16;
const MULTICAST_OCTET: u32 = 0xe0;
const MULTICAST_MASK: u32 = 0xf0;
const IGMP_PROTOCOL: u32 = 2;
/// PACKET_HOST, PACKET_BROADCAST and PACKET_MULTICAST are 0, 1 and 2. Beyond are packets for other
/// machines, and those that this machine sent.
const LAST_FOR_US: u32 = 2;
const OUTGOING: u32 = libc::PACKET_OUTGOING as u32;

/// IGMP in IPv4 for this machine, without a VLAN's tag. The bytes begin with the IP header. The
/// first test refuses nearly all packets.
pub(super) static IGMP: [SockFilter; 13] = [
    step(LOAD_BYTE, IP_PROTOCOL),
    unless(IF_EQUAL, IGMP_PROTOCOL, 10),
    step(LOAD_WORD, PROTOCOL),
    unless(IF_EQUAL, libc::ETH_P_IP as u32, 8),
    step(LOAD_WORD, PACKET_TYPE),
    when(IF_GREATER, LAST_FOR_US, 6),
    step(LOAD_WORD, HAS_TAG),
    when(IF_EQUAL, 0, 3),
    // The tag of VLAN 0 has a priority and nothing else.
    step(LOAD_WORD, TAG),
    step(AND, VLAN_NUMBER),
    unless(IF_EQUAL, 0, 1),
    step(RETURN, u32::MAX),
    step(RETURN, 0),
];

/// The length of the longest IPv4 header, and room for an IGMP message behind it.
const HEADERS: u32 = 96;

/// The beginning of all multicast packets in IPv4 that arrive for this machine or leave it, without
/// a VLAN's tag.
pub(crate) static MULTICAST: [SockFilter; 15] = [
    step(LOAD_BYTE, IP_DESTINATION),
    step(AND, MULTICAST_MASK),
    unless(IF_EQUAL, MULTICAST_OCTET, 11),
    step(LOAD_WORD, PROTOCOL),
    unless(IF_EQUAL, libc::ETH_P_IP as u32, 9),
    step(LOAD_WORD, PACKET_TYPE),
    when(IF_EQUAL, OUTGOING, 1),
    when(IF_GREATER, LAST_FOR_US, 6),
    step(LOAD_WORD, HAS_TAG),
    when(IF_EQUAL, 0, 3),
    step(LOAD_WORD, TAG),
    step(AND, VLAN_NUMBER),
    unless(IF_EQUAL, 0, 1),
    step(RETURN, HEADERS),
    step(RETURN, 0),
];
