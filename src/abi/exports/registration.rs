//! Coming and going.

use crate::abi::args::{read, required, write};
use crate::abi::callbacks::ClientCallbacks;
use crate::abi::entry::{entry, entry_for};
use crate::abi::handle::{self, Kind};
use crate::abi::types::*;
use crate::engine::ClientId;
use crate::manager::Manager;

/// Registers a client, a routing protocol or IGMP, with MGM.
///
/// What others joined before is not reported to a newcomer: it learns that by
/// enumerating the groups.
///
/// # Parameters
/// - `prpiInfo` (in): the client's callbacks. It is copied, and may be freed
///   after the call.
/// - `dwProtocolId`: the protocol, PROTO_IP_* or MS_IP_*. IGMP is whoever says
///   PROTO_IP_IGMP or MS_IP_IGMP.
/// - `dwComponentId`: tells components of the same protocol apart.
/// - `phProtocol` (out): the handle for all other calls. It points to nothing.
///
/// # Returns
/// - `NO_ERROR`: registered.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL; or this call would start MGM, and a
///   variable of the environment is invalid.
/// - `ERROR_ALREADY_EXISTS`: this protocol and component are registered.
/// - `ERROR_NOT_ENOUGH_MEMORY`: no memory left.
/// - `ERROR_CAN_NOT_COMPLETE`: MGM is being stopped, or this is a forked child
///   of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
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
        let client = Manager::global().register(
            Box::new(ClientCallbacks::new(config)),
            dwProtocolId,
            dwComponentId,
        )?;
        // SAFETY: not null, and the caller says that a handle may be written there.
        unsafe { write(phProtocol, handle::encode(Kind::Protocol, client.0)) };
        Ok(NO_ERROR)
    })
}

/// Takes a client out of MGM. It must have released all its interfaces.
///
/// Once this returns NO_ERROR no callback of the client runs or will run, so
/// that its module may be unloaded: the call waits for one that is running on
/// another thread. Called from inside one of the client's own callbacks it does
/// not wait; that callback is the last. The client's open enumerations are
/// closed.
///
/// # Parameters
/// - `hProtocol`: the client's handle, invalid afterwards.
///
/// # Returns
/// - `NO_ERROR`: gone.
/// - `ERROR_INVALID_PARAMETER`: not the handle of a registered client.
/// - `ERROR_CAN_NOT_COMPLETE`: the client still owns an interface (IGMP: is
///   enabled on one); or one of its callbacks is running on another thread and
///   this is a call from inside another client's callback, where waiting could
///   be for ever; or this is a forked child of the router. Nothing has changed.
///
/// # Threads
/// Any thread, any time, also inside callbacks; see above for how it waits.
///
/// Never hold a lock that your callbacks take while you call Mgm functions:
/// this one waits for a callback, which would wait for the lock.
///
/// Source: reference page "MgmDeRegisterMProtocol function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmDeRegisterMProtocol(hProtocol: HANDLE) -> DWORD {
    entry_for("MgmDeRegisterMProtocol", Kind::Protocol, hProtocol, |serial| {
        let client = ClientId(serial);
        Manager::global().deregister(client)?;
        Ok(NO_ERROR)
    })
}
