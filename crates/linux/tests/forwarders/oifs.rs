//! The counters of the ebpf forwarder for each oif.

use super::ebpf::on_both;
use super::*;
use mgm_types::{OifCounters, OifsCounters};
use std::collections::BTreeMap;
use std::time::Instant;

impl<const N: usize> Router<N> {
    pub fn oifs(&mut self) -> OifsCounters {
        let mut counters = OifsCounters::default();
        assert!(self.forwarder.oif_counters(flow(), &mut counters));
        counters
    }

    /// The counters of the oif at a wire.
    pub fn oif(&mut self, wire: usize) -> OifCounters {
        let interface = Interface::link(self.wires[wire].router);
        let all = self.oifs().oifs;
        *all.iter().find(|oif| oif.interface == interface).expect("it is no oif")
    }
}

#[test]
fn t6_7_each_oif_has_exact_counters_that_outlive_changes() {
    on_both(|kind| {
        let mut router = Router::<5>::new(kind);
        router.install(0, &[(1, 1), (2, 20)]);
        for _ in 0..3 {
            router.packet(0, 10);
            router.assert_out(1, 9);
        }
        assert_eq!((router.oif(1).packets, router.oif(1).ttl_too_low), (3, 0));
        assert_eq!((router.oif(2).packets, router.oif(2).ttl_too_low), (0, 3));

        // One more oif is added in place, and another threshold as well.
        router.install(0, &[(1, 1), (2, 1), (3, 1)]);
        router.packet(0, 10);
        router.assert_out(3, 9);
        assert_eq!([1, 2, 3].map(|wire| router.oif(wire).packets), [4, 1, 1]);

        // One leaves: the others get a new list.
        router.install(0, &[(3, 1), (4, 1), (2, 1)]);
        router.packet(0, 10);
        router.assert_out(4, 9);
        assert_eq!([2, 3, 4].map(|wire| router.oif(wire).packets), [2, 2, 1]);
        assert_eq!(router.oifs().sent_by_former, 4);

        router.install(0, &[]);
        router.packet(0, 10);
        router.packet(0, 10);
        let end = Instant::now() + SURE;
        while router.oifs().negative < 2 && Instant::now() < end {}
        assert_eq!((router.oifs().negative, router.oifs().sent_by_former), (2, 9));
        router.install(0, &[(1, 1)]);
        router.packet(0, 10);
        assert_eq!(router.wires[1].receive(SURE).map(|seen| seen.ttl), Some(9));
        std::thread::sleep(NEVER); // for the grace period
                                   // It goes on counting.
        assert_eq!((router.oif(1).packets, router.oifs().sent_by_former), (5, 5));
        let counters = router.forwarder.counters(flow()).unwrap().unwrap();
        assert_eq!((counters.packets, counters.octets, counters.wrong_if), (8, 8 * 32, 0));
    });
}

/// What a flow's entry must have counted.
#[derive(Clone, Debug, Default)]
struct Expected {
    iif: usize,
    /// Thresholds by wire.
    oifs: BTreeMap<usize, u8>,
    packets: u64,
    wrong_if: u64,
    negative: u64,
    /// Packets sent and those with too low a TTL, by wire: also of former oifs.
    counts: BTreeMap<usize, (u64, u64)>,
}

impl Expected {
    fn change(&mut self, iif: usize, oifs: BTreeMap<usize, u8>) {
        (self.iif, self.oifs) = (iif, oifs);
    }

    /// What the forwarder must show.
    fn shown(&self) -> Shown {
        let count = |wire: &usize| self.counts.get(wire).copied().unwrap_or_default();
        let gone = self.counts.iter().filter(|(wire, _)| !self.oifs.contains_key(wire));
        let sent = gone.map(|(_, (sent, _))| sent).sum();
        let counts = self.oifs.keys().map(|wire| (*wire, count(wire))).collect();
        (self.packets, self.wrong_if, self.negative, counts, sent)
    }

    fn packet(&mut self, wire: usize, ttl: u8) {
        if wire != self.iif {
            self.wrong_if += 1;
            return;
        }
        self.packets += 1;
        self.negative += u64::from(self.oifs.is_empty());
        for (oif, threshold) in &self.oifs {
            let count = self.counts.entry(*oif).or_default();
            if ttl > 1 && ttl > *threshold {
                count.0 += 1;
            } else {
                count.1 += 1;
            }
        }
    }
}

/// What the forwarder shows of a flow: packets, those on a wrong interface, those without an oif, the
/// counts of the oifs by wire, and what former oifs have sent.
type Shown = (u64, u64, u64, BTreeMap<usize, (u64, u64)>, u64);

const WIRES: usize = 6;

fn shown(router: &mut Router<WIRES>, flow: Flow) -> Shown {
    let mut oifs = OifsCounters::default();
    let counters = router.forwarder.counters(flow).unwrap().unwrap();
    assert!(router.forwarder.oif_counters(flow, &mut oifs));
    let by_wire = oifs.oifs.iter().map(|oif| {
        assert_eq!((oif.too_large, oif.discards), (0, 0));
        let index = oif.interface.index;
        let wire = router.wires.iter().position(|wire| wire.router == index).unwrap();
        (wire, (oif.packets, oif.ttl_too_low))
    });
    let counts = by_wire.collect();
    (counters.packets, counters.wrong_if, oifs.negative, counts, oifs.sent_by_former)
}

/// Random numbers, the same in each run.
struct Random(u32);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % bound
    }

    /// Oifs with their thresholds, by wire.
    fn oifs(&mut self, iif: usize) -> BTreeMap<usize, u8> {
        let chosen = self.below(1 << WIRES);
        let wires = (0..WIRES).filter(|wire| *wire != iif && chosen >> wire & 1 == 1);
        wires.map(|wire| (wire, self.below(20) as u8)).collect()
    }
}

#[test]
fn t6_7_counters_are_exact_through_random_changes() {
    on_both(|kind| {
        let mut router = Router::<WIRES>::new(kind);
        let mut expected: BTreeMap<u8, Expected> = BTreeMap::new();
        let mut random = Random(7);
        for step in 0..600 {
            let last = random.below(3) as u8;
            let group = [239, 1, 1, last];
            let flow = Flow::new(SOURCE.into(), group.into());
            match random.below(10) {
                0 => {
                    router.forwarder.remove(flow).unwrap();
                    expected.remove(&last);
                }
                1..=3 => {
                    let iif = random.below(WIRES);
                    let oifs = random.oifs(iif);
                    let list: Vec<(IfId, u8)> =
                        oifs.iter().map(|(wire, ttl)| (IfId(*wire as u16), *ttl)).collect();
                    let entry = ForwarderEntry { flow, iif: IfId(iif as u16), oifs: &list };
                    router.forwarder.install(&entry).unwrap();
                    expected.entry(last).or_default().change(iif, oifs);
                }
                _ => {
                    // Without an entry it would wait for one.
                    let Some(entry) = expected.get_mut(&last) else { continue };
                    let (wire, ttl) = (random.below(WIRES), random.below(30) as u8 + 1);
                    router.wires[wire].send(SOURCE, group, ttl);
                    entry.packet(wire, ttl);
                }
            }
            let Some(entry) = expected.get(&last) else {
                assert_eq!(router.forwarder.counters(flow), Ok(None), "step {step}");
                continue;
            };
            let end = Instant::now() + SURE;
            let wanted = entry.shown();
            while shown(&mut router, flow) != wanted && Instant::now() < end {}
            assert_eq!(shown(&mut router, flow), wanted, "step {step}");
            let counters = router.forwarder.counters(flow).unwrap().unwrap();
            assert_eq!(counters.octets, 32 * entry.packets);
        }
    });
}

#[test]
fn counters_can_be_read_while_new_flows_arrive() {
    on_both(|kind| {
        let mut router = Router::<3>::new(kind);
        router.install(0, &[(1, 1)]);
        let end = Instant::now() + SURE / 5;
        std::thread::scope(|scope| {
            let wires = &router.wires;
            scope.spawn(move || {
                let mut random = Random(3);
                while Instant::now() < end {
                    // The interface of an upcall is looked up when it changes.
                    for wire in [&wires[1], &wires[2]] {
                        let [a, b] = [random.below(256) as u8, random.below(256) as u8];
                        wire.send(SOURCE, [239, 9, a, b], 64);
                    }
                }
            });
            let mut counters = OifsCounters::default();
            while Instant::now() < end {
                assert!(router.forwarder.oif_counters(flow(), &mut counters));
            }
        });
        assert!(router.upcalls.try_recv().is_ok(), "no flow has arrived");
    });
}
