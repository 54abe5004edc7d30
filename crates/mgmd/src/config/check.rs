//! Contradictions between values that are valid one by one.

use super::reader::{Read, Section};
use super::{values, Forwarder, Interface, Module, Pattern, Proxy, Route, Router};
use std::collections::HashMap;
use std::hash::Hash;

pub(super) fn router(section: &Section<'_>, router: &Router) {
    if router.forwarder != Forwarder::Kernel && router.table != 0 {
        let text = "only the kernel has tables: leave it out, or use forwarder = \"kernel\"";
        section.problem("table", text.into());
    }
    if !matches!(router.daemons_address.octets()[3] % 4, 1 | 2) {
        let text = "is at an end of its network of 4 addresses: use the second or the third one, \
                    such as 169.254.77.1";
        section.problem("daemons-address", format!("{} {text}", router.daemons_address));
    }
    if router.clients == router.control {
        let name = if section.item("control").is_some() { "control" } else { "clients" };
        let text = "clients and control are the same socket: use two different paths";
        section.problem(name, text.into());
    }
}

pub(super) fn interfaces(interfaces: &[Read<'_, Interface>]) {
    let names = interfaces.iter().map(|(section, interface)| (section, &interface.name));
    twice(names, "name", |name| format!("interface {name}"));
    let mut scopes = HashMap::new();
    for (section, interface) in interfaces {
        for boundary in &interface.boundaries {
            let Some(name) = &boundary.name else { continue };
            let first = *scopes.entry(boundary.scope).or_insert(name);
            if first != name {
                let scope = boundary.scope;
                let text = format!(
                    "{scope} has two names, \"{first}\" and \"{name}\": use the same everywhere"
                );
                section.problem("boundaries", text);
            }
        }
    }
}

pub(super) fn proxies(proxies: &[Read<'_, Proxy>]) {
    let downstreams = || proxies.iter().flat_map(|(_, proxy)| &proxy.downstream);
    let mut networks = HashMap::new();
    for (section, proxy) in proxies {
        let upstreams = [("upstream", &proxy.upstream)].into_iter();
        for (key, link) in upstreams.chain(proxy.backup.iter().map(|link| ("backup", link))) {
            if let Some(other) = downstreams().find(|other| collide(link, other)) {
                section.problem(key, both_roles(link, other));
            }
        }
        if proxy.backup.contains(&proxy.upstream) {
            let text = format!("{} is the upstream itself: name another interface", proxy.upstream);
            section.problem("backup", text);
        }
        for network in proxy.sources.iter().flatten() {
            let others: &mut Vec<_> = networks.entry(*network).or_default();
            if let Some(line) = others.iter().find(|(_, groups)| *groups == &proxy.groups) {
                let line = line.0;
                let text = format!(
                    "{} is also in the [[proxy]] of line {line}, for the same groups: name it once",
                    values::shown(*network)
                );
                section.problem("sources", text);
            }
            others.push((section.source.place(section.at).0, &proxy.groups));
        }
    }
}

/// Whether an interface could be upstream and downstream. A name decides before a pattern.
fn collide(upstream: &Pattern, downstream: &Pattern) -> bool {
    upstream.is_name() == downstream.is_name() && upstream.overlaps(downstream)
}

fn both_roles(upstream: &Pattern, downstream: &Pattern) -> String {
    if upstream == downstream {
        format!("{upstream} is a downstream too: an interface has one role, so remove one of them")
    } else {
        format!(
            "{upstream} and the downstream {downstream} can match the same interface: an \
             interface has one role, so use narrower patterns, or names"
        )
    }
}

pub(super) fn routes(routes: &[Read<'_, Route>]) {
    let flows = routes.iter().map(|(section, route)| {
        (section, (&route.from, values::shown(route.source), values::shown(route.group)))
    });
    twice(flows, "group", |(from, source, group)| {
        format!("the route from {from} for {source} and {group}")
    });
    for (section, route) in routes {
        let (from, mut to) = (&route.from, route.to.iter());
        if let Some(to) = to.find(|to| collide(from, to)) {
            let text = if to == from {
                format!("the packets arrive on {to}: remove it here")
            } else {
                format!("{to} can also match {from}, where the packets arrive: use other patterns")
            };
            section.problem("to", text);
        }
    }
}

pub(super) fn modules(modules: &[Read<'_, Module>]) {
    let paths =
        modules.iter().map(|(section, module)| (section, module.path.display().to_string()));
    twice(paths, "path", |path| format!("module {path}"));
}

/// Reports, at this key, what is there for the second time.
fn twice<'r, T: Eq + Hash + Clone>(
    all: impl Iterator<Item = (&'r Section<'r>, T)>,
    key: &str,
    words: impl Fn(&T) -> String,
) {
    let mut lines = HashMap::new();
    for (section, value) in all {
        let line = section.source.place(section.at).0;
        if let Some(first) = lines.get(&value) {
            let text = format!("{} is also in line {first}: remove one", words(&value));
            section.problem(key, text);
        } else {
            lines.insert(value, line);
        }
    }
}
