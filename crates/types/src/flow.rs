//! `(source, group)`: the key of memberships and MFEs.

use std::fmt;
use std::net::Ipv4Addr;

/// A `(source, group)` pair, ordered by group, then source (spec 6.1).
///
/// An unspecified source stands for `*`: `(*,g)` is a flow whose source is
/// 0.0.0.0, in `(*,*)` both are 0.0.0.0. One `u64`, because the
/// engine's tables have a million of them as keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow(u64);

impl Flow {
    /// `(*,*)`.
    pub const WILDCARD: Flow = Flow(0);
    /// The greatest key.
    pub const MAX: Flow = Flow(u64::MAX);

    /// `(source, group)`.
    #[must_use]
    pub fn new(source: Ipv4Addr, group: Ipv4Addr) -> Flow {
        Flow(u64::from(u32::from(group)) << 32 | u64::from(u32::from(source)))
    }

    /// `(*, group)`.
    #[must_use]
    pub fn any_source(group: Ipv4Addr) -> Flow {
        Flow::new(Ipv4Addr::UNSPECIFIED, group)
    }

    /// The source, 0.0.0.0 for any.
    #[must_use]
    pub fn source(self) -> Ipv4Addr {
        Ipv4Addr::from(self.0 as u32)
    }

    /// The group, 0.0.0.0 for any.
    #[must_use]
    pub fn group(self) -> Ipv4Addr {
        Ipv4Addr::from((self.0 >> 32) as u32)
    }

    /// Whether the flow has a source: an `(s,g)`.
    #[must_use]
    pub fn has_source(self) -> bool {
        self.0 as u32 != 0
    }

    /// The `(*,g)` of this flow's group.
    #[must_use]
    pub fn shared(self) -> Flow {
        Flow(self.0 & !0xffff_ffff)
    }

    /// The last key of this flow's group.
    #[must_use]
    pub fn last_of_group(self) -> Flow {
        Flow(self.0 | 0xffff_ffff)
    }

    /// The next flow in order; the greatest returns itself.
    #[must_use]
    pub fn successor(self) -> Flow {
        Flow(self.0.saturating_add(1))
    }

    /// The previous flow in order; the least returns itself.
    #[must_use]
    pub fn predecessor(self) -> Flow {
        Flow(self.0.saturating_sub(1))
    }

    /// Whether the group lies in 224.0.0.0/24, which no router forwards
    /// (spec 3.2, RFC 5771).
    #[must_use]
    pub fn is_link_local(self) -> bool {
        self.0 >> 40 == 0x00e0_0000
    }
}

/// Whether a host can send from this address (spec 3.2): it is neither 0.0.0.0/8,
/// 127.0.0.0/8, a group, nor 240.0.0.0 and above.
#[must_use]
pub fn is_host_source(address: Ipv4Addr) -> bool {
    !matches!(address.octets()[0], 0 | 127 | 224..)
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star =
            |addr: Ipv4Addr| if addr.is_unspecified() { "*".into() } else { addr.to_string() };
        write!(f, "({}, {})", star(self.source()), star(self.group()))
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t6_1_flows_order_by_group_then_source_as_dotted_quads() {
        let flow = |s: [u8; 4], g: [u8; 4]| Flow::new(s.into(), g.into());
        let mut flows = [
            flow([10, 0, 0, 1], [239, 2, 0, 0]),
            flow([200, 0, 0, 1], [239, 1, 0, 0]),
            flow([9, 0, 0, 1], [239, 1, 0, 0]),
            flow([10, 0, 0, 1], [225, 0, 0, 255]),
        ];
        flows.sort();
        let shown: Vec<String> = flows.iter().map(Flow::to_string).collect();
        assert_eq!(
            shown,
            [
                "(10.0.0.1, 225.0.0.255)",
                "(9.0.0.1, 239.1.0.0)",
                "(200.0.0.1, 239.1.0.0)",
                "(10.0.0.1, 239.2.0.0)"
            ]
        );
    }

    #[test]
    fn t3_2_the_link_local_block_is_224_0_0_only() {
        let group = |g: [u8; 4]| Flow::any_source(g.into());
        assert!(group([224, 0, 0, 5]).is_link_local());
        assert!(!group([224, 0, 1, 5]).is_link_local());
        assert!(!group([225, 0, 0, 5]).is_link_local());
        assert!(!Flow::WILDCARD.is_link_local());
    }

    #[test]
    fn t3_2_hosts_send_from_unicast_addresses_only() {
        for first in 0..=255 {
            let can_be = (1..127).contains(&first) || (128..224).contains(&first);
            assert_eq!(is_host_source([first, 0, 0, 1].into()), can_be, "{first}.0.0.1");
        }
    }

    #[test]
    fn wildcards_show_as_stars() {
        assert_eq!(Flow::WILDCARD.to_string(), "(*, *)");
        assert_eq!(Flow::any_source([239, 1, 1, 1].into()).to_string(), "(*, 239.1.1.1)");
    }
}
