//! Pages of flows, from a status as the library writes it.

use super::{flows, FlowIndex};
use crate::flows::Flows;
use crate::request::FlowsQuery;
use crate::Page;
use std::fmt::Write;

/// The status of a library with flows from two sources to each of some groups, in any order.
fn status(groups: u32) -> String {
    let mut mfes = String::new();
    for group in (0..groups).rev() {
        for source in [5, 10] {
            write!(
                mfes,
                r#"{}{{"source":"10.0.0.{source}","group":"239.1.{}.{}",
                "iif":{{"index":1,"next_hop":null}},"protocol":200,"upstream":null,
                "route":"10.0.0.0/8","route_protocol":2,"up_ms":5,"expires_in_ms":900000,
                "packets":{},"octets":100,"wrong_if":1,"negative":2,"sent":null,
                "oifs":[{{"index":2,"next_hop":"10.9.0.1","packets":null,"ttl_too_low":null}}]}}"#,
                if mfes.is_empty() { "" } else { "," },
                group >> 8,
                group & 255,
                (1u64 << 32) + u64::from(group),
            )
            .expect("a string takes it");
        }
    }
    format!(r#"{{"version":"0.1.0","totals":{{"mfes":1}},"interfaces":[],"mfes":[{mfes}]}}"#)
}

fn name(index: u32) -> Option<String> {
    (index == 1).then(|| "eth0".into())
}

fn of(status: &str, query: &FlowsQuery) -> Flows {
    flows(status, query, name).expect("the status is valid")
}

#[test]
fn a_flow_has_its_names_and_counters_of_64_bits() {
    let flows = of(&status(1), &FlowsQuery::default());
    assert_eq!((flows.total, flows.flows.len(), flows.next), (2, 2, None));
    let flow = &flows.flows[0];
    assert_eq!(flow.source.to_string(), "10.0.0.5");
    assert_eq!((flow.incoming.interface.as_deref(), flow.incoming.index), (Some("eth0"), 1));
    assert_eq!(flow.packets, 1 << 32);
    assert_eq!((flow.wrong_interface_packets, flow.unwanted_packets), (1, 2));
    let out = &flow.outgoing[0];
    assert_eq!((out.interface.as_deref(), out.index, out.packets), (None, 2, None));
    assert_eq!(out.next_hop.map(|hop| hop.to_string()).as_deref(), Some("10.9.0.1"));
}

#[test]
fn the_pages_together_are_the_whole_list_in_order() {
    let status = status(300);
    let index = FlowIndex::of(&status).expect("the status is valid");
    let of = |query: &FlowsQuery| index.page(&status, query, name).expect("the status is valid");
    let whole = of(&FlowsQuery::default());
    assert_eq!((whole.total, whole.flows.len()), (600, 600));
    let keys = |flows: &Flows| -> Vec<_> {
        flows.flows.iter().map(|flow| (flow.group, flow.source)).collect()
    };
    assert!(keys(&whole).is_sorted());
    for limit in [1, 7, 300, 599, 600] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let query = FlowsQuery { page: Page { after, limit }, ..FlowsQuery::default() };
            let page = of(&query);
            assert!(page.flows.len() <= limit && page.total == 600);
            seen.extend(keys(&page));
            let Some(next) = page.next else { break };
            assert_eq!(page.flows.len(), limit);
            after = Some(next.parse().expect("the key of a flow"));
        }
        assert_eq!(seen, keys(&whole), "pages of {limit}");
    }
}

#[test]
fn a_filter_leaves_out_other_flows() {
    let status = status(3);
    let group = "239.1.0.2".parse().ok();
    let source = "10.0.0.10".parse().ok();
    let only = |group, source| of(&status, &FlowsQuery { group, source, page: Page::default() });
    assert_eq!(only(group, None).total, 2);
    assert_eq!(only(None, source).total, 3);
    assert_eq!(only(group, source).flows.len(), 1);
    assert_eq!(only("239.9.9.9".parse().ok(), None), Flows::default());
}

#[test]
fn a_filtered_list_has_pages_too() {
    let status = status(9);
    let index = FlowIndex::of(&status).expect("the status is valid");
    let (group, source) = ("239.1.0.4".parse().ok(), "10.0.0.5".parse().ok());
    for (group, source, count) in [(group, None, 2), (None, source, 9), (group, source, 1)] {
        let (mut seen, mut after) = (0, None);
        loop {
            let query = FlowsQuery { group, source, page: Page { after, limit: 1 } };
            let page = index.page(&status, &query, name).expect("the status is valid");
            let fits = |flow: &crate::flows::Flow| {
                group.is_none_or(|group| group == flow.group)
                    && source.is_none_or(|source| source == flow.source)
            };
            assert!(page.total == count && page.flows.iter().all(fits));
            seen += page.flows.len();
            let Some(next) = page.next else { break };
            after = Some(next.parse().expect("the key of a flow"));
        }
        assert_eq!(seen as u64, count);
    }
}

#[test]
fn the_index_of_another_text_is_an_error() {
    let index = FlowIndex::of(&status(2)).expect("the status is valid");
    for text in [String::new(), "\u{e4}".repeat(10), status(1)[..200].to_owned()] {
        assert!(index.page(&text, &FlowsQuery::default(), name).is_err(), "{text}");
    }
}

#[test]
fn a_status_without_flows_has_an_empty_list_and_another_text_is_an_error() {
    assert_eq!(of(r#"{"running":false}"#, &FlowsQuery::default()), Flows::default());
    for text in ["", "[]", "{\"mfes\":1}", "{\"mfes\":[{}]}", "{} x"] {
        assert!(flows(text, &FlowsQuery::default(), name).is_err(), "{text:?}");
    }
}
