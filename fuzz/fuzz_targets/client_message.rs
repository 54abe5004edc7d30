//! What a router reads from client processes, and client processes from a router.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mgm_remote::frame::{FrameReader, LONGEST_TO_ROUTER};
use mgm_remote::hello::{read_greeting, Hello, Welcome};
use mgm_remote::messages::{decode, decode_mfes, encode, Acks, Answer, Call, Callback};
use mgm_remote::rows::changes::read_changes;
use mgm_remote::wire::{Reader, Wire};
use std::fmt::Debug;

/// A message that is accepted is encoded to what it was read from, up to bytes after its end.
fn check<T: Wire + Debug + PartialEq>(bytes: &[u8]) {
    if let Ok(message) = decode::<T>(bytes) {
        let again = encode(&message);
        assert!(bytes.starts_with(&again), "{message:?}");
        assert_eq!(decode::<T>(&again).as_ref(), Ok(&message));
    }
}

/// A listing is read without copies, and each MFE with what is left of the one before.
fn read_listing(message: &[u8]) {
    let Ok(Ok((listed, rows))) = decode_mfes(message) else { return };
    let (mut reader, mut row) = (Reader::new(rows), Default::default());
    for _ in 0..listed.count {
        if read_changes(&mut row, &mut reader).is_err() {
            return;
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    // The first byte says in which pieces the stream arrives.
    let Some((&step, stream)) = bytes.split_first() else { return };
    let mut reader = FrameReader::new(LONGEST_TO_ROUTER);
    for piece in stream.chunks(usize::from(step).max(1)) {
        reader.add(piece);
        while let Ok(Some(message)) = reader.take() {
            let _ = read_greeting::<Hello>(message);
            let _ = read_greeting::<Welcome>(message);
            check::<Call>(message);
            check::<Acks>(message);
            check::<Answer>(message);
            check::<Callback>(message);
            read_listing(message);
        }
    }
});
