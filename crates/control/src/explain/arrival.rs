//! The reasons on the way in, in the order in which a packet meets them.

use super::facts::{Facts, Finding};
use super::library::{client, shown, BoundaryRow};
use super::{absence, Arrival, Kernel, Reason, Trouble, TroubleKind};

/// The kernel's default multicast routing table.
const DEFAULT_TABLE: u32 = 253;

/// If at least this many packets were seen, it is no accident that none was counted.
pub(super) const ENOUGH: u64 = 3;

/// The first reason on the way in.
pub(super) fn first(facts: &Facts) -> Option<Finding> {
    router(facts)
        .or_else(|| interface(facts))
        .or_else(|| boundary(facts))
        .or_else(|| system(facts))
        .or_else(|| acceptance(facts))
}

/// Reasons that hold for all packets.
fn router(facts: &Facts) -> Option<Finding> {
    if !facts.library.running {
        return Some(Finding::new(Reason::NotRunning, "the library is not running"));
    }
    if facts.library_reason() == Some("link_local") {
        let text = format!("{} is in 224.0.0.0/24, which no router forwards", facts.all.group);
        let advice = "use a group from 239.0.0.0/8, or from 232.0.0.0/8 with a source";
        return Some(Finding::new(Reason::LinkLocal, text).advise(advice));
    }
    // A host that is not mgmd may pass packets to the memory forwarder.
    let is_router = facts.all.outgoing.iter().any(|exit| exit.igmp.is_some());
    if is_router && facts.library.has_forwarder("memory") {
        let text = "mgmd has the memory forwarder, which forwards no packets of the system";
        let advice = "set forwarder = \"kernel\" in [router], and restart mgmd";
        return Some(Finding::new(Reason::MemoryForwarder, text).advise(advice));
    }
    None
}

/// Reasons why the interface on which packets arrive, or are expected, cannot be used.
fn interface(facts: &Facts) -> Option<Finding> {
    let arrival = facts.all.arrival.as_ref()?;
    let mut paths = facts.library.route.iter().flat_map(|route| &route.paths);
    let what = if facts.has_arrived() {
        format!("packets arrive on {}", arrival.interface)
    } else if paths.any(|path| path.index == arrival.index) {
        format!("the route to {} leads through {}", facts.all.source, arrival.interface)
    } else {
        format!("packets are expected on {}", arrival.interface)
    };
    if let Some(trouble) = &arrival.trouble {
        return Some(unusable(&what, &arrival.interface, trouble));
    }
    let is_owned = match &facts.library.arrival {
        Some(row) => row.owner.is_some(),
        None => {
            let mut paths = facts.library.route.iter().flat_map(|route| &route.paths);
            paths.any(|path| path.index == arrival.index && path.owner.is_some())
        }
    };
    if is_owned || facts.library.mfe.is_some() {
        return None;
    }
    let text = format!("{what}, which no client of the library has taken");
    Some(Finding::new(Reason::InterfaceNotOwned, text).on(&arrival.interface))
}

/// The finding for an interface that cannot be used. `what` is the beginning of a sentence that
/// ends with its name.
pub(super) fn unusable(what: &str, interface: &str, trouble: &Trouble) -> Finding {
    let said = trouble.text.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    let (reason, rest, advice) = match trouble.kind {
        TroubleKind::NotConfigured => (
            Reason::InterfaceNotConfigured,
            "which the configuration of mgmd does not name",
            Some(format!(
                "add an [[interface]] with name = \"{interface}\" to mgmd.toml, and run \
                 \"mgmctl reload\""
            )),
        ),
        TroubleKind::Missing => (
            Reason::InterfaceMissing,
            "which does not exist",
            Some(format!(
                "mgmd serves {interface} as soon as it appears; check the name in mgmd.toml"
            )),
        ),
        TroubleKind::Down => (
            Reason::InterfaceDown,
            "which is down, or has no carrier",
            Some(format!("ip link set {interface} up; then check the cable, or the other end")),
        ),
        TroubleKind::Port => (
            Reason::InterfacePort,
            "whose packets belong to a bridge, bond or team",
            Some("name the bridge, bond or team in mgmd.toml instead of its port".into()),
        ),
        TroubleKind::Refused => {
            (Reason::InterfaceRefused, "which the library does not accept", None)
        }
    };
    let finding = Finding::new(reason, format!("{what}, {rest}{said}")).on(interface);
    match advice {
        Some(advice) => finding.advise(advice),
        None => finding,
    }
}

/// "239.192.0.0/14 (site)".
pub(super) fn scope(scope: &str, name: Option<&str>) -> String {
    name.map_or_else(|| scope.to_owned(), |name| format!("{scope} ({name})"))
}

fn boundary(facts: &Facts) -> Option<Finding> {
    let of = |interface: String, row: &BoundaryRow| {
        let scope = scope(&row.scope, row.name.as_deref());
        let text = format!("the boundary {scope} on {interface} blocks the group where it arrives");
        let advice = format!("remove the boundary from {interface}, or use a group outside of it");
        Finding::new(Reason::ArrivalBoundary, text).on(&interface).advise(advice)
    };
    if let Some(arrival) = &facts.library.arrival {
        let interface = shown(arrival.name.as_ref(), arrival.index);
        if let Some(row) = &arrival.boundary {
            return Some(of(interface, row));
        }
    }
    if facts.library_reason() != Some("arrival_boundary") {
        return None;
    }
    let mut paths = facts.library.route.iter().flat_map(|route| &route.paths);
    let path = paths.find(|path| path.boundary.is_some())?;
    Some(of(shown(path.name.as_ref(), path.index), path.boundary.as_ref()?))
}

/// Reasons for which the system itself drops the packets.
fn system(facts: &Facts) -> Option<Finding> {
    let arrival = facts.all.arrival.as_ref()?;
    own_source(facts, arrival)
        .or_else(|| reverse_path(facts, arrival))
        .or_else(|| other_table(facts, arrival))
        .or_else(|| dropped(facts, arrival))
}

fn own_source(facts: &Facts, arrival: &Arrival) -> Option<Finding> {
    let from_outside = |seen: &&super::Seen| seen.index == arrival.index && !seen.leaving;
    let seen = facts.heard()?.seen.iter().find(from_outside);
    if !facts.is_own_source() || seen.is_none() {
        return None;
    }
    let Arrival { interface, .. } = arrival;
    let text = format!(
        "packets arrive on {interface} from {}, which is an address of this router: the kernel \
         drops them",
        facts.all.source
    );
    let advice = "change the address of the sender, or that of this router";
    Some(Finding::new(Reason::OwnSource, text).on(interface).advise(advice))
}

fn reverse_path(facts: &Facts, arrival: &Arrival) -> Option<Finding> {
    // The kernel refuses an own source in any case, and packets of this router need no check.
    if arrival.source_accepted != Some(false) || facts.is_own_source() {
        return None;
    }
    let Arrival { interface, .. } = arrival;
    let text = format!(
        "rp_filter drops the packets on {interface}, because the system's route to {} does not \
         lead there",
        facts.all.source
    );
    // In the name of a setting, dots separate its parts.
    let setting = format!("net.ipv4.conf.{}.rp_filter", interface.replace('.', "/"));
    let advice = format!(
        "sysctl -w {setting}=2; if the system has no route to {} at all, set this and \
         net.ipv4.conf.all.rp_filter to 0",
        facts.all.source
    );
    Some(Finding::new(Reason::ReversePath, text).on(interface).advise(advice))
}

fn other_table(facts: &Facts, arrival: &Arrival) -> Option<Finding> {
    let kernel = facts.all.kernel.as_ref().filter(|kernel| kernel.error.is_none())?;
    if arrival.table == Some(kernel.table) {
        return None;
    }
    let Arrival { interface, .. } = arrival;
    let own = table(kernel.table);
    let (text, advice) = match arrival.table {
        Some(other) if other != DEFAULT_TABLE => (
            format!(
                "a rule leads the packets of {interface} to {}, not to {own} of mgmd",
                table(other)
            ),
            match kernel.table {
                DEFAULT_TABLE => format!("ip mrule del iif {interface} lookup {other}"),
                own => format!("ip mrule add iif {interface} lookup {own}"),
            },
        ),
        _ => (
            format!("no rule leads the packets of {interface} to {own} of mgmd"),
            format!("ip mrule add iif {interface} lookup {}", kernel.table),
        ),
    };
    Some(Finding::new(Reason::OtherTable, text).on(interface).advise(advice))
}

fn table(number: u32) -> String {
    match number {
        DEFAULT_TABLE => "the default multicast routing table".into(),
        number => format!("the multicast routing table {number}"),
    }
}

/// Packets that were seen on their way in, but did not reach multicast routing.
fn dropped(facts: &Facts, arrival: &Arrival) -> Option<Finding> {
    let seen = facts.arrived().filter(|seen| seen.packets >= ENOUGH)?;
    let kernel = facts.all.kernel.as_ref().filter(|kernel| kernel.error.is_none())?;
    if reached(facts, kernel) {
        return None;
    }
    let Arrival { interface, .. } = arrival;
    let text = format!(
        "{} packets arrived on {interface}, but did not reach multicast routing",
        seen.packets
    );
    let advice = "look for a rule that drops them: \"nft list ruleset\", hook prerouting, and \
                  \"tc filter show\"";
    Some(Finding::new(Reason::DroppedOnArrival, text).on(interface).advise(advice))
}

/// Whether packets of the flow have reached multicast routing since mgmd began to listen, or may
/// have reached it.
fn reached(facts: &Facts, kernel: &Kernel) -> bool {
    let library = facts.library;
    if let Some(entry) = &kernel.entry {
        return entry.packets_while_listening.is_none_or(|packets| packets > 0);
    }
    // A packet would have created an MFE. There are reasons for which the library refuses a packet
    // without a trace, such as limits.
    let creates = match facts.library_reason() {
        None => true,
        Some(reason) => Reason::named(reason).is_some_and(|reason| !reason.is_before_departure()),
    };
    let has_trace =
        library.mfe.is_some() || library.refusal.is_some() || library.resolving.is_some();
    has_trace || !creates
}

/// Reasons for which the library does not accept the packets.
fn acceptance(facts: &Facts) -> Option<Finding> {
    let library = facts.library;
    // The library will ask mgmd, which accepts the flow.
    let accepted = facts.all.arrival.as_ref().and_then(|arrival| arrival.accepted_by);
    let is_asked = library.mfe.is_none() && accepted.is_some();
    match facts.library_reason()? {
        "wrong_interface" | "no_route" | "declined" | "unowned_interface" if is_asked => None,
        "wrong_interface" => Some(wrong_interface(facts)),
        "waiting" => {
            let asked = library.rpf_callback.as_ref().and_then(|question| client(question.client));
            let owner = library.interfaces.iter().find(|row| row.creation_alert.is_some());
            let owner = owner.and_then(|row| client(row.owner));
            let is_rpf =
                library.rpf_callback.as_ref().is_some_and(|question| question.state == "waiting");
            let (who, what) = match (is_rpf, owner) {
                (false, Some(owner)) => (Some(owner), "CREATION_ALERT"),
                _ => (asked, "RPF_CALLBACK"),
            };
            let who = who.unwrap_or_else(|| "a client".into());
            let text = format!("{who} has not answered {what} about the flow");
            let advice = "if this lasts, restart the module or the program of this client";
            Some(Finding::new(Reason::Waiting, text).advise(advice))
        }
        // Without an upstream, there may be no route to what is behind it.
        "no_route" => {
            Some(absence::not_reported(facts).unwrap_or_else(|| no_route(facts, Reason::NoRoute)))
        }
        "declined" => Some(no_route(facts, Reason::Declined)),
        "unowned_interface" | "foreign_arrival" => Some(Finding::new(
            Reason::InterfaceNotOwned,
            format!("the route to {} leads through no interface of this router", facts.all.source),
        )),
        limit => limited(facts, limit),
    }
}

fn wrong_interface(facts: &Facts) -> Finding {
    let library = facts.library;
    let accepted = library.mfe.as_ref().map(|mfe| mfe.iif.index);
    let accepted = accepted.or(library.expected.as_ref().map(|expected| expected.index));
    let source = facts.all.source;
    let arrival = facts.arrival();
    let expected = accepted.map_or_else(|| "another interface".into(), |index| facts.name(index));
    let text =
        format!("packets arrive on {arrival}, but the route to {source} leads through {expected}");
    let advice = if facts.all.proxies.iter().any(|proxy| proxy.is_active_on(arrival)) {
        format!("add the network of {source} to sources of the proxy with upstream {arrival}")
    } else {
        format!(
            "correct the route to {source} (ip route get {source}), or add a [[route]] with \
             from = \"{arrival}\""
        )
    };
    Finding::new(Reason::WrongInterface, text).on(arrival).advise(advice)
}

fn no_route(facts: &Facts, reason: Reason) -> Finding {
    let source = facts.all.source;
    let arrival = facts.all.arrival.as_ref().map(|arrival| arrival.interface.as_str());
    let mut proxies = facts.all.proxies.iter();
    let of_upstream = proxies.find(|proxy| arrival.is_some_and(|name| proxy.is_active_on(name)));
    let why = of_upstream.and_then(|proxy| proxy.not_accepted.as_ref());
    // A route may lead through an interface that is not one of this router.
    let route = facts.library.route.as_ref();
    let path = route.and_then(|route| route.paths.first());
    let route = match path.map(|path| shown(path.name.as_ref(), path.index)) {
        Some(name) => {
            format!("the route to {source} leads through {name}, which mgmd does not serve")
        }
        None => format!("no route covers {source}"),
    };
    let (text, advice) = match (arrival, why) {
        (Some(arrival), Some(why)) => (
            format!("{route}, and the upstream {arrival} refuses it: {why}"),
            format!("change sources or groups of the proxy with upstream {arrival}"),
        ),
        (Some(arrival), None) => (
            route,
            format!(
                "add a route: ip route add {source} dev {arrival}; or a [[route]] with \
                 from = \"{arrival}\""
            ),
        ),
        (None, _) => (route, format!("add a route: ip route add {source} …")),
    };
    Finding::new(reason, text).advise(advice)
}

fn limited(facts: &Facts, code: &str) -> Option<Finding> {
    let arrival = facts.arrival();
    let (reason, advice) = match code {
        "flow_limit" => {
            (Reason::FlowLimit, "raise max-flows in [router] if the senders are genuine".into())
        }
        "arrival_limit" => (
            Reason::ArrivalLimit,
            format!("find the senders on {arrival} (mgmctl flows), or raise max-flows"),
        ),
        "flow_rate" => (
            Reason::FlowRate,
            format!("raise new-flows of the interface {arrival} if the senders are genuine"),
        ),
        "no_memory" => (Reason::NoMemory, "free some memory".into()),
        _ => return None,
    };
    let refusal = facts.library.refusal.as_ref().filter(|refusal| refusal.reason == code);
    let text = refusal.map_or(&facts.library.verdict.text, |refusal| &refusal.text);
    Some(Finding::new(reason, text).on(arrival).advise(advice))
}
