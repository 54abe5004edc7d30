//! The functions of mgmhost.h for client processes, in which the library is a client library, and
//! for batches (spec section 9).
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::doc_markdown
)]

use super::args::{dword, write};
use super::backend;
use super::batch;
use super::entry::{entry, entry_for};
use super::handle::HandleKind;
use super::host_config::{read_clients, LONGEST_PATH};
use super::host_status::as_path;
use super::invoke::call_out;
use super::types::*;
use crate::manager::{LONGEST_ANSWER_MS, LONGEST_GRACE};
use crate::remote::access::{self, Wish};
use crate::remote::client;
use crate::remote::service::Settings;
use crate::types::{Interface, Refusal, Result};
use std::ffi::{c_char, c_void, CStr};
use std::path::PathBuf;
use std::sync::Arc;

/// The greatest valid dwMaxProcesses and dwMaxUserProcesses.
const MOST_PROCESSES: DWORD = 65_536;

/// Serves client processes: routing protocols in other processes, which use this
/// library and have the path of the socket in the environment variable MGM_ROUTER.
///
/// The calls of client processes are made in the library of this process, and
/// their callbacks run in their own processes. If the library is not running, the
/// call starts it, regardless of MGM_ROUTER. If the library serves client processes
/// at another path, it closes that socket first. If it serves them at the same path,
/// the processes that are connected stay. MgmHostStop ends the service, too.
///
/// A client process can do everything that a client in this process can: each
/// process that may open the socket can take interfaces and change memberships,
/// unless MgmHostSetClientFilter restricts it. So choose the mode of the socket's
/// file with care. MgmHostServeClientsEx also sets owner, group and limits.
///
/// # Parameters
/// - `pszPath` (in): path of a UNIX stream socket, at most 107 bytes. The library
///   creates the socket, and replaces one on which no process listens any more.
///   NULL ends the service: all client processes are disconnected, as if they had
///   ended.
/// - `dwMode`: mode of the socket's file, at most 0777 (octal); 0 selects 0660.
///   The file belongs to the user and group of this process.
///
/// # Returns
/// - `NO_ERROR`: client processes can connect; with NULL, the socket is closed and
///   its file is removed.
/// - `ERROR_INVALID_PARAMETER`: the path is empty or longer than 107 bytes; dwMode
///   is greater than 0777; or the call would start the library, and an environment
///   variable has an invalid value.
/// - `ERROR_CAN_NOT_COMPLETE`: the socket cannot be opened (the log says why); the
///   system is not Linux; this process is itself a client process; the call is
///   made inside a callback; the library is being stopped; or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, but not inside a callback. The call causes no callbacks. Those that
/// follow from the end of client processes run on threads of the library.
#[no_mangle]
pub unsafe extern "C" fn MgmHostServeClients(pszPath: *const c_char, dwMode: DWORD) -> DWORD {
    entry("MgmHostServeClients", || {
        // SAFETY: the caller says that a text ended by a zero is there, if anything.
        let path = unsafe { socket_path(pszPath)? };
        backend::serve(path.as_deref(), Settings { mode: mode(dwMode)?, ..Settings::default() })?;
        Ok(NO_ERROR)
    })
}

/// The path of a socket; `None` for NULL.
///
/// # Safety
/// A text ended by a zero is there, if anything.
unsafe fn socket_path(text: *const c_char) -> Result<Option<PathBuf>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let path = as_path(unsafe { CStr::from_ptr(text) });
    if path.as_os_str().is_empty() || path.as_os_str().len() > LONGEST_PATH {
        return Err(Refusal::BadArgument("pszPath is empty or longer than 107 bytes"));
    }
    Ok(Some(path))
}

fn mode(mode: DWORD) -> Result<u32> {
    match mode {
        0 => Ok(Settings::default().mode),
        1..=0o777 => Ok(mode),
        _ => Err(Refusal::BadArgument("dwMode is greater than 0777 (octal)")),
    }
}

/// Serves client processes like MgmHostServeClients, with more settings.
///
/// If the library serves at the same path already, the settings change, and the
/// processes that are connected stay.
///
/// # Parameters
/// - `pszPath` (in): as for MgmHostServeClients.
/// - `pSettings` (in): the settings, which the library copies. NULL selects the
///   defaults. dwSize is the size of the structure that the caller knows: fields
///   beyond it get their defaults. If the structure is larger than the one this
///   library knows, the additional bytes must be 0.
///
/// # Returns
/// - `NO_ERROR`: client processes can connect; with NULL as the path, the socket is
///   closed and its file is removed.
/// - `ERROR_INVALID_PARAMETER`: the path is empty or longer than 107 bytes; dwSize
///   is not the size of any version of the structure; a value is out of range; an
///   additional byte of a larger structure is not 0; or the call would start the
///   library, and an environment variable has an invalid value.
/// - `ERROR_CAN_NOT_COMPLETE`: as for MgmHostServeClients; or this process
///   has no permission to give the file to that user or group.
///
/// # Threads
/// Any thread, but not inside a callback. The call causes no callbacks. Those that
/// follow from the end of client processes run on threads of the library.
#[no_mangle]
pub unsafe extern "C" fn MgmHostServeClientsEx(
    pszPath: *const c_char,
    pSettings: *const MGMHOST_CLIENTS,
) -> DWORD {
    entry("MgmHostServeClientsEx", || {
        // SAFETY: the caller says that a text ended by a zero is there, if anything.
        let path = unsafe { socket_path(pszPath)? };
        let settings = if pSettings.is_null() {
            Settings::default()
        } else {
            // SAFETY: not null, and the caller says that dwSize bytes are there.
            service_settings(&unsafe { read_clients(pSettings)? })?
        };
        backend::serve(path.as_deref(), settings)?;
        Ok(NO_ERROR)
    })
}

fn service_settings(clients: &MGMHOST_CLIENTS) -> Result<Settings> {
    if clients.dwFlags & !(MGMHOST_CLIENTS_OWNER | MGMHOST_CLIENTS_GROUP) != 0 {
        return Err(Refusal::BadFlags(clients.dwFlags));
    }
    if clients.dwMaxProcesses > MOST_PROCESSES {
        return Err(Refusal::BadArgument("MGMHOST_CLIENTS.dwMaxProcesses is greater than 65536"));
    }
    if clients.dwMaxUserProcesses > MOST_PROCESSES {
        let text = "MGMHOST_CLIENTS.dwMaxUserProcesses is greater than 65536";
        return Err(Refusal::BadArgument(text));
    }
    if clients.dwAnswerMs > LONGEST_ANSWER_MS {
        return Err(Refusal::BadArgument("MGMHOST_CLIENTS.dwAnswerMs is greater than 3600000"));
    }
    let has = |flag: DWORD| clients.dwFlags & flag != 0;
    let defaults = Settings::default();
    Ok(Settings {
        owner: has(MGMHOST_CLIENTS_OWNER).then_some(clients.dwOwner),
        group: has(MGMHOST_CLIENTS_GROUP).then_some(clients.dwGroup),
        mode: mode(clients.dwMode)?,
        processes: match clients.dwMaxProcesses {
            0 => defaults.processes,
            most => most as usize,
        },
        user_processes: (clients.dwMaxUserProcesses != 0)
            .then_some(clients.dwMaxUserProcesses as usize),
        answer_ms: (clients.dwAnswerMs != 0).then_some(clients.dwAnswerMs),
    })
}

/// Sets the callback that decides whether a client process may register a client,
/// or take an interface.
///
/// The callback applies from now on: clients that are registered keep what they
/// have. Everything else that a client process can do needs an interface that it
/// has taken, or only reads. Without a callback, client processes may register with
/// all ids and take all interfaces. MgmHostStop does not remove the callback.
///
/// # Parameters
/// - `pfnFilter`: the callback; NULL for none. It replaces the former one, which may
///   still be running on another thread.
/// - `pvContext`: the library passes it to the callback.
///
/// # Returns
/// - `NO_ERROR`: the callback is set.
/// - `ERROR_CAN_NOT_COMPLETE`: this process is itself a client process; or the caller
///   is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks. It does not
/// start the library.
#[no_mangle]
pub unsafe extern "C" fn MgmHostSetClientFilter(
    pfnFilter: MGMHOST_CLIENT_FILTER,
    pvContext: *mut c_void,
) -> DWORD {
    entry("MgmHostSetClientFilter", || {
        backend::refuse_service()?;
        access::set_filter(pfnFilter.map(|pfn| {
            let filter = ClientFilter { pfn, context: pvContext };
            Arc::new(move |wish: &Wish| filter.permits(wish)) as access::Filter
        }));
        Ok(NO_ERROR)
    })
}

/// The filter of a host, with its context.
struct ClientFilter {
    pfn: unsafe extern "C-unwind" fn(*mut c_void, *const MGMHOST_CLIENT_REQUEST) -> BOOL,
    context: *mut c_void,
}

// SAFETY: the library only passes the context to the callback. mgmhost.h documents that a thread
// of the library calls it.
unsafe impl Send for ClientFilter {}
// SAFETY: as above.
unsafe impl Sync for ClientFilter {}

impl ClientFilter {
    fn permits(&self, wish: &Wish) -> bool {
        let interface = wish.interface.unwrap_or(Interface::link(0));
        let request = MGMHOST_CLIENT_REQUEST {
            dwSize: size_of::<MGMHOST_CLIENT_REQUEST>() as DWORD,
            dwProcess: wish.process.pid as DWORD,
            dwUser: wish.process.user,
            dwProtocolId: wish.protocol,
            dwComponentId: wish.component,
            dwIfIndex: interface.index,
            dwIfNextHopAddr: dword(interface.next_hop),
        };
        // SAFETY: the host gave it as such a function, with this context.
        call_out("pfnFilter", || unsafe { (self.pfn)(self.context, &raw const request) }) != 0
    }
}

/// Sets the callback that reports that the router of a client library is lost: it
/// has ended, or the connection to it is broken.
///
/// Calls that are running then return ERROR_CAN_NOT_COMPLETE, and all handles are
/// invalid. The next registration connects again. MgmHostStop and the end of this
/// process are not reported.
///
/// # Parameters
/// - `pfnLost`: the callback; NULL for none. It replaces the former one, which may
///   still be running on another thread.
/// - `pvContext`: the library passes it to the callback.
///
/// # Returns
/// - `NO_ERROR`: the callback is set. In a router it is never called.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks. It does not
/// start the library.
#[no_mangle]
pub unsafe extern "C" fn MgmHostSetRouterLost(
    pfnLost: MGMHOST_ROUTER_LOST,
    pvContext: *mut c_void,
) -> DWORD {
    entry("MgmHostSetRouterLost", || {
        client::set_lost(pfnLost.map(|pfn| {
            let lost = RouterLost { pfn, context: pvContext };
            Box::new(move || lost.call()) as client::LostCallback
        }));
        Ok(NO_ERROR)
    })
}

/// The callback of a program, with its context.
struct RouterLost {
    pfn: unsafe extern "C-unwind" fn(*mut c_void),
    context: *mut c_void,
}

// SAFETY: the library only passes the context to the callback. mgmhost.h documents that a thread
// of the library calls it.
unsafe impl Send for RouterLost {}
// SAFETY: as above.
unsafe impl Sync for RouterLost {}

impl RouterLost {
    fn call(&self) {
        // SAFETY: the program gave it as such a function, with this context.
        call_out("pfnLost", || unsafe { (self.pfn)(self.context) });
    }
}

/// Asks that the state of a client stays for some time when this process ends
/// without deregistering the client, so that a successor can take over.
///
/// The call concerns the clients that this process registers afterwards, in a
/// client library. Without it, the environment variable MGM_GRACE decides.
///
/// When the process ends, its interfaces, memberships and MFEs stay. The MFEs
/// go on forwarding packets, other clients get no callbacks about the end, and
/// each question about these interfaces and MFEs gets the default answer. A
/// process of the same user takes over when it registers a client with the same
/// ids. This client has a new handle, and is not told of existing memberships.
/// It takes each interface with MgmTakeInterfaceOwnership, which does not
/// disable IGMP there. A protocol gets a LOCAL_JOIN callback for each
/// membership of IGMP on the interface. Then the client adds its memberships
/// again, and calls MgmHostGraceDone. No other client can take the interfaces
/// meanwhile: MgmTakeInterfaceOwnership returns ERROR_ALREADY_EXISTS. IGMP can
/// be enabled on an interface beside a protocol that has ended.
///
/// The time begins when the process ends. At the end of the time, the library
/// deletes everything that the successor has not taken or added again. If the
/// successor ends meanwhile, too, that does not lengthen the time.
///
/// # Parameters
/// - `dwSeconds`: the time, at most 300 s. 0: the end of the process deletes
///   everything at once.
///
/// # Returns
/// - `NO_ERROR`: later registrations ask for this time. In a router the call has no
///   effect, because its clients end with it.
/// - `ERROR_INVALID_PARAMETER`: dwSeconds is greater than 300.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks. It does not
/// start the library.
#[no_mangle]
pub unsafe extern "C" fn MgmHostSetGrace(dwSeconds: DWORD) -> DWORD {
    entry("MgmHostSetGrace", || {
        if dwSeconds > LONGEST_GRACE {
            return Err(Refusal::BadArgument("dwSeconds is greater than 300"));
        }
        client::set_grace(dwSeconds);
        Ok(NO_ERROR)
    })
}

/// Says that a client has taken over from the client of an ended process: it has
/// taken the interfaces and added the memberships that it wants.
///
/// The library deletes the rest: the interfaces that the client has not taken
/// again, with their memberships and MFEs, and the memberships that it has not
/// added again. Other clients get the alerts about this. MFEs and overrides on the
/// interfaces that the client has taken again stay. MgmDeRegisterMProtocol includes
/// this call.
///
/// # Parameters
/// - `hProtocol`: the handle of the client.
///
/// # Returns
/// - `NO_ERROR`: the rest is deleted; or there is none, because the client has
///   taken over from no other client, or the time of MgmHostSetGrace has ended.
/// - `ERROR_INVALID_PARAMETER`: hProtocol is not the handle of a registered client.
/// - `ERROR_CAN_NOT_COMPLETE`: the connection to the router has ended, or the
///   caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. Threads of the library run the callbacks that
/// the call causes. The lock rule applies.
#[no_mangle]
pub unsafe extern "C" fn MgmHostGraceDone(hProtocol: HANDLE) -> DWORD {
    entry_for("MgmHostGraceDone", HandleKind::Protocol, hProtocol, |client| {
        backend::grace_done(client)?;
        Ok(NO_ERROR)
    })
}

/// Begins a batch: from now on the library collects the adds and deletes of this
/// thread.
///
/// MgmAddGroupMembershipEntry and MgmDeleteGroupMembershipEntry only check their
/// arguments, and return NO_ERROR if these are valid. MgmHostEndBatch makes the
/// collected calls, in their order. If this thread makes any other Mgm call before
/// that, the library first makes the calls that it has collected so far. In a client
/// library, a batch needs far fewer messages than single calls. In a router, a batch
/// has the same effect as single calls, and no advantage.
///
/// If a client process ends within a batch, the first calls of the batch may have
/// been made, but never a later call without all earlier ones.
///
/// # Returns
/// - `NO_ERROR`: the batch has begun.
/// - `ERROR_CAN_NOT_COMPLETE`: a batch of this thread has begun already; or the
///   caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The batch concerns only this thread. The
/// call causes no callbacks. It does not start the library.
#[no_mangle]
pub unsafe extern "C" fn MgmHostBeginBatch() -> DWORD {
    entry("MgmHostBeginBatch", || {
        batch::begin()?;
        Ok(NO_ERROR)
    })
}

/// Ends a batch: makes the adds and deletes that the library has collected since
/// MgmHostBeginBatch.
///
/// The library makes all calls, even if it has to refuse one of them. The callbacks
/// that the calls cause run before this call returns, by the same rules as for a
/// single call.
///
/// # Parameters
/// - `pdwFirst` (out): the number of the first call of the batch that was refused;
///   the first call of the batch has the number 1. 0 if no call was refused, also if
///   the connection to the router has ended. May be NULL.
///
/// # Returns
/// - `NO_ERROR`: no call was refused.
/// - `ERROR_CAN_NOT_COMPLETE`: no batch of this thread has begun; the connection to
///   the router has ended before a call was refused, so that some calls may not have
///   been made (pdwFirst is 0); or the caller is a forked child of the router.
/// - any code of MgmAddGroupMembershipEntry and MgmDeleteGroupMembershipEntry: that
///   of the first call that was refused.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
#[no_mangle]
pub unsafe extern "C" fn MgmHostEndBatch(pdwFirst: PDWORD) -> DWORD {
    entry("MgmHostEndBatch", || {
        let first = batch::end()?;
        if !pdwFirst.is_null() {
            let number = first.as_ref().map_or(0, |(number, _)| *number as DWORD);
            // SAFETY: not null, and the caller says that a DWORD may be written there.
            unsafe { write(pdwFirst, number) };
        }
        match first {
            None => Ok(NO_ERROR),
            Some((0, lost)) => Err(lost),
            Some((number, refusal)) => Err(Refusal::InBatch(number, Box::new(refusal))),
        }
    })
}
