//! Texts about the router as a whole: for the log, and for the service manager.

use super::context::Context;
use super::interfaces::Interfaces;
use super::number::number;
use super::plan::patterns;
use crate::config::{Config, Forwarder, LogLevel, Pattern};
use std::collections::BTreeSet;

/// The lines of a start: the forwarder, the interfaces, and what is missing.
#[must_use]
pub fn start(context: Context<'_>, interfaces: &Interfaces) -> Vec<String> {
    let router = &context.config.router;
    let forwarder = match router.forwarder {
        Forwarder::Kernel if router.table == 0 => "the kernel forwards packets".into(),
        Forwarder::Kernel => {
            format!("the kernel forwards packets, with its table {}", router.table)
        }
        Forwarder::Ebpf => "programs in eBPF forward packets".into(),
        Forwarder::Memory => "forwarder = \"memory\": no packet is forwarded".into(),
    };
    let mut lines = vec![format!("mgmd {} has started: {forwarder}", env!("CARGO_PKG_VERSION"))];
    let missing = missing(context.config, interfaces);
    if !missing.is_empty() {
        let when = if missing.len() == 1 { "it when it appears" } else { "them when they appear" };
        lines.push(format!("not there yet: {}: mgmd serves {when}", shortened(&missing)));
    }
    if patterns(context.config).next().is_none() {
        let text = "the configuration names no interface: add [[interface]] tables";
        lines.push(text.into());
    }
    lines
}

/// The first names of a list.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN {
        text += &format!(" and {} others", names.len() - SHOWN);
    }
    text
}

/// One line: "2 of 3 interfaces, 14 groups, 31 flows".
#[must_use]
pub fn status(context: Context<'_>, interfaces: &Interfaces) -> String {
    let served = interfaces.plans().len();
    let all = served + missing(context.config, interfaces).len();
    let groups: usize = context.shared.with(|state| {
        let links = interfaces.plans().keys();
        links.filter_map(|link| state.igmp.status(*link)).map(|status| status.groups).sum()
    });
    let flows = context.library.status(false).ok().and_then(|json| flows(&json));
    let flows = flows.map_or_else(String::new, |flows| format!(", {}", number(flows, "flow")));
    format!("{served} of {}, {}{flows}", number(all, "interface"), number(groups, "group"))
}

/// Logs how much was refused or dropped at a limit since the last call.
pub fn limits(context: Context<'_>) {
    let (flows, packets) = context
        .shared
        .with(|state| (state.routes.take_refused(), std::mem::take(&mut state.unsent)));
    if flows > 0 {
        let text = format!(
            "{flows} flows of static routes were not joined, because the number of flows has \
             reached max-flows: raise max-flows if the flows are genuine"
        );
        context.log.write(LogLevel::Warn, &text);
    }
    if packets > 0 {
        let text = format!("{packets} IGMP packets were not sent: the router is overloaded");
        context.log.write(LogLevel::Warn, &text);
    }
}

/// The number of MFEs in the library's status.
fn flows(json: &str) -> Option<usize> {
    let status: serde_json::Value = serde_json::from_str(json).ok()?;
    usize::try_from(status.get("totals")?.get("mfes")?.as_u64()?).ok()
}

/// The configured names that no interface has.
fn missing(config: &Config, interfaces: &Interfaces) -> Vec<String> {
    let served: BTreeSet<&str> =
        interfaces.plans().values().map(|plan| plan.name.as_str()).collect();
    let names: BTreeSet<&str> = patterns(config)
        .filter(|pattern| pattern.is_name())
        .map(Pattern::as_str)
        .filter(|name| !served.contains(name))
        .collect();
    names.into_iter().map(str::to_owned).collect()
}
