//! Which interface the kernel knows by which number.

use super::mroute::MAX_VIFS;
use crate::types::IfId;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

/// An index into the kernel's table of virtual interfaces, always in range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vif(u8);

impl Vif {
    /// `None` if the kernel cannot have such a VIF.
    pub(super) fn new(number: u16) -> Option<Vif> {
        u8::try_from(number).ok().filter(|n| usize::from(*n) < MAX_VIFS).map(Vif)
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

/// Why no VIF can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoVif {
    /// All are in use.
    Full,
    /// The interface has one under another number: the kernel would take the
    /// device a second time, and send every packet out twice.
    SameDevice(IfId),
    /// The number stands for another device.
    SameId(u32),
}

/// The VIFs in use: at most one for each number, and for each device.
#[derive(Debug)]
pub(super) struct VifTable {
    /// By interface number, which are small and dense.
    by_id: Vec<Option<Vif>>,
    owners: [Option<IfId>; MAX_VIFS],
    devices: Arc<Devices>,
    /// Where the search for a free one begins. VIFs are reused as late as
    /// possible: upcalls that wait in the socket name the arrival interface by VIF.
    next: usize,
}

impl VifTable {
    pub(super) fn new() -> VifTable {
        VifTable {
            by_id: Vec::new(),
            owners: [None; MAX_VIFS],
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
            .find(|slot| self.owners[*slot].is_none())
            .ok_or(NoVif::Full)?;
        let vif = Vif(free as u8);
        self.next = free + 1;
        let at = usize::from(id.0);
        if self.by_id.len() <= at {
            self.by_id.resize(at + 1, None);
        }
        self.by_id[at] = Some(vif);
        self.owners[free] = Some(id);
        self.devices.set(vif, if_index);
        Ok(Some(vif))
    }

    /// Gives an interface's VIF back.
    pub(super) fn free(&mut self, id: IfId) -> Option<Vif> {
        let vif = self.by_id.get_mut(usize::from(id.0))?.take()?;
        self.owners[vif.slot()] = None;
        self.devices.set(vif, 0);
        Some(vif)
    }

    /// All VIFs in use, with the numbers of their interfaces.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Vif, IfId)> + '_ {
        self.owners.iter().zip(0..).filter_map(|(owner, n)| Some((Vif(n), (*owner)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_the_kernels_are_no_vifs() {
        assert_eq!(Vif::new(31).map(Vif::number), Some(31));
        assert_eq!(Vif::new(32), None);
        assert_eq!(Vif::new(u16::MAX), None);
        assert_eq!(Vif::new(256), None);
    }

    #[test]
    fn interfaces_have_a_vif_until_they_are_freed() {
        let mut table = VifTable::new();
        let vif = table.claim(IfId(7), 42).unwrap().unwrap();
        assert_eq!(table.get(IfId(7)), Some(vif));
        assert_eq!(table.devices().get(vif), Some(42));
        assert!(table.iter().eq([(vif, IfId(7))]));
        assert_eq!(table.claim(IfId(7), 42), Ok(None), "again is no error");
        assert_eq!(table.free(IfId(7)), Some(vif));
        assert_eq!(table.free(IfId(7)), None);
        assert_eq!(table.get(IfId(7)), None);
        assert_eq!(table.devices().get(vif), None);
    }

    #[test]
    fn unknown_numbers_have_none() {
        let mut table = VifTable::new();
        assert_eq!(table.get(IfId(u16::MAX)), None);
        assert_eq!(table.free(IfId(3)), None);
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
        let freed = table.free(IfId(5));
        assert_eq!(table.claim(IfId(32), 200).unwrap(), freed);
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
