//! Handles: numbers that are never dereferenced (spec 1.4).
//!
//! An invalid handle is nearly always a pointer of the program, or garbage. The mark in the
//! top bits distinguishes them, because no user-space address has bits there. The kind byte
//! distinguishes the handles of enumerations and clients. Serial numbers never repeat, so a
//! stale handle identifies nothing.

use super::types::HANDLE;
use crate::types::{Refusal, Result};

/// "MG", in bits 48 to 63.
const MARK: u64 = 0x4D47;
const SERIAL_BITS: u32 = 40;

/// What a handle identifies; the byte in its bits 40 to 47.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum HandleKind {
    /// A client.
    Protocol = b'P',
    /// A group enumeration.
    Enumeration = b'E',
}

/// Returns the handle for a serial number.
///
/// # Panics
/// After 2^40 serial numbers (one million a second for twelve days), because a handle must
/// not be issued twice.
pub fn encode(kind: HandleKind, serial: u64) -> HANDLE {
    assert!(serial >> SERIAL_BITS == 0, "out of handles");
    let value = MARK << 48 | u64::from(kind as u8) << SERIAL_BITS | serial;
    value as usize as HANDLE
}

/// Returns the serial number in a handle of this kind.
pub fn decode(kind: HandleKind, handle: HANDLE) -> Result<u64> {
    let value = handle as usize as u64;
    if value >> SERIAL_BITS == MARK << 8 | u64::from(kind as u8) {
        Ok(value & ((1 << SERIAL_BITS) - 1))
    } else {
        Err(refused(handle))
    }
}

/// Returns the refusal of a handle.
pub fn refused(handle: HANDLE) -> Refusal {
    Refusal::BadHandle(handle as usize as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went() {
        for serial in [0, 1, 0xff_ffff_ffff] {
            for kind in [HandleKind::Protocol, HandleKind::Enumeration] {
                assert_eq!(decode(kind, encode(kind, serial)), Ok(serial));
            }
        }
    }

    #[test]
    fn t1_4_nothing_else_is_a_handle() {
        let local = 0u8;
        let others = [
            0,
            usize::MAX,
            1,
            &raw const local as usize,
            encode(HandleKind::Enumeration, 1) as usize,
            encode(HandleKind::Protocol, 1) as usize ^ 1 << 63,
        ];
        for value in others {
            assert_eq!(
                decode(HandleKind::Protocol, value as HANDLE),
                Err(Refusal::BadHandle(value as u64))
            );
        }
    }

    #[test]
    #[should_panic(expected = "out of handles")]
    fn never_the_same_twice() {
        encode(HandleKind::Protocol, 1 << SERIAL_BITS);
    }
}
