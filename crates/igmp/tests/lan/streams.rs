//! What the viewers of a stream see: joins take effect at once (I61).

use crate::network::*;
use mgm_igmp::{LinkConfig, Role};

#[test]
fn t68_proxy_data_first() {
    let mut home = Home::new();
    // The stream has run for 30 s, and its MFE is negative, because no host wanted it.
    assert_eq!(home.network.ask(home.proxy, "10.9.0.1,239.1.1.1", UP, UP), UP);
    home.pass(30_000);
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &["239.1.1.1"]);
    home.pass(1);
    // The report has arrived, and the library was told within the same step.
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)"]);
}

#[test]
fn i61_a_join_reaches_mgm_and_the_upstream_in_the_step_of_its_report() {
    let mut home = Home::new();
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &["10.9.0.1,239.1.1.1"]);
    let joined = home.network.now;
    home.pass(10);
    assert_eq!(home.forwarded(DOWN1), ["(10.9.0.1, 239.1.1.1)"]);
    let reports = home.network.take("wan");
    assert_eq!(reports[0], (joined + 1, "ALLOW 239.1.1.1 (10.9.0.1)".into()));
    assert_eq!(home.isp_forwards(), ["(10.9.0.1, 239.1.1.1)"]);
}

#[test]
fn i61_two_proxies_in_a_row_pass_a_join_on_at_once() {
    let mut home = Home::new();
    let inner = home.network.machine();
    home.network.attach(inner, 1, ("lan1", "192.168.1.2"), role(Role::Upstream));
    home.network.attach(inner, 2, ("cellar", "192.168.9.1"), role(Role::Downstream));
    let upstream = mgm_igmp::ProxyUpstream {
        links: vec![1],
        downstreams: vec![2],
        ..mgm_igmp::ProxyUpstream::default()
    };
    home.network.proxies(inner, &[upstream]);
    let host = home.network.machine();
    let config = LinkConfig { version: 2, ..role(Role::Upstream) };
    home.network.attach(host, 1, ("cellar", "192.168.9.50"), config);
    home.network.join(host, &["239.1.1.1"]);
    home.pass(3);
    assert_eq!(home.isp_forwards(), ["(*, 239.1.1.1)"]);
    assert_eq!(home.forwarded(DOWN1), ["(*, 239.1.1.1)"]);
    home.pass(3_600_000);
    assert_eq!(home.isp_forwards(), ["(*, 239.1.1.1)"]);
    // Each router on the way asks for the last member time, two seconds.
    home.network.join(host, &[]);
    home.pass(10_000);
    assert!(home.isp_forwards().is_empty());
}
