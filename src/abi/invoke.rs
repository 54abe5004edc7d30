//! Calling out: no exception comes back in.

/// Calls a function of the client's. An exception that leaves it must not get
/// into MGM, whose state it knows nothing of, nor can it be taken from C++ by
/// Rust and given back. So the process ends, with a line that says why (spec 8.5).
pub fn call_out<R>(name: &'static str, call: impl FnOnce() -> R) -> R {
    let guard = Guard(name);
    let result = call();
    std::mem::forget(guard);
    result
}

/// Dropped only when something unwinds past it.
struct Guard(&'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        // Whether it works or not, the next step is the same.
        let line = format!(
            "mgm: an exception left {}; callbacks must catch their own, the process ends here\n",
            self.0
        );
        write_to_stderr(line.as_bytes());
        std::process::abort();
    }
}

/// In one write, so that it stays one line; without the lock of the standard library's
/// stderr, which a forked child may have inherited.
#[cfg(unix)]
fn write_to_stderr(line: &[u8]) {
    // SAFETY: reads as many bytes as there are.
    unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
}

/// The same where there are no forks.
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
        assert!(lines[0].starts_with("mgm: an exception left pfnTest;"), "{stderr}");
    }
}
