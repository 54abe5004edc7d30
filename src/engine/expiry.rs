//! The end of an MFE's life (spec 5.6).

use super::flows::Flows;
use super::resolve::Purpose;
use super::{Effects, Engine};
use crate::types::{Flow, Time};
use std::collections::BTreeMap;

/// How fine the ends of life are told apart.
const GRAIN_MS: u64 = 100;

/// MFEs by the end of their life. An entry may be out of date: the MFE itself
/// knows, and a new end makes a new entry.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    buckets: BTreeMap<u64, Vec<Flow>>,
    /// When the first bucket is due: each call asks.
    next: Option<Time>,
    entries: usize,
}

/// So many entries may be out of date before it matters how many MFEs there are.
const SLACK: usize = 1024;

impl Expiry {
    /// Remembers to look at a flow when its life ends; never, for `None`.
    pub fn schedule(&mut self, flow: Flow, deadline: Option<Time>) {
        if let Some(deadline) = deadline {
            let bucket = deadline.0.div_ceil(GRAIN_MS);
            self.buckets.entry(bucket).or_default().push(flow);
            self.next = Time::sooner(self.next, Some(Time(bucket * GRAIN_MS)));
            self.entries += 1;
        }
    }

    /// How many entries there are, those out of date included.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Those that [`Expiry::pop`] gives next, so many at the most.
    fn coming(&self, most: usize) -> &[Flow] {
        let first = self.buckets.values().next().map_or(&[][..], Vec::as_slice);
        &first[first.len().saturating_sub(most)..]
    }

    /// A flow whose time has come, or had come until it got another.
    fn pop(&mut self, now: Time) -> Option<Flow> {
        self.next.filter(|next| *next <= now)?;
        let mut first = self.buckets.first_entry()?;
        let flow = first.get_mut().pop();
        self.entries -= 1;
        if first.get().is_empty() {
            first.remove();
            self.next = self.buckets.keys().next().map(|bucket| Time(bucket * GRAIN_MS));
        }
        flow
    }
}

impl Engine {
    /// Remembers when an MFE's life ends. Entries that are out of date may not
    /// outnumber the MFEs: their own time can be a century away.
    pub(super) fn schedule_end(&mut self, flow: Flow) {
        let deadline = self.flows.mfe(flow).and_then(|mfe| mfe.deadline(self.config.mfe_timeout));
        self.schedule(flow, deadline);
    }

    /// The same for an MFE whose end is known.
    pub(super) fn schedule(&mut self, flow: Flow, deadline: Option<Time>) {
        self.expiry.schedule(flow, deadline);
        if self.expiry.len() > 2 * self.flows.mfe_len() + SLACK {
            self.expiry = Expiry::default();
            for (flow, mfe) in self.flows.mfes(Flow::WILDCARD) {
                self.expiry.schedule(flow, mfe.deadline(self.config.mfe_timeout));
            }
        }
    }

    /// When [`Engine::tick`] has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        Time::sooner(self.expiry.next, self.wrong_ifs.next_sweep())
    }

    /// Ends the lives that are over, looking at `most` MFEs at the most: it is
    /// called again, after others had the lock, until [`Engine::next_deadline`]
    /// lies in the future. An MFE that forwarded lives on (spec 5.6): `packets`
    /// tells how many came in, where the forwarder counts them itself.
    pub fn tick(
        &mut self,
        now: Time,
        most: usize,
        mut packets: impl FnMut(Flow) -> Option<u64>,
        fx: &mut Effects,
    ) {
        for at in 0..most {
            if at % Flows::FETCH == 0 {
                self.flows.fetch_flows(self.expiry.coming(Flows::FETCH));
            }
            let Some(flow) = self.expiry.pop(now) else { break };
            let Some(mfe) = self.flows.mfe_mut(flow) else { continue };
            if mfe.deadline(self.config.mfe_timeout).is_none_or(|deadline| deadline > now) {
                continue; // it got another end
            }
            if self.resolutions.contains_key(&flow) {
                self.expiry.schedule(flow, Some(now.plus_secs(1)));
                continue; // its clients are being asked
            }
            let count = packets(flow).unwrap_or(mfe.packets) as u32;
            let forwarded = std::mem::replace(&mut mfe.seen, count) != count;
            if forwarded && !mfe.oifs.is_empty() {
                self.resolve_again(flow, Purpose::Renew, fx);
            } else {
                self.story(fx, || format!("{flow} is at the end of its life"));
                self.remove_mfe(flow, fx);
            }
        }
        self.wrong_ifs.sweep(now);
    }
}
