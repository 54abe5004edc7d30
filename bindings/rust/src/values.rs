//! The values that functions and callbacks take and return.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// The protocol numbers of mgm.h (RFC 1354 and the multicast protocols), for [`crate::Client`]
/// and for routes.
pub mod protocol {
    /// None of the others.
    pub const OTHER: u32 = 1;
    /// Routes of the local router.
    pub const LOCAL: u32 = 2;
    /// Routes that an administrator has added.
    pub const NETMGMT: u32 = 3;
    /// RIP.
    pub const RIP: u32 = 8;
    /// MSDP.
    pub const MSDP: u32 = 9;
    /// IGMP: a client with this number is the IGMP of the router.
    pub const IGMP: u32 = 10;
    /// BGMP.
    pub const BGMP: u32 = 11;
    /// OSPF.
    pub const OSPF: u32 = 13;
    /// BGP.
    pub const BGP: u32 = 14;
}

/// Converts an address to a DWORD in network byte order; `None` becomes 0.
pub(crate) fn dword(address: Option<Ipv4Addr>) -> u32 {
    address.map_or(0, |address| u32::from_ne_bytes(address.octets()))
}

/// Converts a DWORD in network byte order to an address; 0 becomes `None`.
pub(crate) fn address(dword: u32) -> Option<Ipv4Addr> {
    (dword != 0).then(|| Ipv4Addr::from(dword.to_ne_bytes()))
}

/// The mask of a source or a group: 0 for 0, otherwise all bits.
pub(crate) fn mask(dword: u32) -> u32 {
    if dword == 0 {
        0
    } else {
        u32::MAX
    }
}

/// An interface: its index, and on point-to-multipoint links a next hop.
///
/// Functions take anything that converts into one, so an index is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interface {
    /// Index of the interface, not 0.
    pub index: u32,
    /// The next hop; `None` except on point-to-multipoint links.
    pub next_hop: Option<Ipv4Addr>,
}

impl Interface {
    /// Returns the interface with this index and without a next hop.
    #[must_use]
    pub fn new(index: u32) -> Interface {
        Interface { index, next_hop: None }
    }

    /// Returns the interface of this index that leads to a next hop.
    #[must_use]
    pub fn with_next_hop(index: u32, next_hop: Ipv4Addr) -> Interface {
        Interface { index, next_hop: Some(next_hop) }
    }

    pub(crate) fn of(index: u32, next_hop: u32) -> Interface {
        Interface { index, next_hop: address(next_hop) }
    }

    pub(crate) fn hop(self) -> u32 {
        dword(self.next_hop)
    }
}

impl From<u32> for Interface {
    fn from(index: u32) -> Interface {
        Interface::new(index)
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.next_hop {
            None => write!(f, "{}", self.index),
            Some(next_hop) => write!(f, "{}/{next_hop}", self.index),
        }
    }
}

/// The packets of a source to a group, of any source to a group, or all packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The source; `None` for any source.
    pub source: Option<Ipv4Addr>,
    /// The group; `None`, together with no source, for all groups.
    pub group: Option<Ipv4Addr>,
}

impl Flow {
    /// All packets: (\*, \*).
    pub const ALL: Flow = Flow { source: None, group: None };

    /// Returns the packets of a source to a group.
    #[must_use]
    pub fn new(source: Ipv4Addr, group: Ipv4Addr) -> Flow {
        Flow { source: Some(source), group: Some(group) }
    }

    /// Returns the packets of any source to a group.
    #[must_use]
    pub fn any_source(group: Ipv4Addr) -> Flow {
        Flow { source: None, group: Some(group) }
    }

    pub(crate) fn of(source: u32, group: u32) -> Flow {
        Flow { source: address(source), group: address(group) }
    }

    /// Source and group as DWORDs.
    pub(crate) fn dwords(self) -> (u32, u32) {
        (dword(self.source), dword(self.group))
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |address: Option<Ipv4Addr>| address.map_or("*".to_owned(), |a| a.to_string());
        write!(f, "({}, {})", text(self.source), text(self.group))
    }
}

/// How the packets of a flow must arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The incoming interface. Index 0 means that there is none.
    pub interface: Interface,
    /// The upstream neighbour; `None` if the source is directly connected.
    pub upstream: Option<Ipv4Addr>,
}

/// An outgoing interface in a CREATION_ALERT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The interface.
    pub interface: Interface,
    /// Whether IGMP is enabled on it.
    pub igmp: bool,
    /// True at first. Set it to false if the flow must not be forwarded out of the interface.
    pub enabled: bool,
}

/// An IPv4 prefix, such as 10.0.0.0/8. It is parsed from such a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// The address.
    pub address: Ipv4Addr,
    /// The length in bits, at most 32.
    pub length: u8,
}

impl Prefix {
    /// Returns a prefix. The library checks whether it is valid where it is used.
    #[must_use]
    pub fn new(address: Ipv4Addr, length: u8) -> Prefix {
        Prefix { address, length }
    }

    /// Address and mask as DWORDs.
    pub(crate) fn dwords(self) -> (u32, u32) {
        let bits = 32 - u32::from(self.length.min(32));
        let mask = u32::MAX.checked_shl(bits).unwrap_or(0);
        (dword(Some(self.address)), dword(Some(mask.into())))
    }

    pub(crate) fn of(address: u32, mask: u32) -> Prefix {
        let length = u32::from_be_bytes(mask.to_ne_bytes()).leading_ones();
        Prefix { address: Ipv4Addr::from(address.to_ne_bytes()), length: length as u8 }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// The text is not an address, a slash, and a length of at most 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPrefix;

impl fmt::Display for InvalidPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid prefix: write it as 10.0.0.0/8")
    }
}

impl std::error::Error for InvalidPrefix {}

impl FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> std::result::Result<Prefix, InvalidPrefix> {
        let (address, length) = text.split_once('/').ok_or(InvalidPrefix)?;
        let address = address.parse().map_err(|_| InvalidPrefix)?;
        let length = length.parse().ok().filter(|length| *length <= 32).ok_or(InvalidPrefix)?;
        Ok(Prefix { address, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_network_byte_order() {
        let value = dword(Some(Ipv4Addr::new(10, 0, 0, 5)));
        assert_eq!(value.to_ne_bytes(), [10, 0, 0, 5]);
        assert_eq!(address(value), Some(Ipv4Addr::new(10, 0, 0, 5)));
        assert_eq!((dword(None), address(0)), (0, None));
    }

    #[test]
    fn prefixes_and_their_masks() {
        for (text, mask) in [
            ("10.0.0.0/8", [255, 0, 0, 0]),
            ("0.0.0.0/0", [0; 4]),
            ("10.1.2.3/32", [255; 4]),
            ("239.255.0.0/17", [255, 255, 128, 0]),
        ] {
            let prefix: Prefix = text.parse().unwrap();
            let (address, bits) = prefix.dwords();
            assert_eq!(bits.to_ne_bytes(), mask, "{text}");
            assert_eq!(Prefix::of(address, bits), prefix);
            assert_eq!(prefix.to_string(), text);
        }
        for bad in ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/-1", "/8", ""] {
            assert_eq!(bad.parse::<Prefix>(), Err(InvalidPrefix), "{bad}");
        }
    }

    #[test]
    fn flows_and_interfaces_as_text() {
        let group = Ipv4Addr::new(239, 1, 2, 3);
        assert_eq!(Flow::any_source(group).to_string(), "(*, 239.1.2.3)");
        assert_eq!(Flow::ALL.to_string(), "(*, *)");
        assert_eq!(Interface::from(3).to_string(), "3");
        let hop = Ipv4Addr::new(10, 0, 0, 1);
        assert_eq!(Interface::with_next_hop(3, hop).to_string(), "3/10.0.0.1");
    }
}
