//! The terminal: keys as they are pressed, its size, and all as before at the end.

use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::time::Duration;

/// What ^C is, as we take it for a key.
pub const CONTROL_C: u8 = 3;

/// The terminal while the table is on it. Its drop gives it back.
pub struct Terminal {
    before: libc::termios,
}

impl Terminal {
    /// Keys come at once and are not shown; the screen is another one.
    pub fn take() -> io::Result<Terminal> {
        let mut before = MaybeUninit::uninit();
        // SAFETY: fills in the structure, or fails.
        if unsafe { libc::tcgetattr(libc::STDIN_FILENO, before.as_mut_ptr()) } != 0 {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the standard input is no terminal; use --once",
            ));
        }
        // SAFETY: just filled in.
        let before = unsafe { before.assume_init() };
        let mut ours = before;
        ours.c_lflag &= !(libc::ICANON | libc::ECHO | libc::ISIG);
        // SAFETY: the structure outlives the call.
        if unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &ours) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let terminal = Terminal { before };
        print!("\x1b[?1049h\x1b[?25l");
        Ok(terminal)
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
        print!("\x1b[?25h\x1b[?1049l");
        io::stdout().flush().ok();
        // SAFETY: the structure outlives the call.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &self.before) };
    }
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
