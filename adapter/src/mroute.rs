//! A socket of multicast routing.
//!
//! The daemon's descriptor becomes an epoll instance, which is ready to read as soon as one of
//! these is ready: the raw socket, which has a private number from then on; the packet sockets of
//! `links`; the connection to mgmd; `flag`, if there is something to read; `timer`, if the library
//! has to connect to mgmd again, or to repeat what mgmd has refused. So select, poll and epoll of
//! the daemon wait for all of them, although this library has no thread and does not know how the
//! daemon waits.

use crate::connection::{Connection, PATIENCE};
use crate::links::{self, Links};
use crate::log;
use crate::registers::Registers;
use crate::system::{self, Device, Fd};
use mgm_mroute_calls::daemon::{Daemon, Router, Vif};
use mgm_mroute_calls::options::{Errno, MrouteOption, VifTarget};
use mgm_mroute_calls::packets::Datagram;
use mgm_types::{Flow, Ipv4Addr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The interface that is the rest of the router.
const REST: &str = "mgm0";

/// The interface on which packets in PIM registers arrive.
const REGISTER: &std::ffi::CStr = c"mgmreg";

/// The time between two attempts to connect to mgmd again, or to repeat what it has refused, in
/// seconds.
const LOOK: i64 = 1;

/// The longest time between two attempts to connect to an mgmd that hangs, in seconds. Each attempt
/// doubles the time up to this.
const RARELY: i64 = 16;

/// How long an attempt to connect again may take. The daemon waits meanwhile.
const GLANCE: Duration = Duration::from_millis(200);

/// How long the parent may live on after the daemon has gone into the background, in milliseconds.
const PARENT: i32 = 3_000;

/// A socket of multicast routing.
#[derive(Debug)]
pub(crate) struct Mroute {
    /// The daemon's numbers for it.
    pub fds: Vec<i32>,
    /// The raw socket.
    pub raw: Fd,
    epoll: Fd,
    flag: Fd,
    is_flagged: bool,
    timer: Fd,
    links: Links,
    /// None: it could not be opened.
    registers: Option<Registers>,
    /// The seconds after which the timer is ready again and again; 0: never.
    timed: i64,
    /// The seconds between two attempts to connect again.
    pause: i64,
    /// Why the last attempt has failed.
    why: String,
    path: PathBuf,
    connection: Connection,
    daemon: Daemon,
    /// The process whose connection it is.
    pid: u32,
    /// The groups that a child has left on mgm0 while it is not known whether it goes on as the
    /// daemon.
    left: Vec<Flow>,
    /// mgm0, if it exists, and the index under which the daemon knows it.
    rest: Option<Device>,
}

/// What there is to read.
pub(crate) enum Read {
    /// An upcall, or a packet on mgm0, with the index of the interface.
    Datagram(Datagram, u32),
    /// A packet waits at the raw socket with this number.
    Raw(i32),
    /// Nothing; this descriptor can be waited for.
    Nothing(i32),
}

impl Mroute {
    /// MRT_INIT. `fds`: all numbers of the socket; there is at least one.
    ///
    /// # Errors
    /// The errno.
    pub fn open(fds: Vec<i32>) -> Result<Mroute, Errno> {
        let path = router();
        let (connection, client) = Connection::open(&path, PATIENCE).map_err(|why| {
            log::line(&why);
            libc::ECONNREFUSED
        })?;
        let raw = system::private_copy(*fds.first().ok_or(libc::EBADF)?)?;
        // MRT_INIT has this effect, too. It is refused if the daemon has set it already.
        let _ = system::set_option(&raw, libc::IPPROTO_IP, libc::IP_ROUTER_ALERT, &1);
        let mut mroute = Mroute {
            fds,
            raw,
            epoll: system::epoll()?,
            flag: system::event_flag()?,
            is_flagged: false,
            timer: system::timer()?,
            links: Links::open().unwrap_or_else(|errno| {
                log::line(&format!(
                    "cannot listen for IGMP (errno {errno}): the daemon may miss reports of hosts: \
                     allow AF_PACKET (RestrictAddressFamilies= of a systemd unit), and 40 more open \
                     files"
                ));
                Links::default()
            }),
            timed: 0,
            pause: LOOK,
            why: String::new(),
            registers: Registers::open().ok(),
            path,
            connection,
            daemon: Daemon::default(),
            pid: std::process::id(),
            left: Vec::new(),
            rest: None,
        };
        mroute.assemble()?;
        mroute.find_devices();
        mroute.daemon.connected(&mut mroute.connection, client);
        mroute.settle();
        Ok(mroute)
    }

    /// Puts the parts together behind the daemon's descriptor.
    fn assemble(&mut self) -> Result<(), Errno> {
        // What the daemon has set before MRT_INIT, it reads from its own number.
        system::set_nonblocking(&self.epoll, system::is_nonblocking(self.raw.0));
        for part in [&self.raw, &self.flag, &self.timer] {
            system::watch(self.epoll.0, part)?;
        }
        self.links.watch(self.epoll.0)?;
        self.registers.iter().try_for_each(|registers| registers.watch(self.epoll.0))?;
        self.connection.watch(self.epoll.0)?;
        self.fds.iter().try_for_each(|fd| system::replace(self.epoll.0, *fd))
    }

    /// MRT_DONE, or the last descriptor is closed. The daemon's other numbers are the raw socket again.
    pub fn done(mut self) {
        if self.is_own() {
            self.daemon.done(&mut self.connection);
            links::unfilter(&self.raw);
        } else {
            // The parent goes on using the socket.
            self.connection.leave_watched();
        }
        for fd in &self.fds {
            // The daemon is about to close it in any case.
            let _ = system::replace(self.raw.0, *fd);
        }
    }

    /// Whether the connection is of this process, not of the parent.
    fn is_own(&self) -> bool {
        self.pid == std::process::id()
    }

    /// Looks what mgmd has said. Every use of the socket begins with this.
    fn turn(&mut self) {
        if !self.is_own() {
            self.succeed();
        }
        for callback in self.connection.read_events() {
            self.daemon.arrived(&mut self.connection, callback);
        }
        if self.connection.events().is_none() {
            self.look_for_router();
        } else if self.rings() {
            self.daemon.tick(&mut self.connection);
        }
    }

    /// Whether the timer has expired: true once for each time.
    fn rings(&self) -> bool {
        let is_over = self.timed != 0 && system::wait(self.timer.0, 0);
        if is_over {
            system::set_flag(&self.timer, false); // reads 8 bytes
        }
        is_over
    }

    /// After a turn, or a call of the daemon: passes on what has to be.
    fn settle(&mut self) {
        self.connection.flush();
        if self.connection.events().is_none() && self.daemon.is_connected() {
            self.is_lost();
        }
        let seconds = match (self.daemon.is_connected(), self.daemon.wants_ticks()) {
            (false, _) => self.pause,
            (true, true) => LOOK,
            (true, false) => 0,
        };
        if seconds != self.timed {
            system::set_timer(&self.timer, seconds);
            self.timed = seconds;
        }
        let is_ready = self.daemon.is_ready()
            || self.links.has_peeked()
            || self.registers.as_ref().is_some_and(Registers::has_peeked);
        if is_ready != self.is_flagged {
            system::set_flag(&self.flag, is_ready);
            self.is_flagged = is_ready;
        }
        for line in std::mem::take(&mut self.daemon.log) {
            log::line(&line);
        }
    }

    /// The connection is lost.
    fn is_lost(&mut self) {
        log::line(&format!(
            "mgmd at {} has ended, or the connection to it is broken: no packet is forwarded for \
             this daemon until mgmd runs again",
            self.path.display()
        ));
        self.daemon.lost();
        self.pause = LOOK;
        self.why.clear();
    }

    /// Looks whether mgmd runs again, once for each time that the timer is ready.
    fn look_for_router(&mut self) {
        if self.daemon.is_connected() {
            return self.is_lost();
        }
        if !self.rings() {
            return;
        }
        let began = Instant::now();
        match Connection::open(&self.path, GLANCE) {
            Ok((connection, client)) => {
                self.use_connection(connection, client);
                log::line("mgmd runs again, and knows this daemon");
            }
            Err(why) => {
                if began.elapsed() > GLANCE / 2 {
                    self.pause = (2 * self.pause).min(RARELY);
                }
                if why != self.why {
                    log::line(&why);
                    self.why = why;
                }
            }
        }
    }

    fn use_connection(&mut self, connection: Connection, client: u64) {
        self.connection = connection;
        // Without memory for it, the daemon would notice callbacks late.
        let _ = self.connection.watch(self.epoll.0);
        self.find_devices();
        self.daemon.connected(&mut self.connection, client);
    }

    /// This process is the child of the one that has connected, and goes on as the daemon. The parent
    /// has ended, or is about to, so the child uses its connection: nothing is interrupted. mgmd goes
    /// on showing the number of the parent (D130).
    fn succeed(&mut self) {
        let mut left = PARENT / 10;
        while left > 0 && system::exists(self.pid) {
            system::wait(-1, 10);
            left -= 1;
        }
        let is_alive = left == 0;
        self.pid = std::process::id();
        if is_alive {
            // Two processes cannot share a connection.
            self.connect_apart();
        }
        for flow in std::mem::take(&mut self.left) {
            self.daemon.leave(&mut self.connection, flow);
        }
    }

    /// Connects as another daemon, without disturbing the parent.
    fn connect_apart(&mut self) {
        self.connection.leave_watched();
        self.connection = Connection::default();
        self.daemon.lost();
        let parts = (system::epoll(), system::event_flag(), system::timer());
        if let (Ok(epoll), Ok(flag), Ok(timer)) = parts {
            (self.epoll, self.flag, self.timer) = (epoll, flag, timer);
            (self.is_flagged, self.timed) = (false, 0);
            let _ = self.assemble();
        }
        match Connection::open(&self.path, PATIENCE) {
            Ok((connection, client)) => self.use_connection(connection, client),
            Err(why) => log::line(&why),
        }
    }

    /// A socket option of multicast routing.
    ///
    /// # Errors
    /// The errno.
    pub fn set(&mut self, option: MrouteOption) -> Result<(), Errno> {
        self.turn();
        let result = match option {
            MrouteOption::Init => Err(libc::EADDRINUSE),
            // The table of mgmd is the only one. These numbers all mean the default one.
            MrouteOption::Table(0 | 253 | 254) => Ok(()),
            MrouteOption::Table(_) => Err(libc::EBUSY),
            MrouteOption::AddVif { vif, target } => self
                .vif(target)
                .and_then(|what| self.daemon.add_vif(&mut self.connection, vif, what)),
            other => self.daemon.set(&mut self.connection, other),
        };
        self.follow_links();
        self.settle();
        result
    }

    /// The daemon's interfaces may be others now.
    fn follow_links(&mut self) {
        let indices = self.daemon.interfaces();
        for (index, errno) in self.links.follow(&self.raw, self.epoll.0, &indices) {
            log::line(&format!(
                "cannot listen for IGMP on {} (errno {errno}): the daemon may miss reports of hosts \
                 there",
                self.connection.name(index)
            ));
        }
        let epoll = self.epoll.0;
        let Some(registers) = &mut self.registers else { return };
        if let Err(errno) = registers.follow(epoll, self.daemon.registered()) {
            log::line(&format!("cannot read the packets of PIM registers (errno {errno})"));
        }
    }

    /// What the VIF that the daemon adds stands for.
    fn vif(&mut self, target: VifTarget) -> Result<Vif, Errno> {
        let index = match target {
            VifTarget::Register => {
                self.find_devices();
                return Ok(Vif::Register);
            }
            VifTarget::Index(index) => index,
            VifTarget::Address(address) => system::index_of(address).ok_or(libc::EADDRNOTAVAIL)?,
        };
        self.find_rest();
        match self.rest {
            Some(rest) if rest.index == index => Ok(Vif::Rest),
            _ => Ok(Vif::Real(index)),
        }
    }

    /// mgmd may have made its interfaces again.
    fn find_devices(&mut self) {
        self.daemon.set_register(system::index_named(REGISTER));
        self.find_rest();
    }

    fn find_rest(&mut self) {
        if let Some(found) = system::device(&self.raw, REST) {
            self.rest = Some(found);
            self.daemon.set_peer(peer(&found));
        }
    }

    /// Whether an interface is mgm0.
    pub fn is_rest(&mut self, on: VifTarget) -> bool {
        if self.rest.is_none() {
            self.find_rest();
        }
        match (on, &self.rest) {
            (VifTarget::Index(index), Some(rest)) => index == rest.index,
            (VifTarget::Address(address), Some(rest)) => address == rest.address,
            _ => false,
        }
    }

    /// Whether an address is a group, or in the network of mgm0.
    pub fn is_group_or_rest(&self, to: Ipv4Addr) -> bool {
        let is_near =
            |rest: &Device| (u32::from(rest.address) ^ u32::from(to)) & u32::from(rest.mask) == 0;
        to.is_multicast() || to.is_broadcast() || self.rest.as_ref().is_some_and(is_near)
    }

    /// The daemon joins or leaves a group on mgm0.
    ///
    /// # Errors
    /// The errno.
    pub fn membership(&mut self, flow: Flow, joins: bool) -> Result<(), Errno> {
        self.turn();
        let result = match joins {
            true => self.daemon.join(&mut self.connection, flow),
            false => {
                self.daemon.leave(&mut self.connection, flow);
                Ok(())
            }
        };
        self.settle();
        result
    }

    /// Groups that the daemon has joined on mgm0 before MRT_DONE, and not left.
    pub fn adopts(&mut self, joins: &[(i32, Flow)]) {
        for (_, flow) in joins {
            if let Err(errno) = self.membership(*flow, true) {
                log::line(&format!("cannot join {} again (errno {errno})", flow.group()));
            }
        }
    }

    /// A socket that has joined a group on mgm0 is closed. A child of a fork may do this before it
    /// becomes another program, so that this is no reason to go on as the daemon.
    pub fn closes_member(&mut self, flow: Flow) {
        match self.is_own() {
            // A leave does not fail.
            true => _ = self.membership(flow, false),
            false => self.left.push(flow),
        }
    }

    /// The daemon sends a packet on mgm0.
    pub fn sent_on_rest(&mut self, packet: &[u8], has_header: bool) {
        self.daemon.sent_on_rest(packet, has_header);
        self.settle();
    }

    /// The values of MRT_ASSERT and MRT_PIM.
    pub fn modes(&self) -> (bool, bool) {
        self.daemon.modes()
    }

    /// SIOCGETSGCNT.
    ///
    /// # Errors
    /// The errno.
    pub fn counters(&mut self, flow: Flow) -> Result<[u64; 3], Errno> {
        self.turn();
        let counters = self.daemon.counters(&mut self.connection, flow);
        self.settle();
        counters
    }

    /// SIOCGETVIFCNT.
    ///
    /// # Errors
    /// The errno.
    pub fn vif_counters(&mut self, vif: u16) -> Result<[u64; 4], Errno> {
        self.turn();
        let counters = self.daemon.vif_counters(&mut self.connection, vif);
        self.settle();
        counters
    }

    /// Whether the register interface of PIM is a VIF.
    pub fn has_register(&self) -> bool {
        self.daemon.vif_that_is(Vif::Register).is_some()
    }

    /// Whether the daemon's descriptor is ready.
    pub fn is_ready(&self) -> bool {
        system::wait(self.epoll.0, 0)
    }

    /// The daemon reads.
    ///
    /// # Errors
    /// The errno of the raw socket.
    pub fn read(&mut self, peeks: bool) -> Result<Read, Errno> {
        self.turn();
        let datagram = self.daemon.read(&mut self.connection, peeks);
        let of_link = if datagram.is_none() { self.links.read(peeks) } else { None };
        self.settle();
        if let Some(datagram) = datagram {
            let index = self.rest.filter(|_| datagram.is_of_rest).map_or(0, |rest| rest.index);
            return Ok(Read::Datagram(datagram, index));
        }
        if let Some((datagram, index)) = of_link {
            return Ok(Read::Datagram(datagram, index));
        }
        while let Some(source) = system::waiting_source(&self.raw)? {
            // What this machine itself sends on mgm0 is not for the daemon.
            if self.rest.is_none_or(|rest| rest.address != source) {
                return Ok(Read::Raw(self.raw.0));
            }
            let mut packet = [0; 64];
            system::receive(&self.raw, &mut packet, false)?;
        }
        let whole = self.registers.as_mut().and_then(|registers| registers.read(peeks));
        if let Some(datagram) = whole {
            self.settle();
            return Ok(Read::Datagram(datagram, 0));
        }
        Ok(Read::Nothing(self.epoll.0))
    }
}

/// The socket of mgmd.
fn router() -> PathBuf {
    std::env::var_os("MGM_ROUTER").map_or_else(|| "/run/mgmd/router".into(), PathBuf::from)
}

/// The other address of the network of mgm0.
fn peer(device: &Device) -> Ipv4Addr {
    let (own, mask) = (u32::from(device.address), u32::from(device.mask));
    let first = (own & mask) + 1;
    Ipv4Addr::from(if first == own { first + 1 } else { first })
}
