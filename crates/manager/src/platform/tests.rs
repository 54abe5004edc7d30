//! The status socket, asked by programs of several kinds.

use super::*;
use crate::{ForwarderChoice, Settings};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("mgm-{}-{name}", std::process::id()))
}

fn running() -> Manager {
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    manager
}

fn ask(path: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_socket_answers_those_who_speak_http_and_those_who_do_not() {
    let (manager, path) = (running(), path("answers"));
    manager.serve_status(Some(&path)).unwrap();
    for request in ["", "\n", "tell me\n"] {
        let answer = ask(&path, request);
        assert!(answer.starts_with('{') && answer.ends_with("}\n"), "{answer}");
    }
    for (target, begin) in [
        ("/", "{\"version\""),
        ("/status", "{\"version\""),
        ("/summary", "{\"version\""),
        ("/metrics", "# HELP "),
        ("/metrics/mfes", "# HELP "),
        ("/explain/10.0.0.5/239.1.1.1", "{\"source\":\"10.0.0.5\",\"group\":\"239.1.1.1\""),
        ("/other", "valid paths: "),
    ] {
        let answer = ask(&path, &format!("GET {target} HTTP/1.1\r\nHost: mgm\r\n\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.starts_with("HTTP/1.0 200 OK\r\n"), target != "/other", "{head}");
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
        assert!(body.starts_with(begin), "{body}");
    }
    manager.stop().unwrap();
    assert!(!path.exists(), "the stop removes it");
}

#[test]
fn the_socket_explains_a_flow_and_says_which_paths_are_valid() {
    let (manager, path) = (running(), path("explain"));
    manager.serve_status(Some(&path)).unwrap();
    let get = |target: &str| {
        let answer = ask(&path, &format!("GET /explain/{target} HTTP/1.0\r\n\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    };
    let (head, body) = get("10.0.0.5/239.1.1.1/7");
    assert_eq!(head, "HTTP/1.0 200 OK");
    assert!(body.contains("\"arrival\":{\"index\":7,"), "{body}");
    assert!(get("10.0.0.5/239.1.1.1").1.contains("\"arrival\":null"));
    for target in [
        "",
        "10.0.0.5",
        "10.0.0.5/",
        "10.0.0.5/10.0.0.6",
        "0.0.0.0/239.1.1.1",
        "239.1.1.1/239.1.1.1",
        "10.0.0.5/239.1.1.1/",
        "10.0.0.5/239.1.1.1/0",
        "10.0.0.5/239.1.1.1/eth0",
        "10.0.0.5/239.1.1.1/1/2",
    ] {
        let (head, body) = get(target);
        assert_eq!(head, "HTTP/1.0 400 Bad Request", "{target}");
        assert!(body.starts_with("use /explain/SOURCE/GROUP, such as"), "{body}");
    }
    manager.stop().unwrap();
}

#[test]
fn the_socket_is_the_users_own() {
    let (manager, path) = (running(), path("mode"));
    manager.serve_status(Some(&path)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    manager.serve_status(None).unwrap();
    assert!(!path.exists());
    manager.stop().unwrap();
}

#[test]
fn what_is_stale_is_replaced_and_nothing_else() {
    let (manager, path) = (running(), path("stale"));
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "a listener that goes leaves its file");
    manager.serve_status(Some(&path)).unwrap();

    let other = running();
    let refusal = other.serve_status(Some(&path)).unwrap_err();
    assert!(refusal.to_string().contains("another router"), "{refusal}");
    other.stop().unwrap();
    assert!(ask(&path, "\n").starts_with('{'), "it is still the first one's");

    manager.serve_status(None).unwrap();
    fs::write(&path, "precious").unwrap();
    assert!(manager.serve_status(Some(&path)).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
    manager.stop().unwrap();
}

#[test]
fn a_reader_that_says_and_reads_nothing_holds_up_nobody_for_long() {
    let (manager, path) = (running(), path("mute"));
    manager.serve_status(Some(&path)).unwrap();
    let mute = UnixStream::connect(&path).unwrap();
    assert!(ask(&path, "\n").starts_with('{'));
    drop(mute);
    drop(UnixStream::connect(&path).unwrap()); // gone before it is answered
    assert!(ask(&path, "\n").starts_with('{'));
    manager.stop().unwrap();
}

#[test]
fn a_full_backlog_is_a_router_that_listens() {
    let (manager, path) = (running(), path("full"));
    let other = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    other.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    other.listen(0).unwrap();
    // A connection that waited for room would wait for ever.
    let waiting: Vec<Socket> = (0..10)
        .map_while(|_| {
            let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None).unwrap();
            socket.connect(&SockAddr::unix(&path).unwrap()).is_ok().then_some(socket)
        })
        .collect();
    assert!(waiting.len() < 10, "it is full");
    let refusal = manager.serve_status(Some(&path)).unwrap_err();
    assert!(refusal.to_string().contains("another router"), "{refusal}");
    assert!(path.exists());
    fs::remove_file(&path).unwrap();
    manager.stop().unwrap();
}
