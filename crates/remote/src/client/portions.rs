//! Splits acknowledgements so that no message is longer than the router accepts.

use crate::frame::LONGEST_TO_ROUTER;
use crate::messages::{Ack, Said};

/// The bytes of a message around its acknowledgements; no message has more.
const FRAME: usize = 64;

/// The bytes of an acknowledgement without the answer to CREATION_ALERT; none has more.
const PLAIN: usize = 40;

/// Splits them, in their order.
pub(super) fn portions(mut acks: Vec<Ack>) -> impl Iterator<Item = Vec<Ack>> {
    std::iter::from_fn(move || {
        let mut bytes = FRAME;
        let fits = |ack: &&Ack| {
            bytes += room(ack);
            bytes <= LONGEST_TO_ROUTER
        };
        let count = acks.iter().take_while(fits).count().max(1).min(acks.len());
        let rest = acks.split_off(count);
        let portion = std::mem::replace(&mut acks, rest);
        (!portion.is_empty()).then_some(portion)
    })
}

fn room(ack: &Ack) -> usize {
    let enabled = match &ack.said {
        Said::Creation { enabled } => enabled.len(),
        Said::Nothing {} | Said::Rpf { .. } | Said::Prune { .. } => 0,
    };
    PLAIN + enabled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{encode, Acks, Call, Request};
    use mgm_types::{Interface, Ipv4Addr};

    #[test]
    fn t9_11_no_message_with_acknowledgements_is_longer_than_the_router_accepts() {
        for oifs in [0, 43, 1002, 1003, 30_000] {
            let said = |number| match number % 4 {
                0 => Said::Nothing {},
                1 => Said::Rpf { iif: Interface::link(1), upstream: Ipv4Addr::new(10, 0, 0, 1) },
                2 => Said::Prune { timeout: 900 },
                _ => Said::Creation { enabled: vec![true; oifs] },
            };
            let ack = |number| Ack { client: u64::MAX, number, said: said(number) };
            for count in [0, 1, 64, 200] {
                let acks: Vec<Ack> = (0..count).map(ack).collect();
                let mut joined = Vec::new();
                for list in portions(acks.clone()) {
                    let settle = Request::Settle { acks: list.clone() };
                    let call = encode(&Call { cause: u64::MAX, inside: 1, request: settle });
                    assert!(call.len() <= LONGEST_TO_ROUTER, "{} bytes", call.len());
                    let acks = encode(&Acks { list: list.clone() });
                    assert!(acks.len() <= LONGEST_TO_ROUTER, "{} bytes", acks.len());
                    joined.extend(list);
                }
                assert_eq!(joined, acks, "all of them, in their order");
            }
        }
    }
}
