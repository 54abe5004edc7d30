//! Compares all tables that are small.

use crate::drive::{number, Checked, Drive};
use crate::spec::{Client, Mfe, Model, Place, Purpose};
use crate::steps::{GROUPS, INTERFACES, SOURCES};
use mgm_engine::{
    ClientRow, Effects, Engine, EnumKind, InterfaceRow, MfeRow, OifRow, Refused, Sizes, WantedEntry,
};
use mgm_types::{Flow, IfId, Interface, Prefix, Result};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Larger tables are not compared.
const SMALL: usize = 200;

/// A forwarder that has exactly the entries that the engine's effects have asked for.
pub struct Mirror {
    names: Vec<Interface>,
    entries: BTreeMap<Flow, (Interface, Vec<(Interface, u8)>)>,
    /// The interface in the entry of each refused flow.
    refused: BTreeMap<Flow, Interface>,
    /// The packets of each entry, if the forwarder counts them instead of the engine.
    counts: Option<BTreeMap<Flow, u64>>,
}

impl Mirror {
    pub fn new(kernel: bool) -> Mirror {
        let counts = kernel.then(BTreeMap::new);
        Mirror { names: Vec::new(), entries: BTreeMap::new(), refused: BTreeMap::new(), counts }
    }

    pub fn is_kernel(&self) -> bool {
        self.counts.is_some()
    }

    /// The interface from which packets of a flow are forwarded.
    pub fn iif(&self, flow: Flow) -> Option<Interface> {
        self.entries.get(&flow).map(|(iif, _)| *iif)
    }

    /// The interface in the entry of a refused flow.
    pub fn refused_at(&self, flow: Flow) -> Option<Interface> {
        self.refused.get(&flow).copied()
    }

    /// A packet arrives on this interface.
    pub fn count(&mut self, flow: Flow) {
        if let Some(counts) = &mut self.counts {
            *counts.entry(flow).or_default() += 1;
        }
    }

    /// The count that the engine gets if it asks now.
    pub fn counted(&self) -> impl Fn(Flow) -> Result<Option<u64>> {
        let counts = self.counts.clone();
        move |flow| Ok(counts.as_ref().map(|counts| counts.get(&flow).copied().unwrap_or(0)))
    }

    /// The number of an interface.
    pub fn name(&mut self, id: IfId, interface: Interface) {
        let at = number(id);
        if self.names.len() <= at {
            self.names.resize(at + 1, Interface::NONE);
        }
        self.names[at] = interface;
    }

    fn name_of(&self, id: IfId) -> Interface {
        self.names.get(number(id)).copied().unwrap_or(Interface::NONE)
    }

    /// Carries out the effects of an engine call on the forwarder.
    pub fn follow(&mut self, engine: &Engine, fx: &mut Effects, model: &mut Model) -> Checked {
        let mut oifs = Vec::new();
        for flow in fx.dirty.drain(..) {
            self.refused.remove(&flow);
            let wanted = engine.entry(flow, &mut oifs);
            if let WantedEntry::Refusal(iif) = wanted {
                self.refused.insert(flow, self.name_of(iif));
            }
            match wanted {
                WantedEntry::Mfe(iif) => {
                    let mut names: Vec<_> =
                        oifs.iter().map(|(id, ttl)| (self.name_of(*id), *ttl)).collect();
                    names.sort_unstable();
                    self.entries.insert(flow, (self.name_of(iif), names));
                }
                WantedEntry::Refusal(_) | WantedEntry::Nothing => {
                    self.entries.remove(&flow);
                    self.counts.as_mut().and_then(|counts| counts.remove(&flow));
                }
            }
        }
        let detached = fx.detached.drain(..).map(|id| self.name_of(id)).collect();
        same_set("interfaces that are served no more", detached, &mut model.detached)?;
        let resolved = fx.resolved.drain(..).collect();
        same_set("flows that are resolved", resolved, &mut model.resolved)?;
        let again = fx.again.drain(..).collect();
        same_set("flows that had another packet", again, &mut model.again)
    }
}

fn same_set<T: Ord + Debug>(what: &str, mut engine: Vec<T>, model: &mut Vec<T>) -> Checked {
    let mut model = std::mem::take(model);
    engine.sort_unstable();
    model.sort_unstable();
    equal(what, &engine, &model)
}

fn equal<T: PartialEq + Debug>(what: impl AsRef<str>, engine: T, model: T) -> Checked {
    if engine == model {
        return Ok(());
    }
    Err(format!("{}:\n  engine {engine:?}\n  model  {model:?}", what.as_ref()))
}

/// Compares everything that functions of the engine return.
pub fn compare(drive: &Drive) -> Checked {
    let Drive { engine, model, mirror, .. } = drive;
    if model.members.len() > SMALL || model.mfes.len() > SMALL {
        return Ok(());
    }
    for name in INTERFACES {
        let owner = engine.protocol_on(name).map_err(|refusal| refusal.code());
        equal(format!("who has {name}"), owner, model.protocol_on(name))?;
        let is_there = model.place(name).is_some();
        equal(
            format!("whether {name} has a number"),
            engine.interface_number(name).is_some(),
            is_there,
        )?;
    }
    let mut absent: Vec<_> = engine.absent_interfaces().into_iter().map(|(_, name)| name).collect();
    absent.sort_unstable();
    let mut away: Vec<_> =
        model.places.iter().filter(|place| place.absent).map(|place| place.name).collect();
    away.sort_unstable();
    equal("interfaces that are away", &absent, &away)?;
    for client in &model.clients {
        let ids = Some((client.protocol, client.component));
        equal("a client's ids", engine.client_key(client.id), ids)?;
    }
    for why in Refused::ALL {
        let count = model.refused.iter().filter(|other| **other == why).count() as u64;
        equal(format!("packets refused because of {why:?}"), engine.refused(why), count)?;
    }
    let rates: Vec<_> =
        model.rates.iter().map(|rate| (rate.index, rate.limit, rate.refused)).collect();
    equal("the limits of new flows", engine.flow_rates().collect::<Vec<_>>(), rates)?;
    listing(engine, model)?;
    let mut sources = Vec::new();
    engine.sources_within(&[Prefix::ALL], None, usize::MAX, &mut sources);
    equal("sources referred to", sources, model.sources())?;
    let is_late = model.next_late.is_some();
    equal("whether flows are to follow their routes", engine.has_reroutes(), is_late)?;
    enumerations(engine, model)?;
    for group in GROUPS {
        for source in SOURCES {
            let flow = Flow::new(source, group);
            let is_resolving = model.asking(flow).is_some() && model.mfe(flow).is_none();
            equal(
                format!("whether {flow} is being resolved"),
                engine.is_resolving(flow),
                is_resolving,
            )?;
        }
    }
    mfes(engine, model, mirror)
}

/// Compares what the status shows, which is nearly everything.
fn listing(engine: &Engine, model: &Model) -> Checked {
    let has = |client: &Client| {
        let is_its = |place: &&Place| [place.claim, place.igmp].contains(&Some(client.id));
        model.places.iter().filter(is_its).count()
    };
    let clients: Vec<_> = model
        .clients
        .iter()
        .map(|client| ClientRow {
            id: client.id,
            protocol: client.protocol,
            component: client.component,
            is_igmp: client.is_igmp(),
            interfaces: has(client),
        })
        .collect();
    equal("the clients", engine.clients().collect(), clients)?;

    let mut interfaces: Vec<_> = model
        .places
        .iter()
        .map(|place| InterfaceRow {
            interface: place.name,
            owner: place.claim,
            igmp: place.igmp,
            is_changing: place.owner != place.claim,
            is_absent: place.absent,
        })
        .collect();
    interfaces.sort_by_key(|row| row.interface);
    equal("the interfaces", engine.interfaces().collect(), interfaces)?;

    let mut members: Vec<_> = engine
        .memberships(Flow::WILDCARD)
        .flat_map(|row| {
            let of = |igmp, places: Vec<Interface>| {
                places.into_iter().map(move |place| (row.flow, igmp, place))
            };
            of(false, row.owner).chain(of(true, row.igmp))
        })
        .collect();
    members.sort_unstable();
    let mut wanted: Vec<_> =
        model.members.iter().map(|member| (member.flow, member.igmp, member.place)).collect();
    wanted.sort_unstable();
    equal("the memberships", members, wanted)?;

    let sizes = Sizes {
        clients: model.clients.len(),
        interfaces: model.places.len(),
        memberships: model.wanted_flows().len(),
        mfes: model.mfes.len(),
        resolving: model.asking.len(),
        refused_flows: model.refusals.len(),
    };
    equal("how much there is", engine.sizes(), sizes)?;
    let creating = model.asking.iter().filter(|asking| asking.purpose == Purpose::Create);
    let begun = model.mfes.len() + creating.count();
    equal("how many flows packets have begun", engine.begun_flows(), begun)
}

fn enumerations(engine: &Engine, model: &Model) -> Checked {
    for kind in [EnumKind::AllSources, EnumKind::AnySource] {
        let mut last = None;
        loop {
            let next = engine.groups(kind, last).next();
            equal(
                format!("the {kind:?} entry after {last:?}"),
                next,
                model.next_group(kind, last),
            )?;
            if next.is_none() {
                break;
            }
            last = next;
        }
        // From a flow that has no entry, or no longer (spec 7.3).
        let gone = Some(Flow::any_source(GROUPS[1]));
        equal(
            "an entry after one that is gone",
            engine.groups(kind, gone).next(),
            model.next_group(kind, gone),
        )?;
    }
    Ok(())
}

/// What the retrieval functions must return about an MFE (spec 6.7, 6.8).
fn row(model: &Model, mfe: &Mfe) -> MfeRow {
    let protocol = model.master(mfe.iif).and_then(|client| model.client(client));
    let mut oifs: Vec<_> = mfe
        .oifs
        .iter()
        .map(|oif| OifRow {
            too_large: 0,
            discards: 0,
            interface: oif.name,
            packets: oif.packets,
            ttl_too_low: oif.ttl_too_low,
        })
        .collect();
    oifs.sort_by_key(|oif| oif.interface);
    MfeRow {
        flow: mfe.flow,
        upstream: mfe.upstream,
        iif: mfe.iif,
        iif_protocol: protocol.map_or(0, |client| client.protocol),
        route: model.route(mfe.flow),
        up_ms: model.now.0 - mfe.born.0,
        timeout: mfe.timeout,
        oifs,
        packets: mfe.packets,
        octets: mfe.octets,
        wrong_if: mfe.wrong_if,
        negative: mfe.negative,
        sent: mfe.sent,
    }
}

fn mfes(engine: &Engine, model: &Model, mirror: &Mirror) -> Checked {
    let mut due: Vec<_> = model.mfes.iter().map(|mfe| row(model, mfe)).collect();
    due.sort_by_key(|row| row.flow);
    equal("how many MFEs there are", engine.mfe_count(), due.len())?;

    let in_order = |row: &MfeRow| {
        let mut row = row.clone();
        row.oifs.sort_by_key(|oif| oif.interface);
        row
    };
    let mut shown = Vec::new();
    let mut buffer = MfeRow::default();
    engine.walk_mfes(model.now, None, &mut buffer, |row| {
        shown.push(in_order(row));
        true
    });
    equal("the MFEs", &shown, &due)?;

    // One at a time, also from a flow without an MFE (spec 6.4, 6.5).
    for group in GROUPS {
        for source in SOURCES {
            let flow = Flow::new(source, group);
            let found = engine.read_mfe(model.now, flow, &mut buffer).then(|| in_order(&buffer));
            equal(format!("MFE {flow}"), found, due.iter().find(|row| row.flow == flow).cloned())?;
            let mut next = None;
            engine.walk_mfes(model.now, Some(flow), &mut buffer, |row| {
                next = Some(row.flow);
                false
            });
            let after = due.iter().map(|row| row.flow).find(|other| *other > flow);
            equal(format!("the MFE after {flow}"), next, after)?;
        }
    }

    let with_ttl = |oif: &OifRow| (oif.interface, model.threshold(oif.interface));
    let entries: BTreeMap<_, _> = due
        .iter()
        .map(|row| (row.flow, (row.iif, row.oifs.iter().map(with_ttl).collect())))
        .collect();
    equal("the forwarder's entries", &mirror.entries, &entries)?;

    let refused = model.refusals.iter().filter(|refusal| refusal.first.by_kernel);
    let refused: BTreeMap<_, _> =
        refused.map(|refusal| (refusal.flow, refusal.first.arrival)).collect();
    equal("the entries of refused flows", &mirror.refused, &refused)
}
