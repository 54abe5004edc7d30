//! The names and indexes of the system's network interfaces.

use std::ffi::CStr;

/// The index of the interface with this name, or with this alternative name, in the network
/// namespace of the calling thread.
#[must_use]
pub fn interface_index(name: &CStr) -> Option<u32> {
    // SAFETY: reads the name up to its terminating zero.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => None,
        index => Some(index),
    }
}

/// The name of the interface with this index. It need not be UTF-8.
#[must_use]
pub fn interface_name(index: u32) -> Option<Vec<u8>> {
    let mut name = [0u8; libc::IF_NAMESIZE];
    // SAFETY: writes at most IF_NAMESIZE bytes, which the array has.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) };
    if found.is_null() {
        return None;
    }
    CStr::from_bytes_until_nul(&name).ok().map(|name| name.to_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d78_names_and_indexes_of_the_system_match() {
        let index = interface_index(c"lo").expect("every network namespace has lo");
        assert_eq!(interface_name(index).as_deref(), Some(&b"lo"[..]));
    }

    #[test]
    fn d78_what_does_not_exist_has_neither() {
        assert_eq!(interface_index(c""), None);
        assert_eq!(interface_index(c"mgm-no-such-if"), None);
        assert_eq!(interface_index(c"a name that is longer than IF_NAMESIZE"), None);
        assert_eq!(interface_name(0), None);
        assert_eq!(interface_name(u32::MAX), None);
    }
}
