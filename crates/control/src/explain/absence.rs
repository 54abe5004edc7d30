//! The reasons why no packet of a flow arrives, if the router would forward it.

use super::facts::{Facts, Finding};
use super::{ProxyShare, Reason};

/// The reason, if no packet arrives.
pub(super) fn first(facts: &Facts) -> Option<Finding> {
    let is_silent = match facts.heard() {
        Some(listening) => {
            listening.seen.iter().all(|seen| seen.leaving) && facts.arrived().is_none()
        }
        None => facts.library.mfe.is_none(),
    };
    is_silent.then(|| not_reported(facts).unwrap_or_else(|| no_packet(facts)))
}

/// Hosts of downstreams want the flow, and no upstream says so.
pub(super) fn not_reported(facts: &Facts) -> Option<Finding> {
    let wants = |proxy: &&ProxyShare| {
        facts
            .all
            .outgoing
            .iter()
            .any(|exit| exit.verdict.forwarded && proxy.downstreams.contains(&exit.interface))
    };
    let proxies: Vec<&ProxyShare> = facts.all.proxies.iter().filter(wants).collect();
    if proxies.iter().any(|proxy| proxy.reports) {
        return None;
    }
    // A source that is behind no upstream needs no report.
    let arrival = facts.all.arrival.as_ref().map(|arrival| arrival.interface.as_str());
    let is_upstream = |proxy: &&&ProxyShare| match arrival {
        Some(arrival) => proxy.is_active_on(arrival) || proxy.active.is_none(),
        None => true,
    };
    let proxy = proxies.iter().find(is_upstream)?;
    let why = proxy.not_reported.as_deref()?;
    let text = format!(
        "no packet arrives: the upstream {} does not report that the flow is wanted: {why}",
        proxy.upstream
    );
    let advice = match proxy.active {
        Some(_) => {
            format!("change the proxy with upstream {}; mgmctl proxies shows it", proxy.upstream)
        }
        None => format!("ip link set {} up, and give it an address", proxy.upstream),
    };
    Some(Finding::new(Reason::NotReported, text).on(&proxy.upstream).advise(advice))
}

fn no_packet(facts: &Facts) -> Finding {
    let source = facts.all.source;
    let arrival = facts.all.arrival.as_ref();
    let at = arrival.map(|arrival| format!(" on {}", arrival.interface)).unwrap_or_default();
    let text = match facts.heard() {
        Some(listening) => format!(
            "nothing prevents forwarding, but no packet arrived{at} in {}",
            seconds(listening.listened_ms)
        ),
        None => format!("nothing prevents forwarding, but no packet has arrived{at}"),
    };
    let neighbour = facts.library.expected.as_ref().and_then(|expected| expected.upstream);
    let reporting = facts.all.proxies.iter().find(|proxy| proxy.reports);
    let is_upstream = arrival.is_some_and(|arrival| {
        facts.all.proxies.iter().any(|proxy| proxy.is_active_on(&arrival.interface))
    });
    let advice = match (reporting, neighbour) {
        (Some(proxy), _) if is_upstream => format!(
            "{} reports the group: ask whoever runs the router there, or check the source",
            proxy.active.as_ref().unwrap_or(&proxy.upstream)
        ),
        (_, Some(neighbour)) => {
            format!("check that {source} sends, and that the router {neighbour} forwards it here")
        }
        _ => format!("check that {source} sends to the group, by the right interface"),
    };
    let finding = Finding::new(Reason::NoPacket, text).advise(advice);
    match arrival {
        Some(arrival) => finding.on(&arrival.interface),
        None => finding,
    }
}

/// "1.0 s".
fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100)
}
