//! Converts MFEs to the MIB structures (spec 6.2, 6.7, 6.8).

use super::args::{dword, mask_of};
use super::buffer::Buffer;
use super::types::*;
use crate::manager::{MfeRow, OifRow};
use crate::types::Interface;
use std::mem::offset_of;

/// One of the three structures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// MIB_IPMCAST_MFE
    Mfe,
    /// MIB_IPMCAST_MFE_STATS
    Stats,
    /// MIB_IPMCAST_MFE_STATS_EX
    StatsEx,
}

impl Form {
    /// Returns whether the structure has counters of the forwarder.
    pub fn has_counters(self) -> bool {
        self != Form::Mfe
    }

    /// Returns the bytes before the first oif, and the bytes of each oif.
    pub const fn sizes(self) -> (usize, usize) {
        match self {
            Form::Mfe => (offset_of!(MIB_IPMCAST_MFE, rgmioOutInfo), size_of::<MIB_IPMCAST_OIF>()),
            Form::Stats => (
                offset_of!(MIB_IPMCAST_MFE_STATS, rgmiosOutStats),
                size_of::<MIB_IPMCAST_OIF_STATS>(),
            ),
            Form::StatsEx => (
                offset_of!(MIB_IPMCAST_MFE_STATS_EX, rgmiosOutStats),
                size_of::<MIB_IPMCAST_OIF_STATS>(),
            ),
        }
    }

    /// SIZEOF_MIB_MFE(n), SIZEOF_MIB_MFE_STATS(n) or SIZEOF_MIB_MFE_STATS_EX(n).
    pub fn size(self, oifs: usize) -> usize {
        let (head, each) = self.sizes();
        head + each * oifs
    }

    /// Appends the row to the buffer, which has room for it.
    #[inline(always)] // a walk does this a million times
    pub fn write(self, row: &MfeRow, buffer: &mut Buffer) {
        match self {
            Form::Mfe => self.put(row, mfe, oif_info, buffer),
            Form::Stats => self.put(row, stats, oif_stats, buffer),
            Form::StatsEx => self.put(row, stats_ex, oif_stats, buffer),
        }
    }

    /// A structure ends with an array of one oif. Further oifs follow the structure. Without
    /// oifs, only the part before the array is written.
    #[inline(always)]
    fn put<T: Copy, O: Copy>(
        self,
        row: &MfeRow,
        all: impl Fn(&MfeRow) -> T,
        oif: impl Fn(Option<&OifRow>) -> O,
        buffer: &mut Buffer,
    ) {
        if row.oifs.is_empty() {
            buffer.put(&all(row), self.sizes().0);
        } else {
            buffer.put_all(all(row));
            row.oifs.iter().skip(1).for_each(|other| buffer.put_all(oif(Some(other))));
        }
    }
}

fn mfe(row: &MfeRow) -> MIB_IPMCAST_MFE {
    let up = saturating(row.up_ms / 1000).min(row.timeout);
    let never_ends = row.timeout == DWORD::MAX;
    MIB_IPMCAST_MFE {
        dwGroup: dword(row.flow.group()),
        dwSource: dword(row.flow.source()),
        dwSrcMask: mask_of(row.flow.source()),
        dwUpStrmNgbr: dword(row.upstream),
        dwInIfIndex: row.iif.index,
        dwInIfProtocol: row.iif_protocol,
        dwRouteProtocol: row.route.protocol,
        dwRouteNetwork: dword(row.route.network),
        dwRouteMask: dword(row.route.mask()),
        ulUpTime: up,
        ulExpiryTime: if never_ends { 0 } else { row.timeout - up },
        ulTimeOut: row.timeout,
        ulNumOutIf: count(row),
        fFlags: 0,
        dwReserved: 0,
        rgmioOutInfo: [oif_info(row.oifs.first())],
    }
}

fn stats(row: &MfeRow) -> MIB_IPMCAST_MFE_STATS {
    MIB_IPMCAST_MFE_STATS {
        dwGroup: dword(row.flow.group()),
        dwSource: dword(row.flow.source()),
        dwSrcMask: mask_of(row.flow.source()),
        dwUpStrmNgbr: dword(row.upstream),
        dwInIfIndex: row.iif.index,
        dwInIfProtocol: row.iif_protocol,
        dwRouteProtocol: row.route.protocol,
        dwRouteNetwork: dword(row.route.network),
        dwRouteMask: dword(row.route.mask()),
        ulUpTime: saturating(row.up_ms / 10),
        // At least one hundredth of a second is left, because 0 means "never".
        ulExpiryTime: row.expiry_ms().map_or(0, |ms| saturating(ms.div_ceil(10)).max(1)),
        ulNumOutIf: count(row),
        ulInPkts: wrapping(row.packets),
        ulInOctets: wrapping(row.octets),
        ulPktsDifferentIf: wrapping(row.wrong_if),
        ulQueueOverflow: 0,
        rgmiosOutStats: [oif_stats(row.oifs.first())],
    }
}

fn stats_ex(row: &MfeRow) -> MIB_IPMCAST_MFE_STATS_EX {
    let plain = stats(row);
    MIB_IPMCAST_MFE_STATS_EX {
        dwGroup: plain.dwGroup,
        dwSource: plain.dwSource,
        dwSrcMask: plain.dwSrcMask,
        dwUpStrmNgbr: plain.dwUpStrmNgbr,
        dwInIfIndex: plain.dwInIfIndex,
        dwInIfProtocol: plain.dwInIfProtocol,
        dwRouteProtocol: plain.dwRouteProtocol,
        dwRouteNetwork: plain.dwRouteNetwork,
        dwRouteMask: plain.dwRouteMask,
        ulUpTime: plain.ulUpTime,
        ulExpiryTime: plain.ulExpiryTime,
        ulNumOutIf: plain.ulNumOutIf,
        ulInPkts: plain.ulInPkts,
        ulInOctets: plain.ulInOctets,
        ulPktsDifferentIf: plain.ulPktsDifferentIf,
        ulQueueOverflow: 0,
        ulUninitMfe: 0,
        ulNegativeMfe: wrapping(row.negative),
        ulInDiscards: 0,
        ulInHdrErrors: 0,
        ulTotalOutPackets: wrapping(row.sent),
        rgmiosOutStats: plain.rgmiosOutStats,
    }
}

fn oif_info(oif: Option<&OifRow>) -> MIB_IPMCAST_OIF {
    let interface = oif.map_or(Interface::NONE, |oif| oif.interface);
    MIB_IPMCAST_OIF {
        dwOutIfIndex: interface.index,
        dwNextHopAddr: dword(interface.next_hop),
        dwReserved: 0,
        dwReserved1: 0,
    }
}

fn oif_stats(oif: Option<&OifRow>) -> MIB_IPMCAST_OIF_STATS {
    let interface = oif.map_or(Interface::NONE, |oif| oif.interface);
    MIB_IPMCAST_OIF_STATS {
        dwOutIfIndex: interface.index,
        dwNextHopAddr: dword(interface.next_hop),
        dwDialContext: 0,
        ulTtlTooLow: oif.map_or(0, |oif| wrapping(oif.ttl_too_low)),
        ulFragNeeded: oif.map_or(0, |oif| wrapping(oif.too_large)),
        ulOutPackets: oif.map_or(0, |oif| wrapping(oif.packets)),
        ulOutDiscards: oif.map_or(0, |oif| wrapping(oif.discards)),
    }
}

fn count(row: &MfeRow) -> DWORD {
    saturating(row.oifs.len() as u64)
}

/// Converts a time. A time that does not fit becomes the greatest DWORD.
fn saturating(value: u64) -> DWORD {
    DWORD::try_from(value).unwrap_or(DWORD::MAX)
}

/// Converts a counter, which wraps at 32 bits.
fn wrapping(value: u64) -> DWORD {
    value as DWORD
}

#[cfg(test)]
pub(super) mod tests;
