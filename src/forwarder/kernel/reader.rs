//! Drains the multicast routing socket: the thread `mgm-upcall`, and who else has time.
//!
//! A burst of new flows must not overflow the socket's buffer, because each
//! upcall that is lost is a flow that stays unforwarded until its next packet.
//! So the thread does nothing but read, sort out and hand over, to a sink that
//! never waits for anybody's callback, and whose log lines another thread writes.
//! What the sink cannot take for now is kept, while the reading goes on.
//!
//! In a burst, threads that answer upcalls look for themselves. Meanwhile this one
//! stands back.

use super::batch::Batch;
use super::mroute::MrouteSocket;
use super::upcall::{self, Ignored};
use super::vifs::Devices;
use crate::forwarder::{Upcall, UpcallSink, UpcallSource};
use crate::sys::{self, StopSignal, Wake};
use crate::types::Interface;
use parking_lot::Mutex;
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two lines in the log about lost upcalls.
const LOSS_LINES: Duration = Duration::from_secs(10);

/// Full batches that are read before the sink sees them: all that there is, unless
/// they come as fast as they can be read.
const BATCHES: usize = 1024;

/// As many upcalls are kept for a sink that cannot take them; more are left to the
/// socket's buffer.
const MOST_KEPT: usize = 1 << 18;

/// After an error of the socket: else a lasting one would have us spin.
const PAUSE: Duration = Duration::from_millis(100);

/// So many upcalls at a look are the middle of a burst.
const MANY: usize = 16;

/// So long the thread leaves the socket to others that have just read from it. They
/// may be stuck in a callback by now.
const STAND_BACK: Duration = Duration::from_millis(1);

/// What the forwarder and its thread have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub socket: MrouteSocket,
    /// The thread has something to find out: that it is to end, or what is kept.
    pub signal: StopSignal,
    pub ending: AtomicBool,
}

impl Shared {
    /// Has the thread leave.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.signal.raise();
    }
}

/// Starts the thread. It ends by itself after [`Shared::end`], and may
/// call the sink once more until then. What comes back reads the same socket.
pub(super) fn spawn(
    shared: Arc<Shared>,
    devices: Arc<Devices>,
    sink: Arc<dyn UpcallSink>,
) -> io::Result<Arc<Reader>> {
    let look =
        Mutex::new(Look { batch: Batch::new(), kept: Vec::new(), losses: Losses::default() });
    let reader =
        Arc::new(Reader { shared, devices, sink, look, others_read: AtomicBool::default() });
    let own = Arc::clone(&reader);
    crate::threads::spawn("mgm-upcall", move || {
        let mut next = ControlFlow::Continue(());
        while next.is_continue() {
            own.sink.quietly(&mut || next = own.serve());
        }
    })?;
    Ok(reader)
}

pub(super) struct Reader {
    shared: Arc<Shared>,
    devices: Arc<Devices>,
    sink: Arc<dyn UpcallSink>,
    /// Held by whoever reads, until the sink has taken what it can.
    look: Mutex<Look>,
    /// Somebody else than the thread has, since it last asked.
    others_read: AtomicBool,
}

/// What a look at the socket needs.
struct Look {
    batch: Batch,
    /// What the sink could not take yet, oldest first.
    kept: Vec<Upcall>,
    losses: Losses,
}

impl Look {
    /// How long the thread may wait for upcalls; `None` is for ever. With some kept it is
    /// the sink that waits.
    fn patience(&self) -> Option<Duration> {
        if self.kept.is_empty() {
            self.losses.wait()
        } else {
            Some(Duration::ZERO)
        }
    }
}

impl Reader {
    /// One turn of the thread.
    fn serve(&self) -> ControlFlow<()> {
        let Shared { socket, signal, ending } = &*self.shared;
        let patience = self.look.lock().patience();
        let pause = match sys::wait(Some(socket), signal, patience) {
            Wake::Stop => {
                signal.clear(); // and only then look what it was about
                return if ending.load(Ordering::SeqCst) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                };
            }
            Wake::Readable if self.others_read.swap(false, Ordering::Relaxed) => STAND_BACK,
            Wake::Readable | Wake::Timeout => match self.take_in(&mut self.look.lock()) {
                Ok(count) if count < MANY => return ControlFlow::Continue(()),
                Ok(_) => STAND_BACK,
                Err(error) => {
                    log::debug!("reading upcalls: {error}");
                    PAUSE
                }
            },
        };
        // A signal ends it early, and is seen to in the next turn.
        sys::wait(None::<&MrouteSocket>, signal, Some(pause));
        ControlFlow::Continue(())
    }

    /// Reads what there is, for the thread to hand over: a VIF is about to stand for
    /// another device, and what waits names the former one. May be called under the
    /// manager's lock: whoever reads does not wait for that.
    pub(super) fn keep_all(&self) {
        let mut look = self.look.lock();
        let Look { batch, kept, .. } = &mut *look;
        // The thread sees to errors.
        let _ = self.drain(batch, kept);
        self.leave_kept(&look);
    }

    /// The thread may be asleep, and not know what is kept.
    fn leave_kept(&self, look: &Look) {
        if !look.kept.is_empty() {
            self.shared.signal.raise();
        }
    }

    /// Reads what there is, and hands it over; how many upcalls there were.
    fn take_in(&self, look: &mut Look) -> io::Result<usize> {
        let mut upcalls = std::mem::take(&mut look.kept);
        let before = upcalls.len();
        let result = self.drain(&mut look.batch, &mut upcalls);
        let count = upcalls.len() - before;
        if !matches!(result, Ok(0)) {
            // What did not fit has left a full buffer behind, which was just read.
            let all = self.shared.socket.overflows();
            let lost = all.map_or(0, |all| look.losses.see(all));
            if lost > 0 {
                sys::shield("a count", || self.sink.lost(lost));
            }
        }
        look.losses.tell();
        if !upcalls.is_empty() {
            sys::shield("upcalls", || look.kept = self.sink.upcalls(upcalls));
        }
        result.map(|_| count)
    }

    /// Reads what there is; the number of datagrams.
    fn drain(&self, batch: &mut Batch, upcalls: &mut Vec<Upcall>) -> io::Result<usize> {
        let mut count = 0;
        for _ in 0..BATCHES {
            if upcalls.len() >= MOST_KEPT {
                break;
            }
            match batch.read(&self.shared.socket) {
                Ok(()) => {
                    count += batch.datagrams().len();
                    sort_out(batch, &self.devices, upcalls);
                    if !batch.is_full() {
                        break;
                    }
                }
                Err(error) if is_passing(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }
}

impl UpcallSource for Reader {
    fn look(&self) {
        self.sink.quietly(&mut || {
            let Some(mut look) = self.look.try_lock() else { return };
            // The thread sees to errors.
            if self.take_in(&mut look).is_ok_and(|count| count > 0) {
                self.others_read.store(true, Ordering::Relaxed);
            }
            self.leave_kept(&look);
        });
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Adds the upcalls among what was read.
fn sort_out(batch: &Batch, devices: &Devices, upcalls: &mut Vec<Upcall>) {
    for datagram in batch.datagrams() {
        match upcall::parse(datagram) {
            Ok(report) => match devices.get(report.vif) {
                Some(index) => upcalls.push(Upcall {
                    kind: report.kind,
                    flow: report.flow,
                    arrival: Interface::link(index),
                    header: report.header,
                }),
                // It waited in the socket while the interface was given up.
                None => log::debug!("{}: upcall from a VIF that is gone", report.flow),
            },
            Err(Ignored::Packet) => {}
            Err(why) => log::debug!("upcall ignored: {why:?}"),
        }
    }
}

/// Counts the upcalls that found the socket's buffer full, and says so: at
/// once, then at most every [`LOSS_LINES`].
#[derive(Debug, Default)]
struct Losses {
    /// The kernel's count since the socket was opened, modulo 2^32.
    seen: u32,
    untold: u32,
    told: Option<Instant>,
}

impl Losses {
    /// Takes the kernel's count in; how many there are more than before.
    fn see(&mut self, count: u32) -> u32 {
        let new = count.wrapping_sub(self.seen);
        self.untold = self.untold.saturating_add(new);
        self.seen = count;
        new
    }

    /// Until the next line is due, if there is one.
    fn wait(&self) -> Option<Duration> {
        (self.untold > 0).then(|| self.not_before())
    }

    fn not_before(&self) -> Duration {
        self.told.map_or(Duration::ZERO, |told| LOSS_LINES.saturating_sub(told.elapsed()))
    }

    fn tell(&mut self) {
        if self.untold > 0 && self.not_before().is_zero() {
            log::warn!(
                "{} upcalls lost, new flows come faster than they can be taken in: their next \
                 packets will bring them again",
                self.untold
            );
            self.untold = 0;
            self.told = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_told_at_once_then_seldom() {
        let mut losses = Losses::default();
        let mut see = |count| {
            let new = losses.see(count);
            losses.tell();
            (new, losses.told.is_some(), losses.untold, losses.wait())
        };
        assert_eq!(see(0), (0, false, 0, None));
        assert_eq!(see(5), (5, true, 0, None));
        let (new, _, untold, wait) = see(7);
        assert_eq!((new, untold), (2, 2));
        assert!(wait.is_some_and(|time| time > Duration::from_secs(5)));
        losses.told = losses.told.and_then(|told| told.checked_sub(LOSS_LINES));
        losses.tell();
        assert_eq!((losses.untold, losses.wait()), (0, None));
    }

    #[test]
    fn the_kernels_count_wraps() {
        let mut losses = Losses { seen: u32::MAX, told: Some(Instant::now()), untold: 0 };
        assert_eq!(losses.see(1), 2);
        assert_eq!(losses.untold, 2);
    }
}
