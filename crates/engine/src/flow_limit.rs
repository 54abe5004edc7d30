//! How many flows packets may begin, and how many of them on one interface (spec 0.9).
//!
//! Strangers choose sources and groups as they like: without a limit they fill the
//! memory, and whoever fills it first keeps all others out.

use super::resolve::{Purpose, Resolution};
use super::{Effects, Engine, Refused};
use crate::types::{Flow, IfId, Result, Time};

/// MGM_MAX_FLOWS unless the host or the environment says otherwise.
pub const USUAL_MAX_FLOWS: u32 = 2_097_152;

/// Stands for the arrival interface once that has been released.
pub(super) const NOWHERE: IfId = IfId(u16::MAX);

/// Between two log lines about flows that were refused.
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
    /// At most so many; 0 is the usual number.
    pub fn of(most: u32) -> FlowLimit {
        let most = if most == 0 { USUAL_MAX_FLOWS } else { most };
        FlowLimit {
            most: most as usize,
            all: 0,
            by_arrival: Vec::new(),
            silent_until: Time::default(),
        }
    }

    /// Packets may arrive on this interface from now on.
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

    /// No fewer than there are interfaces.
    #[inline]
    pub fn interfaces(&self) -> usize {
        self.by_arrival.len()
    }

    /// Whether a packet that arrived here may begin another flow. Beyond half of the
    /// limit an interface gets no more that has more than half of all flows already.
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
    /// Whether a packet may begin a flow: neither the limit nor the memory stands
    /// against it. Otherwise one log line a minute says what to do.
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

    /// A flow's clients are being asked from now on. One that is to be created counts.
    pub(super) fn begin_resolution(&mut self, flow: Flow, resolution: Resolution) {
        if resolution.purpose == Purpose::Create {
            self.flow_limit.begin(resolution.arrived);
            self.new_flows.insert((resolution.source, flow));
        }
        self.resolutions.insert(flow, Box::new(resolution));
    }

    /// They are no longer. An MFE that it brings about counts by itself.
    pub(super) fn end_resolution(&mut self, flow: Flow) -> Option<Box<Resolution>> {
        let resolution = self.resolutions.remove(&flow)?;
        if resolution.purpose == Purpose::Create {
            self.flow_limit.end(resolution.arrived);
            self.new_flows.remove(&(resolution.source, flow));
        }
        Some(resolution)
    }

    /// An interface is about to be forgotten: flows that began there, and go on because
    /// they come in elsewhere, must not count for the next one with its number.
    pub(super) fn forget_arrival(&mut self, id: IfId) {
        if self.flow_limit.begun_on(id) == 0 {
            return; // nearly always
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

    /// How many flows packets have begun, and on which interfaces, as the limits count
    /// them; the tests compare that with the tables.
    #[must_use]
    pub fn begun_flows(&self) -> usize {
        self.flow_limit.all
    }
}
