//! Max Resp Code and QQIC of IGMPv3: one octet, linear up to 127, then a small floating-point
//! number (RFC 9776, sections 4.1.1 and 4.1.7).
//!
//! ```text
//!  0 1 2 3 4 5 6 7
//! +-+-+-+-+-+-+-+-+
//! |1| exp | mant  |    value = (mant | 0x10) << (exp + 3)
//! +-+-+-+-+-+-+-+-+
//! ```

/// The largest value that an octet can express.
pub const LARGEST: u16 = 31_744;

/// The value of a code: tenths of a second in a Max Resp Code, seconds in a QQIC.
#[must_use]
pub fn decode(code: u8) -> u16 {
    if code < 128 {
        return u16::from(code);
    }
    (u16::from(code & 0x0f) | 0x10) << ((code >> 4 & 0x07) + 3)
}

/// The code of a value, or of the next lower value that has one.
#[must_use]
pub fn encode(value: u32) -> u8 {
    let value = value.min(u32::from(LARGEST));
    if value < 128 {
        return value as u8;
    }
    // The highest of the five bits of the mantissa is implied: it lies at exp + 7.
    let exponent = value.ilog2() - 7;
    let mantissa = value >> (exponent + 3) & 0x0f;
    (0x80 | exponent << 4 | mantissa) as u8
}
