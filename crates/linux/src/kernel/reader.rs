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

use super::intake::{Intake, MOST_KEPT};
use super::mroute::MrouteSocket;
use super::vifs::Devices;
use crate::forwarder::{UpcallSink, UpcallSource};
use crate::sys::{self, StopSignal, WaitEnd};
use parking_lot::Mutex;
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// After an error of the socket: else a lasting one would have us spin.
const PAUSE: Duration = Duration::from_millis(100);

/// So many upcalls at a look are the middle of a burst.
const MANY: usize = 16;

/// So long the thread leaves the socket to others that have just read from it. They
/// may be stuck in a callback by now.
const STAND_BACK: Duration = Duration::from_millis(1);

/// What the forwarder and its thread have in common.
#[derive(Debug)]
pub(super) struct ReaderShared {
    pub socket: MrouteSocket,
    /// The thread has something to find out: that it is to end, or what is kept.
    pub signal: StopSignal,
    pub ending: AtomicBool,
}

impl ReaderShared {
    /// Has the thread leave.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.signal.raise();
    }
}

/// Starts the thread. It ends by itself after [`ReaderShared::end`], and may
/// call the sink once more until then. What comes back reads the same socket.
pub(super) fn spawn(
    shared: Arc<ReaderShared>,
    devices: Arc<Devices>,
    sink: Arc<dyn UpcallSink>,
) -> io::Result<Arc<Reader>> {
    let intake = Mutex::new(Intake::new(MOST_KEPT));
    let reader =
        Arc::new(Reader { shared, devices, sink, intake, others_read: AtomicBool::default() });
    let own = Arc::clone(&reader);
    crate::threads::spawn("mgm-upcall", move || {
        let mut next = ControlFlow::Continue(());
        let mut in_vain = 0;
        while next.is_continue() {
            own.sink.quietly(&mut || next = own.serve(&mut in_vain));
        }
    })?;
    Ok(reader)
}

pub(super) struct Reader {
    shared: Arc<ReaderShared>,
    devices: Arc<Devices>,
    sink: Arc<dyn UpcallSink>,
    /// Held by whoever reads, until the sink has taken what it can.
    intake: Mutex<Intake>,
    /// Somebody else than the thread has, since it last asked.
    others_read: AtomicBool,
}

impl Reader {
    /// One turn of the thread. `in_vain` counts its last turns that found nothing though
    /// there was to be something.
    fn serve(&self, in_vain: &mut u32) -> ControlFlow<()> {
        let ReaderShared { socket, signal, ending } = &*self.shared;
        let patience = self.intake.lock().patience();
        let wake = sys::wait(Some(socket), signal, patience);
        let pause = match wake {
            WaitEnd::Stop => {
                signal.clear(); // and only then look what it was about
                return if ending.load(Ordering::SeqCst) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                };
            }
            WaitEnd::Readable if self.others_read.swap(false, Ordering::Relaxed) => STAND_BACK,
            WaitEnd::Readable | WaitEnd::Timeout => {
                let mut intake = self.intake.lock();
                match self.take_in(&mut intake) {
                    Ok(0) if self.others_read.swap(false, Ordering::Relaxed) => STAND_BACK,
                    // A socket that always looks readable must not make the thread spin.
                    Ok(0) if wake == WaitEnd::Readable && intake.kept.is_empty() => {
                        *in_vain = (*in_vain + 1).min(7);
                        (STAND_BACK * (1 << (*in_vain - 1))).min(PAUSE)
                    }
                    Ok(count) => {
                        *in_vain = 0;
                        if count < MANY {
                            return ControlFlow::Continue(());
                        }
                        STAND_BACK
                    }
                    Err(_) if intake.is_closed() => return ControlFlow::Break(()),
                    Err(_) => PAUSE,
                }
            }
        };
        // A signal ends it early, and is seen to in the next turn.
        sys::wait(None::<&MrouteSocket>, signal, Some(pause));
        ControlFlow::Continue(())
    }

    /// Reads all that waits, for the thread to hand over. Afterwards no upcall is left that
    /// names a VIF which the kernel had deleted before. May be called under the manager's
    /// lock: whoever reads does not wait for that.
    ///
    /// # Errors
    /// There may be one.
    pub(super) fn drain(&self) -> io::Result<()> {
        let mut intake = self.intake.lock();
        let result = intake.drain(&self.shared.socket, &self.devices);
        self.leave_kept(&intake);
        result
    }

    /// Drops what was read of the device that had this index before.
    pub(super) fn forget(&self, if_index: u32) {
        self.intake.lock().forget(if_index);
    }

    /// The thread may be asleep, and not know what is kept.
    fn leave_kept(&self, intake: &Intake) {
        if !intake.kept.is_empty() {
            self.shared.signal.raise();
        }
    }

    /// Reads what there is, and hands it over; how many datagrams there were.
    fn take_in(&self, intake: &mut Intake) -> io::Result<usize> {
        let result = intake.read(&self.shared.socket, &self.devices);
        if !matches!(result, Ok(0)) || intake.losses.has_dropped() {
            // What did not fit has left a full buffer behind, which was just read.
            let all = self.shared.socket.overflows();
            let lost = all.map_or(0, |all| intake.losses.see(all));
            if lost > 0 {
                sys::shield("a count", || self.sink.lost(lost));
            }
        }
        intake.losses.tell();
        if !intake.kept.is_empty() {
            let upcalls = std::mem::take(&mut intake.kept);
            sys::shield("upcalls", || intake.kept = self.sink.upcalls(upcalls));
        }
        result
    }
}

impl UpcallSource for Reader {
    fn look(&self) {
        self.sink.quietly(&mut || {
            let Some(mut intake) = self.intake.try_lock() else { return };
            // The log hears of errors, and the thread reads again.
            if self.take_in(&mut intake).is_ok_and(|count| count > 0) {
                self.others_read.store(true, Ordering::Relaxed);
            }
            self.leave_kept(&intake);
        });
    }
}
