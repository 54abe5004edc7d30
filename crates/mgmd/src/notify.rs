//! Reports the state of mgmd to the service manager: sd_notify(3).
//! The crate sd-notify is not used: it cannot send to an abstract socket, and it waits without a
//! limit for a service manager that does not read.

use crate::log::printable;
use nix::time::{clock_gettime, ClockId};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// How long a message may wait for the service manager, if it is sent only once.
const PATIENCE: Duration = Duration::from_secs(1);

/// The service manager, if one has started mgmd. Each function sends one message, and does nothing
/// without a service manager.
/// A message that is sent only once may wait for the service manager, at most a second. The status
/// and the watchdog do not wait: mgmd sends them again soon, and must not interrupt its work for
/// them. The errors are those of connect(2) and send(2): the service manager is gone, does not
/// read, or mgmd may not use its socket. mgmd can go on after each of them.
#[derive(Debug, Default)]
pub struct Notify {
    /// Its socket: a path, or a name in the abstract namespace after "@".
    socket: Option<OsString>,
    /// The service manager expects a call of [`Notify::watchdog`] within this time.
    limit: Option<Duration>,
}

impl Notify {
    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    #[must_use]
    pub fn from_environment() -> Notify {
        Notify::from_variables(|name| std::env::var_os(name), std::process::id())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>, pid: u32) -> Notify {
        let number = |name| variable(name).and_then(|v| v.to_str().and_then(|v| v.parse().ok()));
        // A variable for another process was only inherited.
        let is_ours =
            variable("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(pid.into());
        Notify {
            socket: variable("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()),
            limit: number("WATCHDOG_USEC")
                .filter(|limit| *limit > 0 && is_ours)
                .map(Duration::from_micros),
        }
    }

    /// How often to call [`Notify::watchdog`]: half of the time after which the service manager
    /// restarts mgmd, as sd_watchdog_enabled(3) advises. `None` without a watchdog.
    #[must_use]
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.limit.map(|limit| limit / 2)
    }

    /// mgmd has started, or has finished a reload.
    ///
    /// # Errors
    /// See [`Notify`].
    pub fn ready(&self) -> io::Result<()> {
        self.send("READY=1", Some(PATIENCE))
    }

    /// A line about the state of mgmd, for "systemctl status".
    ///
    /// # Errors
    /// See [`Notify`].
    pub fn status(&self, text: &str) -> io::Result<()> {
        // A line feed would begin another field.
        self.send(&format!("STATUS={}", printable(text)), None)
    }

    /// mgmd works.
    ///
    /// # Errors
    /// See [`Notify`].
    pub fn watchdog(&self) -> io::Result<()> {
        self.send("WATCHDOG=1", None)
    }

    /// mgmd begins to reload its configuration. [`Notify::ready`] ends this, also if the new
    /// configuration is refused.
    ///
    /// # Errors
    /// See [`Notify`].
    pub fn reloading(&self) -> io::Result<()> {
        // Type=notify-reload needs the time, to tell this reload from an earlier one.
        let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()), Some(PATIENCE))
    }

    /// mgmd ends.
    ///
    /// # Errors
    /// See [`Notify`].
    pub fn stopping(&self) -> io::Result<()> {
        self.send("STOPPING=1", Some(PATIENCE))
    }

    fn send(&self, message: &str, patience: Option<Duration>) -> io::Result<()> {
        let Some(socket) = &self.socket else { return Ok(()) };
        let sender = UnixDatagram::unbound()?;
        sender.set_nonblocking(patience.is_none())?;
        sender.connect_addr(&address(socket)?)?;
        let end = patience.map(|patience| Instant::now() + patience);
        loop {
            // No time at all would be no limit.
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            sender.set_write_timeout(left.map(|left| left.max(Duration::from_millis(1))))?;
            // A datagram is sent as a whole or not at all. A process that is stopped and continued
            // is interrupted, although mgmd has no signal handlers.
            match sender.send(message.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map(|_| ()),
            }
        }
    }
}

fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(socket),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "NOTIFY_SOCKET={} is neither a path nor an abstract name",
                socket.to_string_lossy()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::{kill, Signal};
    use nix::unistd::Pid;
    use std::path::PathBuf;
    use std::process::Command;

    fn notify(variables: &[(&str, &str)]) -> Notify {
        Notify::from_variables(
            |name| variables.iter().find(|(of, _)| *of == name).map(|(_, value)| value.into()),
            77,
        )
    }

    /// A service manager, which reads what it gets.
    struct Manager(UnixDatagram, Notify, Option<PathBuf>);

    impl Drop for Manager {
        fn drop(&mut self) {
            if let Some(path) = &self.2 {
                std::fs::remove_file(path).unwrap();
            }
        }
    }

    fn on_path(name: &str) -> Manager {
        let path = std::env::temp_dir().join(format!("mgmd-{name}-{}", std::process::id()));
        let socket = UnixDatagram::bind(&path).unwrap();
        let notify = notify(&[("NOTIFY_SOCKET", path.to_str().unwrap())]);
        Manager(socket, notify, Some(path))
    }

    fn on_abstract_name() -> Manager {
        let name = format!("mgmd-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        Manager(socket, notify(&[("NOTIFY_SOCKET", &format!("@{name}"))]), None)
    }

    impl Manager {
        fn heard(&self) -> String {
            let mut message = [0; 500];
            self.0.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let length = self.0.recv(&mut message).unwrap();
            String::from_utf8(message[..length].to_vec()).unwrap()
        }
    }

    #[test]
    fn each_message_arrives_at_a_path_and_at_an_abstract_name() {
        for manager in [on_path("notify"), on_abstract_name()] {
            let notify = &manager.1;
            notify.ready().unwrap();
            assert_eq!(manager.heard(), "READY=1");
            notify.status("2 of 3 interfaces, 14 groups\nREADY=1").unwrap();
            assert_eq!(manager.heard(), "STATUS=2 of 3 interfaces, 14 groups\\nREADY=1");
            notify.watchdog().unwrap();
            assert_eq!(manager.heard(), "WATCHDOG=1");
            notify.stopping().unwrap();
            assert_eq!(manager.heard(), "STOPPING=1");

            let clock = || Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap());
            let before = clock().as_micros();
            notify.reloading().unwrap();
            let message = manager.heard();
            let time = message.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
            assert!((before..=clock().as_micros()).contains(&time.parse().unwrap()), "{message}");
        }
    }

    #[test]
    fn without_a_service_manager_nothing_happens() {
        for variables in [&[][..], &[("NOTIFY_SOCKET", "")]] {
            let notify = notify(variables);
            assert_eq!(notify.socket, None);
            notify.ready().unwrap();
            assert_eq!(notify.watchdog_interval(), None);
        }
    }

    /// A service manager that does not read, and whose socket is full.
    fn silent(name: &str) -> Manager {
        let manager = on_path(name);
        let error = (0..10_000).find_map(|_| manager.1.watchdog().err()).unwrap();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        manager
    }

    /// How long the message waits in vain.
    fn wait_of(message: impl Fn() -> io::Result<()>) -> Duration {
        let started = Instant::now();
        assert_eq!(message().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        started.elapsed()
    }

    #[test]
    fn a_service_manager_that_does_not_read_costs_a_second_at_most() {
        let manager = silent("silent");
        // A busy machine may hold up this thread for a second, but not each time.
        let fastest =
            |message: &dyn Fn() -> io::Result<()>| (0..3).map(|_| wait_of(message)).min().unwrap();
        let time = fastest(&|| manager.1.status("full"));
        assert!(time < PATIENCE, "{time:?}");
        let time = fastest(&|| manager.1.stopping());
        assert!(time >= PATIENCE && time < 5 * PATIENCE, "{time:?}");
    }

    /// Set in a process that is stopped and continued while it waits.
    const INTERRUPTED: &str = "MGMD_TEST_INTERRUPTED";

    #[test]
    fn a_message_waits_its_time_although_the_process_is_stopped_meanwhile() {
        if std::env::var_os(INTERRUPTED).is_some() {
            let manager = silent("interrupted");
            let time = wait_of(|| manager.1.stopping());
            assert!(time >= PATIENCE, "{time:?}");
            return;
        }
        let name =
            "notify::tests::a_message_waits_its_time_although_the_process_is_stopped_meanwhile";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(INTERRUPTED, "1")
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
                kill(pid, signal).unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        assert!(status.success(), "{status}");
    }

    #[test]
    fn a_service_manager_that_is_gone_is_an_error() {
        let error = notify(&[("NOTIFY_SOCKET", "/nowhere/notify")]).ready().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let error = notify(&[("NOTIFY_SOCKET", "vsock:2:1")]).ready().unwrap_err();
        assert_eq!(
            error.to_string(),
            "NOTIFY_SOCKET=vsock:2:1 is neither a path nor an abstract name"
        );
    }

    #[test]
    fn the_watchdog_is_answered_twice_in_its_time() {
        let interval = |variables| notify(variables).watchdog_interval();
        let half = Some(Duration::from_secs(15));
        assert_eq!(interval(&[("WATCHDOG_USEC", "30000000")]), half);
        assert_eq!(interval(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "77")]), half);
        assert_eq!(interval(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "78")]), None);
        assert_eq!(interval(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "x")]), None);
        assert_eq!(interval(&[("WATCHDOG_USEC", "0")]), None);
        assert_eq!(interval(&[("WATCHDOG_USEC", "-1")]), None);
    }
}
