//! What a line of the log looks like.

use crate::config::LogLevel;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::time::SystemTime;

/// The longest line, with its line feed. A pipe accepts up to 4,096 bytes as one piece, so lines of
/// several programs do not mix.
const LONGEST: usize = 4_000;

/// The properties of stderr on which the style depends.
#[derive(Debug, Default)]
pub struct Target {
    /// The device and the inode of stderr, as JOURNAL_STREAM names them: "8:1234".
    pub stream: String,
    pub is_terminal: bool,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// With the priority in front, which the journal removes (sd-daemon(3)). It adds the time.
    Journal,
    /// For a person at a terminal: without the time, and with colours if the terminal has
    /// them.
    Terminal { colours: bool },
    /// With the time in UTC and the level.
    Plain,
}

impl Style {
    /// The style for stderr and the environment.
    pub fn of(target: &Target) -> Style {
        Style::chosen(target, |name| std::env::var_os(name))
    }

    fn chosen<T: AsRef<OsStr>>(target: &Target, variable: impl Fn(&str) -> Option<T>) -> Style {
        let is = |name, value: &str| variable(name).is_some_and(|v| v.as_ref() == value);
        // The variable alone is not enough: programs that the service starts inherit it, and a
        // person may have sent stderr to a file.
        if !target.stream.is_empty() && is("JOURNAL_STREAM", &target.stream) {
            return Style::Journal;
        }
        if !target.is_terminal {
            return Style::Plain;
        }
        // https://no-color.org: an empty NO_COLOR does not count.
        let refused = variable("NO_COLOR").is_some_and(|v| !v.as_ref().is_empty());
        Style::Terminal { colours: !refused && !is("TERM", "dumb") }
    }

    /// A line, with its line feed.
    pub fn line(self, level: LogLevel, text: &str) -> Vec<u8> {
        let (before, after) = match self {
            Style::Journal => (format!("<{}>", priority(level)), ""),
            Style::Terminal { colours } => terminal(level, colours),
            Style::Plain => {
                let time = humantime::format_rfc3339_millis(SystemTime::now());
                (format!("{time} {}: ", word(level)), "")
            }
        };
        let mut line = before;
        line.push_str(&printable(text));
        let room = LONGEST - after.len() - "…\n".len();
        if line.len() > room {
            let end = (0..=room).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            line.truncate(end);
            line.push('…');
        }
        line.push_str(after);
        line.push('\n');
        line.into_bytes()
    }
}

/// What encloses a text on a terminal. Messages for operators have no word in front.
fn terminal(level: LogLevel, colours: bool) -> (String, &'static str) {
    let word = match level {
        LogLevel::Info => String::new(),
        level => format!("{}: ", word(level)),
    };
    if !colours {
        return (word, "");
    }
    match level {
        LogLevel::Error => (format!("\x1b[1;31m{word}\x1b[0m"), ""),
        LogLevel::Warn => (format!("\x1b[1;33m{word}\x1b[0m"), ""),
        LogLevel::Debug | LogLevel::Trace => (format!("\x1b[2m{word}"), "\x1b[0m"),
        LogLevel::Info | LogLevel::Off => (word, ""),
    }
}

/// The priority of the journal (syslog(3)).
fn priority(level: LogLevel) -> u8 {
    match level {
        LogLevel::Off | LogLevel::Error => 3,
        LogLevel::Warn => 4,
        LogLevel::Info => 6,
        LogLevel::Debug | LogLevel::Trace => 7,
    }
}

fn word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Off | LogLevel::Error => "error",
        LogLevel::Warn => "warning",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    }
}

/// Escapes the characters that a terminal would obey or that would break a line. Names of hosts,
/// files and interfaces come from outside.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Line ends of Unicode, and marks that reverse the direction of a text.
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                write!(out, "\\u{{{:x}}}", u32::from(c)).expect("a string takes all");
            }
            c if c.is_control() => {
                write!(out, "\\x{:02x}", u32::from(c)).expect("a string takes all");
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(stream: &str, is_terminal: bool, variables: &[(&str, &str)]) -> Style {
        let target = Target { stream: stream.into(), is_terminal };
        Style::chosen(&target, |name| {
            variables.iter().find(|(of, _)| *of == name).map(|(_, value)| *value)
        })
    }

    fn said(style: Style, level: LogLevel, text: &str) -> String {
        String::from_utf8(style.line(level, text)).unwrap()
    }

    #[test]
    fn stderr_is_the_journal_only_if_the_variable_names_it() {
        let journal = [("JOURNAL_STREAM", "8:1234")];
        assert_eq!(style("8:1234", false, &journal), Style::Journal);
        assert_eq!(style("8:1235", false, &journal), Style::Plain);
        assert_eq!(style("8:1234", false, &[]), Style::Plain);
        assert_eq!(style("", false, &[("JOURNAL_STREAM", "")]), Style::Plain);
    }

    #[test]
    fn a_terminal_has_colours_unless_the_user_refuses_them() {
        let colours = |variables| style("8:1", true, variables);
        assert_eq!(colours(&[]), Style::Terminal { colours: true });
        assert_eq!(colours(&[("NO_COLOR", "")]), Style::Terminal { colours: true });
        assert_eq!(colours(&[("NO_COLOR", "1")]), Style::Terminal { colours: false });
        assert_eq!(colours(&[("TERM", "dumb")]), Style::Terminal { colours: false });
        assert_eq!(colours(&[("TERM", "xterm")]), Style::Terminal { colours: true });
    }

    #[test]
    fn the_journal_gets_priorities() {
        let levels = [
            (LogLevel::Error, "<3>x\n"),
            (LogLevel::Warn, "<4>x\n"),
            (LogLevel::Info, "<6>x\n"),
            (LogLevel::Debug, "<7>x\n"),
            (LogLevel::Trace, "<7>x\n"),
        ];
        for (level, line) in levels {
            assert_eq!(said(Style::Journal, level, "x"), line);
        }
    }

    #[test]
    fn a_terminal_gets_the_level_in_its_colour() {
        let (plain, coloured) =
            (Style::Terminal { colours: false }, Style::Terminal { colours: true });
        assert_eq!(said(plain, LogLevel::Error, "x"), "error: x\n");
        assert_eq!(said(plain, LogLevel::Info, "x"), "x\n");
        assert_eq!(said(coloured, LogLevel::Error, "x"), "\x1b[1;31merror: \x1b[0mx\n");
        assert_eq!(said(coloured, LogLevel::Warn, "x"), "\x1b[1;33mwarning: \x1b[0mx\n");
        assert_eq!(said(coloured, LogLevel::Info, "x"), "x\n");
        assert_eq!(said(coloured, LogLevel::Debug, "x"), "\x1b[2mdebug: x\x1b[0m\n");
    }

    #[test]
    fn a_file_gets_time_and_level() {
        let line = said(Style::Plain, LogLevel::Warn, "eth0 is gone");
        let (time, rest) = line.split_once(' ').unwrap();
        assert_eq!(rest, "warning: eth0 is gone\n");
        let time = humantime::parse_rfc3339(time).unwrap();
        assert!(time.elapsed().unwrap().as_secs() < 60);
    }

    #[test]
    fn control_characters_are_escaped() {
        let line = said(Style::Journal, LogLevel::Info, "a\nb\t<3>\x1b[31m\0\x7f\u{9b}\u{202e}é");
        assert_eq!(line, "<6>a\\nb\\t<3>\\x1b[31m\\x00\\x7f\\x9b\\u{202e}é\n");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        for style in [Style::Journal, Style::Plain, Style::Terminal { colours: true }] {
            for before in ["", "a", "ab"] {
                let text = format!("{before}{}", "€".repeat(5_000));
                let line = said(style, LogLevel::Debug, &text);
                assert!(line.len() <= LONGEST && line.len() > LONGEST - 8, "{}", line.len());
                assert!(line.ends_with('\n') && line.contains('…'));
            }
        }
    }
}
