//! The example files, and the manual page.

use super::valid;
use crate::config::keys::{Default, Kind, ROOT};
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

#[test]
fn the_committed_page_is_the_generated_one() {
    let path = in_crate("../../man/man5/mgmd.toml.5");
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(committed == manual::page(), "man/man5/mgmd.toml.5 is outdated: run `make man`");
}

/// Each default that is written as a value is one that the file may contain, and is what holds
/// without the key.
#[test]
fn a_file_with_all_defaults_is_the_same_as_one_without() {
    let required = |path: &str| match path {
        "interface" => "name = \"eth0\"\nigmp = {}\n",
        "interface.igmp" => "name = \"eth0\"\n",
        "proxy" => "upstream = \"eth0\"\ndownstream = [\"eth1\"]\n",
        "route" => "from = \"eth0\"\ngroup = \"239.1.1.1\"\nto = [\"eth1\"]\n",
        "module" => "path = \"/a.so\"\n",
        _ => "",
    };
    let mut compared = 0;
    for table in ROOT.all().into_iter().skip(1) {
        for key in table.keys {
            let (before, prefix) = match table.path {
                "router" => ("[router]\n".to_string(), ""),
                "interface.igmp" => (format!("[[interface]]\n{}", required(table.path)), "igmp."),
                path => (format!("[[{path}]]\n{}", required(path)), ""),
            };
            let Default::Value(value) = key.default else { continue };
            let with = valid(&format!("{before}{prefix}{} = {value}\n", key.name));
            let mut without = valid(&if prefix.is_empty() {
                before.clone()
            } else {
                format!("{before}igmp = {{}}\n")
            });
            if let Some(interface) = without.interfaces.first_mut() {
                interface.version_is_set |= key.name == "version";
            }
            assert_eq!(with, without, "{} {}", table.path, key.name);
            compared += 1;
        }
    }
    assert!(compared > 30, "{compared}");
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

/// What the crate of IGMP would refuse never gets there.
#[test]
fn the_bounds_of_igmp_are_those_of_its_crate() {
    let interface = mgm_types::Interface::link(1);
    for key in crate::config::keys::IGMP.keys {
        let values = match key.kind {
            Kind::Number(least, most) => [least.to_string(), most.to_string()],
            Kind::Duration(least, most, _) => {
                [least, most].map(|time| format!("\"{}\"", crate::config::keys::duration(time)))
            }
            _ => continue,
        };
        for value in values {
            // One of the two is at its bound, so the other must be out of the way.
            let other = match key.name {
                "query-interval" => "query-response-interval = \"100ms\"",
                "query-response-interval" => "query-interval = \"31744s\"",
                _ => "",
            };
            let text = format!(
                "[[interface]]\nname = \"a\"\n[interface.igmp]\n{} = {value}\n{other}\n",
                key.name
            );
            let Ok(config) = super::parse(&text) else {
                assert_eq!((key.name, value.as_str()), ("query-interval", "\"100ms\""));
                continue;
            };
            let igmp = config.interfaces[0].igmp.as_ref().unwrap();
            assert_eq!(igmp.check(interface), Ok(()), "{text}");
        }
    }
}
