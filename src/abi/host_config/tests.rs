//! Tests structures of other sizes than those of this version.

use super::*;
use std::sync::Mutex;

const SIZE: usize = size_of::<MGMHOST_CONFIG>();

/// Reads a configuration that says it has `size` bytes, one byte off alignment.
fn config(size: u32, change: impl FnOnce(&mut [u8])) -> Result<MGMHOST_CONFIG> {
    let mut memory = vec![0u8; 1 + 8192];
    memory[1..5].copy_from_slice(&size.to_ne_bytes());
    change(&mut memory[1..]);
    // SAFETY: 8192 bytes are there, and larger sizes are refused unread.
    unsafe { read_config(memory.as_ptr().add(1).cast()) }
}

#[test]
fn a_config_of_our_own_size() {
    let read = config(SIZE as u32, |bytes| bytes[4] = 3).unwrap();
    assert_eq!(read.dwForwarder, MGMHOST_FORWARDER_MEMORY);
    assert!(read.pfnLogCallback.is_none());
}

#[test]
fn a_smaller_config_is_filled_up() {
    let read = config(8, |bytes| bytes[..40][4..].fill(3)).unwrap();
    assert_eq!(read.dwForwarder, 0x0303_0303);
    assert_eq!((read.dwTable, read.dwMfeTimeout, read.dwLogLevel), (0, 0, 0));
    for size in [0, 1, 2, 3, 5, 6, 7, 9, 28, 39, 41, 47, 49, 55, 57, 60, 63] {
        assert!(config(size, |_| ()).is_err(), "size {size} cuts a field");
    }
}

#[test]
fn a_larger_config_must_say_nothing_more() {
    assert!(config(SIZE as u32 + 8, |_| ()).is_ok());
    assert!(config(4096, |_| ()).is_ok());
    assert!(config(SIZE as u32 + 8, |bytes| bytes[SIZE + 7] = 1).is_err());
    for size in [4097, u32::MAX] {
        assert!(config(size, |_| ()).is_err());
    }
}

#[test]
fn unknown_values_are_refused() {
    for bad in [
        MGMHOST_CONFIG { dwForwarder: 5, ..DEFAULTS },
        MGMHOST_CONFIG { dwLogLevel: 7, ..DEFAULTS },
        MGMHOST_CONFIG { dwReserved: 1, ..DEFAULTS },
        MGMHOST_CONFIG { dwMaxFlows: (1 << 24) + 1, ..DEFAULTS },
        MGMHOST_CONFIG { dwReserved1: 1, ..DEFAULTS },
    ] {
        assert!(matches!(bad.settings(), Err(Refusal::BadArgument(_))));
    }
    let bad = MGMHOST_CONFIG { dwFlags: 2, ..DEFAULTS };
    assert_eq!(bad.settings(), Err(Refusal::BadFlags(2)));
}

#[test]
fn d80_the_flag_asks_for_the_forwarder_and_older_callers_do_not_have_it() {
    let flagged = |bytes: &mut [u8]| bytes[48] = 1;
    for (size, opens) in [(SIZE, true), (52, true), (48, false)] {
        let settings = config(size as u32, flagged).unwrap().settings().unwrap();
        assert_eq!(settings.open_forwarder, opens, "size {size}");
    }
}

#[test]
fn t0_9_the_hosts_limit_of_flows_goes_before_the_environments() {
    for (given, taken) in [(0, None), (1, Some(1)), (1 << 24, Some(1 << 24))] {
        let config = MGMHOST_CONFIG { dwMaxFlows: given, ..DEFAULTS };
        assert_eq!(config.settings().unwrap().max_flows, taken);
    }
    for size in [40, 44] {
        let of_an_older_host = config(size, |bytes| bytes[44..48].fill(7)).unwrap();
        assert_eq!(of_an_older_host.dwMaxFlows, 0);
    }
}

#[test]
fn t5_1_the_host_names_the_unicast_table() {
    let table = |size: u32| {
        let read = config(size, |bytes| bytes[40..48].fill(0)).unwrap();
        assert_eq!(read.settings().unwrap().unicast_table, None);
        let read = config(size, |bytes| bytes[40] = 100).unwrap();
        read.settings().unwrap().unicast_table
    };
    assert_eq!(table(48), Some(100));
    assert_eq!(table(44), Some(100));
    assert_eq!(table(40), None, "a host that does not know of it");
}

#[test]
fn versions() {
    let blank =
        MGMHOST_VERSION { dwApiMajor: 9, dwBuildMinor: 99, pszBuild: null_mut(), ..zeroed() };
    let ask = |size: usize| {
        let mut version = MGMHOST_VERSION { dwSize: size as u32, ..blank };
        // SAFETY: no less than `size` bytes are there, for each size below.
        (unsafe { write_version(&mut version) }, version)
    };
    let (result, version) = ask(32);
    assert_eq!((result, version.dwSize, version.dwApiMajor), (Ok(()), 32, MGMHOST_API_MAJOR));
    // SAFETY: it is a C string.
    let text = unsafe { std::ffi::CStr::from_ptr(version.pszBuild) }.to_str().unwrap();
    assert!(text.starts_with(concat!("mgm ", env!("CARGO_PKG_VERSION"))), "{text}");
    let (result, version) = ask(8);
    assert_eq!((result, version.dwSize, version.dwApiMajor), (Ok(()), 8, MGMHOST_API_MAJOR));
    assert_eq!(version.dwBuildMinor, 99, "beyond what the caller has");
    assert!(ask(3).0.is_err());
}

fn zeroed() -> MGMHOST_VERSION {
    MGMHOST_VERSION {
        dwSize: 0,
        dwApiMajor: 0,
        dwApiMinor: 0,
        dwBuildMajor: 0,
        dwBuildMinor: 0,
        dwBuildPatch: 0,
        pszBuild: null_mut(),
    }
}

#[test]
fn log_lines_reach_the_host() {
    static LINES: Mutex<Vec<(usize, DWORD, String)>> = Mutex::new(Vec::new());
    unsafe extern "C-unwind" fn take(
        context: *mut c_void,
        level: DWORD,
        text: *const std::ffi::c_char,
    ) {
        // SAFETY: mgmhost.h promises a string.
        let text = unsafe { std::ffi::CStr::from_ptr(text) }.to_str().unwrap();
        LINES.lock().unwrap().push((context as usize, level, text.to_owned()));
    }
    assert!(log_sink(None, null_mut()).is_none());
    let sink = log_sink(Some(take), 5 as *mut c_void).unwrap();
    sink(Level::Warn, "a zero \0 inside");
    sink(Level::Trace, "ü");
    let lines = LINES.lock().unwrap();
    assert_eq!(lines[0], (5, MGMHOST_LOG_WARN, "a zero ? inside".to_owned()));
    assert_eq!(lines[1], (5, MGMHOST_LOG_TRACE, "ü".to_owned()));
}

#[test]
fn t9_1_a_router_is_named_by_a_valid_path_and_without_a_forwarder() {
    let of = |path: *const std::ffi::c_char, forwarder| {
        let config = MGMHOST_CONFIG { pszRouter: path, dwForwarder: forwarder, ..DEFAULTS };
        // SAFETY: each path of this test is a text, or null.
        unsafe { router_of(&config) }
    };
    assert_eq!(of(std::ptr::null(), MGMHOST_FORWARDER_MEMORY), Ok(None));
    assert_eq!(of(c"/run/r".as_ptr(), 0), Ok(Some("/run/r".into())));
    let long = CString::new("x".repeat(LONGEST_PATH + 1)).unwrap();
    for (path, forwarder) in
        [(c"".as_ptr(), 0), (long.as_ptr(), 0), (c"/run/r".as_ptr(), MGMHOST_FORWARDER_AUTO)]
    {
        assert!(matches!(of(path, forwarder), Err(Refusal::BadArgument(_))));
    }
    assert!(config(56, |_| ()).unwrap().pszRouter.is_null(), "older callers do not have it");
}

#[test]
fn t9_10_settings_of_clients_of_other_sizes() {
    let read = |size: u32, more: u8| {
        let mut memory = [0u8; 1 + 64];
        memory[1..5].copy_from_slice(&size.to_ne_bytes());
        memory[9] = 7;
        memory[1 + 32] = more;
        // SAFETY: 64 bytes are there.
        unsafe { read_clients(memory.as_ptr().add(1).cast()) }
    };
    assert_eq!(read(28, 0).unwrap().dwMode, 7);
    assert_eq!(read(8, 0).unwrap().dwMode, 0, "older callers do not have it");
    assert!(read(40, 0).is_ok());
    assert!(matches!(read(40, 1), Err(Refusal::BadArgument(_))));
    for size in [0, 3, 10, 27, 5000] {
        assert!(matches!(read(size, 0), Err(Refusal::BadArgument(_))), "{size}");
    }
}
