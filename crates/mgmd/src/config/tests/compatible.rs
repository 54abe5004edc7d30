//! A configuration for an older version stays valid within a major version.

use super::valid;
use crate::config::keys::{Kind, ROOT};
use toml::de::{DeTable, DeValue};

const TEXT: &str = include_str!("compatible.toml");

/// Words that exclude each other in one file: each is tried in the place of the first one.
const EXCLUSIVE: [&str; 2] = ["forwarder", "log-level"];

#[test]
fn an_older_configuration_stays_valid() {
    valid(TEXT);
    // The memory forwarder has no tables.
    let text = TEXT.replace("table = 100\nunicast-table = 254\n", "");
    for table in ROOT.all() {
        for key in table.keys.iter().filter(|key| EXCLUSIVE.contains(&key.name)) {
            let Kind::Word(words) = key.kind else { panic!("{}", key.name) };
            for word in words {
                let first = text.lines().find(|line| line.starts_with(key.name)).unwrap();
                valid(&text.replace(first, &format!("{} = \"{word}\"", key.name)));
            }
        }
    }
}

/// So that the file is extended with the configuration.
#[test]
fn the_older_configuration_has_every_key_and_word() {
    let root = DeValue::Table(DeTable::parse(TEXT).unwrap().into_inner());
    for table in ROOT.all() {
        let mut found = vec![&root];
        for name in table.path.split('.').filter(|name| !name.is_empty()) {
            found = found.into_iter().flat_map(|value| inside(value, name)).collect();
        }
        for key in table.keys {
            let values: Vec<&DeValue> =
                found.iter().flat_map(|value| inside(value, key.name)).collect();
            assert!(!values.is_empty(), "{}.{} is missing", table.path, key.name);
            let Kind::Word(words) = key.kind else { continue };
            for word in words.iter().filter(|_| !EXCLUSIVE.contains(&key.name)) {
                let is_there = values.iter().any(|value| value.as_str() == Some(word));
                assert!(is_there, "{}.{} = \"{word}\" is missing", table.path, key.name);
            }
        }
    }
}

/// The values that a key has in a table, or in each table of a list. An element of a list that is
/// no table has no keys.
fn inside<'a>(value: &'a DeValue<'a>, name: &str) -> Vec<&'a DeValue<'a>> {
    let tables: Vec<&DeValue> = match value {
        DeValue::Array(list) => list.iter().map(|element| element.get_ref()).collect(),
        one => vec![one],
    };
    tables.into_iter().filter_map(|table| table.get(name)).map(|value| value.get_ref()).collect()
}
