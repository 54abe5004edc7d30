//! What each client believes of what it has heard, though it falls behind all the time:
//! the library's own dispatcher, with few callbacks that may wait (spec 8.9). A client that
//! has caught up believes what spec 4.2 and 4.6 say.

use super::{same, Checked};
use crate::spec::Model;
use mgm_dispatch::{
    self as dispatch, About, Bounds, Cause, Host, Item, Key, Lane, Outbox, Pushed, Queue, Tell,
    Ticket,
};
use mgm_engine::{AlertTopic, ClientId, Effects, Engine, Notice, Thing};
use mgm_types::{Flow, Interface};
use std::cell::{RefCell, RefMut};
use std::collections::BTreeSet;

const BOUNDS: Bounds = Bounds { others: 1, own: 1, waiting: 4, tickets: 4, notes: 2, batch: 2 };

#[derive(Debug)]
struct Alert(Notice);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Noted(Thing);

impl Item for Alert {
    type Key = Noted;

    fn about(&self) -> About<Noted> {
        match self.0.thing() {
            Some((thing, _))
                if thing.flow == Flow::WILDCARD && thing.topic == AlertTopic::Groups =>
            {
                About::All(thing.topic as usize)
            }
            Some((thing, word)) => About::One(Noted(thing), word),
            None => About::Nothing,
        }
    }
}

impl Key for Noted {
    fn topic(self) -> usize {
        self.0.topic as usize
    }

    fn becomes_one(topic: usize) -> bool {
        topic == AlertTopic::Groups as usize || topic == AlertTopic::Mfes as usize
    }
}

/// What a client takes to be so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Belief {
    all: bool,
    groups: BTreeSet<Flow>,
    sources: BTreeSet<Flow>,
    locals: BTreeSet<(Flow, Interface)>,
}

impl Belief {
    /// What is so.
    fn truth(model: &Model, client: ClientId) -> Belief {
        let wanted = model.wanted_flows().into_iter().filter(|flow| !flow.is_link_local());
        let others = wanted.filter(|flow| model.others_want(*flow, client));
        let all = model.others_want(Flow::WILDCARD, client);
        let (sources, groups): (BTreeSet<Flow>, BTreeSet<Flow>) =
            others.filter(|flow| *flow != Flow::WILDCARD).partition(|flow| flow.has_source());
        let pulls = |flow: &Flow| model.towards(*flow) == Some(client);
        let tells = |name: Interface| {
            model.place(name).is_some_and(|place| {
                place.owner == Some(client) && place.claim == place.owner && !place.absent
            })
        };
        let locals = model.members.iter().filter(|member| member.igmp && tells(member.place));
        Belief {
            all,
            groups: if all { BTreeSet::new() } else { groups },
            sources: sources.into_iter().filter(pulls).collect(),
            locals: locals.map(|member| (member.flow, member.place)).collect(),
        }
    }

    /// A callback; false if it says nothing new.
    fn hear(&mut self, notice: &Notice) -> bool {
        match *notice {
            Notice::Join { flow: Flow::WILDCARD, member: true } => {
                self.groups.clear(); // they do not count now
                !std::mem::replace(&mut self.all, true)
            }
            Notice::Prune { flow: Flow::WILDCARD, .. } => {
                self.groups.clear();
                std::mem::replace(&mut self.all, false)
            }
            Notice::Join { flow, member: true } => self.about(flow).insert(flow),
            Notice::Prune { flow, .. } => self.about(flow).remove(&flow),
            Notice::LocalJoin { flow, interface } => self.locals.insert((flow, interface)),
            Notice::LocalLeave { flow, interface } => self.locals.remove(&(flow, interface)),
            _ => true,
        }
    }

    fn about(&mut self, flow: Flow) -> &mut BTreeSet<Flow> {
        if flow.has_source() {
            &mut self.sources
        } else {
            &mut self.groups
        }
    }
}

struct Ear {
    client: ClientId,
    /// IGMP is not told of its own acts, though they count for others (spec 4.1): what it
    /// believes is up to itself.
    is_igmp: bool,
    queue: Queue<Alert>,
    belief: Belief,
}

/// Everybody's.
#[derive(Default)]
pub struct Ears {
    list: RefCell<Vec<Ear>>,
    /// How often a client fell behind.
    pub fell_behind: usize,
}

impl Ears {
    /// A newcomer knows how things stand: it can enumerate the groups.
    pub fn register(&mut self, model: &Model, client: ClientId, is_igmp: bool) {
        let belief = Belief::truth(model, client);
        self.list.get_mut().push(Ear { client, is_igmp, queue: Queue::default(), belief });
    }

    pub fn deregister(&mut self, client: ClientId) {
        self.list.get_mut().retain(|ear| ear.client != client);
    }

    /// What one call has to tell.
    pub fn tell(&mut self, told: &[(ClientId, Notice)], released: &[(ClientId, Interface)]) {
        let list = self.list.get_mut();
        for (client, gone) in released {
            if let Some(ear) = list.iter_mut().find(|ear| ear.client == *client) {
                ear.queue.cancel(
                    |alert| alert.0.is_over_with(*gone),
                    |noted| noted.0.topic == AlertTopic::Locals && noted.0.interface == *gone,
                );
                ear.belief.locals.retain(|(_, interface)| interface != gone);
            }
        }
        for (client, notice) in told.iter().filter(|(_, notice)| notice.thing().is_some()) {
            if let Some(ear) = list.iter_mut().find(|ear| ear.client == *client) {
                let was_behind = ear.queue.is_behind();
                let pushed = ear.queue.push(&BOUNDS, Cause::WORKER, Alert(notice.clone()));
                assert!(matches!(pushed, Pushed::Queued(_) | Pushed::Noted(_)));
                self.fell_behind += usize::from(!was_behind && ear.queue.is_behind());
            }
        }
    }

    /// A client makes some of its callbacks.
    pub fn listen(&self, engine: &Engine, at: usize, most: usize) -> Checked {
        let count = self.list.borrow().len();
        if count == 0 {
            return Ok(());
        }
        let client = self.list.borrow()[at % count].client;
        let room = Room {
            engine,
            list: &self.list,
            outbox: RefCell::default(),
            bounds: Bounds { others: most, ..BOUNDS },
            complaint: RefCell::default(),
        };
        let ticket = Ticket { place: client, number: None };
        assert!(room.outbox.borrow_mut().0.push(&BOUNDS, ticket));
        dispatch::drain(&room);
        room.complaint.into_inner().map_or(Ok(()), Err)
    }

    /// All clients make all of theirs.
    pub fn listen_all(&self, engine: &Engine) -> Checked {
        let count = self.list.borrow().len();
        (0..count).try_for_each(|at| self.listen(engine, at, usize::MAX))
    }

    /// Those that have caught up believe what is so.
    pub fn check(&self, model: &Model) -> Checked {
        for ear in self.list.borrow().iter() {
            if !ear.is_igmp && !ear.queue.is_behind() && ear.queue.is_empty() {
                let truth = Belief::truth(model, ear.client);
                same(&format!("what {:?} believes", ear.client), ear.belief.clone(), truth)?;
            }
        }
        Ok(())
    }
}

struct Room<'e> {
    engine: &'e Engine,
    list: &'e RefCell<Vec<Ear>>,
    outbox: RefCell<Tickets>,
    bounds: Bounds,
    complaint: RefCell<Option<String>>,
}

struct Tickets(Outbox<ClientId>);

impl Default for Tickets {
    fn default() -> Self {
        Tickets(Outbox::new(Cause(1)))
    }
}

/// A client that listens.
struct Listener<'g> {
    ear: &'g mut Ear,
    complaint: &'g RefCell<Option<String>>,
}

impl dispatch::Client for Listener<'_> {
    type Item = Alert;
    type Callee = ();

    fn queue(&mut self) -> &mut Queue<Alert> {
        &mut self.ear.queue
    }

    fn take(&mut self) -> Option<()> {
        Some(())
    }

    fn begins(&mut self, alert: Alert, (): &mut ()) -> Option<Alert> {
        let Ear { client, is_igmp, queue, belief } = &mut *self.ear;
        let is_news = belief.hear(&alert.0);
        if !is_news && !queue.is_behind() && !*is_igmp {
            *self.complaint.borrow_mut() =
                Some(format!("{client:?} is not behind and knows {:?}", alert.0));
        }
        Some(alert)
    }

    fn put_back(&mut self, (): ()) -> bool {
        false
    }
}

fn ear_of(list: &mut [Ear], client: ClientId) -> Option<&mut Ear> {
    list.iter_mut().find(|ear| ear.client == client)
}

fn queue_of(list: &mut [Ear], client: ClientId) -> Option<&mut Queue<Alert>> {
    ear_of(list, client).map(|ear| &mut ear.queue)
}

impl Host for Room<'_> {
    type Place = ClientId;
    type Item = Alert;
    type Callee = ();
    type Guard<'a>
        = RefMut<'a, Vec<Ear>>
    where
        Self: 'a;
    type Client<'g>
        = Listener<'g>
    where
        Self: 'g;

    fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    fn lock(&self) -> RefMut<'_, Vec<Ear>> {
        self.list.borrow_mut()
    }

    fn client<'g>(
        &'g self,
        list: &'g mut RefMut<'_, Vec<Ear>>,
        client: ClientId,
    ) -> Option<Listener<'g>> {
        let ear = ear_of(list, client)?;
        Some(Listener { ear, complaint: &self.complaint })
    }

    /// Somebody listens when a step says so.
    fn schedule(&self, list: &mut RefMut<'_, Vec<Ear>>, client: ClientId) {
        if let Some(queue) = queue_of(list, client) {
            queue.unschedule();
        }
    }

    fn adopt(&self, _: &mut RefMut<'_, Vec<Ear>>) {}

    fn outbox<R>(&self, with: impl FnOnce(&mut Outbox<ClientId>) -> R) -> R {
        with(&mut self.outbox.borrow_mut().0)
    }

    fn look<'a>(
        &'a self,
        list: RefMut<'a, Vec<Ear>>,
        _: ClientId,
        _: Lane,
        (): &mut (),
    ) -> RefMut<'a, Vec<Ear>> {
        list
    }

    fn call(&self, _: ClientId, (): &(), _: &mut Alert) {}

    fn returned(&self, _: &mut RefMut<'_, Vec<Ear>>, _: ClientId, _: Alert, _: Lane) {}

    fn ended(&self, _: &mut RefMut<'_, Vec<Ear>>, _: ClientId, _: bool) {}

    fn catch_up(&self, list: &mut RefMut<'_, Vec<Ear>>, client: ClientId) {
        let (engine, fx) = (self.engine, &mut Effects::default());
        let Some(queue) = queue_of(list, client) else { return };
        match queue.notes().next() {
            Some(Tell::One(Noted(thing))) => engine.tell_truth(client, thing, fx),
            Some(Tell::All(topic)) if engine.tell_all(client, AlertTopic::ALL[topic], fx) => {
                queue.notes().walk(topic, None);
            }
            Some(Tell::After(topic, after)) => {
                let after = after.map(|Noted(thing)| thing);
                let last =
                    engine.tell_after(client, AlertTopic::ALL[topic], after, BOUNDS.batch, fx);
                if let Some(last) = last {
                    queue.notes().walk(topic, Some(Noted(last)));
                }
            }
            Some(Tell::All(_)) | None => {}
        }
        for (_, notice) in fx.take_notices() {
            assert!(queue.tell(Alert(notice)).is_ok());
        }
    }

    fn caught_up(&self, _: &mut RefMut<'_, Vec<Ear>>, _: ClientId) {}

    fn is_lost(&self) -> bool {
        std::thread::panicking()
    }
}
