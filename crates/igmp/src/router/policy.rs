//! Changes of the configuration, and state that is saved and read again.

use crate::config::LeaveMode;
use crate::filter::Filter;
use crate::link_base::LinkBase;
use crate::router::admission::permits_group;
use crate::router::group::Source;
use crate::router::room::Room;
use crate::router::transitions::Scope;
use crate::router::{Context, RouterSide, Snapshot};
use crate::saved::SavedGroup;
use crate::step::Step;
use mgm_types::{is_host_source, Time};
use std::net::Ipv4Addr;

impl RouterSide {
    /// Removes what the configuration does not permit any longer (I46, I51). The caller
    /// reports what changed.
    pub fn enforce(&mut self, base: &LinkBase, step: &mut Step) {
        let config = &base.config;
        let all: Vec<Ipv4Addr> = self.groups().collect();
        for address in all {
            let Some(group) = self.groups.get_mut(address) else { continue };
            let denied =
                permits_group(config, address).is_err() || group.exclude && config.is_ssm(address);
            *step.entries -= group.retain(|source| config.sources.permits(source.address));
            if denied || group.is_empty() {
                let sources = self.groups.remove(address).unwrap_or(0);
                *step.entries -= 1 + sources as u32;
            } else {
                self.groups.settle(address);
            }
        }
    }

    /// The configuration has changed. Reports that it would note or admit may have come before, so
    /// the hosts are no longer known.
    pub fn forget_hosts(&mut self, base: &LinkBase, step: &Step) {
        self.hosts_unknown(base, step.now);
        for group in self.groups.iter_mut() {
            if base.config.leave != LeaveMode::Tracked {
                group.tracking.forget();
            }
            group.tracking.suspend(self.unknown_until);
        }
    }

    /// Hosts that are not known may want any group, until what they reported ends (G49).
    pub(super) fn hosts_unknown(&mut self, base: &LinkBase, now: Time) {
        let until = Time(now.0 + self.querier.intervals(&base.config).group_membership);
        self.unknown_until = self.unknown_until.max(until);
    }

    /// The groups with their modes and sources (I80).
    pub fn saved(&self) -> Vec<SavedGroup> {
        let saved = self.groups.iter().map(|(address, group)| {
            let list = |runs: bool| {
                let of_kind = group.sources.iter().filter(|source| source.runs() == runs);
                of_kind.map(|source| source.address).collect()
            };
            SavedGroup {
                group: address,
                exclude: group.exclude,
                wanted: list(true),
                excluded: list(false),
            }
        });
        saved.collect()
    }

    /// Takes over a saved group until QRI + LMQT from now, unless hosts have reported it already.
    pub fn restore(&mut self, saved: &SavedGroup, context: &mut Context) {
        let (config, now) = (&context.base.config, context.step.now);
        let denied = permits_group(config, saved.group).is_err()
            || saved.exclude && config.is_ssm(saved.group);
        if denied || self.groups.get(saved.group).is_some() {
            return;
        }
        let before = Snapshot::of(None, saved.group, Scope::All, context);
        let answered = u64::from(config.query_response_interval) + config.last_member_time();
        let end = Time(now.0 + answered);
        let mut room = Room {
            entries: &mut *context.step.entries,
            max_entries: context.step.settings.max_entries,
            max_sources: config.max_sources.into(),
            bucket: None,
            counters: &mut context.base.counters,
            now,
            reached: None,
        };
        if !room.group(self.groups.len(), config.max_groups as usize) {
            return;
        }
        let group = self.groups.create(saved.group);
        group.exclude = saved.exclude;
        group.timer = end;
        // Hosts that are not known yet may want it.
        group.tracking.suspend(Time(now.0 + config.intervals().group_membership));
        let wanted = saved.wanted.iter().map(|source| Source::running(*source, end));
        let excluded = saved.excluded.iter().map(|source| Source::stopped(*source));
        for source in wanted.chain(excluded.filter(|_| saved.exclude)) {
            let permitted =
                is_host_source(source.address) && config.sources.permits(source.address);
            if let (true, Err(at)) = (permitted, group.find(source.address)) {
                if room.source(group.sources.len()) {
                    group.insert(at, source);
                }
            }
        }
        self.groups.settle(saved.group);
        self.finish(&before, context);
    }

    /// What hosts want of each group.
    pub fn filters(&self) -> impl Iterator<Item = (Ipv4Addr, Filter)> + '_ {
        self.groups.iter().map(|(address, group)| (address, group.filter()))
    }
}
