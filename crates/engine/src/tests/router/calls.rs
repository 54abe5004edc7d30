//! The calls of clients and of the host, and the events of the system.

use super::*;

impl Router {
    pub fn try_take(&mut self, name: &str, interface: impl Where) -> Result<()> {
        let (id, at_once) = (self.id(name), self.at_once);
        let (number, _) =
            self.engine.prepare_take(id, interface.there(), &mut Effects::default())?;
        self.run(|engine, fx| engine.take(id, number, at_once, fx));
        Ok(())
    }

    pub fn try_release(&mut self, name: &str, interface: impl Where) -> Result<()> {
        let (id, at_once) = (self.id(name), self.at_once);
        self.run(|engine, fx| engine.release(id, interface.there(), at_once, fx))
    }

    pub fn try_deregister(&mut self, name: &str) -> Result<()> {
        let id = self.id(name);
        self.run(|engine, fx| engine.deregister(id, fx))
    }

    pub fn try_join(
        &mut self,
        name: &str,
        flow: Flow,
        interface: impl Where,
        join: Join,
    ) -> Result<()> {
        let (id, route) = (self.id(name), self.look_up(flow, interface.there()));
        self.run(|engine, fx| engine.join(id, flow, interface.there(), join, route.as_ref(), fx))
    }

    pub fn try_leave(
        &mut self,
        name: &str,
        flow: Flow,
        interface: impl Where,
        join: Join,
    ) -> Result<()> {
        let id = self.id(name);
        self.run(|engine, fx| engine.leave(id, flow, interface.there(), join, fx))
    }

    pub fn try_set_mfe(
        &mut self,
        name: &str,
        flow: Flow,
        upstream: &str,
        index: u32,
    ) -> Result<()> {
        let id = self.id(name);
        self.run(|engine, fx| engine.set_mfe(id, flow, addr(upstream), index, fx))
    }

    pub fn take(&mut self, name: &str, interface: impl Where) {
        self.try_take(name, interface).expect("take");
    }

    pub fn release(&mut self, name: &str, interface: impl Where) {
        self.try_release(name, interface).expect("release");
    }

    pub fn deregister(&mut self, name: &str) {
        self.try_deregister(name).expect("deregister");
    }

    pub fn join(&mut self, name: &str, text: &str, interface: impl Where) {
        self.try_join(name, flow(text), interface, Join::State).expect("join");
    }

    pub fn leave(&mut self, name: &str, text: &str, interface: impl Where) {
        self.try_leave(name, flow(text), interface, Join::State).expect("leave");
    }

    pub fn forward_on(&mut self, name: &str, text: &str, interface: impl Where) {
        self.try_join(name, flow(text), interface, Join::Forward).expect("forward on");
    }

    pub fn forward_off(&mut self, name: &str, text: &str, interface: impl Where) {
        self.try_leave(name, flow(text), interface, Join::Forward).expect("forward off");
    }

    pub fn set_mfe(&mut self, name: &str, text: &str, upstream: &str, index: u32) {
        self.try_set_mfe(name, flow(text), upstream, index).expect("set");
    }

    /// A packet of 100 octets, TTL 64.
    pub fn packet(&mut self, text: &str, arrival: impl Where) -> Outcome {
        self.packet_with_ttl(text, arrival, 64)
    }

    pub fn packet_with_ttl(&mut self, text: &str, arrival: impl Where, ttl: u8) -> Outcome {
        let flow = flow(text);
        let packet = Packet { flow, arrival: arrival.there(), header: &[0x45], length: 100, ttl };
        let (now, route) = (self.now, self.look_up(flow, arrival.there()));
        self.run(|engine, fx| engine.packet(now, &packet, route.as_ref(), fx))
    }

    /// The route that a call about this flow and interface needs, if any.
    pub fn look_up(&self, flow: Flow, interface: Interface) -> Option<Route> {
        let needed = self.engine.needs_route(flow, interface)?;
        Some(self.route(needed))
    }

    fn route(&self, (source, domain): (Ipv4Addr, Domain)) -> Route {
        let apart = self.domains.get(&(source, domain));
        let route = apart.or_else(|| self.routes.get(&source));
        route.cloned().unwrap_or(Route::NONE)
    }

    /// The sources whose routes the engine remembers.
    pub fn known_sources(&self) -> Vec<Ipv4Addr> {
        let mut known = Vec::new();
        self.engine.sources_within(&[Prefix::ALL], None, usize::MAX, &mut known);
        known.into_iter().map(|(source, _)| source).collect()
    }

    /// The kernel has no entry for a flow.
    pub fn upcall(&mut self, text: &str, arrival: impl Where) -> Outcome {
        let (flow, arrival) = (flow(text), arrival.there());
        let packet = Packet { flow, arrival, header: &[0x45, 1], length: 0, ttl: 0 };
        let (now, route) = (self.now, self.look_up(flow, arrival));
        self.run(|engine, fx| engine.no_entry(now, &packet, route.as_ref(), fx))
    }

    /// The kernel tells of a packet on another interface than the iif.
    pub fn wrong_if(&mut self, text: &str, arrival: impl Where) {
        let (now, counted) = (self.now, self.counted.clone());
        let (flow, arrival) = (flow(text), arrival.there());
        let is_refused = self.engine.is_refused(flow);
        let route = self.look_up(flow, arrival).filter(|_| is_refused);
        let packet = Packet { flow, arrival, header: &[0x45], length: 0, ttl: 0 };
        self.run(|engine, fx| engine.wrong_if(now, &packet, route.as_ref(), |_| counted, fx));
    }

    /// What a kernel is to have for a flow: an MFE's entry, a refused flow's, or nothing.
    pub fn entry(&self, text: &str) -> String {
        let name = |id| self.engine.tables.interfaces.name(id);
        match self.engine.entry(flow(text), &mut Vec::new()) {
            WantedEntry::Mfe(iif) => format!("MFE from {}", name(iif)),
            WantedEntry::Refusal(iif) => format!("refusal from {}", name(iif)),
            WantedEntry::Nothing => "nothing".into(),
        }
    }

    /// An interface is in this routing domain now; what has to be looked up anew is.
    pub fn moves_to_domain(&mut self, interface: impl Where, domain: u32) {
        let number = self.number(interface);
        self.run(|engine, fx| engine.set_domain(number, Domain(domain), fx));
        let mut known = Vec::new();
        self.engine.sources_within(&[Prefix::ALL], None, usize::MAX, &mut known);
        let routes: Vec<_> =
            known.into_iter().map(|name| (name.0, name.1, self.route(name))).collect();
        self.run(|engine, fx| engine.update_routes(&routes, fx)).unwrap();
    }

    /// What was too much for one call is carried on with, a few flows at a time.
    pub fn goes_on(&mut self, most: usize) -> usize {
        let (now, mut turns) = (self.now, 0);
        while self.engine.has_reroutes() {
            self.run(|engine, fx| engine.reroute_some(now, most, fx));
            turns += 1;
            assert!(turns < 10_000, "it has no end");
        }
        turns
    }

    /// The route of a source changes.
    pub fn reroute(&mut self, source: &str, route: Route) {
        self.source(source, route.clone());
        let routes = [(addr(source), Domain::MAIN, route)];
        self.run(|engine, fx| engine.update_routes(&routes, fx)).unwrap();
    }

    pub fn seconds_pass(&mut self, seconds: u32) {
        self.now = self.now.plus_secs(seconds);
        let (now, counted) = (self.now, self.counted.clone());
        self.run(|engine, fx| engine.tick(now, 1000, |_| counted.clone(), fx));
    }

    /// The process of a client ends, and what the client has stays for some seconds.
    pub fn dies(&mut self, name: &str, seconds: u32) {
        let id = self.id(name);
        let party = self.party(name);
        let inside = party.inside.take();
        party.habits = Default::default();
        let at = self.parties.iter().position(|party| party.id == id).expect("it is there");
        self.parties[at].stalled = true;
        let mut due = inside;
        while let Some(notice) = due {
            self.answer(at, notice);
            self.run(|_, _| ());
            due = self.parties[at].waiting.pop_front();
        }
        self.parties[at].is_dead = true;
        self.run(|engine, fx| engine.begin_grace(id, seconds, fx));
    }

    /// A client with the same ids takes over.
    pub fn succeeds(&mut self, name: &str) {
        let left = self.engine.left_by(Router::ids(name)).expect("it has left its state");
        let id = self.engine.succeed(left, NoticeKinds::ALL).expect("registers");
        assert!(id > left, "it has a new handle");
        self.enters(name, id);
    }

    /// The successor has taken and added what it wants; the rest ends.
    pub fn grace_is_done(&mut self, name: &str) {
        let id = self.id(name);
        self.run(|engine, _| engine.grace_done(id));
        self.graces_end();
    }

    /// What is over ends, a few memberships at a time.
    pub fn graces_end(&mut self) {
        let mut turns = 0;
        while self.run(|engine, fx| engine.end_graces(2, fx)) {
            turns += 1;
            assert!(turns < 1000, "it has no end");
        }
    }

    /// Calls come from inside a callback.
    pub fn inside_a_callback(&mut self, calls: impl FnOnce(&mut Router)) {
        self.at_once = true;
        calls(self);
        self.at_once = false;
    }
}
