//! Time, memory, and what is in the middle.

use std::time::Duration;

/// Adds up the processor time of the whole process: all threads, user and system.
///
/// What MGM leaves to threads of its own counts too, and what the machine's other
/// programs do in between does not.
#[derive(Default)]
pub struct Meter(Duration);

impl Meter {
    pub fn time<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let start = processor_time();
        let result = work();
        self.0 += processor_time() - start;
        result
    }

    pub fn seconds(&self) -> f64 {
        self.0.as_secs_f64()
    }

    /// Nanoseconds for each of `count`.
    pub fn each(&self, count: usize) -> f64 {
        self.0.as_nanos() as f64 / count as f64
    }
}

/// The processor time of some work, in a meter.
pub fn time(work: impl FnOnce()) -> Meter {
    let mut meter = Meter::default();
    meter.time(work);
    meter
}

fn processor_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it can be written to.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    assert!(result == 0, "this system has no clock of processor time");
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Bytes of memory that the process has in use, from /proc/self/status.
pub fn resident() -> f64 {
    status("VmRSS:")
}

/// The most that it ever had.
pub fn peak() -> f64 {
    status("VmHWM:")
}

fn status(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("there is /proc");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("such a field");
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kilobytes * 1024.0
}

/// The processor time of the process's threads of this name.
pub fn thread_time(name: &str) -> Duration {
    let mut sum = Duration::ZERO;
    for task in std::fs::read_dir("/proc/self/task").expect("there is /proc").flatten() {
        // A thread may end while it is looked at.
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").trim() == name {
            let ran = read("schedstat");
            let nanoseconds = ran.split(' ').next().and_then(|ran| ran.parse().ok());
            sum += Duration::from_nanos(nanoseconds.unwrap_or_default());
        }
    }
    sum
}

/// The one in the middle; none of none.
pub fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => None,
        n if n % 2 == 1 => Some(figures[n / 2]),
        n => Some((figures[n / 2 - 1] + figures[n / 2]) / 2.0),
    }
}
