//! Tests of whole files.

mod compatible;
mod difference;
mod each_key;
mod examples;
mod files;
mod link;
mod messages;
mod messages_table;
mod random;
mod values;

use super::{Config, Problem};
use std::path::Path;

/// What a text says, as if it were the file a.toml.
pub(super) fn parse(text: &str) -> Result<Config, Vec<Problem>> {
    Config::parse(Path::new("a.toml"), text)
}

/// A text without errors.
pub(super) fn valid(text: &str) -> Config {
    parse(text).unwrap_or_else(|problems| panic!("{problems:#?} in\n{text}"))
}

/// The errors of a text, as lines.
pub(super) fn errors(text: &str) -> Vec<String> {
    let problems = parse(text).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}
