//! The status as a page of metrics, in the text form of Prometheus (0.0.4).
//!
//! Not by prometheus-client: its metrics are registered objects that the program updates, while this
//! page prints a snapshot, so each page would need a registry of its own.

use super::{Iface, Status};
use std::fmt::{Display, Write as _};

impl Status {
    /// As a page of metrics. MFEs are on it if they are in the snapshot.
    #[must_use]
    pub fn to_metrics(&self) -> String {
        let mut page = Page::default();
        self.about(&mut page);
        self.totals(&mut page);
        self.counters(&mut page);
        self.each_client(&mut page);
        self.each_interface(&mut page);
        self.each_flow_limit(&mut page);
        self.each_mfe(&mut page);
        page.text
    }

    fn about(&self, page: &mut Page) {
        page.family("mgm_build_info", "gauge", "Always 1; the labels describe the build.");
        page.sample(&[("version", &self.version), ("target", &self.target)], 1);
        page.family("mgm_running", "gauge", "Whether the library is running.");
        page.sample(&[], u8::from(self.running));
        page.family("mgm_forwarder_info", "gauge", "Always 1; the label names the forwarder.");
        if let Some(forwarder) = &self.forwarder {
            page.sample(&[("forwarder", forwarder)], 1);
        }
        page.family("mgm_uptime_seconds", "gauge", "Seconds since the start.");
        page.sample(&[], self.uptime_ms as f64 / 1000.0);
    }

    fn totals(&self, page: &mut Page) {
        let totals = &self.totals;
        for (name, value, help) in [
            ("mgm_clients", totals.clients, "Registered clients."),
            ("mgm_interfaces", totals.interfaces, "Interfaces that are taken."),
            ("mgm_memberships", totals.memberships, "Flows that have memberships."),
            ("mgm_mfes", totals.mfes, "Multicast forwarding entries."),
            ("mgm_resolving", totals.resolving, "Flows whose clients are being asked."),
            (
                "mgm_max_flows",
                self.limits.max_flows,
                "Maximum number of flows that packets create: MFEs, and flows whose clients are \
                 being asked.",
            ),
            (
                "mgm_refused_flows",
                totals.refused_flows,
                "Flows that were refused within the last 10 s and are remembered.",
            ),
            (
                "mgm_mfes_not_installed",
                totals.not_installed,
                "Entries that the forwarder refused and that will be retried.",
            ),
        ] {
            page.family(name, "gauge", help);
            page.sample(&[], value);
        }
    }

    fn counters(&self, page: &mut Page) {
        let counters = &self.counters;
        page.family("mgm_callbacks_total", "counter", "Callbacks made, by kind.");
        for (kind, count) in counters.callbacks.iter() {
            page.sample(&[("kind", &kind)], count);
        }
        page.family("mgm_clients_fell_behind_total", "counter", "How often a client fell behind.");
        page.sample(&[], counters.fell_behind);
        page.family(
            "mgm_wrong_if_dropped_total",
            "counter",
            "WRONG_IF callbacks not made because the client was behind.",
        );
        page.sample(&[], counters.wrong_if_dropped);
        page.family("mgm_upcalls_total", "counter", "Upcalls received from the kernel, by kind.");
        page.sample(&[("kind", &"no_cache")], counters.upcalls.no_cache);
        page.sample(&[("kind", &"wrong_if")], counters.upcalls.wrong_if);
        page.family(
            "mgm_upcalls_lost_total",
            "counter",
            "Upcalls lost because the buffer was full.",
        );
        page.sample(&[], counters.upcalls.lost);
        page.family(
            "mgm_refused_packets_total",
            "counter",
            "Packets that the library saw and did not forward, by reason.",
        );
        let refused = &counters.refused_packets;
        for (reason, count) in [
            ("foreign_arrival", refused.foreign_arrival),
            ("link_local", refused.link_local),
            ("boundary", refused.boundary),
            ("no_upstream", refused.no_upstream),
            ("wrong_interface", refused.wrong_interface),
            ("flow_limit", refused.flow_limit),
            ("arrival_limit", refused.arrival_limit),
            ("flow_rate", refused.flow_rate),
            ("no_memory", refused.no_memory),
        ] {
            page.sample(&[("reason", &reason)], count);
        }
        page.family("mgm_install_errors_total", "counter", "Entries that the forwarder refused.");
        page.sample(&[], counters.install_errors);
        page.family(
            "mgm_install_retries_total",
            "counter",
            "How often a refused entry was retried.",
        );
        page.sample(&[], counters.install_retries);
    }

    fn each_client(&self, page: &mut Page) {
        page.family("mgm_client_interfaces", "gauge", "Interfaces that a client has taken.");
        for client in &self.clients {
            page.sample(&labels_of(client), client.interfaces);
        }
        page.family("mgm_client_queued_callbacks", "gauge", "Callbacks queued for a client.");
        for client in &self.clients {
            page.sample(&labels_of(client), client.queued);
        }
        page.family("mgm_client_behind", "gauge", "Whether a client is behind.");
        for client in &self.clients {
            page.sample(&labels_of(client), u8::from(client.behind));
        }
        page.family(
            "mgm_client_noted",
            "gauge",
            "Changes that a client is told when its callback queue is empty.",
        );
        for client in &self.clients {
            page.sample(&labels_of(client), client.noted);
        }
        page.family("mgm_client_callbacks_total", "counter", "Callbacks made to a client.");
        for client in &self.clients {
            for (kind, count) in client.callbacks.iter() {
                let [serial, protocol, component] = labels_of(client);
                page.sample(&[serial, protocol, component, ("kind", &kind)], count);
            }
        }
    }

    fn each_interface(&self, page: &mut Page) {
        page.family(
            "mgm_interface_absent",
            "gauge",
            "Whether a taken interface no longer exists in the system.",
        );
        for interface in &self.interfaces {
            let Iface { index, next_hop } = interface.iface;
            let labels: [Label; 2] = [("interface", &index), ("next_hop", &text(next_hop))];
            page.sample(&labels, u8::from(interface.absent));
        }
    }

    fn each_flow_limit(&self, page: &mut Page) {
        let rates = &self.limits.flow_rates;
        page.family(
            "mgm_interface_new_flows_per_second_limit",
            "gauge",
            "Maximum number of flows that may begin on an interface in a second.",
        );
        for rate in rates {
            page.sample(&[("interface", &rate.index)], rate.per_second);
        }
        page.family(
            "mgm_interface_refused_flows_total",
            "counter",
            "How often the limit of new flows of an interface has refused a flow.",
        );
        for rate in rates {
            page.sample(&[("interface", &rate.index)], rate.refused);
        }
    }

    fn each_mfe(&self, page: &mut Page) {
        let Some(mfes) = &self.mfes else { return };
        for (name, help, value) in [
            (
                "mgm_mfe_packets_total",
                "Packets accepted.",
                (|mfe| Some(mfe.packets)) as fn(&super::MfeStatus) -> Option<u64>,
            ),
            ("mgm_mfe_octets_total", "Octets, as the forwarder counts them.", |mfe| {
                Some(mfe.octets)
            }),
            ("mgm_mfe_wrong_if_total", "Packets that arrived on a wrong interface.", |mfe| {
                Some(mfe.wrong_if)
            }),
            ("mgm_mfe_negative_total", "Packets not sent because there was no oif.", |mfe| {
                Some(mfe.negative)
            }),
            ("mgm_mfe_sent_total", "Packets sent, on all interfaces.", |mfe| mfe.sent),
        ] {
            page.family(name, "counter", help);
            for mfe in mfes {
                let Some(value) = value(mfe) else { continue };
                let labels: [Label; 4] = [
                    ("source", &mfe.source),
                    ("group", &mfe.group),
                    ("interface", &mfe.iif.index),
                    ("next_hop", &text(mfe.iif.next_hop)),
                ];
                page.sample(&labels, value);
            }
        }
        page.family("mgm_mfe_oifs", "gauge", "Outgoing interfaces.");
        for mfe in mfes {
            page.sample(&[("source", &mfe.source), ("group", &mfe.group)], mfe.oifs.len());
        }
    }
}

/// The labels that distinguish a client from all others, also from those of other starts.
fn labels_of(client: &super::ClientStatus) -> [Label<'_>; 3] {
    [("serial", &client.serial), ("protocol", &client.protocol), ("component", &client.component)]
}

/// Prometheus treats an empty label as a missing one.
fn text(next_hop: Option<std::net::Ipv4Addr>) -> String {
    next_hop.map_or_else(String::new, |addr| addr.to_string())
}

type Label<'a> = (&'static str, &'a dyn Display);

/// The page as far as it is written.
#[derive(Default)]
struct Page {
    text: String,
    /// The family that samples belong to.
    family: &'static str,
}

impl Page {
    /// Begins a family: all samples until the next one are its own.
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        self.family = name;
    }

    fn sample(&mut self, labels: &[Label], value: impl Display) {
        self.text.push_str(self.family);
        for (i, (name, value)) in labels.iter().enumerate() {
            let start = if i == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{start}{name}=\"{}\"", escaped(&value.to_string()));
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

/// A label's value between its quotation marks.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut page = Page::default();
        page.family("a_total", "counter", "A.");
        page.sample(&[("x", &"\\ \" \n"), ("y", &1)], 7);
        page.sample(&[], 0.5);
        assert_eq!(
            page.text,
            "# HELP a_total A.\n# TYPE a_total counter\n\
             a_total{x=\"\\\\ \\\" \\n\",y=\"1\"} 7\na_total 0.5\n"
        );
    }
}
