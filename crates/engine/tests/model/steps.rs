//! The steps of a walk. They consist of small numbers that have a meaning in every state, so a sequence
//! remains valid if any step is left out.

use mgm_types::{Flow, Interface, Ipv4Addr, NextHop, Rate, Route, RouteOrigin, Scope};
use std::fmt;
use std::sync::Arc;

const fn at(index: u32, next_hop: [u8; 4]) -> Interface {
    let [a, b, c, d] = next_hop;
    Interface { index, next_hop: Ipv4Addr::new(a, b, c, d) }
}

/// Interfaces: links, neighbours on an NBMA link, two that exclude each other, and an invalid one.
pub const INTERFACES: [Interface; 9] = [
    at(1, [0; 4]),
    at(2, [0; 4]),
    at(3, [0; 4]),
    at(4, [0; 4]),
    at(5, [10, 0, 0, 1]),
    at(5, [10, 5, 5, 5]),
    at(5, [0; 4]),
    at(2, [10, 0, 0, 2]),
    at(0, [0; 4]),
];

/// One of them is in 224.0.0.0/24.
pub const GROUPS: [Ipv4Addr; 4] = [
    Ipv4Addr::new(239, 1, 1, 1),
    Ipv4Addr::new(239, 1, 1, 2),
    Ipv4Addr::new(232, 2, 2, 2),
    Ipv4Addr::new(224, 0, 0, 251),
];

/// The first is a neighbour on the NBMA link.
pub const SOURCES: [Ipv4Addr; 3] =
    [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(200, 0, 0, 3)];

/// Protocol and component ids; three of them are IGMP's.
pub const KEYS: [(u32, u32); 7] =
    [(100, 0), (100, 1), (200, 0), (10, 0), (0x4137_000A, 0), (10, 7), (300, 0)];

/// The time-outs with which clients answer PRUNE_ALERT (FALSE).
pub const TIMEOUTS: [u32; 6] = [0, 1, 5, 60, 900, u32::MAX];

/// The seconds that pass in one step.
pub const SECONDS: [u64; 8] = [1, 2, 3, 5, 30, 60, 61, 1000];

/// A kind and its operands. Every operand has a meaning in every state, and 0
/// is the simplest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub kind: Kind,
    pub a: u8,
    pub b: u8,
    pub c: u8,
    pub d: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Register,
    Deregister,
    Take,
    Release,
    Join,
    Leave,
    Packet,
    WrongIf,
    /// A callback begins.
    Begin,
    /// A callback ends, with its answer.
    Answer,
    /// A former answer is given again, perhaps by a client that has deregistered.
    AnswerAgain,
    /// All callbacks that are due, with the suggested answers.
    AnswerAll,
    /// Delivers some of the alerts that wait for a client, or all alerts of all clients.
    Deliver,
    SetMfe,
    Routes,
    /// Some flows follow their routes.
    Reroute,
    Time,
    LoseOrReturn,
    Threshold,
    Boundary,
    /// The limit of new flows of an interface.
    FlowRate,
    /// The process of a client ends, and its state stays.
    Die,
    /// A successor registers.
    Succeed,
    /// A successor calls MgmHostGraceDone.
    GraceDone,
}

/// The weights with which the kinds are chosen.
const WEIGHTS: [(Kind, u8); 24] = [
    (Kind::Register, 3),
    (Kind::Deregister, 1),
    (Kind::Take, 8),
    (Kind::Release, 3),
    (Kind::Join, 22),
    (Kind::Leave, 17),
    (Kind::Packet, 26),
    (Kind::WrongIf, 1),
    (Kind::Begin, 5),
    (Kind::Answer, 16),
    (Kind::AnswerAgain, 2),
    (Kind::AnswerAll, 6),
    (Kind::Deliver, 10),
    (Kind::SetMfe, 3),
    (Kind::Routes, 4),
    (Kind::Reroute, 3),
    (Kind::Time, 5),
    (Kind::LoseOrReturn, 1),
    (Kind::Threshold, 1),
    (Kind::Boundary, 1),
    (Kind::FlowRate, 1),
    (Kind::Die, 2),
    (Kind::Succeed, 6),
    (Kind::GraceDone, 2),
];

impl Step {
    /// A step from random numbers: the first picks the kind.
    pub fn new([kind, a, b, c, d]: [u8; 5]) -> Step {
        let total: u32 = WEIGHTS.iter().map(|(_, weight)| u32::from(*weight)).sum();
        let mut rest = u32::from(kind) * total / 256;
        let mut picked = Kind::Register;
        for (kind, weight) in WEIGHTS {
            picked = kind;
            if rest < u32::from(weight) {
                break;
            }
            rest -= u32::from(weight);
        }
        Step { kind: picked, a, b, c, d }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Step { kind, a, b, c, d } = self;
        write!(f, "Step {{ kind: Kind::{kind:?}, a: {a}, b: {b}, c: {c}, d: {d} }}")
    }
}

pub fn pick<T: Copy>(from: &[T], operand: u8) -> T {
    from[usize::from(operand) % from.len()]
}

/// An (s,g).
pub fn source_flow(operand: u8) -> Flow {
    Flow::new(pick(&SOURCES, operand), pick(&GROUPS, operand / 3 % 13))
}

/// Any flow: an eighth is (*,*), half is (*,g).
pub fn flow(operand: u8) -> Flow {
    match operand % 8 {
        0..=3 => Flow::any_source(pick(&GROUPS, operand / 8 % 13)),
        7 => Flow::WILDCARD,
        _ => source_flow(operand / 8),
    }
}

/// A route: connected, by a gateway, the router's own address, none; by one way, or by several.
pub fn route(operand: u8, more: u8) -> Route {
    let if_index = 1 + u32::from(operand / 8) % 6;
    let gateway = if operand & 4 == 0 { [10, 5, 5, 5] } else { [10, 6, 6, 6] };
    let (origin, prefix_len, protocol) = match operand % 8 {
        0..=3 => (RouteOrigin::Connected, 24, 2),
        4 | 5 => (RouteOrigin::Via(gateway.into()), 8, 3),
        6 => {
            return Route { origin: RouteOrigin::Local, prefix_len: 32, protocol: 2, ..Route::NONE }
        }
        _ => return Route::NONE,
    };
    // Three in four have other paths, one of which may lead to the same interface.
    let other = |operand: u8| NextHop {
        origin: if operand & 8 == 0 { origin } else { RouteOrigin::Via([10, 6, 6, 6].into()) },
        if_index: 1 + u32::from(operand % 8) % 6,
    };
    let choice = NextHop { origin, if_index };
    let paths: Option<Arc<[NextHop]>> = match more % 4 {
        0 => None,
        1 => Some([choice, other(more / 4)].into()),
        2 => Some([other(more / 4), choice].into()),
        _ => Some([other(more / 16), choice, other(more / 4)].into()),
    };
    Route { origin, if_index, paths, network: Ipv4Addr::new(10, 0, 0, 0), prefix_len, protocol }
}

/// A range of groups: one of them, two, or all that have a scope.
pub fn scope(operand: u8) -> Scope {
    let (address, length) = match operand % 3 {
        0 => (GROUPS[0], 32),
        1 => (Ipv4Addr::new(239, 1, 0, 0), 16),
        _ => (Ipv4Addr::new(239, 0, 0, 0), 8),
    };
    Scope::new(address, length).expect("a scope")
}

/// A limit of new flows that is low enough to be reached, or none.
pub fn rate(operand: u8) -> Option<Rate> {
    let (per_second, burst) = (u32::from(operand) % 4, 1 + u32::from(operand) / 4 % 3);
    (per_second > 0).then_some(Rate { per_second, burst })
}

/// The same numbers for the same seed, on every machine (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn step(&mut self) -> Step {
        let [kind, a, b, c, d, ..] = self.next().to_le_bytes();
        Step::new([kind, a, b, c, d])
    }
}
