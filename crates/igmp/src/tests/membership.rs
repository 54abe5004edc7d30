//! What the library is told (I42 to I50).

use super::lan::*;
use crate::codec::RecordType::*;
use crate::*;

/// The library calls since the last look.
fn calls(lan: &mut Lan) -> Vec<String> {
    lan.done().into_iter().filter(|what| !what.starts_with('Q')).collect()
}

fn refuse_take(lan: &mut Lan) {
    lan.event(Event::Taken { link: LINK, result: Err(Code::CanNotComplete) });
}

fn refuse(lan: &mut Lan, call: fn(Membership) -> MgmCall, flow: Flow, code: Code) {
    let call = call(Membership { link: LINK, flow, flag: Flag::Join });
    lan.event(Event::Refused { call, code });
}

fn alert(lan: &mut Lan, number: u32) -> String {
    let flow = Flow::new(source(number), addr(G));
    let question = u64::from(number);
    lan.event(Event::Callback(Callback::CreationAlert { question, link: LINK, flow }));
    calls(lan).remove(0)
}

#[test]
fn t59_refused_take() {
    let mut lan = Lan::down(config());
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    assert_eq!(calls(&mut lan), ["take"]);
    refuse_take(&mut lan);
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, Allow, "239.1.1.2", &[1]);
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        lan.report(HOST, IsEx, G, &[]);
        lan.report(HOST, IsIn, "239.1.1.2", &[1]);
        lan.wait(1_000 * seconds - 1);
        assert_eq!(calls(&mut lan), [""; 0]);
        lan.wait(1);
        assert_eq!(calls(&mut lan), ["take"], "after {seconds} s");
        refuse_take(&mut lan);
    }
    lan.taken(Ownership::Alone);
    assert_eq!(calls(&mut lan), ["+(*,239.1.1.1)", "+(10.0.0.1,239.1.1.2)"]);
    lan.wait(100_000);
    assert_eq!(calls(&mut lan), [""; 0]);
}

#[test]
fn i42_a_refused_take_is_tried_again_at_a_link_event_and_logged() {
    let mut lan = Lan::down(config());
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    lan.logged();
    refuse_take(&mut lan);
    let event = LogEvent::TakeRefused { code: Code::CanNotComplete, retry: 1 };
    assert_eq!(lan.logged()[0].event, event);
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    assert_eq!(lan.done(), ["take"]);
    assert_eq!(lan.counters().mgm_refusals, 1);
}

#[test]
fn i42_a_link_is_taken_when_its_device_is_known() {
    let mut lan = Lan::down(config());
    assert_eq!(lan.done(), [""; 0]);
    lan.event(Event::Link { link: LINK, info: LinkInfo { up: false, ..up(&[]) } });
    assert_eq!(lan.done(), ["take"]);
}

#[test]
fn i43_memberships_follow_the_state_adds_first() {
    let mut lan = Lan::new(config());
    let mut tell = |kind, sources: &[u32]| {
        lan.report(HOST, kind, G, sources);
        calls(&mut lan)
    };
    assert_eq!(tell(Allow, &[1, 2]), ["+(10.0.0.1,239.1.1.1)", "+(10.0.0.2,239.1.1.1)"]);
    assert_eq!(tell(Allow, &[1, 2]), [""; 0]);
    assert_eq!(
        tell(ToEx, &[]),
        ["+(*,239.1.1.1)", "-(10.0.0.1,239.1.1.1)", "-(10.0.0.2,239.1.1.1)"]
    );
    assert_eq!(tell(Allow, &[3]), [""; 0]);
}

#[test]
fn i44_sources_are_joined_outside_of_the_ssm_range_and_exclude_joins_all() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToIn, G, &[1]);
    assert_eq!(calls(&mut lan), ["+(10.0.0.1,239.1.1.1)"]);
    lan.report(HOST, ToEx, "239.1.1.2", &[1]);
    assert_eq!(calls(&mut lan), ["+(*,239.1.1.2)", "-F(10.0.0.1,239.1.1.2)"]);
}

#[test]
fn i45_alone_excluded_sources_are_switched_off_and_on() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[1, 2]);
    assert_eq!(
        calls(&mut lan),
        ["+(*,239.1.1.1)", "-F(10.0.0.1,239.1.1.1)", "-F(10.0.0.2,239.1.1.1)"]
    );
    assert_eq!(
        (alert(&mut lan, 1), alert(&mut lan, 3)),
        ("answer false".into(), "answer true".into())
    );
    // A source leaves Y while (*,g) stays.
    lan.report(HOST2, Allow, G, &[1]);
    assert_eq!(calls(&mut lan), ["+F(10.0.0.1,239.1.1.1)"]);
    assert_eq!(alert(&mut lan, 1), "answer true");
    // A source enters Y.
    lan.report(HOST2, Block, G, &[1]);
    lan.wait(2_000);
    assert_eq!(calls(&mut lan), ["-F(10.0.0.1,239.1.1.1)"]);
    // (*,g) ends: no override is left to be cleared.
    lan.wait(268_000);
    assert_eq!(calls(&mut lan), ["-(*,239.1.1.1)"]);
    assert_eq!(alert(&mut lan, 1), "answer false", "nothing is wanted");
}

#[test]
fn i45_the_deletes_are_repeated_after_each_join_call_on_the_group() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[1]);
    calls(&mut lan);
    let static_memberships = vec![Flow::new(source(9), addr(G))];
    lan.configure(LinkConfig { static_memberships, ..config() });
    assert_eq!(calls(&mut lan), ["+(10.0.0.9,239.1.1.1)", "-F(10.0.0.1,239.1.1.1)"]);
}

#[test]
fn i45_beside_an_owner_exclusions_are_counted() {
    let mut lan = Lan::down(config());
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    lan.taken(Ownership::BesideOwner);
    calls(&mut lan);
    lan.report(HOST, ToEx, G, &[1, 2]);
    assert_eq!(calls(&mut lan), ["+(*,239.1.1.1)"]);
    assert_eq!(lan.counters().exclusions_not_applied, 2);
    assert_eq!(alert(&mut lan, 1), "answer true", "the owner decides");
}

fn disable(lan: &mut Lan) {
    lan.event(Event::Callback(Callback::DisableIgmp { link: LINK }));
}

fn enable(lan: &mut Lan, ownership: Ownership) {
    lan.event(Event::Callback(Callback::EnableIgmp { link: LINK, ownership }));
}

#[test]
fn t58_leave_during_disable() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, ToEx, "239.1.1.2", &[]);
    lan.done();
    disable(&mut lan);
    lan.report(HOST, ToIn, G, &[]);
    lan.report(HOST, Allow, "239.1.1.3", &[1]);
    lan.wait(2_000);
    assert_eq!(lan.state(G), "-");
    assert_eq!(lan.done(), ["Q(239.1.1.1)", "Q(239.1.1.1)"], "the protocol goes on");
    enable(&mut lan, Ownership::BesideOwner);
    assert_eq!(calls(&mut lan), ["+(*,239.1.1.2)", "+(10.0.0.1,239.1.1.3)"]);
}

#[test]
fn i47_can_not_complete_around_a_change_of_owner_is_no_error() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.done();
    refuse(&mut lan, MgmCall::Add, Flow::any_source(addr(G)), Code::CanNotComplete);
    disable(&mut lan);
    refuse(&mut lan, MgmCall::Add, Flow::any_source(addr(G)), Code::NotEnoughMemory);
    lan.wait(10_000);
    assert_eq!((lan.counters().mgm_refusals, lan.logged()), (0, vec![]));
    enable(&mut lan, Ownership::Alone);
    assert_eq!(lan.done(), ["+(*,239.1.1.1)"]);
}

#[test]
fn i48_without_memory_the_call_is_repeated() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[1]);
    lan.done();
    let flow = Flow::any_source(addr(G));
    for seconds in [1, 2, 4] {
        refuse(&mut lan, MgmCall::Add, flow, Code::NotEnoughMemory);
        lan.wait(1_000 * seconds - 1);
        assert_eq!(calls(&mut lan), [""; 0]);
        lan.wait(1);
        assert_eq!(calls(&mut lan), ["+(*,239.1.1.1)", "-F(10.0.0.1,239.1.1.1)"]);
    }
    refuse(&mut lan, MgmCall::Add, flow, Code::NotEnoughMemory);
    lan.report(HOST, ToIn, G, &[]);
    lan.wait(10_000);
    assert_eq!(calls(&mut lan), ["-(*,239.1.1.1)", "-(*,239.1.1.1)"], "what is true then");
}

/// A call that is only about the MFEs that exist.
fn refuse_forward(lan: &mut Lan, call: fn(Membership) -> MgmCall, number: u32) {
    let flow = Flow::new(source(number), addr(G));
    let call = call(Membership { link: LINK, flow, flag: Flag::Forward });
    lan.event(Event::Refused { call, code: Code::NotEnoughMemory });
}

#[test]
fn i48_without_memory_a_source_is_blocked_and_unblocked_again() {
    let mut lan = Lan::new(LinkConfig { leave: LeaveMode::Immediate, ..config() });
    lan.report(HOST, ToEx, G, &[1, 2]);
    lan.done();
    lan.report(HOST, Allow, G, &[1]);
    assert_eq!(lan.done(), ["+F(10.0.0.1,239.1.1.1)"]);
    refuse_forward(&mut lan, MgmCall::Add, 1);
    refuse_forward(&mut lan, MgmCall::Delete, 2);
    lan.wait(1_000);
    assert_eq!(calls(&mut lan), ["+F(10.0.0.1,239.1.1.1)", "-F(10.0.0.2,239.1.1.1)"]);
    // The state at the time of the repetition counts.
    refuse_forward(&mut lan, MgmCall::Add, 1);
    lan.report(HOST, Block, G, &[1]);
    assert_eq!(calls(&mut lan), ["-F(10.0.0.1,239.1.1.1)"]);
    lan.wait(2_000);
    assert_eq!(calls(&mut lan), ["-F(10.0.0.1,239.1.1.1)", "-F(10.0.0.2,239.1.1.1)"]);
}

#[test]
fn i48_an_invalid_membership_is_given_up() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.done();
    let flow = Flow::any_source(addr(G));
    refuse(&mut lan, MgmCall::Add, flow, Code::InvalidParameter);
    let line = &lan.logged()[0];
    assert_eq!(line.event, LogEvent::MembershipRefused(flow, Code::InvalidParameter));
    assert_eq!(line.event.level(), Level::Error);
    lan.wait(100_000);
    assert_eq!(calls(&mut lan), [""; 0]);
}

#[test]
fn i48_the_blocked_sources_of_a_group_are_told_again_once() {
    let mut lan = Lan::new(LinkConfig {
        static_memberships: (11..=13).map(|n| Flow::new(source(n), addr(G))).collect(),
        ..config()
    });
    lan.report(HOST, ToEx, G, &[1, 2]);
    lan.done();
    for n in 11..=13 {
        let flow = Flow::new(source(n), addr(G));
        refuse(&mut lan, MgmCall::Add, flow, Code::NotEnoughMemory);
    }
    lan.wait(1_000);
    let add = |n| format!("+(10.0.0.{n},239.1.1.1)");
    let block = |n| format!("-F(10.0.0.{n},239.1.1.1)");
    assert_eq!(calls(&mut lan), [add(11), add(12), add(13), block(1), block(2)]);
}

#[test]
fn g52_lines_about_refused_memberships_are_rare() {
    let mut lan = Lan::new(config());
    for n in 1..=100 {
        let flow = Flow::any_source(addr(&format!("239.1.1.{n}")));
        refuse(&mut lan, MgmCall::Add, flow, Code::InvalidParameter);
    }
    assert_eq!(lan.logged().len(), 1);
    lan.wait(60_000);
    let flow = Flow::any_source(addr(G));
    refuse(&mut lan, MgmCall::Add, flow, Code::InvalidParameter);
    let lines = lan.logged();
    assert_eq!((lines.len(), lines[0].left_out), (1, 99));
    assert_eq!(lan.counters().mgm_refusals, 101);
}

#[test]
fn i49_a_link_that_goes_down_drops_its_state() {
    let mut lan = Lan::new(LinkConfig {
        static_memberships: vec![Flow::any_source(addr("239.9.9.9"))],
        ..config()
    });
    lan.report(HOST, Allow, G, &[1]);
    lan.done();
    lan.event(Event::Link { link: LINK, info: LinkInfo { up: false, ..up(&[ROUTER]) } });
    assert_eq!(lan.done(), ["-(10.0.0.1,239.1.1.1)", "-(*,239.9.9.9)"]);
    assert_eq!(lan.state(G), "-");
    lan.wait(1_000_000);
    assert_eq!(lan.done(), [""; 0]);
    lan.v2_report(HOST, G);
    assert_eq!(lan.dropped(DropReason::LinkNotServed), 1);
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    assert_eq!(lan.done(), ["+(*,239.9.9.9)", "Q"]);
    assert_eq!(lan.state(G), "-");
}

#[test]
fn i49_a_device_that_is_gone_needs_no_calls_and_comes_back_by_enable() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.done();
    lan.event(Event::LinkGone { link: LINK });
    disable(&mut lan);
    assert_eq!((lan.done(), lan.state(G)), (vec![], "-".into()));
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    assert_eq!(lan.done(), ["Q"], "the library remembers that it is ours");
    lan.report(HOST, ToEx, G, &[]);
    assert_eq!(lan.done(), [""; 0]);
    enable(&mut lan, Ownership::Alone);
    assert_eq!(lan.done(), ["+(*,239.1.1.1)"]);
}

#[test]
fn i49_a_device_that_is_gone_is_not_taken_until_it_is_back() {
    for refused_late in [false, true] {
        let mut lan = Lan::down(config());
        lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
        if !refused_late {
            refuse_take(&mut lan);
        }
        lan.event(Event::LinkGone { link: LINK });
        if refused_late {
            refuse_take(&mut lan);
        }
        lan.done();
        lan.wait(200_000);
        assert_eq!(lan.done(), [""; 0]);
        lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
        assert_eq!(lan.done(), ["take", "Q"]);
        refuse_take(&mut lan);
        lan.wait(1_000);
        assert_eq!(lan.done(), ["take"], "the waits begin anew");
    }
}

#[test]
fn i49_a_link_that_is_not_configured_any_longer_is_released() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, ToIn, G, &[]);
    lan.done();
    lan.event(Event::Unconfigure { link: LINK });
    assert_eq!(lan.done(), ["release"]);
    lan.wait(10_000);
    assert_eq!((lan.done(), lan.igmp.next_deadline()), (vec![], None));
    lan.configure(config());
    assert_eq!(lan.done(), ["take", "Q"]);
}

#[test]
fn i50_static_memberships_need_no_host_and_never_end() {
    let flows = vec![Flow::any_source(addr(G)), Flow::new(source(1), addr("239.1.1.2"))];
    let mut lan = Lan::down(LinkConfig { static_memberships: flows, ..config() });
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    lan.taken(Ownership::Alone);
    assert_eq!(calls(&mut lan), ["take", "+(*,239.1.1.1)", "+(10.0.0.1,239.1.1.2)"]);
    lan.wait(1_000_000);
    assert_eq!(calls(&mut lan), [""; 0]);
    lan.report(HOST, ToEx, G, &[1]);
    lan.report(HOST, ToEx, "239.1.1.2", &[1, 2]);
    assert_eq!(calls(&mut lan), ["+(*,239.1.1.2)", "-F(10.0.0.2,239.1.1.2)"], "united");
    lan.wait(300_000);
    assert_eq!(calls(&mut lan), ["-(*,239.1.1.2)"]);
    lan.configure(config());
    assert_eq!(calls(&mut lan), ["-(*,239.1.1.1)", "-(10.0.0.1,239.1.1.2)"]);
}

#[test]
fn i50_the_program_adds_static_memberships_to_those_of_the_configuration() {
    let (all, one) = (Flow::any_source(addr(G)), Flow::new(source(1), addr(G)));
    let configured = || LinkConfig { static_memberships: vec![all], ..config() };
    let set = |lan: &mut Lan, flow, wanted| {
        lan.event(Event::Static { link: LINK, flow, wanted });
        calls(lan)
    };
    let mut lan = Lan::down(configured());
    assert_eq!(set(&mut lan, one, true), [""; 0], "there is no device yet");
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    lan.taken(Ownership::Alone);
    assert_eq!(calls(&mut lan), ["take", "+(*,239.1.1.1)", "+(10.0.0.1,239.1.1.1)"]);
    assert_eq!(set(&mut lan, one, true), [""; 0]);
    lan.configure(config());
    assert_eq!(calls(&mut lan), ["-(*,239.1.1.1)"], "the other one is not configured");
    lan.configure(configured());
    calls(&mut lan);
    assert_eq!(set(&mut lan, all, true), [""; 0]);
    assert_eq!(set(&mut lan, all, false), [""; 0], "the configuration has it too");
    assert_eq!(set(&mut lan, one, false), ["-(10.0.0.1,239.1.1.1)"]);
    lan.event(Event::Static { link: 99, flow: one, wanted: true });
    assert_eq!(calls(&mut lan), [""; 0], "no such link");
}

#[test]
fn i50_groups_that_no_router_forwards_are_refused() {
    for flow in [
        Flow::any_source(addr("224.0.0.5")),
        Flow::any_source(addr("10.1.1.1")),
        Flow::new(addr("127.0.0.1"), addr(G)),
    ] {
        for join in [false, true] {
            let (join, static_memberships) =
                if join { (vec![flow], vec![]) } else { (vec![], vec![flow]) };
            let config = LinkConfig { join, static_memberships, ..config() };
            let refused = config.check(Interface::link(LINK));
            assert_eq!(refused, Err(config::ConfigError::Membership(flow)));
        }
    }
}
