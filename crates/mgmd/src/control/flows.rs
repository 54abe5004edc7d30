//! The list of flows. It comes from the status of the library, because only the status has
//! counters of 64 bits.

use super::explain::name;
use super::mailbox::Asked;
use super::{Outcome, StatusReader};
use mgm_control::request::FlowsQuery;
use mgm_control::{library, Answer, ErrorCode, Failure, Request};
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};

/// How many requests wait at most.
const ROOM: usize = 64;

/// The thread that lists flows.
pub(super) struct FlowList {
    requests: Receiver<Asked>,
    status: StatusReader,
}

impl FlowList {
    /// The thread's side, and the sender of its requests.
    pub fn new(status: StatusReader) -> (SyncSender<Asked>, FlowList) {
        let (sender, requests) = sync_channel(ROOM);
        (sender, FlowList { requests, status })
    }

    /// Answers requests until the sender is dropped.
    pub fn run(self) {
        while let Ok(asked) = self.requests.recv() {
            if asked.take() {
                if let Request::Flows(query) = asked.request() {
                    let outcome = self.list(query);
                    asked.answer(outcome);
                }
            }
        }
    }

    fn list(&self, query: &FlowsQuery) -> Outcome {
        let internal = |text: String| Failure::new(ErrorCode::Internal, text);
        let status = (self.status)().map_err(internal)?;
        let flows = library::flows(&status, query, name)
            .map_err(|error| internal(format!("the status of the library: {error}")))?;
        Ok(Answer::Flows(flows))
    }
}
