//! The text of `mgmctl explain`: the way of a packet, from the route of its source to the verdict.

use crate::table::{count, duration, number_of, printable, WIDTH};
use mgm_control::explain::library::{client, shown, InstalledOif, LibraryFlow};
use mgm_control::explain::{
    Exit, Explanation, IgmpShare, Reason, Seen, TroubleKind, Verdict, Want, WantedBy,
};
use mgm_control::interfaces::Role;
use serde::Deserialize;

/// How wide the names of the facts are.
const NAMES: usize = 10;

/// The lines about a flow. `verdict` is that of the flow, or of the interface that was asked for.
///
/// # Errors
/// The explanation of the library lacks a member.
pub fn explanation(all: &Explanation, verdict: &Verdict) -> serde_json::Result<String> {
    let library = LibraryFlow::deserialize(&all.library)?;
    let story = Story { all, library: &library };
    let mut lines = Lines::default();
    lines.title(&format!("({}, {})", all.source, all.group));
    story.way_in(&mut lines);
    story.exits(verdict, &mut lines);
    story.sharers(&mut lines);
    story.forwarder(&mut lines);
    lines.end(verdict);
    Ok(lines.0)
}

/// Lines that fit the width: a name, then a text that may need several lines.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn title(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn fact(&mut self, name: &str, text: &str) {
        let name = printable(name);
        for (number, line) in wrapped(text, WIDTH - NAMES - 1).iter().enumerate() {
            // A long name has a line of its own.
            let (name, is_long) = (&name, name.chars().count() > NAMES);
            match (number, is_long) {
                (0, true) => self.0.push_str(&format!("{name}\n{:NAMES$} {line}\n", "")),
                (0, false) => self.0.push_str(&format!("{name:NAMES$} {line}\n")),
                _ => self.0.push_str(&format!("{:NAMES$} {line}\n", "")),
            }
        }
    }

    fn end(&mut self, verdict: &Verdict) {
        self.0.push('\n');
        if verdict.forwarded {
            return self.fact("forwarded", &format!("yes: {}", verdict.text));
        }
        self.fact("forwarded", &format!("no: {}", verdict.text));
        if let Some(advice) = &verdict.advice {
            self.fact("what to do", advice);
        }
    }
}

/// The text in lines of at most this width. A longer word has a line of its own, and is cut.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in printable(text).split(' ') {
        let line = lines.last_mut().expect("there is a line");
        let length = line.chars().count();
        if length > 0 && length + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if length > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.iter().map(|line| crate::table::cut(line, width)).collect()
}

struct Story<'a> {
    all: &'a Explanation,
    library: &'a LibraryFlow,
}

impl Story<'_> {
    // --- the way in

    fn way_in(&self, lines: &mut Lines) {
        if let Some(text) = self.route() {
            lines.fact("route", &text);
        }
        if let Some(expected) = &self.library.expected {
            let from = expected.upstream.map_or_else(
                || "the source itself".into(),
                |neighbour| format!("the router {neighbour}"),
            );
            let on = shown(expected.name.as_ref(), expected.index);
            lines.fact("expected", &format!("on {on}, from {from}"));
        }
        lines.fact("arrives", &self.arrives());
        if let Some(text) = self.asked() {
            lines.fact("asked", &text);
        }
        if let Some(refusal) = &self.library.refusal {
            let text = match refusal.ends_in_ms {
                0 => refusal.text.clone(), // the next packet tries again
                left => format!("{}, for {}", refusal.text, duration(left)),
            };
            lines.fact("refused", &text);
        }
        let boundary = self.library.arrival.as_ref().and_then(|row| row.boundary.as_ref());
        if let Some(row) = boundary {
            let name = row.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            lines.fact("boundary", &format!("{}{name}, where packets arrive", row.scope));
        }
    }

    fn route(&self) -> Option<String> {
        let route = self.library.route.as_ref()?;
        Some(match (route.kind.as_str(), &route.prefix) {
            ("none", _) => "none covers the source".into(),
            ("local", _) => "the source is an address of this router".into(),
            (_, prefix) => {
                let paths = route.paths.iter().map(|path| {
                    let on = shown(path.name.as_ref(), path.index);
                    match path.gateway {
                        Some(gateway) => format!("by {gateway} on {on}"),
                        None => format!("directly on {on}"),
                    }
                });
                let paths: Vec<String> = paths.collect();
                let prefix = prefix.as_deref().unwrap_or("a route");
                let origin = origin(route.protocol);
                format!("{prefix} {}{origin}", paths.join(", or "))
            }
        })
    }

    /// Where packets arrive, and what was seen of them.
    fn arrives(&self) -> String {
        let Some(arrival) = &self.all.arrival else { return "it is not known where".into() };
        let on = &arrival.interface;
        let listening = self.all.listening.as_ref();
        let is_local = self.library.route.as_ref().is_some_and(|route| route.kind == "local");
        let seen = listening.and_then(|known| {
            let is_meant =
                |seen: &&Seen| seen.index == arrival.index && (!seen.leaving || is_local);
            known.seen.iter().find(is_meant)
        });
        match (listening, seen) {
            (Some(listening), _) if listening.error.is_some() => {
                let error = listening.error.as_deref().unwrap_or_default();
                format!("on {on}; {error}")
            }
            (Some(listening), Some(seen)) => {
                let time = duration(listening.listened_ms);
                let packets = number_of(seen.packets, "packet");
                format!("on {on}: {packets} in {time}, {}", properties(seen))
            }
            (Some(listening), None) => {
                format!("on {on}: no packet in {}", duration(listening.listened_ms))
            }
            (None, _) => format!("on {on}"),
        }
    }

    /// Who decided where packets have to arrive.
    fn asked(&self) -> Option<String> {
        let question = self.library.rpf_callback.as_ref()?;
        let who = client(question.client);
        let accepted = question.accepted.as_ref();
        let on = accepted.map(|row| shown(row.name.as_ref(), row.index)).unwrap_or_default();
        let how = match self.library.mfe.as_ref().map(|mfe| mfe.iif_by.as_str()) {
            Some("client") => ", unlike the route",
            Some("unrouted") => ", without a route",
            _ => "",
        };
        let who = who?;
        Some(match question.state.as_str() {
            "no_callback" => format!("{who} has no RPF_CALLBACK: the route decides"),
            "not_asked" => format!("{who} will be asked at the next first packet"),
            "waiting" => format!("{who} was asked, and has not answered"),
            "answered" => format!("{who} accepts packets on {on}{how}"),
            "declined" => format!("{who} does not accept the source"),
            _ => return None,
        })
    }

    // --- the way out

    fn exits(&self, verdict: &Verdict, lines: &mut Lines) {
        let is_quiet = |exit: &&Exit| {
            exit.verdict.reason == Some(Reason::NoMember) && exit.wanted_by.is_empty()
                || exit.wanted_by.is_empty() && exit.trouble.is_some()
        };
        for exit in self.all.outgoing.iter().filter(|exit| !is_quiet(exit)) {
            lines.fact(&format!("to {}", exit.interface), &exit_text(exit, verdict));
        }
        let quiet: Vec<String> = self
            .all
            .outgoing
            .iter()
            .filter(is_quiet)
            .map(|exit| match exit.trouble.as_ref().map(|trouble| trouble.kind) {
                Some(TroubleKind::Missing) => format!("{} (missing)", exit.interface),
                Some(TroubleKind::Down) => format!("{} (down)", exit.interface),
                Some(_) => format!("{} (not served)", exit.interface),
                None => exit.interface.clone(),
            })
            .collect();
        if !quiet.is_empty() {
            lines.fact("not wanted", &format!("on {}", quiet.join(", ")));
        }
    }

    // --- proxies and routes

    fn sharers(&self, lines: &mut Lines) {
        for proxy in &self.all.proxies {
            let active = match &proxy.active {
                Some(active) if proxy.is_backup => {
                    format!("{}: its backup {active}", proxy.upstream)
                }
                Some(active) => active.clone(),
                None => proxy.upstream.clone(),
            };
            let text = match (&proxy.not_reported, &proxy.not_accepted) {
                (None, _) => format!("{active} reports that the flow is wanted"),
                (Some(why), None) => format!("{active} does not report the flow: {why}"),
                (Some(why), Some(other)) if why == other => {
                    format!("{active} does not report the flow, nor accept it: {why}")
                }
                (Some(why), Some(other)) => format!(
                    "{active} does not report the flow: {why}; and does not accept it: {other}"
                ),
            };
            lines.fact("proxy", &text);
        }
        for route in &self.all.routes {
            let (from, source, group) = (&route.from, &route.source, &route.group);
            let state = match (&route.rests_because_of, route.joined) {
                (Some(owned), _) => format!("has no effect: a routing protocol owns {owned}"),
                (None, true) if route.exact => "is a static membership".into(),
                (None, true) => "has joined the flow".into(),
                (None, false) => "has not joined the flow".into(),
            };
            let to = match route.to_interfaces.as_slice() {
                [] => "no interface".into(),
                names => names.join(", "),
            };
            let text = format!("{source} to {group}, from {from} to {to}: {state}");
            lines.fact("static", &text);
        }
    }

    // --- the forwarder

    /// The entry of the ebpf forwarder.
    fn installed(&self, lines: &mut Lines) {
        let row = self.library.forwarder.as_ref();
        let Some(entry) = row.and_then(|row| row.installed.as_ref()) else { return };
        let oif = |oif: &InstalledOif| {
            let hop = oif.next_hop.map_or_else(String::new, |hop| format!("/{hop}"));
            let ready = if oif.ready { "" } else { " (discards)" };
            format!("{}{hop}{ready}", shown(oif.name.as_ref(), oif.index))
        };
        let oifs: Vec<String> = entry.oifs.iter().map(oif).collect();
        let to = if oifs.is_empty() { "nowhere".into() } else { oifs.join(", ") };
        let idle = if entry.takes_packets { "" } else { " (takes no packets)" };
        let from = shown(entry.name.as_ref(), entry.index);
        lines.fact("ebpf", &format!("from {from}{idle} to {to}"));
    }

    fn forwarder(&self, lines: &mut Lines) {
        match (&self.library.mfe, &self.library.resolving) {
            (Some(mfe), _) => {
                let expires = mfe.expires_in_ms.map_or_else(
                    || "without an end".into(),
                    |left| format!("expires in {}", duration(left)),
                );
                let wrong = match mfe.wrong_if {
                    0 => String::new(),
                    packets => format!(", {} on other interfaces", count(packets)),
                };
                let unwanted = match mfe.negative {
                    0 => String::new(),
                    packets => format!(", {} while nobody wanted it", count(packets)),
                };
                let text = format!(
                    "{} packets, {} octets{wrong}{unwanted}; up {}, {expires}",
                    count(mfe.packets),
                    count(mfe.octets),
                    duration(mfe.up_ms)
                );
                lines.fact("MFE", &text);
            }
            (None, Some(_)) => lines.fact("MFE", "none yet: clients are being asked"),
            (None, None) => lines.fact("MFE", "none"),
        }
        self.installed(lines);
        if let Some(kernel) = &self.all.kernel {
            if let Some(error) = &kernel.error {
                return lines.fact("kernel", error);
            }
            let text = match &kernel.entry {
                None => "no entry".into(),
                Some(entry) => {
                    let out = match entry.outgoing.as_slice() {
                        [] => "nowhere".into(),
                        names => names.join(", "),
                    };
                    let incoming = entry.incoming.as_deref().unwrap_or("an unknown interface");
                    let wrong = match entry.wrong_interface_packets {
                        0 => String::new(),
                        packets => format!(", {} of them elsewhere", count(packets)),
                    };
                    format!("from {incoming} to {out}; {} packets{wrong}", count(entry.packets))
                }
            };
            let differs = match kernel.differences.as_slice() {
                [] => String::new(),
                all => format!("; unlike the MFE: {}", all.join("; ")),
            };
            lines.fact("kernel", &format!("{text}{differs}"));
        }
    }
}

/// Where a route came from: PROTO_IP_*.
fn origin(protocol: u32) -> String {
    match protocol {
        2 => String::new(),
        3 => ", static".into(),
        8 => ", of RIP".into(),
        13 => ", of OSPF".into(),
        14 => ", of BGP".into(),
        number => format!(", of protocol {number}"),
    }
}

/// "TTL 16, 1344 octets, not to be fragmented".
fn properties(seen: &Seen) -> String {
    let ttl = if seen.lowest_ttl == seen.highest_ttl {
        format!("TTL {}", seen.lowest_ttl)
    } else {
        format!("TTL {} to {}", seen.lowest_ttl, seen.highest_ttl)
    };
    let fragments = if seen.longest_unfragmentable > 0 { ", not to be fragmented" } else { "" };
    format!("{ttl}, up to {} octets{fragments}", seen.longest)
}

/// Who wants the flow on an interface, what limits it there, and why it does not leave there. The
/// last line has the text of `verdict`.
fn exit_text(exit: &Exit, verdict: &Verdict) -> String {
    let wants: Vec<String> = exit.wanted_by.iter().map(|want| wanted(want, exit)).collect();
    let mut parts = vec![match wants.is_empty() {
        true => "wanted by nobody".into(),
        false => format!("wanted by {}", wants.join(" and ")),
    }];
    if let Some(boundary) = &exit.boundary {
        parts.push(format!("boundary {}", boundary.scope));
    }
    if exit.ttl_threshold > 1 {
        parts.push(format!("TTL above {}", exit.ttl_threshold));
    }
    if let Some(mtu) = exit.mtu.filter(|_| exit.verdict.reason == Some(Reason::Mtu)) {
        parts.push(format!("MTU {mtu}"));
    }
    if let Some(packets) = exit.seen_leaving.filter(|_| exit.in_mfe) {
        parts.push(format!("{} went out", number_of(packets, "packet")));
    }
    match exit.verdict.forwarded {
        true => {}
        false if exit.verdict.text == verdict.text => parts.push("not forwarded".into()),
        false => parts.push(format!("not forwarded: {}", exit.verdict.text)),
    }
    parts.join("; ")
}

fn wanted(want: &Want, exit: &Exit) -> String {
    let which = match want.source {
        Some(_) => "this source",
        None => "all sources",
    };
    let left = want.expires_in_ms.map(|left| format!(", for {}", duration(left)));
    let left = left.unwrap_or_default();
    let detail = want.detail.as_deref().unwrap_or_default();
    match want.by {
        WantedBy::Hosts => {
            let hosts = exit.igmp.as_ref().and_then(|igmp| igmp.hosts.as_ref());
            let hosts = match hosts.and_then(|hosts| hosts.host_count) {
                Some(count) => number_of(count, "host"),
                None => "hosts".into(),
            };
            format!("{hosts} ({which}{left}{})", version(exit.igmp.as_ref()))
        }
        WantedBy::Static => format!("a static membership ({which})"),
        WantedBy::Join => format!("mgmctl join ({which})"),
        WantedBy::Route => format!("the static route {detail}"),
        WantedBy::ForwardUp => "the proxy, which sends it up".into(),
        WantedBy::Igmp => format!("igmp ({which})"),
        WantedBy::Protocol => format!("{detail} ({which})"),
    }
}

/// ", IGMPv2" if the link does not speak the newest version.
fn version(igmp: Option<&IgmpShare>) -> String {
    let is_router = |igmp: &&IgmpShare| {
        matches!(igmp.role, Some(Role::Router | Role::Downstream)) && igmp.version < 3
    };
    igmp.filter(is_router).map(|igmp| format!(", IGMPv{}", igmp.version)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
