//! Makes the forwarder's entries match the engine's MFEs.

use super::counters::Installs;
use crate::engine::{Engine, WantedEntry};
use crate::forwarder::{Forwarder, ForwarderEntry};
use crate::types::{Flow, Headroom, IfId, Refusal, Result};
use foldhash::fast::RandomState;
use std::collections::{BTreeSet, HashSet};

/// Changes that the forwarder has not made yet.
#[derive(Debug, Default)]
pub(super) struct Installer {
    /// Flows whose entry does not match the engine's state.
    unsynced: BTreeSet<Flow>,
    /// Those of them whose entry may belong to a former MFE. A replaced entry would keep its
    /// counters, and the new MFE would seem to have forwarded these packets.
    stale: BTreeSet<Flow>,
    /// The memory for the nodes of both sets.
    headroom: Headroom,
    /// There was no memory to note some flow: the next retry updates the entries of all MFEs and
    /// of all refused flows.
    all: bool,
    /// Flows with an entry for a refused flow, which also keeps its counters.
    refusals: HashSet<Flow, RandomState>,
    counters: Installs,
    oifs: Vec<(IfId, u8)>,
}

/// The most memory that a flow needs in a set.
const NODE_BYTES: usize = 64;

impl Installer {
    /// Updates the entries of these flows.
    pub fn follow(
        &mut self,
        forwarder: &mut dyn Forwarder,
        engine: &mut Engine,
        flows: impl Iterator<Item = Flow>,
    ) {
        for flow in flows {
            if let Err(refusal) = self.sync(forwarder, engine, flow) {
                ::log::error!("{}", outdated(forwarder, flow, &refusal));
                self.counters.errors += 1;
            }
        }
    }

    /// Retries refused changes.
    pub fn try_again(&mut self, forwarder: &mut dyn Forwarder, engine: &mut Engine) {
        self.counters.retries += self.unsynced.len() as u64;
        for flow in std::mem::take(&mut self.unsynced) {
            // This was logged already.
            let _ = self.sync(forwarder, engine, flow);
        }
        if std::mem::take(&mut self.all) {
            let mut last = None;
            loop {
                let next = engine.mfe_flows(last).next();
                let Some(flow) = next else { break };
                let _ = self.sync(forwarder, engine, flow);
                last = next;
            }
            self.follow_refusals(forwarder, engine);
        }
    }

    /// Updates all entries of refused flows, because some of these flows may no longer be refused.
    fn follow_refusals(&mut self, forwarder: &mut dyn Forwarder, engine: &mut Engine) {
        let mut flows = Vec::new();
        if flows.try_reserve_exact(self.refusals.len()).is_err() {
            self.all = true; // later
            return;
        }
        flows.extend(self.refusals.iter().copied());
        for flow in flows {
            let _ = self.sync(forwarder, engine, flow);
        }
    }

    /// How many entries wait for a retry.
    #[inline]
    pub fn waiting(&self) -> usize {
        self.unsynced.len() + usize::from(self.all)
    }

    /// Whether the entry of a flow waits for a retry.
    pub fn is_waiting(&self, flow: Flow) -> bool {
        self.all || self.unsynced.contains(&flow)
    }

    /// The counts of installations so far.
    pub fn counters(&self) -> Installs {
        self.counters
    }

    /// Whether the forwarder's entry of a flow, with its counters, still belongs to a former MFE.
    pub fn is_stale(&self, flow: Flow) -> bool {
        self.stale.contains(&flow) || !self.refusals.is_empty() && self.refusals.contains(&flow)
    }

    /// Notes that the forwarder no longer has an entry of a flow.
    fn is_gone(&mut self, flow: Flow) {
        self.stale.remove(&flow);
        if !self.refusals.is_empty() {
            self.refusals.remove(&flow);
            if self.refusals.is_empty() {
                self.refusals = HashSet::default(); // frees the memory
            }
        }
    }

    /// Updates the forwarder's entry of one flow.
    fn sync(
        &mut self,
        forwarder: &mut dyn Forwarder,
        engine: &mut Engine,
        flow: Flow,
    ) -> Result<()> {
        let (wanted, is_turning) = engine.next_entry(flow, &mut self.oifs);
        let result = match wanted {
            WantedEntry::Mfe(iif) if !self.is_stale(flow) => {
                if is_turning {
                    // Read the counters before the MFE gets its first oif or loses its last one,
                    // for ulNegativeMfe (spec 6.7). If they cannot be read, the packets until now
                    // will be counted as if they arrived after the change.
                    if let Ok(Some(counters)) = forwarder.counters(flow) {
                        engine.counted(flow, counters);
                    }
                }
                forwarder.install(&ForwarderEntry { flow, iif, oifs: &self.oifs })
            }
            WantedEntry::Mfe(iif) => forwarder.remove(flow).and_then(|()| {
                self.is_gone(flow);
                forwarder.install(&ForwarderEntry { flow, iif, oifs: &self.oifs })
            }),
            WantedEntry::Refusal(iif) => {
                // Note the flow before the call: whether or not it succeeds, packets that are
                // counted from now on must not count for a later MFE. Without memory for the
                // note, the flow gets no entry.
                self.refusals.try_reserve(1)?;
                self.refusals.insert(flow);
                forwarder.install(&ForwarderEntry { flow, iif, oifs: &[] })
            }
            WantedEntry::Nothing => match forwarder.remove(flow) {
                Ok(()) => {
                    self.is_gone(flow);
                    Ok(())
                }
                Err(refusal) => {
                    if self.headroom.take(NODE_BYTES).is_ok() {
                        self.stale.insert(flow);
                    } else {
                        ::log::error!("{}", undeleted(forwarder, flow));
                    }
                    Err(refusal)
                }
            },
        };
        if is_turning && result.is_ok() {
            engine.turned(flow);
        }
        if result.is_err() {
            if self.headroom.take(NODE_BYTES).is_ok() {
                self.unsynced.insert(flow);
            } else {
                self.all = true;
            }
        } else if !self.unsynced.is_empty() {
            self.unsynced.remove(&flow);
        }
        result
    }
}

fn outdated(forwarder: &dyn Forwarder, flow: Flow, refusal: &Refusal) -> String {
    let name = forwarder.name();
    format!("the entry of {flow} in the {name} forwarder is not up to date, retrying: {refusal}")
}

fn undeleted(forwarder: &dyn Forwarder, flow: Flow) -> String {
    let name = forwarder.name();
    format!(
        "out of memory: the {name} forwarder may keep forwarding {flow} until the library stops"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{ClientId, Config, Effects, NoticeKinds, Outcome, Packet};
    use crate::forwarder::Counters;
    use crate::types::{Domain, Interface, Route, RouteOrigin, Time};
    use std::collections::BTreeMap;

    /// Counters by flow, kept by a replaced entry as Linux does; and calls that fail.
    #[derive(Default)]
    struct Fake {
        entries: BTreeMap<Flow, u64>,
        failing: usize,
    }

    impl Fake {
        fn call(&mut self) -> Result<()> {
            if self.failing == 0 {
                return Ok(());
            }
            self.failing -= 1;
            Err(Refusal::Forwarder("on purpose".into()))
        }
    }

    impl Forwarder for Fake {
        fn name(&self) -> &'static str {
            "fake"
        }
        fn needs_entries(&self) -> bool {
            true
        }
        fn add_interface(&mut self, _: IfId, _: Interface) -> Result<()> {
            Ok(())
        }
        fn remove_interface(&mut self, _: IfId) {}
        fn install(&mut self, entry: &ForwarderEntry<'_>) -> Result<()> {
            self.call()?;
            self.entries.entry(entry.flow).or_insert(0);
            Ok(())
        }
        fn remove(&mut self, flow: Flow) -> Result<()> {
            self.call()?;
            self.entries.remove(&flow);
            Ok(())
        }
        fn counters(&mut self, flow: Flow) -> Result<Option<Counters>> {
            let packets = self.entries.get(&flow);
            Ok(packets.map(|&packets| Counters { packets, ..Counters::default() }))
        }
    }

    fn flow() -> Flow {
        Flow::new([10, 1, 0, 9].into(), [239, 1, 2, 3].into())
    }

    /// An engine with one interface, and what makes the MFE of `flow` in it.
    fn engine() -> (Engine, ClientId) {
        let mut engine = Engine::new(Config::default());
        let client = engine.register(200, 1, NoticeKinds::default()).unwrap();
        let (id, _) =
            engine.prepare_take(client, Interface::link(1), &mut Effects::default()).unwrap();
        engine.take(client, id, true, &mut Effects::default());
        (engine, client)
    }

    fn make_mfe(engine: &mut Engine) {
        let route = Route { origin: RouteOrigin::Connected, if_index: 1, ..Route::NONE };
        let arrival = Interface::link(1);
        let packet = Packet { flow: flow(), arrival, header: &[], length: 0, ttl: 64 };
        let outcome = engine.no_entry(Time(0), &packet, Some(&route), &mut Effects::default());
        assert_eq!(outcome, Outcome::Resolving);
        assert!(engine.forwarding(flow(), &mut Vec::new()).is_some(), "nobody is to be asked");
    }

    #[test]
    fn t6_7_an_mfe_that_is_made_again_counts_from_zero() {
        let (mut engine, client) = engine();
        let (mut installer, mut fake) = (Installer::default(), Fake::default());
        make_mfe(&mut engine);
        installer.follow(&mut fake, &mut engine, [flow()].into_iter());
        fake.entries.insert(flow(), 1000);

        fake.failing = 1;
        engine.release(client, Interface::link(1), true, &mut Effects::default()).unwrap();
        installer.follow(&mut fake, &mut engine, [flow()].into_iter());
        assert!(installer.is_stale(flow()) && installer.waiting() == 1);
        let (id, _) =
            engine.prepare_take(client, Interface::link(1), &mut Effects::default()).unwrap();
        engine.take(client, id, true, &mut Effects::default());
        make_mfe(&mut engine);

        fake.failing = 1;
        installer.follow(&mut fake, &mut engine, [flow()].into_iter());
        assert!(installer.is_stale(flow()), "what it has is of the former one still");
        installer.try_again(&mut fake, &mut engine);
        assert_eq!(fake.entries, [(flow(), 0)].into());
        assert!(!installer.is_stale(flow()) && installer.waiting() == 0);

        fake.entries.insert(flow(), 7);
        installer.follow(&mut fake, &mut engine, [flow()].into_iter());
        assert_eq!(fake.entries, [(flow(), 7)].into(), "a mere change goes on counting");
    }

    #[test]
    fn t5_1_the_entry_of_a_refused_flow_goes_before_that_of_an_mfe() {
        let (mut engine, _) = engine();
        let (mut installer, mut fake) = (Installer::default(), Fake::default());
        let arrival = Interface::link(1);
        let packet = Packet { flow: flow(), arrival, header: &[], length: 0, ttl: 64 };
        let mut fx = Effects::default();
        engine.no_entry(Time(0), &packet, Some(&Route::NONE), &mut fx);
        installer.follow(&mut fake, &mut engine, fx.dirty.drain(..));
        assert_eq!(fake.entries, [(flow(), 0)].into(), "it has an entry");
        fake.entries.insert(flow(), 1000); // which drops what comes in
        assert!(installer.is_stale(flow()), "and counts for no MFE");

        let route = Route { origin: RouteOrigin::Connected, if_index: 1, ..Route::NONE };
        let mut fx = Effects::default();
        engine.update_routes(&[(flow().source(), Domain::MAIN, route)], &mut fx).unwrap();
        let (client, rpf) = fx.take_notices().pop().expect("a question");
        engine.answer(Time(0), client, &rpf, |_| Ok(None), &mut fx);
        fake.failing = fx.dirty.len();
        installer.follow(&mut fake, &mut engine, fx.dirty.drain(..));
        assert!(installer.is_stale(flow()), "it is the former one still");
        installer.try_again(&mut fake, &mut engine);
        assert_eq!(fake.entries, [(flow(), 0)].into());
        assert!(!installer.is_stale(flow()));

        // Without an MFE it goes after 10 s.
        let other = Flow::new([10, 1, 0, 8].into(), [239, 1, 2, 3].into());
        let packet = Packet { flow: other, ..packet };
        let mut fx = Effects::default();
        engine.no_entry(Time(0), &packet, Some(&Route::NONE), &mut fx);
        engine.tick(Time(10_000), 9, |_| Ok(None), &mut fx);
        installer.follow(&mut fake, &mut engine, fx.dirty.drain(..));
        assert!(!fake.entries.contains_key(&other) && !installer.is_stale(other));
    }

    #[test]
    fn t0_9_the_entry_of_a_refused_flow_goes_though_there_was_no_memory_to_note_that_it_is_to() {
        let (mut engine, _) = engine();
        let (mut installer, mut fake) = (Installer::default(), Fake::default());
        let packet =
            Packet { flow: flow(), arrival: Interface::link(1), header: &[], length: 0, ttl: 64 };
        let mut fx = Effects::default();
        engine.no_entry(Time(0), &packet, Some(&Route::NONE), &mut fx);
        installer.follow(&mut fake, &mut engine, fx.dirty.drain(..));
        assert!(fake.entries.contains_key(&flow()));
        fake.failing = 1;
        engine.tick(Time(10_000), 9, |_| Ok(None), &mut fx);
        installer.follow(&mut fake, &mut engine, fx.dirty.drain(..));
        // What is left of that without memory.
        installer.unsynced.clear();
        installer.stale.clear();
        installer.all = true;
        installer.try_again(&mut fake, &mut engine);
        assert!(fake.entries.is_empty() && !installer.is_stale(flow()));
        assert_eq!(installer.waiting(), 0);
    }

    #[test]
    fn what_is_refused_is_tried_again_until_it_is_done() {
        let (mut engine, _) = engine();
        let (mut installer, mut fake) = (Installer::default(), Fake::default());
        make_mfe(&mut engine);
        fake.failing = 3;
        installer.follow(&mut fake, &mut engine, [flow()].into_iter());
        for _ in 0..2 {
            installer.try_again(&mut fake, &mut engine);
            assert_eq!((installer.waiting(), fake.entries.len()), (1, 0));
        }
        installer.try_again(&mut fake, &mut engine);
        assert_eq!((installer.waiting(), fake.entries.len()), (0, 1));
        assert_eq!(installer.counters(), Installs { errors: 1, retries: 3 });
    }
    #[test]
    fn messages_name_the_forwarder() {
        let fake = Fake::default();
        let refusal = Refusal::Forwarder("on purpose".into());
        let text = outdated(&fake, flow(), &refusal);
        let expected = "the entry of (10.1.0.9, 239.1.2.3) in the fake forwarder is not up to date";
        assert!(text.starts_with(expected) && text.ends_with("retrying: on purpose"), "{text}");
        assert!(undeleted(&fake, flow()).contains("the fake forwarder may keep forwarding"));
    }
}
