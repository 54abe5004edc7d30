//! Backups of an upstream (I59, I60).

use crate::world::*;
use mgm_igmp::{Code, Event, MgmCall, ProxyUpstream, Role};

/// A proxy whose upstream is link 1 with the backup 2, and the providers of both.
fn with_backup() -> (World, [usize; 2], usize) {
    let mut world = World::new();
    let isps = [world.machine(), world.machine()];
    let proxy = world.machine();
    world.attach(isps[0], 1, ("wan1", "10.1.0.1"), role(Role::Router));
    world.attach(isps[1], 1, ("wan2", "10.2.0.1"), role(Role::Router));
    world.attach(proxy, 1, ("wan1", "10.1.0.2"), role(Role::Upstream));
    world.attach(proxy, 2, ("wan2", "10.2.0.2"), role(Role::Upstream));
    world.attach(proxy, 3, ("lan1", "192.168.1.1"), role(Role::Downstream));
    let upstream = ProxyUpstream {
        links: vec![1, 2],
        downstreams: vec![3],
        sources: Some(vec![net("10.9.0.0/16")]),
        ..ProxyUpstream::default()
    };
    world.proxies(proxy, &[upstream]);
    let host = world.host("lan1", "192.168.1.50");
    world.join(host, &["239.1.1.1"]);
    world.pass(60_000);
    (world, isps, proxy)
}

#[test]
fn i60_a_backup_takes_over_reports_and_routes_and_gives_them_back() {
    let (mut world, isps, proxy) = with_backup();
    assert_eq!(world.memberships(isps[0], 1), ["(*, 239.1.1.1)"]);
    assert!(world.memberships(isps[1], 1).is_empty());
    assert_eq!(world.routes(proxy), [("10.9.0.0/16", 1)]);

    world.set_link(proxy, 1, Default::default());
    world.pass(10);
    assert_eq!(world.memberships(isps[1], 1), ["(*, 239.1.1.1)"]);
    assert_eq!(world.routes(proxy), [("10.9.0.0/16", 2)]);

    world.set_link(proxy, 1, up("10.1.0.2"));
    world.pass(5_000);
    assert_eq!(world.memberships(isps[0], 1), ["(*, 239.1.1.1)"]);
    assert!(world.memberships(isps[1], 1).is_empty(), "it was left");
    assert_eq!(world.routes(proxy), [("10.9.0.0/16", 1)]);
}

#[test]
fn i60_without_any_link_that_is_up_the_first_one_waits() {
    let (mut world, isps, proxy) = with_backup();
    world.set_link(proxy, 2, Default::default());
    world.set_link(proxy, 1, Default::default());
    world.pass(400_000);
    assert_eq!(world.routes(proxy), [("10.9.0.0/16", 1)]);
    assert!(world.memberships(isps[0], 1).is_empty());
    world.set_link(proxy, 1, up("10.1.0.2"));
    world.pass(10);
    assert_eq!(world.memberships(isps[0], 1), ["(*, 239.1.1.1)"]);
}

#[test]
fn i59_a_backup_moves_the_mfes_that_were_accepted_without_a_route() {
    let (mut world, _, proxy) = with_backup();
    assert_eq!(world.ask(proxy, "10.9.0.1,239.1.1.1", 0, 1), 1);
    assert_eq!(world.ask(proxy, "10.9.0.2,239.1.1.1", 1, 1), 1, "by the host route");
    assert_eq!(world.ask(proxy, "10.9.0.3,239.1.1.1", 0, 1), 1);
    assert_eq!(world.ask(proxy, "10.9.0.1,239.1.1.1", 0, 2), 0, "the backup does not serve");
    assert_eq!(world.ask(proxy, "10.9.0.1,239.1.1.1", 0, 1), 1);
    world.set_link(proxy, 1, Default::default());
    let moved = ["10.9.0.1,239.1.1.1", "10.9.0.3,239.1.1.1"].map(|text| (flow(text), 2));
    assert_eq!(world.moved(proxy), moved);

    // An MFE that MGM does not have any longer is forgotten, the other one goes back.
    let call = MgmCall::SetMfe { flow: flow("10.9.0.3,239.1.1.1"), link: 2 };
    world.event(proxy, Event::Refused { call, code: Code::NotFound });
    world.set_link(proxy, 1, up("10.1.0.2"));
    assert_eq!(world.moved(proxy), [(flow("10.9.0.1,239.1.1.1"), 1)]);

    // And so is one that MGM has not asked about for two lives of an MFE.
    world.pass(1_800_000);
    world.set_link(proxy, 1, Default::default());
    assert!(world.moved(proxy).is_empty());
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
    let (mut world, _, proxy) = with_backup();
    world.attach(proxy, 4, ("wan4", "10.4.0.2"), role(Role::Upstream));
    world.attach(proxy, 5, ("wan5", "10.5.0.2"), role(Role::Upstream));
    let [first, second] = two_with_backups();
    world.proxies(proxy, &[first.clone(), second.clone()]);
    assert_eq!(world.ask(proxy, "10.9.0.1,239.1.1.1", 0, 1), 1);
    assert_eq!(world.ask(proxy, "10.9.0.1,239.2.1.1", 0, 4), 4);

    // In the other order, each flow still has its provider, and the backup of that one.
    world.proxies(proxy, &[second.clone(), first.clone()]);
    assert!(world.moved(proxy).is_empty());
    world.set_link(proxy, 1, Default::default());
    assert_eq!(world.moved(proxy), [(flow("10.9.0.1,239.1.1.1"), 2)]);

    // The backup is the first link now: the MFE that is there stays there.
    let swapped = ProxyUpstream { links: vec![2, 1], ..first };
    world.proxies(proxy, &[second, swapped.clone()]);
    world.set_link(proxy, 1, up("10.1.0.2"));
    assert!(world.moved(proxy).is_empty());

    // An MFE of an upstream that is gone is left to MGM's next question.
    world.proxies(proxy, &[swapped]);
    world.set_link(proxy, 4, Default::default());
    assert!(world.moved(proxy).is_empty());
    world.set_link(proxy, 2, Default::default());
    assert_eq!(world.moved(proxy), [(flow("10.9.0.1,239.1.1.1"), 1)]);
}

#[test]
fn i62_questions_and_other_upstreams_after_a_stop_do_no_harm() {
    let (mut world, _, proxy) = with_backup();
    world.event(proxy, Event::Stop);
    let [first, second] = two_with_backups();
    for upstreams in [&[first.clone(), second.clone(), first][..], &[second], &[]] {
        world.proxies(proxy, upstreams);
        assert_eq!(world.ask(proxy, "10.9.0.1,239.1.1.1", 0, 1), 0);
        assert_eq!(world.ask(proxy, "192.168.1.50,239.1.1.1", 3, 3), 3);
    }
}
