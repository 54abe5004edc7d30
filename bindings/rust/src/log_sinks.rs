//! Where the log goes: the sinks, which the library names by a number.

use crate::Result;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

/// The level of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum LogLevel {
    /// The value of MGM_LOG, by default [`LogLevel::Warn`].
    #[default]
    Default = 0,
    /// Nothing.
    Off = 1,
    /// Something does not work.
    Error = 2,
    /// Also: a call failed, or something works less well than it could.
    Warn = 3,
    /// Also messages for operators.
    Info = 4,
    /// Also messages for developers.
    Debug = 5,
    /// Also every call.
    Trace = 6,
}

/// Receives the messages of the log, on any thread, several at the same time.
pub type LogSink = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// The sinks of the log by number, which the library has as the context of its callback.
static SINKS: RwLock<Sinks> = RwLock::new(Sinks { last: 0, by_number: BTreeMap::new() });

struct Sinks {
    last: usize,
    by_number: BTreeMap<usize, NumberedSink>,
}

struct NumberedSink {
    sink: LogSink,
    /// The call that has set it has returned, so a later call replaces it.
    is_set: bool,
}

fn sinks() -> RwLockWriteGuard<'static, Sinks> {
    SINKS.write().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a call that sends the log to a sink, or to stderr. After success the sinks that were set
/// before the call are dropped: the library calls them no more.
pub(crate) fn with_sink(
    sink: Option<LogSink>,
    call: impl FnOnce(Option<usize>) -> Result<()>,
) -> Result<()> {
    let mut guard = sinks();
    let former = guard.by_number.iter().filter(|(_, numbered)| numbered.is_set);
    let former: Vec<usize> = former.map(|(number, _)| *number).collect();
    guard.last += 1;
    let last = guard.last;
    let number = sink.map(|sink| {
        guard.by_number.insert(last, NumberedSink { sink, is_set: false });
        last
    });
    drop(guard);
    let result = call(number);
    let mut guard = sinks();
    let gone = match result {
        Ok(()) => former,
        Err(_) => number.into_iter().collect(),
    };
    let gone: Vec<_> = gone.iter().filter_map(|number| guard.by_number.remove(number)).collect();
    if let Some(numbered) = number.and_then(|number| guard.by_number.get_mut(&number)) {
        numbered.is_set = true;
    }
    drop(guard);
    drop(gone); // without the lock: this may run code of the program
    result
}

/// Passes a line to a sink.
pub(crate) fn take_line(sink: usize, level: u32, text: &str) {
    let level = match level {
        2 => LogLevel::Error,
        3 => LogLevel::Warn,
        4 => LogLevel::Info,
        5 => LogLevel::Debug,
        _ => LogLevel::Trace,
    };
    let sinks = SINKS.read().unwrap_or_else(PoisonError::into_inner);
    let sink = sinks.by_number.get(&sink).map(|numbered| Arc::clone(&numbered.sink));
    drop(sinks);
    if let Some(sink) = sink {
        sink(level, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use std::sync::Mutex;

    static TURN: Mutex<()> = Mutex::new(());

    /// A sink that writes down what it gets.
    fn recorder() -> (LogSink, Arc<Mutex<Vec<String>>>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let of_sink = Arc::clone(&lines);
        let sink =
            move |level, text: &str| of_sink.lock().unwrap().push(format!("{level:?} {text}"));
        (Arc::new(sink), lines)
    }

    #[test]
    fn a_line_goes_to_the_sink_of_its_number() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let ((first, of_first), (second, of_second)) = (recorder(), recorder());
        let mut numbers = Vec::new();
        for sink in [first, second] {
            with_sink(Some(sink), |number| {
                numbers.push(number.unwrap());
                take_line(number.unwrap(), 3, "at once");
                Ok(())
            })
            .unwrap();
        }
        take_line(numbers[0], 2, "the first is gone");
        take_line(numbers[1], 6, "later");
        assert_eq!(*of_first.lock().unwrap(), ["Warn at once"]);
        assert_eq!(*of_second.lock().unwrap(), ["Warn at once", "Trace later"]);
        with_sink(None, |number| {
            assert_eq!(number, None);
            Ok(())
        })
        .unwrap();
        assert_eq!(Arc::strong_count(&of_second), 1, "nothing keeps the sink");
    }

    #[test]
    fn a_refused_call_leaves_the_former_sink() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let ((sink, lines), (refused, _)) = (recorder(), recorder());
        let mut number = 0;
        with_sink(Some(sink), |given| {
            number = given.unwrap();
            Ok(())
        })
        .unwrap();
        assert!(with_sink(Some(refused), |_| Err(Error::InvalidText)).is_err());
        assert!(with_sink(None, |_| Err(Error::InvalidText)).is_err());
        take_line(number, 4, "still here");
        assert_eq!(*lines.lock().unwrap(), ["Info still here"]);
        with_sink(None, |_| Ok(())).unwrap();
    }
}
