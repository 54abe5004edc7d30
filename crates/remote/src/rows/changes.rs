//! The encoding of MFEs in a listing without counters: what differs from the MFE before. In most
//! tables this is only the source, or the group, and the age, so the two copies through the socket
//! cost little.

use super::{without_counters, Fields, OIF_NAME};
use crate::wire::{Decoded, Malformed, Reader, Wire};
use mgm_engine::MfeRow;
use mgm_types::{Flow, Interface, Ipv4Addr, Route, RouteOrigin};

// The bits of the first byte: these fields follow the source, in this order.
const GROUP: u8 = 1;
/// The upstream neighbour, the iif, and the protocol id of its owner.
const IIF: u8 = 2;
const ROUTE: u8 = 4;
const AGE: u8 = 8;
const TIMEOUT: u8 = 16;
/// The number of oifs, and each of them.
const OIFS: u8 = 32;
const ALL: u8 = 63;

/// The bytes of an MFE with all fields, without its oifs.
const LONGEST: usize = 1 + 4 + 4 + 16 + 10 + 8 + 4;

/// What an MFE says of its route.
type Origin = (bool, Ipv4Addr, u8, u32);

fn origin_of(route: &Route) -> Origin {
    (route.origin != RouteOrigin::None, route.network, route.prefix_len, route.protocol)
}

/// The MFE before the next one in a message. The first MFE of a message has all fields.
pub struct Former {
    is_set: bool,
    group: Ipv4Addr,
    iif: (Ipv4Addr, Interface, u32),
    route: Origin,
    up_ms: u64,
    timeout: u32,
    oifs: Vec<Interface>,
}

impl Default for Former {
    fn default() -> Former {
        let none = Ipv4Addr::UNSPECIFIED;
        Former {
            is_set: false,
            group: none,
            iif: (none, Interface::NONE, 0),
            route: (false, none, 0, 0),
            up_ms: 0,
            timeout: 0,
            oifs: Vec::new(),
        }
    }
}

/// Replaces a value. Returns the bit if the new one differs, or if all fields are due.
#[inline(always)]
fn changed<T: PartialEq>(former: &mut T, now: T, bit: u8, due: u8) -> u8 {
    let bit = if *former == now { due & bit } else { bit };
    *former = now;
    bit
}

impl Former {
    /// Appends an MFE without its counters, which becomes the former one.
    #[inline]
    pub fn put(&mut self, row: &MfeRow, to: &mut Vec<u8>) {
        let due = if std::mem::replace(&mut self.is_set, true) { 0 } else { ALL };
        let mut fields = Fields([0; LONGEST], 1);
        fields.put(row.flow.source().octets());
        let mut bits = changed(&mut self.group, row.flow.group(), GROUP, due);
        if bits != 0 {
            fields.put(self.group.octets());
        }
        let iif = (row.upstream, row.iif, row.iif_protocol);
        if changed(&mut self.iif, iif, IIF, due) != 0 {
            bits |= IIF;
            fields.put(row.upstream.octets());
            fields.put(row.iif.index.to_le_bytes());
            fields.put(row.iif.next_hop.octets());
            fields.put(row.iif_protocol.to_le_bytes());
        }
        if changed(&mut self.route, origin_of(&row.route), ROUTE, due) != 0 {
            bits |= ROUTE;
            fields.put([u8::from(self.route.0)]);
            fields.put(row.route.network.octets());
            fields.put([row.route.prefix_len]);
            fields.put(row.route.protocol.to_le_bytes());
        }
        if changed(&mut self.up_ms, row.up_ms, AGE, due) != 0 {
            bits |= AGE;
            fields.put(row.up_ms.to_le_bytes());
        }
        if changed(&mut self.timeout, row.timeout, TIMEOUT, due) != 0 {
            bits |= TIMEOUT;
            fields.put(row.timeout.to_le_bytes());
        }
        let same_oifs = row.oifs.len() == self.oifs.len()
            && row.oifs.iter().zip(&self.oifs).all(|(oif, former)| oif.interface == *former);
        let has_oifs = due != 0 || !same_oifs;
        fields.0[0] = bits | if has_oifs { OIFS } else { 0 };
        to.extend_from_slice(&fields.0[..fields.1]);
        if has_oifs {
            self.put_oifs(row, to);
        }
    }

    fn put_oifs(&mut self, row: &MfeRow, to: &mut Vec<u8>) {
        self.oifs.clear();
        self.oifs.extend(row.oifs.iter().map(|oif| oif.interface));
        self.oifs.put(to);
    }
}

/// Decodes an MFE that [`Former::put`] has encoded, into the row of the MFE before.
///
/// # Errors
/// `Malformed`; the row is then of no use.
#[inline]
pub fn read_changes(row: &mut MfeRow, from: &mut Reader<'_>) -> Decoded<()> {
    let [bits] = from.array()?;
    if bits & !ALL != 0 {
        return Err(Malformed);
    }
    let source = Ipv4Addr::get(from)?;
    let group = if bits & GROUP == 0 { row.flow.group() } else { Ipv4Addr::get(from)? };
    row.flow = Flow::new(source, group);
    if bits & IIF != 0 {
        let mut fields = Fields(from.array::<16>()?, 0);
        row.upstream = fields.addr();
        row.iif = fields.interface();
        row.iif_protocol = fields.u32();
    }
    if bits & ROUTE != 0 {
        row.route = Route::get(from)?;
    }
    if bits & AGE != 0 {
        row.up_ms = u64::get(from)?;
    }
    if bits & TIMEOUT != 0 {
        row.timeout = u32::get(from)?;
    }
    if bits & OIFS != 0 {
        read_oifs(row, from)?;
    }
    Ok(())
}

fn read_oifs(row: &mut MfeRow, from: &mut Reader<'_>) -> Decoded<()> {
    let count = u32::get(from)? as usize;
    if count > from.left() / OIF_NAME {
        return Err(Malformed);
    }
    row.oifs.clear();
    for _ in 0..count {
        row.oifs.push(without_counters(Interface::get(from)?));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
