//! The differences between two configurations, and which of
//! them need a restart.

use super::{Config, Interface, Pattern, Route};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// What a reload has to apply. For an interface of the system nothing has to be
/// done if mgmd serves it already and its [`Config::link`] is the same in both
/// configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Whether `max-igmp-entries` changes.
    pub max_igmp_entries: bool,
    /// Whether the socket of clients moves.
    pub clients: bool,
    /// Whether something else about that socket changes.
    pub client_socket: bool,
    /// Whether anything about the restricted users changes.
    pub client_rules: bool,
    /// Whether the control socket moves.
    pub control: bool,
    /// Whether the level of the log changes.
    pub log_level: bool,
    /// The names and patterns of `[[interface]]` that are new.
    pub interfaces_added: Vec<Pattern>,
    /// Those that are gone.
    pub interfaces_removed: Vec<Pattern>,
    /// Those whose settings differ.
    pub interfaces_changed: Vec<Pattern>,
    /// Whether anything about the proxies changes, including their
    /// order.
    pub proxies: bool,
    /// The routes that are new. A route that changes is in both lists.
    pub routes_added: Vec<Route>,
    /// The routes that are gone.
    pub routes_removed: Vec<Route>,
}

/// The keys that differ, although a reload cannot change them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedsRestart {
    /// The keys: "router.table".
    pub keys: Vec<&'static str>,
}

impl fmt::Display for NeedsRestart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.join(", ");
        write!(f, "a reload cannot change {keys}, so nothing was changed: restart mgmd")
    }
}

impl std::error::Error for NeedsRestart {}

impl Config {
    /// What changes from one configuration to the next.
    ///
    /// # Errors
    /// The keys that differ and need a restart. The reload is then refused as a whole.
    pub fn difference(old: &Config, new: &Config) -> Result<Changes, NeedsRestart> {
        let keys = fixed(old, new);
        if !keys.is_empty() {
            return Err(NeedsRestart { keys });
        }
        let (before, after) = (&old.router, &new.router);
        Ok(Changes {
            max_igmp_entries: before.max_igmp_entries != after.max_igmp_entries,
            clients: before.clients != after.clients,
            client_socket: before.client_socket != after.client_socket,
            client_rules: old.clients != new.clients,
            control: before.control != after.control,
            log_level: before.log_level != after.log_level,
            interfaces_added: names_only_in(&new.interfaces, &old.interfaces),
            interfaces_removed: names_only_in(&old.interfaces, &new.interfaces),
            interfaces_changed: changed(&old.interfaces, &new.interfaces),
            proxies: old.proxies != new.proxies,
            routes_added: routes_only_in(&new.routes, &old.routes),
            routes_removed: routes_only_in(&old.routes, &new.routes),
        })
    }
}

/// The keys that differ and need a restart. A test compares them with the table of keys.
fn fixed(old: &Config, new: &Config) -> Vec<&'static str> {
    let (a, b) = (&old.router, &new.router);
    let keys = [
        ("router.forwarder", a.forwarder != b.forwarder),
        ("router.table", a.table != b.table),
        ("router.unicast-table", a.unicast_table != b.unicast_table),
        ("router.mfe-timeout", a.mfe_timeout != b.mfe_timeout),
        ("router.max-flows", a.max_flows != b.max_flows),
        ("router.daemons", a.daemons != b.daemons),
        ("router.daemons-address", a.daemons_address != b.daemons_address),
        ("module", old.modules != new.modules),
    ];
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}

/// The names in the second list that are not in the first.
fn names_only_in(second: &[Interface], first: &[Interface]) -> Vec<Pattern> {
    let known: HashSet<&Pattern> = first.iter().map(|interface| &interface.name).collect();
    let names = second.iter().map(|interface| &interface.name);
    names.filter(|name| !known.contains(name)).cloned().collect()
}

/// The names whose settings differ.
fn changed(old: &[Interface], new: &[Interface]) -> Vec<Pattern> {
    let before: HashMap<&Pattern, &Interface> =
        old.iter().map(|interface| (&interface.name, interface)).collect();
    let differs = |new: &&Interface| before.get(&new.name).is_some_and(|old| old != new);
    new.iter().filter(differs).map(|interface| interface.name.clone()).collect()
}

/// The routes in the second list that are not in the first.
fn routes_only_in(second: &[Route], first: &[Route]) -> Vec<Route> {
    let known: HashSet<&Route> = first.iter().collect();
    second.iter().filter(|route| !known.contains(route)).cloned().collect()
}
