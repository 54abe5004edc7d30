//! Calls callbacks, and ends the process if an exception leaves one.

/// Calls a callback. An exception that leaves it must not unwind through the library, and
/// Rust cannot catch a C++ exception and throw it again. So the process ends, with a
/// message that says why (spec 8.5).
pub fn call_out<R>(name: &'static str, call: impl FnOnce() -> R) -> R {
    let guard = UnwindGuard(name);
    let result = call();
    std::mem::forget(guard);
    result
}

/// Dropped only if an exception unwinds past it.
struct UnwindGuard(&'static str);

impl Drop for UnwindGuard {
    fn drop(&mut self) {
        // The process ends even if the message cannot be written.
        let line = format!(
            "mgm: an exception left {}: callbacks must catch their exceptions; the process is \
             aborted\n",
            self.0
        );
        write_to_stderr(line.as_bytes());
        std::process::abort();
    }
}

/// Writes the message with one call, so that it stays one line. It does not use the
/// standard library's stderr, whose lock a forked child may have inherited.
#[cfg(unix)]
fn write_to_stderr(line: &[u8]) {
    // SAFETY: reads as many bytes as there are.
    unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
}

/// Writes the message on a system without fork.
#[cfg(not(unix))]
fn write_to_stderr(line: &[u8]) {
    std::io::Write::write_all(&mut std::io::stderr(), line).ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn results_come_through() {
        assert_eq!(call_out("pfnTest", || 7), 7);
    }

    unsafe extern "C-unwind" fn thrower() {
        std::panic::resume_unwind(Box::new(()));
    }

    #[test]
    fn t8_5_an_exception_ends_the_process_with_one_line() {
        const TO_BE_ENDED: &str = "MGM_TEST_TO_BE_ENDED";
        let this = "abi::invoke::tests::t8_5_an_exception_ends_the_process_with_one_line";
        if std::env::var_os(TO_BE_ENDED).is_some() {
            // SAFETY: it may unwind, as its type says.
            call_out("pfnTest", || unsafe { thrower() });
        }
        let out = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", this])
            .env(TO_BE_ENDED, "1")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success());
        let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("mgm: ")).collect();
        assert_eq!(lines.len(), 1, "{stderr}");
        assert!(lines[0].starts_with("mgm: an exception left pfnTest:"), "{stderr}");
    }
}
