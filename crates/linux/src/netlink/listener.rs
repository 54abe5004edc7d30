//! The thread `mgm-route`: reads announcements that the kernel's routes have changed, or the
//! interfaces among which it routes multicast.

use super::announced::AnnouncedChanges;
use super::copy::{RTM_DELROUTE, RTM_NEWROUTE};
use super::dump;
use super::wire::messages;
use super::Known;
use crate::fork::Guarded;
use crate::route_view::{RouteChanges, RouteWatcher};
use crate::sys::{self, StopSignal, WaitEnd};
use mgm_net::netlink::{Dumper, RouteSocket};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// From <linux/rtnetlink.h>: the groups that announce what a look-up depends
/// on. Links are among them because routes over a link that goes down are deleted without an
/// announcement. RTNLGRP_IPV4_NETCONF announces that any program has added or deleted the VIF
/// of an interface.
const GROUPS: [u32; 6] = [
    1,  // RTNLGRP_LINK
    5,  // RTNLGRP_IPV4_IFADDR
    7,  // RTNLGRP_IPV4_ROUTE
    8,  // RTNLGRP_IPV4_RULE
    24, // RTNLGRP_IPV4_NETCONF
    NEXTHOP,
];

/// RTNLGRP_NEXTHOP, of next hop objects: they came with Linux 5.3.
const NEXTHOP: u32 = 32;

/// How long changes are collected before the watcher is told, because a routing daemon makes
/// thousands at a time.
const COLLECT: Duration = Duration::from_millis(50);

/// The pause after an error of the socket, so that a persistent one does not make the thread spin.
const PAUSE: Duration = Duration::from_millis(100);

/// The time until a failed dump is retried.
const RETRY: Duration = Duration::from_secs(1);

/// Longer than any announcement: that of a link is the longest.
const LONGEST: usize = 32_768;

/// The bytes of announcements that the socket holds, some ten thousand announcements.
const UNREAD: usize = 8 << 20;

/// The state of the thread.
pub(super) struct Listener {
    reader: AnnouncementReader,
    dumper: Guarded<Dumper>,
    stop: Arc<StopSignal>,
    watcher: Arc<dyn RouteWatcher>,
    stale: Stale,
}

/// What must be read again.
#[derive(Clone, Copy, Debug, Default)]
struct Stale {
    links: bool,
    routes: bool,
}

/// Reads announcements and stores their effects.
struct AnnouncementReader {
    socket: Guarded<RouteSocket>,
    known: Arc<Known>,
    buffer: Vec<u8>,
    announced: AnnouncedChanges,
}

impl Listener {
    /// Opens the socket that changes are announced on, and then reads links and addresses.
    /// Changes are collected from now on. The table that the host named is read by the thread:
    /// it may have a million routes.
    pub fn open(
        known: Arc<Known>,
        stop: Arc<StopSignal>,
        watcher: Arc<dyn RouteWatcher>,
    ) -> io::Result<Listener> {
        let socket: Guarded<RouteSocket> = Guarded::open(RouteSocket::open)?;
        if let Err(error) = socket.set_receive_buffer(UNREAD) {
            log::debug!(
                "the buffer for route changes is smaller than intended, because SO_RCVBUFFORCE \
                 failed ({error}): after a burst that does not fit, every source is looked up again"
            );
        }
        for group in GROUPS {
            match socket.add_membership(group) {
                Err(error) if group == NEXTHOP && error.raw_os_error() == Some(libc::EINVAL) => {
                    log::debug!("this kernel has no next hop objects");
                }
                result => result?,
            }
        }
        socket.set_non_blocking(true)?;
        let reader = AnnouncementReader {
            socket,
            known,
            buffer: vec![0; LONGEST],
            announced: AnnouncedChanges::default(),
        };
        let stale = Stale { links: true, routes: false };
        let mut listener =
            Listener { reader, dumper: Guarded::open(Dumper::open)?, stop, watcher, stale };
        listener.refresh();
        listener.stale.routes = listener.reader.known.copy.is_some();
        Ok(listener)
    }

    /// Starts the thread. It ends by itself when `stop` is raised, and may call
    /// the watcher once more until then.
    pub fn spawn(mut self) -> io::Result<()> {
        crate::threads::spawn("mgm-route", move || self.run())
    }

    fn run(&mut self) {
        let now = Instant::now();
        let mut due = self.stale.routes.then_some(now); // it has not been tried yet
        due = due.or(self.stale.links.then_some(now + RETRY));
        loop {
            let left = due.map(|at| at.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                due = self.tell().then(|| Instant::now() + RETRY);
                if !self.reader.announced.is_empty() {
                    due = Some(Instant::now() + COLLECT); // heard meanwhile
                }
                continue;
            }
            match sys::wait(Some(&self.reader.socket), &self.stop, left) {
                WaitEnd::Stop => return,
                WaitEnd::Timeout => {}
                WaitEnd::Readable => {
                    let heard = self.reader.drain();
                    self.reader.tell_loss(&*self.watcher);
                    if !self.reader.announced.is_empty() {
                        let soon = Instant::now() + COLLECT;
                        due = Some(due.map_or(soon, |due| due.min(soon)));
                    } else if !heard
                        && sys::wait(None::<&Guarded<RouteSocket>>, &self.stop, Some(PAUSE))
                            == WaitEnd::Stop
                    {
                        return;
                    }
                }
            }
        }
    }

    /// Reads again what is stale, then tells the watcher; true if something is still stale.
    fn tell(&mut self) -> bool {
        let announced = std::mem::take(&mut self.reader.announced);
        let before = self.stale;
        self.stale.links |= announced.has_gap;
        self.stale.routes |= announced.is_copy_stale;
        self.refresh();
        let changes = to_look_up(before, self.stale, &announced);
        let Listener { reader, watcher, .. } = self;
        sys::shield("a route change", || match changes {
            Some(changes) => watcher.routes_changed(&changes, &mut || {
                reader.drain();
                reader.tell_loss(&**watcher);
            }),
            None if !announced.is_empty() => watcher.interfaces_changed(),
            None => {}
        });
        self.stale.any()
    }

    fn refresh(&mut self) {
        let Listener { reader, dumper, stale, .. } = self;
        let read = |what: &str, stale: &mut bool, result: io::Result<()>| {
            *stale = result.is_err();
            if let Err(error) = result {
                log::warn!("cannot read {what} from the kernel: {error}: retrying in a second");
            }
        };
        if stale.links {
            read("links and addresses", &mut stale.links, dump::links(dumper, &reader.known));
        }
        if stale.routes {
            read("the unicast table", &mut stale.routes, dump::routes(dumper, &reader.known));
            reader.known.first_dump.end();
        }
    }
}

impl Drop for Listener {
    /// Look-ups no longer wait for a table that will not be read.
    fn drop(&mut self) {
        self.reader.known.first_dump.end();
    }
}

impl Stale {
    fn any(self) -> bool {
        self.links || self.routes
    }

    /// Whether something that was stale no longer is.
    fn has_less_than(self, before: Stale) -> bool {
        before.links && !self.links || before.routes && !self.routes
    }
}

/// The sources to look up again, if there may be any. Sources may have been looked up in the old
/// copy while it was stale, so a dump that succeeds now concerns all sources, whatever the
/// announcements of the same round say.
fn to_look_up(before: Stale, after: Stale, announced: &AnnouncedChanges) -> Option<RouteChanges> {
    match after.has_less_than(before) {
        true => Some(RouteChanges::everything()),
        false => announced.changes(),
    }
}

impl AnnouncementReader {
    /// Reads the waiting announcements, up to some thousands; false if there were none, or an
    /// error.
    fn drain(&mut self) -> bool {
        /// After this number the watcher is told, however fast announcements arrive.
        const MOST: usize = 4096;
        let mut heard = false;
        for _ in 0..MOST {
            match self.socket.recv(&mut &mut self.buffer[..], 0) {
                Ok(length) => {
                    heard = true;
                    self.take(length.min(LONGEST));
                }
                Err(error) => match error.raw_os_error() {
                    // Announcements were lost, so there were some.
                    Some(libc::ENOBUFS) => {
                        heard = true;
                        self.announced.gap();
                    }
                    Some(libc::EINTR) => {}
                    Some(libc::EAGAIN) => break,
                    _ => {
                        log::debug!("cannot read route changes: {error}");
                        break;
                    }
                },
            }
        }
        if std::mem::take(&mut self.announced.are_objects_stale) {
            self.known.objects.lock().clear();
        }
        heard
    }

    fn take(&mut self, length: usize) {
        let AnnouncementReader { known, buffer, announced, .. } = self;
        let mut count = 0;
        for message in messages(&buffer[..length]) {
            count += 1;
            announced.take(&message, &mut known.links.write());
            if let (RTM_NEWROUTE | RTM_DELROUTE, Some(copy)) = (message.kind, &known.copy) {
                copy.write().take(&message);
            }
        }
        if count == 0 {
            announced.gap(); // the message is invalid
        }
    }

    /// Reports a lost device at once, because until then calls for it succeed without effect. Other
    /// changes take longer to look up.
    fn tell_loss(&mut self, watcher: &dyn RouteWatcher) {
        if std::mem::take(&mut self.announced.has_lost_link) {
            sys::shield("a loss", || watcher.interfaces_changed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{attr, message};
    use super::super::wire::messages;
    use super::*;
    use crate::types::Prefix;

    const FRESH: Stale = Stale { links: false, routes: false };
    const ROUTES: Stale = Stale { links: false, routes: true };
    const BOTH: Stale = Stale { links: true, routes: true };

    /// An announcement of 10.1.0.0/16.
    fn one_prefix() -> AnnouncedChanges {
        let head = [libc::AF_INET as u8, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let bytes = message(
            RTM_NEWROUTE,
            0,
            &[&head, &attr(15, &[254, 0, 0, 0]), &attr(1, &[10, 1, 0, 0])],
        );
        let mut announced = AnnouncedChanges::default();
        let mut links = super::super::links::RoutingLinks::default();
        messages(&bytes).for_each(|message| announced.take(&message, &mut links));
        announced
    }

    #[test]
    fn t5_10_a_dump_that_succeeds_at_last_concerns_everybody_whatever_else_is_announced() {
        let everything = Some(RouteChanges::everything());
        let prefix = Some(RouteChanges::within([Prefix::of([10, 1, 0, 0].into(), 16)]));
        for (announced, alone) in
            [(AnnouncedChanges::default as fn() -> AnnouncedChanges, None), (one_prefix, prefix)]
        {
            assert_eq!(to_look_up(FRESH, FRESH, &announced()), alone);
            assert_eq!(to_look_up(FRESH, ROUTES, &announced()), alone, "the dump fails");
            assert_eq!(to_look_up(ROUTES, ROUTES, &announced()), alone, "it fails again");
            assert_eq!(to_look_up(ROUTES, FRESH, &announced()), everything);
            assert_eq!(to_look_up(BOTH, ROUTES, &announced()), everything);
        }
        let mut gap = AnnouncedChanges::default();
        gap.gap();
        assert_eq!(to_look_up(FRESH, BOTH, &gap), everything);
    }

    struct Deaf;

    impl RouteWatcher for Deaf {
        fn routes_changed(&self, _: &RouteChanges, _: &mut dyn FnMut()) {}
        fn interfaces_changed(&self) {}
    }

    #[test]
    fn t5_1_the_named_table_is_left_to_the_thread() {
        use super::super::copy::TableCopy;
        use parking_lot::RwLock;

        let copy = Some(RwLock::new(TableCopy::of(254)));
        let known = Arc::new(Known { copy, ..Known::default() });
        let stop = Arc::new(StopSignal::new().expect("a pipe"));
        let Ok(mut listener) = Listener::open(Arc::clone(&known), stop, Arc::new(Deaf)) else {
            return mgm_netns::skip("no netlink here");
        };
        let is_read = || {
            let copy = known.copy.as_ref().expect("it was named").read();
            copy.lookup([127, 0, 0, 1].into(), |_| Some(Vec::new())).is_some()
        };
        assert!(listener.stale.routes && !is_read(), "whoever opens the view may hold a lock");
        listener.refresh();
        assert!(!listener.stale.routes && is_read());
    }
}
