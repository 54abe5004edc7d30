//! Next hop objects (Linux 5.3 and later), which routes refer to by number. No I/O here.

use super::wire::{addr, attributes, u32_at, Message};
use crate::types::{Ipv4Addr, NextHop, RouteOrigin};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) const RTM_NEWNEXTHOP: u16 = 104;
pub(super) const RTM_GETNEXTHOP: u16 = 106;

/// The length of `struct nhmsg`.
pub(super) const HEAD: usize = 8;

/// From <linux/nexthop.h>.
pub(super) const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_BLACKHOLE: u16 = 4;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;

/// RTNH_F_DEAD and RTNH_F_LINKDOWN.
const DEAD: u32 = 1 | 16;

/// A next hop object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// A group: the numbers of other objects, of equal cost.
    Group(Vec<u32>),
    Hop(NextHop),
    /// Packets are dropped: a blackhole, or a dead link.
    Nowhere,
}

/// Reads an RTM_NEWNEXTHOP; `None` if it is not one.
pub(super) fn read(message: &Message<'_>) -> Option<Object> {
    let (head, rest) = message.split(HEAD).filter(|_| message.kind == RTM_NEWNEXTHOP)?;
    let is_dead = u32_at(head, 4)? & DEAD != 0;
    let (mut if_index, mut origin, mut is_blackhole) = (0, RouteOrigin::Connected, false);
    for (kind, value) in attributes(rest) {
        match kind {
            // `struct nexthop_grp` has eight bytes; the number comes first.
            NHA_GROUP => {
                return Some(Object::Group(
                    value.chunks_exact(8).filter_map(|member| u32_at(member, 0)).collect(),
                ));
            }
            NHA_BLACKHOLE => is_blackhole = true,
            NHA_OIF => if_index = u32_at(value, 0)?,
            // A gateway with an IPv6 address has none here.
            NHA_GATEWAY => {
                origin = RouteOrigin::Via(addr(value).unwrap_or(Ipv4Addr::UNSPECIFIED));
            }
            _ => {}
        }
    }
    Some(if is_dead || is_blackhole || if_index == 0 {
        Object::Nowhere
    } else {
        Object::Hop(NextHop { origin, if_index })
    })
}

/// The next hops of objects, until one is announced to have changed.
#[derive(Debug, Default)]
pub(super) struct Cache {
    known: HashMap<u32, Arc<[NextHop]>, RandomState>,
    /// Counts how often it was cleared, so that an earlier answer is not entered afterwards.
    clearings: u64,
}

/// More objects than this are not in use anywhere, and senders cannot create any.
const MOST: usize = 65_536;

impl Cache {
    pub fn clear(&mut self) {
        self.known.clear();
        self.clearings += 1;
    }

    pub fn get(&self, id: u32) -> Option<Arc<[NextHop]>> {
        self.known.get(&id).cloned()
    }

    /// The value to pass to [`Cache::enter`].
    pub fn clearings(&self) -> u64 {
        self.clearings
    }

    /// Enters the next hops of an object, unless something has changed since the request.
    pub fn enter(&mut self, id: u32, hops: Arc<[NextHop]>, clearings: u64) {
        if clearings == self.clearings && self.known.len() < MOST {
            self.known.insert(id, hops);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{attr, message};
    use super::super::wire::messages;
    use super::*;

    fn object(flags: u32, attributes: &[Vec<u8>]) -> Option<Object> {
        let mut head = [0u8; HEAD];
        head[4..].copy_from_slice(&flags.to_ne_bytes());
        let mut parts: Vec<&[u8]> = vec![&head];
        parts.extend(attributes.iter().map(Vec::as_slice));
        let bytes = message(RTM_NEWNEXTHOP, 0, &parts);
        let found = messages(&bytes).next().and_then(|message| read(&message));
        found
    }

    fn number(kind: u16, value: u32) -> Vec<u8> {
        attr(kind, &value.to_ne_bytes())
    }

    #[test]
    fn t5_1_next_hop_objects_are_read() {
        let (oif, gateway) = (number(NHA_OIF, 4), attr(NHA_GATEWAY, &[192, 0, 2, 1]));
        let hop = |origin| Some(Object::Hop(NextHop { origin, if_index: 4 }));
        assert_eq!(object(0, &[number(NHA_ID, 7), oif.clone()]), hop(RouteOrigin::Connected));
        let via = RouteOrigin::Via([192, 0, 2, 1].into());
        assert_eq!(object(4, &[oif.clone(), gateway]), hop(via));
        let inet6 = attr(NHA_GATEWAY, &[0; 16]);
        assert_eq!(object(0, &[oif.clone(), inet6]), hop(RouteOrigin::Via([0; 4].into())));
        assert_eq!(object(0, &[attr(NHA_BLACKHOLE, &[])]), Some(Object::Nowhere));
        assert_eq!(object(16, std::slice::from_ref(&oif)), Some(Object::Nowhere), "no carrier");
        assert_eq!(object(1, &[oif]), Some(Object::Nowhere), "dead");
        let members: Vec<u8> = [1u32, 0, 2, 0].into_iter().flat_map(u32::to_ne_bytes).collect();
        assert_eq!(object(0, &[attr(NHA_GROUP, &members)]), Some(Object::Group(vec![1, 2])));
        let short = message(RTM_NEWNEXTHOP, 0, &[&[0; 3]]);
        assert_eq!(messages(&short).next().and_then(|message| read(&message)), None);
    }

    #[test]
    fn what_was_asked_before_a_change_is_not_remembered() {
        let mut cache = Cache::default();
        let before = cache.clearings();
        cache.enter(1, Arc::default(), before);
        assert!(cache.get(1).is_some());
        cache.clear();
        cache.enter(1, Arc::default(), before);
        assert!(cache.get(1).is_none());
    }
}
