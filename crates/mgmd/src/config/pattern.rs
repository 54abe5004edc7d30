//! Names of interfaces, and patterns of them.

use std::fmt;

/// The longest name of an interface in bytes (IFNAMSIZ without its zero).
const LONGEST_NAME: usize = 15;

/// The name of an interface, or a pattern in which `*` stands for any characters and `?` for
/// one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// The pattern, if an interface can have such a name.
    #[must_use]
    pub fn new(text: &str) -> Option<Pattern> {
        let valid = (1..=LONGEST_NAME).contains(&text.len())
            && !matches!(text, "." | "..")
            && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '/' | ':'));
        valid.then(|| Pattern(text.into()))
    }

    /// The text in the file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a name, without `*` and `?`.
    #[must_use]
    pub fn is_name(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// Whether it matches an interface of this name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<Token> = name.chars().map(Token::Just).collect();
        overlap(&self.tokens(), &name)
    }

    /// Whether there is a name that both match.
    #[must_use]
    pub fn overlaps(&self, other: &Pattern) -> bool {
        overlap(&self.tokens(), &other.tokens())
    }

    fn tokens(&self) -> Vec<Token> {
        let token = |c| match c {
            '*' => Token::Many,
            '?' => Token::One,
            c => Token::Just(c),
        };
        self.0.chars().map(token).collect()
    }
}

/// A part of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    /// This character.
    Just(char),
    /// Any character.
    One,
    /// Any number of characters.
    Many,
}

impl Token {
    /// Whether there is a character that both match. Neither is
    /// [`Token::Many`].
    fn meets(self, other: Token) -> bool {
        self == other || self == Token::One || other == Token::One
    }
}

/// Whether there is a name that both patterns match. A row of the table has the results for one
/// remainder of the first pattern and all remainders of the second.
fn overlap(one: &[Token], two: &[Token]) -> bool {
    let mut below = vec![false; two.len() + 1];
    for i in (0..=one.len()).rev() {
        let mut row = vec![false; two.len() + 1];
        for j in (0..=two.len()).rev() {
            let (less_of_one, less_of_two) =
                (i < one.len() && below[j], j < two.len() && row[j + 1]);
            row[j] = match (one.get(i), two.get(j)) {
                (None, None) => true,
                // Either `*` matches nothing more, or it matches one more token of the other
                // pattern.
                (Some(Token::Many), _) | (_, Some(Token::Many)) => less_of_one || less_of_two,
                (Some(a), Some(b)) => a.meets(*b) && below[j + 1],
                _ => false,
            };
        }
        below = row;
    }
    below[0]
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    #[test]
    fn names_that_interfaces_can_have() {
        for valid in ["eth0", "wlan*", "br-lan.10", "a", "veth?", "fifteen-letters"] {
            assert!(Pattern::new(valid).is_some(), "{valid}");
        }
        for invalid in ["", ".", "..", "a/b", "eth 0", "eth0:1", "sixteen-letters-", "a\n"] {
            assert!(Pattern::new(invalid).is_none(), "{invalid}");
        }
    }

    #[test]
    fn a_pattern_matches_whole_names() {
        for (text, name, expected) in [
            ("eth0", "eth0", true),
            ("eth0", "eth01", false),
            ("eth*", "eth", true),
            ("eth*", "eth0.10", true),
            ("eth*", "veth0", false),
            ("*", "lo", true),
            ("e?h0", "eth0", true),
            ("eth?", "eth", false),
            ("*.10", "eth0.10", true),
            ("*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(pattern(text).matches(name), expected, "{text} {name}");
        }
    }

    #[test]
    fn patterns_overlap_if_a_name_matches_both() {
        for (one, two, expected) in [
            ("eth0", "eth0", true),
            ("eth0", "eth1", false),
            ("eth*", "*0", true),
            ("eth*", "wlan*", false),
            ("eth?", "eth*", true),
            ("eth?", "eth??", false),
            ("*", "eth?", true),
            ("a*", "*", true),
        ] {
            assert_eq!(pattern(one).overlaps(&pattern(two)), expected, "{one} {two}");
            assert_eq!(pattern(two).overlaps(&pattern(one)), expected, "{two} {one}");
        }
    }
}
