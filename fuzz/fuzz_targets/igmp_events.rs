//! Any events in any order, packets among them, on three links: a router, an upstream and a
//! downstream, unless the events configure them otherwise.
#![no_main]

use mgm_igmp::codec::{checksum, datagram};
use mgm_igmp::{
    Callback, Code, Event, Flag, Flow, Igmp, Interface, LeaveMode, LinkAddress, LinkConfig,
    LinkInfo, Membership, MgmCall, Ownership, Packet, Prefix, ProxyUpstream, Role, SavedGroup,
    Settings, Time,
};
use std::net::Ipv4Addr;

/// Groups and sources that may exist: few, so that the limit is met.
const MAX_ENTRIES: u32 = 40;

/// The rest of the input; when it is over, all that is read is 0.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn octet(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn link(&mut self) -> u32 {
        1 + u32::from(self.octet() % 3)
    }

    /// An address that is likely to mean something.
    fn address(&mut self) -> Ipv4Addr {
        let (kind, last) = (self.octet(), self.octet());
        match kind % 8 {
            0 => Ipv4Addr::new(239, 1, 1, last),
            1 => Ipv4Addr::new(232, 1, 1, last),
            2 => Ipv4Addr::new(224, 0, 0, last),
            3 => Ipv4Addr::UNSPECIFIED,
            4 | 5 => Ipv4Addr::new(10, 0, 0, last),
            6 => Ipv4Addr::new(10, 1, 0, last),
            _ => Ipv4Addr::new(kind, last, last, kind),
        }
    }

    fn flow(&mut self) -> Flow {
        Flow::new(self.address(), self.address())
    }

    fn code(&mut self) -> Code {
        let codes = [Code::NotEnoughMemory, Code::InvalidParameter, Code::CanNotComplete];
        codes[usize::from(self.octet() % 3)]
    }

    fn ownership(&mut self) -> Ownership {
        if self.octet() % 2 == 0 {
            Ownership::Alone
        } else {
            Ownership::BesideOwner
        }
    }

    fn info(&mut self) -> LinkInfo {
        let flags = self.octet();
        let addresses = (0..flags & 3).map(|_| LinkAddress::new(self.address(), 24)).collect();
        LinkInfo {
            up: flags & 4 == 0,
            mtu: 60 + u32::from(flags),
            point_to_point: flags & 8 != 0,
            addresses,
        }
    }

    fn config(&mut self) -> LinkConfig {
        let (one, two) = (self.octet(), self.octet());
        let roles = [Role::Router, Role::Router, Role::Upstream, Role::Downstream];
        let leave = [LeaveMode::Query, LeaveMode::Immediate, LeaveMode::Tracked, LeaveMode::Query];
        let memberships = |flow: Flow| if two & 8 == 0 { vec![] } else { vec![flow] };
        LinkConfig {
            role: roles[usize::from(one & 3)],
            leave: leave[usize::from(one >> 2 & 3)],
            version: one >> 4 & 3,
            robustness: 1 + (one >> 6),
            track_link_local: two & 1 != 0,
            passive: two & 2 != 0,
            any_ttl: two & 4 != 0,
            static_memberships: memberships(self.flow()),
            join: memberships(self.flow()),
            max_groups: 1 + u32::from(two >> 4),
            max_sources: 1 + u16::from(two >> 5),
            max_tracked: u16::from(two >> 4),
            ..LinkConfig::default()
        }
    }

    fn groups(&mut self) -> Vec<SavedGroup> {
        let count = self.octet() % 4;
        let list = |input: &mut Self| (0..input.octet() % 4).map(|_| input.address()).collect();
        (0..count)
            .map(|_| SavedGroup {
                group: self.address(),
                exclude: self.octet() % 2 == 0,
                wanted: list(self),
                excluded: list(self),
            })
            .collect()
    }

    /// None to three upstreams, each with a backup or without one.
    fn upstreams(&mut self) -> Vec<ProxyUpstream> {
        (0..self.octet() % 4).map(|_| self.upstream()).collect()
    }

    fn upstream(&mut self) -> ProxyUpstream {
        let flags = self.octet();
        let sources = (flags & 1 == 0).then(|| vec![Prefix::of(self.address(), flags >> 3)]);
        let links = [vec![2], vec![1], vec![2, 1], vec![1, 2]];
        ProxyUpstream {
            links: links[usize::from(flags >> 1 & 3)].clone(),
            downstreams: vec![3],
            sources,
            ..ProxyUpstream::default()
        }
    }

    fn callback(&mut self) -> Callback {
        let (link, question) = (self.link(), 7);
        match self.octet() % 6 {
            0 => Callback::DisableIgmp { link },
            1 => Callback::EnableIgmp { link, ownership: self.ownership() },
            2 => Callback::CreationAlert { question, link, flow: self.flow() },
            3 => Callback::JoinAlert(self.flow()),
            4 => Callback::PruneAlert(self.flow()),
            _ => {
                let (flow, expected) = (self.flow(), u32::from(self.octet() % 4));
                Callback::Rpf { question, flow, expected, neighbour: self.address(), arrival: link }
            }
        }
    }

    fn call(&mut self) -> MgmCall {
        let flag = if self.octet() % 2 == 0 { Flag::Join } else { Flag::Forward };
        let membership = Membership { link: self.link(), flow: self.flow(), flag };
        if self.octet() % 2 == 0 {
            MgmCall::Add(membership)
        } else {
            MgmCall::Delete(membership)
        }
    }

    /// A datagram, with right checksums mostly.
    fn datagram(&mut self) -> Vec<u8> {
        let (source, flags) = (self.address(), self.octet());
        let length = usize::from(self.octet());
        let mut message = self.take(length).to_vec();
        if flags & 1 == 0 && message.len() >= 4 {
            message[2..4].fill(0);
            let sum = checksum(&message).to_be_bytes();
            message[2..4].copy_from_slice(&sum);
        }
        let group = message.get(4..8).map_or([224, 0, 0, 1], |o| [o[0], o[1], o[2], o[3]]);
        let destinations = [[224, 0, 0, 22], [224, 0, 0, 1], [224, 0, 0, 2], group];
        let destination = destinations[usize::from(flags >> 1 & 3)];
        datagram(source, destination.into(), &message)
    }
}

struct Machine {
    igmp: Igmp,
    now: u64,
}

impl Machine {
    fn event(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.igmp.handle(Time(self.now), event, &mut actions);
        // A timer that is due has run.
        assert!(self.igmp.next_deadline().is_none_or(|at| at.0 >= self.now));
        let entries: usize = (1..=3)
            .flat_map(|link| self.igmp.saved(link))
            .map(|group| 1 + group.wanted.len() + group.excluded.len())
            .sum();
        assert!(entries <= MAX_ENTRIES as usize, "{entries} groups and sources");
    }

    fn start(&mut self) {
        self.event(Event::Settings(Settings { max_entries: MAX_ENTRIES, ..Settings::default() }));
        for (link, role) in [(1, Role::Router), (2, Role::Upstream), (3, Role::Downstream)] {
            let config = Box::new(LinkConfig { role, ..LinkConfig::default() });
            self.event(Event::Configure { interface: Interface::link(link), config });
            let addresses = vec![LinkAddress::new(Ipv4Addr::new(10, 0, 0, link as u8), 16)];
            let info = LinkInfo { up: true, mtu: 1_500, point_to_point: false, addresses };
            self.event(Event::Link { link, info });
            self.event(Event::Taken { link, result: Ok(Ownership::Alone) });
        }
        let upstream = ProxyUpstream { links: vec![2], downstreams: vec![3], ..Default::default() };
        self.event(Event::Proxies(vec![upstream]));
    }

    fn next(&mut self, input: &mut Input) {
        match input.octet() % 24 {
            0..=11 => {
                let (link, unicast_frame) = (input.link(), input.octet() % 8 == 7);
                let octets = input.datagram();
                self.event(Event::Packet(Packet { link, unicast_frame, octets: &octets }));
            }
            12 => {
                let (link, length) = (input.link(), input.octet());
                let octets = input.take(length.into());
                self.event(Event::Packet(Packet { link, unicast_frame: false, octets }));
            }
            13 | 14 => self.now += 100 * u64::from(input.octet()),
            15 => self.now += 5_000 * u64::from(input.octet()),
            16 => {
                let interface = Interface::link(input.link());
                self.event(Event::Configure { interface, config: Box::new(input.config()) });
            }
            17 => {
                let (link, info) = (input.link(), input.info());
                self.event(Event::Link { link, info });
            }
            18 => self.event(Event::Callback(input.callback())),
            19 => {
                let link = input.link();
                let result =
                    if input.octet() % 2 == 0 { Ok(input.ownership()) } else { Err(input.code()) };
                self.event(Event::Taken { link, result });
            }
            20 => {
                let (call, code) = (input.call(), input.code());
                self.event(Event::Refused { call, code });
            }
            21 => {
                let (link, groups) = (input.link(), input.groups());
                self.event(Event::Restore { link, groups });
            }
            22 => match input.octet() % 3 {
                0 => self.event(Event::LinkGone { link: input.link() }),
                1 => self.event(Event::Unconfigure { link: input.link() }),
                _ => self.event(Event::Proxies(input.upstreams())),
            },
            _ => match input.octet() % 4 {
                0 => self.event(Event::Found(vec![input.flow(), input.flow()])),
                1 => self.event(Event::SendFailed { link: input.link(), errno: 105 }),
                2 => self.event(Event::PacketsLost { link: input.link(), packets: 9 }),
                _ => self.event(Event::Stop),
            },
        }
    }
}

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let mut machine = Machine { igmp: Igmp::new(1), now: 0 };
    machine.start();
    let mut input = Input(octets);
    while !input.0.is_empty() {
        machine.next(&mut input);
        machine.event(Event::Time);
    }
});
