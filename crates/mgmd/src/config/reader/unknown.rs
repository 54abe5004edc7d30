//! What is said about keys and words that do not exist.

use crate::config::keys::{Key, Kind, Table, ROOT};

/// Names of other programs, and ours.
const OTHERS: &[(&str, &str)] = &[
    ("altnet", "use sources = [\"10.160.0.0/16\"] of a [[proxy]]"),
    ("whitelist", "use groups = [\"239.2.0.0/16\"] of a [[proxy]]"),
    ("fast-leave", "use leave = \"immediate\""),
    ("quickleave", "use leave = \"immediate\""),
    ("immediate-leave", "use leave = \"immediate\""),
    ("explicit-tracking", "use leave = \"tracked\""),
    ("last-member-interval", "use last-member-query-interval"),
    ("query-max-response-time", "use query-response-interval"),
    ("phyint", "use [[interface]]"),
    ("mroute", "use [[route]]"),
    ("mgroup", "use igmp = { join = [\"239.1.1.1\"] } of an [[interface]]"),
    ("join-group", "use join = [\"239.1.1.1\"]"),
    ("static-group", "use static = [\"239.1.1.1\"]"),
    ("threshold", "use ttl-threshold of an [[interface]]"),
    ("scoped", "use boundaries of an [[interface]]"),
    ("boundary", "use boundaries of an [[interface]]"),
];

/// What is wrong with a key that the table does not have.
pub(super) fn message(table: &Table, name: &str) -> String {
    let name = usual(name);
    if let Some(ours) = ours(&name) {
        return format!("unknown key: {ours}");
    }
    let mut elsewhere = ROOT.all().into_iter().filter(|other| other.path != table.path);
    if let Some(other) = elsewhere.find(|other| other.key(&name).is_some()) {
        let place = if other.header.is_empty() { "the top of the file" } else { other.header };
        if nearest(&name, table).is_none() {
            return format!("unknown key here: {name} belongs to {place}");
        }
    }
    match nearest(&name, table) {
        Some(near) => format!("unknown key: did you mean {}?", shown(table, near)),
        None => {
            let names: Vec<&str> = table.keys.iter().map(|key| shown(table, key)).collect();
            let (last, others) = names.split_last().unwrap_or((&"", &[]));
            format!("unknown key: use {} or {last}", others.join(", "))
        }
    }
}

/// What is wrong with a word that its key does not know, if it is one of another program.
pub(super) fn word(key: &str, text: &str) -> Option<String> {
    match (key, usual(text).as_str()) {
        ("leave", "fast" | "quick") => Some("is called \"immediate\" here".into()),
        _ => None,
    }
}

/// " (did you mean …?)" with the word that differs by few letters, or nothing.
pub(super) fn hint(words: &[&str], text: &str) -> String {
    let near = words
        .iter()
        .filter(|word| text.len() <= 20 && !word.is_empty())
        .min_by_key(|word| strsim::damerau_levenshtein(word, &usual(text)));
    match near {
        Some(word) if strsim::damerau_levenshtein(word, &usual(text)) <= 1.max(word.len() / 3) => {
            format!(" (did you mean \"{word}\"?)")
        }
        _ => String::new(),
    }
}

fn ours(name: &str) -> Option<&'static str> {
    let same = |other: &str| other == name || other.replace('-', "") == name;
    OTHERS.iter().find(|(other, _)| same(other)).map(|(_, ours)| *ours)
}

/// How a key begins in a file: `[[interface]]` at the top, otherwise its name.
fn shown(table: &Table, key: &Key) -> &'static str {
    match key.kind {
        Kind::Table(inside) | Kind::Tables(inside) if table.path.is_empty() => inside.header,
        _ => key.name,
    }
}

/// A key of the table that differs by few letters.
fn nearest(name: &str, table: &Table) -> Option<&'static Key> {
    // Long names are no slips, and comparing them would take long.
    if name.len() > 40 {
        return None;
    }
    let distances = table.keys.iter().map(|key| (strsim::damerau_levenshtein(name, key.name), key));
    let (distance, key) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1.max(key.name.len().min(name.len()) / 3)).then_some(key)
}

/// The name as it would be written here.
fn usual(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}
