//! What doctor has found, as text and as JSON.

use serde::Serialize;
use std::fmt::Write;
use std::net::Ipv4Addr;

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// The version of this format. A later one may add members; it does not rename or remove any
    /// without another number here.
    pub doctor: u32,
    /// How many milliseconds packets were captured; 0 if that was not possible.
    pub listened_ms: u64,
    /// The interfaces on which packets were captured.
    pub interfaces: Vec<String>,
    /// How many streams arrived on them.
    pub streams: u64,
    /// The faults.
    pub findings: Vec<Finding>,
    /// What could not be examined.
    pub not_examined: Vec<Gap>,
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// Its kind, for programs.
    pub kind: Kind,
    /// The interface that has the fault; null if it is not about one interface.
    pub interface: Option<String>,
    /// The source of the first stream that it stops; null if it does not stop certain streams.
    pub source: Option<Ipv4Addr>,
    /// The group of that stream.
    pub group: Option<Ipv4Addr>,
    /// How many streams it stops, of those that were seen.
    pub streams: u64,
    /// What is wrong, and what to do about it.
    pub text: String,
    /// A command to type, for a shell.
    pub command: String,
}

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A stream is routed, but does not leave: the packet filter drops it.
    FirewallForward,
    /// A stream arrives, but is not routed: the packet filter drops it before.
    FirewallArrival,
    /// The router's own IGMP messages do not leave, normally because the packet filter drops
    /// them.
    FirewallOutput,
    /// Packets are longer than the MTU, and must not be fragmented.
    Mtu,
    /// The TTL of the packets is too low.
    Ttl,
    /// `rp_filter` drops packets.
    ReversePath,
    /// The interface by which a stream should leave is down, or has no carrier.
    InterfaceDown,
    /// A stream does not leave, for a reason that was not found.
    NotForwarded,
    /// A killed router has left filters of the ebpf forwarder.
    StaleFilter,
    /// No router sends queries on the link.
    NoQuerier,
    /// A bridge snoops, and no router sends queries on it.
    BridgeWithoutQuerier,
    /// A bridge does not pass reports to this machine.
    BridgeHidesReports,
    /// Another program uses the multicast routing table of the kernel.
    TableHeld,
    /// No rule leads the packets of an interface to its multicast routing table.
    TableWithoutRule,
    /// An interface has no address.
    NoAddress,
    /// mgmd lacks a privilege.
    Capabilities,
    /// A proxy does not forward to an interface, because another router is the querier there.
    ProxyRests,
}

/// Something that could not be examined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Gap {
    /// What.
    pub what: String,
    /// Why not.
    pub why: String,
    /// A command that examines it; null if there is none.
    pub command: Option<String>,
}

impl Finding {
    /// A fault that is not about certain streams.
    pub fn new(kind: Kind, interface: Option<&str>, text: String, command: String) -> Finding {
        let interface = interface.map(ToOwned::to_owned);
        Finding { kind, interface, source: None, group: None, streams: 0, text, command }
    }
}

impl Report {
    /// The version of the format.
    pub const VERSION: u32 = 1;

    /// Adds something that could not be examined.
    pub fn gap(&mut self, what: impl Into<String>, why: impl Into<String>, command: Option<&str>) {
        let command = command.map(ToOwned::to_owned);
        let gap = Gap { what: what.into(), why: why.into(), command };
        if !self.not_examined.contains(&gap) {
            self.not_examined.push(gap);
        }
    }

    /// One line for each finding, and for each gap.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for Finding { text: what, command, .. } in &self.findings {
            let _ = writeln!(text, "{}. Type: {}", escaped(what), escaped(command));
        }
        for Gap { what, why, command } in &self.not_examined {
            let _ = write!(text, "not examined: {}: {}", escaped(what), escaped(why));
            let _ = match command {
                Some(command) => writeln!(text, ". Type: {}", escaped(command)),
                None => writeln!(text),
            };
        }
        if self.findings.is_empty() {
            let _ = writeln!(text, "{}", self.summary());
        }
        text
    }

    fn summary(&self) -> String {
        if self.listened_ms == 0 {
            return "no fault found, but no packets were looked at".into();
        }
        let (on, streams) = (self.interfaces.join(", "), self.streams);
        let seconds = self.listened_ms as f64 / 1_000.0;
        let plural = if streams == 1 { "" } else { "s" };
        format!("no fault found: {streams} stream{plural} arrived on {on} within {seconds:.1} s")
    }

    /// The report as a line of JSON.
    pub fn json(&self) -> String {
        // Strings, numbers and lists can always be written.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// The text without control characters, which names of interfaces, chains and processes may have.
fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let text = "lan: it is broken\x1b".to_owned();
        let finding = Finding::new(Kind::NoQuerier, Some("lan"), text, "mend it".into());
        let mut report = Report {
            doctor: Report::VERSION,
            listened_ms: 5_000,
            interfaces: vec!["lan".into(), "src".into()],
            streams: 1,
            findings: vec![finding],
            ..Report::default()
        };
        report.gap("the packets", "you are not root", Some("sudo mgmctl doctor"));
        report.gap("the packets", "you are not root", Some("sudo mgmctl doctor"));
        report.gap("the moon", "it is dark", None);
        report
    }

    #[test]
    fn each_finding_is_one_line_with_a_command() {
        assert_eq!(
            report().text(),
            "lan: it is broken\\u{1b}. Type: mend it\n\
             not examined: the packets: you are not root. Type: sudo mgmctl doctor\n\
             not examined: the moon: it is dark\n"
        );
    }

    #[test]
    fn health_is_said_with_what_was_seen() {
        let healthy = Report { findings: Vec::new(), not_examined: Vec::new(), ..report() };
        let text = "no fault found: 1 stream arrived on lan, src within 5.0 s\n";
        assert_eq!(healthy.text(), text);
        let blind = Report { listened_ms: 0, ..healthy };
        assert_eq!(blind.text(), "no fault found, but no packets were looked at\n");
    }

    #[test]
    fn the_json_is_one_line() {
        let json = report().json();
        assert_eq!(json.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(value["doctor"], 1);
        assert_eq!(value["findings"][0]["kind"], "no_querier");
        assert_eq!(value["findings"][0]["source"], serde_json::Value::Null);
        assert_eq!(value["not_examined"][1]["what"], "the moon");
    }
}
