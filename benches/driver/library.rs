//! The C API, loaded from the shared library that the command line names. So the same driver measures
//! an older and a newer build.
//!
//! The declarations are written by hand from the headers, and use nothing of the package.
#![allow(non_snake_case)] // the names are C's

use std::ffi::{c_char, c_void, CStr, CString};
use std::path::Path;

/// A client or an enumeration.
pub type Handle = *mut c_void;
/// A callback, whatever its parameters.
pub type Callback = Option<unsafe extern "C" fn()>;

pub const NO_ERROR: u32 = 0;
pub const ERROR_MORE_DATA: u32 = 234;
pub const ERROR_NO_MORE_ITEMS: u32 = 259;

pub const MGM_JOIN_STATE_FLAG: u32 = 1;
pub const ALL_SOURCES: i32 = 1;
pub const HOST_MASK: u32 = 0xFFFF_FFFF;

/// The forwarder: MGMHOST_FORWARDER_*.
#[derive(Clone, Copy)]
pub enum Forwarder {
    Kernel = 2,
    Memory = 3,
    Ebpf = 4,
}

const MGMHOST_LOG_ERROR: u32 = 2;

/// `ROUTING_PROTOCOL_CONFIG`
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct ProtocolConfig {
    pub flags: u32,
    pub rpf: Callback,
    pub creation_alert: Callback,
    pub prune_alert: Callback,
    pub join_alert: Callback,
    pub wrong_if: Callback,
    pub local_join: Callback,
    pub local_leave: Callback,
    pub disable_igmp: Callback,
    pub enable_igmp: Callback,
}

/// `MGMHOST_CONFIG`
#[repr(C)]
pub struct HostConfig {
    size: u32,
    forwarder: u32,
    table: u32,
    mfe_timeout: u32,
    log_level: u32,
    reserved: u32,
    log_callback: Callback,
    log_context: *mut c_void,
}

/// The fixed part of a `MIB_IPMCAST_MFE`, before its oifs.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Mfe {
    pub group: u32,
    pub source: u32,
    pub rest: [u32; 13],
}

/// Bytes of a `MIB_IPMCAST_MFE` with one oif.
pub const MFE_BYTES: usize = 76;
/// Bytes of a `MIB_IPMCAST_MFE_STATS` with one oif, and which kind of statistics that is.
pub const STATS_BYTES: usize = 92;
pub const MGM_MFE_STATS_0: u32 = 1;
/// Bytes of a `SOURCE_GROUP_ENTRY`.
pub const GROUP_BYTES: usize = 16;

/// `MGMHOST_VERSION`
#[repr(C)]
pub struct Version {
    size: u32,
    api: [u32; 2],
    build: [u32; 3],
    text: *const c_char,
}

/// Declares the functions that the benchmarks call, and how to find them.
macro_rules! functions {
    ($(#[$about:meta])* $library:ident; $($name:ident: fn($($kind:ty),*);)*) => {
        $(#[$about])*
        pub struct $library {
            $(pub $name: unsafe extern "C" fn($($kind),*) -> u32,)*
        }

        impl $library {
            /// Loads a library.
            pub fn load(path: &Path) -> Result<$library, String> {
                let shared = Shared::open(path)?;
                Ok($library {
                    // SAFETY: the declarations below are those of the headers.
                    $($name: unsafe { std::mem::transmute::<
                        *mut c_void,
                        unsafe extern "C" fn($($kind),*) -> u32,
                    >(shared.symbol(stringify!($name))?) },)*
                })
            }
        }
    };
}

/// The functions that add and delete a membership.
pub type ChangeMembership = unsafe extern "C" fn(Handle, u32, u32, u32, u32, u32, u32, u32) -> u32;

functions! {
    /// The functions of client processes, which older builds do not have.
    ClientProcesses;
    MgmGetProtocolOnInterface: fn(u32, u32, *mut u32, *mut u32);
    MgmHostServeClients: fn(*const c_char, u32);
    MgmHostBeginBatch: fn();
    MgmHostEndBatch: fn(*mut u32);
}

functions! {
    /// The functions of one loaded library.
    Library;
    MgmRegisterMProtocol: fn(*const ProtocolConfig, u32, u32, *mut Handle);
    MgmTakeInterfaceOwnership: fn(Handle, u32, u32);
    MgmReleaseInterfaceOwnership: fn(Handle, u32, u32);
    MgmAddGroupMembershipEntry: fn(Handle, u32, u32, u32, u32, u32, u32, u32);
    MgmDeleteGroupMembershipEntry: fn(Handle, u32, u32, u32, u32, u32, u32, u32);
    MgmGetMfe: fn(*const Mfe, *mut u32, *mut u8);
    MgmGetFirstMfe: fn(*mut u32, *mut u8, *mut u32);
    MgmGetNextMfe: fn(*const Mfe, *mut u32, *mut u8, *mut u32);
    MgmGetFirstMfeStats: fn(*mut u32, *mut u8, *mut u32, u32);
    MgmGetNextMfeStats: fn(*const Mfe, *mut u32, *mut u8, *mut u32, u32);
    MgmGroupEnumerationStart: fn(Handle, i32, *mut Handle);
    MgmGroupEnumerationGetNext: fn(Handle, *mut u32, *mut u8, *mut u32);
    MgmGroupEnumerationEnd: fn(Handle);
    MgmHostVersion: fn(*mut Version);
    MgmHostStart: fn(*const HostConfig);
    MgmHostStop: fn();
    MgmHostAddRoute: fn(u32, u32, u32, u32, u32, u32);
    MgmHostPacketIn: fn(u32, u32, u32, u32, u32, *const u8, u32, *mut i32, *mut u32, *mut [u32; 2]);
}

impl Library {
    /// Starts the library.
    pub fn start(&self, forwarder: Forwarder) {
        let config = HostConfig {
            size: size_of::<HostConfig>() as u32,
            forwarder: forwarder as u32,
            table: 0,
            mfe_timeout: 0,
            log_level: MGMHOST_LOG_ERROR,
            reserved: 0,
            log_callback: None,
            log_context: std::ptr::null_mut(),
        };
        // SAFETY: it says its own size.
        expect("MgmHostStart", unsafe { (self.MgmHostStart)(&config) });
    }

    /// The text of `MgmHostVersion`.
    pub fn version(&self) -> String {
        let mut version = Version {
            size: size_of::<Version>() as u32,
            api: [0; 2],
            build: [0; 3],
            text: std::ptr::null(),
        };
        // SAFETY: it says its own size; the text is valid as long as the library.
        unsafe {
            expect("MgmHostVersion", (self.MgmHostVersion)(&mut version));
            CStr::from_ptr(version.text).to_string_lossy().into_owned()
        }
    }
}

/// Ends the probe if a call has failed, because its figures would mean nothing.
#[track_caller]
pub fn expect(what: &str, code: u32) {
    assert!(code == NO_ERROR, "{what} answered {code}");
}

/// A shared library. It is never closed.
struct Shared(*mut c_void);

impl Shared {
    fn open(path: &Path) -> Result<Shared, String> {
        let name = CString::new(path.as_os_str().as_encoded_bytes())
            .map_err(|_| "a path with a zero in it".to_owned())?;
        // SAFETY: the name ends with a zero.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if handle.is_null() {
            Err(last_error())
        } else {
            Ok(Shared(handle))
        }
    }

    fn symbol(&self, name: &str) -> Result<*mut c_void, String> {
        let name = CString::new(name).expect("names have no zero");
        // SAFETY: the handle is that of an open library, the name ends with a zero.
        let address = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        if address.is_null() {
            Err(last_error())
        } else {
            Ok(address)
        }
    }
}

fn last_error() -> String {
    // SAFETY: only called after a failure, for which there is a text.
    unsafe { CStr::from_ptr(libc::dlerror()).to_string_lossy().into_owned() }
}
