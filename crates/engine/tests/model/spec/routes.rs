//! Routes, which differ by routing domain, and how flows follow them (spec 4.6, 5.1, 5.10).

use super::rpf_path::RpfPath;
use super::{Model, Purpose};
use mgm_types::{Domain, Flow, Interface, Ipv4Addr, Route};

/// So many flows of a source follow its route at once (D68).
const FEW: usize = 32;

/// A source: its address, and the domain in which it is looked up.
pub type Name = (Ipv4Addr, Domain);

/// A flow that has not followed its route yet.
#[derive(Clone, Debug)]
pub struct Late {
    pub flow: Flow,
    /// Its former route, and the change that it waits for.
    pub route: Route,
    pub change: u64,
}

impl Model {
    /// The domain that an interface is in.
    pub fn domain_of(&self, name: Interface) -> Domain {
        let special = self.domains.iter().find(|(index, _)| *index == name.index);
        special.map_or(Domain::MAIN, |(_, domain)| *domain)
    }

    /// The result of a look-up.
    pub fn look_up(&self, source: Ipv4Addr, domain: Domain) -> Route {
        let known = self.routes.iter().find(|(other, _)| *other == (source, domain));
        known.map_or(Route::NONE, |(_, route)| route.clone())
    }

    /// The domain of the look-up of a flow that has a membership or an MFE (D69).
    pub fn home(&self, flow: Flow) -> Domain {
        self.homes.get(&flow).copied().unwrap_or(Domain::MAIN)
    }

    /// The route of such a flow.
    pub fn route(&self, flow: Flow) -> Route {
        match self.late.iter().find(|late| late.flow == flow) {
            Some(late) => late.route.clone(),
            None => self.look_up(flow.source(), self.home(flow)),
        }
    }

    /// The route for the questions about a flow.
    pub fn asked_route(&self, flow: Flow, purpose: Purpose, domain: Domain) -> Route {
        match purpose {
            Purpose::Create => self.look_up(flow.source(), domain),
            Purpose::Renew | Purpose::Reroute => self.route(flow),
        }
    }

    /// A flow gets its first membership, on this interface, or an MFE.
    pub fn settle_home(&mut self, flow: Flow, domain: Domain) {
        self.homes.entry(flow).or_insert(domain);
    }

    /// Forgets the look-ups of flows that no longer exist. Notes the sources that have so many flows
    /// that these follow their route in turns, until the source has no flow left.
    pub fn tidy_homes(&mut self) {
        let wanted = self.wanted_flows();
        let has_mfe: Vec<_> = self.mfes.iter().map(|mfe| mfe.flow).collect();
        self.homes.retain(|flow, _| wanted.contains(flow) || has_mfe.contains(flow));
        let homes = &self.homes;
        self.late.retain(|late| homes.contains_key(&late.flow));
        let mut names: Vec<Name> = self.many.clone();
        names.extend(self.homes.iter().map(|(flow, domain)| (flow.source(), *domain)));
        names.sort_unstable();
        names.dedup();
        for name in names.into_iter().filter(|(source, _)| !source.is_unspecified()) {
            let count = self.flows_of(name).len();
            if count == 0 {
                self.many.retain(|other| *other != name);
            } else if count > FEW && !self.many.contains(&name) {
                self.many.push(name);
            }
        }
    }

    /// The flows of a source that have its present route, in order.
    fn flows_of(&self, name: Name) -> Vec<Flow> {
        let of_source =
            self.homes.iter().filter(|(flow, domain)| (flow.source(), **domain) == name);
        let is_late = |flow: &Flow| self.late.iter().any(|late| late.flow == *flow);
        of_source.map(|(flow, _)| *flow).filter(|flow| !is_late(flow)).collect()
    }

    /// The sources that something refers to.
    pub fn sources(&self) -> Vec<Name> {
        let mut names: Vec<Name> =
            self.homes.iter().map(|(flow, domain)| (flow.source(), *domain)).collect();
        let creating = self.asking.iter().filter(|asking| asking.purpose == Purpose::Create);
        names.extend(creating.map(|asking| (asking.flow.source(), asking.domain)));
        names.extend(self.refusals.iter().map(|one| (one.flow.source(), one.domain)));
        names.extend(self.pending.iter().map(|(_, name)| *name));
        names.retain(|(source, _)| !source.is_unspecified());
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The routes of sources change (spec 4.6, 5.10).
    pub fn change_routes(&mut self, routes: &[(Name, Route)]) {
        let known = self.sources();
        let mut changed: Vec<Name> = Vec::new();
        let (mut following, mut refused) = (Vec::new(), Vec::new());
        for (name, route) in routes {
            let old = self.look_up(name.0, name.1);
            if known.contains(name) && old != *route {
                self.changes += 1;
                let change = self.changes;
                for flow in self.flows_of(*name) {
                    self.late.push(Late { flow, route: old.clone(), change });
                    if !self.many.contains(name) {
                        following.push(flow);
                    }
                }
                let of_source =
                    self.refusals.iter().filter(|one| (one.flow.source(), one.domain) == *name);
                refused.push(of_source.map(|one| one.flow).collect::<Vec<_>>());
                if self.many.contains(name) {
                    self.pending.push((change, *name));
                    self.next_late.get_or_insert(Flow::WILDCARD);
                }
                changed.push(*name);
            }
            self.routes.retain(|(other, _)| other != name);
            self.routes.push((*name, route.clone()));
        }
        self.many.retain(|name| !changed.contains(name));
        for flow in following {
            self.follow_route(flow);
        }
        self.restart_outdated();
        for mut flows in refused {
            flows.sort_unstable();
            self.wake_flows(&flows);
        }
    }

    /// A flow gets the present route of its source.
    fn follow_route(&mut self, flow: Flow) {
        let old = self.route(flow);
        let before = self.mfe(flow).map(|mfe| {
            let own = (mfe.iif, mfe.upstream);
            match self.is_rpf_path(flow, &old, own) {
                true => RpfPath::In(own.0, own.1),
                false => self.rpf_path(flow, &old, Some(mfe.iif)),
            }
        });
        self.moving_roles(|model| model.late.retain(|late| late.flow != flow));
        if self.asking(flow).is_some() {
            return self.restart_outdated();
        }
        let iif = self.mfe(flow).map(|mfe| mfe.iif);
        let has_changed = match before {
            None => false,
            Some(RpfPath::In(name, upstream)) => {
                !self.is_rpf_path(flow, &self.route(flow), (name, upstream))
            }
            Some(_) => matches!(self.present_way(flow, iif), RpfPath::In(..)),
        };
        if has_changed {
            self.ask_again(flow, Purpose::Reroute, None);
        }
    }

    /// Some of the flows that wait for their turn follow their routes (D68).
    pub fn reroute_some(&mut self, most: usize) {
        let Some(first) = self.next_late else { return };
        let is_late = |flow: &Flow| self.late.iter().any(|late| late.flow == *flow);
        let behind: Vec<Flow> = self.homes.range(first..).map(|(flow, _)| *flow).collect();
        let turn: Vec<Flow> = behind.iter().copied().filter(is_late).take(most).collect();
        let last = turn.last().filter(|_| turn.len() == most);
        let next = last.and_then(|last| behind.iter().copied().find(|flow| flow > last));
        for flow in turn {
            self.follow_route(flow);
        }
        let late = &self.late;
        self.pending.retain(|(change, _)| late.iter().any(|late| late.change == *change));
        self.next_late = match self.pending.is_empty() {
            true => None,
            false => next.or(Some(Flow::WILDCARD)),
        };
    }
}
