//! Reads the multicast routing socket: upcalls that the sink has not taken yet, lost upcalls,
//! and failed reads.
//!
//! An upcall names its interface by the number of the VIF, which is looked up when the upcall is
//! read. So the number may be used for another device only after all upcalls were read that
//! waited in the socket when the kernel deleted the VIF ([`Intake::drain`]).

use super::advice;
use super::batch::{UpcallBatch, BATCH};
use super::upcall::{self, Ignored};
use super::vifs::Devices;
use crate::forwarder::Upcall;
use crate::types::Interface;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// The time between two log messages about the same problem.
const LINES: Duration = Duration::from_secs(10);

/// How many upcalls are kept while the sink cannot take them; further ones stay in the socket's
/// buffer.
pub(super) const MOST_KEPT: usize = 1 << 18;

/// The number of full batches read before the sink gets them. The socket's buffer never holds
/// more, so this is all unless upcalls arrive as fast as they are read.
const BATCHES: usize = 1024;
const _: () = assert!(BATCHES * BATCH > 2 * super::RECEIVE_BUFFER / 768);

/// The number of errors after which [`Intake::drain`] gives up.
const TRIES: u32 = 3;

/// The state of reading, and the upcalls read.
pub(super) struct Intake {
    batch: UpcallBatch,
    /// Upcalls that the sink could not take yet, oldest first.
    pub kept: Vec<Upcall>,
    most_kept: usize,
    pub losses: Losses,
    failures: Failures,
}

impl Intake {
    /// Keeps about as many upcalls as `most_kept`.
    pub(super) fn new(most_kept: usize) -> Intake {
        Intake {
            batch: UpcallBatch::new(),
            kept: Vec::new(),
            most_kept,
            losses: Losses::default(),
            failures: Failures::default(),
        }
    }

    /// How long the thread may wait for upcalls; `None` means for ever. If upcalls are kept, it
    /// must not wait long, because they must be offered to the sink again.
    pub(super) fn patience(&self) -> Option<Duration> {
        if self.kept.is_empty() {
            self.losses.wait()
        } else {
            Some(Duration::ZERO)
        }
    }

    /// Reads the waiting datagrams while there is room. Returns their number.
    pub(super) fn read(&mut self, socket: &impl AsFd, devices: &Devices) -> io::Result<usize> {
        let mut count = 0;
        for _ in 0..BATCHES {
            if self.kept.len() >= self.most_kept {
                break;
            }
            match self.read_batch(socket, devices) {
                Ok(read) => count += read,
                Err(error) if is_passing(&error) => break,
                Err(error) => return Err(error),
            }
            if !self.batch.is_full() {
                break;
            }
        }
        self.failures.over();
        Ok(count)
    }

    /// Reads all waiting upcalls. Those without room are dropped and counted as lost.
    ///
    /// # Errors
    /// Some upcalls may still be waiting.
    pub(super) fn drain(&mut self, socket: &impl AsFd, devices: &Devices) -> io::Result<()> {
        let (mut left, mut failures) = (BATCHES, 0);
        // A batch that is not full does not prove that nothing waits: an error may have ended it.
        while left > 0 {
            match self.read_batch(socket, devices) {
                Ok(_) => left -= 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    failures += 1;
                    if failures == TRIES {
                        return Err(error);
                    }
                }
            }
            let excess = self.kept.len().saturating_sub(self.most_kept);
            self.kept.truncate(self.most_kept);
            self.losses.add(excess);
        }
        self.failures.over();
        Ok(())
    }

    /// Drops what arrived on the device with this index: another one may get the index.
    pub(super) fn forget(&mut self, if_index: u32) {
        self.kept.retain(|upcall| upcall.arrival != Interface::link(if_index));
    }

    /// Whether the program has closed the socket. It must not be read then, because its descriptor
    /// may now be another file.
    pub(super) fn is_closed(&self) -> bool {
        self.failures.closed
    }

    fn read_batch(&mut self, socket: &impl AsFd, devices: &Devices) -> io::Result<usize> {
        if self.is_closed() {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        if let Err(error) = self.batch.read(socket) {
            if !is_passing(&error) {
                self.failures.see(&error);
            }
            return Err(error);
        }
        sort_out(&self.batch, devices, &mut self.kept);
        Ok(self.batch.datagrams().len())
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Adds the upcalls among the datagrams read.
fn sort_out(batch: &UpcallBatch, devices: &Devices, upcalls: &mut Vec<Upcall>) {
    for datagram in batch.datagrams() {
        match upcall::parse(datagram) {
            Ok(report) => match devices.get(report.vif) {
                Some(index) => upcalls.push(Upcall {
                    kind: report.kind,
                    flow: report.flow,
                    arrival: Interface::link(index),
                    header: report.header,
                }),
                // It waited in the socket while the interface was released.
                None => log::debug!("{}: upcall from a deleted VIF", report.flow),
            },
            Err(Ignored::Packet) => {}
            Err(why) => log::debug!("upcall ignored: {why:?}"),
        }
    }
}

/// The time of the last log message about a problem.
#[derive(Debug, Default)]
struct Lines(Option<Instant>);

impl Lines {
    /// The time until the next message may be logged.
    fn wait(&self) -> Duration {
        self.0.map_or(Duration::ZERO, |last| LINES.saturating_sub(last.elapsed()))
    }

    /// Whether a message may be logged now. If so, the caller must log it.
    fn may_come(&mut self) -> bool {
        let may = self.wait().is_zero();
        if may {
            self.0 = Some(Instant::now());
        }
        may
    }
}

/// Counts lost upcalls, and logs them: the first at once, then at most every [`LINES`].
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// The kernel's count since the socket was opened, modulo 2^32.
    seen: u32,
    /// Dropped by [`Intake::drain`], and not yet among what [`Losses::see`] returned.
    dropped: u32,
    untold: u32,
    lines: Lines,
}

impl Losses {
    /// Takes the kernel's count. Returns how many more are lost than before.
    pub(super) fn see(&mut self, count: u32) -> u32 {
        let new = count.wrapping_sub(self.seen).saturating_add(std::mem::take(&mut self.dropped));
        self.untold = self.untold.saturating_add(new);
        self.seen = count;
        new
    }

    /// Whether [`Losses::see`] must add losses that the kernel does not count.
    pub(super) fn has_dropped(&self) -> bool {
        self.dropped > 0
    }

    fn add(&mut self, count: usize) {
        self.dropped = self.dropped.saturating_add(count as u32);
    }

    /// The time until the next message is due, if there is one.
    fn wait(&self) -> Option<Duration> {
        (self.untold > 0).then(|| self.lines.wait())
    }

    pub(super) fn tell(&mut self) {
        if self.untold > 0 && self.lines.may_come() {
            log::warn!(
                "{} upcalls lost, because new flows arrive too fast: the next packet of each \
                 flow causes another upcall",
                self.untold
            );
            self.untold = 0;
        }
    }
}

/// Failed reads. Logs the first at once, then at most every [`LINES`], and logs the first
/// successful read afterwards.
#[derive(Debug, Default)]
struct Failures {
    untold: u32,
    lines: Lines,
    /// Failures were logged, but not yet that reading works again.
    told: bool,
    closed: bool,
}

impl Failures {
    fn see(&mut self, error: &io::Error) {
        self.untold = self.untold.saturating_add(1);
        self.closed = matches!(error.raw_os_error(), Some(libc::EBADF | libc::ENOTSOCK));
        if self.closed {
            log::error!("{}", advice::unread(error));
        } else if self.lines.may_come() {
            log::warn!("{} (failed reads: {})", advice::unread(error), self.untold);
            self.untold = 0;
            self.told = true;
        }
    }

    fn over(&mut self) {
        if std::mem::take(&mut self.told) {
            log::info!("upcalls can be read again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::vifs::VifTable;
    use super::*;
    use crate::types::IfId;
    use std::os::unix::net::UnixDatagram;

    /// Of (10.1.0.2, 239.1.2.3), on VIF 5.
    const NOCACHE: &[u8] = include_bytes!("../../../../fuzz/seeds/upcall/nocache");

    /// VIF 5 stands for device 105.
    fn vifs() -> VifTable {
        let mut vifs = VifTable::new();
        for n in 0..6 {
            vifs.claim(IfId(n), 100 + u32::from(n)).unwrap();
        }
        vifs
    }

    fn sockets() -> (UnixDatagram, UnixDatagram) {
        let (sender, receiver) = UnixDatagram::pair().unwrap();
        receiver.set_nonblocking(true).unwrap();
        sender.set_nonblocking(true).unwrap();
        (sender, receiver)
    }

    /// As many upcalls as fit into the socket.
    fn fill(sender: &UnixDatagram) -> usize {
        (0..).take_while(|_| sender.send(NOCACHE).is_ok()).count()
    }

    #[test]
    fn what_there_is_no_room_for_is_left_to_the_socket() {
        let (sender, receiver) = sockets();
        let (vifs, mut intake) = (vifs(), Intake::new(1));
        assert_eq!(intake.read(&receiver, &vifs.devices()).unwrap(), 0);
        fill(&sender);
        let first = intake.read(&receiver, &vifs.devices()).unwrap();
        assert!(first > 0 && intake.kept.len() == first);
        fill(&sender);
        assert_eq!(intake.read(&receiver, &vifs.devices()).unwrap(), 0, "it is full");
        intake.kept.clear();
        assert!(intake.read(&receiver, &vifs.devices()).unwrap() > 0);
    }

    #[test]
    fn t5_1_a_drain_leaves_nothing_that_names_a_vif_however_much_is_kept() {
        let (sender, receiver) = sockets();
        let (mut vifs, mut intake) = (vifs(), Intake::new(2));
        let sent = fill(&sender);
        assert!(sent > 3, "{sent}");
        intake.drain(&receiver, &vifs.devices()).unwrap();
        assert_eq!(intake.kept.len(), 2);
        assert_eq!(intake.losses.see(0) as usize, sent - 2, "the others count as lost");
        assert_eq!(intake.losses.see(0), 0, "once");

        // It is full, and an upcall waits while VIF 5 becomes another device's.
        sender.send(NOCACHE).unwrap();
        let vif = vifs.get(IfId(5)).unwrap();
        vifs.leave(IfId(5));
        vifs.deleted(vif);
        vifs.release();
        intake.drain(&receiver, &vifs.devices()).unwrap();
        vifs.drained();
        intake.kept.clear();
        while vifs.get(IfId(9)).is_none_or(|other| other != vif) {
            vifs.free(IfId(9));
            vifs.claim(IfId(9), 200).unwrap();
        }
        assert_eq!(intake.read(&receiver, &vifs.devices()).unwrap(), 0);
        assert_eq!(intake.kept, []);
    }

    #[test]
    fn t5_11_what_is_kept_of_a_device_is_not_the_next_ones_with_its_index() {
        let (sender, receiver) = sockets();
        let (vifs, mut intake) = (vifs(), Intake::new(9));
        sender.send(NOCACHE).unwrap();
        intake.read(&receiver, &vifs.devices()).unwrap();
        intake.forget(104);
        assert_eq!(intake.kept[0].arrival, Interface::link(105));
        intake.forget(105);
        assert_eq!(intake.kept, []);
    }

    #[test]
    fn a_socket_that_was_closed_is_left_alone() {
        let (vifs, mut intake) = (vifs(), Intake::new(9));
        let file = std::fs::File::open("/dev/null").unwrap();
        let error = intake.read(&file, &vifs.devices()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK));
        assert!(intake.is_closed());
        // Its number may be another socket's by now.
        let (sender, receiver) = sockets();
        sender.send(NOCACHE).unwrap();
        assert!(intake.read(&receiver, &vifs.devices()).is_err());
        assert!(intake.drain(&receiver, &vifs.devices()).is_err());
        assert_eq!(receiver.recv(&mut [0; 99]).unwrap(), NOCACHE.len());
    }

    #[test]
    fn failures_are_told_at_once_then_seldom_and_when_they_are_over() {
        let mut failures = Failures::default();
        let no_memory = io::Error::from_raw_os_error(libc::ENOMEM);
        failures.see(&no_memory);
        assert_eq!((failures.untold, failures.told), (0, true));
        failures.over();
        failures.see(&no_memory);
        failures.see(&no_memory);
        assert_eq!((failures.untold, failures.told, failures.closed), (2, false, false));
        failures.lines.0 = failures.lines.0.and_then(|last| last.checked_sub(LINES));
        failures.see(&no_memory);
        assert_eq!((failures.untold, failures.told), (0, true));
    }

    #[test]
    fn losses_are_told_at_once_then_seldom() {
        let mut losses = Losses::default();
        let mut see = |count| {
            let new = losses.see(count);
            losses.tell();
            (new, losses.lines.0.is_some(), losses.untold, losses.wait())
        };
        assert_eq!(see(0), (0, false, 0, None));
        assert_eq!(see(5), (5, true, 0, None));
        let (new, _, untold, wait) = see(7);
        assert_eq!((new, untold), (2, 2));
        assert!(wait.is_some_and(|time| time > Duration::from_secs(5)));
        losses.lines.0 = losses.lines.0.and_then(|last| last.checked_sub(LINES));
        losses.tell();
        assert_eq!((losses.untold, losses.wait()), (0, None));
    }

    #[test]
    fn the_kernels_count_wraps() {
        let mut losses = Losses { seen: u32::MAX, ..Losses::default() };
        assert_eq!(losses.see(1), 2);
        assert_eq!(losses.untold, 2);
    }
}
