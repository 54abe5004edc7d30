//! The functions of mgmhost.h, which the host calls.
//!
//! As in [`exports`](super::exports), each body is one call of
//! `entry`, and the comments here are those of the header.
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::too_many_arguments,
    clippy::doc_markdown
)]

use super::args::{
    addr, dword, group, header, interface, neighbour, prefix_len, read, required, route_flags,
    source, write, HostRoute,
};
use super::arrival;
use super::backend;
use super::buffer::fill_oifs;
use super::entry::entry;
use super::host_config::{log_sink, read_config, router_of, write_version};
use super::types::*;
use crate::manager::{HostSettings, Manager, PacketIn};
use crate::types::{Flow, Refusal};
use std::ffi::c_void;

/// Returns the version of the library.
///
/// # Parameters
/// - `pVersion` (in, out): In: dwSize is sizeof(MGMHOST_VERSION). Out: dwSize is
///   the number of bytes written, never more than that; the other fields hold the
///   version.
///
/// # Returns
/// - `NO_ERROR`: the version is written.
/// - `ERROR_INVALID_PARAMETER`: the pointer is NULL, or dwSize is less than 4.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks. It does not
/// start the library.
#[no_mangle]
pub unsafe extern "C" fn MgmHostVersion(pVersion: PMGMHOST_VERSION) -> DWORD {
    entry("MgmHostVersion", || {
        required("pVersion", pVersion)?;
        // SAFETY: not null, and the caller says that dwSize bytes are there.
        unsafe { write_version(pVersion)? };
        Ok(NO_ERROR)
    })
}

/// Starts the library with settings of the host.
///
/// A host that needs no settings of its own need not call this function. The
/// first registration starts the library, as do the first interface, route or
/// packet from the host. Each of these also starts it again after MgmHostStop.
///
/// # Parameters
/// - `pConfig` (in): the settings, which the library copies. NULL selects the
///   environment variables and the defaults. dwSize is the size of the structure
///   that the caller knows: fields beyond it get their defaults. If the structure
///   is larger than the one this library knows, the additional bytes must be 0.
///
/// # Returns
/// - `NO_ERROR`: the library is started.
/// - `ERROR_INVALID_PARAMETER`: dwSize is not the size of any version of the
///   structure; a value is unknown; an additional byte of a larger structure is
///   not 0; or a setting is left to an environment variable that has an invalid
///   value; or pszRouter is empty or too long, or is set together with a forwarder.
/// - `ERROR_ALREADY_EXISTS`: the library is already running. Its settings and its
///   log stay as they are.
/// - `ERROR_CAN_NOT_COMPLETE`: MGMHOST_START_OPEN_FORWARDER is set, and the
///   forwarder cannot be opened; no router listens at the path that pszRouter or
///   MGM_ROUTER names; or the caller is a forked child of the router.
///
/// # Threads
/// Any thread. The lock rule applies.
#[no_mangle]
pub unsafe extern "C" fn MgmHostStart(pConfig: *const MGMHOST_CONFIG) -> DWORD {
    entry("MgmHostStart", || {
        let (settings, log, router) = if pConfig.is_null() {
            (HostSettings::default(), None, None)
        } else {
            // SAFETY: not null, and the caller says that dwSize bytes are there.
            let config = unsafe { read_config(pConfig)? };
            // SAFETY: the caller says that a text is there, if anything.
            let router = unsafe { router_of(&config)? };
            let log = log_sink(config.pfnLogCallback, config.pvLogContext);
            (config.settings()?, log, router)
        };
        backend::refuse_client()?;
        // A host that chooses a forwarder is a router itself (spec 9.1).
        if settings.forwarder.is_none() && backend::start_as_client(router)? {
            Manager::global().set_log_level(settings.log_level);
            Manager::global().set_log_sink(log);
            return Ok(NO_ERROR);
        }
        Manager::global().start_by_host(&settings, log)?;
        Ok(NO_ERROR)
    })
}

/// Stops the library.
///
/// The library deletes all clients, interfaces, memberships and MFEs, and its
/// state in the kernel. It runs no callbacks for this. All handles become
/// invalid. The log goes to stderr.
///
/// When the call has returned, no callback runs any more, not even a log
/// callback, so everything that the callbacks use can be freed. Callbacks run
/// again only after the next start of the library or the next
/// MgmHostSetLogCallback. The next registration starts the library again, with
/// the log on stderr.
///
/// Messages that wait for a slow log callback get one second. The library then
/// drops the rest and reports their number on stderr.
///
/// # Returns
/// - `NO_ERROR`: the library is stopped. If it was not running, the log goes to
///   stderr nevertheless.
/// - `ERROR_CAN_NOT_COMPLETE`: the call is made inside a callback; another thread
///   is stopping the library; or the caller is a forked child of the router.
///
/// # Threads
/// Any thread, but not inside a callback: the call waits until all running
/// callbacks have returned. The lock rule applies.
#[no_mangle]
pub unsafe extern "C" fn MgmHostStop() -> DWORD {
    entry("MgmHostStop", || {
        backend::stop()?;
        Ok(NO_ERROR)
    })
}

/// Reports that the system has an interface, or has it again.
///
/// If a client owns the interface, or IGMP is enabled on it, the library serves
/// the interface again.
///
/// # Parameters
/// - `dwIfIndex`: index of the interface, not 0.
/// - `dwIfNextHopAddr`: next hop of the interface, network byte order.
///
/// # Returns
/// - `NO_ERROR`: the interface is recorded. If the forwarder cannot serve it, the
///   log says why.
/// - `ERROR_INVALID_PARAMETER`: dwIfIndex is 0.
/// - `ERROR_CAN_NOT_COMPLETE`: the library is being stopped, or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
#[no_mangle]
pub unsafe extern "C" fn MgmHostAddInterface(dwIfIndex: DWORD, dwIfNextHopAddr: DWORD) -> DWORD {
    entry("MgmHostAddInterface", || {
        backend::here()?.host_add_interface(interface(dwIfIndex, dwIfNextHopAddr)?)?;
        Ok(NO_ERROR)
    })
}

/// Reports that the system has lost an interface.
///
/// The library deletes the memberships on the interface and the MFEs with this
/// incoming interface. It removes the interface from the outgoing interfaces of
/// all other MFEs. It sends the same alerts as for a release. The owner stays the
/// owner: the library serves the interface again after MgmHostAddInterface.
///
/// # Parameters
/// - `dwIfIndex`: index of the interface, not 0.
/// - `dwIfNextHopAddr`: next hop of the interface, network byte order.
///
/// # Returns
/// - `NO_ERROR`: the loss is recorded.
/// - `ERROR_INVALID_PARAMETER`: dwIfIndex is 0.
/// - `ERROR_CAN_NOT_COMPLETE`: the library is being stopped, or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
#[no_mangle]
pub unsafe extern "C" fn MgmHostDeleteInterface(dwIfIndex: DWORD, dwIfNextHopAddr: DWORD) -> DWORD {
    entry("MgmHostDeleteInterface", || {
        backend::here()?.host_delete_interface(interface(dwIfIndex, dwIfNextHopAddr)?)?;
        Ok(NO_ERROR)
    })
}

/// Adds a route to the multicast view, or replaces the route to the same network.
///
/// The library looks up sources in the multicast view. With the kernel and the
/// ebpf forwarder the view also contains the routes of the kernel, so no route of
/// the host is needed. If a route of the host and a route of the kernel cover a source, the
/// longer prefix is used; if both are equally long, the route of the host is
/// used. A route with MGMHOST_ROUTE_PREFERRED has priority over longer prefixes
/// of the kernel, too.
///
/// # Parameters
/// - `dwNetwork`: the network, network byte order.
/// - `dwMask`: mask of the network, network byte order; it must be contiguous.
/// - `dwIfIndex`: index of the interface towards the network, not 0. The library
///   ignores it if MGMHOST_ROUTE_LOCAL is set.
/// - `dwNextHopAddr`: the gateway, network byte order; 0 if the network is
///   directly connected.
/// - `dwProtocol`: where the route comes from, PROTO_IP_*; MFEs return it as
///   dwRouteProtocol. 0 selects PROTO_IP_LOCAL if dwNextHopAddr is 0, otherwise
///   PROTO_IP_NETMGMT.
/// - `dwFlags`: 0, or a combination of MGMHOST_ROUTE_LOCAL and
///   MGMHOST_ROUTE_PREFERRED. MGMHOST_ROUTE_LOCAL means that dwNetwork is an
///   address of this router; dwMask must then be 255.255.255.255 and
///   dwNextHopAddr 0.
///
/// # Returns
/// - `NO_ERROR`: the route is added.
/// - `ERROR_INVALID_PARAMETER`: the network, mask, gateway, interface or a flag
///   is invalid.
/// - `ERROR_NOT_ENOUGH_MEMORY`: the system has no memory left.
/// - `ERROR_CAN_NOT_COMPLETE`: the library is being stopped, or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
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
        let given = HostRoute {
            network: addr(dwNetwork),
            prefix_len: prefix_len(dwNetwork, dwMask)?,
            if_index: dwIfIndex,
            gateway: neighbour(dwNextHopAddr)?,
            protocol: dwProtocol,
        };
        let flags = route_flags(dwFlags)?;
        let route = if flags.is_local { given.local()? } else { given.remote()? };
        let manager = backend::here()?;
        if flags.is_preferred {
            manager.add_preferred_route(route)?;
        } else {
            manager.add_route(route)?;
        }
        Ok(NO_ERROR)
    })
}

/// Deletes a route of the host from the multicast view, whatever its flags are.
///
/// # Parameters
/// - `dwNetwork`: the network, network byte order.
/// - `dwMask`: mask of the network, network byte order.
///
/// # Returns
/// - `NO_ERROR`: the route is deleted.
/// - `ERROR_INVALID_PARAMETER`: the network or mask is invalid.
/// - `ERROR_NOT_FOUND`: the host has added no such route.
/// - `ERROR_CAN_NOT_COMPLETE`: the library is being stopped, or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
#[no_mangle]
pub unsafe extern "C" fn MgmHostDeleteRoute(dwNetwork: DWORD, dwMask: DWORD) -> DWORD {
    entry("MgmHostDeleteRoute", || {
        let prefix_len = prefix_len(dwNetwork, dwMask)?;
        backend::here()?.delete_route(addr(dwNetwork), prefix_len)?;
        Ok(NO_ERROR)
    })
}

/// Passes a packet to the library and returns where it must be forwarded.
///
/// A host with the memory forwarder calls this function for each packet. With the
/// other forwarders it is not needed, because the kernel itself reports packets.
/// The first packet of a flow makes the library ask its clients, and the call
/// waits for their answers.
///
/// # Parameters
/// - `dwSource`, `dwGroup`: source and group of the packet, network byte order.
/// - `dwIfIndex`, `dwIfNextHopAddr`: index and next hop of the interface on which
///   the packet arrived; the next hop in network byte order.
/// - `dwHdrSize`: number of bytes at pbPacketHdr, 0 to 65535.
/// - `pbPacketHdr` (in): IP header of the packet, which the library passes to
///   callbacks. Its ninth byte is the TTL; with fewer bytes, the TTL is 255. May
///   be NULL if dwHdrSize is 0.
/// - `dwPacketSize`: size of the whole packet in octets, for the counters. 0
///   means dwHdrSize; otherwise it must not be less than dwHdrSize.
/// - `pbAccepted` (out): TRUE if the packet arrived on the incoming interface of
///   its MFE, otherwise FALSE.
/// - `pdwOifCount` (in, out): In: number of entries that pOifs has room for. Out:
///   number of interfaces out of which the packet must be forwarded.
/// - `pOifs` (out): the interfaces out of which the packet must be forwarded. May
///   be NULL if *pdwOifCount is 0.
///
/// # Returns
/// - `NO_ERROR`: all out-parameters are written.
/// - `ERROR_INSUFFICIENT_BUFFER`: pOifs has too little room and is not written.
///   *pbAccepted and *pdwOifCount are written, and the packet is counted: do not
///   pass the same packet again.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL; an address is invalid; a
///   size is out of range; or dwIfIndex is 0.
/// - `ERROR_CAN_NOT_COMPLETE`: the call is made inside a callback; the library is
///   being stopped; or the caller is a forked child of the router.
///
/// # Threads
/// Any thread, but not inside a callback: the call may wait for other callbacks.
/// The lock rule applies.
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
        let verdict = backend::here()?.packet_in(PacketIn {
            flow,
            arrival,
            header,
            length: dwPacketSize.max(dwHdrSize),
            ttl: header.get(8).copied().unwrap_or(u8::MAX),
        })?;
        // SAFETY: not null, and the caller says that a BOOL may be written there.
        unsafe { write(pbAccepted, BOOL::from(verdict.accepted)) };
        // SAFETY: neither is null if it is written to, and the caller says that
        // there is room for `capacity` entries.
        unsafe { fill_oifs(&verdict.oifs, pdwOifCount, capacity, pOifs) }
    })
}

/// Returns the arrival interface of the packet that caused the current RPF
/// callback.
///
/// If no packet caused the callback (a renewal, or a change of the route), the
/// call returns the interface on which the packets of the MFE arrive. That is the
/// incoming interface of the MFE or, if its packets have moved to another
/// interface, that other interface.
///
/// # Parameters
/// - `pdwIfIndex` (out): index of the interface.
/// - `pdwIfNextHopAddr` (out): next hop of the interface, network byte order.
///
/// # Returns
/// - `NO_ERROR`: both values are written.
/// - `ERROR_NOT_FOUND`: this thread is not inside an RPF callback.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Only the thread that runs the RPF callback, inside that callback. The call
/// causes no callbacks. It does not start the library.
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

/// Sends the log to a callback of the host, or to stderr.
///
/// # Parameters
/// - `pfnLogCallback`: receives the messages from now on; NULL sends them to
///   stderr.
/// - `pvContext`: the library passes it to the callback.
///
/// # Returns
/// - `NO_ERROR`: the callback is set.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. When the call has returned, the previous
/// callback does not run any more, so what it uses can be freed. Inside a
/// callback the call does not wait, so the previous callback may still be
/// running afterwards; MgmHostStop waits for it. The lock rule applies.
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
