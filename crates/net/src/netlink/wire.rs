//! Netlink messages as bytes, in the byte order of this machine, because announcements arrive by
//! the thousand and only two numbers of most of them matter. No I/O here.

use std::net::Ipv4Addr;

/// The length of `struct nlmsghdr`.
const HEADER: usize = 16;

/// A message without its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// RTM_* or NLMSG_*.
    pub kind: u16,
    /// NLM_F_*.
    pub flags: u16,
    /// The number of the request that it answers, 0 in an announcement.
    pub sequence: u32,
    /// The fixed part, which depends on the kind, then attributes.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The fixed part of this length, and the attributes behind it; `None` if it is shorter.
    #[must_use]
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
pub fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
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
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
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
#[must_use]
pub fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find_map(|(found, value)| (found == kind).then_some(value))
}

/// Two bytes at this offset as a number.
#[must_use]
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Four bytes at this offset as a number.
#[must_use]
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The value as an IPv4 address.
#[must_use]
pub fn addr(value: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from)
}

/// An attribute of this kind, with its padding.
#[must_use]
pub fn attr(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 + align(value.len()));
    bytes.extend((value.len() as u16 + 4).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(align(bytes.len()), 0);
    bytes
}

/// A message whose body consists of `parts`: the fixed part, then attributes.
#[must_use]
pub fn message(kind: u16, flags: u16, sequence: u32, parts: &[&[u8]]) -> Vec<u8> {
    let length = HEADER + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend((length as u32).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0u32.to_ne_bytes());
    parts.iter().for_each(|part| bytes.extend(*part));
    bytes
}

/// A request: a fixed part and attributes of four bytes each.
#[must_use]
pub fn request(
    kind: u16,
    flags: u16,
    sequence: u32,
    head: &[u8],
    attributes: &[(u16, u32)],
) -> Vec<u8> {
    let padding = [0; 4];
    let mut rest = Vec::with_capacity(8 * attributes.len());
    for (kind, value) in attributes {
        rest.extend(attr(*kind, &value.to_ne_bytes()));
    }
    let gap = align(head.len()) - head.len();
    message(kind, flags, sequence, &[head, &padding[..gap], &rest])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(kind: u16, flags: u16, parts: &[&[u8]]) -> Vec<u8> {
        message(kind, flags, 7, parts)
    }

    #[test]
    fn messages_and_attributes_are_told_apart() {
        let first = sample(24, 3, &[&[1, 2, 3, 4], &attr(1, &[9]), &attr(0x8002, &[5, 6, 7, 8])]);
        let both = [first.clone(), sample(25, 0, &[])].concat();
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
    fn requests_have_the_kernels_alignment() {
        let bytes = request(26, 1, 7, &[9; 6], &[(15, 254)]);
        let found: Vec<_> = messages(&bytes).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, found[0].flags, found[0].sequence), (26, 1, 7));
        let (head, rest) = found[0].split(8).unwrap();
        assert_eq!(head, [9, 9, 9, 9, 9, 9, 0, 0]);
        assert_eq!(attribute(rest, 15).and_then(|value| u32_at(value, 0)), Some(254));
    }

    #[test]
    fn nonsense_ends_the_reading() {
        let whole = sample(24, 0, &[&[0; 4], &attr(1, &[1, 2, 3, 4])]);
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
