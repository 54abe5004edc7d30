//! What a host sends, and when.

use super::group::{OldMessage, PendingRecord};
use super::{pack, HostSide};
use crate::codec;
use crate::link_base::{Addressing, LinkBase};
use crate::log_event::LogEvent;
use crate::step::Step;
use crate::NEVER;
use mgm_types::Time;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

impl HostSide {
    /// Sends the next report of a change for each of these groups.
    pub(super) fn report_changes(
        &mut self,
        groups: BTreeSet<Ipv4Addr>,
        base: &mut LinkBase,
        step: &mut Step,
    ) {
        let mut records = Vec::new();
        for address in groups {
            let Some(group) = self.groups.get_mut(&address) else { continue };
            if self.version == 3 {
                records.extend(group.next_change(address));
            } else {
                match group.next_old_change() {
                    OldMessage::Report => self.send_old_report(address, base, step),
                    OldMessage::Leave => self.send_leave(address, base, step),
                    OldMessage::Nothing => {}
                }
            }
            if self.groups.get(&address).is_some_and(|group| group.has_reports()) {
                self.repeating.insert(address);
            } else {
                self.repeating.remove(&address);
            }
            self.forget_if_idle(address);
        }
        self.send_records(&records, base, step);
    }

    /// Sets when the groups with reports left are reported again.
    pub(super) fn schedule_repetition(&mut self, base: &LinkBase, step: &mut Step) {
        self.repeat_at = NEVER;
        if !self.repeating.is_empty() {
            let interval = base.config.report_interval(self.version);
            self.repeat_at = Time(step.now.0 + step.random.u64(1..=u64::from(interval)));
        }
    }

    /// Answers the specific queries for a group.
    pub(super) fn answer(&mut self, address: Ipv4Addr, base: &mut LinkBase, step: &mut Step) {
        let Some(group) = self.groups.get_mut(&address) else { return };
        let record = group.next_answer(address);
        if self.version == 3 {
            self.send_records(record.as_slice(), base, step);
        } else if record.is_some() {
            self.send_old_report(address, base, step);
        }
    }

    /// Sends the next packet of the answer to General Queries.
    pub(super) fn sweep(&mut self, base: &mut LinkBase, step: &mut Step) {
        let passed = match self.version {
            3 => self.sweep_records(base, step),
            _ => self.sweep_old_report(base, step),
        };
        self.sweep.advance(passed, &self.groups, step);
    }

    /// The next groups of the walk, as many as fit into a packet; returns how many.
    fn sweep_records(&mut self, base: &mut LinkBase, step: &mut Step) -> usize {
        let mut left = pack::room(base.info.mtu);
        let (mut records, mut passed) = (Vec::new(), 0);
        while let Some(address) = self.sweep.next(&self.groups) {
            let group = &self.groups[&address];
            if !group.wanted.is_nothing() {
                let record = group.current(address);
                let length = record.record().length();
                if length > left && !records.is_empty() {
                    break;
                }
                left = left.saturating_sub(length);
                records.push(record);
            }
            self.sweep.pass(address);
            passed += 1;
        }
        self.send_records(&records, base, step);
        passed
    }

    /// v1 and v2: reports the next group of the walk that no other host has reported since the
    /// query. Returns how many groups it has passed.
    fn sweep_old_report(&mut self, base: &mut LinkBase, step: &mut Step) -> usize {
        let mut passed = 0;
        while let Some(address) = self.sweep.next(&self.groups) {
            self.sweep.pass(address);
            passed += 1;
            let group = &self.groups[&address];
            if !group.wanted.is_nothing() && !group.was_heard_since(self.sweep.asked_at()) {
                self.send_old_report(address, base, step);
                break;
            }
        }
        passed
    }

    /// v1 and v2: another host reported this group (I64).
    pub(super) fn heard_report(&mut self, address: Ipv4Addr, now: Time) {
        let Some(group) = self.groups.get_mut(&address) else { return };
        if self.version < 3 {
            group.heard_report(now);
            self.repeating.remove(&address);
            self.answers.remove(address);
        }
    }

    fn send_records(&self, records: &[PendingRecord], base: &mut LinkBase, step: &mut Step) {
        for message in pack::pack(records, pack::room(base.info.mtu)) {
            self.send(&message, codec::ALL_V3_ROUTERS, base, step);
        }
    }

    /// v1 and v2: reports one group. These versions cannot say which sources are wanted, and
    /// routers ignore such reports in the SSM range (RFC 4604, 2.2.1).
    fn send_old_report(&mut self, address: Ipv4Addr, base: &mut LinkBase, step: &mut Step) {
        if base.config.is_ssm(address) {
            let version = self.version;
            return base.log(step, LogEvent::SsmNotReported { group: address, version });
        }
        if let Some(group) = self.groups.get_mut(&address) {
            group.reported();
        }
        let message = match self.version {
            1 => codec::report_v1(address),
            _ => codec::report_v2(address),
        };
        self.send(&message, address, base, step);
    }

    fn send_leave(&self, address: Ipv4Addr, base: &mut LinkBase, step: &mut Step) {
        self.send(&codec::leave(address), codec::ALL_ROUTERS, base, step);
    }

    fn send(&self, message: &[u8], destination: Ipv4Addr, base: &mut LinkBase, step: &mut Step) {
        let Some(source) = self.source else { return };
        base.counters.reports_sent += 1;
        base.send(step, message, Addressing { source, destination, loop_back: false });
    }
}
