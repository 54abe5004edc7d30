//! What the kernel tells, taken in without a kernel.

use super::super::incoming_events::EventSink;
use super::*;
use crate::forwarder::{Upcall, UpcallKind, UpcallSink};
use crate::route_view::RouteView;
use crate::types::Domain;

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
