//! Tests of the rules: a file for each chapter of docs/semantics.md, each test named after the rule
//! that it proves.
//!
//! A [`Router`] stands for the manager: it delivers the notices, answers the questions, and records
//! what each client was told. `A`, `B` … are routing protocols; names that begin with `I` are IGMP.

mod alerts;
mod behind;
mod enumeration;
mod equal_cost;
mod explain;
mod flow_limit;
mod flow_rates;
mod grace;
mod limits;
mod lost_interfaces;
mod membership;
mod mfes;
mod overload;
mod ownership;
mod ownership_igmp;
mod refusals;
mod registration;
mod renewal;
mod reroute;
mod resolution;
mod retrieval;
mod router;
mod scenarios;
mod turns;
mod unrouted;

use super::*;
use mgm_types::{
    Code, Domain, Flow, IfId, Interface, Ipv4Addr, NextHop, Prefix, Refusal, Result, Route,
    RouteOrigin, Scope, Time,
};
use router::Router;

/// A flow written as it is displayed: `(*, 239.1.1.1)`.
fn flow(text: &str) -> Flow {
    let (source, group) =
        text.trim_matches(['(', ')']).split_once(", ").expect("a flow is (source, group)");
    let part = |text: &str| if text == "*" { Ipv4Addr::UNSPECIFIED } else { addr(text) };
    Flow::new(part(source), part(group))
}

/// A dotted quad.
fn addr(text: &str) -> Ipv4Addr {
    text.parse().expect("a dotted quad")
}

/// An interface, as a test names it: `1`, or `(1, "10.0.0.9")` with its next hop.
trait Where: Copy {
    fn there(self) -> Interface;
}

impl Where for u32 {
    fn there(self) -> Interface {
        Interface::link(self)
    }
}

impl Where for (u32, &str) {
    fn there(self) -> Interface {
        Interface { index: self.0, next_hop: addr(self.1) }
    }
}

impl Where for Interface {
    fn there(self) -> Interface {
        self
    }
}

fn route(origin: RouteOrigin, if_index: u32) -> Route {
    Route { origin, if_index, paths: None, network: addr("10.0.0.0"), prefix_len: 8, protocol: 3 }
}

/// The source is on the network of that interface.
fn connected(if_index: u32) -> Route {
    route(RouteOrigin::Connected, if_index)
}

/// The source is behind a gateway.
fn via(if_index: u32, gateway: &str) -> Route {
    route(RouteOrigin::Via(addr(gateway)), if_index)
}

/// The source is behind equal-cost ways: `(index, gateway)`, or an empty gateway if it is
/// connected there. The system would take the first of `paths`.
fn equal(paths: &[(u32, &str)]) -> Route {
    let hops: Vec<NextHop> = paths
        .iter()
        .map(|&(if_index, gateway)| {
            let origin = match gateway {
                "" => RouteOrigin::Connected,
                gateway => RouteOrigin::Via(addr(gateway)),
            };
            NextHop { origin, if_index }
        })
        .collect();
    let choice = hops[0];
    Route { paths: Some(hops.into()), ..route(choice.origin, choice.if_index) }
}

/// The source is the router itself.
fn local() -> Route {
    route(RouteOrigin::Local, 0)
}

/// A notice in words.
fn in_words(notice: &Notice) -> String {
    match notice {
        Notice::LocalLeave { flow, interface } => format!("local leave {flow} on {interface}"),
        Notice::LocalJoin { flow, interface } => format!("local join {flow} on {interface}"),
        Notice::Join { flow, member: true } => format!("join {flow} member"),
        Notice::Join { flow, member: false } => format!("join {flow} mfe"),
        Notice::Prune { flow, interface } => format!("prune {flow} on {interface}"),
        Notice::PruneMfe { flow, iif, timeout, .. } => {
            format!("prune {flow} mfe on {iif}, {timeout} s")
        }
        Notice::WrongIf { flow, arrival, .. } => format!("wrong if {flow} on {arrival}"),
        Notice::Rpf { flow, iif, upstream, .. } => {
            format!("rpf {flow} on {iif} from {upstream}")
        }
        Notice::Creation { flow, iif, oifs, .. } => {
            let oifs: Vec<_> = oifs
                .iter()
                .map(|oif| {
                    assert!(oif.enabled, "bIsEnabled comes TRUE");
                    format!("{}{}", oif.interface, if oif.igmp { " (igmp)" } else { "" })
                })
                .collect();
            format!("creation {flow} from {iif} to {}", oifs.join(", "))
        }
        Notice::DisableIgmp { interface, .. } => format!("disable {interface}"),
        Notice::EnableIgmp { interface, .. } => format!("enable {interface}"),
    }
}

/// A packet that came in on another interface than the iif.
fn wrong(flow: Flow, arrival: Interface) -> Packet<'static> {
    Packet { flow, arrival, header: &[0x45], length: 0, ttl: 0 }
}
