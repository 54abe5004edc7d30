//! What a thread finds out about a flow.

use super::differences::differences;
use super::Explainers;
use crate::control::evidence::{Evidence, KernelState};
use mgm_control::explain::library::LibraryFlow;
use mgm_control::explain::{Kernel, KernelEntry, Listening, Seen};
use mgm_control::request::ExplainQuery;
use mgm_net::mroute::{Entry, Reader, DEFAULT_TABLE};
use mgm_net::watch::{Direction, Sightings, Watch};
use mgm_types::Flow;
use nix::net::if_::{if_indextoname, if_nametoindex};
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long the thread waits for packets before it looks whether mgmd ends.
const SLICE: Duration = Duration::from_millis(100);
/// Listening ends when this many packets have been seen, and this time has passed since the first
/// one: long enough for packets that have arrived to have left.
const PLENTY: usize = 20;
const SINCE_FIRST: Duration = Duration::from_millis(300);
/// The most packets that are read at once, and in all.
const PIECE: usize = 1_000;
const MOST: usize = 50_000;
/// If the kernel's entry differs from the library's, both are read again after this time, because
/// the library may have been about to change it.
const AGAIN: Duration = Duration::from_millis(50);

/// The name of an interface in the system.
#[must_use]
pub fn name(index: u32) -> Option<String> {
    let name = if_indextoname(index).ok()?.to_string_lossy().into_owned();
    // The system accepts the index 0, which no interface has.
    Some(name).filter(|name| !name.is_empty())
}

fn shown(index: u32) -> String {
    name(index).unwrap_or_else(|| format!("#{index}"))
}

/// A request that is worked on.
pub(super) struct Gather<'a> {
    pub explainers: &'a Explainers,
    pub query: &'a ExplainQuery,
}

impl Gather<'_> {
    pub fn all(&self) -> Evidence {
        let table = self.explainers.table.map(kernel_table);
        let mut reader = table.map(|table| Reader::open().map(|reader| (reader, table)));
        let before = match &mut reader {
            Some(Ok((reader, table))) => self.entry(reader, *table).ok().flatten(),
            _ => None,
        };
        let listening = (self.query.listen_ms > 0).then(|| self.listen());
        let mut library = self.library(listening.as_ref());
        let kernel = reader.map(|reader| {
            let read = reader.and_then(|(mut reader, table)| {
                let mut state = self.kernel(&mut reader, (table, before.as_ref()), &library)?;
                if !state.kernel.differences.is_empty() {
                    std::thread::sleep(AGAIN);
                    library = self.library(listening.as_ref());
                    state = self.kernel(&mut reader, (table, before.as_ref()), &library)?;
                }
                Ok(state)
            });
            read.unwrap_or_else(|error| {
                let error = Some(format!("the kernel could not be asked: {error}"));
                let kernel = Kernel { table: table.unwrap_or(0), error, ..Kernel::default() };
                KernelState { kernel, ..KernelState::default() }
            })
        });
        Evidence { library, listening, kernel }
    }

    fn flow(&self) -> Flow {
        Flow::new(self.query.source, self.query.group)
    }

    // --- packets

    fn listen(&self) -> Listening {
        match self.watch() {
            Ok((seen, time)) => Listening {
                listened_ms: time.as_millis() as u64,
                error: None,
                seen: seen.iter().map(|(key, seen)| shown_sighting(*key, seen)).collect(),
            },
            Err(error) => {
                let error = match error.raw_os_error() {
                    Some(libc::EPERM | libc::EACCES) => {
                        format!("mgmd may not listen for packets: {error}: give it CAP_NET_RAW")
                    }
                    Some(libc::EAFNOSUPPORT) => format!(
                        "mgmd may not listen for packets: {error}: allow AF_PACKET in its unit"
                    ),
                    _ => format!("mgmd cannot listen for packets: {error}"),
                };
                Listening { error: Some(error), ..Listening::default() }
            }
        }
    }

    fn watch(&self) -> io::Result<(Sightings, Duration)> {
        let watch = Watch::open(self.query.source, self.query.group)?;
        let begun = Instant::now();
        let longest = Duration::from_millis(self.query.listen_ms.into());
        let (mut seen, mut count, mut first) = (Sightings::new(), 0, None);
        loop {
            let now = Instant::now();
            let time = now.duration_since(begun);
            let is_plenty = count >= PLENTY
                && first.is_some_and(|first| now.duration_since(first) >= SINCE_FIRST);
            if time >= longest || is_plenty || count >= MOST || self.explainers.stop.is_raised() {
                return Ok((seen, time));
            }
            let slice = SLICE.min(longest - time).max(Duration::from_millis(1));
            let mut fds = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(slice).unwrap_or(PollTimeout::ZERO);
            // An interruption is like a timeout.
            let _ = poll(&mut fds, timeout);
            let read = watch.read(&mut seen, PIECE)?;
            count += read;
            if read > 0 {
                first.get_or_insert_with(Instant::now);
            }
        }
    }

    // --- the library

    /// The explanation of the library, for the interface on which packets arrive.
    fn library(&self, listening: Option<&Listening>) -> Result<String, String> {
        let explain = &self.explainers.library;
        if let Some(from) = &self.query.from {
            // Whether mgmd knows the name is checked by the event loop.
            return explain(self.flow(), if_nametoindex(from.as_str()).ok());
        }
        let known = explain(self.flow(), None)?;
        let seen = listening.map(|listening| &listening.seen[..]).unwrap_or_default();
        let flow: LibraryFlow = serde_json::from_str(&known).map_err(|error| error.to_string())?;
        match arrival(&flow, seen) {
            Some(elsewhere) => explain(self.flow(), Some(elsewhere)),
            None => Ok(known),
        }
    }

    // --- the kernel

    fn entry(&self, reader: &mut Reader, table: u32) -> io::Result<Option<Entry>> {
        reader.entry(table, self.query.source, self.query.group)
    }

    fn kernel(
        &self,
        reader: &mut Reader,
        (table, before): (u32, Option<&Entry>),
        library: &Result<String, String>,
    ) -> io::Result<KernelState> {
        let entry = self.entry(reader, table)?;
        let flow: Option<LibraryFlow> =
            library.as_ref().ok().and_then(|json| serde_json::from_str(json).ok());
        let differences =
            flow.map(|flow| differences(&flow, entry.as_ref(), shown)).unwrap_or_default();
        let (tables, rules) = (reader.tables()?, reader.rules()?);
        let links = tables.iter().find(|known| known.id == table).map(|table| table.links.clone());
        let mut accepts = std::collections::BTreeMap::new();
        for link in links.iter().flatten() {
            // A link may disappear meanwhile.
            if let Ok(accepted) = reader.accepts_source(self.query.source, *link) {
                accepts.insert(*link, accepted);
            }
        }
        let kernel = Kernel {
            table,
            vifs: links.map(|links| links.len() as u32),
            entry: entry.map(|entry| self.shown_entry(&entry, before)),
            differences,
            error: None,
        };
        Ok(KernelState { kernel, rules, tables, accepts })
    }

    fn shown_entry(&self, entry: &Entry, before: Option<&Entry>) -> KernelEntry {
        let before = before.filter(|_| self.query.listen_ms > 0);
        // If the entry was made anew meanwhile, its counters began at 0.
        let counted = before.and_then(|before| entry.packets.checked_sub(before.packets));
        KernelEntry {
            incoming: entry.incoming.map(shown),
            outgoing: entry.outgoing.iter().map(|(index, _)| shown(*index)).collect(),
            packets: entry.packets,
            octets: entry.octets,
            wrong_interface_packets: entry.wrong_link,
            packets_while_listening: counted,
        }
    }
}

/// The number by which netlink knows a table of MRT_TABLE.
fn kernel_table(table: u32) -> u32 {
    if table == 0 {
        DEFAULT_TABLE
    } else {
        table
    }
}

fn shown_sighting((index, direction): (u32, Direction), seen: &mgm_net::watch::Sighting) -> Seen {
    Seen {
        interface: name(index),
        index,
        leaving: direction == Direction::Out,
        packets: seen.packets,
        lowest_ttl: seen.lowest_ttl,
        highest_ttl: seen.highest_ttl,
        longest: seen.longest,
        longest_unfragmentable: seen.longest_unfragmentable,
    }
}

/// The interface on which packets were seen to arrive, if the library assumes another one. Packets
/// may be seen on several: a port and its bridge, or a second way to this router.
fn arrival(flow: &LibraryFlow, seen: &[Seen]) -> Option<u32> {
    // What this router sends itself arrives where it leaves.
    let is_local = flow.route.as_ref().is_some_and(|route| route.kind == "local");
    let assumed = flow.arrival.as_ref().map(|row| row.index);
    let assumed = assumed.or(flow.expected.as_ref().map(|row| row.index));
    let is_sent_here = is_local && seen.iter().any(|seen| seen.leaving);
    let arriving = || seen.iter().filter(|seen| seen.leaving == is_sent_here);
    if arriving().any(|seen| Some(seen.index) == assumed) {
        return None;
    }
    // An interface that a client has taken is more likely than its port.
    let paths = flow.route.iter().flat_map(|route| &route.paths);
    let taken: Vec<u32> =
        paths.filter(|path| path.owner.is_some()).map(|path| path.index).collect();
    let most = arriving().max_by_key(|seen| (taken.contains(&seen.index), seen.packets));
    most.map(|seen| seen.index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn flow(kind: &str, assumed: Option<u32>) -> LibraryFlow {
        let arrival = assumed.map(|index| {
            json!({"index": index, "name": null, "owner": null,
            "boundary": null})
        });
        let path = json!({"index": 7, "name": null, "gateway": null, "owner": {"protocol": 10},
            "boundary": null});
        let flow = json!({
            "source": "10.0.0.5", "group": "239.1.1.1", "running": true,
            "verdict": {"forwarded": false, "reason": null, "text": ""},
            "arrival": arrival,
            "route": {"kind": kind, "prefix": null, "protocol": 0, "paths": [path]},
            "interfaces": [],
        });
        serde_json::from_value(flow).expect("a flow")
    }

    fn seen(index: u32, packets: u64, leaving: bool) -> Seen {
        Seen {
            interface: None,
            index,
            leaving,
            packets,
            lowest_ttl: 1,
            highest_ttl: 1,
            longest: 0,
            longest_unfragmentable: 0,
        }
    }

    #[test]
    fn m31_packets_arrive_where_they_are_seen() {
        let gateway = |assumed| flow("gateway", assumed);
        assert_eq!(arrival(&gateway(Some(2)), &[]), None);
        assert_eq!(arrival(&gateway(Some(2)), &[seen(2, 1, false), seen(3, 9, false)]), None);
        assert_eq!(arrival(&gateway(Some(2)), &[seen(3, 9, false), seen(4, 1, false)]), Some(3));
        assert_eq!(arrival(&gateway(None), &[seen(3, 9, false)]), Some(3));
        assert_eq!(arrival(&gateway(None), &[seen(3, 9, false), seen(7, 1, false)]), Some(7));
        assert_eq!(arrival(&gateway(None), &[seen(3, 9, true)]), None, "they only leave there");
    }

    #[test]
    fn m31_packets_of_this_router_arrive_where_they_leave() {
        let local = flow("local", None);
        assert_eq!(arrival(&local, &[seen(3, 9, true), seen(4, 9, false)]), Some(3));
        let from_outside = [seen(4, 9, false)];
        assert_eq!(arrival(&local, &from_outside), Some(4), "another host has the address, too");
    }
}
