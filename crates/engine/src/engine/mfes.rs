//! The calls of the engine about packets, MFEs and routes.

use super::Engine;
use crate::effects::Effects;
use crate::packet::{Out, Outcome, Packet, Refused};
use crate::rules::enumeration::EnumKind;
use crate::rules::explain::ExplainedFlow;
use crate::rules::explanation::Explanation;
use crate::rules::forwarder::WantedEntry;
use crate::rules::iif::SetMfe;
use crate::rules::listing::Sizes;
use crate::rules::retrieval::MfeRow;
use crate::rules::{
    enumeration, expiry, explain, forwarder, iif, listing, packets, questions, retrieval,
    route_changes, sources,
};
use crate::tables::ClientId;
use mgm_types::{Counters, Domain, Flow, IfId, Interface, Ipv4Addr, Prefix, Result, Route, Time};

impl Engine {
    // Packets and MFEs (spec section 5).

    /// Processes a packet for the memory forwarder. `route` is that of the source, if
    /// [`Engine::needs_route`].
    pub fn packet(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        route: Option<&Route>,
        fx: &mut Effects,
    ) -> Outcome {
        packets::packet(&mut self.tables, now, packet, route, fx)
    }

    /// The same for a packet that arrived on the iif of the MFE of its flow, which causes nothing.
    /// `None` if there is no such MFE, or if a boundary blocks the group there.
    pub fn forward_known(&mut self, packet: &Packet<'_>, fx: &mut Effects) -> Option<Out> {
        packets::forward_known(&mut self.tables, packet, fx)
    }

    /// Processes a packet for which the kernel has no entry. Returns no decision.
    pub fn no_entry(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        route: Option<&Route>,
        fx: &mut Effects,
    ) -> Outcome {
        packets::no_entry(&mut self.tables, now, packet, route, fx)
    }

    /// Sends WRONG_IF_CALLBACK to the owner of the interface that a packet arrived on, at most
    /// once in 3 s for each flow and interface (spec 5.7). If the flow has moved there, its MFE
    /// follows (5.1): `packets` is as in [`Engine::tick`]. `route` is that of the source, if the
    /// flow [is refused](Engine::is_refused) and [`Engine::needs_route`].
    #[expect(clippy::too_many_arguments, reason = "the manager names all of these")]
    pub fn wrong_if(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        route: Option<&Route>,
        packets: impl FnOnce(Flow) -> Result<Option<u64>>,
        fx: &mut Effects,
    ) {
        self.tables.now = now;
        packets::wrong_if(&mut self.tables, packet, route, packets, fx)
    }

    /// The number of packets not forwarded for this reason.
    #[must_use]
    pub fn refused(&self, why: Refused) -> u64 {
        self.tables.refused(why)
    }

    /// Whether a flow was refused recently. A packet of it on another interface than that of the
    /// forwarder's entry can then be a first packet.
    #[must_use]
    #[inline]
    pub fn is_refused(&self, flow: Flow) -> bool {
        self.tables.refusals.get(flow).is_some()
    }

    /// Whether a flow is between its first packet and its MFE.
    #[must_use]
    pub fn is_resolving(&self, flow: Flow) -> bool {
        questions::is_resolving(&self.tables, flow)
    }

    /// How many flows packets may begin.
    #[must_use]
    pub fn max_flows(&self) -> usize {
        self.tables.begun_flows.most
    }

    /// How many flows packets have begun, in total and on each interface, as the limits count
    /// them. The tests compare these numbers with the tables.
    #[must_use]
    pub fn begun_flows(&self) -> usize {
        self.tables.begun_flows.len()
    }

    /// Changes the upstream neighbour of an MFE and, if the caller owns
    /// `if_index`, its incoming interface (spec 5.9).
    ///
    /// # Errors
    /// `BadHandle`, `NoMfe`, `NotUpstreamOwner`, `NoMemory`.
    #[expect(clippy::too_many_arguments, reason = "the manager names all of these")]
    pub fn set_mfe(
        &mut self,
        client: ClientId,
        flow: Flow,
        upstream: Ipv4Addr,
        if_index: u32,
        fx: &mut Effects,
    ) -> Result<()> {
        iif::set_mfe(&mut self.tables, SetMfe { client, flow, upstream, if_index }, fx)
    }

    /// Explains a flow, whether or not it has an MFE: see [`Explanation`]. Changes nothing, and
    /// takes the same time however many flows there are.
    #[must_use]
    pub fn explain(&self, now: Time, asked: ExplainedFlow<'_>) -> Explanation {
        explain::explain(&self.tables, now, asked)
    }

    // Routes (spec 5.1, 5.10).

    /// Whether a flow has an entry, so that its source is known. This is cheaper than
    /// [`Engine::needs_route`] if the flow is looked up anyway.
    #[must_use]
    #[inline]
    pub fn knows_source_of(&self, flow: Flow, arrival: Interface) -> bool {
        sources::knows_source_of(&self.tables, flow, arrival)
    }

    /// The look-up that must precede a call that names the flow: its source, in the routing
    /// domain of the arrival interface of a packet, or of the interface of a membership.
    #[must_use]
    #[inline]
    pub fn needs_route(&self, flow: Flow, arrival: Interface) -> Option<(Ipv4Addr, Domain)> {
        sources::needs_route(&self.tables, flow, arrival)
    }

    /// Appends known sources within the prefixes that come after `after`, in ascending order, at
    /// most `most`. If it appends fewer, there are no more.
    pub fn sources_within(
        &self,
        prefixes: &[Prefix],
        after: Option<(Ipv4Addr, Domain)>,
        most: usize,
        out: &mut Vec<(Ipv4Addr, Domain)>,
    ) {
        sources::sources_within(&self.tables, prefixes, after, most, out)
    }

    /// New routes for sources: moves the role of spec 4.6, asks again about MFEs whose iif changes
    /// (5.10), and processes refused flows again (5.1). Sources that the engine does not know, or
    /// knows with this route, cost one look-up. [`Engine::reroute_some`] does the part that is too
    /// much for one call, such as the flows of a source that has very many.
    ///
    /// # Errors
    /// `NoMemory`, and nothing has changed: the sources keep their former routes until they
    /// are looked up again.
    pub fn update_routes(
        &mut self,
        routes: &[(Ipv4Addr, Domain, Route)],
        fx: &mut Effects,
    ) -> Result<()> {
        route_changes::update(&mut self.tables, routes, fx)
    }

    /// Whether [`Engine::reroute_some`] has something to do.
    #[must_use]
    pub fn has_reroutes(&self) -> bool {
        route_changes::has_work(&self.tables)
    }

    /// Continues changes that were too much for one call, for a limited number of flows of each
    /// kind. [`Engine::tick`] does so, too.
    pub fn reroute_some(&mut self, now: Time, most: usize, fx: &mut Effects) {
        self.tables.now = now;
        route_changes::continue_some(&mut self.tables, most, fx)
    }

    // Time (spec 5.6).

    /// Sets the time for the next call, if that call may ask about flows or refuse some, but has no
    /// parameter for the time. What is remembered for a while counts from this time.
    pub fn set_now(&mut self, now: Time) {
        self.tables.now = now;
    }

    /// Whether to log what happens to packets: see [`Config::debug`](crate::Config::debug).
    pub fn set_debug(&mut self, debug: bool) {
        self.tables.config.debug = debug;
    }

    /// Whether [`Engine::tick`] has something to do before this time. Fast, because each call asks.
    #[must_use]
    #[inline]
    pub fn is_due_before(&self, then: Time) -> bool {
        expiry::is_due_before(&self.tables, then)
    }

    /// When [`Engine::tick`] has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        expiry::next_deadline(&self.tables)
    }

    /// Ends expired MFEs; examines at most `most` MFEs. The manager releases its lock and calls
    /// again until [`Engine::next_deadline`] is in the future. An MFE that has forwarded packets
    /// is renewed (spec 5.6): `packets` returns how many it accepted, if the forwarder counts
    /// them itself. If `packets` fails, it is called again a second later.
    pub fn tick(
        &mut self,
        now: Time,
        most: usize,
        packets: impl FnMut(Flow) -> Result<Option<u64>>,
        fx: &mut Effects,
    ) {
        self.tables.now = now;
        expiry::tick(&mut self.tables, most, packets, fx)
    }

    // The forwarder's entries and counters (spec 5.4, 6.7).

    /// The iif and oifs of an MFE as a forwarder needs them: oifs with the TTL
    /// that a packet must exceed.
    pub fn forwarding(&self, flow: Flow, oifs: &mut Vec<(IfId, u8)>) -> Option<IfId> {
        forwarder::forwarding(&self.tables, flow, oifs)
    }

    /// The next entry of a flow for a forwarder with counters of its own, see [`Engine::entry`];
    /// and whether its counters must be read first (spec 6.7), because the entry is the first with
    /// oifs, or the first without.
    pub fn next_entry(&mut self, flow: Flow, oifs: &mut Vec<(IfId, u8)>) -> (WantedEntry, bool) {
        forwarder::next_entry(&mut self.tables, flow, oifs)
    }

    /// The entry that a forwarder must have for a flow, with the oifs of its MFE.
    pub fn entry(&self, flow: Flow, oifs: &mut Vec<(IfId, u8)>) -> WantedEntry {
        forwarder::entry(&self.tables, flow, oifs)
    }

    /// Stores what a forwarder has counted for its entry of `flow` (spec 6.7). If the entry was
    /// lost and installed again, the counters continue.
    pub fn counted(&mut self, flow: Flow, counters: Counters) {
        forwarder::counted(&mut self.tables, flow, counters)
    }

    /// A forwarder has installed what [`Engine::next_entry`] returned.
    #[inline]
    pub fn turned(&mut self, flow: Flow) {
        forwarder::turned(&mut self.tables, flow)
    }

    // Retrieval and enumeration (spec sections 6 and 7).

    /// Fills `row` from the MFE of `flow`; false if there is none.
    pub fn read_mfe(&self, now: Time, flow: Flow, row: &mut MfeRow) -> bool {
        retrieval::read_mfe(&self.tables, now, flow, row)
    }

    /// Fills `row` from each MFE after `start` in order (all of them, if
    /// `None`) until `visit` returns false.
    pub fn walk_mfes(
        &self,
        now: Time,
        start: Option<Flow>,
        row: &mut MfeRow,
        visit: impl FnMut(&mut MfeRow) -> bool,
    ) {
        retrieval::walk_mfes(&self.tables, now, start, row, visit)
    }

    /// The flows of the MFEs after `start` in order (all, if `None`).
    pub fn mfe_flows(&self, start: Option<Flow>) -> impl Iterator<Item = Flow> + use<'_> {
        let first = start.map_or(Flow::WILDCARD, Flow::successor);
        self.tables.flows.mfes(first).map(|(flow, _)| flow)
    }

    /// The number of MFEs.
    #[must_use]
    pub fn mfe_count(&self) -> usize {
        self.tables.flows.mfe_len()
    }

    /// The entries of an enumeration after `last`, or all. They are ordered, so
    /// the position of an enumeration is all that it must store (spec 7.3).
    pub fn groups(
        &self,
        kind: EnumKind,
        last: Option<Flow>,
    ) -> impl Iterator<Item = Flow> + use<'_> {
        enumeration::groups(&self.tables, kind, last)
    }

    /// Totals.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        listing::sizes(&self.tables)
    }
}
