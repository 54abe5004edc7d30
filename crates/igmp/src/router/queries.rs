//! Specific queries: Q(G) and Q(G,X), first sent and repeated (I35 to I37).

use crate::codec::{self, Query, QueryBody, SourceList};
use crate::link_base::{Addressing, LinkBase};
use crate::router::group::Group;
use crate::router::querier::v3_body;
use crate::step::Step;
use crate::NEVER;
use mgm_types::Time;
use std::net::Ipv4Addr;

/// Sends the specific queries of one group.
pub(super) struct Asker<'a, 's> {
    /// The group.
    pub address: Ipv4Addr,
    /// The version of the link.
    pub version: u8,
    /// The link.
    pub base: &'a mut LinkBase,
    /// The step.
    pub step: &'a mut Step<'s>,
}

impl Asker<'_, '_> {
    fn last_member_end(&self) -> Time {
        Time(self.step.now.0 + self.base.config.last_member_time())
    }

    fn next_round(&self) -> Time {
        Time(self.step.now.0 + u64::from(self.base.config.last_member_query_interval))
    }

    /// Whether Q(G) would start something now: it does not while a sequence runs and no report
    /// has come since.
    pub fn starts_group(group: &Group) -> bool {
        group.exclude && !group.asked
    }

    /// The sources of the list about which Q(G,X) would start something now.
    pub fn starting_sources(&self, group: &Group, sources: &[Ipv4Addr]) -> Vec<Ipv4Addr> {
        let end = self.last_member_end();
        let starts = |address: &Ipv4Addr| {
            let source = group.find(*address).ok().map(|at| &group.sources[at]);
            source.and_then(|source| source.timer()).is_some_and(|timer| timer > end)
        };
        sources.iter().copied().filter(starts).collect()
    }

    /// Q(G): lowers the group timer to LMQT, asks at once, and LMQC - 1 times more.
    pub fn start_group(&mut self, group: &mut Group) {
        group.timer = group.timer.min(self.last_member_end());
        group.asked = true;
        group.queries_left = self.base.config.last_member_count() - 1;
        group.next_query = self.next_round();
        self.send_group(false);
    }

    /// Q(G,X) for sources that [`Asker::starting_sources`] has returned.
    pub fn start_sources(&mut self, group: &mut Group, sources: &[Ipv4Addr]) {
        let (end, left) = (self.last_member_end(), self.base.config.last_member_count() - 1);
        for address in sources {
            if let Ok(at) = group.find(*address) {
                group.sources[at].set_timer(end);
                group.sources[at].queries_left = left;
            }
        }
        if left > 0 && group.next_source_query == NEVER {
            group.next_source_query = self.next_round();
        }
        self.send_sources(sources, false);
    }

    /// Repeats the queries that are due at `at`. What ends in this very step is not asked about,
    /// because no answer could come in time.
    pub fn repeat(&mut self, group: &mut Group, at: Time) {
        let now = self.step.now;
        let group_due = group.queries_left > 0 && group.next_query <= at;
        let ask_group = group_due && group.exclude && group.timer > now;
        if group.next_source_query <= at {
            self.repeat_sources(group, ask_group);
        }
        if group_due {
            group.queries_left -= 1;
            group.next_query = self.following(group.next_query);
            if ask_group {
                self.send_group(group.timer > self.last_member_end());
            } else {
                group.queries_left = 0;
            }
        }
    }

    fn repeat_sources(&mut self, group: &mut Group, group_asked: bool) {
        let (now, end) = (self.step.now, self.last_member_end());
        let (mut suppressed, mut asked) = (Vec::new(), Vec::new());
        let mut left = false;
        for source in group.sources.iter_mut().filter(|source| source.queries_left > 0) {
            source.queries_left -= 1;
            left |= source.queries_left > 0;
            match source.timer() {
                Some(timer) if timer > end => suppressed.push(source.address),
                Some(timer) if timer > now => asked.push(source.address),
                _ => {}
            }
        }
        let following = self.following(group.next_source_query);
        group.next_source_query = if left { following } else { NEVER };
        if !group_asked {
            self.send_sources(&suppressed, true);
        }
        self.send_sources(&asked, false);
    }

    /// The round after the one that was due then.
    fn following(&self, due: Time) -> Time {
        let next = Time(due.0 + u64::from(self.base.config.last_member_query_interval));
        if next > self.step.now {
            next
        } else {
            self.next_round()
        }
    }

    fn send_group(&mut self, suppress: bool) {
        let body = match self.version {
            1 => return,
            2 => QueryBody::V2,
            _ => v3_body(&self.base.config, suppress, SourceList::default()),
        };
        self.send(body);
    }

    /// As many queries as the sources need. Only version 3 has them.
    fn send_sources(&mut self, sources: &[Ipv4Addr], suppress: bool) {
        if self.version < 3 {
            return;
        }
        for part in sources.chunks(codec::sources_in_query(self.base.info.mtu)) {
            let octets: Vec<u8> = part.iter().flat_map(Ipv4Addr::octets).collect();
            let body = v3_body(&self.base.config, suppress, SourceList::of(&octets));
            self.send(body);
        }
    }

    fn send(&mut self, body: QueryBody) {
        let Some(source) = self.base.query_address() else { return };
        let max_response = self.base.config.last_member_query_interval;
        let query = Query { group: self.address, max_response, body };
        let to = Addressing { source, destination: self.address, loop_back: false };
        self.base.counters.queries_sent += 1;
        self.base.send(self.step, &query.write(), to);
    }
}
