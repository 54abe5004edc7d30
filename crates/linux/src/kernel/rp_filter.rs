//! The kernel's check of the source of packets (RFC 3704). Multicast routing never sees packets
//! that `rp_filter` drops, and they are not counted where an operator would look.

use crate::fork::GuardedFd;
use crate::forwarder::ReversePath;
use std::fs::{self, File};
use std::os::fd::AsRawFd;

/// The settings of the network namespace in which the forwarder was opened. Later calls may come
/// on threads in other namespaces, which have another `/proc/sys/net`, so this directory stays
/// open.
pub(super) struct ReversePaths(Option<GuardedFd>);

impl ReversePaths {
    /// `None` without `/proc`: the settings are then unknown.
    pub(super) fn open() -> ReversePaths {
        let directory = GuardedFd::open(|| File::open("/proc/sys/net/ipv4/conf"));
        ReversePaths(
            directory
                .map_err(|error| log::debug!("cannot read net.ipv4.conf.*.rp_filter: {error}"))
                .ok(),
        )
    }

    /// The setting of a device, or of `all`.
    fn setting(&self, name: &str) -> Option<u8> {
        let directory = self.0.as_ref()?.as_raw_fd();
        let text =
            fs::read_to_string(format!("/proc/self/fd/{directory}/{name}/rp_filter")).ok()?;
        text.trim().parse().ok()
    }

    /// How strictly the kernel checks packets that arrive on a device.
    pub(super) fn of(&self, device: &str) -> Option<ReversePath> {
        Some(effective(self.setting("all")?, self.setting(device)?))
    }

    /// The warning to log when a device is taken, if any.
    pub(super) fn complaint(
        &self,
        device: &str,
        index: u32,
        has_address: impl FnOnce() -> bool,
    ) -> Option<String> {
        complaint(device, index, (self.setting("all")?, self.setting(device)?), has_address)
    }
}

/// The greater of the two settings applies.
fn effective(all: u8, own: u8) -> ReversePath {
    match all.max(own) {
        0 => ReversePath::Off,
        1 => ReversePath::Strict,
        _ => ReversePath::Loose,
    }
}

/// The settings are those of `all` and of the device.
fn complaint(
    device: &str,
    index: u32,
    (all, own): (u8, u8),
    has_address: impl FnOnce() -> bool,
) -> Option<String> {
    if effective(all, own) != ReversePath::Strict {
        return None;
    }
    // In the name of a setting, dots separate its parts.
    let own = format!("net.ipv4.conf.{}.rp_filter", device.replace('.', "/"));
    const ALL: &str = "net.ipv4.conf.all.rp_filter";
    let (cause, cure) = match (all, has_address()) {
        (0, true) => (own, "it to 0 or 2".to_owned()),
        // Without an address, loose drops the same packets.
        (0, false) => (own, "it to 0, because the interface has no address".to_owned()),
        (_, false) => {
            (ALL.to_owned(), format!("it and {own} to 0, because the interface has no address"))
        }
        // The greater setting applies, and loose (2) is greater than strict (1), so only the
        // setting loose makes a device less strict than `all`.
        (_, true) => (ALL.to_owned(), format!("{own} to 2")),
    };
    Some(format!(
        "{device} (index {index}): {cause}=1 drops packets whose source is routed through \
         another interface, before multicast routing sees them: set {cure}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_setting_counts_and_only_strict_is_told_of() {
        for (all, own, told) in [
            (0, 0, None),
            (0, 1, Some("net.ipv4.conf.eth0/10.rp_filter=1 drops")),
            (1, 0, Some("net.ipv4.conf.all.rp_filter=1 drops")),
            (1, 1, Some("set net.ipv4.conf.eth0/10.rp_filter to 2")),
            (1, 2, None),
            (2, 1, None),
        ] {
            let text = complaint("eth0.10", 7, (all, own), || true);
            assert_eq!(text.is_some(), told.is_some(), "{all} {own}");
            if let (Some(text), Some(told)) = (text, told) {
                assert!(text.starts_with("eth0.10 (index 7): ") && text.contains(told), "{text}");
            }
        }
    }

    #[test]
    fn without_an_address_loose_is_no_cure() {
        let text = |all, own| complaint("mgmreg", 7, (all, own), || false);
        let own = "set it to 0, because the interface has no address";
        assert!(text(0, 1).is_some_and(|text| text.ends_with(own)), "{:?}", text(0, 1));
        let both =
            "net.ipv4.conf.all.rp_filter=1 drops packets whose source is routed through another \
                    interface, before multicast routing sees them: set it and \
                    net.ipv4.conf.mgmreg.rp_filter to 0, because the interface has no address";
        assert!(text(1, 0).is_some_and(|text| text.ends_with(both)), "{:?}", text(1, 0));
        // Many systems set loose for all interfaces, and an address may be added later.
        assert_eq!(text(2, 0), None);
    }

    #[test]
    fn a_device_that_is_not_there_has_no_setting() {
        let paths = ReversePaths::open();
        assert!(paths.of("lo").is_some(), "as any Linux has it");
        assert_eq!((paths.of("no such"), paths.complaint("no such", 1, || true)), (None, None));
    }
}
