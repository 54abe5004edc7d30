//! Reads a page of flows from the status of the library. The status of a million MFEs is a text of
//! 240 MB. It is parsed in one pass, which keeps only the flows of the page.

use crate::flows::{Flow, FlowInterface, Flows, Outgoing};
use crate::request::{FlowKey, FlowsQuery};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt;
use std::net::Ipv4Addr;

/// An interface in the status of the library (docs/status.schema.json).
#[derive(Clone, Copy, Deserialize)]
struct Iface {
    index: u32,
    next_hop: Option<Ipv4Addr>,
}

#[derive(Deserialize)]
struct Oif {
    index: u32,
    next_hop: Option<Ipv4Addr>,
    packets: Option<u64>,
    ttl_too_low: Option<u64>,
}

#[derive(Deserialize)]
struct Mfe {
    source: Ipv4Addr,
    group: Ipv4Addr,
    iif: Iface,
    upstream: Option<Ipv4Addr>,
    route: String,
    up_ms: u64,
    expires_in_ms: Option<u64>,
    packets: u64,
    octets: u64,
    wrong_if: u64,
    negative: u64,
    oifs: Vec<Oif>,
}

/// The flows of a whole status that `query` asks for. `name` returns the name of an interface.
///
/// # Errors
/// The text is not the status of a library.
pub fn flows(
    status: &str,
    query: &FlowsQuery,
    name: impl Fn(u32) -> Option<String>,
) -> serde_json::Result<Flows> {
    let mut json = serde_json::Deserializer::from_str(status);
    let (total, mut mfes) = WholeStatus(query).deserialize(&mut json)?;
    json.end()?;
    // The library lists the flows by group and source, but does not promise it.
    mfes.sort_by_key(key);
    let more = mfes.len() > query.page.limit;
    mfes.truncate(query.page.limit);
    let next = mfes.last().filter(|_| more).map(|mfe| key(mfe).to_string());
    let mut names = Names { known: HashMap::new(), name };
    let flows = mfes.into_iter().map(|mfe| names.flow(mfe)).collect();
    Ok(Flows { total, flows, next })
}

fn key(mfe: &Mfe) -> FlowKey {
    FlowKey { group: mfe.group, source: mfe.source }
}

/// The names of interfaces, each looked up once.
struct Names<F> {
    known: HashMap<u32, Option<String>>,
    name: F,
}

impl<F: Fn(u32) -> Option<String>> Names<F> {
    fn of(&mut self, index: u32) -> Option<String> {
        self.known.entry(index).or_insert_with(|| (self.name)(index)).clone()
    }

    fn flow(&mut self, mfe: Mfe) -> Flow {
        let Iface { index, next_hop } = mfe.iif;
        let outgoing = mfe.oifs.into_iter().map(|oif| Outgoing {
            interface: self.of(oif.index),
            index: oif.index,
            next_hop: oif.next_hop,
            packets: oif.packets,
            ttl_too_low: oif.ttl_too_low,
        });
        let outgoing = outgoing.collect();
        Flow {
            source: mfe.source,
            group: mfe.group,
            incoming: FlowInterface { interface: self.of(index), index, next_hop },
            upstream_neighbour: mfe.upstream,
            route: mfe.route,
            outgoing,
            packets: mfe.packets,
            octets: mfe.octets,
            wrong_interface_packets: mfe.wrong_if,
            unwanted_packets: mfe.negative,
            up_ms: mfe.up_ms,
            expires_in_ms: mfe.expires_in_ms,
        }
    }
}

/// Reads the whole status, and keeps how many flows match and those of the page.
struct WholeStatus<'a>(&'a FlowsQuery);

/// Reads the list of MFEs, likewise.
struct MfeList<'a>(&'a FlowsQuery);

type Kept = (u64, Vec<Mfe>);

impl<'de> DeserializeSeed<'de> for WholeStatus<'_> {
    type Value = Kept;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Kept, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for WholeStatus<'_> {
    type Value = Kept;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the status of the library")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Kept, A::Error> {
        let mut kept = Kept::default();
        while let Some(name) = members.next_key::<&str>()? {
            if name == "mfes" {
                kept = members.next_value_seed(MfeList(self.0))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(kept)
    }
}

impl<'de> DeserializeSeed<'de> for MfeList<'_> {
    type Value = Kept;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Kept, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for MfeList<'_> {
    type Value = Kept;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the list of MFEs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kept, A::Error> {
        let query = self.0;
        let (mut total, mut kept) = (0, Vec::new());
        while let Some(mfe) = list.next_element::<Mfe>()? {
            let matches = query.group.is_none_or(|group| group == mfe.group)
                && query.source.is_none_or(|source| source == mfe.source);
            if !matches {
                continue;
            }
            total += 1;
            if query.page.after.is_some_and(|after| key(&mfe) <= after) {
                continue;
            }
            kept.push(mfe);
            // The first of them, and one more, which says that there are more. Sorted only when
            // twice as many are there.
            let most = query.page.limit + 1;
            if kept.len() >= 2 * most {
                kept.sort_by_key(key);
                kept.truncate(most);
            }
        }
        kept.sort_by_key(key);
        kept.truncate(query.page.limit + 1);
        Ok((total, kept))
    }
}
