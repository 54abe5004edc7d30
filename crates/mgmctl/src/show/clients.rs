//! The clients of the library.

use super::name;
use crate::table::{count, cut, list, Column, Table};
use mgm_control::clients::{Client, Clients, Process, State};
use nix::unistd::{Uid, User};

const CLIENTS: &[Column] = &[
    ("PROCESS", 16),
    ("USER", 8),
    ("IDS", 7),
    ("QUEUE", -10),
    ("ANSWERS", -13),
    ("STATE", 6),
    ("INTERFACES", 0),
];

/// How wide the last column is.
const INTERFACES: usize = 14;

/// `mgmctl clients`.
pub fn clients(answer: &Clients, is_first: bool) -> String {
    let mut table = Table::new(CLIENTS);
    if is_first {
        table.headings();
    }
    for client in &answer.clients {
        table.row(&row(client));
    }
    table.finish()
}

fn row(client: &Client) -> [String; 7] {
    let process = client.process.as_ref();
    let interfaces = client.interfaces.iter().map(|one| {
        let name = name(one.interface.as_ref(), one.index);
        one.next_hop.map_or_else(|| name.clone(), |next_hop| format!("{name}/{next_hop}"))
    });
    let interfaces: Vec<String> = interfaces.collect();
    let unacknowledged = process.map_or(0, |process| process.unacknowledged);
    [
        process.map_or_else(|| "(the router)".into(), whose),
        process.map_or_else(|| "-".into(), |process| cut(&user(process.user), 8)),
        format!("{}/{}", client.protocol, client.component),
        format!("{} + {}", count(client.waiting), count(unacknowledged)),
        process.map_or_else(|| "-".into(), latency),
        state(client).into(),
        list(&interfaces, INTERFACES),
    ]
}

/// The name and the number of a process: "pimd 812".
fn whose(process: &Process) -> String {
    let number = process.pid.to_string();
    format!("{} {number}", cut(&process.name, 15usize.saturating_sub(number.len())))
}

fn user(number: u32) -> String {
    let known = User::from_uid(Uid::from_raw(number)).ok().flatten();
    known.map_or_else(|| number.to_string(), |user| user.name)
}

/// The median and the maximum: "85us / 12.4ms".
fn latency(process: &Process) -> String {
    let Some(answers) = process.answers else { return "-".into() };
    format!("{} / {}", time(answers.median_us), time(answers.worst_us))
}

/// A time of at most 6 characters: "85us", "1.2ms", "30.0s".
fn time(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros}us"),
        1_000..100_000 => format!("{}.{}ms", micros / 1_000, micros % 1_000 / 100),
        100_000..1_000_000 => format!("{}ms", micros / 1_000),
        _ => format!("{}.{}s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

fn state(client: &Client) -> &'static str {
    match client.process.as_ref().map(|process| process.state) {
        Some(State::Absent) => "absent",
        Some(State::Grace) => "grace",
        Some(State::Ended) => "ended",
        Some(State::Active) | None if client.behind => "behind",
        Some(State::Active) | None => "ok",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let times = [0, 999, 1_000, 12_449, 99_999, 100_000, 999_999, 1_000_000, 30_050_000];
        let shown =
            ["0us", "999us", "1.0ms", "12.4ms", "99.9ms", "100ms", "999ms", "1.0s", "30.0s"];
        assert_eq!(times.map(time), shown);
    }
}
