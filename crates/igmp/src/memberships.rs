//! What a link tells the library (igmp.md, section 3): the take, and the memberships, which are a
//! function of the state of the link.

mod backoff;
mod desired;

pub(crate) use desired::Desired;

use crate::action::{Flag, Membership};
use crate::config::Role;
use crate::event::Ownership;
use crate::link_base::LinkBase;
use crate::log_event::LogEvent;
use crate::step::Step;
use crate::{Action, MgmCall};
use backoff::Backoff;
use mgm_types::{Code, Flow, Time};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// What the library knows of a link.
#[derive(Debug)]
pub(crate) struct Memberships {
    link: u32,
    claim: Claim,
    /// Between DISABLE_IGMP and ENABLE_IGMP: the library takes no calls.
    disabled: bool,
    /// The link is down.
    down: bool,
    /// The device does not exist.
    gone: bool,
    /// The link's memberships are kept out of the library.
    withheld: bool,
    take: Backoff,
    /// Calls that the library had no memory for.
    failed: BTreeSet<(Flow, Flag)>,
    retry: Backoff,
}

/// Whether the library has given us the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    None,
    Asked,
    Taken(Ownership),
}

impl Memberships {
    pub fn new(link: u32) -> Memberships {
        Memberships {
            link,
            claim: Claim::None,
            disabled: false,
            down: true,
            gone: true,
            withheld: false,
            take: Backoff::default(),
            failed: BTreeSet::new(),
            retry: Backoff::default(),
        }
    }

    /// Whether the library has the memberships of the link now.
    pub fn are_told(&self) -> bool {
        matches!(self.claim, Claim::Taken(_)) && !self.disabled && !self.down && !self.withheld
    }

    /// Whether IGMP counts as the owner of the link.
    pub fn is_alone(&self) -> bool {
        self.claim == Claim::Taken(Ownership::Alone)
    }

    /// When a refused call is due again.
    pub fn deadline(&self) -> Time {
        self.take.due().min(self.retry.due())
    }

    /// Takes the link, whose device exists, unless that has been done (I42).
    pub fn take(&mut self, step: &mut Step) {
        self.gone = false;
        if self.claim == Claim::None {
            self.claim = Claim::Asked;
            step.actions.push(Action::Mgm(MgmCall::Take { link: self.link }));
        }
    }

    /// The library refused the link: tried again later.
    pub fn take_refused(&mut self, code: Code, base: &mut LinkBase, step: &mut Step) {
        self.claim = Claim::None;
        base.counters.mgm_refusals += 1;
        if self.gone {
            return;
        }
        let retry = self.take.fail(step.now);
        base.log(step, LogEvent::TakeRefused { code, retry });
    }

    /// The library gave us the link.
    pub fn taken(&mut self, ownership: Ownership) {
        self.claim = Claim::Taken(ownership);
        self.take.reset();
    }

    /// Gives the link back, if the library has given it to us or is about to. Its memberships end.
    pub fn release(&mut self, step: &mut Step) {
        if self.claim != Claim::None {
            step.actions.push(Action::Mgm(MgmCall::Release { link: self.link }));
        }
        self.claim = Claim::None;
    }

    /// DISABLE_IGMP: the memberships in the library end.
    pub fn disable(&mut self) {
        self.disabled = true;
        self.forget_failures();
    }

    /// ENABLE_IGMP. The caller adds all memberships again.
    pub fn enable(&mut self, ownership: Ownership) {
        self.disabled = false;
        if self.claim != Claim::None {
            self.claim = Claim::Taken(ownership);
        }
    }

    /// The link is down, or up again.
    pub fn set_down(&mut self, down: bool) {
        self.down = down;
        if down {
            self.forget_failures();
        }
    }

    /// The device is gone: nothing is tried again until it is back.
    pub fn set_gone(&mut self) {
        self.set_down(true);
        self.gone = true;
        self.take.reset();
    }

    /// Whether they are kept out of the library.
    pub fn are_withheld(&self) -> bool {
        self.withheld
    }

    /// Keeps the memberships out of the library, or not. The caller deletes or adds them.
    pub fn set_withheld(&mut self, withheld: bool) {
        self.withheld = withheld;
        if withheld {
            self.forget_failures();
        }
    }

    fn forget_failures(&mut self) {
        self.failed.clear();
        self.retry.reset();
    }

    /// The state of a group may have changed: makes the calls for the difference, adds before
    /// deletes (I43, I45), and notes the group for the proxy.
    pub fn changed(&mut self, change: Changed, base: &mut LinkBase, step: &mut Step) {
        let Changed { group, before, after } = change;
        if before == after {
            return;
        }
        if base.config.role == Role::Downstream {
            step.changed.push((base.link, group));
        }
        if !self.are_told() {
            return;
        }
        let adds: Vec<Flow> = after.missing_in(before, group).collect();
        let deletes: Vec<Flow> = before.missing_in(after, group).collect();
        for flow in &adds {
            self.call(MgmCall::Add, *flow, Flag::Join, step);
        }
        for flow in &deletes {
            self.call(MgmCall::Delete, *flow, Flag::Join, step);
        }
        if !self.is_alone() {
            let entered = after.blocked_beyond(before).count();
            base.counters.exclusions_not_applied += entered as u64;
            return;
        }
        if after.all {
            for source in before.blocked_beyond(after) {
                self.call(MgmCall::Add, Flow::new(source, group), Flag::Forward, step);
            }
        }
        // A JOIN clears the overrides of the group, so that all of them are told again.
        if adds.is_empty() && deletes.is_empty() {
            let entered: Vec<Ipv4Addr> = after.blocked_beyond(before).collect();
            self.block(&entered, group, step);
        } else {
            self.block(&after.blocked, group, step);
        }
    }

    /// Tells the library all of a group, which it does not have yet.
    pub fn add_all(
        &mut self,
        group: Ipv4Addr,
        desired: &Desired,
        base: &mut LinkBase,
        step: &mut Step,
    ) {
        for flow in desired.flows(group) {
            self.call(MgmCall::Add, flow, Flag::Join, step);
        }
        if self.is_alone() {
            self.block(&desired.blocked, group, step);
        } else {
            base.counters.exclusions_not_applied += desired.blocked.len() as u64;
        }
    }

    /// Takes all of a group out of the library.
    pub fn delete_all(&mut self, group: Ipv4Addr, desired: &Desired, step: &mut Step) {
        for flow in desired.flows(group) {
            self.call(MgmCall::Delete, flow, Flag::Join, step);
        }
    }

    fn block(&self, sources: &[Ipv4Addr], group: Ipv4Addr, step: &mut Step) {
        for source in sources {
            self.call(MgmCall::Delete, Flow::new(*source, group), Flag::Forward, step);
        }
    }

    fn call(&self, call: fn(Membership) -> MgmCall, flow: Flow, flag: Flag, step: &mut Step) {
        step.actions.push(Action::Mgm(call(Membership { link: self.link, flow, flag })));
    }

    /// The library refused an add or a delete (I47, I48).
    pub fn refused(&mut self, call: Membership, code: Code, base: &mut LinkBase, step: &mut Step) {
        // Around a change of owner the library refuses before DISABLE_IGMP is heard: no error.
        if code == Code::CanNotComplete || self.disabled {
            return;
        }
        base.counters.mgm_refusals += 1;
        if code != Code::NotEnoughMemory {
            return base.log(step, LogEvent::MembershipRefused(call.flow, code));
        }
        base.log(step, LogEvent::NoMemory(call.flow));
        if self.failed.is_empty() {
            self.retry.fail(step.now);
        }
        self.failed.insert((call.flow, call.flag));
    }

    /// Whether the take is due again at this time.
    pub fn take_is_due(&self, at: Time) -> bool {
        self.take.due() <= at
    }

    /// Stops waiting for the take: it is tried now.
    pub fn take_again(&mut self, step: &mut Step) {
        self.take.wait_no_more();
        self.take(step);
    }

    /// The calls that the library had no memory for and that are due again at this time, by flow.
    pub fn failures_due(&mut self, at: Time) -> Vec<(Flow, Flag)> {
        if self.retry.due() > at {
            return Vec::new();
        }
        self.retry.wait_no_more();
        std::mem::take(&mut self.failed).into_iter().collect()
    }

    /// Repeats the adds or deletes of these flows, which are of one group.
    pub fn tell_again(&mut self, failed: &[(Flow, Flag)], desired: &Desired, step: &mut Step) {
        if !self.are_told() {
            return;
        }
        for (flow, flag) in failed {
            match flag {
                Flag::Join if desired.has(*flow) => {
                    self.call(MgmCall::Add, *flow, Flag::Join, step);
                }
                Flag::Join => self.call(MgmCall::Delete, *flow, Flag::Join, step),
                // The MFE of a source that is no longer blocked.
                Flag::Forward if desired.all && desired.forwards(flow.source()) => {
                    self.call(MgmCall::Add, *flow, Flag::Forward, step);
                }
                // All sources that are still blocked are told below.
                Flag::Forward => {}
            }
        }
        if self.is_alone() {
            self.block(&desired.blocked, failed[0].0.group(), step);
        }
    }
}

/// A group whose state may have changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed<'a> {
    pub group: Ipv4Addr,
    pub before: &'a Desired,
    pub after: &'a Desired,
}
