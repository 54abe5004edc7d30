use super::*;
use std::net::Ipv4Addr;
use std::path::Path;

const TEXT: &str = "[[route]]\nfrom = \"a*\"\nsource = \"10.1.0.0/16\"\ngroup = \"239.1.0.0/16\"\n\
                    to = [\"b0\", \"c0\"]\n\
                    [[route]]\nfrom = \"a0\"\nsource = \"10.2.0.1\"\ngroup = \"239.2.0.1\"\nto = [\"b0\"]\n";

fn config(text: &str) -> Config {
    Config::parse(Path::new("mgmd.toml"), text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn served(names: &[&str]) -> BTreeMap<u32, String> {
    names
        .iter()
        .map(|name| (u32::from(name.as_bytes()[0] - b'a' + 1), (*name).to_owned()))
        .collect()
}

fn flow(number: u8) -> Flow {
    Flow::new(Ipv4Addr::new(10, 1, 0, number), Ipv4Addr::new(239, 1, 0, 1))
}

/// a0 has the index 1, b0 2 and c0 3.
fn routes() -> StaticRoutes {
    let mut routes = StaticRoutes::new(3);
    assert_eq!(routes.configure(&config(TEXT), &served(&["a0", "b0", "c0"])), Some(vec![]));
    routes
}

fn links(joins: &[Join]) -> Vec<u32> {
    joins.iter().map(|join| join.link).collect()
}

#[test]
fn m3_a_flow_is_joined_from_its_first_packet_until_nobody_asks_any_longer() {
    let mut routes = routes();
    assert_eq!(links(&routes.asked(flow(1), 1, Time(100))), [2, 3]);
    assert!(routes.wants(Join { link: 2, flow: flow(1) }));
    assert_eq!(routes.of_link(3).collect::<Vec<_>>(), [flow(1)]);
    assert_eq!(routes.asked(flow(1), 1, Time(200)), [], "renewed");
    assert_eq!(routes.deadline(), Some(Time(200)));
    assert_eq!(routes.expire(Time(199)), []);
    assert_eq!(links(&routes.expire(Time(200))), [2, 3]);
    assert!(!routes.wants(Join { link: 2, flow: flow(1) }) && routes.is_empty());
    assert_eq!(routes.deadline(), None);
}

#[test]
fn m3_a_flow_that_arrives_elsewhere_is_joined_no_longer() {
    let mut routes = routes();
    routes.asked(flow(1), 1, Time(100));
    assert_eq!(links(&routes.asked(flow(1), 2, Time(200))), [2, 3]);
    assert!(routes.is_empty());
    let other = Flow::new([10, 3, 0, 1].into(), [239, 1, 0, 1].into());
    assert_eq!(routes.asked(other, 1, Time(100)), [], "another source");
}

#[test]
fn m3_the_number_of_flows_is_limited() {
    let mut routes = routes();
    for number in 0..5 {
        routes.asked(flow(number), 1, Time(100));
    }
    assert_eq!((routes.len(), routes.take_refused(), routes.take_refused()), (3, 2, 0));
    assert_eq!(routes.asked(flow(0), 1, Time(300)), [], "those that are known stay");
    assert_eq!(routes.len(), 3);
}

#[test]
fn m4_a_protocol_that_owns_the_interface_ends_the_flows_of_prefixes() {
    let mut routes = routes();
    let other = Flow::new([10, 1, 0, 2].into(), [239, 1, 0, 1].into());
    let text = TEXT.replace("\"a*\"", "\"d0\"").replace("\"a0\"", "\"d0\"") + TEXT;
    let served = served(&["a0", "b0", "c0", "d0"]);
    routes.configure(&config(&text), &served);
    routes.asked(flow(1), 1, Time(100));
    routes.asked(other, 4, Time(200));
    assert_eq!(links(&routes.rest(1)), [2, 3]);
    assert!(!routes.knows(flow(1)) && routes.knows(other), "other begins at another interface");
    assert_eq!(routes.deadline(), Some(Time(200)));
    assert_eq!(routes.rest(1), []);

    let exact = Flow::new([10, 2, 0, 1].into(), [239, 2, 0, 1].into());
    assert!(!routes.accepts(flow(9), 1, true) && routes.accepts(exact, 1, true));
}

#[test]
fn m2_routes_say_where_packets_arrive() {
    let routes = routes();
    let exact = Flow::new([10, 2, 0, 1].into(), [239, 2, 0, 1].into());
    assert!(routes.accepts(flow(9), 1, false) && routes.accepts(exact, 1, false));
    assert!(!routes.accepts(flow(9), 2, false) && !routes.accepts(exact, 3, false));
    assert!(routes.begins_at(1) && !routes.begins_at(2));
    assert_eq!(routes.wanted(exact, 1), BTreeSet::new(), "it is in the configuration of b0");
}

#[test]
fn flows_follow_interfaces_that_come_and_go() {
    let mut routes = routes();
    routes.asked(flow(1), 1, Time(100));
    let config = config(TEXT);
    assert_eq!(routes.configure(&config, &served(&["a0", "b0", "c0"])), None, "the same");
    for (names, expected) in [
        (&["a0", "b0"][..], &[3][..]),
        (&["a0", "b0", "c0"], &[3]),
        (&["b0", "c0"], &[2, 3]), // a0 is gone
    ] {
        let changed = routes.configure(&config, &served(names)).unwrap();
        assert_eq!(links(&changed), expected, "{names:?}");
    }
    assert!(routes.is_empty());
}
