//! What a forwarder counts.

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
