//! Puts records into as few reports as fit the MTU (RFC 9776, 4.2.17).

use super::group::PendingRecord;
use crate::codec::{self, OwnRecord, RecordType, HEADER_LENGTH, RECORDS_OFFSET, RECORD_HEADER};

/// How many octets of records one report may have. At least one record with one source, so
/// that every list comes to an end.
pub(super) fn room(mtu: u32) -> usize {
    (mtu as usize).saturating_sub(HEADER_LENGTH + RECORDS_OFFSET).max(RECORD_HEADER + 4)
}

/// The messages that contain these records, in their order.
pub(super) fn pack(records: &[PendingRecord], room: usize) -> Vec<Vec<u8>> {
    let sources = (room - RECORD_HEADER) / 4;
    let mut messages = Vec::new();
    let mut message: Vec<OwnRecord> = Vec::new();
    let mut left = room;
    for record in records.iter().flat_map(|record| parts(record, sources)) {
        if record.length() > left {
            messages.push(codec::report_v3(&message));
            message.clear();
            left = room;
        }
        left -= record.length();
        message.push(record);
    }
    if !message.is_empty() {
        messages.push(codec::report_v3(&message));
    }
    messages
}

/// A record as records of at most so many sources. Of a list of excluded sources only the
/// first part is said: a second record would replace the first one.
fn parts(report: &PendingRecord, most: usize) -> Vec<OwnRecord<'_>> {
    let record = report.record();
    if record.sources.len() <= most {
        return vec![record];
    }
    let parts = record.sources.chunks(most).map(|sources| OwnRecord { sources, ..record });
    match record.kind {
        RecordType::IsEx | RecordType::ToEx => parts.take(1).collect(),
        _ => parts.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Message;
    use std::net::Ipv4Addr;

    fn report(kind: RecordType, group: u8, sources: u32) -> PendingRecord {
        let sources = (0..sources).map(|host| Ipv4Addr::from(0x0a00_0000 + host)).collect();
        PendingRecord { kind, group: Ipv4Addr::new(239, 1, 1, group), sources }
    }

    /// What the messages say: types, groups, numbers of sources.
    fn read(messages: &[Vec<u8>]) -> Vec<Vec<(RecordType, u8, usize)>> {
        let read = |octets: &Vec<u8>| match Message::read(octets) {
            Ok(Message::ReportV3(records)) => records
                .map(|record| (record.kind, record.group.octets()[3], record.sources.len()))
                .collect(),
            other => panic!("{other:?}"),
        };
        messages.iter().map(read).collect()
    }

    #[test]
    fn i63_records_share_a_report_as_far_as_they_fit() {
        let records: Vec<PendingRecord> =
            (0..200).map(|n| report(RecordType::IsEx, n, 0)).collect();
        let messages = pack(&records, room(1_500));
        let said = read(&messages);
        assert_eq!(said.iter().map(Vec::len).collect::<Vec<_>>(), [183, 17]);
        assert!(messages.iter().all(|octets| octets.len() + HEADER_LENGTH <= 1_500));
        assert!(said.concat().iter().map(|(_, group, _)| *group).eq(0..200));
    }

    #[test]
    fn i63_long_lists_are_split_and_lists_of_excluded_sources_are_cut() {
        for kind in RecordType::ALL {
            let messages = pack(&[report(kind, 1, 300)], room(576));
            let said = read(&messages).concat();
            assert!(messages.iter().all(|octets| octets.len() + HEADER_LENGTH <= 576));
            let expected: &[usize] = match kind {
                RecordType::IsEx | RecordType::ToEx => &[134],
                _ => &[134, 134, 32],
            };
            assert_eq!(said.iter().map(|record| record.2).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn i63_an_mtu_that_is_too_small_or_unknown_makes_no_endless_list() {
        assert_eq!(pack(&[report(RecordType::Allow, 1, 3)], room(0)).len(), 3);
    }
}
