//! Why a call was refused: one code for the caller, one line for the operator.

use super::{Flow, Interface, Scope};
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

impl Code {
    /// All codes.
    pub const ALL: [Code; 8] = [
        Code::NotEnoughMemory,
        Code::InvalidParameter,
        Code::InsufficientBuffer,
        Code::AlreadyExists,
        Code::MoreData,
        Code::NoMoreItems,
        Code::CanNotComplete,
        Code::NotFound,
    ];

    /// The code with this value.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Code> {
        Code::ALL.into_iter().find(|code| *code as u32 == number)
    }
}

/// Every reason for which the library refuses a call. The caller gets [`Refusal::code`];
/// the log gets the `Display` text, which says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    // Registration
    /// A handle that was never issued, is closed, or is of another type.
    #[error("invalid handle {0:#x}: closed, or of the wrong type for this call")]
    BadHandle(u64),
    /// (protocol, component) is registered already.
    #[error(
        "protocol {0:#x}, component {1:#x} is already registered: choose another component id, \
         or deregister the first client"
    )]
    AlreadyRegistered(u32, u32),
    /// The client still owns interfaces.
    #[error("the client still owns {0} interface(s): release them first")]
    StillOwns(usize),
    /// A callback of the client runs on another thread, and the caller is inside a callback:
    /// waiting could deadlock.
    #[error(
        "a callback of that client is running on another thread, and waiting here could \
         deadlock: retry outside the callback"
    )]
    CallbackRunning,

    // Arguments
    /// A null pointer; the parameter's name.
    #[error("{0} is null")]
    Null(&'static str),
    /// The interface index 0.
    #[error("invalid dwIfIndex 0: interface indexes start at 1")]
    ZeroInterface,
    /// A group outside 224.0.0.0/4.
    #[error("invalid group {0}: not in 224.0.0.0/4 (is it in network byte order?)")]
    NotAGroup(Ipv4Addr),
    /// A source that no host can have.
    #[error("invalid source {0}: not the address of a host (is it in network byte order?)")]
    NotASource(Ipv4Addr),
    /// A mask that does not fit its address.
    #[error(
        "invalid {0} mask {1} for {2}: use 0 for address 0, and 255.255.255.255 for any other"
    )]
    BadMask(&'static str, Ipv4Addr, Ipv4Addr),
    /// (s,*): a source without a group.
    #[error("invalid group 0 with source {0}: a membership of a source needs a group")]
    SourceWithoutGroup(Ipv4Addr),
    /// A dwFlags with an unknown bit, or without any known bit.
    #[error("invalid dwFlags {0:#x}")]
    BadFlags(u32),
    /// An MGM_ENUM_TYPES that is neither 0 nor 1.
    #[error("invalid enumeration type {0}: use ANY_SOURCE (0) or ALL_SOURCES (1)")]
    BadEnumType(u32),
    /// Another invalid argument; what is wrong with it.
    #[error("{0}")]
    BadArgument(&'static str),

    // Interfaces
    /// The index is in use with next hops and this interface has none, or the reverse.
    #[error(
        "{0}: next hop 0 and other next hops cannot be in use with the same index at the same time"
    )]
    MixedNextHops(Interface),
    /// Another client has taken the interface.
    #[error("{0} already has an owner: MgmGetProtocolOnInterface returns it")]
    Owned(Interface),
    /// More interfaces than the engine can number.
    #[error("too many interfaces: the library supports 65,535")]
    TooManyInterfaces,
    /// The caller does not own the interface.
    #[error("the caller does not own {0}: call MgmTakeInterfaceOwnership first")]
    NotOwner(Interface),
    /// No client owns the interface.
    #[error("no client owns {0}")]
    NobodyOwns(Interface),
    /// The same, as the answer to MgmGetProtocolOnInterface.
    #[error("no client owns {0}")]
    NoProtocol(Interface),
    /// The system has no such interface.
    #[error("no interface has index {0}: \"ip link\" lists the interfaces")]
    NoSuchInterface(u32),
    /// An interface with a next hop, which the kernel forwarder does not support.
    #[error("{0}: the kernel forwarder supports only next hop 0")]
    KernelNextHop(Interface),
    /// The forwarder cannot serve the interface; what to do.
    #[error("{0}")]
    Forwarder(String),
    /// The interface no longer exists in the system.
    #[error("{0} is missing in the system, but keeps its owner: retry when the interface is back")]
    Absent(Interface),
    /// IGMP called between DISABLE_IGMP and ENABLE_IGMP.
    #[error("{0} is changing its owner: IGMP must wait for ENABLE_IGMP before it adds or deletes")]
    IgmpDisabled(Interface),

    // Limits
    /// A range of groups that cannot have a boundary: its address and mask.
    #[error(
        "invalid boundary {0} mask {1}: not a prefix inside 239.0.0.0/8 (RFC 2365; are both in \
         network byte order?)"
    )]
    NotAScope(Ipv4Addr, Ipv4Addr),
    /// No such boundary on the interfaces of this index.
    #[error("interface {0} has no boundary for {1}")]
    NoBoundary(u32, Scope),

    // MFEs
    /// No such MFE.
    #[error("no MFE for {0}")]
    NoMfe(Flow),
    /// The calling thread is not inside an RPF callback.
    #[error("only valid inside an RPF callback, on the thread that runs it")]
    NoArrival,
    /// The caller does not own the MFE's incoming interface.
    #[error("only the owner of the incoming interface may change MFE {0}")]
    NotUpstreamOwner(Flow),
    /// The buffer cannot hold what is asked for.
    #[error("the buffer is too small: {0} bytes are needed")]
    SmallBuffer(usize),

    // Start and stop
    /// The call is not allowed inside a callback.
    #[error("not allowed inside a callback: the call would wait for itself")]
    InsideCallback,
    /// This is a forked child of the router.
    #[error("this is a forked child: the library works only in the router's own process")]
    Forked,
    /// The library is already running.
    #[error(
        "the library is already running: call MgmHostStart before any other Mgm function, or \
         call MgmHostStop first"
    )]
    AlreadyStarted,
    /// An environment variable has an invalid value; names it and the valid values.
    #[error("{0}")]
    BadSetting(String),
    /// The library is being stopped.
    #[error("the library is being stopped")]
    Stopping,
    /// The status socket cannot be opened; its path and the reason.
    #[error("cannot open the status socket {0}")]
    StatusSocket(String),
    /// No such route.
    #[error("no route to {0} mask {1}")]
    NoRoute(Ipv4Addr, Ipv4Addr),
    /// The system has no interface of this name; the name.
    #[error("no interface is named {0:?}: \"ip link\" lists the interfaces")]
    NoInterfaceNamed(String),
    /// The system has no interface with this index, as the answer to a look-up of its name.
    #[error("no interface has index {0}: \"ip link\" lists the interfaces")]
    NoInterfaceName(u32),
    /// Interface names are not supported on this system.
    #[error("interface names are supported only on Linux")]
    NoInterfaceNames,
    /// A batch of the thread has begun already.
    #[error("a batch of this thread has begun already: end it with MgmHostEndBatch first")]
    BatchBegun,
    /// No batch of the thread has begun.
    #[error("no batch of this thread has begun: begin one with MgmHostBeginBatch")]
    NoBatch,
    /// A change of a batch was refused: its number, from 1, and why.
    #[error("call {0} of the batch: {1}")]
    InBatch(usize, Box<Refusal>),
    /// This process has too many open enumerations at its router.
    #[error("the process has 1,024 open enumerations: end some with MgmGroupEnumerationEnd")]
    TooManyEnumerations,
    /// The router has refused the call, in these words.
    #[error("{text}")]
    ByRouter { code: Code, is_ordinary: bool, text: String },
    /// The router cannot be reached, or the call is not available in a client library; what to do.
    #[error("{0}")]
    Router(String),
    /// The allocator or the system has no memory.
    #[error("out of memory")]
    NoMemory,
    /// A panic inside the library was caught before it reached C.
    #[error("internal error: a panic was caught; please report it")]
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
            | StatusSocket(_) | NoInterfaceNames | Router(_) | BatchBegun | NoBatch | Panicked => {
                Code::CanNotComplete
            }
            InBatch(_, refusal) => refusal.code(),
            NobodyOwns(_) | NoProtocol(_) | NoMfe(_) | NoArrival | NoRoute(..) | NoBoundary(..)
            | NoInterfaceNamed(_) | NoInterfaceName(_) => Code::NotFound,
            SmallBuffer(_) => Code::InsufficientBuffer,
            TooManyInterfaces | TooManyEnumerations | NoMemory => Code::NotEnoughMemory,
            ByRouter { code, .. } => *code,
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
                | Refusal::ByRouter { is_ordinary: true, .. }
        )
    }
}

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
