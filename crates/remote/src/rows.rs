//! The encoding of MFEs. A listing may have a million of them, so their fields have fixed places,
//! and are not copied one by one from and to the message.

pub mod changes;

use crate::wire::{Decoded, Malformed, Reader, Wire};
use mgm_engine::{MfeRow, OifRow};
use mgm_types::{Flow, Interface, Ipv4Addr, Route, RouteOrigin};

impl Wire for OifRow {
    const LEAST: usize = 40;

    #[inline]
    fn put(&self, to: &mut Vec<u8>) {
        let OifRow { interface, packets, ttl_too_low, too_large, discards } = *self;
        let mut fields = Fields([0; OifRow::LEAST], 0);
        fields.put(interface.index.to_le_bytes());
        fields.put(interface.next_hop.octets());
        for counter in [packets, ttl_too_low, too_large, discards] {
            fields.put(counter.to_le_bytes());
        }
        to.extend_from_slice(&fields.0);
    }

    #[inline]
    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        let mut fields = Fields(from.array::<{ OifRow::LEAST }>()?, 0);
        Ok(OifRow {
            interface: fields.interface(),
            packets: fields.u64(),
            ttl_too_low: fields.u64(),
            too_large: fields.u64(),
            discards: fields.u64(),
        })
    }
}

/// Fields one after the other, and where the next one is.
struct Fields<const N: usize>([u8; N], usize);

impl<const N: usize> Fields<N> {
    #[inline(always)]
    fn put<const M: usize>(&mut self, bytes: [u8; M]) {
        self.0[self.1..self.1 + M].copy_from_slice(&bytes);
        self.1 += M;
    }

    #[inline(always)]
    fn take<const M: usize>(&mut self) -> [u8; M] {
        let mut bytes = [0; M];
        bytes.copy_from_slice(&self.0[self.1..self.1 + M]);
        self.1 += M;
        bytes
    }

    #[inline(always)]
    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    #[inline(always)]
    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    #[inline(always)]
    fn addr(&mut self) -> Ipv4Addr {
        Ipv4Addr::from(self.take::<4>())
    }

    #[inline(always)]
    fn interface(&mut self) -> Interface {
        Interface { index: self.u32(), next_hop: self.addr() }
    }
}

/// The bytes of an MFE before its oifs, with their number, and after them.
const MFE_HEAD: usize = 50;
const MFE_TAIL: usize = 40;

/// What comes before the oifs of an MFE.
#[inline(always)]
fn head_of(row: &MfeRow) -> [u8; MFE_HEAD] {
    let mut head = Fields([0; MFE_HEAD], 0);
    head.put(row.flow.group().octets());
    head.put(row.flow.source().octets());
    head.put(row.upstream.octets());
    head.put(row.iif.index.to_le_bytes());
    head.put(row.iif.next_hop.octets());
    head.put(row.iif_protocol.to_le_bytes());
    head.put([u8::from(row.route.origin != RouteOrigin::None)]);
    head.put(row.route.network.octets());
    head.put([row.route.prefix_len]);
    head.put(row.route.protocol.to_le_bytes());
    head.put(row.up_ms.to_le_bytes());
    head.put(row.timeout.to_le_bytes());
    head.put(u32::try_from(row.oifs.len()).unwrap_or(u32::MAX).to_le_bytes());
    head.0
}

impl Wire for MfeRow {
    const LEAST: usize = MFE_HEAD + MFE_TAIL;

    #[inline]
    fn put(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&head_of(self));
        self.oifs.iter().for_each(|oif| oif.put(to));
        let mut tail = Fields([0; MFE_TAIL], 0);
        for counter in [self.packets, self.octets, self.wrong_if, self.negative, self.sent] {
            tail.put(counter.to_le_bytes());
        }
        to.extend_from_slice(&tail.0);
    }

    #[inline]
    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        let mut row = MfeRow::default();
        read_mfe(&mut row, from)?;
        Ok(row)
    }
}

fn without_counters(interface: Interface) -> OifRow {
    OifRow { interface, packets: 0, ttl_too_low: 0, too_large: 0, discards: 0 }
}

/// The bytes of an oif without its counters.
const OIF_NAME: usize = 8;

/// Appends an MFE without its counters, which a listing without statistics does not need. Since minor
/// version 2 of the protocol, [`changes`] does this.
#[inline]
pub fn put_brief(row: &MfeRow, to: &mut Vec<u8>) {
    to.extend_from_slice(&head_of(row));
    for oif in &row.oifs {
        let mut name = Fields([0; OIF_NAME], 0);
        name.put(oif.interface.index.to_le_bytes());
        name.put(oif.interface.next_hop.octets());
        to.extend_from_slice(&name.0);
    }
}

/// Decodes an MFE without its counters, as [`read_mfe`].
///
/// # Errors
/// `Malformed`; the row is then of no use.
#[inline]
pub fn read_brief(row: &mut MfeRow, from: &mut Reader<'_>) -> Decoded<()> {
    let count = read_head(row, from)?;
    if count > from.left() / OIF_NAME {
        return Err(Malformed);
    }
    for _ in 0..count {
        let mut name = Fields(from.array::<OIF_NAME>()?, 0);
        row.oifs.push(without_counters(name.interface()));
    }
    Ok(())
}

/// Decodes an MFE into a row, whose list of oifs is reused.
///
/// # Errors
/// `Malformed`; the row is then of no use.
#[inline]
pub fn read_mfe(row: &mut MfeRow, from: &mut Reader<'_>) -> Decoded<()> {
    let count = read_head(row, from)?;
    if count > from.left() / OifRow::LEAST {
        return Err(Malformed);
    }
    for _ in 0..count {
        row.oifs.push(OifRow::get(from)?);
    }
    let mut tail = Fields(from.array::<MFE_TAIL>()?, 0);
    row.packets = tail.u64();
    row.octets = tail.u64();
    row.wrong_if = tail.u64();
    row.negative = tail.u64();
    row.sent = tail.u64();
    Ok(())
}

/// Decodes what comes before the oifs, and returns their number. The list of oifs is empty then.
#[inline(always)]
fn read_head(row: &mut MfeRow, from: &mut Reader<'_>) -> Decoded<usize> {
    let mut head = Fields(from.array::<MFE_HEAD>()?, 0);
    let group = head.addr();
    row.flow = Flow::new(head.addr(), group);
    row.upstream = head.addr();
    row.iif = head.interface();
    row.iif_protocol = head.u32();
    let origin = match head.take::<1>()[0] {
        0 => RouteOrigin::None,
        1 => RouteOrigin::Connected,
        _ => return Err(Malformed),
    };
    let network = head.addr();
    let [prefix_len] = head.take::<1>();
    if prefix_len > 32 {
        return Err(Malformed);
    }
    row.route =
        Route { origin, if_index: 0, paths: None, network, prefix_len, protocol: head.u32() };
    row.up_ms = head.u64();
    row.timeout = head.u32();
    row.oifs.clear();
    Ok(head.u32() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(oifs: u32) -> MfeRow {
        let oif = |index| OifRow {
            packets: 7,
            ..without_counters(Interface { index, next_hop: Ipv4Addr::new(10, 0, 0, 9) })
        };
        MfeRow {
            flow: Flow::new([10, 0, 0, 5].into(), [239, 1, 1, oifs as u8].into()),
            iif: Interface::link(3),
            up_ms: 5,
            timeout: 900,
            oifs: (1..=oifs).map(oif).collect(),
            ..MfeRow::default()
        }
    }

    #[test]
    fn t9_2_an_mfe_without_counters_comes_back_without_them() {
        let mut bytes = Vec::new();
        (0..3).for_each(|oifs| put_brief(&row(oifs), &mut bytes));
        let (mut reader, mut found) = (Reader::new(&bytes), row(9));
        for oifs in 0..3 {
            read_brief(&mut found, &mut reader).unwrap();
            let mut expected = row(oifs);
            expected.oifs.iter_mut().for_each(|oif| oif.packets = 0);
            assert_eq!(
                (found.flow, found.iif, &found.oifs),
                (expected.flow, expected.iif, &expected.oifs)
            );
            assert_eq!((found.up_ms, found.timeout), (5, 900));
        }
        assert!(reader.is_empty());
        // Cut anywhere, it is refused.
        for length in 0..bytes.len() {
            let mut cut = Reader::new(&bytes[..length]);
            assert!((0..3).any(|_| read_brief(&mut found, &mut cut).is_err()), "{length}");
        }
    }
}
