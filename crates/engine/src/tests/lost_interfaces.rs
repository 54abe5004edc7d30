//! Interfaces that the system loses (spec 5.11).

use super::renewal::{entry, flowing, FLOW};
use super::*;

impl Router {
    fn loses(&mut self, interface: u32) {
        let id = self.number(interface);
        self.run(|engine, fx| engine.interface_lost(id, fx));
    }

    fn regains(&mut self, interface: u32) {
        let id = self.number(interface);
        self.run(|engine, fx| engine.interface_back(id, fx));
    }
}

#[test]
fn t5_11_a_lost_interface_is_cleaned_out_with_the_alerts_of_a_release() {
    let mut r = flowing();
    r.loses(2);
    r.expect(&[
        "A: prune (*, 239.1.1.1) on interface 2",
        "C: prune (*, 239.1.1.1) on interface 2",
        "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
    ]);
    assert_eq!(entry(&r), Some((1, vec![])));
    assert_eq!(r.engine.protocol_on(2.there()).unwrap_err().code(), Code::NotFound);
}

#[test]
fn t5_11_the_claim_stays_and_is_served_again() {
    let mut r = flowing();
    r.loses(2);
    r.refuses(Code::AlreadyExists, |r| r.try_take("C", 2));
    r.refuses(Code::CanNotComplete, |r| r.try_join("B", flow("(*, 239.1.1.1)"), 2, Join::State));
    r.refuses(Code::CanNotComplete, |r| r.try_deregister("B"));
    r.regains(2);
    assert_eq!(r.engine.protocol_on(2.there()), Ok(Router::ids("B")));
    r.join("B", "(*, 239.1.1.1)", 2);
    assert_eq!(entry(&r), Some((1, vec![2])));
}

#[test]
fn t5_11_mfes_end_with_the_interface_that_they_come_in_on() {
    let mut r = flowing();
    r.loses(1);
    assert_eq!(entry(&r), None);
    assert!(matches!(r.packet(FLOW, 1), Outcome::Refused(Refused::ForeignArrival)));
    r.regains(1);
    r.packet(FLOW, 1);
    assert_eq!(entry(&r), Some((1, vec![2])));
}

#[test]
fn t5_11_igmp_is_disabled_while_its_interface_is_away() {
    let mut r = Router::with(&["I", "A"]);
    r.owns("I", &[2]).owns("A", &[1]);
    r.join("I", "(*, 239.1.1.1)", 2);
    r.heard.clear();
    r.loses(2);
    r.expect(&["A: prune (*, 239.1.1.1) on interface 2", "I: disable interface 2"]);
    r.refuses(Code::CanNotComplete, |r| r.try_join("I", flow("(*, 239.1.1.1)"), 2, Join::State));
    r.regains(2);
    r.expect(&["I: enable interface 2"]);
    r.join("I", "(*, 239.1.1.1)", 2);
    r.expect(&["A: join (*, 239.1.1.1) member"]);
}

#[test]
fn t5_11_what_igmp_adds_after_the_return_and_ahead_of_its_disable_ends_with_that() {
    let mut r = Router::with(&["I", "A"]);
    r.owns("I", &[2]).owns("A", &[1]);
    r.stalls("I");
    r.loses(2);
    r.regains(2);
    r.join("I", "(*, 239.1.1.1)", 2);
    r.heard.clear();
    r.resumes("I");
    r.expect(&[
        "I: disable interface 2",
        "I: enable interface 2",
        "A: prune (*, 239.1.1.1) on interface 2",
    ]);
    assert_eq!(r.engine.tables.flows.wanted_len(), 0);
    r.join("I", "(*, 239.1.1.1)", 2);
    r.expect(&["A: join (*, 239.1.1.1) member"]);
}

#[test]
fn t5_11_a_loss_carries_out_the_change_of_owner_that_waits() {
    let mut r = Router::with(&["I", "A"]);
    r.owns("I", &[2]);
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.take("A", 2);
    r.expect(&["I: disable interface 2"]);
    r.loses(2);
    r.returns("I");
    r.heard.clear();
    r.regains(2);
    r.expect(&["I: enable interface 2"]);
    assert_eq!(r.engine.protocol_on(2.there()), Ok(Router::ids("A")));
    r.join("I", "(*, 239.1.1.1)", 2);
    r.expect(&["A: local join (*, 239.1.1.1) on interface 2"]);
}

#[test]
fn t5_11_an_absent_interface_can_be_released() {
    let mut r = flowing();
    r.loses(2);
    r.release("B", 2);
    r.owns("C", &[2]);
    assert_eq!(r.engine.protocol_on(2.there()), Ok(Router::ids("C")));
}

#[test]
fn t5_11_a_delete_on_an_absent_interface_succeeds_and_an_add_is_refused() {
    let mut r = flowing();
    r.loses(2);
    r.heard.clear();
    r.leave("B", "(*, 239.1.1.1)", 2);
    r.refuses(Code::CanNotComplete, |r| r.try_join("B", flow("(*, 239.1.1.1)"), 2, Join::State));
    r.regains(2);
    r.leave("B", "(*, 239.1.1.1)", 2);
    r.expect(&[]);
}

#[test]
fn t2_7_an_interface_that_the_system_has_lost_cannot_be_taken() {
    let mut r = Router::with(&["I", "A"]);
    r.owns("I", &[2]);
    r.loses(2);
    r.refuses(Code::InvalidParameter, |r| r.try_take("A", 2));
    r.regains(2);
    r.take("A", 2);
}

#[test]
fn t5_11_what_is_switched_off_while_away_is_not_off_after_the_return() {
    let mut r = flowing();
    r.register("I");
    r.loses(2);
    r.forward_off("B", FLOW, 2);
    r.regains(2);
    r.take("I", 2);
    r.join("I", FLOW, 2);
    assert_eq!(entry(&r), Some((1, vec![2])));
}
