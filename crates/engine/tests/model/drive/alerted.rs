//! The alerts of each client, delivered by the library's own dispatcher. Few callbacks may wait, so
//! clients fall behind all the time (spec 8.9). The test keeps what a client knows from its alerts: a
//! client that has caught up knows what spec 4.2 and 4.6 say.

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

/// What a client knows from its alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Knowledge {
    all: bool,
    groups: BTreeSet<Flow>,
    sources: BTreeSet<Flow>,
    locals: BTreeSet<(Flow, Interface)>,
}

impl Knowledge {
    /// What a client has to know.
    fn truth(model: &Model, client: ClientId) -> Knowledge {
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
        Knowledge {
            all,
            groups: if all { BTreeSet::new() } else { groups },
            sources: sources.into_iter().filter(pulls).collect(),
            locals: locals.map(|member| (member.flow, member.place)).collect(),
        }
    }

    /// A callback. False if the client knew this already.
    fn learn(&mut self, notice: &Notice) -> bool {
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

struct AlertedClient {
    client: ClientId,
    /// Is not checked, because IGMP is not told of its own acts, though they count for others (spec
    /// 4.1).
    is_igmp: bool,
    queue: Queue<Alert>,
    known: Knowledge,
}

/// All clients.
#[derive(Default)]
pub struct AlertedClients {
    list: RefCell<Vec<AlertedClient>>,
    /// How often a client fell behind.
    pub fell_behind: usize,
}

impl AlertedClients {
    /// A new client knows the current state, because it can enumerate the groups.
    pub fn register(&mut self, model: &Model, client: ClientId, is_igmp: bool) {
        let known = Knowledge::truth(model, client);
        self.list.get_mut().push(AlertedClient { client, is_igmp, queue: Queue::default(), known });
    }

    pub fn deregister(&mut self, client: ClientId) {
        self.list.get_mut().retain(|one| one.client != client);
    }

    /// The alerts of one call, and the interfaces that it has released.
    pub fn queue(&mut self, told: &[(ClientId, Notice)], released: &[(ClientId, Interface)]) {
        let list = self.list.get_mut();
        for (client, gone) in released {
            if let Some(one) = list.iter_mut().find(|one| one.client == *client) {
                one.queue.cancel(
                    |alert| alert.0.is_over_with(*gone),
                    |noted| noted.0.topic == AlertTopic::Locals && noted.0.interface == *gone,
                );
                one.known.locals.retain(|(_, interface)| interface != gone);
            }
        }
        for (client, notice) in told.iter().filter(|(_, notice)| notice.thing().is_some()) {
            if let Some(one) = list.iter_mut().find(|one| one.client == *client) {
                let was_behind = one.queue.is_behind();
                let pushed = one.queue.push(&BOUNDS, Cause::WORKER, Alert(notice.clone()));
                assert!(matches!(pushed, Pushed::Queued(_) | Pushed::Noted(_)));
                self.fell_behind += usize::from(!was_behind && one.queue.is_behind());
            }
        }
    }

    /// Delivers some of the callbacks of a client.
    pub fn deliver(&self, engine: &Engine, at: usize, most: usize) -> Checked {
        let count = self.list.borrow().len();
        if count == 0 {
            return Ok(());
        }
        let client = self.list.borrow()[at % count].client;
        let delivery = Delivery {
            engine,
            list: &self.list,
            outbox: RefCell::default(),
            bounds: Bounds { others: most, ..BOUNDS },
            complaint: RefCell::default(),
        };
        let ticket = Ticket { place: client, number: None };
        assert!(delivery.outbox.borrow_mut().0.push(&BOUNDS, ticket));
        dispatch::drain(&delivery);
        delivery.complaint.into_inner().map_or(Ok(()), Err)
    }

    /// Delivers all callbacks of all clients.
    pub fn deliver_all(&self, engine: &Engine) -> Checked {
        let count = self.list.borrow().len();
        (0..count).try_for_each(|at| self.deliver(engine, at, usize::MAX))
    }

    /// Checks what the clients know that have caught up.
    pub fn check(&self, model: &Model) -> Checked {
        for one in self.list.borrow().iter() {
            if !one.is_igmp && !one.queue.is_behind() && one.queue.is_empty() {
                let truth = Knowledge::truth(model, one.client);
                same(&format!("what {:?} knows", one.client), one.known.clone(), truth)?;
            }
        }
        Ok(())
    }
}

struct Delivery<'e> {
    engine: &'e Engine,
    list: &'e RefCell<Vec<AlertedClient>>,
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

/// A client, while the list is locked.
struct LockedClient<'g> {
    one: &'g mut AlertedClient,
    complaint: &'g RefCell<Option<String>>,
}

impl dispatch::Client for LockedClient<'_> {
    type Item = Alert;
    type Callee = ();

    fn queue(&mut self) -> &mut Queue<Alert> {
        &mut self.one.queue
    }

    fn take(&mut self) -> Option<()> {
        Some(())
    }

    fn begins(&mut self, alert: Alert, (): &mut ()) -> Option<Alert> {
        let AlertedClient { client, is_igmp, queue, known } = &mut *self.one;
        let is_new = known.learn(&alert.0);
        if !is_new && !queue.is_behind() && !*is_igmp {
            *self.complaint.borrow_mut() =
                Some(format!("{client:?} is not behind and knows {:?}", alert.0));
        }
        Some(alert)
    }

    fn put_back(&mut self, (): ()) -> bool {
        false
    }
}

fn find(list: &mut [AlertedClient], client: ClientId) -> Option<&mut AlertedClient> {
    list.iter_mut().find(|one| one.client == client)
}

fn queue_of(list: &mut [AlertedClient], client: ClientId) -> Option<&mut Queue<Alert>> {
    find(list, client).map(|one| &mut one.queue)
}

impl Host for Delivery<'_> {
    type Place = ClientId;
    type Item = Alert;
    type Callee = ();
    type Guard<'a>
        = RefMut<'a, Vec<AlertedClient>>
    where
        Self: 'a;
    type Client<'g>
        = LockedClient<'g>
    where
        Self: 'g;

    fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    fn lock(&self) -> RefMut<'_, Vec<AlertedClient>> {
        self.list.borrow_mut()
    }

    fn client<'g>(
        &'g self,
        list: &'g mut RefMut<'_, Vec<AlertedClient>>,
        client: ClientId,
    ) -> Option<LockedClient<'g>> {
        let one = find(list, client)?;
        Some(LockedClient { one, complaint: &self.complaint })
    }

    /// A step delivers, no worker.
    fn schedule(&self, list: &mut RefMut<'_, Vec<AlertedClient>>, client: ClientId) {
        if let Some(queue) = queue_of(list, client) {
            queue.unschedule();
        }
    }

    fn adopt(&self, _: &mut RefMut<'_, Vec<AlertedClient>>) {}

    fn outbox<R>(&self, with: impl FnOnce(&mut Outbox<ClientId>) -> R) -> R {
        with(&mut self.outbox.borrow_mut().0)
    }

    fn look<'a>(
        &'a self,
        list: RefMut<'a, Vec<AlertedClient>>,
        _: ClientId,
        _: Lane,
        (): &mut (),
    ) -> RefMut<'a, Vec<AlertedClient>> {
        list
    }

    fn call(&self, _: ClientId, (): &(), _: &mut Alert) {}

    fn returned(&self, _: &mut RefMut<'_, Vec<AlertedClient>>, _: ClientId, _: Alert, _: Lane) {}

    fn ended(&self, _: &mut RefMut<'_, Vec<AlertedClient>>, _: ClientId, _: bool) {}

    fn catch_up(&self, list: &mut RefMut<'_, Vec<AlertedClient>>, client: ClientId) {
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

    fn caught_up(&self, _: &mut RefMut<'_, Vec<AlertedClient>>, _: ClientId) {}

    fn is_lost(&self) -> bool {
        std::thread::panicking()
    }
}
