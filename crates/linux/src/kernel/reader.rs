//! Reads the multicast routing socket: the thread `mgm-upcall`, and threads that look for
//! upcalls themselves.
//!
//! A burst of new flows must not overflow the socket's buffer, because each
//! lost upcall leaves a flow without forwarding until its next packet. So the thread only reads
//! upcalls and passes them to a sink that never waits for a callback, and whose log messages
//! another thread writes. Upcalls that the sink cannot take are kept while reading continues.
//!
//! In a burst, threads that answer upcalls also read them. Meanwhile this thread waits.

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

/// The pause after an error of the socket, so that a persistent one does not make the thread spin.
const PAUSE: Duration = Duration::from_millis(100);

/// The number of upcalls in one look that indicates a burst.
const MANY: usize = 16;

/// How long the thread leaves the socket to other threads that have just read from it. Not
/// longer, because these may be stuck in a callback.
const STAND_BACK: Duration = Duration::from_millis(1);

/// The state that the forwarder and its thread share.
#[derive(Debug)]
pub(super) struct ReaderShared {
    pub socket: MrouteSocket,
    /// Wakes the thread: it must end, or check the kept upcalls.
    pub signal: StopSignal,
    pub ending: AtomicBool,
}

impl ReaderShared {
    /// Makes the thread end.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.signal.raise();
    }
}

/// Starts the thread. It ends by itself after [`ReaderShared::end`], and may call the sink once more
/// until then. The returned value reads the same socket.
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
    /// Held by the reading thread until the sink has taken what it can.
    intake: Mutex<Intake>,
    /// Whether another thread has read since the thread last checked.
    others_read: AtomicBool,
}

impl Reader {
    /// One turn of the thread. `in_vain` counts the last turns that found nothing although the
    /// socket was readable.
    fn serve(&self, in_vain: &mut u32) -> ControlFlow<()> {
        let ReaderShared { socket, signal, ending } = &*self.shared;
        let patience = self.intake.lock().patience();
        let wake = sys::wait(Some(socket), signal, patience);
        let pause = match wake {
            WaitEnd::Stop => {
                signal.clear(); // before the checks, so that a later signal is not lost
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
                    // A socket that is always reported as readable must not make the thread spin.
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
        // A signal ends the wait early; the next turn handles it.
        sys::wait(None::<&MrouteSocket>, signal, Some(pause));
        ControlFlow::Continue(())
    }

    /// Reads all waiting upcalls, which the thread will pass on. Afterwards no unread upcall names
    /// a VIF that the kernel had deleted before. May be called with the manager's lock held,
    /// because no reading thread waits for that lock.
    ///
    /// # Errors
    /// Such an upcall may be left.
    pub(super) fn drain(&self) -> io::Result<()> {
        let mut intake = self.intake.lock();
        let result = intake.drain(&self.shared.socket, &self.devices);
        self.leave_kept(&intake);
        result
    }

    /// Drops upcalls that were read of the device that had this index before.
    pub(super) fn forget(&self, if_index: u32) {
        self.intake.lock().forget(if_index);
    }

    /// The thread may be asleep and not know of the kept upcalls.
    fn leave_kept(&self, intake: &Intake) {
        if !intake.kept.is_empty() {
            self.shared.signal.raise();
        }
    }

    /// Reads the waiting upcalls and passes them on. Returns the number of datagrams.
    fn take_in(&self, intake: &mut Intake) -> io::Result<usize> {
        let result = intake.read(&self.shared.socket, &self.devices);
        if !matches!(result, Ok(0)) || intake.losses.has_dropped() {
            // If upcalls were lost, the buffer was full; it has just been read.
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
            // Errors are logged, and the thread reads again.
            if self.take_in(&mut intake).is_ok_and(|count| count > 0) {
                self.others_read.store(true, Ordering::Relaxed);
            }
            self.leave_kept(&intake);
        });
    }
}
