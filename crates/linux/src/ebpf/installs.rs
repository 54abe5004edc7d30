//! Adds and removes entries, and sends on the packets that waited for them. In a burst, many are
//! sent at a time.

use super::layout::{PARCELS, ROUND};
use super::load::Loaded;
use super::reader::Reader;
use super::resend::{self, Packet};
use super::table::{Table, TableError, Wanted};
use super::waiting::{Inbox, Outbox, State, MOST_HELD, MOST_SENT, PAUSE, STEP};
use crate::sys;
use crate::types::Flow;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Reader {
    pub(super) fn send(&self, packets: &[Packet]) {
        let Loaded { maps, programs, .. } = &self.loaded;
        if let Err(error) = resend::send(packets, &maps.parcels, &programs.resend) {
            log::debug!("{} first packets cannot be sent on: {error}", packets.len());
        }
    }

    /// `is_alone`: the packets have so many oifs that one run of the program can send only one of
    /// them.
    fn send_some(&self, packets: &[Packet], is_alone: bool) {
        let most = if is_alone { 1 } else { packets.len().max(1) };
        packets.chunks(most).for_each(|some| self.send(some));
    }

    /// Sends what waits, oldest first, then opens the entries that are held: packets that arrive
    /// from now on no longer come here.
    fn flush(&self, inbox: &mut Inbox, state: &mut State) {
        // Those that arrive meanwhile are sent, too, so that packets keep their order. But they can
        // arrive faster than they are sent, and the manager's lock may be held. The time that the
        // thread did not run does not count: otherwise packets would be overtaken whenever it is
        // interrupted here.
        let end = sys::thread_time() + MOST_HELD;
        // A packet with very many oifs can take that long by itself.
        let (sent, records) = if state.outbox.is_alone { (1, 1) } else { (MOST_SENT, STEP) };
        loop {
            let now = sent.min(state.outbox.packets.len());
            let later = state.outbox.packets.split_off(now);
            let packets = std::mem::replace(&mut state.outbox.packets, later);
            self.send_some(&packets, state.outbox.is_alone);
            if sys::thread_time() >= end {
                break;
            }
            let is_left = self.drain(inbox, state, records);
            if !is_left && state.outbox.packets.is_empty() {
                break;
            }
        }
        let Outbox { flows, packets, is_alone, .. } = std::mem::take(&mut state.outbox);
        flows.into_iter().for_each(|flow| state.table.open(flow));
        self.send_some(&packets, is_alone);
        while self.drain(inbox, state, records) && sys::thread_time() < end {}
    }

    /// Sends what waits of a flow whose entry or counters are to be looked at or changed.
    pub(super) fn settle(&self, flow: Flow) {
        if self.state.lock().outbox.has(flow) {
            let mut inbox = self.inbox.lock();
            let mut state = self.state.lock();
            self.flush(&mut inbox, &mut state);
            self.leave_rest(&inbox, &state);
        }
    }

    /// Adds or changes an entry, then sends the packets that waited for it: before those that
    /// arrive from now on, except for a few that arrive at this very moment.
    pub(super) fn set(&self, wanted: &Wanted<'_>) -> Result<(), TableError> {
        loop {
            match self.try_set(wanted) {
                Err(TableError::NoRoom) => {
                    self.grow()?;
                }
                result => return result,
            }
        }
    }

    /// Wakes the thread when there is little room left, once.
    fn note_room(&self, table: &Table) {
        if table.wants().is_some() && !self.is_low.swap(true, Ordering::Relaxed) {
            self.signal_upkeep();
        }
    }

    fn try_set(&self, wanted: &Wanted<'_>) -> Result<(), TableError> {
        let flow = wanted.flow;
        self.settle(flow);
        {
            let mut state = self.state.lock();
            let had_retired = state.table.has_retired();
            if let Some(result) = state.table.change(wanted) {
                self.note_room(&state.table);
                if !had_retired && state.table.has_retired() {
                    self.signal_upkeep(); // its former oifs are to be reused
                }
                return result;
            }
        }
        let mut inbox = self.inbox.lock();
        let mut state = self.state.lock();
        let result = self.add(&mut inbox, &mut state, wanted);
        self.leave_rest(&inbox, &state);
        result
    }

    fn add(
        &self,
        inbox: &mut Inbox,
        state: &mut State,
        wanted: &Wanted<'_>,
    ) -> Result<(), TableError> {
        let flow = wanted.flow;
        self.drain_all(inbox, state);
        let is_last = inbox.queues.done(flow).unwrap_or_else(|| inbox.queues.is_idle());
        let has_oifs = !wanted.oifs.is_empty();
        let waits = state.kept.has(flow);
        let is_alone = waits && wanted.oifs.len() > ROUND;
        if is_alone {
            self.flush(inbox, state); // before the flow has an entry, so that its packets stay
        }
        state.table.create(&Wanted { is_held: waits && has_oifs, ..*wanted })?;
        self.note_room(&state.table);
        if !waits {
            return Ok(());
        }
        let packets = state.kept.take(flow);
        if !has_oifs {
            for packet in packets {
                state.table.count_negative(flow, packet.if_index, packet.octets());
            }
            return Ok(());
        }
        // In a burst they wait for those of other flows, so that many are sent at a time.
        state.outbox.flows.push(flow);
        state.outbox.since.get_or_insert_with(Instant::now);
        state.outbox.packets.extend(packets);
        state.outbox.is_alone = is_alone;
        self.flush_if(is_alone || is_last, inbox, state);
        Ok(())
    }

    /// Sends what waits if there is enough of it, or it has waited long enough.
    fn flush_if(&self, is_wanted: bool, inbox: &mut Inbox, state: &mut State) {
        let Outbox { since: Some(since), packets, .. } = &state.outbox else { return };
        if is_wanted || packets.len() >= PARCELS || since.elapsed() >= PAUSE {
            self.flush(inbox, state);
        }
    }

    /// The manager is done with these flows. Those that have no entry get none.
    pub(super) fn done(&self, flows: &[Flow]) {
        let mut inbox = self.inbox.lock();
        let mut state = self.state.lock();
        // Packets of these flows may wait in the ring. Read later, they would be first ones of new flows.
        self.drain_all(&mut inbox, &mut state);
        let mut is_last = false;
        for flow in flows {
            // Usually its entry came before.
            let Some(is_its_last) = inbox.queues.done(*flow) else { continue };
            is_last |= is_its_last;
            if !state.table.has(*flow) {
                state.kept.take(*flow);
                self.pendings(*flow).silence((*flow).into());
            }
        }
        self.flush_if(is_last, &mut inbox, &mut state);
        self.leave_rest(&inbox, &state);
    }

    /// Removes an entry. The next packet of its flow is the first of a new one.
    pub(super) fn remove(&self, flow: Flow) {
        self.settle(flow);
        let mut state = self.state.lock();
        let had_retired = state.table.has_retired();
        if state.table.remove(flow) {
            self.forget_pending(flow.into());
            if !had_retired {
                self.signal_upkeep();
            }
        }
    }

    /// Sends what has waited long enough for more of a burst.
    pub(super) fn end_burst(&self) {
        if self.state.lock().outbox.since.is_some() {
            let mut inbox = self.inbox.lock();
            self.flush_if(false, &mut inbox, &mut self.state.lock());
        }
    }
}
