//! The calls of client processes, and the texts that these return: the status and the metrics.

use super::link::Role;
use super::listing::{Form, Listing};
use super::outlet::take_own;
use super::service::{Deferred, Service, DAWDLING};
use super::texts::{Order, Which};
use crate::messages::{put_mfes, Answer, Call, Listed, Reply, Request, WireRefusal};
use crate::wire::{Bytes, Wire};
use mgm_manager::Detail;
use mgm_types::{Code, Refusal};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Instant;

/// The bytes of a text in one message.
const PIECE: usize = 256 << 10;

impl Service {
    /// Makes a call, and answers it unless the answer comes later.
    pub(super) fn call(&mut self, token: u64, call: Call) {
        let Some(link) = self.links.get_mut(&token) else { return };
        let Role::Calls(session) = link.role else { return };
        self.has_called = true;
        let which = match call.request {
            Request::Status { memberships, mfes } => Which::Status(Detail { memberships, mfes }),
            Request::Metrics { mfes } => Which::Metrics(Detail { mfes, ..Detail::SUMMARY }),
            Request::NextPiece {} if link.text.is_empty() => {
                let why = "the router has dropped the text, because it was not read: ask again";
                return self.refuse_call(token, &Refusal::Router(why.into()));
            }
            Request::NextPiece {} => return self.send_piece(token),
            Request::WalkMfes { start, stats, ref room } => {
                let form = if stats { Form::Counted } else { Form::Brief };
                let listing = Listing { start, form, room: room.clone() };
                return self.list(token, session, (&call, listing));
            }
            Request::WalkChanges { start, ref room } => {
                let listing = Listing { start, form: Form::Changes, room: room.clone() };
                return self.list(token, session, (&call, listing));
            }
            Request::WalkOn {} => match link.listing.take() {
                Some(listing) => return self.list(token, session, (&call, listing)),
                None => {
                    let none = Listed { count: 0, next_oifs: None, more: false };
                    return link.send(|to| put_mfes(to, |_| none));
                }
            },
            _ => return self.call_manager(token, session, call, None),
        };
        link.is_busy = true;
        self.texts.order(Order { link: token, session, which });
        self.make_texts();
    }

    /// Starts to make the texts for which there is room.
    pub(super) fn make_texts(&mut self) {
        while let Some(order) = self.texts.next() {
            if self.texts.make(order, &self.manager, &self.poller) {
                continue;
            }
            self.refuse_text(order.link);
        }
    }

    /// A text cannot be made. The calls behind it are made later, because they may order further texts.
    pub(super) fn refuse_text(&mut self, token: u64) {
        if let Some(link) = self.links.get_mut(&token) {
            link.becomes_ready();
        }
        self.refuse_call(token, &Refusal::NoMemory);
        self.flush(token);
        self.take_later(token);
    }

    fn refuse_call(&mut self, token: u64, refusal: &Refusal) {
        let refusal = WireRefusal::from(refusal);
        self.answer(token, Answer { events: 0, reply: Reply::Refused { refusal } });
    }

    /// Makes a call that has waited for processes that have ended.
    pub(super) fn call_again(&mut self, deferred: Deferred) {
        let Deferred { token, call, until } = deferred;
        let Some(link) = self.links.get_mut(&token) else { return };
        link.becomes_ready();
        if let Role::Calls(session) = link.role {
            self.call_manager(token, session, call, Some(until));
        }
        self.flush(token);
        self.take_messages(token);
    }

    /// `until`: if the call has waited before, the last process that it waits for (D86).
    fn call_manager(&mut self, token: u64, session: u64, call: Call, until: Option<u64>) {
        let Some(process) = self.processes.get_mut(&session) else { return };
        take_own();
        let made = catch_unwind(AssertUnwindSafe(|| process.holdings.make(&self.manager, &call)));
        let reply = made
            .unwrap_or_else(|_| Reply::Refused { refusal: WireRefusal::from(&Refusal::Panicked) });
        let events = take_own();
        let is_done =
            matches!((&call.request, &reply), (Request::GraceDone { .. }, Reply::Done {}));
        let is_there = waits_for_departure(&reply);
        if is_there && until.is_none() {
            self.end_hung_up();
        }
        let until = until.unwrap_or(self.departures.last());
        if (is_done || is_there) && self.ends_something(until) {
            // What the call wants may belong to a process that has ended (spec 9.7, 9.8).
            if let Some(link) = self.links.get_mut(&token) {
                link.is_busy = true;
            }
            return self.deferred.push_back(Deferred { token, call, until });
        }
        if events > 0 {
            self.send_changed(); // so that the process has them when it reads the answer
        }
        self.answer(token, Answer { events, reply });
    }

    /// Answers with the next part of a listing.
    fn list(&mut self, token: u64, session: u64, (call, mut listing): (&Call, Listing)) {
        let Some(process) = self.processes.get(&session) else { return };
        let Some(link) = self.links.get_mut(&token) else { return };
        let mut more = false;
        let mut list = |to: &mut Vec<u8>| {
            more = process.holdings.list(&self.manager, call, &mut listing, to);
        };
        if !link.try_send(|to| catch_unwind(AssertUnwindSafe(|| list(to))).is_ok()) {
            return self.refuse_call(token, &Refusal::Panicked);
        }
        link.listing = more.then_some(listing);
    }

    fn answer(&mut self, token: u64, answer: Answer) {
        if let Some(link) = self.links.get_mut(&token) {
            link.send(|to| answer.put(to));
        }
    }

    pub(super) fn text_is_made(&mut self, token: u64, text: Vec<u8>) {
        let Some(link) = self.links.get_mut(&token) else { return self.text_is_over(token) };
        (link.text, link.text_at) = (text, 0);
        link.becomes_ready();
        self.send_piece(token);
        self.flush(token);
        self.take_messages(token);
    }

    fn send_piece(&mut self, token: u64) {
        let Some(link) = self.links.get_mut(&token) else { return };
        link.text_since = Instant::now();
        let rest = &link.text[link.text_at..];
        let piece = Bytes(rest[..rest.len().min(PIECE)].to_vec());
        link.text_at += piece.0.len();
        let more = link.text_at < link.text.len();
        if !more {
            (link.text, link.text_at) = (Vec::new(), 0);
        }
        self.answer(token, Answer { events: 0, reply: Reply::Text { piece, more } });
        if !more {
            self.text_is_over(token);
        }
    }

    /// The text of a connection is read, or dropped: there is room for another one.
    pub(super) fn text_is_over(&mut self, token: u64) {
        self.texts.is_over(token);
        self.make_texts();
    }

    /// Drops texts that are not read, so that other processes get theirs.
    pub(super) fn drop_unread(&mut self, now: Instant) {
        let unread = self.links.iter_mut().filter(|(_, link)| {
            !link.text.is_empty() && now.saturating_duration_since(link.text_since) >= DAWDLING
        });
        let mut over = Vec::new();
        for (token, link) in unread {
            (link.text, link.text_at) = (Vec::new(), 0);
            over.push(*token);
        }
        over.into_iter().for_each(|token| self.text_is_over(token));
    }
}

/// Whether a call was refused because of ids or an interface that another client has.
fn waits_for_departure(reply: &Reply) -> bool {
    matches!(reply, Reply::Refused { refusal } if refusal.code == Code::AlreadyExists as u32)
}
