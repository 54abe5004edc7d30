//! The kernel's unicast routes as the multicast view: RTM_GETROUTE for each
//! source.
//!
//! - `reply` makes out what the kernel answers, without any I/O.
//! - `listener` is the thread that hears of changes.
//! - `socket` keeps the descriptors from forked children.

mod listener;
mod reply;
mod socket;

#[cfg(fuzzing)]
pub use reply::fuzz;

use super::{RouteView, RouteWatcher};
use crate::sys::StopSignal;
use crate::types::{Ipv4Addr, Refusal, Route};
use netlink_packet_core::{NetlinkHeader, NetlinkMessage, NetlinkPayload, NLM_F_REQUEST};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteFlags, RouteMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::SocketAddr;
use parking_lot::Mutex;
use reply::NoRoute;
use socket::RouteSocket;
use socket2::SockRef;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The kernel answers while the request is being sent; this is for the case
/// that it never does.
const ANSWER: Duration = Duration::from_secs(1);

/// Longer than any answer about one route: the kernel makes them fit a page.
const LONGEST: usize = 8192;

/// The routes of the Linux kernel, in the network namespace of the thread that
/// opened them.
pub struct NetlinkRoutes {
    /// A look-up takes some microseconds, too short for a second socket to pay.
    lookups: Mutex<Lookups>,
    stop: Arc<StopSignal>,
}

impl NetlinkRoutes {
    /// Opens the view; `watcher` hears of changes from then on, on a thread of
    /// its own, many changes at a time.
    ///
    /// # Errors
    /// `Forwarder`, with what is missing and what to do about it.
    pub fn open(watcher: Arc<dyn RouteWatcher>) -> Result<NetlinkRoutes, Refusal> {
        NetlinkRoutes::try_open(watcher).map_err(|error| {
            Refusal::Forwarder(match error.raw_os_error() {
                Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT | libc::EPERM | libc::EACCES) => {
                    format!(
                        "no route look-ups: netlink is not there, or a sandbox keeps it off \
                         ({error}): allow AF_NETLINK sockets"
                    )
                }
                _ => format!(
                    "no route look-ups: {error}: raise the limits on open files and threads"
                ),
            })
        })
    }

    fn try_open(watcher: Arc<dyn RouteWatcher>) -> io::Result<NetlinkRoutes> {
        let lookups = Mutex::new(Lookups::open()?);
        let stop = Arc::new(StopSignal::new()?);
        listener::spawn(listener::open()?, Arc::clone(&stop), watcher)?;
        Ok(NetlinkRoutes { lookups, stop })
    }
}

impl RouteView for NetlinkRoutes {
    fn lookup(&self, source: Ipv4Addr) -> Option<Route> {
        let mut lookups = self.lookups.lock();
        // What comes in between, a signal or want of memory, seldom does twice.
        let found = lookups.route(source).or_else(|_| lookups.route(source));
        drop(lookups);
        found
            .inspect_err(|error| {
                log::warn!(
                    "the kernel does not tell the route to {source} ({error}): what was known of \
                     it stands, trying again"
                );
            })
            .ok()
    }
}

impl Drop for NetlinkRoutes {
    /// The thread leaves by itself: waiting for it here, under the manager's
    /// lock, could be for ever, as it may be waiting for that lock.
    fn drop(&mut self) {
        self.stop.raise();
    }
}

/// The socket for look-ups, one at a time.
struct Lookups {
    socket: RouteSocket,
    sequence: u32,
    request: Vec<u8>,
    answer: Box<[u8; LONGEST]>,
}

/// The two questions there are about a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// Which route matches it: network, protocol, all next hops.
    Match,
    /// Where packets to it go: one interface, one gateway.
    Decision,
}

impl Lookups {
    fn open() -> io::Result<Lookups> {
        let socket = RouteSocket::open()?;
        // To the kernel, port 0.
        socket.connect(&SocketAddr::new(0, 0))?;
        SockRef::from(&*socket).set_read_timeout(Some(ANSWER))?;
        Ok(Lookups { socket, sequence: 0, request: Vec::new(), answer: Box::new([0; LONGEST]) })
    }

    /// The route that matches, and if that leaves it open the kernel's decision.
    fn route(&mut self, source: Ipv4Addr) -> io::Result<Route> {
        let matched = match self.ask(source, Ask::Match) {
            Ok(matched) => Some(matched),
            Err(NoRoute::Answered(error)) if is_unreachable(&error) => return Ok(Route::NONE),
            // A route with too many next hops for one answer.
            Err(NoRoute::Answered(error)) if error.raw_os_error() == Some(libc::EMSGSIZE) => None,
            Err(NoRoute::Answered(error) | NoRoute::Unheard(error)) => return Err(error),
        };
        match matched {
            Some(matched) if !reply::needs_decision(&matched) => {
                Ok(reply::route(source, Some(&matched), &matched))
            }
            matched => match self.ask(source, Ask::Decision) {
                Ok(decided) => Ok(reply::route(source, matched.as_ref(), &decided)),
                Err(NoRoute::Answered(error)) if is_unreachable(&error) => Ok(Route::NONE),
                Err(NoRoute::Answered(error) | NoRoute::Unheard(error)) => Err(error),
            },
        }
    }

    fn ask(&mut self, source: Ipv4Addr, ask: Ask) -> Result<RouteMessage, NoRoute> {
        self.sequence = self.sequence.wrapping_add(1);
        let message = request(source, ask, self.sequence);
        self.request.resize(message.buffer_len(), 0);
        message.serialize(&mut self.request);
        self.socket.send(&self.request, 0)?;
        loop {
            let length = match self.socket.recv(&mut &mut self.answer[..], 0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(io::Error::from(io::ErrorKind::TimedOut).into());
                }
                length => length?,
            };
            if let Some(answer) = reply::read(&self.answer[..length], self.sequence) {
                return answer;
            }
        }
    }
}

fn request(source: Ipv4Addr, ask: Ask, sequence: u32) -> NetlinkMessage<RouteNetlinkMessage> {
    let mut route = RouteMessage::default();
    route.header.address_family = AddressFamily::Inet;
    route.header.destination_prefix_length = 32;
    if ask == Ask::Match {
        route.header.flags = RouteFlags::FibMatch;
    }
    route.attributes.push(RouteAttribute::Destination(RouteAddress::Inet(source)));
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST;
    header.sequence_number = sequence;
    let payload = NetlinkPayload::from(RouteNetlinkMessage::GetRoute(route));
    let mut message = NetlinkMessage::new(header, payload);
    message.finalize();
    message
}

/// The answers for: no route; unreachable; prohibit; blackhole; throw.
fn is_unreachable(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ENETUNREACH
                | libc::EHOSTUNREACH
                | libc::EACCES
                | libc::EINVAL
                | libc::EAGAIN
                | libc::ESRCH
        )
    )
}
