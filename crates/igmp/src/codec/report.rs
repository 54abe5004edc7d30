//! Reports and leaves of the three versions (RFC 9776, section 4.2).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Type = 0x22  |    Reserved   |           Checksum            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |             Flags             |  Number of Group Records (M)  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Record Type  |  Aux Data Len |     Number of Sources (N)     |  M records
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       Multicast Address                       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        N Source Addresses, then Aux Data Len × 4 octets       |
//! +-                              ...                            -+
//! ```

use super::{address_at, number_at, seal, types};
use crate::DropReason;
use std::net::Ipv4Addr;

/// Octets of a v3 report before its first record.
pub const RECORDS_OFFSET: usize = 8;
/// Octets of a record without sources.
pub const RECORD_HEADER: usize = 8;

/// What a record says about its group (RFC 9776, section 4.2.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RecordType {
    /// MODE_IS_INCLUDE.
    IsIn = 1,
    /// MODE_IS_EXCLUDE.
    IsEx = 2,
    /// CHANGE_TO_INCLUDE_MODE.
    ToIn = 3,
    /// CHANGE_TO_EXCLUDE_MODE.
    ToEx = 4,
    /// ALLOW_NEW_SOURCES.
    Allow = 5,
    /// BLOCK_OLD_SOURCES.
    Block = 6,
}

impl RecordType {
    /// All six, in the order of their numbers.
    pub const ALL: [RecordType; 6] = [
        RecordType::IsIn,
        RecordType::IsEx,
        RecordType::ToIn,
        RecordType::ToEx,
        RecordType::Allow,
        RecordType::Block,
    ];

    fn of(octet: u8) -> Option<RecordType> {
        RecordType::ALL.into_iter().find(|kind| *kind as u8 == octet)
    }
}

/// A list of source addresses inside a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceList<'a>(&'a [u8]);

impl<'a> SourceList<'a> {
    /// The list in these octets, four for each address in network byte order. Octets at the
    /// end that are no whole address are left out.
    #[must_use]
    pub fn of(octets: &'a [u8]) -> SourceList<'a> {
        SourceList(&octets[..octets.len() & !3])
    }

    /// How many addresses the list has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len() / 4
    }

    /// Whether the list has no address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The octets of the list.
    #[must_use]
    pub fn octets(&self) -> &'a [u8] {
        self.0
    }

    /// The addresses, in the order of the message.
    pub fn iter(&self) -> impl Iterator<Item = Ipv4Addr> + 'a {
        self.0.chunks_exact(4).map(|octets| address_at(octets, 0))
    }
}

/// A record of a v3 report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it says.
    pub kind: RecordType,
    /// Its group, as received: any address.
    pub group: Ipv4Addr,
    /// Its sources, as received: any addresses, in any order.
    pub sources: SourceList<'a>,
}

/// The records of a v3 report, which is known to contain all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records<'a> {
    octets: &'a [u8],
    left: u16,
}

impl<'a> Records<'a> {
    /// Reads a v3 report whose checksum is right; it has at least 8 octets.
    pub(super) fn read(octets: &'a [u8]) -> Result<Records<'a>, DropReason> {
        let records = Records { octets: &octets[RECORDS_OFFSET..], left: number_at(octets, 6) };
        // If one record overruns the message, all are dropped, because it is not known where the
        // others begin.
        let mut rest = records.octets;
        for _ in 0..records.left {
            rest = rest.get(record_length(rest)?..).ok_or(DropReason::RecordOverrun)?;
        }
        Ok(records)
    }

    /// How many records the report has, those of an unknown type included.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.left)
    }

    /// Whether the report has no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

/// How long the record at the beginning of these octets is, auxiliary data included.
fn record_length(octets: &[u8]) -> Result<usize, DropReason> {
    if octets.len() < RECORD_HEADER {
        return Err(DropReason::RecordOverrun);
    }
    let words = usize::from(octets[1]) + usize::from(number_at(octets, 2));
    Ok(RECORD_HEADER + 4 * words)
}

/// The records in the order of the message, without those of an unknown type.
impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        while self.left > 0 {
            let (record, rest) = self.octets.split_at(record_length(self.octets).ok()?);
            self.left -= 1;
            self.octets = rest;
            let sources = RECORD_HEADER..RECORD_HEADER + 4 * usize::from(number_at(record, 2));
            if let Some(kind) = RecordType::of(record[0]) {
                let group = address_at(record, 4);
                return Some(Record { kind, group, sources: SourceList::of(&record[sources]) });
            }
        }
        None
    }
}

/// The octets of a Version 1 Membership Report.
#[must_use]
pub fn report_v1(group: Ipv4Addr) -> Vec<u8> {
    short(types::REPORT_V1, group)
}

/// The octets of a Version 2 Membership Report.
#[must_use]
pub fn report_v2(group: Ipv4Addr) -> Vec<u8> {
    short(types::REPORT_V2, group)
}

/// The octets of a Leave Group message.
#[must_use]
pub fn leave(group: Ipv4Addr) -> Vec<u8> {
    short(types::LEAVE, group)
}

fn short(kind: u8, group: Ipv4Addr) -> Vec<u8> {
    let mut octets = vec![kind, 0, 0, 0];
    octets.extend(group.octets());
    seal(&mut octets);
    octets
}

/// A record to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnRecord<'a> {
    /// What it says.
    pub kind: RecordType,
    /// Its group.
    pub group: Ipv4Addr,
    /// Its sources.
    pub sources: &'a [Ipv4Addr],
}

impl OwnRecord<'_> {
    /// How many octets of a message the record takes.
    #[must_use]
    pub fn length(&self) -> usize {
        RECORD_HEADER + 4 * self.sources.len()
    }
}

/// The octets of a Version 3 Membership Report with these records. The caller has made sure that
/// they fit into one packet.
#[must_use]
pub fn report_v3(records: &[OwnRecord]) -> Vec<u8> {
    let length = records.iter().map(OwnRecord::length).sum::<usize>();
    let mut octets = Vec::with_capacity(RECORDS_OFFSET + length);
    octets.extend([types::REPORT_V3, 0, 0, 0, 0, 0]);
    octets.extend((records.len() as u16).to_be_bytes());
    for record in records {
        octets.extend([record.kind as u8, 0]);
        octets.extend((record.sources.len() as u16).to_be_bytes());
        octets.extend(record.group.octets());
        octets.extend(record.sources.iter().flat_map(Ipv4Addr::octets));
    }
    seal(&mut octets);
    octets
}
