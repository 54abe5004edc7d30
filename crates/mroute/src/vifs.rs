//! The daemon's VIFs: its interfaces, mgm0, and the register interface of PIM.

use crate::daemon::{everything, Daemon, Router, Vif};
use crate::options::{Errno, Mfc};
use mgm_remote::messages::Request;
use mgm_types::{Code, Flow, Interface};

impl Daemon {
    /// Adds a VIF.
    ///
    /// # Errors
    /// EADDRINUSE, as from the kernel: the number or the interface is in use.
    pub fn add_vif(&mut self, router: &mut impl Router, at: u16, vif: Vif) -> Result<(), Errno> {
        let place = self.vifs.get(usize::from(at)).ok_or(libc::ENFILE)?;
        if place.is_some() || self.vifs.contains(&Some(vif)) {
            return Err(libc::EADDRINUSE);
        }
        if let Vif::Real(index) = vif {
            self.take(router, index)?;
        }
        self.vifs[usize::from(at)] = Some(vif);
        match vif {
            Vif::Real(_) => self.sync_all(router),
            Vif::Rest => {
                self.learn(router);
                self.sync(router, everything());
            }
            Vif::Register => {
                self.take_register(router);
                self.sync(router, everything());
            }
        }
        Ok(())
    }

    /// The index of mgmreg, if mgmd has made it.
    pub fn set_register(&mut self, index: Option<u32>) {
        self.register = index;
    }

    /// Takes mgmreg. Without it, the daemon can still send registers, so it gets no error. If another
    /// daemon has mgmreg, `tick` tries again.
    fn take_register(&mut self, router: &mut impl Router) {
        let Some(index) = self.register else {
            let text =
                "mgmd has not made mgmreg, so packets in PIM registers are not forwarded: set \
                        router.daemons in its configuration if this router is a rendezvous point";
            return self.log.push(text.into());
        };
        if self.take(router, index).is_err() {
            self.refused.takes.insert(index);
        }
    }

    pub(crate) fn delete_vif(&mut self, router: &mut impl Router, at: u16) -> Result<(), Errno> {
        let place = self.vifs.get_mut(usize::from(at)).ok_or(libc::EADDRNOTAVAIL)?;
        match place.take().ok_or(libc::EADDRNOTAVAIL)? {
            Vif::Real(index) => {
                let (client, interface) = (self.client, Interface::link(index));
                self.ask(router, Request::Release { client, interface }).ok();
                self.held.retain(|(_, on)| *on != index);
                self.refused.forget(index);
            }
            Vif::Rest => {
                self.forget_others();
                self.sync(router, everything());
            }
            Vif::Register => {
                if let Some(index) = self.register {
                    let (client, interface) = (self.client, Interface::link(index));
                    self.ask(router, Request::Release { client, interface }).ok();
                    self.refused.forget(index);
                }
                self.sync(router, everything());
            }
        }
        Ok(())
    }

    /// Takes an interface. If another client owns it, the log names the owner.
    pub(crate) fn take(&mut self, router: &mut impl Router, index: u32) -> Result<(), Errno> {
        let (client, interface) = (self.client, Interface::link(index));
        match self.ask(router, Request::Take { client, interface }) {
            // While mgmd is away, nobody knows whether the interface is free.
            Ok(_) | Err(None) => Ok(()),
            Err(Some(refusal)) => {
                if !self.refused.takes.contains(&index) {
                    let name = router.name(index);
                    self.log.push(format!("{name} cannot be used: {}", refusal.text));
                }
                Err(match Code::from_number(refusal.code) {
                    Some(Code::AlreadyExists) => libc::EADDRINUSE,
                    _ => libc::EADDRNOTAVAIL,
                })
            }
        }
    }

    /// The flows that leave by the register interface, and the index of the interface where they arrive,
    /// if it is the daemon's; and the VIF of the register interface.
    #[must_use]
    pub fn registered(&self) -> (u16, Vec<(Flow, Option<u32>)>) {
        let Some(register) = self.vif_that_is(Vif::Register) else { return (0, Vec::new()) };
        // What has arrived in registers does not leave in registers.
        let is_sent = |mfc: &&Mfc| mfc.has(register) && mfc.parent != register;
        let flows = self.entries.values().filter(|mfc| mfc.flow.has_source()).filter(is_sent);
        (register, flows.map(|mfc| (mfc.flow, self.index_of(mfc.parent))).collect())
    }

    /// Whether the daemon wants all groups on its interfaces, and says by its entries which flows leave
    /// by them: it is a router of PIM-SM, whose neighbours say to it alone what they want (D135).
    pub(crate) fn is_wild(&self) -> bool {
        self.has_rest() && self.pims && self.vif_that_is(Vif::Register).is_some()
    }
}
