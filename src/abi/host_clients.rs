//! The functions of mgmhost.h for client processes: processes in which the library is a client
//! library (spec section 9).
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::doc_markdown
)]

use super::backend;
use super::entry::entry;
use super::host_status::as_path;
use super::types::*;
use crate::types::Refusal;
use std::ffi::{c_char, CStr};

/// Serves client processes: routing protocols in other processes, which have this
/// library and its path in their environment variable MGM_ROUTER.
///
/// The calls of client processes are made in the library of this process, and
/// their callbacks run in their own processes. If the library is not running, the
/// call starts it, regardless of MGM_ROUTER. If it serves at another path, that
/// socket is closed first. MgmHostStop ends the service, too.
///
/// A client process can do everything that a client in this process can: who may
/// open the socket can take interfaces and change memberships. So the mode of the
/// socket's file decides who may connect.
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
/// Any thread, but not inside a callback. The call causes no callbacks in this
/// process, but those that follow from the end of client processes run on threads
/// of the library.
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

/// The longest path of a UNIX socket in bytes.
const LONGEST_PATH: usize = 107;
