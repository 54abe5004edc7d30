//! Numbers in texts.

/// "1 group", "2 groups".
#[must_use]
pub fn number(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
