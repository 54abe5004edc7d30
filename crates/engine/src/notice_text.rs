//! Notices and answers in the words of the log.

use crate::notice::{CreationOif, Notice};
use mgm_types::{Interface, Ipv4Addr};
use std::fmt;

/// The names of interfaces.
pub fn list(interfaces: impl Iterator<Item = Interface>) -> String {
    interfaces.map(|interface| interface.to_string()).collect::<Vec<_>>().join(", ")
}

/// The incoming interface, and the upstream neighbour if there is one.
pub fn way_in(iif: Interface, upstream: Ipv4Addr) -> String {
    if upstream.is_unspecified() {
        format!("in on {iif}")
    } else {
        format!("in on {iif} from {upstream}")
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::LocalLeave { flow, interface } => write!(f, "LOCAL_LEAVE {flow} {interface}"),
            Notice::LocalJoin { flow, interface } => write!(f, "LOCAL_JOIN {flow} {interface}"),
            Notice::Join { flow, member: true } => {
                write!(f, "JOIN_ALERT {flow} (another client wants it)")
            }
            Notice::Join { flow, .. } => {
                write!(f, "JOIN_ALERT {flow} (its MFE has an outgoing interface)")
            }
            Notice::Prune { flow, .. } => {
                write!(f, "PRUNE_ALERT {flow} (no other client wants it)")
            }
            Notice::PruneMfe { flow, .. } => {
                write!(f, "PRUNE_ALERT {flow} (its MFE has no outgoing interface)")
            }
            Notice::WrongIf { flow, arrival, .. } => {
                write!(f, "WRONG_IF_CALLBACK {flow} arrived on {arrival}")
            }
            Notice::Rpf { flow, iif: Interface::NONE, arrival, .. } => {
                write!(f, "RPF_CALLBACK {flow} (no usable route) arrived on {arrival}")
            }
            Notice::Rpf { flow, iif, upstream, .. } => {
                write!(f, "RPF_CALLBACK {flow} {}", way_in(*iif, *upstream))
            }
            Notice::Creation { flow, oifs, .. } => {
                write!(f, "CREATION_ALERT {flow} out on {}", list(oifs.iter().map(name)))
            }
            Notice::DisableIgmp { interface, .. } => write!(f, "DISABLE_IGMP {interface}"),
            Notice::EnableIgmp { interface, .. } => write!(f, "ENABLE_IGMP {interface}"),
        }
    }
}

fn name(oif: &CreationOif) -> Interface {
    oif.interface
}

/// The answer in a notice, for the log.
pub struct Answer<'a>(pub &'a Notice);

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Notice::Rpf { flow, iif, upstream, .. } => match iif.index {
                0 => write!(f, "RPF_CALLBACK {flow}: not accepted"),
                _ => write!(f, "RPF_CALLBACK {flow}: {}", way_in(*iif, *upstream)),
            },
            Notice::Creation { flow, oifs, .. } => {
                match list(oifs.iter().filter(|oif| oif.enabled).map(name)) {
                    none if none.is_empty() => {
                        write!(f, "CREATION_ALERT {flow}: no outgoing interface")
                    }
                    some => write!(f, "CREATION_ALERT {flow}: out on {some}"),
                }
            }
            Notice::PruneMfe { flow, timeout, .. } => {
                write!(f, "PRUNE_ALERT {flow}: time-out {timeout} s")
            }
            other => write!(f, "{other}: done"),
        }
    }
}
