//! Backups of an upstream (I59, I60).

use crate::network::*;
use mgm_igmp::{Code, Event, MgmCall, ProxyUpstream, Role};

/// A proxy whose upstream is link 1 with the backup 2, and the providers of both.
fn with_backup() -> TwoUpstreams {
    let mut home = TwoUpstreams::with(&[ProxyUpstream {
        links: vec![1, 2],
        sources: Some(vec![net("10.9.0.0/16")]),
        ..ProxyUpstream::default()
    }]);
    let host = home.network.host("lan1", "192.168.1.50");
    home.network.join(host, &["239.1.1.1"]);
    home.network.pass(60_000);
    home
}

#[test]
fn i60_a_backup_takes_over_reports_and_routes_and_gives_them_back() {
    let TwoUpstreams { mut network, isps, proxy } = with_backup();
    assert_eq!(network.memberships(isps[0], 1), ["(*, 239.1.1.1)"]);
    assert!(network.memberships(isps[1], 1).is_empty());
    assert_eq!(network.routes(proxy), [("10.9.0.0/16", 1)]);

    network.set_link(proxy, 1, Default::default());
    network.pass(10);
    assert_eq!(network.memberships(isps[1], 1), ["(*, 239.1.1.1)"]);
    assert_eq!(network.routes(proxy), [("10.9.0.0/16", 2)]);

    network.set_link(proxy, 1, up("10.1.0.2"));
    network.pass(5_000);
    assert_eq!(network.memberships(isps[0], 1), ["(*, 239.1.1.1)"]);
    assert!(network.memberships(isps[1], 1).is_empty(), "it was left");
    assert_eq!(network.routes(proxy), [("10.9.0.0/16", 1)]);
}

#[test]
fn i60_without_any_link_that_is_up_the_first_one_waits() {
    let TwoUpstreams { mut network, isps, proxy } = with_backup();
    network.set_link(proxy, 2, Default::default());
    network.set_link(proxy, 1, Default::default());
    network.pass(400_000);
    assert_eq!(network.routes(proxy), [("10.9.0.0/16", 1)]);
    assert!(network.memberships(isps[0], 1).is_empty());
    network.set_link(proxy, 1, up("10.1.0.2"));
    network.pass(10);
    assert_eq!(network.memberships(isps[0], 1), ["(*, 239.1.1.1)"]);
}

#[test]
fn i59_a_backup_moves_the_mfes_that_were_accepted_without_a_route() {
    let TwoUpstreams { mut network, proxy, .. } = with_backup();
    assert_eq!(network.ask(proxy, "10.9.0.1,239.1.1.1", 0, 1), 1);
    assert_eq!(network.ask(proxy, "10.9.0.2,239.1.1.1", 1, 1), 1, "by the host route");
    assert_eq!(network.ask(proxy, "10.9.0.3,239.1.1.1", 0, 1), 1);
    assert_eq!(network.ask(proxy, "10.9.0.1,239.1.1.1", 0, 2), 0, "the backup does not serve");
    assert_eq!(network.ask(proxy, "10.9.0.1,239.1.1.1", 0, 1), 1);
    network.set_link(proxy, 1, Default::default());
    let moved = ["10.9.0.1,239.1.1.1", "10.9.0.3,239.1.1.1"].map(|text| (flow(text), 2));
    assert_eq!(network.moved(proxy), moved);

    // An MFE that the library does not have any longer is forgotten, the other one goes back.
    let call = MgmCall::SetMfe { flow: flow("10.9.0.3,239.1.1.1"), link: 2 };
    network.event(proxy, Event::Refused { call, code: Code::NotFound });
    network.set_link(proxy, 1, up("10.1.0.2"));
    assert_eq!(network.moved(proxy), [(flow("10.9.0.1,239.1.1.1"), 1)]);

    // And so is one that the library has not asked about for two lives of an MFE.
    network.pass(1_800_000);
    network.set_link(proxy, 1, Default::default());
    assert!(network.moved(proxy).is_empty());
}

/// Two upstreams, each with a backup: links 1 and 2, 4 and 5.
fn two_with_backups() -> [ProxyUpstream; 2] {
    [("239.1.0.0/16", [1, 2]), ("239.2.0.0/16", [4, 5])].map(|(groups, links)| ProxyUpstream {
        links: links.to_vec(),
        downstreams: vec![3],
        groups: only(&[groups]),
        ..ProxyUpstream::default()
    })
}

#[test]
fn i59_other_upstreams_move_an_mfe_by_links_and_not_by_numbers() {
    let TwoUpstreams { mut network, proxy, .. } = with_backup();
    network.attach(proxy, 4, ("wan4", "10.4.0.2"), role(Role::Upstream));
    network.attach(proxy, 5, ("wan5", "10.5.0.2"), role(Role::Upstream));
    let [first, second] = two_with_backups();
    network.proxies(proxy, &[first.clone(), second.clone()]);
    assert_eq!(network.ask(proxy, "10.9.0.1,239.1.1.1", 0, 1), 1);
    assert_eq!(network.ask(proxy, "10.9.0.1,239.2.1.1", 0, 4), 4);

    // In the other order, each flow still has its provider, and the backup of that one.
    network.proxies(proxy, &[second.clone(), first.clone()]);
    assert!(network.moved(proxy).is_empty());
    network.set_link(proxy, 1, Default::default());
    assert_eq!(network.moved(proxy), [(flow("10.9.0.1,239.1.1.1"), 2)]);

    // The backup is the first link now: the MFE that is there stays there.
    let swapped = ProxyUpstream { links: vec![2, 1], ..first };
    network.proxies(proxy, &[second, swapped.clone()]);
    network.set_link(proxy, 1, up("10.1.0.2"));
    assert!(network.moved(proxy).is_empty());

    // An MFE of an upstream that is gone is left to the library's next question.
    network.proxies(proxy, &[swapped]);
    network.set_link(proxy, 4, Default::default());
    assert!(network.moved(proxy).is_empty());
    network.set_link(proxy, 2, Default::default());
    assert_eq!(network.moved(proxy), [(flow("10.9.0.1,239.1.1.1"), 1)]);
}

#[test]
fn i62_questions_and_other_upstreams_after_a_stop_do_no_harm() {
    let TwoUpstreams { mut network, proxy, .. } = with_backup();
    network.event(proxy, Event::Stop);
    let [first, second] = two_with_backups();
    for upstreams in [&[first.clone(), second.clone(), first][..], &[second], &[]] {
        network.proxies(proxy, upstreams);
        assert_eq!(network.ask(proxy, "10.9.0.1,239.1.1.1", 0, 1), 0);
        assert_eq!(network.ask(proxy, "192.168.1.50,239.1.1.1", 3, 3), 3);
    }
}
