//! Interfaces that are taken: their owners and their small numbers (spec 0.2, 2).

use super::clients::ClientId;
use crate::notice::QuestionId;
use mgm_types::{Domain, IfId, Interface, Refusal, Result};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// An interface that is taken.
#[derive(Clone, Debug)]
pub struct Slot {
    pub interface: Interface,
    /// The protocol whose take was accepted: it counts as the owner at once
    /// for taking, releasing and membership calls (spec 2.3).
    pub claim: Option<ClientId>,
    /// The protocol that owns the interface. Follows the claim; if IGMP is enabled, only after
    /// DISABLE_IGMP has been answered.
    pub owner: Option<ClientId>,
    /// The IGMP client that is enabled here.
    pub igmp: Option<ClientId>,
    /// The serial number of enabling IGMP. ENABLE_IGMP with another number is for an earlier IGMP.
    pub igmp_since: u64,
    /// The DISABLE_IGMP that the change of owner waits for.
    pub disabling: Option<QuestionId>,
    /// From the start of DISABLE_IGMP until just before ENABLE_IGMP.
    pub igmp_barred: bool,
    /// The routing domain that packets which arrive here belong to.
    pub domain: Domain,
    /// The interface no longer exists in the system. Its claims are kept, and it is served
    /// again when it returns (spec 5.11).
    pub absent: bool,
}

impl Slot {
    /// The owner in the sense of spec sections 4 and 5 (0.7).
    #[inline]
    pub fn master(&self) -> Option<ClientId> {
        self.owner.or(self.igmp).filter(|_| !self.absent)
    }

    /// The protocol that gets the LOCAL_* callbacks of IGMP here. A protocol whose release waits
    /// gets no LOCAL_LEAVE (spec 4.8).
    pub fn staying_owner(&self) -> Option<ClientId> {
        self.owner.filter(|_| self.claim == self.owner)
    }

    /// Whether no client has taken it, and none has a claim to it.
    pub fn is_free(&self) -> bool {
        self.owner.is_none() && self.claim.is_none() && self.igmp.is_none()
    }

    /// The component that the protocol's own memberships here count for.
    pub fn owner_component(&self) -> Option<ClientId> {
        self.owner.or(self.claim)
    }
}

/// All taken interfaces.
#[derive(Debug, Default)]
pub struct Interfaces {
    slots: Vec<Option<Slot>>,
    by_name: Names,
    /// The number of interfaces in another domain than the main one.
    apart: usize,
    /// Freed numbers. The lowest is reused first, so that sets of interfaces stay small.
    free: BinaryHeap<Reverse<u16>>,
}

impl Interfaces {
    #[inline]
    pub fn find(&self, interface: Interface) -> Option<IfId> {
        self.by_name.find(interface)
    }

    /// The number of an interface that is taken and exists in the system.
    #[inline]
    pub fn served(&self, interface: Interface) -> Option<IfId> {
        self.find(interface).filter(|&id| self.master(id).is_some())
    }

    #[inline]
    pub fn get(&self, id: IfId) -> Option<&Slot> {
        self.slots.get(usize::from(id.0))?.as_ref()
    }

    pub fn get_mut(&mut self, id: IfId) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(id.0))?.as_mut()
    }

    /// The owner of the interface in sections 4 and 5.
    #[inline]
    pub fn master(&self, id: IfId) -> Option<ClientId> {
        self.get(id)?.master()
    }

    /// The name of an interface that exists.
    #[inline]
    pub fn name(&self, id: IfId) -> Interface {
        self.get(id).map_or(Interface::NONE, |slot| slot.interface)
    }

    /// Whether some interface is in another domain than the main one.
    #[inline]
    pub fn has_domains(&self) -> bool {
        self.apart > 0
    }

    /// The domain of packets that arrive on an interface.
    #[inline]
    pub fn domain(&self, id: IfId) -> Domain {
        match self.has_domains() {
            true => self.get(id).map_or(Domain::MAIN, |slot| slot.domain),
            false => Domain::MAIN,
        }
    }

    /// Moves an interface to another domain. Returns the former one.
    pub fn set_domain(&mut self, id: IfId, domain: Domain) -> Option<Domain> {
        let slot = self.get_mut(id)?;
        let old = std::mem::replace(&mut slot.domain, domain);
        self.apart -= usize::from(old != Domain::MAIN);
        self.apart += usize::from(domain != Domain::MAIN);
        Some(old)
    }

    /// All interfaces, in order of index and next hop.
    pub fn iter(&self) -> impl Iterator<Item = (IfId, &Slot)> {
        self.by_name.list.iter().filter_map(|&(_, id)| Some((id, self.get(id)?)))
    }

    /// The numbers of all interfaces with this index, one for each next hop.
    pub fn of_index(&self, if_index: u32) -> Vec<IfId> {
        self.by_name.of_index(if_index).iter().map(|&(_, id)| id).collect()
    }

    /// A number for an interface that is not taken yet (spec 0.2).
    pub fn allocate(&mut self, interface: Interface) -> Result<IfId> {
        let is_whole = self.find(Interface::link(interface.index)).is_some();
        let is_divided = !is_whole && !self.by_name.of_index(interface.index).is_empty();
        if is_whole || is_divided && interface.next_hop.is_unspecified() {
            return Err(Refusal::MixedNextHops(interface));
        }
        self.by_name.list.try_reserve(1)?;
        let number = match self.free.peek() {
            Some(Reverse(number)) => *number,
            None => {
                let number = u16::try_from(self.slots.len()).ok().filter(|n| *n < u16::MAX);
                let number = number.ok_or(Refusal::TooManyInterfaces)?;
                if self.slots.len() == self.slots.capacity() {
                    let capacity = (2 * self.slots.len()).max(8);
                    // Reserve the list of free numbers first, for when all are freed.
                    self.free.try_reserve_exact(capacity)?;
                    self.slots.try_reserve_exact(capacity - self.slots.len())?;
                }
                number
            }
        };
        if self.free.pop().is_none() {
            self.slots.push(None);
        }
        self.slots[usize::from(number)] = Some(Slot {
            interface,
            claim: None,
            owner: None,
            igmp: None,
            igmp_since: 0,
            disabling: None,
            igmp_barred: false,
            domain: Domain::MAIN,
            absent: false,
        });
        self.by_name.insert(interface, IfId(number));
        Ok(IfId(number))
    }

    /// Removes an interface that is no longer taken.
    pub fn forget(&mut self, id: IfId) {
        if let Some(slot) = self.slots.get_mut(usize::from(id.0)).and_then(Option::take) {
            self.by_name.remove(slot.interface);
            self.apart -= usize::from(slot.domain != Domain::MAIN);
            self.free.push(Reverse(id.0));
        }
    }
}

/// Up to this number of interfaces, a name is found by a walk through all names.
const FEW: usize = 8;

/// The names of all interfaces in order, with their numbers. There are few, and every call
/// looks one up.
#[derive(Debug, Default)]
struct Names {
    list: Vec<(u64, IfId)>,
}

impl Names {
    /// Index and next hop as one number, in the same order.
    fn key(name: Interface) -> u64 {
        u64::from(name.index) << 32 | u64::from(u32::from(name.next_hop))
    }

    /// The position of a name, or where it would be inserted.
    #[inline]
    fn place(&self, name: Interface) -> usize {
        let key = Names::key(name);
        self.list.partition_point(|(other, _)| *other < key)
    }

    #[inline]
    fn find(&self, name: Interface) -> Option<IfId> {
        let key = Names::key(name);
        if self.list.len() <= FEW {
            // Faster than halving the list, and routers seldom have more.
            return self.list.iter().find(|(other, _)| *other == key).map(|(_, id)| *id);
        }
        let (found, id) = self.list.get(self.place(name))?;
        (*found == key).then_some(*id)
    }

    /// The interfaces with this index, one for each next hop.
    fn of_index(&self, if_index: u32) -> &[(u64, IfId)] {
        let list = &self.list[self.place(Interface::link(if_index))..];
        &list[..list.partition_point(|(key, _)| key >> 32 == u64::from(if_index))]
    }

    fn insert(&mut self, name: Interface, id: IfId) {
        self.list.insert(self.place(name), (Names::key(name), id));
    }

    fn remove(&mut self, name: Interface) {
        self.list.remove(self.place(name));
    }
}
