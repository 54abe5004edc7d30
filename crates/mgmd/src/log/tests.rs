use super::*;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

fn pipe() -> (File, Output) {
    let (reader, writer) = nix::unistd::pipe().unwrap();
    (reader.into(), Output::new(Some(writer.into())))
}

fn journal(output: Output) -> Log {
    Log::with(LogLevel::Info, Style::Journal, output)
}

/// What is read until the other side is closed.
fn rest(mut reader: impl Read) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn levels() {
    let (reader, output) = pipe();
    let log = journal(output);
    log.write(LogLevel::Debug, "not yet");
    log.write(LogLevel::Off, "never");
    log.write(LogLevel::Info, "started");
    log.set_level(LogLevel::Debug);
    assert!(log.is_enabled(LogLevel::Debug) && !log.is_enabled(LogLevel::Trace));
    log.write(LogLevel::Debug, "now");
    log.set_level(LogLevel::Off);
    log.write(LogLevel::Error, "nothing");
    drop(log);
    assert_eq!(rest(reader), "<6>started\n<7>now\n");
}

/// Reads everything in a pipe after a while, and checks that only whole lines came out of it.
fn slow_reader(reader: impl Read + Send + 'static, log: Log) {
    let text = "x".repeat(1_000);
    let started = Instant::now();
    for _ in 0..10_000 {
        log.write(LogLevel::Info, &text);
    }
    // 0.1 s in each second, and the time of 10,000 calls. They would take minutes if each waited.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());

    let reader = std::thread::spawn(move || rest(reader));
    let deadline = Instant::now() + Duration::from_secs(20);
    while log.output.lock().unwrap().dropped() > 0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
        log.write(LogLevel::Info, "again");
    }
    drop(log);
    let text_read = reader.join().unwrap();
    let lines: Vec<&str> = text_read.lines().collect();
    let whole = lines.iter().filter(|line| **line == format!("<6>{text}")).count();
    let (mut dropped, mut others) = (0, 0);
    for line in &lines {
        if let Some(count) = line.strip_prefix("<4>").and_then(|l| l.split(' ').next()) {
            dropped += count.parse::<usize>().unwrap();
            assert!(line.ends_with("dropped: stderr is read too slowly"), "{line}");
        } else {
            others += usize::from(*line == "<6>again");
        }
    }
    assert!(whole > 10 && dropped > 1_000, "{whole} {dropped}");
    assert!(others >= 1);
    let reports = lines.iter().filter(|line| line.starts_with("<4>")).count();
    assert_eq!(whole + others + reports, lines.len(), "no line is torn");
}

#[test]
fn a_full_pipe_does_not_stop_the_router() {
    let (reader, output) = pipe();
    slow_reader(reader, journal(output));
}

/// As the log of the journal is: a stream socket.
#[test]
fn a_full_socket_does_not_stop_the_router() {
    let (ours, reader) = UnixStream::pair().unwrap();
    slow_reader(reader, journal(Output::new(Some(OwnedFd::from(ours).into()))));
}

#[test]
fn without_stderr_or_reader_lines_are_lost_silently() {
    journal(Output::new(None)).write(LogLevel::Error, "nowhere");
    let (reader, output) = pipe();
    drop(reader);
    let log = journal(output);
    log.write(LogLevel::Error, "no reader");
    assert_eq!(log.output.lock().unwrap().dropped(), 0);
}

#[test]
fn several_threads_write_whole_lines() {
    let (reader, output) = pipe();
    let log = journal(output);
    let reader = std::thread::spawn(move || rest(reader));
    std::thread::scope(|scope| {
        for n in 0..4 {
            let log = &log;
            scope.spawn(move || {
                for _ in 0..500 {
                    log.write(LogLevel::Info, &n.to_string().repeat(100));
                }
            });
        }
    });
    drop(log);
    let lines = reader.join().unwrap();
    for line in lines.lines().filter(|line| !line.starts_with("<4>")) {
        let digit = line.as_bytes()[3];
        assert!(line.len() == 103 && line.bytes().skip(3).all(|b| b == digit), "{line}");
    }
}

#[test]
fn stderr_of_the_tests_takes_a_line() {
    std::io::stderr().flush().unwrap();
    let log = Log::new(LogLevel::Error);
    log.write(LogLevel::Error, "a line of a test");
    assert_eq!(log.output.lock().unwrap().dropped(), 0);
}
