//! Keeps the DLL loaded from its first start until the process ends, even if the program frees it.
//! The library's threads run its code, and a handle must not be issued again by another instance.

#![cfg(windows)]

/// Pins the DLL that contains this function.
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
