//! The calls of the engine: each passes the tables to the rule that carries it out. The calls about
//! packets, MFEs and routes are in `engine/mfes.rs`.

mod mfes;

use crate::alert_topic::{AlertTopic, Thing};
use crate::effects::Effects;
use crate::notice::{Notice, NoticeKinds};
use crate::rules::listing::{ClientRow, InterfaceRow, MembershipRow};
use crate::rules::membership::{Join, MembershipCall};
use crate::rules::{
    answers, boundaries, catching_up, change_of_owner, debug_log, domains, flow_rates, grace,
    joining, leaving, limits, listing, lost_interfaces, ownership, questions, registration,
    releasing,
};
use crate::tables::{ClientId, Config, ReleaseProgress, Tables};
use mgm_types::{Domain, Flow, IfId, Interface, Rate, Result, Route, Scope, Time};
use widestring::U16CStr;

/// The state of one multicast group manager.
pub struct Engine {
    pub(crate) tables: Tables,
}

impl Engine {
    /// An engine without clients, interfaces and flows.
    #[must_use]
    pub fn new(config: Config) -> Engine {
        Engine { tables: Tables::new(config) }
    }

    // Registration (spec section 1).

    /// Registers a client (spec 1.1, 1.2). It is not asked questions for which it has no
    /// callback (1.3).
    ///
    /// # Errors
    /// `AlreadyRegistered`, `NoMemory`.
    pub fn register(
        &mut self,
        protocol: u32,
        component: u32,
        callbacks: NoticeKinds,
    ) -> Result<ClientId> {
        self.tables.clients.insert(protocol, component, callbacks)
    }

    /// Whether [`Engine::deregister`] would succeed.
    ///
    /// # Errors
    /// `BadHandle`, `StillOwns`.
    pub fn check_deregister(&self, id: ClientId) -> Result<()> {
        registration::check_deregister(&self.tables, id)
    }

    /// Deregisters a client that owns no interface (spec 1.5).
    ///
    /// # Errors
    /// As [`Engine::check_deregister`].
    pub fn deregister(&mut self, id: ClientId, fx: &mut Effects) -> Result<()> {
        registration::deregister(&mut self.tables, id, fx)
    }

    // The end of a client's process, and its successor (spec 9.8).

    /// The process of a client has ended. What the client has stays for some seconds, and it is
    /// told nothing any longer. The caller has set the time. If the client had taken over from
    /// another one, everything that it has goes back to that one, whose time is not lengthened, and
    /// the client itself is removed.
    pub fn begin_grace(&mut self, client: ClientId, seconds: u32, fx: &mut Effects) {
        let ends = self.tables.now.plus_secs(seconds);
        grace::begin(&mut self.tables, client, ends, fx)
    }

    /// The client with these ids whose state is left for a successor.
    #[must_use]
    pub fn left_by(&self, ids: (u32, u32)) -> Option<ClientId> {
        grace::left_by(&self.tables, ids)
    }

    /// Registers the successor of a client that [`Engine::left_by`] has returned.
    ///
    /// # Errors
    /// `AlreadyRegistered`, `NoMemory`.
    pub fn succeed(&mut self, left: ClientId, callbacks: NoticeKinds) -> Result<ClientId> {
        grace::succeed(&mut self.tables, left, callbacks)
    }

    /// A successor has taken and added again what it wants. The rest ends: [`Engine::end_graces`].
    pub fn grace_done(&mut self, client: ClientId) {
        grace::done(&mut self.tables, client)
    }

    /// Ends what is left of clients whose time has ended: at most `most` memberships or
    /// MFEs. [`Engine::tick`] does so, too. False if there is nothing to end.
    pub fn end_graces(&mut self, most: usize, fx: &mut Effects) -> bool {
        grace::end_portion(&mut self.tables, most, fx) > 0
    }

    /// When the grace of a client ends, if its process has ended.
    #[must_use]
    pub fn grace_ends(&self, client: ClientId) -> Option<Time> {
        self.tables.graces.of(client).map(|grace| grace.ends)
    }

    /// The number of the client that registered last.
    #[must_use]
    pub fn last_client(&self) -> u64 {
        self.tables.clients.last()
    }

    /// The protocol and component ids of a client.
    #[must_use]
    pub fn client_key(&self, client: ClientId) -> Option<(u32, u32)> {
        self.tables.clients.key(client)
    }

    /// All clients, in order of registration.
    pub fn clients(&self) -> impl Iterator<Item = ClientRow> + '_ {
        listing::clients(&self.tables)
    }

    /// A client as the log calls it.
    #[must_use]
    pub fn who(&self, client: ClientId) -> String {
        debug_log::who(&self.tables, client)
    }

    // Interfaces and their owners (spec section 2, 5.11).

    /// Checks a take and finds or makes the interface's number; true if it is
    /// new, so that the forwarder must accept it (spec 2.1, 2.2, 0.2).
    ///
    /// # Errors
    /// `BadHandle`, `ZeroInterface`, `Owned`, `NoSuchInterface`, `MixedNextHops`,
    /// `TooManyInterfaces`, `NoMemory`.
    pub fn prepare_take(
        &mut self,
        client: ClientId,
        interface: Interface,
        fx: &mut Effects,
    ) -> Result<(IfId, bool)> {
        ownership::prepare_take(&mut self.tables, client, interface, fx)
    }

    /// Undoes [`Engine::prepare_take`] after the forwarder has refused the interface.
    pub fn abandon_take(&mut self, id: IfId) {
        self.tables.interfaces.forget(id)
    }

    /// Takes an interface that [`Engine::prepare_take`] has accepted; `at_once`
    /// inside a callback, where the call cannot wait (spec 2.3).
    pub fn take(&mut self, client: ClientId, id: IfId, at_once: bool, fx: &mut Effects) {
        ownership::take(&mut self.tables, client, id, at_once, fx)
    }

    /// Releases an interface, or disables IGMP on it (spec 2.5).
    ///
    /// # Errors
    /// `BadHandle`, `ZeroInterface`, `NotOwner`.
    pub fn release(
        &mut self,
        client: ClientId,
        interface: Interface,
        at_once: bool,
        fx: &mut Effects,
    ) -> Result<()> {
        ownership::release(&mut self.tables, client, interface, at_once, fx)
    }

    /// Called before a callback is made; false if the callback is obsolete.
    /// IGMP may not add or delete between the two callbacks (spec 2.3).
    pub fn starting(&mut self, client: ClientId, notice: &Notice) -> bool {
        change_of_owner::starting(&mut self.tables, client, notice)
    }

    /// The protocol and component ids of the owner of an interface (spec 2.6).
    ///
    /// # Errors
    /// `NoProtocol`, also for an invalid interface.
    pub fn protocol_on(&self, interface: Interface) -> Result<(u32, u32)> {
        ownership::protocol_on(&self.tables, interface)
    }

    /// The number of an interface that is taken, or to which a client has a claim.
    #[must_use]
    pub fn interface_number(&self, interface: Interface) -> Option<IfId> {
        self.tables.interfaces.find(interface)
    }

    /// All taken interfaces, by index and next hop.
    pub fn interfaces(&self) -> impl Iterator<Item = InterfaceRow> + '_ {
        listing::interfaces(&self.tables)
    }

    /// An interface no longer exists in the system: its memberships and MFEs end as in a
    /// release; its number and the claims to it are kept (spec 5.11).
    pub fn interface_lost(&mut self, id: IfId, fx: &mut Effects) {
        lost_interfaces::lost(&mut self.tables, id, fx)
    }

    /// A lost interface is back, and the forwarder serves it: the clients that have claims to it
    /// own it again.
    pub fn interface_back(&mut self, id: IfId, fx: &mut Effects) {
        lost_interfaces::back(&mut self.tables, id, fx)
    }

    /// The lost interfaces to which clients have claims.
    #[must_use]
    pub fn absent_interfaces(&self) -> Vec<(IfId, Interface)> {
        lost_interfaces::absent(&self.tables)
    }

    /// Sets the routing domain of an interface. Nothing refers to the interface between
    /// [`Engine::prepare_take`] and [`Engine::take`]. Later, a change ends the MFEs with this
    /// iif; other sources that are then looked up in the new domain have no route until
    /// [`Engine::update_routes`] sets it.
    pub fn set_domain(&mut self, id: IfId, domain: Domain, fx: &mut Effects) {
        domains::set(&mut self.tables, id, domain, fx)
    }

    // Memberships (spec section 3).

    /// Adds a membership, or switches an interface on (spec 3.3). `route` is
    /// that of the source, if [`Engine::needs_route`].
    ///
    /// # Errors
    /// `BadHandle`, `NotOwner`, `IgmpDisabled`, `Absent`, `NoMemory`.
    #[expect(clippy::too_many_arguments, reason = "the manager names all of these")]
    pub fn join(
        &mut self,
        client: ClientId,
        flow: Flow,
        interface: Interface,
        join: Join,
        route: Option<&Route>,
        fx: &mut Effects,
    ) -> Result<()> {
        let call = MembershipCall { client, flow, interface, join };
        joining::join(&mut self.tables, call, route, fx)
    }

    /// Deletes a membership, or switches an interface off (spec 3.3).
    ///
    /// # Errors
    /// `BadHandle`, `NobodyOwns`, `NotOwner`, `IgmpDisabled`.
    #[expect(clippy::too_many_arguments, reason = "the manager names all of these")]
    pub fn leave(
        &mut self,
        client: ClientId,
        flow: Flow,
        interface: Interface,
        join: Join,
        fx: &mut Effects,
    ) -> Result<()> {
        let call = MembershipCall { client, flow, interface, join };
        leaving::leave(&mut self.tables, call, fx)
    }

    /// Ends up to `most` memberships of a client on an interface, as its own deletes do, or MFEs
    /// whose iif it is. When all have ended, releases the interface. `at` is how far this has come.
    pub fn release_portion(
        &mut self,
        of: (ClientId, Interface),
        at: &mut ReleaseProgress,
        most: usize,
        fx: &mut Effects,
    ) {
        releasing::release_portion(&mut self.tables, of, at, most, fx)
    }

    /// The memberships from `first` on, by group, then source.
    pub fn memberships(&self, first: Flow) -> impl Iterator<Item = MembershipRow> + '_ {
        listing::memberships(&self.tables, first)
    }

    /// Sets the TTL that packets must exceed to be forwarded on an interface. The least value
    /// is 1; 0 is treated as 1.
    pub fn set_threshold(&mut self, interface: Interface, threshold: u8, fx: &mut Effects) {
        limits::set_threshold(&mut self.tables, interface, threshold, fx)
    }

    /// The thresholds above 1, by interface, also those of interfaces that are not taken.
    pub fn thresholds(&self) -> impl Iterator<Item = (Interface, u8)> + '_ {
        self.tables.limits.thresholds()
    }

    /// Adds a boundary: it blocks the groups of a scope on the interfaces of this index. Adding
    /// an existing boundary changes nothing.
    pub fn add_boundary(&mut self, if_index: u32, scope: Scope, fx: &mut Effects) {
        boundaries::add_boundary(&mut self.tables, if_index, scope, fx)
    }

    /// Deletes a boundary. Its groups are forwarded again unless another boundary blocks them;
    /// memberships and overrides have been kept.
    ///
    /// # Errors
    /// `NoBoundary`.
    pub fn delete_boundary(&mut self, if_index: u32, scope: Scope, fx: &mut Effects) -> Result<()> {
        boundaries::delete_boundary(&mut self.tables, if_index, scope, fx)
    }

    /// The boundaries, by interface index.
    pub fn boundaries(&self) -> impl Iterator<Item = (u32, Scope)> + '_ {
        self.tables.limits.boundaries()
    }

    /// Limits how many flows packets may begin on the interfaces of an index in a second; `None`
    /// removes the limit. The caller has set the time.
    pub fn set_flow_rate(&mut self, if_index: u32, rate: Option<Rate>, fx: &mut Effects) {
        flow_rates::set(&mut self.tables, if_index, rate, fx)
    }

    /// Says whether the forwarder refuses flows beyond these limits, so that the engine does not.
    pub fn leave_flow_rates_to_the_forwarder(&mut self, it_does: bool) {
        self.tables.flow_rates.is_elsewhere = it_does;
    }

    /// The limits of new flows by interface index, also of interfaces that are not taken, and how
    /// often each has refused a flow.
    pub fn flow_rates(&self) -> impl Iterator<Item = (u32, Rate, u64)> + '_ {
        let rates = self.tables.flow_rates.iter();
        rates.map(|(index, bucket)| (index, bucket.rate(), bucket.refused))
    }

    /// Names a scope; an empty name deletes the name.
    pub fn set_scope_name(&mut self, scope: Scope, name: &U16CStr) {
        self.tables.limits.set_name(scope, name)
    }

    /// The name that a scope was given.
    #[must_use]
    pub fn scope_name(&self, scope: Scope) -> Option<&U16CStr> {
        self.tables.limits.name(scope)
    }

    // What a client is told after it has missed alerts (spec 8.9).

    /// Tells a client the state of one subject. Does nothing if no alert would report it: a group
    /// while everything is wanted, an MFE that is gone or has another owner.
    pub fn tell_truth(&self, client: ClientId, thing: Thing, fx: &mut Effects) {
        catching_up::tell(&self.tables, client, thing, fx)
    }

    /// Begins to tell a client the state of a topic: first that of `(*,*)`. True if
    /// [`Engine::tell_after`] must continue with the single subjects.
    pub fn tell_all(&self, client: ClientId, topic: AlertTopic, fx: &mut Effects) -> bool {
        catching_up::tell_all(&self.tables, client, topic, fx)
    }

    /// Tells a client which subjects of a topic hold, after the last one that was examined;
    /// examines only some. Returns the last one now, or `None` if there are no more.
    #[expect(clippy::too_many_arguments, reason = "the manager names all of these")]
    pub fn tell_after(
        &self,
        client: ClientId,
        topic: AlertTopic,
        after: Option<Thing>,
        most: usize,
        fx: &mut Effects,
    ) -> Option<Thing> {
        let last = after.unwrap_or(Thing::new(topic, Flow::WILDCARD));
        catching_up::tell_after(&self.tables, client, last, most, fx)
    }

    // Answers of clients (spec 5.2 to 5.5).

    /// Processes the answer to a question; the notice contains it. An answer to PRUNE_ALERT
    /// starts the time-out again: `packets` is as in [`Engine::tick`].
    #[expect(clippy::too_many_arguments, reason = "the manager names all of these")]
    pub fn answer(
        &mut self,
        now: Time,
        client: ClientId,
        notice: &Notice,
        packets: impl FnOnce(Flow) -> Result<Option<u64>>,
        fx: &mut Effects,
    ) {
        self.tables.now = now;
        answers::answer(&mut self.tables, client, notice, packets, fx)
    }

    /// Drops a question that no client was asked yet, and the flow, if it is new and waits for
    /// this answer. The next packet of the flow starts a new resolution.
    pub fn forget(&mut self, notice: &Notice, fx: &mut Effects) {
        questions::forget(&mut self.tables, notice, fx)
    }

    /// There is no memory to pass a question to its client.
    pub fn unasked(&mut self, flow: Flow, fx: &mut Effects) {
        questions::unasked(&mut self.tables, flow, fx)
    }
}
