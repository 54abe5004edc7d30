//! Words of a shell's command line. No I/O here.

/// The text as one word for a shell.
pub fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unusual_texts_are_quoted() {
        let cases = [
            ("eth0.100", "eth0.100"),
            ("/etc/mgmd/mgmd.toml", "/etc/mgmd/mgmd.toml"),
            ("", "''"),
            ("two words", "'two words'"),
            ("a;reboot", "'a;reboot'"),
            ("it's", "'it'\\''s'"),
        ];
        for (text, word) in cases {
            assert_eq!(quoted(text), word);
        }
    }
}
