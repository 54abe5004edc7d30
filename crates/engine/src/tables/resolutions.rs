//! Flows whose clients are being asked (spec 5.2 to 5.4).

use super::mfe::{Overrides, Rpf};
use super::origins::IifOrigin;
use super::sources::SourceId;
use crate::notice::QuestionId;
use mgm_types::{Flow, IfId, IfSet, Interface};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

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
    pub header: Arc<[u8]>,
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
    /// Boxed, because the map moves its values.
    by_flow: BTreeMap<Flow, Box<Resolution>>,
    /// Those that are to create an MFE, by source, so that a route change finds them.
    new_flows: BTreeSet<(SourceId, Flow)>,
}

impl Resolutions {
    pub fn insert(&mut self, flow: Flow, resolution: Resolution) {
        if resolution.purpose == Purpose::Create {
            self.new_flows.insert((resolution.source, flow));
        }
        self.by_flow.insert(flow, Box::new(resolution));
    }

    pub fn remove(&mut self, flow: Flow) -> Option<Box<Resolution>> {
        let resolution = self.by_flow.remove(&flow)?;
        if resolution.purpose == Purpose::Create {
            self.new_flows.remove(&(resolution.source, flow));
        }
        Some(resolution)
    }

    /// Gives a new flow another number of its source. Returns the former one.
    pub fn set_source(&mut self, flow: Flow, source: SourceId) -> Option<SourceId> {
        let resolution = self.by_flow.get_mut(&flow)?;
        let old = std::mem::replace(&mut resolution.source, source);
        self.new_flows.remove(&(old, flow));
        self.new_flows.insert((source, flow));
        Some(old)
    }

    /// The first new flow of a source.
    pub fn new_flow_of(&self, source: SourceId) -> Option<Flow> {
        let mut all = self.new_flows.range((source, Flow::WILDCARD)..=(source, Flow::MAX));
        all.next().map(|(_, flow)| *flow)
    }

    /// The number of new flows.
    #[cfg(test)]
    pub fn new_flows(&self) -> usize {
        self.new_flows.len()
    }

    #[inline]
    pub fn contains(&self, flow: Flow) -> bool {
        self.by_flow.contains_key(&flow)
    }

    pub fn get(&self, flow: Flow) -> Option<&Resolution> {
        self.by_flow.get(&flow).map(|resolution| &**resolution)
    }

    pub fn get_mut(&mut self, flow: Flow) -> Option<&mut Resolution> {
        self.by_flow.get_mut(&flow).map(|resolution| &mut **resolution)
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.by_flow.is_empty()
    }

    pub fn len(&self) -> usize {
        self.by_flow.len()
    }

    /// The resolutions from a flow on, in order.
    pub fn from(&self, first: Flow) -> impl Iterator<Item = (Flow, &Resolution)> + '_ {
        self.by_flow.range(first..).map(|(&flow, resolution)| (flow, &**resolution))
    }

    /// The resolutions of a range of flows, to be changed.
    pub fn range_mut(
        &mut self,
        flows: RangeInclusive<Flow>,
    ) -> impl Iterator<Item = &mut Resolution> + '_ {
        self.by_flow.range_mut(flows).map(|(_, resolution)| &mut **resolution)
    }
}
