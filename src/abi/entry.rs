//! The one way in: what every exported function does around its own work.

use super::handle::{self, Kind};
use super::types::{DWORD, HANDLE};
use crate::manager::Manager;
use crate::types::{Refusal, Result};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// Runs an exported function's body: not in a forked child (spec 8.7), and with
/// no panic leaving it (8.5). A refusal becomes its code, and a line in the log
/// that says what the code cannot (0.8).
pub fn entry(name: &'static str, body: impl FnOnce() -> Result<DWORD>) -> DWORD {
    if crate::fork::is_child() {
        // No log line: its locks may have been held when the process forked.
        return Refusal::Forked.code() as DWORD;
    }
    // Nothing that a panic might have left half done is used again: the
    // manager's locks do not poison, and it answers for its own state.
    let result = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(code)) => {
            let is_over = !log::log_enabled!(log::Level::Trace) && !Manager::owes();
            if is_over && !crate::fork::is_child() {
                return code; // nearly always
            }
            Ok(code)
        }
        Ok(Err(refusal)) => Err(refusal),
        Err(_) => Err(Refusal::Panicked),
    };
    finish(name, result)
}

/// What comes after a body that was refused, or that left something to do.
#[cold]
#[inline(never)]
fn finish(name: &'static str, result: Result<DWORD>) -> DWORD {
    if is_reported(&result) && !crate::fork::is_child() {
        // The log's taker is not ours. Should it panic, the answer stands.
        catch_unwind(AssertUnwindSafe(|| report(name, &result))).ok();
    }
    if Manager::owes() && !crate::fork::is_child() {
        // Calls that it has made, or alerts of a body that panicked: this is the
        // outermost call that has to deliver them (8.1).
        catch_unwind(AssertUnwindSafe(|| Manager::global().drain())).ok();
    }
    // Each of the three may have come to a callback that has forked. This is where the
    // child gets to from there.
    if crate::fork::is_child() {
        return Refusal::Forked.code() as DWORD;
    }
    match result {
        Ok(code) => code,
        Err(refusal) => refusal.code() as DWORD,
    }
}

/// [`entry`] for a function that takes a handle of this kind, whose body is about the
/// thing with this serial number. What is below knows serial numbers only: a refusal
/// of the handle gets the value that the caller has.
pub fn entry_for(
    name: &'static str,
    kind: Kind,
    handle: HANDLE,
    body: impl FnOnce(u64) -> Result<DWORD>,
) -> DWORD {
    entry(name, || {
        body(handle::decode(kind, handle)?).map_err(|refusal| match refusal {
            Refusal::BadHandle(_) => handle::refused(handle),
            other => other,
        })
    })
}

fn is_reported(result: &Result<DWORD>) -> bool {
    result.is_err() || log::log_enabled!(log::Level::Trace)
}

#[cold]
fn report(name: &'static str, result: &Result<DWORD>) {
    if result.is_err() {
        // The first call of all may be refused before it gets to the manager,
        // which is what sets up the log.
        let _ = Manager::global();
    }
    match result {
        Err(refusal @ Refusal::Panicked) => log::error!("{name}: {refusal}"),
        Err(refusal) if !refusal.is_ordinary() => log::warn!("{name}: {refusal}"),
        _ => {}
    }
    log::trace!(
        "{name}: {}",
        match result {
            Ok(code) => *code,
            Err(refusal) => refusal.code() as DWORD,
        }
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::types::*;

    #[test]
    fn codes_go_through() {
        assert_eq!(entry("a", || Ok(NO_ERROR)), NO_ERROR);
        assert_eq!(entry("b", || Ok(ERROR_MORE_DATA)), ERROR_MORE_DATA);
        assert_eq!(entry("c", || Err(Refusal::ZeroInterface)), ERROR_INVALID_PARAMETER);
    }

    #[test]
    fn t8_5_no_panic_gets_out() {
        assert_eq!(entry("MgmTest", || panic!("a test's panic")), ERROR_CAN_NOT_COMPLETE);
    }
}
