//! The contents of the table.

use serde_json::Value;
use std::collections::HashMap;

/// Two looks at a router, from whose difference the rates come.
pub struct Table {
    now: Value,
    /// Packets and octets at the look before, by source and group, and its time.
    before: HashMap<(String, String), (u64, u64)>,
    before_ms: u64,
}

/// One MFE's line, and what it is sorted by.
struct Row {
    packets: f64,
    bits: f64,
    text: String,
}

impl Table {
    /// The first look: all rates are 0.
    pub fn new(status: Value) -> Table {
        Table { before: counters(&status), before_ms: number(&status["uptime_ms"]), now: status }
    }

    /// Another look.
    pub fn update(&mut self, status: Value) {
        let old = std::mem::replace(&mut self.now, status);
        self.before = counters(&old);
        self.before_ms = number(&old["uptime_ms"]);
    }

    /// Head, titles, and the MFEs, the busiest first.
    pub fn lines(&self) -> Vec<String> {
        let status = &self.now;
        let mut lines = vec![self.head()];
        if status["running"] != Value::Bool(true) {
            lines.push("the library is not running".into());
            return lines;
        }
        lines.push(String::new());
        let names = names(status);
        let widths = list(&status["mfes"]).map(|mfe| interface(&mfe["iif"], &names).len());
        let width = widths.max().unwrap_or(0).max(4);
        lines.push(format!(
            "{:<15} {:<15} {:>width$} {:>9} {:>9} {:>8}  {}",
            "SOURCE", "GROUP", "IN", "PACKET/S", "KBIT/S", "EXPIRES", "OUT"
        ));
        let mut rows: Vec<Row> =
            list(&status["mfes"]).map(|mfe| self.row(mfe, &names, width)).collect();
        // The order of the snapshot where rates are equal: lines stay in place.
        rows.sort_by(|a, b| b.bits.total_cmp(&a.bits).then(b.packets.total_cmp(&a.packets)));
        lines.extend(rows.into_iter().map(|row| row.text));
        lines
    }

    fn head(&self) -> String {
        let (totals, counters) = (&self.now["totals"], &self.now["counters"]);
        let seconds = number(&self.now["uptime_ms"]) / 1000;
        format!(
            "mgm {} ({}) up {}  clients {}  interfaces {}  MFEs {}  resolving {}  upcalls {} ({} lost)",
            self.now["version"].as_str().unwrap_or("?"),
            self.now["forwarder"].as_str().unwrap_or("idle"),
            clock(seconds),
            totals["clients"],
            totals["interfaces"],
            totals["mfes"],
            totals["resolving"],
            number(&counters["upcalls"]["no_cache"]) + number(&counters["upcalls"]["wrong_if"]),
            counters["upcalls"]["lost"],
        )
    }

    fn row(&self, mfe: &Value, names: &Names, width: usize) -> Row {
        let key = key(mfe);
        let (packets, octets) = (number(&mfe["packets"]), number(&mfe["octets"]));
        let seconds = number(&self.now["uptime_ms"]).saturating_sub(self.before_ms) as f64 / 1000.0;
        // An MFE that is new, or was made anew, has counted since its birth.
        let (old_packets, old_octets) = match self.before.get(&key) {
            Some(&(p, o)) if p <= packets && o <= octets => (p, o),
            _ => (packets, octets),
        };
        let rate = |new: u64, old: u64| {
            if seconds > 0.0 {
                (new - old) as f64 / seconds
            } else {
                0.0
            }
        };
        let (packets, bits) = (rate(packets, old_packets), rate(octets, old_octets) * 8.0);
        let oifs: Vec<String> = list(&mfe["oifs"]).map(|oif| interface(oif, names)).collect();
        let expires = mfe["expires_in_ms"].as_u64();
        let text = format!(
            "{:<15} {:<15} {:>width$} {:>9.1} {:>9.1} {:>8}  {}",
            key.0,
            key.1,
            interface(&mfe["iif"], names),
            packets,
            bits / 1000.0,
            expires.map_or_else(|| "never".into(), |ms| clock(ms / 1000)),
            if oifs.is_empty() { "none".into() } else { oifs.join(" ") },
        );
        Row { packets, bits, text }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn key(mfe: &Value) -> (String, String) {
    let text = |name: &str| mfe[name].as_str().unwrap_or("?").to_owned();
    (text("source"), text("group"))
}

fn counters(status: &Value) -> HashMap<(String, String), (u64, u64)> {
    let of = |mfe: &Value| (key(mfe), (number(&mfe["packets"]), number(&mfe["octets"])));
    list(&status["mfes"]).map(of).collect()
}

/// The names of the interfaces that have one, by index.
type Names = HashMap<u64, String>;

fn names(status: &Value) -> Names {
    list(&status["interfaces"])
        .filter_map(|row| Some((number(&row["index"]), printable(row["name"].as_str()?))))
        .collect()
}

/// A name without what a terminal would obey.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// A name or an index, and a next hop where there is one.
fn interface(value: &Value, names: &Names) -> String {
    let index = &value["index"];
    let name = names.get(&number(index)).cloned().unwrap_or_else(|| index.to_string());
    match value["next_hop"].as_str() {
        Some(next_hop) => format!("{name}/{next_hop}"),
        None => name,
    }
}

/// Seconds as 1:02:03, or 2:03.
fn clock(seconds: u64) -> String {
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if h > 0 {
        format!("{h}:{m:02}:{s:02}")
    } else {
        format!("{m}:{s:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(uptime_ms: u64, counts: [(u64, u64); 2]) -> Value {
        let mfe = |source: &str, (packets, octets): (u64, u64), oifs: Value| {
            json!({"source": source, "group": "239.1.1.1", "iif": {"index": 1, "next_hop": null},
                "packets": packets, "octets": octets, "expires_in_ms": 61_000, "oifs": oifs})
        };
        json!({"version": "1", "running": true, "forwarder": "memory", "uptime_ms": uptime_ms,
        "totals": {"clients": 2, "interfaces": 2, "mfes": 2, "resolving": 0},
        "counters": {"upcalls": {"no_cache": 3, "wrong_if": 1, "lost": 0}},
        "mfes": [
            mfe("10.0.0.1", counts[0], json!([])),
            mfe("10.0.0.2", counts[1], json!([{"index": 2, "next_hop": "10.0.0.9"}])),
        ]})
    }

    #[test]
    fn the_busiest_is_the_first() {
        let mut table = Table::new(status(1000, [(10, 1000), (10, 1000)]));
        assert!(table.lines()[3].starts_with("10.0.0.1 "), "no rates yet");
        table.update(status(3000, [(10, 1000), (30, 26_000)]));
        let lines = table.lines();
        assert!(lines[0].contains("up 0:03  clients 2") && lines[0].contains("upcalls 4 (0 lost)"));
        let words: Vec<_> = lines[3].split_whitespace().collect();
        assert_eq!(words, ["10.0.0.2", "239.1.1.1", "1", "10.0", "100.0", "1:01", "2/10.0.0.9"]);
        assert!(lines[4].ends_with("none"));
    }

    #[test]
    fn interfaces_have_their_names_where_the_status_has_them() {
        let mut status = status(1000, [(10, 1000), (10, 1000)]);
        status["interfaces"] = json!([
            {"index": 1, "next_hop": null, "name": "a-very-long-name\u{1b}"},
            {"index": 2, "next_hop": "10.0.0.9", "name": "tun0"},
            {"index": 3, "next_hop": null, "name": null},
        ]);
        let lines = Table::new(status).lines();
        let words: Vec<_> = lines[4].split_whitespace().collect();
        assert_eq!((words[2], words[6]), ("a-very-long-name?", "tun0/10.0.0.9"));
        assert_eq!(lines[2].find("  OUT"), lines[3].find("  none"), "the columns stay in line");
    }

    #[test]
    fn counters_that_begin_anew_are_no_rate() {
        let mut table = Table::new(status(1000, [(10, 1000), (10, 1000)]));
        table.update(status(2000, [(3, 300), (10, 1000)]));
        assert!(table.lines()[3].contains(" 0.0 "));
    }

    #[test]
    fn a_router_that_does_not_run_is_said_so() {
        let table = Table::new(json!({"running": false, "totals": {}, "counters": {}}));
        assert_eq!(table.lines()[1], "the library is not running");
    }
}
