//! Links without a querier, and without an address for one.

use super::super::facts::{BridgeQuerier, Facts, LinkFacts};
use super::super::report::{Finding, Kind, Report};
use super::super::shell::quoted;
use super::super::traffic::Signals;
use super::LISTEN_LONG;
use mgm_control::igmp::{IgmpLink, Querier};
use mgm_control::interfaces::{InterfaceState, Role};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

/// A querier sends a General Query every 125 s, by default (RFC 9776, 8.2).
const QUERY_INTERVAL: Duration = Duration::from_secs(125);

/// See [`super::CHECKS`].
pub fn judge(facts: &Facts, report: &mut Report) {
    let mut unknown = Vec::new();
    for (link, known) in &facts.links {
        match facts.igmp(*link) {
            Some(igmp) => {
                report.findings.extend(of_mgmd(facts, known, *link, igmp));
            }
            None => match by_listening(facts, known, *link) {
                Heard::Querier => {}
                Heard::TooShort => unknown.push(known.name.as_str()),
                Heard::Silence => report.findings.push(no_querier(facts, &known.name)),
            },
        }
    }
    if !unknown.is_empty() {
        let what = format!("whether a router sends queries on {}", unknown.join(", "));
        let why = format!("none did within {:.1} s", facts.listened.as_secs_f64());
        report.gap(what, why, Some(LISTEN_LONG));
    }
}

/// What mgmd knows of the querier of a link on which it has IGMP.
fn of_mgmd(facts: &Facts, known: &LinkFacts, link: u32, igmp: &IgmpLink) -> Option<Finding> {
    if igmp.state != InterfaceState::Up {
        return None;
    }
    let name = &known.name;
    if igmp.role == Role::Upstream {
        let mut proxies = facts.mgmd.router.iter().flat_map(|router| &router.proxies);
        let rests = proxies.any(|proxy| proxy.active.is_none());
        return (rests && known.addresses.is_empty()).then(|| {
            let effect = "the proxy reports nothing there, and no stream is sent to it";
            no_address(facts, link, effect)
        });
    }
    let status = &facts.mgmd.router.as_ref()?.status;
    let Querier { own, address, since_ms, .. } = igmp.querier.as_ref()?;
    if *own || address.is_some() {
        return None;
    }
    if known.addresses.is_empty() {
        let effect = "mgmd sends no queries there, and the memberships of the hosts end";
        return Some(no_address(facts, link, effect));
    }
    // mgmd may not have listened for long enough to hear another querier.
    let listens = (*since_ms).min(status.uptime_ms).min(status.config.age_ms);
    if listens < igmp.timers.other_querier_present_interval_ms {
        return None;
    }
    let text = format!(
        "{name}: no router sends queries: mgmd is configured as passive there, and it hears no \
         other querier, so the memberships of the hosts end, and switches stop their streams"
    );
    let command = format!(
        "sed -i 's/passive *= *true/passive = false/' {} && {}",
        quoted(&status.config.file),
        reload(facts)
    );
    Some(Finding::new(Kind::NoQuerier, Some(name), text, command))
}

/// The command that reloads the configuration of this mgmd.
pub(super) fn reload(facts: &Facts) -> String {
    if facts.mgmd.is_named {
        return format!("mgmctl --socket {} reload", quoted(&path(&facts.mgmd.socket)));
    }
    "mgmctl reload".into()
}

pub(super) fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn no_address(facts: &Facts, link: u32, effect: &str) -> Finding {
    let name = facts.name(link);
    let Signals { hosts, queriers, .. } = facts.traffic.signals(link);
    let text = format!(
        "{name}: it has no IPv4 address, so {effect}: give it an address of its network that is \
         not in use"
    );
    let mut known = hosts.union(&queriers).copied().filter(|address| !address.is_unspecified());
    let address =
        unused(known.next(), |address| hosts.contains(&address) || queriers.contains(&address));
    let command = format!("ip address add {address}/24 dev {}", quoted(&name));
    Finding::new(Kind::NoAddress, Some(&name), text, command)
}

/// An address beside that of a host or querier, which none of them is known to have.
fn unused(host: Option<Ipv4Addr>, is_used: impl Fn(Ipv4Addr) -> bool) -> Ipv4Addr {
    let [a, b, c, _] = host.unwrap_or(Ipv4Addr::new(192, 168, 1, 0)).octets();
    let mut candidates = (1..=254).rev().map(|last| Ipv4Addr::new(a, b, c, last));
    candidates.find(|address| !is_used(*address)).unwrap_or(Ipv4Addr::new(a, b, c, 254))
}

/// What was heard of queriers on a link.
enum Heard {
    /// A query, or the link needs none.
    Querier,
    /// Nothing, but not for long enough.
    TooShort,
    /// Nothing for longer than the interval of queries.
    Silence,
}

fn by_listening(facts: &Facts, known: &LinkFacts, link: u32) -> Heard {
    // Only hosts that receive streams need a querier.
    let is_served = facts.is_sent_to(link) || facts.named.contains(&link);
    let seen = facts.traffic.signals(link);
    let is_heard = seen.queries_left > 0 || !seen.queriers.is_empty();
    let bridge = known.bridge.filter(|bridge| bridge.snoops);
    // The state of a bridge says it without listening.
    let is_known = bridge.is_some_and(|bridge| bridge.querier != BridgeQuerier::Unknown);
    if !is_served || !facts.heard.contains(&link) || known.is_loopback || is_heard || is_known {
        Heard::Querier
    } else if facts.listened <= QUERY_INTERVAL {
        Heard::TooShort
    } else {
        Heard::Silence
    }
}

fn no_querier(facts: &Facts, name: &str) -> Finding {
    let text = format!(
        "{name}: no router has sent queries within {:.0} s, so hosts do not repeat their reports, \
         and a switch that snoops stops their streams after some minutes: let a router query",
        facts.listened.as_secs_f64(),
    );
    Finding::new(Kind::NoQuerier, Some(name), text, querier(facts, name))
}

/// The command that makes a router query on a link.
fn querier(facts: &Facts, name: &str) -> String {
    let table = format!(r#"[[interface]]\nname = "{name}"\nigmp = {{}}\n"#);
    if let Some(router) = &facts.mgmd.router {
        let file = quoted(&router.status.config.file);
        let mut interfaces = router.interfaces.iter();
        if interfaces.any(|known| known.configured_as == name) {
            let after = quoted(&format!(r#"/^ *name *= *"{name}"/a igmp = {{}}"#));
            return format!("sed -i {after} {file} && {}", reload(facts));
        }
        return format!("printf {} >>{file} && {}", quoted(&table), reload(facts));
    }
    if facts.routers.iter().any(|process| process.name == "pimd" && is_frr(facts)) {
        let words = ["configure terminal", &format!("interface {name}"), "ip igmp"];
        let words: Vec<String> = words.iter().map(|word| format!("-c {}", quoted(word))).collect();
        return format!("vtysh {}", words.join(" "));
    }
    // Without a table of the kernel, mgmd can query beside another router.
    let file = "/etc/mgmd/querier.toml";
    let config = quoted(&format!(r#"[router]\nforwarder = "memory"\n{table}"#));
    format!("printf {config} >{file} && mgmd --config {file}")
}

/// Whether FRR runs: the other pimd has no zebra, which opens no IGMP socket itself.
fn is_frr(facts: &Facts) -> bool {
    let services = facts.routers.iter().filter_map(|process| process.service.as_deref());
    services.into_iter().any(|service| service.starts_with("frr"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_proposed_that_no_host_has() {
        let at = |last| Ipv4Addr::new(10, 2, 0, last);
        assert_eq!(unused(Some(at(11)), |address| address == at(254)), at(253));
        assert_eq!(unused(None, |_| false), Ipv4Addr::new(192, 168, 1, 254));
    }
}
