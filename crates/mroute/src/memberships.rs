//! The socket options with which a daemon joins and leaves groups, decoded.

use crate::options::{address_at, VifTarget};
use mgm_types::Flow;

/// The options at the level IPPROTO_IP.
const IP_ADD_MEMBERSHIP: i32 = 35;
const IP_DROP_MEMBERSHIP: i32 = 36;
const IP_ADD_SOURCE_MEMBERSHIP: i32 = 39;
const IP_DROP_SOURCE_MEMBERSHIP: i32 = 40;
const MCAST_JOIN_GROUP: i32 = 42;
const MCAST_LEAVE_GROUP: i32 = 45;
const MCAST_JOIN_SOURCE_GROUP: i32 = 46;
const MCAST_LEAVE_SOURCE_GROUP: i32 = 47;

/// The bytes of a `struct sockaddr_storage`, and where it begins in a `struct group_req`.
const STORAGE: usize = 128;
const STORAGE_AT: usize = 8;

/// A join or a leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Otherwise it is a leave.
    pub joins: bool,
    /// Where; index 0 and address 0.0.0.0 leave the choice to the kernel.
    pub on: VifTarget,
    /// The group, and the source if there is one.
    pub flow: Flow,
}

/// Whether an option at the level IPPROTO_IP joins or leaves a group.
#[must_use]
pub fn is_membership(name: i32) -> bool {
    matches!(
        name,
        IP_ADD_MEMBERSHIP
            | IP_DROP_MEMBERSHIP
            | IP_ADD_SOURCE_MEMBERSHIP
            | IP_DROP_SOURCE_MEMBERSHIP
            | MCAST_JOIN_GROUP
            | MCAST_LEAVE_GROUP
            | MCAST_JOIN_SOURCE_GROUP
            | MCAST_LEAVE_SOURCE_GROUP
    )
}

impl Membership {
    /// Decodes an option; `None` if it is another one, or malformed, which the kernel then refuses.
    #[must_use]
    pub fn parse(name: i32, value: &[u8]) -> Option<Membership> {
        let joins = matches!(
            name,
            IP_ADD_MEMBERSHIP
                | IP_ADD_SOURCE_MEMBERSHIP
                | MCAST_JOIN_GROUP
                | MCAST_JOIN_SOURCE_GROUP
        );
        let (on, flow) = match name {
            IP_ADD_MEMBERSHIP | IP_DROP_MEMBERSHIP => {
                let value = value.get(..8)?;
                let on = VifTarget::Address(address_at(value, 4));
                (on, Flow::any_source(address_at(value, 0)))
            }
            IP_ADD_SOURCE_MEMBERSHIP | IP_DROP_SOURCE_MEMBERSHIP => {
                let value = value.get(..12)?;
                let on = VifTarget::Address(address_at(value, 4));
                (on, Flow::new(address_at(value, 8), address_at(value, 0)))
            }
            MCAST_JOIN_GROUP | MCAST_LEAVE_GROUP => {
                let (on, group) = (index(value)?, inet(value, STORAGE_AT)?);
                (on, Flow::any_source(group))
            }
            MCAST_JOIN_SOURCE_GROUP | MCAST_LEAVE_SOURCE_GROUP => {
                let group = inet(value, STORAGE_AT)?;
                (index(value)?, Flow::new(inet(value, STORAGE_AT + STORAGE)?, group))
            }
            _ => return None,
        };
        // A `struct ip_mreqn` has the index at its end, which takes precedence.
        let on = match (name, value.get(8..12)) {
            (IP_ADD_MEMBERSHIP | IP_DROP_MEMBERSHIP, Some(end)) if end != [0; 4] => {
                VifTarget::Index(u32::from_ne_bytes(end.try_into().ok()?))
            }
            _ => on,
        };
        Some(Membership { joins, on, flow })
    }
}

fn index(value: &[u8]) -> Option<VifTarget> {
    Some(VifTarget::Index(u32::from_ne_bytes(*value.first_chunk::<4>()?)))
}

/// The address in a `struct sockaddr_storage`, if it is of IPv4.
fn inet(value: &[u8], at: usize) -> Option<mgm_types::Ipv4Addr> {
    let storage = value.get(at..at + STORAGE)?;
    let family = u16::from_ne_bytes([storage[0], storage[1]]);
    (i32::from(family) == libc::AF_INET).then(|| address_at(storage, 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mgm_types::Ipv4Addr;

    const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
    const HERE: VifTarget = VifTarget::Address(Ipv4Addr::new(10, 1, 0, 1));

    #[test]
    fn a_join_names_its_interface_by_address_or_by_index() {
        let mreq = [239, 1, 2, 3, 10, 1, 0, 1];
        let flow = Flow::any_source(GROUP);
        let joined = Membership { joins: true, on: HERE, flow };
        assert_eq!(Membership::parse(35, &mreq), Some(joined));
        assert_eq!(Membership::parse(36, &mreq), Some(Membership { joins: false, ..joined }));
        let mreqn = [&mreq[..], &7u32.to_ne_bytes()].concat();
        let by_index = Membership { on: VifTarget::Index(7), ..joined };
        assert_eq!(Membership::parse(35, &mreqn), Some(by_index));
        let mreqn = [&mreq[..], &[0; 4]].concat();
        assert_eq!(Membership::parse(35, &mreqn), Some(joined));
        let source = [&mreq[..], &[10, 9, 0, 2]].concat();
        let of_source = Flow::new([10, 9, 0, 2].into(), GROUP);
        assert_eq!(
            Membership::parse(39, &source).map(|it| (it.flow, it.on)),
            Some((of_source, HERE))
        );
    }

    #[test]
    fn group_req_is_read_with_its_padding() {
        let mut request = vec![0; 264];
        request[0] = 7;
        for (at, address) in [(8, [239, 1, 2, 3]), (136, [10, 9, 0, 2])] {
            request[at] = 2;
            request[at + 4..at + 8].copy_from_slice(&address);
        }
        let parse = |name, value: &[u8]| {
            Membership::parse(name, value).map(|it| (it.joins, it.on, it.flow))
        };
        let (on, flow) = (VifTarget::Index(7), Flow::any_source(GROUP));
        assert_eq!(parse(42, &request[..136]), Some((true, on, flow)));
        assert_eq!(parse(45, &request[..136]), Some((false, on, flow)));
        let flow = Flow::new([10, 9, 0, 2].into(), GROUP);
        assert_eq!(parse(46, &request), Some((true, on, flow)));
        assert_eq!(parse(47, &request), Some((false, on, flow)));
        assert_eq!(parse(42, &request[..135]), None);
        assert_eq!(parse(46, &request[..263]), None);
        request[8] = 10;
        assert_eq!(parse(42, &request[..136]), None, "IPv6");
        assert_eq!(parse(32, &request), None, "IP_MULTICAST_IF");
    }
}
