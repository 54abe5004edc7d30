//! mgmtop and the status socket together, as an operator uses them.
#![cfg(target_os = "linux")]

use mgm::manager::{ForwarderChoice, Manager, Settings};
use std::process::{Command, Output};

fn mgmtop(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mgmtop"));
    command.args(args).env_remove("MGM_STATUS_SOCKET").output().expect("mgmtop runs")
}

#[test]
fn one_table_for_scripts() {
    let path = std::env::temp_dir().join(format!("mgm-top-{}", std::process::id()));
    let manager = Manager::new();
    let settings = Settings {
        forwarder: ForwarderChoice::Memory,
        status_socket: Some(path.clone()),
        ..Settings::default()
    };
    manager.start(&settings, None).unwrap();
    let output = mgmtop(&["--once", "--interval", "0.1", path.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(text.starts_with("mgm ") && text.contains("MFEs 0"), "{text}");
    assert!(text.contains("SOURCE"), "{text}");
    manager.stop().unwrap();

    let output = mgmtop(&["--once", path.to_str().unwrap()]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("is the router running"), "{text}");
}

#[test]
fn what_it_does_not_understand_it_says() {
    for args in [&["--often"][..], &["--interval", "0", "x"], &["a", "b"], &[]] {
        let output = mgmtop(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("--once"));
    }
    assert!(mgmtop(&["--help"]).status.success());
}
