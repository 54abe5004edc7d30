//! Implements the trait `Host` of the dispatcher for the program of the model.

use super::*;

impl dispatch::Client for &mut Client {
    type Item = Said;
    type Callee = ();

    fn queue(&mut self) -> &mut Queue<Said> {
        &mut self.queue
    }

    fn take(&mut self) -> Option<()> {
        assert!(!std::mem::replace(&mut self.is_taken, true), "two runners");
        Some(())
    }

    fn begins(&mut self, said: Said, (): &mut ()) -> Option<Said> {
        assert!(!self.gone, "a callback begins after the client has gone");
        Some(said)
    }

    fn put_back(&mut self, (): ()) -> bool {
        self.is_taken = false;
        self.gone
    }
}

impl Host for Hand {
    type Place = usize;
    type Item = Said;
    type Callee = ();
    type Guard<'a> = MutexGuard<'a, State>;
    type Client<'g> = &'g mut Client;

    fn bounds(&self) -> &Bounds {
        match self.desk.fault {
            Fault::NoBounds => &Bounds { others: 99, own: 99, ..BOUNDS },
            _ => &BOUNDS,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.desk.state.lock().unwrap()
    }

    fn client<'g>(
        &'g self,
        state: &'g mut MutexGuard<'_, State>,
        client: usize,
    ) -> Option<&'g mut Client> {
        Some(&mut state.clients[client]).filter(|client| !client.removed)
    }

    fn schedule(&self, state: &mut MutexGuard<'_, State>, client: usize) {
        self.schedule_at(state, client);
    }

    fn adopt(&self, state: &mut MutexGuard<'_, State>) {
        Hand::adopt(self, state);
    }

    fn outbox<R>(&self, with: impl FnOnce(&mut Outbox<usize>) -> R) -> R {
        with(&mut self.outbox.borrow_mut())
    }

    fn look<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        _: usize,
        _: Lane,
        (): &mut (),
    ) -> MutexGuard<'a, State> {
        state
    }

    fn call(&self, client: usize, (): &(), said: &mut Said) {
        {
            let mut heard = self.desk.heard[client].lock().unwrap();
            assert!(!heard.forbidden, "a callback after the deregistration");
            assert!(!std::mem::replace(&mut heard.inside, true), "two callbacks at a time");
            assert!(said.at > heard.last, "out of order, or twice");
            heard.last = said.at;
            heard.count += 1;
            heard.wanted[said.thing.0] = said.wanted;
        }
        let (own, others) = self.made.get();
        let is_own = said.cause == self.cause;
        self.made.set((own + usize::from(is_own), others + usize::from(!is_own)));
        // Other threads may run here.
        let mut state = self.lock();
        self.inside.set(true);
        if self.desk.reaction == Reaction::Calls && client == 0 {
            self.publish(&mut state, Lane::Caller, 1, 2);
        }
        self.inside.set(false);
        drop(state);
        self.desk.heard[client].lock().unwrap().inside = false;
    }

    fn returned(&self, state: &mut MutexGuard<'_, State>, client: usize, said: Said, lane: Lane) {
        if self.desk.reaction == Reaction::Answers && client == 0 && said.thing == Thing(0) {
            self.publish(state, lane, 0, 1);
        }
        if lane == Lane::Worker {
            self.made.set((0, 0)); // a worker works without end
        }
        assert!(lane == Lane::Caller || self.is_worker);
    }

    fn ended(&self, state: &mut MutexGuard<'_, State>, client: usize, is_gone: bool) {
        state.clients[client].removed |= is_gone;
        if state.waiters > 0 && self.desk.fault != Fault::NoWakeUp {
            self.desk.ended.notify_all();
        }
    }

    fn catch_up(&self, state: &mut MutexGuard<'_, State>, client: usize) {
        let wanted = state.wanted[client];
        let wanted = match self.desk.fault {
            Fault::ToldOfThePast => wanted.map(|wanted| !wanted),
            _ => wanted,
        };
        let (first, now) = (state.now, &mut 0);
        let queue = &mut state.clients[client].queue;
        let things = match queue.notes().next() {
            Some(Tell::One(thing)) => thing.0..thing.0 + 1,
            Some(Tell::All(_) | Tell::After(..)) => 0..THINGS,
            None => 0..0,
        };
        for thing in things {
            *now += 1;
            let (at, wanted) = (first + *now, wanted[thing]);
            let said = Said { thing: Thing(thing), wanted, at, cause: Cause::WORKER };
            assert!(queue.tell(said).is_ok());
        }
        state.now += *now;
    }

    fn caught_up(&self, _: &mut MutexGuard<'_, State>, _: usize) {}

    fn is_lost(&self) -> bool {
        std::thread::panicking() // nobody wants the lock any more
    }
}
