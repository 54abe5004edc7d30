//! The library stays loaded from its first start on, whoever frees it: MGM's
//! threads may be in its code, and handles are numbers of this instance.

#![cfg(windows)]

/// Pins it.
pub fn stay_loaded() {
    use std::ffi::c_void;

    const FROM_ADDRESS: u32 = 4;
    const PIN: u32 = 1;

    #[link(name = "kernel32")]
    extern "system" {
        fn GetModuleHandleExW(flags: u32, address: *const c_void, module: *mut *mut c_void) -> i32;
    }

    let mut module = std::ptr::null_mut();
    // SAFETY: the address is one in this very module, and `module` outlives the call.
    let pinned = unsafe {
        GetModuleHandleExW(FROM_ADDRESS | PIN, stay_loaded as *const c_void, &mut module)
    };
    if pinned == 0 {
        log::warn!(
            "cannot keep the library loaded ({}): do not unload it while it is running",
            std::io::Error::last_os_error()
        );
    }
}
