//! The events of a walk, and the random numbers that choose them.

use mgm_igmp::config::{AccessList, Rule};
use mgm_igmp::{Flow, LeaveMode, LinkConfig, Prefix};
use std::net::Ipv4Addr;

/// Groups: two ordinary ones, one more for the lists, one of the SSM range, and 224.0.0.9.
pub const GROUPS: [Ipv4Addr; 6] = [
    Ipv4Addr::new(239, 1, 0, 1),
    Ipv4Addr::new(239, 1, 0, 2),
    Ipv4Addr::new(239, 1, 0, 3),
    Ipv4Addr::new(239, 2, 0, 1),
    Ipv4Addr::new(232, 0, 0, 1),
    Ipv4Addr::new(224, 0, 0, 9),
];

/// Sources: 0 is none that can send.
pub fn source(number: u8) -> Ipv4Addr {
    if number == 0 {
        Ipv4Addr::UNSPECIFIED
    } else {
        Ipv4Addr::new(10, 0, 9, number)
    }
}

/// Hosts: 0 has no address.
pub fn host(number: u8) -> Ipv4Addr {
    if number == 0 {
        Ipv4Addr::UNSPECIFIED
    } else {
        Ipv4Addr::new(10, 0, 5, number)
    }
}

/// Routers: some are below the addresses that this router has, some above.
pub fn router(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number)
}

/// An event.
#[derive(Clone, Debug)]
pub enum Step {
    Report {
        host: u8,
        records: Vec<(u8, u8, Vec<u8>)>,
    },
    V1Report {
        host: u8,
        group: u8,
    },
    V2Report {
        host: u8,
        group: u8,
    },
    Leave {
        host: u8,
        group: u8,
    },
    General {
        from: u8,
        version: u8,
        robustness: u8,
        interval: u16,
        seconds: u8,
    },
    Specific {
        from: u8,
        group: u8,
        version: u8,
        suppress: bool,
        sources: Vec<u8>,
        tenths: u32,
    },
    /// Time passes, with a call at each deadline.
    Wait(u64),
    /// Time passes without a call.
    Jump(u64),
    Configure(Picked),
    Addresses(Vec<u8>),
    Link {
        up: bool,
    },
    Disable,
    Enable {
        alone: bool,
    },
}

/// A configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Picked {
    pub version: u8,
    pub leave: u8,
    pub flags: u8,
    pub count: u8,
}

impl Picked {
    pub fn config(self) -> LinkConfig {
        let flag = |bit: u8| self.flags >> bit & 1 == 1;
        let leave = match self.leave {
            0 => LeaveMode::Query,
            1 => LeaveMode::Immediate,
            _ => LeaveMode::Tracked,
        };
        let deny =
            |prefix| AccessList { rules: vec![Rule { permit: false, prefix }], otherwise: true };
        let or_all =
            |denied: bool, prefix| if denied { deny(prefix) } else { AccessList::default() };
        let flow = |number, group: usize| Flow::new(source(number), GROUPS[group]);
        LinkConfig {
            version: 3 - self.version % 3,
            query_interval: 20_000,
            query_response_interval: 4_000,
            last_member_query_count: Some(1 + self.count % 3),
            leave,
            keep_version: flag(0),
            ignore_v1: flag(1),
            track_link_local: flag(2),
            ssm_range: if flag(3) { vec![] } else { vec![Prefix::of(GROUPS[4], 8)] },
            groups: or_all(flag(4), Prefix::of(GROUPS[3], 16)),
            sources: or_all(flag(5), Prefix::of(source(3), 32)),
            static_memberships: if flag(6) { vec![flow(1, 0), flow(0, 1)] } else { vec![] },
            passive: flag(7) && flag(0),
            max_groups: 4,
            max_sources: 4,
            max_tracked: 5,
            ..LinkConfig::default()
        }
    }
}

/// Chooses the events.
pub struct Dice(fastrand::Rng);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(fastrand::Rng::with_seed(seed))
    }

    fn sources(&mut self) -> Vec<u8> {
        let random = &mut self.0;
        let count = random.usize(..4);
        // 0 cannot send, and is rare.
        (0..count).map(|_| if random.u8(..40) == 0 { 0 } else { random.u8(1..7) }).collect()
    }

    fn group(&mut self) -> u8 {
        // Mostly the first two, so that reports meet.
        if self.0.bool() {
            self.0.u8(..2)
        } else {
            self.0.u8(..GROUPS.len() as u8)
        }
    }

    fn host(&mut self) -> u8 {
        if self.0.u8(..30) == 0 {
            0
        } else {
            self.0.u8(1..5)
        }
    }

    fn report(&mut self) -> Step {
        let records = (0..1 + self.0.usize(..3) / 2)
            .map(|_| (self.0.u8(1..8), self.group(), self.sources()))
            .collect();
        Step::Report { host: self.host(), records }
    }

    fn time(&mut self) -> u64 {
        match self.0.u8(..10) {
            0..3 => self.0.u64(..300),
            3..6 => 500 * self.0.u64(..5),
            6..9 => 1_000 * self.0.u64(..10),
            _ => 1_000 * self.0.u64(..60),
        }
    }

    pub fn step(&mut self) -> Step {
        let (host, group) = (self.host(), self.group());
        match self.0.u16(..1_000) {
            0..450 => self.report(),
            450..460 => Step::V1Report { host, group },
            460..490 => Step::V2Report { host, group },
            490..530 => Step::Leave { host, group },
            530..550 => self.general(),
            550..590 => self.specific(group),
            590..950 => Step::Wait(self.time()),
            950..960 => Step::Jump(10 * self.time()),
            960..975 => Step::Configure(self.picked()),
            975..983 => {
                let count = self.0.usize(..3);
                Step::Addresses((0..count).map(|_| 10 * self.0.u8(1..5)).collect())
            }
            983..989 => Step::Link { up: self.0.u8(..3) > 0 },
            989..994 => Step::Disable,
            _ => Step::Enable { alone: self.0.u8(..3) > 0 },
        }
    }

    fn general(&mut self) -> Step {
        let version = [3, 3, 3, 2, 1][self.0.usize(..5)];
        let (robustness, interval) = (self.0.u8(..8), [0, 5, 20, 31_744][self.0.usize(..4)]);
        let seconds = [1, 10, 16][self.0.usize(..3)];
        Step::General { from: self.0.u8(1..60), version, robustness, interval, seconds }
    }

    fn specific(&mut self, group: u8) -> Step {
        let version = [3, 3, 2][self.0.usize(..3)];
        let (suppress, tenths) = (self.0.u8(..4) == 0, self.0.u32(1..60));
        let (from, sources) = (self.0.u8(1..60), self.sources());
        Step::Specific { from, group, version, suppress, sources, tenths }
    }

    fn picked(&mut self) -> Picked {
        let random = &mut self.0;
        let version = if random.u8(..4) == 0 { random.u8(..3) } else { 0 };
        Picked {
            version,
            leave: random.u8(..3),
            flags: random.u8(..) & random.u8(..),
            count: random.u8(..),
        }
    }
}
