//! Waits for the next event: a readable socket, a signal, or the timer.

use mgm_types::Time;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::os::fd::AsFd;
use std::time::Duration;

/// How many ready sources one wait returns at most. The next wait returns the
/// others.
const AT_ONCE: usize = 64;

/// What is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The links of the system have changed.
    Monitor,
    /// Another thread has a job for the event loop.
    Wake,
    /// A signal has come.
    Signal,
    /// The time of [`Reactor::set_timer`] has come.
    Timer,
    /// Requests wait at the control socket.
    Control,
    /// PIM registers wait.
    Register,
    /// Packets wait on a link.
    Link(u32),
}

impl Source {
    fn number(self) -> u64 {
        match self {
            Source::Monitor => 0,
            Source::Wake => 1,
            Source::Signal => 2,
            Source::Timer => 3,
            Source::Control => 4,
            Source::Register => 5,
            Source::Link(index) => 1 << 32 | u64::from(index),
        }
    }

    fn of(number: u64) -> Source {
        match number {
            0 => Source::Monitor,
            1 => Source::Wake,
            2 => Source::Signal,
            3 => Source::Timer,
            4 => Source::Control,
            5 => Source::Register,
            link => Source::Link(link as u32),
        }
    }
}

/// The sources of an event loop. One thread uses it.
#[derive(Debug)]
pub struct Reactor {
    epoll: Epoll,
    timer: TimerFd,
    signals: SignalFd,
    /// What the timer is set to.
    due: Option<Time>,
}

impl Reactor {
    /// A reactor that waits for SIGTERM, SIGINT and SIGHUP. It blocks these signals for this
    /// thread, and for the threads that this thread starts later. Call it before there are other
    /// threads.
    ///
    /// # Errors
    /// EMFILE, ENFILE, ENOMEM: the system lacks resources.
    pub fn open() -> nix::Result<Reactor> {
        let set: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect();
        set.thread_block()?;
        let signals = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        // This clock includes the time that the system is suspended, as the timers of IGMP must
        // (M13).
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let reactor = Reactor { epoll, timer, signals, due: None };
        reactor.add(&reactor.signals, Source::Signal)?;
        reactor.add(&reactor.timer, Source::Timer)?;
        Ok(reactor)
    }

    /// Adds a source. It is removed when its descriptor is closed.
    ///
    /// # Errors
    /// ENOMEM, ENOSPC: the system lacks resources.
    pub fn add(&self, readable: &impl AsFd, source: Source) -> nix::Result<()> {
        self.epoll.add(readable, EpollEvent::new(EpollFlags::EPOLLIN, source.number()))
    }

    /// Sets when [`Source::Timer`] is ready, by the clock of [`now`](super::shared::now).
    ///
    /// # Errors
    /// None is known.
    pub fn set_timer(&mut self, due: Option<Time>) -> nix::Result<()> {
        if due == self.due {
            return Ok(());
        }
        self.due = due;
        match due {
            // A time of 0 would stop the timer.
            Some(Time(ms)) => self.timer.set(
                Expiration::OneShot(TimeSpec::from_duration(Duration::from_millis(ms.max(1)))),
                TimerSetTimeFlags::TFD_TIMER_ABSTIME,
            ),
            None => self.timer.unset(),
        }
    }

    /// Notes that the timer has expired, so that it can be set again.
    pub fn timer_came(&mut self) {
        self.due = None;
        // Otherwise it would stay readable. The read does not block.
        let _ = self.timer.wait();
    }

    /// The next signal that has come.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        let info = self.signals.read_signal().ok().flatten()?;
        Signal::try_from(info.ssi_signo as i32).ok()
    }

    /// Waits until something is ready, and appends it.
    ///
    /// # Errors
    /// None is known.
    pub fn wait(&self, ready: &mut Vec<Source>) -> nix::Result<()> {
        let mut events = [EpollEvent::empty(); AT_ONCE];
        match self.epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(count) => ready.extend(events[..count].iter().map(|event| Source::of(event.data()))),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
