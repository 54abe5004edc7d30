//! The capture of packets.

use super::super::facts::Facts;
use super::super::report::Report;
use super::super::traffic::Traffic;
use super::{is_forbidden, AS_ROOT};
use mgm_net::capture::Capture;
use mgm_net::receive::Batch;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The pause between two looks at the packets. The sockets hold what arrives meanwhile.
const PAUSE: Duration = Duration::from_millis(5);

/// How long packets that have arrived may take until they leave.
const DELAY: Duration = Duration::from_millis(100);

/// How often a link is read before the next one, so that a busy one does not starve the others.
const BATCHES: usize = 16;

/// The captures of all chosen links.
pub struct Captures {
    captures: Vec<Capture>,
    batch: Batch,
}

impl Captures {
    /// Opens a capture for each link. Those that cannot be opened are added to the report.
    pub fn open(links: &BTreeSet<u32>, facts: &Facts, report: &mut Report) -> Captures {
        let mut captures = Vec::new();
        if links.is_empty() {
            let why = "no multicast router has an interface: start one, or name interfaces";
            report.gap("packets", why, None);
        }
        for link in links {
            match Capture::open(*link) {
                Ok(capture) => captures.push(capture),
                Err(error) if is_forbidden(&error) => {
                    report.gap("packets", "CAP_NET_RAW is needed", Some(AS_ROOT));
                }
                Err(error) => {
                    let what = format!("the packets of {}", facts.name(*link));
                    report.gap(what, error.to_string(), None);
                }
            }
        }
        Captures { captures, batch: Batch::new() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.captures.is_empty()
    }

    /// The links whose packets are captured.
    pub fn links(&self) -> BTreeSet<u32> {
        self.captures.iter().map(Capture::if_index).collect()
    }

    /// Drops the packets that wait.
    pub fn forget(&mut self) {
        self.read(&mut |_, _, _| {});
        for capture in &self.captures {
            let _ = capture.losses();
        }
    }

    /// Counts the packets of this time.
    pub fn listen(&mut self, time: Duration, traffic: &mut Traffic) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.read(&mut |link, is_outgoing, octets| traffic.add(link, is_outgoing, octets));
            std::thread::sleep(PAUSE);
        }
    }

    /// Counts those packets that leave a moment later, and the losses.
    pub fn finish(&mut self, traffic: &mut Traffic) {
        let end = Instant::now() + DELAY;
        while !self.is_empty() && Instant::now() < end {
            self.read(&mut |link, is_outgoing, octets| {
                if is_outgoing {
                    traffic.add(link, is_outgoing, octets);
                }
            });
            std::thread::sleep(PAUSE);
        }
        for capture in &self.captures {
            traffic.lose(capture.if_index(), capture.losses().unwrap_or_default().into());
        }
    }

    fn read(&mut self, take: &mut impl FnMut(u32, bool, &[u8])) {
        for capture in &self.captures {
            for _ in 0..BATCHES {
                // A socket without memory is read again after the pause.
                if !capture.read(&mut self.batch).is_ok_and(|count| count > 0) {
                    break;
                }
                for packet in self.batch.packets() {
                    take(packet.if_index, packet.is_outgoing, packet.octets);
                }
            }
        }
    }
}
