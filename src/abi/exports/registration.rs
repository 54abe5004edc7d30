//! Registration and deregistration.

use crate::abi::args::{read, required, write};
use crate::abi::backend;
use crate::abi::callbacks::ClientCallbacks;
use crate::abi::entry::{entry, entry_for};
use crate::abi::handle::{self, HandleKind};
use crate::abi::types::*;

/// Registers a client: a routing protocol, or IGMP.
///
/// If the library is not running, the call starts it. The library does not report
/// existing memberships to a new client. The client can read them with
/// MgmGroupEnumerationStart.
///
/// # Parameters
/// - `prpiInfo` (in): the callbacks of the client. The library copies the
///   structure, so it may be freed after the call.
/// - `dwProtocolId`: the protocol, PROTO_IP_* or MS_IP_*. PROTO_IP_IGMP and
///   MS_IP_IGMP register the client as IGMP.
/// - `dwComponentId`: distinguishes clients of the same protocol.
/// - `phProtocol` (out): the handle of the client, for all other calls.
///
/// # Returns
/// - `NO_ERROR`: the client is registered.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL; or the call would start the
///   library, and an environment variable has an invalid value (see mgmhost.h).
/// - `ERROR_ALREADY_EXISTS`: a client with this protocol and component is
///   registered.
/// - `ERROR_NOT_ENOUGH_MEMORY`: the system has no memory left.
/// - `ERROR_CAN_NOT_COMPLETE`: the library is being stopped, or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The lock rule applies.
///
/// Source: reference page "MgmRegisterMProtocol function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmRegisterMProtocol(
    prpiInfo: PROUTING_PROTOCOL_CONFIG,
    dwProtocolId: DWORD,
    dwComponentId: DWORD,
    phProtocol: *mut HANDLE,
) -> DWORD {
    entry("MgmRegisterMProtocol", || {
        required("prpiInfo", prpiInfo)?;
        required("phProtocol", phProtocol)?;
        // SAFETY: not null, and the caller says that it points to a configuration.
        let config = unsafe { read(prpiInfo) };
        let callbacks = Box::new(ClientCallbacks::new(config));
        let client = backend::register(callbacks, dwProtocolId, dwComponentId)?;
        // SAFETY: not null, and the caller says that a handle may be written there.
        unsafe { write(phProtocol, handle::encode(HandleKind::Protocol, client)) };
        Ok(NO_ERROR)
    })
}

/// Deregisters a client.
///
/// The client must have released all its interfaces. The library closes the
/// enumerations that the client has open.
///
/// When the call has returned NO_ERROR, no callback of the client runs any more,
/// so the module that contains the callbacks may be unloaded. If a callback of
/// the client is running on another thread, the call waits until it has returned.
/// If the call is made inside a callback of the same client, it does not wait,
/// and that callback is the last one.
///
/// The same holds after ERROR_INVALID_PARAMETER if the handle was valid before:
/// for example, if another thread has just deregistered the client or stops the
/// library, or if the router of a client process has ended.
///
/// # Parameters
/// - `hProtocol`: the handle of the client. It is invalid after the call.
///
/// # Returns
/// - `NO_ERROR`: the client is deregistered.
/// - `ERROR_INVALID_PARAMETER`: hProtocol is not the handle of a registered
///   client.
/// - `ERROR_CAN_NOT_COMPLETE`: the client still owns an interface (IGMP: is still
///   enabled on one); or the call is made inside a callback of another client or
///   of the host while a callback of this client is running on another thread, so
///   that waiting could deadlock; or the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call may wait for a callback, as
/// described above. The lock rule applies.
///
/// Source: reference page "MgmDeRegisterMProtocol function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmDeRegisterMProtocol(hProtocol: HANDLE) -> DWORD {
    entry_for("MgmDeRegisterMProtocol", HandleKind::Protocol, hProtocol, |serial| {
        backend::deregister(serial)?;
        Ok(NO_ERROR)
    })
}
