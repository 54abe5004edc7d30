//! Interface ownership, and IGMP beside it (spec section 2).
//!
//! A protocol's take or release of an interface on which IGMP is enabled is a
//! *change of owner* in three steps: DISABLE_IGMP, the change, ENABLE_IGMP.
//! The call itself records the claim; the change follows when DISABLE_IGMP has
//! been answered. Another take or release in between only moves the claim.

use super::alerts::MembershipChange;
use super::flows::Side;
use super::mfe::Touch;
use super::{ClientId, Effects, Engine, Notice, QuestionId};
use crate::types::{Flow, IfId, Interface, Refusal, Result};

impl Engine {
    /// Checks a take and finds or makes the interface's number; true if it is
    /// new, so that the forwarder must accept it (spec 2.1, 2.2, 0.2).
    ///
    /// # Errors
    /// `BadHandle`, `ZeroInterface`, `Owned`, `NoSuchInterface`, `MixedNextHops`,
    /// `TooManyInterfaces`, `NoMemory`.
    pub fn prepare_take(
        &mut self,
        client: ClientId,
        interface: Interface,
        fx: &mut Effects,
    ) -> Result<(IfId, bool)> {
        let is_igmp = self.client(client)?.is_igmp;
        if interface.index == 0 {
            return Err(Refusal::ZeroInterface);
        }
        let Some(id) = self.interfaces.find(interface) else {
            self.room(fx)?;
            let id = self.interfaces.allocate(interface)?;
            if let Err(refusal) = self.flow_limit.serve(id) {
                self.abandon_take(id);
                return Err(refusal);
            }
            return Ok((id, true));
        };
        let taken = self
            .interfaces
            .get(id)
            .is_some_and(|slot| if is_igmp { slot.igmp } else { slot.claim }.is_some());
        if taken {
            return Err(Refusal::Owned(interface));
        }
        if self.interfaces.get(id).is_some_and(|slot| slot.absent) {
            return Err(Refusal::NoSuchInterface(interface.index));
        }
        self.room(fx)?;
        Ok((id, false))
    }

    /// Undoes [`Engine::prepare_take`] after the forwarder has refused the interface.
    pub fn abandon_take(&mut self, id: IfId) {
        self.interfaces.forget(id);
    }

    /// Takes an interface that [`Engine::prepare_take`] has accepted; `at_once`
    /// inside a callback, where the call cannot wait (spec 2.3).
    pub fn take(&mut self, client: ClientId, id: IfId, at_once: bool, fx: &mut Effects) {
        self.debug(fx, || {
            format!("{} takes ownership of {}", self.who(client), self.interfaces.name(id))
        });
        let is_igmp = match self.clients.get_mut(client) {
            Some(record) => {
                record.interfaces += 1;
                record.is_igmp
            }
            None => return,
        };
        if is_igmp {
            let has_owner = self.interfaces.master(id).is_some();
            let since = self.next_serial();
            if let Some(slot) = self.interfaces.get_mut(id) {
                slot.igmp_since = since;
            }
            if has_owner {
                if let Some(slot) = self.interfaces.get_mut(id) {
                    slot.igmp = Some(client);
                }
            } else {
                self.change_master(id, None, fx, |slot| slot.igmp = Some(client));
            }
            return;
        }
        // Finish a release that still waits, so that it does not end the new owner's memberships.
        let releasing = self
            .interfaces
            .get(id)
            .is_some_and(|slot| slot.owner.is_some() && slot.claim.is_none());
        if releasing {
            self.change_hands(id, fx);
        }
        if let Some(slot) = self.interfaces.get_mut(id) {
            slot.claim = Some(client);
        }
        self.start_change(id, at_once, fx);
    }

    /// Releases an interface, or disables IGMP on it (spec 2.5).
    ///
    /// # Errors
    /// `BadHandle`, `ZeroInterface`, `NotOwner`.
    pub fn release(
        &mut self,
        client: ClientId,
        interface: Interface,
        at_once: bool,
        fx: &mut Effects,
    ) -> Result<()> {
        let is_igmp = self.client(client)?.is_igmp;
        if interface.index == 0 {
            return Err(Refusal::ZeroInterface);
        }
        let id = self.interfaces.find(interface).ok_or(Refusal::NotOwner(interface))?;
        let holder =
            self.interfaces.get(id).and_then(|slot| if is_igmp { slot.igmp } else { slot.claim });
        if holder != Some(client) {
            return Err(Refusal::NotOwner(interface));
        }
        self.debug(fx, || format!("{} releases ownership of {interface}", self.who(client)));
        if let Some(record) = self.clients.get_mut(client) {
            record.interfaces -= 1;
        }
        if is_igmp {
            self.release_igmp(id, client, fx);
        } else {
            self.release_protocol(id, client, at_once, fx);
        }
        Ok(())
    }

    /// IGMP leaves an interface. If a protocol owns the interface, only IGMP's memberships end;
    /// otherwise the interface is no longer taken.
    fn release_igmp(&mut self, id: IfId, client: ClientId, fx: &mut Effects) {
        let Some(slot) = self.interfaces.get_mut(id) else { return };
        let (owner, staying) = (slot.owner, slot.staying_owner());
        let change = MembershipChange { caller: Some(client), interface: slot.interface };
        slot.disabling = None;
        slot.igmp_barred = false;
        fx.released.push((client, change.interface));
        self.drop_members(id, &[Side::Igmp], staying, change, fx);
        if owner.is_some() {
            self.update_mfes(Flow::WILDCARD, id, Touch::Members, Some(client), fx);
            if let Some(slot) = self.interfaces.get_mut(id) {
                slot.igmp = None;
            }
            // A release that waited for DISABLE_IGMP need not wait any longer.
            if self.interfaces.get(id).is_some_and(|slot| slot.owner != slot.claim) {
                self.change_hands(id, fx);
            }
        } else {
            self.change_master(id, Some(client), fx, |slot| {
                slot.igmp = None;
                slot.owner = slot.claim;
            });
        }
    }

    /// A protocol releases an interface.
    fn release_protocol(&mut self, id: IfId, client: ClientId, at_once: bool, fx: &mut Effects) {
        let Some(slot) = self.interfaces.get_mut(id) else { return };
        let (had_it, interface) = (slot.owner == Some(client), slot.interface);
        fx.released.push((client, interface));
        if !had_it {
            // Its take still waits for DISABLE_IGMP, and will find no claim.
            let change = MembershipChange { caller: Some(client), interface };
            self.drop_members(id, &[Side::Owner], None, change, fx);
            self.update_mfes(Flow::WILDCARD, id, Touch::Clear, Some(client), fx);
        }
        if let Some(slot) = self.interfaces.get_mut(id) {
            slot.claim = None;
        }
        self.start_change(id, at_once, fx);
    }

    /// Makes the claiming protocol the owner: after DISABLE_IGMP if IGMP is enabled, at once if
    /// it is not, or if the call cannot wait.
    fn start_change(&mut self, id: IfId, at_once: bool, fx: &mut Effects) {
        let question = QuestionId(self.next_serial());
        let Some(slot) = self.interfaces.get_mut(id) else { return };
        if slot.disabling.is_some() {
            return; // the change that is under way includes it
        }
        let (interface, igmp) = (slot.interface, slot.igmp.filter(|_| !slot.absent));
        match igmp {
            None => self.change_hands(id, fx),
            Some(igmp) if at_once => {
                self.change_hands(id, fx);
                fx.tell_surely(igmp, Notice::DisableIgmp { question, interface });
                self.enable_igmp(id, fx);
            }
            Some(igmp) => {
                slot.disabling = Some(question);
                fx.tell_surely(igmp, Notice::DisableIgmp { question, interface });
            }
        }
    }

    /// DISABLE_IGMP has been answered: the change, then ENABLE_IGMP.
    pub(super) fn igmp_disabled(
        &mut self,
        client: ClientId,
        interface: Interface,
        question: QuestionId,
        fx: &mut Effects,
    ) {
        let Some(id) = self.interfaces.find(interface) else { return };
        let Some(slot) = self.interfaces.get_mut(id) else { return };
        if slot.disabling != Some(question) {
            return self.igmp_disabled_late(client, id, question, fx);
        }
        slot.disabling = None;
        self.change_hands(id, fx);
        self.enable_igmp(id, fx);
    }

    /// ENABLE_IGMP to the IGMP client on the interface, if there is one.
    fn enable_igmp(&self, id: IfId, fx: &mut Effects) {
        let Some(slot) = self.interfaces.get(id) else { return };
        if let Some(igmp) = slot.igmp {
            let (interface, since) = (slot.interface, slot.igmp_since);
            fx.tell_surely(igmp, Notice::EnableIgmp { interface, since });
        }
    }

    /// The change was made before DISABLE_IGMP. Memberships that IGMP has added since end like
    /// its earlier ones: IGMP starts again (spec 2.4, D35).
    fn igmp_disabled_late(
        &mut self,
        client: ClientId,
        id: IfId,
        question: QuestionId,
        fx: &mut Effects,
    ) {
        let Some(slot) = self.interfaces.get(id) else { return };
        let is_disabled = slot.igmp == Some(client) && slot.igmp_barred;
        if !is_disabled || question.0 < slot.igmp_since {
            return;
        }
        let change = MembershipChange { caller: None, interface: slot.interface };
        self.drop_members(id, &[Side::Igmp], slot.staying_owner(), change, fx);
        self.update_mfes(Flow::WILDCARD, id, Touch::Members, None, fx);
    }

    /// Called before a callback is made; false if the callback is obsolete.
    /// IGMP may not add or delete between the two callbacks (spec 2.3).
    pub fn starting(&mut self, client: ClientId, notice: &Notice) -> bool {
        let (interface, serial, bars) = match notice {
            Notice::DisableIgmp { question, interface } => (*interface, question.0, true),
            Notice::EnableIgmp { interface, since } => (*interface, *since, false),
            _ => return true,
        };
        let slot = self.interfaces.find(interface).and_then(|id| self.interfaces.get_mut(id));
        let Some(slot) = slot.filter(|slot| slot.igmp == Some(client)) else { return false };
        // IGMP has left and was enabled again since, so this DISABLE_IGMP is obsolete. If it set
        // the bar, no ENABLE_IGMP would remove it, or an earlier one would remove it too early.
        if serial < slot.igmp_since {
            return false;
        }
        slot.igmp_barred = bars;
        true
    }

    /// Makes the claiming protocol the owner. IGMP's memberships end (it adds them again after
    /// ENABLE_IGMP), and so do those of a protocol that has released the interface.
    fn change_hands(&mut self, id: IfId, fx: &mut Effects) {
        let Some(slot) = self.interfaces.get(id) else { return };
        // The memberships found here are the former owner's: `take` ends them before the new
        // owner can add any.
        let sides: &[Side] =
            if slot.owner.is_some() { &[Side::Owner, Side::Igmp] } else { &[Side::Igmp] };
        // The owner is not told of what its own release ends; a take tells its caller.
        let change = MembershipChange { caller: slot.owner, interface: slot.interface };
        self.drop_members(id, sides, None, change, fx);
        self.change_master(id, change.caller, fx, |slot| slot.owner = slot.claim);
    }

    /// Changes the owner of an interface in the sense of sections 4 and 5, and updates MFEs, the
    /// role towards sources, and flows that are being resolved. Frees the interface if it is no
    /// longer taken.
    fn change_master(
        &mut self,
        id: IfId,
        caller: Option<ClientId>,
        fx: &mut Effects,
        change: impl FnOnce(&mut super::interfaces::Slot),
    ) {
        if self.interfaces.master(id).is_some() {
            self.clear_interface(id, caller, fx);
        }
        let interface = self.interfaces.name(id);
        self.change_slot(id, fx, change);
        let Some(slot) = self.interfaces.get(id) else { return };
        let (name, master) = (slot.interface, slot.master());
        let (is_free, absent) = (slot.is_free(), slot.absent);
        self.debug(fx, || format!("owner of {name}: {}", self.whose(master)));
        if is_free {
            if !absent {
                fx.detached.push(id);
            }
            self.forget_arrival(id);
            self.interfaces.forget(id);
        }
        self.restart_resolutions_about(id, fx);
        self.route_unrouted(fx);
        self.wake_interface(interface, fx);
    }

    /// A client deregisters while a release of its still waits for
    /// DISABLE_IGMP: the change does not wait any longer.
    pub(super) fn finish_releases_of(&mut self, client: ClientId, fx: &mut Effects) {
        let waiting: Vec<IfId> = self
            .interfaces
            .iter()
            .filter(|(_, slot)| slot.owner == Some(client) && slot.disabling.is_some())
            .map(|(id, _)| id)
            .collect();
        for id in waiting {
            self.change_hands(id, fx);
        }
    }

    /// An interface no longer exists in the system: its memberships and MFEs end as in a
    /// release; its number and the claims to it are kept (spec 5.11).
    pub fn interface_lost(&mut self, id: IfId, fx: &mut Effects) {
        let Some(slot) = self.interfaces.get_mut(id).filter(|slot| !slot.absent) else { return };
        let (interface, igmp) = (slot.interface, slot.igmp);
        slot.disabling = None; // the change of owner need not wait for an answer
        fx.released.extend(slot.owner.map(|owner| (owner, interface)));
        let change = MembershipChange { caller: None, interface };
        self.drop_members(id, &[Side::Owner, Side::Igmp], None, change, fx);
        self.change_master(id, None, fx, |slot| {
            slot.owner = slot.claim;
            slot.absent = true;
        });
        fx.detached.push(id);
        if let Some(igmp) = igmp {
            let question = QuestionId(self.next_serial());
            fx.tell_surely(igmp, Notice::DisableIgmp { question, interface });
        }
    }

    /// A lost interface is back, and the forwarder serves it: the clients that have claims to it
    /// own it again.
    pub fn interface_back(&mut self, id: IfId, fx: &mut Effects) {
        if !self.interfaces.get(id).is_some_and(|slot| slot.absent) {
            return;
        }
        self.change_master(id, None, fx, |slot| slot.absent = false);
        self.enable_igmp(id, fx);
    }

    /// The lost interfaces to which clients have claims.
    #[must_use]
    pub fn absent_interfaces(&self) -> Vec<(IfId, Interface)> {
        let absent = self.interfaces.iter().filter(|(_, slot)| slot.absent);
        absent.map(|(id, slot)| (id, slot.interface)).collect()
    }

    /// The number of an interface that is taken, or to which a client has a claim.
    #[must_use]
    pub fn interface_number(&self, interface: Interface) -> Option<IfId> {
        self.interfaces.find(interface)
    }

    /// The protocol and component ids of the owner of an interface (spec 2.6).
    ///
    /// # Errors
    /// `NoProtocol`, also for an invalid interface.
    pub fn protocol_on(&self, interface: Interface) -> Result<(u32, u32)> {
        self.interfaces
            .find(interface)
            .and_then(|id| self.interfaces.master(id))
            .and_then(|client| self.client_key(client))
            .ok_or(Refusal::NoProtocol(interface))
    }
}
