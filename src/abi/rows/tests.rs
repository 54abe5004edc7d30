//! Tests the rows as a C program reads them.

use super::*;
use crate::manager::{MfeRow, OifRow};
use crate::types::{Flow, Interface, Ipv4Addr, Route, RouteOrigin};

/// Returns an MFE with this number of oifs.
pub fn row(oifs: u32) -> MfeRow {
    let gateway = Ipv4Addr::new(192, 0, 2, 1);
    MfeRow {
        flow: Flow::new(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(239, 1, 1, 1)),
        upstream: gateway,
        iif: Interface::link(7),
        iif_protocol: 13,
        route: Route {
            origin: RouteOrigin::Via(gateway),
            if_index: 7,
            paths: None,
            network: Ipv4Addr::new(10, 0, 0, 0),
            prefix_len: 8,
            protocol: 3,
        },
        up_ms: 61_999,
        timeout: 900,
        oifs: (1..=oifs)
            .map(|index| OifRow {
                too_large: 11,
                discards: 12,
                interface: Interface { index, next_hop: Ipv4Addr::new(192, 0, 2, 9) },
                packets: 1 << 33 | u64::from(index),
                ttl_too_low: 5,
            })
            .collect(),
        packets: 1 << 32 | 3,
        octets: 1 << 32 | 300,
        wrong_if: 1 << 32 | 2,
        negative: 1 << 32 | 4,
        sent: 1 << 32 | 6,
    }
}

#[test]
fn t6_2_sizes() {
    for n in [0, 1, 2, 65_535] {
        assert_eq!(Form::Mfe.size(n), 60 + 16 * n);
        assert_eq!(Form::Stats.size(n), 64 + 28 * n);
        assert_eq!(Form::StatsEx.size(n), 84 + 28 * n);
    }
}

#[test]
fn t6_8_an_mfe() {
    let m = mfe(&row(2));
    assert_eq!(m.dwGroup.to_ne_bytes(), [239, 1, 1, 1]);
    assert_eq!(m.dwSource.to_ne_bytes(), [10, 0, 0, 1]);
    assert_eq!(m.dwSrcMask, DWORD::MAX);
    assert_eq!(m.dwUpStrmNgbr.to_ne_bytes(), [192, 0, 2, 1]);
    assert_eq!((m.dwInIfIndex, m.dwInIfProtocol, m.dwRouteProtocol), (7, 13, 3));
    assert_eq!(m.dwRouteNetwork.to_ne_bytes(), [10, 0, 0, 0]);
    assert_eq!(m.dwRouteMask.to_ne_bytes(), [255, 0, 0, 0]);
    assert_eq!((m.ulNumOutIf, m.fFlags, m.dwReserved), (2, 0, 0));
}

#[test]
fn t6_7_times_of_an_mfe_are_in_seconds() {
    let m = mfe(&row(0));
    assert_eq!((m.ulUpTime, m.ulExpiryTime, m.ulTimeOut), (61, 839, 900));
    let late = mfe(&MfeRow { up_ms: 905_000, ..row(0) });
    assert_eq!((late.ulUpTime, late.ulExpiryTime), (900, 0));
    let ever = mfe(&MfeRow { up_ms: u64::MAX, timeout: DWORD::MAX, ..row(0) });
    assert_eq!((ever.ulUpTime, ever.ulExpiryTime, ever.ulTimeOut), (DWORD::MAX, 0, DWORD::MAX));
}

#[test]
fn t6_7_times_of_statistics_are_in_hundredths() {
    let s = stats(&row(0));
    assert_eq!((s.ulUpTime, s.ulExpiryTime), (6_199, 83_801));
    let end = stats(&MfeRow { up_ms: 900_000, ..row(0) });
    assert_eq!(end.ulExpiryTime, 1, "0 would be never");
    let ever = stats(&MfeRow { up_ms: u64::MAX, timeout: DWORD::MAX, ..row(0) });
    assert_eq!((ever.ulUpTime, ever.ulExpiryTime), (DWORD::MAX, 0));
}

#[test]
fn t6_7_counters_wrap() {
    let s = stats_ex(&row(2));
    assert_eq!((s.ulInPkts, s.ulInOctets, s.ulPktsDifferentIf), (3, 300, 2));
    assert_eq!((s.ulTotalOutPackets, s.ulNegativeMfe), (6, 4));
    let oif = oif_stats(row(1).oifs.first());
    assert_eq!((oif.dwOutIfIndex, oif.ulOutPackets, oif.ulTtlTooLow), (1, 1, 5));
    assert_eq!((oif.ulFragNeeded, oif.ulOutDiscards), (11, 12));
    assert_eq!(oif.dwNextHopAddr.to_ne_bytes(), [192, 0, 2, 9]);
}

#[test]
fn both_statistics_agree() {
    let (plain, ex) = (stats(&row(2)), stats_ex(&row(2)));
    let head = offset_of!(MIB_IPMCAST_MFE_STATS, rgmiosOutStats);
    assert_eq!(head, offset_of!(MIB_IPMCAST_MFE_STATS_EX, ulUninitMfe));
    // SAFETY: `head` bytes are in both, and none is padding.
    let bytes = |at: *const u8| unsafe { std::slice::from_raw_parts(at, head) };
    assert_eq!(bytes((&raw const plain).cast()), bytes((&raw const ex).cast()));
}
