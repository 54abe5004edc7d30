//! What a record does to a group: the table of I32 (RFC 9776, sections 6.4.1 and 6.4.2).

use crate::codec::RecordType;
use crate::router::group::{Group, Questions, Source};
use crate::router::room::Room;
use mgm_types::Time;
use std::net::Ipv4Addr;

/// A record that has passed all checks: its sources are host addresses in ascending order.
#[derive(Clone, Copy, Debug)]
pub(super) struct CheckedRecord<'a> {
    /// The type.
    pub kind: RecordType,
    /// The sources.
    pub sources: &'a [Ipv4Addr],
    /// Now, plus GMI.
    pub membership_end: Time,
}

/// What a step may change of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope<'a> {
    /// The mode, and every source.
    All,
    /// These sources, in ascending order. A record costs as much as it is long, although its group
    /// may have many more sources (I75).
    Listed(&'a [Ipv4Addr]),
}

/// Whether the record makes a group that has no record yet.
pub(super) fn creates(change: &CheckedRecord) -> bool {
    match change.kind {
        RecordType::IsEx | RecordType::ToEx => true,
        RecordType::IsIn | RecordType::ToIn | RecordType::Allow => !change.sources.is_empty(),
        RecordType::Block => false,
    }
}

/// What the record may change of what is received of the group; `None` for refreshes, which
/// nearly all records are. `ends` says whether leaves may end something at once.
pub(super) fn may_change<'a>(
    group: &Group,
    change: &CheckedRecord<'a>,
    ends: bool,
) -> Option<Scope<'a>> {
    let listed = Scope::Listed(change.sources);
    match change.kind {
        RecordType::ToIn if ends => Some(Scope::All),
        // Sources that are received already.
        RecordType::IsIn | RecordType::Allow | RecordType::ToIn => {
            (!all_running(group, change)).then_some(listed)
        }
        // In EXCLUDE mode only those count that are not received, and these do not become more.
        RecordType::IsEx | RecordType::ToEx => {
            let listed = |source: &Source| change.sources.binary_search(&source.address).is_ok();
            let may_change = !group.exclude
                || group.sources.iter().any(|source| !source.runs() && !listed(source));
            may_change.then_some(Scope::All)
        }
        RecordType::Block => ends.then_some(listed),
    }
}

fn all_running(group: &Group, change: &CheckedRecord) -> bool {
    let runs = |at: usize| group.sources[at].runs();
    change.sources.iter().all(|source| group.find(*source).is_ok_and(runs))
}

/// Applies a record to a group. A new group is INCLUDE({}).
pub(super) fn apply(group: &mut Group, change: &CheckedRecord, room: &mut Room) -> Questions {
    match (group.exclude, change.kind) {
        (_, RecordType::IsIn | RecordType::Allow) => {
            run_all(group, change, room);
            Questions::default()
        }
        (false, RecordType::Block) => Questions { group: false, sources: listed(group, change) },
        (false, RecordType::ToIn) => {
            let sources = unlisted(group, change);
            run_all(group, change, room);
            Questions { group: false, sources }
        }
        (false, RecordType::IsEx | RecordType::ToEx) => to_exclude(group, change, room),
        (true, RecordType::Block) => {
            let timer = group.timer;
            insert_new(group, change, timer, room);
            Questions { group: false, sources: listed(group, change) }
        }
        (true, RecordType::ToIn) => {
            let sources = unlisted(group, change);
            run_all(group, change, room);
            Questions { group: true, sources }
        }
        (true, RecordType::IsEx | RecordType::ToEx) => stay_exclude(group, change, room),
    }
}

/// The sources with running timers that the record lists.
fn listed(group: &Group, change: &CheckedRecord) -> Vec<Ipv4Addr> {
    let runs = |source: &Ipv4Addr| group.find(*source).is_ok_and(|at| group.sources[at].runs());
    change.sources.iter().copied().filter(runs).collect()
}

/// The sources with running timers that the record does not list.
fn unlisted(group: &Group, change: &CheckedRecord) -> Vec<Ipv4Addr> {
    let running = group.sources.iter().filter(|source| source.runs());
    let addresses = running.map(|source| source.address);
    addresses.filter(|known| change.sources.binary_search(known).is_err()).collect()
}

/// Sets the timers of all listed sources to GMI, and creates those that have no record. Where
/// there is no room, a source of INCLUDE is not received, and one of EXCLUDE is: it has no record.
fn run_all(group: &mut Group, change: &CheckedRecord, room: &mut Room) {
    for &address in change.sources {
        match group.find(address) {
            Ok(at) => group.sources[at].set_timer(change.membership_end),
            Err(at) if room.source(group.sources.len()) => {
                group.insert(at, Source::running(address, change.membership_end));
            }
            Err(_) => {}
        }
    }
}

/// Creates the listed sources that have no record yet.
fn insert_new(group: &mut Group, change: &CheckedRecord, timer: Time, room: &mut Room) {
    for &address in change.sources {
        if let Err(at) = group.find(address) {
            if room.source(group.sources.len()) {
                group.insert(at, Source::running(address, timer));
            }
        }
    }
}

/// Deletes the sources that the record does not list.
fn delete_unlisted(group: &mut Group, change: &CheckedRecord, room: &mut Room) {
    let gone = group.retain(|source| change.sources.binary_search(&source.address).is_ok());
    room.give_back(gone);
}

/// INCLUDE(A) becomes EXCLUDE(A*B, B-A).
fn to_exclude(group: &mut Group, change: &CheckedRecord, room: &mut Room) -> Questions {
    delete_unlisted(group, change, room);
    let sources = if change.kind == RecordType::ToEx { listed(group, change) } else { Vec::new() };
    group.exclude = true;
    group.refresh(change.membership_end);
    for &address in change.sources {
        if let Err(at) = group.find(address) {
            if room.source(group.sources.len()) {
                group.insert(at, Source::stopped(address));
            }
        }
    }
    Questions { group: false, sources }
}

/// EXCLUDE(X,Y) becomes EXCLUDE(A-Y, Y*A).
fn stay_exclude(group: &mut Group, change: &CheckedRecord, room: &mut Room) -> Questions {
    delete_unlisted(group, change, room);
    let mut questions = Questions::default();
    if change.kind == RecordType::ToEx {
        let timer = group.timer;
        insert_new(group, change, timer, room);
        questions.sources = listed(group, change);
    } else {
        insert_new(group, change, change.membership_end, room);
    }
    group.refresh(change.membership_end);
    questions
}
