//! Streams that arrive and do not leave, although an entry forwards them.

use super::super::facts::{Entry, Facts};
use super::super::firewall::{list, pass, Hook, Passing, Programs, What};
use super::super::report::{Finding, Kind, Report};
use super::super::shell::quoted;
use super::super::traffic::{is_local, Packets, Stream};
use super::ENOUGH;
use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;

/// How many groups a command names at most.
const GROUPS: usize = 8;

/// Why packets do not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// No packet has a TTL above this.
    Ttl(u8),
    /// Packets are longer than the MTU.
    Mtu,
    /// The interface is down.
    Down,
    /// The interface is up, and has no carrier.
    NoCarrier,
    /// The kernel does not count them, so it does not route them.
    Arrival,
    /// The kernel counts them.
    Forward,
}

/// The streams that one cause stops on the way from one link to another.
struct Case<'a> {
    cause: Cause,
    arrives_on: u32,
    /// The links by which they should leave.
    leaves_by: Vec<u32>,
    streams: Vec<(Stream, &'a Packets)>,
}

/// The streams that a cause stops, by the link on which they arrive, the link by which they should
/// leave, and the cause.
type Stopped<'a> = BTreeMap<(u32, u32, Cause), Vec<(Stream, &'a Packets)>>;

/// See [`super::CHECKS`].
pub fn judge(facts: &Facts, report: &mut Report) {
    let entries = Entries::of(facts);
    let mut stopped = Stopped::new();
    for (stream, link, packets) in facts.traffic.arrived() {
        let Some(entry) = entries.of_packets(stream, link) else { continue };
        for (to, threshold) in &entry.sent_to {
            if let Some(cause) = cause(facts, stream, packets, (entry, *to, *threshold)) {
                stopped.entry((link, *to, cause)).or_default().push((stream, packets));
            }
        }
    }
    for case in merged(stopped) {
        report.findings.push(finding(facts, &case));
    }
    say_what_was_lost(facts, report);
    say_what_is_not_in_the_kernel(facts, report);
}

/// The entries by source and group.
struct Entries<'a> {
    facts: &'a Facts,
    /// The entries, each with the number of its table.
    entries: HashMap<(Ipv4Addr, Ipv4Addr), Vec<(u32, &'a Entry)>>,
}

impl<'a> Entries<'a> {
    fn of(facts: &'a Facts) -> Entries<'a> {
        let mut entries: HashMap<_, Vec<_>> = HashMap::new();
        for table in &facts.tables {
            for entry in table.entries.iter().filter(|entry| !entry.is_offloaded) {
                entries.entry((entry.source, entry.group)).or_default().push((table.id, entry));
            }
        }
        Entries { facts, entries }
    }

    /// The entry that forwards the packets of a stream that arrive on a link: its own, otherwise
    /// that of the group.
    fn of_packets(&self, stream: Stream, link: u32) -> Option<&'a Entry> {
        let all = |source| self.entries.get(&(source, stream.group)).into_iter().flatten();
        let reached = |source| {
            let known = all(source).filter(|(table, _)| self.facts.reaches(link, *table));
            known.map(|(_, entry)| *entry).next()
        };
        if let Some(own) = reached(stream.source) {
            return Some(own).filter(|entry| entry.arrives_on == link);
        }
        // The kernel uses the entry of a group only for links to which it sends packets.
        let is_sent_to = |entry: &&Entry| entry.sent_to.iter().any(|(to, _)| *to == link);
        let of_group = reached(Ipv4Addr::UNSPECIFIED);
        of_group.filter(|entry| entry.arrives_on == link).filter(is_sent_to)
    }
}

/// Why the packets of a stream do not leave by a link of their entry; `None` if they do, or if
/// nothing can be said.
fn cause(
    facts: &Facts,
    stream: Stream,
    arrived: &Packets,
    (entry, to, threshold): (&Entry, u32, u8),
) -> Option<Cause> {
    let link = facts.links.get(&to)?;
    let leaves = facts.is_vif(to) && facts.heard.contains(&to) && facts.traffic.lost(to) == 0;
    if !leaves || arrived.count < ENOUGH || to == entry.arrives_on {
        return None;
    }
    let left = facts.traffic.left(stream, to);
    let low = arrived.with_ttl_up_to(threshold);
    if low == arrived.count {
        // Groups for one site often have a TTL that keeps them there.
        return (left == 0 && !is_local(stream.group)).then_some(Cause::Ttl(threshold));
    }
    let long = arrived.longer_than(link.mtu);
    let rest = arrived.count.saturating_sub(low + long);
    if left > 0 || rest < ENOUGH {
        // Some of those that left have arrived after the end of the capture.
        return (long > 0 && left + long.div_ceil(2) <= arrived.count).then_some(Cause::Mtu);
    }
    match (link.is_up, link.is_running) {
        (false, _) => return Some(Cause::Down),
        (true, false) => return Some(Cause::NoCarrier),
        (true, true) => {}
    }
    if entry.packets > 0 {
        return Some(Cause::Forward);
    }
    // What rp_filter drops is a finding of its own.
    let is_filtered = facts.reverse_paths.contains_key(&(entry.arrives_on, stream.source))
        && facts.reverse_path_drops != Some(0);
    (!is_filtered).then_some(Cause::Arrival)
}

/// One case for each cause: what is dropped before it is routed leaves by no link.
fn merged(stopped: Stopped<'_>) -> Vec<Case<'_>> {
    let mut merged: Vec<Case> = Vec::new();
    for ((arrives_on, to, cause), streams) in stopped {
        let same = |case: &&mut Case| {
            let is_one = matches!(cause, Cause::Ttl(_) | Cause::Arrival);
            is_one && (case.cause, case.arrives_on) == (cause, arrives_on)
        };
        match merged.iter_mut().find(same) {
            Some(case) => {
                case.leaves_by.push(to);
                let new = streams.into_iter().filter(|new| !case.streams.contains(new));
                case.streams.extend(new.collect::<Vec<_>>());
            }
            None => merged.push(Case { cause, arrives_on, leaves_by: vec![to], streams }),
        }
    }
    merged
}

fn finding(facts: &Facts, case: &Case<'_>) -> Finding {
    let (kind, interface, text, command) = match case.cause {
        Cause::Ttl(threshold) => ttl(facts, case, threshold),
        Cause::Mtu => mtu(facts, case),
        Cause::Down => down(facts, case),
        Cause::NoCarrier => no_carrier(facts, case),
        Cause::Arrival => before_routing(facts, case),
        Cause::Forward => forwarding(facts, case),
    };
    let first = case.streams.first().map(|(stream, _)| *stream);
    Finding {
        source: first.map(|stream| stream.source),
        group: first.map(|stream| stream.group),
        streams: case.streams.len() as u64,
        ..Finding::new(kind, Some(&interface), text, command)
    }
}

/// The kind of a finding, its interface, text and command.
type Parts = (Kind, String, String, String);

/// "239.1.1.1 from 10.1.0.11 and 4 more streams arrive".
pub(super) fn named(streams: &[Stream]) -> String {
    let Some(Stream { group, source }) = streams.first() else { return "nothing".into() };
    match streams.len() - 1 {
        0 => format!("{group} from {source} arrives"),
        1 => format!("{group} from {source} and 1 more stream arrive"),
        more => format!("{group} from {source} and {more} more streams arrive"),
    }
}

impl Case<'_> {
    fn streams(&self) -> String {
        named(&self.streams.iter().map(|(stream, _)| *stream).collect::<Vec<_>>())
    }

    fn names(&self, facts: &Facts) -> (String, String) {
        let to: Vec<String> = self.leaves_by.iter().map(|link| facts.name(*link)).collect();
        (facts.name(self.arrives_on), to.join(", "))
    }

    /// The groups of the streams, each once.
    fn groups(&self) -> Vec<Ipv4Addr> {
        let mut groups: Vec<Ipv4Addr> = self.streams.iter().map(|(s, _)| s.group).collect();
        groups.dedup();
        groups
    }

    fn what(&self) -> What {
        match self.groups()[..] {
            [group] => What::Group(group),
            _ => What::AllGroups,
        }
    }
}

fn ttl(facts: &Facts, case: &Case<'_>, threshold: u8) -> Parts {
    let (from, to) = case.names(facts);
    let greatest = case.streams.iter().map(|(_, packets)| packets.greatest_ttl()).max();
    let text = format!(
        "{from}: {} with TTL {}, and only packets with a TTL above {threshold} are sent to {to}: \
         have the sender use a greater TTL, or raise it here",
        case.streams(),
        greatest.unwrap_or_default(),
    );
    let groups: Vec<String> = case.groups().iter().take(GROUPS).map(ToString::to_string).collect();
    let ttl = if threshold < 64 { 64 } else { 255 };
    let Programs { nft, iptables_nft, iptables_legacy } = facts.programs;
    let command = match iptables_nft.or(iptables_legacy) {
        Some(program) if !nft => format!(
            "{program} -t mangle -A PREROUTING -i {} -d {} -j TTL --ttl-set {ttl}",
            quoted(&from),
            groups.join(","),
        ),
        _ => {
            let groups = groups.join(", ");
            let script = format!(
                "add table ip mgm; add chain ip mgm ttl {{ type filter hook prerouting priority \
                 -150; }}; add rule ip mgm ttl iifname \"{from}\" ip daddr {{ {groups} }} ip ttl \
                 set {ttl}"
            );
            format!("nft {}", quoted(&script))
        }
    };
    (Kind::Ttl, from, text, command)
}

fn mtu(facts: &Facts, case: &Case<'_>) -> Parts {
    let (from, to) = case.names(facts);
    let mtu = case.leaves_by.first().and_then(|link| facts.links.get(link)).map_or(0, |l| l.mtu);
    let longest = case.streams.iter().map(|(_, packets)| packets.greatest_length()).max();
    let longest = longest.unwrap_or_default();
    let text = format!(
        "{to}: {} on {from} with packets of up to {longest} bytes that must not be fragmented (DF), \
         and the MTU of {to} is {mtu}: the kernel drops them: raise the MTU, or have the sender use \
         shorter packets",
        case.streams(),
    );
    let command = format!("ip link set dev {} mtu {longest}", quoted(&to));
    (Kind::Mtu, to, text, command)
}

fn down(facts: &Facts, case: &Case<'_>) -> Parts {
    let (from, to) = case.names(facts);
    let streams = case.streams();
    let text = format!("{to}: {streams} on {from} and should leave by {to}, which is down");
    (Kind::InterfaceDown, to.clone(), text, format!("ip link set dev {} up", quoted(&to)))
}

fn no_carrier(facts: &Facts, case: &Case<'_>) -> Parts {
    let (from, to) = case.names(facts);
    let streams = case.streams();
    let text = format!(
        "{to}: {streams} on {from} and should leave by {to}, which has no carrier: look at its cable \
         and at the device at the other end"
    );
    (Kind::InterfaceDown, to.clone(), text, format!("ip link show dev {}", quoted(&to)))
}

fn before_routing(facts: &Facts, case: &Case<'_>) -> Parts {
    let (from, _) = case.names(facts);
    let streams = case.streams();
    let suspects = facts.firewall.suspects(&Hook::BEFORE_ROUTING);
    let seen = format!("{from}: {streams}, but the kernel does not route the packets");
    if suspects.is_empty() && facts.firewall.is_known {
        let text = format!("{seen}, and the packet filter is not the reason: look at its counters");
        let command = "nstat -az IpInHdrErrors IpInAddrErrors IpExtInCsumErrors".into();
        return (Kind::NotForwarded, from, text, command);
    }
    let passing = Passing { arrives_on: Some(&from), leaves_by: None, what: case.what() };
    let text = format!("{seen}: the packet filter drops them{}", suspected(&list(&suspects)));
    let command = pass(&suspects, passing, facts.programs);
    (Kind::FirewallArrival, from, text, command)
}

fn forwarding(facts: &Facts, case: &Case<'_>) -> Parts {
    let (from, to) = case.names(facts);
    let streams = case.streams();
    let suspects = facts.firewall.suspects(&Hook::FORWARDING);
    let seen = format!(
        "{to}: {streams} on {from} and should leave by {to}, but no packet does so, although the \
         kernel counts them"
    );
    if suspects.is_empty() && facts.firewall.is_known {
        let text = format!(
            "{seen}, and the packet filter is not the reason: look at what the queue of {to} drops"
        );
        let command = format!("tc -s qdisc show dev {}", quoted(&to));
        return (Kind::NotForwarded, to, text, command);
    }
    let passing = Passing { arrives_on: Some(&from), leaves_by: Some(&to), what: case.what() };
    let text = format!("{seen}: the packet filter drops them{}", suspected(&list(&suspects)));
    let command = pass(&suspects, passing, facts.programs);
    (Kind::FirewallForward, to, text, command)
}

/// The suspects in brackets.
pub(super) fn suspected(suspects: &str) -> String {
    if suspects.is_empty() {
        return String::new();
    }
    format!(" (suspected: {suspects})")
}

fn say_what_was_lost(facts: &Facts, report: &mut Report) {
    for link in &facts.heard {
        let lost = facts.traffic.lost(*link);
        if lost > 0 {
            let what = format!("the streams that should leave by {}", facts.name(*link));
            let why = format!("{lost} packets came faster than they could be captured");
            report.gap(what, why, None);
        }
    }
}

fn say_what_is_not_in_the_kernel(facts: &Facts, report: &mut Report) {
    let Some(router) = &facts.mgmd.router else { return };
    let forwarder = &router.status.forwarder;
    if forwarder != "kernel" {
        let why =
            format!("its forwarder is {forwarder}, so the kernel has no entries to compare with");
        report.gap("the streams of mgmd", why, Some("mgmctl explain SOURCE GROUP"));
    }
}
