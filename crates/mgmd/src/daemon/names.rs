//! The names of interfaces in the lines of the library's log.

/// How the library shows an interface: with its index, and sometimes with its name behind it.
const SHOWN: &str = "interface ";

/// A text of the library in which interfaces have their names: "eth0 (index 4)" instead of
/// "interface 4" or "interface 4 (eth0)". An interface whose name is unknown stays as it is.
#[must_use]
pub fn named(text: &str, name: impl Fn(u32) -> Option<String>) -> String {
    let mut parts = text.split(SHOWN);
    let mut done = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (digits, behind) = part.split_at(end);
        let is_word = !done.ends_with(|c: char| c.is_alphanumeric());
        match digits.parse().ok().filter(|_| is_word).and_then(&name) {
            Some(name) => {
                done += &format!("{name} (index {digits})");
                done += behind.strip_prefix(&format!(" ({name})")).unwrap_or(behind);
            }
            None => {
                done += SHOWN;
                done += part;
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m19_interfaces_have_their_names() {
        let name = |index| match index {
            4 => Some("eth0".to_owned()),
            12 => Some("interface 4".to_owned()),
            _ => None,
        };
        for (text, expected) in [
            ("interface 4 is back", "eth0 (index 4) is back"),
            ("on interface 4", "on eth0 (index 4)"),
            ("interface 4 (eth0): no", "eth0 (index 4): no"),
            ("interface 4 (next hop 10.0.0.1)", "eth0 (index 4) (next hop 10.0.0.1)"),
            ("interface 44 and interface 4,", "interface 44 and eth0 (index 4),"),
            ("interface 12: no", "interface 4 (index 12): no"),
            ("the interface is new", "the interface is new"),
            ("interface 99999999999", "interface 99999999999"),
            ("subinterface 4", "subinterface 4"),
            ("interface ", "interface "),
            ("interface interface 4", "interface eth0 (index 4)"),
            ("", ""),
        ] {
            assert_eq!(named(text, name), expected);
        }
    }
}
