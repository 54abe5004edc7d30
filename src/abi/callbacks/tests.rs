//! Tests which arguments a function pointer gets, and what the library reads from them after it.

use super::*;
use crate::engine::QuestionId;
use crate::types::{Ipv4Addr, RouteOrigin};
use std::cell::RefCell;

const S: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const G: Ipv4Addr = Ipv4Addr::new(239, 1, 1, 1);
const Q: QuestionId = QuestionId(1);
const NONE: ROUTING_PROTOCOL_CONFIG = ROUTING_PROTOCOL_CONFIG {
    dwCallbackFlags: 0,
    pfnRpfCallback: None,
    pfnCreationAlertCallback: None,
    pfnPruneAlertCallback: None,
    pfnJoinAlertCallback: None,
    pfnWrongIfCallback: None,
    pfnLocalJoinCallback: None,
    pfnLocalLeaveCallback: None,
    pfnDisableIgmpCallback: None,
    pfnEnableIgmpCallback: None,
};

thread_local! {
    /// The arguments of the last callback.
    static HEARD: RefCell<Vec<DWORD>> = const { RefCell::new(Vec::new()) };
}

fn heard() -> Vec<DWORD> {
    HEARD.with(|heard| heard.take())
}

fn hear(words: &[DWORD]) -> DWORD {
    HEARD.with(|heard| heard.replace(words.to_vec()));
    42 // ignored
}

fn rpf() -> Notice {
    let via = Ipv4Addr::new(192, 0, 2, 1);
    Notice::Rpf {
        question: Q,
        flow: Flow::new(S, G),
        iif: Interface { index: 7, next_hop: via },
        upstream: via,
        header: [0x45, 1, 2][..].into(),
        route: Route {
            origin: RouteOrigin::Via(via),
            if_index: 7,
            paths: None,
            network: Ipv4Addr::new(10, 0, 0, 0),
            prefix_len: 8,
            protocol: 3,
        },
        arrival: Interface { index: 9, next_hop: via },
    }
}

fn creation() -> Notice {
    let oif = |index| CreationOif { interface: Interface::link(index), igmp: true, enabled: true };
    Notice::Creation {
        question: Q,
        flow: Flow::new(S, G),
        iif: Interface::link(7),
        oifs: [oif(1), oif(2)].into(),
    }
}

/// Returns the notice with the answer of the client.
fn answer(client: &ClientCallbacks, mut notice: Notice) -> Notice {
    client.call(&mut notice);
    notice
}

#[test]
fn t5_2_rpf() {
    unsafe extern "C-unwind" fn pfn(
        s: DWORD,
        sm: DWORD,
        g: DWORD,
        gm: DWORD,
        index: PDWORD,
        hop: PDWORD,
        nbr: PDWORD,
        size: DWORD,
        header: PBYTE,
        route: PBYTE,
    ) -> DWORD {
        // SAFETY: what mgm.h promises of these pointers.
        unsafe {
            let bytes = std::slice::from_raw_parts_mut(header, 60);
            assert_eq!((&bytes[..4], bytes[59]), (&[0x45, 1, 2, 0][..], 0));
            bytes.fill(0xff);
            let dest = &mut *route.cast::<RTM_DEST_INFO>();
            assert_eq!((dest.DestAddress.AddressFamily, dest.DestAddress.NumBits), (2, 8));
            assert_eq!(dest.DestAddress.AddrBits[..5], [10, 0, 0, 0, 0]);
            assert_eq!((dest.NumberOfViews, dest.BelongsToViews), (1, RTM_VIEW_MASK_MCAST));
            assert_eq!(dest.ViewInfo[0].ViewId, RTM_VIEW_ID_MCAST);
            assert!(dest.DestHandle.is_null() && dest.ViewInfo[0].Route.is_null());
            dest.DestAddress.NumBits = 99;
            let result = hear(&[s, sm, g, gm, *index, *hop, *nbr, size]);
            (*index, *hop, *nbr) = (8, 0, dword(S));
            result
        }
    }
    let client =
        ClientCallbacks::new(ROUTING_PROTOCOL_CONFIG { pfnRpfCallback: Some(pfn), ..NONE });
    let answer = answer(&client, rpf());
    let via = dword(Ipv4Addr::new(192, 0, 2, 1));
    assert_eq!(heard(), [dword(S), DWORD::MAX, dword(G), DWORD::MAX, 7, via, via, 3]);
    let Notice::Rpf { iif, upstream, .. } = answer else { panic!("another answer") };
    assert_eq!((iif, upstream), (Interface::link(8), S));
}

#[test]
fn t5_3_creation() {
    unsafe extern "C-unwind" fn pfn(
        _: DWORD,
        _: DWORD,
        _: DWORD,
        _: DWORD,
        index: DWORD,
        hop: DWORD,
        count: DWORD,
        list: PMGM_IF_ENTRY,
    ) -> DWORD {
        // SAFETY: what mgm.h promises of the list.
        let list = unsafe { std::slice::from_raw_parts_mut(list, count as usize) };
        assert!(list.iter().all(|entry| entry.bIGMP == 1 && entry.bIsEnabled == 1));
        list[0].bIsEnabled = -1;
        list[1].bIsEnabled = 0;
        list[1].dwIfIndex = 77; // ignored
        hear(&[index, hop, count])
    }
    let config = ROUTING_PROTOCOL_CONFIG { pfnCreationAlertCallback: Some(pfn), ..NONE };
    let Notice::Creation { oifs, .. } = answer(&ClientCallbacks::new(config), creation()) else {
        panic!("another answer");
    };
    assert_eq!(heard(), [7, 0, 2]);
    let seen: Vec<_> = oifs.iter().map(|oif| (oif.interface.index, oif.enabled)).collect();
    assert_eq!(seen, [(1, true), (2, false)]);
}

#[test]
fn t5_5_prune_leaves_a_time_out() {
    unsafe extern "C-unwind" fn pfn(
        s: DWORD,
        sm: DWORD,
        g: DWORD,
        gm: DWORD,
        index: DWORD,
        hop: DWORD,
        delete: BOOL,
        timeout: PDWORD,
    ) -> DWORD {
        // SAFETY: mgm.h promises a DWORD.
        unsafe {
            let result = hear(&[s, sm, g, gm, index, hop, delete as DWORD, *timeout]);
            *timeout = 33;
            result
        }
    }
    let config = ROUTING_PROTOCOL_CONFIG { pfnPruneAlertCallback: Some(pfn), ..NONE };
    let client = ClientCallbacks::new(config);
    let flow = Flow::new(S, G);
    let mfe = Notice::PruneMfe { question: Q, flow, iif: Interface::link(7), timeout: 900 };
    let Notice::PruneMfe { timeout, .. } = answer(&client, mfe) else { panic!("another answer") };
    assert_eq!(timeout, 33);
    assert_eq!(heard(), [dword(S), DWORD::MAX, dword(G), DWORD::MAX, 7, 0, 0, 900]);
    let member = Notice::Prune { flow: Flow::any_source(G), interface: Interface::link(3) };
    assert_eq!(answer(&client, member.clone()), member);
    assert_eq!(heard(), [0, 0, dword(G), DWORD::MAX, 3, 0, 1, 0]);
}

#[expect(clippy::too_many_lines, reason = "a C function for each callback of mgm.h")]
#[test]
fn alerts_to_the_right_function() {
    unsafe extern "C-unwind" fn join(s: DWORD, sm: DWORD, g: DWORD, gm: DWORD, b: BOOL) -> DWORD {
        hear(&[1, s, sm, g, gm, b as DWORD])
    }
    unsafe extern "C-unwind" fn wrong(
        s: DWORD,
        g: DWORD,
        index: DWORD,
        hop: DWORD,
        size: DWORD,
        header: PBYTE,
    ) -> DWORD {
        // SAFETY: mgm.h promises the bytes.
        hear(&[2, s, g, index, hop, size, unsafe { *header }.into()])
    }
    macro_rules! local {
        ($name:ident, $mark:literal) => {
            unsafe extern "C-unwind" fn $name(
                s: DWORD,
                _: DWORD,
                g: DWORD,
                _: DWORD,
                index: DWORD,
                hop: DWORD,
            ) -> DWORD {
                hear(&[$mark, s, g, index, hop])
            }
        };
    }
    local!(local_join, 3);
    local!(local_leave, 4);
    unsafe extern "C-unwind" fn disable(index: DWORD, hop: DWORD) -> DWORD {
        hear(&[5, index, hop])
    }
    unsafe extern "C-unwind" fn enable(index: DWORD, hop: DWORD) -> DWORD {
        hear(&[6, index, hop])
    }
    let client = ClientCallbacks::new(ROUTING_PROTOCOL_CONFIG {
        pfnJoinAlertCallback: Some(join),
        pfnWrongIfCallback: Some(wrong),
        pfnLocalJoinCallback: Some(local_join),
        pfnLocalLeaveCallback: Some(local_leave),
        pfnDisableIgmpCallback: Some(disable),
        pfnEnableIgmpCallback: Some(enable),
        ..NONE
    });
    let interface = Interface { index: 4, next_hop: S };
    let (s, g) = (dword(S), dword(G));
    let flow = Flow::new(S, G);
    let call = |notice: Notice| {
        assert_eq!(answer(&client, notice.clone()), notice);
        heard()
    };
    assert_eq!(call(Notice::Join { flow: Flow::WILDCARD, member: true }), [1, 0, 0, 0, 0, 1]);
    assert_eq!(call(Notice::Join { flow, member: false }), [1, s, DWORD::MAX, g, DWORD::MAX, 0]);
    let header = [0x45][..].into();
    assert_eq!(
        call(Notice::WrongIf { flow, arrival: interface, header }),
        [2, s, g, 4, s, 1, 0x45]
    );
    assert_eq!(call(Notice::LocalJoin { flow, interface }), [3, s, g, 4, s]);
    assert_eq!(call(Notice::LocalLeave { flow, interface }), [4, s, g, 4, s]);
    assert_eq!(call(Notice::DisableIgmp { question: Q, interface }), [5, 4, s]);
    assert_eq!(call(Notice::EnableIgmp { interface, since: 0 }), [6, 4, s]);
}

#[test]
fn t1_3_a_null_callback_is_skipped() {
    let client = ClientCallbacks::new(NONE);
    for notice in [rpf(), creation()] {
        assert!(!client.has(notice.kind()));
        assert_eq!(answer(&client, notice.clone()), notice);
    }
}
