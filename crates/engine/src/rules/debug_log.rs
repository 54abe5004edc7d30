//! The lines of MGM_LOG=debug: what happens to a packet, and which client does what.

use super::rpf::RpfPath;
use crate::effects::Effects;
use crate::tables::{ClientId, Mfe, Rpf, SourceId, Tables};
use mgm_types::{Flow, IfSet, Route, RouteOrigin};

/// Logs one line, which costs nothing unless MGM_LOG is debug.
pub fn debug(t: &Tables, fx: &mut Effects, line: impl FnOnce() -> String) {
    if t.config.debug {
        fx.log.push((log::Level::Debug, line()));
    }
}

/// A client as the log calls it.
pub fn who(t: &Tables, client: ClientId) -> String {
    match t.clients.key(client) {
        Some((protocol, 0)) => format!("protocol {protocol}"),
        Some((protocol, component)) => format!("protocol {protocol}/{component}"),
        None => "a deregistered client".into(),
    }
}

/// An owner as the log calls it.
pub fn whose(t: &Tables, client: Option<ClientId>) -> String {
    client.map_or_else(|| "none".into(), |client| who(t, client))
}

fn names(t: &Tables, set: &IfSet) -> String {
    crate::notice_text::list(set.iter().map(|id| t.interfaces.name(id)))
}

/// The iif, upstream neighbour and oifs of an MFE.
pub fn path(t: &Tables, flow: Flow) -> String {
    let Some(Mfe { iif, upstream, oifs, .. }) = t.flows.mfe(flow) else {
        return "gone".into();
    };
    let way_in = crate::notice_text::way_in(t.interfaces.name(*iif), *upstream);
    match oifs.is_empty() {
        true => format!("{way_in}, no outgoing interface"),
        false => format!("{way_in}, out on {}", names(t, oifs)),
    }
}

/// Logs the MFEs whose oifs have changed.
pub fn tell_changes(
    t: &Tables,
    flows: impl Iterator<Item = Flow>,
    log: &mut Vec<(log::Level, String)>,
) {
    if t.config.debug {
        let lines = flows.map(|flow| format!("{flow} changed: {}", path(t, flow)));
        log.extend(lines.map(|line| (log::Level::Debug, line)));
    }
}

/// The result of the look-up of a source, and the owner of the expected interface.
pub fn towards_source(t: &Tables, source: SourceId, path: RpfPath) -> String {
    let route = t.flows.sources.route(source);
    let (source, Route { if_index, network, prefix_len, .. }) =
        (t.flows.sources.addr(source), route);
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
        RpfPath::In(Rpf { iif, .. }) => {
            if route.paths.is_some() {
                text += &format!("; expected on {}", t.interfaces.name(iif));
            }
            t.interfaces.master(iif)
        }
        RpfPath::Bounded => return text + "; a boundary blocks the group there",
        RpfPath::Nowhere => None,
    };
    format!("{text}; owner: {}", whose(t, owner))
}
