//! IGMP messages of mgmd itself that do not leave.

use super::super::facts::Facts;
use super::super::firewall::{list, pass, Hook, Passing, What};
use super::super::report::{Finding, Kind, Report};
use super::super::shell::quoted;
use super::streams::suspected;
use super::LISTEN_LONG;
use mgm_control::igmp::IgmpLink;
use mgm_control::interfaces::InterfaceState;

/// See [`super::CHECKS`].
pub fn judge(facts: &Facts, report: &mut Report) {
    let Some(router) = &facts.mgmd.router else { return };
    let mut not_due = Vec::new();
    for after in &router.after {
        let Some(link) = after.index.filter(|link| facts.heard.contains(link)) else { continue };
        let before = router.before.iter().find(|before| before.index == after.index);
        let Some(before) = before.filter(|_| after.state == InterfaceState::Up) else { continue };
        match messages(facts, link, before, after) {
            Sent::AllStopped(what) => report.findings.push(finding(facts, link, what)),
            Sent::None => not_due.push(after.interface.as_str()),
            Sent::SomeLeave => {}
        }
    }
    if !not_due.is_empty() {
        let what = format!("whether the queries of this router leave {}", not_due.join(", "));
        let why = format!("none was due within {:.1} s", facts.listened.as_secs_f64());
        report.gap(what, why, Some(LISTEN_LONG));
    }
}

/// What has become of the messages that mgmd has sent on a link.
enum Sent {
    /// At least one has left, or there is none whose way could be seen.
    SomeLeave,
    /// This router is the querier, but no query was due.
    None,
    /// None has left, though mgmd has sent some of this kind.
    AllStopped(&'static str),
}

fn messages(facts: &Facts, link: u32, before: &IgmpLink, after: &IgmpLink) -> Sent {
    let seen = facts.traffic.signals(link);
    let (old, new) = (&before.counters, &after.counters);
    let queries = new.queries_sent.saturating_sub(old.queries_sent);
    let reports = new.reports_sent.saturating_sub(old.reports_sent);
    if facts.traffic.lost(link) > 0 {
        return Sent::SomeLeave;
    }
    if queries > 0 && seen.queries_left == 0 {
        return Sent::AllStopped("queries");
    }
    if reports > 0 && seen.reports_left == 0 {
        return Sent::AllStopped("reports");
    }
    // The firewall makes the system call fail, so the past is known as well.
    let all = new.queries_sent + new.reports_sent;
    if all > 0 && new.send_failures >= all {
        return Sent::AllStopped("messages");
    }
    let is_querier = after.querier.as_ref().is_some_and(|querier| querier.own);
    if is_querier && seen.queries_left == 0 {
        return Sent::None;
    }
    Sent::SomeLeave
}

fn finding(facts: &Facts, link: u32, what: &str) -> Finding {
    let name = facts.name(link);
    let suspects = facts.firewall.suspects(&Hook::SENDING);
    let seen = format!(
        "{name}: mgmd has sent IGMP {what}, but none of them leaves, so hosts and routers do not \
         hear it"
    );
    if suspects.is_empty() && facts.firewall.is_known {
        let text =
            format!("{seen}, and the packet filter is not the reason: look at what the queue of {name} drops");
        let command = format!("tc -s qdisc show dev {}", quoted(&name));
        return Finding::new(Kind::FirewallOutput, Some(&name), text, command);
    }
    let passing = Passing { arrives_on: None, leaves_by: Some(&name), what: What::Igmp };
    let text = format!("{seen}: the packet filter drops them{}", suspected(&list(&suspects)));
    let command = pass(&suspects, passing, facts.programs);
    Finding::new(Kind::FirewallOutput, Some(&name), text, command)
}
