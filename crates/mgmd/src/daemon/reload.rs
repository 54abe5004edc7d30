//! The log lines about a reload.

use crate::config::{Changes, Route};

/// A line for each change.
#[must_use]
pub fn lines(changes: &Changes) -> Vec<String> {
    let mut lines = Vec::new();
    let keys = [
        ("max-igmp-entries", changes.max_igmp_entries),
        ("clients", changes.clients),
        ("control", changes.control),
        ("log-level", changes.log_level),
    ];
    let others = [
        ("socket of client processes changed", changes.client_socket),
        ("restrictions of client processes changed", changes.client_rules),
    ];
    lines.extend(others.into_iter().filter(|(_, changed)| *changed).map(|(line, _)| line.into()));
    for (key, _) in keys.into_iter().filter(|(_, changed)| *changed) {
        lines.push(format!("router.{key} changed"));
    }
    for (names, did) in [
        (&changes.interfaces_added, "added"),
        (&changes.interfaces_removed, "removed"),
        (&changes.interfaces_changed, "changed"),
    ] {
        lines.extend(names.iter().map(|name| format!("interface {name} {did}")));
    }
    if changes.proxies {
        lines.push("proxies changed".into());
    }
    for (routes, did) in [(&changes.routes_added, "added"), (&changes.routes_removed, "removed")] {
        lines.extend(routes.iter().map(|route| format!("route {} {did}", named(route))));
    }
    lines
}

fn named(route: &Route) -> String {
    let Route { from, source, group, .. } = route;
    let shown = |net: mgm_types::Prefix| format!("{}/{}", net.network(), net.length());
    format!("from {from} for {} and {}", shown(*source), shown(*group))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    #[test]
    fn each_change_has_a_line() {
        let config = |text| Config::parse(Path::new("mgmd.toml"), text).unwrap();
        let before = config("[[interface]]\nname = \"a\"\n[[interface]]\nname = \"b\"");
        let after = config(
            "[router]\nlog-level = \"debug\"\nmax-clients = 7\n[[client]]\nuser = \"pim\"\n[[interface]]\nname = \"a\"\nttl-threshold = 9\n\
             [[interface]]\nname = \"c\"\n\
             [[route]]\nfrom = \"a\"\ngroup = \"239.1.0.0/16\"\nto = [\"c\"]\n\
             [[proxy]]\nupstream = \"p\"\ndownstream = [\"c\"]",
        );
        let changes = Config::difference(&before, &after).unwrap();
        assert_eq!(
            lines(&changes),
            [
                "socket of client processes changed",
                "restrictions of client processes changed",
                "router.log-level changed",
                "interface c added",
                "interface b removed",
                "interface a changed",
                "proxies changed",
                "route from a for 0.0.0.0/0 and 239.1.0.0/16 added",
            ]
        );
        assert_eq!(lines(&Config::difference(&after, &after).unwrap()), [""; 0]);
    }
}
