//! Random calls and callbacks: the memberships that mgmd has are always those that follow from the
//! daemon's entries, groups and VIFs, and every callback is acknowledged once.

use super::*;
use std::collections::BTreeSet;

/// Numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    /// Below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % end
    }
}

const INDICES: [u32; 3] = [IN, OUT, OTHER];

fn some_flow(numbers: &mut Numbers) -> Flow {
    let group = Ipv4Addr::new(239, 1, 2, numbers.below(3) as u8);
    match numbers.below(3) {
        0 => Flow::any_source(group),
        _ => Flow::new(Ipv4Addr::new(10, 1, 0, 1 + numbers.below(2) as u8), group),
    }
}

fn some_option(numbers: &mut Numbers) -> MrouteOption {
    match numbers.below(8) {
        0 => MrouteOption::DelVif { vif: numbers.below(5) as u16 },
        1 => MrouteOption::DelMfc(some_flow(numbers)),
        2 => MrouteOption::Assert(numbers.below(2) == 1),
        3 => MrouteOption::Flush { entries: numbers.below(4) == 0, vifs: numbers.below(9) == 0 },
        _ => {
            let oifs: Vec<usize> = (0..4).filter(|_| numbers.below(2) == 1).collect();
            let flow = some_flow(numbers);
            mfc(flow, numbers.below(4) as u16, &oifs)
        }
    }
}

fn some_callback(numbers: &mut Numbers, number: u64) -> Callback {
    let index = INDICES[numbers.below(3) as usize];
    let flow = some_flow(numbers);
    let body = match numbers.below(5) {
        0 => rpf(index).body,
        1 => creation(index, &INDICES).body,
        2 => CallbackBody::Join { flow, member: numbers.below(2) == 1 },
        3 => CallbackBody::Prune { flow, interface: Interface::link(index) },
        _ => CallbackBody::WrongIf {
            flow,
            arrival: Interface::link(index),
            header: Header::from(&[0u8; 20][..]),
        },
    };
    Callback { client: 1, number, cause: 0, body }
}

/// The memberships that are to exist.
fn expected(daemon: &Daemon) -> BTreeSet<(Flow, u32)> {
    let mine = daemon.interfaces();
    let entries = daemon
        .entries
        .values()
        .flat_map(|mfc| daemon.indices(mfc).into_iter().map(move |index| (mfc.flow, index)));
    let joins = daemon.joins.keys().flat_map(|flow| mine.iter().map(move |index| (*flow, *index)));
    entries.chain(joins).collect()
}

/// The memberships that mgmd has, by the calls since the last look.
fn follow(memberships: &mut BTreeSet<(Flow, u32)>, router: &mut Noted) {
    for call in std::mem::take(&mut router.calls) {
        match call {
            Request::Add { flow, interface, join: Join::State, .. } => {
                assert!(memberships.insert((flow, interface.index)), "added twice");
            }
            Request::Delete { flow, interface, join: Join::State, .. } => {
                assert!(memberships.remove(&(flow, interface.index)), "was not there");
            }
            Request::Release { interface, .. } => {
                memberships.retain(|(_, index)| *index != interface.index);
            }
            _ => {}
        }
    }
}

#[test]
fn random_calls_leave_the_memberships_that_follow_from_the_state() {
    let mut steps = 0;
    for seed in 0..200 {
        let mut numbers = Numbers(seed);
        let (mut daemon, mut router) = started();
        let (mut memberships, mut asked, mut answered) = (BTreeSet::new(), 0, 0);
        for _ in 0..200 {
            match numbers.below(10) {
                0..4 => _ = daemon.set(&mut router, some_option(&mut numbers)),
                4 => {
                    let vif = match numbers.below(4) {
                        0 => Vif::Rest,
                        at => Vif::Real(INDICES[at as usize - 1]),
                    };
                    _ = daemon.add_vif(&mut router, numbers.below(5) as u16, vif);
                }
                5 => _ = daemon.join(&mut router, some_flow(&mut numbers)),
                6 => daemon.leave(&mut router, some_flow(&mut numbers)),
                7 | 8 => {
                    asked += 1;
                    daemon.arrived(&mut router, some_callback(&mut numbers, asked));
                }
                _ => _ = daemon.read(&mut router, numbers.below(5) == 0),
            }
            follow(&mut memberships, &mut router);
            assert_eq!(memberships, expected(&daemon), "seed {seed}");
            for ack in std::mem::take(&mut router.acks) {
                answered += 1;
                assert_eq!(ack.number, answered, "in order, seed {seed}");
            }
            steps += 1;
        }
        while daemon.is_ready() {
            daemon.read(&mut router, false);
        }
        answered += router.acks.len() as u64;
        assert_eq!(answered, asked, "every callback, seed {seed}");
        assert!(daemon.inbox.is_empty() && daemon.events.is_empty());
    }
    assert_eq!(steps, 40_000);
}
