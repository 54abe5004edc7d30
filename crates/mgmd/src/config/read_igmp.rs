//! IGMP of an interface.

use super::reader::Section;
use mgm_igmp::config::{LeaveMode, LinkConfig};

/// The table `igmp` of an interface.
pub(super) fn link(section: &Section<'_>) -> LinkConfig {
    let mut link = LinkConfig::default();
    times(section, &mut link);
    packets(section, &mut link);
    hosts(section, &mut link);
    querier(section, &mut link);
    let is_times = section.item("query-response-interval").is_some();
    if link.query_response_interval >= link.query_interval {
        let at = if is_times { "query-response-interval" } else { "query-interval" };
        let (response, interval) = (link.query_response_interval, link.query_interval);
        section.problem(at, too_long(response, interval));
    }
    link
}

fn too_long(response: u32, interval: u32) -> String {
    let [response, interval] = [response, interval].map(|time| super::keys::duration(time.into()));
    format!(
        "query-response-interval ({response}) must be less than query-interval ({interval}): \
         change one of them"
    )
}

/// Puts a value in its place, if there is one.
fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn times(section: &Section<'_>, link: &mut LinkConfig) {
    set(&mut link.version, section.number("version"));
    set(&mut link.robustness, section.number("robustness"));
    set(&mut link.query_interval, section.duration("query-interval"));
    set(&mut link.query_response_interval, section.duration("query-response-interval"));
    set(&mut link.last_member_query_interval, section.duration("last-member-query-interval"));
    link.last_member_query_count = section.number("last-member-query-count");
    link.startup_query_interval = section.duration("startup-query-interval");
    link.startup_query_count = section.number("startup-query-count");
    link.unsolicited_report_interval = section.duration("unsolicited-report-interval");
}

fn packets(section: &Section<'_>, link: &mut LinkConfig) {
    link.any_ttl = section.word("ttl") == Some("any");
    link.track_link_local = section.word("link-local") == Some("track");
    set(&mut link.require_router_alert, section.bool("require-router-alert"));
    set(&mut link.ignore_v1, section.bool("ignore-v1"));
    set(&mut link.hosts, section.prefixes("hosts"));
}

fn hosts(section: &Section<'_>, link: &mut LinkConfig) {
    link.leave = match section.word("leave") {
        Some("immediate") => LeaveMode::Immediate,
        Some("tracked") => LeaveMode::Tracked,
        _ => LeaveMode::Query,
    };
    set(&mut link.ssm_range, section.prefixes("ssm-range"));
    set(&mut link.static_memberships, section.memberships("static"));
    set(&mut link.join, section.memberships("join"));
    set(&mut link.groups, section.access_list("groups"));
    set(&mut link.sources, section.access_list("sources"));
    set(&mut link.max_groups, section.number("max-groups"));
    set(&mut link.max_sources, section.number("max-sources"));
    set(&mut link.max_tracked, section.number("max-tracked"));
}

fn querier(section: &Section<'_>, link: &mut LinkConfig) {
    link.source = section.address("source");
    link.querier_allow = section.addresses("querier-allow");
    link.keep_version = section.word("older-queriers") == Some("warn");
    set(&mut link.passive, section.bool("passive"));
}
