//! What a forwarder counts.

use crate::Interface;

/// What a forwarder has counted for its entry of one MFE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets accepted on the incoming interface.
    pub packets: u64,
    /// Octets; with the kernel forwarder they include packets on a wrong interface.
    pub octets: u64,
    /// Packets that arrived on another interface.
    pub wrong_if: u64,
}

/// What a forwarder has counted for an oif.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OifCounters {
    /// The oif.
    pub interface: Interface,
    /// Packets sent.
    pub packets: u64,
    /// Packets whose TTL was not above the threshold.
    pub ttl_too_low: u64,
    /// Packets larger than the interface's MTU.
    pub too_large: u64,
    /// Packets that the system refused to send.
    pub discards: u64,
}

/// What a forwarder has counted for its entry beyond [`Counters`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OifsCounters {
    /// Each oif of the entry.
    pub oifs: Vec<OifCounters>,
    /// Packets sent on oifs that have left.
    pub sent_by_former: u64,
    /// Packets accepted while there was no oif.
    pub negative: u64,
}

impl Counters {
    /// The sum of both.
    #[must_use]
    pub fn plus(self, more: Counters) -> Counters {
        Counters {
            packets: self.packets.saturating_add(more.packets),
            octets: self.octets.saturating_add(more.octets),
            wrong_if: self.wrong_if.saturating_add(more.wrong_if),
        }
    }
}
