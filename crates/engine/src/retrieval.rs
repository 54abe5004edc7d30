//! The rows that the retrieval and enumeration functions return (spec sections 6 and 7).

use super::mfe::{Mfe, OifCount};
use super::sources::SourceId;
use super::Engine;
use crate::types::{Flow, IfId, Interface, Ipv4Addr, Route, Time};

/// One oif of an [`MfeRow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OifRow {
    /// The interface.
    pub interface: Interface,
    /// Packets sent.
    pub packets: u64,
    /// Packets whose TTL was not above the threshold.
    pub ttl_too_low: u64,
}

/// Everything that the retrieval functions return about one MFE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfeRow {
    /// Source and group.
    pub flow: Flow,
    /// The neighbour that packets come from, 0.0.0.0 for a connected source.
    pub upstream: Ipv4Addr,
    /// The incoming interface.
    pub iif: Interface,
    /// Protocol id of the iif's owner.
    pub iif_protocol: u32,
    /// The route that the look-up of the source matched.
    pub route: Route,
    /// Milliseconds since the MFE was created, or its time-out set.
    pub up_ms: u64,
    /// The time-out in seconds; u32::MAX never expires.
    pub timeout: u32,
    /// The outgoing interfaces, in the order of their numbers.
    pub oifs: Vec<OifRow>,
    /// Packets accepted on the iif.
    pub packets: u64,
    /// Octets, as the forwarder counts them.
    pub octets: u64,
    /// Packets on other interfaces than the iif.
    pub wrong_if: u64,
    /// Packets accepted while there was no oif.
    pub negative: u64,
    /// Packets sent, on all present and former oifs; 0 if the forwarder counts only for the whole
    /// MFE, as for each oif.
    pub sent: u64,
}

impl Default for MfeRow {
    fn default() -> Self {
        MfeRow {
            flow: Flow::WILDCARD,
            upstream: Ipv4Addr::UNSPECIFIED,
            iif: Interface::NONE,
            iif_protocol: 0,
            route: Route::NONE,
            up_ms: 0,
            timeout: 0,
            oifs: Vec::new(),
            packets: 0,
            octets: 0,
            wrong_if: 0,
            negative: 0,
            sent: 0,
        }
    }
}

impl MfeRow {
    /// Milliseconds until it expires; `None` means never.
    #[must_use]
    pub fn expiry_ms(&self) -> Option<u64> {
        let life = u64::from(self.timeout) * 1000;
        (self.timeout != u32::MAX).then(|| life.saturating_sub(self.up_ms))
    }
}

/// What a group enumeration returns (MGM_ENUM_TYPES, spec 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnumKind {
    /// Groups that have a source-specific join.
    AnySource,
    /// Every (s,g), (*,g) and (*,*) that anyone joined.
    AllSources,
}

/// The entry that a forwarder must have for a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedEntry {
    /// The entry of an MFE with this iif.
    Mfe(IfId),
    /// An entry without oifs, so that the forwarder does not report the flow again: that of a
    /// refused flow whose first packet arrived there.
    Refusal(IfId),
    /// None.
    Nothing,
}

impl Engine {
    /// Fills `row` from the MFE of `flow`; false if there is none.
    pub fn read_mfe(&self, now: Time, flow: Flow, row: &mut MfeRow) -> bool {
        match self.flows.row(flow) {
            Some((source, mfe)) => {
                self.fill(now, (flow, source, mfe), self.way_in_by(mfe.iif), row);
                true
            }
            None => false,
        }
    }

    /// Fills `row` from each MFE after `start` in order (all of them, if
    /// `None`) until `visit` returns false.
    pub fn walk_mfes(
        &self,
        now: Time,
        start: Option<Flow>,
        row: &mut MfeRow,
        mut visit: impl FnMut(&mut MfeRow) -> bool,
    ) {
        let mut known = None; // many share it
        let first = start.map_or(Flow::WILDCARD, Flow::successor);
        self.flows.walk(first, |flow, source, mfe| {
            let (_, way_in) = match known {
                Some((id, way_in)) if id == mfe.iif => (id, way_in),
                _ => *known.insert((mfe.iif, self.way_in_by(mfe.iif))),
            };
            self.fill(now, (flow, source, mfe), way_in, row);
            visit(row)
        });
    }

    /// The flows of the MFEs after `start` in order (all, if `None`).
    pub fn mfe_flows(&self, start: Option<Flow>) -> impl Iterator<Item = Flow> + use<'_> {
        let first = start.map_or(Flow::WILDCARD, Flow::successor);
        self.flows.mfes(first).map(|(flow, _)| flow)
    }

    /// An incoming interface, and the protocol id of its owner.
    fn way_in_by(&self, iif: IfId) -> (Interface, u32) {
        let Some(slot) = self.interfaces.get(iif) else { return (Interface::NONE, 0) };
        let owner = slot.master().and_then(|client| self.clients.get(client));
        (slot.interface, owner.map_or(0, |owner| owner.protocol))
    }

    #[inline(always)] // a walk does this a million times
    fn fill(
        &self,
        now: Time,
        (flow, source, mfe): (Flow, SourceId, &Mfe),
        iif: (Interface, u32),
        row: &mut MfeRow,
    ) {
        row.flow = flow;
        row.upstream = mfe.upstream;
        (row.iif, row.iif_protocol) = iif;
        row.route.become_like(self.flows.sources.route(source));
        row.timeout = mfe.timeout(self.config.mfe_timeout);
        row.up_ms = now.since(mfe.born());
        row.packets = mfe.packets;
        row.octets = mfe.octets;
        row.oifs.clear();
        if let Some((packets, negative)) = mfe.plain_counts() {
            (row.wrong_if, row.negative, row.sent) = (0, negative, 0);
            for id in mfe.oifs.iter() {
                row.sent += packets;
                let interface = self.interfaces.name(id);
                row.oifs.push(OifRow { interface, packets, ttl_too_low: 0 });
            }
            return;
        }
        self.fill_counts(mfe, row);
    }

    /// The counters of an MFE that are not plain.
    fn fill_counts(&self, mfe: &Mfe, row: &mut MfeRow) {
        row.wrong_if = mfe.rare.as_ref().map_or(0, |rare| rare.wrong_if);
        row.negative = mfe.negative();
        row.sent = mfe.sent_by_former();
        for id in mfe.oifs.iter() {
            let OifCount { packets, ttl_too_low } = mfe.oif_count(id);
            row.sent += packets;
            row.oifs.push(OifRow { interface: self.interfaces.name(id), packets, ttl_too_low });
        }
    }

    /// The iif and oifs of an MFE as a forwarder needs them: oifs with the TTL
    /// that a packet must exceed.
    pub fn forwarding(&self, flow: Flow, oifs: &mut Vec<(IfId, u8)>) -> Option<IfId> {
        let mfe = self.flows.mfe(flow)?;
        oifs.clear();
        oifs.extend(
            mfe.oifs.iter().map(|id| (id, self.limits.threshold(self.interfaces.name(id)))),
        );
        Some(mfe.iif)
    }

    /// The next entry of a flow for a forwarder with counters of its own, see [`Engine::entry`];
    /// and whether its counters must be read first (spec 6.7), because the entry is the first with
    /// oifs, or the first without.
    pub fn next_entry(&mut self, flow: Flow, oifs: &mut Vec<(IfId, u8)>) -> (WantedEntry, bool) {
        let Some(mfe) = self.flows.mfe_mut(flow) else { return (self.entry(flow, oifs), false) };
        let is_turning = mfe.is_turning();
        oifs.clear();
        for id in mfe.oifs.iter() {
            oifs.push((id, self.limits.threshold(self.interfaces.name(id))));
        }
        (WantedEntry::Mfe(mfe.iif), is_turning)
    }

    /// The entry that a forwarder must have for a flow, with the oifs of its MFE.
    pub fn entry(&self, flow: Flow, oifs: &mut Vec<(IfId, u8)>) -> WantedEntry {
        if let Some(iif) = self.forwarding(flow, oifs) {
            return WantedEntry::Mfe(iif);
        }
        oifs.clear();
        let refusal = self.refusals.get(flow).filter(|refusal| refusal.packet.by_forwarder);
        let arrival = refusal.and_then(|refusal| self.interfaces.served(refusal.packet.arrival));
        arrival.map_or(WantedEntry::Nothing, WantedEntry::Refusal)
    }

    /// The number of MFEs.
    #[must_use]
    pub fn mfe_count(&self) -> usize {
        self.flows.mfe_len()
    }

    /// The entries of an enumeration after `last`, or all. They are ordered, so
    /// the position of an enumeration is all that it must store (spec 7.3).
    pub fn groups(
        &self,
        kind: EnumKind,
        last: Option<Flow>,
    ) -> impl Iterator<Item = Flow> + use<'_> {
        let from = match (kind, last) {
            (_, None) => Flow::WILDCARD,
            (EnumKind::AllSources, Some(flow)) => flow.successor(),
            (EnumKind::AnySource, Some(flow)) => flow.last_of_group().successor(),
        };
        let mut given = None;
        self.flows.wanted_flows(from).filter_map(move |flow| match kind {
            EnumKind::AllSources => Some(flow),
            EnumKind::AnySource => {
                let group = Some(flow.shared()).filter(|_| flow.has_source());
                group.filter(|group| given.replace(*group) != Some(*group))
            }
        })
    }
}
