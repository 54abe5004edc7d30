//! What holds for an interface of the system.

use super::valid;
use mgm_igmp::config::{LeaveMode, LinkConfig, Role};

const PROXY: &str = "
[[interface]]
name = \"eth*\"
ttl-threshold = 3
[[interface]]
name = \"eth1\"
igmp = { leave = \"immediate\" }
[[interface]]
name = \"*0\"
igmp = { version = 2 }
[[proxy]]
upstream = \"ppp0\"
backup = [\"wwan*\"]
downstream = [\"eth*\"]
forward-always = true
[[route]]
from = \"st0\"
group = \"239.1.0.0/16\"
to = [\"air?\"]
";

#[test]
fn the_exact_name_decides_otherwise_the_first_pattern() {
    let config = valid(PROXY);
    assert_eq!(config.link("eth0").unwrap().ttl_threshold, 3);
    assert_eq!(config.link("eth1").unwrap().ttl_threshold, 1);
    assert_eq!(config.link("eth1").unwrap().igmp.unwrap().leave, LeaveMode::Immediate);
    assert_eq!(config.link("st0").unwrap().igmp.unwrap().version, 2);
}

#[test]
fn an_interface_that_nothing_names_is_not_served() {
    let config = valid(PROXY);
    assert_eq!(config.link("lo"), None);
    assert_eq!(config.link("air11"), None);
}

#[test]
fn a_route_alone_brings_no_igmp() {
    let link = valid(PROXY).link("air1").unwrap();
    assert_eq!((link.igmp, link.ttl_threshold, link.new_flows), (None, 1, None));
}

#[test]
fn a_proxy_brings_igmp_with_its_role() {
    let config = valid(PROXY);
    // [[interface]] "eth*" has no table igmp: its defaults hold.
    let downstream = LinkConfig { role: Role::Downstream, forward_always: true, ..<_>::default() };
    assert_eq!(config.link("eth0").unwrap().igmp, Some(downstream));
    let upstream = LinkConfig { role: Role::Upstream, ..<_>::default() };
    assert_eq!(config.link("wwan1").unwrap().igmp, Some(upstream));
}

#[test]
fn i64_a_version_that_is_set_is_kept_on_an_upstream() {
    let link = valid(PROXY).link("ppp0").unwrap().igmp.unwrap();
    assert_eq!((link.role, link.version, link.keep_version), (Role::Upstream, 2, true));
    assert!(!valid(PROXY).link("st0").unwrap().igmp.unwrap().keep_version);
}

#[test]
fn the_exact_name_of_a_role_decides_before_a_pattern() {
    let all = valid("[[proxy]]\nupstream = \"ppp0\"\ndownstream = [\"*\"]\n");
    assert_eq!(all.role("ppp0"), Role::Upstream);
    assert_eq!(all.role("eth0"), Role::Downstream);
    let one = valid("[[proxy]]\nupstream = \"eth*\"\ndownstream = [\"eth1\"]\n");
    assert_eq!(one.role("eth0"), Role::Upstream);
    assert_eq!(one.role("eth1"), Role::Downstream);
    assert_eq!(one.role("lan0"), Role::Router);
}
