//! The kernel's check of the source of packets (RFC 3704), in the network namespace of the calling
//! thread.

use std::fs::read_to_string;

/// The file with the setting of an interface, or of `all`. The greater of the two applies.
#[must_use]
pub fn path(interface: &str) -> String {
    format!("/proc/sys/net/ipv4/conf/{interface}/rp_filter")
}

/// The setting of an interface, or of `all`. `None` if it cannot be read.
#[must_use]
pub fn setting(interface: &str) -> Option<u8> {
    read_to_string(path(interface)).ok()?.trim().parse().ok()
}
