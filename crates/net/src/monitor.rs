//! Links and addresses as the kernel announces them, for an event loop.

use crate::links::{Address, Change, Link, Links};
use crate::netlink::wire::messages;
use crate::netlink::{Dumper, RouteSocket};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// The netlink groups of links and IPv4 addresses, from <linux/rtnetlink.h>.
const GROUPS: [u32; 2] = [
    1, // RTNLGRP_LINK
    5, // RTNLGRP_IPV4_IFADDR
];

/// Longer than any announcement: that of a link is the longest.
const LONGEST: usize = 32_768;

/// The bytes of announcements that the socket holds, some thousand announcements.
const UNREAD: usize = 2 << 20;

/// [`Monitor::read`] reads no more than this number of announcements, so that an event loop makes
/// progress however fast they arrive.
const MOST: usize = 1024;

/// Something that happened to a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A link is new, or has come from another network namespace.
    LinkAdded(Box<Link>),
    /// Something about a link is different: its name, whether it is up, its MTU, its master …
    LinkChanged {
        /// What it was.
        before: Box<Link>,
        /// What it is.
        after: Box<Link>,
    },
    /// A link has gone, or moved to another network namespace, and its addresses with it. Another
    /// device may get its index.
    LinkRemoved(Box<Link>),
    /// A link has a new address.
    AddressAdded {
        /// The index of the link.
        index: u32,
        /// The address.
        address: Address,
    },
    /// An address has gone.
    AddressRemoved {
        /// The index of the link.
        index: u32,
        /// The address.
        address: Address,
    },
}

/// The links and addresses of a network namespace, kept up to date. One thread uses it.
#[derive(Debug)]
pub struct Monitor {
    socket: RouteSocket,
    dumper: Dumper,
    links: Links,
    buffer: Vec<u8>,
    is_stale: bool,
}

impl Monitor {
    /// Opens the monitor in the network namespace of the calling thread, and reads all links and
    /// addresses. These are no events: see [`Monitor::links`].
    ///
    /// # Errors
    /// EAFNOSUPPORT, EPROTONOSUPPORT, EPERM or EACCES: netlink is missing, or a sandbox blocks
    /// it: allow AF_NETLINK sockets. EMFILE, ENFILE, ENOMEM, ENOBUFS: the system lacks resources.
    /// No capability is needed.
    pub fn open() -> io::Result<Monitor> {
        let socket = RouteSocket::open()?;
        // Without CAP_NET_ADMIN the buffer is smaller. When it overflows, all is read again.
        let _ = socket.set_receive_buffer(UNREAD);
        for group in GROUPS {
            socket.add_membership(group)?;
        }
        socket.set_non_blocking(true)?;
        // What changes from now on is announced, so nothing can be missed.
        let mut dumper = Dumper::open()?;
        let links = dumper.links()?;
        Ok(Monitor { socket, dumper, links, buffer: vec![0; LONGEST], is_stale: false })
    }

    /// The links and addresses, as of the last [`Monitor::read`].
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Whether announcements were lost and the tables could not be read again yet. Then call
    /// [`Monitor::read`] again after a second, even if the socket is not readable.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Reads the waiting announcements without blocking, and appends the events in their order. At
    /// most 1,024 announcements are read: poll the socket again before you wait.
    ///
    /// If announcements were lost (ENOBUFS), everything is read again, and the differences are the
    /// events. A device that was replaced by another with its index is then reported as removed and
    /// added. Announcements that the kernel made while everything was being read may repeat a
    /// change.
    ///
    /// # Errors
    /// The tables could not be read again: see [`Monitor::is_stale`]. Any other error is one
    /// of the socket. What was appended to `events` before the error is valid.
    pub fn read(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        for _ in 0..MOST {
            // The length of the whole message, even if it is longer than the buffer.
            match self.socket.recv(&mut &mut self.buffer[..], libc::MSG_TRUNC) {
                Ok(length) if length > self.buffer.len() => self.is_stale = true,
                Ok(length) => self.take(length, events),
                Err(error) => match error.raw_os_error() {
                    Some(libc::ENOBUFS) => self.is_stale = true,
                    Some(libc::EINTR) => {}
                    Some(libc::EAGAIN) => break,
                    _ => return Err(error),
                },
            }
        }
        // Only now, so that no old announcement is taken for a newer one.
        if self.is_stale {
            self.read_again(events)?;
        }
        Ok(())
    }

    fn take(&mut self, length: usize, events: &mut Vec<Event>) {
        // The announcements may lack some in between, so nothing follows from them.
        if self.is_stale {
            return;
        }
        let mut count = 0;
        for message in messages(&self.buffer[..length]) {
            count += 1;
            let event = match self.links.take(&message) {
                Change::Nothing | Change::LinkRemoved { link: None } => continue,
                Change::Invalid => {
                    self.is_stale = true;
                    return;
                }
                Change::LinkAdded { index } => self.links.get(index).map(added),
                Change::LinkChanged { before } => {
                    self.links.get(before.index).map(|after| changed(&before, after))
                }
                Change::LinkRemoved { link: Some(link) } => Some(Event::LinkRemoved(link)),
                Change::AddressAdded { index, address, .. } => {
                    Some(Event::AddressAdded { index, address })
                }
                Change::AddressRemoved { index, address, was_known } => {
                    was_known.then_some(Event::AddressRemoved { index, address })
                }
            };
            events.extend(event);
        }
        self.is_stale |= count == 0;
    }

    fn read_again(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        let links = self.dumper.links()?;
        differences(&self.links, &links, events);
        self.links = links;
        self.is_stale = false;
        Ok(())
    }
}

impl AsFd for Monitor {
    /// Readable when announcements wait.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn added(link: &Link) -> Event {
    Event::LinkAdded(Box::new(link.clone()))
}

fn changed(before: &Link, after: &Link) -> Event {
    Event::LinkChanged { before: Box::new(before.clone()), after: Box::new(after.clone()) }
}

/// The events that lead from one table to another. What has gone comes first, so that no two links
/// have the same name in between.
fn differences(before: &Links, after: &Links, events: &mut Vec<Event>) {
    let remains = |link: &Link| after.get(link.index).is_some_and(|new| new.is_same_device(link));
    for link in before.iter().filter(|link| !remains(link)) {
        events.push(Event::LinkRemoved(Box::new(link.clone())));
    }
    let known = |index| before.get(index).filter(|link| remains(link));
    let addresses = |index| known(index).map_or(&[][..], |link| before.addresses(link.index));
    for (index, _) in before.all_addresses().filter(|(index, _)| known(*index).is_some()) {
        let gone = |address: &&Address| !after.addresses(index).contains(address);
        let gone = addresses(index).iter().filter(gone);
        events.extend(gone.map(|&address| Event::AddressRemoved { index, address }));
    }
    for link in after.iter() {
        match known(link.index) {
            None => events.push(added(link)),
            Some(old) if old != link => events.push(changed(old, link)),
            Some(_) => {}
        }
    }
    for (index, all) in after.all_addresses() {
        let new = all.iter().filter(|address| !addresses(index).contains(address));
        events.extend(new.map(|&address| Event::AddressAdded { index, address }));
    }
}

#[cfg(test)]
mod tests;
