//! The interface mgm0: the rest of the router, as one more link of the daemon.
//!
//! What other clients want is a host there, which reports groups and answers queries.

use crate::daemon::Daemon;
use crate::packets::{leave, queried, report, Datagram};
use mgm_types::{Flow, Ipv4Addr};
use std::collections::BTreeSet;

impl Daemon {
    /// The address that speaks for all others on mgm0.
    pub fn set_peer(&mut self, peer: Ipv4Addr) {
        self.rest.peer = peer;
    }

    /// Others want a flow: the daemon hears a report.
    pub(crate) fn wanted(&mut self, flow: Flow) {
        if !self.has_rest() || !self.rest.wanted.insert(flow) {
            return;
        }
        if flow.group().is_unspecified() {
            let groups: BTreeSet<Ipv4Addr> = self.entries.keys().map(|flow| flow.group()).collect();
            groups.into_iter().for_each(|group| self.hear(report(self.rest.peer, group)));
        } else {
            self.hear(report(self.rest.peer, flow.group()));
        }
    }

    /// Others no longer want a flow: unless they want another one of the group, the daemon hears
    /// that a host leaves it.
    pub(crate) fn unwanted(&mut self, flow: Flow) {
        if self.rest.wanted.remove(&flow) && !self.is_wanted(flow.group()) {
            self.hear(leave(self.rest.peer, flow.group()));
        }
    }

    /// The connection is lost, or mgm0 is no VIF any longer.
    pub(crate) fn forget_others(&mut self) {
        self.rest.wanted.clear();
    }

    /// Others want all groups: the daemon hears a report of each group that it knows.
    pub(crate) fn report_if_all_are_wanted(&mut self, group: Ipv4Addr) {
        if self.rest.wanted.contains(&Flow::any_source(Ipv4Addr::UNSPECIFIED)) {
            self.hear(report(self.rest.peer, group));
        }
    }

    /// The daemon has sent a packet on mgm0. If it is a query, it hears reports.
    pub fn sent_on_rest(&mut self, packet: &[u8], has_header: bool) {
        let Some(group) = queried(packet, has_header) else { return };
        let mut wanted: BTreeSet<Ipv4Addr> =
            self.rest.wanted.iter().map(|flow| flow.group()).collect();
        if wanted.contains(&Ipv4Addr::UNSPECIFIED) {
            wanted.extend(self.entries.keys().map(|flow| flow.group()));
        }
        for each in wanted.into_iter().filter(|each| !each.is_unspecified()) {
            if group.is_unspecified() || group == each {
                self.hear(report(self.rest.peer, each));
            }
        }
    }

    fn is_wanted(&self, group: Ipv4Addr) -> bool {
        self.rest.wanted.iter().any(|flow| flow.group() == group)
    }

    /// The same packet does not wait twice, so the inbox is bounded by the number of groups. The later
    /// one stays, so that a report after a leave is read after it.
    fn hear(&mut self, datagram: Datagram) {
        self.inbox.retain(|(waiting, _)| *waiting != datagram);
        self.inbox.push_back((datagram, false));
    }
}
