//! Writes mgmd.toml(5). The reference of the keys comes from the tables that the parser
//! uses.

use crate::config::keys::{Default, Key, Kind, Table, ROOT};

/// The page without the reference and the example.
const FRAME: &str = include_str!("../mgmd.toml.5.in");
/// The example in the page.
const EXAMPLE: &str = include_str!("../examples/iptv.toml");

/// The whole page, in the language of man(7).
#[must_use]
pub fn page() -> String {
    let reference: String = ROOT.all().into_iter().skip(1).map(table).collect();
    let example: String = EXAMPLE.lines().map(|line| literal(line) + "\n").collect();
    FRAME
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@REFERENCE@\n", &reference)
        .replace("@EXAMPLE@\n", &example)
}

fn table(table: &Table) -> String {
    let keys: String = table.keys.iter().map(|key| entry(table, key)).collect();
    format!(".SS {}\n{}\n{keys}", literal(table.header), text(table.about))
}

fn entry(table: &Table, key: &Key) -> String {
    let default = match key.default {
        Default::Required => "Required.".into(),
        Default::Value(value) => format!("Default: {}.", literal(value)),
        Default::Words(words) => format!("Default: {}.", text(words)),
    };
    let restart =
        if key.reload || table.path == "module" { "" } else { " A change needs a restart." };
    format!(
        ".TP\n.B {}\n{}\n.br\n{}\n.br\n{default}{restart}\n",
        literal(key.name),
        text(key.about),
        values(key.kind)
    )
}

/// The line about the values of a key: "Value: …".
fn values(kind: Kind) -> String {
    let allowed = literal(&kind.allowed());
    if kind.is_list() {
        format!("Value: a list; each element is {allowed}.")
    } else {
        format!("Value: {allowed}.")
    }
}

/// A text that is printed as it is.
fn literal(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            '"' => out.push_str("\\(dq"),
            '…' => out.push_str("..."),
            c => out.push(c),
        }
    }
    // A dot at the begin of a line would be a request.
    if out.starts_with('.') {
        format!("\\&{out}")
    } else {
        out
    }
}

/// A text in which backquotes enclose keys and values, as in the
/// file.
fn text(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(n, part)| {
        if n % 2 == 1 {
            format!("\\fB{}\\fP", literal(part))
        } else {
            prose(part)
        }
    });
    parts.collect()
}

/// Prose, in which hyphens are not minus signs.
fn prose(text: &str) -> String {
    literal(text).replace("\\-", "-")
}
