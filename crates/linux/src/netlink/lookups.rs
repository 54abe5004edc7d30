//! Look-ups of sources, one at a time.

use super::nexthops::{self, Object};
use super::reply::{self, NoRoute};
use super::wire::{self, messages};
use super::Known;
use crate::fork::Guarded;
use crate::types::{Domain, Ipv4Addr, NextHop, Route, RouteOrigin};
use mgm_net::netlink::{RouteSocket, ANSWER};
use netlink_packet_core::{NetlinkHeader, NetlinkMessage, NetlinkPayload, NLM_F_REQUEST};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteFlags, RouteMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::SocketAddr;
use socket2::SockRef;
use std::io;
use std::sync::Arc;

/// Longer than any answer about one route: the kernel makes them fit a page. Groups of next
/// hops are longer.
const LONGEST: usize = 65_536;

/// The socket for look-ups.
pub(super) struct Lookups {
    socket: Guarded<RouteSocket>,
    known: Arc<Known>,
    sequence: u32,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// The kinds of requests about a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// Which route matches it: network, protocol, all next hops.
    Match,
    /// Where packets to it are sent: one interface, one gateway.
    Decision,
}

impl Lookups {
    pub fn open(known: Arc<Known>) -> io::Result<Lookups> {
        let socket: Guarded<RouteSocket> = Guarded::open(RouteSocket::open)?;
        // To the kernel, port 0.
        socket.connect(&SocketAddr::new(0, 0))?;
        SockRef::from(&socket).set_read_timeout(Some(ANSWER))?;
        let (request, answer) = (Vec::new(), vec![0; LONGEST]);
        Ok(Lookups { socket, known, sequence: 0, request, answer })
    }

    /// The route to `source` in a domain.
    pub fn route(&mut self, source: Ipv4Addr, domain: Domain) -> io::Result<Route> {
        if domain == Domain::MAIN && self.known.copy.is_some() {
            return self.in_named_table(source);
        }
        let matched = match self.ask(source, domain.0, Ask::Match) {
            Ok(matched) => Some(matched),
            Err(NoRoute::Answered(error)) if is_unreachable(&error) => return Ok(Route::NONE),
            // A route with too many next hops for one answer.
            Err(NoRoute::Answered(error)) if error.raw_os_error() == Some(libc::EMSGSIZE) => None,
            Err(NoRoute::Answered(error) | NoRoute::Unheard(error)) => return Err(error),
        };
        let paths = match &matched {
            Some(matched) => self.paths(source, domain, matched)?,
            None => Vec::new(),
        };
        // The matching route, and if that has several paths, the kernel's decision.
        match matched {
            Some(matched) if !reply::needs_decision(&matched) => {
                Ok(reply::route(source, Some(&matched), &matched, &paths))
            }
            matched => match self.ask(source, domain.0, Ask::Decision) {
                Ok(decided) => Ok(reply::route(source, matched.as_ref(), &decided, &paths)),
                Err(NoRoute::Answered(error)) if is_unreachable(&error) => Ok(Route::NONE),
                Err(NoRoute::Answered(error) | NoRoute::Unheard(error)) => Err(error),
            },
        }
    }

    /// All paths of the matching route except dead ones.
    fn paths(
        &mut self,
        source: Ipv4Addr,
        domain: Domain,
        matched: &RouteMessage,
    ) -> io::Result<Vec<NextHop>> {
        if let Some(id) = reply::object(matched) {
            let known = Arc::clone(&self.known);
            if let Some(hops) = self.object(id, &known)? {
                return Ok(hops);
            }
        }
        let mut paths = reply::next_hops(matched);
        if let [NextHop { origin: RouteOrigin::Connected, if_index }] = paths[..] {
            let prefix = reply::prefix(matched);
            let others = self.known.links.read().sharing(prefix, domain, if_index);
            for other in others {
                let path = NextHop { origin: RouteOrigin::Connected, if_index: other };
                match self.ask(source, other, Ask::Match) {
                    Ok(route)
                        if reply::prefix(&route) == prefix
                            && reply::next_hops(&route).contains(&path) =>
                    {
                        paths.push(path);
                    }
                    Ok(_) | Err(NoRoute::Answered(_)) => {} // no such route at present
                    Err(NoRoute::Unheard(error)) => return Err(error),
                }
            }
        }
        Ok(paths)
    }

    fn in_named_table(&mut self, source: Ipv4Addr) -> io::Result<Route> {
        let known = Arc::clone(&self.known);
        let Some(copy) = &known.copy else { return Ok(Route::NONE) };
        let mut failed = None;
        // The kernel deletes routes together with their object, and is about to announce this.
        let found = copy.read().lookup(source, |id| {
            self.object(id, &known)
                .map(Option::unwrap_or_default)
                .map_err(|error| failed = Some(error))
                .ok()
        });
        found.ok_or_else(|| {
            failed.unwrap_or_else(|| io::Error::other("the unicast table has not been read yet"))
        })
    }

    /// The living next hops of an object; `None` if there is no such object.
    fn object(&mut self, id: u32, known: &Known) -> io::Result<Option<Vec<NextHop>>> {
        let (found, clearings) = {
            let objects = known.objects.lock();
            (objects.get(id), objects.clearings())
        };
        if let Some(hops) = found {
            return Ok(Some(hops.to_vec()));
        }
        let Some(object) = self.ask_object(id)? else { return Ok(None) };
        let mut hops = Vec::new();
        match object {
            Object::Nowhere => {}
            Object::Hop(hop) => hops.push(hop),
            Object::Group(members) => {
                for member in members {
                    // A group within a group does not exist.
                    if let Some(Object::Hop(hop)) = self.ask_object(member)? {
                        hops.push(hop);
                    }
                }
            }
        }
        known.objects.lock().enter(id, hops.as_slice().into(), clearings);
        Ok(Some(hops))
    }

    fn ask_object(&mut self, id: u32) -> io::Result<Option<Object>> {
        self.sequence = self.sequence.wrapping_add(1);
        let attributes = [(nexthops::NHA_ID, id)];
        let head = [0; nexthops::HEAD];
        let kind = nexthops::RTM_GETNEXTHOP;
        self.request = wire::request(kind, NLM_F_REQUEST, self.sequence, &head, &attributes);
        self.send()?;
        loop {
            let length = self.receive()?;
            let answer = messages(&self.answer[..length]).next();
            if let Some(answer) = answer.filter(|answer| answer.sequence == self.sequence) {
                return Ok(nexthops::read(&answer)); // otherwise an error: no such object
            }
        }
    }

    /// Sends a request about a source, through this interface or in this VRF; 0: by the policy
    /// rules.
    fn ask(&mut self, source: Ipv4Addr, oif: u32, ask: Ask) -> Result<RouteMessage, NoRoute> {
        self.sequence = self.sequence.wrapping_add(1);
        let message = request(source, oif, ask, self.sequence);
        self.request.resize(message.buffer_len(), 0);
        message.serialize(&mut self.request);
        self.send()?;
        loop {
            let length = self.receive()?;
            if let Some(answer) = reply::read(&self.answer[..length], self.sequence) {
                return answer;
            }
        }
    }

    fn send(&self) -> io::Result<()> {
        self.socket.send(&self.request, 0).map(drop)
    }

    fn receive(&mut self) -> io::Result<usize> {
        loop {
            match self.socket.recv(&mut &mut self.answer[..], 0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(io::Error::from(io::ErrorKind::TimedOut));
                }
                length => return length,
            }
        }
    }
}

fn request(
    source: Ipv4Addr,
    oif: u32,
    ask: Ask,
    sequence: u32,
) -> NetlinkMessage<RouteNetlinkMessage> {
    let mut route = RouteMessage::default();
    route.header.address_family = AddressFamily::Inet;
    route.header.destination_prefix_length = 32;
    if ask == Ask::Match {
        route.header.flags = RouteFlags::FibMatch;
    }
    route.attributes.push(RouteAttribute::Destination(RouteAddress::Inet(source)));
    route.attributes.extend((oif != 0).then_some(RouteAttribute::Oif(oif)));
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST;
    header.sequence_number = sequence;
    let payload = NetlinkPayload::from(RouteNetlinkMessage::GetRoute(route));
    let mut message = NetlinkMessage::new(header, payload);
    message.finalize();
    message
}

/// The errors for: no route; unreachable; prohibit; blackhole; throw; deleted VRF.
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
                | libc::ENODEV
        )
    )
}

#[cfg(test)]
mod tests {
    use super::super::wire::{attribute, u32_at};
    use super::*;

    #[test]
    fn t5_1_a_source_is_looked_up_in_its_domain() {
        let oif = |oif, ask| {
            let message = request([10, 0, 0, 1].into(), oif, ask, 7);
            let mut bytes = vec![0; message.buffer_len()];
            message.serialize(&mut bytes);
            let found = messages(&bytes).next().and_then(|message| {
                let (_, rest) = message.split(12)?;
                attribute(rest, 4).and_then(|value| u32_at(value, 0))
            });
            found
        };
        for ask in [Ask::Match, Ask::Decision] {
            assert_eq!(oif(9, ask), Some(9), "RTA_OIF is the VRF's device");
            assert_eq!(oif(0, ask), None, "outside of VRFs the rules say");
        }
    }
}
