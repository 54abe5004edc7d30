//! A second, naive engine: plain lists, everything computed anew after each
//! step. What it knows of changes of hands it sees by the tenures of the
//! interfaces; the rest it learns from the calls alone.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// The sources that there are.
pub(super) const SOURCES: [Ipv4Addr; 3] =
    [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(10, 0, 0, 3)];

/// Who has an interface, as last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hands {
    pub claim: Option<ClientId>,
    pub owner: Option<ClientId>,
    igmp: Option<ClientId>,
    tenure: u64,
}

/// A membership in the naive list: where, whether IGMP's, and what.
type Entry = (Interface, bool, Flow);

/// What each client is due to know to be wanted by others.
type Wanted = BTreeMap<ClientId, BTreeSet<Flow>>;

/// The naive side.
#[derive(Default)]
pub(super) struct Naive {
    pub hands: BTreeMap<Interface, Hands>,
    members: BTreeSet<Entry>,
    /// Overrides by (MFE, interface), and the MFEs that they are of.
    overrides: BTreeMap<(Flow, Interface), bool>,
    mfes: BTreeMap<Flow, (u64, Time)>,
    /// Boundaries: interface index, address, and how far to shift the rest away.
    pub boundaries: BTreeSet<(u32, Ipv4Addr, u8)>,
    wanted: Wanted,
    /// Who bears the role of rule 4.6, by source.
    towards: BTreeMap<Ipv4Addr, Option<ClientId>>,
    /// What each client heard, for those who heard everything.
    told: BTreeMap<ClientId, BTreeSet<Flow>>,
}

/// What a step was, as far as the naive side has to know it.
pub(super) enum Step {
    /// A join (true) or leave that succeeded.
    Member {
        add: bool,
        join: Join,
        client: ClientId,
        flow: Flow,
        interface: Interface,
    },
    /// IGMP left an interface, and a release that waited for it came about.
    IgmpLeft {
        client: ClientId,
        owner_left: bool,
    },
    Other,
}

impl Naive {
    /// Ends what ends with a change of hands; then the step itself.
    pub fn follow(&mut self, engine: &Engine, step: &Step) {
        let hands: BTreeMap<Interface, Hands> = engine
            .interfaces
            .iter()
            .map(|(_, slot)| {
                let &interfaces::Slot { claim, owner, igmp, tenure, .. } = slot;
                (slot.interface, Hands { claim, owner, igmp, tenure })
            })
            .collect();
        for (interface, was) in std::mem::replace(&mut self.hands, hands) {
            let now = self.hands.get(&interface).copied();
            if now == Some(was) {
                continue;
            }
            let changed = now.is_none_or(|now| now.tenure != was.tenure);
            let igmp_gone = changed || now.is_none_or(|now| now.igmp != was.igmp);
            let given_up = was.claim != was.owner && now.is_none_or(|now| now.claim != was.claim);
            let owner_gone = (changed && was.owner.is_some()) || given_up;
            self.members.retain(|&(there, igmp, _)| {
                there != interface || !(if igmp { igmp_gone } else { owner_gone })
            });
            if changed || given_up {
                self.overrides.retain(|&(_, there), _| there != interface);
            }
        }
        self.follow_mfes(engine);
        if let &Step::Member { add, join, client, flow, interface } = step {
            let igmp = self.hands[&interface].igmp == Some(client);
            let beside = igmp && self.hands[&interface].owner.is_some();
            if join == Join::State {
                if add {
                    self.members.insert((interface, igmp, flow));
                } else {
                    self.members.remove(&(interface, igmp, flow));
                }
            }
            if !beside && !flow.is_link_local() {
                for &mfe in self.mfes.keys() {
                    if [mfe, mfe.shared(), Flow::WILDCARD].contains(&flow) {
                        match join {
                            Join::State => self.overrides.remove(&(mfe, interface)),
                            Join::Forward => self.overrides.insert((mfe, interface), add),
                        };
                    }
                }
            }
        }
    }

    /// New MFEs, and those that begin another life, bring the overrides that
    /// CREATION answers made.
    fn follow_mfes(&mut self, engine: &Engine) {
        let lives = engine.mfes.iter().map(|(&flow, mfe)| (flow, (mfe.serial, mfe.born))).collect();
        let before = std::mem::replace(&mut self.mfes, lives);
        self.overrides.retain(|&(flow, _), _| {
            self.mfes.contains_key(&flow) && self.mfes.get(&flow) == before.get(&flow)
        });
        for (flow, mfe) in &engine.mfes {
            if before.get(flow) != Some(&(mfe.serial, mfe.born)) {
                if let Some(rare) = &mfe.rare {
                    let off = rare.off.iter().map(|id| (id, false));
                    for (id, on) in rare.on.iter().map(|id| (id, true)).chain(off) {
                        self.overrides.insert((*flow, engine.interfaces.name(id)), on);
                    }
                }
            }
        }
    }

    fn master(&self, interface: Interface) -> Option<ClientId> {
        let hands = self.hands.get(&interface)?;
        hands.owner.or(hands.igmp)
    }

    /// Rule 3.7.
    fn is_bounded(&self, group: Ipv4Addr, interface: Interface) -> bool {
        self.boundaries.iter().any(|&(index, address, shift)| {
            index == interface.index && u32::from(address) >> shift == u32::from(group) >> shift
        })
    }

    /// Rules 3.5 and 3.7.
    fn oifs(&self, flow: Flow, iif: Interface) -> Vec<Interface> {
        let is_oif = |interface: &Interface| {
            *interface != iif
                && !self.is_bounded(flow.group(), *interface)
                && self.overrides.get(&(flow, *interface)).copied().unwrap_or_else(|| {
                    [flow, flow.shared(), Flow::WILDCARD].iter().any(|&key| {
                        [false, true]
                            .iter()
                            .any(|&igmp| self.members.contains(&(*interface, igmp, key)))
                    })
                })
        };
        self.hands.keys().copied().filter(is_oif).collect()
    }

    /// Rule 4.6: whom a route points at.
    fn role(&self, source: Ipv4Addr, route: Route) -> Option<ClientId> {
        let next_hop = match route.origin {
            RouteOrigin::None | RouteOrigin::Local => return None,
            RouteOrigin::Connected => source,
            RouteOrigin::Via(gateway) => gateway,
        };
        self.master(Interface { index: route.if_index, next_hop })
            .or_else(|| self.master(Interface::link(route.if_index)))
    }

    /// Rules 4.2 and 4.6, for all clients at once.
    fn compute(&mut self, engine: &Engine) -> Wanted {
        let mut components: BTreeMap<Flow, Vec<ClientId>> = BTreeMap::new();
        for &(interface, igmp, flow) in &self.members {
            if flow.is_link_local() {
                continue;
            }
            let hands = self.hands[&interface];
            let component = hands.owner.or(if igmp { hands.igmp } else { hands.claim });
            components.entry(flow).or_default().push(component.expect("somebody is there"));
        }
        self.towards =
            SOURCES.map(|source| (source, self.role(source, engine.sources.route(source)))).into();
        let mut wanted = Wanted::default();
        for client in engine.clients.ids() {
            let others = |flow: &Flow| {
                components.get(flow).is_some_and(|who| who.iter().any(|&other| other != client))
            };
            let mut flows = BTreeSet::new();
            if others(&Flow::WILDCARD) {
                flows.insert(Flow::WILDCARD);
            }
            for flow in components.keys() {
                let due = if flow.has_source() {
                    self.towards[&flow.source()] == Some(client)
                } else {
                    *flow != Flow::WILDCARD
                };
                if due && others(flow) {
                    flows.insert(*flow);
                }
            }
            wanted.insert(client, flows);
        }
        wanted
    }

    /// What a client is due to hear of the way from one state to the other,
    /// each alert as (flow, is it a JOIN).
    fn due(before: &BTreeSet<Flow>, after: &BTreeSet<Flow>) -> BTreeSet<(Flow, bool)> {
        let (was_wild, is_wild) =
            (before.contains(&Flow::WILDCARD), after.contains(&Flow::WILDCARD));
        let mut due = BTreeSet::new();
        for &flow in before.union(after) {
            let (was, is) = (before.contains(&flow), after.contains(&flow));
            let hidden = flow != Flow::WILDCARD && !flow.has_source();
            if hidden && (is_wild || (was_wild && !is)) {
                continue;
            }
            let again = hidden && was_wild && is;
            if was != is || again {
                due.insert((flow, is));
            }
        }
        due
    }
}

/// A step's alerts with TRUE are exactly those that the rules make due.
pub(super) fn check_alerts(
    engine: &Engine,
    naive: &mut Naive,
    step: &Step,
    heard: &[(ClientId, Flow, bool)],
) {
    let old_roles = std::mem::take(&mut naive.towards);
    let after = naive.compute(engine);
    let before = std::mem::replace(&mut naive.wanted, after.clone());
    let caller = match step {
        Step::Member { client, .. } | Step::IgmpLeft { client, .. } => Some(*client),
        Step::Other => None,
    };
    // Two acts in one, of which only the first is the caller's own.
    let owner_left = matches!(step, Step::IgmpLeft { owner_left: true, .. });
    for client in engine.clients.ids() {
        let nothing = BTreeSet::new();
        let is_new = !before.contains_key(&client);
        let after = &after[&client];
        // A newcomer is not sent what is old (1.7).
        let before = if is_new { after } else { before.get(&client).unwrap_or(&nothing) };
        if before == after && !is_new && heard.iter().all(|(to, ..)| *to != client) {
            continue;
        }
        let mut due = Naive::due(before, after);
        if caller == Some(client) {
            // Its own act is no news (4.1), unless it moves the role of 4.6.
            let left = matches!(step, Step::IgmpLeft { .. });
            due.retain(|(flow, _)| {
                let source = flow.source();
                left && flow.has_source()
                    && engine.sources.knows(source)
                    && old_roles.get(&source) != naive.towards.get(&source)
            });
        }
        let mine = heard.iter().filter(|(to, ..)| *to == client);
        let got: Vec<(Flow, bool)> = mine.map(|&(_, flow, is_join)| (flow, is_join)).collect();
        if !owner_left {
            let set: BTreeSet<_> = got.iter().copied().collect();
            assert_eq!(got.len(), set.len(), "{client:?} heard something twice: {got:?}");
            assert_eq!(set, due, "{client:?} heard (left) not what is due (right)");
        }
        if is_new && after.is_empty() {
            naive.told.insert(client, BTreeSet::new());
        }
        if caller == Some(client) && (owner_left || Naive::due(before, after) != due) {
            naive.told.remove(&client); // it knows by itself, this list does not
        }
        if let Some(told) = naive.told.get_mut(&client) {
            check_parity(told, &got, after);
        }
    }
    naive.told.retain(|client, _| engine.clients.get(*client).is_some());
}

/// For one who heard everything from the start: no JOIN of what it was told to
/// be wanted, no PRUNE of anything else, and in the end it knows what is true.
fn check_parity(told: &mut BTreeSet<Flow>, got: &[(Flow, bool)], wanted: &BTreeSet<Flow>) {
    for &(flow, is_join) in got {
        if is_join {
            assert!(told.insert(flow), "joined {flow} twice");
        } else {
            assert!(told.remove(&flow), "pruned {flow} without a join before it");
        }
        if flow == Flow::WILDCARD {
            told.retain(|&flow| flow.has_source() || (is_join && flow == Flow::WILDCARD));
        }
    }
    let hides = |flow: &&Flow| flow.has_source() || **flow == Flow::WILDCARD;
    if wanted.contains(&Flow::WILDCARD) {
        assert!(told.iter().eq(wanted.iter().filter(hides)));
    } else {
        assert_eq!(told, wanted);
    }
}

pub(super) fn check_state(engine: &Engine, naive: &Naive) {
    let mut members = BTreeSet::new();
    for (flow, entry) in &engine.memberships {
        assert!(!entry.owner.is_empty() || !entry.igmp.is_empty(), "{flow} is empty");
        for (igmp, set) in [(false, &entry.owner), (true, &entry.igmp)] {
            members.extend(set.iter().map(|id| (engine.interfaces.name(id), igmp, *flow)));
        }
    }
    assert_eq!(members, naive.members, "memberships (left) are not those joined (right)");

    let mut counts: BTreeMap<ClientId, usize> = BTreeMap::new();
    for (id, slot) in engine.interfaces.iter() {
        assert!(slot.master().is_some(), "nobody has {}", slot.interface);
        assert_eq!(engine.interfaces.find(slot.interface), Some(id));
        assert!(slot.disabling.is_none() || slot.igmp.is_some());
        assert!(slot.owner == slot.claim || slot.disabling.is_some());
        for client in [slot.claim, slot.igmp].into_iter().flatten() {
            *counts.entry(client).or_default() += 1;
        }
        for client in [slot.owner, slot.claim, slot.igmp].into_iter().flatten() {
            assert!(engine.client_key(client).is_some(), "{} is a ghost's", slot.interface);
        }
    }
    for client in engine.clients.ids() {
        let has = engine.clients.get(client).map_or(0, |record| record.interfaces);
        assert_eq!(has, counts.get(&client).copied().unwrap_or(0));
    }

    let mut references: BTreeMap<Ipv4Addr, u32> = BTreeMap::new();
    // A renewal or rerouting lives on its MFE's reference.
    let new = engine.resolutions.keys().filter(|flow| !engine.mfes.contains_key(flow));
    let flows = engine.memberships.keys().chain(engine.mfes.keys()).chain(new);
    for flow in flows.filter(|flow| flow.has_source()) {
        *references.entry(flow.source()).or_default() += 1;
    }
    assert_eq!(engine.known_sources(), references.keys().copied().collect::<Vec<_>>());
    for (&source, &count) in &references {
        assert_eq!(engine.sources.references(source), count, "references to {source}");
    }

    for (&flow, mfe) in &engine.mfes {
        assert!(flow.has_source() && !flow.is_link_local());
        assert!(engine.interfaces.master(mfe.iif).is_some(), "nobody has the iif of {flow}");
        assert!(!mfe.oifs.contains(mfe.iif), "the iif of {flow} is an oif");
        let iif = engine.interfaces.name(mfe.iif);
        assert!(!naive.is_bounded(flow.group(), iif), "{flow} comes in by a boundary");
        let mut oifs: Vec<_> = mfe.oifs.iter().map(|id| engine.interfaces.name(id)).collect();
        oifs.sort_unstable();
        assert_eq!(oifs, naive.oifs(flow, iif), "oifs of {flow}");
    }
    assert!(engine.resolutions.keys().all(|flow| flow.has_source() && !flow.is_link_local()));
}
