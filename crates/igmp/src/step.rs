//! One call of the state machine, and the lists that it writes to.

use crate::config::Settings;
use crate::log_event::{LogEvent, Warnings};
use crate::Action;
use mgm_types::Time;
use std::net::Ipv4Addr;

/// One call of [`crate::Igmp::handle`]: its time, and what comes of it.
pub(crate) struct Step<'a> {
    /// The present time. Timers that run late run with it, too.
    pub now: Time,
    /// What is to be done outside.
    pub actions: &'a mut Vec<Action>,
    /// Groups of downstream links of which `RouterSide::reception` may have changed: what the
    /// proxy has to look at afterwards. A group may be there more than once.
    pub changed: &'a mut Vec<(u32, Ipv4Addr)>,
    /// Random numbers for the delays of the host side.
    pub random: &'a mut fastrand::Rng,
    /// Settings for all links together.
    pub settings: &'a Settings,
    /// Groups and sources of all links.
    pub entries: &'a mut u32,
}

impl Step<'_> {
    /// Writes a line to the log, unless these warnings have let one of its kind pass within the
    /// last minute (I76).
    pub fn log(&mut self, warnings: &mut Warnings, link: u32, event: LogEvent) {
        let line = warnings.line(self.now, link, event);
        self.actions.extend(line.map(Action::Log));
    }
}
