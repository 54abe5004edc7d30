//! The checksum of IPv4 headers and IGMP messages (RFC 1071).

/// The Internet checksum of these octets. Octets that contain their own checksum give 0.
#[must_use]
pub fn checksum(octets: &[u8]) -> u16 {
    let (pairs, last) = octets.split_at(octets.len() & !1);
    let mut sum: u64 =
        pairs.chunks_exact(2).map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    // An odd last octet counts as the high half of a pair.
    sum += last.first().map_or(0, |&octet| u64::from(octet) << 8);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
