//! How the kernel's entry of a flow differs from the one that the library has installed.

use mgm_control::explain::library::LibraryFlow;
use mgm_net::mroute::Entry;
use std::collections::BTreeMap;

/// The differences in words; `name` returns the name of an interface. None if the library itself
/// knows that the forwarder has something else.
pub(super) fn differences(
    flow: &LibraryFlow,
    entry: Option<&Entry>,
    name: impl Fn(u32) -> String,
) -> Vec<String> {
    let Some(wanted) = flow.forwarder.as_ref().filter(|row| !row.waiting) else {
        return Vec::new();
    };
    match (wanted.entry.as_deref(), entry, &flow.mfe) {
        (Some("mfe"), None, _) => vec!["the kernel has no entry".into()],
        (Some("mfe"), Some(entry), Some(mfe)) => {
            let mut found = Vec::new();
            if entry.incoming != Some(mfe.iif.index) {
                let has = entry.incoming.map_or_else(|| "no interface".into(), &name);
                let text =
                    format!("it has {has} as incoming interface, not {}", name(mfe.iif.index));
                found.push(text);
            }
            found.extend(outgoing(flow, entry, &name));
            found
        }
        (Some("refusal"), None, _) => vec!["the kernel has no entry for the refused flow".into()],
        (Some("refusal"), Some(entry), _) if !entry.outgoing.is_empty() => {
            vec!["it forwards a flow that the library has refused".into()]
        }
        (Some("none"), Some(_), _) => vec!["the kernel has an entry that nobody installed".into()],
        _ => Vec::new(),
    }
}

fn outgoing(flow: &LibraryFlow, entry: &Entry, name: &impl Fn(u32) -> String) -> Vec<String> {
    let Some(mfe) = &flow.mfe else { return Vec::new() };
    let threshold = |index| {
        let row = flow.interfaces.iter().find(|row| row.index == index);
        row.map_or(1, |row| row.ttl_threshold)
    };
    // The kernel does not list an interface whose threshold lets nothing pass.
    let wanted: BTreeMap<u32, u8> = mfe
        .oifs
        .iter()
        .map(|oif| (oif.index, threshold(oif.index)))
        .filter(|(_, threshold)| *threshold < u8::MAX)
        .collect();
    let has: BTreeMap<u32, u8> = entry.outgoing.iter().copied().collect();
    let mut found = Vec::new();
    for (index, threshold) in &wanted {
        match has.get(index) {
            None => found.push(format!("it lacks {}", name(*index))),
            Some(other) if other != threshold => found.push(format!(
                "it has the TTL threshold {other} for {}, not {threshold}",
                name(*index)
            )),
            Some(_) => {}
        }
    }
    let more = has.keys().filter(|index| !wanted.contains_key(index));
    found.extend(more.map(|index| format!("it also sends to {}", name(*index))));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, Value};

    fn row(index: u32, ttl_threshold: u8) -> Value {
        json!({"index": index, "name": null, "owner": null, "memberships": [], "switched": null,
            "creation_alert": null, "boundary": null, "ttl_threshold": ttl_threshold, "oif": true,
            "obstacle": null})
    }

    /// A flow from 1 to 2 and 3; 3 has a threshold.
    fn flow(entry: &str, waiting: bool, threshold: u8) -> LibraryFlow {
        let flow = json!({
            "source": "10.0.0.5", "group": "239.1.1.1", "running": true,
            "verdict": {"forwarded": true, "reason": null, "text": ""},
            "interfaces": [row(2, 1), row(3, threshold)],
            "mfe": {"iif": {"index": 1}, "upstream": null, "up_ms": 0, "expires_in_ms": 0,
                "packets": 0, "octets": 0, "wrong_if": 0, "negative": 0,
                "oifs": [{"index": 2}, {"index": 3}], "iif_by": "route"},
            "forwarder": {"name": "kernel", "entry": entry, "waiting": waiting},
        });
        serde_json::from_value(flow).expect("a flow")
    }

    fn entry(incoming: Option<u32>, outgoing: &[(u32, u8)]) -> Entry {
        let outgoing = outgoing.to_vec();
        Entry { incoming, outgoing, packets: 0, octets: 0, wrong_link: 0 }
    }

    fn found(flow: &LibraryFlow, entry: Option<&Entry>) -> Vec<String> {
        differences(flow, entry, |index| format!("eth{index}"))
    }

    #[test]
    fn m32_an_entry_that_is_the_librarys_has_no_difference() {
        let same = entry(Some(1), &[(3, 16), (2, 1)]);
        assert_eq!(found(&flow("mfe", false, 16), Some(&same)), [""; 0]);
        let without = entry(Some(1), &[(2, 1)]);
        assert_eq!(found(&flow("mfe", false, 255), Some(&without)), [""; 0]);
        assert_eq!(found(&flow("none", false, 1), None), [""; 0]);
        assert_eq!(found(&flow("refusal", false, 1), Some(&entry(Some(1), &[]))), [""; 0]);
    }

    #[test]
    fn m32_each_difference_is_named() {
        let flow_of = |entry| flow(entry, false, 1);
        let mfe = flow_of("mfe");
        assert_eq!(found(&mfe, None), ["the kernel has no entry"]);
        let other = entry(Some(4), &[(2, 1), (3, 9), (5, 1)]);
        assert_eq!(
            found(&mfe, Some(&other)),
            [
                "it has eth4 as incoming interface, not eth1",
                "it has the TTL threshold 9 for eth3, not 1",
                "it also sends to eth5"
            ]
        );
        assert_eq!(
            found(&mfe, Some(&entry(None, &[(3, 1)]))),
            ["it has no interface as incoming interface, not eth1", "it lacks eth2"]
        );
        let refused = entry(Some(1), &[(2, 1)]);
        assert_eq!(
            found(&flow_of("refusal"), Some(&refused)),
            ["it forwards a flow that the library has refused"]
        );
        assert_eq!(
            found(&flow_of("refusal"), None),
            ["the kernel has no entry for the refused flow"]
        );
        assert_eq!(
            found(&flow_of("none"), Some(&refused)),
            ["the kernel has an entry that nobody installed"]
        );
    }

    #[test]
    fn m32_what_the_library_knows_itself_is_no_difference() {
        assert_eq!(found(&flow("mfe", true, 1), None), [""; 0]);
    }
}
