//! A sink that passes upcalls to the test.

use mgm_types::forwarder::{Upcall, UpcallSink};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

struct Sink(Mutex<Sender<Upcall>>);

impl UpcallSink for Sink {
    fn upcalls(&self, upcalls: Vec<Upcall>) -> Vec<Upcall> {
        let sender = self.0.lock().unwrap();
        // The test may be over.
        upcalls.into_iter().for_each(|upcall| drop(sender.send(upcall)));
        Vec::new()
    }
}

/// The sink, and where its upcalls arrive.
pub fn sink() -> (Arc<dyn UpcallSink>, Receiver<Upcall>) {
    let (sender, upcalls) = mpsc::channel();
    (Arc::new(Sink(Mutex::new(sender))), upcalls)
}
