//! The lines of MGM_LOG=debug, in plain words: what happens to a packet, and
//! which client has and wants what.

use super::mfe::Mfe;
use super::rpf_path::RpfPath;
use super::sources::SourceId;
use super::{ClientId, CreationOif, Effects, Engine, Notice, Refused};
use crate::types::{Flow, IfSet, Interface, Ipv4Addr, Route, RouteOrigin};
use std::fmt;

impl Engine {
    /// Logs one line, which costs nothing unless MGM_LOG is debug.
    pub(super) fn debug(&self, fx: &mut Effects, line: impl FnOnce() -> String) {
        if self.config.debug {
            fx.log.push((log::Level::Debug, line()));
        }
    }

    /// A client as the log calls it.
    #[must_use]
    pub fn who(&self, client: ClientId) -> String {
        match self.client_key(client) {
            Some((protocol, 0)) => format!("protocol {protocol}"),
            Some((protocol, component)) => format!("protocol {protocol}/{component}"),
            None => "a deregistered client".into(),
        }
    }

    /// An owner as the log calls it.
    pub(super) fn whose(&self, client: Option<ClientId>) -> String {
        client.map_or_else(|| "none".into(), |client| self.who(client))
    }

    fn names(&self, set: &IfSet) -> String {
        list(set.iter().map(|id| self.interfaces.name(id)))
    }

    /// The iif, upstream neighbour and oifs of an MFE.
    pub(super) fn path(&self, flow: Flow) -> String {
        let Some(Mfe { iif, upstream, oifs, .. }) = self.flows.mfe(flow) else {
            return "gone".into();
        };
        let way_in = way_in(self.interfaces.name(*iif), *upstream);
        match oifs.is_empty() {
            true => format!("{way_in}, no outgoing interface"),
            false => format!("{way_in}, out on {}", self.names(oifs)),
        }
    }

    /// Logs the MFEs whose oifs have changed.
    pub(super) fn tell_changes(
        &self,
        flows: impl Iterator<Item = Flow>,
        log: &mut Vec<(log::Level, String)>,
    ) {
        if self.config.debug {
            let lines = flows.map(|flow| format!("{flow} changed: {}", self.path(flow)));
            log.extend(lines.map(|line| (log::Level::Debug, line)));
        }
    }

    /// The result of the look-up of a source, and the owner of the expected interface.
    pub(super) fn towards_source(&self, source: SourceId, path: RpfPath) -> String {
        let route = self.flows.sources.route(source);
        let (source, Route { if_index, network, prefix_len, .. }) =
            (self.flows.sources.addr(source), route);
        let mut text = match route.origin {
            RouteOrigin::None => return format!("no route to {source}"),
            RouteOrigin::Local => format!("{source} is an address of this router"),
            RouteOrigin::Connected => {
                format!("{source} is directly connected to interface {if_index}")
            }
            RouteOrigin::Via(gateway) => {
                format!("{source} is reached through {gateway} on interface {if_index}")
            }
        };
        if route.origin != RouteOrigin::Local {
            text += &format!(" (route {network}/{prefix_len})");
        }
        if route.paths.is_some() {
            text += ", with other routes of equal cost";
        }
        let owner = match path {
            RpfPath::In(id, _) => {
                if route.paths.is_some() {
                    text += &format!("; expected on {}", self.interfaces.name(id));
                }
                self.interfaces.master(id)
            }
            RpfPath::Bounded => return text + "; a boundary blocks the group there",
            RpfPath::Nowhere => None,
        };
        format!("{text}; owner: {}", self.whose(owner))
    }
}

fn list(interfaces: impl Iterator<Item = Interface>) -> String {
    interfaces.map(|interface| interface.to_string()).collect::<Vec<_>>().join(", ")
}

fn way_in(iif: Interface, upstream: Ipv4Addr) -> String {
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

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::ForeignArrival => "no client owns its arrival interface",
            Refused::LinkLocal => "groups in 224.0.0.0/24 are never forwarded",
            Refused::Boundary => "a boundary blocks its group",
            Refused::NoUpstream => {
                "no route to its source leads through an interface that a client owns, and the \
                 owner of its arrival interface does not accept it"
            }
            Refused::WrongInterface => "it arrived on another interface than its iif",
            Refused::FlowLimit => "there are MGM_MAX_FLOWS flows",
            Refused::ArrivalLimit => "more than half of many flows began on its arrival interface",
            Refused::NoMemory => "out of memory",
        })
    }
}
