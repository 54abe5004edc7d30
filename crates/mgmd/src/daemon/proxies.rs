//! The proxies of a configuration, with the interfaces that their names and patterns mean.

use crate::config::{Config, Pattern};
use mgm_igmp::{ProxyUpstream, Role};
use std::collections::BTreeMap;

/// An upstream of which no interface exists has this index, so that it keeps its place in the
/// order (I60). No device has it.
const NOT_THERE: u32 = 0;

/// What IGMP is told of the proxies. `served` has the names of the interfaces that are served.
#[must_use]
pub fn upstreams(config: &Config, served: &BTreeMap<u32, String>) -> Vec<ProxyUpstream> {
    let roles: Vec<(u32, &str, Role)> =
        served.iter().map(|(index, name)| (*index, name.as_str(), config.role(name))).collect();
    let meant = |role: Role, pattern: &Pattern| {
        let matching = roles.iter().filter(|(_, name, has)| *has == role && pattern.matches(name));
        let mut links: Vec<(&str, u32)> =
            matching.map(|(index, name, _)| (*name, *index)).collect();
        // Of the interfaces that one pattern means, the first by name serves.
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
