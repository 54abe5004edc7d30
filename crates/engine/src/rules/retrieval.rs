//! The rows that the retrieval functions return (spec section 6).

use crate::tables::{Mfe, MfeEntry, OifCount, Tables};
use mgm_types::{Flow, IfId, Interface, Ipv4Addr, OifCounters, OifsCounters, Route, Time};

/// One oif of an [`MfeRow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OifRow {
    /// The interface.
    pub interface: Interface,
    /// Packets sent.
    pub packets: u64,
    /// Packets whose TTL was not above the threshold.
    pub ttl_too_low: u64,
    /// Packets larger than the interface's MTU, where the forwarder counts them.
    pub too_large: u64,
    /// Packets that the system refused to send, where the forwarder counts them.
    pub discards: u64,
}

impl OifRow {
    fn new(interface: Interface, OifCount { packets, ttl_too_low }: OifCount) -> OifRow {
        OifRow { interface, packets, ttl_too_low, too_large: 0, discards: 0 }
    }
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
    /// Packets sent on all present and former oifs. If the forwarder counts only for the whole MFE,
    /// this is 0, as are the counters of each oif.
    pub sent: u64,
}

impl MfeRow {
    /// Takes the counters of the oifs from the forwarder, which has them in about the same order.
    pub fn take_oif_counters(&mut self, counters: &OifsCounters) {
        self.negative = counters.negative;
        self.sent = counters.sent_by_former;
        for (at, row) in self.oifs.iter_mut().enumerate() {
            let is_it = |it: &&OifCounters| it.interface == row.interface;
            let likely = counters.oifs.get(at).filter(is_it);
            let Some(found) = likely.or_else(|| counters.oifs.iter().find(is_it)) else { continue };
            row.packets = found.packets;
            row.ttl_too_low = found.ttl_too_low;
            row.too_large = found.too_large;
            row.discards = found.discards;
        }
        self.sent += counters.oifs.iter().map(|oif| oif.packets).sum::<u64>();
    }
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

/// Fills `row` from the MFE of `flow`; false if there is none.
pub fn read_mfe(t: &Tables, now: Time, flow: Flow, row: &mut MfeRow) -> bool {
    match t.flows.row(flow) {
        Some((source, mfe)) => {
            fill(t, now, MfeEntry { flow, source, mfe }, incoming_by(t, mfe.iif), row);
            true
        }
        None => false,
    }
}

/// Fills `row` from each MFE after `start` in order (all of them, if `None`) until `visit` returns
/// false.
pub fn walk_mfes(
    t: &Tables,
    now: Time,
    start: Option<Flow>,
    row: &mut MfeRow,
    mut visit: impl FnMut(&mut MfeRow) -> bool,
) {
    let mut known = None; // many share it
    let first = start.map_or(Flow::WILDCARD, Flow::successor);
    t.flows.walk(first, |entry| {
        let iif = entry.mfe.iif;
        let (_, incoming) = match known {
            Some((id, incoming)) if id == iif => (id, incoming),
            _ => *known.insert((iif, incoming_by(t, iif))),
        };
        fill(t, now, entry, incoming, row);
        visit(row)
    });
}

/// An incoming interface, and the protocol id of its owner.
#[derive(Clone, Copy)]
struct IncomingInterface {
    interface: Interface,
    protocol: u32,
}

fn incoming_by(t: &Tables, iif: IfId) -> IncomingInterface {
    let slot = t.interfaces.get(iif);
    let owner = slot.and_then(|slot| t.clients.get(slot.master()?));
    let protocol = owner.map_or(0, |owner| owner.protocol);
    IncomingInterface { interface: t.interfaces.name(iif), protocol }
}

#[inline(always)] // a walk does this a million times
fn fill(t: &Tables, now: Time, entry: MfeEntry<'_>, incoming: IncomingInterface, row: &mut MfeRow) {
    let MfeEntry { flow, source, mfe } = entry;
    row.flow = flow;
    row.upstream = mfe.upstream;
    (row.iif, row.iif_protocol) = (incoming.interface, incoming.protocol);
    row.route.become_like(t.flows.sources.route(source));
    row.timeout = mfe.timeout(t.config.mfe_timeout);
    row.up_ms = now.since(mfe.born());
    row.packets = mfe.packets;
    row.octets = mfe.octets;
    row.oifs.clear();
    if let Some((packets, negative)) = mfe.plain_counts() {
        (row.wrong_if, row.negative, row.sent) = (0, negative, 0);
        for id in mfe.oifs.iter() {
            row.sent += packets;
            let interface = t.interfaces.name(id);
            row.oifs.push(OifRow::new(interface, OifCount { packets, ttl_too_low: 0 }));
        }
        return;
    }
    fill_counts(t, mfe, row);
}

/// The counters of an MFE that are not plain.
fn fill_counts(t: &Tables, mfe: &Mfe, row: &mut MfeRow) {
    row.wrong_if = mfe.rare.as_ref().map_or(0, |rare| rare.wrong_if);
    row.negative = mfe.negative();
    row.sent = mfe.sent_by_former();
    for id in mfe.oifs.iter() {
        let count = mfe.oif_count(id);
        row.sent += count.packets;
        row.oifs.push(OifRow::new(t.interfaces.name(id), count));
    }
}
