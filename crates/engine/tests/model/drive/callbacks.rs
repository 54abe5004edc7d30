//! The callbacks. They wait in a queue for each client. Each begins in one step and ends in another, and
//! any other steps may be made in between.

use super::{same, Checked, Drive};
use crate::spec::comparable;
use crate::steps;
use mgm_engine::{ClientId, Effects, Notice};
use mgm_types::Ipv4Addr;
use std::collections::VecDeque;

/// How many answers are kept, so that they can be given again.
const OLD_ANSWERS: usize = 16;

/// A callback that is due, from the engine and from the model. The numbers of their questions
/// differ.
pub(super) type Pair = (Notice, Notice);

/// A client's callbacks, run one at a time and in order (spec 8.2).
pub(super) struct Queue {
    pub client: ClientId,
    /// It has no callbacks at all: each question is answered at once (spec 1.3).
    pub is_mute: bool,
    pub due: VecDeque<Pair>,
    pub running: Option<Pair>,
}

/// The answer of a client to a question: the suggested one, if the operand is 0.
fn answer_to(notice: &Notice, how: u8, more: u8) -> Notice {
    let mut answered = notice.clone();
    match &mut answered {
        Notice::Rpf { iif, upstream, .. } if how % 3 == 1 => {
            *iif = steps::pick(&steps::INTERFACES, more);
            *upstream = Ipv4Addr::new(10, 9, 9, more);
        }
        Notice::Creation { oifs, .. } => {
            for oif in oifs.iter_mut() {
                let at = steps::INTERFACES.iter().position(|name| *name == oif.interface);
                oif.enabled = how & 1 == 0 || more >> (at.unwrap_or(0) % 8) & 1 == 0;
            }
            if how % 32 == 31 {
                oifs.clear();
            }
        }
        Notice::PruneMfe { timeout, .. } if how > 0 => {
            *timeout = steps::pick(&steps::TIMEOUTS, more);
        }
        _ => {}
    }
    answered
}

/// What becomes of a notice for a client without callbacks (spec 1.3). The engine makes few notices for
/// it, and the model makes all.
enum Mute {
    /// It gets the suggested answer at once.
    Answers,
    /// It changes nothing.
    Ignores,
    /// It waits in the queue, as for any client.
    Waits,
}

fn mute(notice: &Notice) -> Mute {
    match notice {
        Notice::Rpf { .. } | Notice::Creation { .. } => Mute::Answers,
        Notice::DisableIgmp { .. } | Notice::EnableIgmp { .. } => Mute::Waits,
        _ => Mute::Ignores,
    }
}

/// The notices that an answer causes come before other questions, because the engine answers some
/// questions itself, at once.
fn put_first(due: &mut VecDeque<(ClientId, Notice)>, more: Vec<(ClientId, Notice)>) {
    more.into_iter().rev().for_each(|one| due.push_front(one));
}

impl Drive {
    fn is_mute(&self, client: ClientId) -> bool {
        self.queues.iter().any(|queue| queue.client == client && queue.is_mute)
    }

    /// The engine's notices for clients that have the callbacks.
    pub(super) fn told_by_engine(&mut self, fx: &mut Effects) -> Vec<(ClientId, Notice)> {
        let (mut due, mut told) = (VecDeque::from(fx.take_notices()), Vec::new());
        while let Some((client, notice)) = due.pop_front() {
            match mute(&notice) {
                Mute::Answers if self.is_mute(client) => {
                    let now = self.model.now;
                    self.engine.answer(now, client, &notice, self.mirror.counted(), fx);
                    put_first(&mut due, fx.take_notices());
                }
                _ => told.push((client, notice)),
            }
        }
        told
    }

    /// The model's notices for clients that have the callbacks.
    pub(super) fn told_by_model(&mut self) -> Vec<(ClientId, Notice)> {
        let (mut due, mut told) = (VecDeque::from(self.model.take_said()), Vec::new());
        while let Some((client, notice)) = due.pop_front() {
            match mute(&notice) {
                Mute::Answers if self.is_mute(client) => {
                    self.model.answer(client, &notice);
                    put_first(&mut due, self.model.take_said());
                }
                Mute::Ignores if self.is_mute(client) => {}
                _ => told.push((client, notice)),
            }
        }
        told
    }

    pub(super) fn queue_at(&mut self, operand: u8) -> Option<&mut Queue> {
        let busy = |queue: &Queue| queue.running.is_some() || !queue.due.is_empty();
        let busy: Vec<usize> = (0..self.queues.len()).filter(|&i| busy(&self.queues[i])).collect();
        if busy.is_empty() {
            return None;
        }
        let at = steps::pick(&busy, operand);
        self.queues.get_mut(at)
    }

    pub(super) fn starting(&mut self, client: ClientId, pair: &Pair) -> Result<bool, String> {
        let by_engine = self.engine.starting(client, &pair.0);
        same("whether a callback is made", by_engine, self.model.starting(client, &pair.1))?;
        Ok(by_engine)
    }

    /// The first callback in the queue of a client begins, unless one is running.
    pub(super) fn begin(&mut self, operand: u8) -> Checked {
        let Some(queue) = self.queue_at(operand) else { return Ok(()) };
        if queue.running.is_some() {
            return Ok(());
        }
        let (client, Some(pair)) = (queue.client, queue.due.pop_front()) else { return Ok(()) };
        if self.starting(client, &pair)? && pair.0.question().is_some() {
            if let Some(queue) = self.queues.iter_mut().find(|queue| queue.client == client) {
                queue.running = Some(pair);
            }
        }
        Ok(())
    }

    pub(super) fn answer_one(&mut self, operand: u8, how: u8, more: u8) -> Checked {
        self.begin(operand)?;
        let Some(queue) = self.queue_at(operand) else { return Ok(()) };
        let (client, Some(pair)) = (queue.client, queue.running.take()) else { return Ok(()) };
        self.answer(client, &pair, how, more)?;
        self.keep(client, Some(pair));
        Ok(())
    }

    pub(super) fn answer(&mut self, client: ClientId, pair: &Pair, how: u8, more: u8) -> Checked {
        if pair.0.question().is_none() {
            return Ok(());
        }
        let by_engine = answer_to(&pair.0, how, more);
        let by_model = answer_to(&pair.1, how, more);
        let (was, what) =
            (self.engine.mfe_count(), format!("the answer to {:?}", comparable(&pair.0)));
        let packets = self.mirror.counted();
        self.act(&what, |engine, model, fx| {
            engine.answer(model.now, client, &by_engine, packets, fx);
            model.answer(client, &by_model);
            (Ok(()), Ok(()))
        })?;
        self.installed += usize::from(self.engine.mfe_count() > was);
        Ok(())
    }

    /// Most of these have no effect.
    pub(super) fn answer_again(&mut self, operand: u8, how: u8, more: u8) -> Checked {
        if self.old.is_empty() {
            return Ok(());
        }
        let (client, pair) = self.old[usize::from(operand) % self.old.len()].clone();
        self.answer(client, &pair, how, more)
    }

    pub(super) fn keep(&mut self, client: ClientId, pair: Option<Pair>) {
        self.old.extend(pair.map(|pair| (client, pair)));
        if self.old.len() > OLD_ANSWERS {
            self.old.remove(0);
        }
    }

    pub(super) fn answer_all(&mut self) -> Checked {
        for _ in 0..1000 {
            if self.queue_at(0).is_none() {
                return Ok(());
            }
            self.answer_one(0, 0, 0)?;
        }
        Err("the questions do not come to an end".into())
    }
}
