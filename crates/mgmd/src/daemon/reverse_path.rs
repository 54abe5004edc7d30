//! The kernel's check of the source of packets on mgmreg, which must be off (M55).
//!
//! The sources of packets in registers are behind other interfaces, so the strict check drops the packets.
//! The loose check drops them, too, because mgmreg has no address. The kernel switches the check off for
//! its own register interface.

use super::device::REGISTER;
use mgm_net::reverse_path::{path, setting};
use std::{fs, io};

/// Switches the check off for mgmreg. A program that sets up new interfaces, such as systemd-udevd, may
/// switch it on again.
///
/// Returns the settings that make the kernel drop the packets nevertheless, and what to do. The setting
/// for all interfaces is left alone, because it also protects other interfaces.
pub(super) fn accept_all_sources() -> Option<String> {
    let written = match setting(REGISTER) {
        Some(0) => Ok(()),
        _ => fs::write(path(REGISTER), "0"),
    };
    complaint(setting("all"), setting(REGISTER), written)
}

/// The greater of the two settings applies. `written`: whether mgmd could set its own.
fn complaint(all: Option<u8>, own: Option<u8>, written: io::Result<()>) -> Option<String> {
    let name = |interface| format!("net.ipv4.conf.{interface}.rp_filter");
    let on: Vec<(String, u8)> = [("all", all), (REGISTER, own)]
        .into_iter()
        .filter_map(|(interface, value)| {
            Some((name(interface), value.filter(|value| *value != 0)?))
        })
        .collect();
    let settings: Vec<String> = on.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut text = match on.as_slice() {
        [] => return None,
        [_] => format!("{} drops all packets in PIM registers: set it to 0", settings[0]),
        _ => format!("{} drop all packets in PIM registers: set both to 0", settings.join(" and ")),
    };
    if let (Err(error), Some(1..)) = (written, own) {
        text += &format!("; mgmd cannot set its own ({error}): with systemd, install daemons.conf");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m55_each_setting_that_drops_registers_is_named() {
        let forbidden = || Err(io::Error::from_raw_os_error(libc::EROFS));
        let all = "net.ipv4.conf.all.rp_filter=";
        let own = "net.ipv4.conf.mgmreg.rp_filter=";
        assert_eq!(complaint(Some(0), Some(0), Ok(())), None);
        assert_eq!(complaint(None, None, forbidden()), None, "nothing is known");
        let of_all = complaint(Some(2), Some(0), Ok(())).unwrap();
        assert!(of_all.starts_with(&format!("{all}2 drops all packets")), "{of_all}");
        assert!(of_all.ends_with("set it to 0"), "{of_all}");
        let of_own = complaint(Some(0), Some(1), forbidden()).unwrap();
        assert!(of_own.starts_with(&format!("{own}1 drops")), "{of_own}");
        assert!(of_own.contains("Read-only") && of_own.contains("daemons.conf"), "{of_own}");
        let both = complaint(Some(1), Some(2), forbidden()).unwrap();
        assert!(both.starts_with(&format!("{all}1 and {own}2 drop all")), "{both}");
        assert!(both.contains("set both to 0; mgmd cannot"), "{both}");
    }
}
