//! What keeps mgmd itself from its work: missing privileges, and proxies that rest.

use super::super::facts::{Facts, Privileges, Router};
use super::super::report::{Finding, Kind, Report};
use super::super::shell::quoted;
use super::queriers::{path, reload};

/// See [`super::CHECKS`].
pub fn judge(facts: &Facts, report: &mut Report) {
    let Some(router) = &facts.mgmd.router else { return };
    let lacking = router.privileges.iter().filter(|known| !known.missing.is_empty());
    report.findings.extend(lacking.map(capabilities));
    report.findings.extend(resting(facts, router));
}

fn capabilities(privileges: &Privileges) -> Finding {
    let Privileges { missing, are_allowed, program, process } = privileges;
    let what = missing.join(" and ");
    let effect = if missing.contains(&"CAP_NET_RAW") {
        "it can neither open the multicast routing of the kernel nor speak IGMP"
    } else {
        "its receive buffers are small, so it loses packets of bursts of new flows and reports"
    };
    let (advice, command) = match (&process.service, are_allowed) {
        (Some(service), _) => {
            let service = quoted(service);
            let command = format!("systemctl revert {service} && systemctl restart {service}");
            ("remove the change of its unit that takes them away", command)
        }
        (None, false) => {
            let command = "docker run --network host --cap-add NET_ADMIN --cap-add NET_RAW IMAGE";
            ("its container does not permit them: start the container with them", command.into())
        }
        (None, true) => {
            let file = quoted(&path(program));
            let command = format!("setcap cap_net_admin,cap_net_raw+ep {file}");
            ("give them to the program, and start it again", command)
        }
    };
    let pid = process.pid;
    let text = format!("mgmd (process {pid}) lacks {what}, so {effect}: {advice}");
    Finding::new(Kind::Capabilities, None, text, command)
}

fn resting<'a>(facts: &'a Facts, router: &'a Router) -> impl Iterator<Item = Finding> + 'a {
    router.proxies.iter().flat_map(move |proxy| {
        proxy.downstreams.iter().filter_map(move |downstream| {
            let querier = downstream.other_querier.filter(|_| !downstream.forwarding)?;
            let name = &downstream.interface;
            let text = format!(
                "{name}: the proxy forwards nothing there, because {querier} is the querier and \
                 should forward: stop the queries of {querier}, or set forward-always if {querier} \
                 does not forward"
            );
            let place = format!(
                r#"/^ *upstream *= *"{}"/a forward-always = true"#,
                pattern(&proxy.upstream)
            );
            let file = quoted(&router.status.config.file);
            let command = format!("sed -i {} {file} && {}", quoted(&place), reload(facts));
            Some(Finding::new(Kind::ProxyRests, Some(name), text, command))
        })
    })
}

/// The name or pattern as a regular expression that matches only itself.
fn pattern(name: &str) -> String {
    let special = |c: char| ".*[]^$/\\".contains(c);
    name.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_special_characters_matches_itself() {
        assert_eq!(pattern("ppp*"), r"ppp\*");
        assert_eq!(pattern("eth0.7"), r"eth0\.7");
    }
}
