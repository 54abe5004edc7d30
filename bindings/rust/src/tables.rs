//! The forwarding table and its counters.

use crate::ffi::{self, Filled, ReadMore, ReadOne};
use crate::ffi::{ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, NO_ERROR};
use crate::values::address;
use crate::{Flow, Interface, Prefix, Result};
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::net::Ipv4Addr;

/// How many bytes are read at a time, unless one entry needs more.
const ROOM: usize = 65_536;
/// Sizes of MIB_IPMCAST_MFE and MIB_IPMCAST_MFE_STATS_EX without their outgoing interfaces, and of
/// an outgoing interface in each.
const MFE_SIZE: usize = 60;
const OIF_SIZE: usize = 16;
const STATS_SIZE: usize = 84;
const OIF_STATS_SIZE: usize = 28;
/// A lifetime without end.
const NEVER: u32 = u32::MAX;

/// A multicast forwarding entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mfe {
    /// The source.
    pub source: Ipv4Addr,
    /// The group.
    pub group: Ipv4Addr,
    /// Index of the incoming interface.
    pub incoming: u32,
    /// The upstream neighbour; `None` if the source is directly connected.
    pub upstream: Option<Ipv4Addr>,
    /// Protocol of the owner of the incoming interface.
    pub protocol: u32,
    /// Network of the route to the source.
    pub route: Prefix,
    /// Protocol of the route.
    pub route_protocol: u32,
    /// Seconds since the MFE was created or renewed.
    pub up_time: u32,
    /// Seconds until it expires; `None` if it never does.
    pub expires_in: Option<u32>,
    /// Its lifetime in seconds; `None` if it never expires.
    pub timeout: Option<u32>,
    /// The outgoing interfaces; empty in a negative MFE.
    pub outgoing: Vec<Interface>,
}

impl Mfe {
    /// Returns the source and group of the MFE.
    #[must_use]
    pub fn flow(&self) -> Flow {
        Flow::new(self.source, self.group)
    }
}

/// The counters of an outgoing interface of an MFE. They are 0 with the kernel forwarder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutgoingStats {
    /// The interface.
    pub interface: Interface,
    /// Packets sent.
    pub packets: u32,
    /// Packets not sent because their TTL was not greater than the threshold.
    pub ttl_too_low: u32,
    /// Packets not sent because they were too large for the interface.
    pub too_large: u32,
    /// Packets not sent for another reason.
    pub discards: u32,
}

/// The counters of an MFE, of 32 bits each: they start again at 0 after 4,294,967,295.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MfeStats {
    /// The source.
    pub source: Ipv4Addr,
    /// The group.
    pub group: Ipv4Addr,
    /// Index of the incoming interface.
    pub incoming: u32,
    /// Packets accepted on the incoming interface.
    pub packets: u32,
    /// Octets of these packets.
    pub octets: u32,
    /// Packets that arrived on another interface.
    pub wrong_interface: u32,
    /// Packets accepted while the MFE had no outgoing interface.
    pub negative: u32,
    /// Packets sent on all present and former outgoing interfaces; 0 with the kernel forwarder.
    pub sent: u32,
    /// The counters of the outgoing interfaces.
    pub outgoing: Vec<OutgoingStats>,
}

impl MfeStats {
    /// Returns the source and group of the MFE.
    #[must_use]
    pub fn flow(&self) -> Flow {
        Flow::new(self.source, self.group)
    }
}

/// Returns the MFE of a source and group.
///
/// # Errors
/// [`Code::NotFound`](crate::Code::NotFound): there is none.
pub fn get_mfe(source: Ipv4Addr, group: Ipv4Addr) -> Result<Mfe> {
    one(ffi::mfe, source, group)
}

/// Returns the counters of the MFE of a source and group.
///
/// # Errors
/// [`Code::NotFound`](crate::Code::NotFound): there is none.
pub fn get_mfe_stats(source: Ipv4Addr, group: Ipv4Addr) -> Result<MfeStats> {
    one(ffi::mfe_stats, source, group)
}

/// Returns all MFEs, in ascending order of group, then of source. They are read some thousands at
/// a time, so MFEs that are added or deleted meanwhile may be among them or not.
#[must_use]
pub fn mfes() -> Listing<Mfe> {
    Listing::new(ffi::more_mfes)
}

/// Returns the counters of all MFEs, in the same order as [`mfes`].
#[must_use]
pub fn mfe_stats() -> Listing<MfeStats> {
    Listing::new(ffi::more_mfe_stats)
}

/// What a [`Listing`] can return: [`Mfe`] and [`MfeStats`].
pub trait Row: sealed::Sealed {}

impl Row for Mfe {}
impl Row for MfeStats {}

mod sealed {
    use super::Flow;

    pub trait Sealed: Sized {
        /// Reads the first entry in the bytes, and returns how long it is; `None` if it is cut.
        fn parse(bytes: &[u8]) -> Option<(Self, usize)>;
        fn flow(&self) -> Flow;
    }
}

impl sealed::Sealed for Mfe {
    fn parse(bytes: &[u8]) -> Option<(Mfe, usize)> {
        let (head, oifs, size) = split(bytes, 48, MFE_SIZE, OIF_SIZE)?;
        let mfe = Mfe {
            source: plain_address(head, 4),
            group: plain_address(head, 0),
            incoming: word(head, 16),
            upstream: address(word(head, 12)),
            protocol: word(head, 20),
            route: Prefix::of(word(head, 28), word(head, 32)),
            route_protocol: word(head, 24),
            up_time: word(head, 36),
            timeout: Some(word(head, 44)).filter(|timeout| *timeout != NEVER),
            expires_in: Some(word(head, 40)).filter(|_| word(head, 44) != NEVER),
            outgoing: oifs.map(|oif| Interface::of(word(oif, 0), word(oif, 4))).collect(),
        };
        Some((mfe, size))
    }

    fn flow(&self) -> Flow {
        self.flow()
    }
}

impl sealed::Sealed for MfeStats {
    fn parse(bytes: &[u8]) -> Option<(MfeStats, usize)> {
        let (head, oifs, size) = split(bytes, 44, STATS_SIZE, OIF_STATS_SIZE)?;
        let oif_stats = |oif| OutgoingStats {
            interface: Interface::of(word(oif, 0), word(oif, 4)),
            packets: word(oif, 20),
            ttl_too_low: word(oif, 12),
            too_large: word(oif, 16),
            discards: word(oif, 24),
        };
        let stats = MfeStats {
            source: plain_address(head, 4),
            group: plain_address(head, 0),
            incoming: word(head, 16),
            packets: word(head, 48),
            octets: word(head, 52),
            wrong_interface: word(head, 56),
            negative: word(head, 68),
            sent: word(head, 80),
            outgoing: oifs.map(oif_stats).collect(),
        };
        Some((stats, size))
    }

    fn flow(&self) -> Flow {
        self.flow()
    }
}

/// The DWORD at an offset.
pub(crate) fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    u32::from_ne_bytes(word.unwrap_or_default())
}

fn plain_address(bytes: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::from(word(bytes, at).to_ne_bytes())
}

/// Splits the first entry into its head and its outgoing interfaces, whose number is at an
/// offset; and returns its size.
fn split(
    bytes: &[u8],
    count_at: usize,
    head: usize,
    each: usize,
) -> Option<(&[u8], std::slice::ChunksExact<'_, u8>, usize)> {
    let size = head + word(bytes.get(..head)?, count_at) as usize * each;
    let entry = bytes.get(..size)?;
    Some((&entry[..head], entry[head..].chunks_exact(each), size))
}

fn one<T: sealed::Sealed>(read: ReadOne, source: Ipv4Addr, group: Ipv4Addr) -> Result<T> {
    let mut buffer = vec![0; 1024];
    loop {
        let filled = read(Flow::new(source, group), &mut buffer);
        match filled.code {
            NO_ERROR => {
                let found = T::parse(&buffer).map(|(row, _)| row);
                return found.ok_or_else(|| ffi::error(filled.function, ERROR_INSUFFICIENT_BUFFER));
            }
            ERROR_INSUFFICIENT_BUFFER if filled.size > buffer.len() => {
                buffer.resize(filled.size, 0);
            }
            code => return Err(ffi::error(filled.function, code)),
        }
    }
}

/// All MFEs, or their counters. See [`mfes`] and [`mfe_stats`].
///
/// An error ends the listing.
#[derive(Debug)]
pub struct Listing<T> {
    rows: VecDeque<Entry>,
    buffer: Vec<u8>,
    last: Option<Flow>,
    is_over: bool,
    more: ReadMore,
    row: PhantomData<T>,
}

/// Where an entry begins and ends in the buffer.
type Entry = std::ops::Range<usize>;

impl<T: Row> Listing<T> {
    fn new(more: ReadMore) -> Listing<T> {
        let (rows, buffer) = (VecDeque::new(), vec![0; ROOM]);
        Listing { rows, buffer, last: None, is_over: false, more, row: PhantomData }
    }

    /// Reads the entries after the last one.
    fn read(&mut self) -> Result<()> {
        loop {
            let Filled { function, code, size, count } = (self.more)(self.last, &mut self.buffer);
            match code {
                ERROR_INSUFFICIENT_BUFFER if size > self.buffer.len() => {
                    self.buffer.resize(size, 0);
                    continue;
                }
                ERROR_MORE_DATA | ERROR_NO_MORE_ITEMS => {}
                code => return Err(ffi::error(function, code)),
            }
            let mut at = 0;
            for _ in 0..count {
                let Some((row, size)) = T::parse(&self.buffer[at..]) else { break };
                self.rows.push_back(at..at + size);
                self.last = Some(sealed::Sealed::flow(&row));
                at += size;
            }
            self.is_over = code == ERROR_NO_MORE_ITEMS || self.rows.is_empty();
            return Ok(());
        }
    }
}

impl<T: Row> Iterator for Listing<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if self.rows.is_empty() && !self.is_over {
            if let Err(error) = self.read() {
                self.is_over = true;
                return Some(Err(error));
            }
        }
        let entry = self.rows.pop_front()?;
        T::parse(&self.buffer[entry]).map(|(row, _)| Ok(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    fn ip(last: u8) -> u32 {
        u32::from_ne_bytes([10, 0, 0, last])
    }

    #[test]
    fn an_mfe_is_read_with_its_interfaces() {
        let group = u32::from_ne_bytes([239, 1, 2, 3]);
        let mask = u32::from_ne_bytes([255, 0, 0, 0]);
        let mut words =
            vec![group, ip(5), u32::MAX, ip(1), 7, 10, 2, ip(0), mask, 11, 12, 13, 2, 0, 0];
        words.extend([2, 0, 0, 0, 3, ip(9), 0, 0]);
        words.push(0xdead_beef); // the next entry
        let bytes = entry(&words);
        let (mfe, size) = <Mfe as sealed::Sealed>::parse(&bytes).unwrap();
        assert_eq!(size, 60 + 2 * 16);
        assert_eq!(mfe.flow().to_string(), "(10.0.0.5, 239.1.2.3)");
        assert_eq!((mfe.incoming, mfe.protocol, mfe.route_protocol), (7, 10, 2));
        assert_eq!((mfe.up_time, mfe.expires_in, mfe.timeout), (11, Some(12), Some(13)));
        assert_eq!(mfe.route.to_string(), "10.0.0.0/8");
        let oifs: Vec<_> = mfe.outgoing.iter().map(ToString::to_string).collect();
        assert_eq!(oifs, ["2", "3/10.0.0.9"]);
        words[11] = NEVER;
        let (mfe, _) = <Mfe as sealed::Sealed>::parse(&entry(&words)).unwrap();
        assert_eq!((mfe.expires_in, mfe.timeout), (None, None));
    }

    #[test]
    fn counters_are_read_with_those_of_the_interfaces() {
        let mut words =
            vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 12, 13, 14, 15, 16, 17, 18, 19, 20];
        words.extend([2, 0, 0, 21, 23, 22, 24]);
        let (stats, size) = <MfeStats as sealed::Sealed>::parse(&entry(&words)).unwrap();
        assert_eq!(size, 84 + 28);
        assert_eq!((stats.packets, stats.octets, stats.wrong_interface), (12, 13, 14));
        assert_eq!((stats.negative, stats.sent), (17, 20));
        let oif = stats.outgoing[0];
        assert_eq!((oif.packets, oif.ttl_too_low), (22, 21));
        assert_eq!((oif.too_large, oif.discards), (23, 24));
    }

    #[test]
    fn an_entry_that_is_cut_is_none() {
        let mut words = [0; 15];
        words[12] = 1;
        for size in 0..60 {
            assert!(<Mfe as sealed::Sealed>::parse(&entry(&words)[..size]).is_none(), "{size}");
        }
        assert!(<Mfe as sealed::Sealed>::parse(&entry(&words)).is_none());
        words[12] = u32::MAX;
        assert!(<Mfe as sealed::Sealed>::parse(&entry(&words)).is_none());
    }
}
