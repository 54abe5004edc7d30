//! The reasons on the way out of one interface, in the order in which a packet meets them.

use super::arrival::{scope, unusable, ENOUGH};
use super::facts::{Facts, Finding};
use super::library::{shown, InstalledOif, WantedRow};
use super::{membership, Exit, Reason, Verdict};

/// The first reason why packets would not leave by an interface.
pub(super) fn first(facts: &Facts, exit: &Exit) -> Option<Finding> {
    if let Some(trouble) = &exit.trouble {
        let what = format!("packets would leave by {}", exit.interface);
        return Some(unusable(&what, &exit.interface, trouble));
    }
    let row = facts.library.wanted(exit.index);
    let is_member = row.is_some_and(|row| {
        row.oif || !row.memberships.is_empty() || row.switched.as_deref() == Some("on")
    });
    // The library says why an interface that wants the flow does not get it. Hosts may have
    // said so too: they exclude this source.
    match row.filter(|_| is_member) {
        None => Some(membership::first(facts, exit)),
        Some(row) => obstacle(facts, exit, row)
            .or_else(|| ttl(facts, exit))
            .or_else(|| too_long(facts, exit))
            .or_else(|| entry(facts, exit))
            .or_else(|| dropped(facts, exit)),
    }
}

/// What the library has against the interface.
fn obstacle(facts: &Facts, exit: &Exit, row: &WantedRow) -> Option<Finding> {
    let name = &exit.interface;
    match row.obstacle.as_deref()? {
        "boundary" => {
            let boundary = exit.boundary.as_ref()?;
            let scope = scope(&boundary.scope, boundary.name.as_deref());
            let text = format!("the boundary {scope} on {name} blocks the group");
            let advice = format!("remove the boundary from {name}, or use a group outside of it");
            Some(Finding::new(Reason::OifBoundary, text).on(name).advise(advice))
        }
        "creation_alert" => Some(membership::excluded(facts, exit).unwrap_or_else(|| {
            let text = format!("the owner of {name} refused the flow in CREATION_ALERT");
            Finding::new(Reason::CreationAlert, text).on(name).advise(LOOK_AT_OWNER)
        })),
        "switched_off" => Some(membership::excluded(facts, exit).unwrap_or_else(|| {
            let text = format!("the owner of {name} has switched forwarding off there");
            Finding::new(Reason::SwitchedOff, text).on(name).advise(LOOK_AT_OWNER)
        })),
        _ => None,
    }
}

const LOOK_AT_OWNER: &str = "ask the routing protocol that owns the interface (mgmctl interfaces)";

fn ttl(facts: &Facts, exit: &Exit) -> Option<Finding> {
    let (name, threshold) = (&exit.interface, exit.ttl_threshold);
    if threshold == u8::MAX {
        let text = format!("the TTL threshold 255 of {name} lets no packet pass");
        let advice = format!("lower ttl-threshold of the interface {name}");
        return Some(Finding::new(Reason::TtlThreshold, text).on(name).advise(advice));
    }
    if let Some(seen) = facts.arrived().filter(|seen| seen.highest_ttl <= threshold.max(1)) {
        let (ttl, arrival) = (seen.highest_ttl, facts.arrival());
        return Some(if threshold <= 1 {
            let text =
                format!("packets arrive on {arrival} with the TTL {ttl}: no router forwards them");
            let advice = "raise the TTL at the sender: IP_MULTICAST_TTL, or an option such as \
                          ttl=16 of its program";
            Finding::new(Reason::TtlTooLow, text).on(name).advise(advice)
        } else {
            let text = format!(
                "packets arrive on {arrival} with the TTL {ttl}, which is not above the threshold \
                 {threshold} of {name}"
            );
            let advice = format!("raise the TTL at the sender, or lower ttl-threshold of {name}");
            Finding::new(Reason::TtlTooLow, text).on(name).advise(advice)
        });
    }
    if facts.library_reason() == Some("ttl_threshold") && exit.in_mfe {
        let text =
            format!("the TTL threshold {threshold} of {name} has stopped every packet so far");
        let advice = format!("raise the TTL at the sender, or lower ttl-threshold of {name}");
        return Some(Finding::new(Reason::TtlThreshold, text).on(name).advise(advice));
    }
    None
}

fn too_long(facts: &Facts, exit: &Exit) -> Option<Finding> {
    let (seen, mtu) = (facts.arrived()?, exit.mtu?);
    let fragments = !facts.library.has_forwarder("ebpf");
    let longest = if fragments { seen.longest_unfragmentable } else { seen.longest };
    if u32::from(longest) <= mtu {
        return None;
    }
    let name = &exit.interface;
    let (why, or) = match fragments {
        true => ("and must not be fragmented", ", or without DF"),
        false => ("and the ebpf forwarder fragments no packets", ""),
    };
    let text = format!("packets have {longest} octets {why}, but {name} takes at most {mtu}");
    let advice = format!(
        "send shorter packets{or}; or: ip link set {name} mtu {longest}, if all devices there can \
         take that"
    );
    Some(Finding::new(Reason::Mtu, text).on(name).advise(advice))
}

/// What the forwarder has.
fn entry(facts: &Facts, exit: &Exit) -> Option<Finding> {
    let name = &exit.interface;
    if facts.library.forwarder.as_ref().is_some_and(|row| row.waiting) {
        let text = "the forwarder has refused the entry of the flow; the library tries again \
                    every second";
        let advice = "the log says why the forwarder refuses it";
        return Some(Finding::new(Reason::NotInstalled, text).advise(advice));
    }
    if let Some(found) = installed(facts, exit) {
        return Some(found);
    }
    let kernel = facts.all.kernel.as_ref().filter(|kernel| !kernel.differences.is_empty())?;
    let has_it = kernel.entry.as_ref().is_some_and(|entry| {
        entry.outgoing.contains(name) && entry.incoming.as_deref() == Some(facts.arrival())
    });
    if has_it || !exit.in_mfe {
        return None;
    }
    let text =
        format!("the kernel's entry is not the one of mgmd: {}", kernel.differences.join("; "));
    let advice =
        "stop the other program that changes the multicast routing table, and restart mgmd";
    Some(Finding::new(Reason::EntryDiffers, text).on(name).advise(advice))
}

/// The ebpf forwarder's entry, if it forwards nothing from the iif or to this interface.
fn installed(facts: &Facts, exit: &Exit) -> Option<Finding> {
    const OTHER_DAEMON: &str =
        "find the other multicast daemon: \"ip mroute show table all\", and \
                                take the interface from it, or from mgmd";
    let entry = facts.library.forwarder.as_ref()?.installed.as_ref()?;
    if !entry.takes_packets {
        let from = shown(entry.name.as_ref(), entry.index);
        let text = format!(
            "the ebpf forwarder takes no packets from {from}, because another multicast daemon has \
             it in the kernel's multicast routing"
        );
        return Some(Finding::new(Reason::NotServed, text).on(&from).advise(OTHER_DAEMON));
    }
    let is_here = |oif: &&InstalledOif| shown(oif.name.as_ref(), oif.index) == exit.interface;
    let oifs: Vec<&InstalledOif> = entry.oifs.iter().filter(is_here).collect();
    let oif = oifs.first().filter(|_| oifs.iter().all(|oif| !oif.ready))?;
    let name = &exit.interface;
    let (why, advice) = match oif.next_hop {
        Some(neighbour) => {
            let advice = format!("ip neigh show {neighbour} dev {name}; does {neighbour} answer?");
            (format!("its neighbour {neighbour} is not known, or it is down"), advice)
        }
        None => {
            let why = "it is down, or another multicast daemon has it in the kernel's multicast \
                       routing";
            (why.to_owned(), format!("ip link show {name}; {OTHER_DAEMON}"))
        }
    };
    let text = format!("the ebpf forwarder sends nothing to {name}: {why}");
    Some(Finding::new(Reason::NotServed, text).on(name).advise(advice))
}

/// Packets that arrive, reach the entry, and were not seen leaving.
fn dropped(facts: &Facts, exit: &Exit) -> Option<Finding> {
    let arrived = facts.arrived().filter(|seen| seen.packets >= ENOUGH)?;
    let name = &exit.interface;
    if exit.seen_leaving != Some(0) || !has_entry(facts, exit) {
        return None;
    }
    let text = format!(
        "{} packets arrived on {}, the forwarder's entry sends them to {name}, and none left there",
        arrived.packets,
        facts.arrival()
    );
    let advice = if facts.library.has_forwarder("ebpf") {
        // Chains of the packet filter do not see what it forwards.
        format!(
            "look for what drops them: \"tc filter show dev {name} egress\" and \"tc -s qdisc show \
             dev {name}\""
        )
    } else {
        format!(
            "look for a rule that drops them: \"nft list ruleset\", hooks forward and postrouting, \
             and \"tc filter show dev {name} egress\""
        )
    };
    Some(Finding::new(Reason::DroppedOnDeparture, text).on(name).advise(advice))
}

/// Whether the forwarder had an entry for the flow to this interface while mgmd listened.
fn has_entry(facts: &Facts, exit: &Exit) -> bool {
    if let Some(kernel) = &facts.all.kernel {
        let Some(entry) = &kernel.entry else { return false };
        let counted = entry.packets_while_listening.is_some_and(|packets| packets >= ENOUGH);
        return counted && entry.outgoing.contains(&exit.interface);
    }
    let listened = facts.heard().map_or(u64::MAX, |listening| listening.listened_ms);
    let is_older = facts.library.mfe.as_ref().is_some_and(|mfe| mfe.up_ms > listened);
    let installed = facts.library.forwarder.as_ref().and_then(|row| row.installed.as_ref());
    let has_oif = installed.is_some_and(|entry| {
        entry.oifs.iter().any(|oif| shown(oif.name.as_ref(), oif.index) == exit.interface)
    });
    has_oif && exit.in_mfe && is_older
}

/// The verdict about a flow whose packets leave by no interface: that of the interface which is
/// nearest to forwarding it.
pub(super) fn nearest(facts: &Facts) -> Verdict {
    let exits = &facts.all.outgoing;
    // Of equal ones the first by name.
    let nearest = exits.iter().rev().max_by_key(|exit| progress(exit));
    match nearest.filter(|exit| progress(exit) > 0) {
        Some(exit) => exit.verdict.clone(),
        None if facts.library_reason() == Some("only_iif") => {
            let arrival = facts.arrival();
            let text = format!(
                "the group is wanted only on {arrival}, where the packets arrive: they are not sent \
                 back"
            );
            Finding::new(Reason::OnlyIif, text).on(arrival).into()
        }
        None => match exits.as_slice() {
            [one] => one.verdict.clone(),
            _ => membership::nobody(facts).into(),
        },
    }
}

/// How near an interface is to forwarding the flow.
fn progress(exit: &Exit) -> u8 {
    let Some(reason) = exit.verdict.reason else { return 0 };
    match reason {
        Reason::NoMember => 0,
        // Nothing says that somebody wants the flow there.
        _ if exit.trouble.is_some() && exit.wanted_by.is_empty() => 0,
        Reason::InterfaceNotConfigured
        | Reason::InterfaceMissing
        | Reason::InterfaceDown
        | Reason::InterfacePort
        | Reason::InterfaceRefused => 2,
        // Somebody may want it there, but that is not known.
        Reason::IgmpVersion
        | Reason::BridgeHidesReports
        | Reason::NoAddress
        | Reason::NotSentUp => 1,
        Reason::OifBoundary | Reason::CreationAlert | Reason::SwitchedOff => 3,
        Reason::TtlThreshold | Reason::TtlTooLow => 4,
        Reason::Mtu => 5,
        Reason::NotInstalled | Reason::NotServed | Reason::EntryDiffers => 6,
        Reason::DroppedOnDeparture => 7,
        _ => 2,
    }
}
