//! The specification as plain lists: nothing is stored that can be computed, everything is found
//! by a search through all of it, and interfaces are identified by their names. It shares the
//! engine's types (flows, notices, answers), and none of its code.

mod asking;
mod grace;
mod limits;
mod members;
mod mfes;
mod ownership;
mod packets;
mod refusals;
mod routes;
mod rpf_path;

pub use grace::Left;
pub use members::MembershipCall;

use mgm_engine::{ClientId, Header, Notice, QuestionId, Refused};
use mgm_types::{Code, Domain, Flow, Interface, Ipv4Addr, Rate, Route, Scope, Time};
use routes::{Late, Name};
use std::collections::BTreeMap;

/// A client (spec section 1).
#[derive(Clone, Copy, Debug)]
pub struct Client {
    pub id: ClientId,
    pub protocol: u32,
    pub component: u32,
}

impl Client {
    pub fn is_igmp(&self) -> bool {
        self.protocol == 10 || self.protocol == 0x4137_000A
    }
}

/// An interface that a client has taken, or has a claim to (spec section 2).
#[derive(Clone, Debug)]
pub struct Place {
    pub name: Interface,
    /// The protocol whose take was accepted.
    pub claim: Option<ClientId>,
    /// The owner: the claiming protocol, after DISABLE_IGMP was answered.
    pub owner: Option<ClientId>,
    pub igmp: Option<ClientId>,
    /// Questions with a lower number are for a former IGMP client.
    pub igmp_since: u64,
    pub disabling: Option<QuestionId>,
    /// Between DISABLE_IGMP and ENABLE_IGMP.
    pub barred: bool,
    pub absent: bool,
}

/// One membership: its interface, whether it is IGMP's, and its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub place: Interface,
    pub igmp: bool,
    pub flow: Flow,
}

/// An outgoing interface with its counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oif {
    pub name: Interface,
    pub packets: u64,
    pub ttl_too_low: u64,
}

/// A multicast forwarding entry.
#[derive(Clone, Debug)]
pub struct Mfe {
    pub flow: Flow,
    pub iif: Interface,
    pub upstream: Ipv4Addr,
    pub oifs: Vec<Oif>,
    pub origin: Origin,
    /// Overrides: on or off, regardless of the memberships (spec 3.5).
    pub switched: Vec<(Interface, bool)>,
    pub timeout: u32,
    pub born: Time,
    /// Whether packets were accepted since it was last checked for expiry (spec 5.6).
    pub used: bool,
    /// Distinguishes it from a former MFE of the same flow.
    pub number: QuestionId,
    pub packets: u64,
    pub octets: u64,
    pub wrong_if: u64,
    /// Packets for which there was no oif, and packets that were sent (spec 6.7).
    pub negative: u64,
    pub sent: u64,
    /// Former oifs, with their counters.
    pub former: Vec<Oif>,
    /// Packets on the iif, whether the engine or the forwarder counts them.
    pub accepted: u64,
    /// Where its first packet arrived, as long as that interface is taken (spec 0.9).
    pub arrived: Option<Interface>,
}

/// How the iif of an MFE was found (spec 5.1, 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Route,
    /// RPF_CALLBACK or MgmSetMfe chose it.
    Client,
    /// There was no route. The owner of the arrival interface was asked, and has accepted it.
    Unrouted(Time),
}

/// A recently refused flow (spec 5.1).
#[derive(Clone, Debug)]
pub struct Refusal {
    pub flow: Flow,
    pub first: First,
    /// Where its source was looked up.
    pub domain: Domain,
    pub why: Refused,
    pub until: Time,
}

/// A packet has arrived on another legitimate interface than the iif.
#[derive(Clone, Copy, Debug)]
pub struct Rival {
    pub flow: Flow,
    pub name: Interface,
    pub mfe: QuestionId,
    pub since: Time,
    pub accepted: u64,
}

/// A limit of new flows, and what it permits now, in thousandths of a flow (spec 0.9).
#[derive(Clone, Copy, Debug)]
pub struct LimitedIndex {
    pub index: u32,
    pub limit: Rate,
    pub left: u64,
    pub refused: u64,
}

/// The first packet of a flow.
#[derive(Clone, Debug)]
pub struct First {
    pub arrival: Interface,
    pub header: Header,
    /// A kernel has reported it, and will report no other packet of the flow.
    pub by_kernel: bool,
}

/// The purpose of the questions about a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Create,
    Renew,
    Reroute,
}

/// A flow whose clients are being asked (spec 5.2, 5.3).
#[derive(Clone, Debug)]
pub struct Asking {
    pub flow: Flow,
    pub purpose: Purpose,
    pub first: First,
    /// Where the source of a new flow was looked up.
    pub domain: Domain,
    /// `None` if the route led through no client's interface.
    pub expected: Option<(Interface, Ipv4Addr)>,
    /// Where its first packet arrived, as long as that interface is taken (spec 0.9).
    pub arrived: Option<Interface>,
    /// The interface whose owner was asked.
    pub asked: Interface,
    pub origin: Origin,
    pub iif: Interface,
    pub upstream: Ipv4Addr,
    /// The RPF question that is not answered yet; `None` if CREATION questions are asked.
    pub rpf: Option<QuestionId>,
    pub creation: Vec<(QuestionId, Vec<Interface>)>,
    /// All interfaces in the CREATION questions.
    pub named: Vec<Interface>,
    /// Interfaces about which a JOIN has decided meanwhile.
    pub overtaken: Vec<Interface>,
    /// The answers of the clients.
    pub answers: Vec<(Interface, bool)>,
}

/// The state that the specification describes.
#[derive(Default)]
pub struct Model {
    pub timeout: u32,
    /// How many flows packets may begin (spec 0.9).
    pub max_flows: usize,
    pub now: Time,
    pub clients: Vec<Client>,
    pub last_client: u64,
    /// Clients without callbacks.
    pub mute: Vec<ClientId>,
    /// Clients whose processes have ended.
    pub left: Vec<Left>,
    /// The forwarder counts packets itself.
    pub kernel: bool,
    pub places: Vec<Place>,
    pub members: Vec<Member>,
    /// The domains of interfaces that are not in the main one, by index.
    pub domains: Vec<(u32, Domain)>,
    /// The multicast view.
    pub routes: Vec<(Name, Route)>,
    /// Where flows with memberships or an MFE are looked up.
    pub homes: BTreeMap<Flow, Domain>,
    /// Sources with very many flows, which follow their routes in turns (D68): those that are
    /// late, the changes that they wait for, and where the next turn begins.
    pub many: Vec<Name>,
    pub late: Vec<Late>,
    pub pending: Vec<(u64, Name)>,
    pub next_late: Option<Flow>,
    pub changes: u64,
    pub mfes: Vec<Mfe>,
    pub asking: Vec<Asking>,
    pub refusals: Vec<Refusal>,
    pub rivals: Vec<Rival>,
    pub wrong_told: Vec<(Flow, Interface, Time)>,
    pub refused: Vec<Refused>,
    pub thresholds: Vec<(Interface, u8)>,
    pub boundaries: Vec<(u32, Scope)>,
    pub rates: Vec<LimitedIndex>,
    pub numbers: u64,
    pub said: Vec<(ClientId, Notice)>,
    pub detached: Vec<Interface>,
    pub resolved: Vec<Flow>,
    pub again: Vec<Flow>,
}

/// The result of a call.
pub type Answered = Result<(), Code>;

/// A notice without what may differ between two implementations of the specification: the numbers
/// of questions, times, and the order of interfaces in a list.
pub fn comparable(notice: &Notice) -> Notice {
    let mut notice = notice.clone();
    match &mut notice {
        Notice::Rpf { question, .. }
        | Notice::PruneMfe { question, .. }
        | Notice::DisableIgmp { question, .. } => *question = QuestionId(0),
        Notice::Creation { question, oifs, .. } => {
            *question = QuestionId(0);
            oifs.sort_by_key(|oif| oif.interface);
        }
        Notice::EnableIgmp { since, .. } => *since = 0,
        _ => {}
    }
    notice
}

impl Model {
    /// The interfaces that a client has taken, IGMP's and those that wait for their owner's change
    /// included.
    pub fn interfaces_of(&self, client: ClientId) -> Vec<Interface> {
        let has = |place: &&Place| place.claim == Some(client) || place.igmp == Some(client);
        self.places.iter().filter(has).map(|place| place.name).collect()
    }

    fn number(&mut self) -> QuestionId {
        self.numbers += 1;
        QuestionId(self.numbers)
    }

    fn tell(&mut self, to: ClientId, notice: Notice) {
        self.said.push((to, notice));
    }

    /// The notices of the step: LOCAL_*, alerts with TRUE, alerts with FALSE, then the rest. In each
    /// group, they are ordered by registration, then by time (spec 8.2).
    pub fn take_said(&mut self) -> Vec<(ClientId, Notice)> {
        let phases: [fn(&Notice) -> bool; 4] = [
            |notice| matches!(notice, Notice::LocalJoin { .. } | Notice::LocalLeave { .. }),
            |notice| matches!(notice, Notice::Join { member: true, .. } | Notice::Prune { .. }),
            |notice| matches!(notice, Notice::Join { member: false, .. } | Notice::PruneMfe { .. }),
            |notice| {
                matches!(
                    notice,
                    Notice::WrongIf { .. }
                        | Notice::Rpf { .. }
                        | Notice::Creation { .. }
                        | Notice::DisableIgmp { .. }
                        | Notice::EnableIgmp { .. }
                )
            },
        ];
        let mut ordered = Vec::new();
        for is_in_phase in phases {
            let mut phase: Vec<_> =
                self.said.iter().filter(|(_, notice)| is_in_phase(notice)).cloned().collect();
            phase.sort_by_key(|(to, _)| *to);
            ordered.extend(phase);
        }
        self.said.clear();
        ordered
    }

    pub fn client(&self, id: ClientId) -> Option<Client> {
        self.clients.iter().copied().find(|client| client.id == id)
    }

    pub fn place(&self, name: Interface) -> Option<&Place> {
        self.places.iter().find(|place| place.name == name)
    }

    fn place_mut(&mut self, name: Interface) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| place.name == name)
    }

    /// The owner of an interface for sections 4 and 5 (spec 0.7).
    pub fn master(&self, name: Interface) -> Option<ClientId> {
        let place = self.place(name).filter(|place| !place.absent)?;
        place.owner.or(place.igmp)
    }

    pub fn mfe(&self, flow: Flow) -> Option<&Mfe> {
        self.mfes.iter().find(|mfe| mfe.flow == flow)
    }

    fn mfe_mut(&mut self, flow: Flow) -> Option<&mut Mfe> {
        self.mfes.iter_mut().find(|mfe| mfe.flow == flow)
    }

    pub fn asking(&self, flow: Flow) -> Option<&Asking> {
        self.asking.iter().find(|asking| asking.flow == flow)
    }

    /// Registration (spec 1.1, 1.2).
    pub fn register(&mut self, protocol: u32, component: u32) -> Result<ClientId, Code> {
        let ids = (protocol, component);
        if self.clients.iter().any(|other| (other.protocol, other.component) == ids) {
            return Err(Code::AlreadyExists);
        }
        self.last_client += 1;
        let id = ClientId(self.last_client);
        self.clients.push(Client { id, protocol, component });
        Ok(id)
    }

    /// Deregistration (spec 1.5). The client's releases that still wait are carried out first
    /// (D14).
    pub fn deregister(&mut self, id: ClientId) -> Answered {
        self.client(id).ok_or(Code::InvalidParameter)?;
        if self.places.iter().any(|place| place.claim == Some(id) || place.igmp == Some(id)) {
            return Err(Code::CanNotComplete);
        }
        self.finish_releases_of(id);
        self.clients.retain(|client| client.id != id);
        self.loses_successor(id);
        Ok(())
    }

    /// Carries out the releases of a client that still wait (D14).
    fn finish_releases_of(&mut self, id: ClientId) {
        let mut left: Vec<_> = self
            .places
            .iter()
            .filter(|place| place.owner == Some(id) && place.claim != Some(id))
            .map(|place| place.name)
            .collect();
        left.sort_unstable();
        for name in left {
            self.make_claimant_owner(name);
        }
    }
}
