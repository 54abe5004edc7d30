//! Random joins, leaves, flaps and packets, and what must always hold.

use crate::network::*;
use mgm_igmp::{Event, LinkConfig, LinkInfo, ProxyUpstream, Role};
use std::collections::BTreeSet;

const GROUPS: [&str; 3] = ["239.1.1.1", "239.1.1.2", "239.2.1.1"];
const SOURCES: [&str; 2] = ["10.9.0.1", "10.8.0.1"];

/// A random list of flows: for each group nothing, all sources, or some.
fn random_flows(random: &mut fastrand::Rng) -> Vec<String> {
    let mut flows = Vec::new();
    for group in GROUPS {
        match random.u8(0..4) {
            0 => flows.push(group.to_string()),
            1 => flows.extend(SOURCES.map(|source| format!("{source},{group}"))),
            2 => flows.push(format!("{},{group}", random.choice(SOURCES).unwrap())),
            _ => {}
        }
    }
    flows
}

/// The memberships that a router has for hosts that want these flows.
fn expected(wanted: &[Vec<String>]) -> Vec<String> {
    let all: BTreeSet<&str> = wanted.iter().flatten().map(String::as_str).collect();
    let needed = all
        .iter()
        .filter(|text| text.split_once(',').is_none_or(|(_, group)| !all.contains(group)));
    let flows: BTreeSet<_> = needed.map(|text| flow(text)).collect();
    flows.into_iter().map(|flow| flow.to_string()).collect()
}

#[test]
fn i54_what_any_host_wants_arrives_and_nothing_else_stays() {
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut home = Home::new();
        let lans = [("lan1", "192.168.1.50"), ("lan1", "192.168.1.51"), ("lan2", "192.168.2.50")];
        let hosts = lans.map(|(lan, address)| home.network.host(lan, address));
        let mut wanted = vec![Vec::new(); hosts.len()];
        for _ in 0..40 {
            let n = random.usize(0..hosts.len());
            wanted[n] = random_flows(&mut random);
            let flows: Vec<&str> = wanted[n].iter().map(String::as_str).collect();
            home.network.join(hosts[n], &flows);
            match random.u8(0..8) {
                0 => home.network.set_link(home.proxy, UP, LinkInfo::default()),
                1 => home.network.event(home.proxy, Event::LinkGone { link: UP }),
                _ => {}
            }
            home.pass(random.u64(0..3_000));
            home.network.set_link(home.proxy, UP, up("10.1.0.2"));
            if random.bool() {
                continue;
            }
            // Groups that ended while the upstream was away end by timer: after GMI.
            home.pass(300_000);
            assert_eq!(home.forwarded(DOWN1), expected(&wanted[..2]), "seed {seed}");
            assert_eq!(home.forwarded(DOWN2), expected(&wanted[2..]), "seed {seed}");
            assert_eq!(home.isp_forwards(), expected(&wanted), "seed {seed}");
        }
    }
}

#[test]
fn i55_after_lost_packets_the_next_queries_put_everything_right() {
    let mut random = fastrand::Rng::with_seed(55);
    let mut home = Home::new();
    let hosts = [
        home.network.host("lan1", "192.168.1.50"),
        home.network.host("lan1", "192.168.1.51"),
        home.network.host("lan2", "192.168.2.50"),
    ];
    for _ in 0..30 {
        let mut wanted = vec![Vec::new(); hosts.len()];
        home.network.loss = 30;
        for _ in 0..5 {
            for (host, wanted) in hosts.iter().zip(&mut wanted) {
                *wanted = random_flows(&mut random);
                let flows: Vec<&str> = wanted.iter().map(String::as_str).collect();
                home.network.join(*host, &flows);
            }
            home.pass(random.u64(0..20_000));
        }
        // Two query intervals: what no host answers for ends after GMI.
        home.network.loss = 0;
        home.pass(800_000);
        assert_eq!(home.forwarded(DOWN1), expected(&wanted[..2]));
        assert_eq!(home.forwarded(DOWN2), expected(&wanted[2..]));
        assert_eq!(home.isp_forwards(), expected(&wanted));
    }
}

#[test]
fn i60_split_upstreams_share_what_is_wanted_and_lose_nothing() {
    for seed in 0..4 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut home = Home::new();
        let second = home.network.machine();
        home.network.attach(second, 1, ("wan2", "10.2.0.1"), role(Role::Router));
        home.network.attach(home.proxy, 4, ("wan2", "10.2.0.2"), role(Role::Upstream));
        let upstream = |link, groups: &str, source: Option<&str>| ProxyUpstream {
            links: vec![link],
            downstreams: vec![DOWN1, DOWN2],
            groups: only(&[groups]),
            sources: source.map(|text| vec![net(text)]),
            ..ProxyUpstream::default()
        };
        let upstreams =
            [upstream(UP, "239.1.0.0/16", Some("10.9.0.0/16")), upstream(4, "239.0.0.0/8", None)];
        home.network.proxies(home.proxy, &upstreams);
        let host = home.network.host("lan1", "192.168.1.50");
        for _ in 0..20 {
            let flows = random_flows(&mut random);
            let texts: Vec<&str> = flows.iter().map(String::as_str).collect();
            home.network.join(host, &texts);
            home.pass(20_000);
            let at_first = |text: &str| text.contains("239.1.") && !text.contains("10.8.");
            let at_second = |text: &str| !text.contains(',') || !at_first(text);
            let of = |keep: &dyn Fn(&str) -> bool| {
                expected(&[flows.iter().filter(|text| keep(text)).cloned().collect()])
            };
            assert_eq!(home.isp_forwards(), of(&at_first), "seed {seed}");
            assert_eq!(home.network.memberships(second, 1), of(&at_second), "seed {seed}");
        }
    }
}

#[test]
fn i75_no_packet_on_any_link_of_a_proxy_makes_it_panic() {
    use mgm_igmp::codec;
    let mut random = fastrand::Rng::with_seed(86);
    let mut home = Home::new();
    let group = ip("239.1.1.1");
    for version in 0..20_000_u32 {
        let mut message = match version % 4 {
            0 => codec::report_v2(group),
            1 => codec::leave(group),
            _ => {
                let length = random.usize(0..60);
                let mut octets: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
                if let Some(kind) = octets.first_mut() {
                    *kind = random.choice([0x11, 0x12, 0x16, 0x17, 0x22]).unwrap();
                }
                octets
            }
        };
        if message.len() >= 8 {
            if random.bool() {
                message[4..8].copy_from_slice(&[239, 1, 1, random.u8(..)]);
            }
            message[2..4].fill(0);
            let sum = codec::checksum(&message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        let to = if random.bool() { codec::ALL_SYSTEMS } else { codec::ALL_V3_ROUTERS };
        let link = random.u32(UP..=DOWN2);
        let from = [10, 1, 0, 7].into();
        let octets = codec::datagram(from, to, &message);
        let packet = mgm_igmp::Packet { link, unicast_frame: random.bool(), octets: &octets };
        home.network.event(home.proxy, Event::Packet(packet));
        home.pass(random.u64(0..20));
    }
    // The groups of the packets are 256.
    assert!(home.network.reported(home.proxy, UP).len() <= 256);
}

#[test]
fn i1_equal_seeds_and_events_make_equal_packets() {
    let run = || {
        let mut home = Home::with(ProxyUpstream::default(), LinkConfig::default());
        let host = home.network.host("lan1", "192.168.1.50");
        home.network.join(host, &["239.1.1.1", "10.9.0.1,239.1.1.2"]);
        home.pass(600_000);
        (home.network.take("wan"), home.network.take("lan1"))
    };
    assert_eq!(run(), run());
}
