use super::*;
use mgm_igmp::{Flag, LinkConfig, LinkInfo, Membership, MgmCall};
use mgm_types::Interface;
use std::path::Path;

const TEXT: &str = "[[route]]\nfrom = \"a0\"\nsource = \"10.1.0.0/16\"\ngroup = \"239.1.0.0/16\"\n\
                    to = [\"b0\"]\n";

fn flow() -> Flow {
    Flow::new([10, 1, 0, 1].into(), [239, 1, 0, 1].into())
}

/// a0 has the index 1, b0 2. IGMP has taken both.
fn state() -> State {
    let config = Config::parse(Path::new("mgmd.toml"), TEXT).unwrap();
    let mut state = State::new(&config, 1);
    for (link, name) in [(1, "a0"), (2, "b0")] {
        state.served.insert(link, name.to_owned());
        serve(&mut state, link);
    }
    let served = state.served.clone();
    state.routes.configure(&config, &served);
    calls(&mut state);
    state
}

fn serve(state: &mut State, link: u32) {
    let (config, interface) = (Box::new(quiet()), Interface::link(link));
    let info = LinkInfo { up: true, mtu: 1500, ..LinkInfo::default() };
    state.handle(Time(0), Event::Link { link, info });
    state.handle(Time(0), Event::Configure { interface, config });
    state.handle(Time(0), Event::Taken { link, result: Ok(Ownership::Alone) });
}

fn quiet() -> LinkConfig {
    LinkConfig { passive: true, ..LinkConfig::default() }
}

/// The calls of the library since the last look.
fn calls(state: &mut State) -> Vec<MgmCall> {
    let mut calls = Vec::new();
    while let Some(job) = state.next_job() {
        if let Job::Igmp(Action::Mgm(call)) = job {
            calls.push(call);
        }
    }
    calls
}

fn join() -> Membership {
    Membership { link: 2, flow: flow(), flag: Flag::Join }
}

fn question(expected: u32, arrival: u32) -> Question {
    let neighbour = if expected == 0 { [0; 4] } else { [10, 9, 9, 9] };
    Question { flow: flow(), expected, neighbour: neighbour.into(), arrival }
}

#[test]
fn m2_a_static_route_decides_where_packets_arrive() {
    let mut state = state();
    assert_eq!(state.asked(Time(0), question(0, 1)), (1, Ipv4Addr::UNSPECIFIED), "no route");
    assert_eq!(state.asked(Time(0), question(2, 1)), (1, Ipv4Addr::UNSPECIFIED));
    assert_eq!(state.asked(Time(0), question(1, 1)), (1, [10, 9, 9, 9].into()), "as expected");
    assert_eq!(state.asked(Time(0), question(1, 2)), (1, [10, 9, 9, 9].into()), "not from b0");
}

#[test]
fn m3_a_flow_is_joined_for_two_lifetimes_of_an_mfe() {
    let mut state = state();
    state.asked(Time(0), question(1, 1));
    assert_eq!(calls(&mut state), [MgmCall::Add(join())]);
    assert_eq!(state.deadline(), Some(Time(1_800_000)));
    state.asked(Time(900_000), question(1, 1));
    state.run_timers(Time(1_800_000));
    assert_eq!(calls(&mut state), [], "it was renewed");
    state.run_timers(Time(2_700_000));
    assert_eq!(calls(&mut state), [MgmCall::Delete(join())]);
}

#[test]
fn m4_routes_rest_while_a_protocol_owns_the_interface_where_they_begin() {
    let mut state = state();
    for (link, rests) in [(1, true), (1, false)] {
        let ownership = if rests { Ownership::BesideOwner } else { Ownership::Alone };
        state.told(Time(0), Callback::EnableIgmp { link, ownership });
        let jobs: Vec<Job> = std::iter::from_fn(|| state.next_job()).collect();
        assert!(jobs.contains(&Job::RouteRests { link, rests }), "{jobs:?}");
        assert_eq!(state.is_owned(link), rests);
    }
    state.told(Time(0), Callback::EnableIgmp { link: 2, ownership: Ownership::BesideOwner });
    let jobs: Vec<Job> = std::iter::from_fn(|| state.next_job()).collect();
    assert!(!jobs.iter().any(|job| matches!(job, Job::RouteRests { .. })), "no route begins there");
}

#[test]
fn m4_a_flow_is_joined_only_while_no_protocol_owns_the_interface() {
    let mut state = state();
    state.asked(Time(0), question(1, 1));
    assert_eq!(calls(&mut state), [MgmCall::Add(join())]);
    let owner_is = |state: &mut State, ownership| {
        state.told(Time(0), Callback::DisableIgmp { link: 1 });
        state.told(Time(0), Callback::EnableIgmp { link: 1, ownership });
        calls(state)
    };
    assert_eq!(owner_is(&mut state, Ownership::BesideOwner), [MgmCall::Delete(join())]);
    let neighbour = Ipv4Addr::new(10, 9, 9, 9);
    assert_eq!(state.asked(Time(0), question(2, 1)), (2, neighbour), "not accepted on a0");
    assert_eq!(calls(&mut state), []);
    assert_eq!(owner_is(&mut state, Ownership::Alone), []);
    // The library asks again, because the MFE ended with the change of the owner.
    assert_eq!(state.asked(Time(0), question(2, 1)), (1, Ipv4Addr::UNSPECIFIED));
    assert_eq!(calls(&mut state), [MgmCall::Add(join())]);
}

#[test]
fn m5_an_operators_membership_belongs_to_the_name() {
    let mut state = state();
    assert!(state.join(Time(0), "b0", flow(), true));
    assert_eq!(calls(&mut state), [MgmCall::Add(join())]);
    assert!(!state.join(Time(0), "b0", flow(), true), "it is there");
    assert!(state.join(Time(0), "later", flow(), true));
    assert_eq!(calls(&mut state), []);
    state.renamed(Time(0), 2, "c0");
    assert_eq!(calls(&mut state), [MgmCall::Delete(join())]);
    state.renamed(Time(0), 2, "later");
    assert_eq!(calls(&mut state), [MgmCall::Add(join())]);
    // The device is replaced.
    state.handle(Time(0), Event::LinkGone { link: 2 });
    state.handle(Time(0), Event::Unconfigure { link: 2 });
    state.ended(2);
    calls(&mut state);
    serve(&mut state, 2);
    state.served.insert(2, "later".to_owned());
    state.begun(Time(0), 2);
    assert!(calls(&mut state).contains(&MgmCall::Add(join())));
    assert!(state.join(Time(0), "later", flow(), false));
    assert_eq!(calls(&mut state), [MgmCall::Delete(join())]);
}

#[test]
fn m5_a_membership_stays_while_a_route_or_an_operator_wants_it() {
    let mut state = state();
    state.join(Time(0), "b0", flow(), true);
    state.asked(Time(0), question(1, 1));
    assert_eq!(calls(&mut state), [MgmCall::Add(join())]);
    state.join(Time(0), "b0", flow(), false);
    assert_eq!(calls(&mut state), [], "the route wants it");
    state.join(Time(0), "b0", flow(), true);
    state.run_timers(Time(1_800_000));
    assert_eq!(calls(&mut state), [], "the operator wants it");
    state.join(Time(0), "b0", flow(), false);
    assert_eq!(calls(&mut state), [MgmCall::Delete(join())]);
}

#[test]
fn a_new_flow_leaves_only_where_it_is_wanted() {
    let mut state = state();
    assert!(!state.may_forward(Time(0), 2, flow()));
    state.asked(Time(0), question(1, 1));
    assert!(state.may_forward(Time(0), 2, flow()));
    assert!(state.may_forward(Time(0), 99, flow()), "another client decides there");
}

#[test]
fn m11_packets_are_dropped_if_too_many_jobs_wait() {
    let mut state = state();
    let (config, interface) = (Box::<LinkConfig>::default(), Interface::link(2));
    state.jobs.extend((0..MOST_JOBS).map(|_| Job::RouteRests { link: 1, rests: true }));
    let addresses = vec![mgm_igmp::LinkAddress::new([10, 0, 0, 1].into(), 24)];
    let info = LinkInfo { up: true, mtu: 1500, addresses, ..LinkInfo::default() };
    state.handle(Time(0), Event::Link { link: 2, info });
    state.handle(Time(0), Event::Configure { interface, config });
    assert_eq!(state.unsent, 1, "the first query");
    assert!(calls(&mut state).is_empty());
}
