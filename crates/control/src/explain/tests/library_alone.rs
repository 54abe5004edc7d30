//! What a library explains without a router.

use super::*;

fn alone() -> Explanation {
    Explanation::of_library(healthy().library).expect("all members are there")
}

#[test]
fn the_interfaces_are_those_of_the_library() {
    let all = judged(alone());
    assert_eq!(all.verdict, Verdict::forwarded("packets are forwarded to eth1"));
    assert_eq!(
        all.arrival.map(|arrival| (arrival.interface, arrival.index)),
        Some(("eth0".into(), 2))
    );
    let [exit] = &all.outgoing[..] else { panic!("{:?}", all.outgoing) };
    assert_eq!((exit.interface.as_str(), exit.index, exit.in_mfe), ("eth1", Some(3), true));
    assert_eq!(exit.wanted_by[0].by, WantedBy::Igmp);
}

#[test]
fn protocols_are_named_by_their_numbers_and_interfaces_by_their_indices() {
    let mut all = healthy().library;
    all["interfaces"][0]["memberships"][0]["holder"]["protocol"] = json!(200);
    all["interfaces"][0]["name"] = json!(null);
    all["interfaces"][0]["switched"] = json!("on");
    all["interfaces"][0]["owner"] = json!({"protocol": 200});
    let all = Explanation::of_library(all).expect("all members are there");
    let exit = &all.outgoing[0];
    assert_eq!(exit.interface, "#3");
    let details: Vec<_> = exit.wanted_by.iter().map(|want| want.detail.as_deref()).collect();
    assert_eq!(details, [Some("protocol 200"), Some("protocol 200, which switched it on")]);
}

#[test]
fn the_interface_on_which_packets_arrive_is_no_outgoing_one() {
    let mut all = healthy().library;
    let mut row = all["interfaces"][0].clone();
    row["index"] = json!(2);
    row["obstacle"] = json!("iif");
    all["interfaces"] = json!([row]);
    let all = Explanation::of_library(all).expect("all members are there");
    assert_eq!(all.outgoing, []);
}

#[test]
fn a_memory_forwarder_may_have_a_host_that_brings_packets() {
    let mut all = alone();
    all.library["forwarder"]["name"] = json!("memory");
    assert!(judged(all).verdict.forwarded);
}

#[test]
fn the_first_path_is_where_packets_are_expected_without_a_client() {
    let mut all = healthy().library;
    for member in ["arrival", "expected", "mfe"] {
        all[member] = json!(null);
    }
    all["route"]["paths"][0]["owner"] = json!(null);
    let all = Explanation::of_library(all).expect("all members are there");
    let text = "the route to 10.9.0.5 leads through eth0, which no client of the library has taken";
    expect(all, Reason::InterfaceNotOwned, "eth0", text, "");
}

#[test]
fn without_a_router_a_client_has_to_want_the_flow() {
    let mut all = unwanted().library;
    all["verdict"]["reason"] = json!("no_member");
    let all = Explanation::of_library(all).expect("all members are there");
    let text = "no interface wants 239.1.1.1: no host, membership, route or protocol";
    expect(all, Reason::NoMember, "", text, "let a client add a membership");
}

#[test]
fn a_text_without_the_members_is_an_error() {
    assert!(Explanation::of_library(json!({"running": true})).is_err());
    let mut all = alone();
    all.library = json!({});
    assert!(all.judge().is_err());
}
