//! Single values: times, prefixes, memberships, lines of access lists.

use super::keys::Range;
use mgm_igmp::config::{AccessList, Rule};
use mgm_types::{is_host_source, Flow, Prefix, Scope};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A value, or what is wrong with it. `None` means only that it is not among the allowed
/// values.
pub(super) type Parsed<T> = Result<T, Option<String>>;

const IPV6: &str = "is an IPv6 address, but mgmd is IPv4 only";

/// A time in milliseconds: "125s".
pub(super) fn duration(text: &str) -> Parsed<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let length = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "" => return Err(Some("has no unit".into())),
        _ => return Err(None),
    };
    let number: u64 = number.parse().map_err(|_| None)?;
    number.checked_mul(length).ok_or(None)
}

/// Any IPv4 address.
fn any_address(text: &str) -> Parsed<Ipv4Addr> {
    text.parse().map_err(|_| {
        let is_v6 = text.split('/').next().is_some_and(|part| part.parse::<Ipv6Addr>().is_ok());
        is_v6.then(|| IPV6.into())
    })
}

/// An address that a host can have.
pub(super) fn address(text: &str) -> Parsed<Ipv4Addr> {
    any_address(text).and_then(|address| some(address, is_host_source(address)))
}

/// "10.1.0.0/16", or an address as a prefix of 32 bits.
pub(super) fn prefix(text: &str, range: Range) -> Parsed<Prefix> {
    let (address, length) = match text.split_once('/') {
        None => (any_address(text)?, 32),
        Some((address, length)) => {
            let is_number = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
            let address = any_address(address)?;
            (address, length.parse().ok().filter(|length| is_number && *length <= 32).ok_or(None)?)
        }
    };
    let prefix = Prefix::of(address, length);
    if prefix.network() != address {
        let right = shown(prefix);
        return Err(Some(format!("has bits beyond its length (did you mean \"{right}\"?)")));
    }
    let first = address.octets()[0];
    let is_groups = (224..240).contains(&first) && length >= 4;
    let is_local = Prefix::of([224, 0, 0, 0].into(), 24).contains(address) && length >= 24;
    some(
        prefix,
        match range {
            Range::Sources => first < 224,
            Range::Groups => is_groups,
            Range::Forwarded => is_groups && !is_local,
            Range::Scopes => Scope::new(address, length).is_some(),
        },
    )
}

/// The groups of a boundary.
pub(super) fn scope(text: &str) -> Parsed<Scope> {
    let prefix = prefix(text, Range::Scopes)?;
    Scope::new(prefix.network(), prefix.length()).ok_or(None)
}

/// "239.1.1.1", "10.1.1.1, 232.1.1.1", also in parentheses and with `*` as the source.
pub(super) fn membership(text: &str) -> Parsed<Flow> {
    let inside = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let (source, group) = inside.split_once(',').unwrap_or(("*", inside));
    let group = any_address(group.trim())?;
    let flow = match source.trim() {
        "*" => Flow::any_source(group),
        source => Flow::new(address(source)?, group),
    };
    if flow.is_link_local() {
        return Err(Some("is in 224.0.0.0/24, which is never forwarded".into()));
    }
    some(flow, group.is_multicast())
}

/// A line of an access list: "deny 239.255.0.0/16".
pub(super) fn rule(text: &str, range: Range) -> Parsed<Rule> {
    let (permit, rest) = match text.split_once(char::is_whitespace) {
        Some(("permit", rest)) => (true, rest),
        Some(("deny", rest)) => (false, rest),
        _ => (true, text),
    };
    Ok(Rule { permit, prefix: prefix(rest.trim(), range)? })
}

/// The access list with these lines. An address that no line matches is permitted only if no
/// line permits anything.
pub(super) fn access_list(rules: Vec<Rule>) -> AccessList {
    let otherwise = !rules.iter().any(|rule| rule.permit);
    AccessList { rules, otherwise }
}

/// A prefix as it is written.
pub(super) fn shown(prefix: Prefix) -> String {
    format!("{}/{}", prefix.network(), prefix.length())
}

fn some<T>(value: T, valid: bool) -> Parsed<T> {
    if valid {
        Ok(value)
    } else {
        Err(None)
    }
}
