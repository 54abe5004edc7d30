//! Flows whose clients are being asked (spec 5.2 to 5.4).

use super::mfe::{Overrides, Rpf};
use super::origins::IifOrigin;
use super::sources::SourceId;
use crate::notice::QuestionId;
use crate::packet::Header;
use mgm_types::{Flow, IfId, IfSet, Interface};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{RangeBounds, RangeInclusive};

/// The purpose of a resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To create the MFE of a new flow.
    Create,
    /// To renew an MFE that has forwarded; it keeps forwarding meanwhile (spec 5.6).
    Renew,
    /// To change the iif after a route change; meanwhile the old iif stays (spec 5.10).
    Reroute,
}

/// The packet that a flow began with.
#[derive(Clone, Debug)]
pub struct FirstPacket {
    pub arrival: Interface,
    pub header: Header,
    /// The forwarder reported it and reports no further packet: it needs an entry.
    pub by_forwarder: bool,
}

/// A flow whose clients are being asked.
#[derive(Debug)]
pub struct Resolution {
    pub purpose: Purpose,
    /// The source of a new flow; the resolution holds a reference. The entry has that of an MFE.
    pub source: SourceId,
    /// The first packet. If there is an MFE: the interface on which its packets arrive.
    pub packet: FirstPacket,
    /// The number of that interface, for which a new flow counts (spec 0.9).
    pub arrived: IfId,
    /// The iif and neighbour by the route when RPF_CALLBACK was called; `None` if the route leads
    /// through no interface of a client.
    pub expected: Option<Rpf>,
    /// The interface whose owner was asked.
    pub asked: IfId,
    /// The expected iif and neighbour, or those that the answer to RPF_CALLBACK named.
    pub rpf: Rpf,
    /// How the iif was found.
    pub origin: IifOrigin,
    pub waiting: AwaitedAnswers,
    /// Interfaces whose owners were asked. If one changes its owner, the resolution starts again.
    pub asked_about: IfSet,
    /// Interfaces that CREATION_ALERT answers switched off, and those left on.
    pub overrides: Overrides,
}

/// The answers that a resolution waits for.
#[derive(Debug)]
pub enum AwaitedAnswers {
    Rpf(QuestionId),
    Creation(AllAsked),
}

impl AwaitedAnswers {
    pub fn is_for(&self, question: QuestionId) -> bool {
        match self {
            AwaitedAnswers::Rpf(due) => *due == question,
            AwaitedAnswers::Creation(asked) => asked.iter().any(|asked| asked.question == question),
        }
    }
}

/// A CREATION_ALERT that has not been answered.
#[derive(Debug)]
pub struct Asked {
    pub question: QuestionId,
    /// The client's oifs, in the order of the question.
    pub oifs: IfSet,
    /// The oifs where the owner has joined meanwhile, so that its answer does not count (spec 3.5).
    pub overtaken: IfSet,
}

/// The CREATION_ALERTs of one flow: seldom more than one.
pub type AllAsked = SmallVec<[Asked; 1]>;

/// All resolutions, by flow.
#[derive(Debug, Default)]
pub struct Resolutions {
    /// The one that began last, unless it has ended. Usually there is no other, because its
    /// answers come before the next flow; and it needs no allocated memory.
    newest: Option<(Flow, Resolution)>,
    /// All others. Boxed, because the map moves its values.
    others: BTreeMap<Flow, Box<Resolution>>,
    /// Those of the others that are to create an MFE, by source, so that a route change finds them.
    new_flows: BTreeSet<(SourceId, Flow)>,
}

impl Resolutions {
    /// Adds the resolution of a flow that has none.
    #[inline]
    pub fn insert(&mut self, flow: Flow, resolution: Resolution) {
        debug_assert!(!self.contains(flow), "it would have two");
        if self.newest.is_some() {
            self.move_newest();
        }
        self.newest = Some((flow, resolution));
    }

    /// The newest becomes one of the others.
    #[inline(never)]
    fn move_newest(&mut self) {
        let Some((flow, resolution)) = self.newest.take() else { return };
        if resolution.purpose == Purpose::Create {
            self.new_flows.insert((resolution.source, flow));
        }
        self.others.insert(flow, Box::new(resolution));
    }

    #[inline]
    pub fn remove(&mut self, flow: Flow) -> Option<Resolution> {
        if self.is_newest(flow) {
            return self.newest.take().map(|(_, resolution)| resolution);
        }
        self.remove_other(flow)
    }

    /// The same, without returning it: it is too large to be moved.
    #[inline]
    pub fn discard(&mut self, flow: Flow) {
        if self.is_newest(flow) {
            self.newest = None;
        } else {
            self.remove_other(flow);
        }
    }

    #[inline(never)]
    fn remove_other(&mut self, flow: Flow) -> Option<Resolution> {
        let resolution = self.others.remove(&flow)?;
        if resolution.purpose == Purpose::Create {
            self.new_flows.remove(&(resolution.source, flow));
        }
        Some(*resolution)
    }

    #[inline]
    fn is_newest(&self, flow: Flow) -> bool {
        self.newest.as_ref().is_some_and(|(newest, _)| *newest == flow)
    }

    /// Gives a new flow another number of its source. Returns the former one.
    pub fn set_source(&mut self, flow: Flow, source: SourceId) -> Option<SourceId> {
        let is_other = !self.is_newest(flow);
        let resolution = self.get_mut(flow)?;
        let old = std::mem::replace(&mut resolution.source, source);
        if is_other {
            self.new_flows.remove(&(old, flow));
            self.new_flows.insert((source, flow));
        }
        Some(old)
    }

    /// The first new flow of a source.
    pub fn new_flow_of(&self, source: SourceId) -> Option<Flow> {
        let mut others = self.new_flows.range((source, Flow::WILDCARD)..=(source, Flow::MAX));
        let other = others.next().map(|(_, flow)| *flow);
        let newest = self.newest.as_ref().filter(|(_, resolution)| {
            resolution.purpose == Purpose::Create && resolution.source == source
        });
        other.into_iter().chain(newest.map(|(flow, _)| *flow)).min()
    }

    /// The number of new flows.
    #[cfg(test)]
    pub fn new_flows(&self) -> usize {
        let newest = self.newest.iter().filter(|(_, newest)| newest.purpose == Purpose::Create);
        self.new_flows.len() + newest.count()
    }

    #[inline]
    pub fn contains(&self, flow: Flow) -> bool {
        self.is_newest(flow) || self.others.contains_key(&flow)
    }

    #[inline]
    pub fn get(&self, flow: Flow) -> Option<&Resolution> {
        match &self.newest {
            Some((newest, resolution)) if *newest == flow => Some(resolution),
            _ => self.others.get(&flow).map(|resolution| &**resolution),
        }
    }

    #[inline]
    pub fn get_mut(&mut self, flow: Flow) -> Option<&mut Resolution> {
        match &mut self.newest {
            Some((newest, resolution)) if *newest == flow => Some(resolution),
            _ => self.others.get_mut(&flow).map(|resolution| &mut **resolution),
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.newest.is_none() && self.others.is_empty()
    }

    pub fn len(&self) -> usize {
        usize::from(self.newest.is_some()) + self.others.len()
    }

    /// The resolutions from a flow on, in order.
    pub fn from(&self, first: Flow) -> impl Iterator<Item = (Flow, &Resolution)> + '_ {
        let newest = self.newest.as_ref().map(|(flow, newest)| (*flow, newest));
        let newest = newest.filter(|(flow, _)| *flow >= first);
        let middle = newest.map_or(first, |(flow, _)| flow);
        self.others_in(first..middle).chain(newest).chain(self.others_in(middle..))
    }

    fn others_in(
        &self,
        flows: impl RangeBounds<Flow>,
    ) -> impl Iterator<Item = (Flow, &Resolution)> + '_ {
        self.others.range(flows).map(|(&flow, resolution)| (flow, &**resolution))
    }

    /// The resolutions of a range of flows, in any order, to be changed.
    pub fn range_mut(
        &mut self,
        flows: RangeInclusive<Flow>,
    ) -> impl Iterator<Item = &mut Resolution> + '_ {
        let newest = self.newest.as_mut().filter(|(flow, _)| flows.contains(flow));
        let others = self.others.range_mut(flows).map(|(_, resolution)| &mut **resolution);
        newest.map(|(_, resolution)| resolution).into_iter().chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sources::Sources;
    use super::*;
    use mgm_types::{Domain, Route};

    fn flow(number: u32) -> Flow {
        Flow::new((0x0a00_0000 + number).into(), [239, 0, 0, 1].into())
    }

    /// The numbers of two sources.
    fn sources() -> [SourceId; 2] {
        let mut sources = Sources::default();
        sources.grow(2).unwrap();
        [1, 2].map(|addr: u32| sources.acquire(addr.into(), Domain::MAIN, Some(&Route::NONE)))
    }

    fn resolution(purpose: Purpose, source: SourceId) -> Resolution {
        let arrival = Interface::link(1);
        let packet = FirstPacket { arrival, header: Header::default(), by_forwarder: false };
        let rpf = Rpf { iif: IfId(0), upstream: [192, 0, 2, 1].into() };
        Resolution {
            purpose,
            source,
            packet,
            arrived: IfId(0),
            expected: Some(rpf),
            asked: IfId(0),
            rpf,
            origin: IifOrigin::Route,
            waiting: AwaitedAnswers::Rpf(QuestionId(1)),
            asked_about: IfSet::default(),
            overrides: Overrides::default(),
        }
    }

    /// Whichever of three flows began last, they are found alike.
    #[test]
    fn t5_4_the_newest_resolution_is_found_like_all_others() {
        let [old, new] = sources();
        for order in [[1, 2, 3], [1, 3, 2], [3, 2, 1]] {
            let mut all = Resolutions::default();
            for number in order {
                all.insert(flow(number), resolution(Purpose::Create, old));
            }
            let flows = |first| all.from(first).map(|(flow, _)| flow).collect::<Vec<_>>();
            assert_eq!(flows(Flow::WILDCARD), [1, 2, 3].map(flow), "{order:?}");
            assert_eq!(flows(flow(2)), [2, 3].map(flow), "{order:?}");
            assert_eq!((all.len(), all.new_flows()), (3, 3));
            assert_eq!(all.range_mut(flow(1)..=flow(2)).count(), 2, "{order:?}");
            assert!(all.contains(flow(2)) && all.get_mut(flow(3)).is_some());
            for number in 1..=3 {
                assert_eq!(all.new_flow_of(old), Some(flow(number)), "{order:?}");
                assert_eq!(all.set_source(flow(number), new), Some(old));
            }
            assert_eq!(all.new_flow_of(old), None);
            assert_eq!(all.new_flow_of(new), Some(flow(1)));
            for number in [2, 1, 3] {
                assert!(all.remove(flow(number)).is_some() && all.get(flow(number)).is_none());
            }
            assert!(all.is_empty() && all.new_flows() == 0 && all.remove(flow(1)).is_none());
        }
    }

    #[test]
    fn t5_10_only_new_flows_are_found_by_their_source() {
        let [source, _] = sources();
        let mut all = Resolutions::default();
        for (number, purpose) in [(1, Purpose::Renew), (2, Purpose::Create), (3, Purpose::Reroute)]
        {
            all.insert(flow(number), resolution(purpose, source));
        }
        assert_eq!((all.new_flow_of(source), all.new_flows()), (Some(flow(2)), 1));
    }
}
