//! The functions of the module `host`.

use super::*;
use mgm_client::host::Detail;
use mgm_client::{Code, Error};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

#[test]
fn the_version_is_that_of_the_header() {
    let version = host::version().unwrap();
    assert_eq!(version.api.0, 1);
    assert!(version.text.starts_with("mgm "), "{}", version.text);
}

#[test]
fn a_second_start_is_refused() {
    let _router = running();
    assert_eq!(settings().start().unwrap_err().code(), Some(Code::AlreadyExists));
}

#[test]
fn settings_reach_the_library() {
    let _router = stopped();
    settings().mfe_timeout(77).max_flows(1).open_forwarder().start().unwrap();
    let status = host::status(Detail::SUMMARY).unwrap();
    assert!(status.contains("\"forwarder\":\"memory\""), "{status}");
    host::add_route(Route::connected(prefix("10.0.0.0/8"), 1)).unwrap();
    let client = silent(1);
    client.take(1).unwrap();
    assert!(packet(1).accepted);
    assert_eq!(mgm_client::get_mfe(SOURCE, GROUP).unwrap().timeout, Some(77));
    assert!(!packet_of(SOURCE, Ipv4Addr::new(239, 9, 9, 9), 1).accepted, "a flow too many");
    let bad = settings().max_flows(1 << 25);
    host::stop().unwrap();
    assert_eq!(bad.start().unwrap_err().code(), Some(Code::InvalidParameter));
}

#[test]
fn a_router_that_is_not_there_is_an_error_of_the_start() {
    let _router = stopped();
    let quiet = Settings::new().log_level(LogLevel::Off);
    let error = quiet.clone().router("/no/where/router").start().unwrap_err();
    assert_eq!(error.code(), Some(Code::CanNotComplete));
    assert!(error.to_string().contains("/no/where/router"), "{error}");
    assert_eq!(quiet.router("a\0b").start(), Err(mgm_client::Error::InvalidText));
}

/// The kernel has no table of this number.
#[test]
fn a_forwarder_that_cannot_be_opened_is_an_error_of_the_start() {
    let _router = stopped();
    host::set_log_level(LogLevel::Off).unwrap();
    std::env::set_var("MGM_FORWARDER", "kernel");
    let quiet = Settings::new().log_level(LogLevel::Off).table(2_000_000_000);
    let error = quiet.clone().open_forwarder().start().unwrap_err();
    let late = quiet.start();
    std::env::set_var("MGM_FORWARDER", "memory");
    assert_eq!(error.code(), Some(Code::CanNotComplete));
    assert!(error.to_string().contains("multicast routing"), "{error}");
    late.unwrap();
}

#[test]
fn the_log_goes_where_it_is_wanted() {
    let _router = stopped();
    let lines = Lines::default();
    let sink = |name: &'static str| {
        let lines = Arc::clone(&lines);
        move |level: LogLevel, text: &str| {
            lines.lock().unwrap().push(format!("{name} {level:?} {text}"));
        }
    };
    settings().log_level(LogLevel::Warn).log(sink("first")).start().unwrap();
    let refused = |expected: usize| {
        host::add_interface(0).unwrap_err();
        let lines = std::mem::take(&mut *lines.lock().unwrap());
        assert_eq!(lines.len(), expected, "{lines:?}");
        lines.into_iter().next().unwrap_or_default()
    };
    let line = refused(1);
    assert!(line.starts_with("first Warn MgmHostAddInterface: invalid dwIfIndex 0"), "{line}");
    host::set_log(Some(Arc::new(sink("second")))).unwrap();
    assert!(refused(1).starts_with("second "));
    host::set_log_level(LogLevel::Off).unwrap();
    refused(0);
    host::set_log_level(LogLevel::Error).unwrap();
    refused(0);
    host::set_log_level(LogLevel::Warn).unwrap();
    refused(1);
    assert_eq!(Arc::strong_count(&lines), 2, "the first sink is gone");
    host::stop().unwrap();
    assert_eq!(Arc::strong_count(&lines), 1, "no sink is kept");
}

#[test]
fn a_sink_may_call_the_library_and_panic() {
    let _router = stopped();
    let calls = Lines::default();
    let lines = Arc::clone(&calls);
    let sink = move |_: LogLevel, text: &str| {
        lines.lock().unwrap().push(text.to_owned());
        host::version().unwrap();
        panic!("a test's panic");
    };
    settings().log_level(LogLevel::Warn).log(sink).start().unwrap();
    for _ in 0..2 {
        host::add_interface(0).unwrap_err();
    }
    assert_eq!(calls.lock().unwrap().len(), 2);
}

#[test]
fn interfaces_by_name() {
    let lo = Interface::by_name("lo").unwrap();
    assert_eq!(lo.name().unwrap(), "lo");
    let error = Interface::by_name("mgm-none").unwrap_err();
    assert_eq!(error.code(), Some(Code::NotFound));
    assert!(error.to_string().contains("no interface is named \"mgm-none\""), "{error}");
    assert_eq!(Interface::new(u32::MAX >> 1).name().unwrap_err().code(), Some(Code::NotFound));
}

#[test]
fn routes_come_and_go() {
    let _router = running();
    let client = silent(1);
    for index in 1..=3 {
        client.take(index).unwrap();
    }
    let gateway = Ipv4Addr::new(10, 1, 1, 1);
    let net = prefix("10.0.0.0/8");
    host::add_route(Route::via(net, 2, gateway).protocol(protocol::OSPF)).unwrap();
    assert!(packet(2).accepted);
    let mfe = mgm_client::get_mfe(SOURCE, GROUP).unwrap();
    assert_eq!((mfe.upstream, mfe.route_protocol), (Some(gateway), protocol::OSPF));
    host::add_route(Route::connected(prefix("10.0.0.0/24"), 3).preferred()).unwrap();
    assert_eq!(mgm_client::get_mfe(SOURCE, GROUP).unwrap().incoming, 3);
    host::delete_route(net).unwrap();
    assert_eq!(host::delete_route(net).unwrap_err().code(), Some(Code::NotFound));
    host::add_route(Route::local(Ipv4Addr::new(10, 7, 7, 7))).unwrap();
    let bad = Route::connected(Prefix::new(SOURCE, 8), 1);
    assert_eq!(host::add_route(bad).unwrap_err().code(), Some(Code::InvalidParameter));
}

#[test]
fn interfaces_that_the_system_loses() {
    let _router = routed();
    let client = silent(1);
    client.take(1).unwrap();
    assert!(packet(1).accepted);
    host::delete_interface(1).unwrap();
    assert_eq!(mgm_client::mfes().count(), 0);
    assert!(!packet(1).accepted);
    host::add_interface(1).unwrap();
    assert!(packet(1).accepted);
}

#[test]
fn a_limit_of_new_flows() {
    let _router = routed();
    let client = silent(1);
    client.take(1).unwrap();
    host::set_flow_limit(1, 1, 3).unwrap();
    let groups = (1..=9).map(|n| Ipv4Addr::new(239, 1, 2, n));
    let accepted = groups.map(|group| packet_of(SOURCE, group, 1).accepted);
    assert!((3..9).contains(&accepted.filter(|accepted| *accepted).count()));
    host::set_flow_limit(1, 0, 0).unwrap();
    assert!(packet_of(SOURCE, Ipv4Addr::new(239, 1, 2, 9), 1).accepted);
    let error = host::set_flow_limit(1, 1, 0).unwrap_err();
    assert_eq!(error.code(), Some(Code::InvalidParameter));
}

#[test]
fn thresholds_boundaries_and_names_of_scopes() {
    let _router = routed();
    let client = silent(1);
    for index in 1..=3 {
        client.take(index).unwrap();
    }
    client.join(2, Flow::any_source(GROUP)).unwrap();
    client.join(3, Flow::any_source(GROUP)).unwrap();
    assert_eq!(packet(1).outgoing.len(), 2);
    host::set_ttl_threshold(2, 64).unwrap(); // the packets have 64
    assert_eq!(packet(1).outgoing, [Interface::new(3)]);
    let scope = prefix("239.1.0.0/16");
    host::add_boundary(3, scope).unwrap();
    assert_eq!(packet(1).outgoing, []);
    host::delete_boundary(3, scope).unwrap();
    assert_eq!(packet(1).outgoing, [Interface::new(3)]);
    assert_eq!(host::delete_boundary(3, scope).unwrap_err().code(), Some(Code::NotFound));
    assert_eq!(host::scope_name(scope).unwrap(), "239.1.0.0/16");
    host::set_scope_name(scope, "Zürich 🏔").unwrap();
    assert_eq!(host::scope_name(scope).unwrap(), "Zürich 🏔");
    host::set_scope_name(scope, "").unwrap();
    assert_eq!(host::scope_name(scope).unwrap(), "239.1.0.0/16");
    assert_eq!(host::set_scope_name(scope, "a\0b"), Err(Error::InvalidText));
    let long = "x".repeat(256);
    assert_eq!(
        host::set_scope_name(scope, &long).unwrap_err().code(),
        Some(Code::InvalidParameter)
    );
}

#[test]
fn status_and_metrics() {
    let _router = routed();
    let client = silent(1);
    client.take(1).unwrap();
    for last in 0..100 {
        packet_of(SOURCE, Ipv4Addr::new(239, 3, 3, last), 1);
    }
    let all = host::status(Detail::ALL).unwrap();
    assert!(all.starts_with('{') && all.ends_with('}') && all.contains("239.3.3.99"));
    assert!(!host::status(Detail::SUMMARY).unwrap().contains("239.3.3.99"));
    assert!(host::metrics(true).unwrap().contains("239.3.3.99"));
    assert!(!host::metrics(false).unwrap().contains("239.3.3.99"));
}

#[test]
fn a_flow_is_explained() {
    let _router = routed();
    let client = silent(1);
    client.take(1).unwrap();
    let flow = Flow::new(SOURCE, GROUP);
    assert!(host::explain(flow, None).unwrap().contains("\"reason\":\"no_member\""));
    let elsewhere = host::explain(flow, Some(Interface::new(9))).unwrap();
    assert!(elsewhere.contains("\"reason\":\"foreign_arrival\""));
    let all = host::explain(Flow::any_source(GROUP), None);
    assert_eq!(all.unwrap_err().code(), Some(Code::InvalidParameter));
}

#[test]
fn the_status_is_served() {
    let _router = running();
    let path = std::env::temp_dir().join(format!("mgm-client-{}", std::process::id()));
    host::serve_status(Some(&path)).unwrap();
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("{\"version\""), "{answer}");
    host::serve_status(None).unwrap();
    assert!(!path.exists());
    let error = host::serve_status(Some("/no/such/folder/socket".as_ref())).unwrap_err();
    assert_eq!(error.code(), Some(Code::CanNotComplete));
    assert!(error.to_string().contains("/no/such/folder/socket"), "{error}");
}

#[cfg(feature = "status")]
#[test]
fn the_state_has_types() {
    let _router = routed();
    let (inner, outer) = (silent(1), silent(2));
    inner.take(1).unwrap();
    outer.take(2).unwrap();
    outer.join(2, Flow::any_source(GROUP)).unwrap();
    assert!(packet(1).accepted);
    let all = mgm_client::status::read(Detail::ALL).unwrap();
    assert_eq!((all.clients.len(), all.totals.mfes), (2, 1));
    let (mfes, memberships) = (all.mfes.unwrap(), all.memberships.unwrap());
    assert_eq!((mfes.len(), memberships.len()), (1, 1));
    assert_eq!((mfes[0].group.parse(), mfes[0].packets), (Ok(GROUP), 1));
    let summary = mgm_client::status::read(Detail::SUMMARY).unwrap();
    assert!(summary.mfes.is_none() && summary.memberships.is_none());
    let explained = mgm_client::status::explain(Flow::new(SOURCE, GROUP), None).unwrap();
    assert!(explained.verdict.forwarded && explained.mfe.is_some(), "{explained:?}");
}
