//! The status socket, and slow clients of it.

use super::*;
use std::io::Write;
use std::os::unix::net::UnixStream;

/// Both ends of a connection.
fn connection() -> (Socket, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Socket::from(OwnedFd::from(ours)), theirs)
}

/// Far less than what those below would take if nobody left them.
fn soon(stop: &StopSignal) -> Deadline<'_> {
    Deadline::after(Duration::from_millis(200), stop)
}

#[test]
fn who_speaks_a_byte_at_a_time_is_left() {
    let (ours, mut theirs) = connection();
    let dribbler = std::thread::spawn(move || {
        // Never silent for long, never at the end.
        (0..LONGEST)
            .take_while(|_| {
                std::thread::sleep(Duration::from_millis(5));
                theirs.write_all(b"x").is_ok()
            })
            .count()
    });
    let error = request(&ours, soon(&StopSignal::new().unwrap())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    drop(ours);
    assert!(dribbler.join().unwrap() < LONGEST, "it was heard to the end");
}

#[test]
fn who_takes_a_little_at_a_time_is_left() {
    let (ours, mut theirs) = connection();
    let text = vec![b'x'; 16 << 20];
    let sipper = std::thread::spawn(move || {
        let (mut piece, mut taken) = ([0; 4096], 0);
        while let Ok(1..) = theirs.read(&mut piece) {
            taken += piece.len();
            std::thread::sleep(Duration::from_millis(5));
        }
        taken
    });
    let error = send(&ours, soon(&StopSignal::new().unwrap()), &text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    drop(ours);
    assert!(sipper.join().unwrap() < text.len(), "it was given all");
}
