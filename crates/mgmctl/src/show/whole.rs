//! The answers that are not lists of many entries.

use crate::router::Overview;
use crate::table::{cut, duration, list, number_of, Table, WIDTH};
use mgm_control::forwarding::{Proxies, Proxy, RouteState, Routes};
use mgm_control::library::Summary;
use mgm_control::status::Status;

/// Lines of "name: value".
fn facts(facts: &[(&str, String)]) -> String {
    let line = |(name, value): &(&str, String)| cut(&format!("{name:14} {value}"), WIDTH) + "\n";
    facts.iter().map(line).collect()
}

/// The packet filters that have no effect on what is forwarded.
fn bypassed(chains: &[String]) -> Option<(&'static str, String)> {
    let text = format!("bypasses {}: filter at tc egress", list(chains, WIDTH - 46));
    (!chains.is_empty()).then_some(("", text))
}

/// `mgmctl status`.
pub fn status(status: &Status) -> String {
    let Status { counts, config, .. } = status;
    let table = match status.table {
        0 => String::new(),
        table => format!(", table {table}"),
    };
    let mut lines = vec![
        (
            "mgmd",
            format!(
                "{} (library {}), process {}, up {}",
                status.version,
                status.library_version,
                status.pid,
                duration(status.uptime_ms)
            ),
        ),
        ("forwarder", format!("{}{table}", status.forwarder)),
    ];
    lines.extend(bypassed(&status.bypassed_chains));
    lines.extend([
        ("configuration", config.file.clone()),
        (
            "",
            format!(
                "read {} ago; {}, {} refused",
                duration(config.age_ms),
                number_of(config.reloads, "reload"),
                config.reloads_refused
            ),
        ),
        ("log level", status.log_level.name().into()),
        ("interfaces", format!("{} of {} up", counts.interfaces_up, counts.interfaces_configured)),
        ("groups", counts.groups.to_string()),
        ("flows", format!("{}, {} being resolved", counts.flows, counts.flows_resolving)),
        ("proxies", counts.proxies.to_string()),
        ("routes", counts.routes.to_string()),
        ("joins", format!("{} until the next start", counts.joins)),
        ("modules", counts.modules.to_string()),
        ("clients", counts.clients.to_string()),
    ]);
    if counts.flows_not_installed > 0 {
        let text =
            format!("{} refused by the forwarder", number_of(counts.flows_not_installed, "flow"));
        lines.push(("", text));
    }
    lines.extend(status.registers.as_ref().map(|registers| {
        let dropped: u64 = registers.dropped.values().sum();
        let text = format!("{}, {dropped} dropped", registers.received);
        ("PIM registers", text)
    }));
    facts(&lines)
}

/// `mgmctl status` at the status socket of a library.
pub fn library(json: &str) -> serde_json::Result<String> {
    let status = Summary::read(json)?;
    let Summary { totals, counters, .. } = &status;
    let first = match status.running {
        true => format!("{}, up {}", status.version, duration(status.uptime_ms)),
        false => format!("{}, not running", status.version),
    };
    let forwarder = status.forwarder.as_deref().unwrap_or("none yet: no client has an interface");
    let upcalls = &counters.upcalls;
    let mut lines = vec![("library", first), ("forwarder", forwarder.into())];
    lines.extend(bypassed(&status.bypassed_chains));
    lines.extend([
        ("interfaces", format!("{} taken by clients", totals.interfaces)),
        ("memberships", totals.memberships.to_string()),
        ("flows", format!("{}, {} being resolved", totals.mfes, totals.resolving)),
        ("upcalls", format!("{}, {} lost", upcalls.no_cache + upcalls.wrong_if, upcalls.lost)),
        ("clients", totals.clients.to_string()),
    ]);
    if totals.refused_flows > 0 {
        let text = format!("{} refused in the last 10 s", number_of(totals.refused_flows, "flow"));
        lines.push(("", text));
    }
    if totals.not_installed > 0 {
        let text = format!("{} refused by the forwarder", number_of(totals.not_installed, "flow"));
        lines.push(("", text));
    }
    Ok(facts(&lines))
}

/// The lines above the flows of `mgmctl top`.
pub fn head(router: &Overview) -> [String; 2] {
    match router {
        Overview::Mgmd(status) => {
            let (version, counts) = (&status.version, &status.counts);
            let up = duration(status.uptime_ms);
            let interfaces = format!(
                "{} of {} interfaces up",
                counts.interfaces_up, counts.interfaces_configured
            );
            let flows = number_of(counts.flows, "flow");
            [
                format!("mgmd {version} ({}), up {up}; {interfaces}", status.forwarder),
                format!(
                    "{flows}, {} being resolved; {}",
                    counts.flows_resolving,
                    number_of(counts.groups, "group")
                ),
            ]
        }
        Overview::Library(summary) => {
            let Summary { version, totals, counters, .. } = &**summary;
            let forwarder = summary.forwarder.as_deref().unwrap_or("no forwarder yet");
            let (up, upcalls) = (duration(summary.uptime_ms), &counters.upcalls);
            let [clients, interfaces] =
                [(totals.clients, "client"), (totals.interfaces, "interface")]
                    .map(|(number, thing)| number_of(number, thing));
            let flows = number_of(totals.mfes, "flow");
            [
                format!("libmgm {version} ({forwarder}), up {up}; {clients}, {interfaces}"),
                format!(
                    "{flows}, {} being resolved; {}, {} lost",
                    totals.resolving,
                    number_of(upcalls.no_cache + upcalls.wrong_if, "upcall"),
                    upcalls.lost
                ),
            ]
        }
    }
}

/// `mgmctl proxies`.
pub fn proxies(answer: &Proxies) -> String {
    if answer.proxies.is_empty() {
        return "no proxy is configured\n".into();
    }
    let texts: Vec<String> = answer.proxies.iter().map(proxy).collect();
    texts.join("\n")
}

fn proxy(proxy: &Proxy) -> String {
    let active = match &proxy.active {
        Some(active) => {
            format!("{active}, {} reported", number_of(proxy.reported_groups, "group"))
        }
        None => "none: no upstream is up with an address".into(),
    };
    let width = WIDTH - 15;
    let sources = proxy.sources.as_ref();
    let sources = sources
        .map_or_else(|| "by the routes of the system".into(), |list_of| list(list_of, width));
    let mut lines = vec![("upstream", proxy.upstream.clone()), ("active", active)];
    if !proxy.backup.is_empty() {
        lines.push(("backup", list(&proxy.backup, width)));
    }
    lines.push(("groups", list(&proxy.groups, width)));
    lines.push(("sources", sources));
    for downstream in &proxy.downstreams {
        let state = match (downstream.forwarding, downstream.other_querier) {
            (true, _) => "forwarding".into(),
            (false, Some(querier)) => format!("not forwarding: {querier} is the querier"),
            (false, None) if downstream.index.is_none() => "missing".into(),
            (false, None) => "not forwarding".into(),
        };
        lines.push(("downstream", format!("{:15} {state}", downstream.interface)));
    }
    facts(&lines)
}

/// `mgmctl routes`.
pub fn routes(answer: &Routes) -> String {
    let mut table = Table::new(&[
        ("FROM", 10),
        ("SOURCE", 18),
        ("GROUP", 18),
        ("TO", 14),
        ("STATE", 7),
        ("FLOWS", 0),
    ]);
    table.headings();
    for route in &answer.routes {
        let state = match route.state {
            RouteState::Active => "active",
            RouteState::Waiting => "waiting",
            RouteState::Resting => "resting",
        };
        table.row(&[
            cut(&route.from, 10),
            route.source.clone(),
            route.group.clone(),
            list(&route.to, 14),
            state.into(),
            route.flows.to_string(),
        ]);
        if let Some(reason) = &route.reason {
            table.row(&[String::new(), format!("({reason})")]);
        }
    }
    table.finish()
}
