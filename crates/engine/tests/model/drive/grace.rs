//! The ends of processes, and their successors (spec 9.8).

use super::*;

/// No walk is so long that this time ends. The unit tests cover its end.
const SECONDS: u32 = 1_000_000;

impl Drive {
    /// The process of a client ends. Its questions get the suggested answers.
    pub(super) fn die(&mut self, client: ClientId) -> Checked {
        if self.model.client(client).is_none() || self.model.mute.contains(&client) {
            return Ok(());
        }
        while let Some(pair) = self.next_of(client) {
            self.answer(client, &pair, 0, 0)?;
        }
        self.alerted.deregister(client);
        for queue in self.queues.iter_mut().filter(|queue| queue.client == client) {
            queue.is_mute = true;
        }
        self.act("the end of a process", |engine, model, fx| {
            engine.begin_grace(client, SECONDS, fx);
            model.die(client);
            (Ok(()), Ok(()))
        })
    }

    fn next_of(&mut self, client: ClientId) -> Option<Pair> {
        let queue = self.queues.iter_mut().find(|queue| queue.client == client)?;
        queue.running.take().or_else(|| queue.due.pop_front())
    }

    /// A client takes over from one that has ended.
    pub(super) fn succeed(&mut self, operand: u8) -> Checked {
        let alone = self.model.left.iter().filter(|left| left.successor.is_none());
        let alone: Vec<ClientId> = alone.map(|left| left.client).collect();
        if alone.is_empty() {
            return Ok(());
        }
        let left = steps::pick(&alone, operand);
        let ids = self.engine.client_key(left).unwrap_or_default();
        same("whose state is left", self.engine.left_by(ids), Some(left))?;
        let by_engine = code(self.engine.succeed(left, NoticeKinds::ALL));
        let client = self.model.succeed(left);
        same("the successor", by_engine, Ok(client))?;
        self.queues.push(Queue { client, is_mute: false, due: VecDeque::new(), running: None });
        let is_igmp = self.model.client(client).is_some_and(|client| client.is_igmp());
        self.alerted.register(&self.model, client, is_igmp);
        Ok(())
    }

    /// A successor calls MgmHostGraceDone.
    pub(super) fn grace_done(&mut self, operand: u8) -> Checked {
        let successors: Vec<_> = self.model.left.iter().filter_map(|left| left.successor).collect();
        if successors.is_empty() {
            return Ok(());
        }
        let client = steps::pick(&successors, operand);
        // The order of what ends in several portions is not specified.
        self.act_with("grace done", true, |engine, model, fx| {
            engine.grace_done(client);
            while engine.end_graces(2, fx) {}
            model.grace_done(client);
            (Ok(()), Ok(()))
        })
    }
}
