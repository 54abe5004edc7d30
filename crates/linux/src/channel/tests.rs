//! Listeners, connections and the poller, with real sockets.

use super::*;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("mgm-channel-{name}-{}", std::process::id()))
}

#[test]
fn t9_10_the_socket_has_the_mode_that_is_asked_for_and_tells_who_connects() {
    for mode in [0o600, 0o660, 0o666] {
        let path = path(&format!("mode-{mode:o}"));
        let listener = Listener::open(&path, Access { mode, ..Access::OWN }).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        let client = Connection::open(&path).unwrap();
        let server = listener.accept().unwrap().expect("it waits");
        let peer = server.peer().unwrap();
        assert_eq!(peer.pid, std::process::id() as i32);
        assert_eq!(peer.uid, fs::metadata(&path).unwrap().uid());
        assert!(listener.accept().unwrap().is_none());
        drop(client);
        drop(listener);
        assert!(!path.exists(), "its file is removed");
    }
}

#[test]
fn t9_10_the_socket_has_the_owner_and_the_group_that_are_asked_for() {
    if !nix::unistd::geteuid().is_root() {
        return; // only root can give files away
    }
    let path = path("owner");
    let of = || {
        let meta = fs::metadata(&path).unwrap();
        (meta.uid(), meta.gid(), meta.permissions().mode() & 0o777)
    };
    let given = Access { owner: Some(12_345), group: Some(23_456), mode: 0o640 };
    let listener = Listener::open(&path, given).unwrap();
    assert_eq!(of(), (12_345, 23_456, 0o640));
    Access { group: Some(7), mode: 0o604, ..Access::OWN }.apply(&path).unwrap();
    assert_eq!(of(), (0, 7, 0o604), "what is not asked for is that of the process");
    drop(listener);
    assert!(!path.exists());
}

#[test]
fn t9_1_two_routers_do_not_listen_at_one_path_and_a_file_is_not_replaced() {
    let path = path("twice");
    let first = Listener::open(&path, Access::OWN).unwrap();
    assert_eq!(Listener::open(&path, Access::OWN).unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(first);
    fs::write(&path, "a file").unwrap();
    assert_eq!(Listener::open(&path, Access::OWN).unwrap_err().kind(), ErrorKind::AlreadyExists);
    fs::remove_file(&path).unwrap();
}

#[test]
fn t9_11_a_connection_that_does_not_wait_tells_so_and_its_end_is_seen() {
    let path = path("end");
    let listener = Listener::open(&path, Access::OWN).unwrap();
    let client = Connection::open(&path).unwrap();
    let server = listener.accept().unwrap().expect("it waits");
    let mut piece = [0; 16];
    assert_eq!(server.receive(&mut piece).unwrap_err().kind(), ErrorKind::WouldBlock);
    // The client's side waits, unless it asks not to.
    assert_eq!(client.receive_at_once(&mut [0; 16]).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.send_all(b"hello").unwrap();
    assert_eq!(server.receive(&mut piece).unwrap(), 5);
    let bytes = vec![0; 1 << 20];
    let sent = server.send(&bytes).unwrap();
    assert!(sent < bytes.len(), "the client does not read");
    assert_eq!(server.send(&bytes).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.shut_down();
    assert_eq!(server.receive(&mut piece).unwrap(), 0);
    assert!(server.send(b"x").is_err());
}

#[test]
fn t9_12_connections_are_closed_in_a_forked_child_and_stay_open_in_the_parent() {
    let path = path("fork");
    let listener = Listener::open(&path, Access::OWN).unwrap();
    let client = Connection::open(&path).unwrap();
    let server = listener.accept().unwrap().unwrap();
    let poller = Poller::new().unwrap();
    let numbers = [listener.0.socket.as_raw_fd(), client.0.as_raw_fd(), server.0.as_raw_fd()];
    let numbers = [numbers[0], numbers[1], numbers[2], poller.epoll.as_raw_fd()];
    // SAFETY: the child makes only async-signal-safe calls, then exits.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let open = numbers.iter().filter(|&&fd| {
            // SAFETY: asks about a number, whatever it stands for.
            unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
        });
        // Neither of these may reach the parent's connection.
        client.shut_down();
        poller.wake();
        // SAFETY: ends the child without the parent's exit handlers.
        unsafe { libc::_exit(open.count() as i32) };
    }
    let child = nix::unistd::Pid::from_raw(child);
    let status = nix::sys::wait::waitpid(child, None).unwrap();
    assert_eq!(status, nix::sys::wait::WaitStatus::Exited(child, 0));
    client.send_all(b"still here").unwrap();
    assert_eq!(server.receive(&mut [0; 16]).unwrap(), 10);
}

#[test]
fn t9_11_the_poller_returns_what_is_ready_and_can_be_woken() {
    let path = path("poll");
    let listener = Listener::open(&path, Access::OWN).unwrap();
    let poller = Poller::new().unwrap();
    poller.add(&listener, 1).unwrap();
    let mut ready = Vec::new();
    let mut wait = |most: u64| {
        ready.clear();
        poller.wait(Some(Duration::from_millis(most)), &mut ready);
        ready.clone()
    };
    assert_eq!(wait(1), []);
    poller.wake();
    assert_eq!(wait(60_000), [], "woken long before the time is over");
    poller.wake();
    assert!(poller.wait(Some(Duration::ZERO), &mut Vec::new()), "a thread that polls is told so");
    assert!(!poller.wait(Some(Duration::ZERO), &mut Vec::new()));
    let client = Connection::open(&path).unwrap();
    let readable = |token| Ready { token, readable: true, writable: false };
    assert_eq!(wait(60_000), [readable(1)]);
    let server = listener.accept().unwrap().unwrap();
    poller.add(&server, 2).unwrap();
    assert_eq!(wait(1), []);
    poller.change(&server, 2, false, true).unwrap();
    assert_eq!(wait(60_000), [Ready { token: 2, readable: false, writable: true }]);
    poller.change(&server, 2, true, false).unwrap();
    drop(client);
    assert_eq!(wait(60_000), [readable(2)], "the end can be read");
    poller.remove(&server);
    assert_eq!(wait(1), []);
}

#[test]
fn t9_11_the_soft_limit_on_descriptors_is_raised_as_far_as_the_hard_limit_permits() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let now = || getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let low = soft.min(hard).min(512);
    setrlimit(Resource::RLIMIT_NOFILE, low, hard).unwrap();
    allow_descriptors(low - 1);
    assert_eq!(now(), (low, hard), "it is never lowered");
    allow_descriptors(low + 1);
    assert_eq!(now(), ((low + 1).min(hard), hard));
    allow_descriptors(hard.saturating_add(1));
    assert_eq!(now(), (hard, hard));
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
}

#[test]
fn t9_7_the_end_of_a_process_is_seen_before_everything_that_it_has_sent_is_read() {
    let path = path("hang-up");
    let listener = Listener::open(&path, Access::OWN).unwrap();
    let client = Connection::open(&path).unwrap();
    let server = listener.accept().unwrap().expect("it waits");
    client.send_all(b"hello").unwrap();
    assert!(!server.has_hung_up());
    drop(client);
    assert!(server.has_hung_up());
    assert_eq!(server.receive(&mut [0; 16]).unwrap(), 5);
}
