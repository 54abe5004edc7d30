//! Calls the function pointers of a client for its notices.

use super::args::{addr, dword, mask_of};
use super::arrival;
use super::invoke::call_out;
use super::types::*;
use crate::engine::{CreationOif, Notice, NoticeKind};
use crate::manager::Callbacks;
use crate::types::{Flow, Interface, Route, RouteOrigin};
use smallvec::SmallVec;
use std::ptr::null_mut;

/// The ROUTING_PROTOCOL_CONFIG of a client, copied at the registration (spec 1.1).
pub struct ClientCallbacks {
    config: ROUTING_PROTOCOL_CONFIG,
}

impl ClientCallbacks {
    /// Wraps a configuration.
    pub fn new(config: ROUTING_PROTOCOL_CONFIG) -> Self {
        ClientCallbacks { config }
    }

    /// Makes the call if the client has the callback, and copies the values of the
    /// out-parameters into the notice.
    #[expect(clippy::too_many_lines, reason = "an arm for each callback of mgm.h")]
    fn make(&self, notice: &mut Notice) -> Option<()> {
        let config = &self.config;
        match notice {
            Notice::Rpf { flow, iif, upstream, header, route, arrival, .. } => {
                let pfn = config.pfnRpfCallback?;
                let (s, sm, g, gm) = words(*flow);
                let (mut index, mut hop) = pair(*iif);
                let mut nbr = dword(*upstream);
                let mut dest = dest_info(route);
                let dest = (&raw mut dest).cast();
                let mut call = |size, hdr| {
                    // SAFETY: the client registered it as such a function, and the pointers
                    // point to values that outlive the call.
                    unsafe { pfn(s, sm, g, gm, &mut index, &mut hop, &mut nbr, size, hdr, dest) };
                };
                let call_out = |size, hdr| call_out("pfnRpfCallback", || call(size, hdr));
                arrival::within(*arrival, || with_header(header, call_out));
                *iif = Interface { index, next_hop: addr(hop) };
                *upstream = addr(nbr);
            }
            Notice::Creation { flow, iif, oifs, .. } => {
                let pfn = config.pfnCreationAlertCallback?;
                let (s, sm, g, gm) = words(*flow);
                let (index, hop) = pair(*iif);
                let mut list: SmallVec<[MGM_IF_ENTRY; 4]> = oifs.iter().map(if_entry).collect();
                let (count, first) = (list.len() as DWORD, list.as_mut_ptr());
                call_out("pfnCreationAlertCallback", || {
                    // SAFETY: as above; `count` entries are at `first`.
                    unsafe { pfn(s, sm, g, gm, index, hop, count, first) }
                });
                for (oif, entry) in std::iter::zip(oifs, &list) {
                    oif.enabled = entry.bIsEnabled != 0;
                }
            }
            Notice::Prune { flow, interface, .. } => {
                self.prune(*flow, *interface, true, &mut 0)?;
            }
            Notice::PruneMfe { flow, iif, timeout, .. } => {
                self.prune(*flow, *iif, false, timeout)?;
            }
            Notice::Join { flow, member } => {
                let pfn = config.pfnJoinAlertCallback?;
                let (s, sm, g, gm) = words(*flow);
                call_out("pfnJoinAlertCallback", || {
                    // SAFETY: the client registered it as such a function.
                    unsafe { pfn(s, sm, g, gm, BOOL::from(*member)) }
                });
            }
            Notice::WrongIf { flow, arrival, header } => {
                let pfn = config.pfnWrongIfCallback?;
                let (s, _, g, _) = words(*flow);
                let (index, hop) = pair(*arrival);
                with_header(header, |size, hdr| {
                    call_out("pfnWrongIfCallback", || {
                        // SAFETY: as above; `size` bytes are there.
                        unsafe { pfn(s, g, index, hop, size, hdr) }
                    });
                });
            }
            Notice::LocalJoin { flow, interface } => {
                let pfn = config.pfnLocalJoinCallback?;
                let (s, sm, g, gm) = words(*flow);
                let (index, hop) = pair(*interface);
                call_out("pfnLocalJoinCallback", || {
                    // SAFETY: the client registered it as such a function.
                    unsafe { pfn(s, sm, g, gm, index, hop) }
                });
            }
            Notice::LocalLeave { flow, interface } => {
                let pfn = config.pfnLocalLeaveCallback?;
                let (s, sm, g, gm) = words(*flow);
                let (index, hop) = pair(*interface);
                call_out("pfnLocalLeaveCallback", || {
                    // SAFETY: the client registered it as such a function.
                    unsafe { pfn(s, sm, g, gm, index, hop) }
                });
            }
            Notice::DisableIgmp { interface, .. } => {
                let pfn = config.pfnDisableIgmpCallback?;
                let (index, hop) = pair(*interface);
                call_out("pfnDisableIgmpCallback", || {
                    // SAFETY: the client registered it as such a function.
                    unsafe { pfn(index, hop) }
                });
            }
            Notice::EnableIgmp { interface, .. } => {
                let pfn = config.pfnEnableIgmpCallback?;
                let (index, hop) = pair(*interface);
                call_out("pfnEnableIgmpCallback", || {
                    // SAFETY: the client registered it as such a function.
                    unsafe { pfn(index, hop) }
                });
            }
        }
        Some(())
    }

    /// Calls PRUNE_ALERT and reads the lifetime that the client has written.
    fn prune(&self, flow: Flow, at: Interface, delete: bool, timeout: &mut DWORD) -> Option<()> {
        let pfn = self.config.pfnPruneAlertCallback?;
        let (s, sm, g, gm) = words(flow);
        let (index, hop) = pair(at);
        call_out("pfnPruneAlertCallback", || {
            // SAFETY: the client registered it as such a function, and the
            // pointer points to a value that outlives the call.
            unsafe { pfn(s, sm, g, gm, index, hop, BOOL::from(delete), timeout) }
        });
        Some(())
    }
}

impl Callbacks for ClientCallbacks {
    fn has(&self, kind: NoticeKind) -> bool {
        let config = &self.config;
        match kind {
            NoticeKind::Rpf => config.pfnRpfCallback.is_some(),
            NoticeKind::Creation => config.pfnCreationAlertCallback.is_some(),
            NoticeKind::Prune => config.pfnPruneAlertCallback.is_some(),
            NoticeKind::Join => config.pfnJoinAlertCallback.is_some(),
            NoticeKind::WrongIf => config.pfnWrongIfCallback.is_some(),
            NoticeKind::LocalJoin => config.pfnLocalJoinCallback.is_some(),
            NoticeKind::LocalLeave => config.pfnLocalLeaveCallback.is_some(),
            NoticeKind::DisableIgmp => config.pfnDisableIgmpCallback.is_some(),
            NoticeKind::EnableIgmp => config.pfnEnableIgmpCallback.is_some(),
        }
    }

    fn call(&self, notice: &mut Notice) {
        // A missing callback changes nothing (spec 1.3).
        self.make(notice).unwrap_or_default();
    }
}

/// Returns source, source mask, group and group mask.
fn words(flow: Flow) -> (DWORD, DWORD, DWORD, DWORD) {
    let (s, g) = (flow.source(), flow.group());
    (dword(s), mask_of(s), dword(g), mask_of(g))
}

fn pair(interface: Interface) -> (DWORD, DWORD) {
    (interface.index, dword(interface.next_hop))
}

fn if_entry(oif: &CreationOif) -> MGM_IF_ENTRY {
    let (index, next_hop) = pair(oif.interface);
    MGM_IF_ENTRY {
        dwIfIndex: index,
        dwIfNextHopAddr: next_hop,
        bIGMP: BOOL::from(oif.igmp),
        bIsEnabled: BOOL::from(oif.enabled),
    }
}

/// The length of the longest IP header.
const LONGEST_HEADER: usize = 60;

/// Calls `call` with the size of a header and with a copy that the client may change. The copy
/// is filled with zeros up to the length of the longest IP header, because a client may ignore
/// the size.
#[inline]
fn with_header(header: &[u8], call: impl FnOnce(DWORD, PBYTE)) {
    let size = header.len() as DWORD;
    let mut copy = [0; LONGEST_HEADER];
    match copy.get_mut(..header.len()) {
        Some(start) => {
            start.copy_from_slice(header);
            call(size, copy.as_mut_ptr());
        }
        None => call(size, header.to_vec().as_mut_ptr()),
    }
}

/// Returns the route of a look-up in the form of the routing table manager. Without a route
/// it is 0.0.0.0/0 with no routes.
fn dest_info(route: &Route) -> RTM_DEST_INFO {
    const AF_INET: USHORT = 2;
    let mut bits = [0; RTM_MAX_ADDRESS_SIZE];
    bits[..4].copy_from_slice(&route.network.octets());
    RTM_DEST_INFO {
        DestHandle: null_mut(),
        DestAddress: RTM_NET_ADDRESS {
            AddressFamily: AF_INET,
            NumBits: USHORT::from(route.prefix_len),
            AddrBits: bits,
        },
        LastChanged: FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 },
        BelongsToViews: RTM_VIEW_MASK_MCAST,
        NumberOfViews: 1,
        ViewInfo: [_RTM_DEST_VIEW_INFO {
            ViewId: RTM_VIEW_ID_MCAST,
            NumRoutes: UINT::from(route.origin != RouteOrigin::None),
            Route: null_mut(),
            Owner: null_mut(),
            DestFlags: 0,
            HoldRoute: null_mut(),
        }],
    }
}

#[cfg(test)]
mod tests;
