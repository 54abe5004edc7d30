//! Tables of text that fit 80 columns.

use std::fmt::Write;

/// How wide a line may be.
pub const WIDTH: usize = 80;

/// A column: its heading and its width. A negative width aligns to the right.
pub type Column = (&'static str, i8);

/// Lines with columns of fixed width, so that all pages of a long list have the same columns. A
/// text that is too long shifts the rest of its line. The last column is cut so that the line
/// fits.
#[derive(Debug)]
pub struct Table<'a> {
    columns: &'a [Column],
    width: usize,
    text: String,
}

impl<'a> Table<'a> {
    /// An empty table.
    pub fn new(columns: &'a [Column]) -> Table<'a> {
        Table::of_width(columns, WIDTH)
    }

    /// An empty table of another width.
    pub fn of_width(columns: &'a [Column], width: usize) -> Table<'a> {
        Table { columns, width, text: String::new() }
    }

    /// Adds the headings.
    pub fn headings(&mut self) -> &mut Table<'a> {
        let headings = self.columns.iter().map(|(heading, _)| (*heading).to_owned());
        let headings: Vec<String> = headings.collect();
        self.row(&headings)
    }

    /// Adds a line with a text for each column.
    pub fn row(&mut self, texts: &[String]) -> &mut Table<'a> {
        let mut line = String::new();
        for (number, (text, (_, width))) in texts.iter().zip(self.columns).enumerate() {
            let shown = usize::from(width.unsigned_abs());
            // Strings take any text.
            let _ = match (number + 1 == self.columns.len(), *width < 0) {
                (_, true) => write!(line, "{text:>shown$} "),
                (true, false) => write!(line, "{text}"),
                (false, false) => write!(line, "{text:shown$} "),
            };
        }
        self.text.push_str(&cut(&printable(line.trim_end()), self.width));
        self.text.push('\n');
        self
    }

    /// The lines.
    pub fn finish(self) -> String {
        self.text
    }
}

/// The text without characters that a terminal would obey. The names of interfaces and files may
/// contain them.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The text, or its beginning and an ellipsis if it is longer.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.into();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Names as a list that fits: "eth1, eth2, +3".
pub fn list(names: &[String], width: usize) -> String {
    if names.is_empty() {
        return "none".into();
    }
    let whole = names.join(", ");
    if whole.chars().count() <= width {
        return whole;
    }
    for shown in (1..names.len()).rev() {
        let text = format!("{}, +{}", names[..shown].join(", "), names.len() - shown);
        if text.chars().count() <= width {
            return text;
        }
    }
    cut(&format!("{}, +{}", names[0], names.len() - 1), width)
}

/// A count in at most 6 characters: 99999, 12.3k, 4.56M.
pub fn count(number: u64) -> String {
    if number < 100_000 {
        return number.to_string();
    }
    let (mut value, mut unit) = (number as f64, "");
    for next in ["k", "M", "G", "T", "P", "E"] {
        // A value that would be rounded to 1000 uses the
        // next unit.
        if value < 999.5 {
            break;
        }
        value /= 1_000.0;
        unit = next;
    }
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$}{unit}")
}

/// A number of things, whose plural has an s: "1 group", "14 groups".
pub fn number_of(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// A time: "3.2s", "14:58", "5:03:20", "12d 3h".
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        0..60 => format!("{seconds}.{}s", milliseconds % 1_000 / 100),
        60..3_600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        3_600..172_800 => {
            format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
        }
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// A time, or a dash if there is none.
pub fn perhaps(milliseconds: Option<u64>) -> String {
    milliseconds.map_or_else(|| "-".into(), duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_short() {
        let counts = [0, 99_999, 100_000, 999_499, 999_500, 1_000_000, 45_600_000, u64::MAX];
        let shown = ["0", "99999", "100k", "999k", "1.00M", "1.00M", "45.6M", "18.4E"];
        assert_eq!(counts.map(count), shown);
        let times = [0, 3_250, 59_999, 60_000, 3_599_000, 18_200_000, 1_048_000_000];
        let shown = ["0.0s", "3.2s", "59.9s", "1:00", "59:59", "5:03:20", "12d 3h"];
        assert_eq!(times.map(duration), shown);
        assert_eq!(perhaps(None), "-");
        let shown = [0, 1, 2].map(|number| number_of(number, "group"));
        assert_eq!(shown, ["0 groups", "1 group", "2 groups"]);
    }

    #[test]
    fn lists_are_cut_to_whole_names() {
        let names: Vec<String> = (1..=5).map(|n| format!("eth{n}")).collect();
        assert_eq!(list(&names, 80), "eth1, eth2, eth3, eth4, eth5");
        assert_eq!(list(&names, 20), "eth1, eth2, eth3, +2");
        assert_eq!(list(&names, 19), "eth1, eth2, +3");
        assert_eq!(list(&names, 5), "eth1…");
        assert_eq!(list(&[], 5), "none");
    }

    #[test]
    fn lines_fit_the_terminal() {
        let mut table = Table::new(&[("NAME", 6), ("COUNT", -6), ("WHERE", 0)]);
        table.headings().row(&["a".into(), "12".into(), "x".repeat(100)]);
        let text = table.finish();
        assert!(text.starts_with("NAME    COUNT WHERE\na          12 xxx"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.ends_with("x…\n"));
        let mut narrow = Table::of_width(&[("NAME", 0)], 5);
        narrow.row(&["eth\u{1b}[2J".into()]);
        assert_eq!(narrow.finish(), "eth?…\n");
    }
}
