//! Static routes for prefixes. Their flows are joined when packets arrive (M3, M4).
//!
//! ```text
//!   RPF_CALLBACK (s,g) on `from` ──► asked: joins (s,g) on each `to`, until
//!                                    2 × the MFE time-out has passed without another question
//! ```
//! This module has no I/O. An exact route is a static membership in the configuration of its
//! links ([`Plan`](super::plan::Plan)). This module only knows where its packets arrive.

use super::plan::{comes_from, leads_to};
use crate::config::Config;
use mgm_types::{Flow, Prefix, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A route, with the interfaces that match its names and patterns at
/// present.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    source: Prefix,
    group: Prefix,
    from: BTreeSet<u32>,
    to: BTreeSet<u32>,
    is_exact: bool,
}

impl Rule {
    fn is_for(&self, flow: Flow, arrival: u32) -> bool {
        self.from.contains(&arrival)
            && self.source.contains(flow.source())
            && self.group.contains(flow.group())
    }
}

/// A flow whose packets arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    from: u32,
    to: BTreeSet<u32>,
    until: Time,
}

/// A membership that is added or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Join {
    /// The interface index.
    pub link: u32,
    /// The flow.
    pub flow: Flow,
}

/// All static routes.
#[derive(Debug, Default)]
pub struct StaticRoutes {
    rules: Vec<Rule>,
    flows: HashMap<Flow, Known>,
    ends: BTreeSet<(Time, Flow)>,
    limit: usize,
    /// How many flows were refused at the limit since the last
    /// [`StaticRoutes::take_refused`].
    refused: u32,
}

impl StaticRoutes {
    /// No routes yet; `limit` is the number of flows that they may join.
    #[must_use]
    pub fn new(limit: usize) -> StaticRoutes {
        StaticRoutes { limit, ..StaticRoutes::default() }
    }

    /// Whether a static route accepts the packets of a flow on the interface on which they
    /// arrive, whatever the unicast routes to their source. If a protocol owns the interface,
    /// only an exact route does (M4).
    #[must_use]
    pub fn accepts(&self, flow: Flow, arrival: u32, is_owned: bool) -> bool {
        let mut rules = self.rules.iter().filter(|rule| rule.is_exact || !is_owned);
        rules.any(|rule| rule.is_for(flow, arrival))
    }

    /// Whether there is a route for a prefix.
    #[must_use]
    pub fn have_prefixes(&self) -> bool {
        self.rules.iter().any(|rule| !rule.is_exact)
    }

    /// Whether an interface is `from` of a route for a prefix.
    #[must_use]
    pub fn begins_at(&self, link: u32) -> bool {
        self.rules.iter().any(|rule| !rule.is_exact && rule.from.contains(&link))
    }

    /// Handles a question of the library about a flow whose packets arrive on `from`. Returns
    /// the memberships that may have changed.
    pub fn asked(&mut self, flow: Flow, from: u32, until: Time) -> Vec<Join> {
        let to = self.wanted(flow, from);
        let before = self.forget(flow).map(|known| known.to).unwrap_or_default();
        let is_new = before.is_empty();
        if to.is_empty() || is_new && self.flows.len() >= self.limit {
            self.refused += u32::from(!to.is_empty());
            return joins(flow, before);
        }
        let changed = before.symmetric_difference(&to).copied().collect();
        self.ends.insert((until, flow));
        self.flows.insert(flow, Known { from, to, until });
        joins(flow, changed)
    }

    fn wanted(&self, flow: Flow, from: u32) -> BTreeSet<u32> {
        let rules = self.rules.iter().filter(|rule| !rule.is_exact && rule.is_for(flow, from));
        rules.flat_map(|rule| rule.to.iter().copied()).filter(|to| *to != from).collect()
    }

    /// A protocol owns this interface now: ends the flows whose packets arrive there (M4).
    /// Returns the memberships that end.
    pub fn rest(&mut self, link: u32) -> Vec<Join> {
        let rest = self.flows.iter().filter(|(_, known)| known.from == link);
        let rest: Vec<Flow> = rest.map(|(flow, _)| *flow).collect();
        let known = rest.into_iter().filter_map(|flow| Some((flow, self.forget(flow)?.to)));
        known.flat_map(|(flow, to)| joins(flow, to)).collect()
    }

    fn forget(&mut self, flow: Flow) -> Option<Known> {
        let known = self.flows.remove(&flow)?;
        self.ends.remove(&(known.until, flow));
        Some(known)
    }

    /// When the next flow ends.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.ends.first().map(|(until, _)| *until)
    }

    /// Ends the flows about which the library has not asked in time.
    pub fn expire(&mut self, now: Time) -> Vec<Join> {
        let mut ended = Vec::new();
        while let Some((_, flow)) = self.ends.first().copied().filter(|(until, _)| *until <= now) {
            ended.extend(self.forget(flow).into_iter().flat_map(|known| joins(flow, known.to)));
        }
        ended
    }

    /// Whether a flow is joined.
    #[must_use]
    pub fn knows(&self, flow: Flow) -> bool {
        self.flows.contains_key(&flow)
    }

    /// Whether a flow is joined on an interface.
    #[must_use]
    pub fn wants(&self, join: Join) -> bool {
        self.flows.get(&join.flow).is_some_and(|known| known.to.contains(&join.link))
    }

    /// All flows that are joined on an interface.
    pub fn of_link(&self, link: u32) -> impl Iterator<Item = Flow> + '_ {
        self.flows.iter().filter(move |(_, known)| known.to.contains(&link)).map(|(flow, _)| *flow)
    }

    /// Whether no further flow can be joined.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.flows.len() >= self.limit
    }

    /// The number of flows that are joined.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// The number of joined flows with a source and a group in these prefixes.
    #[must_use]
    pub fn count(&self, source: Prefix, group: Prefix) -> usize {
        let is_of = |flow: &&Flow| source.contains(flow.source()) && group.contains(flow.group());
        self.flows.keys().filter(is_of).count()
    }

    /// Whether no flow is joined.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// How many flows were refused at the limit since the last call.
    pub fn take_refused(&mut self) -> u32 {
        std::mem::take(&mut self.refused)
    }

    /// Sets the routes of a configuration, for the interfaces that are served now. Returns the
    /// memberships that may have changed, or `None` if no route has changed. If one has, the caller
    /// calls [`StaticRoutes::asked`] for each existing MFE, because the library may not ask about
    /// one for a long time (M16).
    pub fn configure(
        &mut self,
        config: &Config,
        served: &BTreeMap<u32, String>,
    ) -> Option<Vec<Join>> {
        let rules: Vec<Rule> = config
            .routes
            .iter()
            .map(|route| {
                let meant = |means: fn(&crate::config::Route, &str) -> bool| {
                    let links = served.iter().filter(|(_, name)| means(route, name));
                    links.map(|(index, _)| *index).collect()
                };
                Rule {
                    source: route.source,
                    group: route.group,
                    from: meant(comes_from),
                    to: meant(leads_to),
                    is_exact: route.is_exact(),
                }
            })
            .collect();
        if rules == self.rules {
            return None;
        }
        self.rules = rules;
        let flows: Vec<(Flow, Known)> =
            self.flows.iter().map(|(flow, known)| (*flow, known.clone())).collect();
        let again = flows
            .into_iter()
            .flat_map(|(flow, Known { from, until, .. })| self.asked(flow, from, until));
        Some(again.collect())
    }
}

fn joins(flow: Flow, links: BTreeSet<u32>) -> Vec<Join> {
    links.into_iter().map(|link| Join { link, flow }).collect()
}

#[cfg(test)]
mod tests;
