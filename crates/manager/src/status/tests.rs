//! A small router whose every number is known.

use super::*;
use crate::engine::{Notice, NoticeKind};
use crate::types::{Flow, Rate, Route, RouteOrigin, Scope};
use crate::{Callbacks, ForwarderChoice, Join, Manager, PacketIn, Settings};
use serde_json::{json, Value};
use widestring::U16CString;

/// A client that leaves everything as it is.
struct Content;

impl Callbacks for Content {
    fn has(&self, kind: NoticeKind) -> bool {
        kind != NoticeKind::WrongIf
    }

    fn call(&self, _: &mut Notice) {}
}

const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 1, 1);

/// 200 has interface 1 towards the source, 300 and IGMP have interface 2.
fn router() -> Manager {
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    let [a, b, igmp] =
        [200, 300, 10].map(|protocol| manager.register(Box::new(Content), protocol, 7).unwrap());
    let (one, two) = (Interface::link(1), Interface::link(2));
    manager.take(a, one).unwrap();
    manager.take(igmp, two).unwrap();
    manager.take(b, two).unwrap();
    manager.add_membership(igmp, Flow::any_source(GROUP), two, Join::State).unwrap();
    manager
        .add_route(Route {
            origin: RouteOrigin::Via(Ipv4Addr::new(10, 9, 0, 1)),
            if_index: 1,
            paths: None,
            network: Ipv4Addr::new(10, 0, 0, 0),
            prefix_len: 8,
            protocol: 3,
        })
        .unwrap();
    set_limits(&manager);
    let packet = |index, ttl, group| {
        let flow = Flow::new(SOURCE, group);
        let arrival = Interface::link(index);
        manager.packet_in(PacketIn { flow, arrival, header: &[], length: 100, ttl }).unwrap();
    };
    packet(1, 64, GROUP);
    packet(1, 64, GROUP);
    packet(1, 1, GROUP);
    packet(2, 64, GROUP);
    packet(9, 64, GROUP);
    packet(1, 64, Ipv4Addr::new(224, 0, 0, 5));
    manager
}

/// None of them stops any of the packets; interface 9 is nobody's.
fn set_limits(manager: &Manager) {
    let scope = |third, length| Scope::new(Ipv4Addr::new(239, 192, third, 0), length).unwrap();
    manager.set_ttl_threshold(Interface::link(9), 16).unwrap();
    manager.set_ttl_threshold(Interface::link(1), 1).unwrap();
    let rate = Rate { per_second: 100, burst: 200 };
    manager.set_flow_limit(9, Some(rate)).unwrap();
    manager.set_flow_limit(2, Some(rate)).unwrap();
    manager.set_flow_limit(2, None).unwrap();
    manager.add_boundary(2, scope(128, 17)).unwrap();
    manager.add_boundary(2, scope(0, 17)).unwrap();
    manager.add_boundary(9, scope(0, 17)).unwrap();
    // The second unit is no character.
    let name = U16CString::from_vec([0x42, 0xd800]).unwrap();
    manager.set_scope_name(scope(0, 17), &name).unwrap();
}

fn snapshot(manager: &Manager, detail: Detail) -> Value {
    serde_json::from_str(&manager.status(detail).to_json()).unwrap()
}

/// Index 1 is lo in the system, but here it is the host's own.
#[test]
fn d78_with_the_memory_forwarder_interfaces_have_no_names() {
    let manager = router();
    let rows = manager.status(Detail::SUMMARY).interfaces;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.name.is_none()), "{rows:?}");
    manager.stop().unwrap();
}

#[expect(clippy::too_many_lines, reason = "each member of one snapshot")]
#[test]
fn a_snapshot_tells_everything() {
    let manager = router();
    let status = snapshot(&manager, Detail::FULL);
    assert_eq!(status["running"], json!(true));
    assert_eq!(status["forwarder"], json!("memory"));
    assert_eq!(
        status["totals"],
        json!({"clients": 3, "interfaces": 2, "memberships": 1, "mfes": 1, "resolving": 0,
            "refused_flows": 0, "not_installed": 0})
    );
    assert_eq!(
        status["counters"]["refused_packets"],
        json!({"foreign_arrival": 1, "link_local": 1, "boundary": 0, "no_upstream": 0, "wrong_interface": 1,
            "flow_limit": 0, "arrival_limit": 0, "flow_rate": 0, "no_memory": 0})
    );
    let callbacks = &status["counters"]["callbacks"];
    // 200 is asked about the packet and told of the group; 300 hears IGMP and
    // creates; IGMP made way for 300. A callback that is not there is not made.
    assert_eq!(
        *callbacks,
        json!({"rpf": 1, "creation_alert": 1, "prune_alert": 0, "join_alert": 1, "wrong_if": 0,
            "local_join": 1, "local_leave": 0, "disable_igmp": 1, "enable_igmp": 1})
    );
    let clients = status["clients"].as_array().unwrap();
    assert_eq!(clients.len(), 3);
    assert_eq!(clients[0]["protocol"], json!(200));
    assert_eq!(clients[0]["component"], json!(7));
    assert_eq!(clients[0]["callbacks"]["rpf"], json!(1));
    assert_eq!(clients[1]["callbacks"]["creation_alert"], json!(1));
    assert_eq!(clients[2]["igmp"], json!(true));
    assert_eq!(
        status["interfaces"],
        json!([
            {"index": 1, "next_hop": null, "name": null, "owner": 1, "igmp": null, "changing": false,
                "absent": false, "reverse_path_filter": null},
            {"index": 2, "next_hop": null, "name": null, "owner": 2, "igmp": 3, "changing": false,
                "absent": false, "reverse_path_filter": null},
        ])
    );
    assert_eq!(
        status["limits"],
        json!({
            "max_flows": 2_097_152,
            "thresholds": [{"index": 9, "next_hop": null, "ttl": 16}],
            "boundaries": [
                {"index": 2, "scope": "239.192.0.0/17", "name": "B\u{fffd}"},
                {"index": 2, "scope": "239.192.128.0/17", "name": null},
                {"index": 9, "scope": "239.192.0.0/17", "name": "B\u{fffd}"},
            ],
            "flow_rates": [{"index": 9, "per_second": 100, "burst": 200, "refused": 0}]
        })
    );
    assert_eq!(
        status["memberships"],
        json!([{"source": null, "group": "239.1.1.1", "owner": [],
            "igmp": [{"index": 2, "next_hop": null}]}])
    );
    let mfe = &status["mfes"][0];
    assert_eq!(mfe["source"], json!("10.0.0.1"));
    assert_eq!(mfe["group"], json!("239.1.1.1"));
    assert_eq!(mfe["iif"], json!({"index": 1, "next_hop": null}));
    assert_eq!(mfe["upstream"], json!("10.9.0.1"));
    assert_eq!(mfe["route"], json!("10.0.0.0/8"));
    assert_eq!(mfe["packets"], json!(3));
    assert_eq!(mfe["octets"], json!(300));
    assert_eq!(mfe["wrong_if"], json!(1));
    assert_eq!((&mfe["negative"], &mfe["sent"]), (&json!(0), &json!(2)));
    assert_eq!(
        mfe["oifs"],
        json!([{"index": 2, "next_hop": null, "packets": 2, "ttl_too_low": 1, "too_large": 0,
            "discards": 0}])
    );
    manager.stop().unwrap();
}

#[test]
fn a_summary_has_the_numbers_alone() {
    let manager = router();
    let status = snapshot(&manager, Detail::SUMMARY);
    assert_eq!(status["totals"]["mfes"], json!(1));
    assert!(status.get("mfes").is_none() && status.get("memberships").is_none());
    manager.stop().unwrap();
}

#[test]
fn before_the_start_and_after_the_stop_there_is_nothing() {
    let manager = Manager::new();
    assert_eq!(snapshot(&manager, Detail::FULL)["running"], json!(false));
    let router = router();
    router.stop().unwrap();
    let status = snapshot(&router, Detail::FULL);
    assert_eq!((&status["running"], &status["forwarder"]), (&json!(false), &Value::Null));
    assert_eq!(status["mfes"], json!([]));
    assert_eq!(
        status["limits"],
        json!({"max_flows": 0, "thresholds": [], "boundaries": [], "flow_rates": []})
    );
}

/// Every sample belongs to the family above it, every family is described once.
fn check_page(page: &str) {
    let mut families = std::collections::BTreeSet::new();
    let mut samples = std::collections::BTreeSet::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        let (name, help) = line.strip_prefix("# HELP ").unwrap().split_once(' ').unwrap();
        assert!(!help.is_empty() && families.insert(name.to_owned()), "{line}");
        let kind = lines.next().unwrap().strip_prefix(&format!("# TYPE {name} ")).unwrap();
        assert!(kind == "gauge" || kind == "counter", "{kind}");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        while let Some(sample) = lines.next_if(|line| !line.starts_with('#')) {
            let (series, value) = sample.rsplit_once(' ').unwrap();
            let labels = series.strip_prefix(name).unwrap();
            assert!(labels.is_empty() || (labels.starts_with('{') && labels.ends_with('}')));
            assert!(value.parse::<f64>().is_ok(), "{sample}");
            assert!(samples.insert(series.to_owned()), "twice: {series}");
        }
    }
    assert!(page.ends_with('\n'));
}

#[test]
fn the_page_of_metrics_is_well_formed() {
    let manager = router();
    let summary = manager.status(Detail::SUMMARY).to_metrics();
    check_page(&summary);
    assert!(!summary.contains("mgm_mfe_packets_total"));
    let full = manager.status(Detail::FULL).to_metrics();
    check_page(&full);
    for line in [
        "mgm_running 1",
        "mgm_forwarder_info{forwarder=\"memory\"} 1",
        "mgm_mfes 1",
        "mgm_callbacks_total{kind=\"join_alert\"} 1",
        "mgm_refused_packets_total{reason=\"wrong_interface\"} 1",
        "mgm_client_interfaces{serial=\"1\",protocol=\"200\",component=\"7\"} 1",
        "mgm_interface_absent{interface=\"2\",next_hop=\"\"} 0",
        "mgm_mfe_octets_total{source=\"10.0.0.1\",group=\"239.1.1.1\",interface=\"1\",next_hop=\"\"} 300",
    ] {
        assert!(full.lines().any(|have| have == line), "{line}\n{full}");
    }
    manager.stop().unwrap();
    check_page(&manager.status(Detail::FULL).to_metrics());
}

/// As much of JSON Schema as ours uses; it knows no keyword that it would pass
/// over in silence. Stricter in one point: every member has to be described.
fn check_schema(root: &Value, schema: &Value, value: &Value, at: &str) {
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "title" | "description" | "$defs" | "required" => {}
            "$ref" => {
                let target = rule.as_str().unwrap().strip_prefix('#').unwrap();
                check_schema(root, root.pointer(target).expect(target), value, at);
            }
            "type" => {
                let is = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(number) if number.is_u64() => "integer",
                    Value::Number(_) => "number",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                let fits = *rule == json!(is)
                    || rule.as_array().is_some_and(|all| all.contains(&json!(is)));
                assert!(fits, "{at} is of type {is}, not {rule}");
            }
            "enum" => assert!(rule.as_array().unwrap().contains(value), "{at} is {value}"),
            "minimum" => assert_eq!(*rule, json!(0), "what is_u64 proves"),
            "format" => {
                assert_eq!(*rule, json!("ipv4"));
                assert!(value.as_str().is_none_or(|text| text.parse::<Ipv4Addr>().is_ok()), "{at}");
            }
            "items" => {
                for (i, item) in value.as_array().unwrap().iter().enumerate() {
                    check_schema(root, rule, item, &format!("{at}[{i}]"));
                }
            }
            "properties" => {
                let Some(members) = value.as_object() else { continue }; // "type" permits null
                for name in schema["required"].as_array().unwrap() {
                    assert!(members.contains_key(name.as_str().unwrap()), "{at} has no {name}");
                }
                for (name, member) in members {
                    let described = rule.get(name);
                    let described = described.unwrap_or_else(|| panic!("{at}.{name} is unknown"));
                    check_schema(root, described, member, &format!("{at}.{name}"));
                }
            }
            other => panic!("the test does not know {other}"),
        }
    }
}

#[test]
fn a_snapshot_is_what_the_schema_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/status.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let manager = router();
    for status in [
        snapshot(&manager, Detail::FULL),
        snapshot(&manager, Detail::SUMMARY),
        snapshot(&Manager::new(), Detail::FULL),
    ] {
        check_schema(&schema, &schema, &status, "status");
    }
    manager.stop().unwrap();
}

/// The explanation of a flow to [`GROUP`], or to another group, after a check of its schema.
fn explained(manager: &Manager, group: Ipv4Addr, arrival: Option<u32>) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/explain.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let flow = manager.explain(Flow::new(SOURCE, group), arrival.map(Interface::link));
    let json = serde_json::from_str(&flow.to_json()).unwrap();
    check_schema(&schema, &schema, &json, "flow");
    json
}

#[test]
fn a_flow_with_an_mfe_is_explained_whole() {
    let manager = router();
    let flow = explained(&manager, GROUP, None);
    assert_eq!(flow["verdict"]["forwarded"], json!(true));
    assert_eq!(flow["arrival"]["index"], json!(1));
    assert_eq!(flow["route"]["kind"], json!("gateway"));
    assert_eq!(flow["route"]["prefix"], json!("10.0.0.0/8"));
    assert_eq!(flow["route"]["paths"][0]["legitimate"], json!(true));
    assert_eq!(flow["expected"]["upstream"], json!("10.9.0.1"));
    let client = json!({"serial": 1, "protocol": 200, "component": 7});
    assert_eq!(flow["rpf_callback"]["client"], client);
    assert_eq!(flow["rpf_callback"]["state"], json!("answered"));
    let row = &flow["interfaces"][0];
    assert_eq!(row["memberships"][0]["holder"]["protocol"], json!(10));
    assert_eq!((&row["owner"]["protocol"], &row["oif"]), (&json!(300), &json!(true)));
    assert_eq!((&flow["mfe"]["packets"], &flow["mfe"]["iif_by"]), (&json!(3), &json!("route")));
    let forwarder = json!({"name": "memory", "entry": null, "waiting": false, "counters": null,
        "installed": null});
    assert_eq!(flow["forwarder"], forwarder);
    assert_eq!(explained(&manager, GROUP, Some(2))["verdict"]["reason"], json!("wrong_interface"));
    assert_eq!(explained(&manager, GROUP, Some(9))["verdict"]["reason"], json!("foreign_arrival"));
    manager.stop().unwrap();
}

#[test]
fn a_flow_without_an_mfe_is_explained_and_changes_nothing() {
    let manager = router();
    let before = snapshot(&manager, Detail::FULL)["totals"].clone();
    let other = explained(&manager, Ipv4Addr::new(239, 9, 9, 9), None);
    assert_eq!(other["verdict"]["reason"], json!("no_member"));
    assert_eq!(
        (&other["mfe"], &other["rpf_callback"]["state"]),
        (&json!(null), &json!("not_asked"))
    );
    manager.delete_route(Ipv4Addr::new(10, 0, 0, 0), 8).unwrap();
    let other = explained(&manager, Ipv4Addr::new(239, 9, 9, 9), None);
    assert_eq!(other["verdict"]["reason"], json!("no_route"));
    assert_eq!(other["verdict"]["text"], json!("no route covers the source"));
    assert_eq!(snapshot(&manager, Detail::FULL)["totals"]["clients"], before["clients"]);
    manager.stop().unwrap();
    assert_eq!(explained(&manager, GROUP, None)["verdict"]["reason"], json!("not_running"));
}

#[test]
fn a_boundary_is_explained_with_the_name_of_its_scope() {
    let manager = router();
    let group = Ipv4Addr::new(239, 8, 8, 8);
    let scope = Scope::new(Ipv4Addr::new(239, 8, 0, 0), 16).unwrap();
    manager.add_boundary(1, scope).unwrap();
    manager.set_scope_name(scope, &U16CString::from_str("site").unwrap()).unwrap();
    let flow = explained(&manager, group, Some(1));
    assert_eq!(flow["verdict"]["reason"], json!("arrival_boundary"));
    assert_eq!(flow["arrival"]["boundary"], json!({"scope": "239.8.0.0/16", "name": "site"}));
    manager.stop().unwrap();
}

/// A client that accepts no source without a route, and refuses every oif.
struct Refusing;

impl Callbacks for Refusing {
    fn has(&self, _: NoticeKind) -> bool {
        true
    }

    fn call(&self, notice: &mut Notice) {
        if let Notice::Creation { oifs, .. } = notice {
            oifs.iter_mut().for_each(|oif| oif.enabled = false);
        }
    }
}

#[test]
fn the_answers_of_clients_are_explained() {
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    let client = manager.register(Box::new(Refusing), 400, 0).unwrap();
    let (one, two, flow) = (Interface::link(1), Interface::link(2), Flow::new(SOURCE, GROUP));
    manager.take(client, one).unwrap();
    manager.take(client, two).unwrap();
    manager.add_membership(client, flow, two, Join::State).unwrap();
    let packet = || {
        let packet = PacketIn { flow, arrival: one, header: &[], length: 100, ttl: 64 };
        manager.packet_in(packet).unwrap();
    };
    packet();
    let refused = explained(&manager, GROUP, None);
    assert_eq!(refused["verdict"]["reason"], json!("declined"));
    assert_eq!(refused["rpf_callback"]["state"], json!("declined"));
    assert_eq!(refused["refusal"]["reason"], json!("no_upstream"));
    let route = Route { origin: RouteOrigin::Connected, if_index: 1, ..Route::NONE };
    manager.add_route(route).unwrap();
    packet();
    let off = explained(&manager, GROUP, None);
    assert_eq!(off["verdict"]["reason"], json!("creation_alert"));
    assert_eq!(off["interfaces"][0]["creation_alert"], json!("off"));
    assert_eq!(off["interfaces"][0]["obstacle"], json!("creation_alert"));
    manager.stop().unwrap();
}
