//! Announcements of links, neighbours and VIFs, so that ports follow them.

use super::requests::vif_change;
use crate::fork::Guarded;
use mgm_net::netlink::{wire, RouteSocket};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// From <linux/rtnetlink.h>.
const RTNLGRP_LINK: u32 = 1;
const RTNLGRP_NEIGH: u32 = 3;
const RTNLGRP_IPV4_NETCONF: u32 = 24;

/// Longer than any announcement: that of a link is the longest.
const LONGEST: usize = 32_768;

/// The announcements of the network namespace of the thread that opened it.
#[derive(Debug)]
pub(super) struct LinkChanges(Guarded<RouteSocket>);

/// What has changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// Links and their neighbours, by index.
    Links(BTreeSet<u32>),
    /// Perhaps any: announcements were lost, or cannot be read.
    All,
}

impl AsFd for LinkChanges {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl LinkChanges {
    pub(super) fn open() -> io::Result<LinkChanges> {
        let socket: Guarded<RouteSocket> = Guarded::open(RouteSocket::open)?;
        for group in [RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_NETCONF] {
            socket.add_membership(group)?;
        }
        socket.set_non_blocking(true)?;
        Ok(LinkChanges(socket))
    }

    /// Reads what has been announced; `None` if there is nothing.
    pub(super) fn read(&self) -> Option<Changed> {
        let (mut links, mut is_all) = (BTreeSet::new(), false);
        let mut datagram = vec![0; LONGEST];
        loop {
            match self.0.recv(&mut &mut datagram[..], 0) {
                Ok(length) => {
                    let mut count = 0;
                    let messages = wire::messages(&datagram[..length.min(LONGEST)]);
                    links.extend(messages.inspect(|_| count += 1).filter_map(|message| {
                        // Links and neighbours have their index at the same offset.
                        let other = || wire::u32_at(message.body, 4);
                        vif_change(&message).map(|(index, _)| index).or_else(other)
                    }));
                    is_all |= count == 0; // the message is invalid
                }
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => is_all = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        match is_all {
            true => Some(Changed::All),
            false => (!links.is_empty()).then_some(Changed::Links(links)),
        }
    }
}
