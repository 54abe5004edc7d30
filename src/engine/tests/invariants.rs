//! A long random walk with hostile arguments, each step watched by the naive
//! engine. Answers come out of order and late, calls come from in- and outside
//! callbacks.

use super::naive::{check_alerts, check_state, Naive, Step, SOURCES};
use super::*;
use crate::types::Scope;
use std::collections::BTreeMap;

const STEPS: usize = 20_000;

const fn at(index: u32, next_hop: [u8; 4]) -> Interface {
    let [a, b, c, d] = next_hop;
    Interface { index, next_hop: Ipv4Addr::new(a, b, c, d) }
}

/// Names of interfaces: links, neighbours on an NBMA link, two that collide, none.
const INTERFACES: [Interface; 9] = [
    at(1, [0; 4]),
    at(2, [0; 4]),
    at(3, [0; 4]),
    at(4, [0; 4]),
    at(5, [10, 0, 0, 1]),
    at(5, [10, 5, 5, 5]),
    at(5, [0; 4]),
    at(2, [10, 0, 0, 2]),
    at(0, [0; 4]),
];
const GROUPS: [Ipv4Addr; 4] = [
    Ipv4Addr::new(239, 1, 1, 1),
    Ipv4Addr::new(239, 1, 1, 2),
    Ipv4Addr::new(239, 2, 2, 2),
    Ipv4Addr::new(224, 0, 0, 251),
];
/// Protocol and component ids; two of them are IGMP.
const KEYS: [(u32, u32); 5] = [(100, 0), (100, 1), (200, 0), (10, 0), (0x4137_000a, 0)];

/// Numbers from a seed, the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn interface(&mut self) -> Interface {
        self.pick(&INTERFACES)
    }

    fn source_flow(&mut self) -> Flow {
        Flow::new(self.pick(&SOURCES), self.pick(&GROUPS))
    }

    fn flow(&mut self) -> Flow {
        match self.below(8) {
            0 => Flow::WILDCARD,
            1..=4 => Flow::any_source(self.pick(&GROUPS)),
            _ => self.source_flow(),
        }
    }

    fn route(&mut self) -> Route {
        let index = 1 + self.below(6) as u32;
        match self.below(6) {
            0 => Route::NONE,
            1 => local(),
            2 => via(index, "10.5.5.5"),
            _ => connected(index),
        }
    }
}

/// The walk: its router has no queues, every question may be answered at any time.
struct Walk {
    engine: Engine,
    naive: Naive,
    dice: Dice,
    now: Time,
    clients: Vec<ClientId>,
    /// Questions that are out, and those whose callback has not even started.
    questions: Vec<(ClientId, Notice)>,
    routes: BTreeMap<Ipv4Addr, Route>,
}

impl Walk {
    fn look_up(&self, flow: Flow) -> Option<Route> {
        let known = || self.routes.get(&flow.source()).copied().unwrap_or(Route::NONE);
        self.engine.needs_route(flow).then(known)
    }

    /// A client that is there, or was, or never will be.
    fn client(&mut self) -> ClientId {
        match self.dice.below(40) {
            0 => ClientId(0),
            1 => ClientId(1 + self.dice.below(50) as u64),
            _ if self.clients.is_empty() => ClientId(9),
            _ => self.dice.pick(&self.clients),
        }
    }

    fn step(&mut self) {
        let mut fx = Effects::default();
        let step = self.call(&mut fx);
        self.naive.follow(&self.engine, &step);
        let mut alerts = Vec::new();
        for (to, notice) in fx.take_notices() {
            match &notice {
                Notice::Join { flow, member: true } => alerts.push((to, *flow, true)),
                Notice::Prune { flow, .. } => alerts.push((to, *flow, false)),
                _ => {}
            }
            let about_link_local = match &notice {
                Notice::Join { flow, .. }
                | Notice::Prune { flow, .. }
                | Notice::PruneMfe { flow, .. }
                | Notice::WrongIf { flow, .. }
                | Notice::Rpf { flow, .. }
                | Notice::Creation { flow, .. } => flow.is_link_local(),
                _ => false,
            };
            assert!(!about_link_local, "{notice:?}");
            if notice.question().is_some() || notice.kind() == NoticeKind::EnableIgmp {
                self.questions.push((to, notice));
            }
        }
        check_alerts(&self.engine, &mut self.naive, &step, &alerts);
        check_state(&self.engine, &self.naive);
    }

    fn call(&mut self, fx: &mut Effects) -> Step {
        let dice = &mut self.dice;
        match dice.below(100) {
            0..=3 => {
                let (protocol, component) = dice.pick(&KEYS);
                self.clients.extend(self.engine.register(protocol, component));
            }
            4 => {
                let client = self.client();
                if self.engine.deregister(client, fx).is_ok() {
                    self.clients.retain(|other| *other != client);
                }
            }
            5..=14 => {
                let (client, interface) = (self.client(), self.dice.interface());
                if let Ok((id, is_new)) = self.engine.prepare_take(client, interface) {
                    if is_new && self.dice.one_in(8) {
                        self.engine.abandon_take(id);
                    } else {
                        let at_once = self.dice.one_in(3);
                        self.engine.take(client, id, at_once, fx);
                    }
                }
            }
            15..=20 => {
                let (client, interface) = (self.client(), self.dice.interface());
                let at_once = self.dice.one_in(3);
                let is_igmp = self.engine.client(client).is_ok_and(|record| record.is_igmp);
                let hands = self.naive.hands.get(&interface);
                let owner_left =
                    hands.is_some_and(|hands| hands.owner.is_some() && hands.owner != hands.claim);
                if self.engine.release(client, interface, at_once, fx).is_ok() && is_igmp {
                    return Step::IgmpLeft { client, owner_left };
                }
            }
            21..=58 => return self.member(fx),
            59..=74 => self.packet(fx),
            75..=89 => self.answer(fx),
            90..=92 => {
                let (client, flow) = (self.client(), self.dice.source_flow());
                let index = self.dice.interface().index;
                let _ = self.engine.set_mfe(client, flow, addr("10.9.9.9"), index, fx);
            }
            93 => self.limit(fx),
            94..=95 => {
                let routes: Vec<_> = (0..2).map(|_| (dice.pick(&SOURCES), dice.route())).collect();
                // The engine takes each source once, as the manager looks them up.
                let routes: BTreeMap<_, _> = routes.into_iter().collect();
                let routes: Vec<_> = routes.into_iter().collect();
                self.routes.extend(routes.iter().copied());
                self.engine.update_routes(&routes, fx);
            }
            _ => {
                self.now = Time(self.now.0 + dice.below(200_000) as u64);
                self.engine.tick(self.now, 3, |_| None, fx);
            }
        }
        Step::Other
    }

    fn limit(&mut self, fx: &mut Effects) {
        let interface = self.dice.interface();
        let (address, length) = self.dice.pick(&[("239.1.0.0", 16), ("239.1.1.2", 32)]);
        let scope = Scope::new(addr(address), length).expect("inside 239/8");
        let boundary = (interface.index, addr(address), 32 - length);
        match self.dice.below(4) {
            0 => {
                self.engine.add_boundary(interface.index, scope, fx);
                self.naive.boundaries.insert(boundary);
            }
            1 | 2 => {
                let result = self.engine.delete_boundary(interface.index, scope, fx);
                assert_eq!(result.is_ok(), self.naive.boundaries.remove(&boundary));
            }
            _ => self.engine.set_threshold(interface, self.dice.below(4) as u8, fx),
        }
    }

    fn member(&mut self, fx: &mut Effects) -> Step {
        let (client, flow, interface) = (self.client(), self.dice.flow(), self.dice.interface());
        let join = if self.dice.one_in(4) { Join::Forward } else { Join::State };
        let add = !self.dice.one_in(3);
        let result = if add {
            let route = self.look_up(flow);
            self.engine.join(client, flow, interface, join, route, fx)
        } else {
            self.engine.leave(client, flow, interface, join, fx)
        };
        match result {
            Ok(()) => Step::Member { add, join, client, flow, interface },
            Err(_) => {
                assert!(fx.is_empty(), "a refused call had effects");
                Step::Other
            }
        }
    }

    fn packet(&mut self, fx: &mut Effects) {
        let flow = self.dice.source_flow();
        let (arrival, ttl) = (self.dice.interface(), self.dice.below(4) as u8);
        let packet = Packet { flow, arrival, header: Arc::from([0x45]), length: 100, ttl };
        let route = self.look_up(flow);
        if self.dice.one_in(3) {
            self.engine.no_entry(&packet, route, fx);
        } else {
            self.engine.packet(self.now, &packet, route, fx);
        }
    }

    /// Any question is answered, truly or not; now and then twice.
    fn answer(&mut self, fx: &mut Effects) {
        if self.questions.is_empty() {
            return;
        }
        let at = self.dice.below(self.questions.len());
        let (client, notice) = self.questions[at].clone();
        if !self.engine.starting(client, &notice) || !self.dice.one_in(10) {
            self.questions.swap_remove(at);
        }
        if notice.question().is_none() {
            return;
        }
        let mut answer = notice.default_answer();
        match &mut answer {
            Answer::Rpf { iif, .. } if self.dice.one_in(3) => *iif = self.dice.interface(),
            Answer::Creation { oifs } => {
                for oif in oifs.iter_mut() {
                    oif.enabled = !self.dice.one_in(3);
                }
                if self.dice.one_in(20) {
                    oifs.clear();
                }
            }
            Answer::Timeout(timeout) => *timeout = self.dice.pick(&[0, 1, 60, 900, u32::MAX]),
            _ => {}
        }
        self.engine.answer(self.now, client, &notice, answer, fx);
    }
}

fn walk(seed: u64, steps: usize) -> Walk {
    let mut walk = Walk {
        engine: Engine::new(Config { mfe_timeout: 900, ..Config::default() }),
        naive: Naive::default(),
        dice: Dice(seed),
        now: Time(0),
        clients: Vec::new(),
        questions: Vec::new(),
        routes: SOURCES.map(|source| (source, connected(1))).into(),
    };
    for step in 0..steps {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| walk.step()));
        assert!(result.is_ok(), "seed {seed}, step {step}");
    }
    walk
}

#[test]
fn a_long_walk_keeps_every_rule() {
    let walk = walk(1, STEPS);
    // It went somewhere: there was something to check at the end.
    assert!(walk.engine.serial > 1000 && walk.clients.len() > 2);
}

#[test]
fn short_walks_from_many_beginnings_keep_every_rule() {
    for seed in 2..40 {
        walk(seed, 250);
    }
}
