//! The entry of every exported function: fork check, panic barrier, log.

use super::handle::{self, HandleKind};
use super::last_message;
use super::types::{DWORD, HANDLE};
use crate::manager::Manager;
use crate::remote::client;
use crate::types::{Refusal, Result};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// Runs the body of an exported function, but not in a forked child (spec 8.7). No panic
/// leaves the function (8.5). A refusal becomes its code, and the log says why (0.8).
pub fn entry(name: &'static str, body: impl FnOnce() -> Result<DWORD>) -> DWORD {
    if crate::fork::is_child() {
        // Do not log: another thread may have held the locks of the log at the fork.
        return Refusal::Forked.code() as DWORD;
    }
    // The closure is unwind safe: it shares only the manager, which keeps its own state
    // consistent after a panic.
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

/// Finishes a call whose body was refused, or that has callbacks to deliver.
#[cold]
#[inline(never)]
fn finish(name: &'static str, result: Result<DWORD>) -> DWORD {
    if is_reported(&result) && !crate::fork::is_child() {
        // The log callback is foreign code. If it panics, the call still returns its code.
        catch_unwind(AssertUnwindSafe(|| report(name, &result))).ok();
    }
    if Manager::owes() && !crate::fork::is_child() {
        // Calls of the log callback, or a body that panicked, have left callbacks. This is
        // the outermost call, so it must deliver them (8.1).
        catch_unwind(AssertUnwindSafe(|| Manager::global().drain())).ok();
    }
    if client::owes() && !crate::fork::is_child() {
        catch_unwind(AssertUnwindSafe(client::drain_owed)).ok();
    }
    // A callback may have forked in any of these steps. In the child, the call continues
    // here.
    if crate::fork::is_child() {
        return Refusal::Forked.code() as DWORD;
    }
    match result {
        Ok(code) => code,
        Err(refusal) => {
            let code = refusal.code() as DWORD;
            // After the callbacks, which may have made calls that were refused, too.
            last_message::keep(name, refusal);
            code
        }
    }
}

/// [`entry`] for a function that takes a handle of this kind. The body gets the serial
/// number in the handle. The manager knows only serial numbers, so a refusal of the serial
/// number is converted to a refusal of the handle.
pub fn entry_for(
    name: &'static str,
    kind: HandleKind,
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
        // The manager sets up the log. The very first call may be refused before it
        // reaches the manager.
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
