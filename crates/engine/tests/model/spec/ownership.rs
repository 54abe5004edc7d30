//! Which client owns which interface (spec section 2).

use super::{Answered, Model, Place};
use mgm_engine::{ClientId, Notice, QuestionId};
use mgm_types::{Code, Interface};

impl Model {
    /// Whether a take would be accepted (spec 2.1, 2.2, 0.2); true if no client has taken the
    /// interface yet.
    pub fn check_take(&self, client: ClientId, name: Interface) -> Result<bool, Code> {
        let igmp = self.client(client).ok_or(Code::InvalidParameter)?.is_igmp();
        if name.index == 0 {
            return Err(Code::InvalidParameter);
        }
        if let Some(place) = self.place(name) {
            let holder = if igmp { place.igmp } else { place.claim };
            let is_stale = !igmp && holder.is_none() && self.is_left(place.igmp);
            return match holder {
                Some(_) if self.is_left_to(holder, client) && place.absent => {
                    Err(Code::InvalidParameter)
                }
                Some(_) if self.is_left_to(holder, client) => Ok(false),
                Some(_) => Err(Code::AlreadyExists),
                None if is_stale => Err(Code::AlreadyExists),
                None if place.absent => Err(Code::InvalidParameter),
                None => Ok(false),
            };
        }
        let of_other_kind = |other: &&Place| {
            other.name.index == name.index
                && other.name.next_hop.is_unspecified() != name.next_hop.is_unspecified()
        };
        if self.places.iter().any(|other| of_other_kind(&other)) {
            return Err(Code::InvalidParameter);
        }
        Ok(true)
    }

    /// MgmTakeInterfaceOwnership, accepted.
    pub fn take(&mut self, client: ClientId, name: Interface, inside: bool) {
        let igmp = self.client(client).is_some_and(|client| client.is_igmp());
        let place = self.place(name);
        let holder = place.and_then(|place| if igmp { place.igmp } else { place.claim });
        if self.is_left_to(holder, client) {
            return self.take_over(client, name);
        }
        if self.place(name).is_none() {
            self.places.push(Place {
                name,
                claim: None,
                owner: None,
                igmp: None,
                igmp_since: 0,
                disabling: None,
                barred: false,
                absent: false,
            });
        }
        if igmp {
            let since = self.number().0;
            let alone = self.master(name).is_none();
            let enable = |place: &mut Place| {
                place.igmp = Some(client);
                place.igmp_since = since;
            };
            if alone {
                self.change_master(name, None, enable);
            } else if let Some(place) = self.place_mut(name) {
                enable(place);
            }
            return;
        }
        // A release that still waits is carried out at once (D14).
        if self.place(name).is_some_and(|place| place.owner.is_some()) {
            self.make_claimant_owner(name);
        }
        if let Some(place) = self.place_mut(name) {
            place.claim = Some(client);
        }
        self.start_change(name, inside);
    }

    /// MgmReleaseInterfaceOwnership (spec 2.5).
    pub fn release(&mut self, client: ClientId, name: Interface, inside: bool) -> Answered {
        let igmp = self.client(client).ok_or(Code::InvalidParameter)?.is_igmp();
        let place = self.place(name).ok_or(Code::InvalidParameter)?.clone();
        if Some(client) != (if igmp { place.igmp } else { place.claim }) {
            return Err(Code::InvalidParameter);
        }
        self.released(client, name);
        if !igmp {
            if place.owner != Some(client) {
                // Its take still waits for DISABLE_IGMP, and is cancelled.
                self.end_members(name, |member| !member.igmp, None, Some(client));
                self.clear_overrides(mgm_types::Flow::WILDCARD, name);
                self.settle(Some(client));
            }
            if let Some(place) = self.place_mut(name) {
                place.claim = None;
            }
            self.start_change(name, inside);
            return Ok(());
        }
        // An owner whose own release waits is leaving, too (spec 4.8).
        let staying = place.owner.filter(|_| place.owner == place.claim);
        self.end_members(name, |member| member.igmp, staying, Some(client));
        if let Some(place) = self.place_mut(name) {
            place.disabling = None;
            place.barred = false;
        }
        if place.owner.is_none() {
            self.change_master(name, Some(client), |place| {
                place.igmp = None;
                place.owner = place.claim;
            });
            return Ok(());
        }
        self.settle(Some(client));
        if let Some(place) = self.place_mut(name) {
            place.igmp = None;
        }
        if place.owner != place.claim {
            self.make_claimant_owner(name);
        }
        Ok(())
    }

    /// DISABLE_IGMP, the change, ENABLE_IGMP (spec 2.3, D6).
    fn start_change(&mut self, name: Interface, inside: bool) {
        let Some(place) = self.place(name) else { return };
        if place.disabling.is_some() {
            return;
        }
        let is_asked = !place.absent && !self.is_left(place.igmp);
        let Some(igmp) = place.igmp.filter(|_| is_asked) else {
            return self.make_claimant_owner(name);
        };
        let question = self.number();
        if inside {
            self.make_claimant_owner(name);
            self.tell(igmp, Notice::DisableIgmp { question, interface: name });
            return self.enable_igmp(name);
        }
        if let Some(place) = self.place_mut(name) {
            place.disabling = Some(question);
        }
        self.tell(igmp, Notice::DisableIgmp { question, interface: name });
    }

    /// Makes the claiming protocol the owner of an interface (spec 2.4, 2.5).
    pub fn make_claimant_owner(&mut self, name: Interface) {
        let Some(place) = self.place(name) else { return };
        let owner = place.owner;
        self.end_members(name, |member| member.igmp || owner.is_some(), None, owner);
        self.change_master(name, owner, |place| place.owner = place.claim);
    }

    /// The owner of an interface, or the IGMP client without an owner, has changed.
    fn change_master(
        &mut self,
        name: Interface,
        caller: Option<ClientId>,
        change: impl FnOnce(&mut Place),
    ) {
        let goes = |flow| self.mfes.iter().any(|mfe| mfe.flow == flow && mfe.iif == name);
        self.asking.retain(|asking| !goes(asking.flow));
        self.mfes.retain(|mfe| mfe.iif != name);
        self.clear_overrides(mgm_types::Flow::WILDCARD, name);
        self.settle(caller);
        for mfe in &mut self.mfes {
            mfe.former.retain(|oif| oif.name != name); // it is another's now (6.7)
        }
        self.moving_roles(|model| {
            let Some(place) = model.place_mut(name) else { return };
            change(place);
            if place.owner.or(place.claim).or(place.igmp).is_none() {
                if !place.absent {
                    model.detached.push(name);
                }
                model.places.retain(|place| place.name != name);
                model.forget_arrival(name);
            }
        });
        self.restart_those_about(name);
        self.route_unrouted();
        self.wake_interface(name);
    }

    /// DISABLE_IGMP has been answered.
    pub fn igmp_disabled(&mut self, client: ClientId, name: Interface, question: QuestionId) {
        let Some(place) = self.place_mut(name) else { return };
        if place.disabling != Some(question) {
            // The change was immediate; what IGMP has added since goes now (D35).
            if place.igmp == Some(client) && place.barred && question.0 >= place.igmp_since {
                let staying = place.owner.filter(|_| place.owner == place.claim);
                self.end_members(name, |member| member.igmp, staying, None);
                self.settle(None);
            }
            return;
        }
        place.disabling = None;
        self.make_claimant_owner(name);
        self.enable_igmp(name);
    }

    fn enable_igmp(&mut self, name: Interface) {
        let Some(Place { igmp: Some(igmp), igmp_since: since, .. }) = self.place(name).cloned()
        else {
            return;
        };
        if !self.is_left(Some(igmp)) {
            self.tell(igmp, Notice::EnableIgmp { interface: name, since });
        }
    }

    /// Called before a callback is made; false if the callback is obsolete.
    pub fn starting(&mut self, client: ClientId, notice: &Notice) -> bool {
        let (name, number) = match notice {
            Notice::DisableIgmp { interface, question } => (*interface, *question),
            Notice::EnableIgmp { interface, since } => (*interface, QuestionId(*since)),
            _ => return true,
        };
        let Some(place) = self.place_mut(name).filter(|place| place.igmp == Some(client)) else {
            return false;
        };
        if number.0 < place.igmp_since {
            return false; // for a former IGMP
        }
        place.barred = notice.question().is_some();
        true
    }

    /// The system loses an interface that a client has taken (spec 5.11).
    pub fn lose(&mut self, name: Interface) {
        let Some(place) = self.place_mut(name).filter(|place| !place.absent) else { return };
        place.disabling = None;
        let igmp = place.igmp;
        self.end_members(name, |_| true, None, None);
        self.change_master(name, None, |place| {
            place.owner = place.claim;
            place.absent = true;
        });
        self.detached.push(name);
        if let Some(igmp) = igmp.filter(|&igmp| !self.is_left(Some(igmp))) {
            let question = self.number();
            self.tell(igmp, Notice::DisableIgmp { question, interface: name });
        }
    }

    /// A lost interface is back.
    pub fn return_of(&mut self, name: Interface) {
        if !self.place(name).is_some_and(|place| place.absent) {
            return;
        }
        self.change_master(name, None, |place| place.absent = false);
        self.enable_igmp(name);
    }

    /// MgmGetProtocolOnInterface (spec 2.6).
    pub fn protocol_on(&self, name: Interface) -> Result<(u32, u32), Code> {
        let client = self.master(name).and_then(|id| self.client(id)).ok_or(Code::NotFound)?;
        Ok((client.protocol, client.component))
    }
}
