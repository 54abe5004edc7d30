//! Makes an explanation from that of the library alone.

use super::library::{client, is_igmp, shown, LibraryFlow, WantedRow};
use super::{Arrival, Exit, Explanation, Verdict, Want, WantedBy};
use crate::interfaces::Boundary;
use serde::Deserialize;
use serde_json::Value;

impl Explanation {
    /// The explanation of a library, without the state of a router. Its verdicts are empty until
    /// [`Explanation::judge`].
    ///
    /// # Errors
    /// A member is missing that every version of the library has.
    pub fn of_library(library: Value) -> serde_json::Result<Explanation> {
        let flow = LibraryFlow::deserialize(&library)?;
        let arrival = flow.place();
        let is_elsewhere =
            |row: &&WantedRow| arrival.as_ref().is_none_or(|arrival| arrival.index != row.index);
        let outgoing = flow.interfaces.iter().filter(is_elsewhere).map(Exit::of_library).collect();
        Ok(Explanation {
            source: flow.source,
            group: flow.group,
            verdict: Verdict::default(),
            arrival,
            outgoing,
            proxies: Vec::new(),
            routes: Vec::new(),
            listening: None,
            kernel: None,
            library,
        })
    }
}

impl LibraryFlow {
    /// The interface on which packets arrive or are expected, or to which the route leads.
    #[must_use]
    pub fn place(&self) -> Option<Arrival> {
        let arrival = self.arrival.as_ref().map(|row| (row.name.as_ref(), row.index));
        let expected = self.expected.as_ref().map(|row| (row.name.as_ref(), row.index));
        let path = self.route.as_ref().and_then(|route| route.paths.first());
        let path = path.map(|row| (row.name.as_ref(), row.index));
        let (name, index) = arrival.or(expected).or(path)?;
        Some(Arrival { interface: shown(name, index), index, ..Arrival::default() })
    }

    /// What the library has about an interface that wants the flow.
    #[must_use]
    pub fn wanted(&self, index: Option<u32>) -> Option<&WantedRow> {
        self.interfaces.iter().find(|row| Some(row.index) == index)
    }

    /// The protocol that forwards, if it is a forwarder with this name.
    #[must_use]
    pub fn has_forwarder(&self, name: &str) -> bool {
        self.forwarder.as_ref().and_then(|row| row.name.as_deref()) == Some(name)
    }
}

impl Exit {
    /// An interface of which nothing is known but its name and index.
    #[must_use]
    pub fn named(interface: String, index: Option<u32>) -> Exit {
        Exit {
            interface,
            index,
            verdict: Verdict::default(),
            wanted_by: Vec::new(),
            trouble: None,
            igmp: None,
            refusals: Vec::new(),
            boundary: None,
            ttl_threshold: 1,
            mtu: None,
            in_mfe: false,
            seen_leaving: None,
        }
    }

    fn of_library(row: &WantedRow) -> Exit {
        let mut exit = Exit::named(shown(row.name.as_ref(), row.index), Some(row.index));
        exit.add_library(row);
        for held in row.memberships.iter().filter(|held| is_igmp(held.holder)) {
            exit.wanted_by.push(Want {
                by: WantedBy::Igmp,
                source: held.source,
                detail: None,
                expires_in_ms: None,
            });
        }
        exit
    }

    /// Adds what the library has about the interface. Of its memberships, only those of protocols:
    /// a router knows more about those of IGMP.
    pub fn add_library(&mut self, row: &WantedRow) {
        let boundary = row.boundary.clone();
        self.boundary = boundary.map(|row| Boundary { scope: row.scope, name: row.name });
        self.ttl_threshold = row.ttl_threshold;
        self.in_mfe = row.oif;
        for held in row.memberships.iter().filter(|held| !is_igmp(held.holder)) {
            self.wanted_by.push(Want {
                by: WantedBy::Protocol,
                source: held.source,
                detail: client(held.holder),
                expires_in_ms: None,
            });
        }
        if row.switched.as_deref() == Some("on") {
            let detail = client(row.owner).map(|name| format!("{name}, which switched it on"));
            let by = WantedBy::Protocol;
            self.wanted_by.push(Want { by, source: None, detail, expires_in_ms: None });
        }
    }
}
