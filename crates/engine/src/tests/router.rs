//! An engine with its clients, and the part of the manager between them.

mod calls;

use super::*;
use std::collections::{HashMap, VecDeque};

/// The answers of a client, if they differ from the suggested ones.
#[derive(Default)]
pub(super) struct Habits {
    /// What RPF_CALLBACK answers.
    pub names: Option<(Interface, Ipv4Addr)>,
    /// Interfaces that CREATION_ALERT switches off.
    pub switches_off: Vec<Interface>,
    /// The time-out with which PRUNE_ALERT (FALSE) is answered.
    pub time_out: Option<u32>,
    /// Callbacks that do not return until [`Router::returns`].
    pub stays_in: Vec<NoticeKind>,
}

/// One client and its queue.
pub(super) struct Party {
    pub name: String,
    pub id: ClientId,
    pub habits: Habits,
    /// The callback that it is in.
    pub inside: Option<Notice>,
    /// Its thread does not begin callbacks.
    pub stalled: bool,
    /// Its process has ended: it is told nothing, and its questions get the suggested answers.
    pub is_dead: bool,
    pub waiting: VecDeque<Notice>,
}

/// The engine with everything around it that a test needs.
pub(super) struct Router {
    pub engine: Engine,
    pub now: Time,
    pub routes: HashMap<Ipv4Addr, Route>,
    /// The routes of other domains, if they differ.
    pub domains: HashMap<(Ipv4Addr, Domain), Route>,
    pub parties: Vec<Party>,
    /// Notices that the calling thread has still to deliver.
    pub outbox: VecDeque<(ClientId, Notice)>,
    pub heard: Vec<String>,
    pub dirty: Vec<Flow>,
    pub freed: Vec<IfId>,
    pub resolved: Vec<Flow>,
    pub again: Vec<Flow>,
    pub log: Vec<String>,
    /// Whether calls come from inside a callback.
    pub at_once: bool,
    /// How many packets the forwarder has counted for each MFE, if it counts and returns its
    /// counters.
    pub counted: Result<Option<u64>>,
}

/// Preparing a test.
impl Router {
    /// A router with these clients, registered in this order.
    pub fn with(names: &[&str]) -> Router {
        Router::of(Config { mfe_timeout: 900, ..Config::default() }, names)
    }

    /// The same with a configuration of its own.
    pub fn of(config: Config, names: &[&str]) -> Router {
        let mut router = Router {
            engine: Engine::new(config),
            now: Time(1_000_000),
            routes: HashMap::new(),
            domains: HashMap::new(),
            parties: Vec::new(),
            outbox: VecDeque::new(),
            heard: Vec::new(),
            dirty: Vec::new(),
            freed: Vec::new(),
            resolved: Vec::new(),
            again: Vec::new(),
            log: Vec::new(),
            at_once: false,
            counted: Ok(None),
        };
        for name in names {
            router.register(name);
        }
        router
    }

    /// The protocol and component ids behind a name.
    pub fn ids(name: &str) -> (u32, u32) {
        let bytes = name.as_bytes();
        let protocol = if bytes[0] == b'I' { 10 } else { 0x100 + u32::from(bytes[0]) };
        (protocol, bytes.get(1).copied().unwrap_or(0).into())
    }

    pub fn register(&mut self, name: &str) -> ClientId {
        let (protocol, component) = Router::ids(name);
        let id = self.engine.register(protocol, component, NoticeKinds::ALL).expect("registers");
        self.enters(name, id);
        id
    }

    /// The client of this name.
    pub fn enters(&mut self, name: &str, id: ClientId) {
        self.parties.push(Party {
            name: name.into(),
            id,
            habits: Habits::default(),
            inside: None,
            stalled: false,
            is_dead: false,
            waiting: VecDeque::new(),
        });
    }

    /// Takes interfaces for a client, and forgets the notices that this causes.
    pub fn owns<W: Where>(&mut self, name: &str, interfaces: &[W]) -> &mut Router {
        for &interface in interfaces {
            self.take(name, interface);
        }
        self.heard.clear();
        self
    }

    /// The route of a source, from the start.
    pub fn source(&mut self, source: &str, route: Route) -> &mut Router {
        self.routes.insert(addr(source), route);
        self
    }

    pub fn party(&mut self, name: &str) -> &mut Party {
        let found = self.parties.iter_mut().rev().find(|party| party.name == name);
        found.expect("a client of that name")
    }

    pub fn id(&self, name: &str) -> ClientId {
        let found = self.parties.iter().rev().find(|party| party.name == name);
        found.expect("a client of that name").id
    }

    pub fn number(&self, interface: impl Where) -> IfId {
        self.engine.tables.interfaces.find(interface.there()).expect("somebody has the interface")
    }

    /// RPF_CALLBACK of that client names this interface and neighbour.
    pub fn names_iif(&mut self, name: &str, interface: impl Where, upstream: &str) {
        self.party(name).habits.names = Some((interface.there(), addr(upstream)));
    }

    /// CREATION_ALERT of that client switches an interface off.
    pub fn switches_off(&mut self, name: &str, interface: impl Where) {
        self.party(name).habits.switches_off.push(interface.there());
    }

    /// PRUNE_ALERT (FALSE) of that client is answered with a time-out.
    pub fn answers_time_out(&mut self, name: &str, seconds: u32) {
        self.party(name).habits.time_out = Some(seconds);
    }

    /// The client's next callbacks of that kind run until [`Router::returns`].
    pub fn stays_in(&mut self, name: &str, kind: NoticeKind) {
        self.party(name).habits.stays_in.push(kind);
    }

    /// The client's callbacks do not even start until [`Router::resumes`].
    pub fn stalls(&mut self, name: &str) {
        self.party(name).stalled = true;
    }
}

/// The manager's part: effects are carried out.
impl Router {
    /// Makes one call of the engine, and carries out its effects.
    pub fn run<R>(&mut self, call: impl FnOnce(&mut Engine, &mut Effects) -> R) -> R {
        let mut fx = Effects::default();
        self.engine.set_now(self.now);
        let result = call(&mut self.engine, &mut fx);
        self.absorb(fx);
        while let Some((to, notice)) = self.outbox.pop_front() {
            self.deliver(to, notice);
        }
        result
    }

    pub fn absorb(&mut self, mut fx: Effects) {
        self.outbox.extend(fx.take_notices());
        self.dirty.append(&mut fx.dirty);
        self.freed.append(&mut fx.detached);
        self.resolved.append(&mut fx.resolved);
        self.again.append(&mut fx.again);
        fx.departed.clear();
        fx.released.clear(); // here every callback has begun when its call returns
        self.log.extend(fx.log.drain(..).map(|(_, line)| line));
        assert!(fx.is_empty());
    }

    /// Makes a callback, or queues it behind the one that the client is in.
    pub fn deliver(&mut self, to: ClientId, notice: Notice) {
        let at = self.parties.iter().position(|party| party.id == to).expect("was registered");
        if self.engine.client_key(to).is_none() {
            return; // left meanwhile
        }
        let party = &mut self.parties[at];
        if party.is_dead {
            let may_be_asked = matches!(notice, Notice::Rpf { .. });
            assert!(may_be_asked, "{} has ended, and is told {notice:?}", party.name);
            return self.answer(at, notice);
        }
        if party.inside.is_some() || party.stalled {
            party.waiting.push_back(notice);
            return;
        }
        if !self.engine.starting(to, &notice) {
            return;
        }
        let line = format!("{}: {}", party.name, in_words(&notice));
        self.heard.push(line);
        let stays = party.habits.stays_in.iter().position(|kind| *kind == notice.kind());
        if let Some(stay) = stays {
            party.habits.stays_in.remove(stay);
            party.inside = Some(notice);
        } else {
            self.answer(at, notice);
        }
    }

    pub fn answer(&mut self, at: usize, mut notice: Notice) {
        let party = &self.parties[at];
        let habits = &party.habits;
        match &mut notice {
            Notice::Rpf { iif, upstream, .. } => {
                if let Some(names) = habits.names {
                    (*iif, *upstream) = names;
                }
            }
            Notice::Creation { oifs, .. } => {
                for oif in oifs {
                    oif.enabled = !habits.switches_off.contains(&oif.interface);
                }
            }
            Notice::PruneMfe { timeout, .. } => {
                *timeout = habits.time_out.unwrap_or(*timeout);
            }
            _ => {}
        }
        if notice.question().is_some() {
            let mut fx = Effects::default();
            let counted = self.counted.clone();
            self.engine.answer(self.now, party.id, &notice, |_| counted, &mut fx);
            self.absorb(fx);
        }
    }

    /// The callback that the client is in returns.
    pub fn returns(&mut self, name: &str) {
        let notice = self.party(name).inside.take().expect("is inside a callback");
        let at = self.parties.iter().rposition(|party| party.name == name).expect("exists");
        self.answer(at, notice);
        self.catch_up(at);
    }

    pub fn resumes(&mut self, name: &str) {
        let at = self.parties.iter().rposition(|party| party.name == name).expect("exists");
        self.parties[at].stalled = false;
        self.catch_up(at);
    }

    /// The notices that waited in the queue of a client come before new ones.
    pub fn catch_up(&mut self, at: usize) {
        let id = self.parties[at].id;
        let waited: Vec<Notice> = self.parties[at].waiting.drain(..).collect();
        for notice in waited.into_iter().rev() {
            self.outbox.push_front((id, notice));
        }
        self.run(|_, _| ());
    }
}

/// Checking the results.
impl Router {
    /// Since the last check, the clients were told exactly this, in this order.
    #[track_caller]
    pub fn expect(&mut self, lines: &[&str]) {
        let heard = std::mem::take(&mut self.heard);
        assert_eq!(heard, lines, "what was heard (left) is not what is due (right)");
    }

    #[track_caller]
    pub fn expect_nothing(&mut self) {
        self.expect(&[]);
    }

    /// The call is refused with this code, and nothing has changed.
    #[track_caller]
    pub fn refuses(&mut self, code: Code, call: impl FnOnce(&mut Router) -> Result<()>) {
        let (before, heard) = (self.whole_state(), self.heard.len());
        assert_eq!(call(self).map_err(|refusal| refusal.code()), Err(code));
        assert_eq!(self.whole_state(), before, "a refused call has changed something");
        assert_eq!(self.heard.len(), heard, "a refused call was heard of");
    }

    /// The state that a refused call must not change.
    pub fn whole_state(&self) -> String {
        let engine = &self.engine;
        let interfaces: Vec<_> = engine.tables.interfaces.iter().collect();
        let sources = self.known_sources();
        format!(
            "{:?}\n{interfaces:?}\n{:?}\n{sources:?}\n{:?}\n{:?}",
            engine.tables.clients,
            engine.tables.flows,
            engine.tables.resolutions,
            engine.tables.limits
        )
    }

    pub fn row(&self, text: &str) -> Option<MfeRow> {
        let mut row = MfeRow::default();
        self.engine.read_mfe(self.now, flow(text), &mut row).then_some(row)
    }

    /// An MFE in words: `interface 1 to interface 2, interface 3`.
    pub fn mfe(&self, text: &str) -> String {
        match self.row(text) {
            None => "no MFE".into(),
            Some(row) if row.oifs.is_empty() => format!("{} to nowhere", row.iif),
            Some(row) => {
                let oifs: Vec<_> = row.oifs.iter().map(|oif| oif.interface.to_string()).collect();
                format!("{} to {}", row.iif, oifs.join(", "))
            }
        }
    }
}
