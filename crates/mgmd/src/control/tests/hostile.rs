//! Clients that are slow, greedy or broken. Others are served all the time.

use super::*;

/// How long a good client waits at most, whatever the others do. The machine of the tests is slow.
const SOON: Duration = Duration::from_secs(10);

/// A good client is answered soon.
fn serves_others(router: &Router) {
    let begun = Instant::now();
    router.client().ask_json(&Request::Proxies).expect("an answer");
    assert!(begun.elapsed() < SOON, "after {:?}", begun.elapsed());
}

#[test]
fn a_client_that_sends_a_byte_at_a_time_has_one_deadline() {
    // A busy machine may hold up the good client for so long, but not each time.
    assert!((0..4).any(|_| is_served_beside_a_slow_client()), "it waits for the slow client");
}

/// Whether a good client is answered before the deadline of a slow one.
fn is_served_beside_a_slow_client() -> bool {
    let limits = Limits { request: Duration::from_secs(3), ..options().limits };
    let router = Router::start(Options { limits, ..options() });
    let mut stream = router.connect();
    let begun = Instant::now();
    let mut writer = stream.try_clone().expect("a second handle");
    let slow = std::thread::spawn(move || {
        let bytes = b"GET /v1/proxies HTTP/1.1\r\nX: ".iter().chain([b'x'; 1_000].iter());
        bytes
            .take_while(|byte| {
                std::thread::sleep(Duration::from_millis(10));
                writer.write_all(&[**byte]).is_ok()
            })
            .count()
    });
    serves_others(&router);
    let is_in_time = begun.elapsed() < limits.request;
    let text = rest(&mut stream);
    let elapsed = begun.elapsed();
    assert!(text.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{text}");
    assert!(text.contains("Connection: close"), "{text}");
    assert!(elapsed >= limits.request && elapsed < limits.request * 3, "after {elapsed:?}");
    assert!(slow.join().expect("it ends") < 1_000, "it was heard to the end");
    is_in_time
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let limits = Limits { request: Duration::from_secs(2), ..options().limits };
    let router = Router::start(Options { limits, ..options() });
    let mut idle = router.connect();
    let mut used = router.connect();
    used.write_all(b"GET /v1/proxies HTTP/1.1\r\n\r\n").expect("it is sent");
    assert_eq!(one_reply(&mut used).status, 200);
    assert_eq!(rest(&mut idle), "");
    assert_eq!(rest(&mut used), "");
}

#[test]
fn the_65th_connection_is_turned_away_and_the_others_are_served() {
    let router = Router::start(options());
    let mut open: Vec<_> = (0..64).map(|_| router.connect()).collect();
    for _ in 0..3 {
        let text = rest(&mut router.connect());
        assert!(text.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{text}");
        assert!(text.contains("there are 64 connections already"), "{text}");
    }
    // The client of the project reads the reason, too, though its request is not read.
    let refused = router.client().ask_json(&Request::Proxies).expect_err("one too many");
    assert!(refused.to_string().starts_with("there are 64 connections already"), "{refused}");
    for stream in &mut open {
        stream.write_all(b"GET /v1/proxies HTTP/1.1\r\n\r\n").expect("it is sent");
    }
    for stream in &mut open {
        assert_eq!(one_reply(stream).status, 200);
    }
    // Two, because the server may not notice at once that a client has gone.
    open.truncate(62);
    served_in_the_end(&router);
    serves_others(&router);
}

#[test]
fn a_request_of_64_kb_is_read_and_one_byte_more_is_not() {
    let router = Router::start(options());
    let request = |total: usize| {
        let head = "POST /v1/log HTTP/1.1\r\nContent-Length: 00000\r\n\r\n".len();
        let body = format!("{{\"level\":\"info\"{}}}", " ".repeat(total - head - 16));
        format!("POST /v1/log HTTP/1.1\r\nContent-Length: {:05}\r\n\r\n{body}", body.len())
    };
    assert_eq!(request(65_536).len(), 65_536);
    let mut stream = router.connect();
    stream.write_all(request(65_536).as_bytes()).expect("it is sent");
    assert_eq!(one_reply(&mut stream).status, 200);
    // The server may close before it has read all of it.
    let _ = stream.write_all(request(65_537).as_bytes());
    let text = rest(&mut stream);
    assert!(text.starts_with("HTTP/1.1 413 Content Too Large\r\n"), "{text}");

    let mut stream = router.connect();
    let _ = stream.write_all(format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(65_536)).as_bytes());
    assert!(rest(&mut stream).starts_with("HTTP/1.1 413 "));
    serves_others(&router);
}

#[test]
fn binary_garbage_is_refused_and_the_connection_closed() {
    let router = Router::start(options());
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..200 {
        let mut stream = router.connect();
        let mut bytes: Vec<u8> = (0..random.usize(1..3_000)).map(|_| random.u8(..)).collect();
        bytes[0] |= 0x80; // no method begins with it
        let _ = stream.write_all(&bytes);
        let text = rest(&mut stream);
        assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "round {round}: {text}");
    }
    serves_others(&router);
}

#[test]
fn half_requests_are_closed() {
    let router = Router::start(options());
    let text = "POST /v1/log HTTP/1.1\r\nContent-Length: 16\r\n\r\n{\"level\":\"warn\"}";
    for length in 1..text.len() {
        let mut stream = router.connect();
        stream.write_all(&text.as_bytes()[..length]).expect("it is sent");
        stream.shutdown(std::net::Shutdown::Write).expect("it is shut");
        assert_eq!(rest(&mut stream), "", "after {length} bytes");
    }
    serves_others(&router);
    assert_eq!(router.stop(), [], "none was carried out");
}

/// A page of groups is larger than the buffer of a socket.
#[test]
fn a_client_that_never_reads_is_left_alone_and_cut_off() {
    let limits = Limits { reading: Duration::from_millis(400), ..options().limits };
    let router = Router::start(Options { limits, ..options() });
    let mut streams: Vec<_> = (0..20).map(|_| router.connect()).collect();
    for stream in &mut streams {
        stream.write_all(b"GET /v1/groups?limit=10000 HTTP/1.1\r\n\r\n").expect("it is sent");
    }
    for stream in &mut streams {
        wait_until_closed(stream);
        let text = rest(stream);
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{}", &text[..text.len().min(80)]);
        assert!(!text.ends_with("}\n"), "the answer was cut off");
    }
    serves_others(&router);
}

/// Waits until the other side has closed the connection, and reads nothing.
fn wait_until_closed(stream: &UnixStream) {
    let mut fds = [PollFd::new(stream.as_fd(), PollFlags::empty())];
    let time = nix::poll::PollTimeout::try_from(LONG).expect("a time");
    assert_eq!(poll(&mut fds, time), Ok(1), "it is not cut off");
}

#[test]
fn answers_that_nobody_reads_have_a_limit() {
    let limits = Limits { unread: 2 << 20, ..options().limits };
    let router = Router::start(Options { limits, ..options() });
    let mut streams: Vec<_> = (0..12).map(|_| router.connect()).collect();
    for stream in &mut streams {
        stream.write_all(b"GET /v1/groups?limit=2000 HTTP/1.1\r\n\r\n").expect("it is sent");
    }
    let statuses: Vec<u16> = streams.iter_mut().map(one_head).collect();
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
    drop(streams);
    served_in_the_end(&router);
}

/// The status of an answer, of which nothing else is read.
fn one_head(stream: &mut UnixStream) -> u16 {
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("an answer");
    String::from_utf8_lossy(&head[9..]).parse().expect("a status")
}

/// Thousands of requests at once, of which a client reads no answer.
#[test]
fn pipelined_requests_do_not_pile_up() {
    let router = Router::start(options());
    let mut stream = router.connect();
    stream.set_nonblocking(true).expect("a socket");
    let request = b"GET /nowhere HTTP/1.1\r\n\r\n".repeat(1_000);
    let mut sent = 0;
    // Until both buffers are full.
    while let Ok(count) = stream.write(&request) {
        sent += count;
        assert!(sent < 16 << 20, "requests are read though their answers are not");
        std::thread::sleep(Duration::from_millis(1));
    }
    serves_others(&router);
}

#[test]
fn the_server_ends_whatever_its_clients_do() {
    let router = Router::start(options());
    let mut streams: Vec<_> = (0..10).map(|_| router.connect()).collect();
    router.busy.store(true, Ordering::SeqCst);
    for (number, stream) in streams.iter_mut().enumerate() {
        let text = &b"GET /v1/proxies HTTP/1.1\r\n\r\n"[..number * 3];
        stream.write_all(text).expect("it is sent");
    }
    std::thread::sleep(Duration::from_millis(50));
    let path = router.path.clone();
    let begun = Instant::now();
    router.stop();
    assert!(begun.elapsed() < SOON);
    assert!(!path.exists());
}
