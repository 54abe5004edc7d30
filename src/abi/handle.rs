//! Handles: numbers that name, never pointers that are followed (spec 1.4).
//!
//! A value that is no handle of ours is nearly always one of the program's
//! pointers, or garbage: the mark in the top bits, where no user-space address
//! has anything, tells it apart. The kind byte keeps an enumeration's handle
//! from being taken for a client's. Serials never repeat, so a stale handle
//! names nothing.

use super::types::HANDLE;
use crate::types::{Refusal, Result};

/// "MG", in bits 48 to 63.
const MARK: u64 = 0x4D47;
const SERIAL_BITS: u32 = 40;

/// What a handle names; the byte in its bits 40 to 47.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A client.
    Protocol = b'P',
    /// A group enumeration.
    Enumeration = b'E',
}

/// The handle of the thing with this serial number.
///
/// # Panics
/// After 2^40 serials, a million a second for twelve days: better no handle
/// than the same one twice.
pub fn encode(kind: Kind, serial: u64) -> HANDLE {
    assert!(serial >> SERIAL_BITS == 0, "out of handles");
    let value = MARK << 48 | u64::from(kind as u8) << SERIAL_BITS | serial;
    value as usize as HANDLE
}

/// The serial number in a handle of this kind.
pub fn decode(kind: Kind, handle: HANDLE) -> Result<u64> {
    let value = handle as usize as u64;
    if value >> SERIAL_BITS == MARK << 8 | u64::from(kind as u8) {
        Ok(value & ((1 << SERIAL_BITS) - 1))
    } else {
        Err(refused(handle))
    }
}

/// The refusal of a handle, in the caller's words.
pub fn refused(handle: HANDLE) -> Refusal {
    Refusal::BadHandle(handle as usize as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went() {
        for serial in [0, 1, 0xff_ffff_ffff] {
            for kind in [Kind::Protocol, Kind::Enumeration] {
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
            encode(Kind::Enumeration, 1) as usize,
            encode(Kind::Protocol, 1) as usize ^ 1 << 63,
        ];
        for value in others {
            assert_eq!(
                decode(Kind::Protocol, value as HANDLE),
                Err(Refusal::BadHandle(value as u64))
            );
        }
    }

    #[test]
    #[should_panic(expected = "out of handles")]
    fn never_the_same_twice() {
        encode(Kind::Protocol, 1 << SERIAL_BITS);
    }
}
