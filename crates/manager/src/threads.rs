//! The threads of the library, as the system starts them.

use super::platform;
use std::io;

pub(crate) use platform::is_ours;

/// Starts one.
///
/// # Errors
/// The system's error, if it cannot start a thread.
pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    #[cfg(test)]
    if REFUSING.get() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    platform::spawn(name, body)
}

#[cfg(test)]
thread_local! {
    /// Whether starting a thread fails on this thread.
    pub(crate) static REFUSING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}
