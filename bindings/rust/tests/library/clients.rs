//! Clients and their callbacks.

use super::*;
use mgm_client::{owner_of, Code, Error, Owner, MAX_CLIENTS};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, OnceLock};

#[test]
fn two_protocols_share_a_router() {
    let _router = routed();
    let (p, e) = (Recorder::default(), Recorder::default());
    let (pim, edge) = (p.register(protocol::OTHER, 1), e.register(protocol::OTHER, 2));
    pim.take(1).unwrap();
    edge.take(2).unwrap();
    assert_eq!(owner_of(2).unwrap(), Some(Owner { protocol: protocol::OTHER, component: 2 }));
    assert_eq!(owner_of(3).unwrap(), None);

    edge.join(2, Flow::any_source(GROUP)).unwrap();
    assert_eq!(p.told(), ["join (*, 239.1.2.3) true"]);
    let decision = packet(1);
    assert_eq!(decision, Decision { accepted: true, outgoing: vec![Interface::new(2)] });
    assert_eq!(p.told(), ["rpf (10.0.0.5, 239.1.2.3) in 1 from None at 1 10 bytes"]);
    assert_eq!(e.told(), ["creation (10.0.0.5, 239.1.2.3) in 1 out [2]"]);
    assert!(!packet(2).accepted);
    assert_eq!(e.told(), ["wrong-if 10.0.0.5 239.1.2.3 on 2 10 bytes"]);

    edge.leave(2, Flow::any_source(GROUP)).unwrap();
    let told = p.told();
    assert!(told.contains(&"prune (*, 239.1.2.3) on 2 true for 0".to_owned()), "{told:?}");
    assert!(
        told.contains(&"prune (10.0.0.5, 239.1.2.3) on 1 false for 900".to_owned()),
        "{told:?}"
    );
    drop(edge);
    assert_eq!(owner_of(2).unwrap(), None, "dropping it has released its interface");
    pim.close().unwrap();
}

#[test]
fn answers_reach_the_library() {
    let _router = routed();
    let incoming = Incoming { interface: 1.into(), upstream: Some(Ipv4Addr::new(10, 9, 9, 9)) };
    let p = Recorder { incoming: Some(incoming), lifetime: Some(7), ..Recorder::default() };
    let e = Recorder { disabled: Some(3), ..Recorder::default() };
    let (pim, edge) = (p.register(protocol::OTHER, 1), e.register(protocol::OTHER, 2));
    pim.take(1).unwrap();
    for index in [2, 3] {
        edge.take(index).unwrap();
        edge.join(index, Flow::any_source(GROUP)).unwrap();
    }
    assert_eq!(packet(1).outgoing, [Interface::new(2)]);
    let mfe = mgm_client::get_mfe(SOURCE, GROUP).unwrap();
    assert_eq!((mfe.incoming, mfe.upstream), (1, incoming.upstream));
    edge.leave(2, Flow::any_source(GROUP)).unwrap();
    assert_eq!(mgm_client::get_mfe(SOURCE, GROUP).unwrap().timeout, Some(7));

    let upstream = Some(Ipv4Addr::new(10, 8, 8, 8));
    pim.set_mfe(SOURCE, GROUP, upstream, 0).unwrap();
    assert_eq!(mgm_client::get_mfe(SOURCE, GROUP).unwrap().upstream, upstream);
    edge.forward(2, Flow::new(SOURCE, GROUP)).unwrap();
    assert_eq!(packet(1).outgoing, [Interface::new(2)]);
    edge.stop_forwarding(2, Flow::new(SOURCE, GROUP)).unwrap();
    assert_eq!(packet(1).outgoing, []);
}

#[test]
fn a_source_without_a_route_is_accepted_where_its_packets_arrive() {
    struct Accepts;
    impl Callbacks for Accepts {
        fn events(&self) -> Events {
            Events::RPF
        }

        fn rpf(&self, _: Flow, suggested: Incoming, _: &[u8]) -> Incoming {
            assert_eq!(suggested.interface.index, 0);
            Incoming { interface: host::arrival().unwrap().unwrap(), upstream: None }
        }
    }
    let _router = running();
    let client = Client::register(protocol::OTHER, 1, Accepts).unwrap();
    client.take(1).unwrap();
    assert!(packet(1).accepted);
    assert_eq!(host::arrival().unwrap(), None);
}

#[test]
fn igmp_and_the_owner_of_its_interface() {
    let _router = running();
    let (o, i) = (Recorder::default(), Recorder::default());
    let (owner, igmp) = (o.register(protocol::OTHER, 1), i.register(protocol::IGMP, 1));
    igmp.take(1).unwrap();
    owner.take(1).unwrap();
    assert_eq!(i.told(), ["disable-igmp 1", "enable-igmp 1"]);
    igmp.join(1, Flow::any_source(GROUP)).unwrap();
    igmp.leave(1, Flow::any_source(GROUP)).unwrap();
    let told: Vec<_> = o.told().into_iter().filter(|line| line.starts_with("local")).collect();
    assert_eq!(told, ["local-join (*, 239.1.2.3) on 1", "local-leave (*, 239.1.2.3) on 1"]);
}

#[test]
fn a_client_gets_only_the_callbacks_that_it_names() {
    let _router = running();
    let told = Lines::default();
    let of_client = Arc::clone(&told);
    let on_join = OnJoin(move |flow, _| of_client.lock().unwrap().push(format!("join {flow}")));
    let (a, b) = (Client::register(protocol::OTHER, 1, on_join).unwrap(), silent(2));
    a.take(1).unwrap();
    b.take(2).unwrap();
    b.join(2, Flow::ALL).unwrap();
    b.leave(2, Flow::ALL).unwrap();
    assert_eq!(*told.lock().unwrap(), ["join (*, *)"]);
    let status = host::status(host::Detail::SUMMARY).unwrap();
    assert!(status.contains("\"JOIN_ALERT\"") || status.contains("join_alert"), "{status}");
}

#[test]
fn an_error_has_the_code_and_the_librarys_own_words() {
    let _router = running();
    let (a, b) = (silent(1), silent(2));
    a.take(1).unwrap();
    let error = b.take(1).unwrap_err();
    assert_eq!(error.code(), Some(Code::AlreadyExists));
    let text = error.to_string();
    assert!(text.starts_with("MgmTakeInterfaceOwnership: "), "{text}");
    assert!(text.contains("already has an owner") && text.ends_with(" (code 183)"), "{text}");
    let error = b.join(2, Flow::any_source(SOURCE)).unwrap_err();
    assert!(error.to_string().contains("invalid group 10.0.0.5"), "{error}");
    let error = Client::register(protocol::OTHER, 1, ()).unwrap_err();
    assert_eq!(error.code(), Some(Code::AlreadyExists));
    let error = b.set_mfe(SOURCE, GROUP, None, 0).unwrap_err();
    assert_eq!(error.code(), Some(Code::NotFound), "{error}");
}

#[test]
fn sixty_four_clients_and_not_one_more() {
    let _router = running();
    let told = Lines::default();
    let register = |component: u32| {
        let lines = Arc::clone(&told);
        let on_join = move |_, _| lines.lock().unwrap().push(component.to_string());
        Client::register(protocol::OTHER, component, OnJoin(on_join))
    };
    let mut clients: Vec<_> = (0..MAX_CLIENTS as u32).map(|one| register(one).unwrap()).collect();
    assert_eq!(register(99).unwrap_err(), Error::TooManyClients);
    // A registration that the library refuses takes no place.
    drop(clients.pop());
    assert_eq!(register(0).unwrap_err().code(), Some(Code::AlreadyExists));
    clients.push(register(77).unwrap());

    // Each has callbacks of its own.
    for client in &clients[1..] {
        client
            .take(clients.iter().position(|one| std::ptr::eq(one, client)).unwrap() as u32)
            .unwrap();
    }
    clients[1].join(1, Flow::any_source(GROUP)).unwrap();
    let mut told: Vec<u32> = told.lock().unwrap().iter().map(|one| one.parse().unwrap()).collect();
    told.sort_unstable();
    let expected: Vec<u32> = (0..63).filter(|one| *one != 1).chain([77]).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_panic_in_a_callback_does_not_reach_c() {
    let _router = running();
    let after = Recorder::default();
    let panics = OnJoin(|_, _| panic!("a test's panic"));
    let (a, b) = (Client::register(protocol::OTHER, 1, panics).unwrap(), silent(2));
    let c = after.register(protocol::OTHER, 3);
    a.take(1).unwrap();
    b.take(2).unwrap();
    b.join(2, Flow::any_source(GROUP)).unwrap();
    assert_eq!(after.told(), ["join (*, 239.1.2.3) true"], "the others are told all the same");
    b.leave(2, Flow::any_source(GROUP)).unwrap();
    a.close().unwrap();
    c.close().unwrap();
}

/// A client that deregisters itself in its first callback, which is then its last one.
#[test]
fn a_client_can_end_inside_its_own_callback() {
    let _router = running();
    let own: Arc<OnceLock<Mutex<Option<Client>>>> = Arc::default();
    let (in_callback, ended) = (Arc::clone(&own), Arc::new(AtomicBool::new(false)));
    let has_ended = Arc::clone(&ended);
    let on_join = OnJoin(move |_, _| {
        let client = in_callback.get().unwrap().lock().unwrap().take();
        client.expect("the first callback is the last").close().unwrap();
        has_ended.store(true, Ordering::Relaxed);
    });
    let client = Client::register(protocol::OTHER, 1, on_join).unwrap();
    client.take(1).unwrap();
    own.set(Mutex::new(Some(client))).unwrap();
    let b = silent(2);
    b.take(2).unwrap();
    for last in 1..=3 {
        b.join(2, Flow::any_source(Ipv4Addr::new(239, 9, 9, last))).unwrap();
    }
    assert!(ended.load(Ordering::Relaxed));
    assert_eq!(owner_of(1).unwrap(), None);
    assert_eq!(Arc::strong_count(&own), 1, "its callbacks are dropped");
}

/// The library refuses to wait for a client's callback inside a callback of another client.
#[test]
fn a_refused_deregistration_is_tried_again_at_the_next_registration() {
    let _router = running();
    let [slow, closing] = [1, 2].map(|last| Ipv4Addr::new(239, 9, 9, last));
    let (begun, has_begun) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    let may_end = Mutex::new(may_end);
    let blocks = OnJoin(move |flow: Flow, _| {
        if flow.group == Some(slow) {
            begun.send(()).unwrap();
            let _ = may_end.lock().unwrap().recv();
        }
    });
    let first = Client::register(protocol::OTHER, 1, blocks).unwrap();
    first.take(1).unwrap();
    let first = Mutex::new(Some(first));
    let told = Lines::default();
    let of_second = Arc::clone(&told);
    let closes = OnJoin(move |flow: Flow, _| {
        let first = first.lock().unwrap().take_if(|_| flow.group == Some(closing));
        if let Some(first) = first {
            let error = first.close().unwrap_err();
            assert_eq!(error.code(), Some(Code::CanNotComplete));
            of_second.lock().unwrap().push("refused".to_owned());
        }
    });
    let second = Client::register(protocol::OTHER, 2, closes).unwrap();
    second.take(2).unwrap();
    let edge = silent(3);
    edge.take(3).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| edge.join(3, Flow::any_source(slow)).unwrap());
        has_begun.recv().unwrap();
        edge.join(3, Flow::any_source(closing)).unwrap();
        assert_eq!(*told.lock().unwrap(), ["refused"]);
        end.send(()).unwrap();
    });
    let again = Client::register(protocol::OTHER, 1, ()).unwrap();
    again.take(1).unwrap();
}

#[test]
fn calls_that_wait_for_callbacks_are_refused_inside_them() {
    let _router = running();
    let told = Lines::default();
    let lines = Arc::clone(&told);
    let on_join = OnJoin(move |_, _| {
        let packet =
            Packet { source: SOURCE, group: GROUP, interface: 1.into(), header: &[], size: 1 };
        for refusal in [host::stop().unwrap_err(), host::packet_in(packet).unwrap_err()] {
            lines.lock().unwrap().push(refusal.to_string());
        }
    });
    let (a, b) = (Client::register(protocol::OTHER, 1, on_join).unwrap(), silent(2));
    a.take(1).unwrap();
    b.take(2).unwrap();
    b.join(2, Flow::any_source(GROUP)).unwrap();
    for line in &*told.lock().unwrap() {
        assert!(line.contains("not allowed inside a callback"), "{line}");
    }
    assert_eq!(told.lock().unwrap().len(), 2);
}

#[test]
fn clients_of_many_threads() {
    let _router = running();
    std::thread::scope(|scope| {
        for thread in 0..8u32 {
            scope.spawn(move || {
                for round in 0..20 {
                    let p = Recorder::default();
                    let client = p.register(protocol::OTHER, thread + 1);
                    client.take(thread + 1).unwrap();
                    let group = Ipv4Addr::new(239, 5, thread as u8, round);
                    client.join(thread + 1, Flow::any_source(group)).unwrap();
                    client.close().unwrap();
                }
            });
        }
    });
    assert_eq!(silent(1).groups().unwrap().count(), 0);
}

#[test]
fn a_client_outlives_a_stop() {
    let _router = running();
    let client = silent(1);
    client.take(1).unwrap();
    host::stop().unwrap();
    assert_eq!(client.take(2).unwrap_err().code(), Some(Code::InvalidParameter));
    settings().start().unwrap();
    let again = silent(1);
    client.close().unwrap();
    again.take(1).unwrap();
}

#[test]
fn t9_14_a_batch_names_the_first_refused_call() {
    let _router = running();
    let client = silent(1);
    client.take(1).unwrap();
    let group = Flow::any_source(GROUP);
    let other = Flow::any_source([239, 1, 2, 4].into());
    assert!(mgm_client::remote::batch(|| client.join(1, group).is_ok()).unwrap());
    let refused = mgm_client::remote::batch(|| {
        client.join(1, other).unwrap();
        client.join(7, group).unwrap(); // an interface of nobody: refused when the batch ends
        client.leave(1, group).unwrap();
    })
    .unwrap_err();
    assert_eq!((refused.number, refused.error.code()), (2, Some(Code::InvalidParameter)));
    let nested = mgm_client::remote::batch(|| mgm_client::remote::batch(|| ()).unwrap_err().number);
    assert_eq!(nested.unwrap(), 0);
    let groups: Vec<Flow> = client.groups().unwrap().map(|group| group.unwrap()).collect();
    assert_eq!(groups, [other], "the calls around the refused one were made");
}

#[test]
fn t9_8_grace_is_at_most_five_minutes_and_has_no_effect_in_a_router() {
    let _router = running();
    let refused = mgm_client::remote::set_grace(301).unwrap_err();
    assert_eq!(refused.code(), Some(Code::InvalidParameter));
    mgm_client::remote::set_grace(300).unwrap();
    let client = silent(1);
    client.take(1).unwrap();
    client.join(1, Flow::any_source(GROUP)).unwrap();
    client.grace_done().unwrap();
    assert_eq!(client.groups().unwrap().count(), 1, "nothing was left by another client");
    mgm_client::remote::set_grace(0).unwrap();
}

#[test]
fn t9_9_the_end_of_a_router_is_not_reported_to_itself() {
    let _router = running();
    mgm_client::remote::set_router_lost(Some(std::sync::Arc::new(|| panic!("no router is lost"))))
        .unwrap();
    host::stop().unwrap();
    mgm_client::remote::set_router_lost(None).unwrap();
}
