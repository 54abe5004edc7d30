//! The functions of mgmhost.h: what the router itself calls.
//!
//! As in [`exports`](super::exports), each body is one call of
//! `entry`, and the text here is the header's.
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::too_many_arguments,
    clippy::doc_markdown
)]

use super::args::{
    addr, dword, group, header, host_route, interface, neighbour, prefix_len, read, required,
    route_flags, source, write,
};
use super::arrival;
use super::buffer::fill_oifs;
use super::entry::entry;
use super::host_config::{log_sink, read_config, write_version};
use super::types::*;
use crate::manager::{HostSettings, Manager, PacketIn};
use crate::types::{Flow, Refusal};
use std::ffi::c_void;

/// Tells which library this is.
///
/// # Parameters
/// - `pVersion` (in, out): dwSize comes with sizeof(MGMHOST_VERSION) and goes
///   with the number of bytes that were filled in, at most as many.
///
/// # Returns
/// - `NO_ERROR`: told.
/// - `ERROR_INVALID_PARAMETER`: the pointer is NULL, or dwSize is less than 4.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It does not start MGM.
#[no_mangle]
pub unsafe extern "C" fn MgmHostVersion(pVersion: PMGMHOST_VERSION) -> DWORD {
    entry("MgmHostVersion", || {
        required("pVersion", pVersion)?;
        // SAFETY: not null, and the caller says that dwSize bytes are there.
        unsafe { write_version(pVersion)? };
        Ok(NO_ERROR)
    })
}

/// Starts MGM with settings of the host's choice. A host that is content with
/// the defaults and the environment need not call it: the first registration, or
/// the first interface, route or packet of the host's, starts MGM as well, also
/// after a stop.
///
/// # Parameters
/// - `pConfig` (in): the settings; it is copied. NULL for the environment's, or
///   the defaults. dwSize says how much of it the caller knows: what is missing
///   is the default; what this library does not know must be 0.
///
/// # Returns
/// - `NO_ERROR`: started.
/// - `ERROR_INVALID_PARAMETER`: a dwSize that no version has, an unknown value, a
///   setting that this library does not know, or an invalid variable of the
///   environment that pConfig leaves to it.
/// - `ERROR_ALREADY_EXISTS`: MGM runs already. Its settings and its log stay as
///   they are.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostStart(pConfig: *const MGMHOST_CONFIG) -> DWORD {
    entry("MgmHostStart", || {
        let (settings, log) = if pConfig.is_null() {
            (HostSettings::default(), None)
        } else {
            // SAFETY: not null, and the caller says that dwSize bytes are there.
            let config = unsafe { read_config(pConfig)? };
            (config.settings()?, log_sink(config.pfnLogCallback, config.pvLogContext))
        };
        Manager::global().start_by_host(&settings, log)?;
        Ok(NO_ERROR)
    })
}

/// Stops MGM: clients, interfaces, memberships and MFEs are gone, without
/// callbacks, the kernel's state too, and all handles are invalid. The log goes to
/// stderr. When this returns no callback is running, the log's included, and none runs
/// until MGM is started again or MgmHostSetLogCallback is called: what they
/// use can be freed. The next registration starts MGM by itself, with the log on stderr.
///
/// Lines that wait for a slow log callback are given one second; then they are
/// dropped, and stderr reports how many.
///
/// # Returns
/// - `NO_ERROR`: stopped. If MGM was not running, the log goes to stderr all the same.
/// - `ERROR_CAN_NOT_COMPLETE`: inside a callback; another thread is stopping it; or
///   this is a forked child of the router.
///
/// # Threads
/// Any thread, but not inside a callback: it waits for those that are running.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostStop() -> DWORD {
    entry("MgmHostStop", || {
        Manager::global().stop()?;
        Ok(NO_ERROR)
    })
}

/// Says that the system has an interface (again): whoever has it is served again.
///
/// # Parameters
/// - `dwIfIndex`: index of the interface, not 0.
/// - `dwIfNextHopAddr`: its next hop, network byte order; 0 except on
///   point-to-multipoint links.
///
/// # Returns
/// - `NO_ERROR`: noted. Should the forwarder not be able to serve it, the log says
///   why.
/// - `ERROR_INVALID_PARAMETER`: index 0.
/// - `ERROR_CAN_NOT_COMPLETE`: MGM is being stopped, or this is a forked child of the
///   router.
///
/// # Threads
/// Any thread, any time, also inside callbacks.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostAddInterface(dwIfIndex: DWORD, dwIfNextHopAddr: DWORD) -> DWORD {
    entry("MgmHostAddInterface", || {
        Manager::global().host_add_interface(interface(dwIfIndex, dwIfNextHopAddr)?)?;
        Ok(NO_ERROR)
    })
}

/// Says that the system has lost an interface. Memberships there end and MFEs
/// are cleaned of it, with the alerts of a release; who owned it owns it still,
/// and is served again after MgmHostAddInterface.
///
/// # Parameters
/// - `dwIfIndex`: index of the interface, not 0.
/// - `dwIfNextHopAddr`: its next hop, network byte order; 0 except on
///   point-to-multipoint links.
///
/// # Returns
/// - `NO_ERROR`: noted.
/// - `ERROR_INVALID_PARAMETER`: index 0.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. The callbacks that it causes
/// run before it returns, or, if it is called inside a callback, after that one.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostDeleteInterface(dwIfIndex: DWORD, dwIfNextHopAddr: DWORD) -> DWORD {
    entry("MgmHostDeleteInterface", || {
        Manager::global().host_delete_interface(interface(dwIfIndex, dwIfNextHopAddr)?)?;
        Ok(NO_ERROR)
    })
}

/// Adds a route to the multicast view, or replaces the one to the same network:
/// the library looks sources up there. The kernel forwarder brings the kernel's
/// routes, and with it none of these is needed. Where both cover a source the longer
/// prefix wins, and this route if both are equally long; with
/// MGMHOST_ROUTE_PREFERRED this route wins over longer ones of the kernel, too.
///
/// # Parameters
/// - `dwNetwork`: the network, network byte order.
/// - `dwMask`: its mask, network byte order; contiguous.
/// - `dwIfIndex`: index of the interface towards the network, not 0 (but ignored
///   with MGMHOST_ROUTE_LOCAL).
/// - `dwNextHopAddr`: the gateway, network byte order; 0 for a directly connected
///   network.
/// - `dwProtocol`: where the route comes from, PROTO_IP_*; it shows as
///   dwRouteProtocol. 0: PROTO_IP_LOCAL if connected, else PROTO_IP_NETMGMT.
/// - `dwFlags`: 0, or a combination of MGMHOST_ROUTE_LOCAL (dwNetwork is an address
///   of this router itself, dwMask 255.255.255.255, dwNextHopAddr 0) and
///   MGMHOST_ROUTE_PREFERRED.
///
/// # Returns
/// - `NO_ERROR`: added.
/// - `ERROR_INVALID_PARAMETER`: a network, mask, gateway, interface or flag that is
///   none.
/// - `ERROR_NOT_ENOUGH_MEMORY`: no memory left.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. The callbacks that it causes
/// run before it returns, or, if it is called inside a callback, after that one.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostAddRoute(
    dwNetwork: DWORD,
    dwMask: DWORD,
    dwIfIndex: DWORD,
    dwNextHopAddr: DWORD,
    dwProtocol: DWORD,
    dwFlags: DWORD,
) -> DWORD {
    entry("MgmHostAddRoute", || {
        let prefix_len = prefix_len(dwNetwork, dwMask)?;
        let gateway = neighbour(dwNextHopAddr)?;
        let flags = route_flags(dwFlags)?;
        let network = addr(dwNetwork);
        let route =
            host_route(network, prefix_len, dwIfIndex, gateway, dwProtocol, flags.is_local)?;
        let manager = Manager::global();
        if flags.is_preferred {
            manager.add_preferred_route(route)?;
        } else {
            manager.add_route(route)?;
        }
        Ok(NO_ERROR)
    })
}

/// Deletes a route from the multicast view, whatever flags it was added with.
///
/// # Parameters
/// - `dwNetwork`: the network, network byte order.
/// - `dwMask`: its mask, network byte order.
///
/// # Returns
/// - `NO_ERROR`: deleted.
/// - `ERROR_INVALID_PARAMETER`: a network or mask that is none.
/// - `ERROR_NOT_FOUND`: there is no such route.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. The callbacks that it causes
/// run before it returns, or, if it is called inside a callback, after that one.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostDeleteRoute(dwNetwork: DWORD, dwMask: DWORD) -> DWORD {
    entry("MgmHostDeleteRoute", || {
        let prefix_len = prefix_len(dwNetwork, dwMask)?;
        Manager::global().delete_route(addr(dwNetwork), prefix_len)?;
        Ok(NO_ERROR)
    })
}

/// Hands a packet in, and tells what MGM decided: what the kernel does by itself
/// with its forwarder, a host does with the memory forwarder. The first packet of
/// a source and group makes MGM ask its clients; the call waits for their answers.
///
/// # Parameters
/// - `dwSource`, `dwGroup`: the packet's addresses, network byte order.
/// - `dwIfIndex`, `dwIfNextHopAddr`: the interface that it came in on. The next
///   hop in network byte order.
/// - `dwHdrSize`: bytes at pbPacketHdr, 0 to 65535.
/// - `pbPacketHdr` (in): the packet's IP header, which callbacks are shown. Its
///   ninth byte is the TTL; 255 if there are fewer. NULL if dwHdrSize is 0.
/// - `dwPacketSize`: octets in the whole packet, for the counters; 0 stands for
///   dwHdrSize, otherwise it is not less than that.
/// - `pbAccepted` (out): TRUE if the packet came in where it must.
/// - `pdwOifCount` (in, out): entries at pOifs; goes with the number of interfaces
///   that the packet goes out on.
/// - `pOifs` (out): these interfaces. NULL if *pdwOifCount is 0.
///
/// # Returns
/// - `NO_ERROR`: decided.
/// - `ERROR_INSUFFICIENT_BUFFER`: decided, and the packet has been counted, but
///   there is no room for the interfaces: pbAccepted and pdwOifCount are written,
///   pOifs is not. Do not hand the same packet in again.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL, an address is none, a size is
///   out of range, or index 0.
/// - `ERROR_CAN_NOT_COMPLETE`: inside a callback; MGM is being stopped; or this is
///   a forked child of the router.
///
/// # Threads
/// Any thread, but not inside a callback: it may wait for other callbacks.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostPacketIn(
    dwSource: DWORD,
    dwGroup: DWORD,
    dwIfIndex: DWORD,
    dwIfNextHopAddr: DWORD,
    dwHdrSize: DWORD,
    pbPacketHdr: *const BYTE,
    dwPacketSize: DWORD,
    pbAccepted: PBOOL,
    pdwOifCount: PDWORD,
    pOifs: PMGMHOST_OIF,
) -> DWORD {
    entry("MgmHostPacketIn", || {
        required("pbAccepted", pbAccepted)?;
        required("pdwOifCount", pdwOifCount)?;
        // SAFETY: not null, and the caller says that it points to a DWORD.
        let capacity = unsafe { read(pdwOifCount) };
        if capacity > 0 {
            required("pOifs", pOifs)?;
        }
        // SAFETY: the caller says that dwHdrSize bytes are there.
        let header = unsafe { header(pbPacketHdr, dwHdrSize, dwPacketSize)? };
        let flow = Flow::new(source(dwSource)?, group(dwGroup)?);
        let arrival = interface(dwIfIndex, dwIfNextHopAddr)?;
        let verdict = Manager::global().packet_in(PacketIn {
            flow,
            arrival,
            header,
            length: dwPacketSize.max(dwHdrSize),
            ttl: header.get(8).copied().unwrap_or(u8::MAX),
        })?;
        // SAFETY: not null, and the caller says that a BOOL may be written there.
        unsafe { write(pbAccepted, BOOL::from(verdict.accepted)) };
        // SAFETY: neither is null if it is written to, and the caller says that
        // `capacity` entries are there.
        unsafe { fill_oifs(&verdict.oifs, pdwOifCount, capacity, pOifs) }
    })
}

/// Returns the interface where the packet arrived that an RPF callback is about. If no packet
/// caused the callback (a renewal, a changed route), it is the interface where the packets of
/// the MFE arrive: its incoming interface, or the one that they have moved to.
///
/// # Parameters
/// - `pdwIfIndex` (out): its index.
/// - `pdwIfNextHopAddr` (out): its next hop, network byte order; 0 except on
///   point-to-multipoint links.
///
/// # Returns
/// - `NO_ERROR`: both are written.
/// - `ERROR_NOT_FOUND`: this thread is not inside an RPF callback. Nothing is written.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Inside an RPF callback, on the thread that runs it. It does not start MGM.
#[no_mangle]
pub unsafe extern "C" fn MgmHostGetArrival(pdwIfIndex: PDWORD, pdwIfNextHopAddr: PDWORD) -> DWORD {
    entry("MgmHostGetArrival", || {
        required("pdwIfIndex", pdwIfIndex)?;
        required("pdwIfNextHopAddr", pdwIfNextHopAddr)?;
        let arrival = arrival::get().ok_or(Refusal::NoArrival)?;
        // SAFETY: not null, and the caller says that DWORDs may be written there.
        unsafe {
            write(pdwIfIndex, arrival.index);
            write(pdwIfNextHopAddr, dword(arrival.next_hop));
        }
        Ok(NO_ERROR)
    })
}

/// Has the log go to a callback of the host's, from now on.
///
/// # Parameters
/// - `pfnLogCallback`: takes the lines. NULL: they go to stderr again.
/// - `pvContext`: handed to the callback.
///
/// # Returns
/// - `NO_ERROR`: done.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time. When this returns, the old callback is not running and will not
/// run again, so what it uses can be freed. Called inside a callback, this function does
/// not wait; only MgmHostStop does then.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostSetLogCallback(
    pfnLogCallback: MGMHOST_LOG_CALLBACK,
    pvContext: *mut c_void,
) -> DWORD {
    entry("MgmHostSetLogCallback", || {
        Manager::global().set_log_sink(log_sink(pfnLogCallback, pvContext));
        Ok(NO_ERROR)
    })
}
