//! Streams that `rp_filter` drops.

use super::super::facts::{Facts, ReversePath, RpFilter};
use super::super::report::{Finding, Kind, Report};
use super::super::shell::quoted;
use super::super::traffic::{is_local, Stream};
use super::streams::named;
use super::ENOUGH;
use std::collections::BTreeMap;

/// See [`super::CHECKS`].
pub fn judge(facts: &Facts, report: &mut Report) {
    if facts.reverse_path_drops == Some(0) {
        return;
    }
    let mut dropped: BTreeMap<(u32, bool), Vec<(Stream, &ReversePath)>> = BTreeMap::new();
    for (stream, link, packets) in facts.traffic.arrived() {
        let Some(path) = facts.reverse_paths.get(&(link, stream.source)) else { continue };
        if packets.count < ENOUGH || is_local(stream.group) || !facts.is_vif(link) {
            continue;
        }
        if let Some(needs_off) = drops(facts, link, path) {
            dropped.entry((link, needs_off)).or_default().push((stream, path));
        }
    }
    for ((link, needs_off), streams) in dropped {
        report.findings.extend(finding(facts, link, needs_off, &streams));
    }
}

/// `None` if the kernel does not drop packets whose source has this path. Otherwise whether
/// `rp_filter` must be switched off, because its loose mode would drop them, too.
fn drops(facts: &Facts, link: u32, path: &ReversePath) -> Option<bool> {
    let link = facts.links.get(&link)?;
    let filter = link.rp_filter.filter(|filter| !filter.is_off())?;
    match path {
        // The kernel is strict where the link has no address.
        ReversePath::Elsewhere(_) if link.addresses.is_empty() => Some(true),
        ReversePath::Elsewhere(_) => filter.is_strict().then_some(false),
        ReversePath::Missing => Some(true),
    }
}

fn finding(
    facts: &Facts,
    link: u32,
    needs_off: bool,
    streams: &[(Stream, &ReversePath)],
) -> Option<Finding> {
    let (first, path) = streams.first()?;
    let (name, filter) = (facts.name(link), facts.links.get(&link)?.rp_filter?);
    let route = match path {
        ReversePath::Missing => format!("no route leads to {}", first.source),
        ReversePath::Elsewhere(other) => format!("the route to {} leads to {other}", first.source),
    };
    let all: Vec<Stream> = streams.iter().map(|(stream, _)| *stream).collect();
    let value = filter.all.max(filter.own);
    let text = format!(
        "{name}: {}, but rp_filter ({value}) makes the kernel drop the packets before they are \
         routed, because {route}",
        named(&all),
    );
    Some(Finding {
        source: Some(first.source),
        group: Some(first.group),
        streams: all.len() as u64,
        ..Finding::new(Kind::ReversePath, Some(&name), text, cure(&name, filter, needs_off))
    })
}

fn cure(name: &str, filter: RpFilter, needs_off: bool) -> String {
    // In the name of a setting, dots separate its parts.
    let own = quoted(&format!("net.ipv4.conf.{}.rp_filter", name.replace('.', "/")));
    match (needs_off, filter.all) {
        (false, _) => format!("sysctl -w {own}=2"),
        (true, 0) => format!("sysctl -w {own}=0"),
        (true, _) => format!("sysctl -w net.ipv4.conf.all.rp_filter=0 {own}=0"),
    }
}
