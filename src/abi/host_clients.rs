//! The functions of mgmhost.h for client processes, in which the library is a client library, and
//! for batches (spec section 9).
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::doc_markdown
)]

use super::args::write;
use super::backend;
use super::batch;
use super::entry::{entry, entry_for};
use super::handle::HandleKind;
use super::host_status::as_path;
use super::invoke::call_out;
use super::types::*;
use crate::manager::LONGEST_GRACE;
use crate::remote::client;
use crate::types::Refusal;
use std::ffi::{c_char, c_void, CStr};

/// Serves client processes: routing protocols in other processes, which use this
/// library and have the path of the socket in the environment variable MGM_ROUTER.
///
/// The calls of client processes are made in the library of this process, and
/// their callbacks run in their own processes. If the library is not running, the
/// call starts it, regardless of MGM_ROUTER. If the library serves client processes
/// at another path, it closes that socket first. MgmHostStop ends the service, too.
///
/// A client process can do everything that a client in this process can: each
/// process that may open the socket can take interfaces and change memberships. So
/// choose the mode of the socket's file with care.
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
/// Any thread, but not inside a callback. The call causes no callbacks itself. The
/// end of client processes causes callbacks on threads of the library.
#[no_mangle]
pub unsafe extern "C" fn MgmHostServeClients(pszPath: *const c_char, dwMode: DWORD) -> DWORD {
    entry("MgmHostServeClients", || {
        // SAFETY: the caller says that a text ended by a zero is there, if anything.
        let path = (!pszPath.is_null()).then(|| unsafe { CStr::from_ptr(pszPath) });
        let path = path.map(as_path);
        if let Some(path) = &path {
            if path.as_os_str().is_empty() || path.as_os_str().len() > LONGEST_PATH {
                return Err(Refusal::BadArgument("pszPath is empty or longer than 107 bytes"));
            }
        }
        let mode = match dwMode {
            0 => 0o660,
            1..=0o777 => dwMode,
            _ => return Err(Refusal::BadArgument("dwMode is greater than 0777 (octal)")),
        };
        backend::serve(path.as_deref(), mode)?;
        Ok(NO_ERROR)
    })
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
/// When the process ends, its interfaces, memberships and MFEs stay. They forward
/// packets, other clients get no callbacks about the end, and each question about
/// them gets the default. A process of the same user takes over when it registers
/// a client with the same ids. This client has a new handle, and is not told of
/// existing memberships. It takes each interface with MgmTakeInterfaceOwnership,
/// which does not disable IGMP there. A protocol gets a LOCAL_JOIN callback for
/// each membership of IGMP on the interface. Then the client adds its memberships
/// again, and calls MgmHostGraceDone. No other client can take the interfaces
/// meanwhile: MgmTakeInterfaceOwnership returns ERROR_ALREADY_EXISTS. IGMP can be
/// enabled on an interface beside a protocol that has ended.
///
/// When the time has ended since the process ended, everything that the successor
/// has not taken or added again is deleted. If the successor ends meanwhile, too,
/// that does not lengthen the time.
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
/// - `NO_ERROR`: the rest is deleted. Also if the client has taken over from no
///   other client, or the time of MgmHostSetGrace has ended.
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
///   the first call of the batch has the number 1. 0 if no call was refused. May be
///   NULL.
///
/// # Returns
/// - `NO_ERROR`: no call was refused.
/// - `ERROR_CAN_NOT_COMPLETE`: no batch of this thread has begun; the connection to
///   the router has ended, so that some calls may not have been made (pdwFirst is
///   written nevertheless); or the caller is a forked child of the router.
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
            Some((number, refusal)) => Err(Refusal::InBatch(number, Box::new(refusal))),
        }
    })
}

/// The longest path of a UNIX socket in bytes.
const LONGEST_PATH: usize = 107;
