//! Turns errors of the kernel into messages that say what the operator can do.

use super::mroute::OpenStep;
use super::vifs::{NoVif, MAX_VIFS};
use crate::types::{Flow, Interface, Refusal};
use std::io;

/// The multicast routing table in words.
fn table_name(table: u32) -> String {
    match table {
        0 => "the kernel's multicast routing table".into(),
        n => format!("multicast routing table {n}"),
    }
}

/// Why the kernel forwarder cannot be opened.
pub(super) fn open(step: OpenStep, error: &io::Error, table: u32) -> Refusal {
    let name = table_name(table);
    Refusal::Forwarder(match (step, error.raw_os_error()) {
        (_, Some(libc::EACCES | libc::EPERM)) => format!(
            "no permission for multicast routing ({error}): run as root, or give the program the \
             capabilities CAP_NET_ADMIN and CAP_NET_RAW (setcap cap_net_admin,cap_net_raw+ep)"
        ),
        (_, Some(libc::EADDRINUSE)) => format!(
            "another multicast routing daemon (pimd, smcrouted, mrouted, igmpproxy ...) uses \
             {name}: stop it, or use another table, such as MGM_TABLE=100, and run \"ip mrule \
             add iif DEVICE lookup 100\" for each interface (without this rule, no packets arrive)"
        ),
        (OpenStep::Table, Some(libc::ENOPROTOOPT)) => "the kernel has only one multicast routing \
             table: set MGM_TABLE to 0, or use a kernel with CONFIG_IP_MROUTE_MULTIPLE_TABLES"
            .into(),
        (OpenStep::Table, Some(libc::EINVAL)) => {
            format!(
                "the kernel does not accept multicast routing table {table}: set MGM_TABLE to another \
                 table, and run \"ip mrule add iif DEVICE lookup TABLE\" for each interface"
            )
        }
        (_, Some(libc::ENOPROTOOPT | libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT)) => {
            format!("this kernel has no multicast routing ({error}): use one with CONFIG_IP_MROUTE")
        }
        (_, Some(libc::EMFILE | libc::ENFILE)) => {
            format!(
                "cannot open a socket for multicast routing: {error}: raise the limit on open \
                 files"
            )
        }
        _ => format!("cannot open {name} ({step:?}): {error}"),
    })
}

/// The rule that directs packets to a table that the kernel does not search by default.
pub(super) fn rule(table: u32, name: &str) -> String {
    format!(
        "MGM_TABLE={table}: no packets will arrive until \"ip mrule add iif {name} lookup {table}\", \
         unless {name} is in the VRF with table {table}"
    )
}

/// The forwarder cannot get a thread or descriptor that it needs.
pub(super) fn resources(error: &io::Error) -> Refusal {
    Refusal::Forwarder(format!(
        "the kernel forwarder cannot get a file descriptor or a thread: {error}: raise the \
         limits of the process"
    ))
}

/// Why the forwarder's own table of VIFs refuses an interface.
pub(super) fn no_vif(why: NoVif, interface: Interface) -> Refusal {
    Refusal::Forwarder(match why {
        NoVif::Full => format!(
            "{interface}: the kernel supports at most {MAX_VIFS} interfaces, and all are in use: \
             release one first"
        ),
        NoVif::Leaving => format!(
            "{interface}: all {MAX_VIFS} VIFs of the kernel are in use, and one is still being \
             deleted (an earlier message says why): retry in a second"
        ),
        NoVif::SameDevice(other) => format!(
            "internal error: {interface} is already served, as number {}; please report it",
            other.0
        ),
        NoVif::SameId(device) => format!(
            "internal error: {interface} has the number of interface {device}; please report it"
        ),
        NoVif::NoMemory => return Refusal::NoMemory,
    })
}

/// Why the kernel refuses an interface that exists under `name`.
pub(super) fn add_vif(error: &io::Error, interface: Interface, name: &str) -> Refusal {
    let what = format!("{interface} ({name})");
    Refusal::Forwarder(match error.raw_os_error() {
        Some(libc::EADDRNOTAVAIL) => format!(
            "{what} has no IPv4: its MTU may be below 68, or a bond or bridge may use it; give it \
             an address with \"ip addr add\" and take ownership again"
        ),
        Some(libc::EADDRINUSE) => format!(
            "{what}: another program adds interfaces to this multicast routing table: stop it, \
             or set MGM_TABLE to another table"
        ),
        Some(libc::EACCES | libc::EPERM) => lost_table(&what, error),
        _ => format!("{what}: the kernel refuses to route multicast there: {error}"),
    })
}

/// The kernel does not answer whether an interface exists.
pub(super) fn unknown(error: &io::Error, interface: Interface) -> Refusal {
    Refusal::Forwarder(format!("{interface}: cannot read it from the kernel: {error}"))
}

/// Upcalls cannot be read.
pub(super) fn unread(error: &io::Error) -> String {
    let cure = match error.raw_os_error() {
        Some(libc::EBADF | libc::ENOTSOCK) => {
            "this program has closed the multicast routing socket, which belongs to the library: \
             no new flow will be forwarded; correct this fault and restart the program"
        }
        Some(libc::ENOMEM | libc::ENOBUFS) => {
            "new flows are not forwarded until the kernel has memory again: free some memory"
        }
        Some(libc::EACCES | libc::EPERM | libc::ENOSYS) => {
            "new flows are not forwarded: allow recvmmsg in the program's seccomp filter or \
             security policy"
        }
        _ => "new flows are not forwarded; retrying: if this message repeats, restart the router",
    };
    format!("cannot read upcalls: {error}: {cure}")
}

/// A released VIF cannot be deleted.
pub(super) fn undeleted(error: &io::Error, vif: u8) -> Refusal {
    let what = format!("VIF {vif}");
    Refusal::Forwarder(match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => lost_table(&what, error),
        _ => format!("{what} is no longer used, but the kernel refuses to delete it: {error}"),
    })
}

/// Why the kernel refuses to install or remove an entry.
pub(super) fn entry(error: &io::Error, flow: Flow) -> Refusal {
    Refusal::Forwarder(match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => lost_table(&flow.to_string(), error),
        Some(libc::ENOBUFS | libc::ENOMEM) => {
            format!("{flow}: the kernel has no memory for another MFE: {error}")
        }
        _ => format!("{flow}: the kernel refuses the MFE: {error}"),
    })
}

/// The counters of an entry cannot be read.
pub(super) fn uncounted(error: &io::Error, flow: Flow) -> Refusal {
    Refusal::Forwarder(format!("{flow}: cannot read the counters from the kernel: {error}"))
}

fn lost_table(what: &str, error: &io::Error) -> String {
    format!(
        "{what}: the library no longer owns the multicast routing table ({error}): restart the \
         router"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(step: OpenStep, errno: i32, table: u32) -> String {
        open(step, &io::Error::from_raw_os_error(errno), table).to_string()
    }

    #[test]
    fn t2_7_each_cause_of_a_failed_open_has_its_cure() {
        for (step, errno) in [(OpenStep::Socket, libc::EPERM), (OpenStep::Init, libc::EACCES)] {
            assert!(text(step, errno, 0).contains("CAP_NET_ADMIN and CAP_NET_RAW"));
        }
        let busy = text(OpenStep::Init, libc::EADDRINUSE, 7);
        assert!(busy.contains("table 7") && busy.contains("MGM_TABLE") && busy.contains("pimd"));
        assert!(text(OpenStep::Init, libc::ENOPROTOOPT, 0).contains("CONFIG_IP_MROUTE"));
        assert!(text(OpenStep::Socket, libc::EAFNOSUPPORT, 0).contains("CONFIG_IP_MROUTE"));
        assert!(text(OpenStep::Table, libc::ENOPROTOOPT, 7).contains("MULTIPLE_TABLES"));
        assert!(text(OpenStep::Table, libc::EINVAL, 2_000_000_000).contains("2000000000"));
        assert!(text(OpenStep::Socket, libc::EMFILE, 0).contains("open files"));
        assert!(text(OpenStep::Assert, libc::EIO, 0).contains("Assert"));
    }

    #[test]
    fn each_cause_of_unread_upcalls_has_its_cure() {
        let text = |errno| unread(&io::Error::from_raw_os_error(errno));
        assert!(text(libc::EBADF).contains("restart the program"));
        assert!(text(libc::ENOMEM).contains("memory"));
        assert!(text(libc::EPERM).contains("seccomp"));
        assert!(text(libc::EIO).contains("retrying"));
    }

    #[test]
    fn t2_7_the_limit_of_the_kernel_is_named() {
        let text = no_vif(NoVif::Full, Interface::link(9)).to_string();
        assert!(text.contains("interface 9") && text.contains("32"), "{text}");
    }
}
