//! The MFEs: their oifs, and the alerts to their owners (spec 3.5, 5.5 to 5.10).

use super::members::matches;
use super::{Answered, Mfe, Model, Oif, Origin, Purpose};
use mgm_engine::{ClientId, Notice, QuestionId};
use mgm_types::{Code, Flow, Interface, Ipv4Addr, Time};

impl Mfe {
    /// When it expires (spec 5.6, D16).
    pub fn end(&self) -> Option<Time> {
        (self.timeout != u32::MAX).then(|| Time(self.born.0 + u64::from(self.timeout) * 1000))
    }
}

impl Model {
    /// Whether a membership wants the (s,g) on an interface (spec 3.5).
    pub fn is_wanted_on(&self, flow: Flow, name: Interface) -> bool {
        self.members.iter().any(|member| member.place == name && matches(member.flow, flow))
    }

    /// Rule 3.5, for all interfaces.
    fn oifs_due(&self, mfe: &Mfe) -> Vec<Interface> {
        let is_due = |name: &Interface| {
            let switched = mfe.switched.iter().find(|(other, _)| other == name);
            *name != mfe.iif
                && !self.is_bounded(*name, mfe.flow.group())
                && switched.map_or_else(|| self.is_wanted_on(mfe.flow, *name), |(_, on)| *on)
        };
        self.places.iter().map(|place| place.name).filter(is_due).collect()
    }

    /// Computes the oifs of an MFE. Returns whether it has its first oif now, or has lost its last
    /// one.
    pub fn settle_one(&mut self, flow: Flow) -> bool {
        let Some(mfe) = self.mfe(flow) else { return false };
        let due = self.oifs_due(mfe);
        let Some(mfe) = self.mfe_mut(flow) else { return false };
        let had_none = mfe.oifs.is_empty();
        let (stay, leave) =
            std::mem::take(&mut mfe.oifs).into_iter().partition(|oif| due.contains(&oif.name));
        mfe.oifs = stay;
        mfe.former.extend::<Vec<Oif>>(leave);
        for name in due {
            if mfe.oifs.iter().all(|oif| oif.name != name) {
                let before = mfe.former.iter().position(|oif| oif.name == name);
                let before = before.map(|at| mfe.former.swap_remove(at));
                mfe.oifs.push(before.unwrap_or(Oif { name, packets: 0, ttl_too_low: 0 }));
            }
        }
        had_none != mfe.oifs.is_empty()
    }

    fn mfe_flows(&self) -> Vec<Flow> {
        let mut flows: Vec<_> = self.mfes.iter().map(|mfe| mfe.flow).collect();
        flows.sort_unstable();
        flows
    }

    /// Updates all MFEs after a change, and alerts the owners of their iifs, except the client that
    /// has caused the change (spec 5.8).
    pub fn settle(&mut self, caller: Option<ClientId>) {
        for flow in self.mfe_flows() {
            if self.settle_one(flow) {
                self.tell_turn(flow, caller);
            }
        }
    }

    fn tell_turn(&mut self, flow: Flow, caller: Option<ClientId>) {
        let Some(mfe) = self.mfe(flow) else { return };
        let (iif, is_negative) = (mfe.iif, mfe.oifs.is_empty());
        let Some(owner) = self.master(iif).filter(|owner| caller != Some(*owner)) else { return };
        if is_negative {
            self.ask_timeout(owner, flow, iif);
        } else {
            self.tell(owner, Notice::Join { flow, member: false });
        }
    }

    /// PRUNE_ALERT with FALSE (spec 5.5).
    pub fn ask_timeout(&mut self, to: ClientId, flow: Flow, iif: Interface) {
        let Some(mfe) = self.mfe(flow) else { return };
        let (question, timeout) = (mfe.number, self.timeout);
        self.tell(to, Notice::PruneMfe { question, flow, iif, timeout });
    }

    /// Its answer (spec 5.5, D4).
    pub fn timeout_answered(
        &mut self,
        client: ClientId,
        flow: Flow,
        number: QuestionId,
        timeout: u32,
    ) {
        let Some(mfe) = self.mfe(flow).filter(|mfe| mfe.number == number) else { return };
        if self.master(mfe.iif) != Some(client) {
            return;
        }
        let (now, default) = (self.now, self.timeout);
        if let Some(mfe) = self.mfe_mut(flow) {
            mfe.timeout = if timeout == 0 { default } else { timeout };
            mfe.born = now;
            mfe.used = false;
        }
    }

    /// Memberships decide again about an interface, in all MFEs that a membership concerns, and in
    /// those whose CREATION answer is still expected (spec 3.5).
    pub fn clear_overrides(&mut self, wanted: Flow, name: Interface) {
        for mfe in self.mfes.iter_mut().filter(|mfe| matches(wanted, mfe.flow)) {
            mfe.switched.retain(|(other, _)| *other != name);
        }
        self.overtake(wanted, name, |_| true);
    }

    /// What the owner of an interface does meanwhile takes precedence over its answer.
    pub fn overtake(&mut self, wanted: Flow, name: Interface, is_meant: impl Fn(Purpose) -> bool) {
        for asking in &mut self.asking {
            if !matches(wanted, asking.flow) || !is_meant(asking.purpose) {
                continue;
            }
            asking.answers.retain(|(other, _)| *other != name);
            if asking.named.contains(&name) {
                asking.overtaken.push(name);
            }
        }
    }

    pub fn delete_mfe(&mut self, flow: Flow) {
        self.mfes.retain(|mfe| mfe.flow != flow);
        self.asking.retain(|asking| asking.flow != flow);
    }

    /// MgmSetMfe (spec 5.9, D5).
    pub fn set_mfe(
        &mut self,
        client: ClientId,
        flow: Flow,
        upstream: Ipv4Addr,
        index: u32,
    ) -> Answered {
        self.client(client).ok_or(Code::InvalidParameter)?;
        let iif = self.mfe(flow).ok_or(Code::NotFound)?.iif;
        if self.master(iif) != Some(client) {
            return Err(Code::CanNotComplete);
        }
        let named = Interface::link(index);
        let is_mine = self.master(named) == Some(client) && !self.is_bounded(named, flow.group());
        if let Some(mfe) = self.mfe_mut(flow) {
            mfe.upstream = upstream;
            if is_mine {
                mfe.iif = named;
                if mfe.origin == Origin::Route {
                    mfe.origin = Origin::Client;
                }
            }
        }
        self.overrule_rpf(flow);
        self.settle(Some(client));
        Ok(())
    }

    /// Applies the answers of the clients to an MFE: another iif, perhaps with another owner, and
    /// other overrides. Then makes the alerts (spec 5.6, 5.10).
    pub fn move_mfe(
        &mut self,
        flow: Flow,
        iif: Interface,
        upstream: Ipv4Addr,
        answers: &[(Interface, bool)],
    ) {
        let Some(mfe) = self.mfe_mut(flow) else { return };
        let old_iif = mfe.iif;
        mfe.iif = iif;
        mfe.upstream = upstream;
        for &(name, on) in answers {
            if on {
                // The client has left it on: it is no longer off, but not forced on either.
                mfe.switched.retain(|&(other, on)| other != name || on);
            } else {
                mfe.switched.retain(|&(other, _)| other != name);
                mfe.switched.push((name, false));
            }
        }
        let turned = self.settle_one(flow);
        let (old, new) = (self.master(old_iif), self.master(iif));
        if turned || old != new {
            self.tell_turn(flow, None);
        }
        if let Some(old) = old.filter(|_| old != new) {
            self.ask_timeout(old, flow, old_iif);
        }
    }

    /// Time passes (spec 5.6). An MFE does not expire while its clients are being asked. If the
    /// forwarder counts, an MFE of the router's own packets ends, even if it was used (D55).
    pub fn tick(&mut self, now: Time) {
        self.fill_rates(now.0 - self.now.0);
        self.now = now;
        self.end_refusals();
        for flow in self.mfe_flows() {
            let Some(mfe) = self.mfe(flow) else { continue };
            if mfe.end().is_none_or(|end| end > now) || self.asking(flow).is_some() {
                continue;
            }
            if mfe.used && !mfe.oifs.is_empty() && !self.is_untold(flow) {
                if let Some(mfe) = self.mfe_mut(flow) {
                    mfe.used = false;
                }
                self.ask_again(flow, Purpose::Renew, None);
            } else {
                self.delete_mfe(flow);
            }
        }
    }
}
