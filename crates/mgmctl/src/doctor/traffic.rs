//! The packets that were captured, counted. No I/O here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;

/// How many hosts of a link are remembered.
const HOSTS: usize = 256;

const IGMP: u8 = 2;
const PIM: u8 = 103;

/// The packets of all links.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    streams: HashMap<Stream, BTreeMap<u32, Both>>,
    links: BTreeMap<u32, Signals>,
    lost: BTreeMap<u32, u64>,
}

/// A source and a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stream {
    /// The group.
    pub group: Ipv4Addr,
    /// The source.
    pub source: Ipv4Addr,
}

/// The packets of a stream on a link.
#[derive(Clone, Debug, Default)]
struct Both {
    arrived: Packets,
    left: Packets,
}

/// Packets of one stream on one link, in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packets {
    /// How many.
    pub count: u64,
    /// How many have each TTL.
    ttls: BTreeMap<u8, u64>,
    /// How many have each length, of those that must not be fragmented.
    lengths: BTreeMap<u16, u64>,
}

impl Packets {
    /// How many have at most this TTL.
    pub fn with_ttl_up_to(&self, ttl: u8) -> u64 {
        self.ttls.range(..=ttl).map(|(_, count)| count).sum()
    }

    /// The greatest TTL.
    pub fn greatest_ttl(&self) -> u8 {
        self.ttls.last_key_value().map_or(0, |(ttl, _)| *ttl)
    }

    /// How many are longer than this, and must not be fragmented.
    pub fn longer_than(&self, mtu: u32) -> u64 {
        let longer = self.lengths.iter().filter(|(length, _)| u32::from(**length) > mtu);
        longer.map(|(_, count)| count).sum()
    }

    /// The length of the longest packet that must not be fragmented.
    pub fn greatest_length(&self) -> u16 {
        self.lengths.last_key_value().map_or(0, |(length, _)| *length)
    }

    fn add(&mut self, header: &Header) {
        self.count += 1;
        *self.ttls.entry(header.ttl).or_default() += 1;
        if header.must_not_be_fragmented {
            *self.lengths.entry(header.length).or_default() += 1;
        }
    }
}

/// What routers and hosts say to each other on a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// The sources of IGMP queries that arrived.
    pub queriers: BTreeSet<Ipv4Addr>,
    /// IGMP queries that left.
    pub queries_left: u64,
    /// IGMP reports and leaves that left.
    pub reports_left: u64,
    /// The sources of IGMP reports that arrived, as far as they are remembered.
    pub hosts: BTreeSet<Ipv4Addr>,
    /// Whether PIM messages left.
    pub pim_left: bool,
}

/// What is read of a packet.
struct Header {
    source: Ipv4Addr,
    group: Ipv4Addr,
    protocol: u8,
    ttl: u8,
    length: u16,
    must_not_be_fragmented: bool,
    /// The first octet behind the header; 0 in a later fragment.
    first_octet: u8,
}

impl Header {
    fn parse(octets: &[u8]) -> Option<Header> {
        let header = octets.get(..20)?;
        let address = |at: usize| Ipv4Addr::from([0, 1, 2, 3].map(|n| header[at + n]));
        if header[0] >> 4 != 4 {
            return None;
        }
        let is_later_fragment = (header[6] & 0x1f, header[7]) != (0, 0);
        let behind = octets.get(usize::from(header[0] & 0xf) * 4).copied().unwrap_or_default();
        Some(Header {
            source: address(12),
            group: address(16),
            protocol: header[9],
            ttl: header[8],
            length: u16::from_be_bytes([header[2], header[3]]),
            must_not_be_fragmented: header[6] & 0x40 != 0,
            first_octet: if is_later_fragment { 0 } else { behind },
        })
    }
}

impl Traffic {
    /// Counts a packet of a link.
    pub fn add(&mut self, link: u32, is_outgoing: bool, octets: &[u8]) {
        let Some(header) = Header::parse(octets) else { return };
        match header.protocol {
            IGMP => self.links.entry(link).or_default().igmp(is_outgoing, &header),
            PIM if is_outgoing => self.links.entry(link).or_default().pim_left = true,
            _ if is_routable(header.group) => {
                let stream = Stream { group: header.group, source: header.source };
                let both = self.streams.entry(stream).or_default().entry(link).or_default();
                if is_outgoing { &mut both.left } else { &mut both.arrived }.add(&header);
            }
            _ => {}
        }
    }

    /// Notes that packets of a link were lost.
    pub fn lose(&mut self, link: u32, count: u64) {
        if count > 0 {
            *self.lost.entry(link).or_default() += count;
        }
    }

    /// How many packets of a link were lost.
    pub fn lost(&self, link: u32) -> u64 {
        self.lost.get(&link).copied().unwrap_or_default()
    }

    /// The streams that arrived, by group and source, with the links on which they arrived.
    pub fn arrived(&self) -> Vec<(Stream, u32, &Packets)> {
        let on_links = self.streams.iter().flat_map(|(stream, links)| {
            links.iter().map(|(link, both)| (*stream, *link, &both.arrived))
        });
        let mut all: Vec<_> = on_links.filter(|(_, _, packets)| packets.count > 0).collect();
        all.sort_by_key(|(stream, link, _)| (*stream, *link));
        all
    }

    /// How many packets of a stream left by a link.
    pub fn left(&self, stream: Stream, link: u32) -> u64 {
        let links = self.streams.get(&stream);
        links.and_then(|links| links.get(&link)).map_or(0, |both| both.left.count)
    }

    /// The IGMP and PIM messages of a link.
    pub fn signals(&self, link: u32) -> Signals {
        self.links.get(&link).cloned().unwrap_or_default()
    }
}

impl Signals {
    fn igmp(&mut self, is_outgoing: bool, header: &Header) {
        let is_query = header.first_octet == 0x11;
        let is_report = matches!(header.first_octet, 0x12 | 0x16 | 0x17 | 0x22);
        match (is_outgoing, is_query, is_report) {
            (true, true, _) => self.queries_left += 1,
            (true, _, true) => self.reports_left += 1,
            (false, true, _) if self.queriers.len() < HOSTS => {
                self.queriers.insert(header.source);
            }
            (false, _, true) if self.hosts.len() < HOSTS && !header.source.is_unspecified() => {
                self.hosts.insert(header.source);
            }
            _ => {}
        }
    }
}

/// Whether routers forward the group: not 224.0.0.0/24.
fn is_routable(group: Ipv4Addr) -> bool {
    group.is_multicast() && group.octets()[..3] != [224, 0, 0]
}

/// Whether the group is for one site or link, where a low TTL and unknown sources are normal
/// (239.255.0.0/16, RFC 2365).
pub fn is_local(group: Ipv4Addr) -> bool {
    group.octets()[..2] == [239, 255]
}

/// An IPv4 packet, for tests.
#[cfg(test)]
pub fn packet(stream: Stream, protocol: u8, ttl: u8, (length, df): (u16, bool)) -> Vec<u8> {
    let mut octets = vec![0x45, 0];
    octets.extend(length.to_be_bytes());
    octets.extend([0, 1, if df { 0x40 } else { 0 }, 0, ttl, protocol, 0, 0]);
    octets.extend(stream.source.octets());
    octets.extend(stream.group.octets());
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Stream =
        Stream { group: Ipv4Addr::new(239, 1, 1, 1), source: Ipv4Addr::new(10, 1, 0, 11) };

    #[test]
    fn packets_are_counted_by_direction_ttl_and_length() {
        let mut traffic = Traffic::default();
        for (ttl, length) in [(1, (100, false)), (5, (1400, true)), (16, (1300, true))] {
            traffic.add(2, false, &packet(STREAM, 17, ttl, length));
        }
        traffic.add(3, true, &packet(STREAM, 17, 4, (1300, true)));
        let arrived = traffic.arrived();
        assert_eq!(arrived.len(), 1);
        let (stream, link, packets) = arrived[0];
        assert_eq!((stream, link, packets.count), (STREAM, 2, 3));
        assert_eq!([0, 1, 5, 255].map(|ttl| packets.with_ttl_up_to(ttl)), [0, 1, 2, 3]);
        assert_eq!(packets.greatest_ttl(), 16);
        assert_eq!([99, 1299, 1300, 1400].map(|mtu| packets.longer_than(mtu)), [2, 2, 1, 0]);
        assert_eq!(packets.greatest_length(), 1400);
        assert_eq!((traffic.left(STREAM, 3), traffic.left(STREAM, 2)), (1, 0));
    }

    #[test]
    fn what_is_no_stream_is_not_counted_as_one() {
        let mut traffic = Traffic::default();
        let local = Stream { group: Ipv4Addr::new(224, 0, 0, 251), ..STREAM };
        traffic.add(2, false, &packet(local, 17, 1, (100, false)));
        traffic.add(2, false, &packet(STREAM, 2, 1, (32, false)));
        traffic.add(2, false, &packet(STREAM, 17, 1, (32, false))[..19]);
        let mut version_6 = packet(STREAM, 17, 1, (32, false));
        version_6[0] = 0x65;
        traffic.add(2, false, &version_6);
        assert!(traffic.arrived().is_empty());
    }

    #[test]
    fn igmp_and_pim_are_told_apart() {
        let mut traffic = Traffic::default();
        let mut igmp = |link, is_outgoing, kind: u8| {
            let mut octets = packet(STREAM, 2, 1, (28, false));
            octets[0] = 0x46;
            octets.extend([148, 4, 0, 0, kind, 0, 0, 0]);
            traffic.add(link, is_outgoing, &octets);
            octets[7] = 1; // a later fragment
            traffic.add(link, is_outgoing, &octets);
        };
        for kind in [0x11, 0x12, 0x16, 0x17, 0x22, 0x13] {
            igmp(2, true, kind);
            igmp(3, false, kind);
        }
        traffic.add(3, false, &packet(STREAM, 103, 1, (50, false)));
        traffic.add(2, true, &packet(STREAM, 103, 1, (50, false)));
        let sources: BTreeSet<Ipv4Addr> = [STREAM.source].into();
        let left =
            Signals { queries_left: 1, reports_left: 4, pim_left: true, ..Signals::default() };
        assert_eq!(traffic.signals(2), left);
        let arrived = Signals { queriers: sources.clone(), hosts: sources, ..Signals::default() };
        assert_eq!(traffic.signals(3), arrived);
        assert_eq!(traffic.signals(4), Signals::default());
    }

    #[test]
    fn losses_are_added() {
        let mut traffic = Traffic::default();
        for count in [0, 3, 4] {
            traffic.lose(2, count);
        }
        assert_eq!((traffic.lost(2), traffic.lost(3)), (7, 0));
    }

    #[test]
    fn only_239_255_is_local() {
        let groups = [[239, 255, 255, 250], [239, 254, 0, 1], [224, 0, 1, 129]];
        assert_eq!(groups.map(|group| is_local(group.into())), [true, false, false]);
    }
}
