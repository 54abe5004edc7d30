//! The state of the engine: tables with their invariants, and no rules.

pub mod begun_flows;
pub mod changes;
pub mod clients;
pub mod counters;
pub mod expiry;
pub mod flows;
pub mod interfaces;
pub mod limits;
pub mod mfe;
pub mod origins;
pub mod refusals;
pub mod reroutes;
pub mod resolutions;
pub mod sources;
pub mod wrong_ifs;

use crate::packet::Refused;
use begun_flows::BegunFlows;
use changes::Changes;
use clients::Clients;
use expiry::Expiry;
use flows::Flows;
use interfaces::Interfaces;
use limits::ForwardingLimits;
use mgm_types::Time;
use origins::IifOrigins;
use refusals::RefusedFlows;
use reroutes::Reroutes;
use resolutions::Resolutions;
use wrong_ifs::WrongIfs;

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
pub struct Tables {
    pub config: Config,
    pub clients: Clients,
    pub interfaces: Interfaces,
    pub limits: ForwardingLimits,
    /// Memberships, MFEs, and the routes of their sources.
    pub flows: Flows,
    /// Flows between their first packet and their MFE.
    pub resolutions: Resolutions,
    pub begun_flows: BegunFlows,
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
        Tables {
            config,
            clients: Clients::after(config.last_client),
            interfaces: Interfaces::default(),
            limits: ForwardingLimits::default(),
            flows: Flows::default(),
            resolutions: Resolutions::default(),
            begun_flows: BegunFlows::of(config.max_flows),
            origins: IifOrigins::default(),
            refusals: RefusedFlows::default(),
            changes: Changes::default(),
            reroutes: Reroutes::default(),
            expiry: Expiry::default(),
            wrong_ifs: WrongIfs::default(),
            now: Time::default(),
            serial: 0,
            refused: [0; Refused::ALL.len()],
        }
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
