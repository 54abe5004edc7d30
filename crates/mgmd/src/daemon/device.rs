//! A device of the system, with the properties that mgmd uses.

use mgm_igmp::{LinkAddress, LinkInfo};
use mgm_net::links::Links;
use mgm_types::Prefix;

/// The interface that stands for the rest of the router (M58).
pub const REST: &str = "mgm0";

/// The interface on which the packets in PIM registers arrive (M54).
pub const REGISTER: &str = "mgmreg";

/// A device of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its name at present.
    pub name: String,
    /// The state and the addresses that IGMP needs.
    pub info: LinkInfo,
    /// Why it cannot be served: it is a port of a bridge or a bond (I68).
    pub port: Option<String>,
    /// Whether it is the loopback interface (M6), mgm0 (M58) or mgmreg (M54), which patterns do not
    /// match.
    pub is_loopback: bool,
}

impl Device {
    /// The device with this index, if there is one.
    #[must_use]
    pub fn of(links: &Links, index: u32) -> Option<Device> {
        let link = links.get(index)?;
        let address = |known: &mgm_net::links::Address| LinkAddress {
            address: known.local,
            prefix: Prefix::of(known.peer, known.prefix_len),
        };
        Some(Device {
            name: link.name.clone(),
            info: LinkInfo {
                up: link.is_running(),
                mtu: link.mtu,
                point_to_point: link.is_point_to_point(),
                addresses: links.addresses(index).iter().map(address).collect(),
            },
            port: links.port(index).map(|port| port.to_string()),
            is_loopback: link.is_loopback() || [REST, REGISTER].contains(&link.name.as_str()),
        })
    }
}
