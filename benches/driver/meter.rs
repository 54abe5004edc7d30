//! Measures processor time and memory, and computes medians.

use std::time::Duration;

/// Adds up the processor time of the whole process: all threads, user and system.
///
/// This includes the library's own threads, and excludes other programs.
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

/// Measures the processor time of some work.
pub fn time(work: impl FnOnce()) -> Meter {
    let mut meter = Meter::default();
    meter.time(work);
    meter
}

fn processor_time() -> Duration {
    read_clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// The processor time that another process has used so far: all threads, user and system.
pub fn processor_time_of(pid: u32) -> Duration {
    let mut clock = 0;
    // SAFETY: it can be written to.
    let result = unsafe { libc::clock_getcpuclockid(pid as libc::pid_t, &mut clock) };
    assert!(result == 0, "process {pid} has no clock of processor time");
    read_clock(clock)
}

fn read_clock(clock: libc::clockid_t) -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it can be written to.
    let result = unsafe { libc::clock_gettime(clock, &mut now) };
    assert!(result == 0, "this system has no clock of processor time");
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// The resident memory of the process in bytes, from /proc/self/status.
pub fn resident() -> f64 {
    status("VmRSS:")
}

/// The part of it that is no file and not shared: heap and stacks.
pub fn anonymous() -> f64 {
    status("RssAnon:")
}

/// Bytes of the kernel's memory in BPF maps of the process.
pub fn bpf_maps() -> f64 {
    /// A map of arrivals on a wrong interface, which only programs hold.
    const UNSEEN: f64 = (1 << 20) as f64;
    const RING: u64 = 27;
    // Arrays are mapped into memory, and most have no descriptor. The ring is mapped twice.
    let maps = std::fs::read_to_string("/proc/self/maps").expect("there is /proc");
    let arrays = maps.lines().filter(|line| line.ends_with("bpf-map")).filter_map(|line| {
        let (start, end) = line.split(' ').next()?.split_once('-')?;
        let [start, end] = [start, end].map(|at| u64::from_str_radix(at, 16).unwrap_or_default());
        Some(end - start).filter(|bytes| *bytes < 32 << 20)
    });
    let mut sum: u64 = arrays.sum();
    for fd in std::fs::read_dir("/proc/self/fdinfo").expect("there is /proc").flatten() {
        let text = std::fs::read_to_string(fd.path()).unwrap_or_default();
        let field = |name: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            let digits = line.trim().trim_start_matches("0x");
            let radix = if name == "map_flags:" { 16 } else { 10 };
            u64::from_str_radix(digits, radix).ok()
        };
        const MMAPABLE: u64 = 0x400;
        let is_array = field("map_flags:").is_some_and(|flags| flags & MMAPABLE != 0);
        if !is_array || field("map_type:") == Some(RING) {
            sum += field("memlock:").unwrap_or_default();
        }
    }
    sum as f64 + UNSEEN
}

/// The largest resident memory that the process has had.
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
        // A thread may end while its files are read.
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").trim() == name {
            let ran = read("schedstat");
            let nanoseconds = ran.split(' ').next().and_then(|ran| ran.parse().ok());
            sum += Duration::from_nanos(nanoseconds.unwrap_or_default());
        }
    }
    sum
}

/// The median; `None` if there are no figures.
pub fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => None,
        n if n % 2 == 1 => Some(figures[n / 2]),
        n => Some((figures[n / 2 - 1] + figures[n / 2]) / 2.0),
    }
}
