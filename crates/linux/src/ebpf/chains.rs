//! The chains of packet filters that forwarded packets bypass: those of nftables, among them those
//! that the program iptables makes today, and those of the kernel's older iptables (`legacy`).

use super::legacy::{self, FORWARD, PREROUTING};
use crate::fork::Guarded;
use mgm_net::netlink::{wire, Dumper};
use std::ffi::CStr;
use std::io;

/// From <linux/netfilter/nfnetlink.h> and <linux/netfilter/nf_tables.h>: NFT_MSG_* of the subsystem
/// for nftables.
const NEW_CHAIN: u16 = 10 << 8 | 3;
const GET_CHAIN: u16 = 10 << 8 | 4;
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const CHAIN_USE: u16 = 6;
const HOOK_NUMBER: u16 = 1;
/// Of all families.
const ANY_FAMILY: [u8; 4] = [0; 4];
const INET: u8 = 1;
const IPV4: u8 = 2;
const NETDEV: u8 = 5;
/// NF_INET_INGRESS of `inet`; NF_NETDEV_* of `netdev`.
const INET_INGRESS: u32 = 5;
const NETDEV_INGRESS: u32 = 0;
const NETDEV_EGRESS: u32 = 1;

/// The names of the chains that forwarded packets bypass, and that have rules or drop by default, as
/// "family table chain" or "iptables table CHAIN". A packet filter that cannot be read has none.
pub(super) fn bypassed() -> Vec<String> {
    let mut all = of_nftables().unwrap_or_else(|error| {
        // Kernels without nftables.
        log::debug!("the chains of nftables cannot be read: {error}");
        Vec::new()
    });
    all.extend(legacy::bypassed());
    all
}

fn of_nftables() -> io::Result<Vec<String>> {
    let mut dumper: Guarded<Dumper> = Guarded::open(Dumper::open_netfilter)?;
    let mut chains = Vec::new();
    dumper.dump(GET_CHAIN, &ANY_FAMILY, &[], |message| chains.extend(chain(message)))?;
    Ok(chains)
}

/// The name of a chain, if packets that the programs forward would have to pass it.
fn chain(message: &wire::Message<'_>) -> Option<String> {
    if message.kind != NEW_CHAIN {
        return None;
    }
    let (head, attributes) = message.split(4)?;
    let family = match head[0] {
        INET => "inet",
        IPV4 => "ip",
        NETDEV => "netdev",
        _ => return None,
    };
    // Numbers are in network byte order.
    let number = |bytes, kind| Some(u32::from_be(wire::u32_at(wire::attribute(bytes, kind)?, 0)?));
    let text = |kind| {
        let text = CStr::from_bytes_until_nul(wire::attribute(attributes, kind)?).ok()?;
        Some(text.to_string_lossy().into_owned())
    };
    let hook = number(wire::attribute(attributes, CHAIN_HOOK)?, HOOK_NUMBER)?;
    let has_rules = number(attributes, CHAIN_USE).unwrap_or_default() > 0;
    const DROP: u32 = 0;
    let accepts = number(attributes, CHAIN_POLICY) != Some(DROP);
    // The programs run before the chains at ingress. Those at egress do not see the copies that a
    // program of traffic control sends.
    let is_bypassed = match head[0] {
        NETDEV => matches!(hook, NETDEV_INGRESS | NETDEV_EGRESS),
        INET if hook == INET_INGRESS => true,
        _ => matches!(hook, PREROUTING | FORWARD),
    };
    (is_bypassed && (has_rules || !accepts))
        .then(|| Some(format!("{family} {} {}", text(CHAIN_TABLE)?, text(CHAIN_NAME)?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain with this hook, number of rules, and policy.
    fn found(family: u8, hook: u32, rules: u32, policy: u32) -> Option<String> {
        let number = |kind, value: u32| wire::attr(kind, &value.to_be_bytes());
        let attributes = [
            wire::attr(CHAIN_TABLE, b"filter\0"),
            wire::attr(CHAIN_NAME, b"FORWARD\0"),
            wire::attr(CHAIN_HOOK | 0x8000, &number(HOOK_NUMBER, hook)),
            number(CHAIN_POLICY, policy),
            number(CHAIN_USE, rules),
        ]
        .concat();
        let bytes = wire::message(NEW_CHAIN, 0, 1, &[&[family, 0, 0, 0], &attributes]);
        let message = wire::messages(&bytes).next()?;
        chain(&message)
    }

    #[test]
    fn chains_with_an_effect_on_other_packets_are_named() {
        const DROP: u32 = 0;
        assert_eq!(found(2, 2, 1, 1).as_deref(), Some("ip filter FORWARD"));
        assert_eq!(found(1, 0, 0, DROP).as_deref(), Some("inet filter FORWARD"));
        assert_eq!(found(2, 2, 0, 1), None, "no rule, and accepts");
        assert_eq!(found(2, 1, 5, DROP), None, "input");
        assert_eq!(found(10, 2, 5, DROP), None, "IPv6");
        for (family, hook) in
            [(INET, INET_INGRESS), (NETDEV, NETDEV_INGRESS), (NETDEV, NETDEV_EGRESS)]
        {
            assert!(found(family, hook, 1, 1).is_some(), "{family} {hook}");
            assert_eq!(found(family, hook, 0, 1), None, "{family} {hook} without rules");
        }
        assert_eq!(found(NETDEV, NETDEV_EGRESS, 1, 1).as_deref(), Some("netdev filter FORWARD"));
        assert_eq!(found(IPV4, INET_INGRESS, 1, 1), None, "no hook of IPv4");
    }
}
