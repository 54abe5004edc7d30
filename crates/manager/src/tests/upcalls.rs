//! The kernel's upcalls, without a kernel.

use super::super::incoming_events::EventSink;
use super::*;
use crate::forwarder::{Counters, Forwarder, ForwarderEntry, Upcall, UpcallKind, UpcallSink};
use crate::route_view::RouteView;
use crate::types::{Domain, IfId, Result, Scope};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;

/// Interface 1 is in a domain of its own, the only one with a route to the source.
struct TwoDomains;

impl RouteView for TwoDomains {
    fn lookup(&self, _: Ipv4Addr, domain: Domain) -> Option<Route> {
        Some(if domain == Domain(7) { source_route(1) } else { Route::NONE })
    }

    fn domain(&self, if_index: u32) -> Domain {
        if if_index == 1 {
            Domain(7)
        } else {
            Domain::MAIN
        }
    }
}

#[test]
fn t5_1_a_refused_flow_that_arrives_elsewhere_is_looked_up_in_the_domain_there() {
    let fixture = Fixture::new();
    let events = {
        let mut guard = fixture.0.lock();
        let run = guard.running().expect("it has started");
        assert!(run.system.routes.system.set(Box::new(TwoDomains)).is_ok());
        EventSink::start(fixture.0.clone(), &run.system).expect("there is a thread for the log")
    };
    let lacks = vec![NoticeKind::Rpf, NoticeKind::Creation];
    let script = Script { lacks, on_call: Box::new(|_| {}) };
    let client = fixture.0.register(Box::new(script), 1, 0).unwrap();
    for index in [1, 4] {
        fixture.0.take(client, link(index)).unwrap();
    }
    let flow = Flow::new(SOURCE, Ipv4Addr::new(239, 1, 1, 1));
    let tell = |kind, index| {
        let upcall = Upcall { kind, flow, arrival: link(index), header: vec![0x45] };
        assert_eq!(events.upcalls(vec![upcall]), []);
        let mut guard = fixture.0.lock();
        let run = guard.running().expect("it runs");
        (run.engine.sizes().refused_flows, run.engine.mfe_count())
    };
    assert_eq!(tell(UpcallKind::NoCache, 4), (1, 0), "no route in the main domain");
    assert_eq!(tell(UpcallKind::WrongIf, 1), (0, 1));
}

/// 10/8 is on interface 1, and nothing else is known.
struct OneNetwork;

impl RouteView for OneNetwork {
    fn lookup(&self, source: Ipv4Addr, _: Domain) -> Option<Route> {
        Some(if source.octets()[0] == 10 { source_route(1) } else { Route::NONE })
    }
}

#[test]
fn t5_1_a_source_that_is_forgotten_among_a_batch_of_upcalls_is_looked_up_again() {
    const REMEMBERED: u32 = 65_536;
    let fixture = Fixture::new();
    let sink = {
        let mut guard = fixture.0.lock();
        let run = guard.running().expect("it has started");
        assert!(run.system.routes.system.set(Box::new(OneNetwork)).is_ok());
        EventSink::start(fixture.0.clone(), &run.system).expect("there is a thread for the log")
    };
    let lacks = vec![NoticeKind::Rpf, NoticeKind::Creation];
    let script = Script { lacks, on_call: Box::new(|_| {}) };
    let client = fixture.0.register(Box::new(script), 1, 0).unwrap();
    fixture.0.take(client, link(1)).unwrap();
    let scope = Scope::new(Ipv4Addr::new(239, 1, 1, 0), 24).unwrap();
    fixture.0.add_boundary(1, scope).unwrap();
    let upcall = |source: Ipv4Addr, group: [u8; 4]| Upcall {
        kind: UpcallKind::NoCache,
        flow: Flow::new(source, group.into()),
        arrival: link(1),
        header: vec![0x45],
    };
    let refused = |number: u32| upcall((0x1400_0001 + number).into(), [239, 2, 2, 2]);
    let sizes = || {
        let mut guard = fixture.0.lock();
        let run = guard.running().expect("it runs");
        (run.engine.sizes().refused_flows, run.engine.mfe_count())
    };
    // On a busy machine a thread of the library may have the lock for longer than upcalls wait for it.
    let take_in = |mut upcalls: Vec<Upcall>| {
        while !upcalls.is_empty() {
            upcalls = sink.upcalls(upcalls);
        }
    };
    // As many flows as are remembered are refused. Only the oldest one refers to the source.
    take_in(vec![upcall(SOURCE, [239, 1, 1, 1])]);
    take_in((1..REMEMBERED).map(refused).collect());
    assert_eq!(sizes(), (REMEMBERED as usize, 0));
    // The newest is processed first, and makes room for itself.
    let other = upcall(SOURCE, [239, 3, 3, 3]);
    take_in(vec![other, refused(REMEMBERED)]);
    assert_eq!(sizes(), (REMEMBERED as usize, 1));
}

/// A forwarder that reports in order.
#[derive(Default)]
struct InOrder {
    /// The flows of which it was told that they are resolved.
    done: Arc<Mutex<Vec<Flow>>>,
    /// Where its limit of new flows has refused a packet of each flow.
    limited_on: Option<Interface>,
}

impl Forwarder for InOrder {
    fn name(&self) -> &'static str {
        "in order"
    }
    fn limited_on(&self, _: Flow) -> Option<Interface> {
        self.limited_on
    }
    fn needs_entries(&self) -> bool {
        true
    }
    fn add_interface(&mut self, _: IfId, _: Interface) -> Result<()> {
        Ok(())
    }
    fn remove_interface(&mut self, _: IfId) {}
    fn install(&mut self, _: &ForwarderEntry<'_>) -> Result<()> {
        Ok(())
    }
    fn remove(&mut self, _: Flow) -> Result<()> {
        Ok(())
    }
    fn counters(&mut self, _: Flow) -> Result<Option<Counters>> {
        Ok(None)
    }
    fn reports_in_order(&self) -> bool {
        true
    }
    fn done(&mut self, flows: &[Flow]) {
        self.done.lock().unwrap().extend(flows);
    }
}

#[test]
fn d125_the_forwarder_is_told_of_each_flow_that_is_refused_or_has_its_mfe() {
    let fixture = Fixture::new();
    let done = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let mut guard = fixture.0.lock();
        let run = guard.running().expect("it has started");
        assert!(run.system.routes.system.set(Box::new(OneNetwork)).is_ok());
        let forwarder = InOrder { done: Arc::clone(&done), ..InOrder::default() };
        run.system.use_forwarder(Box::new(forwarder));
        EventSink::start(fixture.0.clone(), &run.system).expect("there is a thread for the log")
    };
    let lacks = vec![NoticeKind::Rpf, NoticeKind::Creation];
    let script = Script { lacks, on_call: Box::new(|_| {}) };
    let client = fixture.0.register(Box::new(script), 1, 0).unwrap();
    fixture.0.take(client, link(1)).unwrap();
    let take_in = |source: Ipv4Addr, arrival: u32| {
        let flow = Flow::new(source, [239, 1, 1, 1].into());
        let upcall = || Upcall {
            kind: UpcallKind::NoCache,
            flow,
            arrival: link(arrival),
            header: vec![0x45],
        };
        while !sink.upcalls(vec![upcall()]).is_empty() {}
        let is_done = std::mem::take(&mut *done.lock().unwrap()).contains(&flow);
        assert!(is_done, "{flow} on {arrival}");
    };
    take_in(SOURCE, 1); // gets an MFE
    take_in(SOURCE, 1); // has one
    take_in([20, 0, 0, 1].into(), 1); // has no route
    take_in([20, 0, 0, 1].into(), 1); // was refused recently
    take_in(SOURCE, 2); // arrives on an interface that is not taken
}

#[test]
fn d91_a_flow_beyond_the_forwarders_limit_is_explained_in_the_domain_where_it_arrived() {
    let fixture = Fixture::new();
    {
        let mut guard = fixture.0.lock();
        let run = guard.running().expect("it has started");
        assert!(run.system.routes.system.set(Box::new(TwoDomains)).is_ok());
        let forwarder = InOrder { limited_on: Some(link(1)), ..InOrder::default() };
        run.system.use_forwarder(Box::new(forwarder));
    }
    let client = fixture.client(1, |_| ());
    for index in [1, 4] {
        fixture.0.take(client, link(index)).unwrap();
    }
    let explain = |arrival| {
        let flow = Flow::new(SOURCE, Ipv4Addr::new(239, 1, 1, 1));
        let text = fixture.0.explain(flow, arrival).to_json();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let all = explain(None);
    assert_eq!((&all["arrival"]["index"], &all["expected"]["index"]), (&1.into(), &1.into()));
    assert_eq!(all["refusal"]["reason"], "flow_rate");
    let elsewhere = explain(Some(link(4)));
    assert_eq!(elsewhere["route"]["kind"], "none", "that is the main domain");
    assert!(elsewhere["refusal"].is_null(), "that interface has refused nothing");
}

/// Look-ups are not possible until the flag is set.
struct NotYet(Arc<AtomicBool>);

impl RouteView for NotYet {
    fn wait_until_ready(&self, _: Domain, most: Duration) -> bool {
        assert!(most < Duration::from_millis(100), "{most:?}");
        self.0.load(Ordering::SeqCst)
    }

    fn lookup(&self, _: Ipv4Addr, _: Domain) -> Option<Route> {
        assert!(self.0.load(Ordering::SeqCst), "it would wait for seconds");
        Some(source_route(1))
    }
}

#[test]
fn t8_4_who_reads_upcalls_does_not_wait_until_sources_can_be_looked_up() {
    let fixture = Fixture::new();
    let is_ready = Arc::new(AtomicBool::new(false));
    let sink = {
        let mut guard = fixture.0.lock();
        let run = guard.running().expect("it has started");
        assert!(run.system.routes.system.set(Box::new(NotYet(Arc::clone(&is_ready)))).is_ok());
        EventSink::start(fixture.0.clone(), &run.system).expect("there is a thread for the log")
    };
    let lacks = vec![NoticeKind::Rpf, NoticeKind::Creation];
    let script = Script { lacks, on_call: Box::new(|_| {}) };
    let client = fixture.0.register(Box::new(script), 1, 0).unwrap();
    fixture.0.take(client, link(1)).unwrap();
    let upcalls = || -> Vec<Upcall> {
        let upcall = |last| Upcall {
            kind: UpcallKind::NoCache,
            flow: Flow::new(SOURCE, Ipv4Addr::new(239, 1, 1, last)),
            arrival: link(1),
            header: vec![0x45],
        };
        (1..=200).map(upcall).collect()
    };
    assert_eq!(sink.upcalls(upcalls()), upcalls(), "they are kept, in their order");
    is_ready.store(true, Ordering::SeqCst);
    assert_eq!(sink.upcalls(upcalls()), []);
    let mut guard = fixture.0.lock();
    assert_eq!(guard.running().expect("it runs").engine.mfe_count(), 200);
}
