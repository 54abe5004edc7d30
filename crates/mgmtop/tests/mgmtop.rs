//! mgmtop and the status socket together, as an operator uses them.
#![cfg(target_os = "linux")]

use mgm_manager::{ForwarderChoice, Manager, Settings};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
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
    before: libc::termios,
    mgmtop: Child,
}

fn settings_of(terminal: &File) -> libc::termios {
    // SAFETY: a structure of integers, which the call fills in.
    unsafe {
        let mut settings = std::mem::zeroed();
        assert_eq!(libc::tcgetattr(terminal.as_raw_fd(), &mut settings), 0);
        settings
    }
}

impl Screen {
    fn open(socket: &PathBuf) -> Screen {
        let (mut ours, mut theirs) = (-1, -1);
        let null = std::ptr::null_mut();
        // SAFETY: writes two descriptors; all else is left at its defaults.
        let code = unsafe { libc::openpty(&mut ours, &mut theirs, null, null.cast(), null.cast()) };
        assert_eq!(code, 0, "no terminal: {}", std::io::Error::last_os_error());
        // SAFETY: just opened, and nobody else's.
        let (ours, theirs) = unsafe { (File::from_raw_fd(ours), File::from_raw_fd(theirs)) };
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
        assert_eq!(now.c_lflag & (libc::ICANON | libc::ECHO), 0, "keys come at once");
        screen
    }

    fn read_until(&mut self, wanted: &str) {
        let (mut shown, mut piece) = (String::new(), [0; 4096]);
        while !shown.contains(wanted) {
            let mut poll =
                libc::pollfd { fd: self.ours.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one structure, which outlives the call.
            let ready = unsafe { libc::poll(&mut poll, 1, 20_000) };
            assert_eq!(ready, 1, "no {wanted:?} in {shown:?}");
            let count = self.ours.read(&mut piece).unwrap();
            shown.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
    }

    /// mgmtop has been told to end: how it did.
    fn end(mut self) -> std::process::ExitStatus {
        let status = self.mgmtop.wait().unwrap();
        // The cursor is there again, and the screen of before.
        self.read_until("\x1b[?25h\x1b[?1049l");
        let now = settings_of(&self.theirs);
        assert_eq!(now.c_lflag, self.before.c_lflag);
        status
    }
}

#[test]
fn the_terminal_is_as_before_whatever_ends_it() {
    let (manager, path) = router("terminal");
    let mut screen = Screen::open(&path);
    screen.ours.write_all(b"q").unwrap();
    assert!(screen.end().success());
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let screen = Screen::open(&path);
        let pid = libc::pid_t::try_from(screen.mgmtop.id()).unwrap();
        // SAFETY: a child of ours that nobody has waited for.
        unsafe { libc::kill(pid, signal) };
        assert_eq!(screen.end().signal(), Some(signal), "it ends by the signal");
    }
    manager.stop().unwrap();
}
