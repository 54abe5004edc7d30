//! The reference model of `crates/engine/tests/model` against two client libraries and their router.
//!
//! Both get the same random calls. The clients of both connections give the suggested answer to each
//! question. After each step the codes, the callbacks of each client, the owners, the groups and the
//! MFEs must be the same, through either connection. The libraries are in this process, but share
//! nothing with the router except their connections to it.
//!
//! `MGM_MODEL_STEPS` is the number of steps, `MGM_MODEL_SEED` the first seed.
#![cfg(target_os = "linux")]

#[allow(dead_code)] // not all steps make sense with a clock that nobody turns
#[path = "../../engine/tests/model/spec/mod.rs"]
mod spec;
#[allow(dead_code)]
#[path = "../../engine/tests/model/steps.rs"]
mod steps;

use mgm_engine::{ClientId, EnumKind, Join, Notice, NoticeKind, Packet};
use mgm_manager::{Callbacks, ForwarderChoice, Manager, PacketIn, Settings};
use mgm_remote::client::Router;
use mgm_remote::messages::Room;
use mgm_remote::server::{Access, Limits, Server};
use mgm_types::{Code, Domain, Flow, Interface, Ipv4Addr, Refusal, Route, RouteOrigin};
use parking_lot::Mutex;
use spec::{MembershipCall, Model};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use steps::{Dice, Kind, Step};

/// Steps of one walk, and how long it lasts at most: refused flows are forgotten after 10 s, which the
/// model does not see.
const WALK: usize = 1000;
const MOST: Duration = Duration::from_secs(5);

type Heard = Arc<Mutex<Vec<String>>>;

/// A client that records its callbacks, and gives the suggested answers.
struct Recorder(Heard);

impl Callbacks for Recorder {
    fn has(&self, _: NoticeKind) -> bool {
        true
    }

    fn call(&self, notice: &mut Notice) {
        if !depends_on_time(notice) {
            self.0.lock().push(plain(notice));
        }
    }
}

/// WRONG_IF_CALLBACK comes once a second.
fn depends_on_time(notice: &Notice) -> bool {
    matches!(notice, Notice::WrongIf { .. })
}

/// A notice without what may differ.
fn plain(notice: &Notice) -> String {
    let mut notice = spec::comparable(notice);
    if let Notice::Rpf { route, .. } = &mut notice {
        // A client gets only what RTM_DEST_INFO has of the route.
        let is_there = route.origin != RouteOrigin::None;
        route.origin = if is_there { RouteOrigin::Connected } else { RouteOrigin::None };
        (route.if_index, route.paths) = (0, None);
    }
    format!("{notice:?}")
}

fn code<T>(result: Result<T, Refusal>) -> Result<(), Code> {
    result.map(drop).map_err(|refusal| refusal.code())
}

/// A client, as its library knows it.
struct Client {
    serial: u64,
    library: usize,
    heard: Heard,
    expected: Vec<String>,
}

struct Drive {
    manager: Manager,
    server: Server,
    libraries: [Router; 2],
    model: Model,
    clients: BTreeMap<u64, Client>,
    callbacks: usize,
    mfes: usize,
}

impl Drive {
    fn new(seed: u64) -> Drive {
        let path = std::env::temp_dir().join(format!("mgm-model-{}-{seed}", std::process::id()));
        let manager = Manager::new();
        let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
        manager.start(&settings, None).unwrap();
        let server = Server::open(&manager, &path, Access::OWN, Limits::default()).unwrap();
        let libraries = [(); 2].map(|()| Router::connect(&path).unwrap());
        let model = Model {
            timeout: settings.mfe_timeout,
            max_flows: settings.max_flows as usize,
            ..Model::default()
        };
        let (clients, callbacks, mfes) = (BTreeMap::new(), 0, 0);
        let mut drive = Drive { manager, server, libraries, model, clients, callbacks, mfes };
        drive.add_routes();
        drive
    }

    /// Two of the sources are behind a neighbour; there is no route to the third one.
    fn add_routes(&mut self) {
        let behind = Route {
            origin: RouteOrigin::Via(Ipv4Addr::new(10, 0, 0, 9)),
            if_index: 1,
            paths: None,
            network: Ipv4Addr::new(10, 0, 0, 0),
            prefix_len: 8,
            protocol: 3,
        };
        self.manager.add_route(behind.clone()).unwrap();
        for source in steps::SOURCES {
            let route = if source.octets()[0] == 10 { behind.clone() } else { Route::NONE };
            self.model.routes.push(((source, Domain::MAIN), route));
        }
    }

    /// A client of the model: mostly one that exists.
    fn client_for(&self, operand: u8) -> ClientId {
        match operand {
            250..=255 => ClientId(u64::from(operand - 250) * 9),
            _ if self.model.clients.is_empty() => ClientId(1),
            _ => steps::pick(&self.model.clients, operand).id,
        }
    }

    /// An interface: mostly one that the client has taken.
    fn interface_for(&self, client: ClientId, operand: u8) -> Interface {
        let has = self.model.interfaces_of(client);
        match has.is_empty() || operand % 8 == 7 {
            true => steps::pick(&steps::INTERFACES, operand / 8),
            false => steps::pick(&has, operand),
        }
    }

    /// The library of a client, and its handle there. An invalid one has neither.
    fn handle(&self, client: ClientId) -> (&Router, u64) {
        match self.clients.get(&client.0) {
            Some(client) => (&self.libraries[client.library], client.serial),
            None => (&self.libraries[0], mgm_remote::client::REMOTE | 0xFFFF_FFFF),
        }
    }

    fn step(&mut self, step: Step) {
        let Step { kind, a, b, c, d } = step;
        let client = self.client_for(a);
        let (router, handle) = self.handle(client);
        let (library, model) = match kind {
            Kind::Register => return self.register(steps::pick(&steps::KEYS, a), b),
            Kind::Deregister => {
                let library = code(router.deregister(handle));
                (library, self.model.deregister(client))
            }
            Kind::Take => {
                let interface = steps::pick(&steps::INTERFACES, b);
                let library = code(router.take(handle, interface));
                let model = self.model.check_take(client, interface).map(drop);
                if model.is_ok() {
                    self.model.take(client, interface, false);
                }
                (library, model)
            }
            Kind::Release => {
                let interface = self.interface_for(client, b);
                let library = code(router.release(handle, interface));
                (library, self.model.release(client, interface, false))
            }
            Kind::Join | Kind::Leave => {
                let (interface, flow) = (self.interface_for(client, b), steps::flow(c));
                let (add, forward) = (kind == Kind::Join, d % 4 == 3);
                let join = if forward { Join::Forward } else { Join::State };
                let library = match add {
                    true => code(router.add_membership(handle, flow, interface, join)),
                    false => code(router.delete_membership(handle, flow, interface, join)),
                };
                let call = MembershipCall { add, forward, client, flow, interface };
                (library, self.model.membership(call))
            }
            Kind::SetMfe => {
                let (flow, up) = (steps::source_flow(b), Ipv4Addr::new(10, 8, 8, d));
                let index = steps::pick(&steps::INTERFACES, c).index;
                let library = code(router.set_mfe(handle, flow, up, index));
                (library, self.model.set_mfe(client, flow, up, index))
            }
            Kind::Packet => return self.packet(steps::source_flow(a), b),
            _ => return,
        };
        assert_eq!(library, model, "the answer to {step:?}");
        if kind == Kind::Deregister && model.is_ok() {
            self.clients.remove(&client.0);
        }
        self.settle(&format!("{step:?}"));
    }

    fn register(&mut self, (protocol, component): (u32, u32), which: u8) {
        let (library, heard) = (usize::from(which % 2), Heard::default());
        let recorder = Box::new(Recorder(Arc::clone(&heard)));
        let registered = self.libraries[library].register(recorder, protocol, component);
        let model = self.model.register(protocol, component);
        match (registered, model) {
            (Ok(serial), Ok(client)) => {
                let client_record = Client { serial, library, heard, expected: Vec::new() };
                self.clients.insert(client.0, client_record);
            }
            (Err(refusal), Err(code)) => assert_eq!(refusal.code(), code),
            (library, model) => panic!("register: {library:?}, but {model:?}"),
        }
    }

    /// A packet in the router.
    fn packet(&mut self, flow: Flow, b: u8) {
        let due = self.model.mfe(flow).map(|mfe| mfe.iif).filter(|_| b % 2 == 0);
        let arrival = due.unwrap_or_else(|| steps::pick(&steps::INTERFACES, b / 2));
        if arrival.index == 0 {
            return; // refused as an argument
        }
        let bytes = [0x45, b];
        let packet = Packet { flow, arrival, header: &bytes, length: 100, ttl: 64 };
        let host = PacketIn { flow, arrival, header: &bytes, length: 100, ttl: 64 };
        self.manager.packet_in(host).unwrap();
        self.model.packet(&packet, false);
        self.settle(&format!("a packet of {flow} on {arrival}"));
    }

    /// Lets the clients of the model answer all questions, and compares.
    fn settle(&mut self, after: &str) {
        loop {
            let said = self.model.take_said();
            if said.is_empty() {
                break;
            }
            for (to, notice) in said {
                let Some(client) = self.clients.get_mut(&to.0) else { continue };
                if !self.model.starting(to, &notice) {
                    continue;
                }
                if !depends_on_time(&notice) {
                    client.expected.push(plain(&notice));
                }
                if notice.question().is_some() {
                    self.model.answer(to, &notice);
                }
            }
        }
        self.model.tidy_homes();
        self.compare_callbacks(after);
        self.compare_tables(after);
    }

    fn compare_callbacks(&mut self, after: &str) {
        let begun = Instant::now();
        let late = |client: &Client| client.heard.lock().len() < client.expected.len();
        while self.clients.values().any(late) && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_micros(50));
        }
        for (id, client) in &mut self.clients {
            let (mut heard, mut expected) =
                (std::mem::take(&mut *client.heard.lock()), std::mem::take(&mut client.expected));
            self.callbacks += heard.len();
            // Clients of two processes answer in any order.
            heard.sort();
            expected.sort();
            assert_eq!(heard, expected, "what client {id} hears after {after}");
        }
    }

    fn compare_tables(&mut self, after: &str) {
        for library in &self.libraries {
            for interface in steps::INTERFACES.into_iter().filter(|name| name.index != 0) {
                let found = library.protocol_on(interface).map_err(|refusal| refusal.code());
                assert_eq!(found, self.model.protocol_on(interface), "the owner after {after}");
            }
            let (mut found, room) = (Vec::new(), Room { bytes: u32::MAX, base: 1, each: 1 });
            library
                .walk_mfes(None, false, room, |row| {
                    let mut oifs: Vec<Interface> =
                        row.oifs.iter().map(|oif| oif.interface).collect();
                    oifs.sort_unstable();
                    found.push((row.flow, row.iif, row.upstream, oifs));
                    ControlFlow::Continue(())
                })
                .unwrap();
            let mfes = self.model.mfes.iter().map(|mfe| {
                let mut oifs: Vec<Interface> = mfe.oifs.iter().map(|oif| oif.name).collect();
                oifs.sort_unstable();
                (mfe.flow, mfe.iif, mfe.upstream, oifs)
            });
            let mut expected: Vec<_> = mfes.collect();
            expected.sort_unstable();
            self.mfes += found.len();
            found.sort_unstable();
            assert_eq!(found, expected, "the MFEs after {after}");
        }
        self.compare_groups(after);
    }

    fn compare_groups(&self, after: &str) {
        for client in self.clients.values() {
            let (router, mut found) = (&self.libraries[client.library], Vec::new());
            let listing = router.enum_start(client.serial, EnumKind::AllSources).unwrap();
            while router.enum_next(listing, 3, &mut |flow| found.push(flow)).unwrap() {}
            router.enum_end(listing).unwrap();
            let (mut expected, mut last) = (Vec::new(), None);
            while let Some(flow) = self.model.next_group(EnumKind::AllSources, last) {
                expected.push(flow);
                last = Some(flow);
            }
            assert_eq!(found, expected, "the groups after {after}");
        }
    }

    fn end(self) -> (usize, usize) {
        for library in &self.libraries {
            library.disconnect().unwrap();
        }
        self.server.close();
        self.manager.stop().unwrap();
        (self.callbacks, self.mfes)
    }
}

/// A number from the environment.
fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn t9_2_two_client_processes_keep_every_rule() {
    let (first, steps) = (setting("MGM_MODEL_SEED", 1), setting("MGM_MODEL_STEPS", 3000));
    let (mut callbacks, mut mfes, mut made) = (0, 0, 0);
    for seed in (first..).take(steps.min(50_000).div_ceil(WALK as u64) as usize) {
        println!("seed {seed}");
        let (mut drive, mut dice, begun) = (Drive::new(seed), Dice(seed), Instant::now());
        for _ in 0..WALK {
            if begun.elapsed() < MOST {
                drive.step(dice.step());
                made += 1;
            }
        }
        let found = drive.end();
        (callbacks, mfes) = (callbacks + found.0, mfes + found.1);
    }
    println!("{made} steps, {callbacks} callbacks, {mfes} MFEs compared");
    // The walks were not empty: there was something to compare. On a busy machine walks are short, and
    // have fewer callbacks.
    assert!(callbacks > made / 40 && mfes > made / 4);
}
