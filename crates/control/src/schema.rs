//! docs/control.schema.json is made from the structures of the answers.
//!
//! `MGM_WRITE_SCHEMA=1 cargo test -p mgm-control schema` writes the file.

use crate::changes::{LogLevelChanged, MembershipChanged, Reloaded};
use crate::{
    clients, explain, flows, forwarding, groups, igmp, interfaces, status, ErrorAnswer, Versioned,
};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::{json, Map, Value};
use std::path::PathBuf;

/// The name of an answer in the schema, its schema, and a check of an example of it.
struct Entry {
    name: &'static str,
    schema: Value,
    same: fn(&str) -> Result<(), String>,
}

fn entry<T: JsonSchema + Serialize + DeserializeOwned>(
    name: &'static str,
    generator: &mut SchemaGenerator,
) -> Entry {
    let schema = Versioned::<T>::json_schema(generator).to_value();
    Entry { name, schema, same: same::<T> }
}

/// Checks that an example is read and written without a difference: it has all members and no
/// other ones.
fn same<T: Serialize + DeserializeOwned>(example: &str) -> Result<(), String> {
    let given: Value = serde_json::from_str(example).map_err(|error| error.to_string())?;
    let read: Versioned<T> =
        serde_json::from_value(given.clone()).map_err(|error| error.to_string())?;
    let written: Value = serde_json::from_str(&read.to_json()).map_err(|e| e.to_string())?;
    if written == given {
        Ok(())
    } else {
        Err(format!("the example is\n{given:#}\nand should be\n{written:#}"))
    }
}

fn entries(generator: &mut SchemaGenerator) -> Vec<Entry> {
    vec![
        entry::<status::Status>("status", generator),
        entry::<interfaces::Interfaces>("interfaces", generator),
        entry::<igmp::IgmpLinks>("igmp", generator),
        entry::<groups::Groups>("groups", generator),
        entry::<flows::Flows>("flows", generator),
        entry::<clients::Clients>("clients", generator),
        entry::<explain::Explanation>("explain", generator),
        entry::<forwarding::Proxies>("proxies", generator),
        entry::<forwarding::Routes>("routes", generator),
        entry::<MembershipChanged>("membership", generator),
        entry::<Reloaded>("reload", generator),
        entry::<LogLevelChanged>("log", generator),
        entry::<ErrorAnswer>("error", generator),
    ]
}

fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let entries = entries(&mut generator);
    let mut definitions: Map<String, Value> = generator.take_definitions(true);
    let mut answers = Vec::new();
    for Entry { name, schema, .. } in entries {
        answers.push(json!({ "$ref": format!("#/$defs/{name}") }));
        definitions.insert(name.into(), schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answers of mgmd at its control socket, version 1",
        "description": "docs/control.md lists the paths. A later version may add members; it does \
                        not rename or remove any without another number in the paths.",
        "anyOf": answers,
        "$defs": definitions,
    })
}

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[test]
fn the_schema_is_that_of_the_structures() {
    let text = format!("{:#}\n", schema());
    let path = docs().join("control.schema.json");
    if std::env::var_os("MGM_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &text).expect("docs is writable");
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(known == text, "run MGM_WRITE_SCHEMA=1 cargo test -p mgm-control schema");
}

/// Each example of docs/control.md: the line before it names the answer.
#[test]
fn the_examples_of_the_documentation_are_answers() {
    let page = std::fs::read_to_string(docs().join("control.md")).expect("docs/control.md");
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    for Entry { name, same, .. } in entries(&mut generator) {
        let mark = format!("<!-- answer: {name} -->\n```json\n");
        let (_, rest) = page.split_once(&mark).unwrap_or_else(|| panic!("no example of {name}"));
        let (example, _) = rest.split_once("```").expect("the example ends");
        same(example).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// What users read first: all paths, with their methods.
#[test]
fn the_documentation_has_all_paths() {
    let page = std::fs::read_to_string(docs().join("control.md")).expect("docs/control.md");
    for endpoint in crate::request::ENDPOINTS {
        let row = format!("| `{} {}", endpoint.method, endpoint.path);
        assert!(page.contains(&row), "no row for {} {}", endpoint.method, endpoint.path);
    }
}
