//! How mgmd serves an interface: a function of the configuration and of the device.
//!
//! ```text
//!   Config, Device ──► Plan ─┐
//!                            ├──► steps: what must be done so that it is served like this
//!   what is served now ──────┘
//! ```
//! This module has no I/O: [`Interfaces`](super::interfaces::Interfaces) carries out the
//! steps.

use super::device::Device;
use crate::config::{Boundary, Config, Pattern, Route};
use mgm_igmp::config::AccessList;
use mgm_igmp::{LinkConfig, LinkInfo};
use mgm_types::{Flow, Scope};

/// What mgmd does with an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// IGMP on it. An interface without IGMP has a link that never queries and ignores all
    /// reports, so that static memberships work there in the same way (M1).
    pub igmp: LinkConfig,
    /// Whether mgmd listens for IGMP.
    pub listens: bool,
    /// Packets leave by it only if their TTL on arrival is greater.
    pub ttl_threshold: u8,
    /// The ranges of groups that do not cross it.
    pub boundaries: Vec<Boundary>,
    /// How many new flows packets on it may begin a second, if that is limited.
    pub new_flows: Option<u32>,
}

impl Plan {
    /// The plan for a device. `None` if the configuration does not mention it. A pattern does not
    /// match the loopback interface (M6).
    #[must_use]
    pub fn of(config: &Config, device: &Device) -> Option<Plan> {
        if device.is_loopback && !is_named(config, &device.name) {
            return None;
        }
        let link = config.link(&device.name)?;
        let listens = link.igmp.is_some();
        let mut igmp = link.igmp.unwrap_or_else(quiet);
        igmp.static_memberships.extend(static_flows(config, &device.name));
        Some(Plan {
            name: device.name.clone(),
            igmp,
            listens,
            ttl_threshold: link.ttl_threshold,
            boundaries: link.boundaries,
            new_flows: link.new_flows,
        })
    }
}

/// Whether a configuration contains exactly this name, and
/// not only a pattern that matches it.
#[must_use]
pub fn is_named(config: &Config, name: &str) -> bool {
    patterns(config).any(|known| known.as_str() == name)
}

/// All names and patterns of a configuration.
pub fn patterns(config: &Config) -> impl Iterator<Item = &Pattern> {
    let interfaces = config.interfaces.iter().map(|interface| &interface.name);
    let proxies = config.proxies.iter().flat_map(|proxy| {
        std::iter::once(&proxy.upstream).chain(&proxy.backup).chain(&proxy.downstream)
    });
    let routes = config.routes.iter().flat_map(|route| [&route.from].into_iter().chain(&route.to));
    interfaces.chain(proxies).chain(routes)
}

/// IGMP that sends no query and ignores all reports.
fn quiet() -> LinkConfig {
    LinkConfig {
        passive: true,
        groups: AccessList { rules: Vec::new(), otherwise: false },
        ..LinkConfig::default()
    }
}

/// The flows that exact routes send to an interface, whether or not packets have arrived.
fn static_flows<'a>(config: &'a Config, name: &'a str) -> impl Iterator<Item = Flow> + 'a {
    let routes =
        config.routes.iter().filter(move |route| route.is_exact() && leads_to(route, name));
    routes.map(|route| Flow::new(route.source.network(), route.group.network()))
}

/// Whether a route's packets arrive on the interface of this name. If both `from` and `to` match,
/// the exact name decides.
#[must_use]
pub fn comes_from(route: &Route, name: &str) -> bool {
    let exactly_to = route.to.iter().any(|to| to.as_str() == name);
    route.from.as_str() == name || route.from.matches(name) && !exactly_to
}

/// Whether a route sends packets to the interface of this name.
#[must_use]
pub fn leads_to(route: &Route, name: &str) -> bool {
    route.to.iter().any(|to| to.matches(name)) && !comes_from(route, name)
}

/// Something to be done for one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The device has disappeared, or was replaced by another one.
    Gone,
    /// Close the sockets.
    Close,
    /// End IGMP on it.
    Unconfigure,
    /// Set the TTL threshold.
    Threshold(u8),
    /// Add a boundary, or delete it.
    Boundary(Scope, bool),
    /// Name a scope.
    ScopeName(Scope, String),
    /// Limit the new flows a second, or end that.
    FlowLimit(Option<u32>),
    /// Open the sockets.
    Open,
    /// Tell IGMP the state of the device.
    Info(LinkInfo),
    /// Begin IGMP with this configuration.
    Begin(Box<LinkConfig>),
    /// Give IGMP another configuration.
    Configure(Box<LinkConfig>),
}

/// The steps from the present plan of an interface, `served`, to the new one, `plan`. `known`
/// is the state of the device that IGMP was last told.
#[must_use]
pub fn steps(
    served: Option<&Plan>,
    known: Option<&Device>,
    device: Option<&Device>,
    plan: Option<&Plan>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    if let (Some(plan), None) = (served, plan) {
        end(plan, device.is_none(), &mut steps);
    } else if let (Some(_), None) = (known, device) {
        steps.push(Step::Gone);
    }
    if let Some(device) = device {
        let begins = served.is_none() && plan.is_some();
        let is_news = known.map(|known| &known.info) != Some(&device.info);
        // IGMP must know the addresses of the router, so it is told of all devices that have some.
        // A device without addresses matters only if it is served.
        let matters = plan.is_some() || has_addresses(device) || known.is_some_and(has_addresses);
        if begins || is_news && matters {
            steps.push(Step::Info(device.info.clone()));
        }
    }
    match (served, plan) {
        (None, Some(plan)) => begin(plan, &mut steps),
        (Some(before), Some(plan)) => change(before, plan, &mut steps),
        _ => {}
    }
    steps
}

fn has_addresses(device: &Device) -> bool {
    !device.info.addresses.is_empty()
}

fn begin(plan: &Plan, steps: &mut Vec<Step>) {
    if plan.ttl_threshold > 1 {
        steps.push(Step::Threshold(plan.ttl_threshold));
    }
    boundaries(&[], &plan.boundaries, steps);
    if plan.new_flows.is_some() {
        steps.push(Step::FlowLimit(plan.new_flows));
    }
    if plan.listens {
        steps.push(Step::Open);
    }
    steps.push(Step::Begin(Box::new(plan.igmp.clone())));
}

fn end(plan: &Plan, is_gone: bool, steps: &mut Vec<Step>) {
    if is_gone {
        steps.push(Step::Gone);
    }
    // Before the sockets close, because the host side leaves its groups.
    steps.push(Step::Unconfigure);
    if plan.listens {
        steps.push(Step::Close);
    }
    boundaries(&plan.boundaries, &[], steps);
    if plan.new_flows.is_some() {
        steps.push(Step::FlowLimit(None));
    }
    if plan.ttl_threshold > 1 {
        steps.push(Step::Threshold(1));
    }
}

fn change(before: &Plan, after: &Plan, steps: &mut Vec<Step>) {
    if before.ttl_threshold != after.ttl_threshold {
        steps.push(Step::Threshold(after.ttl_threshold));
    }
    boundaries(&before.boundaries, &after.boundaries, steps);
    if before.new_flows != after.new_flows {
        steps.push(Step::FlowLimit(after.new_flows));
    }
    if after.listens && !before.listens {
        steps.push(Step::Open);
    }
    if before.igmp != after.igmp {
        steps.push(Step::Configure(Box::new(after.igmp.clone())));
    }
    if before.listens && !after.listens {
        steps.push(Step::Close);
    }
}

fn boundaries(before: &[Boundary], after: &[Boundary], steps: &mut Vec<Step>) {
    let has = |list: &[Boundary], scope| list.iter().any(|known| known.scope == scope);
    for Boundary { scope, name } in after {
        if let Some(name) = name.as_ref().filter(|name| {
            !before.iter().any(|known| known.scope == *scope && known.name.as_ref() == Some(name))
        }) {
            steps.push(Step::ScopeName(*scope, name.clone()));
        }
        if !has(before, *scope) {
            steps.push(Step::Boundary(*scope, true));
        }
    }
    for Boundary { scope, .. } in before.iter().filter(|known| !has(after, known.scope)) {
        steps.push(Step::Boundary(*scope, false));
    }
}

#[cfg(test)]
mod tests;
