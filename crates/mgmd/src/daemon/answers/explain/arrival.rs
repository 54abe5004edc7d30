//! The interface on which the packets of a flow arrive, or are expected.

use super::{internal, Asked};
use crate::control::name;
use mgm_control::explain::library::LibraryFlow;
use mgm_control::explain::{
    trouble_of, AcceptedBy, Arrival, ProxyShare, RouteShare, Trouble, TroubleKind,
};
use mgm_control::{ErrorCode, Failure};
use mgm_net::mroute::table_of;
use nix::net::if_::if_nametoindex;
use serde::Deserialize;
use serde_json::Value;

/// What the interface follows from.
pub struct Place<'a> {
    pub asked: &'a Asked<'a>,
    pub routes: &'a [RouteShare],
    pub proxies: &'a [ProxyShare],
}

impl Place<'_> {
    /// Finds the interface. If it is not the one that the library assumes, asks the library again.
    pub fn find(&self, library: Value) -> Result<(Value, Option<Arrival>), Failure> {
        let flow = LibraryFlow::deserialize(&library).map_err(internal)?;
        if let Some(from) = &self.asked.query.from {
            let arrival = self.named(from.as_str())?;
            return Ok((library, Some(self.completed(arrival, &flow))));
        }
        let guess = if flow.arrival.is_none() { self.guess(&flow) } else { None };
        let Some((name, index)) = guess else {
            let arrival = flow.place().map(|arrival| self.completed(arrival, &flow));
            return Ok((library, arrival));
        };
        let explain = self.asked.view.context.library.explain_reader();
        let library = explain(self.asked.flow(), Some(index)).map_err(internal)?;
        let library: Value = serde_json::from_str(&library).map_err(internal)?;
        let flow = LibraryFlow::deserialize(&library).map_err(internal)?;
        let arrival = Arrival { interface: name, index, ..Arrival::default() };
        Ok((library, Some(self.completed(arrival, &flow))))
    }

    /// The interface that the request names. It may be missing if it is in the configuration.
    fn named(&self, interface: &str) -> Result<Arrival, Failure> {
        let index = if_nametoindex(interface).unwrap_or(0);
        if index == 0 && !self.asked.links.contains_key(interface) {
            let text = format!("no interface is called {interface}: \"ip link\" lists them");
            return Err(Failure::new(ErrorCode::NotFound, text));
        }
        Ok(Arrival { interface: interface.into(), index, ..Arrival::default() })
    }

    /// Where packets that have not arrived yet have to arrive: where a static route for the flow
    /// begins, or on the upstream of a proxy that accepts it.
    fn guess(&self, flow: &LibraryFlow) -> Option<(String, u32)> {
        let expected = flow.expected.as_ref().map_or(0, |expected| expected.index);
        let index = |name: &String| self.asked.links.get(name).and_then(|link| link.index);
        let begins = self.routes.iter().filter(|route| route.rests_because_of.is_none());
        let begins = begins.flat_map(|route| &route.from_interfaces);
        let upstreams = self.proxies.iter().filter(|proxy| proxy.accepts);
        let upstreams = upstreams.filter_map(|proxy| proxy.active.as_ref());
        let candidates = begins.chain(upstreams);
        let mut candidates = candidates.filter_map(|name| Some((name.clone(), index(name)?)));
        // If the source is expected on one of them, that is it.
        let accepted = candidates.clone().find(|(_, index)| *index == expected);
        accepted.or_else(|| candidates.find(|(_, index)| self.accepted_by(*index, flow).is_some()))
    }

    /// What makes mgmd accept the flow on this interface. It does so only if the library asks it,
    /// and not a routing protocol.
    fn accepted_by(&self, index: u32, flow: &LibraryFlow) -> Option<AcceptedBy> {
        let expected = flow.expected.as_ref().map_or(0, |expected| expected.index);
        self.asked.view.context.shared.with(|state| {
            if state.is_owned(if expected == 0 { index } else { expected }) {
                return None;
            }
            if state.routes.accepts(self.asked.flow(), index, state.is_owned(index)) {
                return Some(AcceptedBy::StaticRoute);
            }
            let accepts = state.igmp.accepts(self.asked.flow(), expected, index);
            accepts.then_some(AcceptedBy::Proxy)
        })
    }

    fn completed(&self, arrival: Arrival, flow: &LibraryFlow) -> Arrival {
        let Asked { evidence, .. } = self.asked;
        let Arrival { interface, index, .. } = arrival;
        let seen = evidence.listening.as_ref().map(|listening| &listening.seen[..]);
        let is_own = flow.route.as_ref().is_some_and(|route| route.kind == "local");
        let is_seen =
            |seen: &mgm_control::explain::Seen| seen.index == index && (!seen.leaving || is_own);
        let kernel = evidence.kernel.as_ref();
        Arrival {
            seen: seen.unwrap_or_default().iter().any(is_seen),
            trouble: self.trouble(&interface, index),
            accepted_by: self.accepted_by(index, flow),
            source_accepted: kernel.and_then(|state| state.accepts.get(&index).copied()),
            table: kernel.and_then(|state| table_of(&interface, &state.rules, &state.tables)),
            interface: name(index).unwrap_or(interface),
            index,
        }
    }

    fn trouble(&self, interface: &str, index: u32) -> Option<Trouble> {
        match self.asked.links.get(interface) {
            Some(_) => self.asked.trouble(interface),
            None if index == 0 => Some(Trouble { kind: TroubleKind::Missing, text: None }),
            None => Some(Trouble { kind: TroubleKind::NotConfigured, text: None }),
        }
    }
}

impl Asked<'_> {
    /// Why mgmd cannot use an interface of the configuration.
    pub fn trouble(&self, interface: &str) -> Option<Trouble> {
        let link = self.links.get(interface)?;
        let port = link.device.and_then(|device| device.port.clone());
        if let (None, Some(advice)) = (link.plan, port) {
            return Some(Trouble { kind: TroubleKind::Port, text: Some(advice) });
        }
        trouble_of(link.state()).or_else(|| {
            let index = link.index?;
            let text = self.view.context.shared.with(|state| state.untaken.get(&index).cloned())?;
            Some(Trouble { kind: TroubleKind::Refused, text: Some(text) })
        })
    }
}
