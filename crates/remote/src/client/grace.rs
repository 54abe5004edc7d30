//! For how long the state of this process's clients stays when the process ends (spec 9.8).

use mgm_types::Result;
use std::sync::atomic::{AtomicU64, Ordering};

/// The seconds, with [`BY_PROGRAM`] if the program has set them, and not the environment.
static GRACE: AtomicU64 = AtomicU64::new(0);

const BY_PROGRAM: u64 = 1 << 32;

/// Sets the grace of later registrations. The environment no longer counts.
pub fn set_grace(seconds: u32) {
    GRACE.store(BY_PROGRAM | u64::from(seconds), Ordering::Relaxed);
}

/// Sets it to the environment's, unless the program has set it.
///
/// # Errors
/// Those of `read`.
pub fn default_grace(read: impl FnOnce() -> Result<u32>) -> Result<()> {
    if GRACE.load(Ordering::Relaxed) & BY_PROGRAM != 0 {
        return Ok(());
    }
    let seconds = read()?;
    // The program may set it meanwhile.
    let _ = GRACE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
        (now & BY_PROGRAM == 0).then_some(seconds.into())
    });
    Ok(())
}

/// The seconds for a registration.
pub(super) fn grace() -> u32 {
    GRACE.load(Ordering::Relaxed) as u32
}
