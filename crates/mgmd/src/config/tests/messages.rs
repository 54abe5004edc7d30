//! Each message of the parser, word by word.

use super::errors;
use super::messages_table::CASES;

#[test]
fn each_message() {
    for (text, expected) in CASES {
        assert_eq!(errors(text), [*expected], "{text}");
    }
}

#[test]
fn all_errors_of_a_file_at_once_in_the_order_of_its_lines() {
    let text = "[[route]]\ngroup = \"10.1.1.1\"\n[router]\ntable = -1\nclients = 7\n";
    let lines: Vec<String> = errors(text).iter().map(|line| line[..10].into()).collect();
    assert_eq!(lines, ["a.toml:1:1", "a.toml:1:1", "a.toml:2:9", "a.toml:4:9", "a.toml:5:1"]);
}

#[test]
fn columns_count_characters() {
    let text = "[[module]]\n\"päth\" = 1\npath = \"/ä\" # ä\nargs=[\"ä\"]";
    let problems = super::parse(text).unwrap_err();
    let places: Vec<_> = problems.iter().map(|problem| problem.place.unwrap()).collect();
    assert_eq!(places, [(2, 1), (4, 6)]);
}

#[test]
fn no_more_than_100_errors_are_listed() {
    let text = "[[module]]\n".repeat(250);
    let errors = errors(&text);
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[100], "a.toml: 150 more errors");
}

#[test]
fn a_line_that_is_no_toml_hides_no_error_of_other_lines() {
    let lines = errors("[router]\ntable = \nmax-flows = 0\n");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("a.toml:2:"), "{lines:?}");
    assert!(lines[1].starts_with("a.toml:3:13: router.max-flows: 0 is not valid"), "{lines:?}");
}
