//! More flows than the clients can answer: about which of them a client is still asked.

use super::*;

const SG: &str = "(10.0.0.1, 239.1.1.1)";

/// A, towards the source, does not answer; B wants the group.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[1]).owns("B", &[2]).source("10.0.0.1", connected(1));
    r.join("B", "(*, 239.1.1.1)", 2);
    r.heard.clear();
    r
}

/// Takes back the first notice that waits for a client.
fn forget(r: &mut Router, name: &str) {
    let notice = r.party(name).waiting.pop_front().expect("it waits to be asked");
    r.run(|engine, fx| engine.forget(&notice, fx));
}

#[test]
fn t5_1_of_a_flow_that_is_being_resolved_each_packet_is_told() {
    let mut r = stage();
    r.stalls("A");
    r.packet(SG, 1);
    assert_eq!(r.again, []);
    assert_eq!(r.packet(SG, 1), Outcome::Resolving);
    assert_eq!(r.again, [flow(SG)]);
    r.resumes("A");
    assert!(matches!(r.packet(SG, 1), Outcome::Forwarded(_)));
    assert_eq!(r.again, [flow(SG)], "it has an MFE");
}

#[test]
fn t5_1_a_flow_that_is_forgotten_starts_afresh_with_its_next_packet() {
    for client in ["A", "B"] {
        let mut r = stage();
        r.stalls(client);
        r.packet(SG, 1);
        forget(&mut r, client);
        assert!(!r.engine.is_resolving(flow(SG)), "{client} is asked no more");
        assert_eq!((r.resolved.as_slice(), r.known_sources()), (&[flow(SG)][..], vec![]));
        r.resumes(client);
        r.heard.clear();
        r.packet(SG, 1);
        r.expect(&[
            "A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
            "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2",
        ]);
        assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    }
}

#[test]
fn t5_6_what_an_mfe_waits_for_is_not_forgotten() {
    let mut r = stage();
    r.packet(SG, 1);
    r.packet(SG, 1);
    r.stalls("A");
    r.seconds_pass(900);
    forget(&mut r, "A");
    assert_eq!(r.engine.sizes().resolving, 1, "its renewal");
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t5_4_a_question_that_is_void_can_be_forgotten() {
    let mut r = stage();
    r.owns("A", &[3]);
    r.stalls("A");
    r.packet(SG, 1);
    r.reroute("10.0.0.1", connected(3));
    forget(&mut r, "A");
    assert!(r.engine.is_resolving(flow(SG)), "another is out");
    r.resumes("A");
    assert_eq!(r.mfe(SG), "interface 3 to interface 2");
}
