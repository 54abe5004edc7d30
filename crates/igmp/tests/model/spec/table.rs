//! The table of I32 as sets, and what follows from it (I35, I36, I40, I52).

use super::{GroupLine, Kind, Set, SourceLine, Spec, WantLine, What};
use mgm_igmp::codec::RecordType::{self, *};
use mgm_igmp::LeaveMode;
use std::net::Ipv4Addr;

/// A*B, A-B.
fn both(one: &Set, other: &Set) -> Set {
    one.intersection(other).copied().collect()
}
fn less(one: &Set, other: &Set) -> Set {
    one.difference(other).copied().collect()
}

/// A record, without its sources: which host reported it, and how.
#[derive(Clone, Copy)]
pub(super) struct Told {
    pub host: Ipv4Addr,
    pub kind: Kind,
    pub record: RecordType,
    pub group: Ipv4Addr,
}

impl Spec {
    fn entries(&self) -> usize {
        self.groups.len() + self.sources.len()
    }

    /// Gives the sources these deadlines, and records to those that have none, if there is room.
    fn set(&mut self, group: Ipv4Addr, list: &Set, until: Option<u64>) {
        for source in list {
            let full = self.sources.iter().filter(|line| line.group == group).count()
                >= usize::from(self.config.max_sources)
                || self.entries() >= self.max_entries;
            let known = self.sources.iter_mut().find(|l| l.group == group && l.source == *source);
            match known {
                Some(line) => {
                    line.until = until;
                    if until.is_none() {
                        line.queries_left = 0;
                    }
                }
                None if full => {}
                None => {
                    let source = *source;
                    self.sources.push(SourceLine { group, source, until, queries_left: 0 });
                }
            }
        }
    }

    fn delete(&mut self, group: Ipv4Addr, list: &Set) {
        self.sources.retain(|line| line.group != group || !list.contains(&line.source));
    }

    pub(super) fn apply(&mut self, told: Told, b: Set) {
        let Told { kind, record, group, .. } = told;
        let creates = matches!(record, IsEx | ToEx) || record != Block && !b.is_empty();
        if !self.has(group) {
            let full = self.groups.len() >= self.config.max_groups as usize;
            if !creates {
                return;
            }
            if full || self.entries() >= self.max_entries {
                return self.hosts_unknown();
            }
            self.hold(group, What::UnknownHosts, self.unknown_until);
            self.groups.push(GroupLine {
                group,
                exclude: false,
                timer: 0,
                asked: false,
                queries: None,
                source_queries: None,
            });
        }
        let (gmi, ohpi, _) = self.intervals();
        let (asked, ask_group) = self.row(record, group, &b, self.now + gmi);
        match kind {
            Kind::V1 => self.replace(group, What::V1Host, self.now + ohpi),
            Kind::V2 => self.replace(group, What::V2Host, self.now + ohpi),
            _ => {}
        }
        self.note(told, &b);
        self.follow(told, asked, ask_group);
    }

    fn replace(&mut self, group: Ipv4Addr, what: What, until: u64) {
        self.untils.retain(|line| line.group != group || line.what != what);
        self.hold(group, what, until);
    }

    /// The row of the table; returns X of Q(G,X), and whether there is a Q(G).
    fn row(&mut self, record: RecordType, group: Ipv4Addr, b: &Set, gmi: u64) -> (Set, bool) {
        let (x, y) = (self.running(group), self.excluded(group));
        let line = self.line(group).expect("it was made");
        let (exclude, timer) = (line.exclude, line.timer);
        let none = (Set::new(), false);
        match (exclude, record) {
            (_, IsIn | Allow) => {
                self.set(group, b, Some(gmi));
                none
            }
            (false, IsEx | ToEx) => {
                self.delete(group, &less(&x, b));
                self.set(group, &less(b, &x), None);
                self.start_timer(group, gmi);
                if record == ToEx {
                    (both(&x, b), false)
                } else {
                    none
                }
            }
            (false, Block) => (both(&x, b), false),
            (false, ToIn) => {
                self.set(group, b, Some(gmi));
                (less(&x, b), false)
            }
            (true, IsEx) => {
                self.delete(group, &less(&x, b));
                self.delete(group, &less(&y, b));
                self.set(group, &less(&less(b, &x), &y), Some(gmi));
                self.start_timer(group, gmi);
                none
            }
            (true, Block) => {
                self.set(group, &less(&less(b, &x), &y), Some(timer));
                (less(b, &y), false)
            }
            (true, ToEx) => {
                self.delete(group, &less(&x, b));
                self.delete(group, &less(&y, b));
                self.set(group, &less(&less(b, &x), &y), Some(timer));
                self.start_timer(group, gmi);
                (less(b, &y), false)
            }
            (true, ToIn) => {
                self.set(group, b, Some(gmi));
                (less(&x, b), true)
            }
        }
    }

    fn start_timer(&mut self, group: Ipv4Addr, until: u64) {
        let line = self.line(group).expect("it was made");
        (line.exclude, line.timer, line.asked) = (true, until, false);
    }

    /// Which host wants what (I40).
    fn note(&mut self, told: Told, b: &Set) {
        let Told { host, kind, record, group } = told;
        if self.config.leave != LeaveMode::Tracked {
            return;
        }
        let (gmi, ohpi, _) = self.intervals();
        let until = self.now + gmi;
        let suspended = match kind {
            Kind::V1 | Kind::V2 => Some(until.max(self.now + ohpi)),
            _ if host.is_unspecified() => Some(until),
            _ => None,
        };
        if let Some(until) = suspended {
            return self.hold(group, What::UnknownHosts, until);
        }
        let own = |line: &WantLine| line.group == group && line.host == host;
        let listed = |line: &WantLine| line.source.is_some_and(|source| b.contains(&source));
        match record {
            ToIn | ToEx | IsEx => self.wants.retain(|line| !own(line)),
            Block => self.wants.retain(|l| !own(l) || l.excluded || !listed(l)),
            IsIn | Allow => self.wants.retain(|l| !own(l) || !l.excluded || !listed(l)),
        }
        let excludes = matches!(record, ToEx | IsEx);
        if excludes {
            self.wants.push(WantLine { group, host, source: None, excluded: false, until });
        }
        let all = self.wants.iter().any(|line| own(line) && line.source.is_none());
        let wants = matches!(record, IsIn | Allow | ToIn);
        for source in b.iter().filter(|_| wants || all) {
            let source = Some(*source);
            self.wants.retain(|line| !own(line) || line.source != source);
            self.wants.push(WantLine { group, host, source, excluded: !wants, until });
        }
        let count = |spec: &Spec| spec.wants.iter().filter(|line| line.group == group).count();
        if count(self) > usize::from(self.config.max_tracked) {
            let now = self.now;
            self.wants.retain(|line| line.group != group || line.until > now);
            if count(self) > usize::from(self.config.max_tracked) {
                self.forget_hosts(group);
            }
        }
    }

    /// Whether a known host other than this one wants a source; without one: all sources.
    fn other_wants(&self, host: Ipv4Addr, group: Ipv4Addr, source: Option<Ipv4Addr>) -> bool {
        let live =
            |line: &&WantLine| line.group == group && line.host != host && line.until > self.now;
        self.wants.iter().filter(live).any(|line| {
            let excluded = |other: &WantLine| {
                other.group == group
                    && other.host == line.host
                    && other.excluded
                    && other.until > self.now
                    && other.source == source
            };
            match line.source {
                None => source.is_none() || !self.wants.iter().any(excluded),
                named => !line.excluded && named == source,
            }
        })
    }

    fn follow(&mut self, told: Told, x: Set, g: bool) {
        let Told { host, record, group, .. } = told;
        let unasked = group.octets()[..3] == [224, 0, 0];
        let version = self.version();
        let x = if version == 3 { x } else { Set::new() };
        let g = g && version > 1;
        if !self.querier || unasked || x.is_empty() && !g {
            return;
        }
        let leaves = matches!(record, ToIn | Block);
        let known = !self.holds(group, What::UnknownHosts);
        match self.config.leave {
            LeaveMode::Immediate if leaves => self.end(group, &x, g),
            LeaveMode::Tracked if leaves && known => {
                let ended: Set =
                    x.into_iter().filter(|s| !self.other_wants(host, group, Some(*s))).collect();
                let g = g && !self.other_wants(host, group, None);
                self.end(group, &ended, g);
            }
            _ => self.ask(group, &x, g),
        }
    }

    /// Ends at once.
    fn end(&mut self, group: Ipv4Addr, x: &Set, g: bool) {
        if self.is_exclude(group) {
            self.set(group, x, None);
        } else {
            self.delete(group, x);
        }
        if g {
            self.leave_exclude(group);
        }
    }

    pub(super) fn leave_exclude(&mut self, group: Ipv4Addr) {
        self.delete(group, &self.excluded(group));
        let line = self.line(group).expect("it is there");
        (line.exclude, line.asked, line.queries) = (false, false, None);
    }
}
