//! mgmtop and the status socket together, as an operator uses them.
#![cfg(target_os = "linux")]

use mgm_manager::{ForwarderChoice, Manager, Settings};
use nix::poll::{poll, PollFd, PollFlags};
use nix::pty::openpty;
use nix::sys::signal::kill;
use nix::sys::signal::Signal::{self, SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use nix::sys::termios::{tcgetattr, LocalFlags, Termios};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

fn mgmtop(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mgmtop"));
    command.args(args).env_remove("MGM_STATUS_SOCKET").output().expect("mgmtop runs")
}

/// A router that can be looked at, and where.
fn router(name: &str) -> (Manager, PathBuf) {
    let path = std::env::temp_dir().join(format!("mgm-top-{}-{name}", std::process::id()));
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    manager.serve_status(Some(&path)).unwrap();
    (manager, path)
}

#[test]
fn one_table_for_scripts() {
    let (manager, path) = router("once");
    let output = mgmtop(&["--once", "--interval", "0.1", path.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(text.starts_with("mgm ") && text.contains("MFEs 0"), "{text}");
    assert!(text.contains("SOURCE"), "{text}");
    manager.stop().unwrap();

    let output = mgmtop(&["--once", path.to_str().unwrap()]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("is the router running"), "{text}");
}

#[test]
fn what_it_does_not_understand_it_says() {
    for args in [&["--often"][..], &["--interval", "0", "x"], &["a", "b"], &[]] {
        let output = mgmtop(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("--once"));
    }
    assert!(mgmtop(&["--help"]).status.success());
    let version = mgmtop(&["--version"]);
    assert!(version.status.success());
    assert_eq!(version.stdout, concat!("mgmtop ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
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
        let mgmtop = Command::new(env!("CARGO_BIN_EXE_mgmtop"))
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
