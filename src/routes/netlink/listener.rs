//! The thread `mgm-route`: hears that the kernel's routes have changed, or what it
//! routes multicast among.

use super::socket::RouteSocket;
use crate::routes::RouteWatcher;
use crate::sys::{self, StopSignal, Wake};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// From <linux/rtnetlink.h>: the groups that announce what a look-up depends
/// on. Links are among them because routes over a link that goes down go
/// without being announced. The last but one says that an interface has got a VIF,
/// or lost it, whoever has done that.
const GROUPS: [u32; 6] = [
    1,  // RTNLGRP_LINK
    5,  // RTNLGRP_IPV4_IFADDR
    7,  // RTNLGRP_IPV4_ROUTE
    8,  // RTNLGRP_IPV4_RULE
    24, // RTNLGRP_IPV4_NETCONF
    NEXTHOP,
];

/// RTNLGRP_NEXTHOP, of next hop objects: they came with Linux 5.3.
const NEXTHOP: u32 = 32;

const RTM_DELLINK: u16 = 17;
const RTM_NEWNETCONF: u16 = 80;

/// The watcher is told this long after the first of a number of changes: a
/// routing daemon makes thousands at a time.
const COLLECT: Duration = Duration::from_millis(50);

/// After an error of the socket: else a lasting one would have us spin.
const PAUSE: Duration = Duration::from_millis(100);

/// Opens the socket that changes are announced on. They are collected from now on.
pub(super) fn open() -> io::Result<RouteSocket> {
    let socket = RouteSocket::open()?;
    for group in GROUPS {
        match socket.add_membership(group) {
            Err(error) if group == NEXTHOP && error.raw_os_error() == Some(libc::EINVAL) => {
                log::debug!("no next hop objects in this kernel");
            }
            result => result?,
        }
    }
    socket.set_non_blocking(true)?;
    Ok(socket)
}

/// Starts the thread. It ends by itself when `stop` is raised, and may call
/// the watcher once more until then.
pub(super) fn spawn(
    socket: RouteSocket,
    stop: Arc<StopSignal>,
    watcher: Arc<dyn RouteWatcher>,
) -> io::Result<()> {
    crate::threads::spawn("mgm-route", move || {
        let mut due: Option<Instant> = None;
        let mut news = News::None;
        loop {
            let left = due.map(|at| at.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                due = None;
                sys::shield("a route change", || match std::mem::take(&mut news) {
                    News::Routes => watcher.routes_changed(),
                    News::Interfaces => watcher.interfaces_changed(),
                    News::None => {}
                });
                continue;
            }
            match sys::wait(Some(&socket), &stop, left) {
                Wake::Stop => return,
                Wake::Timeout => {}
                Wake::Readable => {
                    let heard = drain(&socket);
                    if heard.has_lost_link {
                        // Not later: until it is known, calls are accepted that come to
                        // nothing. What else has changed takes longer to look up.
                        sys::shield("a loss", || watcher.interfaces_changed());
                    }
                    news = news.max(heard.news);
                    if heard.news > News::None {
                        due.get_or_insert_with(|| Instant::now() + COLLECT);
                    } else if sys::wait(None::<&RouteSocket>, &stop, Some(PAUSE)) == Wake::Stop {
                        return;
                    }
                }
            }
        }
    })
}

/// What announcements come to: the last of these of which there was one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum News {
    #[default]
    None,
    /// What multicast is routed among may have changed. MGM's own changes are announced,
    /// too: looking all sources up for them would cost too much.
    Interfaces,
    /// Anything may have.
    Routes,
}

/// What a number of announcements comes to.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    news: News,
    /// A device has gone, and its VIF with it.
    has_lost_link: bool,
}

/// Reads all there is; what it comes to. More than that does not matter: the manager
/// looks for itself.
fn drain(socket: &RouteSocket) -> Heard {
    let mut buffer = [0u8; 4096];
    let mut heard = Heard::default();
    loop {
        match socket.recv(&mut &mut buffer[..], 0) {
            Ok(_) => {
                let kind = kind(&buffer);
                heard.news = heard.news.max(told_by(kind));
                heard.has_lost_link |= kind == RTM_DELLINK;
            }
            Err(error) => match error.raw_os_error() {
                // Announcements were lost: so there were some.
                Some(libc::ENOBUFS) => heard.news = News::Routes,
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN) => return heard,
                _ => {
                    log::debug!("reading route changes: {error}");
                    return heard;
                }
            },
        }
    }
}

/// The type of an announcement stands behind its length.
fn kind(message: &[u8; 4096]) -> u16 {
    u16::from_ne_bytes([message[4], message[5]])
}

/// What one announcement comes to.
fn told_by(kind: u16) -> News {
    match kind {
        RTM_NEWNETCONF => News::Interfaces,
        _ => News::Routes,
    }
}
