//! The proxies of a configuration, with the interfaces that match their names and
//! patterns.

use crate::config::{Config, Pattern};
use mgm_igmp::{ProxyUpstream, Role};
use std::collections::BTreeMap;

/// The index of an upstream that no interface matches. It keeps the place of the upstream in
/// the order (I60). No device has this index.
const NOT_THERE: u32 = 0;

/// The proxies, as IGMP needs them. `served` has the names of the served interfaces.
#[must_use]
pub fn upstreams(config: &Config, served: &BTreeMap<u32, String>) -> Vec<ProxyUpstream> {
    let roles: Vec<(u32, &str, Role)> =
        served.iter().map(|(index, name)| (*index, name.as_str(), config.role(name))).collect();
    let meant = |role: Role, pattern: &Pattern| {
        let matching = roles.iter().filter(|(_, name, has)| *has == role && pattern.matches(name));
        let mut links: Vec<(&str, u32)> =
            matching.map(|(index, name, _)| (*name, *index)).collect();
        // Of the interfaces that one pattern matches, the first by name is used (M8).
        links.sort_unstable();
        links.into_iter().map(|(_, index)| index)
    };
    let upstreams = config.proxies.iter().map(|proxy| {
        let mut links = Vec::new();
        for pattern in std::iter::once(&proxy.upstream).chain(&proxy.backup) {
            links.extend(
                meant(Role::Upstream, pattern)
                    .filter(|link| !links.contains(link))
                    .collect::<Vec<_>>(),
            );
        }
        if links.is_empty() {
            links.push(NOT_THERE);
        }
        let downstreams = proxy.downstream.iter().flat_map(|link| meant(Role::Downstream, link));
        ProxyUpstream {
            links,
            downstreams: downstreams.collect(),
            groups: proxy.groups.clone(),
            sources: proxy.sources.clone(),
            forward_up: proxy.forward_up.clone(),
        }
    });
    upstreams.collect()
}

#[cfg(test)]
mod tests;
