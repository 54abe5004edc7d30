//! The configured interfaces by name: served interfaces, refused ports, and names that no
//! interface has.

use super::View;
use crate::config::{Config, Pattern};
use crate::daemon::device::Device;
use crate::daemon::plan::{patterns, Plan};
use mgm_control::interfaces::{InterfaceState, Role};
use mgm_control::request::InterfaceName;
use mgm_control::{ErrorCode, Failure};
use std::collections::BTreeMap;

/// A configured interface.
pub struct Link<'a> {
    /// Its index, if it exists.
    pub index: Option<u32>,
    /// Its plan, if it is served.
    pub plan: Option<&'a Plan>,
    /// Its device, if it exists.
    pub device: Option<&'a Device>,
}

impl Link<'_> {
    /// Whether it exists, and is up.
    pub fn state(&self) -> InterfaceState {
        match self.device {
            None => InterfaceState::Missing,
            Some(device) if device.info.up && self.plan.is_some() => InterfaceState::Up,
            Some(_) => InterfaceState::Down,
        }
    }
}

/// All of them. A pattern that no interface matches is listed like a name.
pub fn all<'a>(view: &View<'a>) -> BTreeMap<String, Link<'a>> {
    let mut links = BTreeMap::new();
    for (index, plan) in view.interfaces.plans() {
        let device = view.interfaces.device(*index);
        links.insert(plan.name.clone(), Link { index: Some(*index), plan: Some(plan), device });
    }
    for (index, device) in view.interfaces.refused() {
        let link = Link { index: Some(index), plan: None, device: Some(device) };
        links.entry(device.name.clone()).or_insert(link);
    }
    for pattern in patterns(view.context.config) {
        if !links.keys().any(|name| pattern.matches(name)) {
            let missing = Link { index: None, plan: None, device: None };
            links.insert(pattern.as_str().to_owned(), missing);
        }
    }
    links
}

/// The name or pattern by which an interface is configured.
pub fn configured_as(config: &Config, name: &str) -> String {
    let table = config.interface(name).map(|interface| &interface.name);
    let pattern = table.or_else(|| patterns(config).find(|pattern| pattern.matches(name)));
    pattern.map_or(name, Pattern::as_str).to_owned()
}

/// What mgmd does on an interface.
pub fn role(config: &Config, name: &str) -> Role {
    match config.link(name).and_then(|link| link.igmp).map(|igmp| igmp.role) {
        None => Role::NoIgmp,
        Some(mgm_igmp::Role::Router) => Role::Router,
        Some(mgm_igmp::Role::Upstream) => Role::Upstream,
        Some(mgm_igmp::Role::Downstream) => Role::Downstream,
    }
}

/// The key for the next page. Patterns follow the same rules as names, so there always is
/// one.
pub fn key(name: &str) -> Option<InterfaceName> {
    name.parse().ok()
}

/// The failure for an interface that the configuration does not name.
pub fn not_configured(name: &str) -> Failure {
    let text =
        format!("{name} is not in the configuration: GET /v1/interfaces lists the configured ones");
    Failure::new(ErrorCode::NotFound, text)
}

/// The interfaces after the one named `after`, or only the one named `only`.
pub fn chosen<'a, 'b>(
    links: &'b BTreeMap<String, Link<'a>>,
    only: Option<&InterfaceName>,
    after: Option<&InterfaceName>,
) -> Result<Vec<(&'b str, &'b Link<'a>)>, Failure> {
    if let Some(name) = only {
        if !links.contains_key(name.as_str()) {
            return Err(not_configured(name.as_str()));
        }
    }
    let is_chosen = |name: &str| {
        only.is_none_or(|only| only.as_str() == name)
            && after.is_none_or(|after| name > after.as_str())
    };
    let chosen = links.iter().filter(|(name, _)| is_chosen(name));
    Ok(chosen.map(|(name, link)| (name.as_str(), link)).collect())
}
