//! The answers of a router as text for people.

mod clients;
mod explain;
mod flows;
mod igmp;
mod lists;
mod whole;

pub use explain::explanation;
pub use flows::Watch;
pub use whole::{head, library};

use mgm_control::changes::{LogLevelChanged, MembershipChanged, Reloaded};
use mgm_control::explain::Explanation;
use mgm_control::{Request, Versioned};
use serde::de::DeserializeOwned;

/// The text for an answer. `is_first` is false for the second page of a list and later
/// ones.
///
/// # Errors
/// The answer lacks members that this version of mgmctl needs.
pub fn answer(request: &Request, json: &str, is_first: bool) -> serde_json::Result<String> {
    Ok(match request {
        Request::Status => whole::status(&read(json)?),
        Request::Interfaces(_) => lists::interfaces(&read(json)?, is_first),
        Request::Igmp(query) if query.interface.is_some() => igmp::details(&read(json)?),
        Request::Igmp(_) => igmp::links(&read(json)?, is_first),
        Request::Groups(query) => lists::groups(&read(json)?, query.hosts, is_first),
        Request::Flows(_) => flows::flows(&read(json)?, is_first),
        Request::Clients(_) => clients::clients(&read(json)?, is_first),
        Request::Explain(_) => {
            let all: Explanation = read(json)?;
            explanation(&all, &all.verdict)?
        }
        Request::Proxies => whole::proxies(&read(json)?),
        Request::Routes => whole::routes(&read(json)?),
        Request::Join(_) => membership(&read(json)?, "added", "was there already"),
        Request::Leave(_) => membership(&read(json)?, "removed", "was not there"),
        Request::Reload => reloaded(&read(json)?),
        Request::LogLevel(_) => log_level(&read(json)?),
    })
}

fn read<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    Ok(serde_json::from_str::<Versioned<T>>(json)?.answer)
}

fn membership(answer: &MembershipChanged, done: &str, not_done: &str) -> String {
    let membership = &answer.membership;
    let source = membership.source.map_or_else(|| "*".into(), |source| source.to_string());
    let what = if answer.changed { done } else { not_done };
    format!("{}: ({source}, {}) {what}\n", membership.interface, membership.group)
}

fn reloaded(answer: &Reloaded) -> String {
    if answer.changes.is_empty() {
        return format!("{}: nothing has changed\n", answer.file);
    }
    let changes = answer.changes.iter().map(|change| format!("  {change}\n"));
    format!("{}: reloaded\n{}", answer.file, changes.collect::<String>())
}

fn log_level(answer: &LogLevelChanged) -> String {
    format!("log level: {} (was {})\n", answer.level.name(), answer.before.name())
}

/// A name, or the index of an interface without one.
fn name(name: Option<&String>, index: u32) -> String {
    name.cloned().unwrap_or_else(|| format!("#{index}"))
}

#[cfg(test)]
mod tests;
