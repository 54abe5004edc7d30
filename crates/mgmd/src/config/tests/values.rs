//! Each key sets what it names.

use super::{errors, valid};
use crate::config::{ClientSocket, Forwarder, LogLevel, Pattern};
use mgm_igmp::config::{AccessList, LeaveMode, LinkConfig, ProxyUpstream, Rule};
use mgm_types::{Flow, Prefix};
use std::net::Ipv4Addr;

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn prefix(text: &str, length: u8) -> Prefix {
    Prefix::of(address(text), length)
}

#[test]
fn the_router() {
    let router = valid(
        "[router]\nforwarder = \"memory\"\nunicast-table = 9\nmfe-timeout = \"1m\"\nmax-flows = 10\n\
         max-igmp-entries = 11\nclients = \"/c\"\ndaemons = true\n\
         daemons-address = \"169.254.9.2\"\ncontrol = \"/d\"\nlog-level = \"debug\"\n",
    )
    .router;
    assert_eq!((router.forwarder, router.unicast_table), (Forwarder::Memory, 9));
    assert_eq!((router.mfe_timeout, router.max_flows, router.max_igmp_entries), (60, 10, 11));
    assert_eq!((router.daemons, router.daemons_address), (true, [169, 254, 9, 2].into()));
    assert_eq!((router.clients, router.control), ("/c".into(), "/d".into()));
    assert_eq!(router.log_level, LogLevel::Debug);
    assert_eq!(valid("[router]\ntable = 0x10\n").router.table, 16);
    for (word, level) in [
        ("off", LogLevel::Off),
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("trace", LogLevel::Trace),
    ] {
        let text = format!("[router]\nlog-level = \"{word}\"\n");
        assert_eq!(valid(&text).router.log_level, level);
    }
}

#[test]
fn an_interface() {
    let config = valid(
        "[[interface]]\nname = \"lan*\"\nttl-threshold = 9\nnew-flows = 50\n\
         boundaries = [\"239.255.0.0/16\", { scope = \"239.192.0.0/14\", name = \"campus\" }]\n",
    );
    let interface = &config.interfaces[0];
    assert_eq!(interface.name.as_str(), "lan*");
    assert_eq!((interface.ttl_threshold, interface.new_flows), (9, Some(50)));
    let boundaries: Vec<_> = interface
        .boundaries
        .iter()
        .map(|boundary| (boundary.scope.to_string(), boundary.name.clone()))
        .collect();
    let expected =
        [("239.255.0.0/16".into(), None), ("239.192.0.0/14".into(), Some("campus".into()))];
    assert_eq!(boundaries, expected);
    assert_eq!(interface.igmp, None);
}

const ALL_OF_IGMP: &str = "
[[interface]]
name = \"eth0\"
[interface.igmp]
version = 2
robustness = 3
query-interval = \"2m\"
query-response-interval = \"20s\"
startup-query-interval = \"3s\"
startup-query-count = 4
last-member-query-interval = \"200ms\"
last-member-query-count = 5
unsolicited-report-interval = \"6s\"
leave = \"immediate\"
max-groups = 7
max-sources = 8
max-tracked = 9
groups = [\"deny 239.1.0.0/16\"]
sources = [\"permit 10.0.0.0/8\", \"10.1.1.1\"]
hosts = [\"10.2.0.0/16\"]
static = [\"239.1.1.1\", \"10.1.1.1, 232.1.1.1\"]
join = [\"(*, 239.1.1.2)\", \"(10.1.1.1,232.1.1.2)\"]
ssm-range = []
source = \"10.3.3.3\"
passive = true
querier-allow = [\"10.4.4.4\"]
older-queriers = \"warn\"
ignore-v1 = true
require-router-alert = true
ttl = \"any\"
link-local = \"track\"
";

#[test]
fn all_of_igmp() {
    let permit = |permit, prefix| Rule { permit, prefix };
    let (all, source) = (Flow::any_source, address("10.1.1.1"));
    let expected = LinkConfig {
        version: 2,
        robustness: 3,
        query_interval: 120_000,
        query_response_interval: 20_000,
        startup_query_interval: Some(3_000),
        startup_query_count: Some(4),
        last_member_query_interval: 200,
        last_member_query_count: Some(5),
        unsolicited_report_interval: Some(6_000),
        leave: LeaveMode::Immediate,
        max_groups: 7,
        max_sources: 8,
        max_tracked: 9,
        groups: AccessList { rules: vec![permit(false, prefix("239.1.0.0", 16))], otherwise: true },
        sources: AccessList {
            rules: vec![permit(true, prefix("10.0.0.0", 8)), permit(true, prefix("10.1.1.1", 32))],
            otherwise: false,
        },
        hosts: vec![prefix("10.2.0.0", 16)],
        static_memberships: vec![
            all(address("239.1.1.1")),
            Flow::new(source, address("232.1.1.1")),
        ],
        join: vec![all(address("239.1.1.2")), Flow::new(source, address("232.1.1.2"))],
        ssm_range: Vec::new(),
        source: Some(address("10.3.3.3")),
        passive: true,
        querier_allow: Some(vec![address("10.4.4.4")]),
        keep_version: true,
        ignore_v1: true,
        require_router_alert: true,
        any_ttl: true,
        track_link_local: true,
        ..LinkConfig::default()
    };
    assert_eq!(valid(ALL_OF_IGMP).interfaces[0].igmp, Some(expected));
    // No key is left out above.
    for key in crate::config::keys::IGMP.keys {
        assert!(ALL_OF_IGMP.contains(&format!("\n{} = ", key.name)), "{}", key.name);
    }
}

#[test]
fn a_proxy() {
    let config = valid(
        "[[proxy]]\nupstream = \"a\"\nbackup = [\"b\", \"c*\"]\ndownstream = [\"d\"]\n\
         groups = [\"239.2.0.0/16\"]\nsources = [\"10.0.0.0/8\"]\nforward-always = true\n\
         forward-up = [\"239.3.0.0/16\"]\n[[proxy]]\nupstream = \"e\"\ndownstream = [\"d\"]\n\
         forward-up = false\n[[proxy]]\nupstream = \"f\"\ndownstream = [\"d\"]\nforward-up = true\n",
    );
    let [first, second, third] = &config.proxies[..] else { panic!("{config:?}") };
    assert_eq!((first.upstream.as_str(), first.backup[1].as_str()), ("a", "c*"));
    assert!(first.groups.permits(address("239.2.1.1")));
    assert!(!first.groups.permits(address("239.3.1.1")));
    assert_eq!(first.sources, Some(vec![prefix("10.0.0.0", 8)]));
    assert!(first.forward_always && !second.forward_always);
    assert!(first.forward_up.permits(address("239.3.1.1")));
    assert!(!first.forward_up.permits(address("239.2.1.1")));
    assert!(!second.forward_up.permits(address("239.3.1.1")));
    // What is not set is what RFC 4605 and the crate of IGMP have.
    let default = ProxyUpstream::default();
    assert_eq!((&third.groups, &third.sources), (&default.groups, &default.sources));
    assert_eq!(third.forward_up, default.forward_up);
}

#[test]
fn i58_no_list_of_groups_sends_224_0_0_up() {
    let text =
        "[[proxy]]\nupstream = \"a\"\ndownstream = [\"d\"]\nforward-up = [\"224.0.0.0/4\"]\n";
    let up = &valid(text).proxies[0].forward_up;
    assert!(up.permits(address("224.0.1.1")) && !up.permits(address("224.0.0.5")));
}

#[test]
fn routes_and_modules() {
    let config = valid(
        "[[route]]\nfrom = \"a\"\ngroup = \"239.1.1.1\"\nto = [\"b\"]\n[[route]]\nfrom = \"a\"\n\
         source = \"10.1.1.1\"\ngroup = \"239.1.1.1\"\nto = [\"b\", \"c\"]\n[[module]]\n\
         path = \"/usr/lib/pim.so\"\nargs = \"-d 1\"\n",
    );
    assert_eq!(config.routes[0].source, Prefix::ALL);
    assert_eq!([config.routes[0].is_exact(), config.routes[1].is_exact()], [false, true]);
    assert_eq!(config.modules[0].path.to_str(), Some("/usr/lib/pim.so"));
    assert_eq!(config.modules[0].args, "-d 1");
}

#[test]
fn m52_clients_are_restricted_by_user() {
    let config = valid(
        "[router]\nclients-owner = \"pim\"\nclients-group = \"100\"\nclients-mode = \"0606\"\n\
         max-clients = 5\nmax-clients-per-user = 2\nanswer-timeout = \"250ms\"\n[[client]]\nuser = \"pim\"\n\
         protocols = [\"200\", \"7/1\"]\ninterfaces = [\"eth*\"]\n[[client]]\nuser = \"*\"\n",
    );
    let ClientSocket { owner, group, mode, most, most_of_user, answer_ms } =
        config.router.client_socket;
    assert_eq!((owner.as_deref(), group.as_deref()), (Some("pim"), Some("100")));
    assert_eq!((mode, most, most_of_user, answer_ms), (0o606, 5, Some(2), 250));
    let [pim, others] = &config.clients[..] else { panic!("two tables") };
    assert_eq!(pim.protocols.as_ref().map(Vec::len), Some(2));
    assert_eq!(pim.interfaces, Pattern::new("eth*").map(|pattern| vec![pattern]));
    assert_eq!((&others.user[..], &others.protocols), ("*", &None));
    for (line, found) in [
        ("clients-mode = \"0\"", "\"0\" is not valid: use an octal number"),
        ("clients-mode = \"1000\"", "\"1000\" is not valid: use an octal number"),
        ("clients-mode = \"rw\"", "\"rw\" is not valid: use an octal number"),
        ("clients-owner = \"a b\"", "\"a b\" is not valid: use the name or the number of a user"),
        ("max-clients = 0", "0 is not valid: use a whole number from 1 to 65536"),
        ("max-clients-per-user = 0", "0 is not valid: use a whole number from 1 to 65536"),
    ] {
        let lines = errors(&format!("[router]\n{line}\n"));
        assert!(lines.len() == 1 && lines[0].contains(found), "{lines:?}");
    }
    let lines = errors("[[client]]\nuser = \"pim\"\nprotocols = [\"x\"]\n");
    assert!(lines[0].contains("\"x\" is not valid: use a protocol id"), "{lines:?}");
}
