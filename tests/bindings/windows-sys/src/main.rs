//! Drives the sixteen functions of the original's DLL through windows-sys: its
//! prototypes, structures, callback types and constants. Ours are the two host
//! functions that bring a route and a packet. Panics where anything is not as
//! documented.

use std::mem::{offset_of, size_of};
use std::ptr::{null_mut, read_unaligned};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use windows_sys::core::BOOL;
use windows_sys::Win32::Foundation::*;
use windows_sys::Win32::NetworkManagement::IpHelper::*;
use windows_sys::Win32::NetworkManagement::Rras::*;

extern "C" {
    fn MgmHostAddRoute(net: u32, mask: u32, index: u32, hop: u32, proto: u32, flags: u32) -> u32;
    fn MgmHostPacketIn(
        source: u32,
        group: u32,
        index: u32,
        hop: u32,
        header_size: u32,
        header: *const u8,
        size: u32,
        accepted: *mut BOOL,
        count: *mut u32,
        out: *mut [u32; 2],
    ) -> u32;
}

const HOST: u32 = u32::MAX;
const PROTO_IP_IGMP: u32 = 10;
const HEADER: [u8; 20] = [0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

const fn ip(a: u8, b: u8, c: u8, d: u8) -> u32 {
    u32::from_ne_bytes([a, b, c, d])
}
const SOURCE: u32 = ip(10, 0, 0, 5);
const GROUP: u32 = ip(239, 1, 1, 1);

/// How often each callback came.
static HEARD: [AtomicU32; 9] = [const { AtomicU32::new(0) }; 9];
const RPF: usize = 0;
const CREATION: usize = 1;
const PRUNE: usize = 2;
const JOIN: usize = 3;
const WRONG_IF: usize = 4;
const LOCAL_JOIN: usize = 5;
const LOCAL_LEAVE: usize = 6;
const DISABLE: usize = 7;
const ENABLE: usize = 8;

fn heard(which: usize) -> u32 {
    HEARD[which].fetch_add(1, SeqCst);
    NO_ERROR
}

unsafe extern "system" fn rpf(
    s: u32,
    _: u32,
    g: u32,
    _: u32,
    index: *mut u32,
    hop: *mut u32,
    upstream: *mut u32,
    size: u32,
    header: *mut u8,
    route: *mut u8,
) -> u32 {
    assert_eq!((s, g, *index, *hop, *upstream), (SOURCE, GROUP, 1, 0, ip(10, 0, 1, 1)));
    assert_eq!(std::slice::from_raw_parts(header, size as usize), HEADER);
    let route = &*route.cast::<RTM_DEST_INFO>();
    assert_eq!((route.DestAddress.AddressFamily, route.DestAddress.NumBits), (2, 8));
    assert_eq!(route.DestAddress.AddrBits[0], 10);
    assert_eq!((route.NumberOfViews, route.ViewInfo[0].ViewId), (1, RTM_VIEW_ID_MCAST as i32));
    heard(RPF)
}

unsafe extern "system" fn creation(
    s: u32,
    _: u32,
    g: u32,
    _: u32,
    iif: u32,
    _: u32,
    count: u32,
    out: *mut MGM_IF_ENTRY,
) -> u32 {
    let out = std::slice::from_raw_parts(out, count as usize);
    assert_eq!((s, g, iif, count), (SOURCE, GROUP, 1, 1));
    assert_eq!((out[0].dwIfIndex, out[0].bIsEnabled, out[0].bIGMP), (2, TRUE, TRUE));
    heard(CREATION)
}

unsafe extern "system" fn prune(
    _: u32,
    _: u32,
    g: u32,
    _: u32,
    _: u32,
    _: u32,
    _: BOOL,
    timeout: *mut u32,
) -> u32 {
    assert!(g == GROUP && !timeout.is_null());
    heard(PRUNE)
}

unsafe extern "system" fn join(_: u32, _: u32, g: u32, mask: u32, member: BOOL) -> u32 {
    assert_eq!((g, mask, member), (GROUP, HOST, TRUE));
    heard(JOIN)
}

unsafe extern "system" fn wrong_if(
    s: u32,
    g: u32,
    index: u32,
    hop: u32,
    size: u32,
    _: *mut u8,
) -> u32 {
    assert_eq!((s, g, index, hop, size), (SOURCE, GROUP, 2, 0, 20));
    heard(WRONG_IF)
}

unsafe extern "system" fn local_join(_: u32, _: u32, _: u32, _: u32, i: u32, _: u32) -> u32 {
    assert_eq!(i, 2);
    heard(LOCAL_JOIN)
}

unsafe extern "system" fn local_leave(_: u32, _: u32, _: u32, _: u32, i: u32, _: u32) -> u32 {
    assert_eq!(i, 2);
    heard(LOCAL_LEAVE)
}

unsafe extern "system" fn disable(i: u32, _: u32) -> u32 {
    assert_eq!(i, 2);
    heard(DISABLE)
}

unsafe extern "system" fn enable(i: u32, _: u32) -> u32 {
    assert_eq!(i, 2);
    heard(ENABLE)
}

fn register(id: u32) -> HANDLE {
    let mut config = ROUTING_PROTOCOL_CONFIG {
        dwCallbackFlags: 0,
        pfnRpfCallback: Some(rpf),
        pfnCreationAlertCallback: Some(creation),
        pfnPruneAlertCallback: Some(prune),
        pfnJoinAlertCallback: Some(join),
        pfnWrongIfCallback: Some(wrong_if),
        pfnLocalJoinCallback: Some(local_join),
        pfnLocalLeaveCallback: Some(local_leave),
        pfnDisableIgmpCallback: Some(disable),
        pfnEnableIgmpCallback: Some(enable),
    };
    let mut handle: HANDLE = null_mut();
    // SAFETY: both outlive the call.
    unsafe {
        assert_eq!(MgmRegisterMProtocol(&mut config, id, 1, &mut handle), NO_ERROR);
        assert_eq!(MgmRegisterMProtocol(&mut config, id, 1, &mut handle), ERROR_ALREADY_EXISTS);
    }
    handle
}

fn layouts() {
    assert_eq!(size_of::<ROUTING_PROTOCOL_CONFIG>(), 80);
    assert_eq!(offset_of!(ROUTING_PROTOCOL_CONFIG, pfnEnableIgmpCallback), 72);
    assert_eq!(size_of::<MGM_IF_ENTRY>(), 16);
    assert_eq!(size_of::<SOURCE_GROUP_ENTRY>(), 16);
    assert_eq!(size_of::<MIB_IPMCAST_MFE>(), 76);
    assert_eq!(offset_of!(MIB_IPMCAST_MFE, rgmioOutInfo), 60);
    assert_eq!(size_of::<MIB_IPMCAST_MFE_STATS>(), 92);
    assert_eq!(offset_of!(MIB_IPMCAST_MFE_STATS, rgmiosOutStats), 64);
    assert_eq!(size_of::<MIB_IPMCAST_MFE_STATS_EX_XP>(), 112);
    assert_eq!(offset_of!(MIB_IPMCAST_MFE_STATS_EX_XP, rgmiosOutStats), 84);
    assert_eq!(size_of::<RTM_DEST_INFO>(), 88);
}

/// SAFETY: of `buffer` so many bytes are a `T`.
unsafe fn read<T>(buffer: &[u8]) -> T {
    read_unaligned(buffer.as_ptr().cast())
}

/// The MFE by each of the six readers.
unsafe fn tables() {
    let mut start: MIB_IPMCAST_MFE = std::mem::zeroed();
    let (mut buffer, mut count) = ([0u8; 512], 0);
    let mut size = buffer.len() as u32;
    assert_eq!(MgmGetFirstMfe(&mut size, buffer.as_mut_ptr(), &mut count), ERROR_NO_MORE_ITEMS);
    let mfe: MIB_IPMCAST_MFE = read(&buffer);
    assert_eq!((count, mfe.dwSource, mfe.dwGroup, mfe.dwInIfIndex), (1, SOURCE, GROUP, 1));
    assert_eq!((mfe.dwUpStrmNgbr, mfe.ulNumOutIf, mfe.ulTimeOut), (ip(10, 0, 1, 1), 1, 900));
    assert_eq!(mfe.rgmioOutInfo[0].dwOutIfIndex, 2);
    assert_eq!(
        MgmGetNextMfe(&mut start, &mut size, buffer.as_mut_ptr(), &mut count),
        ERROR_NO_MORE_ITEMS
    );
    assert_eq!(count, 1);
    (start.dwSource, start.dwGroup) = (SOURCE, GROUP);
    size = 10;
    assert_eq!(MgmGetMfe(&mut start, &mut size, buffer.as_mut_ptr()), ERROR_INSUFFICIENT_BUFFER);
    assert_eq!(size, 76);
    assert_eq!(MgmGetMfe(&mut start, &mut size, buffer.as_mut_ptr()), NO_ERROR);

    size = buffer.len() as u32;
    let page = buffer.as_mut_ptr();
    assert_eq!(MgmGetMfeStats(&mut start, &mut size, page, MGM_MFE_STATS_0), NO_ERROR);
    let stats: MIB_IPMCAST_MFE_STATS = read(&buffer);
    assert_eq!((stats.ulInPkts, stats.ulInOctets, stats.ulPktsDifferentIf), (2, 200, 1));
    assert_eq!(stats.rgmiosOutStats[0].ulOutPackets, 2);
    let page = buffer.as_mut_ptr();
    assert_eq!(
        MgmGetFirstMfeStats(&mut size, page, &mut count, MGM_MFE_STATS_1),
        ERROR_NO_MORE_ITEMS
    );
    let stats: MIB_IPMCAST_MFE_STATS_EX_XP = read(&buffer);
    assert_eq!((count, stats.ulTotalOutPackets, stats.rgmiosOutStats[0].dwOutIfIndex), (1, 2, 2));
    let page = buffer.as_mut_ptr();
    assert_eq!(
        MgmGetNextMfeStats(&mut start, &mut size, page, &mut count, MGM_MFE_STATS_0),
        ERROR_NO_MORE_ITEMS
    );
    assert_eq!(count, 0);
}

unsafe fn groups(protocol: HANDLE) {
    let (mut walk, mut buffer, mut count) = (null_mut(), [0u8; 64], 0);
    let mut size = buffer.len() as u32;
    assert_eq!(MgmGroupEnumerationStart(protocol, ALL_SOURCES, &mut walk), NO_ERROR);
    assert_eq!(
        MgmGroupEnumerationGetNext(walk, &mut size, buffer.as_mut_ptr(), &mut count),
        ERROR_NO_MORE_ITEMS
    );
    let entry: SOURCE_GROUP_ENTRY = read(&buffer);
    assert_eq!((count, entry.dwSourceAddr, entry.dwGroupAddr), (1, 0, GROUP));
    assert_eq!(entry.dwGroupMask, HOST);
    assert_eq!(MgmGroupEnumerationEnd(walk), NO_ERROR);
    assert_eq!(MgmGroupEnumerationEnd(walk), ERROR_INVALID_PARAMETER);
}

unsafe fn packet(index: u32) -> (BOOL, u32) {
    let (mut accepted, mut count, mut out) = (FALSE, 4, [[0u32; 2]; 4]);
    let header = HEADER.as_ptr();
    let code = MgmHostPacketIn(
        SOURCE,
        GROUP,
        index,
        0,
        20,
        header,
        100,
        &mut accepted,
        &mut count,
        out.as_mut_ptr(),
    );
    assert_eq!(code, NO_ERROR);
    (accepted, count)
}

fn main() {
    layouts();
    let (p, q, igmp) = (register(1), register(11), register(PROTO_IP_IGMP));
    // SAFETY: pointers are to locals that outlive the calls, sizes are theirs.
    unsafe {
        assert_eq!(MgmTakeInterfaceOwnership(p, 1, 0), NO_ERROR);
        assert_eq!(MgmTakeInterfaceOwnership(igmp, 2, 0), NO_ERROR);
        assert_eq!(MgmTakeInterfaceOwnership(q, 2, 0), NO_ERROR);
        let (mut protocol, mut component) = (0, 0);
        assert_eq!(MgmGetProtocolOnInterface(2, 0, &mut protocol, &mut component), NO_ERROR);
        assert_eq!((protocol, component), (11, 1));
        let flag = MGM_JOIN_STATE_FLAG;
        assert_eq!(MgmAddGroupMembershipEntry(igmp, 0, 0, GROUP, HOST, 2, 0, flag), NO_ERROR);
        assert_eq!(MgmHostAddRoute(ip(10, 0, 0, 0), ip(255, 0, 0, 0), 1, ip(10, 0, 1, 1), 0, 0), 0);
        assert_eq!(packet(1), (TRUE, 1));
        assert_eq!(packet(1), (TRUE, 1));
        assert_eq!(packet(2), (FALSE, 0));
        tables();
        groups(p);
        assert_eq!(MgmDeleteGroupMembershipEntry(igmp, 0, 0, GROUP, HOST, 2, 0, flag), NO_ERROR);
        assert_eq!(MgmDeRegisterMProtocol(q), ERROR_CAN_NOT_COMPLETE);
        assert_eq!(MgmReleaseInterfaceOwnership(q, 2, 0), NO_ERROR);
        assert_eq!(MgmReleaseInterfaceOwnership(igmp, 2, 0), NO_ERROR);
        assert_eq!(MgmReleaseInterfaceOwnership(p, 1, 0), NO_ERROR);
        for handle in [p, q, igmp] {
            assert_eq!(MgmDeRegisterMProtocol(handle), NO_ERROR);
            assert_eq!(MgmDeRegisterMProtocol(handle), ERROR_INVALID_PARAMETER);
        }
    }
    for (which, count) in HEARD.iter().enumerate() {
        assert!(count.load(SeqCst) > 0, "callback {which} never came");
    }
    println!("sixteen functions, nine callbacks");
}
