//! The state of the engine: tables with their invariants, and no rules.

pub mod begun_flows;
mod changes;
pub mod clients;
mod counters;
pub mod expiry;
mod flow_rates;
mod flows;
mod graces;
mod interfaces;
mod limits;
mod mfe;
mod origins;
pub mod refusals;
mod release_progress;
pub mod reroutes;
mod resolutions;
mod sources;
mod wrong_ifs;

pub use begun_flows::BegunFlows;
pub use changes::{Change, Changes, PendingChange};
pub use clients::{ClientId, Clients};
pub use expiry::{Expiry, ExpiryEntry};
pub use flow_rates::FlowRates;
pub use flows::{FlowPlace, Flows, Members, MfeEntry, Side};
pub use graces::Graces;
pub use interfaces::{Interfaces, Slot};
pub use limits::ForwardingLimits;
pub use mfe::{Mfe, OifCount, Overrides, Rare, Rpf};
pub use origins::{IifOrigin, IifOrigins};
pub use refusals::{FlowRefusal, RefusedFlow, RefusedFlows};
pub use release_progress::{ReleasePart, ReleaseProgress};
pub use reroutes::{Reroutes, Superseded};
pub use resolutions::{
    AllAsked, Asked, AwaitedAnswers, FirstPacket, Purpose, Resolution, Resolutions,
};
pub use sources::SourceId;
pub use wrong_ifs::{RivalPacket, WrongIfs};

use crate::packet::Refused;
use mgm_types::Time;

/// The configuration of an engine, set when it is created.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// ulTimeOut of new MFEs in seconds; u32::MAX never expires.
    pub mfe_timeout: u32,
    /// How many flows packets may begin; 0 is [`USUAL_MAX_FLOWS`](crate::USUAL_MAX_FLOWS).
    pub max_flows: u32,
    /// The number of the last client before this engine's first: numbers do
    /// not repeat, even if the library is stopped and started again (spec 1.4).
    pub last_client: u64,
    /// Whether [`Effects::log`](crate::Effects::log) gets a line about each step of a packet and
    /// of a membership.
    pub debug: bool,
}

/// All tables.
#[derive(Default)]
pub struct Tables {
    pub config: Config,
    pub clients: Clients,
    /// What clients have left whose processes have ended.
    pub graces: Graces,
    pub interfaces: Interfaces,
    pub limits: ForwardingLimits,
    /// Memberships, MFEs, and the routes of their sources.
    pub flows: Flows,
    /// Flows between their first packet and their MFE.
    pub resolutions: Resolutions,
    pub begun_flows: BegunFlows,
    /// How many flows may begin on an interface in a second.
    pub flow_rates: FlowRates,
    /// How the iifs of MFEs were found.
    pub origins: IifOrigins,
    /// Recently refused flows.
    pub refusals: RefusedFlows,
    /// Changes that concern some of those, which are still to be found.
    pub changes: Changes,
    pub reroutes: Reroutes,
    pub expiry: Expiry,
    pub wrong_ifs: WrongIfs,
    /// The time of the last call that passed it.
    pub now: Time,
    /// The number of the last question, and of the last MFE.
    serial: u64,
    /// Packets that were not forwarded, in the order of [`Refused::ALL`].
    refused: [u64; Refused::ALL.len()],
}

impl Tables {
    /// Empty tables.
    pub fn new(config: Config) -> Tables {
        let clients = Clients::after(config.last_client);
        let begun_flows = BegunFlows::of(config.max_flows);
        Tables { config, clients, begun_flows, ..Tables::default() }
    }

    /// A new, unused number.
    pub fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Counts a packet that is not forwarded.
    pub fn count_refused(&mut self, why: Refused) {
        if let Some(count) = self.refused.get_mut(why as usize) {
            *count += 1;
        }
    }

    /// The number of packets not forwarded for this reason.
    pub fn refused(&self, why: Refused) -> u64 {
        self.refused.get(why as usize).copied().unwrap_or(0)
    }
}
