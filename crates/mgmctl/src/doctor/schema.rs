//! docs/doctor.schema.json is made from the structure of the report.
//!
//! `MGM_WRITE_SCHEMA=1 cargo test -p mgmctl schema` writes the file.

use super::report::{Finding, Kind, Report};
use schemars::generate::SchemaSettings;
use serde_json::Value;
use std::net::Ipv4Addr;
use std::path::PathBuf;

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[test]
fn the_schema_is_that_of_the_report() {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.into_root_schema_for::<Report>().to_value();
    let text = format!("{schema:#}\n");
    let path = docs().join("doctor.schema.json");
    if std::env::var_os("MGM_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &text).expect("docs is writable");
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(known == text, "run MGM_WRITE_SCHEMA=1 cargo test -p mgmctl schema");
}

/// The example of docs/doctor.md is what doctor writes.
#[test]
fn the_example_of_the_documentation_is_a_report() {
    let text = |text: &str| text.to_owned();
    let silent = text("lan: no router sends queries: …");
    let long = "lan: 239.1.1.1 from 10.1.0.11 and 1 more stream arrive on src with packets of …";
    let command = text("ip link set dev lan mtu 1400");
    let mut report = Report {
        doctor: Report::VERSION,
        listened_ms: 5_000,
        interfaces: vec![text("src"), text("lan")],
        streams: 2,
        findings: vec![
            Finding::new(Kind::NoQuerier, Some("lan"), silent, text("sed -i …")),
            Finding {
                source: Some(Ipv4Addr::new(10, 1, 0, 11)),
                group: Some(Ipv4Addr::new(239, 1, 1, 1)),
                streams: 2,
                ..Finding::new(Kind::Mtu, Some("lan"), text(long), command)
            },
        ],
        not_examined: Vec::new(),
    };
    report.gap("the packet filter", "CAP_NET_ADMIN is needed", Some("sudo mgmctl doctor"));
    let page = std::fs::read_to_string(docs().join("doctor.md")).expect("docs/doctor.md");
    let (_, rest) = page.split_once("```json\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("the example ends");
    let example: Value = serde_json::from_str(example).expect("JSON");
    let written: Value = serde_json::from_str(&report.json()).expect("JSON");
    assert_eq!(written, example);
}
