//! Reads pages of flows from the status of the library. The status of a million MFEs is a text of
//! 240 MB. An index of it is made once. A page then reads only its own part of the text.

use crate::flows::{Flow, FlowInterface, Flows, Outgoing};
use crate::request::{FlowKey, FlowsQuery};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Range;

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

/// Where each flow is in the text of a status, by group and source.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FlowIndex {
    places: Vec<Place>,
}

/// Where a flow is in the text.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    key: FlowKey,
    octets: Range<usize>,
}

impl FlowIndex {
    /// The index of a whole status.
    ///
    /// # Errors
    /// The text is not the status of a library.
    pub fn of(status: &str) -> serde_json::Result<FlowIndex> {
        let mut json = serde_json::Deserializer::from_str(status);
        let mut places = WholeStatus(status).deserialize(&mut json)?;
        json.end()?;
        // The library lists the flows in this order, but does not promise it.
        places.sort_by_key(|place| place.key);
        Ok(FlowIndex { places })
    }

    /// The flows of the status that `query` asks for. `status` is the text of the index. `name`
    /// returns the name of an interface.
    ///
    /// # Errors
    /// The text is not the status of a library.
    pub fn page(
        &self,
        status: &str,
        query: &FlowsQuery,
        name: impl Fn(u32) -> Option<String>,
    ) -> serde_json::Result<Flows> {
        let of_group = self.of_group(query.group);
        let is_wanted =
            |place: &&Place| query.source.is_none_or(|source| source == place.key.source);
        let total = match query.source {
            None => of_group.len(),
            Some(_) => of_group.iter().filter(is_wanted).count(),
        };
        let first = match query.page.after {
            None => 0,
            Some(after) => of_group.partition_point(|place| place.key <= after),
        };
        // One more than the page has, which says that there are more.
        let places = of_group[first..].iter().filter(is_wanted).take(query.page.limit + 1);
        let mut places: Vec<&Place> = places.collect();
        let more = places.len() > query.page.limit;
        places.truncate(query.page.limit);
        let next = places.last().filter(|_| more).map(|place| place.key.to_string());
        let mut names = Names { known: HashMap::new(), name };
        let read = |place: &Place| {
            let text = status.get(place.octets.clone()).unwrap_or_default();
            Ok(names.flow(serde_json::from_str(text)?))
        };
        let flows = places.into_iter().map(read).collect::<serde_json::Result<_>>()?;
        Ok(Flows { total: total as u64, flows, next })
    }

    fn of_group(&self, group: Option<Ipv4Addr>) -> &[Place] {
        let Some(group) = group else { return &self.places };
        let start = self.places.partition_point(|place| place.key.group < group);
        let end = self.places.partition_point(|place| place.key.group <= group);
        &self.places[start..end]
    }
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
    FlowIndex::of(status)?.page(status, query, name)
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

/// Reads the whole status, this text, and returns where each flow is.
struct WholeStatus<'a>(&'a str);

/// Reads the list of MFEs, likewise.
struct MfeList<'a>(&'a str);

/// The members of an MFE that the index needs.
#[derive(Deserialize)]
struct MfeKey {
    source: Ipv4Addr,
    group: Ipv4Addr,
}

impl<'de> DeserializeSeed<'de> for WholeStatus<'_> {
    type Value = Vec<Place>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Place>, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for WholeStatus<'_> {
    type Value = Vec<Place>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the status of the library")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Vec<Place>, A::Error> {
        let mut places = Vec::new();
        while let Some(name) = members.next_key::<&str>()? {
            if name == "mfes" {
                places = members.next_value_seed(MfeList(self.0))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(places)
    }
}

impl<'de> DeserializeSeed<'de> for MfeList<'_> {
    type Value = Vec<Place>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Place>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for MfeList<'_> {
    type Value = Vec<Place>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the list of MFEs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Place>, A::Error> {
        let mut places = Vec::new();
        while let Some(mfe) = list.next_element::<&RawValue>()? {
            let text = mfe.get();
            let MfeKey { source, group } =
                serde_json::from_str(text).map_err(serde::de::Error::custom)?;
            // The element is a part of the text.
            let start = text.as_ptr() as usize - self.0.as_ptr() as usize;
            let octets = start..start + text.len();
            places.push(Place { key: FlowKey { group, source }, octets });
        }
        Ok(places)
    }
}
