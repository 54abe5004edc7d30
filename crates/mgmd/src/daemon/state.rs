//! IGMP, the static routes and the jobs, without threads and clock. [`Shared`] protects
//! them with a lock.
//!
//! [`Shared`]: super::shared::Shared

use super::routes::{Join, StaticRoutes};
use crate::config::Config;
use mgm_igmp::{Action, Answer, Callback, Code, Event, Igmp, Ownership, Settings};
use mgm_types::{Flow, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

/// If this many jobs wait, IGMP packets are dropped instead of sent (M11). Calls of the library
/// are never dropped; the number of memberships bounds theirs.
const MOST_JOBS: usize = 65_536;

/// How long a flow stays joined after the last question about it, in MFE time-outs (M3).
const LIFETIMES: u64 = 2;

/// Something that the event loop has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Job {
    /// An action of IGMP.
    Igmp(Action),
    /// Log that a protocol now owns this interface, at which static routes for prefixes
    /// begin, or that it no longer owns it (M4).
    RouteRests {
        /// The interface index.
        link: u32,
        /// Whether a protocol owns it.
        rests: bool,
    },
}

/// What RPF_CALLBACK asks.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The flow.
    pub flow: Flow,
    /// The interface index that the library expects; 0 without a route.
    pub expected: u32,
    /// The upstream neighbour towards the source.
    pub neighbour: Ipv4Addr,
    /// Where the packets arrive.
    pub arrival: u32,
}

/// IGMP, the routes and the jobs.
#[derive(Debug)]
pub struct State {
    /// IGMP on all links.
    pub igmp: Igmp,
    /// The static routes.
    pub routes: StaticRoutes,
    /// The names of the interfaces that are served.
    pub served: BTreeMap<u32, String>,
    /// Memberships that an operator added, by the names of their interfaces (M5).
    pub joins: BTreeMap<String, BTreeSet<Flow>>,
    /// Why the library did not accept interfaces, if it has not accepted them since.
    pub untaken: BTreeMap<u32, String>,
    /// How many packets were dropped because too many jobs waited.
    pub unsent: u64,
    /// The interfaces that a protocol owns.
    owned: BTreeSet<u32>,
    /// The lifetime of MFEs in seconds.
    mfe_timeout: u32,
    jobs: VecDeque<Job>,
    actions: Vec<Action>,
    answer: Option<Answer>,
    questions: u64,
}

impl State {
    /// IGMP without links. The seed decides its random delays.
    #[must_use]
    pub fn new(config: &Config, seed: u64) -> State {
        let mut state = State {
            igmp: Igmp::new(seed),
            routes: StaticRoutes::new(config.router.max_flows as usize),
            served: BTreeMap::new(),
            joins: BTreeMap::new(),
            untaken: BTreeMap::new(),
            unsent: 0,
            owned: BTreeSet::new(),
            mfe_timeout: config.router.mfe_timeout,
            jobs: VecDeque::new(),
            actions: Vec::new(),
            answer: None,
            questions: 0,
        };
        state.handle(Time(0), Event::Settings(settings(config)));
        state
    }

    /// Passes an event to IGMP, and lists the jobs that follow.
    pub fn handle(&mut self, now: Time, event: Event) {
        let ownership = match &event {
            Event::Taken { link, result: Ok(ownership) }
            | Event::Callback(Callback::EnableIgmp { link, ownership }) => {
                Some((*link, *ownership))
            }
            _ => None,
        };
        self.igmp.handle(now, event, &mut self.actions);
        for action in self.actions.drain(..) {
            match action {
                Action::Answer(answer) => self.answer = Some(answer),
                Action::Send(_) if self.jobs.len() >= MOST_JOBS => self.unsent += 1,
                action => self.jobs.push_back(Job::Igmp(action)),
            }
        }
        if let Some((link, ownership)) = ownership {
            self.owner_is(now, link, ownership);
        }
    }

    /// Handles a callback that needs no answer.
    pub fn told(&mut self, now: Time, callback: Callback) {
        self.handle(now, Event::Callback(callback));
    }

    fn owner_is(&mut self, now: Time, link: u32, ownership: Ownership) {
        let rests = ownership == Ownership::BesideOwner;
        let is_news = if rests { self.owned.insert(link) } else { self.owned.remove(&link) };
        if !is_news || !self.routes.begins_at(link) {
            return;
        }
        self.jobs.push_back(Job::RouteRests { link, rests });
        // When the protocol releases the interface, the library deletes the MFEs whose packets
        // arrive there. So it asks about each flow again, which then is joined.
        if rests {
            let ended = self.routes.rest(link);
            self.tell(now, ended);
        }
    }

    /// Whether a protocol owns the interface.
    #[must_use]
    pub fn is_owned(&self, link: u32) -> bool {
        self.owned.contains(&link)
    }

    /// Notes why the library did not accept an interface, or that it did. Returns the result for
    /// IGMP.
    pub fn taken(&mut self, link: u32, result: Result<(), (Code, String)>) -> Result<(), Code> {
        match result {
            Ok(()) => {
                self.untaken.remove(&link);
                Ok(())
            }
            Err((code, reason)) => {
                self.untaken.insert(link, reason);
                Err(code)
            }
        }
    }

    /// The interface is no longer served.
    pub fn ended(&mut self, link: u32) {
        self.untaken.remove(&link);
        self.served.remove(&link);
        self.owned.remove(&link);
    }

    /// Runs the timers that are due.
    pub fn run_timers(&mut self, now: Time) {
        self.handle(now, Event::Time);
        let ended = self.routes.expire(now);
        self.tell(now, ended);
    }

    /// When [`State::run_timers`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        Time::sooner(self.igmp.next_deadline(), self.routes.deadline())
    }

    /// Whether there are jobs.
    #[must_use]
    pub fn has_jobs(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// The next job.
    pub fn next_job(&mut self) -> Option<Job> {
        self.jobs.pop_front()
    }

    /// Answers RPF_CALLBACK: the interface on which the packets have to arrive, and the upstream
    /// neighbour. A static route takes precedence over IGMP (M2).
    pub fn asked(&mut self, now: Time, question: Question) -> (u32, Ipv4Addr) {
        let Question { flow, expected, neighbour, arrival } = question;
        let number = self.next_question();
        let callback = Callback::Rpf { question: number, flow, expected, neighbour, arrival };
        self.told(now, callback);
        let mut answer = match self.answer.take() {
            Some(Answer::Rpf { link, neighbour, .. }) => (link, neighbour),
            _ => (expected, neighbour),
        };
        if answer.0 != arrival && self.routes.accepts(flow, arrival, self.is_owned(arrival)) {
            answer = (arrival, Ipv4Addr::UNSPECIFIED);
        }
        self.arrives(now, flow, answer.0);
        answer
    }

    /// The packets of a flow arrive on an interface: joins the flow where static routes for
    /// prefixes lead.
    pub fn arrives(&mut self, now: Time, flow: Flow, link: u32) {
        let until = Time(now.0 + LIFETIMES * 1_000 * u64::from(self.mfe_timeout));
        let changed = self.routes.asked(flow, link, until);
        self.tell(now, changed);
    }

    /// Answers CREATION_ALERT for one interface: whether packets of the flow may be forwarded
    /// there.
    pub fn may_forward(&mut self, now: Time, link: u32, flow: Flow) -> bool {
        let question = self.next_question();
        self.told(now, Callback::CreationAlert { question, link, flow });
        !matches!(self.answer.take(), Some(Answer::Creation { enabled: false, .. }))
    }

    fn next_question(&mut self) -> u64 {
        self.questions += 1;
        self.questions
    }

    /// Tells IGMP whether these memberships exist. They are not in the configuration: a static
    /// route for a prefix needs them, or an operator has added them.
    pub fn tell(&mut self, now: Time, joins: impl IntoIterator<Item = Join>) {
        for join in joins {
            let wanted = self.routes.wants(join) || self.operator_wants(join);
            self.handle(now, Event::Static { link: join.link, flow: join.flow, wanted });
        }
    }

    fn operator_wants(&self, join: Join) -> bool {
        let name = self.served.get(&join.link);
        name.and_then(|name| self.joins.get(name)).is_some_and(|flows| flows.contains(&join.flow))
    }

    /// Tells IGMP all such memberships of an interface that mgmd begins to serve.
    pub fn begun(&mut self, now: Time, link: u32) {
        let mut flows: BTreeSet<Flow> = self.routes.of_link(link).collect();
        let name = self.served.get(&link);
        flows.extend(name.and_then(|name| self.joins.get(name)).into_iter().flatten());
        self.tell(now, flows.into_iter().map(|flow| Join { link, flow }));
    }

    /// The interface is served under another name. Operators' memberships belong to names.
    pub fn renamed(&mut self, now: Time, link: u32, name: &str) {
        let former = self.served.insert(link, name.to_owned());
        let names = former.iter().map(String::as_str).chain([name]);
        let flows: BTreeSet<Flow> =
            names.filter_map(|name| self.joins.get(name)).flatten().copied().collect();
        self.tell(now, flows.into_iter().map(|flow| Join { link, flow }));
    }

    /// Adds or removes a membership of an operator on the interface of this name, which need not
    /// exist. Returns whether that changed anything.
    pub fn join(&mut self, now: Time, name: &str, flow: Flow, wanted: bool) -> bool {
        let flows = self.joins.entry(name.to_owned()).or_default();
        let is_news = if wanted { flows.insert(flow) } else { flows.remove(&flow) };
        if flows.is_empty() {
            self.joins.remove(name);
        }
        let link = self.served.iter().find(|(_, known)| *known == name).map(|(link, _)| *link);
        if let Some(link) = link.filter(|_| is_news) {
            self.tell(now, [Join { link, flow }]);
        }
        is_news
    }
}

/// The settings that all links share.
#[must_use]
pub fn settings(config: &Config) -> Settings {
    Settings { max_entries: config.router.max_igmp_entries, mfe_timeout: config.router.mfe_timeout }
}

#[cfg(test)]
mod tests;
