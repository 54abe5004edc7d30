//! The interface mgm0: the rest of the router, as one more link of the daemon.
//!
//! The memberships of other clients appear there as those of one host, which reports groups and
//! answers queries.

use crate::daemon::{everything, Daemon, Router};
use crate::packets::{leave, queried, report};
use mgm_engine::EnumKind;
use mgm_remote::messages::{Reply, Request};
use mgm_types::{Flow, Ipv4Addr};
use std::collections::BTreeSet;

impl Daemon {
    /// The address that speaks for all others on mgm0.
    pub fn set_peer(&mut self, peer: Ipv4Addr) {
        self.rest.peer = peer;
    }

    /// All that others want when mgm0 becomes a VIF: a newcomer is not alerted of it.
    pub(crate) fn learn(&mut self, router: &mut impl Router) {
        let (client, kind) = (self.client, EnumKind::AllSources);
        let started = self.ask(router, Request::EnumStart { client, kind });
        let Ok(Reply::Enumeration { enumeration }) = started else { return };
        loop {
            let next = self.ask(router, Request::EnumNext { enumeration, most: 1024 });
            let Ok(Reply::Groups { flows, more }) = next else { break };
            let is_over = flows.is_empty() || !more;
            for flow in flows {
                // What only the daemon itself wants is not for others.
                if !self.held.iter().any(|(held, _)| *held == flow) {
                    self.wanted(flow);
                }
            }
            if is_over {
                break;
            }
        }
        self.ask(router, Request::EnumEnd { enumeration }).ok();
    }

    /// Others want a flow: the daemon hears a report.
    pub(crate) fn wanted(&mut self, flow: Flow) {
        if !self.has_rest() || !self.rest.wanted.insert(flow) {
            return;
        }
        if flow.group().is_unspecified() {
            let groups: BTreeSet<Ipv4Addr> = self.entries.keys().map(|flow| flow.group()).collect();
            groups.into_iter().for_each(|group| self.report(group));
        } else {
            self.report(flow.group());
        }
    }

    /// Others no longer want a flow: unless they want another one of the group, the daemon hears
    /// that a host leaves it.
    pub(crate) fn unwanted(&mut self, flow: Flow) {
        if self.rest.wanted.remove(&flow) && !self.is_wanted(flow.group()) {
            self.inbox.add(leave(self.rest.peer, flow.group()));
        }
    }

    /// The connection is lost, or mgm0 is no VIF any longer.
    pub(crate) fn forget_others(&mut self) {
        self.rest.wanted.clear();
    }

    /// Whether others want all groups: the daemon then hears a report of each group that it knows.
    pub(crate) fn are_all_wanted(&self) -> bool {
        self.rest.wanted.contains(&everything())
    }

    /// The daemon hears a report.
    pub(crate) fn report(&mut self, group: Ipv4Addr) {
        self.inbox.add(report(self.rest.peer, group));
    }

    /// The daemon has sent a packet on mgm0. If it is a query, it hears reports.
    pub fn sent_on_rest(&mut self, packet: &[u8], has_header: bool) {
        let Some(group) = queried(packet, has_header) else { return };
        let mut wanted: BTreeSet<Ipv4Addr> =
            self.rest.wanted.iter().map(|flow| flow.group()).collect();
        if self.are_all_wanted() {
            wanted.extend(self.entries.keys().map(|flow| flow.group()));
        }
        for each in wanted.into_iter().filter(|each| !each.is_unspecified()) {
            if group.is_unspecified() || group == each {
                self.report(each);
            }
        }
    }

    fn is_wanted(&self, group: Ipv4Addr) -> bool {
        self.rest.wanted.iter().any(|flow| flow.group() == group)
    }
}
