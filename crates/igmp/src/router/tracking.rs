//! Which hosts want a group, for `leave = "tracked"` (I40).

use crate::codec::RecordType;
use crate::filter::Filter;
use crate::router::compact::insert;
use mgm_types::Time;
use std::net::Ipv4Addr;
use std::ops::Range;

/// What the hosts of a group have reported, host by host.
#[derive(Debug, Default)]
pub(super) struct Tracking {
    /// By host and source.
    wants: Vec<Want>,
    /// Until then, hosts that are not among them may want the group, too.
    unknown_until: Time,
}

/// A host that wants a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStatus {
    /// The host.
    pub host: Ipv4Addr,
    /// Whether the host is in EXCLUDE mode.
    pub exclude: bool,
    /// The sources that it includes or excludes, by address.
    pub sources: Vec<Ipv4Addr>,
    /// When its report is no longer valid.
    pub until: Time,
}

/// What a host wants, or does not want, of one source.
#[derive(Clone, Copy, Debug)]
struct Want {
    until: Time,
    host: Ipv4Addr,
    /// 0.0.0.0 for all sources that the host does not exclude.
    source: Ipv4Addr,
    /// Whether the host, which is in EXCLUDE mode, excludes the source.
    excluded: bool,
}

/// A record as its host meant it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported<'a> {
    /// The host.
    pub host: Ipv4Addr,
    /// The type of the record.
    pub kind: RecordType,
    /// Its sources, in ascending order.
    pub sources: &'a [Ipv4Addr],
}

impl Tracking {
    /// Until then, hosts that are not known may want the group. What is known stays, and reports
    /// are noted: each host that still wants the group reports it again before `until`.
    pub fn suspend(&mut self, until: Time) {
        self.unknown_until = self.unknown_until.max(until);
    }

    /// Forgets all hosts. They are unknown until what they have reported would end.
    pub fn forget(&mut self) {
        let last = self.wants.iter().map(|want| want.until).max();
        self.suspend(last.unwrap_or(Time(0)));
        self.wants = Vec::new();
    }

    /// Whether every host that wants the group is known.
    pub fn is_complete(&self, now: Time) -> bool {
        self.unknown_until <= now
    }

    /// Until then, hosts that are not known may want the group.
    pub fn unknown_until(&self) -> Time {
        self.unknown_until
    }

    /// The known hosts, by address.
    pub fn hosts(&self) -> Vec<HostStatus> {
        let of_host = self.wants.chunk_by(|one, other| one.host == other.host);
        let hosts = of_host.map(|wants| {
            let exclude = wants.iter().any(|want| want.source.is_unspecified());
            let listed = wants
                .iter()
                .filter(|want| want.excluded == exclude && !want.source.is_unspecified());
            HostStatus {
                host: wants[0].host,
                exclude,
                sources: listed.map(|want| want.source).collect(),
                until: wants.iter().map(|want| want.until).max().unwrap_or(Time(0)),
            }
        });
        hosts.collect()
    }

    /// Notes a record, which holds until `until`. Returns false if there are too many: then all
    /// hosts are forgotten. As long as they are too many, this happens again before the tracking
    /// is complete, because all of them report again before that.
    pub fn note(&mut self, record: Reported, now: Time, until: Time, limit: usize) -> bool {
        let excludes = matches!(record.kind, RecordType::ToEx | RecordType::IsEx);
        let wants = !excludes && record.kind != RecordType::Block;
        if excludes && record.sources.is_empty() && self.refresh_all(record.host, until) {
            return true;
        }
        match record.kind {
            RecordType::ToIn | RecordType::ToEx | RecordType::IsEx => {
                self.wants.drain(self.of_host(record.host));
            }
            RecordType::Block => self.remove(record, false),
            RecordType::IsIn | RecordType::Allow => self.remove(record, true),
        }
        if excludes {
            self.set(record.host, Ipv4Addr::UNSPECIFIED, false, until);
        }
        let in_exclude = self.find(record.host, Ipv4Addr::UNSPECIFIED).is_ok();
        if wants || in_exclude {
            for source in record.sources {
                self.set(record.host, *source, !wants, until);
            }
        }
        if self.wants.len() > limit {
            self.wants.retain(|want| want.until > now);
        }
        if self.wants.len() > limit {
            self.forget();
            return false;
        }
        if self.wants.len() < self.wants.capacity() / 2 {
            self.wants.shrink_to_fit();
        }
        true
    }

    /// If the host wants everything, and nothing else is known of it, extends this.
    fn refresh_all(&mut self, host: Ipv4Addr, until: Time) -> bool {
        let range = self.of_host(host);
        match &mut self.wants[range] {
            [want] if want.source.is_unspecified() => {
                want.until = until;
                true
            }
            _ => false,
        }
    }

    /// Where the host's entries stand.
    fn of_host(&self, host: Ipv4Addr) -> Range<usize> {
        let start = self.wants.partition_point(|want| want.host < host);
        let entries = self.wants[start..].iter().take_while(|want| want.host == host).count();
        start..start + entries
    }

    /// Removes what the host wants (or excludes) of the sources of the record.
    fn remove(&mut self, record: Reported, excluded: bool) {
        let range = self.of_host(record.host);
        let listed = |want: &Want| record.sources.binary_search(&want.source).is_ok();
        let stays = |want: &&Want| want.excluded != excluded || !listed(want);
        let kept: Vec<Want> = self.wants[range.clone()].iter().filter(stays).copied().collect();
        if kept.len() < range.len() {
            self.wants.splice(range, kept);
        }
    }

    fn find(&self, host: Ipv4Addr, source: Ipv4Addr) -> Result<usize, usize> {
        self.wants.binary_search_by_key(&(host, source), |want| (want.host, want.source))
    }

    fn set(&mut self, host: Ipv4Addr, source: Ipv4Addr, excluded: bool, until: Time) {
        let want = Want { until, host, source, excluded };
        match self.find(host, source) {
            Ok(at) => self.wants[at] = want,
            Err(at) => insert(&mut self.wants, at, want),
        }
    }

    /// What all hosts but this one want.
    pub fn wanted_by_others(&self, host: Ipv4Addr, now: Time) -> Filter {
        // Wanted by name, and excluded by all hosts in EXCLUDE mode, if there are some.
        let (mut named, mut excluded) = (Vec::new(), None);
        for wants in self.wants.chunk_by(|one, next| one.host == next.host) {
            if wants[0].host == host {
                continue;
            }
            let live = || wants.iter().filter(|want| want.until > now);
            let lists = |excludes: bool| {
                let of_kind = live().filter(move |want| want.excluded == excludes);
                of_kind.map(|want| want.source).filter(|source| !source.is_unspecified())
            };
            named.extend(lists(false));
            if live().any(|want| want.source.is_unspecified()) {
                let own: Vec<Ipv4Addr> = lists(true).collect();
                if own.is_empty() {
                    return Filter::everything();
                }
                excluded = Some(match excluded {
                    None => own,
                    Some(others) => common(others, &own),
                });
            }
        }
        named.sort_unstable();
        named.dedup();
        let named = Filter { exclude: false, sources: named };
        match excluded {
            None => named,
            Some(sources) => named.merge(Filter { exclude: true, sources }),
        }
    }
}

/// The addresses that are in both ascending lists.
fn common(mut one: Vec<Ipv4Addr>, other: &[Ipv4Addr]) -> Vec<Ipv4Addr> {
    one.retain(|source| other.binary_search(source).is_ok());
    one
}
