//! The links and IPv4 addresses of a network namespace. No I/O here.

mod link;
#[cfg(test)]
pub(crate) mod tests;

pub use link::{Address, Link, Port, Vlan};

use crate::netlink::wire::{u32_at, Message};
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// Message kinds, from <linux/rtnetlink.h>.
pub const RTM_NEWLINK: u16 = 16;
/// A link has gone, or has moved to another network namespace.
pub const RTM_DELLINK: u16 = 17;
/// Requests links.
pub const RTM_GETLINK: u16 = 18;
/// An address exists.
pub const RTM_NEWADDR: u16 = 20;
/// An address has gone.
pub const RTM_DELADDR: u16 = 21;
/// Requests addresses.
pub const RTM_GETADDR: u16 = 22;

/// The length of `struct ifinfomsg` in bytes.
pub const LINK_HEAD: usize = 16;
/// The length of `struct ifaddrmsg` in bytes.
pub const ADDRESS_HEAD: usize = 8;

/// What a message has changed in [`Links`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it repeats what is known, or is not about links and IPv4 addresses.
    Nothing,
    /// A link is new.
    LinkAdded {
        /// Its index.
        index: u32,
    },
    /// Something about a link is different.
    LinkChanged {
        /// What was known of it before.
        before: Box<Link>,
    },
    /// A link has gone, and its addresses with it.
    LinkRemoved {
        /// What was known of it; `None` if nothing was.
        link: Option<Box<Link>>,
    },
    /// A link has a new address.
    AddressAdded {
        /// The index of the link.
        index: u32,
        /// The address.
        address: Address,
        /// Whether it is the only one of the link.
        is_only: bool,
    },
    /// An address has gone.
    AddressRemoved {
        /// The index of the link.
        index: u32,
        /// The address.
        address: Address,
        /// Whether it was known.
        was_known: bool,
    },
    /// The message is invalid, so the table may lack something.
    Invalid,
}

/// All links and IPv4 addresses of a network namespace, as far as messages have told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    links: HashMap<u32, Link, RandomState>,
    addresses: HashMap<u32, Vec<Address>, RandomState>,
}

impl Links {
    /// The link with this index.
    #[must_use]
    pub fn get(&self, index: u32) -> Option<&Link> {
        self.links.get(&index)
    }

    /// The link that has this name at present.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Link> {
        self.links.values().find(|link| link.name == name)
    }

    /// All links, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }

    /// The addresses of a link, in the order in which the kernel told of them.
    #[must_use]
    pub fn addresses(&self, index: u32) -> &[Address] {
        self.addresses.get(&index).map_or(&[], Vec::as_slice)
    }

    /// The indices of the links that have addresses, each with its addresses, in no order.
    pub fn all_addresses(&self) -> impl Iterator<Item = (u32, &[Address])> {
        self.addresses.iter().map(|(index, addresses)| (*index, addresses.as_slice()))
    }

    /// The link that takes all packets of this one, so that none arrives on this one: a
    /// bridge, bond or team that it is a port of. A VRF takes none.
    #[must_use]
    pub fn port(&self, index: u32) -> Option<Port> {
        let link = self.get(index)?;
        let number = link.master?;
        let master = self.get(number);
        // A driver that tells no kind of its ports, such as openvswitch, tells that of the master.
        let kind = link.port_kind.as_deref().or_else(|| master?.kind.as_deref()).unwrap_or("");
        (kind != "vrf").then(|| Port {
            name: link.name.clone(),
            kind: kind.to_owned(),
            master: master.map_or_else(|| format!("the link {number}"), |link| link.name.clone()),
        })
    }

    /// Processes an announcement, or a part of a dump.
    pub fn take(&mut self, message: &Message<'_>) -> Change {
        let change = match message.kind {
            RTM_NEWLINK | RTM_DELLINK => self.link(message),
            RTM_NEWADDR | RTM_DELADDR => self.address(message),
            _ => Some(Change::Nothing),
        };
        change.unwrap_or(Change::Invalid)
    }

    fn link(&mut self, message: &Message<'_>) -> Option<Change> {
        let (head, rest) = message.split(LINK_HEAD)?;
        if i32::from(head[0]) != libc::AF_UNSPEC {
            return Some(Change::Nothing); // what a bridge says of its ports
        }
        let index = u32_at(head, 4)?;
        if message.kind == RTM_DELLINK {
            self.addresses.remove(&index);
            return Some(Change::LinkRemoved { link: self.links.remove(&index).map(Box::new) });
        }
        // Only a wireless event has no name, and it tells nothing else of the link either.
        let Some(link) = Link::parse(head, rest) else { return Some(Change::Nothing) };
        Some(match self.links.insert(index, link) {
            None => Change::LinkAdded { index },
            Some(before) if self.links[&index] == before => Change::Nothing,
            Some(before) => Change::LinkChanged { before: Box::new(before) },
        })
    }

    fn address(&mut self, message: &Message<'_>) -> Option<Change> {
        let (head, rest) = message.split(ADDRESS_HEAD)?;
        if i32::from(head[0]) != libc::AF_INET {
            return Some(Change::Nothing);
        }
        let (index, address) = (u32_at(head, 4)?, Address::parse(head, rest)?);
        let known = self.addresses.entry(index).or_default();
        let was_known = known.contains(&address);
        if message.kind == RTM_DELADDR {
            known.retain(|other| *other != address);
            return Some(Change::AddressRemoved { index, address, was_known });
        }
        if was_known {
            return Some(Change::Nothing); // its lifetime was prolonged
        }
        known.push(address);
        Some(Change::AddressAdded { index, address, is_only: known.len() == 1 })
    }
}
