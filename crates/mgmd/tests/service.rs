//! The unit of systemd: what docs/service.md promises, and what systemd itself says about it.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The unit, with programs that exist.
fn unit() -> String {
    let text = read("service/mgmd.service.in");
    text.replace("@MGMD@", "/bin/true").replace("@MGMCTL@", "/bin/true")
}

/// The settings of a unit, as lines.
fn settings(unit: &str) -> Vec<&str> {
    unit.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic())).collect()
}

/// The code in a text of Markdown.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_unit_has_each_setting_that_the_page_promises() {
    let page = read("../../docs/service.md");
    let table = page.split("| setting of the unit |").nth(1).expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let unit = unit();
    let settings = settings(&unit);
    let mut promised = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        for setting in code(cells[1]) {
            let (name, value) = setting.split_once('=').expect("a setting");
            let of_unit = settings.iter().filter_map(|line| line.split_once('='));
            let mut values = of_unit.filter(|(known, _)| *known == name).map(|(_, value)| value);
            let is_there = match value {
                // The page names the values as code behind it.
                "" if name == "RestrictAddressFamilies" => {
                    let named: BTreeSet<&str> = code(cells[2]).collect();
                    values.any(|known| known.split(' ').collect::<BTreeSet<_>>() == named)
                }
                "" => values.next().is_some(),
                _ => values.any(|known| known == value),
            };
            assert!(is_there, "the unit has no {setting}: {settings:#?}");
            promised += 1;
        }
    }
    assert!(promised >= 13, "{promised}");
    // The page also says that these are not there.
    for absent in ["RuntimeDirectoryPreserve=", "PIDFile="] {
        assert!(!settings.iter().any(|line| line.starts_with(absent)), "{absent}");
    }
    let reload = "ExecReload=/bin/true reload";
    assert!(settings.contains(&reload), "{settings:#?}");
}

/// Otherwise all packets in PIM registers are lost (M55).
#[test]
fn with_daemons_the_settings_of_the_network_can_be_written() {
    let drop_in = read("service/daemons.conf");
    assert!(settings(&drop_in).contains(&"ProtectKernelTunables=no"), "{drop_in}");
}

/// Skipped with a message if systemd is not installed.
#[test]
fn systemd_accepts_the_unit_and_its_drop_ins() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("service");
    let drop_in = folder.join("mgmd.service.d");
    std::fs::create_dir_all(&drop_in).unwrap();
    let file = folder.join("mgmd.service");
    std::fs::write(&file, unit()).unwrap();
    let extra = drop_in.join("extra.conf");
    for settings in ["", &read("service/ebpf.conf"), &read("service/daemons.conf")] {
        std::fs::write(&extra, settings).unwrap();
        let Some(text) = analyze(&["verify", "--man=no"], &file) else { return };
        assert_eq!(text, "", "with {settings}");
    }
    std::fs::remove_file(&extra).unwrap();
    // At most 2.5 of 10, as the page says.
    analyze(&["security", "--offline=true", "--threshold=25"], &file).expect("it is installed");
}

/// What systemd-analyze writes to stderr about a unit; `None` if it is not installed.
fn analyze(words: &[&str], unit: &PathBuf) -> Option<String> {
    let mut command = Command::new("systemd-analyze");
    let output = match command.args(words).arg(unit).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            mgm_netns::skip("systemd-analyze is not installed");
            return None;
        }
        output => output.unwrap(),
    };
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}: {text}{report}");
    Some(text)
}
