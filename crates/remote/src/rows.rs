//! The encoding of MFEs. A dump has a million of them, so their fields have fixed places, and are not
//! copied one by one from and to the message.

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

impl Wire for MfeRow {
    const LEAST: usize = MFE_HEAD + MFE_TAIL;

    #[inline]
    fn put(&self, to: &mut Vec<u8>) {
        let mut head = Fields([0; MFE_HEAD], 0);
        head.put(self.flow.group().octets());
        head.put(self.flow.source().octets());
        head.put(self.upstream.octets());
        head.put(self.iif.index.to_le_bytes());
        head.put(self.iif.next_hop.octets());
        head.put(self.iif_protocol.to_le_bytes());
        head.put([u8::from(self.route.origin != RouteOrigin::None)]);
        head.put(self.route.network.octets());
        head.put([self.route.prefix_len]);
        head.put(self.route.protocol.to_le_bytes());
        head.put(self.up_ms.to_le_bytes());
        head.put(self.timeout.to_le_bytes());
        head.put(u32::try_from(self.oifs.len()).unwrap_or(u32::MAX).to_le_bytes());
        to.extend_from_slice(&head.0);
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

/// Decodes an MFE into a row, whose list of oifs is reused.
///
/// # Errors
/// `Malformed`; the row is then of no use.
#[inline]
pub fn read_mfe(row: &mut MfeRow, from: &mut Reader<'_>) -> Decoded<()> {
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
    let count = head.u32() as usize;
    if count > from.left() / OifRow::LEAST {
        return Err(Malformed);
    }
    row.oifs.clear();
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
