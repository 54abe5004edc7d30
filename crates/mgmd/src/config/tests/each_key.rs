//! What holds for each key of each table.

use super::{errors, parse, valid};
use crate::config::keys::{duration, Default, Key, Kind, Table, IGMP, ROOT};

/// The tables that are in files, and their keys.
fn each() -> impl Iterator<Item = (&'static Table, &'static Key)> {
    let tables = ROOT.all().into_iter().skip(1);
    tables.flat_map(|table| table.keys.iter().map(move |key| (table, key)))
}

/// A file with a table, and the line with this key.
fn file(table: &Table, key: &str, line: &str) -> String {
    let required = match table.path {
        "interface" | "interface.igmp" => "name = \"eth0\"\n",
        "proxy" => "upstream = \"eth0\"\ndownstream = [\"eth1\"]\n",
        "route" => "from = \"eth0\"\ngroup = \"239.1.1.1\"\nto = [\"eth1\"]\n",
        "client" => "user = \"pim\"\n",
        "module" => "path = \"/a.so\"\n",
        _ => "",
    };
    let others = required.lines().filter(|line| !line.starts_with(&format!("{key} =")));
    let others: String = others.map(|line| format!("{line}\n")).collect();
    match table.path {
        "router" => format!("[router]\n{line}"),
        "interface.igmp" => format!("[[interface]]\n{required}[interface.igmp]\n{line}"),
        path => format!("[[{path}]]\n{others}{line}"),
    }
}

/// What is written as the default holds without the key.
#[test]
fn a_default_changes_nothing() {
    let mut compared = 0;
    for (table, key) in each() {
        let Default::Value(value) = key.default else { continue };
        let with = valid(&file(table, key.name, &format!("{} = {value}\n", key.name)));
        let mut without = valid(&file(table, key.name, ""));
        if let Some(interface) = without.interfaces.first_mut() {
            interface.version_is_set |= key.name == "version";
        }
        assert_eq!(with, without, "{} {}", table.path, key.name);
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

#[test]
fn a_value_of_a_wrong_type_is_refused_with_what_is_allowed() {
    for (table, key) in each() {
        let lines = errors(&file(table, key.name, &format!("{} = 1979-05-27\n", key.name)));
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert!(line.contains(&format!(" {}.{}: 1979-05-27 ", table.path, key.name)), "{line}");
        assert!(line.contains("use ") && line.contains(&key.kind.allowed()), "{line}");
    }
}

#[test]
fn a_key_that_is_there_twice_is_refused() {
    for (table, key) in each() {
        let line = format!("{} = 1979-05-27\n", key.name);
        let lines = errors(&file(table, key.name, &(line.clone() + &line)));
        let second = format!("{}: is here for the second time: remove one of the two", key.name);
        assert!(lines.iter().any(|line| line.ends_with(&second)), "{lines:?}");
    }
}

#[test]
fn a_required_key_that_is_missing_is_named_with_what_is_allowed() {
    let mut missing = 0;
    for (table, key) in each().filter(|(_, key)| key.default == Default::Required) {
        let lines = errors(&file(table, key.name, ""));
        let [line] = &lines[..] else { panic!("{lines:?}") };
        let expected = format!("a.toml:1:1: {}.{}: is missing: use ", table.path, key.name);
        assert!(line.starts_with(&expected) && line.ends_with(&key.kind.allowed()), "{line}");
        missing += 1;
    }
    assert_eq!(missing, 8);
}

#[test]
fn a_slip_in_a_key_is_recognised() {
    for (table, key) in each().filter(|(_, key)| key.name.len() > 5) {
        let slip = format!("{}{}", &key.name[..2], &key.name[3..]);
        let lines = errors(&file(table, "", &format!("{slip} = 1\n")));
        let expected = format!("{}.{slip}: unknown key: did you mean {}?", table.path, key.name);
        assert!(lines.iter().any(|line| line.ends_with(&expected)), "{lines:?}");
    }
}

/// What the crate of IGMP would refuse never gets there.
#[test]
fn the_bounds_of_igmp_are_those_of_its_crate() {
    let interface = mgm_types::Interface::link(1);
    for key in IGMP.keys {
        let values = match key.kind {
            Kind::Number(least, most) => [least.to_string(), most.to_string()],
            Kind::Duration(least, most, _) => {
                [least, most].map(|time| format!("\"{}\"", duration(time)))
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
            let Ok(config) = parse(&text) else {
                assert_eq!((key.name, value.as_str()), ("query-interval", "\"100ms\""));
                continue;
            };
            let igmp = config.interfaces[0].igmp.as_ref().unwrap();
            assert_eq!(igmp.check(interface), Ok(()), "{text}");
        }
    }
}
