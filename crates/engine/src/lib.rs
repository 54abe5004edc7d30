//! The rules, as a state machine: events in, effects out.
//!
//! No I/O, no clock, no lock, no unsafe, no callback: time and routes are
//! arguments, callbacks are [`Notice`]s among the [`Effects`]. See
//! docs/architecture.md for the idea and docs/semantics.md for the rules.
#![forbid(unsafe_code)]

#[cfg(all(mgm_planted, not(debug_assertions)))]
compile_error!(
    "--cfg mgm_planted adds bugs to the library, for tests/model only: never in a release build"
);

mod alerts;
mod answers;
mod clients;
mod counting;
mod creation;
mod debug_log;
mod effects;
mod expiry;
mod flow_limit;
mod flows;
mod interfaces;
mod limits;
mod listing;
mod membership;
mod mfe;
mod notice;
mod oifs;
mod origins;
mod ownership;
mod packet;
#[cfg(mgm_planted)]
pub mod planted;
#[cfg(not(mgm_planted))]
mod planted;
mod refusals;
mod reroute;
mod resolution;
mod resolve;
mod restart;
mod retrieval;
mod roles;
mod room;
mod rpf_path;
mod sources;
mod truth;
mod wakes;
mod wrong_ifs;

#[cfg(test)]
mod tests;

pub use clients::{is_igmp, ClientId};
pub use debug_log::Answer;
pub use effects::Effects;
pub use flow_limit::USUAL_MAX_FLOWS;
pub use listing::{ClientRow, InterfaceRow, MembershipRow, Sizes};
pub use membership::Join;
pub use notice::{
    CreationOif, CreationOifs, Notice, NoticeBox, NoticeKind, NoticeKinds, QuestionId,
};
pub use packet::{Out, Outcome, Packet, Refused};
pub use retrieval::{EnumKind, MfeRow, OifRow, WantedEntry};
pub use truth::{AlertTopic, Thing};

use clients::Clients;
use expiry::Expiry;
use flow_limit::FlowLimit;
use flows::Flows;
use interfaces::Interfaces;
use limits::ForwardingLimits;
use mgm_types::{self as types, Flow, Time};
use origins::IifOrigins;
use refusals::RefusedFlows;
use reroute::Reroutes;
use resolution::Resolution;
use sources::SourceId;
use std::collections::{BTreeMap, BTreeSet};
use wakes::Wakes;
use wrong_ifs::WrongIfs;

/// The configuration of an engine, set when it is created.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// ulTimeOut of new MFEs in seconds; u32::MAX never expires.
    pub mfe_timeout: u32,
    /// How many flows packets may begin; 0 is [`USUAL_MAX_FLOWS`].
    pub max_flows: u32,
    /// The number of the last client before this engine's first: numbers do
    /// not repeat, even if the library is stopped and started again (spec 1.4).
    pub last_client: u64,
    /// Whether [`Effects::log`] gets a line about each step of a packet and of a membership.
    pub debug: bool,
}

/// The state of one multicast group manager.
pub struct Engine {
    config: Config,
    clients: Clients,
    interfaces: Interfaces,
    limits: ForwardingLimits,
    /// Memberships, MFEs, and the routes of their sources.
    flows: Flows,
    /// Flows between their first packet and their MFE. Boxed, because the map moves its values.
    resolutions: BTreeMap<Flow, Box<Resolution>>,
    /// The resolutions that are to create an MFE, by source, so that a route change finds them.
    new_flows: BTreeSet<(SourceId, Flow)>,
    flow_limit: FlowLimit,
    /// How the iifs of MFEs were found.
    origins: IifOrigins,
    /// Recently refused flows.
    refusals: RefusedFlows,
    /// Changes that concern some of those, which are still to be found.
    wakes: Wakes,
    reroutes: Reroutes,
    expiry: Expiry,
    wrong_ifs: WrongIfs,
    /// The number of the last question, and of the last MFE.
    serial: u64,
    /// Packets that were not forwarded, in the order of [`Refused::ALL`].
    refused: [u64; Refused::ALL.len()],
    /// The time of the last call that passed it.
    now: Time,
}

impl Engine {
    /// An engine without clients, interfaces and flows.
    #[must_use]
    pub fn new(config: Config) -> Engine {
        Engine {
            config,
            clients: Clients::after(config.last_client),
            interfaces: Interfaces::default(),
            limits: ForwardingLimits::default(),
            flows: Flows::default(),
            resolutions: BTreeMap::new(),
            new_flows: BTreeSet::new(),
            flow_limit: FlowLimit::of(config.max_flows),
            origins: IifOrigins::default(),
            refusals: RefusedFlows::default(),
            wakes: Wakes::default(),
            reroutes: Reroutes::default(),
            expiry: Expiry::default(),
            wrong_ifs: WrongIfs::default(),
            serial: 0,
            refused: [0; Refused::ALL.len()],
            now: Time::default(),
        }
    }

    /// Sets the time, before a call that may ask about flows or refuse some and that does not
    /// pass the time itself: what is remembered for a while counts from then.
    pub fn set_now(&mut self, now: Time) {
        self.now = now;
    }

    /// Whether to log what happens to packets: see [`Config::debug`].
    pub fn set_debug(&mut self, debug: bool) {
        self.config.debug = debug;
    }

    /// A new, unused number.
    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }
}
