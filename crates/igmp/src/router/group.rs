//! The state of one group on a link (I32). Groups are many, so they are kept small.

use crate::filter::Filter;
use crate::router::compact::insert;
use crate::router::tracking::Tracking;
use crate::NEVER;
use mgm_types::Time;
use std::net::Ipv4Addr;

/// What a source in Y has instead of a deadline.
const STOPPED: Time = Time(0);

/// A group record. INCLUDE({}) is never kept: a group without interest has no record.
#[derive(Debug)]
pub(super) struct Group {
    /// EXCLUDE mode.
    pub exclude: bool,
    /// A sequence of group queries has begun since the group timer was last set to GMI.
    pub asked: bool,
    /// Transmissions of Q(G) that are left.
    pub queries_left: u8,
    /// The group timer, in EXCLUDE mode.
    pub timer: Time,
    /// A v1 host is present until then.
    pub v1_until: Time,
    /// A v2 host is present until then.
    pub v2_until: Time,
    /// When the next Q(G) is due, if some are left.
    pub next_query: Time,
    /// When the next Q(G,X) is due, if a source has some left.
    pub next_source_query: Time,
    /// The key of the group among the deadlines.
    pub deadline: Time,
    /// The sources that have a record, by address.
    pub sources: Vec<Source>,
    /// Which hosts want the group.
    pub tracking: Tracking,
}

/// What the table says must be asked. A querier asks it, others ignore it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Questions {
    /// Q(G).
    pub group: bool,
    /// Q(G,X).
    pub sources: Vec<Ipv4Addr>,
}

impl Questions {
    pub fn is_empty(&self) -> bool {
        !self.group && self.sources.is_empty()
    }
}

/// A source record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    timer: Time,
    /// The source.
    pub address: Ipv4Addr,
    /// Transmissions of Q(G,X) that are left.
    pub queries_left: u8,
}

impl Source {
    /// A source in X, or in A of INCLUDE(A): its timer runs.
    pub fn running(address: Ipv4Addr, timer: Time) -> Source {
        Source { timer, address, queries_left: 0 }
    }

    /// A source in Y.
    pub fn stopped(address: Ipv4Addr) -> Source {
        Source::running(address, STOPPED)
    }

    /// Whether its timer runs.
    pub fn runs(&self) -> bool {
        self.timer != STOPPED
    }

    /// When its timer ends; `None` in Y.
    pub fn timer(&self) -> Option<Time> {
        self.runs().then_some(self.timer)
    }

    pub fn set_timer(&mut self, timer: Time) {
        self.timer = timer;
    }

    /// Puts it into Y. What is excluded is not asked about.
    pub fn stop(&mut self) {
        *self = Source::stopped(self.address);
    }
}

impl Group {
    /// INCLUDE({}), which the caller fills.
    pub fn new() -> Group {
        Group {
            exclude: false,
            asked: false,
            queries_left: 0,
            timer: Time(0),
            v1_until: Time(0),
            v2_until: Time(0),
            next_query: NEVER,
            next_source_query: NEVER,
            deadline: NEVER,
            sources: Vec::new(),
            tracking: Tracking::default(),
        }
    }

    /// Whether no host wants anything of it.
    pub fn is_empty(&self) -> bool {
        !self.exclude && self.sources.is_empty()
    }

    /// The record of a source: its place, or where it would have to stand.
    pub fn find(&self, source: Ipv4Addr) -> Result<usize, usize> {
        self.sources.binary_search_by_key(&source, |known| known.address)
    }

    /// Adds a record at the place that [`Group::find`] has named.
    pub fn insert(&mut self, at: usize, source: Source) {
        insert(&mut self.sources, at, source);
    }

    /// Keeps the sources for which `keep` is true; returns how many went.
    pub fn retain(&mut self, keep: impl FnMut(&Source) -> bool) -> u32 {
        let before = self.sources.len();
        self.sources.retain(keep);
        let gone = before - self.sources.len();
        if gone > 0 && self.sources.len() < self.sources.capacity() / 2 {
            self.sources.shrink_to_fit();
        }
        gone as u32
    }

    /// Starts the group timer anew, as a report does.
    pub fn refresh(&mut self, timer: Time) {
        self.timer = timer;
        self.asked = false;
    }

    /// EXCLUDE(X,Y) becomes INCLUDE(X); returns how many sources went.
    pub fn leave_exclude(&mut self) -> u32 {
        self.exclude = false;
        self.asked = false;
        self.queries_left = 0;
        self.retain(Source::runs)
    }

    /// Ends at once what would be asked about; returns how many sources went.
    pub fn end(&mut self, questions: &Questions) -> u32 {
        let asked = |source: &Source| questions.sources.binary_search(&source.address).is_ok();
        let mut gone = 0;
        if self.exclude {
            self.sources.iter_mut().filter(|source| asked(source)).for_each(Source::stop);
        } else {
            gone = self.retain(|source| !asked(source));
        }
        if questions.group {
            gone += self.leave_exclude();
        }
        gone
    }

    /// Lowers the timer of a source, if it runs and ends later.
    pub fn lower_source(&mut self, source: Ipv4Addr, end: Time) {
        if let Ok(at) = self.find(source) {
            if self.sources[at].timer().is_some_and(|timer| timer > end) {
                self.sources[at].set_timer(end);
            }
        }
    }

    /// What the hosts want of some sources, which are in ascending order.
    pub fn filter_of(&self, sources: &[Ipv4Addr]) -> Filter {
        let in_list = |source: &Ipv4Addr| {
            self.find(*source).is_ok_and(|at| self.sources[at].runs() != self.exclude)
        };
        let sources = sources.iter().copied().filter(in_list).collect();
        Filter { exclude: self.exclude, sources }
    }

    /// What the hosts want, as one filter.
    pub fn filter(&self) -> Filter {
        let in_list = |source: &&Source| source.runs() != self.exclude;
        let sources = self.sources.iter().filter(in_list).map(|source| source.address).collect();
        Filter { exclude: self.exclude, sources }
    }

    /// The sources whose timers end at `at` or before.
    pub fn due(&self, at: Time) -> Vec<Ipv4Addr> {
        let ends = |source: &&Source| source.timer().is_some_and(|timer| timer <= at);
        self.sources.iter().filter(ends).map(|source| source.address).collect()
    }

    /// The earliest of the group's timers.
    pub fn earliest(&self) -> Time {
        let mut earliest = if self.exclude { self.timer } else { NEVER };
        if self.queries_left > 0 {
            earliest = earliest.min(self.next_query);
        }
        earliest = earliest.min(self.next_source_query);
        self.sources.iter().filter_map(Source::timer).fold(earliest, Time::min)
    }
}
