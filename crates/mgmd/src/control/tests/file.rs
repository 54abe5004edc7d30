//! The file of the socket.

use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;

fn error(options: Options) -> String {
    Server::open(options).expect_err("it is refused")
}

#[test]
fn without_its_group_only_the_user_may_connect() {
    let options = options();
    let path = options.path.clone();
    let (server, _inbox) = Server::open(options).expect("it opens");
    assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
    drop(server);
    assert!(!path.exists(), "the file is removed");
}

/// Root may use any group, and others their own ones.
#[test]
fn the_group_may_connect() {
    let gid = nix::unistd::getegid();
    let group = nix::unistd::Group::from_gid(gid).expect("the groups").expect("a group");
    let options = Options { group: group.name, ..options() };
    let path = options.path.clone();
    let _opened = Server::open(options).expect("it opens");
    let file = fs::metadata(&path).expect("the file");
    assert_eq!(file.permissions().mode() & 0o777, 0o660);
    assert_eq!(file.gid(), gid.as_raw());
}

#[test]
fn the_socket_of_a_dead_process_is_replaced() {
    let options = options();
    drop(UnixListener::bind(&options.path).expect("a socket"));
    assert!(options.path.exists());
    let router = Router::start(options);
    router.client().ask_json(&Request::Proxies).expect("it answers");
}

#[test]
fn the_socket_of_a_living_process_is_refused_with_its_name() {
    let options = options();
    let path = options.path.clone();
    let listener = UnixListener::bind(&path).expect("a socket");
    let error = error(options);
    let process = format!("process {}", std::process::id());
    assert!(error.starts_with(&format!("{}: {process} (", path.display())), "{error}");
    assert!(
        error.ends_with("stop that process, or set another path as \"control\" in [router]"),
        "{error}"
    );
    assert!(!error.contains('\n'));
    assert!(path.exists());
    drop(listener);
    fs::remove_file(path).expect("it is still there");
}

#[test]
fn another_file_is_left_alone() {
    let options = options();
    let path = options.path.clone();
    fs::write(&path, "mine").expect("it is written");
    assert!(error(options).contains("is not a socket: remove it"));
    assert_eq!(fs::read(&path).expect("it is still there"), b"mine");
    fs::remove_file(path).expect("it is still there");
}

#[test]
fn a_directory_that_does_not_exist_is_named() {
    let options = Options { path: "/nonexistent/mgmd/control".into(), ..options() };
    let error = error(options);
    assert!(error.starts_with("/nonexistent/mgmd/control: "), "{error}");
    assert!(error.contains("use a directory that exists"), "{error}");
}

/// A file that replaced ours belongs to another process.
#[test]
fn only_the_own_file_is_removed() {
    let options = options();
    let path = options.path.clone();
    let (server, _inbox) = Server::open(options).expect("it opens");
    fs::remove_file(&path).expect("it is there");
    let _other = UnixListener::bind(&path).expect("a socket");
    drop(server);
    assert!(path.exists());
    fs::remove_file(path).expect("it is still there");
}

#[test]
fn m18_of_several_that_start_at_once_only_one_serves() {
    const STARTS: usize = 4;
    let path = options().path;
    for round in 0..40 {
        // The socket of a process that was killed: all find that no process listens.
        drop(UnixListener::bind(&path).expect("a socket"));
        let barrier = std::sync::Barrier::new(STARTS);
        let open = || {
            let options = Options { path: path.clone(), ..options() };
            barrier.wait();
            Server::open(options)
        };
        let opened: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..STARTS).map(|_| scope.spawn(open)).collect();
            starts.into_iter().map(|start| start.join().expect("it returns")).collect()
        });
        let (serving, refused): (Vec<_>, Vec<_>) = opened.into_iter().partition(Result::is_ok);
        assert_eq!(serving.len(), 1, "round {round}");
        for refusal in refused {
            let text = refusal.map(|_| ()).expect_err("it is refused");
            assert!(text.contains(": stop that process, or set another path"), "{text}");
        }
        let _reached = UnixStream::connect(&path).expect("it listens");
        drop(serving);
        assert!(!path.exists() && !lock::path_of(&path).exists(), "both files are removed");
    }
}

/// The lock of a process that was killed has ended with it, but its file is left.
#[test]
fn m18_the_file_of_an_old_lock_does_not_matter() {
    let options = options();
    let file = lock::path_of(&options.path);
    fs::write(&file, "").expect("it is written");
    let (server, _inbox) = Server::open(options).expect("it opens");
    drop(server);
    assert!(!file.exists());
}

#[test]
fn m18_a_lock_that_cannot_be_taken_is_named() {
    let options = options();
    let file = lock::path_of(&options.path);
    std::os::unix::fs::symlink("/dev/null", &file).expect("a link");
    let error = error(options);
    let begin = format!("{}: cannot be locked: ", file.display());
    assert!(error.starts_with(&begin) && error.contains(": remove it, or set"), "{error}");
    fs::remove_file(file).expect("it is still there");
}
