//! Which packets both sides of a link accept (I5 to I12).

use crate::codec::{self, Datagram, Message, Query, QueryBody};
use crate::config::Role;
use crate::counters::DropReason;
use crate::event::LinkInfo;
use crate::link_base::LinkBase;
use crate::Packet;
use mgm_types::is_host_source;
use std::net::Ipv4Addr;

/// Octets of a message of version 1 or 2.
const OLD_LENGTH: usize = 8;

/// A message that passed the checks that do not depend on the side that gets it.
#[derive(Clone, Debug)]
pub(crate) struct Received<'a> {
    /// Who sent it. 0.0.0.0 for a host without an address.
    pub source: Ipv4Addr,
    /// Where it was sent to.
    pub destination: Ipv4Addr,
    /// Whether the frame was addressed to this router alone.
    pub unicast_frame: bool,
    /// What it says.
    pub message: Message<'a>,
}

impl Received<'_> {
    /// Checks the destination, the group and the sources of a query (I11, I15). `takes_unicast`
    /// says whether the destination is an address at which this side also accepts queries.
    pub fn check_query(&self, query: &Query, takes_unicast: bool) -> Result<(), DropReason> {
        let general = query.is_general();
        let destination = if general { codec::ALL_SYSTEMS } else { query.group };
        if self.destination != destination && !takes_unicast {
            return Err(DropReason::BadDestination);
        }
        if !general && !query.group.is_multicast() {
            return Err(DropReason::NotAGroup);
        }
        if general && matches!(query.body, QueryBody::V3 { sources, .. } if !sources.is_empty()) {
            return Err(DropReason::GeneralWithSources);
        }
        Ok(())
    }
}

/// Reads a packet and checks it. `is_own` says which addresses are this router's.
pub(crate) fn receive<'a>(
    base: &mut LinkBase,
    packet: &Packet<'a>,
    is_own: impl Fn(Ipv4Addr) -> bool,
) -> Result<Received<'a>, DropReason> {
    let datagram = Datagram::read(packet.octets)?;
    base.counters.without_router_alert += u64::from(!datagram.router_alert);
    let message = Message::read(datagram.message)?;
    let long = message.is_old() && datagram.message.len() > OLD_LENGTH;
    base.counters.long_messages += u64::from(long);
    if datagram.ttl != 1 && !base.config.any_ttl {
        return Err(DropReason::BadTtl);
    }
    let wants_alert = base.config.require_router_alert && message.needs_router_alert();
    if wants_alert && !datagram.router_alert {
        return Err(DropReason::NoRouterAlert);
    }
    if is_own(datagram.source) {
        return Err(DropReason::OwnPacket);
    }
    // A provider's querier often has an address of another network, and hosts answer it (G31).
    let to_host = base.config.role == Role::Upstream && matches!(message, Message::Query(_));
    check_source(base, datagram.source, to_host)?;
    let received = Received {
        source: datagram.source,
        destination: datagram.destination,
        unicast_frame: packet.unicast_frame,
        message,
    };
    check_destination(&received, is_own)?;
    base.counters.accepted += 1;
    Ok(received)
}

/// I10, without own addresses and without what only queries must not have.
fn check_source(base: &LinkBase, source: Ipv4Addr, any_network: bool) -> Result<(), DropReason> {
    if source.is_unspecified() {
        return Ok(());
    }
    if !is_host_source(source) || is_subnet_broadcast(&base.info, source) {
        return Err(DropReason::BadSource);
    }
    let on_link = any_network
        || base.info.point_to_point
        || base.info.addresses.is_empty()
        || base.info.addresses.iter().any(|known| known.prefix.contains(source))
        || base.config.hosts.iter().any(|prefix| prefix.contains(source));
    if on_link {
        Ok(())
    } else {
        Err(DropReason::OffLink)
    }
}

/// Whether this is the broadcast address of one of the link's networks. Networks of one or
/// two addresses have none.
fn is_subnet_broadcast(info: &LinkInfo, source: Ipv4Addr) -> bool {
    let networks = info.addresses.iter().map(|known| known.prefix);
    networks.filter(|prefix| prefix.length() < 31).any(|prefix| prefix.last() == source)
}

/// I11, as far as it holds for both sides. Each side checks the destinations of queries.
fn check_destination(
    received: &Received,
    is_own: impl Fn(Ipv4Addr) -> bool,
) -> Result<(), DropReason> {
    let to = received.destination;
    let accepted = match received.message {
        Message::Query(_) | Message::ReportV3(_) => true,
        Message::ReportV1(group) | Message::ReportV2(group) => {
            let routers = [codec::ALL_SYSTEMS, codec::ALL_ROUTERS, codec::ALL_V3_ROUTERS];
            to == group || routers.contains(&to) || is_own(to)
        }
        Message::Leave(group) => to == group || to == codec::ALL_ROUTERS,
    };
    if accepted {
        Ok(())
    } else {
        Err(DropReason::BadDestination)
    }
}
