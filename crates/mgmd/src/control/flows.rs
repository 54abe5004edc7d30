//! The list of flows. It comes from the status of the library, because only the status has
//! counters of 64 bits.
//! The status of a million MFEs is a text of 240 MB. So the pages of a list come from one reading,
//! and a list that is requested very often is not read anew each time (M20).

use super::explain::name;
use super::mailbox::Asked;
use super::{Outcome, StatusReader};
use mgm_control::library::FlowIndex;
use mgm_control::request::FlowsQuery;
use mgm_control::{Answer, ErrorCode, Failure, Request};
use std::sync::mpsc::{sync_channel, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// How many requests wait at most.
const ROOM: usize = 64;

/// A reading that no request has used for so long is dropped, because it may be a large text.
const UNUSED: Duration = Duration::from_secs(2);

/// The pages of a list come from a reading that is not older than this.
const LONGEST_LIST: Duration = Duration::from_secs(10);

/// A reading serves new lists for this many times as long as it took. So the readings use at most
/// a quarter of a processor.
const REST: u32 = 3;

/// The thread that lists flows.
pub(super) struct FlowList {
    requests: Receiver<Asked>,
    status: StatusReader,
    reading: Option<Reading>,
}

/// The flows as they were at one time.
struct Reading {
    status: String,
    index: FlowIndex,
    /// When it was complete.
    end: Instant,
    /// How long it took.
    took: Duration,
}

impl FlowList {
    /// The thread's side, and the sender of its requests.
    pub fn new(status: StatusReader) -> (SyncSender<Asked>, FlowList) {
        let (sender, requests) = sync_channel(ROOM);
        (sender, FlowList { requests, status, reading: None })
    }

    /// Answers requests until the sender is dropped.
    pub fn run(mut self) {
        while let Some(asked) = self.next() {
            if asked.take() {
                if let Request::Flows(query) = asked.request() {
                    let outcome = self.list(query);
                    asked.answer(outcome);
                }
            }
        }
    }

    /// Waits for the next request; `None` if the sender is dropped.
    fn next(&mut self) -> Option<Asked> {
        if self.reading.is_some() {
            match self.requests.recv_timeout(UNUSED) {
                Err(RecvTimeoutError::Timeout) => self.reading = None,
                other => return other.ok(),
            }
        }
        self.requests.recv().ok()
    }

    fn list(&mut self, query: &FlowsQuery) -> Outcome {
        let continues = query.page.after.is_some();
        let kept = self.reading.take().filter(|kept| kept.serves(Instant::now(), continues));
        let reading = match kept {
            Some(kept) => kept,
            None => Reading::of(&self.status).map_err(internal)?,
        };
        let flows = reading.index.page(&reading.status, query, name).map_err(invalid)?;
        self.reading = Some(reading);
        Ok(Answer::Flows(flows))
    }
}

impl Reading {
    fn of(status: &StatusReader) -> Result<Reading, String> {
        let start = Instant::now();
        let status = status()?;
        let index = FlowIndex::of(&status).map_err(|error| invalid(error).message)?;
        let end = Instant::now();
        Ok(Reading { status, index, end, took: end - start })
    }

    /// Whether it is recent enough for a new list, or for the next page of a list.
    fn serves(&self, now: Instant, continues: bool) -> bool {
        let rest = (self.took * REST).min(LONGEST_LIST);
        now.duration_since(self.end) < if continues { LONGEST_LIST } else { rest }
    }
}

fn internal(text: String) -> Failure {
    Failure::new(ErrorCode::Internal, text)
}

fn invalid(error: serde_json::Error) -> Failure {
    internal(format!("the status of the library: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mgm_control::Page;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::Arc;

    /// A list with three flows, of which the reading is the number of packets, and the count of
    /// readings.
    fn list(delay: Duration) -> (FlowList, Arc<AtomicU64>) {
        let readings = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&readings);
        let status: StatusReader = Box::new(move || {
            std::thread::sleep(delay);
            let packets = count.fetch_add(1, Ordering::SeqCst) + 1;
            let mfe = |last| {
                format!(
                    r#"{{"source":"10.0.0.1","group":"239.1.0.{last}","iif":{{"index":1,
                    "next_hop":null}},"upstream":null,"route":"10.0.0.0/8","up_ms":5,
                    "expires_in_ms":9,"packets":{packets},"octets":100,"wrong_if":0,"negative":0,
                    "oifs":[]}}"#
                )
            };
            Ok(format!(r#"{{"mfes":[{},{},{}]}}"#, mfe(1), mfe(2), mfe(3)))
        });
        (FlowList::new(status).1, readings)
    }

    /// The packets of the first flow of a page, and the key of the next page.
    fn page(list: &mut FlowList, after: Option<&str>) -> (u64, Option<String>) {
        let after = after.map(|after| after.parse().expect("a key"));
        let query = FlowsQuery { page: Page { after, limit: 1 }, ..FlowsQuery::default() };
        match list.list(&query).expect("the list") {
            Answer::Flows(flows) => (flows.flows[0].packets, flows.next),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn m20_the_pages_of_a_list_come_from_one_reading() {
        let (mut list, readings) = list(Duration::ZERO);
        let (mut next, mut pages) = (None, 0);
        loop {
            let (packets, more) = page(&mut list, next.as_deref());
            assert_eq!(packets, 1);
            pages += 1;
            next = more;
            if next.is_none() {
                break;
            }
        }
        assert_eq!((pages, readings.load(Ordering::SeqCst)), (3, 1));
    }

    #[test]
    fn m20_new_lists_are_read_for_a_quarter_of_the_time_at_most() {
        let took = Duration::from_millis(50);
        let (mut list, readings) = list(took);
        let begun = Instant::now();
        while readings.load(Ordering::SeqCst) < 3 {
            page(&mut list, None);
        }
        // Three readings, and the rests between them.
        assert!(begun.elapsed() >= took * (3 + 2 * REST), "{:?}", begun.elapsed());
    }

    #[test]
    fn m20_an_old_reading_serves_nothing() {
        let end = Instant::now();
        let at = |took, ms, continues| {
            let reading = Reading { status: String::new(), index: FlowIndex::default(), end, took };
            reading.serves(end + Duration::from_millis(ms), continues)
        };
        let quick = Duration::from_millis(100);
        assert!(at(quick, 299, false) && !at(quick, 300, false));
        assert!(at(quick, 9_999, true) && !at(quick, 10_000, true));
        assert!(at(LONGEST_LIST, 9_999, false) && !at(LONGEST_LIST, 10_000, false));
    }

    #[test]
    fn m20_a_reading_that_no_request_uses_is_dropped() {
        let (mut list, _) = list(Duration::ZERO);
        let (sender, requests) = sync_channel(ROOM);
        list.requests = requests;
        page(&mut list, None);
        assert!(list.reading.is_some());
        let (started, start) = sync_channel(1);
        let waiting = std::thread::spawn(move || {
            started.send(()).expect("the test waits");
            assert!(list.next().is_none());
            list.reading.is_none()
        });
        start.recv().expect("it starts");
        std::thread::sleep(UNUSED + Duration::from_secs(1));
        drop(sender);
        assert!(waiting.join().expect("it returns"));
    }
}
