//! Netlink messages as bytes, because announcements arrive by the thousand and only two numbers
//! of most of them matter. No I/O here.

use crate::types::Ipv4Addr;

/// The length of `struct nlmsghdr`.
const HEADER: usize = 16;

/// A message without its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub kind: u16,
    pub flags: u16,
    pub sequence: u32,
    /// The fixed part, which depends on the kind, then attributes.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The fixed part of this length, and the attributes behind it; `None` if it is shorter.
    pub fn split(&self, length: usize) -> Option<(&'a [u8], &'a [u8])> {
        self.body.split_at_checked(length)
    }
}

fn align(length: usize) -> usize {
    (length + 3) & !3
}

/// Splits off the first `length` bytes and the padding behind them.
fn cut(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let piece = bytes.get(..length)?;
    Some((piece, bytes.get(align(length)..).unwrap_or_default()))
}

/// The messages of a datagram, up to the first invalid one.
pub(super) fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = u32_at(rest, 0)? as usize;
        let (message, behind) = cut(rest, length)?;
        let body = message.get(HEADER..)?;
        rest = behind;
        Some(Message {
            kind: u16_at(message, 4)?,
            flags: u16_at(message, 6)?,
            sequence: u32_at(message, 8)?,
            body,
        })
    })
}

/// The attributes in `bytes` with their kinds, up to the first invalid one.
pub(super) fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    /// NLA_F_NESTED and NLA_F_NET_BYTEORDER.
    const FLAGS: u16 = 0xc000;
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = u16_at(rest, 0)?;
        let (attribute, behind) = cut(rest, length.into())?;
        let value = attribute.get(4..)?;
        rest = behind;
        Some((u16_at(attribute, 2)? & !FLAGS, value))
    })
}

/// The value of the first attribute of this kind.
pub(super) fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find_map(|(found, value)| (found == kind).then_some(value))
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The value as an IPv4 address.
pub(super) fn addr(value: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from)
}

/// A request: a fixed part and attributes of four bytes each.
pub(super) fn request(
    kind: u16,
    flags: u16,
    sequence: u32,
    head: &[u8],
    attributes: &[(u16, u32)],
) -> Vec<u8> {
    let length = HEADER + align(head.len()) + 8 * attributes.len();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend((length as u32).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0u32.to_ne_bytes());
    bytes.extend(head);
    bytes.resize(HEADER + align(head.len()), 0);
    for (kind, value) in attributes {
        bytes.extend(8u16.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value.to_ne_bytes());
    }
    bytes
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An attribute with its padding.
    pub fn attr(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((value.len() as u16 + 4).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(align(bytes.len()), 0);
        bytes
    }

    /// A message of this kind.
    pub fn message(kind: u16, flags: u16, parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        let mut bytes = request(kind, flags, 7, &body, &[]);
        bytes[..4].copy_from_slice(&((HEADER + body.len()) as u32).to_ne_bytes());
        bytes
    }

    #[test]
    fn messages_and_attributes_are_told_apart() {
        let first = message(24, 3, &[&[1, 2, 3, 4], &attr(1, &[9]), &attr(0x8002, &[5, 6, 7, 8])]);
        let both = [first.clone(), message(25, 0, &[])].concat();
        let found: Vec<_> = messages(&both).collect();
        assert_eq!(
            found.iter().map(|m| (m.kind, m.flags, m.sequence)).collect::<Vec<_>>(),
            [(24, 3, 7), (25, 0, 7)]
        );
        let (head, rest) = found[0].split(4).unwrap();
        assert_eq!(head, [1, 2, 3, 4]);
        assert_eq!(attributes(rest).collect::<Vec<_>>(), [(1, &[9u8][..]), (2, &[5, 6, 7, 8][..])]);
        assert_eq!(attribute(rest, 2).and_then(addr), Some([5, 6, 7, 8].into()));
        assert_eq!((attribute(rest, 3), found[1].split(4)), (None, None));
    }

    #[test]
    fn nonsense_ends_the_reading() {
        let whole = message(24, 0, &[&[0; 4], &attr(1, &[1, 2, 3, 4])]);
        for length in 0..whole.len() {
            assert_eq!(messages(&whole[..length]).count(), 0, "{length} bytes");
        }
        for length in [0u16, 3, 200] {
            let mut bytes = attr(1, &[1, 2, 3, 4]);
            bytes[..2].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(attributes(&bytes).count(), 0, "an attribute of {length} bytes");
        }
        assert_eq!(messages(&[0; 64]).count(), 0, "a length of 0 would have no end");
    }
}
