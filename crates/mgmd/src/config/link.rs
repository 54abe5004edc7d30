//! The settings that a configuration has for an interface of
//! the system.

use super::{Boundary, Config, Interface, Pattern, Proxy};
use mgm_igmp::config::{LinkConfig, Role};

/// The settings of an interface of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    /// IGMP on it, with its role; none if mgmd does not speak IGMP there.
    pub igmp: Option<LinkConfig>,
    /// Packets leave by it only if their TTL on arrival is greater.
    pub ttl_threshold: u8,
    /// The ranges of groups that do not cross it.
    pub boundaries: Vec<Boundary>,
    /// How many new flows packets on it may begin a second, if that is limited.
    pub new_flows: Option<u32>,
}

impl Config {
    /// The settings of the interface with this name. `None` if the configuration does not
    /// mention it.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<LinkSettings> {
        let interface = self.interface(name);
        let role = self.role(name);
        let is_named = interface.is_some()
            || role != Role::Router
            || self.routes.iter().any(|route| {
                route.from.matches(name) || route.to.iter().any(|to| to.matches(name))
            });
        is_named.then(|| LinkSettings {
            igmp: self.igmp(name, interface, role),
            ttl_threshold: interface.map_or(1, |interface| interface.ttl_threshold),
            boundaries: interface.map(|found| found.boundaries.clone()).unwrap_or_default(),
            new_flows: interface.and_then(|interface| interface.new_flows),
        })
    }

    /// The table of an interface: the one with its name, otherwise the first whose pattern
    /// matches.
    #[must_use]
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        let with_name = self.interfaces.iter().find(|found| found.name.as_str() == name);
        with_name.or_else(|| self.interfaces.iter().find(|found| found.name.matches(name)))
    }

    /// What IGMP does on an interface.
    #[must_use]
    pub fn role(&self, name: &str) -> Role {
        for means in [is_exactly as fn(&Pattern, &str) -> bool, Pattern::matches] {
            for (role, links) in
                [(Role::Upstream, upstreams as Links), (Role::Downstream, downstreams as Links)]
            {
                if self.proxies.iter().flat_map(links).any(|link| means(link, name)) {
                    return role;
                }
            }
        }
        Role::Router
    }

    fn igmp(&self, name: &str, interface: Option<&Interface>, role: Role) -> Option<LinkConfig> {
        let mut link = match interface.and_then(|interface| interface.igmp.clone()) {
            Some(igmp) => igmp,
            None if role == Role::Router => return None,
            None => LinkConfig::default(),
        };
        let version_is_set = interface.is_some_and(|interface| interface.version_is_set);
        link.role = role;
        link.keep_version |= role == Role::Upstream && version_is_set;
        link.forward_always = role == Role::Downstream
            && self.proxies.iter().any(|proxy| {
                proxy.forward_always && downstreams(proxy).iter().any(|link| link.matches(name))
            });
        Some(link)
    }
}

type Links = fn(&Proxy) -> Vec<&Pattern>;

fn upstreams(proxy: &Proxy) -> Vec<&Pattern> {
    std::iter::once(&proxy.upstream).chain(&proxy.backup).collect()
}

fn downstreams(proxy: &Proxy) -> Vec<&Pattern> {
    proxy.downstream.iter().collect()
}

fn is_exactly(pattern: &Pattern, name: &str) -> bool {
    pattern.as_str() == name
}
