//! The terminal: its keys, its size, and its settings, which are restored at the end, even if a
//! signal ends the program.

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::Print;
use crossterm::terminal::{self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{execute, queue};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::Builder;
use std::time::Duration;

/// The byte that ^C sends: in raw mode it is a key.
pub const CONTROL_C: u8 = 3;

/// What ends a wait before its time.
pub enum Input {
    Key(u8),
    /// The terminal may have another size.
    Resize,
}

/// The terminal in raw mode, with the alternate screen. Dropping it restores the terminal, and so
/// do signals.
pub struct Terminal {
    screen: File,
    inputs: Receiver<Input>,
}

impl Terminal {
    pub fn take() -> io::Result<Terminal> {
        if !io::stdin().is_terminal() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the standard input is not one: use --once",
            ));
        }
        let (sender, inputs) = mpsc::channel();
        let terminal = Terminal { screen: screen()?, inputs };
        let signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGWINCH])?;
        let (screen, resizes) = (terminal.screen.try_clone()?, sender.clone());
        Builder::new().spawn(move || handle_signals(signals, &screen, &resizes))?;
        terminal::enable_raw_mode()?;
        execute!(&terminal.screen, EnterAlternateScreen, Hide)?;
        Builder::new().spawn(move || read_keys(&sender))?;
        Ok(terminal)
    }

    /// Shows the lines that fit, in place of the previous ones. `text` returns them for a width.
    pub fn show(&self, text: impl FnOnce(usize) -> String) -> io::Result<()> {
        let (columns, rows) = size();
        let mut out = Vec::new();
        queue!(out, MoveTo(0, 0))?;
        for (row, line) in text(columns).lines().take(rows).enumerate() {
            // No line end after the last line, which would scroll.
            let line_end = if row == 0 { "" } else { "\r\n" };
            queue!(out, Print(line_end), Print(line), Clear(ClearType::UntilNewLine))?;
        }
        queue!(out, Clear(ClearType::FromCursorDown))?;
        (&self.screen).write_all(&out)
    }

    /// Waits for the next input; `None` if the time has passed.
    pub fn input(&self, most: Duration) -> Option<Input> {
        match self.inputs.recv_timeout(most) {
            Ok(input) => Some(input),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Input::Key(b'q')),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore(&self.screen);
    }
}

/// A descriptor of stdout. Not `io::stdout()`, whose lock would make a signal wait for a table.
fn screen() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Errors are ignored, because the terminal may no longer exist.
fn restore(mut screen: &File) {
    execute!(screen, Show, LeaveAlternateScreen).ok();
    terminal::disable_raw_mode().ok();
}

/// The main function of the thread that handles signals. It ends the program at once, even if the
/// router does not answer, and by the signal, as the parent process expects.
fn handle_signals(mut signals: Signals, screen: &File, resizes: &Sender<Input>) {
    for signal in &mut signals {
        if signal == SIGWINCH {
            resizes.send(Input::Resize).ok();
        } else {
            restore(screen);
            emulate_default_handler(signal).ok();
        }
    }
}

/// The main function of the thread that reads keys. The end of the input counts as `q`.
fn read_keys(keys: &Sender<Input>) {
    use std::io::Read;
    for key in io::stdin().lock().bytes().map_while(Result::ok) {
        keys.send(Input::Key(key)).ok();
    }
    keys.send(Input::Key(b'q')).ok();
}

/// Columns and rows.
fn size() -> (usize, usize) {
    match terminal::window_size() {
        Ok(size) if size.columns > 0 && size.rows > 0 => (size.columns.into(), size.rows.into()),
        _ => (80, 24),
    }
}
