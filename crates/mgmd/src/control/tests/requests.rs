//! Requests of well-behaved clients.

use super::*;
use mgm_control::client::ClientError;
use mgm_control::flows::Flows;
use mgm_control::request::{FlowsQuery, Membership};
use mgm_control::{Page, Versioned};

fn code(result: Result<String, ClientError>) -> ErrorCode {
    match result {
        Err(ClientError::Refused(failure)) => failure.code,
        other => panic!("{other:?}"),
    }
}

fn membership() -> Membership {
    let group = std::net::Ipv4Addr::new(239, 1, 1, 1);
    Membership { interface: "eth1".parse().expect("a name"), source: None, group }
}

#[test]
fn answers_have_the_version_and_what_the_router_says() {
    let router = Router::start(options());
    let mut client = router.client();
    let text = client.ask_json(&Request::Proxies).expect("an answer");
    assert_eq!(text, "{\"api\":1,\"proxies\":[]}\n");
    // The same connection again, and errors leave it open.
    assert_eq!(code(client.ask_json(&Request::Status)), ErrorCode::NotFound);
    let level: Versioned<LogLevelChanged> =
        client.ask(&Request::LogLevel(LogLevel::Debug)).expect("root or this user may do it");
    assert_eq!(
        level,
        Versioned::new(LogLevelChanged { before: LogLevel::Info, level: LogLevel::Debug })
    );
    client.ask_json(&Request::Join(membership())).expect("likewise");
    let changes = [Request::LogLevel(LogLevel::Debug), Request::Join(membership())];
    assert_eq!(router.stop(), changes);
}

/// Root may change everything, and the tests may run as root: then the event loop answers.
#[test]
fn changes_of_other_users_are_refused() {
    let router = Router::start(Options { user: 1, ..options() });
    let mut stream = router.connect();
    let as_root = nix::unistd::geteuid().is_root();
    stream.write_all(b"POST /v1/reload HTTP/1.1\r\n\r\n").expect("it is sent");
    let reply = one_reply(&mut stream);
    assert_eq!(reply.status, if as_root { 404 } else { 403 });
    assert!(reply.keep_alive);
    // Reading is for all who may connect.
    stream.write_all(b"GET /v1/proxies HTTP/1.1\r\n\r\n").expect("it is sent");
    assert_eq!(one_reply(&mut stream).status, 200);
}

#[test]
fn all_pages_together_are_the_list() {
    let router = Router::start(options());
    let mut client = router.client();
    let (mut seen, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let page = Page { after, limit: 10_000 };
        let query = GroupsQuery { page, ..GroupsQuery::default() };
        let text = client.ask_json(&Request::Groups(query)).expect("a page");
        assert!(text.len() < 4 << 20, "{} bytes", text.len());
        let answer: Versioned<Groups> = serde_json::from_str(&text).expect("JSON");
        seen.extend(answer.answer.groups.iter().map(|group| group.group));
        pages += 1;
        let Some(next) = answer.answer.next else { break };
        after = Some(next.parse().expect("the key of a group"));
    }
    assert_eq!((seen.len(), pages), (20_000, 8), "2,500 groups with 4 parts each fill a page");
    assert!(seen.is_sorted());
}

#[test]
fn flows_come_from_the_library_even_while_the_router_is_busy() {
    let router = Router::start(options());
    router.busy.store(true, Ordering::SeqCst);
    let flows: Versioned<Flows> =
        router.client().ask(&Request::Flows(FlowsQuery::default())).expect("an answer");
    assert_eq!(flows.answer, Flows::default());
}

#[test]
fn a_library_without_status_is_an_error() {
    let status = Box::new(|| Err("MgmHostGetStatus: ERROR_CAN_NOT_COMPLETE".to_owned()));
    let router = Router::start(Options { status, ..options() });
    let flows = router.client().ask_json(&Request::Flows(FlowsQuery::default()));
    assert_eq!(code(flows), ErrorCode::Internal);
}

#[test]
fn requests_that_come_together_are_answered_in_order() {
    let router = Router::start(options());
    let mut stream = router.connect();
    let requests = "GET /v1/proxies HTTP/1.1\r\n\r\nGET /nowhere HTTP/1.1\r\n\r\n\
                    POST /v1/log HTTP/1.1\r\nContent-Length: 16\r\n\r\n{\"level\":\"warn\"}\
                    DELETE /v1/proxies HTTP/1.1\r\nConnection: close\r\n\r\nGET /v1/proxies";
    stream.write_all(requests.as_bytes()).expect("it is sent");
    let statuses =
        [(); 4].map(|()| one_reply(&mut stream)).map(|reply| (reply.status, reply.keep_alive));
    assert_eq!(statuses, [(200, true), (404, true), (200, true), (405, false)]);
    assert_eq!(rest(&mut stream), "");
}

#[test]
fn a_client_that_has_shut_its_side_still_gets_the_answer() {
    let router = Router::start(options());
    let mut stream = router.connect();
    stream.write_all(b"GET /v1/proxies HTTP/1.1\r\n\r\n").expect("it is sent");
    stream.shutdown(std::net::Shutdown::Write).expect("it is shut");
    assert!(rest(&mut stream).ends_with("{\"api\":1,\"proxies\":[]}\n"));
}

#[test]
fn a_router_that_is_busy_does_not_carry_out_what_was_answered_as_late() {
    let limits = Limits { answer: Duration::from_millis(400), ..options().limits };
    let router = Router::start(Options { limits, ..options() });
    router.busy.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    let result = router.client().ask_json(&Request::Join(membership()));
    assert!(begun.elapsed() >= limits.answer);
    match result {
        Err(ClientError::Refused(failure)) => {
            assert_eq!(failure.code, ErrorCode::Timeout);
            assert!(failure.message.ends_with("will not carry out the request"));
        }
        other => panic!("{other:?}"),
    }
    router.busy.store(false, Ordering::SeqCst);
    answered_in_the_end(&router, &Request::Proxies);
    assert_eq!(router.stop(), []);
}

#[test]
fn what_a_client_has_asked_that_went_away_is_not_carried_out() {
    let limits = Limits { connections: 1, ..options().limits };
    let router = Router::start(Options { limits, ..options() });
    router.busy.store(true, Ordering::SeqCst);
    let mut stream = router.connect();
    stream.write_all(b"POST /v1/reload HTTP/1.1\r\n\r\n").expect("it is sent");
    drop(stream);
    served_in_the_end(&router);
    router.busy.store(false, Ordering::SeqCst);
    answered_in_the_end(&router, &Request::Proxies);
    assert_eq!(router.stop(), []);
}

#[test]
fn the_client_says_what_is_wrong() {
    let path = some_path();
    let text = |path: &std::path::Path| {
        Client::new(path).ask_json(&Request::Status).expect_err("nobody answers").to_string()
    };
    assert!(text(&path).starts_with("mgmd does not listen at "), "{}", text(&path));
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.write_all(b"220 mail\r\n").expect("it is sent");
    });
    assert!(text(&path).ends_with("does another program listen there?"), "{}", text(&path));
    other.join().expect("it ends");
    assert!(text(&path).starts_with("mgmd does not listen at "));
    std::fs::remove_file(path).expect("it is there");
}

#[test]
fn the_client_connects_again_when_the_router_has_closed_the_connection() {
    let idle = Duration::from_secs(2);
    let limits = Limits { request: idle, ..options().limits };
    let router = Router::start(Options { limits, ..options() });
    let mut client = router.client();
    client.ask_json(&Request::Proxies).expect("an answer");
    std::thread::sleep(idle + Duration::from_millis(200));
    client.ask_json(&Request::Proxies).expect("an answer at another connection");
}
