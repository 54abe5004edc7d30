//! Why a call was refused: one code for the caller, one line for the operator.

use super::{Flow, Interface, Scope};
use std::fmt;
use std::net::Ipv4Addr;

/// The result of everything that can be refused.
pub type Result<T> = std::result::Result<T, Refusal>;

/// The Win32 error codes that the library returns (spec 0.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Code {
    /// ERROR_NOT_ENOUGH_MEMORY
    NotEnoughMemory = 8,
    /// ERROR_INVALID_PARAMETER
    InvalidParameter = 87,
    /// ERROR_INSUFFICIENT_BUFFER
    InsufficientBuffer = 122,
    /// ERROR_ALREADY_EXISTS
    AlreadyExists = 183,
    /// ERROR_MORE_DATA
    MoreData = 234,
    /// ERROR_NO_MORE_ITEMS
    NoMoreItems = 259,
    /// ERROR_CAN_NOT_COMPLETE
    CanNotComplete = 1003,
    /// ERROR_NOT_FOUND
    NotFound = 1168,
}

/// Every reason for which the library refuses a call. The caller gets [`Refusal::code`];
/// the log gets the `Display` text, which says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    // Registration
    /// A handle that was never issued, is closed, or is of another type.
    BadHandle(u64),
    /// (protocol, component) is registered already.
    AlreadyRegistered(u32, u32),
    /// The client still owns interfaces.
    StillOwns(usize),
    /// A callback of the client runs on another thread, and the caller is inside a callback:
    /// waiting could deadlock.
    CallbackRunning,

    // Arguments
    /// A null pointer; the parameter's name.
    Null(&'static str),
    /// The interface index 0.
    ZeroInterface,
    /// A group outside 224.0.0.0/4.
    NotAGroup(Ipv4Addr),
    /// A source that no host can have.
    NotASource(Ipv4Addr),
    /// A mask that does not fit its address.
    BadMask(&'static str, Ipv4Addr, Ipv4Addr),
    /// (s,*): a source without a group.
    SourceWithoutGroup(Ipv4Addr),
    /// A dwFlags with an unknown bit, or without any known bit.
    BadFlags(u32),
    /// An MGM_ENUM_TYPES that is neither 0 nor 1.
    BadEnumType(u32),
    /// Another invalid argument; what is wrong with it.
    BadArgument(&'static str),

    // Interfaces
    /// The index has interfaces of the other kind, with (without) a next hop.
    MixedNextHops(Interface),
    /// Another client has taken the interface.
    Owned(Interface),
    /// More interfaces than the engine can number.
    TooManyInterfaces,
    /// The caller does not own the interface.
    NotOwner(Interface),
    /// No client owns the interface.
    NobodyOwns(Interface),
    /// The same, as the answer to MgmGetProtocolOnInterface.
    NoProtocol(Interface),
    /// The system has no such interface.
    NoSuchInterface(u32),
    /// An interface with a next hop, which the kernel forwarder does not support.
    KernelNextHop(Interface),
    /// The forwarder cannot serve the interface; what to do.
    Forwarder(String),
    /// The interface no longer exists in the system.
    Absent(Interface),
    /// IGMP called between DISABLE_IGMP and ENABLE_IGMP.
    IgmpDisabled(Interface),

    // Limits
    /// A range of groups that cannot have a boundary: its address and mask.
    NotAScope(Ipv4Addr, Ipv4Addr),
    /// No such boundary on the interfaces of this index.
    NoBoundary(u32, Scope),

    // MFEs
    /// No such MFE.
    NoMfe(Flow),
    /// The calling thread is not inside an RPF callback.
    NoArrival,
    /// The caller does not own the MFE's incoming interface.
    NotUpstreamOwner(Flow),
    /// The buffer cannot hold what is asked for.
    SmallBuffer(usize),

    // Start and stop
    /// The call is not allowed inside a callback.
    InsideCallback,
    /// This is a forked child of the router.
    Forked,
    /// The library is already running.
    AlreadyStarted,
    /// An environment variable has an invalid value; names it and the valid values.
    BadSetting(String),
    /// The library is being stopped.
    Stopping,
    /// The status socket cannot be opened; its path and the reason.
    StatusSocket(String),
    /// No such route.
    NoRoute(Ipv4Addr, Ipv4Addr),
    /// The system has no interface of this name; the name.
    NoInterfaceNamed(String),
    /// The system has no interface with this index, as the answer to a look-up of its name.
    NoInterfaceName(u32),
    /// Interface names are not supported on this system.
    NoInterfaceNames,
    /// The allocator or the system has no memory.
    NoMemory,
    /// A panic inside the library was caught before it reached C.
    Panicked,
}

impl Refusal {
    /// The code that the caller gets.
    #[must_use]
    pub fn code(&self) -> Code {
        use Refusal::*;
        match self {
            BadHandle(_)
            | Null(_)
            | ZeroInterface
            | NotAGroup(_)
            | NotASource(_)
            | BadMask(..)
            | SourceWithoutGroup(_)
            | BadFlags(_)
            | BadEnumType(_)
            | BadArgument(_)
            | BadSetting(_)
            | NotAScope(..)
            | MixedNextHops(_)
            | NotOwner(_)
            | NoSuchInterface(_) => Code::InvalidParameter,
            AlreadyRegistered(..) | Owned(_) | AlreadyStarted => Code::AlreadyExists,
            StillOwns(_) | CallbackRunning | KernelNextHop(_) | Forwarder(_) | IgmpDisabled(_)
            | Absent(_) | NotUpstreamOwner(_) | InsideCallback | Forked | Stopping
            | StatusSocket(_) | NoInterfaceNames | Panicked => Code::CanNotComplete,
            NobodyOwns(_) | NoProtocol(_) | NoMfe(_) | NoArrival | NoRoute(..) | NoBoundary(..)
            | NoInterfaceNamed(_) | NoInterfaceName(_) => Code::NotFound,
            SmallBuffer(_) => Code::InsufficientBuffer,
            TooManyInterfaces | NoMemory => Code::NotEnoughMemory,
        }
    }

    /// Whether this refusal is part of ordinary use (a look-up that finds nothing, a buffer
    /// that is too small), so that it is not logged.
    #[must_use]
    pub fn is_ordinary(&self) -> bool {
        matches!(
            self,
            Refusal::SmallBuffer(_)
                | Refusal::NoMfe(_)
                | Refusal::NoProtocol(_)
                | Refusal::NoInterfaceNamed(_)
                | Refusal::NoInterfaceName(_)
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Refusal::*;
        match self {
            BadHandle(handle) => {
                write!(f, "invalid handle {handle:#x}: closed, or of the wrong type for this call")
            }
            AlreadyRegistered(protocol, component) => write!(
                f,
                "protocol {protocol:#x}, component {component:#x} is already registered: choose \
                 another component id, or deregister the first client"
            ),
            StillOwns(n) => write!(f, "the client still owns {n} interface(s): release them first"),
            CallbackRunning => f.write_str(
                "a callback of that client is running on another thread, and waiting here could \
                 deadlock: retry outside the callback",
            ),
            Null(name) => write!(f, "{name} is null"),
            ZeroInterface => f.write_str("invalid dwIfIndex 0: interface indexes start at 1"),
            NotAGroup(group) => {
                write!(
                    f,
                    "invalid group {group}: not in 224.0.0.0/4 (is it in network byte order?)"
                )
            }
            NotASource(source) => {
                write!(
                    f,
                    "invalid source {source}: not the address of a host (is it in network byte \
                     order?)"
                )
            }
            BadMask(what, mask, addr) => write!(
                f,
                "invalid {what} mask {mask} for {addr}: use 0 for address 0, and 255.255.255.255 \
                 for any other"
            ),
            SourceWithoutGroup(source) => {
                write!(f, "source {source} with group 0: (s,*) memberships do not exist")
            }
            BadFlags(flags) => write!(f, "invalid dwFlags {flags:#x}"),
            BadEnumType(kind) => {
                write!(f, "invalid enumeration type {kind}: use ANY_SOURCE (0) or ALL_SOURCES (1)")
            }
            BadArgument(what) => f.write_str(what),
            BadSetting(why) => f.write_str(why),
            MixedNextHops(interface) => write!(
                f,
                "{interface}: an index has either one interface with next hop 0, or one for each \
                 next hop, never both"
            ),
            Owned(interface) => {
                write!(f, "{interface} already has an owner: MgmGetProtocolOnInterface returns it")
            }
            TooManyInterfaces => f.write_str("too many interfaces: the library supports 65,535"),
            NotOwner(interface) => write!(
                f,
                "the caller does not own {interface}: call MgmTakeInterfaceOwnership first"
            ),
            NobodyOwns(interface) | NoProtocol(interface) => {
                write!(f, "no client owns {interface}")
            }
            NoInterfaceNamed(name) => {
                write!(f, "no interface is named {name:?}: \"ip link\" lists the interfaces")
            }
            NoInterfaceNames => f.write_str("interface names are supported only on Linux"),
            NoSuchInterface(index) | NoInterfaceName(index) => {
                write!(f, "no interface has index {index}: \"ip link\" lists the interfaces")
            }
            KernelNextHop(interface) => {
                write!(f, "{interface}: the kernel forwarder supports only next hop 0")
            }
            Forwarder(advice) => f.write_str(advice),
            IgmpDisabled(interface) => write!(
                f,
                "{interface} is changing its owner: IGMP must wait for ENABLE_IGMP before it \
                 adds or deletes"
            ),
            Absent(interface) => write!(
                f,
                "{interface} does not exist in the system now: retry when it is back; its owner \
                 still owns it"
            ),
            NotAScope(address, mask) => write!(
                f,
                "invalid boundary {address} mask {mask}: not a prefix inside 239.0.0.0/8 (RFC \
                 2365; are both in network byte order?)"
            ),
            NoBoundary(index, scope) => {
                write!(f, "interface {index} has no boundary for {scope}")
            }
            NoMfe(flow) => write!(f, "no MFE for {flow}"),
            NoArrival => {
                f.write_str("only valid inside an RPF callback, on the thread that runs it")
            }
            NotUpstreamOwner(flow) => {
                write!(f, "only the owner of the incoming interface may change MFE {flow}")
            }
            SmallBuffer(need) => write!(f, "the buffer is too small: {need} bytes are needed"),
            InsideCallback => {
                f.write_str("not allowed inside a callback: the call would wait for itself")
            }
            Forked => f.write_str(
                "this is a forked child: the library works only in the router's own process",
            ),
            AlreadyStarted => f.write_str(
                "the library is already running: call MgmHostStart before any other Mgm \
                 function, or call MgmHostStop first",
            ),
            Stopping => f.write_str("the library is being stopped"),
            StatusSocket(why) => write!(f, "cannot open the status socket {why}"),
            NoRoute(network, mask) => write!(f, "no route to {network} mask {mask}"),
            NoMemory => f.write_str("out of memory"),
            Panicked => f.write_str("internal error: a panic was caught; please report it"),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t0_8_codes_have_their_windows_values() {
        let values = [
            (Code::NotEnoughMemory, 8),
            (Code::InvalidParameter, 87),
            (Code::InsufficientBuffer, 122),
            (Code::AlreadyExists, 183),
            (Code::MoreData, 234),
            (Code::NoMoreItems, 259),
            (Code::CanNotComplete, 1003),
            (Code::NotFound, 1168),
        ];
        for (code, value) in values {
            assert_eq!(code as u32, value);
        }
    }

    #[test]
    fn t0_8_what_is_malformed_is_an_invalid_parameter_and_one_line_says_what() {
        let group = Ipv4Addr::new(10, 0, 0, 1);
        for (refusal, names) in [
            (Refusal::BadHandle(0x17), "0x17"),
            (Refusal::Null("pbBuffer"), "pbBuffer"),
            (Refusal::NotAGroup(group), "10.0.0.1"),
            (Refusal::NotASource(group), "10.0.0.1"),
            (Refusal::BadMask("source", Ipv4Addr::new(255, 0, 0, 0), group), "255.0.0.0"),
            (Refusal::BadFlags(4), "0x4"),
            (Refusal::ZeroInterface, "dwIfIndex"),
        ] {
            assert_eq!(refusal.code(), Code::InvalidParameter);
            let line = refusal.to_string();
            assert!(line.contains(names) && line.lines().count() == 1, "{line}");
            assert!(!refusal.is_ordinary(), "{line}");
        }
    }
}
