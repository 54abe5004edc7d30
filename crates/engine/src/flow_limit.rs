//! How many flows packets may begin, and how many of them on one interface (spec 0.9).
//!
//! Senders choose sources and groups freely. Without a limit they could fill the memory, and
//! one sender could keep all others from getting any.

use super::resolution::{Purpose, Resolution};
use super::{Effects, Engine, Refused};
use crate::types::{Flow, IfId, Result, Time};

/// The default of MGM_MAX_FLOWS.
pub const USUAL_MAX_FLOWS: u32 = 2_097_152;

/// Stands for the arrival interface once that has been released.
pub(super) const NOWHERE: IfId = IfId(u16::MAX);

/// The time between two log messages about refused flows.
const SILENCE_MS: u64 = 60_000;

/// Counts the flows that packets began: MFEs, and resolutions that are to create one.
#[derive(Debug)]
pub(super) struct FlowLimit {
    most: usize,
    all: usize,
    /// By the number of the interface that the first packet arrived on.
    by_arrival: Vec<u32>,
    silent_until: Time,
}

impl FlowLimit {
    /// At most `most` flows; 0 means the default.
    pub fn of(most: u32) -> FlowLimit {
        let most = if most == 0 { USUAL_MAX_FLOWS } else { most };
        FlowLimit {
            most: most as usize,
            all: 0,
            by_arrival: Vec::new(),
            silent_until: Time::default(),
        }
    }

    /// Prepares the counter of a new interface.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn serve(&mut self, arrival: IfId) -> Result<()> {
        let len = usize::from(arrival.0) + 1;
        if self.by_arrival.len() < len {
            self.by_arrival.try_reserve(len - self.by_arrival.len())?;
            self.by_arrival.resize(len, 0);
        }
        Ok(())
    }

    /// An upper bound of the number of interfaces.
    #[inline]
    pub fn interfaces(&self) -> usize {
        self.by_arrival.len()
    }

    /// Whether a packet that arrived on this interface may begin another flow. If more than half
    /// of the limit is used, an interface with more than half of all flows gets no more.
    fn admits(&self, arrival: IfId) -> std::result::Result<(), Refused> {
        if self.all >= self.most {
            return Err(Refused::FlowLimit);
        }
        if 2 * self.all > self.most && 2 * self.begun_on(arrival) > self.all {
            return Err(Refused::ArrivalLimit);
        }
        Ok(())
    }

    fn begun_on(&self, arrival: IfId) -> usize {
        self.by_arrival.get(usize::from(arrival.0)).map_or(0, |&count| count as usize)
    }

    /// A flow begins.
    pub fn begin(&mut self, arrival: IfId) {
        self.all += 1;
        if let Some(count) = self.by_arrival.get_mut(usize::from(arrival.0)) {
            *count += 1;
        }
    }

    /// A flow ends.
    pub fn end(&mut self, arrival: IfId) {
        self.all = self.all.saturating_sub(1);
        if let Some(count) = self.by_arrival.get_mut(usize::from(arrival.0)) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Engine {
    /// Whether a packet may begin a flow. If the limits or the memory do not permit it, one log
    /// message a minute says what to do.
    pub(super) fn admit_flow(
        &mut self,
        now: Time,
        arrival: IfId,
        fx: &mut Effects,
    ) -> std::result::Result<(), Refused> {
        let admitted = self.flow_limit.admits(arrival);
        let admitted = admitted.and_then(|()| self.room(fx).map_err(|_| Refused::NoMemory));
        if let Err(why) = admitted {
            self.tell_of_limit(now, arrival, why, fx);
        }
        admitted
    }

    #[cold]
    fn tell_of_limit(&mut self, now: Time, arrival: IfId, why: Refused, fx: &mut Effects) {
        if now < self.flow_limit.silent_until {
            return;
        }
        self.flow_limit.silent_until = Time(now.0 + SILENCE_MS);
        let FlowLimit { most, all, .. } = self.flow_limit;
        let (name, its) = (self.interfaces.name(arrival), self.flow_limit.begun_on(arrival));
        let limit = match why {
            Refused::FlowLimit => format!("there are {all} flows, the limit set by MGM_MAX_FLOWS"),
            Refused::ArrivalLimit => format!(
                "{its} of {all} flows began there, more than half, and more than half of \
                 MGM_MAX_FLOWS ({most}) are in use"
            ),
            _ => format!("out of memory with {all} flows"),
        };
        fx.log.push((
            log::Level::Error,
            format!(
                "new flows that arrive on {name} are refused: {limit}; find out who sends to so \
                 many groups, or from so many sources (mgmtop lists them), and block them with a \
                 filter or a boundary, or raise the limit"
            ),
        ));
    }

    /// Begins a resolution. The resolution of a new flow counts.
    pub(super) fn begin_resolution(&mut self, flow: Flow, resolution: Resolution) {
        if resolution.purpose == Purpose::Create {
            self.flow_limit.begin(resolution.arrived);
            self.new_flows.insert((resolution.source, flow));
        }
        self.resolutions.insert(flow, Box::new(resolution));
    }

    /// Ends a resolution. An MFE that it creates is counted separately.
    pub(super) fn end_resolution(&mut self, flow: Flow) -> Option<Box<Resolution>> {
        let resolution = self.resolutions.remove(&flow)?;
        if resolution.purpose == Purpose::Create {
            self.flow_limit.end(resolution.arrived);
            self.new_flows.remove(&(resolution.source, flow));
        }
        Some(resolution)
    }

    /// An interface is about to be removed: flows that began there and now arrive elsewhere must
    /// not count for the next interface with its number.
    pub(super) fn forget_arrival(&mut self, id: IfId) {
        if self.flow_limit.begun_on(id) == 0 {
            return; // the usual case
        }
        self.flows.visit_mfes(Flow::WILDCARD..=Flow::MAX, id, |_, mfe, _| {
            if mfe.arrival == id {
                mfe.arrival = NOWHERE;
            }
            true
        });
        for resolution in self.resolutions.values_mut() {
            let Resolution { arrived, .. } = &mut **resolution;
            if *arrived == id {
                *arrived = NOWHERE;
            }
        }
        if let Some(count) = self.flow_limit.by_arrival.get_mut(usize::from(id.0)) {
            *count = 0;
        }
    }

    /// How many flows packets may begin.
    #[must_use]
    pub fn max_flows(&self) -> usize {
        self.flow_limit.most
    }

    /// How many flows packets have begun, in total and on each interface, as the limits count
    /// them. The tests compare these numbers with the tables.
    #[must_use]
    pub fn begun_flows(&self) -> usize {
        self.flow_limit.all
    }
}
