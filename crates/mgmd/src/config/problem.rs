//! The errors in a file, with their places.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Further problems are only counted, because the first ones usually cause
/// them.
const MOST: usize = 100;

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line and column, from 1, in characters; none if it is about the whole file.
    pub place: Option<(usize, usize)>,
    /// The key, with the tables around it: "interface.igmp.version". Empty if there is none.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub text: String,
}

impl Problem {
    /// A problem of a whole file.
    #[must_use]
    pub fn of_file(file: &Path, text: String) -> Problem {
        Problem { file: file.into(), place: None, key: String::new(), text }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        write!(f, " {}", self.text)
    }
}

/// The text of a file, and its problems so far.
pub(super) struct FileText<'a> {
    path: &'a Path,
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
    /// The lines that are not valid TOML. The parser may have misunderstood them.
    broken: RefCell<BTreeSet<usize>>,
    /// Whether one of these lines is the header of a table. Keys may then be in a wrong
    /// table.
    broken_header: Cell<bool>,
}

impl<'a> FileText<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> FileText<'a> {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        FileText {
            path,
            text,
            lines: std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect(),
            problems: RefCell::default(),
            broken: RefCell::default(),
            broken_header: Cell::default(),
        }
    }

    /// The line, from 1, and the column of an octet.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|begin| *begin <= at).max(1);
        let before = self.text.get(self.lines[line - 1]..at).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// A range of the text, as a message shows it: one line, shortened if it is long.
    pub(super) fn shown(&self, range: Range<usize>) -> String {
        const LONGEST: usize = 40;
        let text = self.text.get(range).unwrap_or_default();
        let mut shown: String = text.chars().take(LONGEST + 1).map(printable).collect();
        if shown.chars().count() > LONGEST {
            shown = shown.chars().take(LONGEST - 1).chain(['…']).collect();
        }
        shown
    }

    /// Adds a problem, unless its line is not valid TOML.
    pub(super) fn problem(&self, at: usize, key: &str, text: String) {
        let place = self.place(at);
        if !self.broken.borrow().contains(&place.0) {
            self.push(Some(place), key.into(), text);
        }
    }

    /// Adds that something is missing, unless it may be in a line that is not
    /// valid TOML.
    pub(super) fn missing(&self, at: usize, key: &str, text: String) {
        if self.broken.borrow().is_empty() {
            self.problem(at, key, text);
        }
    }

    /// Adds that a key is unknown, unless it may belong to another table.
    pub(super) fn unknown(&self, at: usize, key: &str, text: String) {
        if !self.broken_header.get() {
            self.problem(at, key, text);
        }
    }

    /// Adds the errors of TOML itself, at most one for each line.
    pub(super) fn syntax(&self, errors: &[toml::de::Error]) {
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let place = self.place(span.start);
            if !self.broken.borrow_mut().insert(place.0) {
                continue;
            }
            if error.message() == "duplicate key" {
                let key = self.shown(span);
                let text = "is here for the second time: remove one of the two".to_string();
                self.push(Some(place), key, text);
            } else {
                let text = self.no_toml(span.start, error.message());
                self.push(Some(place), self.key_of_line(place.0), text);
            }
            let header = self.text[self.lines[place.0 - 1]..].trim_start().starts_with('[');
            self.broken_header.set(self.broken_header.get() || header);
        }
    }

    /// Why the text at a place is not valid TOML. The message of the parser is replaced for a
    /// value without quotes, because it speaks of floating-point numbers.
    fn no_toml(&self, at: usize, message: &str) -> String {
        let rest = self.text.get(at..).unwrap_or_default().lines().next().unwrap_or_default();
        let end = rest.find([',', '#', ']', '}', ' ']).unwrap_or(rest.len());
        let is_value = message.contains("must be quoted") || message.contains("invalid float");
        match rest[..end].trim() {
            "" if is_value => "has no value: use KEY = VALUE".into(),
            word if is_value => {
                let word = self.shown(at..at + word.len());
                format!("{word} is not valid: use double quotes for strings, as in \"{word}\"")
            }
            _ => format!("{message}: use TOML, KEY = VALUE or a table in brackets"),
        }
    }

    /// What is before the equals sign of a line, if it looks like a key.
    fn key_of_line(&self, line: usize) -> String {
        let from = self.lines[line - 1];
        let text = self.text[from..].lines().next().unwrap_or_default();
        let key = text.split('=').next().unwrap_or_default().trim();
        let is_key = text.contains('=')
            && (1..=40).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if is_key {
            key.into()
        } else {
            String::new()
        }
    }

    fn push(&self, place: Option<(usize, usize)>, key: String, text: String) {
        let file = self.path.into();
        self.problems.borrow_mut().push(Problem { file, place, key, text });
    }

    /// All problems in the order of the lines.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.place);
        let more = problems.len().saturating_sub(MOST);
        if more > 0 {
            problems.truncate(MOST);
            problems.push(Problem::of_file(self.path, format!("{more} more errors")));
        }
        problems
    }
}

/// A character that a terminal shows as it is.
fn printable(c: char) -> char {
    if c.is_control() {
        ' '
    } else {
        c
    }
}
