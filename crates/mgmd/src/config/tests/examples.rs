//! The example files, and the manual page.

use crate::config::keys::{Kind, ROOT};
use crate::manual;
use std::path::PathBuf;

fn in_crate(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn each_example_is_valid() {
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(in_crate("examples")).unwrap() {
        let path = entry.unwrap().path();
        let config = crate::config::Config::load(&path);
        assert!(config.is_ok(), "{config:?}");
        names.push(path.file_name().unwrap().to_string_lossy().into());
    }
    names.sort();
    assert_eq!(names, ["campus.toml", "iptv.toml", "static.toml"]);
}

/// A comment of the example, and the description of `leave`, name these times.
#[test]
fn the_comment_about_tracked_hosts_names_the_real_times() {
    let path = in_crate("examples/iptv.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let config = crate::config::Config::load(&path).unwrap();
    let igmp = config.link("wlan0").unwrap().igmp.unwrap();
    let minutes = igmp.intervals().group_membership as f64 / 60_000.0;
    let seconds = igmp.last_member_time() as f64 / 1_000.0;
    assert!(text.contains(&format!("For {minutes} minutes after a start")));
    assert!(text.contains(&format!("for {seconds} seconds.")));
    assert!(manual::page().contains(&format!("({minutes} minutes with the default times)")));
}

/// The file that the package installs.
#[test]
fn the_installed_file_configures_nothing() {
    let config = crate::config::Config::load(&in_crate("service/mgmd.toml")).unwrap();
    assert_eq!(config, crate::config::Config::default());
}

/// Its comments are an example, too.
#[test]
fn the_installed_file_is_an_example_without_its_comment_marks() {
    let text = std::fs::read_to_string(in_crate("service/mgmd.toml")).unwrap();
    let keys = text.lines().filter_map(|line| {
        line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).or(Some(line))
    });
    let text: Vec<&str> = keys.filter(|line| !line.starts_with('#')).collect();
    let config = crate::config::Config::parse("mgmd.toml".as_ref(), &text.join("\n")).unwrap();
    assert_eq!((config.interfaces.len(), config.proxies.len()), (1, 1));
}

#[test]
fn the_committed_page_is_the_generated_one() {
    let path = in_crate("../../man/man5/mgmd.toml.5");
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(committed == manual::page(), "man/man5/mgmd.toml.5 is outdated: run `make man`");
}

#[test]
fn the_names_of_keys_are_sorted_out() {
    for table in ROOT.all() {
        let mut names: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), table.keys.len(), "{}", table.path);
        for key in table.keys {
            assert!(key.about.ends_with('.') && key.about.matches('`').count() % 2 == 0, "{key:?}");
            assert!(!matches!(key.kind, Kind::Number(least, most) if least >= most));
        }
    }
}
