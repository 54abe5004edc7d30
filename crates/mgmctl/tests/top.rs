//! mgmctl and the status socket of a library together, as an operator uses them: `top`, which is
//! also the program mgmtop, `status` and `flows`.
#![cfg(target_os = "linux")]

use mgm_control::flows::Flows;
use mgm_control::Versioned;
use mgm_engine::{Notice, NoticeKind};
use mgm_manager::{Callbacks, ForwarderChoice, Join, Manager, PacketIn, Settings};
use mgm_types::{Flow, Interface, Ipv4Addr, Route, RouteOrigin};
use nix::poll::{poll, PollFd, PollFlags};
use nix::pty::openpty;
use nix::sys::signal::kill;
use nix::sys::signal::Signal::{self, SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use nix::sys::termios::{tcgetattr, LocalFlags, Termios};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

/// A path for a test.
fn some_path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("mgm-top-{}-{name}", std::process::id()))
}

/// The link that is installed beside mgmctl, in a folder of its own.
fn link() -> PathBuf {
    static LINK: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let folder = some_path("bin");
        std::fs::create_dir_all(&folder).expect("a folder");
        let link = folder.join("mgmtop");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mgmctl"), &link).expect("a link");
        link
    };
    LINK.get_or_init(make).clone()
}

fn run(program: &Path, args: &[&str], variables: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(program);
    command.args(args).env_remove("MGM_STATUS_SOCKET").env_remove("MGMCTL_SOCKET");
    command.envs(variables.iter().copied()).output().expect("it runs")
}

fn mgmtop(args: &[&str]) -> Output {
    run(&link(), args, &[])
}

fn mgmctl(args: &[&str]) -> Output {
    run(Path::new(env!("CARGO_BIN_EXE_mgmctl")), args, &[])
}

fn text(output: &[u8]) -> &str {
    std::str::from_utf8(output).expect("text")
}

/// A router that can be looked at, and where.
fn router(name: &str) -> (Manager, PathBuf) {
    let path = some_path(name);
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    manager.serve_status(Some(&path)).unwrap();
    (manager, path)
}

#[test]
fn one_table_for_scripts() {
    let (manager, path) = router("once");
    let socket = path.to_str().expect("text");
    let once = ["--once", "--interval", "0.1"];
    let tables = [
        mgmtop(&[&once[..], &[socket]].concat()),
        mgmctl(&[&["top"], &once[..], &[socket]].concat()),
        mgmctl(&[&["--socket", socket, "top"], &once[..]].concat()),
        run(&link(), &once, &[("MGM_STATUS_SOCKET", &path)]),
        run(&link(), &once, &[("MGMCTL_SOCKET", &path)]),
    ];
    for output in tables {
        let shown = text(&output.stdout);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(shown.starts_with(concat!("libmgm ", env!("CARGO_PKG_VERSION"))), "{shown}");
        assert!(shown.contains("\n0 flows, ") && shown.contains("SOURCE"), "{shown}");
    }
    manager.stop().unwrap();
}

/// A client without callbacks.
struct Quiet;

impl Callbacks for Quiet {
    fn has(&self, _: NoticeKind) -> bool {
        false
    }

    fn call(&self, _: &mut Notice) {}
}

/// Forwards packets of the source 10.0.0.1 to these groups from interface 1 to interface 2.
fn forward(manager: &Manager, groups: impl Iterator<Item = Ipv4Addr>) {
    let client = manager.register(Box::new(Quiet), 200, 1).unwrap();
    let [arrival, out] = [1, 2].map(Interface::link);
    manager.take(client, arrival).unwrap();
    manager.take(client, out).unwrap();
    let network = Ipv4Addr::new(10, 0, 0, 0);
    let origin = RouteOrigin::Connected;
    manager
        .add_route(Route { origin, if_index: 1, paths: None, network, prefix_len: 8, protocol: 2 })
        .unwrap();
    for group in groups {
        let flow = Flow::new(Ipv4Addr::new(10, 0, 0, 1), group);
        manager.add_membership(client, Flow::any_source(group), out, Join::State).unwrap();
        let packet = PacketIn { flow, arrival, header: &[], length: 100, ttl: 64 };
        assert_eq!(manager.packet_in(packet).unwrap().oifs.to_vec(), [out]);
    }
}

#[test]
fn the_flows_of_a_library_are_shown_as_those_of_mgmd() {
    let (manager, path) = router("flows");
    let groups = [Ipv4Addr::new(239, 1, 1, 1), Ipv4Addr::new(239, 1, 1, 2)];
    forward(&manager, groups.into_iter());
    let socket = path.to_str().expect("text");
    let output = mgmctl(&["--socket", socket, "flows", "239.1.1.2"]);
    let shown = text(&output.stdout);
    assert_eq!(shown.lines().count(), 2, "{shown}{}", text(&output.stderr));
    assert!(
        shown.contains("\n10.0.0.1        239.1.1.2       #1             1     100 "),
        "{shown}"
    );
    assert!(shown.ends_with(" #2\n"), "{shown}");

    let output = mgmctl(&["--json", "--socket", socket, "flows"]);
    let json: Versioned<Flows> = serde_json::from_slice(&output.stdout).expect("flows of mgmd");
    assert_eq!((json.api, json.answer.total, json.answer.next), (1, 2, None));
    assert_eq!(json.answer.flows.iter().map(|flow| flow.group).collect::<Vec<_>>(), groups);

    let output = mgmctl(&["top", "--json", "--once", socket]);
    let json: Versioned<Flows> = serde_json::from_slice(&output.stdout).expect("flows of mgmd");
    assert_eq!(json.answer.total, 2);

    let output = mgmctl(&["--socket", socket, "status"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("\nflows          2, 0 being resolved\n"), "{shown}");
    let output = mgmctl(&["--json", "--socket", socket, "status"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&json["totals"]["mfes"], &json["mfes"]), (&2.into(), &serde_json::Value::Null));

    let output = mgmtop(&["--once", "--interval", "0.1", socket]);
    let shown = text(&output.stdout);
    assert!(shown.contains("\n2 flows, 0 being resolved; 0 upcalls, 0 lost\n"), "{shown}");
    assert!(
        shown.contains("\n10.0.0.1        239.1.1.1       #1            0.0      0.0 "),
        "{shown}"
    );
    manager.stop().unwrap();
}

/// Also those that do not fit one page of mgmd.
#[test]
fn a_flow_of_a_library_is_explained() {
    let (manager, path) = router("explain");
    forward(&manager, [Ipv4Addr::new(239, 1, 1, 1)].into_iter());
    let socket = path.to_str().expect("text");
    let explain = |group: &str| mgmctl(&["--socket", socket, "explain", "10.0.0.1", group]);
    let output = explain("239.1.1.1");
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", text(&output.stderr));
    assert!(shown.contains("\nto #2      wanted by protocol 200 (all sources)\n"), "{shown}");
    assert!(shown.contains("\nMFE        1 packets, 100 octets; up "), "{shown}");
    assert!(shown.ends_with("\nforwarded  yes: packets are forwarded to #2\n"), "{shown}");
    let output = explain("239.1.1.2");
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{shown}{}", text(&output.stderr));
    assert!(shown.contains("\nforwarded  no: no interface wants 239.1.1.2: "), "{shown}");
    let output =
        mgmctl(&["--socket", socket, "explain", "10.0.0.1", "239.1.1.1", "--from", "eth9"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "mgmctl: no client has taken eth9\n");
    let output = run(
        Path::new(env!("CARGO_BIN_EXE_mgmctl")),
        &["--json", "explain", "10.0.0.1", "239.1.1.1"],
        &[("MGM_STATUS_SOCKET", &path)],
    );
    let json: Versioned<mgm_control::explain::Explanation> =
        serde_json::from_slice(&output.stdout).expect("an explanation as that of mgmd");
    assert!(json.answer.verdict.forwarded);
    manager.stop().unwrap();
}

#[test]
fn all_flows_of_a_library_are_shown() {
    let (manager, path) = router("all");
    let groups = (0..12_000_u32).map(|n| Ipv4Addr::from(0xef00_0000 + n));
    forward(&manager, groups);
    let output = mgmctl(&["--socket", path.to_str().expect("text"), "flows"]);
    assert_eq!(text(&output.stdout).lines().count(), 12_001);
    manager.stop().unwrap();
}

#[test]
fn only_a_library_that_is_asked_for_its_status_answers() {
    let (manager, path) = router("other");
    let socket = path.to_str().expect("text");
    let output = mgmctl(&["--socket", socket, "groups"]);
    assert_eq!(output.status.code(), Some(3));
    let expected = format!(
        "mgmctl: {socket} is a status socket, which answers only the commands status, flows, top \
         and explain: name the control socket of mgmd with --socket\n"
    );
    assert_eq!(text(&output.stderr), expected);
    manager.stop().unwrap();
}

/// A refused socket is one sentence, with one thing to do.
#[test]
fn a_socket_that_does_not_answer_has_one_reason() {
    let path = some_path("nowhere");
    let socket = path.to_str().expect("text");
    let output = mgmtop(&[socket]);
    assert_eq!(output.status.code(), Some(3));
    let nobody =
        format!("no router listens at {socket}: start it with MGM_STATUS_SOCKET={socket}\n");
    assert_eq!(text(&output.stderr), format!("mgmtop: {nobody}"));
    let listener = UnixListener::bind(&path).expect("a socket");
    drop(listener);
    let output =
        run(Path::new(env!("CARGO_BIN_EXE_mgmctl")), &["status"], &[("MGM_STATUS_SOCKET", &path)]);
    assert_eq!(text(&output.stderr), format!("mgmctl: {nobody}"));
    std::fs::remove_file(&path).expect("it is there");
}

#[test]
fn what_it_does_not_understand_it_says() {
    for args in [&["--often"][..], &["--interval", "0", "x"], &["a", "b"]] {
        let output = mgmtop(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains("mgmtop [OPTIONS]") || args[0] == "--interval");
    }
    let help = mgmtop(&["--help"]);
    assert!(help.status.success());
    for word in ["Usage: mgmtop [OPTIONS] [SOCKET]", "--once", "--json", "MGM_STATUS_SOCKET"] {
        assert!(text(&help.stdout).contains(word), "{word}");
    }
    let version = mgmtop(&["--version"]);
    assert!(version.status.success());
    assert_eq!(version.stdout, concat!("mgmtop ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
}

#[test]
fn without_a_terminal_it_names_the_option() {
    let (manager, path) = router("pipe");
    let output = mgmtop(&[path.to_str().expect("text")]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "mgmtop: cannot use the terminal: the standard input is not one: use --once\n";
    assert_eq!(text(&output.stderr), expected);
    manager.stop().unwrap();
}

/// A terminal with mgmtop on it.
struct Screen {
    ours: File,
    theirs: File,
    before: Termios,
    mgmtop: Child,
}

fn settings_of(terminal: &File) -> Termios {
    tcgetattr(terminal).unwrap()
}

impl Screen {
    fn open(socket: &PathBuf) -> Screen {
        let pty = openpty(None, None).expect("a terminal");
        let (ours, theirs) = (File::from(pty.master), File::from(pty.slave));
        let before = settings_of(&theirs);
        let end = || Stdio::from(theirs.try_clone().unwrap());
        // An interval so long that none of it passes.
        let mgmtop = Command::new(link())
            .args(["--interval", "3600"])
            .arg(socket)
            .stdin(end())
            .stdout(end())
            .spawn()
            .unwrap();
        let mut screen = Screen { ours, theirs, before, mgmtop };
        screen.read_until("SOURCE");
        let now = settings_of(&screen.theirs);
        let cooked = LocalFlags::ICANON | LocalFlags::ECHO;
        assert!(!now.local_flags.intersects(cooked), "each key is read at once");
        screen
    }

    fn read_until(&mut self, wanted: &str) {
        let (mut shown, mut piece) = (String::new(), [0; 4096]);
        while !shown.contains(wanted) {
            let mut fds = [PollFd::new(self.ours.as_fd(), PollFlags::POLLIN)];
            assert_eq!(poll(&mut fds, 20_000u16), Ok(1), "no {wanted:?} in {shown:?}");
            let count = self.ours.read(&mut piece).unwrap();
            shown.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.mgmtop.id() as i32), signal).unwrap();
    }

    /// Waits for mgmtop, which has a reason to end, and returns its status.
    fn end(mut self) -> std::process::ExitStatus {
        let status = self.mgmtop.wait().unwrap();
        // The cursor is there again, and the screen of before.
        self.read_until("\x1b[?25h\x1b[?1049l");
        let now = settings_of(&self.theirs);
        assert_eq!(now, self.before);
        status
    }
}

#[test]
fn the_terminal_is_as_before_whatever_ends_it() {
    let (manager, path) = router("terminal");
    let mut screen = Screen::open(&path);
    screen.ours.write_all(b"q").unwrap();
    assert!(screen.end().success());
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        let screen = Screen::open(&path);
        screen.signal(signal);
        assert_eq!(screen.end().signal(), Some(signal as i32), "it ends by the signal");
    }
    manager.stop().unwrap();
}

#[test]
fn another_size_or_key_draws_the_table_again() {
    let (manager, path) = router("resize");
    let mut screen = Screen::open(&path);
    screen.signal(SIGWINCH);
    screen.read_until("SOURCE");
    screen.ours.write_all(b"x").unwrap();
    screen.read_until("SOURCE");
    screen.ours.write_all(&[3]).unwrap();
    assert!(screen.end().success(), "^C ends it");
    manager.stop().unwrap();
}
