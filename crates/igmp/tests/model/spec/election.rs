//! The querier and the version (I19 to I29).

use super::Spec;
use std::net::Ipv4Addr;

/// A router that queries and has a lower address.
#[derive(Clone, Debug)]
pub struct Other {
    pub address: Ipv4Addr,
    pub until: u64,
    pub robustness: u8,
    pub interval: u16,
    pub response: u64,
}

/// A General Query.
#[derive(Clone, Copy, Debug)]
pub struct General {
    pub from: Ipv4Addr,
    pub version: u8,
    pub robustness: u8,
    pub interval: u16,
    /// How long hosts may take, in milliseconds; 10 s in version 1.
    pub response: u64,
}

/// A specific query.
#[derive(Clone, Debug)]
pub struct Specific {
    pub from: Ipv4Addr,
    pub group: Ipv4Addr,
    pub version: u8,
    pub suppress: bool,
    pub sources: Vec<Ipv4Addr>,
    pub max_response: u64,
}

impl Spec {
    /// The address that this router queries from.
    pub fn election_address(&self) -> Option<Ipv4Addr> {
        self.addresses.iter().min().copied().filter(|_| !self.config.passive)
    }

    pub fn elected(&self) -> Option<&Other> {
        self.others.iter().min_by_key(|other| other.address)
    }

    pub fn version(&self) -> u8 {
        let [v1, v2] = self.older.map(|until| until > self.now && !self.config.keep_version);
        let heard = if v1 {
            1
        } else if v2 {
            2
        } else {
            3
        };
        heard.min(self.config.version)
    }

    /// GMI, OHPI, OQPI.
    pub fn intervals(&self) -> (u64, u64, u64) {
        let config = &self.config;
        let qri = u64::from(config.query_response_interval);
        let of = |rv: u64, qi: u64, qri: u64| (rv * qi + 2 * qri, rv * qi + qri, rv * qi + qri / 2);
        let (rv, qi) = (u64::from(config.robustness), u64::from(config.query_interval));
        let own = of(rv, qi, qri);
        match self.elected().filter(|_| !self.querier) {
            None => own,
            Some(other) => {
                let rv = if other.robustness == 0 { rv } else { other.robustness.into() };
                let qi = if other.interval == 0 { qi } else { 1_000 * u64::from(other.interval) };
                let their = of(rv, qi, qri.max(other.response));
                (their.0.min(4 * own.0), their.1.min(4 * own.1), their.2.min(4 * own.2))
            }
        }
    }

    fn send_general(&mut self) {
        let text = match self.version() {
            3 => "Q".to_string(),
            version => format!("Q v{version}"),
        };
        self.send(text);
    }

    fn interval_now(&self) -> u64 {
        if self.startup_left > 0 {
            self.config.startup_interval().into()
        } else {
            self.config.query_interval.into()
        }
    }

    fn become_querier(&mut self, startup: u8) {
        self.querier = true;
        self.send_general();
        self.startup_left = startup - 1;
        self.next_general = Some(self.now + self.interval_now());
    }

    pub(super) fn address_changed(&mut self, former: Option<Ipv4Addr>) {
        let Some(own) = self.election_address() else {
            (self.querier, self.next_general) = (false, None);
            return;
        };
        self.others.retain(|other| other.address < own);
        if self.querier {
            if former != Some(own) {
                self.send_general();
                self.next_general = Some(self.now + self.interval_now());
            }
        } else if self.others.is_empty() {
            let first = former.is_none();
            self.become_querier(if first { self.config.startup_count() } else { 1 });
        }
    }

    pub fn general(&mut self, query: General) {
        if !self.up || self.addresses.contains(&query.from) {
            return;
        }
        if self.election_address().is_none_or(|own| query.from < own) {
            self.remember(query);
        }
        let present = self.now + self.intervals().2;
        if query.version < 3 {
            self.older[usize::from(query.version) - 1] = present;
        }
    }

    fn remember(&mut self, query: General) {
        let known = self.others.iter().any(|other| other.address == query.from);
        if !known {
            if self.others.len() == 4 {
                let highest = self.others.iter().map(|other| other.address).max();
                if highest < Some(query.from) {
                    return;
                }
                self.others.retain(|other| Some(other.address) != highest);
            }
            let address = query.from;
            let until = u64::MAX;
            self.others.push(Other { address, until, robustness: 0, interval: 0, response: 0 });
        }
        for other in self.others.iter_mut().filter(|other| other.address == query.from) {
            other.response = query.response;
        }
        if query.version == 3 {
            for other in self.others.iter_mut().filter(|other| other.address == query.from) {
                (other.robustness, other.interval) = (query.robustness, query.interval);
            }
        }
        (self.querier, self.next_general) = (false, None);
        let until = self.now + self.intervals().2;
        for other in self.others.iter_mut().filter(|other| other.address == query.from) {
            other.until = until;
        }
    }

    pub fn specific(&mut self, query: &Specific) {
        let elected = self.elected().map(|other| other.address);
        if !self.up || self.querier || elected != Some(query.from) || query.suppress {
            return;
        }
        let time = if query.version == 2 {
            u64::from(self.config.last_member_count()) * query.max_response
        } else {
            let answered = query.max_response.max(self.config.last_member_query_interval.into());
            u64::from(self.config.last_member_count()) * answered
        };
        let end = self.now + time;
        if query.sources.is_empty() {
            if let Some(line) = self.line(query.group) {
                line.timer = line.timer.min(end);
            }
            return;
        }
        for line in self.sources.iter_mut().filter(|line| line.group == query.group) {
            if query.sources.contains(&line.source) {
                line.until = line.until.map(|until| until.min(end));
            }
        }
    }

    pub(super) fn run_election(&mut self, at: u64) {
        if let Some(due) = self.next_general.filter(|due| *due <= at) {
            self.send_general();
            self.startup_left = self.startup_left.saturating_sub(1);
            let next = due + self.interval_now();
            let next = if next > self.now { next } else { self.now + self.interval_now() };
            self.next_general = Some(next);
        }
        let heard = !self.others.is_empty();
        self.others.retain(|other| other.until > at);
        if heard && self.others.is_empty() && self.election_address().is_some() {
            self.become_querier(1);
        }
    }
}
