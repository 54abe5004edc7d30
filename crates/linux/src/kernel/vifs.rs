//! The kernel's VIF numbers of interfaces.

use crate::types::IfId;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

/// The greatest number of interfaces that the kernel supports (MAXVIFS).
pub(super) const MAX_VIFS: usize = 32;

/// An index into the kernel's table of virtual interfaces, always in range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vif(u8);

impl Vif {
    /// `None` if the kernel cannot have such a VIF.
    pub(super) fn new(number: u8) -> Option<Vif> {
        (usize::from(number) < MAX_VIFS).then_some(Vif(number))
    }

    pub(super) fn number(self) -> u8 {
        self.0
    }

    pub(super) fn slot(self) -> usize {
        self.0.into()
    }
}

/// The device index of each VIF. The forwarder writes it under the manager's
/// lock, the upcall thread reads it without.
#[derive(Debug)]
pub(super) struct Devices([AtomicU32; MAX_VIFS]);

impl Devices {
    pub(super) fn get(&self, vif: Vif) -> Option<u32> {
        Some(self.0[vif.slot()].load(Ordering::Acquire)).filter(|index| *index != 0)
    }

    fn set(&self, vif: Vif, if_index: u32) {
        self.0[vif.slot()].store(if_index, Ordering::Release);
    }
}

/// Why an interface gets no VIF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoVif {
    /// All VIFs are in use.
    Full,
    /// All VIFs are in use, or may still be named by entries or upcalls.
    Leaving,
    /// The interface has a VIF under another number. The kernel would accept the device a second
    /// time, and send every packet twice.
    SameDevice(IfId),
    /// The number stands for another device.
    SameId(u32),
    /// There is no memory for the table.
    NoMemory,
}

/// The state of a VIF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Free,
    Of(IfId),
    /// Released, but not yet deleted in the kernel.
    Undeleted,
    /// Deleted in the kernel, but entries may still name it: the next device with this VIF would
    /// get their packets.
    Named,
    /// No longer named by entries, but perhaps by unread upcalls: they would be attributed to the
    /// next device with this VIF.
    Unread,
}

/// The VIFs in use: at most one for each number, and for each device.
#[derive(Debug)]
pub(super) struct VifTable {
    /// By interface number; these are small and dense.
    by_id: Vec<Option<Vif>>,
    uses: [Use; MAX_VIFS],
    /// How many released VIFs are not free yet.
    leaving: usize,
    devices: Arc<Devices>,
    /// Where the search for a free one begins. VIFs are reused as late as
    /// possible: entries and upcalls name interfaces by VIF.
    next: usize,
}

impl VifTable {
    pub(super) fn new() -> VifTable {
        VifTable {
            by_id: Vec::new(),
            uses: [Use::Free; MAX_VIFS],
            leaving: 0,
            devices: Arc::new(Devices([const { AtomicU32::new(0) }; MAX_VIFS])),
            next: 0,
        }
    }

    /// The part that the upcall thread reads.
    pub(super) fn devices(&self) -> Arc<Devices> {
        Arc::clone(&self.devices)
    }

    /// The VIF of an interface.
    pub(super) fn get(&self, id: IfId) -> Option<Vif> {
        self.by_id.get(usize::from(id.0)).copied().flatten()
    }

    /// Claims a free VIF; `Ok(None)` if the interface has one already.
    pub(super) fn claim(&mut self, id: IfId, if_index: u32) -> Result<Option<Vif>, NoVif> {
        if let Some(vif) = self.get(id) {
            return match self.devices.get(vif) {
                Some(device) if device != if_index => Err(NoVif::SameId(device)),
                _ => Ok(None),
            };
        }
        if let Some((_, other)) =
            self.iter().find(|(vif, _)| self.devices.get(*vif) == Some(if_index))
        {
            return Err(NoVif::SameDevice(other));
        }
        let free = (0..MAX_VIFS)
            .map(|step| (self.next + step) % MAX_VIFS)
            .find(|slot| self.uses[*slot] == Use::Free)
            .ok_or_else(|| self.why_none())?;
        let vif = Vif(free as u8);
        self.next = free + 1;
        let at = usize::from(id.0);
        if self.by_id.len() <= at {
            let more = at + 1 - self.by_id.len();
            self.by_id.try_reserve(more).map_err(|_| NoVif::NoMemory)?;
            self.by_id.resize(at + 1, None);
        }
        self.by_id[at] = Some(vif);
        self.uses[free] = Use::Of(id);
        self.devices.set(vif, if_index);
        Ok(Some(vif))
    }

    fn why_none(&self) -> NoVif {
        if self.uses.iter().all(|of| matches!(of, Use::Of(_))) {
            NoVif::Full
        } else {
            NoVif::Leaving
        }
    }

    /// Releases a VIF that was never added to the kernel.
    pub(super) fn free(&mut self, id: IfId) {
        self.end(id, Use::Free);
    }

    /// Releases an interface's VIF. It is free again after
    /// [`VifTable::deleted`], then [`VifTable::release`], then [`VifTable::drained`].
    pub(super) fn leave(&mut self, id: IfId) {
        if self.end(id, Use::Undeleted) {
            self.leaving += 1;
        }
    }

    fn end(&mut self, id: IfId, then: Use) -> bool {
        let Some(vif) = self.by_id.get_mut(usize::from(id.0)).and_then(Option::take) else {
            return false;
        };
        self.uses[vif.slot()] = then;
        self.devices.set(vif, 0);
        true
    }

    /// The kernel has deleted this VIF.
    pub(super) fn deleted(&mut self, vif: Vif) {
        self.uses[vif.slot()] = Use::Named;
    }

    /// No entry names a released VIF any longer.
    pub(super) fn release(&mut self) {
        for of in self.uses.iter_mut().filter(|of| **of == Use::Named) {
            *of = Use::Unread;
            self.leaving -= 1;
        }
    }

    /// All upcalls have been read that waited during these calls.
    pub(super) fn drained(&mut self) {
        for of in self.uses.iter_mut().filter(|of| **of == Use::Unread) {
            *of = Use::Free;
        }
    }

    /// The released VIFs that the kernel still has.
    pub(super) fn undeleted(&self) -> Vec<Vif> {
        let all = self.uses.iter().zip(0..);
        all.filter(|(of, _)| **of == Use::Undeleted).map(|(_, n)| Vif(n)).collect()
    }

    /// Whether the kernel has no VIF and no entry of a released interface.
    pub(super) fn is_settled(&self) -> bool {
        self.leaving == 0
    }

    /// All VIFs in use, with the numbers of their interfaces.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Vif, IfId)> + '_ {
        self.uses.iter().zip(0..).filter_map(|(of, n)| match of {
            Use::Of(id) => Some((Vif(n), *id)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_the_kernels_are_no_vifs() {
        assert_eq!(Vif::new(31).map(Vif::number), Some(31));
        assert_eq!(Vif::new(32), None);
        assert_eq!(Vif::new(u8::MAX), None);
    }

    #[test]
    fn interfaces_have_a_vif_until_they_are_freed() {
        let mut table = VifTable::new();
        let vif = table.claim(IfId(7), 42).unwrap().unwrap();
        assert_eq!(table.get(IfId(7)), Some(vif));
        assert_eq!(table.devices().get(vif), Some(42));
        assert!(table.iter().eq([(vif, IfId(7))]));
        assert_eq!(table.claim(IfId(7), 42), Ok(None), "again is no error");
        table.free(IfId(7));
        table.free(IfId(7));
        assert_eq!(table.get(IfId(7)), None);
        assert_eq!(table.devices().get(vif), None);
    }

    #[test]
    fn unknown_numbers_have_none() {
        let mut table = VifTable::new();
        assert_eq!(table.get(IfId(u16::MAX)), None);
        table.leave(IfId(3));
        assert!(table.is_settled());
    }

    #[test]
    fn t2_7_a_device_is_served_once() {
        let mut table = VifTable::new();
        table.claim(IfId(1), 42).unwrap();
        assert_eq!(table.claim(IfId(2), 42), Err(NoVif::SameDevice(IfId(1))));
        assert_eq!(table.claim(IfId(1), 43), Err(NoVif::SameId(42)));
    }

    #[test]
    fn t2_7_thirty_two_and_no_more() {
        let mut table = VifTable::new();
        for n in 0..32 {
            table.claim(IfId(n), 100 + u32::from(n)).unwrap();
        }
        assert_eq!(table.claim(IfId(32), 200), Err(NoVif::Full));
        let freed = table.get(IfId(5));
        table.free(IfId(5));
        assert_eq!(table.claim(IfId(32), 200).unwrap(), freed);
    }

    #[test]
    fn a_vif_is_free_when_the_kernel_all_entries_and_all_upcalls_have_let_go() {
        let mut table = VifTable::new();
        for n in 0..MAX_VIFS as u16 {
            table.claim(IfId(n), 100 + u32::from(n)).unwrap();
        }
        let vif = table.get(IfId(5)).unwrap();
        table.leave(IfId(5));
        assert_eq!(table.devices().get(vif), None);
        assert_eq!(table.undeleted(), [vif]);
        table.release();
        assert_eq!(table.claim(IfId(40), 200), Err(NoVif::Leaving), "the kernel has it still");
        table.deleted(vif);
        assert!(table.undeleted().is_empty());
        assert_eq!(table.claim(IfId(40), 200), Err(NoVif::Leaving), "an entry may name it");
        table.drained();
        assert_eq!(table.claim(IfId(40), 200), Err(NoVif::Leaving), "that one still");
        table.release();
        assert!(table.is_settled(), "nothing to be tried again every second");
        assert_eq!(table.claim(IfId(40), 200), Err(NoVif::Leaving), "an upcall may name it");
        table.drained();
        assert_eq!(table.claim(IfId(40), 200), Ok(Some(vif)));
        assert_eq!(table.claim(IfId(41), 201), Err(NoVif::Full));
    }

    #[test]
    fn vifs_are_reused_as_late_as_possible() {
        let mut table = VifTable::new();
        let mut seen = Vec::new();
        for n in 0..MAX_VIFS as u16 {
            seen.push(table.claim(IfId(n), 9).unwrap().unwrap().slot());
            table.free(IfId(n));
        }
        assert_eq!(seen, (0..MAX_VIFS).collect::<Vec<_>>());
    }
}
