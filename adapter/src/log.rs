//! Lines for the operator: on stderr, or in the system's log if the daemon has closed stderr or made it
//! another file, as a daemon in the background does.

use crate::system;
use std::ffi::CString;

/// Writes a line.
pub(crate) fn line(text: &str) {
    let text = format!("mgm-mroute: {text}");
    if system::has_stderr() {
        system::write_stderr(format!("{text}\n").as_bytes());
    } else if let Ok(text) = CString::new(text) {
        // SAFETY: the format takes one string, and both are terminated.
        unsafe {
            libc::syslog(libc::LOG_WARNING | libc::LOG_DAEMON, c"%s".as_ptr(), text.as_ptr())
        };
    }
}
