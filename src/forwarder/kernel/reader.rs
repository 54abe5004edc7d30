//! The thread `mgm-upcall`: drains the multicast routing socket.
//!
//! A burst of new flows must not overflow the socket's buffer, because each
//! upcall that is lost is a flow that stays unforwarded until its next packet.
//! So this thread does nothing but read, sort out and hand over, to a sink that
//! never waits for anybody's callback. All that there is, before the sink takes
//! the newest of it: what has no room yet waits here, not in the socket.

use super::batch::Batch;
use super::mroute::MrouteSocket;
use super::upcall::{self, Ignored};
use super::vifs::Devices;
use crate::forwarder::{Upcall, UpcallSink};
use crate::sys::{self, StopSignal, Wake};
use crate::types::Interface;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two lines in the log about lost upcalls.
const LOSS_LINES: Duration = Duration::from_secs(10);

/// Full batches that are read before the sink sees them: all that there is, unless
/// they come as fast as they can be read.
const BATCHES: usize = 1024;

/// After an error of the socket: else a lasting one would have us spin.
const PAUSE: Duration = Duration::from_millis(100);

/// What the forwarder and its thread have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub socket: MrouteSocket,
    pub stop: StopSignal,
}

/// Starts the thread. It ends by itself when `shared.stop` is raised, and may
/// call the sink once more until then.
pub(super) fn spawn(
    shared: Arc<Shared>,
    devices: Arc<Devices>,
    sink: Arc<dyn UpcallSink>,
) -> io::Result<()> {
    let mut reader = Reader {
        shared,
        devices,
        sink,
        batch: Batch::new(),
        losses: Losses::default(),
        waiting: Vec::new(),
    };
    crate::threads::spawn("mgm-upcall", move || while reader.serve().is_continue() {})
}

struct Reader {
    shared: Arc<Shared>,
    devices: Arc<Devices>,
    sink: Arc<dyn UpcallSink>,
    batch: Batch,
    losses: Losses,
    /// In order of arrival; what the sink had no room for yet.
    waiting: Vec<Upcall>,
}

impl Reader {
    fn serve(&mut self) -> ControlFlow<()> {
        let patience = match self.waiting.is_empty() {
            true => self.losses.wait(),
            false => Some(Duration::ZERO),
        };
        match sys::wait(Some(&self.shared.socket), &self.shared.stop, patience) {
            Wake::Stop => return ControlFlow::Break(()),
            Wake::Timeout => self.losses.tell(),
            Wake::Readable => self.drain()?,
        }
        if !self.waiting.is_empty() {
            sys::shield("upcalls", || {
                // Should it panic they are gone: they might be why.
                let mut waiting = std::mem::take(&mut self.waiting);
                self.sink.upcalls(&mut waiting);
                self.waiting = waiting;
            });
        }
        ControlFlow::Continue(())
    }

    /// Reads what there is: the newest upcalls come first.
    fn drain(&mut self) -> ControlFlow<()> {
        for _ in 0..BATCHES {
            match self.batch.read(&self.shared.socket) {
                Ok(count) => {
                    let lost = self.losses.see(count);
                    if lost > 0 {
                        sys::shield("a count", || self.sink.lost(lost));
                    }
                    sort_out(&self.batch, &self.devices, &mut self.waiting);
                    if !self.batch.is_full() {
                        break;
                    }
                }
                Err(error) if is_passing(&error) => break,
                Err(error) => {
                    log::debug!("reading upcalls: {error}");
                    let pause = Some(PAUSE);
                    if sys::wait(None::<&MrouteSocket>, &self.shared.stop, pause) == Wake::Stop {
                        return ControlFlow::Break(());
                    }
                    break;
                }
            }
        }
        ControlFlow::Continue(())
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
    fn see(&mut self, count: Option<u32>) -> u32 {
        let Some(count) = count else { return 0 };
        let new = count.wrapping_sub(self.seen);
        self.untold = self.untold.saturating_add(new);
        self.seen = count;
        self.tell();
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
        assert_eq!(losses.see(None), 0);
        assert_eq!(losses.see(Some(0)), 0);
        assert!(losses.told.is_none() && losses.wait().is_none());
        assert_eq!(losses.see(Some(5)), 5);
        assert!(losses.told.is_some() && losses.untold == 0);
        assert_eq!(losses.see(Some(7)), 2);
        assert_eq!(losses.untold, 2);
        assert!(losses.wait().is_some_and(|time| time > Duration::from_secs(5)));
        losses.told = losses.told.and_then(|told| told.checked_sub(LOSS_LINES));
        losses.tell();
        assert_eq!((losses.untold, losses.wait()), (0, None));
    }

    #[test]
    fn the_kernels_count_wraps() {
        let mut losses = Losses { seen: u32::MAX, told: Some(Instant::now()), untold: 0 };
        assert_eq!(losses.see(Some(1)), 2);
        assert_eq!(losses.untold, 2);
    }
}
