//! docs/doctor.schema.json is made from the structure of the report.
//!
//! `MGM_WRITE_SCHEMA=1 cargo test -p mgmctl schema` writes the file.

use super::report::Report;
use schemars::generate::SchemaSettings;
use std::path::PathBuf;

#[test]
fn the_schema_is_that_of_the_report() {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.into_root_schema_for::<Report>().to_value();
    let text = format!("{schema:#}\n");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/doctor.schema.json");
    if std::env::var_os("MGM_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &text).expect("docs is writable");
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(known == text, "run MGM_WRITE_SCHEMA=1 cargo test -p mgmctl schema");
}
