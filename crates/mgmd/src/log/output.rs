//! Writes to stderr, and waits for it only for a limited
//! time.

use super::style::Target;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::time::{Duration, Instant};

/// How long all lines together may wait …
const WAIT: Duration = Duration::from_millis(100);
/// … in a period of this length.
const PERIOD: Duration = Duration::from_secs(1);

/// The file to which lines are written. After an error other than a full pipe, lines are lost
/// without a report, because there is no other place for it.
#[derive(Debug)]
pub struct Output {
    file: Option<File>,
    /// The rest of a line whose beginning was written.
    unfinished: Vec<u8>,
    period: Instant,
    waited: Duration,
    dropped: u64,
}

impl Output {
    pub fn stderr() -> Output {
        let file = io::stderr().as_fd().try_clone_to_owned().ok().map(File::from);
        Output::new(file.map(|file| own_description(&file).unwrap_or(file)))
    }

    pub fn new(file: Option<File>) -> Output {
        let unfinished = Vec::new();
        Output { file, unfinished, period: Instant::now(), waited: Duration::ZERO, dropped: 0 }
    }

    pub fn target(&self) -> Target {
        let Some(file) = &self.file else { return Target::default() };
        let stream = file.metadata().map(|about| format!("{}:{}", about.dev(), about.ino()));
        Target { stream: stream.unwrap_or_default(), is_terminal: file.is_terminal() }
    }

    /// Writes a line. Returns false if there was no room: then no part of the line is written,
    /// now or later.
    pub fn write(&mut self, line: &[u8]) -> bool {
        let before = std::mem::take(&mut self.unfinished);
        let rest = self.push(&before);
        if !rest.is_empty() {
            self.unfinished = rest.to_vec();
            return false;
        }
        let rest = self.push(line);
        if rest.len() == line.len() && !line.is_empty() {
            return false;
        }
        self.unfinished = rest.to_vec();
        true
    }

    /// How many lines were dropped since the last report.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Notes that this many dropped lines have been
    /// reported.
    pub fn forget(&mut self, count: u64) {
        self.dropped -= count;
    }

    pub fn drop_line(&mut self) {
        self.dropped += 1;
    }

    /// Writes as much as possible in the permitted time, and returns the
    /// rest.
    fn push<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        while !bytes.is_empty() && self.wait() {
            let Some(file) = &mut self.file else { return &[] };
            match file.write(bytes) {
                Ok(0) => return &[],
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Another program has filled the pipe in the meantime.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return bytes,
                Err(_) => return &[],
            }
        }
        bytes
    }

    /// Waits until there is room. Returns false if there is none
    /// in time.
    fn wait(&mut self) -> bool {
        let Some(file) = &self.file else { return true };
        let now = Instant::now();
        if now.duration_since(self.period) >= PERIOD {
            (self.period, self.waited) = (now, Duration::ZERO);
        }
        let left = WAIT.saturating_sub(self.waited).as_millis();
        let mut descriptors = [PollFd::new(file.as_fd(), PollFlags::POLLOUT)];
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let ready = poll(&mut descriptors, left);
        self.waited += now.elapsed();
        // After an error of poll, write reports it.
        !matches!(ready, Ok(0))
    }
}

/// Opens a pipe or terminal again, with O_NONBLOCK. The flag must not be set on the descriptor
/// that mgmd inherited, because other programs share it and do not expect the flag. `None` if the
/// file cannot be opened again, like a socket. A line is then written when poll(2) reports room.
fn own_description(file: &File) -> Option<File> {
    let kind = file.metadata().ok()?.file_type();
    if !kind.is_fifo() && !kind.is_char_device() {
        return None;
    }
    OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open("/proc/self/fd/2")
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    /// A terminal takes parts of lines; a socket that does not block does the same.
    #[test]
    fn a_line_that_was_begun_is_finished_before_the_next() {
        let (ours, mut reader) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut output = Output::new(Some(OwnedFd::from(ours).into()));
        let long = vec![b'a'; 1 << 20];
        assert!(output.write(&long));
        assert!(!output.unfinished.is_empty());
        assert!(!output.write(b"too early\n"), "there is no room for it");

        let mut begin = vec![0; long.len() - output.unfinished.len()];
        reader.read_exact(&mut begin).unwrap();
        output.waited = Duration::ZERO;
        assert!(!output.unfinished.is_empty());
        while !output.unfinished.is_empty() {
            output.write(b"");
            output.waited = Duration::ZERO;
            let mut part = vec![0; 1 << 20];
            let count = reader.read(&mut part).unwrap();
            begin.extend_from_slice(&part[..count]);
        }
        assert!(output.write(b"next\n"));
        drop(output);
        reader.read_to_end(&mut begin).unwrap();
        let (first, second) = begin.split_at(long.len());
        assert!(first == long && second == b"next\n");
    }
}
