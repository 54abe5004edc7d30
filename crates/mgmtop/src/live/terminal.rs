//! The terminal: keys as they are pressed, its size, and all as before at the end,
//! even if that is a signal's doing.

use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::time::Duration;

/// What ^C is, as we take it for a key.
pub const CONTROL_C: u8 = 3;

/// Ends of a program that are asked for, and leave it time to tidy up.
const SIGNALS: [libc::c_int; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

/// Another screen, without a cursor; and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// How the terminal was before us: set once, so that a signal handler may read it.
static BEFORE: OnceLock<libc::termios> = OnceLock::new();

/// The terminal while the table is on it. Its drop gives it back, and so do signals.
pub struct Terminal(());

impl Terminal {
    /// Keys come at once and are not shown; the screen is another one.
    pub fn take() -> io::Result<Terminal> {
        let mut before = MaybeUninit::uninit();
        // SAFETY: fills in the structure, or fails.
        if unsafe { libc::tcgetattr(libc::STDIN_FILENO, before.as_mut_ptr()) } != 0 {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the standard input is not a terminal: use --once",
            ));
        }
        // SAFETY: just filled in.
        let before = *BEFORE.get_or_init(|| unsafe { before.assume_init() });
        for signal in SIGNALS {
            restore_on(signal);
        }
        let mut ours = before;
        ours.c_lflag &= !(libc::ICANON | libc::ECHO | libc::ISIG);
        // SAFETY: the structure outlives the call.
        if unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &ours) } != 0 {
            return Err(io::Error::last_os_error());
        }
        print!("{ENTER}");
        Ok(Terminal(()))
    }

    /// Shows as much as fits, in place of what was there.
    pub fn show(&self, lines: &[String]) -> io::Result<()> {
        let (columns, rows) = size();
        let mut out = String::from("\x1b[H");
        for line in lines.iter().take(rows) {
            out.extend(line.chars().take(columns));
            out.push_str("\x1b[K\r\n");
        }
        // No line end behind the last one: it would scroll.
        out.truncate(out.len() - 2);
        out.push_str("\x1b[J");
        let mut stdout = io::stdout();
        stdout.write_all(out.as_bytes())?;
        stdout.flush()
    }

    /// The next key; `None` if the time has passed. The end of the input is `q`.
    pub fn key(&self, most: Duration) -> Option<u8> {
        let mut poll = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
        let millis = i32::try_from(most.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one structure, which outlives the call.
        if unsafe { libc::poll(&mut poll, 1, millis) } <= 0 {
            return None;
        }
        let mut key = 0u8;
        // SAFETY: one byte of room.
        let read = unsafe { libc::read(libc::STDIN_FILENO, (&raw mut key).cast(), 1) };
        Some(if read == 1 { key } else { b'q' })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        io::stdout().flush().ok();
        restore();
    }
}

/// Gives the terminal back. Only what a signal handler may do.
fn restore() {
    // SAFETY: the text and the structure outlive the calls.
    unsafe {
        libc::write(libc::STDOUT_FILENO, LEAVE.as_ptr().cast(), LEAVE.len());
        if let Some(before) = BEFORE.get() {
            libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, before);
        }
    }
}

/// Has the signal give the terminal back before it ends the program, at once, even if
/// the router does not answer. One that is ignored, as by nohup, stays so.
fn restore_on(signal: libc::c_int) {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: both structures are valid, zeroes included; the handler does only what
    // one may, and the type is that of a handler without SA_SIGINFO.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
        let mut action = action.assume_init();
        if action.sa_sigaction == libc::SIG_IGN {
            return;
        }
        let handler: extern "C" fn(libc::c_int) = end;
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = libc::SA_RESETHAND;
        libc::sigaction(signal, &action, std::ptr::null_mut());
    }
}

extern "C" fn end(signal: libc::c_int) {
    restore();
    // SAFETY: may be called in a handler. The handler is reset, so that this ends the
    // program, as soon as we return, in the way its parent expects.
    unsafe { libc::raise(signal) };
}

/// Columns and rows, asked each time: that is all there is to do about a resize.
fn size() -> (usize, usize) {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: fills in the structure, or leaves its zeroes, which are valid.
    let size = unsafe {
        libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, size.as_mut_ptr());
        size.assume_init()
    };
    match (size.ws_col, size.ws_row) {
        (0, _) | (_, 0) => (80, 24),
        (columns, rows) => (usize::from(columns), usize::from(rows)),
    }
}
