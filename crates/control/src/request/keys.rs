//! The keys that identify the entries of lists, and give
//! their order.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// The name of an interface: 1 to 15 bytes without slashes and spaces, as on Linux.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is not a key of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of an interface, which has 1 to 15 bytes without / and spaces")
    }
}

impl std::error::Error for InvalidKey {}

impl TryFrom<String> for InterfaceName {
    type Error = InvalidKey;

    fn try_from(name: String) -> Result<InterfaceName, InvalidKey> {
        let invalid = |c: char| c == '/' || c.is_whitespace() || c.is_control();
        if !(1..=15).contains(&name.len()) || name.contains(invalid) {
            return Err(InvalidKey);
        }
        Ok(InterfaceName(name))
    }
}

impl From<InterfaceName> for String {
    fn from(name: InterfaceName) -> String {
        name.0
    }
}

impl FromStr for InterfaceName {
    type Err = InvalidKey;

    fn from_str(name: &str) -> Result<InterfaceName, InvalidKey> {
        InterfaceName::try_from(name.to_owned())
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A group of an interface, in the order of the list of groups: `eth1/239.1.1.1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    /// The interface.
    pub interface: InterfaceName,
    /// The group.
    pub group: Ipv4Addr,
}

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.interface, self.group)
    }
}

impl FromStr for GroupKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<GroupKey, InvalidKey> {
        let (interface, group) = text.split_once('/').ok_or(InvalidKey)?;
        let group = group.parse().map_err(|_| InvalidKey)?;
        Ok(GroupKey { interface: interface.parse()?, group })
    }
}

/// A flow, in the order of the list of flows: `239.1.1.1/10.1.1.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// The group.
    pub group: Ipv4Addr,
    /// The source.
    pub source: Ipv4Addr,
}

impl fmt::Display for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.source)
    }
}

impl FromStr for FlowKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<FlowKey, InvalidKey> {
        let (group, source) = text.split_once('/').ok_or(InvalidKey)?;
        let read = |text: &str| text.parse().map_err(|_| InvalidKey);
        Ok(FlowKey { group: read(group)?, source: read(source)? })
    }
}
