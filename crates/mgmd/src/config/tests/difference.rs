//! What a reload changes.

use super::valid;
use crate::config::keys::{Table, ROOT, ROUTER};
use crate::config::{Changes, Config, Pattern};

fn difference(old: &str, new: &str) -> Changes {
    Config::difference(&valid(old), &valid(new)).unwrap()
}

fn refused(old: &str, new: &str) -> String {
    Config::difference(&valid(old), &valid(new)).unwrap_err().to_string()
}

fn names(patterns: &[Pattern]) -> Vec<&str> {
    patterns.iter().map(Pattern::as_str).collect()
}

#[test]
fn the_same_file_changes_nothing() {
    let text = include_str!("../../../examples/iptv.toml");
    assert_eq!(difference(text, text), Changes::default());
    // Other words for the same.
    assert_eq!(difference("", "[router]\nforwarder = \"kernel\"\ntable = 0\n"), Changes::default());
}

#[test]
fn what_needs_a_restart_is_refused_as_a_whole_and_named() {
    let new =
        "[router]\ntable = 7\nmax-flows = 5\nlog-level = \"off\"\n[[module]]\npath = \"/a\"\n";
    assert_eq!(
        refused("", new),
        "a reload cannot change router.table, router.max-flows, module, so nothing was changed: \
         restart mgmd"
    );
}

/// The keys that the manual says need a restart are those that are refused.
#[test]
fn each_key_of_the_router_changes_or_is_refused() {
    for (key, value) in [
        ("forwarder", "\"memory\""),
        ("table", "1"),
        ("unicast-table", "1"),
        ("mfe-timeout", "\"1s\""),
        ("max-flows", "1"),
        ("max-igmp-entries", "1"),
        ("clients", "\"/a\""),
        ("daemons", "true"),
        ("daemons-address", "\"169.254.9.1\""),
        ("clients-owner", "\"pim\""),
        ("clients-group", "\"pim\""),
        ("clients-mode", "\"0666\""),
        ("max-clients", "1"),
        ("max-clients-per-user", "1"),
        ("answer-timeout", "\"2s\""),
        ("control", "\"/a\""),
        ("log-level", "\"trace\""),
    ] {
        let new = valid(&format!("[router]\n{key} = {value}\n"));
        let result = Config::difference(&Config::default(), &new);
        if ROUTER.key(key).unwrap().reload {
            assert_ne!(result, Ok(Changes::default()), "{key}");
            assert!(result.is_ok(), "{key}");
        } else {
            assert_eq!(result.unwrap_err().keys, [format!("router.{key}")], "{key}");
        }
    }
    let fixed = |table: &Table| table.keys.iter().filter(|key| !key.reload).count();
    let all: Vec<usize> = ROOT.all().into_iter().map(fixed).collect();
    // The list of modules, [router], nothing of the others, and the keys of a module.
    assert_eq!(all, [1, 7, 0, 0, 0, 0, 0, 2]);
}

#[test]
fn interfaces_come_go_and_change() {
    let old =
        "[[interface]]\nname = \"a\"\n[[interface]]\nname = \"b\"\n[[interface]]\nname = \"c*\"\n";
    let new = "[[interface]]\nname = \"d\"\n[[interface]]\nname = \"b\"\nigmp = {}\n\
               [[interface]]\nname = \"c*\"\n";
    let changes = difference(old, new);
    assert_eq!(names(&changes.interfaces_added), ["d"]);
    assert_eq!(names(&changes.interfaces_removed), ["a"]);
    assert_eq!(names(&changes.interfaces_changed), ["b"]);
    assert!(!changes.proxies && changes.routes_added.is_empty());
}

#[test]
fn a_route_that_changes_is_removed_and_added() {
    let route = |to| format!("[[route]]\nfrom = \"a\"\ngroup = \"239.1.1.1\"\nto = [\"{to}\"]\n");
    let changes = difference(&route("b"), &route("c"));
    assert_eq!(names(&changes.routes_added[0].to), ["c"]);
    assert_eq!(names(&changes.routes_removed[0].to), ["b"]);
    assert!(difference(&route("b"), &(route("b") + &route("c").replace("1.1.1", "1.1.2")))
        .routes_removed
        .is_empty());
}

#[test]
fn a_proxy_changes() {
    let proxy = "[[proxy]]\nupstream = \"a\"\ndownstream = [\"b\"]\n";
    let other = proxy.replace("\"a\"", "\"c\"");
    assert!(difference(proxy, &(proxy.to_string() + "forward-up = false\n")).proxies);
    // The order of proxies matters.
    let (one, two) = (proxy.to_string() + &other, other + proxy);
    assert!(difference(&one, &two).proxies);
}
