//! The program and a control socket together, as an operator uses them.
#![cfg(unix)]

use mgm_control::http::{failure_reply, read_request, reply, Ending, HttpRequest};
use mgm_control::request::{GroupsQuery, Request};
use mgm_control::{ErrorCode, Failure};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

fn some_path() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("mgmctl-{}-{number}", std::process::id()))
}

/// An mgmd that answers every request with what the tests say. It runs until the test ends.
fn router(answer: impl Fn(&Request) -> Result<String, Failure> + Send + 'static) -> PathBuf {
    let path = some_path();
    let listener = UnixListener::bind(&path).expect("a socket");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            serve(stream, &answer);
        }
    });
    path
}

fn serve(mut stream: UnixStream, answer: &impl Fn(&Request) -> Result<String, Failure>) {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        bytes.extend_from_slice(&piece[..count]);
        while let Some(http) = read_request(&bytes).expect("a valid request") {
            bytes.drain(..http.length);
            let HttpRequest { method, target, body, .. } = http;
            let request = Request::read(&method, &target, &body).expect("a known request");
            let bytes = match answer(&request) {
                Ok(json) => reply(&json, Ending::KeepAlive),
                Err(failure) => failure_reply(failure, &target, Ending::KeepAlive),
            };
            if stream.write_all(&bytes).is_err() {
                return;
            }
        }
    }
}

fn mgmctl(socket: &std::path::Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mgmctl"));
    command.arg("--socket").arg(socket).args(arguments).output().expect("mgmctl runs")
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).expect("text")
}

/// A list of groups in two pages.
fn pages(request: &Request) -> Result<String, Failure> {
    let group = |address: &str| {
        format!(
            r#"{{"interface":"eth1","index":3,"group":"{address}","mode":"exclude",
            "expires_in_ms":1000,"sources":[],"static_memberships":[],"v1_host_present_ms":null,
            "v2_host_present_ms":null,"hosts_known":null,"host_count":null}}"#
        )
        .replace('\n', "")
    };
    match request {
        Request::Groups(GroupsQuery { page, .. }) => Ok(match &page.after {
            None => {
                let group = group("239.1.1.1");
                format!("{{\"api\":1,\"groups\":[{group}],\"next\":\"eth1/239.1.1.1\"}}\n")
            }
            Some(after) if after.to_string() == "eth1/239.1.1.1" => {
                let group = group("239.1.1.2");
                format!("{{\"api\":1,\"groups\":[{group}],\"next\":null}}\n")
            }
            Some(other) => panic!("no page after {other}"),
        }),
        _ => Err(Failure::new(ErrorCode::Refused, "no").with_details(vec!["because".into()])),
    }
}

#[test]
fn a_long_list_is_read_page_by_page() {
    let socket = router(pages);
    let output = mgmctl(&socket, &["groups"]);
    let lines = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let starts: Vec<&str> = lines.lines().map(|line| &line[..25]).collect();
    assert_eq!(
        starts,
        ["INTERFACE       GROUP    ", "eth1            239.1.1.1", "eth1            239.1.1.2"]
    );
    let output = mgmctl(&socket, &["--json", "groups"]);
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), 2, "each page is a line: {lines}");
    for line in lines.lines() {
        let page: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(page["api"], 1);
    }
}

#[test]
fn the_exit_status_says_who_has_refused() {
    let socket = router(pages);
    let output = mgmctl(&socket, &["reload"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "mgmctl: no\n  because\n");

    let output = mgmctl(&socket, &["relaod"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("'reload'"), "{}", text(&output.stderr));

    let nowhere = some_path();
    let output = mgmctl(&nowhere, &["status"]);
    assert_eq!(output.status.code(), Some(3));
    let error = text(&output.stderr);
    let expected = format!("mgmctl: mgmd does not listen at {}: start mgmd", nowhere.display());
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn an_answer_of_another_version_is_an_error() {
    let socket = router(|_| Ok("{\"api\":1}\n".into()));
    let output = mgmctl(&socket, &["status"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("the answer of this version of the router cannot be shown")
    );
    let output = mgmctl(&socket, &["--json", "status"]);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn watch_prints_until_its_reader_has_enough() {
    let socket = router(|_| Ok("{\"api\":1,\"total\":0,\"flows\":[],\"next\":null}\n".into()));
    let mut child = Command::new(env!("CARGO_BIN_EXE_mgmctl"))
        .arg("--socket")
        .arg(socket)
        .args(["flows", "--watch", "--interval", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("mgmctl runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    for _ in 0..2 {
        let line = lines.next().expect("a table").expect("text");
        assert!(line.starts_with("SOURCE          GROUP           IN       PACKET/S"), "{line}");
    }
    drop(lines);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

/// An example of docs/control.md on one line.
fn example(name: &str) -> String {
    let page = include_str!("../../../docs/control.md");
    let (_, rest) = page.split_once(&format!("<!-- answer: {name} -->\n```json\n")).expect(name);
    let json = rest.split_once("```").expect("the example ends").0;
    json.replace('\n', "") + "\n"
}

#[test]
fn top_shows_mgmd_and_its_flows() {
    let socket = router(|request| {
        Ok(example(match request {
            Request::Status => "status",
            Request::Flows(query) if query.group.is_none() => "flows",
            other => panic!("{other:?} is not needed"),
        }))
    });
    let output = mgmctl(&socket, &["top", "--once", "--interval", "0.1"]);
    assert_eq!(
        text(&output.stdout),
        "mgmd 0.1.0 (kernel), up 24:00:00; 2 of 3 interfaces up\n\
         31 flows, 0 being resolved; 14 groups\n\
         \n\
         SOURCE          GROUP           IN       PACKET/S   KBIT/S EXPIRES OUT\n\
         10.9.0.5        239.1.1.1       eth0            -        -   10:00 eth1\n",
        "{}",
        text(&output.stderr)
    );
}

/// Programs see by the exit status whether packets go out, whatever the output.
#[test]
fn explain_ends_with_the_verdict() {
    let socket = router(|request| match request {
        Request::Explain(query) => {
            let times = [1_000, 0];
            assert!(times.contains(&query.listen_ms), "{query:?}");
            let json = example("explain");
            // Without listening, the TTL is not known.
            let forwarded = r#""verdict": {"forwarded": true, "reason": null, "interface": null,
                "text": "packets are forwarded to eth1", "advice": null}, "arrival""#;
            let (before, rest) = json.split_once("\"verdict\"").expect("a verdict");
            let (_, rest) = rest.split_once("\"arrival\"").expect("an arrival");
            let forwarded = forwarded.replace('\n', "");
            Ok(if query.listen_ms == 0 { format!("{before}{forwarded}{rest}") } else { json })
        }
        other => panic!("{other:?} is not needed"),
    });
    let explain = |arguments: &[&str]| {
        mgmctl(&socket, &[&["explain", "10.9.0.5", "239.1.1.1"], arguments].concat())
    };
    let output = explain(&[]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.contains("\nforwarded  no: packets arrive on eth0 with the TTL 1"), "{shown}");
    let output = explain(&["--listen", "0s"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).ends_with("yes: packets are forwarded to eth1\n"));
    let output = explain(&["--listen", "0s", "--to", "eth2", "--json"]);
    assert_eq!(output.status.code(), Some(4), "eth2 does not get them");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&json["api"], &json["source"]), (&1.into(), &"10.9.0.5".into()));
    for (to, error) in [
        ("eth0", "packets arrive on eth0, so they do not leave there"),
        ("eth9", "eth9 is not in the configuration: mgmctl interfaces lists those"),
    ] {
        let output = explain(&["--to", to]);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(text(&output.stderr), format!("mgmctl: {error}\n"));
    }
    let output = mgmctl(&socket, &["explain", "10.9.0.5", "10.1.1.1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("invalid group 10.1.1.1: use a group"));
}

/// Who may connect depends on the mode of the socket's file.
#[test]
#[cfg(target_os = "linux")]
fn a_user_who_may_not_connect_reads_who_may() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let socket = router(pages);
    let program = some_path();
    // By another process: children of other tests would have this process's descriptor of the copy,
    // and a file that is open for writing cannot be run.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_mgmctl")).arg(&program).status();
    assert!(copied.expect("cp runs").success(), "a copy that everybody may run");
    if !std::fs::metadata("/proc/self")
        .is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0)
    {
        return mgm_netns::skip("not root");
    }
    for (mode, who) in [
        (0o600, ", or as the user that the router runs as\n"),
        (0o660, ", or as a member of the group that owns the socket (mgm)\n"),
    ] {
        std::fs::set_permissions(&socket, PermissionsExt::from_mode(mode)).expect("a mode");
        let mut command = Command::new(&program);
        let output =
            command.arg("--socket").arg(&socket).arg("flows").uid(65534).gid(65534).output();
        let output = output.expect("mgmctl runs");
        let path = socket.display();
        let error =
            format!("mgmctl: no permission to connect to {path}: run the command as root{who}");
        assert_eq!(text(&output.stderr), error);
        assert_eq!(output.status.code(), Some(3));
    }
    std::fs::remove_file(&program).expect("the copy");
}

/// The completions that are installed are those of this program.
#[test]
fn the_shells_have_completions() {
    let installed = [
        ("bash", "_mgmctl()", include_str!("../completions/mgmctl.bash")),
        ("zsh", "#compdef mgmctl", include_str!("../completions/_mgmctl")),
        ("fish", "complete -c mgmctl", include_str!("../completions/mgmctl.fish")),
    ];
    for (shell, has, installed) in installed {
        let output = mgmctl(&some_path(), &["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        let script = text(&output.stdout);
        assert!(script.contains(has) && script.contains("interfaces"), "{shell}");
        assert!(script == installed, "{shell}: run \"make completions\"");
    }
}

#[test]
fn the_socket_may_come_from_the_environment() {
    let socket = router(pages);
    let mut command = Command::new(env!("CARGO_BIN_EXE_mgmctl"));
    command.env("MGMCTL_SOCKET", socket).arg("groups");
    let output = command.output().expect("mgmctl runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("239.1.1.2"));
}

/// The manual page has every command and every option.
#[test]
fn the_manual_is_complete() {
    let page = include_str!("../../../man/man1/mgmctl.1").replace("\\-", "-");
    let help = text(&mgmctl(&some_path(), &["--help"]).stdout);
    let (_, commands) = help.split_once("Commands:\n").expect("a list of commands");
    let (commands, _) = commands.split_once("\n\n").expect("the list ends");
    let names: Vec<&str> =
        commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names.iter().filter(|name| **name != "help") {
        assert!(
            page.contains(&format!("\n.B {name}")) || page.contains(&format!("\n.BI \"{name} ")),
            "{name}"
        );
        let help = text(&mgmctl(&some_path(), &[name, "--help"]).stdout);
        for word in help.split_whitespace().filter(|word| word.starts_with("--")) {
            let option = word.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
            assert!(page.contains(option) || option == "--help", "{name}: {option}");
        }
    }
    let status = page.split_once(".SH \"EXIT STATUS\"").expect("the section").1;
    for code in ["0", "1", "2", "3", "4"] {
        assert!(status.contains(&format!("\n.B {code}\n")), "exit status {code}");
    }
}
