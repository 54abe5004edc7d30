//! Collects a snapshot: memberships and MFEs in turns, because there may be a million of them,
//! everything else at once.

use super::*;
use crate::engine::{MembershipRow, MfeRow, Refused};
use crate::posted_client::{PeerProcess, PostedClient};
use crate::state::Run;
use crate::types::{Rate, Route};
use crate::Manager;
use std::ops::ControlFlow;
use widestring::U16CStr;

impl Manager {
    /// A snapshot. Other threads get the lock while this walks the memberships and MFEs, so these
    /// may change meanwhile. Does not start the library.
    #[must_use]
    pub fn status(&self, detail: Detail) -> Status {
        let mut status = Status {
            version: env!("CARGO_PKG_VERSION"),
            target: env!("MGM_TARGET"),
            running: false,
            forwarder: None,
            bypassed_chains: Vec::new(),
            uptime_ms: 0,
            totals: Totals::default(),
            counters: CountersStatus::default(),
            clients: Vec::new(),
            interfaces: Vec::new(),
            limits: LimitsStatus::default(),
            memberships: detail.memberships.then(Vec::new),
            mfes: detail.mfes.then(Vec::new),
        };
        let mut oifs_count = false;
        let mut has_names = false;
        if let Some(run) = self.lock().running() {
            run.collect(&mut status);
            oifs_count = run.system.counts_oifs();
            // With the memory forwarder, the host may number its interfaces as it likes.
            has_names = run.system.has_counters();
        }
        if has_names {
            for row in &mut status.interfaces {
                row.name = crate::interface_name(row.iface.index).ok().map(name_text);
            }
        }
        if let Some(memberships) = &mut status.memberships {
            self.walk_memberships(|row| memberships.push(row.into()));
        }
        if let Some(mfes) = &mut status.mfes {
            self.walk_mfes(None, true, |row| {
                mfes.push(MfeStatus::of(row, oifs_count));
                ControlFlow::Continue(())
            });
        }
        status
    }
}

/// Names need not be UTF-8.
pub(super) fn name_text(name: Vec<u8>) -> String {
    String::from_utf8_lossy(&name).into_owned()
}

impl Run {
    fn collect(&mut self, status: &mut Status) {
        let now = self.now();
        let sizes = self.engine.sizes();
        let (installs, not_installed) = self.system.installs();
        status.running = true;
        status.forwarder = self.system.forwarder_name();
        status.bypassed_chains = self.system.bypassed_chains();
        status.uptime_ms = now.0;
        status.totals = Totals {
            clients: sizes.clients,
            interfaces: sizes.interfaces,
            memberships: sizes.memberships,
            mfes: sizes.mfes,
            resolving: sizes.resolving,
            refused_flows: sizes.refused_flows,
            not_installed,
        };
        status.counters = CountersStatus {
            callbacks: self.counters.callbacks,
            fell_behind: self.counters.fell_behind,
            wrong_if_dropped: self.counters.dropped,
            upcalls: Upcalls {
                no_cache: self.counters.no_cache,
                wrong_if: self.counters.wrong_if,
                lost: self.system.lost_upcalls(),
            },
            refused_packets: self.refused_packets(),
            install_errors: installs.errors,
            install_retries: installs.retries,
        };
        status.clients = self.collect_clients();
        status.interfaces = self
            .engine
            .interfaces()
            .map(|row| IfaceStatus {
                iface: row.interface.into(),
                name: None,
                owner: row.owner.map(|client| client.0),
                igmp: row.igmp.map(|client| client.0),
                changing: row.is_changing,
                absent: row.is_absent,
                reverse_path_filter: self.system.reverse_path(row.interface).map(Into::into),
            })
            .collect();
        status.limits = self.collect_limits();
    }

    fn refused_packets(&self) -> RefusedPackets {
        RefusedPackets {
            foreign_arrival: self.engine.refused(Refused::ForeignArrival),
            link_local: self.engine.refused(Refused::LinkLocal),
            boundary: self.engine.refused(Refused::Boundary),
            no_upstream: self.engine.refused(Refused::NoUpstream),
            wrong_interface: self.engine.refused(Refused::WrongInterface),
            flow_limit: self.engine.refused(Refused::FlowLimit),
            arrival_limit: self.engine.refused(Refused::ArrivalLimit),
            flow_rate: self.engine.refused(Refused::FlowRate),
            no_memory: self.engine.refused(Refused::NoMemory),
        }
    }

    fn collect_limits(&self) -> LimitsStatus {
        let thresholds = self.engine.thresholds();
        // The engine does not order the boundaries of one interface.
        let mut boundaries: Vec<_> = self.engine.boundaries().collect();
        boundaries.sort_unstable();
        let name = |scope| self.engine.scope_name(scope).map(U16CStr::to_string_lossy);
        LimitsStatus {
            max_flows: self.engine.max_flows(),
            thresholds: thresholds
                .map(|(interface, ttl)| Threshold { iface: interface.into(), ttl })
                .collect(),
            boundaries: boundaries
                .into_iter()
                .map(|(index, scope)| Boundary {
                    index,
                    scope: scope.to_string(),
                    name: name(scope),
                })
                .collect(),
            flow_rates: self
                .engine
                .flow_rates()
                .map(|(index, Rate { per_second, burst }, refused)| FlowRateStatus {
                    index,
                    per_second,
                    burst,
                    refused: refused + self.system.refused_packets(index),
                })
                .collect(),
        }
    }

    fn collect_clients(&self) -> Vec<ClientStatus> {
        let now = self.now();
        let grace = |client| self.engine.grace_ends(client).map(|ends| ends.since(now));
        self.engine
            .clients()
            .filter_map(|row| {
                let record = self.clients.get(row.id)?;
                let (queued, noted) = record.queue.len();
                Some(ClientStatus {
                    serial: row.id.0,
                    protocol: row.protocol,
                    component: row.component,
                    igmp: row.is_igmp,
                    interfaces: row.interfaces,
                    running: record.queue.is_running(),
                    queued: queued + record.backlog.len(),
                    behind: record.queue.is_behind(),
                    noted,
                    wrong_if_dropped: record.dropped,
                    callbacks: record.delivered,
                    process: record.posted.as_deref().map(|posted| ProcessStatus {
                        grace_ends_in_ms: grace(row.id),
                        ..posted.into()
                    }),
                })
            })
            .collect()
    }
}

impl From<&PostedClient> for ProcessStatus {
    fn from(posted: &PostedClient) -> ProcessStatus {
        let PeerProcess { pid, user, name } = posted.outlet.process();
        ProcessStatus {
            pid,
            user,
            name,
            unacknowledged: posted.sent.len(),
            answers: posted.latencies.median_and_worst().map(|(median_us, worst_us)| {
                AnswersStatus { count: posted.latencies.count, median_us, worst_us }
            }),
            absent: posted.is_absent && !posted.has_ended,
            ended: posted.has_ended,
            grace_ends_in_ms: None,
        }
    }
}

/// The address; `None` for 0.0.0.0.
pub(super) fn named(addr: Ipv4Addr) -> Option<Ipv4Addr> {
    (!addr.is_unspecified()).then_some(addr)
}

pub(super) fn prefix(route: &Route) -> String {
    format!("{}/{}", route.network, route.prefix_len)
}

impl From<MembershipRow> for Membership {
    fn from(row: MembershipRow) -> Membership {
        let ifaces = |names: Vec<Interface>| names.into_iter().map(Iface::from).collect();
        Membership {
            source: named(row.flow.source()),
            group: named(row.flow.group()),
            owner: ifaces(row.owner),
            igmp: ifaces(row.igmp),
        }
    }
}

impl MfeStatus {
    /// `oifs_count`: whether its oifs have counters, which the kernel's oifs do not.
    pub(super) fn of(row: &MfeRow, oifs_count: bool) -> MfeStatus {
        MfeStatus {
            source: row.flow.source(),
            group: row.flow.group(),
            iif: row.iif.into(),
            protocol: row.iif_protocol,
            upstream: named(row.upstream),
            route: prefix(&row.route),
            route_protocol: row.route.protocol,
            up_ms: row.up_ms,
            expires_in_ms: row.expiry_ms(),
            packets: row.packets,
            octets: row.octets,
            wrong_if: row.wrong_if,
            negative: row.negative,
            sent: oifs_count.then_some(row.sent),
            oifs: row
                .oifs
                .iter()
                .map(|oif| OifStatus {
                    iface: oif.interface.into(),
                    packets: oifs_count.then_some(oif.packets),
                    ttl_too_low: oifs_count.then_some(oif.ttl_too_low),
                    too_large: oifs_count.then_some(oif.too_large),
                    discards: oifs_count.then_some(oif.discards),
                })
                .collect(),
        }
    }
}
