//! The rules of the router side as a simple and slow program: flat lists that are searched from the
//! beginning. Written from the rules and the decisions of docs/igmp.md.

mod election;
mod table;
mod timers;

use crate::steps::GROUPS;
pub use election::{General, Other, Specific};
use mgm_igmp::codec::RecordType;
use mgm_igmp::{LeaveMode, LinkConfig};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use table::Told;

pub type Set = BTreeSet<Ipv4Addr>;

/// A group that has a record.
#[derive(Clone, Debug)]
pub struct GroupLine {
    pub group: Ipv4Addr,
    pub exclude: bool,
    pub timer: u64,
    pub asked: bool,
    /// When the next Q(G) is due, and how many are left.
    pub queries: Option<(u64, u8)>,
    /// When the next Q(G,X) is due.
    pub source_queries: Option<u64>,
}

/// A source that has a record. Without a deadline it is excluded.
#[derive(Clone, Debug)]
pub struct SourceLine {
    pub group: Ipv4Addr,
    pub source: Ipv4Addr,
    pub until: Option<u64>,
    pub queries_left: u8,
}

/// What a host wants: all but what it excludes (no source), a source, or not that source.
#[derive(Clone, Debug)]
pub struct WantLine {
    pub group: Ipv4Addr,
    pub host: Ipv4Addr,
    pub source: Option<Ipv4Addr>,
    pub excluded: bool,
    pub until: u64,
}

/// A moment until which something holds for a group.
#[derive(Clone, Debug)]
pub struct UntilLine {
    pub group: Ipv4Addr,
    pub what: What,
    pub until: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    V1Host,
    V2Host,
    UnknownHosts,
}

/// The router side of a link.
#[derive(Clone, Debug)]
pub struct Spec {
    pub now: u64,
    pub config: LinkConfig,
    pub max_entries: usize,
    pub addresses: Vec<Ipv4Addr>,
    pub up: bool,
    pub groups: Vec<GroupLine>,
    pub sources: Vec<SourceLine>,
    pub wants: Vec<WantLine>,
    pub untils: Vec<UntilLine>,
    /// Until then, unknown hosts may want groups that get a record.
    pub unknown_until: u64,
    pub querier: bool,
    pub next_general: Option<u64>,
    pub startup_left: u8,
    pub others: Vec<Other>,
    pub older: [u64; 2],
    /// The queries of this step, with their times.
    pub sent: Vec<(u64, String)>,
}

impl Spec {
    pub fn new(config: LinkConfig, max_entries: usize) -> Spec {
        Spec {
            now: 0,
            config,
            max_entries,
            addresses: Vec::new(),
            up: false,
            groups: Vec::new(),
            sources: Vec::new(),
            wants: Vec::new(),
            untils: Vec::new(),
            unknown_until: 0,
            querier: false,
            next_general: None,
            startup_left: 0,
            others: Vec::new(),
            older: [0; 2],
            sent: Vec::new(),
        }
    }

    pub fn line(&mut self, group: Ipv4Addr) -> Option<&mut GroupLine> {
        self.groups.iter_mut().find(|line| line.group == group)
    }

    pub fn is_exclude(&self, group: Ipv4Addr) -> bool {
        self.groups.iter().any(|line| line.group == group && line.exclude)
    }

    pub fn has(&self, group: Ipv4Addr) -> bool {
        self.groups.iter().any(|line| line.group == group)
    }

    /// X, or A of INCLUDE(A).
    pub fn running(&self, group: Ipv4Addr) -> Set {
        let of_group = self.sources.iter().filter(|line| line.group == group);
        of_group.filter(|line| line.until.is_some()).map(|line| line.source).collect()
    }

    /// Y.
    pub fn excluded(&self, group: Ipv4Addr) -> Set {
        let of_group = self.sources.iter().filter(|line| line.group == group);
        of_group.filter(|line| line.until.is_none()).map(|line| line.source).collect()
    }

    pub fn holds(&self, group: Ipv4Addr, what: What) -> bool {
        let mut lines = self.untils.iter().filter(|line| line.group == group && line.what == what);
        lines.any(|line| line.until > self.now)
    }

    pub fn hold(&mut self, group: Ipv4Addr, what: What, until: u64) {
        self.untils.push(UntilLine { group, what, until });
    }

    /// Hosts that were not noted may want any group (G49).
    pub fn hosts_unknown(&mut self) {
        self.unknown_until = self.unknown_until.max(self.now + self.intervals().0);
    }

    /// What the known hosts of a group want becomes unknown.
    pub fn forget_hosts(&mut self, group: Ipv4Addr) {
        let all = std::mem::take(&mut self.wants);
        let (gone, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|l| l.group == group);
        self.wants = rest;
        for line in gone {
            self.hold(group, What::UnknownHosts, line.until);
        }
    }

    pub fn remove(&mut self, group: Ipv4Addr) {
        self.groups.retain(|line| line.group != group);
        self.sources.retain(|line| line.group != group);
        self.wants.retain(|line| line.group != group);
        self.untils.retain(|line| line.group != group);
    }

    /// Deletes groups without any state.
    pub fn tidy(&mut self) {
        for group in GROUPS {
            let nothing = self.running(group).is_empty() && !self.is_exclude(group);
            if self.has(group) && nothing {
                self.remove(group);
            }
        }
    }

    /// Whether packets of a flow should leave by the link, and whether its source is wanted by name.
    pub fn forwards(&self, source: Ipv4Addr, group: Ipv4Addr) -> bool {
        if !self.up {
            return false;
        }
        let by_name = |flow: &mgm_igmp::Flow| {
            flow.group() == group && (!flow.has_source() || flow.source() == source)
        };
        if self.config.static_memberships.iter().any(by_name) {
            return true;
        }
        if self.is_exclude(group) {
            !self.excluded(group).contains(&source)
        } else {
            self.running(group).contains(&source)
        }
    }

    pub fn permits(&self, group: Ipv4Addr) -> bool {
        let link_local = group.octets()[..3] == [224, 0, 0];
        self.config.groups.permits(group) && (!link_local || self.config.track_link_local)
    }

    pub fn link(&mut self, up: bool, addresses: &[Ipv4Addr]) {
        let former = self.election_address().filter(|_| self.up);
        self.addresses = addresses.to_vec();
        if self.up && !up {
            let kept = (self.now, self.config.clone(), self.addresses.clone(), self.max_entries);
            *self = Spec::new(kept.1, kept.3);
            (self.now, self.addresses) = (kept.0, kept.2);
        } else if up {
            let was_up = std::mem::replace(&mut self.up, true);
            if !was_up {
                self.hosts_unknown();
            }
            self.address_changed(former.filter(|_| was_up));
        }
    }

    pub fn configure(&mut self, config: LinkConfig) {
        let former = self.election_address();
        let is_new = config != self.config;
        self.config = config;
        if !self.up {
            return;
        }
        if is_new {
            self.hosts_unknown();
            for group in GROUPS {
                if self.config.leave != LeaveMode::Tracked {
                    self.forget_hosts(group);
                }
                if self.has(group) {
                    self.hold(group, What::UnknownHosts, self.unknown_until);
                }
            }
        }
        for group in GROUPS {
            let ssm = self.is_exclude(group) && self.config.is_ssm(group);
            if !self.permits(group) || ssm {
                self.remove(group);
            }
        }
        let permitted = self.config.sources.clone();
        self.sources.retain(|line| permitted.permits(line.source));
        self.tidy();
        self.address_changed(former);
    }

    /// One record, or what an older message means as one. `kind` is 0 for a message of
    /// version 1 or 2.
    pub fn record(&mut self, host: Ipv4Addr, kind: Kind, group: Ipv4Addr, reported: &[Ipv4Addr]) {
        if !self.up || !self.permits(group) || kind == Kind::V1 && self.config.ignore_v1 {
            return;
        }
        let mut list: Set = reported.iter().copied().filter(|s| !s.is_unspecified()).collect();
        if list.is_empty() && !reported.is_empty() {
            return;
        }
        let permitted = self.config.sources.clone();
        list.retain(|source| permitted.permits(*source));
        let Some((record, list)) = self.meaning(kind, group, list) else { return };
        self.apply(Told { host, kind, record, group }, list);
        self.tidy();
    }

    /// What the record means on this link (I31, I39, I46).
    fn meaning(&self, kind: Kind, group: Ipv4Addr, list: Set) -> Option<(RecordType, Set)> {
        use RecordType::*;
        let (mut record, mut list) = match kind {
            Kind::V1 | Kind::V2 => (IsEx, list),
            Kind::Leave => (ToIn, list),
            Kind::V3(record) => (record, list),
        };
        if self.config.is_ssm(group) {
            let fits = matches!(kind, Kind::V3(IsIn | ToIn | Allow | Block));
            return fits.then_some((record, list));
        }
        let version = self.version();
        if version < 3 {
            match record {
                ToIn if list.is_empty() && version == 2 => return self.older(record, list, group),
                ToIn if list.is_empty() => return None,
                IsIn | Allow if list.is_empty() => return None,
                Block => return None,
                _ => {}
            }
            record = IsEx;
            list = Set::new();
        }
        self.older(record, list, group)
    }

    fn older(&self, record: RecordType, list: Set, group: Ipv4Addr) -> Option<(RecordType, Set)> {
        let (v1, v2) = (self.holds(group, What::V1Host), self.holds(group, What::V2Host));
        match record {
            RecordType::Block if v1 || v2 => None,
            RecordType::ToIn if v1 => None,
            RecordType::ToEx if v1 || v2 => Some((record, Set::new())),
            _ => Some((record, list)),
        }
    }
}

/// The message that contained a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    V1,
    V2,
    Leave,
    V3(RecordType),
}
