//! Bridges that snoop IGMP.

use super::super::facts::{Bridge, BridgeQuerier, Facts, LinkFacts};
use super::super::report::{Finding, Kind, Report};
use super::super::shell::quoted;
use std::net::Ipv4Addr;

/// See [`super::CHECKS`].
pub fn judge(facts: &Facts, report: &mut Report) {
    for (link, known) in &facts.links {
        let Some(bridge) = known.bridge.filter(|bridge| bridge.snoops) else { continue };
        // A bridge that no router uses, such as that of a container engine, has no need of one.
        if !facts.is_vif(*link) && facts.igmp(*link).is_none() {
            continue;
        }
        if is_without_querier(facts, *link, bridge) {
            report.findings.push(without_querier(known));
        } else if let Some(querier) = other_querier(facts, *link, known, bridge) {
            let hides = !bridge.is_router_port && !bridge.passes_all;
            // A report that has arrived was not hidden.
            if hides && facts.traffic.signals(*link).hosts.is_empty() {
                report.findings.push(hides_reports(known, querier));
            }
        }
    }
}

fn is_without_querier(facts: &Facts, link: u32, bridge: Bridge) -> bool {
    let seen = facts.traffic.signals(link);
    let is_own = facts.igmp(link).and_then(|igmp| igmp.querier.as_ref());
    bridge.querier == BridgeQuerier::Absent
        && !bridge.queries_itself
        && !is_own.is_some_and(|querier| querier.own)
        && seen.queries_left == 0
        && seen.queriers.is_empty()
}

/// The querier of the bridge, if that is another router than this machine.
fn other_querier(facts: &Facts, link: u32, known: &LinkFacts, bridge: Bridge) -> Option<Ipv4Addr> {
    match facts.igmp(link) {
        Some(igmp) => {
            let querier = igmp.querier.as_ref()?;
            querier.address.filter(|_| !querier.own)
        }
        None => {
            let BridgeQuerier::Present { address, is_behind_port: true } = bridge.querier else {
                return None;
            };
            let seen = facts.traffic.signals(link);
            let is_own = known.addresses.iter().any(|(own, _)| *own == address);
            // Queries and PIM messages of this machine make the bridge take it for a router.
            let is_router = seen.queries_left > 0 || seen.pim_left || has_pim(facts, link);
            (!is_own && !is_router).then_some(address)
        }
    }
}

/// Whether the table of the link has a register interface, which only PIM needs.
fn has_pim(facts: &Facts, link: u32) -> bool {
    let mut tables = facts.tables.iter();
    tables.any(|table| {
        table.vifs.iter().any(|vif| vif.link == link) && table.vifs.iter().any(|vif| vif.is_virtual)
    })
}

fn without_querier(known: &LinkFacts) -> Finding {
    let name = &known.name;
    let text = format!(
        "{name}: this bridge snoops IGMP, but no router sends queries on it: it forgets the hosts' \
         memberships after some minutes, and switches behind it stop the streams"
    );
    let command = format!("ip link set dev {} type bridge mcast_querier 1", quoted(name));
    Finding::new(Kind::BridgeWithoutQuerier, Some(name), text, command)
}

fn hides_reports(known: &LinkFacts, querier: Ipv4Addr) -> Finding {
    let name = &known.name;
    let text = format!(
        "{name}: this bridge snoops IGMP, and the querier is {querier}, so it passes neither reports \
         of IGMPv2 nor streams from its ports to this machine, because its mcast_router is not 2"
    );
    let command = format!("ip link set dev {} type bridge mcast_router 2", quoted(name));
    Finding::new(Kind::BridgeHidesReports, Some(name), text, command)
}
