//! Lists of prefixes that are permitted or denied.

use mgm_types::Prefix;
use std::net::Ipv4Addr;

/// A line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether the line permits.
    pub permit: bool,
    /// What it is about.
    pub prefix: Prefix,
}

/// A list of which the first line decides that an address matches (I51).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessList {
    /// The lines.
    pub rules: Vec<Rule>,
    /// Whether an address is permitted that matches no line.
    pub otherwise: bool,
}

/// Permits everything.
impl Default for AccessList {
    fn default() -> AccessList {
        AccessList { rules: Vec::new(), otherwise: true }
    }
}

impl AccessList {
    /// Whether the list permits an address.
    #[must_use]
    pub fn permits(&self, address: Ipv4Addr) -> bool {
        self.rules
            .iter()
            .find(|rule| rule.prefix.contains(address))
            .map_or(self.otherwise, |rule| rule.permit)
    }
}
