//! What calls of the engine cause: notices for clients, changes for the forwarder.

use crate::alert_topic::AlertTopic;
use crate::notice::{Notice, NoticeBox};
use crate::tables::ClientId;
use mgm_types::{Flow, Headroom, IfId, Interface, Result};
use std::collections::VecDeque;

/// Everything that calls of the engine cause. The engine only appends.
#[derive(Debug, Default)]
pub struct Effects {
    notices: VecDeque<(ClientId, NoticeBox)>,
    /// The place of the last notice in the order of delivery, and whether a notice is out of
    /// order.
    last: (u8, ClientId),
    disordered: bool,
    /// Boxes of finished notices, to be reused.
    boxes: Vec<NoticeBox>,
    /// Boxes that are kept for when there is no memory.
    spare: Vec<NoticeBox>,
    /// Clients that must be told the whole state of a topic later, because there are too many
    /// single notices, or no memory for them.
    untold: Vec<(ClientId, AlertTopic)>,
    /// There was no memory for that list either: all clients must be told everything.
    untold_to_all: bool,
    /// Interfaces that clients have released or lost: notices about them that still wait for
    /// these clients are obsolete.
    pub released: Vec<(ClientId, Interface)>,
    /// Clients of ended processes of which nothing is left.
    pub departed: Vec<ClientId>,
    /// For small allocations.
    pub(crate) headroom: Headroom,
    /// There is room for this number of further calls of this size.
    calls_left: usize,
    prepared_for: CallSize,
    /// Flows whose MFE changed, came or went: the forwarder is brought in line with the engine.
    pub dirty: Vec<Flow>,
    /// The number of changed flows that there is room for.
    reserved: usize,
    /// The number of notices that there is room for.
    usual_notices: usize,
    /// Interfaces that the forwarder no longer serves: they are not taken any longer, or do not
    /// exist in the system.
    pub detached: Vec<IfId>,
    /// Flows whose resolution ended, with or without an MFE, or that an upcall did not begin.
    pub resolved: Vec<Flow>,
    /// Flows that are being resolved and got another packet meanwhile.
    pub again: Vec<Flow>,
    /// Log messages.
    pub log: Vec<(log::Level, String)>,
}

/// Notices that are [set aside](Effects::set_aside).
#[derive(Default)]
pub struct SetAside {
    notices: VecDeque<(ClientId, NoticeBox)>,
    last: (u8, ClientId),
    disordered: bool,
}

/// How much one call can cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallSize {
    /// The clients that it tells.
    pub clients: usize,
    pub interfaces: usize,
    /// The flows that it changes.
    pub flows: usize,
}

/// The room, and the number of boxes, kept for the next call.
const USUAL: usize = 64;
const BOXES: usize = 1024;
const SPARE: usize = 16;

/// Owns nothing.
const NOTHING: Notice = Notice::Join { flow: Flow::WILDCARD, member: false };

/// From this number of notices on, a client is told only that groups have changed.
const MANY: usize = 65_536;

/// One call tells each client once, and some clients a little more. Only calls that remove
/// something tell more than that.
const MORE_NOTICES: usize = 16;

/// Places reserved for notices that must not be lost.
const SURE: usize = 8;

/// The memory that a call needs for small allocations except notices: a resolution, tree
/// nodes; and for each existing interface, in sets and lists of interfaces.
const CALL_BYTES: usize = 1024;
const INTERFACE_BYTES: usize = 32;

/// The amount of memory that is reserved at a time.
const PREPARED_BYTES: usize = 64 << 10;

/// The memory that a notice needs, with what it owns.
const NOTICE_BYTES: usize = 256;

impl Effects {
    /// Reserves room for one call that adds something.
    ///
    /// # Errors
    /// `NoMemory`.
    #[inline]
    pub(crate) fn room(&mut self, wanted: CallSize) -> Result<()> {
        let is_usual = self.notices.is_empty() && self.spare.len() == SPARE;
        if self.calls_left > 0 && self.prepared_for == wanted && is_usual {
            self.calls_left -= 1;
            return Ok(());
        }
        self.prepare(wanted)
    }

    /// Reserves room for that and for some further calls of the same size, because nearly every
    /// call asks.
    #[inline(never)]
    fn prepare(&mut self, wanted: CallSize) -> Result<()> {
        let CallSize { clients, interfaces, flows } = wanted;
        self.calls_left = 0;
        let more = clients + MORE_NOTICES;
        if self.reserved != flows || self.notices.capacity() - self.notices.len() < more + SURE {
            self.grow(more, flows)?;
        }
        if self.spare.len() < SPARE {
            self.fill_spare();
        }
        let bytes = CALL_BYTES + interfaces * INTERFACE_BYTES + clients * NOTICE_BYTES;
        let calls = (PREPARED_BYTES / bytes).max(1);
        self.headroom.take(calls * bytes)?;
        self.calls_left = calls - 1;
        self.prepared_for = wanted;
        Ok(())
    }

    #[cold]
    fn grow(&mut self, notices: usize, flows: usize) -> Result<()> {
        self.notices.try_reserve(notices + SURE)?;
        self.usual_notices = notices + SURE;
        self.headroom.forget();
        self.room_for_changes(flows)
    }

    /// Reserves room for changes of at most `flows` flows; the engine knows no more.
    ///
    /// # Errors
    /// `NoMemory`.
    pub(crate) fn room_for_changes(&mut self, flows: usize) -> Result<()> {
        if self.dirty.capacity() < flows {
            self.dirty.try_reserve_exact(flows - self.dirty.len())?;
        }
        self.reserved = flows;
        Ok(())
    }

    /// The MFE of a flow has changed, come or gone.
    #[inline]
    pub(crate) fn changed(&mut self, flow: Flow) {
        if self.dirty.len() == self.dirty.capacity() {
            self.merge_changes();
        }
        self.dirty.push(flow);
    }

    /// If there is no room for more changes, each flow is kept once: there is room for that,
    /// see [`Effects::room`].
    #[cold]
    fn merge_changes(&mut self) {
        if self.dirty.try_reserve(1).is_err() {
            self.dirty.sort_unstable();
            self.dirty.dedup();
        }
    }

    /// The resolution of a flow has ended, or does not begin. Without memory for all of them, one is
    /// enough: callers that wait for another flow check for themselves.
    pub(crate) fn ended(&mut self, flow: Flow) {
        if self.resolved.try_reserve(1).is_ok() || self.resolved.is_empty() {
            self.resolved.push(flow);
        }
    }

    /// Adds a notice for a client; false if there is no memory or there are too many notices.
    /// An alert is then told later (spec 8.9); the caller of a question must do without an
    /// answer. Inlined, so that the notice is built in place. Therefore only the rare paths may
    /// pass it to a function.
    #[inline(always)]
    pub(crate) fn tell(&mut self, to: ClientId, notice: Notice) -> bool {
        if self.notices.len() + SURE >= self.notices.capacity() {
            return self.tell_without_room(to, notice);
        }
        let Some(mut used) = self.boxes.pop() else { return self.tell_in_new_box(to, notice) };
        let place = (notice.phase(), to);
        // The old content is finished and owns nothing.
        std::mem::forget(std::mem::replace(&mut *used, notice));
        self.put(place, used);
        true
    }

    #[cold]
    fn tell_without_room(&mut self, to: ClientId, notice: Notice) -> bool {
        self.grow_notices(to, &notice) && self.tell(to, notice)
    }

    #[inline(never)]
    fn tell_in_new_box(&mut self, to: ClientId, notice: Notice) -> bool {
        let place = (notice.phase(), to);
        match NoticeBox::new(notice) {
            Ok(boxed) => {
                self.put(place, boxed);
                true
            }
            Err(notice) => {
                self.tell_topic_later(to, &notice);
                false
            }
        }
    }

    /// Appends a notice, with its place in the order of delivery; there is room.
    #[inline]
    fn put(&mut self, place: (u8, ClientId), boxed: NoticeBox) {
        self.disordered |= place < self.last;
        self.last = place;
        self.notices.push_back((place.1, boxed));
    }

    /// Makes room for another notice. A notice about a group may have to be told later, because
    /// one call can change a million groups and concern a thousand clients.
    #[cold]
    fn grow_notices(&mut self, to: ClientId, notice: &Notice) -> bool {
        let topic = notice.thing().map(|(thing, _)| thing.topic);
        let is_too_much = topic == Some(AlertTopic::Groups) && self.notices.len() >= MANY;
        let len = self.notices.len();
        let wanted = if len < MANY { (2 * len).clamp(USUAL, MANY) } else { 2 * len };
        if !is_too_much && self.notices.try_reserve_exact(wanted + SURE - len).is_ok() {
            return true;
        }
        self.tell_topic_later(to, notice);
        false
    }

    fn tell_topic_later(&mut self, to: ClientId, notice: &Notice) {
        if let Some((thing, _)) = notice.thing() {
            self.tell_all_later(to, thing.topic);
        }
    }

    /// Adds a notice that must not be lost even without memory. A call has only a few of these,
    /// and they cannot be told later.
    pub(crate) fn tell_surely(&mut self, to: ClientId, notice: Notice) {
        let is_full = self.notices.len() == self.notices.capacity();
        if is_full && self.notices.try_reserve(USUAL).is_err() {
            return ::log::error!("out of memory: a client does not receive {notice}");
        }
        let place = (notice.phase(), to);
        let boxed = match self.boxes.pop().or_else(|| self.spare.pop()) {
            Some(mut used) => {
                *used = notice;
                Ok(used)
            }
            None => NoticeBox::new(notice),
        };
        match boxed {
            Ok(boxed) => self.put(place, boxed),
            Err(notice) => ::log::error!("out of memory: a client does not receive {notice}"),
        }
    }

    /// Notes that a client must be told the whole state of a topic later (spec 8.9).
    pub(crate) fn tell_all_later(&mut self, to: ClientId, topic: AlertTopic) {
        let one = (to, topic);
        if let Err(place) = self.untold.binary_search(&one) {
            match self.untold.try_reserve(1) {
                Ok(()) => self.untold.insert(place, one),
                Err(_) => self.untold_to_all = true,
            }
        }
    }

    /// Whether a client must be told the whole state of a topic.
    #[must_use]
    #[inline]
    pub fn has_untold(&self) -> bool {
        self.untold.len() | usize::from(self.untold_to_all) != 0
    }

    /// Takes the list of clients that must be told a whole topic, and whether all clients must
    /// be told everything.
    pub fn take_untold(&mut self) -> (Vec<(ClientId, AlertTopic)>, bool) {
        (std::mem::take(&mut self.untold), std::mem::take(&mut self.untold_to_all))
    }

    /// Sorts the notices into the order of delivery: by phase, then by
    /// the recipients' order of registration, then as the state changed (spec
    /// 8.2). Returns their number.
    #[inline]
    pub fn order_notices(&mut self) -> usize {
        self.last = Default::default();
        if std::mem::take(&mut self.disordered) {
            self.sort_notices();
        }
        self.notices.len()
    }

    #[cold]
    fn sort_notices(&mut self) {
        let notices = self.notices.make_contiguous();
        let place = |(to, notice): &(ClientId, NoticeBox)| (notice.phase(), *to);
        // The standard stable sort allocates, and aborts if there is no memory.
        let mut half: Vec<(ClientId, NoticeBox)> = Vec::new();
        match half.try_reserve_exact(notices.len()) {
            Ok(()) => {
                drop(half);
                notices.sort_by_key(place);
            }
            Err(_) => sort_in_place(notices, &place),
        }
    }

    /// Takes the first notice.
    pub fn next_notice(&mut self) -> Option<(ClientId, NoticeBox)> {
        self.notices.pop_front()
    }

    /// Takes the notices out that wait for their delivery, so that those that follow are alone.
    #[must_use]
    pub fn set_aside(&mut self) -> SetAside {
        if self.notices.is_empty() {
            return SetAside::default(); // keeps the room for notices
        }
        SetAside {
            notices: std::mem::take(&mut self.notices),
            last: std::mem::take(&mut self.last),
            disordered: std::mem::take(&mut self.disordered),
        }
    }

    /// Puts notices back that were set aside. Those that came after them were all taken.
    pub fn put_back(&mut self, aside: SetAside) {
        debug_assert!(
            self.notices.is_empty(),
            "the notices of one client are not mixed with others"
        );
        if !aside.notices.is_empty() {
            SetAside { notices: self.notices, last: self.last, disordered: self.disordered } =
                aside;
        }
    }

    /// All notices in the order of delivery.
    pub fn take_notices(&mut self) -> Vec<(ClientId, Notice)> {
        self.order_notices();
        self.notices.drain(..).map(|(to, notice)| (to, Notice::clone(&notice))).collect()
    }

    /// Keeps the box of a finished notice for reuse.
    #[inline]
    pub fn reuse(&mut self, notice: NoticeBox) {
        if notice.owns() || self.boxes.len() >= BOXES {
            return self.reuse_unusual(notice);
        }
        self.boxes.push(notice);
    }

    /// The same for a notice that owns memory, or if there are enough boxes.
    #[cold]
    fn reuse_unusual(&mut self, mut notice: NoticeBox) {
        if self.boxes.len() < BOXES {
            *notice = NOTHING;
            self.boxes.push(notice);
        }
    }

    #[cold]
    fn fill_spare(&mut self) {
        while self.spare.len() < SPARE && self.spare.try_reserve(1).is_ok() {
            let Ok(one) = NoticeBox::new(NOTHING) else { break };
            self.spare.push(one);
        }
    }

    /// Everything except the notices has been carried out. Frees room that only a rare call
    /// needs.
    #[inline]
    pub fn carried_out(&mut self) {
        fn empty<T>(list: &mut Vec<T>) {
            if !list.is_empty() {
                list.clear();
                list.shrink_to(USUAL);
            }
        }
        if !self.dirty.is_empty() {
            self.dirty.clear();
            self.dirty.shrink_to(self.reserved.max(USUAL));
        }
        empty(&mut self.resolved);
        if self.rare() != 0 {
            empty(&mut self.detached);
            empty(&mut self.again);
            empty(&mut self.log);
            empty(&mut self.released);
            empty(&mut self.departed);
        }
        let usual = self.usual_notices.max(USUAL);
        if self.notices.is_empty() && self.notices.capacity() > 2 * usual {
            self.notices.shrink_to(usual);
        }
        if self.spare.len() < SPARE {
            self.fill_spare();
        }
    }

    /// Not 0 if there are effects that few calls cause. Combines all lengths into one number,
    /// because each call asks.
    #[inline]
    fn rare(&self) -> usize {
        let Effects { detached, again, log, released, departed, .. } = self;
        detached.len() | again.len() | log.len() | released.len() | departed.len()
    }

    /// Whether there is more to carry out than notices.
    #[inline]
    pub fn has_more_than_notices(&self) -> bool {
        self.dirty.len() | self.resolved.len() | self.rare() != 0 || self.spare.len() < SPARE
    }

    /// Whether there are notices.
    #[inline]
    pub fn has_notices(&self) -> bool {
        !self.notices.is_empty()
    }

    /// Whether there is nothing to do.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        let usual = self.notices.len() | self.dirty.len() | self.resolved.len();
        usual | self.rare() | self.untold.len() | usize::from(self.untold_to_all) == 0
    }
}

/// A stable sort that allocates no memory, and is therefore slower.
fn sort_in_place<T, K: Ord>(list: &mut [T], key: &impl Fn(&T) -> K) {
    if list.len() > 1 {
        let middle = list.len() / 2;
        let (left, right) = list.split_at_mut(middle);
        sort_in_place(left, key);
        sort_in_place(right, key);
        merge_in_place(list, middle, key);
    }
}

/// Merges the two sorted parts of a list.
fn merge_in_place<T, K: Ord>(list: &mut [T], middle: usize, key: &impl Fn(&T) -> K) {
    let (left, right) = (middle, list.len() - middle);
    if left == 0 || right == 0 || key(&list[middle - 1]) <= key(&list[middle]) {
        return;
    }
    if left + right == 2 {
        return list.swap(0, 1);
    }
    // Swap half of the longer part with those items of the other part that belong before the
    // rest of it.
    let (from, to) = if left > right {
        let from = left / 2;
        let first = key(&list[from]);
        (from, middle + list[middle..].partition_point(|one| key(one) < first))
    } else {
        let to = middle + right / 2;
        let first = key(&list[to]);
        (list[..middle].partition_point(|one| key(one) <= first), to)
    };
    list[from..to].rotate_left(middle - from);
    let between = from + (to - middle);
    let (left, right) = list.split_at_mut(between);
    merge_in_place(left, from, key);
    merge_in_place(right, to - between, key);
}

#[cfg(test)]
mod tests;
