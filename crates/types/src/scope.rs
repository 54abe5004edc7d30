//! Administratively scoped groups (RFC 2365).

use super::Flow;
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// A range of groups that ends at administrative boundaries: a prefix inside
/// 239.0.0.0/8 (spec 3.7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    first: u32,
    length: u8,
}

impl Scope {
    /// The prefix, if it is one and lies inside 239.0.0.0/8.
    #[must_use]
    pub fn new(address: Ipv4Addr, length: u8) -> Option<Scope> {
        let scope = Scope { first: address.into(), length };
        let is_scoped = Scope::is_scoped(address) && (8..=32).contains(&length);
        (is_scoped && scope.first & !scope.mask_bits() == 0).then_some(scope)
    }

    /// Whether a group can lie within a boundary at all.
    #[must_use]
    pub fn is_scoped(group: Ipv4Addr) -> bool {
        group.octets()[0] == 239
    }

    fn mask_bits(self) -> u32 {
        u32::MAX << (32 - u32::from(self.length))
    }

    /// Whether a group belongs to the range.
    #[must_use]
    pub fn contains(self, group: Ipv4Addr) -> bool {
        u32::from(group) & self.mask_bits() == self.first
    }

    /// The keys of all flows whose group belongs to the range.
    #[must_use]
    pub fn flows(self) -> RangeInclusive<Flow> {
        let last = Ipv4Addr::from(self.first | !self.mask_bits());
        Flow::any_source(self.first.into())..=Flow::any_source(last).last_of_group()
    }
}

impl fmt::Display for Scope {
    /// `address/length`, which is also the name of a scope without one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.first), self.length)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(address: [u8; 4], length: u8) -> Option<Scope> {
        Scope::new(address.into(), length)
    }

    #[test]
    fn t3_7_scopes_lie_inside_239_8() {
        assert!(scope([239, 0, 0, 0], 8).is_some());
        assert!(scope([239, 255, 255, 255], 32).is_some());
        for (address, length) in [
            ([239, 0, 0, 0], 7),
            ([238, 0, 0, 0], 7),
            ([224, 0, 0, 0], 4),
            ([0; 4], 0),
            ([238, 255, 0, 0], 16),
            ([239, 255, 0, 0], 33),
            ([239, 255, 0, 1], 16), // bits beyond the mask
        ] {
            assert_eq!(scope(address, length), None, "{address:?}/{length}");
        }
    }

    #[test]
    fn t3_7_a_scope_has_the_groups_of_its_prefix() {
        let site = scope([239, 255, 0, 0], 16).unwrap();
        assert!(site.contains([239, 255, 0, 0].into()));
        assert!(site.contains([239, 255, 255, 255].into()));
        assert!(!site.contains([239, 254, 255, 255].into()));
        assert!(!site.contains([224, 255, 0, 0].into()));
        let flow = |s: [u8; 4], g: [u8; 4]| Flow::new(s.into(), g.into());
        assert!(site.flows().contains(&flow([255; 4], [239, 255, 255, 255])));
        assert!(!site.flows().contains(&flow([255; 4], [239, 254, 255, 255])));
        let all = scope([239, 0, 0, 0], 8).unwrap();
        assert!(all.contains([239, 7, 7, 7].into()) && !all.contains([238, 7, 7, 7].into()));
    }

    #[test]
    fn t3_7_a_scope_shows_as_address_and_length() {
        assert_eq!(scope([239, 192, 0, 0], 14).unwrap().to_string(), "239.192.0.0/14");
    }
}
